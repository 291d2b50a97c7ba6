"""One pledge on one business date: valued, held against its lines, and what margin moves; built for many at once.

The numbers are struck by `strike`, once for the decision and once for the day's run over all agreements, so both are
the same by construction. The decision adds the trace. What all agreements share (prices, haircuts, lines) is the day's
own decision, named by `facts_id`.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.units import Currency, Money, round_up
from carbonfin.rules.record import ADDED_LATER
from collateral.calc.coverage import Debt, TopUp, Valuation, ValuedLine
from collateral.calc.coverage_rules import (
    CoverageLevel,
    cash_to_initial_cny,
    floor_ratio,
    level_of,
    line_values_cny,
    loan_to_value,
    top_up_t,
)
from collateral.calc.margin import MarginPosition, MarginTerms, margin_movement
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.calc.surrender import (
    SafeDate,
    TradingDays,
    earliest_safe_date,
    safe_date_of,
    sale_days,
)

_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedUnit:
    """A unit with the day's price and haircut, as the day's facts struck them.

    Attributes:
        policy: What the policy of its class makes of the haircut; None where the bank has none in force.
    """

    unit: Unit
    price_cny_per_t: Decimal
    haircut_ratio: Decimal
    source: str
    note_zh: str
    note_en: str
    policy: PolicyHaircut | None = field(default=None, metadata=ADDED_LATER)

    def under(self, policy: PolicyHaircut) -> "PricedUnit":
        """Give it with the larger of its haircut and of what the policy comes to."""
        return replace(self, policy=policy, haircut_ratio=max(self.haircut_ratio, policy.ratio))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """Tonnes of one unit: pledged, or free with the pledgor.

    Attributes:
        attached_t: What of it authorities have frozen, which covers nothing until lifted; None where nothing is.
        unlisted_t: What of it a top-up brought that a schedule does not admit, which covers nothing; None where none.
    """

    priced: PricedUnit
    quantity_t: int
    attached_t: int | None = field(default=None, metadata=ADDED_LATER)
    unlisted_t: int | None = field(default=None, metadata=ADDED_LATER)

    @property
    def uncounted_t(self) -> int:
        """What of it covers nothing."""
        return (self.attached_t or 0) + (self.unlisted_t or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedMargin:
    """Lines and margin terms of the agreement, with where they stand: its own, or else the bank's."""

    initial_ratio: Decimal
    warning_ratio: Decimal
    disposal_ratio: Decimal
    lines_source: str
    margin: MarginTerms
    independent_cny: Decimal
    terms_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginHeld:
    """Cash margin behind the agreement before the day's calls, 元."""

    held_cny: Decimal
    delivery_in_transit_cny: Decimal
    return_in_transit_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEnd:
    """The end of a pledged vintage: a last usable date, or that it carries forward, or neither."""

    unit: Unit
    last_usable: date | None
    carries_forward: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Daily volume of a pledged scheme and the share of it a sale may take."""

    scheme: Scheme
    volume_t: int
    participation_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFacts:
    """What close-out time and last safe date hang on; the open days kept are those the count back can reach."""

    depths: tuple[Depth, ...]
    cure_days: int
    unfreeze_days: int
    ends: tuple[UnitEnd, ...]
    open_days: TradingDays


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyInputs:
    """Everything one agreement's day hangs on."""

    agreement_code: str
    valuation_date: date
    facts_id: str
    lines: tuple[HeldLine, ...]
    debt: Debt
    agreed: AgreedMargin
    margin: MarginHeld
    candidates: tuple[HeldLine, ...]
    ends: EndFacts
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """The numbers of one agreement's day.

    Attributes:
        gap_cny: Debt - collateral value / initial line; negative where the collateral is worth more than it must.
        shortfall_cny: Credit support amount less margin counted, before minimum and rounding.
        delivery_cny: What is called; zero unless coverage stands below the warning line.
        return_cny: What goes back of the margin held.
    """

    valuation: Valuation
    cash_to_initial_cny: Decimal
    top_ups: tuple[TopUp, ...]
    scheme_days: tuple[tuple[Scheme, int, int], ...]
    closeout_days: int
    safe_dates: tuple[SafeDate, ...]
    safe_date: SafeDate
    gap_cny: Decimal
    shortfall_cny: Decimal
    delivery_cny: Decimal
    return_cny: Decimal

    @property
    def is_breached(self) -> bool:
        """Whether coverage, margin held counted, stands below the warning line."""
        return self.valuation.level in {CoverageLevel.WARNING, CoverageLevel.DISPOSAL}


