"""Market data for systems: quotes and their quality, quotes of curves, and files of both."""

from datetime import date, timedelta
from functools import partial
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of, refused_file
from carbonfin.web.wire import DayText, day_of
from pricing import service
from pricing.api.shared import UnitQuery
from pricing.calc.curve_quotes import CurveQuoteKind
from pricing.feeds.curve_files import CurveFileKind
from pricing.schemas import (
    CurveImportOut,
    CurveQuoteListOut,
    CurveQuoteOut,
    ImportReportOut,
    PriceFileIn,
    QualityOut,
    QuoteListOut,
    QuoteOut,
)

_MONTH, _YEAR = timedelta(days=31), timedelta(days=366)
FromQuery = Annotated[DayText | None, QueryParameter(name="from", description="First day; left out, all.")]
_Product = Annotated[
    str | None,
    QueryParameter(
        max_length=40, min_length=1, description="The venue's own product of the unit; left out, the unit as a whole."
    ),
]
ToQuery = Annotated[DayText | None, QueryParameter(name="to", description="Last day; left out, the business date.")]


@get("/v1/market/quotes", sync_to_thread=True, responses=problem_responses(422), tags=["pricing"])
def list_quotes(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    unit: UnitQuery,
    product: _Product = None,
    from_date: FromQuery = None,
    to_date: ToQuery = None,
) -> Response[QuoteListOut]:
    """Give the quotes of a unit as known at present, by day; the exchange stands with each.

    Quotes of a single product of the unit are given only where it is named: its price is not the unit's.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        first, last = _span(from_date, to_date, standing)
        found = service.quote_page(
            session,
            actor,
            paging.place,
            unit=Unit.parse(unit),
            product=product,
            from_date=first,
            to_date=last,
            known_at=standing.known_at,
        )
        flags = service.flags_of(session, actor, found.items, known_at=standing.known_at)
    body = QuoteListOut(
        unit=str(Unit.parse(unit)),
        known_at=standing.known_at.isoformat().replace("+00:00", "Z"),
        quotes=[QuoteOut.of(quote, None if flags is None else flags[quote.quote_date]) for quote in found.items],
    )
    return paging.answer(body, found)


@get("/v1/market/quality", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_quality(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: UnitQuery,
    from_date: FromQuery = None,
    to_date: ToQuery = None,
) -> QualityOut:
    """Check the quotes of a unit and say what was found."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        first, last = _span(from_date, to_date, standing)
        return QualityOut.of(
            service.quality_of(
                session, actor, unit=Unit.parse(unit), from_date=first, to_date=last, known_at=standing.known_at
            )
        )


def _span(from_date: str | None, to_date: str | None, standing: Standing) -> tuple[date | None, date]:
    first = None if from_date is None else day_of(from_date, field="from")
    last = standing.business_date if to_date is None else day_of(to_date, field="to")
    return first, last


@post(
    "/v1/market/quotes",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_quotes(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PriceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[ImportReportOut]:
    """Import a price file: every row or none; with `preview` the faults are listed and nothing is stored."""

    def work(session: Session) -> ImportReportOut:
        standing = standing_of(session, actor.organization_id, clock)
        report = service.import_price_file(
            session,
            actor,
            content=bytes_of(data.content_base64),
            file_name=data.file_name,
            exchange=data.exchange,
            document=data.document,
            known_at=standing.known_at,
            preview=data.preview,
        )
        if report.failures and not data.preview:
            raise refused_file(
                report.failures,
                file_name=report.file.file_name,
                row_count=report.file.row_count,
                encoding=report.file.encoding,
            )
        return ImportReportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/market/curve-quotes", sync_to_thread=True, responses=problem_responses(422), tags=["pricing"])
def list_curve_quotes(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    kind: Annotated[
        CurveQuoteKind | None, QueryParameter(description="Settlement prices, fixings, deposits, swaps or fx.")
    ] = None,
    name: Annotated[
        str | None, QueryParameter(max_length=40, description="Scheme, rate or pair: EUA, SHIBOR, USDCNY.")
    ] = None,
    from_date: Annotated[
        DayText | None, QueryParameter(name="from", description="First day; left out, a month before the last.")
    ] = None,
    to_date: ToQuery = None,
) -> CurveQuoteListOut:
    """Give settlement prices by expiry, rates and exchange rates as known at present, by day; a year at most."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        first, last = curve_span(from_date, to_date, standing)
        found = service.curve_quotes_of(
            session,
            actor,
            kind=kind,
            name=name,
            from_date=first,
            to_date=last,
            known_at=standing.known_at,
        )
    return CurveQuoteListOut(
        known_at=standing.known_at.isoformat().replace("+00:00", "Z"),
        quotes=[CurveQuoteOut.of(quote) for quote in found],
    )


def curve_span(from_date: str | None, to_date: str | None, standing: Standing) -> tuple[date, date]:
    """Give the days asked for, a month before the last where no first is named.

    Raises:
        InvalidInput: They span more than a year.
    """
    first, last = _span(from_date, to_date, standing)
    if first is None:
        first = last - min(_MONTH, last - date.min)
    if last - first > _YEAR:
        raise InvalidInput(
            f"{first} to {last} is more than a year",
            zh=f"{first} 至 {last} 超过一年",
            field="from",
            remedy="Ask for a year at most.",
            remedy_zh="每次最多查询一年。",
        )
    return first, last


@post(
    "/v1/market/settlements",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_settlements(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PriceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[CurveImportOut]:
    """Import settlement prices by expiry: every row or none; with `preview` the faults are listed alone."""
    work = partial(taken, actor=actor, clock=clock, data=data, kind=CurveFileKind.SETTLEMENTS)
    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/market/rates",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_rates(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PriceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[CurveImportOut]:
    """Import rates by name and tenor: every row or none; with `preview` the faults are listed alone."""
    work = partial(taken, actor=actor, clock=clock, data=data, kind=CurveFileKind.RATES)
    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/market/fx",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_fx(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PriceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[CurveImportOut]:
    """Import exchange rates, spot and outright: every row or none; with `preview` the faults are listed alone."""
    work = partial(taken, actor=actor, clock=clock, data=data, kind=CurveFileKind.FX)
    return idempotently(sessions, actor, request, idempotency_key, data, work)


def taken(session: Session, *, actor: Actor, clock: Clock, data: PriceFileIn, kind: CurveFileKind) -> CurveImportOut:
    """Store a file of curve quotes, all rows or none; or list its faults alone.

    Raises:
        InvalidInput: A row is at fault and it was no preview.
    """
    report = service.import_curve_file(
        session,
        actor,
        kind=kind,
        content=bytes_of(data.content_base64),
        file_name=data.file_name,
        exchange=data.exchange,
        document=data.document,
        known_at=standing_of(session, actor.organization_id, clock).known_at,
        preview=data.preview,
    )
    if report.failures and not data.preview:
        raise refused_file(
            report.failures,
            file_name=report.file.file_name,
            row_count=report.file.row_count,
            encoding=report.file.encoding,
        )
    return CurveImportOut.of(report)


routes = [
    list_quotes,
    read_quality,
    import_quotes,
    list_curve_quotes,
    import_settlements,
    import_rates,
    import_fx,
]
