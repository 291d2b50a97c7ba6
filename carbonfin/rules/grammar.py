"""The cells of decision tables: a small closed grammar, read into sets.

    cell     = part { "|" part }
    part     = "-" | "null" | test { "," test }
    test     = [ "=" | "!=" | "<" | "<=" | ">" | ">=" ] value | interval
    interval = ( "[" | "(" ) value ".." value ( "]" | ")" )

`-` stands for every value that is there and never for one that is missing; `null` for the missing value alone. Tests
with commas between are alternatives; `!=` excludes, so several of them hold together. There is no free code.
"""

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import AnyDomain, BooleanDomain, DateDomain, NumberDomain, Present

ANY = "-"
NULL = "null"
TESTS_MAX = 2000
"""Alternatives a cell may have: enough for every class of the national list of industries."""
_SHOWN_MAX = 80
_TEST = re.compile(r"(!=|<=|>=|=|<|>)?\s*(.+)", re.DOTALL)
_INTERVAL = re.compile(r"([\[(])\s*(\S.*?)\s*\.\.\s*(\S.*?)\s*([\])])", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_ORDERED = (NumberDomain, DateDomain)
End = Any
"""An end of an interval: a float in a column of numbers, a day in one of days, None where there is no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Values between two ends.

    Attributes:
        low: Lower end.
        low_closed: Whether the end itself is inside.
    """

    low: End
    low_closed: bool
    high: End
    high_closed: bool

    def holds(self, value: float | date) -> bool:
        """Whether a value lies inside."""
        above = self.low is None or value > self.low or (self.low_closed and value == self.low)
        return above and (self.high is None or value < self.high or (self.high_closed and value == self.high))

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies inside."""
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high or (self.low == self.high and not (self.low_closed and self.high_closed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a row asks of one input.

    Attributes:
        text: The cell as it was written, blanks made even.
        takes_missing: Whether the missing value fits.
        is_any: Whether every value that is there fits, by `-`.
        intervals: What fits in a column of numbers or days where the cell is not `-`; in order, none touching another.
        members: What fits in a column of codes or booleans where the cell is not `-`.
        covers: Whether every value of the domain fits, however it was written.
    """

    text: str
    takes_missing: bool
    is_any: bool
    intervals: tuple[Interval, ...] = ()
    members: frozenset[str | bool] = frozenset()
    covers: bool = False

    def fits(self, value: Present) -> bool:
        """Whether a value that is there fits."""
        if self.is_any:
            return True
        if isinstance(value, str | bool):
            return value in self.members
        # In order and apart: only the last that begins at the value or below it can hold it.
        open_below = bool(self.intervals) and self.intervals[0].low is None
        place = bisect_right(self.intervals, value, lo=int(open_below), key=attrgetter("low"))
        return place > 0 and self.intervals[place - 1].holds(value)

    @property
    def fits_something(self) -> bool:
        """Whether any value that is there fits; `null` alone fits none."""
        return bool(self.is_any or self.intervals or self.members)


def read_cell(text: str, domain: AnyDomain) -> Cell:
    """Read a cell of a column.

    Raises:
        InvalidInput: It is not of the grammar, or names what is not in the domain.
    """
    takes_missing = is_any = False
    tests: list[str] = []
    for part in (piece.strip() for piece in text.split("|")):
        if part == ANY:
            is_any = True
        elif part == NULL:
            takes_missing = True
        elif part:
            tests.extend(_split(text, part))
        else:
            raise _refusal(text, "a part is empty; write - for any value", "有空的部分；任意值请写 -")
    if is_any and tests:
        raise _refusal(text, "- already stands for every value", "- 已表示任意值，不应再写其他条件")
    even = _BLANKS.sub(" ", text.strip())
    if len(tests) > TESTS_MAX:
        raise _refusal(
            text, f"{len(tests)} alternatives, and at most {TESTS_MAX} are taken",
            f"有 {len(tests)} 个条件，最多 {TESTS_MAX} 个",
        )  # fmt: skip
    if not tests:
        return Cell(text=even, takes_missing=takes_missing, is_any=is_any, covers=is_any)
    try:
        return _of_tests(even, tests, domain, takes_missing=takes_missing)
    except InvalidInput as error:
        raise _refusal(text, error.detail, error.zh) from error


def _split(text: str, part: str) -> list[str]:
    """Split at commas; an interval has none, since it writes two dots."""
    tests = [test.strip() for test in part.split(",")]
    if not all(tests):
        raise _refusal(text, "a test between commas is empty", "逗号之间有空的条件")
    return tests


def _of_tests(text: str, tests: list[str], domain: AnyDomain, *, takes_missing: bool) -> Cell:
    if isinstance(domain, _ORDERED):
        intervals = _merged(_intervals(tests, domain), domain)
        return Cell(
            text=text, takes_missing=takes_missing, is_any=False, intervals=intervals,
            covers=intervals == _merged([_EVERYTHING], domain),
        )  # fmt: skip
    every: frozenset[str | bool] = frozenset([True, False] if isinstance(domain, BooleanDomain) else domain.codes)
    wanted, unwanted = _members(tests, domain)
    members = every - unwanted if unwanted else wanted
    return Cell(text=text, takes_missing=takes_missing, is_any=False, members=members, covers=members == every)


def _members(tests: list[str], domain: AnyDomain) -> tuple[frozenset[str | bool], frozenset[str | bool]]:
    wanted: set[str | bool] = set()
    unwanted: set[str | bool] = set()
    for test in tests:
        sign, literal = _sign_and_literal(test)
        if sign not in {"", "=", "!="}:
            raise _fault(f"{sign} compares numbers and days, not codes", f"{sign} 只能用于数值或日期")
        value = domain.literal(literal)
        assert isinstance(value, str | bool)
        (unwanted if sign == "!=" else wanted).add(value)
    if wanted and unwanted:
        raise _fault("!= stands beside other tests", "!= 不能与其他条件并列")
    return frozenset(wanted), frozenset(unwanted)


def _sign_and_literal(test: str) -> tuple[str, str]:
    found = _TEST.fullmatch(test)
    assert found is not None, "an empty test was refused before"
    return found[1] or "", found[2].strip()


def _intervals(tests: list[str], domain: AnyDomain) -> list[Interval]:
    found: list[Interval] = []
    excluded: set[End] = set()
    for test in tests:
        span = _INTERVAL.fullmatch(test)
        if span is not None:
            found.append(_interval(span, domain))
            continue
        sign, literal = _sign_and_literal(test)
        value = domain.literal(literal)
        if sign == "!=":
            excluded.add(value)
        else:
            found.append(_compared(sign, value))
    if excluded and found:
        raise _fault("!= stands beside other tests", "!= 不能与其他条件并列")
    return _all_but(sorted(excluded)) if excluded else found


def _interval(span: re.Match[str], domain: AnyDomain) -> Interval:
    interval = Interval(
        low=domain.literal(span[2]), low_closed=span[1] == "[", high=domain.literal(span[3]), high_closed=span[4] == "]"
    )
    if interval.is_empty:
        raise _fault("the interval is empty", "区间为空")
    return interval


def _compared(sign: str, value: End) -> Interval:
    if sign in {"", "="}:
        return Interval(low=value, low_closed=True, high=value, high_closed=True)
    if sign[0] == "<":
        return Interval(low=None, low_closed=False, high=value, high_closed=sign == "<=")
    return Interval(low=value, low_closed=sign == ">=", high=None, high_closed=False)


def _all_but(values: list[End]) -> list[Interval]:
    ends = [None, *values, None]
    return [Interval(low=low, low_closed=False, high=high, high_closed=False) for low, high in itertools.pairwise(ends)]


def _merged(intervals: Iterable[Interval], domain: NumberDomain | DateDomain) -> tuple[Interval, ...]:
    """Give the intervals within the domain in order, those that touch made one."""
    merged: list[Interval] = []
    clipped = (_clipped(one, domain) for one in intervals)
    for interval in sorted((one for one in clipped if not one.is_empty), key=_start):
        if merged and _touch(merged[-1], interval, is_dense=is_dense(domain)):
            merged[-1] = _union(merged[-1], interval)
        else:
            merged.append(interval)
    return tuple(merged)


def is_dense(domain: NumberDomain | DateDomain) -> bool:
    """Whether between any two values lies a third; days and whole numbers have neighbours."""
    return not isinstance(domain, DateDomain) and not domain.is_whole


def neighbour(value: End, *, above: bool) -> End:
    """Give the day or the whole number next to one; None where the calendar has no further day.

    Past 2**53 floats lie further apart than one and are all whole, so the next float is the neighbour.
    """
    if isinstance(value, date):
        last = date.max if above else date.min
        return None if value == last else value + timedelta(days=1 if above else -1)
    if above:
        return max(value + 1.0, math.nextafter(value, math.inf))
    return min(value - 1.0, math.nextafter(value, -math.inf))


def _clipped(interval: Interval, domain: NumberDomain | DateDomain) -> Interval:
    """Give the part of an interval inside the domain; where values have neighbours its ends are inside."""
    if not is_dense(domain):
        interval = _closed(interval)
    low, low_closed, high, high_closed = interval.low, interval.low_closed, interval.high, interval.high_closed
    bottom, top = ends_of(domain)
    if bottom is not None and (low is None or low < bottom):
        low, low_closed = bottom, True
    if top is not None and (high is None or high > top):
        high, high_closed = top, True
    return Interval(low=low, low_closed=low_closed, high=high, high_closed=high_closed)


def _closed(interval: Interval) -> Interval:
    """Give the same days or whole numbers with ends that are inside; the first and last day there is are no ends."""
    low, high = interval.low, interval.high
    if low is not None and not interval.low_closed:
        low = neighbour(low, above=True)
    if high is not None and not interval.high_closed:
        high = neighbour(high, above=False)
    if (low is None) != (interval.low is None) or (high is None) != (interval.high is None):
        return _NO_DAY
    low, high = None if low == date.min else low, None if high == date.max else high
    return Interval(low=low, low_closed=low is not None, high=high, high_closed=high is not None)


def ends_of(domain: NumberDomain | DateDomain) -> tuple[End, End]:
    """Give the ends of a domain, both inside; None where there is none."""
    if isinstance(domain, DateDomain):
        return domain.low, domain.high
    low, high = domain.bounds
    return None if math.isinf(low) else low, None if math.isinf(high) else high


def _start(interval: Interval) -> tuple[bool, End, bool]:
    """Give what puts intervals in order: the one without a lower end first, of two equal ends the one inside."""
    return interval.low is not None, interval.low, not interval.low_closed


def _touch(before: Interval, after: Interval, *, is_dense: bool) -> bool:
    if before.high is None or after.low is None or after.low < before.high:
        return True
    if is_dense:
        return bool(after.low == before.high and (before.high_closed or after.low_closed))
    return bool(after.low == before.high or after.low == neighbour(before.high, above=True))


def _union(before: Interval, after: Interval) -> Interval:
    if before.high is None or (after.high is not None and after.high < before.high):
        return before
    closed = after.high_closed or (before.high_closed and before.high == after.high)
    return Interval(low=before.low, low_closed=before.low_closed, high=after.high, high_closed=closed)


_EVERYTHING = Interval(low=None, low_closed=False, high=None, high_closed=False)
_NO_DAY = Interval(low=date.max, low_closed=False, high=date.max, high_closed=False)


def _fault(why: str, zh: str) -> InvalidInput:
    """Say what is wrong with a test; `read_cell` adds the cell, the field and the remedy."""
    return InvalidInput(why, zh=zh)


def _refusal(text: str, why: str, zh: str) -> InvalidInput:
    shown = f"{text[:_SHOWN_MAX]}…" if len(text) > _SHOWN_MAX else text
    return InvalidInput(
        f"cell {shown!r}: {why}", zh=f"单元格“{shown}”：{zh}", field="cell",
        remedy="Write -, null, a value, =, !=, <, <=, >, >= before a value, [a..b] or (a..b), lists with commas.",
        remedy_zh="可写 -、null、取值、=、!=、<、<=、>、>= 加取值、[a..b] 或 (a..b)，多个以逗号分隔。",
    )  # fmt: skip
