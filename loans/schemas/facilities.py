"""Credit lines, loan contracts, drawdowns and loan notes as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency
from carbonfin.storage.approvals import Approval
from carbonfin.web.wire import CnyText, DayText, IdText, NameText, NoteText, RateText, UsciText, day_of, decimal_of
from loans.calc.contracts.terms import AccrualDates, RepaymentMethod
from loans.calc.facilities import (
    CreditLine,
    DrawdownDraft,
    LoanContract,
    Record,
    ResetDay,
    Returns,
    StopsFrom,
    Totals,
    Use,
)
from loans.schemas.lending import FixingLagDays, LprTenor, MarginBp, PeriodMonths, SettlementDay, StopDays
from loans.schemas.loan_notes import LoanNoteOut, ReasonText
from loans.service import ContractStanding, LineStanding

TermSheetVersion = Annotated[
    int, Meta(ge=1, le=100_000, description="Version of the term sheet it was drawn from; it may not say otherwise.")
]


class ProposedLendingOut(Struct, frozen=True, kw_only=True):
    """What waits for another person; it is approved or rejected under `/v1/approvals`."""

    approval_id: str
    state: str
    title: str
    title_zh: str
    effective_on: str | None

    @classmethod
    def of(cls, approval: Approval) -> "ProposedLendingOut":
        """Copy an approval."""
        on = approval.effective_on
        return cls(
            approval_id=approval.id, state=str(approval.state), title=approval.title_en, title_zh=approval.title_zh,
            effective_on=None if on is None else on.isoformat(),
        )  # fmt: skip


class CreditLineIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose a credit line, or with the number of one a change of it."""

    number: IdText
    usci: UsciText
    document: NameText
    currency: Currency
    amount: CnyText
    is_revolving: bool
    available_from: DayText
    available_to: DayText
    valid_from: DayText
    reason: ReasonText

    def line(self, *, party_id: str) -> CreditLine:
        """Give the line as a value; each rule it breaks is named by its field."""
        return CreditLine(
            number=self.number,
            party_id=party_id,
            document=self.document,
            currency=self.currency,
            amount=decimal_of(self.amount),
            is_revolving=self.is_revolving,
            available_from=day_of(self.available_from, field="available_from"),
            available_to=day_of(self.available_to, field="available_to"),
            valid_from=day_of(self.valid_from, field="valid_from"),
        )


class LoanContractIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose a loan contract under a line; a fixed rate, or an LPR tenor with a margin."""

    number: IdText
    line_number: IdText
    document: NameText
    product: NameText
    purpose: NoteText
    amount: CnyText
    signed_on: DayText
    drawable_from: DayText
    drawable_to: DayText
    matures_by: DayText
    basis: DayCount
    method: RepaymentMethod
    interest_period_months: PeriodMonths
    settlement_day: SettlementDay
    accrual_dates: AccrualDates
    valid_from: DayText
    reason: ReasonText
    fixed_rate: RateText | None = None
    lpr_tenor: LprTenor | None = None
    margin_bp: MarginBp | None = None
    pledge_code: IdText | None = None
    repo_code: IdText | None = None
    concession_stop_days: StopDays | None = None
    concession_stops_from: StopsFrom | None = None
    concession_returns: Returns | None = None
    reset_months: PeriodMonths | None = None
    reset_day: ResetDay | None = None
    fixing_lag_days: FixingLagDays | None = None
    term_sheet_number: IdText | None = None
    term_sheet_version: TermSheetVersion | None = None

    def contract(self) -> LoanContract:
        """Give the contract as a value; each rule it breaks is named by its field."""
        return LoanContract(
            number=self.number,
            line_number=self.line_number,
            document=self.document,
            product=self.product,
            purpose=self.purpose,
            amount=decimal_of(self.amount),
            signed_on=day_of(self.signed_on, field="signed_on"),
            drawable_from=day_of(self.drawable_from, field="drawable_from"),
            drawable_to=day_of(self.drawable_to, field="drawable_to"),
            matures_by=day_of(self.matures_by, field="matures_by"),
            fixed_rate=None if self.fixed_rate is None else decimal_of(self.fixed_rate),
            lpr_tenor=self.lpr_tenor,
            margin_bp=self.margin_bp,
            basis=self.basis,
            method=self.method,
            interest_period_months=self.interest_period_months,
            settlement_day=self.settlement_day,
            accrual_dates=self.accrual_dates,
            pledge_code=self.pledge_code,
            repo_code=self.repo_code,
            valid_from=day_of(self.valid_from, field="valid_from"),
            concession_stop_days=self.concession_stop_days,
            concession_stops_from=self.concession_stops_from,
            concession_returns=self.concession_returns,
            reset_months=self.reset_months,
            reset_day=self.reset_day,
            fixing_lag_days=self.fixing_lag_days,
            term_sheet_number=self.term_sheet_number,
            term_sheet_version=self.term_sheet_version,
        )


class DrawdownIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose to draw one loan note under a contract."""

    note_code: IdText
    amount_cny: CnyText
    drawdown_date: DayText
    maturity_date: DayText
    reason: ReasonText

    def draft(self, contract_number: str) -> DrawdownDraft:
        """Give the drawdown as a value; each rule it breaks is named by its field."""
        return DrawdownDraft(
            note_code=self.note_code,
            contract_number=contract_number,
            amount_cny=decimal_of(self.amount_cny),
            drawdown_date=day_of(self.drawdown_date, field="drawdown_date"),
            maturity_date=day_of(self.maturity_date, field="maturity_date"),
        )


