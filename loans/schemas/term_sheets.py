"""Term sheets as JSON."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.dates import DayCount
from carbonfin.web.wire import CnyText, DayText, IdText, NameText, NoteText, UsciText, day_of, decimal_of
from loans.calc.contracts.terms import AccrualDates, RepaymentMethod
from loans.calc.facilities import ResetDay, Returns, StopsFrom
from loans.calc.financed import FinancedEmissions
from loans.calc.loan_costs import FEES_MAX, LoanFee, PaymentWay
from loans.calc.term_comparisons import TermChange
from loans.calc.term_lines import TermGroup, TermLine
from loans.calc.term_requests import LoanRequest
from loans.schemas.lending import (
    FixingLagDays,
    LprTenor,
    MarginBp,
    PeriodMonths,
    RateDecisionOut,
    ScheduleOut,
    SettlementDay,
    StopDays,
)
from loans.service import StoredTermSheet

NO_FEES = "无"


class LoanFeeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fee the borrower pays once, on the day of the drawdown, to whomever."""

    name: NameText
    amount_cny: CnyText


class TermSheetIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Draft a term sheet; with a number, a new version of it. Without a reset clause the rate is fixed to maturity.

    Without a clause on overdue the concession does not stop. `fees` is empty where the borrower bears none; left out it
    is not known, and no yearly cost is stated.
    """

    usci: UsciText
    product: NameText
    loan_kind: NameText
    purpose: NoteText
    guarantee: NoteText
    credit_line_cny: CnyText
    principal_cny: CnyText
    drawdown_date: DayText
    maturity_date: DayText
    method: RepaymentMethod
    interest_period_months: PeriodMonths
    settlement_day: SettlementDay
    basis: DayCount
    accrual_dates: AccrualDates
    margin_bp: MarginBp
    lpr_tenor: LprTenor
    number: IdText | None = None
    reset_months: PeriodMonths | None = None
    reset_day: ResetDay | None = None
    fixing_lag_days: FixingLagDays | None = None
    concession_stop_days: StopDays | None = None
    concession_stops_from: StopsFrom | None = None
    concession_returns: Returns | None = None
    link_number: IdText | None = None
    payment_way: PaymentWay | None = None
    fees: Annotated[list[LoanFeeIn], Meta(max_length=FEES_MAX)] | None = None

    def loan_request(self) -> LoanRequest:
        """Give the request as a value; each rule it breaks is named by its field."""
        return LoanRequest(
            product=self.product,
            loan_kind=self.loan_kind,
            purpose=self.purpose,
            guarantee=self.guarantee,
            credit_line_cny=decimal_of(self.credit_line_cny),
            principal_cny=decimal_of(self.principal_cny),
            drawdown_date=day_of(self.drawdown_date, field="/drawdown_date"),
            maturity_date=day_of(self.maturity_date, field="/maturity_date"),
            method=self.method,
            interest_period_months=self.interest_period_months,
            settlement_day=self.settlement_day,
            basis=self.basis,
            accrual_dates=self.accrual_dates,
            reset_months=self.reset_months,
            reset_day=self.reset_day,
            fixing_lag_days=self.fixing_lag_days,
            concession_stop_days=self.concession_stop_days,
            concession_stops_from=self.concession_stops_from,
            concession_returns=self.concession_returns,
            payment_way=self.payment_way,
            fees=None
            if self.fees is None
            else tuple(LoanFee(name=one.name, amount_cny=decimal_of(one.amount_cny)) for one in self.fees),
        )

    def entry(self) -> dict[str, str]:
        """Give what was sent, field by field, as a form keeps it."""
        typed = {name: getattr(self, name) for name in self.__struct_fields__ if name != "number"}
        said = {name: "" if value is None else str(value) for name, value in typed.items()}
        return said | {
            "fees": fee_text(None if self.fees is None else [(one.name, one.amount_cny) for one in self.fees])
        }


def fee_text(fees: Sequence[tuple[str, str]] | None) -> str:
    """Write fees as the form takes them: one a line, 无 where there is none, nothing where they are not known."""
    if fees is None:
        return ""
    return "\n".join(f"{name} {amount_cny}" for name, amount_cny in fees) or NO_FEES


class TermLineOut(Struct, frozen=True, kw_only=True):
    """One line of the term sheet; `figure_name` names the figure in the decision's trace."""

    label_zh: str
    label_en: str
    value_zh: str
    value_en: str
    figure_name: str | None
    unconfirmed: bool

    @classmethod
    def of(cls, line: TermLine) -> "TermLineOut":
        """Copy a line."""
        return cls(
            label_zh=line.label_zh,
            label_en=line.label_en,
            value_zh=line.value_zh,
            value_en=line.value_en,
            figure_name=line.figure_name or None,
            unconfirmed=line.unconfirmed,
        )


