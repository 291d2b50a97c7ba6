"""Cycles, stubs, business days and day counts of the contract standard."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.actus.terms import UnsupportedTerm

_CYCLE = re.compile(r"P(?P<count>\d+)(?P<unit>[DWMQHY])(?:L(?P<stub>[01]))?")
_MONTHS = {"M": 1, "Q": 3, "H": 6, "Y": 12}
_DAYS = {"D": 1, "W": 7}
_SATURDAY = 5
_LAST_SECOND = (23, 59, 59)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A period repeated from an anchor; a long stub (L0) joins the period before it, a short one (L1) stands."""

    count: int
    months: int
    days: int
    long_stub: bool

    def after(self, anchor: datetime, times: int, *, end_of_month: bool) -> datetime:
        """Give anchor + times x cycle, counted from the anchor itself."""
        if self.days:
            return anchor + timedelta(days=self.days * self.count * times)
        year, month = divmod(anchor.year * 12 + anchor.month - 1 + self.months * self.count * times, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return anchor.replace(year=year, month=month + 1, day=last if end_of_month else min(anchor.day, last))


def cycle_of(text: str) -> Cycle:
    """Read a cycle like P1ML0.

    Raises:
        InvalidInput: The text is no cycle.
    """
    found = _CYCLE.fullmatch(text)
    if found is None or int(found["count"]) == 0:
        raise InvalidInput(f"{text} is no cycle", zh=f"{text} 不是周期", field="cycle")
    unit = found["unit"]
    return Cycle(
        count=int(found["count"]),
        months=_MONTHS.get(unit, 0),
        days=_DAYS.get(unit, 0),
        long_stub=found["stub"] == "0",
    )


def keeps_month_end(anchor: datetime, convention: str) -> bool:
    """Whether a cycle stays on month ends: by convention, where its anchor is one."""
    return convention == "EOM" and anchor.day == calendar.monthrange(anchor.year, anchor.month)[1]


def schedule(anchor: datetime, text: str | None, end: datetime, *, end_of_month: str, with_end: bool) -> list[datetime]:
    """Give anchor, anchor + cycle, ... before the end, and the end if asked; without a cycle the anchor alone."""
    if anchor > end:
        return []
    if text is None:
        days = [anchor] if anchor < end else []
        return [*days, end] if with_end else days
    cycle = cycle_of(text)
    to_month_end = keeps_month_end(anchor, end_of_month)
    days, times, day = [], 0, anchor
    while day < end:
        days.append(day)
        times += 1
        day = cycle.after(anchor, times, end_of_month=to_month_end)
    if cycle.long_stub and day != end and len(days) + with_end > 2:
        days.pop()
    return [*days, end] if with_end else days


def shifted(instant: datetime, convention: str, calendar_name: str) -> tuple[datetime, datetime]:
    """Give the days an event is paid and calculated on.

    S.. conventions move the calculation with the payment, C.. ones leave it where it stood.
    """
    if convention == "NULL" or calendar_name == "NC":
        return instant, instant
    if calendar_name != "MF" or convention[:2] not in ("SC", "CS"):
        raise UnsupportedTerm(f"{convention} on calendar {calendar_name}", zh="营业日规则不支持", field="calendar")
    step = -1 if convention.endswith("P") else 1
    moved = _open(instant, step)
    if "M" in convention[2:] and moved.month != instant.month:
        moved = _open(instant, -step)
    return moved, moved if convention.startswith("SC") else instant


def year_fraction(convention: str, start: datetime, end: datetime) -> float:
    """Give the part of a year between two instants; the last second of a day is midnight at its end."""
    first, last = _day(start), _day(end)
    if convention in ("A365", "A360"):
        return (last - first).days / (365 if convention == "A365" else 360)
    if convention == "30E360":
        months = 12 * (last.year - first.year) + last.month - first.month
        return (30 * months + min(last.day, 30) - min(first.day, 30)) / 360
    if convention == "AA":
        return _year_and_part(last) - _year_and_part(first)
    raise UnsupportedTerm(f"day count {convention}", zh=f"计息规则 {convention} 不支持", field="dayCountConvention")


def _open(instant: datetime, step: int) -> datetime:
    while instant.weekday() >= _SATURDAY:
        instant += timedelta(days=step)
    return instant


def _day(instant: datetime) -> date:
    ends = (instant.hour, instant.minute, instant.second) == _LAST_SECOND
    return instant.date() + timedelta(days=ends)


def _year_and_part(day: date) -> float:
    start = date(day.year, 1, 1)
    return day.year + (day - start).days / (date(day.year + 1, 1, 1) - start).days
