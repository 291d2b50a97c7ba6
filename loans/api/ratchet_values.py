"""What a margin ratchet is worth, for systems."""

from litestar import post
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from loans import service
from loans.schemas.ratchet_values import RatchetValueIn, RatchetValueOut


@post(
    "/v1/ratchet-values",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["loans"],
)
def create_ratchet_value(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RatchetValueIn,
    idempotency_key: IdempotencyKey,
) -> Response[RatchetValueOut]:
    """Value a note's margin ratchet from every grade by the chances of the grades; kept with `record`."""

    def work(session: Session) -> RatchetValueOut:
        standing = standing_of(session, actor.organization_id, clock)
        make = service.record_ratchet_value if data.record else service.try_ratchet_value
        return RatchetValueOut.of(make(session, actor, data.request(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [create_ratchet_value]
