"""What a loan note asks for and when (应还明细): its schedule, made again from each day its balance or rate changed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.interest import accrued_interest_cny
from loans.calc.contracts.schedule import Period, ScheduleInputs, ScheduleRow, interest_periods, schedule_rows
from loans.calc.contracts.terms import CalendarDays, LoanTerms

_NOTHING = Decimal("0.00")


class SegmentReason(StrEnum):
    """Why a schedule was made again."""

    DRAWN = "drawn"
    PREPAID = "prepaid"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a note's life with one rate and one schedule, from its first day to the next one's (分段计息).

    Attributes:
        principal_cny: What the schedule has outstanding at the beginning of `start`.
    """

    start: date
    principal_cny: Decimal
    rate: Decimal
    reason: SegmentReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One payment a note asks for: a row of its schedule, known by the day its interest begins on, and its rate.

    Attributes:
        row: Its interest has the compensations in it.
        compensations: What days booked at an earlier rate lack or have too much, each with the day it was booked, which
            lies before the payment's own days where an earlier payment could not bear all of a refund.
    """

    row: ScheduleRow
    rate: Decimal
    compensations: tuple[tuple[date, Decimal], ...] = ()

    def compensated_cny(self, *, start: date, end: date) -> Decimal:
        """Give the compensations booked in `[start, end)`."""
        return sum((amount for day, amount in self.compensations if start <= day < end), _NOTHING)

    @property
    def start(self) -> date:
        """First day of its interest."""
        return self.row.start

    @property
    def end(self) -> date:
        """Day after the last of its interest."""
        return self.row.end

    @property
    def due_on(self) -> date:
        """Day to pay on, a bank day as far as notices reach."""
        return self.row.payment_date


def first_segment(terms: LoanTerms) -> Segment:
    """Give the stretch that begins with the drawdown, by the terms as they were signed."""
    return Segment(
        start=terms.drawdown_date, principal_cny=terms.principal_cny, rate=terms.rate, reason=SegmentReason.DRAWN
    )


def dues_of(terms: LoanTerms, calendar: CalendarDays, segments: tuple[Segment, ...]) -> tuple[Due, ...]:
    """Give all payments of a note in order.

    Each stretch has the schedule of the remaining terms on its own principal and rate. Where one ends within an
    interest period, that period's interest is cut there and rounded to the fen; what was cut is due on the day of a
    prepayment, else with the period.

    Raises:
        InvalidInput: The stretches do not begin with the drawdown or are not in order.
    """
    starts = [one.start for one in segments]
    if starts[:1] != [terms.drawdown_date] or starts != sorted(set(starts)) or starts[-1] >= terms.maturity_date:
        raise InvalidInput("segments do not follow one another from the drawdown", zh="分段起始日不正确")
    inputs = ScheduleInputs(terms=terms, calendar=calendar)
    contracted = interest_periods(terms, calendar)
    found: list[Due] = []
    for segment, following in zip(segments, [*segments[1:], None], strict=True):
        if segment.principal_cny:
            periods = _periods_from(contracted, segment.start, terms.basis)
            found += _of_segment(inputs, periods, segment, following, numbered_from=len(found) + 1)
    return tuple(found)


def _periods_from(periods: tuple[Period, ...], start: date, basis: DayCount) -> tuple[Period, ...]:
    """Give the contract's periods from a day on, the first cut there: a payment day that was moved stays moved."""
    first, *later = (one for one in periods if one.end > start)
    return (replace(first, start=start, days=days_between(basis, start, first.end)), *later)


def _of_segment(
    inputs: ScheduleInputs,
    periods: tuple[Period, ...],
    segment: Segment,
    following: Segment | None,
    *,
    numbered_from: int,
) -> Iterator[Due]:
    own = replace(inputs.terms, drawdown_date=segment.start, principal_cny=segment.principal_cny, rate=segment.rate)
    for place, row in enumerate(schedule_rows(replace(inputs, terms=own), periods)):
        if following is not None and row.start >= following.start:
            return
        numbered = replace(row, number=numbered_from + place)
        if following is not None and row.end > following.start:
            numbered = _cut(numbered, own, following)
        yield Due(row=numbered, rate=segment.rate)


def _cut(row: ScheduleRow, own: LoanTerms, following: Segment) -> ScheduleRow:
    is_prepaid = following.reason is SegmentReason.PREPAID
    interest = accrued_interest_cny(
        balance_cny=row.opening_balance_cny, rate=own.rate, basis=own.basis, paid_to=row.start,
        accrual_date=following.start,
    )  # fmt: skip
    return replace(
        row,
        end=following.start,
        days=days_between(own.basis, row.start, following.start),
        contract_date=following.start if is_prepaid else row.contract_date,
        payment_date=following.start if is_prepaid else row.payment_date,
        provisional=row.provisional and not is_prepaid,
        interest_cny=interest,
        principal_cny=_NOTHING,
        payment_cny=interest,
        closing_balance_cny=row.opening_balance_cny,
    )
