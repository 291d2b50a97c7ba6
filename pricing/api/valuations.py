"""Valuations and forward prices for systems: a stored portfolio or a book, recorded or only looked at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, cast

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import known_at_present, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import JSON
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.visitors import visitor_of
from carbonfin.web.wire import DayText, IdText, day_of
from pricing import service
from pricing.api.shared import UnitQuery, markets_of
from pricing.feeds.book_files import read_book_table
from pricing.schemas import (
    ForwardQuoteOut,
    PortfolioListOut,
    PortfolioOut,
    PreviewIn,
    PreviewOut,
    ValuationIn,
    ValuationOut,
)
from pricing.schemas.columns import BookColumnsIn
from pricing.schemas.positions import contract_book_of
from pricing.schemas.written_columns import written_preview


@post(
    "/v1/valuations",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["pricing"],
)
def create_valuation(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ValuationIn,
    idempotency_key: IdempotencyKey,
) -> Response[ValuationOut]:
    """Value a stored portfolio or a book on a day and keep the decision; a line that cannot be valued fails alone.

    A book of one line that cannot be valued is refused.
    """

    def work(session: Session) -> ValuationOut:
        return _recorded(session, actor, clock, data)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/valuations/preview",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409, 422),
    tags=["pricing"],
)
def preview_valuation(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, data: PreviewIn
) -> Response[PreviewOut]:
    """Value a stored portfolio or a book on the market in memory, known at most five seconds ago; nothing is kept.

    With `as_columns` the values come as one array a field, for books of any size. As nothing is written, no idempotency
    key is asked for.
    """
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    visitor = visitor_of(request)
    assert visitor is not None, "the policy lets no stranger in"
    known_at = known_at_present(visitor.business_date, clock, is_sample=visitor.is_sample)
    markets, at = markets_of(request), clock.now()
    if data.portfolio_id is not None and data.lines is None:
        preview = service.preview_portfolio(
            sessions, actor, markets, data.portfolio_id, valuation_date=valuation_date, known_at=known_at, at=at
        )
    elif data.lines is not None and data.portfolio_id is None:
        book = contract_book_of(data.lines)
        preview = service.preview_book(
            sessions, actor, markets, book, valuation_date=valuation_date, known_at=known_at, at=at
        )
    else:
        raise _neither_or_both()
    _refuse_lone_failure(data.lines, preview.failures)
    if data.as_columns:
        return Response(cast("Any", written_preview(preview)), media_type=JSON)
    return Response(PreviewOut.of(preview))


def _recorded(session: Session, actor: Actor, clock: Clock, data: ValuationIn) -> ValuationOut:
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    known_at = standing_of(session, actor.organization_id, clock).known_at
    if sum(given is not None for given in (data.portfolio_id, data.lines, data.columns)) != 1:
        raise _not_one()
    if data.columns is not None:
        return _recorded_columns(session, actor, data, data.columns, valuation_date=valuation_date, known_at=known_at)
    if data.portfolio_id is not None:
        valuation = service.record_valuation(
            session, actor, data.portfolio_id, valuation_date=valuation_date, known_at=known_at
        )
    else:
        lines = data.lines or []
        valuation = service.record_inline_valuation(
            session,
            actor,
            name=data.name or "inline",
            lines=[line.line(place) for place, line in enumerate(lines)],
            valuation_date=valuation_date,
            known_at=known_at,
        )
        _refuse_lone_failure(lines, valuation.value.failures)
    return ValuationOut.of(valuation)


def _recorded_columns(
    session: Session,
    actor: Actor,
    data: ValuationIn,
    columns: BookColumnsIn,
    *,
    valuation_date: date,
    known_at: datetime,
) -> ValuationOut:
    """Value a book of columns: rows that can be read are on record, the others are listed beside them."""
    book = read_book_table(columns.table(1))
    if not book.lines:
        raise service.lone_failure(book.failures[0])
    valuation = service.record_inline_valuation(
        session, actor, name=data.name or "inline", lines=book.lines, valuation_date=valuation_date, known_at=known_at
    )
    if book.row_count == 1 and valuation.value.failures:
        raise service.lone_failure(valuation.value.failures[0])
    return ValuationOut.of(valuation, unread=book.failures, is_in_columns=True)


def _not_one() -> InvalidInput:
    return InvalidInput(
        "give one of portfolio_id, lines and columns",
        zh="portfolio_id、lines、columns 须且只须填写一项",
        field="/portfolio_id",
        remedy="Name a stored portfolio, or give the lines or the columns.",
        remedy_zh="请指定已存组合，或以 lines、columns 之一给出持仓。",
    )


def _refuse_lone_failure(lines: Sequence[object] | None, failures: Sequence[Failure]) -> None:
    """Refuse a single trade that cannot be valued: there is no other line that stands."""
    if lines is not None and len(lines) == 1 and failures:
        raise service.lone_failure(replace(failures[0], field=f"/lines/0/{failures[0].field}"))


def _neither_or_both() -> InvalidInput:
    return InvalidInput(
        "give either portfolio_id or lines, not both and not neither",
        zh="portfolio_id 与 lines 须二选一",
        field="/portfolio_id",
        remedy="Name a stored portfolio or give the lines.",
        remedy_zh="请指定已存组合，或直接给出持仓。",
    )


@get("/v1/valuations/{valuation_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["pricing"])
def read_valuation(
    sessions: Sessions, actor: Actor, valuation_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[ValuationOut]:
    """Give a recorded valuation with its lines."""
    with sessions.read() as session:
        return tagged(ValuationOut.of(service.load_valuation(session, actor, valuation_id)), if_none_match)


@get("/v1/portfolios", sync_to_thread=True, responses=problem_responses(), tags=["pricing"])
def list_portfolios(sessions: Sessions, actor: Actor, paging: Paging) -> Response[PortfolioListOut]:
    """List the organisation's portfolios by code."""
    with sessions.read() as session:
        found = service.portfolio_page(session, actor, paging.place)
    return paging.answer(
        PortfolioListOut(
            portfolios=[
                PortfolioOut(portfolio_id=item.id, code=item.code, name=item.name, is_sample=item.is_sample)
                for item in found.items
            ]
        ),
        found,
    )


@get("/v1/forwards/quote", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_forward_quote(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: UnitQuery,
    delivery_date: Annotated[DayText, QueryParameter(description="Delivery day.")],
    valuation_date: Annotated[DayText, QueryParameter(description="Day the prices refer to.")],
    currency: Annotated[
        Literal["CNY", "CNH", "HKD", "USD", "EUR"], QueryParameter(description="Currency of the price.")
    ] = "CNY",
) -> ForwardQuoteOut:
    """Give a forward price on the curves of a day, or on a flat rate chosen by name: not an offer to trade."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return ForwardQuoteOut.of(
            service.forward_quote(
                session,
                actor,
                unit=Unit.parse(unit),
                delivery_date=day_of(delivery_date, field="delivery_date"),
                valuation_date=day_of(valuation_date, field="valuation_date"),
                known_at=standing.known_at,
                currency=Currency(currency),
            )
        )


routes = [
    create_valuation,
    preview_valuation,
    read_valuation,
    list_portfolios,
    read_forward_quote,
]