def strike(inputs: DailyInputs) -> Struck:
    """Value the units, strike coverage and level, close-out time and last safe date, and the margin that moves.

    level: C against line x (debt - margin held). Call where it stands below the warning line:
    round_up(max(gap + IA - threshold, 0) - (held + in transit - on its way back)) if not below the minimum transfer.
    A return needs no line: what is held beyond the credit support amount goes back, the rest of a released debt all.

    Raises:
        MissingData: A pledged scheme has no volume, so that no close-out time is known.
        InvalidInput: A participation lies outside 0 to 1.
    """
    agreed = inputs.agreed
    valuation = _valued(inputs)
    cash_cny = cash_to_initial_cny(
        valuation.collateral_value_cny, valuation.debt_cny - inputs.margin.held_cny, agreed.initial_ratio
    )
    days = scheme_days(inputs.lines, inputs.ends.depths)
    longest = max(one[2] for one in days)
    lead_days = inputs.ends.cure_days + longest + inputs.ends.unfreeze_days
    safe_dates = tuple(
        safe_date_of(
            end.unit, last_usable=end.last_usable, carries_forward=end.carries_forward, lead_days=lead_days,
            trading_days=inputs.ends.open_days,
        )
        for end in inputs.ends.ends
    )  # fmt: skip
    gap_cny, shortfall_cny, delivery_cny, return_cny = _moved(inputs, valuation)
    return Struck(
        valuation=valuation, cash_to_initial_cny=cash_cny,
        top_ups=tuple(top_up_of(one, valuation, inputs) for one in inputs.candidates) if cash_cny else (),
        scheme_days=days, closeout_days=longest, safe_dates=safe_dates, safe_date=earliest_safe_date(safe_dates),
        gap_cny=gap_cny, shortfall_cny=shortfall_cny, delivery_cny=delivery_cny, return_cny=return_cny,
    )  # fmt: skip


def _valued(inputs: DailyInputs) -> Valuation:
    lines, market_cny, collateral_cny = [], _ZERO, _ZERO
    for one in inputs.lines:
        priced = one.priced
        line_market_cny, line_collateral_cny = line_values_cny(
            one.quantity_t, priced.price_cny_per_t, priced.haircut_ratio, attached_t=one.uncounted_t
        )
        market_cny += line_market_cny
        collateral_cny += line_collateral_cny
        lines.append(
            ValuedLine(
                unit=priced.unit, quantity_t=one.quantity_t, price_cny_per_t=priced.price_cny_per_t,
                haircut_ratio=priced.haircut_ratio, market_value_cny=line_market_cny,
                collateral_value_cny=line_collateral_cny,
            )
        )  # fmt: skip
    debt_cny, agreed = inputs.debt.total_cny, inputs.agreed
    level = level_of(
        collateral_cny, debt_cny - inputs.margin.held_cny, initial=agreed.initial_ratio, warning=agreed.warning_ratio,
        disposal=agreed.disposal_ratio,
    )  # fmt: skip
    return Valuation(
        lines=tuple(lines), market_value_cny=market_cny, collateral_value_cny=collateral_cny, debt_cny=debt_cny,
        coverage_ratio=floor_ratio(collateral_cny, debt_cny) if debt_cny else None,
        ltv_ratio=loan_to_value(inputs.debt.principal_cny, market_cny), level=level,
    )  # fmt: skip


def _moved(inputs: DailyInputs, valuation: Valuation) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    def money(amount: Decimal) -> Money:
        return Money(int(amount.scaleb(2)), Currency.CNY)

    agreed, margin = inputs.agreed, inputs.margin
    gap_cny = round_up(valuation.debt_cny - valuation.collateral_value_cny / agreed.initial_ratio, 2)
    movement = margin_movement(
        MarginPosition(
            exposure=money(gap_cny), independent_from_pledgor=money(agreed.independent_cny),
            independent_to_pledgor=money(_ZERO), posted=money(margin.held_cny),
            delivery_in_transit=money(margin.delivery_in_transit_cny),
            return_in_transit=money(margin.return_in_transit_cny),
        ),
        agreed.margin,
    )  # fmt: skip
    is_breached = valuation.level in {CoverageLevel.WARNING, CoverageLevel.DISPOSAL}
    owed_back = min(movement.returned.minor, money(margin.held_cny - margin.return_in_transit_cny).minor)
    return (
        gap_cny,
        movement.shortfall.amount,
        movement.delivery.amount if is_breached else _ZERO,
        Money(max(owed_back, 0), Currency.CNY).amount,
    )


def scheme_days(lines: tuple[HeldLine, ...], depths: tuple[Depth, ...]) -> tuple[tuple[Scheme, int, int], ...]:
    """Give each pledged scheme with its tonnes and the days a sale takes: N = ceil(Q / (participation * ADV)).

    Raises:
        MissingData: A pledged scheme has no volume, so that no close-out time is known.
        InvalidInput: A participation lies outside 0 to 1.
    """
    tonnes: dict[Scheme, int] = {}
    for one in lines:
        scheme = one.priced.unit.scheme
        tonnes[scheme] = tonnes.get(scheme, 0) + one.quantity_t
    by_scheme = {depth.scheme: depth for depth in depths}
    found = []
    for scheme, quantity_t in tonnes.items():
        depth = by_scheme.get(scheme)
        days = sale_days(
            scheme, quantity_t, volume_t=0 if depth is None else depth.volume_t,
            participation_ratio=Decimal(1) if depth is None else depth.participation_ratio,
        )  # fmt: skip
        found.append((scheme, quantity_t, days))
    return tuple(found)


def top_up_of(one: HeldLine, valuation: Valuation, inputs: DailyInputs) -> TopUp:
    """Give what restores the initial line in a unit that the pledgor holds free.

    Raises:
        InvalidInput: The unit has no collateral value.
    """
    priced = one.priced
    quantity_t = top_up_t(
        priced.unit, price_cny_per_t=priced.price_cny_per_t, haircut_ratio=priced.haircut_ratio,
        collateral_value_cny=valuation.collateral_value_cny, debt_cny=valuation.debt_cny - inputs.margin.held_cny,
        initial_ratio=inputs.agreed.initial_ratio,
    )  # fmt: skip
    return TopUp(
        unit=priced.unit, quantity_t=quantity_t, free_t=one.quantity_t, is_sufficient=one.quantity_t >= quantity_t
    )
