"""Portfolios and their values: figures that open their trace, lines with price source, staleness and level."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Response, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.units import Currency, round_half_up
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from pricing import service, workbooks
from pricing.calc.futures_market import labels_of
from pricing.calc.option_traces import SENSITIVITIES, STYLE_LABELS, TYPE_LABELS, option_buckets, option_figure
from pricing.calc.positions import (
    ForwardFigures,
    FuturesFigures,
    LineValue,
    OptionFigures,
)
from pricing.calc.settled_limits import limit_breaches
from pricing.calc.traces import figures_behind, price_figure_name
from pricing.pages.market import check_ending

_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line as the table shows it, with the names of its figures in the trace."""

    value: LineValue
    kind: Text
    notes: tuple[Text, ...]
    source: Text
    price_figure: str
    option: Text | None
    forward: Text | None

    @classmethod
    def of(cls, value: LineValue) -> "LineView":
        """Prepare a line."""
        return cls(
            value=value,
            kind=Text(*value.kind_labels),
            notes=tuple(Text(zh, en) for zh, en in zip(value.notes_zh, value.notes_en, strict=True)),
            source=Text(value.price_source, _english(value.price_source)),
            price_figure=price_figure_name(value),
            option=None if value.option is None else _option_words(value.option),
            forward=_own_words(value.forward) or _margin_words(value.futures),
        )


def _english(source: str) -> str:
    """Turn the words between names of a source; names stay as they were published."""
    for zh, en in (
        ("，曲面 ", ", surface "),
        ("，沿 ", ", along "),
        (" 曲线（", " curve（"),
        (" 持有至交割", " to delivery"),
    ):
        source = source.replace(zh, en)
    return source


def _own_words(forward: ForwardFigures | None) -> Text | None:
    """Say in one line what a forward is worth in the currency it was agreed in, where that is not 元."""
    if forward is None or forward.currency is Currency.CNY:
        return None
    price = f"{round_half_up(forward.forward_per_t, 4):f} {forward.currency}"
    value, rate = f"{forward.present_value:,f} {forward.currency}", f"{forward.cny_per_unit.normalize():f}"
    return Text(
        f"远期 {price}/吨；现值 {value}，汇率 {rate}",
        f"forward {price}/t; value {value} at {rate}",
    )


def _margin_words(futures: FuturesFigures | None) -> Text | None:
    """Say in one line what the day's margin of a contract is in the foreign currency it is settled in."""
    if futures is None:
        return None
    prices = f"{futures.before_per_t:f} → {futures.settlement_per_t:f} {futures.currency}"
    margin, rate = f"{futures.variation_margin:,f} {futures.currency}", f"{futures.cny_per_unit.normalize():f}"
    return Text(
        f"{futures.contract_code} 结算 {prices}/吨；变动保证金 {margin}，汇率 {rate}",
        f"{futures.contract_code} settled {prices}/t; margin {margin} at {rate}",
    )


def _option_words(option: OptionFigures) -> Text:
    """Say in one line what an option is: side, style, strike and expiry."""
    (type_zh, type_en), (style_zh, style_en) = TYPE_LABELS[option.option_type], STYLE_LABELS[option.style]
    strike = f"{option.strike_per_t.normalize():f} {option.currency}"
    return Text(
        f"{style_zh}{type_zh} 行权价 {strike}/吨，{option.expiry_date} 到期",
        f"{style_en} {type_en}, strike {strike}/t, expires {option.expiry_date}",
    )


@get("/portfolios", sync_to_thread=True)
def portfolio_list(*, request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """List the organisation's portfolios with their last value."""
    with sessions.read() as session:
        found = service.list_portfolios(session, actor)
        rows = [(item, service.valuations_of(session, actor, item.id, limit=1)) for item in found]
    return page(
        request,
        "pricing/portfolios.html",
        title=Text("持仓组合", "Portfolios"),
        rows=[(item, last[0] if last else None) for item, last in rows],
    )


@get("/portfolios/{portfolio_id:str}", sync_to_thread=True)
def portfolio_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, portfolio_id: FromPath[str]
) -> Template:
    """Show a portfolio with its last recorded value."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        portfolio = service.load_portfolio(session, actor, portfolio_id)
        history = service.valuations_of(session, actor, portfolio.id, limit=_SHOWN_MAX)
        valuation = service.load_valuation(session, actor, history[0].id) if history else None
    return _shown(request, title=Text(portfolio.name, portfolio.name), standing=standing, portfolio=portfolio,
                  valuation=valuation, history=history)  # fmt: skip


@get("/valuations/{valuation_id:str}", sync_to_thread=True)
def valuation_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, valuation_id: FromPath[str]
) -> Template:
    """Show one recorded valuation."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        valuation = service.load_valuation(session, actor, valuation_id)
        portfolio_id = valuation.record.portfolio_id
        portfolio = service.load_portfolio(session, actor, portfolio_id) if portfolio_id else None
        history = service.valuations_of(session, actor, portfolio_id, limit=_SHOWN_MAX) if portfolio_id else ()
    name = valuation.record.portfolio_name
    return _shown(request, title=Text(name, name), standing=standing, portfolio=portfolio, valuation=valuation,
                  history=history)  # fmt: skip


