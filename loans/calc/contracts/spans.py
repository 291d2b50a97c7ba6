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


_MONTHS_BEFORE_1970 = 70 * 12
_FIRST_DAYS = np.arange(-_MONTHS_BEFORE_1970, 430 * 12).astype("M8[M]").astype("M8[D]").view(np.int64)


def spans_between(rule: YearRule, starts: Days, ends: Days) -> Whole:
    """Give the spans of `[start, end)`; the first day counts, the last does not (算头不算尾).

    Raises:
        InvalidInput: An end lies before its start.
    """
    if np.any(ends < starts):
        raise InvalidInput("a period ends before it starts", zh="计息期终止日早于起始日", field="end")
    if rule in (YearRule.ACTUAL_360, YearRule.ACTUAL_365):
        return day_numbers(ends) - day_numbers(starts)
    if rule is YearRule.THIRTY_E_360:
        return _thirty(ends) - _thirty(starts)
    months = _whole_months(starts, ends)
    odd = day_numbers(ends) - day_numbers(plus_months(starts, months))
    return 30 * months + odd if rule is YearRule.WHOLE_MONTHS_360 else 365 * months + 12 * odd


def plus_months(days: Days, months: Whole | int) -> Days:
    """Give the same day of the month so many months on, or that month's last day where it has none.

    Raises:
        InvalidInput: A day lies before 1900 or after 2399.
    """
    month, day = _month_and_day(days)
    moved = month + months
    first = first_of_month(moved)
    moved_day: Days = (first + np.minimum(day, first_of_month(moved + 1) - first - 1)).view("M8[D]")
    return moved_day


def first_of_month(months: Whole) -> Whole:
    """Give day numbers of the first of months counted from January 1970, from a table: reckoning them is slow."""
    places = months + _MONTHS_BEFORE_1970
    if places.size and (places.min() < 0 or places.max() >= len(_FIRST_DAYS)):
        raise InvalidInput("a day lies before 1900 or after 2399", zh="日期须在 1900 年至 2399 年之间", field="date")
    first: Whole = _FIRST_DAYS[places]
    return first


def month_numbers(days: Days) -> Whole:
    """Give months counted from January 1970."""
    return days.astype("M8[M]").view(np.int64)


def day_numbers(days: Days) -> Whole:
    """Give days counted from 1 January 1970."""
    return days.astype("M8[D]", copy=False).view(np.int64)


def _month_and_day(days: Days) -> tuple[Whole, Whole]:
    """Give months from January 1970 and days of the month from 0."""
    month = month_numbers(days)
    return month, day_numbers(days) - first_of_month(month)


def _thirty(days: Days) -> Whole:
    month, day = _month_and_day(days)
    potential: Whole = month * 30 + np.minimum(day + 1, 30)
    return potential


def _whole_months(starts: Days, ends: Days) -> Whole:
    months = month_numbers(ends) - month_numbers(starts)
    whole: Whole = months - (plus_months(starts, months) > ends)
    return whole
