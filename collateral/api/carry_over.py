"""Carry-over for systems: try it, keep it, read what was kept."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas.carry_over import CarryOverIn, CarryOverListOut, CarryOverOut, KeptCarryOverOut


@get(
    "/v1/parties/{party_id:str}/carry-over", sync_to_thread=True, responses=problem_responses(404), tags=["collateral"]
)
def read_carry_overs(sessions: Sessions, actor: Actor, party_id: FromPath[IdText]) -> CarryOverListOut:
    """List an emitter's kept decisions of carry-over, the latest first; the first of a scheme stands."""
    with sessions.read() as session:
        found = service.carry_overs_of(session, actor, party_id)
    return CarryOverListOut(carry_overs=[KeptCarryOverOut.of(one) for one in found])


@post(
    "/v1/parties/{party_id:str}/carry-over",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_carry_over(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[IdText],
    data: CarryOverIn,
    idempotency_key: IdempotencyKey,
) -> Response[CarryOverOut]:
    """Give what an emitter may carry over by the dated rule, and keep it unless `record` is false."""

    def work(session: Session) -> CarryOverOut:
        standing = standing_of(session, actor.organization_id, clock)
        if not data.record:
            return CarryOverOut.of(
                service.try_carry_over(session, actor, party_id, data.draft(), standing=standing), None
            )
        kept = service.record_carry_over(session, actor, party_id, data.draft(), standing=standing)
        return CarryOverOut.of(kept.outcome, kept.decision_id)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [read_carry_overs, create_carry_over]
