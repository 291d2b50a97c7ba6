"""Where a link's adjustment stands over time: observations move it; suspended or ended, a link earns nothing.

While a link is suspended, and for good once it is declassified, a discount ends with the next interest period and a
step up stays: what is no longer verified is never favourable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.calc.linked.agreements import LinkEvent
from loans.calc.linked.rate_lines import AdjustmentStep

_ENDS = frozenset({LinkEvent.SUSPEND, LinkEvent.DECLASSIFY})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLevel:
    """What the latest decision on one observation says.

    Attributes:
        report_due_date: From here on `interim_bp` holds, where there is one.
    """

    number: int
    version: int
    report_due_date: date
    applies_after: date
    interim_bp: Decimal | None
    level_bp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTurn:
    """An event of a link's life that ends or takes up the adjustment, from a day."""

    event: LinkEvent
    valid_from: date


def adjustment_steps(observed: Sequence[ObservedLevel], turns: Sequence[LinkTurn]) -> tuple[AdjustmentStep, ...]:
    """Give the steps of a link's adjustment, by the day after which each applies.

    An observation that was decided counts over one before it, whenever the earlier one came to be complete.
    """
    marks: list[tuple[date, int, str, Decimal | LinkEvent]] = []
    for one in sorted(observed, key=lambda each: each.number):
        cause = f"observation {one.number} version {one.version}"
        if one.interim_bp is not None:
            marks.append((one.report_due_date, one.number, cause, one.interim_bp))
        marks.append((one.applies_after, one.number, cause, one.level_bp))
    marks += [(turn.valid_from, 0, turn.event.value, turn.event) for turn in turns]
    level, last_number, ended, is_over = Decimal(0), 0, False, False
    steps: list[AdjustmentStep] = []
    for day, number, cause, mark in sorted(marks, key=lambda each: each[0]):
        if isinstance(mark, LinkEvent):
            ended = is_over or mark in _ENDS
            is_over = is_over or mark is LinkEvent.DECLASSIFY
        elif number < last_number:
            continue
        else:
            level, last_number = mark, number
        stands = max(level, Decimal(0)) if ended else level
        if steps or stands or not isinstance(mark, LinkEvent):
            steps.append(AdjustmentStep(applies_after=day, level_bp=stands, cause=cause))
    return tuple(steps)
