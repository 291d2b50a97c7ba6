"""What vintages are good for: last usable dates, the obligations they meet, what is carried over, what a lack can cost.

A vintage past its last usable date is worth nothing and says why; a vintage of which no end is known is flagged, never
taken for usable for ever.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Holding, Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.market import Quote

LAST_USABLE_DATE = "pricing.last_usable_date"
CARRIES_FORWARD = "pricing.vintage_carries_forward"
VINTAGE_FACTS = frozenset({LAST_USABLE_DATE, CARRIES_FORWARD})
PENALTY_MULTIPLE = "pricing.penalty_multiple"
PENALTY_MEAN_MONTHS = "pricing.penalty_mean_months"
SURRENDER_DATE = "pricing.surrender_date"
CARRY_OVER_BASE_T = "pricing.carry_over_base_t"
CARRY_OVER_NET_SALES_RATIO = "pricing.carry_over_net_sales_ratio"
_YES = "true"

Finder = Callable[[str, str], ParameterValue | None]
"""Gives the parameter of a key and scope in force, or None."""


class VintageState(StrEnum):
    """What is known of a vintage's end on a day."""

    USABLE = "usable"
    CARRIES_FORWARD = "carries_forward"
    PAST_USE = "past_use"
    UNKNOWN = "unknown"
    NOT_A_VINTAGE = "not_a_vintage"


@dataclass(frozen=True, slots=True, kw_only=True)
class VintageUse:
    """Until when a unit may be surrendered, on what authority.

    Attributes:
        last_usable: The last usable date, None where none is known.
        carries_forward: Whether vintages of the scheme stay usable, None where that is not known.
    """

    unit: Unit
    last_usable: ParameterValue | None
    carries_forward: ParameterValue | None

    def state_on(self, day: date) -> VintageState:
        """Say what the unit is good for on a day; the last usable date itself still counts."""
        if self.last_usable is not None:
            return VintageState.USABLE if day <= self.last_usable.day else VintageState.PAST_USE
        if self.carries_forward is not None and self.carries_forward.value == _YES:
            return VintageState.CARRIES_FORWARD
        return VintageState.NOT_A_VINTAGE if self.unit.vintage is None else VintageState.UNKNOWN

    def is_usable_on(self, day: date) -> bool:
        """Whether it is known that the unit may be surrendered on a day."""
        return self.state_on(day) in {VintageState.USABLE, VintageState.CARRIES_FORWARD}

    def words_on(self, day: date) -> tuple[str, str]:
        """Say in Chinese and English what holds on a day; nothing where there is nothing to say."""
        state = self.state_on(day)
        if state is VintageState.PAST_USE and self.last_usable is not None:
            last = self.last_usable
            return (
                f"已过配额最后可用日 {last.value}（{last.document}），价值为零",
                f"past its last usable date {last.value} ({last.document}): worth nothing",
            )
        if state is VintageState.UNKNOWN:
            return "配额最后可用日未掌握", "last usable date not known"
        return "", ""


def vintage_use(find: Finder, unit: Unit) -> VintageUse:
    """Gather what is known of a unit's end."""
    return VintageUse(
        unit=unit,
        last_usable=find(LAST_USABLE_DATE, str(unit)) if unit.vintage is not None else None,
        carries_forward=find(CARRIES_FORWARD, unit.scheme),
    )


