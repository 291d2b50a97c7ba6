"""Portfolios and their values: figures that open their trace, lines with price source, staleness and level."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Response, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from pricing import service, workbooks
from pricing.calc.positions import LINE_KIND_LABELS, LineValue
from pricing.calc.traces import price_figure_name
from pricing.pages.market import check_ending

_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line as the table shows it, with the names of its figures in the trace."""

    value: LineValue
    kind: Text
    notes: tuple[Text, ...]
    price_figure: str

    @classmethod
    def of(cls, value: LineValue) -> "LineView":
        """Prepare a line."""
        return cls(
            value=value,
            kind=Text(*LINE_KIND_LABELS[value.kind]),
            notes=tuple(Text(zh, en) for zh, en in zip(value.notes_zh, value.notes_en, strict=True)),
            price_figure=price_figure_name(value),
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
    valuation: service.Valuation | None,
    **context: Any,
) -> Template:
    return page(
        request,
        "pricing/portfolio.html",
        title=title,
        valuation=valuation,
        lines=[LineView.of(line) for line in valuation.value.lines] if valuation else [],
        line_kinds={kind: Text(*labels) for kind, labels in LINE_KIND_LABELS.items()},
        **context,
    )


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
