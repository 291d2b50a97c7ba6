"""The compliance value of a portfolio: holdings against obligations by date, with the trace of every figure."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.compliance import VintageState
from pricing.calc.compliance_traces import holding_figure, obligation_figure
from pricing.feeds.obligation_texts import NET_SALES_EXAMPLE, OBLIGATION_EXAMPLE, read_net_sales, read_obligations

_STATES = {
    VintageState.USABLE: ("good", Text("可用于清缴", "usable")),
    VintageState.CARRIES_FORWARD: ("good", Text("可结转后续年度", "carries forward")),
    VintageState.PAST_USE: ("breach", Text("已过最后可用日", "past use")),
    VintageState.UNKNOWN: ("warning", Text("最后可用日未掌握", "end not known")),
    VintageState.NOT_A_VINTAGE: ("neutral", Text("未分年度", "no vintage")),
}


@get("/portfolios/{portfolio_id:str}/compliance", sync_to_thread=True)
def compliance_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    obligation_source: service.ObligationSource,
    portfolio_id: FromPath[str],
    on: Annotated[str | None, QueryParameter(max_length=10)] = None,
    owed: Annotated[str, QueryParameter(max_length=5000)] = "",
    net_sales: Annotated[str, QueryParameter(max_length=1000)] = "",
    party: Annotated[str, QueryParameter(max_length=18)] = "",
) -> Template:
    """Set a portfolio's spot holdings against the obligations written in the form; nothing is kept."""
    answer, failure = None, None
    with sessions.read() as session:
        portfolio = service.load_portfolio(session, actor, portfolio_id)
        standing = standing_of(session, actor.organization_id, clock)
        try:
            answer = service.compliance_value_of(
                session,
                actor,
                holdings=service.holdings_of(portfolio.lines),
                obligations=service.owed_for(
                    session,
                    actor,
                    obligation_source,
                    party_code=party.strip().upper(),
                    written=read_obligations(owed),
                    standing=standing,
                    field="party",
                ),
                net_sales_t=read_net_sales(net_sales),
                valuation_date=day_of(on, field="on") if on else standing.business_date,
                known_at=standing.known_at,
            )
        except CarbonFinError as error:
            failure = error
    return page(
        request,
        "pricing/compliance.html",
        title=Text("履约价值", "Compliance value"),
        status_code=200 if failure is None else status_of(failure),
        portfolio=portfolio,
        standing=standing,
        answer=answer,
        labels={} if answer is None else {figure.name: figure for figure in answer.trace},
        on=on or standing.business_date,
        owed=owed,
        net_sales=net_sales,
        party=party,
        failure=failure,
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        states=_STATES,
        holding_figure=holding_figure,
        obligation_figure=obligation_figure,
        obligation_example=OBLIGATION_EXAMPLE,
        net_sales_example=NET_SALES_EXAMPLE,
    )
