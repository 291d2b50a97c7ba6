"""Decisions for systems: list, read with trace, replay."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from carbonfin.app.decisions.replays import replayed
from carbonfin.app.decisions.schemas import (
    ActorOut,
    ChainHeadListOut,
    ChainHeadOut,
    ChainOut,
    DecisionListOut,
    DecisionOut,
    DecisionSummaryOut,
    ReplayOut,
)
from carbonfin.app.decisions.whole_traces import tables_tried
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.decisions import chain_state, decision_heads, load_decision, signed_heads_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText


@get("/v1/me", sync_to_thread=True, responses=problem_responses(), tags=["session"])
def read_actor(sessions: Sessions, actor: Actor, clock: Clock) -> ActorOut:
    """Say whom the credentials stand for, and the organisation's business date."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
    return ActorOut(
        actor_id=actor.id,
        name=actor.name,
        role=actor.role.value,
        organization_id=actor.organization_id,
        organization_name=standing.name,
        business_date=standing.business_date.isoformat(),
        is_sample=standing.is_sample,
    )


@get("/v1/decisions", sync_to_thread=True, responses=problem_responses(), tags=["decisions"])
def list_decisions(
    *,
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    subject: Annotated[
        str | None, QueryParameter(description="Only decisions on this subject.", max_length=200)
    ] = None,
    kind: Annotated[str | None, QueryParameter(description="Only decisions of this kind.", max_length=100)] = None,
) -> Response[DecisionListOut]:
    """List the organisation's decisions, newest first."""
    with sessions.read() as session:
        found = decision_heads(session, actor, paging.place, subject=subject, kind=kind)
    return paging.answer(DecisionListOut(decisions=[DecisionSummaryOut.of(head) for head in found.items]), found)


@get("/v1/decisions/{decision_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["decisions"])
def read_decision(
    sessions: Sessions, actor: Actor, decision_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[DecisionOut]:
    """Give a decision with its inputs, outputs and trace, and the tables it asked with every row and cell."""
    with sessions.read() as session:
        record = load_decision(session, actor, decision_id)
        tried = tables_tried(session, actor, record)
    return tagged(DecisionOut.of(record, tried.tables, asked_in=tried.asked_in), if_none_match)


@post(
    "/v1/decisions/{decision_id:str}/replay",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 422),
    tags=["decisions"],
)
def replay(sessions: Sessions, actor: Actor, decision_id: FromPath[IdText]) -> ReplayOut:
    """Make the decision again from its recorded inputs and compare every bit; nothing is written."""
    with sessions.read() as session:
        load_decision(session, actor, decision_id)
        return ReplayOut.of(replayed(session, actor, decision_id))


@get("/v1/decisions/chain", sync_to_thread=True, responses=problem_responses(), tags=["decisions"])
def read_chain(sessions: Sessions, actor: Actor) -> ChainOut:
    """Say how long the organisation's chain of decisions is, what is not sealed yet, and what was signed last."""
    with sessions.read() as session:
        return ChainOut.of(chain_state(session, actor))


@get("/v1/decisions/chain/heads", sync_to_thread=True, responses=problem_responses(), tags=["decisions"])
def list_chain_heads(sessions: Sessions, actor: Actor, paging: Paging) -> Response[ChainHeadListOut]:
    """List the signed heads of the organisation's chain, the latest first, each as it can be verified offline."""
    with sessions.read() as session:
        found = signed_heads_of(session, actor, paging.place)
    return paging.answer(ChainHeadListOut(heads=[ChainHeadOut.of(head) for head in found.items]), found)


routes = [read_actor, list_decisions, read_chain, list_chain_heads, read_decision, replay]
