"""Measures of a tape of trades that a tiny print cannot move: volume-weighted prices and their median.

All are exact: amounts over volumes in decimals, unrounded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade, or one day's trades of one kind taken together.

    Attributes:
        is_block: Agreed off the book (大宗协议), kept apart from listed prices.
    """

    day: date
    price_cny_per_t: Decimal
    quantity_t: int
    is_block: bool = False

    def __post_init__(self) -> None:
        """Refuse prints without price or volume."""
        if self.quantity_t <= 0 or not self.price_cny_per_t.is_finite() or self.price_cny_per_t <= 0:
            raise InvalidInput(
                f"print of {self.day}: {self.quantity_t} t at {self.price_cny_per_t}",
                zh=f"{self.day} 的成交记录无效：{self.quantity_t} 吨，{self.price_cny_per_t} 元/吨",
                field="quantity_t" if self.quantity_t <= 0 else "price_cny_per_t",
                remedy="Leave out days without trade; prices and tonnes are positive.",
                remedy_zh="无成交日不应列入；价格与数量须为正数。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeMeasures:
    """Measures of a tape; None where no print of the kind stands in it.

    Attributes:
        mean_cny_per_t: Amount over volume of every print.
        listed_mean_cny_per_t: The same without blocks.
        mean_from_minimum_cny_per_t: Of prints at or above the minimum, blocks included.
        listed_mean_from_minimum_cny_per_t: The same without blocks.
        median_cny_per_t: Volume-weighted median of every print: half of the tonnes traded at or below it.
    """

    last_price_cny_per_t: Decimal | None
    mean_cny_per_t: Decimal | None
    listed_mean_cny_per_t: Decimal | None
    mean_from_minimum_cny_per_t: Decimal | None
    listed_mean_from_minimum_cny_per_t: Decimal | None
    median_cny_per_t: Decimal | None
    traded_day_count: int
    quantity_t: int


def measures_of(prints: Sequence[Print], *, minimum_print_t: int) -> TapeMeasures:
    """Measure a tape in the order of its prints."""
    listed = [one for one in prints if not one.is_block]
    large = [one for one in prints if one.quantity_t >= minimum_print_t]
    return TapeMeasures(
        last_price_cny_per_t=listed[-1].price_cny_per_t if listed else None,
        mean_cny_per_t=mean_of(prints),
        listed_mean_cny_per_t=mean_of(listed),
        mean_from_minimum_cny_per_t=mean_of(large),
        listed_mean_from_minimum_cny_per_t=mean_of(one for one in large if not one.is_block),
        median_cny_per_t=weighted_median(prints),
        traded_day_count=len({one.day for one in prints}),
        quantity_t=sum(one.quantity_t for one in prints),
    )


def mean_of(prints: Iterable[Print]) -> Decimal | None:
    """Give amount over volume, sum(p q) / sum(q), or None of nothing."""
    amount, quantity_t = Decimal(0), 0
    for one in prints:
        amount += one.price_cny_per_t * one.quantity_t
        quantity_t += one.quantity_t
    return amount / quantity_t if quantity_t else None


def last_days(prints: Sequence[Print], count: int) -> list[Print]:
    """Give the prints of the last days that have any."""
    days = sorted({one.day for one in prints})[-count:]
    return [one for one in prints if one.day in days]


def weighted_median(prints: Sequence[Print]) -> Decimal | None:
    """Give the lowest price at or below which half of the tonnes were traded, or None of nothing."""
    total_t = sum(one.quantity_t for one in prints)
    below_t = 0
    for one in sorted(prints, key=lambda one: one.price_cny_per_t):
        below_t += one.quantity_t
        if 2 * below_t >= total_t:
            return one.price_cny_per_t
    return None


def small_print_share(prints: Sequence[Print], *, minimum_print_t: int) -> Decimal:
    """Give the share of the volume in prints under the minimum; nothing of nothing."""
    total_t = sum(one.quantity_t for one in prints)
    small_t = sum(one.quantity_t for one in prints if one.quantity_t < minimum_print_t)
    return Decimal(small_t) / total_t if total_t else Decimal(0)
