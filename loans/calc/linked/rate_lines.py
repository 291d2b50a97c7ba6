"""A note's rate over time under its link, by both dates: what it is, and what it was booked at before that was known.

A rate is never overwritten. A change is known from a business date K; days before K stay booked as they were, days from
K are booked at the new line, and what the days between the change's own first day and K would have come to is booked on
K as a compensating accrual.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.kernel.units import rate_plus_bp
from carbonfin.rules.record import ADDED_LATER
from loans.calc.contracts.interest import exact_interest_fen
from loans.calc.rounding import fen, half_up


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentStep:
    """Where a link's adjustment stands from the first interest period that begins on or after a day.

    Attributes:
        cause: `observation 1 version 2`, `suspend`, …
    """

    applies_after: date
    level_bp: Decimal
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllInFloor:
    """What an executed rate never falls below where it is set from a day on; None where none is agreed."""

    valid_from: date
    rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRate:
    """The rate before any adjustment from a day on: the LPR was reset, or the concession stopped or came back.

    Attributes:
        cause: `reset 2026-01-01`, `concession stopped`, …
    """

    start: date
    rate: Decimal
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpell:
    """A rate from a day on.

    Attributes:
        level_bp: The adjustment behind it.
        floor_applied: The all-in floor held it up.
        base_rate: The rate before the adjustment; None where it is the note's own.
    """

    start: date
    rate: Decimal
    level_bp: Decimal
    floor_applied: bool
    cause: str
    base_rate: Decimal | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedChange:
    """A change of a note's rate line as it was booked.

    Attributes:
        known_from: The business date from which it is booked.
        spells: The whole line after it, ascending; empty before the first spell means the note's own rate.
        compensation_cny: What the days before `known_from` lacked; below zero is the borrower's.
    """

    known_from: date
    spells: tuple[RateSpell, ...]
    compensation_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedDays:
    """Days `[start, end)` at one rate."""

    start: date
    end: date
    rate: Decimal


def spells_of(
    steps: Sequence[AdjustmentStep],
    *,
    period_starts: Sequence[date],
    base_rate: Decimal,
    floors: Sequence[AllInFloor],
    bases: Sequence[BaseRate] = (),
) -> tuple[RateSpell, ...]:
    """Give the rate line of steps: each from its first interest period on, the later step where two share one.

    Beneath them the rate before adjustment is `base_rate`, and from its day on each of `bases`. An adjustment below
    zero never takes the rate below the all-in floor of its first day; a rate agreed below the floor stays.
    """
    levels: dict[date, AdjustmentStep] = {}
    for step in sorted(steps, key=lambda one: one.applies_after):
        start = next((day for day in period_starts if day >= step.applies_after), None)
        if start is not None:
            levels[start] = step
    moved = {one.start: one for one in bases}
    found, level, base = [], Decimal(0), None
    for start in sorted({*levels, *moved}):
        base = moved[start].rate if start in moved else base
        level = levels[start].level_bp if start in levels else level
        rate, floored = adjusted_rate(
            base_rate if base is None else base, level, all_in_floor_rate=floor_of(floors, start).rate
        )
        causes = [one[start].cause for one in (levels, moved) if start in one]
        found.append(
            RateSpell(
                start=start, rate=rate, level_bp=level, floor_applied=floored, cause="; ".join(causes), base_rate=base
            )
        )
    return tuple(found)


def floor_of(floors: Sequence[AllInFloor], day: date) -> AllInFloor:
    """Give the all-in floor of a day; before the first was agreed, that one."""
    return next((one for one in reversed(floors) if one.valid_from <= day), floors[0])


def adjusted_rate(base_rate: Decimal, level_bp: Decimal, *, all_in_floor_rate: Decimal | None) -> tuple[Decimal, bool]:
    """Give max(base + adjustment, all-in floor), never below zero, and whether the floor held it up."""
    rate = rate_plus_bp(base_rate, level_bp)
    lowest = Decimal(0) if all_in_floor_rate is None else min(all_in_floor_rate, base_rate)
    return (lowest, True) if rate < lowest else (rate, False)


def rated_days(spells: Sequence[RateSpell], *, base_rate: Decimal, start: date, end: date) -> tuple[RatedDays, ...]:
    """Split `[start, end)` by a line."""
    cuts = [start, *(one.start for one in spells if start < one.start < end), end]
    return tuple(
        RatedDays(start=first, end=last, rate=rate_on(spells, first, base_rate=base_rate))
        for first, last in pairwise(cuts)
        if first < last
    )


def rate_on(spells: Sequence[RateSpell], day: date, *, base_rate: Decimal) -> Decimal:
    """Give the rate of a day by a line."""
    return next((one.rate for one in reversed(spells) if one.start <= day), base_rate)


def booked_days(
    changes: Sequence[BookedChange], *, base_rate: Decimal, start: date, end: date
) -> tuple[RatedDays, ...]:
    """Split `[start, end)` by the rate each day is booked at: the line known on that day."""
    cuts = [start, *(one.known_from for one in changes if start < one.known_from < end), end]
    found: list[RatedDays] = []
    for first, last in pairwise(cuts):
        known = next((one.spells for one in reversed(changes) if one.known_from <= first), ())
        found += rated_days(known, base_rate=base_rate, start=first, end=last)
    return _joined(found)


def booked_interest_cny(
    changes: Sequence[BookedChange],
    *,
    balance_cny: Decimal,
    base_rate: Decimal,
    basis: DayCount,
    start: date,
    end: date,
    booked_by: date,
) -> Decimal:
    """Give interest of `[start, end)` as booked, with the compensations booked from `start` up to and on `booked_by`.

    The days of one balance are summed exactly and rounded once, half up; a compensation is whole fen already.
    """
    exact = sum(
        (
            exact_interest_fen(
                balance_fen=fen(balance_cny), rate=one.rate, days=days_between(basis, one.start, one.end), basis=basis
            )
            for one in booked_days(changes, base_rate=base_rate, start=start, end=end)
        ),
        start=Fraction(0),
    )
    compensation = sum((one.compensation_cny for one in changes if start <= one.known_from <= booked_by), Decimal(0))
    return half_up(exact / 100, places=2) + compensation


def _joined(days: list[RatedDays]) -> tuple[RatedDays, ...]:
    joined: list[RatedDays] = []
    for one in days:
        if joined and joined[-1].rate == one.rate:
            joined[-1] = RatedDays(start=joined[-1].start, end=one.end, rate=one.rate)
        else:
            joined.append(one)
    return tuple(joined)
