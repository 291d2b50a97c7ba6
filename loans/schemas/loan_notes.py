"""Loan notes as JSON: what they owe, schedule, receipts, vouchers and what is past due."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import CnyText, DayText, IdText, day_of, decimal_of
from loans.calc.green import green_words
from loans.calc.notes import InterestVoucher, LoanNote
from loans.calc.past_due import PastDue
from loans.calc.servicing.allocation import Allocated
from loans.calc.servicing.receipts import Receipt, ReceiptDraft
from loans.schemas.lending import ScheduleRowOut
from loans.schemas.link_views import RateChangeOut
from loans.schemas.note_rates import ConcessionTurnOut, RateClausesOut, RateResetOut
from loans.service import NoteLine, NoteView, RepaymentDraft

ReasonText = Annotated[str, Meta(min_length=1, max_length=2000, description="Why, in the maker's words.")]


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
    """Interest paid for one period: with tax, net and tax; below zero where it corrects another voucher."""

    number: int
    period_start: str
    period_end: str
    paid_date: str
    interest_cny: str
    net_cny: str
    vat_cny: str
    corrects: int | None

    @classmethod
    def of(cls, voucher: InterestVoucher) -> "InterestVoucherOut":
        """Copy a voucher."""
        return cls(
            number=voucher.number, period_start=voucher.period_start.isoformat(),
            period_end=voucher.period_end.isoformat(), paid_date=voucher.paid_date.isoformat(),
            interest_cny=str(voucher.interest_cny), net_cny=str(voucher.net_cny), vat_cny=str(voucher.vat_cny),
            corrects=voucher.corrects,
        )  # fmt: skip


class PastDueOut(Struct, frozen=True, kw_only=True):
    """What of a note is overdue on the business date; penalty and compound interest are what is not charged yet."""

    since: str
    days: int
    payments_count: int
    interest_cny: str
    principal_cny: str
    penalty_cny: str
    compound_cny: str
    is_provisional: bool

    @classmethod
    def of(cls, past_due: PastDue) -> "PastDueOut":
        """Copy what is overdue."""
        return cls(
            since=past_due.since.isoformat(), days=past_due.days, payments_count=past_due.payments_count,
            interest_cny=str(past_due.interest_cny), principal_cny=str(past_due.principal_cny),
            penalty_cny=str(past_due.penalty_cny), compound_cny=str(past_due.compound_cny),
            is_provisional=past_due.is_provisional,
        )  # fmt: skip


class NoteStandingOut(Struct, frozen=True, kw_only=True):
    """What a note owes on the business date; `payoff_cny` would settle it, compensation for early repayment apart.

    `unused_compensation_cny` is booked for changes of its rate and in no accrued interest yet; below zero is a refund.
    `overdue_uplift` is what is added to its rate while a payment is overdue, as a ratio of the rate.
    """

    on: str
    outstanding_cny: str
    due_cny: str
    interest_due_cny: str
    principal_due_cny: str
    accrued_cny: str
    penalty_cny: str
    compound_cny: str
    unused_compensation_cny: str
    payoff_cny: str
    days_past_due: int
    overdue_uplift: str
    overdue_uplift_confirmed: bool

    @classmethod
    def of(cls, view: NoteView) -> "NoteStandingOut":
        """Copy a standing."""
        one = view.line.standing
        return cls(
            on=one.on.isoformat(), outstanding_cny=str(one.outstanding_cny), due_cny=str(one.due_cny),
            interest_due_cny=str(one.interest_due_cny), principal_due_cny=str(one.principal_due_cny),
            accrued_cny=str(one.accrued_cny), penalty_cny=str(one.penalty_cny), compound_cny=str(one.compound_cny),
            unused_compensation_cny=str(one.unused_compensation_cny), payoff_cny=str(one.payoff_cny),
            days_past_due=one.days_past_due,
            overdue_uplift=format(view.overdue_uplift.decimal, "f"),
            overdue_uplift_confirmed=view.overdue_uplift.confirmed,
        )  # fmt: skip


class ReceiptLineOut(Struct, frozen=True, kw_only=True):
    """What of a receipt went to the payment whose interest begins on a day."""

    due_start: str
    interest_cny: str
    compound_cny: str
    penalty_cny: str
    principal_cny: str


class ReceiptOut(Struct, frozen=True, kw_only=True):
    """Money received on a note and where it went; the parts sum to the amount."""

    number: int
    paid_on: str
    reference: str
    amount_cny: str
    fees_cny: str
    compensation_cny: str
    prepaid_cny: str
    lines: list[ReceiptLineOut]

    @classmethod
    def of(cls, receipt: Receipt, reference: str) -> "ReceiptOut":
        """Copy a receipt."""
        return cls(
            number=receipt.number, paid_on=receipt.paid_on.isoformat(), reference=reference,
            amount_cny=str(receipt.amount_cny), fees_cny=str(receipt.fees_cny),
            compensation_cny=str(receipt.compensation_cny), prepaid_cny=str(receipt.prepaid_cny),
            lines=[
                ReceiptLineOut(
                    due_start=line.due_start.isoformat(), interest_cny=str(line.interest_cny),
                    compound_cny=str(line.compound_cny), penalty_cny=str(line.penalty_cny),
                    principal_cny=str(line.principal_cny),
                )
                for line in receipt.lines
            ],
        )  # fmt: skip


class RiskClassOut(Struct, frozen=True, kw_only=True):
    """A note's class as the bank's system gave it; `is_too_good` where it lags behind the days past due."""

    risk_class: str
    stage: int | None
    classified_on: str
    source: str
    is_too_good: bool

    @classmethod
    def of(cls, line: NoteLine) -> "RiskClassOut | None":
        """Copy a class; None where there is none."""
        one = line.classification
        if one is None:
            return None
        return cls(
            risk_class=one.risk_class.value, stage=one.stage, classified_on=one.classified_on.isoformat(),
            source=one.source, is_too_good=line.is_class_too_good,
        )  # fmt: skip


class LoanNoteDetailOut(Struct, frozen=True, kw_only=True):
    """A loan note with what it owes, its schedule as the calendar is known, receipts, and the interest paid."""

    note: LoanNoteOut
    standing: NoteStandingOut
    schedule: list[ScheduleRowOut]
    provisional_from: str | None
    past_due: PastDueOut | None
    classification: RiskClassOut | None
    receipts: list[ReceiptOut]
    vouchers: list[InterestVoucherOut]
    rate_clauses: RateClausesOut | None
    rate_changes: list[RateChangeOut]
    rate_resets: list[RateResetOut]
    concession_turns: list[ConcessionTurnOut]
    green_recognition: str
    green_recognition_zh: str

    @classmethod
    def of(cls, view: NoteView) -> "LoanNoteDetailOut":
        """Copy a note with what belongs to it."""
        past_due = view.line.past_due
        green = green_words(view.line.green)
        return cls(
            note=LoanNoteOut.of(view.line.note),
            standing=NoteStandingOut.of(view),
            schedule=[ScheduleRowOut.of(row) for row in view.rows],
            provisional_from=next((row.payment_date.isoformat() for row in view.rows if row.provisional), None),
            past_due=None if past_due is None else PastDueOut.of(past_due),
            classification=RiskClassOut.of(view.line),
            receipts=[ReceiptOut.of(*one) for one in view.receipts],
            vouchers=[InterestVoucherOut.of(one) for one in view.vouchers],
            rate_clauses=None if view.contract is None else RateClausesOut.of(view.contract),
            rate_changes=[RateChangeOut.of(one) for one in view.rate_changes],
            rate_resets=[RateResetOut.of(one) for one in view.resets],
            concession_turns=[ConcessionTurnOut.of(one) for one in view.turns],
            green_recognition=green[1],
            green_recognition_zh=green[0],
        )


class RepaymentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose a receipt on a loan note; with `prepays` what is left after all that is due repays principal early."""

    reference: IdText
    paid_on: DayText
    amount_cny: CnyText
    reason: ReasonText
    fees_cny: CnyText = "0.00"
    compensation_cny: CnyText = "0.00"
    prepays: bool = False

    def draft(self, note_code: str) -> RepaymentDraft:
        """Give the receipt as a value; each rule it breaks is named by its field."""
        return RepaymentDraft(
            note_code=note_code,
            reference=self.reference,
            receipt=ReceiptDraft(
                paid_on=day_of(self.paid_on, field="paid_on"),
                amount_cny=decimal_of(self.amount_cny),
                fees_cny=decimal_of(self.fees_cny),
                compensation_cny=decimal_of(self.compensation_cny),
                prepays=self.prepays,
            ),
        )


class RepaymentPreviewOut(Struct, frozen=True, kw_only=True):
    """What a receipt would pay and leave."""

    receipt: ReceiptOut
    outstanding_cny: str
    interest_paid_to: str
    settles: bool

    @classmethod
    def of(cls, allocated: Allocated, reference: str) -> "RepaymentPreviewOut":
        """Copy what was worked out."""
        return cls(
            receipt=ReceiptOut.of(allocated.receipt, reference),
            outstanding_cny=str(allocated.outstanding_cny),
            interest_paid_to=allocated.interest_paid_to.isoformat(),
            settles=allocated.settles,
        )