class UseOut(Struct, frozen=True, kw_only=True):
    """How far a limit is used; used and undrawn are two figures and are not to be added."""

    limit: str
    used: str
    outstanding: str
    undrawn: str
    available: str
    waiting: str
    committed: str
    over: str

    @classmethod
    def of(cls, use: Use) -> "UseOut":
        """Copy a use."""
        return cls(**{name: str(getattr(use, name)) for name in cls.__struct_fields__})


class RevisionOut(Struct, frozen=True, kw_only=True):
    """Which revision it is and who stands for it."""

    revision: int
    valid_from: str
    known_from: str
    approval_id: str
    maker: str
    checker: str

    @classmethod
    def of(cls, record: Record[CreditLine] | Record[LoanContract]) -> "RevisionOut":
        """Copy a revision."""
        return cls(
            revision=record.revision, valid_from=record.terms.valid_from.isoformat(),
            known_from=record.known_from.isoformat(), approval_id=record.approval_id, maker=record.maker_name,
            checker=record.checker_name,
        )  # fmt: skip


class LoanContractOut(Struct, frozen=True, kw_only=True):
    """A contract in force with its use and notes."""

    number: str
    line_number: str
    document: str
    product: str
    purpose: str
    amount: str
    signed_on: str
    drawable_from: str
    drawable_to: str
    matures_by: str
    fixed_rate: str | None
    lpr_tenor: str | None
    margin_bp: int | None
    basis: str
    method: str
    pledge_code: str | None
    repo_code: str | None
    concession_stop_days: int | None
    concession_stops_from: str | None
    concession_returns: str | None
    reset_months: int | None
    reset_day: str | None
    fixing_lag_days: int | None
    term_sheet_number: str | None
    term_sheet_version: int | None
    revision: RevisionOut
    use: UseOut
    notes: list[LoanNoteOut]

    @classmethod
    def of(cls, found: ContractStanding) -> "LoanContractOut":
        """Copy a contract's standing."""
        terms = found.record.terms
        return cls(
            number=terms.number,
            line_number=terms.line_number,
            document=terms.document,
            product=terms.product,
            purpose=terms.purpose,
            amount=str(terms.amount),
            signed_on=terms.signed_on.isoformat(),
            drawable_from=terms.drawable_from.isoformat(),
            drawable_to=terms.drawable_to.isoformat(),
            matures_by=terms.matures_by.isoformat(),
            fixed_rate=None if terms.fixed_rate is None else format(terms.fixed_rate, "f"),
            lpr_tenor=terms.lpr_tenor,
            margin_bp=terms.margin_bp,
            basis=str(terms.basis),
            method=str(terms.method),
            pledge_code=terms.pledge_code,
            repo_code=terms.repo_code,
            concession_stop_days=terms.concession_stop_days,
            concession_stops_from=terms.concession_stops_from,
            concession_returns=terms.concession_returns,
            reset_months=terms.reset_months,
            reset_day=terms.reset_day,
            fixing_lag_days=terms.fixing_lag_days,
            term_sheet_number=terms.term_sheet_number,
            term_sheet_version=terms.term_sheet_version,
            revision=RevisionOut.of(found.record),
            use=UseOut.of(found.use),
            notes=[LoanNoteOut.of(note) for note in found.notes],
        )


class CreditLineOut(Struct, frozen=True, kw_only=True):
    """A credit line in force with its use."""

    number: str
    party_id: str
    document: str
    currency: str
    is_revolving: bool
    available_from: str
    available_to: str
    revision: RevisionOut
    use: UseOut

    @classmethod
    def of(cls, found: LineStanding) -> "CreditLineOut":
        """Copy a line's standing."""
        terms = found.record.terms
        return cls(
            number=terms.number,
            party_id=terms.party_id,
            document=terms.document,
            currency=str(terms.currency),
            is_revolving=terms.is_revolving,
            available_from=terms.available_from.isoformat(),
            available_to=terms.available_to.isoformat(),
            revision=RevisionOut.of(found.record),
            use=UseOut.of(found.use),
        )


class CreditLineDetailOut(Struct, frozen=True, kw_only=True):
    """A credit line in force with its contracts and their notes, and its revisions."""

    line: CreditLineOut
    contracts: list[LoanContractOut]
    revisions: list[RevisionOut]

    @classmethod
    def of(cls, found: LineStanding, revisions: tuple[Record[CreditLine], ...]) -> "CreditLineDetailOut":
        """Copy a line's standing with what belongs to it."""
        return cls(
            line=CreditLineOut.of(found),
            contracts=[LoanContractOut.of(one) for one in found.contracts],
            revisions=[RevisionOut.of(one) for one in revisions],
        )


class CreditLineTotalsOut(Struct, frozen=True, kw_only=True):
    """What the lines of one currency come to: used and undrawn apart."""

    currency: str
    lines_count: int
    limit: str
    used: str
    outstanding: str
    undrawn: str
    available: str
    waiting: str

    @classmethod
    def of(cls, totals: Totals) -> "CreditLineTotalsOut":
        """Copy totals."""
        return cls(
            currency=str(totals.currency), lines_count=totals.lines_count, limit=str(totals.limit),
            used=str(totals.used), outstanding=str(totals.outstanding), undrawn=str(totals.undrawn),
            available=str(totals.available), waiting=str(totals.waiting),
        )  # fmt: skip


class CreditLineListOut(Struct, frozen=True, kw_only=True):
    """The lines in force on a day, with totals by currency."""

    business_date: str
    lines: list[CreditLineOut]
    totals: list[CreditLineTotalsOut]
