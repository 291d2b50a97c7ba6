"""Rules for people: the shelf of decision tables, one table with its clauses and history, two versions side by side."""

from typing import Annotated, Any

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template

from carbonfin.app.approvals.kinds import STATE_WORDS, kind_words
from carbonfin.app.rulebook.exports import file_kinds, file_stem, table_file
from carbonfin.app.rulebook.saved_drafts import RULE_APPROVALS, backdated
from carbonfin.app.rulebook.shelf import Dates, Shelf, chosen, dates_asked, instant_typed
from carbonfin.app.rulebook.trying import FIELD_PREFIX, input_fields, trial_of, typed_inputs
from carbonfin.app.rulebook.views import change_views, table_view
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.rules.difference import differences
from carbonfin.storage.approvals import OPEN_STATES, approval_page, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import cut
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from carbonfin.web.paging import Paging

_Day = Annotated[str, QueryParameter(max_length=10)]
_Time = Annotated[str, QueryParameter(max_length=5, description="Time of that day in China, HH:MM.")]
_Version = Annotated[str, QueryParameter(max_length=34, description="Its first day and the day it was known.")]
TITLE = Text("规则", "Rules")


@get("/rules", sync_to_thread=True)
def rules_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    valid_on: _Day = "",
    known_on: _Day = "",
) -> Template:
    """Show the organisation's decision tables on a pair of days, in pages, and what waits for a second person."""
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on, known_on=known_on)
        shelf = Shelf.of(session, actor, dates)
        waiting = approvals_of(session, actor, states=OPEN_STATES, kinds=RULE_APPROVALS)
    found = cut(shelf.book.names(), paging.place, keys=lambda name: (name,))
    histories = [shelf.history(name) for name in found.items]
    return page(
        request,
        "app/rules.html",
        title=TITLE,
        tables=[(one := chosen(history), table_view(one.version.table), len(history)) for history in histories],
        waiting=waiting,
        state_words=STATE_WORDS,
        beginning=paging.beginning,
        following=paging.following(found),
        **_asked(dates),
    )


@get("/rules/changes", sync_to_thread=True)
def changes_page(request: WebRequest, sessions: Sessions, actor: Actor, paging: Paging) -> Template:
    """Show who proposed and who decided which change of a table or a parameter, the latest first, in pages."""
    with sessions.read() as session:
        found = approval_page(session, actor, paging.place, kinds=RULE_APPROVALS)
    return page(
        request,
        "app/rule_changes_made.html",
        title=Text("规则变更记录", "Changes of rules"),
        changes=[(one, kind_words(one), STATE_WORDS[one.state], backdated(one)) for one in found.items],
        beginning=paging.beginning,
        following=paging.following(found),
    )


@get("/rules/{table_name:str}", sync_to_thread=True)
def rule_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[str],
    valid_on: _Day = "",
    known_on: _Day = "",
    known_time: _Time = "",
    version: _Version = "",
) -> Template:
    """Show one table with its clauses and its history by both dates; what is typed into the form is tried on it."""
    with sessions.read() as session:
        known_at = instant_typed(known_on, known_time)
        dates = dates_asked(
            session, actor, clock, valid_on=valid_on, known_on="" if known_at else known_on, known_at=known_at
        )
        shelf = Shelf.of(session, actor, dates)
    history = shelf.history(table_name)
    shown = chosen(history, version)
    table = shown.version.table
    query = {key: value[:200] for key, value in request.query_params.items() if key.startswith(FIELD_PREFIX)}
    return page(
        request,
        "app/rule.html",
        title=Text(table.title_zh, table.title_en),
        name=table_name,
        shown=shown,
        table=table_view(table),
        history=history,
        fields=input_fields(table, query),
        trial=trial_of(table, typed_inputs(table, query)) if query else None,
        files=file_kinds(shown.version),
        version=version,
        known_time=known_time,
        **_asked(dates),
    )


@get("/rules/{table_name:str}/comparison", sync_to_thread=True)
def comparison_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[str],
    old: _Version = "",
    new: _Version = "",
) -> Template:
    """Show what one version of a table says otherwise than another; left out, the first and the last known."""
    with sessions.read() as session:
        shelf = Shelf.of(session, actor, dates_asked(session, actor, clock, valid_on="", known_on=""))
    history = shelf.history(table_name)
    before = chosen(history, old) if old else history[-1]
    after = chosen(history, new) if new else history[0]
    tables = before.version.table, after.version.table
    return page(
        request,
        "app/rule_comparison.html",
        title=Text(f"{tables[1].title_zh}：版本比较", f"{tables[1].title_en}: versions compared"),
        name=table_name,
        before=before,
        after=after,
        changes=change_views(differences(*tables), *tables),
        choices=[
            (
                one.key,
                Text(
                    f"{one.version.valid_from} 起（{one.known} 知悉）",
                    f"from {one.version.valid_from}, known {one.known}",
                ),
            )
            for one in history
        ],
    )


@get("/rules/{table_name:str}/export/{ending:str}", sync_to_thread=True)
def export_page(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[str],
    ending: FromPath[str],
    version: _Version = "",
) -> Response[Any]:
    """Give a version of a table as a file to keep and to edit: workbook, TOML or JDM."""
    with sessions.read() as session:
        shelf = Shelf.of(session, actor, dates_asked(session, actor, clock, valid_on="", known_on=""))
    found = chosen(shelf.history(table_name), version).version
    return download(table_file(found, ending), stem=file_stem(found), ending=ending)


def _asked(dates: Dates) -> dict[str, Any]:
    return {"valid_on": dates.valid_on.isoformat(), "known_on": china_day(dates.known_at).isoformat()}


routes = [rules_page, changes_page, rule_page, comparison_page, export_page]
