"""Objections to ratings for systems: file one, put an answer before the checkers, and list them."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from loans import service
from loans.schemas.rating_objections import ObjectionAnswerIn, ObjectionIn, ObjectionListOut, ObjectionOut

_Usci = Annotated[str, QueryParameter(description="The enterprise.", min_length=18, max_length=18)]
_WRITES = problem_responses(400, 404, 409, 422)


@post("/v1/ratings/objections", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def file_objection(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ObjectionIn,
    idempotency_key: IdempotencyKey,
) -> Response[ObjectionOut]:
    """Write down an enterprise's objection to its latest rating by the scorecard, with the day to answer by."""

    def work(session: Session) -> ObjectionOut:
        party = party_by_code(session, actor, data.usci)
        standing = standing_of(session, actor.organization_id, clock)
        made = service.file_objection(session, actor, party, data.draft(), standing=standing)
        views = service.objections_of(session, actor, party.id)
        return ObjectionOut.of(next(one for one in views if one.objection.id == made.id))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/ratings/objections/{objection_id:str}/answers", sync_to_thread=True, status_code=202, responses=_WRITES,
    tags=["loans"],
)  # fmt: skip
def propose_objection_answer(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    objection_id: FromPath[IdText],
    data: ObjectionAnswerIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Put an answer before the checkers; once approved, one that upholds rates anew from the corrected lines."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_answer(
                session, actor, objection_id, outcome=data.outcome, finding=data.finding, standing=standing
            )
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get("/v1/ratings/objections", sync_to_thread=True, responses=problem_responses(404), tags=["loans"])
def list_objections(*, sessions: Sessions, actor: Actor, usci: _Usci) -> ObjectionListOut:
    """List an enterprise's objections to its ratings, the latest first, with their answers."""
    with sessions.read() as session:
        party = party_by_code(session, actor, usci)
        found = service.objections_of(session, actor, party.id)
    return ObjectionListOut(party_id=party.id, objections=[ObjectionOut.of(one) for one in found])


routes = [file_objection, propose_objection_answer, list_objections]
