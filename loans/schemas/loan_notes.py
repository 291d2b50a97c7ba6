"""Loan notes as JSON: schedule, vouchers and what is past due."""

from datetime import date

from msgspec import Struct

from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.notes import InterestVoucher, LoanNote
from loans.calc.past_due import PastDue, past_due_of
from loans.schemas.lending import ScheduleRowOut


class LoanNoteOut(Struct, frozen=True, kw_only=True):
    """A loan note (借据) as it stands."""

    note_code: str
    contract_number: str | None
    pledge_code: str | None
    product: str
    principal_cny: str
    outstanding_cny: str
    drawdown_date: str
    maturity_date: str
    rate: str
    rate_note: str
    interest_paid_to: str
    state: str

    @classmethod
    def of(cls, note: LoanNote) -> "LoanNoteOut":
        """Copy a note."""
        return cls(
            note_code=note.code,
            contract_number=note.contract_number,
            pledge_code=note.pledge_code,
            product=note.product,
            principal_cny=str(note.terms.principal_cny),
            outstanding_cny=str(note.outstanding_cny),
            drawdown_date=note.terms.drawdown_date.isoformat(),
            maturity_date=note.terms.maturity_date.isoformat(),
            rate=format(note.terms.rate, "f"),
            rate_note=note.rate_note,
            interest_paid_to=note.interest_paid_to.isoformat(),
            state=str(note.state),
        )


class InterestVoucherOut(Struct, frozen=True, kw_only=True):
    """Interest paid for one period: with tax, net and tax."""

    number: int
    period_start: str
    period_end: str
    paid_date: str
    interest_cny: str
    net_cny: str
    vat_cny: str

    @classmethod
    def of(cls, voucher: InterestVoucher) -> "InterestVoucherOut":
        """Copy a voucher."""
        return cls(
            number=voucher.number, period_start=voucher.period_start.isoformat(),
            period_end=voucher.period_end.isoformat(), paid_date=voucher.paid_date.isoformat(),
            interest_cny=str(voucher.interest_cny), net_cny=str(voucher.net_cny), vat_cny=str(voucher.vat_cny),
        )  # fmt: skip


class PastDueOut(Struct, frozen=True, kw_only=True):
    """What of a note is overdue on the business date; default interest is the contract's and is not in it."""

    since: str
    days: int
    payments_count: int
    interest_cny: str
    principal_cny: str
    is_provisional: bool

    @classmethod
    def of(cls, past_due: PastDue) -> "PastDueOut":
        """Copy what is overdue."""
        return cls(
            since=past_due.since.isoformat(), days=past_due.days, payments_count=past_due.payments_count,
            interest_cny=str(past_due.interest_cny), principal_cny=str(past_due.principal_cny),
            is_provisional=past_due.is_provisional,
        )  # fmt: skip


class LoanNoteDetailOut(Struct, frozen=True, kw_only=True):
    """A loan note with its schedule as the calendar is known, and the interest paid."""

    note: LoanNoteOut
    schedule: list[ScheduleRowOut]
    provisional_from: str | None
    past_due: PastDueOut | None
    vouchers: list[InterestVoucherOut]

    @classmethod
    def of(
        cls, note: LoanNote, schedule: RepaymentSchedule, vouchers: tuple[InterestVoucher, ...], *, on: date
    ) -> "LoanNoteDetailOut":
        """Copy a note with what belongs to it, and what of it is overdue on a day."""
        start = schedule.provisional_from
        past_due = past_due_of(note, schedule, on=on)
        return cls(
            note=LoanNoteOut.of(note),
            schedule=[ScheduleRowOut.of(row) for row in schedule.rows],
            provisional_from=None if start is None else start.isoformat(),
            past_due=None if past_due is None else PastDueOut.of(past_due),
            vouchers=[InterestVoucherOut.of(one) for one in vouchers],
        )
