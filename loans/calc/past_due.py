"""Days past due (逾期天数) of a loan note: what its schedule asked for by a day and was not paid."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.calc.contracts.interest import accrued_interest_cny
from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.notes import LoanNote, NoteState


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDue:
    """What of a note is overdue on a day; default interest is the contract's and is not in it.

    Attributes:
        since: The payment day of the oldest payment that was missed.
        days: Calendar days from that payment day to the day asked for.
        payments_count: How many payments were missed.
        is_provisional: The oldest payment day lies past the published holiday notices.
    """

    since: date
    days: int
    payments_count: int
    interest_cny: Decimal
    principal_cny: Decimal
    is_provisional: bool


def past_due_of(note: LoanNote, schedule: RepaymentSchedule, *, on: date) -> PastDue | None:
    """Give what of a running note is overdue on a day, or None.

    A payment is missed where its payment day lies before the day asked for and interest is not paid to its period's
    end: the payment day itself is still in time. days = on - payment day of the oldest missed. Interest is what is due
    and unpaid of the missed periods, principal what their payments would have repaid.
    """
    if note.state is NoteState.SETTLED:
        return None
    missed = [row for row in schedule.rows if row.end > note.interest_paid_to and row.payment_date < on]
    if not missed:
        return None
    interest = [
        accrued_interest_cny(
            balance_cny=row.opening_balance_cny,
            rate=note.terms.rate,
            basis=note.terms.basis,
            paid_to=max(row.start, note.interest_paid_to),
            accrual_date=row.end,
        )
        for row in missed
    ]
    return PastDue(
        since=missed[0].payment_date,
        days=(on - missed[0].payment_date).days,
        payments_count=len(missed),
        interest_cny=sum(interest, start=Decimal("0.00")),
        principal_cny=sum((row.principal_cny for row in missed), start=Decimal("0.00")),
        is_provisional=missed[0].provisional,
    )
