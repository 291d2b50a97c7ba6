"""The risk of a portfolio: value at risk, whose it is, named stresses, and a scenario of the reader's own."""

from decimal import Decimal
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.portfolio_risk import STRESS_LABELS, CustomStress
from pricing.calc.positions import LINE_KIND_LABELS

_MOVE = "move_"
_PERCENT, _BP = Decimal(100), Decimal(10_000)


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
) -> Template:
    """Measure a portfolio on the business date, or show a measurement on record, with a form for scenarios."""
    asked = {
        name.removeprefix(_MOVE): value
        for name, value in request.query_params.items()
        if name.startswith(_MOVE) and value.strip()
    }
    with sessions.read() as session:
        portfolio = service.load_portfolio(session, actor, portfolio_id)
        standing = standing_of(session, actor.organization_id, clock)
        if decision:
            answer = service.load_risk(session, actor, decision)
        else:
            answer = service.risk_of_portfolio(
                session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at,
                custom=_custom(asked, rate_move),
            )  # fmt: skip
    return page(
        request,
        "pricing/risk.html",
        title=Text("风险与压力情景", "Risk and stresses"),
        portfolio=portfolio,
        answer=answer,
        risk=answer.risk,
        schemes=tuple(sorted({line.unit.scheme.value for line in portfolio.lines})),
        asked=asked,
        rate_move=rate_move or "",
        stress_labels={kind: Text(*labels) for kind, labels in STRESS_LABELS.items()},
        line_kinds={kind: Text(*labels) for kind, labels in LINE_KIND_LABELS.items()},
    )


def _custom(asked: dict[str, str], rate_move: str | None) -> CustomStress | None:
    """Read the form: moves in per cent by scheme, the rate in bp.

    Raises:
        InvalidInput: A scheme is not known, or a number cannot be read.
    """
    moves = []
    for scheme, text in sorted(asked.items()):
        if scheme not in Scheme.__members__:
            raise InvalidInput(f"{scheme!r} is no scheme", zh=f"“{scheme}”不是已知的品种", field=f"{_MOVE}{scheme}")
        moves.append((scheme, parse_decimal(text, field=f"{_MOVE}{scheme}") / _PERCENT))
    rate = Decimal(0) if not (rate_move or "").strip() else parse_decimal(rate_move or "", field="rate_move") / _BP
    return CustomStress(price_moves=tuple(moves), rate_move=rate) if moves or rate else None


@post("/portfolios/{portfolio_id:str}/risk", sync_to_thread=True, status_code=303)
def keep_risk(*, sessions: Sessions, actor: Actor, clock: Clock, portfolio_id: FromPath[str]) -> Redirect:
    """Measure a portfolio on the business date, keep the decision and show it."""
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        answer = service.record_risk(
            session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at
        )
    return Redirect(f"/portfolios/{portfolio_id}/risk?decision={answer.decision_id}", status_code=303)