def _shown(
    request: WebRequest,
    *,
    title: Text,
    portfolio: service.Portfolio | None,
    valuation: service.Valuation | None,
    **context: Any,
) -> Template:
    return page(
        request,
        "pricing/portfolio.html",
        title=title,
        portfolio=portfolio,
        valuation=valuation,
        lines=[LineView.of(line) for line in valuation.value.lines] if valuation else [],
        buckets=option_buckets(valuation.value.lines) if valuation else (),
        breaches=limit_breaches((line.line_id for line in valuation.value.lines), valuation.value.trace)
        if valuation
        else (),
        line_kinds={line.line_id: Text(*labels_of(line)) for line in portfolio.lines} if portfolio else {},
        **context,
    )


@get("/valuations/{valuation_id:str}/lines/{line_id:str}", sync_to_thread=True)
def line_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, valuation_id: FromPath[str], line_id: FromPath[str]
) -> Template:
    """Show one line of a recorded valuation with every figure its value came from."""
    with sessions.read() as session:
        valuation = service.load_valuation(session, actor, valuation_id)
    value = next((one for one in valuation.value.lines if one.line_id == line_id), None)
    if value is None:
        raise NotFound(
            f"the valuation has no value of line {line_id}",
            zh=f"本次估值没有持仓 {line_id} 的结果",
            field="line_id",
            remedy="Choose a line of the valuation.",
            remedy_zh="请从估值明细中选择。",
        )
    trace = figures_behind(valuation.value.trace, (value.figure, *_moves(value)))
    return page(
        request,
        "pricing/line.html",
        title=Text(f"{value.line_id} {value.label}".strip(), f"{value.line_id} {value.label}".strip()),
        record=valuation.record,
        value=value,
        line=LineView.of(value),
        trace=trace,
        labels={figure.name: figure for figure in trace},
    )


def _moves(value: LineValue) -> tuple[str, ...]:
    names = [name for name, *_ in SENSITIVITIES]
    return () if value.option is None else tuple(option_figure(value.line_id, name) for name in names)


@post("/portfolios/{portfolio_id:str}/valuations", sync_to_thread=True, status_code=303)
def value_now(*, sessions: Sessions, actor: Actor, clock: Clock, portfolio_id: FromPath[str]) -> Redirect:
    """Value a portfolio on the business date, keep the decision and show it."""
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        valuation = service.record_valuation(
            session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at
        )
    return Redirect(f"/valuations/{valuation.record.id}", status_code=303)


@get("/valuations/{valuation_id:str}/export/{ending:str}", sync_to_thread=True)
def export_valuation(
    *, sessions: Sessions, actor: Actor, valuation_id: FromPath[str], ending: FromPath[str]
) -> Response[bytes]:
    """Give the lines of a valuation as a workbook or as CSV."""
    check_ending(ending)
    with sessions.read() as session:
        valuation = service.load_valuation(session, actor, valuation_id)
    record = valuation.record
    table = workbooks.valuation_table(
        valuation.value, portfolio_name=record.portfolio_name, valuation_date=record.valuation_date
    )
    stem = f"估值-{record.portfolio_name}-{record.valuation_date}"
    if ending == "csv":
        return download(workbooks.csv_of(table), stem=stem, ending="csv")
    content = workbooks.valuation_workbook(
        valuation.value,
        portfolio_name=valuation.record.portfolio_name,
        valuation_date=valuation.record.valuation_date,
        known_at=valuation.record.known_at,
        decision_id=valuation.record.decision_id,
    )
    return download(content, stem=stem, ending="xlsx")
