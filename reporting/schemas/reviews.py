"""The review of subsidy applications as the API takes and shows it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import CnyText, DayText, IdText, NameText, NoteText, day_of, decimal_of
from reporting.calc.performance import PerformanceRow
from reporting.calc.reviews import REVIEW, STEP_TITLES, ReviewCase, ReviewStep
from reporting.schemas.subsidies import DigestText
from reporting.service import ReviewEntry, ReviewTaken

APPLICATIONS_MAX = 10_000


class PayeeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account a grant is paid to; its name must be the applicant's."""

    account_name: NameText
    bank_name: NameText
    account_number: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{5,40}$", description="As text: it may begin with 0.")]


class ReviewStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of the review of an application.

    `review`, `refuse`, `dismiss`, `reduce`, `exclude` and `demand` wait for another person under `/v1/approvals`.
    `audit`, `object`, `payee`, `pay`, `bounce` and `recover` write down what happened outside and need its file.
    `amount_cny` belongs to `review`, `audit`, `reduce`, `pay`, `demand` and `recover`.
    """

    step: Literal[
        "review", "refuse", "audit", "object", "dismiss", "reduce", "exclude", "payee", "pay", "bounce", "demand",
        "recover",
    ]  # fmt: skip
    reason: NoteText
    on: DayText | None = None
    amount_cny: CnyText | None = None
    evidence_digest: DigestText | None = None
    payee: PayeeIn | None = None

    def entry(self) -> ReviewEntry:
        """Give the domain value."""
        payee = self.payee
        return ReviewEntry(
            name=self.step,
            reason=self.reason,
            on=None if self.on is None else day_of(self.on, field="/on"),
            amount_cny=None if self.amount_cny is None else decimal_of(self.amount_cny),
            evidence_digest=self.evidence_digest,
            payee={}
            if payee is None
            else {
                "account_name": payee.account_name,
                "bank_name": payee.bank_name,
                "account_number": payee.account_number,
            },
        )


class ReportReviewStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that applications of a report take together; it waits for another person under `/v1/approvals`.

    Without `applications` all are taken whose state allows it and that nothing stands against.
    """

    step: Literal["publish", "order"]
    reason: NoteText
    applications: Annotated[list[IdText], Meta(min_length=1, max_length=APPLICATIONS_MAX)] | None = None


class ReviewStepOut(Struct, frozen=True, kw_only=True):
    """A step as it was taken."""

    step: str
    title_zh: str
    title: str
    on: str
    amount_cny: str | None
    maker: str
    checker: str | None
    reason: str
    evidence_digest: str | None
    details: dict[str, str]

    @classmethod
    def of(cls, step: ReviewStep) -> "ReviewStepOut":
        """Copy the domain value."""
        zh, en = STEP_TITLES[step.name]
        return cls(
            step=step.name, title_zh=zh, title=en, on=step.on.isoformat(),
            amount_cny=None if step.amount_cny is None else str(step.amount_cny), maker=step.maker_name,
            checker=step.checker_name, reason=step.reason, evidence_digest=step.evidence_digest,
            details=dict(step.details),
        )  # fmt: skip


class ReviewCaseOut(Struct, frozen=True, kw_only=True):
    """Where the review of an application stands; amounts in 元.

    `ceiling_cny` is what may be granted at most today, `next_steps` what the state allows.
    """

    application_id: str
    report_id: str
    state: str
    state_zh: str
    ceiling_cny: str
    paid_cny: str
    demanded_cny: str
    recovered_cny: str
    published_until: str | None
    next_steps: list[str]
    steps: list[ReviewStepOut]
    waiting: ProposedOut | None

    @classmethod
    def of(cls, taken: ReviewTaken) -> "ReviewCaseOut":
        """Copy the domain value."""
        case: ReviewCase = taken.case
        return cls(
            application_id=case.application_id, report_id=case.report_id, state=case.state,
            state_zh=REVIEW.states[case.state], ceiling_cny=str(case.ceiling_cny), paid_cny=str(case.paid_cny),
            demanded_cny=str(case.demanded_cny), recovered_cny=str(case.recovered_cny),
            published_until=None if case.published_until is None else case.published_until.isoformat(),
            next_steps=list(case.next_steps), steps=[ReviewStepOut.of(step) for step in case.steps],
            waiting=None if taken.waiting is None else ProposedOut.of(taken.waiting),
        )  # fmt: skip


class PerformanceRowOut(Struct, frozen=True, kw_only=True):
    """A scheme's row of the performance table; the last row adds up where there are several."""

    scheme: str
    filed_count: int
    passed_count: int
    refused_count: int
    objected_count: int
    paid_count: int
    bounced_count: int
    financed_cny: str
    granted_cny: str
    cut_cny: str
    paid_cny: str
    demanded_cny: str
    recovered_cny: str
    net_paid_cny: str
    days_to_payment: int | None

    @classmethod
    def of(cls, row: PerformanceRow) -> "PerformanceRowOut":
        """Copy the domain value."""
        return cls(
            scheme=row.scheme_title, filed_count=row.filed_count, passed_count=row.passed_count,
            refused_count=row.refused_count, objected_count=row.objected_count, paid_count=row.paid_count,
            bounced_count=row.bounced_count, financed_cny=str(row.financed_cny), granted_cny=str(row.granted_cny),
            cut_cny=str(row.cut_cny), paid_cny=str(row.paid_cny), demanded_cny=str(row.demanded_cny),
            recovered_cny=str(row.recovered_cny), net_paid_cny=str(row.net_paid_cny),
            days_to_payment=row.days_to_payment,
        )  # fmt: skip


class ReportReviewOut(Struct, frozen=True, kw_only=True):
    """The cases of a report that an amount is proposed for, what waits, and the performance table."""

    report_id: str
    cases: list[ReviewCaseOut]
    waiting: ProposedOut | None
    performance: list[PerformanceRowOut]
