"""A note's rate before its link adjusts it, over time: as drawn, as the LPR was reset, with the concession or without.

A rate decision gives both: the executed rate, and the rate it would be without the concession. While the concession is
stopped, the second counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.calc.linked.rate_lines import BaseRate

STOPPED, RETURNED = "concession stopped", "concession returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRate:
    """What a rate decision came to, from a day on.

    Attributes:
        with_concession: The executed rate, all in.
        without_concession: The same without the concession.
        cause: `drawn`, `reset 2026-01-01`.
    """

    start: date
    with_concession: Decimal
    without_concession: Decimal
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcessionStop:
    """Days `[start, end)` on which the concession stands still; without an end where it has not come back.

    Attributes:
        due_on: The day of the missed payment that stopped it.
    """

    start: date
    end: date | None
    due_on: date

    def holds_on(self, day: date) -> bool:
        """Say whether the concession is stopped on a day."""
        return self.start <= day and (self.end is None or day < self.end)


def base_rates(
    decided: Sequence[DecidedRate], stops: Sequence[ConcessionStop], *, maturity_date: date
) -> tuple[BaseRate, ...]:
    """Give the rate before adjustment from each day on which it is another one than the day before.

    Args:
        decided: The rate drawn first, then each reset, ascending.
        stops: The days on which the concession is stopped, apart from each other.
        maturity_date: Interest runs up to it; what would move later moves nothing.
    """
    drawn, *resets = decided
    marks: dict[date, list[str]] = {}
    for one in resets:
        marks.setdefault(one.start, []).append(one.cause)
    for stop in stops:
        marks.setdefault(max(stop.start, drawn.start), []).append(STOPPED)
        if stop.end is not None:
            marks.setdefault(stop.end, []).append(RETURNED)
    found: list[BaseRate] = []
    rate = drawn.with_concession
    for day in sorted(day for day in marks if drawn.start <= day < maturity_date):
        of_day = next(one for one in reversed(decided) if one.start <= day)
        is_stopped = any(stop.holds_on(day) for stop in stops)
        after = of_day.without_concession if is_stopped else of_day.with_concession
        if after != rate:
            found.append(BaseRate(start=day, rate=after, cause="; ".join(marks[day])))
            rate = after
    return tuple(found)
