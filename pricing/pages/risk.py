"""The risk of a portfolio: value at risk, whose it is, named stresses, and a scenario of the reader's own."""

from decimal import Decimal
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.units import round_half_up
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.portfolio_risk import RISK_METHOD_LABELS, RiskMethod, stress_labels
from pricing.calc.portfolio_risk.histories import FACTOR_LABELS
from pricing.calc.quality import FINDING_LABELS
from pricing.pages.scenario_forms import MOVE, read_moves

_WAN = Decimal(10_000)
_SHOWN_MAX = 12


@get("/portfolios/{portfolio_id:str}/risk", sync_to_thread=True)
def risk_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    portfolio_id: FromPath[str],
    decision: Annotated[str | None, QueryParameter(max_length=60)] = None,
    rate_move: Annotated[str | None, QueryParameter(max_length=12)] = None,
    fx_move: Annotated[str | None, QueryParameter(max_length=12)] = None,
    volatility_move: Annotated[str | None, QueryParameter(max_length=12)] = None,
    method: Annotated[RiskMethod, QueryParameter()] = RiskMethod.MONTE_CARLO,
) -> Template:
    """Measure a portfolio on the business date, or show a measurement on record, with a form for scenarios."""
    asked = {
        name.removeprefix(MOVE): value
        for name, value in request.query_params.items()
        if name.startswith(MOVE) and value.strip()
    }
    others = {"rate_move": rate_move or "", "fx_move": fx_move or "", "volatility_move": volatility_move or ""}
    with sessions.read() as session:
        portfolio = service.load_portfolio(session, actor, portfolio_id)
        standing = standing_of(session, actor.organization_id, clock)
        if decision:
            answer = service.load_risk(session, actor, decision)
        else:
            answer = service.risk_of_portfolio(
                session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at,
                custom=read_moves({f"{MOVE}{name}": text for name, text in asked.items()} | others), method=method,
            )  # fmt: skip
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "pricing/risk.html",
        title=Text("风险与压力情景", "Risk and stresses"),
        portfolio=portfolio,
        answer=answer,
        risk=answer.risk,
        schemes=tuple(sorted({line.unit.scheme.value for line in portfolio.lines})),
        asked=asked,
        others=others,
        method=answer.risk.method or RiskMethod.MONTE_CARLO,
        method_labels={one: Text(*labels) for one, labels in RISK_METHOD_LABELS.items()},
        factor_labels={kind: Text(*labels) for kind, labels in FACTOR_LABELS.items()},
        finding_labels={kind: Text(*labels) for kind, labels in FINDING_LABELS.items()},
        stress_chart=_stress_chart(answer, language),
        part_chart=_part_chart(answer, language),
        stress_labels={one.code: Text(*stress_labels(one)) for one in answer.risk.stresses},
    )


def _stress_chart(answer: service.RiskAnswer, language: Language) -> Chart | None:
    bars = [
        Bar(label=Words(zh=zh, en=en), amount=one.pnl_cny / _WAN, text=_in_wan(one.pnl_cny))
        for one in answer.risk.stresses
        for zh, en in [stress_labels(one)]
    ]
    return _bars(answer, Words(zh="各压力情景下的损益", en="Profit and loss under each stress"), bars, language)


def _part_chart(answer: service.RiskAnswer, language: Language) -> Chart | None:
    lines = sorted(answer.risk.lines, key=lambda one: -abs(one.component_cny))[:_SHOWN_MAX]
    bars = [
        Bar(
            label=Words(zh=one.line_id, en=one.line_id),
            amount=one.component_cny / _WAN,
            text=_in_wan(one.component_cny),
        )
        for one in lines
    ]  # fmt: skip
    title = Words(zh="预期短缺来自哪些持仓", en="Which lines the expected shortfall comes from")
    return _bars(answer, title, bars, language)


def _bars(answer: service.RiskAnswer, title: Words, bars: list[Bar], language: Language) -> Chart | None:
    if not bars:
        return None
    digest = answer.risk.snapshot_digest[:12]
    return bar_chart(
        title=title, unit=Words(zh="万元", en="CNY 10,000"), bars=bars,
        source=Words(zh=f"行情快照 {digest}", en=f"snapshot {digest}"), as_of=answer.valuation_date, language=language,
    )  # fmt: skip


def _in_wan(amount_cny: Decimal) -> str:
    return f"{round_half_up(amount_cny / _WAN):,}"


@post("/portfolios/{portfolio_id:str}/risk", sync_to_thread=True, status_code=303)
def keep_risk(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    portfolio_id: FromPath[str],
    method: Annotated[RiskMethod, QueryParameter()] = RiskMethod.MONTE_CARLO,
) -> Redirect:
    """Measure a portfolio on the business date, keep the decision and show it."""
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        answer = service.record_risk(
            session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at,
            method=method,
        )  # fmt: skip
    return Redirect(f"/portfolios/{portfolio_id}/risk?decision={answer.decision_id}", status_code=303)
