"""On which days a note's rate is reset to the LPR (重定价), and which publication each of them takes.

Publication and reset are two days. A reset on R takes the LPR published last by R less the fixing lag. The LPR is
published on a day of each month, moved to the next bank day where it is none; where the publication due by then is not
on record, the reset is refused: an older LPR in its place would be a guess.
"""

import calendar as month_lengths
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from carbonfin.kernel.dates import Calendar
from loans.calc.contracts.terms import LoanTerms
from loans.calc.facilities.rate_clauses import ResetClause, ResetDay


@dataclass(frozen=True, slots=True, kw_only=True)
class RateReset:
    """A reset as it was decided.

    Attributes:
        reset_date: The first day at the rate.
        fixing_date: The day by which the LPR had to be published.
        known_from: The business date on which it was decided.
        rate: The executed rate, all in, before a link adjusts it.
        rate_without_concession: The same without the concession.
        rate_before: The executed rate of the day before, with what a link did to it.
        rate_after: The executed rate of the reset day, with what a link does to it.
        compensation_cny: What the days between the reset and `known_from` lacked; below zero is the borrower's.
        decision_id: The rate decision.
        change_number: The change of the note's rate it led to; None where the rate stayed.
    """

    number: int
    reset_date: date
    fixing_date: date
    known_from: date
    lpr_tenor: str
    lpr_rate: Decimal
    published_on: date
    margin_bp: int
    concession_bp: Decimal
    rate: Decimal
    rate_without_concession: Decimal
    rate_before: Decimal
    rate_after: Decimal
    compensation_cny: Decimal
    contract_revision: int
    decision_id: str
    change_number: int | None


def reset_dates(terms: LoanTerms, clause: ResetClause) -> Iterator[date]:
    """Give the reset days strictly within a note's life.

    By anniversary each is stepped from the drawdown's own month, so that the 31st stays the 31st where a month has
    one; by calendar it is the first day of a month whose number less one divides by the cycle.
    """
    first = terms.drawdown_date
    step = 0
    while True:
        step += 1
        if clause.day is ResetDay.ANNIVERSARY:
            day = _stepped(first, months=step * clause.months)
        else:
            month = first.year * 12 + first.month - 1
            day = _stepped(date(first.year, first.month, 1), months=clause.months * step - month % clause.months)
        if day >= terms.maturity_date:
            return
        yield day


def published_by(fixing_date: date, *, publication_day: int, bank: Calendar) -> date:
    """Give the day on which the LPR was published last by a day: of its month, else of the month before.

    Raises:
        MissingData: No holiday notice reaches the day.
    """
    for back in (0, 1):
        named = _stepped(date(fixing_date.year, fixing_date.month, 1), months=-back).replace(day=publication_day)
        published_on = bank.roll_following(named)
        if published_on <= fixing_date:
            return published_on
    raise AssertionError("the publication of the month before lies before this month")


def _stepped(day: date, *, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, month_lengths.monthrange(year, month + 1)[1]))


def fixing_date_of(reset_date: date, clause: ResetClause) -> date:
    """Give the day by which the LPR of a reset has to be published."""
    return reset_date - timedelta(days=clause.fixing_lag_days)
