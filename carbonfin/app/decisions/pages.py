"""Decisions for people: the list, and one decision with its trace as a table that links to itself."""

import json
from typing import Any

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from carbonfin.app.decisions.kinds import title_of
from carbonfin.app.decisions.replays import replayed
from carbonfin.app.decisions.whole_traces import TablesTried, tables_tried
from carbonfin.app.decisions.words import checker_words
from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import DecisionRecord, Replay, decisions_of, load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import ROLE_NAMES, Text, page

_SHOWN_MAX = 200


@get("/decisions", sync_to_thread=True)
def decision_list(
    request: WebRequest, sessions: Sessions, actor: Actor, subject: FromQuery[str | None] = None
) -> Template:
    """List the organisation's latest decisions, newest first."""
    with sessions.read() as session:
        records = decisions_of(session, actor, subject=subject or None)
    shown = [(record, title_of(record.kind)) for record in records[::-1][:_SHOWN_MAX]]
    return page(
        request,
        "app/decisions.html",
        title=Text("决定记录", "Decisions"),
        shown=shown,
        total_count=len(records),
        subject=subject or "",
    )


@get("/decisions/{decision_id:str}", sync_to_thread=True)
def decision_page(request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[str]) -> Template:
    """Show a decision with its trace."""
    with sessions.read() as session:
        record = load_decision(session, actor, decision_id)
        tried = tables_tried(session, actor, record)
    return _shown(request, record, tried, replay=None)


@post("/decisions/{decision_id:str}/replay", sync_to_thread=True, status_code=200)
def replay_page(request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[str]) -> Template:
    """Make the decision again from its recorded inputs and show whether it comes out the same; nothing is written."""
    with sessions.read() as session:
        record = load_decision(session, actor, decision_id)
        replay = replayed(session, actor, decision_id)
        tried = tables_tried(session, actor, record)
    return _shown(request, record, tried, replay=replay)


def _shown(request: WebRequest, record: DecisionRecord, tried: TablesTried, *, replay: Replay | None) -> Template:
    trace = record.trace
    outputs = {name: value for name, value in record.outputs.items() if name != "trace"}
    return page(
        request,
        "app/decision.html",
        title=title_of(record.kind),
        decision=record,
        trace=trace,
        labels={figure.name: figure for figure in trace},
        unconfirmed_count=sum(not figure.confirmed for figure in trace),
        role=ROLE_NAMES[record.actor_role],
        checker=checker_words(record),
        inputs_text=_readable(record.inputs),
        outputs_text=_readable(outputs),
        replay=replay,
        tables=tried.tables,
        asked_in=tried.asked_in,
    )


def _readable(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=True)


routes = [decision_list, decision_page, replay_page]
