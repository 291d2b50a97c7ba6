"""Pricing for systems: valuations, quotes and their quality, price files, forward prices."""

import base64
import binascii
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, known_at_present, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.visitors import visitor_of
from carbonfin.web.wire import DayText, IdText, UnitText, day_of
from pricing import service
from pricing.calc.positions import PortfolioLine
from pricing.schemas import (
    ForwardQuoteOut,
    ImportReportOut,
    PortfolioListOut,
    PortfolioOut,
    PreviewIn,
    PreviewOut,
    PriceFileIn,
    QualityOut,
    QuoteListOut,
    QuoteOut,
    ValuationIn,
    ValuationOut,
)

_FAULTS_TOLD = 20
_MARKETS = "pricing_markets"
_Unit = Annotated[UnitText, QueryParameter(description="Unit quoted: CEA, CCER, SZA-2023.")]
_From = Annotated[DayText | None, QueryParameter(name="from", description="First day; left out, all.")]
_To = Annotated[DayText | None, QueryParameter(name="to", description="Last day; left out, the business date.")]


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
    """Value a stored portfolio or a book on a day and keep the decision; a line that cannot be valued fails alone."""

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
) -> PreviewOut:
    """Value a stored portfolio or a book on the market in memory, known at most five seconds ago; nothing is kept.

    As nothing is written, no idempotency key is asked for.
    """
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    visitor = visitor_of(request)
    assert visitor is not None, "the policy lets no stranger in"
    known_at = known_at_present(visitor.business_date, clock, is_sample=visitor.is_sample)
    # The session asks for a connection only when first used: a book on a market in memory never does.
    with sessions.read() as session:
        lines = _lines_of(session, actor, data)
        preview = service.preview_lines(
            session, actor, markets_of(request), lines, valuation_date=valuation_date, known_at=known_at, at=clock.now()
        )
    return PreviewOut.of(preview)


def markets_of(request: WebRequest) -> service.Markets:
    """Give the markets this process keeps in memory."""
    state = request.app.state
    if _MARKETS not in state:
        state[_MARKETS] = service.Markets()
    markets: service.Markets = state[_MARKETS]
    return markets


def _lines_of(session: Session, actor: Actor, data: PreviewIn) -> Sequence[PortfolioLine]:
    if data.lines is not None and data.portfolio_id is None:
        return [line.line(place) for place, line in enumerate(data.lines)]
    if data.portfolio_id is not None and data.lines is None:
        return service.load_portfolio(session, actor, data.portfolio_id).lines
    raise _neither_or_both()


def _recorded(session: Session, actor: Actor, clock: Clock, data: ValuationIn) -> ValuationOut:
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    known_at = standing_of(session, actor.organization_id, clock).known_at
    if data.portfolio_id is not None and data.lines is None:
        valuation = service.record_valuation(
            session, actor, data.portfolio_id, valuation_date=valuation_date, known_at=known_at
        )
    elif data.portfolio_id is None and data.lines is not None:
        valuation = service.record_inline_valuation(
            session,
            actor,
            name=data.name or "inline",
            lines=[line.line(place) for place, line in enumerate(data.lines)],
            valuation_date=valuation_date,
            known_at=known_at,
        )
    else:
        raise _neither_or_both()
    return ValuationOut.of(valuation)


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


@get("/v1/market/quotes", sync_to_thread=True, responses=problem_responses(422), tags=["pricing"])
def list_quotes(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    unit: _Unit,
    from_date: _From = None,
    to_date: _To = None,
) -> Response[QuoteListOut]:
    """Give the quotes of a unit as known at present, by day; the exchange stands with each."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        first, last = _span(from_date, to_date, standing)
        found = service.quote_page(
            session,
            actor,
            paging.place,
            unit=Unit.parse(unit),
            from_date=first,
            to_date=last,
            known_at=standing.known_at,
        )
    body = QuoteListOut(
        unit=str(Unit.parse(unit)),
        known_at=standing.known_at.isoformat().replace("+00:00", "Z"),
        quotes=[QuoteOut.of(quote) for quote in found.items],
    )
    return paging.answer(body, found)


@get("/v1/market/quality", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_quality(
    *, sessions: Sessions, actor: Actor, clock: Clock, unit: _Unit, from_date: _From = None, to_date: _To = None
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
            content=_bytes_of(data.content_base64),
            file_name=data.file_name,
            exchange=data.exchange,
            document=data.document,
            known_at=standing.known_at,
            preview=data.preview,
        )
        if report.failures and not data.preview:
            raise _refused(report)
        return ImportReportOut.of(report)

    answer = idempotently(sessions, actor, request, idempotency_key, data, work)
    markets_of(request).forget(actor)
    return answer


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise InvalidInput(
            f"content_base64 is not base64: {error}", zh="文件内容不是有效的 base64", field="/content_base64"
        ) from error


def _refused(report: service.ImportReport) -> InvalidInput:
    told = report.failures[:_FAULTS_TOLD]
    return InvalidInput(
        f"{len(report.failures)} faults in {report.file.row_count} rows of {report.file.file_name}, nothing was "
        "stored: " + "; ".join(f"{fault.item}, {fault.field}: {fault.detail}" for fault in told),
        zh=f"{report.file.file_name} 共 {report.file.row_count} 行，{len(report.failures)} 处有误，未存入任何一行："
        + "；".join(fault.zh for fault in told),
        field="/content_base64",
        remedy="Correct the rows named and send the whole file again; preview=true lists every fault.",
        remedy_zh="请更正所列各行后整份重新提交；preview=true 可列出全部问题。",
        failed_count=len(report.failures),
        encoding=report.file.encoding,
    )


@get("/v1/forwards/quote", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_forward_quote(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: _Unit,
    delivery_date: Annotated[DayText, QueryParameter(description="Delivery day.")],
    valuation_date: Annotated[DayText, QueryParameter(description="Day the prices refer to.")],
) -> ForwardQuoteOut:
    """Give a forward price at the bank's assumed flat rate: for valuation only, not an offer to trade."""
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
            )
        )


routes = [
    create_valuation,
    preview_valuation,
    read_valuation,
    list_portfolios,
    list_quotes,
    read_quality,
    import_quotes,
    read_forward_quote,
]
