"""Spans of a year between days, as whole numbers over a fixed year, for many days at once.

The three lawful ways of a Chinese bank: by days (actual/360, actual/365), by months of thirty days (30E/360), and by
whole months at the monthly rate with odd days at the daily rate (整月零头天, 对年对月对日).
"""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

Days = npt.NDArray[np.datetime64]
Whole = npt.NDArray[np.int64]


class YearRule(StrEnum):
    """How days are counted as part of a year."""

    ACTUAL_360 = "actual/360"
    ACTUAL_365 = "actual/365"
    THIRTY_E_360 = "30E/360"
    WHOLE_MONTHS_360 = "whole-months/360"
    WHOLE_MONTHS_365 = "whole-months/365"


SPANS_A_YEAR: dict[YearRule, int] = {
    YearRule.ACTUAL_360: 360,
    YearRule.ACTUAL_365: 365,
    YearRule.THIRTY_E_360: 360,
    YearRule.WHOLE_MONTHS_360: 360,  # a whole month is 30/360 = 1/12
    YearRule.WHOLE_MONTHS_365: 12 * 365,  # a whole month is 365, an odd day 12
}


def spans_between(rule: YearRule, starts: Days, ends: Days) -> Whole:
    """Give the spans of `[start, end)`; the first day counts, the last does not (算头不算尾).

    Raises:
        InvalidInput: An end lies before its start.
    """
    if np.any(ends < starts):
        raise InvalidInput("a period ends before it starts", zh="计息期终止日早于起始日", field="end")
    if rule in (YearRule.ACTUAL_360, YearRule.ACTUAL_365):
        return _day_numbers(ends) - _day_numbers(starts)
    if rule is YearRule.THIRTY_E_360:
        return _thirty(ends) - _thirty(starts)
    months = _whole_months(starts, ends)
    odd = _day_numbers(ends) - _day_numbers(plus_months(starts, months))
    return 30 * months + odd if rule is YearRule.WHOLE_MONTHS_360 else 365 * months + 12 * odd


def plus_months(days: Days, months: Whole | int) -> Days:
    """Give the same day of the month so many months on, or that month's last day where it has none."""
    month = days.astype("M8[M]")
    day = (days - month.astype("M8[D]")).astype(np.int64)
    moved = month + months
    length = ((moved + 1).astype("M8[D]") - moved.astype("M8[D]")).astype(np.int64)
    same_day: Days = moved.astype("M8[D]") + np.minimum(day, length - 1)
    return same_day


def _day_numbers(days: Days) -> Whole:
    return days.astype("M8[D]").astype(np.int64)


def _thirty(days: Days) -> Whole:
    month = days.astype("M8[M]")
    day = (days - month.astype("M8[D]")).astype(np.int64) + 1
    potential: Whole = month.astype(np.int64) * 30 + np.minimum(day, 30)
    return potential


def _whole_months(starts: Days, ends: Days) -> Whole:
    months = ends.astype("M8[M]").astype(np.int64) - starts.astype("M8[M]").astype(np.int64)
    whole: Whole = months - (plus_months(starts, months) > ends)
    return whole
