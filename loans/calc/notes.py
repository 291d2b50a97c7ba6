"""Loan notes (借据) and the interest paid on them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.terms import LoanTerms
from loans.calc.linked.rate_lines import BookedChange, booked_interest_cny, rate_on


class NoteState(StrEnum):
    """Where a loan note stands."""

    RUNNING = "running"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanNoteDraft:
    """A loan note as it is entered.

    Attributes:
        code: 借据号, unique within the bank.
        pledge_code: The pledge behind it, or None.
        rate_note: How the rate came about, in words.
        interest_paid_to: First day not yet paid for; the drawdown date on a fresh note.
        contract_number: The contract it is drawn under; None on a note taken over from before.
        approval_id: What two people signed to draw it, or None.
    """

    code: str
    party_id: str
    pledge_code: str | None
    product: str
    terms: LoanTerms
    rate_note: str
    interest_paid_to: date
    is_sample: bool
    contract_number: str | None = None
    approval_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse interest paid to a day outside the note's life, and a note without a code."""
        if not self.code.strip():
            raise InvalidInput("a loan note needs a code", zh="请填写借据号", field="code")
        if not self.terms.drawdown_date <= self.interest_paid_to <= self.terms.maturity_date:
            raise InvalidInput(
                f"interest paid to {self.interest_paid_to} lies outside the note's life",
                zh="已付息至的日期不在借据期限内",
                field="interest_paid_to",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanNote:
    """A loan note as it stands.

    Attributes:
        outstanding_cny: Principal not yet repaid.
        interest_paid_to: First day not yet paid for.
        contract_number: The contract it was drawn under; None on a note taken over from before.
        approval_id: What two people signed to draw it; None on a note taken over.
        rate_changes: How its rate moved after the drawdown, as booked, the first first.
    """

    id: str
    code: str
    party_id: str
    pledge_code: str | None
    product: str
    terms: LoanTerms
    rate_note: str
    outstanding_cny: Decimal
    interest_paid_to: date
    state: NoteState
    settled_date: date | None
    is_sample: bool
    contract_number: str | None = None
    approval_id: str | None = None
    rate_changes: tuple[BookedChange, ...] = ()

    def rate_on(self, day: date) -> Decimal:
        """Give the executed rate of a day as now known: its own, or as it moved since."""
        spells = self.rate_changes[-1].spells if self.rate_changes else ()
        return rate_on(spells, day, base_rate=self.terms.rate)

    def interest_cny(self, *, end: date, booked_by: date) -> Decimal:
        """Give interest from the day it was paid to up to `end`, with the compensations booked up to `booked_by`."""
        return booked_interest_cny(
            self.rate_changes, balance_cny=self.outstanding_cny, base_rate=self.terms.rate, basis=self.terms.basis,
            start=self.interest_paid_to, end=end, booked_by=booked_by,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestVoucher:
    """Interest paid for `[period_start, period_end)`: with tax, net and tax.

    Attributes:
        corrects: The voucher of the same period it lessens, by number: then its amounts are below zero.
    """

    number: int
    period_start: date
    period_end: date
    paid_date: date
    interest_cny: Decimal
    vat_rate: Decimal
    net_cny: Decimal
    vat_cny: Decimal
    corrects: int | None = None