def carry_over_limit_t(*, base_t: int, net_sales_ratio: Decimal, net_sales_t: int, held_t: int) -> int:
    """Give the tonnes of old vintages that may be carried over: T = floor(B + R max(NS, 0)), at most what is held.

    Args:
        base_t: B, tonnes everybody may carry over.
        net_sales_ratio: R, tonnes for each tonne sold net.
        net_sales_t: NS, tonnes sold less bought in the window of the rule; purchases on balance count as nothing.
        held_t: Tonnes of the old vintages held at the day the rule names.

    Source: allocation plan 2023–2024 of the national market, annex 5.

    Raises:
        InvalidInput: The base, the ratio or the holding is negative.
    """
    for name, value in (("base_t", base_t), ("net_sales_ratio", net_sales_ratio), ("held_t", held_t)):
        if value < 0:
            raise InvalidInput(f"{name} is {value}; it must not be negative", zh=f"{name} 不能为负", field=name)
    limit = (Decimal(base_t) + net_sales_ratio * max(net_sales_t, 0)).to_integral_value(rounding=ROUND_FLOOR)
    return min(int(limit), held_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """Units to be surrendered for one compliance year (清缴义务), what was surrendered already taken off."""

    scheme: Scheme
    year: int
    surrender_date: date
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationDraft:
    """Units owed for a compliance year; without a surrender date the rule's own is taken."""

    scheme: Scheme
    year: int
    quantity_t: int
    surrender_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyRange:
    """What a tonne not surrendered costs: from `low` to `high` times a mean price.

    Attributes:
        mean_cny_per_t: The mean price that the rule names (of the month, or the half-year, before the deadline).
    """

    low: ParameterValue
    high: ParameterValue
    mean_cny_per_t: Decimal

    def of(self, quantity_t: int) -> tuple[Decimal, Decimal]:
        """Give the fine of a shortfall, least and most, to the fen."""
        low, high = (round_half_up(quantity_t * one.decimal * self.mean_cny_per_t) for one in (self.low, self.high))
        return low, high


def traded_mean_cny_per_t(quotes: Iterable[Quote]) -> Decimal | None:
    """Give the mean price of trade, amounts over volumes with blocks, to four places; None where no trade is known.

    Of a scheme quoted as a composite over vintages the composite alone is taken: its vintages are in it already.
    """
    every = tuple(quotes)
    whole = tuple(quote for quote in every if quote.unit.vintage is None)
    amount, volume_t = Decimal(0), 0
    for quote in whole or every:
        for paid, traded_t in (
            (quote.listed_amount_cny, quote.listed_volume_t),
            (quote.block_amount_cny, quote.block_volume_t),
        ):
            if paid is not None and traded_t:
                amount += paid
                volume_t += traded_t
    return round_half_up(amount / volume_t, 4) if volume_t else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrender:
    """Tonnes of one unit set against one obligation."""

    unit: Unit
    year: int
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Tonnes that an obligation lacks: what they cost to buy and what the fine would be, None where not known."""

    obligation: Obligation
    quantity_t: int
    purchase_cny: Decimal | None
    penalty_cny: tuple[Decimal, Decimal] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingValue:
    """What a holding is worth to whoever must comply.

    Attributes:
        state: What is known of the vintage on the valuation date.
        surrendered_t: Tonnes that meet obligations.
        carried_t: Tonnes beyond that which keep their use.
        lapsed_t: Tonnes that nothing will use before the vintage ends: worth nothing unless sold in time.
        value_cny: Price times the tonnes that keep a use, None where the unit has no price or its end is not known.
    """

    unit: Unit
    quantity_t: int
    state: VintageState
    surrendered_t: int
    carried_t: int
    lapsed_t: int
    value_cny: Decimal | None
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceValue:
    """Holdings set against obligations by date."""

    holdings: tuple[HoldingValue, ...]
    surrenders: tuple[Surrender, ...]
    shortfalls: tuple[Shortfall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceMarket:
    """What a compliance value takes of the market and the rules.

    Attributes:
        uses: What is known of each unit's end.
        prices_cny_per_t: Price of each unit that has one.
        penalties: What a tonne short costs, by scheme, where the rule and the mean price are known.
        carry_over_t: Tonnes of old vintages that may be carried over, by scheme; none where left out.
    """

    valuation_date: date
    uses: dict[Unit, VintageUse]
    prices_cny_per_t: dict[Unit, Decimal]
    penalties: dict[Scheme, PenaltyRange]
    carry_over_t: dict[Scheme, int]


def compliance_value(
    holdings: Sequence[Holding], obligations: Iterable[Obligation], market: ComplianceMarket
) -> ComplianceValue:
    """Set holdings against obligations: the earliest obligation first, met by the usable unit that ends first.

    As every unit serves any obligation of its scheme up to its last usable date, this order leaves the least shortfall.

    Raises:
        InvalidInput: An obligation is negative, or two holdings are of one unit.
    """
    left = _quantities(holdings)
    surrenders: list[Surrender] = []
    shortfalls: list[Shortfall] = []
    for obligation in sorted(obligations, key=lambda one: (one.surrender_date, one.scheme, one.year)):
        if obligation.quantity_t < 0:
            raise InvalidInput(
                f"the obligation of {obligation.year} is {obligation.quantity_t} t", zh="清缴义务不能为负",
                field="quantity_t",
            )  # fmt: skip
        missing_t = obligation.quantity_t
        for unit in _by_end(left, obligation, market):
            used_t = min(left[unit], missing_t)
            if used_t:
                left[unit] -= used_t
                missing_t -= used_t
                surrenders.append(Surrender(unit=unit, year=obligation.year, quantity_t=used_t))
        if missing_t:
            shortfalls.append(_shortfall(obligation, missing_t, market))
    carried = _carried(left, market)
    return ComplianceValue(
        holdings=tuple(_holding_value(one, left[one.unit], carried[one.unit], market) for one in holdings),
        surrenders=tuple(surrenders),
        shortfalls=tuple(shortfalls),
    )


def _quantities(holdings: Sequence[Holding]) -> dict[Unit, int]:
    left = {one.unit: one.quantity_t for one in holdings}
    if len(left) != len(holdings):
        raise InvalidInput(
            "two holdings are of one unit", zh="同一品种重复持有", field="holdings", remedy="Add them up.",
            remedy_zh="请合并为一条。",
        )  # fmt: skip
    return left


def _by_end(left: dict[Unit, int], obligation: Obligation, market: ComplianceMarket) -> list[Unit]:
    def end(unit: Unit) -> date:
        last = market.uses[unit].last_usable
        return date.max if last is None else last.day

    usable = (
        unit
        for unit in left
        if unit.scheme is obligation.scheme and market.uses[unit].is_usable_on(obligation.surrender_date)
    )
    return sorted(usable, key=lambda unit: (end(unit), unit))


def _shortfall(obligation: Obligation, missing_t: int, market: ComplianceMarket) -> Shortfall:
    prices = [
        price
        for unit, price in market.prices_cny_per_t.items()
        if unit.scheme is obligation.scheme and market.uses[unit].is_usable_on(obligation.surrender_date)
    ]
    penalty = market.penalties.get(obligation.scheme)
    return Shortfall(
        obligation=obligation,
        quantity_t=missing_t,
        # The dearest usable unit: a purchase is never put lower than what it may cost.
        purchase_cny=round_half_up(missing_t * max(prices)) if prices else None,
        penalty_cny=None if penalty is None else penalty.of(missing_t),
    )


def _carried(left: dict[Unit, int], market: ComplianceMarket) -> dict[Unit, int]:
    """Give the tonnes left of each unit that keep their use: all of what carries forward, of the rest what may be."""
    room = dict(market.carry_over_t)
    carried: dict[Unit, int] = {}
    for unit in sorted(left):
        use = market.uses[unit]
        state = use.state_on(market.valuation_date)
        if state is VintageState.CARRIES_FORWARD:
            carried[unit] = left[unit]
        elif state is VintageState.USABLE:
            carried[unit] = min(left[unit], room.get(unit.scheme, 0))
            room[unit.scheme] = room.get(unit.scheme, 0) - carried[unit]
        else:
            carried[unit] = 0
    return carried


def _holding_value(one: Holding, left_t: int, carried_t: int, market: ComplianceMarket) -> HoldingValue:
    use = market.uses[one.unit]
    state = use.state_on(market.valuation_date)
    surrendered_t = one.quantity_t - left_t
    price = market.prices_cny_per_t.get(one.unit)
    zh, en = use.words_on(market.valuation_date)
    value_cny: Decimal | None
    if state is VintageState.PAST_USE:
        value_cny = Decimal("0.00")
    elif state in {VintageState.UNKNOWN, VintageState.NOT_A_VINTAGE} or price is None:
        value_cny = None
    else:
        value_cny = round_half_up((surrendered_t + carried_t) * price)
    lapsed_t = left_t - carried_t if state in {VintageState.USABLE, VintageState.PAST_USE} else 0
    if state is VintageState.USABLE and lapsed_t and use.last_usable is not None:
        zh = f"{lapsed_t} 吨在 {use.last_usable.value} 前无清缴用途且不能结转，须在此前出售"
        en = (
            f"{lapsed_t} t meet no obligation before {use.last_usable.value} and are not carried over: sell them before"
        )
    if value_cny is None and not zh:
        zh, en = _without_value(state)
    return HoldingValue(
        unit=one.unit,
        quantity_t=one.quantity_t,
        state=state,
        surrendered_t=surrendered_t,
        carried_t=carried_t,
        lapsed_t=lapsed_t,
        value_cny=value_cny,
        reason_zh=zh,
        reason_en=en,
    )


def _without_value(state: VintageState) -> tuple[str, str]:
    """Say why a holding has no figure although nothing is said of its end."""
    if state is VintageState.NOT_A_VINTAGE:
        return "未分年度，不能判断其清缴用途", "without a vintage its use for compliance cannot be told"
    return "没有可用价格", "no price is known"
