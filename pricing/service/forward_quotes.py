"""The forward price of a unit for a delivery, on the curves of a day or on a flat rate asked for by name."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.forward_lines import forward_of
from pricing.calc.forward_values import forward_value
from pricing.calc.line_faults import late_delivery
from pricing.calc.lines import FORWARD_RATE, Forward
from pricing.calc.portfolio import priced_market
from pricing.calc.positions import LAST_DELIVERY_DATE, LineKind, LineValue, PortfolioLine
from pricing.calc.tradability import label_notes
from pricing.service.curve_readers import curve_markets_of
from pricing.service.market import market_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardAnswer:
    """A forward price with what it rests on.

    Attributes:
        forward: The numbers.
        shown: What is said of a forward of one tonne on them.
        flat_rate: The assumed rate, None where curves give the price.
        tradable_note_zh: Why it cannot be traded; empty where the law admits it.
    """

    unit: Unit
    currency: Currency
    valuation_date: date
    delivery_date: date
    forward: Forward
    shown: LineValue
    flat_rate: ParameterValue | None
    snapshot_digest: str
    tradable_note_zh: str
    tradable_note_en: str

    @property
    def days(self) -> int:
        """Days to delivery."""
        return (self.delivery_date - self.valuation_date).days


def forward_quote(
    session: Session,
    actor: Actor,
    *,
    unit: Unit,
    delivery_date: date,
    valuation_date: date,
    known_at: datetime,
    currency: Currency = Currency.CNY,
) -> ForwardAnswer:
    """Give the forward price of a unit as a forward of one tonne is valued; for valuation only.

    Args:
        session: Open session.
        actor: Whose market it is.
        unit: What is delivered.
        delivery_date: Day of delivery.
        valuation_date: Day the prices refer to.
        known_at: Instant as of which they were known.
        currency: Currency of the price.

    Raises:
        InvalidInput: Delivery does not lie after the valuation date, or lies beyond what curves reach.
        MissingData: No quote of the unit, no curve, or, where it was chosen by name, no flat rate.
    """
    if delivery_date <= valuation_date:
        raise InvalidInput(
            f"delivery {delivery_date} does not lie after {valuation_date}",
            zh=f"交割日 {delivery_date} 须晚于估值日 {valuation_date}",
            field="delivery_date",
            remedy="Choose a later delivery date.",
            remedy_zh="请选择更晚的交割日。",
        )
    if delivery_date > LAST_DELIVERY_DATE:
        raise late_delivery(delivery_date)
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    line = _one_tonne(unit, delivery_date, currency)
    forwards = curve_markets_of(session, actor, [line], snapshot).forwards
    market = priced_market(snapshot, {unit})
    known = forward_of(market.lines, line, forwards=forwards, unpriced=market.unpriced)
    zh, en = label_notes(snapshot, line)
    return ForwardAnswer(
        unit=unit,
        currency=currency,
        valuation_date=valuation_date,
        delivery_date=delivery_date,
        forward=known,
        shown=forward_value(market.lines, line, known, worth=0.0, present_value_cny=Decimal(0)),
        flat_rate=snapshot.parameter(FORWARD_RATE, scope="") if forwards is None else None,
        snapshot_digest=market.lines.digest,
        tradable_note_zh="；".join(zh),
        tradable_note_en="; ".join(en),
    )


def _one_tonne(unit: Unit, delivery_date: date, currency: Currency) -> PortfolioLine:
    """Give a forward of one tonne; its agreed price has no part in the forward price."""
    is_cny = currency is Currency.CNY
    return PortfolioLine(
        line_id="quote",
        kind=LineKind.FORWARD,
        unit=unit,
        quantity_t=1,
        strike_cny_per_t=Decimal(1) if is_cny else None,
        delivery_date=delivery_date,
        strike_per_t=None if is_cny else Decimal(1),
        currency=None if is_cny else currency,
    )
