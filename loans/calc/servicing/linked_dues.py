"""What a note asks for where its link moves the rate: a stretch from each day it is booked at another one.

A day stays booked at the rate that was known on it; what a change lacks for the days before it was known is a
compensation of the payment whose period it falls in. One below zero takes no payment's interest below zero, the rest
goes to the next; the last payment takes all that is left, so that nothing booked is lost.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from loans.calc.contracts.terms import CalendarDays, LoanTerms
from loans.calc.linked.rate_lines import BookedChange, RatedDays, booked_days
from loans.calc.servicing.dues import Due, Segment, SegmentReason, dues_of

_NOTHING = Decimal("0.00")


def linked_dues(
    terms: LoanTerms, calendar: CalendarDays, segments: tuple[Segment, ...], *, changes: tuple[BookedChange, ...]
) -> tuple[Due, ...]:
    """Give all payments of a note in order, at the rates its days are booked at, with the compensations."""
    if not changes:
        return dues_of(terms, calendar, segments)
    rated = booked_days(changes, base_rate=terms.rate, start=terms.drawdown_date, end=terms.maturity_date)
    return _compensated(dues_of(terms, calendar, _rated(terms, calendar, segments, rated)), changes)


def _rated(
    terms: LoanTerms, calendar: CalendarDays, segments: tuple[Segment, ...], rated: tuple[RatedDays, ...]
) -> tuple[Segment, ...]:
    """Give each stretch its rate, and cut one more from each day on which the rate is another."""
    standing = {one.start: one for one in segments}
    found: list[Segment] = []
    for start in sorted({*standing, *(one.start for one in rated)}):
        rate = next(one.rate for one in reversed(rated) if one.start <= start)
        own = standing.get(start)
        if own is not None:
            found.append(replace(own, rate=rate))
        else:
            principal = _balance(dues_of(terms, calendar, tuple(found)), start)
            found.append(Segment(start=start, principal_cny=principal, rate=rate, reason=SegmentReason.RESET))
    return tuple(found)


def _balance(dues: tuple[Due, ...], day: date) -> Decimal:
    return next((one.row.opening_balance_cny for one in dues if one.start <= day < one.end), _NOTHING)


def _compensated(dues: tuple[Due, ...], changes: tuple[BookedChange, ...]) -> tuple[Due, ...]:
    waiting = [(one.known_from, one.compensation_cny) for one in changes if one.compensation_cny]
    found = []
    for due in dues:
        own: list[tuple[date, Decimal]] = []
        later: list[tuple[date, Decimal]] = []
        interest = due.row.interest_cny
        for day, amount in waiting:
            taken = max(amount, -interest) if day < due.end else _NOTHING
            if due is dues[-1]:
                taken = amount
            if taken:
                own.append((day, taken))
                interest += taken
            if taken != amount:
                later.append((day, amount - taken))
        waiting = later
        row = replace(due.row, interest_cny=interest, payment_cny=due.row.principal_cny + interest)
        found.append(replace(due, row=row, compensations=tuple(own)) if own else due)
    return tuple(found)
