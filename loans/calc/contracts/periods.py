"""Interest periods of many loans at once: from drawdown to maturity, stubs at either end, bank days."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.spans import Days, plus_months

Mask = npt.NDArray[np.bool_]
_DAY = np.timedelta64(1, "D")


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
    if rule.frequency is Frequency.AT_MATURITY:
        return maturity[None, :], np.ones((1, len(maturity)), dtype=bool)
    grid = _grid(drawdown, maturity, rule)
    inside = (grid > drawdown) & (grid < maturity)
    if rule.first_stub is Stub.LONG:
        whole = (grid == drawdown).any(axis=0)
        inside &= whole | ~_first(inside)
    if rule.last_stub is Stub.LONG:
        whole = (grid == maturity).any(axis=0)
        inside &= whole | ~_first(inside[::-1])[::-1]
    ends = np.concatenate([np.where(inside, grid, maturity), maturity[None, :]])
    stands = np.concatenate([inside, np.ones((1, len(maturity)), dtype=bool)])
    order = np.argsort(np.where(stands, ends, maturity + _DAY).astype(np.int64), axis=0, kind="stable")
    kept = int(stands.sum(axis=0).max(initial=0))
    return np.take_along_axis(ends, order, 0)[:kept], np.take_along_axis(stands, order, 0)[:kept]


def rolled_days(days: Days, calendar: Calendar) -> tuple[Days, Mask]:
    """Give payment days moved to the next bank day, and which stand unmoved because no notice reaches them."""
    distinct, places = np.unique(days, return_inverse=True)
    rolled = [calendar.roll_if_known(_date(day)) for day in distinct]
    moved = np.array([roll.day for roll in rolled], dtype="M8[D]")
    provisional = np.array([roll.provisional for roll in rolled], dtype=bool)
    return moved[places].reshape(days.shape), provisional[places].reshape(days.shape)


def _grid(drawdown: Days, maturity: Days, rule: PeriodRule) -> Days:
    """Give the days periods may end on, from at or before the drawdown to at or after the maturity."""
    if rule.frequency in _WEEKS:
        step = _WEEKS[rule.frequency]
        count = int((maturity - drawdown).astype(np.int64).max(initial=0)) // step + 2
        weekly: Days = drawdown[None, :] + (np.arange(count) * step)[:, None].astype("m8[D]")
        return weekly
    step = MONTHS[rule.frequency]
    longest = int((maturity.astype("M8[M]") - drawdown.astype("M8[M]")).astype(np.int64).max(initial=0))
    steps = (np.arange(longest // step + 4) * step)[:, None]
    if rule.settlement_day is None:
        return plus_months(np.broadcast_to(drawdown, (len(steps), len(drawdown))), steps)
    # A month counted from January of year 0 is divisible by the step with its number in the year.
    month = drawdown.astype("M8[M]").astype(np.int64) + 1
    start = (month // step - 1) * step - 1
    first_of_month = (start + steps).astype("M8[M]")
    length = ((first_of_month + 1).astype("M8[D]") - first_of_month.astype("M8[D]")).astype(np.int64)
    after_settlement: Days = first_of_month.astype("M8[D]") + np.minimum(rule.settlement_day, length)
    return after_settlement


def _first(inside: Mask) -> Mask:
    """Mark each loan's first true place."""
    first: Mask = inside & (np.cumsum(inside, axis=0) == 1)
    return first


def _date(day: np.datetime64) -> date:
    plain = day.astype(object)
    assert isinstance(plain, date)
    return plain
