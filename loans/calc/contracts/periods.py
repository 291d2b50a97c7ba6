"""Interest periods of many loans at once: from drawdown to maturity, stubs at either end, bank days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.spans import Days, Whole, day_numbers, first_of_month, month_numbers

Mask = npt.NDArray[np.bool_]


class Frequency(StrEnum):
    """How often interest is paid."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half-yearly"
    YEARLY = "yearly"
    AT_MATURITY = "at-maturity"


class Stub(StrEnum):
    """What becomes of a first or last period shorter than the others: it stands, or joins its neighbour."""

    SHORT = "short"
    LONG = "long"


MONTHS: dict[Frequency, int] = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.HALF_YEARLY: 6,
    Frequency.YEARLY: 12,
}
_WEEKS: dict[Frequency, int] = {Frequency.WEEKLY: 7, Frequency.FORTNIGHTLY: 14}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """How a life is divided into periods.

    Attributes:
        settlement_day: Interest is settled up to and including this day (结息日) of months divisible by the step and
            paid the day after; None counts periods from the drawdown day itself.
    """

    frequency: Frequency
    settlement_day: int | None = None
    first_stub: Stub = Stub.SHORT
    last_stub: Stub = Stub.SHORT

    def __post_init__(self) -> None:
        """Refuse a settlement day no month has, or one where periods are not of months."""
        if self.settlement_day is None:
            return
        if not 1 <= self.settlement_day <= 31 or self.frequency not in MONTHS:
            raise InvalidInput(
                f"settlement day {self.settlement_day} with {self.frequency} payments",
                zh="结息日须为 1 至 31，且仅适用于按月、季、半年、年付息",
                field="settlement_day",
            )


def period_ends(drawdown: Days, maturity: Days, rule: PeriodRule) -> tuple[Days, Mask]:
    """Give the ends of all periods [P, N] and which of them stand; each loan's last one is its maturity.

    Steps are counted from the anchor, never from the end before, so that the 31st stays the 31st where a month has one.

    Raises:
        InvalidInput: A maturity is not after its drawdown.
    """
    if np.any(maturity <= drawdown):
        raise InvalidInput("a maturity is not after its drawdown", zh="到期日须晚于提款日", field="maturity_date")
    last = day_numbers(maturity)
    if rule.frequency is Frequency.AT_MATURITY or not len(last):
        return maturity[None, :], np.ones((1, len(last)), dtype=bool)
    start = day_numbers(drawdown)
    grid = _grid(drawdown, rule)
    passed = sum(((grid(np.full(len(last), step)) <= start).astype(np.int64) for step in range(3)), start * 0)
    if rule.first_stub is Stub.LONG:
        joins = (grid(passed - 1) != start) & (grid(passed) < last)
        passed = passed + joins
    days = grid(passed + np.arange(_most(start, last, rule))[:, None])
    inside = days < last
    count = inside.sum(axis=0)
    if rule.last_stub is Stub.LONG:
        count = count - ((grid(passed + count) != last) & (count > 0))
    places = np.arange(int(count.max()) + 1)[:, None]
    ends: Days = np.where(places < count, days[: len(places)], last).view("M8[D]")
    return ends, places <= count


def rolled_days(days: Days, calendar: Calendar) -> tuple[Days, Mask]:
    """Give payment days moved to the next bank day, and which stand unmoved because no notice reaches them."""
    if not days.size:
        return days, np.zeros(days.shape, dtype=bool)
    numbers = day_numbers(days)
    places = numbers - numbers.min()
    asked = np.zeros(int(places.max()) + 1, dtype=bool)
    asked[places] = True
    distinct = np.flatnonzero(asked)
    rolled = [calendar.roll_if_known(_date(number)) for number in distinct + numbers.min()]
    moved, provisional = np.zeros(len(asked), dtype="M8[D]"), np.zeros(len(asked), dtype=bool)
    moved[distinct] = np.array([roll.day for roll in rolled], dtype="M8[D]")
    provisional[distinct] = [roll.provisional for roll in rolled]
    return moved[places], provisional[places]


def _grid(drawdown: Days, rule: PeriodRule) -> Callable[[Whole], Whole]:
    """Give the days periods may end on by their number; the first is at or before the drawdown, the third after."""
    if rule.frequency in _WEEKS:
        start, days = day_numbers(drawdown), _WEEKS[rule.frequency]
        return lambda steps: start + steps * days
    months = MONTHS[rule.frequency]
    month = month_numbers(drawdown)
    if rule.settlement_day is None:
        day = day_numbers(drawdown) - first_of_month(month) + 1
        return lambda steps: _day_of_month(month + steps * months, day) - 1
    # January is month 0 of its year, so that a month divisible by the step has a number one below a multiple of it.
    settled, before = rule.settlement_day, (month + 1) // months * months - months - 1
    return lambda steps: _day_of_month(before + steps * months, settled)


def _day_of_month(months: Whole, day: Whole | int) -> Whole:
    """Give the day after a day of the month, or after its last day where it has no such day."""
    first = first_of_month(months)
    after: Whole = first + np.minimum(day, first_of_month(months + 1) - first)
    return after


def _most(start: Whole, last: Whole, rule: PeriodRule) -> int:
    """Give as many periods as the longest loan can have, and one more."""
    shortest = _WEEKS.get(rule.frequency, 28 * MONTHS.get(rule.frequency, 0))
    return int((last - start).max()) // shortest + 2


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(number))
