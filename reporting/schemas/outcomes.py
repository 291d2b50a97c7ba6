"""What a bank is told of the applications it filed, as the API shows it."""

from datetime import datetime

from msgspec import Struct

from reporting.calc.outcomes import NOT_BEGUN, ToldOutcome, ToldStep
from reporting.calc.reviews import REVIEW, STEP_TITLES
from reporting.schemas.subsidies import CriterionOut


class ToldPairOut(Struct, frozen=True, kw_only=True):
    """A collision with an earlier application; reference and item are null where that is another bank's."""

    reason: str
    own_item: str
    earlier_reference: str | None
    earlier_item: str | None
    same_scheme: bool


class ToldStepOut(Struct, frozen=True, kw_only=True):
    """A step of the review as its applicant is told it; 元."""

    step: str
    title_zh: str
    title: str
    on: str
    told_at: str
    amount_cny: str | None
    published_until: str | None

    @classmethod
    def of(cls, step: ToldStep) -> "ToldStepOut":
        """Copy the domain value."""
        zh, en = STEP_TITLES[step.name]
        return cls(
            step=step.name, title_zh=zh, title=en, on=step.on.isoformat(), told_at=_instant(step.told_at),
            amount_cny=_text(step.amount_cny),
            published_until=None if step.published_until is None else step.published_until.isoformat(),
        )  # fmt: skip


class OutcomeDetailsOut(Struct, frozen=True, kw_only=True):
    """Why it came out so, and what to do: other banks' applications by no name, other firms' not at all."""

    reporting_body: str
    scheme_title: str
    reason_zh: str
    reason_en: str
    remedy_zh: str
    remedy_en: str
    fault_field: str | None
    net_cny: str | None
    cap: str
    is_cut_to_cap: bool
    missing_documents: list[str]
    unconfirmed_zh: list[str]
    criteria: list[CriterionOut]
    duplicates: list[ToldPairOut]


class OutcomeOut(Struct, frozen=True, kw_only=True):
    """What a report says of an application the bank filed; amounts in 元, to the fen.

    `as_of` is the report's day, `told_at` when the bank was told, `changed_at` when something of it was told last.
    `proposed_cny` is before and `granted_cny` after the share of the budget; both are null while conditions or cap are
    not confirmed. `review` is the state of the bureau's review as far as it is told.
    """

    outcome_id: str
    application_id: str
    reference: str
    applicant_name: str
    scheme: str
    quarter: str
    as_of: str
    told_at: str
    changed_at: str
    is_latest: bool
    is_sample: bool
    outcome: str
    calculated_cny: str | None
    proposed_cny: str | None
    granted_cny: str | None
    review: str
    review_zh: str
    steps: list[ToldStepOut]
    details: OutcomeDetailsOut

    @classmethod
    def of(cls, told: ToldOutcome) -> "OutcomeOut":
        """Copy the domain value."""
        return cls(
            outcome_id=told.outcome_id, application_id=told.application_id, reference=told.reference,
            applicant_name=told.applicant_name, scheme=told.scheme, quarter=told.quarter,
            as_of=told.as_of.isoformat(), told_at=_instant(told.told_at), changed_at=_instant(told.changed_at),
            is_latest=told.is_latest, is_sample=told.is_sample, outcome=told.verdict.value,
            calculated_cny=_text(told.calculated_cny), proposed_cny=_text(told.proposed_cny),
            granted_cny=_text(told.granted_cny), review="none" if told.state == NOT_BEGUN else told.state.lower(),
            review_zh="" if told.state == NOT_BEGUN else REVIEW.states[told.state],
            steps=[ToldStepOut.of(step) for step in told.steps], details=_details(told),
        )  # fmt: skip


class OutcomesOut(Struct, frozen=True, kw_only=True):
    """Outcomes in the order they were told."""

    outcomes: list[OutcomeOut]


class OutcomeHistoryOut(Struct, frozen=True, kw_only=True):
    """All that was told of one application, the latest report first."""

    application_id: str
    outcomes: list[OutcomeOut]


def _details(told: ToldOutcome) -> OutcomeDetailsOut:
    details = told.details
    return OutcomeDetailsOut(
        reporting_body=details.reporting_body, scheme_title=details.scheme_title, reason_zh=details.reason_zh,
        reason_en=details.reason_en, remedy_zh=details.remedy_zh, remedy_en=details.remedy_en,
        fault_field=details.fault_field, net_cny=_text(details.net_cny), cap=details.cap_text,
        is_cut_to_cap=details.is_cut, missing_documents=[kind.value for kind in details.missing_documents],
        unconfirmed_zh=list(details.unconfirmed_zh),
        criteria=[
            CriterionOut(
                criterion=one.criterion.value, answer=one.answer.value, clause=one.clause, found_zh=one.found_zh,
                found_en=one.found_en, lacks_parameter=one.lacks_parameter,
            )
            for one in details.criteria
        ],
        duplicates=[
            ToldPairOut(
                reason=pair.reason.value, own_item=pair.own_item, earlier_reference=pair.earlier_reference,
                earlier_item=pair.earlier_item, same_scheme=pair.same_scheme,
            )
            for pair in details.pairs
        ],
    )  # fmt: skip


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
