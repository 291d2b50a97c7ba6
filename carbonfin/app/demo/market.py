"""Real quotes, the sample quotes, and the portfolio that is valued."""

from sqlmodel import Session

from carbonfin.app.demo.world import SampleWorld
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.quality import QualityReport
from pricing.service import (
    Valuation,
    import_sample_quotes,
    quality_of,
    record_valuation,
    save_portfolio,
    valuations_of,
)
from pricing.service import load_valuation as load_recorded_valuation

PORTFOLIO_CODE = "DEMO"
CHECKED_UNITS = (Unit.parse("CEA"), Unit.parse("CCER"))


def import_samples(session: Session, actor: Actor) -> int:
    """Bring the invented quotes of Shenzhen vintages into the sample bank."""
    return import_sample_quotes(session, actor)


def check_quotes(session: Session, world: SampleWorld, actor: Actor) -> list[QualityReport]:
    """Check the national allowance and credit quotes up to the business date."""
    return [
        quality_of(
            session,
            actor,
            unit=unit,
            from_date=None,
            to_date=world.business_date,
            known_at=end_of_china_day(world.business_date),
        )
        for unit in CHECKED_UNITS
    ]


def portfolio_lines(world: SampleWorld) -> list[PortfolioLine]:
    """Give the sample portfolio: every enterprise's holdings, the forward and the futures-style contract."""
    lines = [
        PortfolioLine(
            line_id=f"{enterprise.code}-{unit}",
            kind=LineKind.SPOT,
            unit=Unit.parse(unit),
            quantity_t=quantity_t,
            label=enterprise.name,
        )
        for enterprise in world.enterprise
        for unit, quantity_t in enterprise.holdings.items()
    ]
    forward, future = world.portfolio.forward, world.portfolio.future
    lines.append(
        PortfolioLine(
            line_id=forward.code,
            kind=LineKind.FORWARD,
            unit=Unit.parse(forward.unit),
            quantity_t=forward.quantity_t,
            label="场外远期（买入）",
            strike_cny_per_t=forward.strike,
            delivery_date=forward.delivery,
        )
    )
    lines.append(
        PortfolioLine(
            line_id=future.code,
            kind=LineKind.FUTURES,
            unit=Unit.parse(future.unit),
            quantity_t=future.quantity_t,
            label="期货式合约（合成，未上市）",
            strike_cny_per_t=future.price_traded,
            trade_date=future.trade_date,
            contract_code=future.code,
        )
    )
    return lines


def value_sample_portfolio(session: Session, world: SampleWorld, actor: Actor) -> Valuation:
    """Value the sample portfolio as of the business date; a valuation that stands is taken again."""
    portfolio = save_portfolio(
        session, actor, code=PORTFOLIO_CODE, name=world.portfolio.name, lines=portfolio_lines(world)
    )
    for record in valuations_of(session, actor, portfolio.id, limit=20):
        if record.valuation_date == world.business_date:
            return load_recorded_valuation(session, actor, record.id)
    return record_valuation(
        session,
        actor,
        portfolio.id,
        valuation_date=world.business_date,
        known_at=end_of_china_day(world.business_date),
    )
