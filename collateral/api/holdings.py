"""Holdings for systems: what a party holds by unit and serial number, and the statements that say so."""

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
from collateral.schemas.holdings import HoldingStatementIn, PartyHoldingsOut, UnitHoldingOut


@get("/v1/parties/{party_id:str}/holdings", sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def read_holdings(sessions: Sessions, actor: Actor, party_id: FromPath[IdText]) -> PartyHoldingsOut:
    """Give what a party holds by unit: total, reserved, locked, free, and its serial numbers."""
    with sessions.read() as session:
        return _holdings(session, actor, party_id)


@post(
    "/v1/parties/{party_id:str}/holdings",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def state_holding(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[IdText],
    data: HoldingStatementIn,
    idempotency_key: IdempotencyKey,
) -> Response[PartyHoldingsOut]:
    """Bring a holding to what its registry states; the same again changes nothing.

    Units of EUA, CCER and SZPHCER may be stated with serial ranges whose lengths sum to the quantity; once an account
    has them, another quantity needs them. Numbers locked for an agreement must be among those stated.
    """

    def work(session: Session) -> PartyHoldingsOut:
        standing = standing_of(session, actor.organization_id, clock)
        service.record_holding(
            session, actor, party_id, data.parsed(), quantity_t=data.quantity_t, standing=standing, cause=data.source,
            serials=tuple(one.value() for one in data.serials),
        )  # fmt: skip
        return _holdings(session, actor, party_id)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


def _holdings(session: Session, actor: Actor, party_id: str) -> PartyHoldingsOut:
    found = service.numbered_holdings_of(session, actor, party_id)
    return PartyHoldingsOut(
        party_id=party_id, holdings=[UnitHoldingOut.of(one.position, one.held, one.free) for one in found]
    )


routes = [read_holdings, state_holding]
