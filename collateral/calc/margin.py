"""Margin under a credit support annex (CSA): what is due, what moves, in whole minor units of one currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, Money, round_half_up
from collateral.calc.haircuts import stacked_ratio


class Infinite(StrEnum):
    """A threshold without end: no credit support is ever due."""

    INFINITE = "infinite"


class RoundingDirection(StrEnum):
    """Which multiple an amount is moved to; ties of NEAREST go up."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Amounts move in whole multiples of `multiple`."""

    multiple: Money
    direction: RoundingDirection

    def __post_init__(self) -> None:
        """Refuse a multiple that is not positive."""
        if self.multiple.minor <= 0:
            raise InvalidInput(f"rounding to {self.multiple}", zh="取整倍数须为正数", field="rounding")

    def applied(self, amount: Money) -> Money:
        """Give the multiple that a positive amount is moved to."""
        step = Money(0, amount.currency) + self.multiple
        whole, rest = divmod(amount.minor, step.minor)
        up = self.direction is RoundingDirection.UP and rest > 0
        nearest = self.direction is RoundingDirection.NEAREST and 2 * rest >= step.minor
        return Money((whole + (up or nearest)) * step.minor, amount.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTerms:
    """What one party agreed to as pledgor, all in the base currency of the annex.

    Attributes:
        threshold: Exposure left without cover.
        minimum_transfer: Smallest delivery or return; one equal to it moves.
        delivery_rounding: How a delivery is rounded, usually up.
        return_rounding: How a return is rounded, usually down.
    """

    threshold: Money | Infinite
    minimum_transfer: Money
    delivery_rounding: Rounding
    return_rounding: Rounding

    def __post_init__(self) -> None:
        """Refuse negative amounts and more than one currency."""
        amounts = [self.minimum_transfer, self.delivery_rounding.multiple, self.return_rounding.multiple]
        if isinstance(self.threshold, Money):
            amounts.append(self.threshold)
        if len({one.currency for one in amounts}) != 1 or any(one.minor < 0 for one in amounts):
            raise InvalidInput(
                f"margin terms {', '.join(map(str, amounts))} are negative or in more than one currency",
                zh="保证金条款的金额不能为负，且须为同一币种",
                field="minimum_transfer",
            )

    @property
    def currency(self) -> Currency:
        """The base currency."""
        return self.minimum_transfer.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPosition:
    """Where the secured party stands towards the pledgor on a valuation date, in the base currency.

    Attributes:
        exposure: What the pledgor would owe; negative where the secured party would.
        independent_from_pledgor: Independent amount the pledgor owes.
        independent_to_pledgor: Independent amount the secured party owes.
        posted: Adjusted value held.
        delivery_in_transit: Called and not yet held.
        return_in_transit: Called back and still held.
    """

    exposure: Money
    independent_from_pledgor: Money
    independent_to_pledgor: Money
    posted: Money
    delivery_in_transit: Money
    return_in_transit: Money

    @property
    def posted_counted(self) -> Money:
        """Posted credit support that counts: held, plus on its way in, less on its way out."""
        return self.posted + self.delivery_in_transit - self.return_in_transit


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginMovement:
    """What is due and what moves; at most one of delivery and return is not zero.

    Attributes:
        shortfall: Credit support amount less posted, before the minimum and rounding; negative where too much is held.
    """

    credit_support: Money
    shortfall: Money
    delivery: Money
    returned: Money


def credit_support_amount(position: MarginPosition, threshold: Money | Infinite) -> Money:
    """Give max(exposure + IA of the pledgor - IA of the secured party - threshold, 0) (CSA paragraph 3)."""
    covered = position.exposure + position.independent_from_pledgor - position.independent_to_pledgor
    if isinstance(threshold, Infinite):
        return Money(0, covered.currency)
    return Money(max((covered - threshold).minor, 0), covered.currency)


def margin_movement(position: MarginPosition, terms: MarginTerms) -> MarginMovement:
    """Give the delivery or return of a valuation date; the minimum transfer is tested before rounding.

    delivery = round(CSA - posted) if CSA - posted >= MTA; return = round(posted - CSA) if posted - CSA >= MTA.
    A final return (nothing is due any more) gives back all that is posted: no minimum, no rounding. A return never
    exceeds what is posted.

    Raises:
        InvalidInput: Position and terms are in different currencies.
    """
    due = credit_support_amount(position, terms.threshold)
    posted = position.posted_counted
    shortfall = due - posted
    nothing = Money(0, terms.currency)
    excess = -shortfall
    delivery, returned = nothing, nothing
    if shortfall.minor > 0 and terms.minimum_transfer <= shortfall:
        delivery = terms.delivery_rounding.applied(shortfall)
    elif excess.minor > 0 and due == nothing:
        returned = excess
    elif excess.minor > 0 and terms.minimum_transfer <= excess:
        rounded = terms.return_rounding.applied(excess)
        returned = Money(min(rounded.minor, posted.minor), rounded.currency)
    return MarginMovement(credit_support=due, shortfall=shortfall, delivery=delivery, returned=returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedItem:
    """One item of posted credit support.

    Attributes:
        market_value: In the item's own currency.
        base_per_unit: What one unit of that currency is worth in the base currency.
        haircut_ratio: Valuation haircut of the item.
        fx_haircut_ratio: Added where the item's currency is not the base currency.
        additional_ratio: Additional haircut, added.
    """

    market_value: Money
    base_per_unit: Decimal
    haircut_ratio: Decimal
    fx_haircut_ratio: Decimal
    additional_ratio: Decimal

    def __post_init__(self) -> None:
        """Refuse a rate that is not positive."""
        if self.base_per_unit <= 0:
            raise InvalidInput(f"rate {self.base_per_unit} is not positive", zh="汇率须为正数", field="base_per_unit")


def adjusted_value(item: PostedItem, base: Currency) -> Money:
    """Give market value x rate x (1 - h - h_FX - h_additional) in the base currency, half up; haircuts add.

    Raises:
        InvalidInput: The haircuts do not stay within 0 to 1, or a rate other than 1 is given for the base currency.
    """
    is_base = item.market_value.currency is base
    if is_base and item.base_per_unit != 1:
        raise InvalidInput(f"{base} is worth {item.base_per_unit} {base}", zh="同币种汇率须为 1", field="base_per_unit")
    fx_ratio = Decimal(0) if is_base else item.fx_haircut_ratio
    kept = 1 - stacked_ratio((item.haircut_ratio, fx_ratio, item.additional_ratio))
    return Money.of(round_half_up(item.market_value.amount * item.base_per_unit * kept), base)


def posted_value(items: Iterable[PostedItem], *, base: Currency, eligible: frozenset[Currency]) -> Money:
    """Give the adjusted value of all posted items, the sum of values rounded one by one.

    Raises:
        InvalidInput: An item is in a currency that is not eligible.
    """
    total = Money(0, base)
    for item in items:
        currency = item.market_value.currency
        if currency not in eligible:
            raise InvalidInput(
                f"{currency} is not an eligible currency ({', '.join(sorted(eligible))})",
                zh=f"{currency} 不是合格币种",
                field="currency",
            )
        total = total + adjusted_value(item, base)
    return total
