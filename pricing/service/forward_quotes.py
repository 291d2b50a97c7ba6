"""The forward price of a unit for a delivery, on the curves of a day or on a flat rate asked for by name."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, round_half_up
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.forward_convexity import ForwardConvexity, ImpliedVolatility, forward_convexity
from pricing.calc.forward_lines import forward_of
from pricing.calc.forward_values import forward_value
from pricing.calc.line_faults import late_delivery
from pricing.calc.lines import FORWARD_RATE, Forward
from pricing.calc.market import MarketSnapshot
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio import priced_market
from pricing.calc.positions import (
    LAST_DELIVERY_DATE,
    ForwardBasis,
    ForwardFigures,
    LineKind,
    LineValue,
    PortfolioLine,
)
from pricing.calc.tradability import label_notes
from pricing.service.curve_readers import CurveReader, curve_reader, rests_on_curves
from pricing.service.market import market_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardAnswer:
    """A forward price with what it rests on.

    Attributes:
        forward: The numbers.
        shown: What is said of a forward of one tonne on them.
        convexity: What daily settlement makes of a price off a futures curve; the price does not take it in.
        flat_rate: The assumed rate, None where curves give the price.
        tradable_note_zh: Why it cannot be traded; empty where the law admits it.
    """

    unit: Unit
    currency: Currency
    valuation_date: date
    delivery_date: date
    forward: Forward
    shown: LineValue
    convexity: ForwardConvexity
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
    reader = _reader(session, actor, snapshot, line)
    forwards = None if reader is None else reader.forwards([line])
    market = priced_market(snapshot, {unit})
    known = forward_of(market.lines, line, forwards=forwards, unpriced=market.unpriced)
    zh, en = label_notes(snapshot, line)
    shown = forward_value(market.lines, line, known, worth=0.0, present_value_cny=Decimal(0))
    return ForwardAnswer(
        unit=unit,
        currency=currency,
        valuation_date=valuation_date,
        delivery_date=delivery_date,
        forward=known,
        shown=shown,
        convexity=forward_convexity(snapshot, line, shown.forward, implied=_at_the_money(reader, line, shown.forward)),
        flat_rate=snapshot.parameter(FORWARD_RATE, scope="") if forwards is None else None,
        snapshot_digest=market.lines.digest,
        tradable_note_zh="；".join(zh),
        tradable_note_en="; ".join(en),
    )


def _reader(session: Session, actor: Actor, snapshot: MarketSnapshot, line: PortfolioLine) -> CurveReader | None:
    """Give what reads the curves of the day, None where the bank chose its flat rate."""
    if not rests_on_curves(snapshot, [line]):
        return None
    return curve_reader(session, actor, valuation_date=snapshot.valuation_date, known_at=snapshot.known_at)


def _at_the_money(
    reader: CurveReader | None, line: PortfolioLine, figures: ForwardFigures | None
) -> ImpliedVolatility | None:
    """Give the volatility of the day's surface at the forward and delivery; None where no surface gives one."""
    if reader is None or figures is None or figures.basis is not ForwardBasis.FUTURES_CURVE:
        return None
    option = PortfolioLine(
        line_id="quote", kind=LineKind.OPTION, unit=line.unit, quantity_t=1, delivery_date=line.delivery_date,
        option_type=OptionType.CALL, option_style=ExerciseStyle.EUROPEAN, expiry_date=line.delivery_date,
        strike_per_t=round_half_up(figures.forward_per_t, 2),
    )  # fmt: skip
    market = reader.options([option])
    if market is None or not market.points:
        return None
    point = market.points[0]
    return ImpliedVolatility(
        value=round_half_up(point.volatility, 6), source=f"曲面 {point.surface} {point.quote_date}"
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
