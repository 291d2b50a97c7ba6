"""What is accrued on a loan note at the close of a day (计提): interest, and apart from it penalty and compound."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import days_between
from carbonfin.kernel.errors import InvalidInput
from loans.calc.servicing.standing import NoteBook, standing_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """What a note owes beside its principal, from the day interest was paid to up to the accrual date.

    Attributes:
        accrued_cny: Interest at the contract's rate, due and running; a refund larger than it leaves nothing.
        penalty_cny: Penalty interest on principal past due, not charged yet (罚息).
        compound_cny: Compound interest on interest past due, not charged yet (复利).
    """

    note_code: str
    pledge_code: str | None
    accrual_date: date
    paid_to: date
    days: int
    principal_cny: Decimal
    accrued_cny: Decimal
    penalty_cny: Decimal
    compound_cny: Decimal

    @property
    def owed_cny(self) -> Decimal:
        """All of it without the principal."""
        return self.accrued_cny + self.penalty_cny + self.compound_cny


def accrual_of(book: NoteBook, *, accrual_date: date) -> Accrual:
    """Give what a note owes at the close of a day: principal, and interest since it was last paid.

    Interest runs at the contract's rate up to maturity; from its payment day on, what is unpaid bears the overdue rate.

    Raises:
        InvalidInput: The day lies before the day interest was paid to.
    """
    note = book.note
    if accrual_date < note.interest_paid_to:
        raise InvalidInput(
            f"accrual date {accrual_date} is before {note.interest_paid_to}, to which interest was paid",
            zh=f"计提日 {accrual_date} 早于已付息至 {note.interest_paid_to}",
            field="accrual_date",
        )
    standing = standing_on(book, accrual_date)
    end = max(note.interest_paid_to, min(accrual_date, note.terms.maturity_date))
    return Accrual(
        note_code=note.code,
        pledge_code=note.pledge_code,
        accrual_date=accrual_date,
        paid_to=note.interest_paid_to,
        days=days_between(note.terms.basis, note.interest_paid_to, end),
        principal_cny=standing.outstanding_cny,
        accrued_cny=max(standing.interest_due_cny + standing.accrued_cny, Decimal("0.00")),
        penalty_cny=standing.penalty_cny,
        compound_cny=standing.compound_cny,
    )
