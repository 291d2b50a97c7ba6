"""Structured trades for systems: swaps, spreads, lendings, repos, linked bonds, spread options and quantos."""

from collections.abc import Iterator
from contextlib import contextmanager

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from pricing import service
from pricing.schemas.structures import StructuredTradeIn, StructureValueIn, StructureValueOut


@post(
    "/v1/structured-values",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 422),
    tags=["pricing"],
)
def record_structured_value(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: StructureValueIn,
    idempotency_key: IdempotencyKey,
) -> Response[StructureValueOut]:
    """Value a structured trade on the stored curves, volatilities and rates of a day and keep the decision.

    A price, curve, volatility or correlation that is not known refuses the trade and says what to bring.
    """

    def work(session: Session) -> StructureValueOut:
        with _named_by_pointer():
            return StructureValueOut.of(
                service.record_structure_value(
                    session,
                    actor,
                    data.trade.trade(),
                    valuation_date=day_of(data.valuation_date, field="/valuation_date"),
                    known_at=standing_of(session, actor.organization_id, clock).known_at,
                )
            )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/structured-values/preview",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(409, 422),
    tags=["pricing"],
)
def preview_structured_value(
    *, sessions: Sessions, actor: Actor, clock: Clock, data: StructureValueIn
) -> StructureValueOut:
    """Value a structured trade as a recorded value would; nothing is kept, so no idempotency key is asked for."""
    with sessions.read() as session, _named_by_pointer():
        return StructureValueOut.of(
            service.structure_value_of(
                session,
                actor,
                data.trade.trade(),
                valuation_date=day_of(data.valuation_date, field="/valuation_date"),
                known_at=standing_of(session, actor.organization_id, clock).known_at,
            )
        )


@get(
    "/v1/structured-values/{decision_id:str}",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["pricing"],
)
def read_structured_value(*, sessions: Sessions, actor: Actor, decision_id: FromPath[str]) -> StructureValueOut:
    """Give a structured trade's value on record, by its decision."""
    with sessions.read() as session:
        return StructureValueOut.of(service.load_structure_value(session, actor, decision_id))


@contextmanager
def _named_by_pointer() -> Iterator[None]:
    """Name a field of the trade that is at fault by its place in the body."""
    try:
        yield
    except CarbonFinError as error:
        if error.field in StructuredTradeIn.__struct_fields__:
            error.field = f"/trade/{error.field}"
        raise


routes = [record_structured_value, preview_structured_value, read_structured_value]