class TermGroupOut(Struct, frozen=True, kw_only=True):
    """Lines under one head."""

    name: str
    title_zh: str
    title_en: str
    lines: list[TermLineOut]

    @classmethod
    def of(cls, group: TermGroup) -> "TermGroupOut":
        """Copy a group."""
        return cls(
            name=group.name,
            title_zh=group.title_zh,
            title_en=group.title_en,
            lines=[TermLineOut.of(line) for line in group.lines],
        )


class FinancedOut(Struct, frozen=True, kw_only=True):
    """Emissions attributed to the loan by one method; methods are never added."""

    method: str
    financed_t: str
    data_quality_score: int | None
    confirmed: bool

    @classmethod
    def of(cls, financed: FinancedEmissions) -> "FinancedOut":
        """Copy a figure of one method."""
        return cls(
            method=financed.method.value,
            financed_t=str(financed.financed_t),
            data_quality_score=financed.data_quality_score,
            confirmed=financed.confirmed,
        )


class TermChangeOut(Struct, frozen=True, kw_only=True):
    """A line or a payment that two versions say otherwise; null on the side that has none."""

    group_zh: str
    group_en: str
    label_zh: str
    label_en: str
    before_zh: str | None
    before_en: str | None
    after_zh: str | None
    after_en: str | None

    @classmethod
    def of(cls, change: TermChange) -> "TermChangeOut":
        """Copy a change."""
        (group_zh, group_en), (label_zh, label_en) = change.group, change.label
        before_zh, before_en = change.before or (None, None)
        after_zh, after_en = change.after or (None, None)
        return cls(
            group_zh=group_zh, group_en=group_en, label_zh=label_zh, label_en=label_en, before_zh=before_zh,
            before_en=before_en, after_zh=after_zh, after_en=after_en,
        )  # fmt: skip


class TermSheetOut(Struct, frozen=True, kw_only=True):
    """A version of a term sheet with its decision; PDF and Word stand beside it.

    `changes` is what it says otherwise than the version `against`; null where none was asked for.
    """

    number: str
    version: int
    reason: str
    issued_on: str
    decision_id: str
    digest: str
    is_sample: bool
    borrower: str
    borrower_usci: str
    rate: RateDecisionOut
    groups: list[TermGroupOut]
    schedule: ScheduleOut | None
    interest_total_without_concession_cny: str | None
    saving_cny: str | None
    financed: list[FinancedOut]
    notes_zh: list[str]
    notes_en: list[str]
    pdf_address: str
    docx_address: str
    changes: list[TermChangeOut] | None

    @classmethod
    def of(cls, stored: StoredTermSheet, changes: tuple[TermChange, ...] | None = None) -> "TermSheetOut":
        """Copy a stored term sheet."""
        sheet, entry, decision_id = stored.sheet, stored.entry, stored.entry.decision_id
        address = f"/v1/term-sheets/{entry.number}"
        return cls(
            number=entry.number,
            version=entry.version,
            reason=entry.reason,
            issued_on=sheet.issued_on.isoformat(),
            decision_id=decision_id,
            digest=entry.digest,
            is_sample=sheet.is_sample,
            borrower=sheet.borrower,
            borrower_usci=sheet.borrower_usci,
            rate=RateDecisionOut.of(sheet.rate, decision_id=decision_id),
            groups=[TermGroupOut.of(group) for group in sheet.groups],
            schedule=None if sheet.schedule is None else ScheduleOut.of(sheet.schedule, decision_id=decision_id),
            interest_total_without_concession_cny=_text(sheet.interest_total_without_concession_cny),
            saving_cny=_text(sheet.saving_cny),
            financed=[FinancedOut.of(one) for one in sheet.financed],
            notes_zh=[note.zh for note in sheet.notes],
            notes_en=[note.en for note in sheet.notes],
            pdf_address=f"{address}/pdf?version={entry.version}",
            docx_address=f"{address}/docx?version={entry.version}",
            changes=None if changes is None else [TermChangeOut.of(one) for one in changes],
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
