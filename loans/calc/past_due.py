"""What of a loan note is past due (逾期): since when, how many payments, and how much."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.calc.servicing.standing import NoteStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDue:
    """What of a note is overdue on a day.

    Attributes:
        since: The payment day of the oldest payment that was missed.
        days: Calendar days from that payment day to the day asked for (逾期天数).
        payments_count: How many payments were missed in whole or in part.
        penalty_cny: Penalty interest not charged yet (罚息).
        compound_cny: Compound interest not charged yet (复利).
        is_provisional: The oldest payment day lies past the published holiday notices.
    """

    since: date
    days: int
    payments_count: int
    interest_cny: Decimal
    principal_cny: Decimal
    penalty_cny: Decimal
    compound_cny: Decimal
    is_provisional: bool


def past_due_of(standing: NoteStanding) -> PastDue | None:
    """Give what of a note is overdue on its standing's day, or None; the payment day itself is still in time."""
    late = standing.late
    if not late:
        return None
    nothing = Decimal("0.00")
    return PastDue(
        since=late[0].due.due_on,
        days=standing.days_past_due,
        payments_count=len(late),
        interest_cny=sum((one.interest_unpaid_cny for one in late), start=nothing),
        principal_cny=sum((one.principal_unpaid_cny for one in late), start=nothing),
        penalty_cny=sum((one.penalty_cny for one in late), start=nothing),
        compound_cny=sum((one.compound_cny for one in late), start=nothing),
        is_provisional=late[0].due.row.provisional,
    )
