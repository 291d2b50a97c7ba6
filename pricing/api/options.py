"""Volatilities, the surfaces they make, and options valued with them, for systems."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Response

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of
from pricing import service
from pricing.api.market import FromQuery, ToQuery, curve_span, taken
from pricing.calc.curve_quotes import CurveQuoteKind
from pricing.feeds.curve_files import CurveFileKind
from pricing.schemas import CurveImportOut, CurveQuoteListOut, CurveQuoteOut, PriceFileIn
from pricing.schemas.options import OptionsIn, OptionsOut, SurfaceName, VolatilitySurfaceOut


@get("/v1/market/volatilities", sync_to_thread=True, responses=problem_responses(422), tags=["pricing"])
def list_volatilities(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    scheme: Annotated[str | None, QueryParameter(max_length=40, description="Scheme: EUA; left out, all.")] = None,
    from_date: FromQuery = None,
    to_date: ToQuery = None,
) -> CurveQuoteListOut:
    """Give quoted volatilities as known at present, by day, expiry and strike; a year at most."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        first, last = curve_span(from_date, to_date, standing)
        found = service.curve_quotes_of(
            session, actor, kind=CurveQuoteKind.VOLATILITY, name=scheme, from_date=first, to_date=last,
            known_at=standing.known_at,
        )  # fmt: skip
    return CurveQuoteListOut(
        known_at=standing.known_at.isoformat().replace("+00:00", "Z"),
        quotes=[CurveQuoteOut.of(quote) for quote in found],
    )


@post(
    "/v1/market/volatilities",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_volatilities(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PriceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[CurveImportOut]:
    """Import volatilities by expiry and strike: every row or none; with `preview` the faults are listed alone."""
    work = partial(taken, actor=actor, clock=clock, data=data, kind=CurveFileKind.VOLATILITIES)
    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/volatility-surfaces", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_surface(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    name: Annotated[SurfaceName, QueryParameter(description="EUA/4, or EUA where the scheme has one surface.")],
    valuation_date: Annotated[
        DayText | None, QueryParameter(description="Day of the surface; left out, the business date.")
    ] = None,
) -> VolatilitySurfaceOut:
    """Give a volatility surface: a volatility an expiry and strike, forwards, nodes with arbitrage, and its quotes."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="valuation_date")
        answer = service.surfaces_on(session, actor, valuation_date=day, known_at=standing.known_at)
    return VolatilitySurfaceOut.of(service.surface_in(answer, name), answer)


@post(
    "/v1/options/values", sync_to_thread=True, status_code=200, responses=problem_responses(409, 422), tags=["pricing"]
)
def value_options(*, sessions: Sessions, actor: Actor, clock: Clock, data: OptionsIn) -> OptionsOut:
    """Value options on the stored forward, discount and volatility quotes of a day; nothing is kept.

    Each that cannot be valued is listed with field and remedy and the others stand; one alone is refused.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        answer = service.value_options(
            session,
            actor,
            [line.line(place) for place, line in enumerate(data.lines)],
            valuation_date=day_of(data.valuation_date, field="/valuation_date"),
            known_at=standing.known_at,
        )
    failures = answer.batch.failures
    if len(data.lines) == 1 and failures:
        raise service.lone_failure(replace(failures[0], field=f"/lines/0/{failures[0].field}"))
    return OptionsOut.of(answer)


routes = [list_volatilities, import_volatilities, read_surface, value_options]
