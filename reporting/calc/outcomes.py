"""What a bank is told of an application it filed: the decision without what belongs to other banks and firms."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.batch import Failure
from reporting.calc.dedup import DuplicatePair, OverlapReason
from reporting.calc.eligibility import Answer, Criterion, CriterionResult, not_claimed_words, stacking_words
from reporting.calc.facts import DocumentKind
from reporting.calc.remedies import CRITERION_REMEDIES
from reporting.calc.reports import ReportLine
from reporting.calc.reviews import REVIEW, ReviewStep
from reporting.calc.subsidies import OUTCOME_TITLES, Outcome, SubsidyDecision, reason_words

ANOTHER_BANKS = "他行申请"
ANOTHER_BANKS_EN = "another bank's application"


class Verdict(StrEnum):
    """What became of an application in a report; `failed` is one that could not be decided at all."""

    QUALIFIES = "qualifies"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    DUPLICATE = "duplicate"
    FAILED = "failed"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


VERDICT_TITLES: Mapping[Verdict, tuple[str, str]] = {
    **{Verdict(outcome.value): titles for outcome, titles in OUTCOME_TITLES.items()},
    Verdict.FAILED: ("未能处理", "Not decided: faulty file"),
}

_BY_THE_BUREAU = (
    "规则尚未确认，由主管部门录入并核准后重新审核，本行无需补交。",
    "A rule is not confirmed yet: the bureau enters and approves it, then decides again; nothing is asked of the bank.",
)
_FOR_BANKS: Mapping[Criterion, tuple[str, str]] = {
    **CRITERION_REMEDIES,
    Criterion.IN_FORCE: (
        "申报日没有有效条款：请向主管部门核实项目有效期，在有效期内申报。",
        "No terms are in force on the day of filing: ask the bureau when they are, and file within.",
    ),
}
TOLD_STEPS: Mapping[str, bool] = {
    "review": False,
    "refuse": False,
    "publish": True,
    "reduce": True,
    "exclude": False,
    "order": True,
    "pay": True,
    "bounce": False,
    "demand": True,
    "recover": True,
    "recover_all": True,
}
"""Steps of the review that the applicant is told, and whether with their amount.

What is said to the public, paid or asked back is told with its amount; that the reviewers passed a file, without, for
the amount is not final before the publication. Audit, objections and account checks are the bureau's own; so are
everywhere names, reasons and files.
"""
NOT_BEGUN = "DECIDED"
_STATE_AFTER = {event: state for _, event, state in REVIEW.edges}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPair:
    """A collision with an earlier application; None where that is another bank's."""

    reason: OverlapReason
    own_item: str
    earlier_reference: str | None
    earlier_item: str | None
    same_scheme: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDetails:
    """Why an application came out as it did, as far as its bank is told.

    Attributes:
        reporting_body: Who built the report.
        net_cny: Cost net of VAT, 元.
        cap_text: Cap in words: an amount, 无上限 or 未确认.
        is_cut: Whether the yearly cap cut the amount; what the applicant was granted elsewhere is not told.
        fault_field: Field of the file at fault where it could not be decided.
        remedy_zh: What to do about it; empty where nothing is to be done.
    """

    reporting_body: str
    scheme_title: str
    reason_zh: str
    reason_en: str
    criteria: tuple[CriterionResult, ...] = ()
    pairs: tuple[ToldPair, ...] = ()
    missing_documents: tuple[DocumentKind, ...] = ()
    unconfirmed_zh: tuple[str, ...] = ()
    net_cny: Decimal | None = None
    cap_text: str = ""
    is_cut: bool = False
    fault_field: str | None = None
    remedy_zh: str = ""
    remedy_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStep:
    """A step of the review as its applicant is told it.

    Attributes:
        on: The day it happened.
        told_at: When it was told.
        published_until: Last day of the publication.
    """

    name: str
    on: date
    told_at: datetime
    amount_cny: Decimal | None
    published_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOutcome:
    """What one report says of one application, for the bank that filed it.

    Attributes:
        as_of: The day the report is as of.
        told_at: When the bank was told.
        is_latest: Whether no later report speaks of the application.
        calculated_cny: 测算金额, 元; None unless the application qualifies.
        proposed_cny: 拟资助金额 before the share of the budget, 元; None while a limiting term is not known.
        granted_cny: 拟资助金额 after the share of the budget, 元; None where no amount is proposed.
        steps: What was told of the review since, in order; of all reports of this body.
    """

    outcome_id: str
    application_id: str
    reference: str
    applicant_name: str
    scheme: str
    quarter: str
    as_of: date
    told_at: datetime
    is_latest: bool
    is_sample: bool
    verdict: Verdict
    calculated_cny: Decimal | None
    proposed_cny: Decimal | None
    granted_cny: Decimal | None
    details: OutcomeDetails
    steps: tuple[ToldStep, ...] = field(default=())

    @property
    def state(self) -> str:
        """Where the review stands as far as it was told: a state of `REVIEW`."""
        return _STATE_AFTER[self.steps[-1].name] if self.steps else NOT_BEGUN

    @property
    def changed_at(self) -> datetime:
        """When the bank was last told something of it."""
        return max(self.told_at, *(step.told_at for step in self.steps)) if self.steps else self.told_at


def details_of(line: ReportLine, owners: Mapping[str, str], *, reporting_body: str) -> OutcomeDetails:
    """Give what the bank that filed an application is told of its line.

    Args:
        line: The report's line.
        owners: The organisation that filed each application, by its identifier.
        reporting_body: Who built the report.
    """
    decision, own = line.decision, owners[line.application_id]
    foreign = frozenset(
        pair.earlier_application_id for pair in decision.pairs if owners.get(pair.earlier_application_id) != own
    )
    criteria, reason_zh, reason_en = decision.criteria, decision.reason_zh, decision.reason_en
    if foreign:
        criteria = _told_criteria(decision, foreign)
        if (reason_zh, reason_en) == reason_words(decision.outcome, decision.criteria, None):
            reason_zh, reason_en = reason_words(decision.outcome, criteria, None)
    remedy_zh, remedy_en = _remedies(decision)
    return OutcomeDetails(
        reporting_body=reporting_body, scheme_title=line.scheme_title, reason_zh=reason_zh,
        reason_en=reason_en, criteria=criteria,
        pairs=tuple(
            ToldPair(
                reason=pair.reason, own_item=pair.own_item, same_scheme=pair.same_scheme,
                earlier_reference=None if pair.earlier_application_id in foreign else pair.earlier_reference,
                earlier_item=None if pair.earlier_application_id in foreign else pair.earlier_item,
            )
            for pair in decision.pairs
        ),
        missing_documents=decision.missing_documents, unconfirmed_zh=decision.unconfirmed_zh,
        net_cny=decision.net_cny, cap_text=line.cap_text, is_cut=bool(decision.cut_zh), remedy_zh=remedy_zh,
        remedy_en=remedy_en,
    )  # fmt: skip


def details_of_failure(
    failure: Failure, *, scheme_title: str, own_fault: Failure | None, reporting_body: str
) -> OutcomeDetails:
    """Give what a bank is told of a file that could not be decided.

    Args:
        failure: As the bureau reads it; of documents it names whose file they are.
        scheme_title: Name of the scheme, its code where it has none.
        own_fault: What the bank's own files alone give; where that is something else, another bank's file is named.
        reporting_body: Who built the report.
    """
    if failure.field == "documents" and (own_fault is None or own_fault.zh != failure.zh):
        return OutcomeDetails(
            reporting_body=reporting_body, scheme_title=scheme_title, fault_field=failure.field,
            reason_zh=f"所附材料与{ANOTHER_BANKS}所附文件完全相同",
            reason_en=f"a document is the very file that stands in {ANOTHER_BANKS_EN}",
            remedy_zh="请核对原件，以本单位自己的材料更正后重新申报。",
            remedy_en="Ask for the original; file a correction with the firm's own document.",
        )  # fmt: skip
    return OutcomeDetails(
        reporting_body=reporting_body, scheme_title=scheme_title, fault_field=failure.field, reason_zh=failure.zh,
        reason_en=failure.detail,
        remedy_zh=failure.remedy_zh, remedy_en=failure.remedy,
    )  # fmt: skip


def told_step(step: ReviewStep) -> ToldStep | None:
    """Give a step as the applicant is told it, None where it is the bureau's own."""
    has_amount = TOLD_STEPS.get(step.name)
    if has_amount is None:
        return None
    until = step.details.get("published_until")
    return ToldStep(
        name=step.name, on=step.on, told_at=step.at, amount_cny=step.amount_cny if has_amount else None,
        published_until=date.fromisoformat(until) if until else None,
    )  # fmt: skip


def _remedies(decision: SubsidyDecision) -> tuple[str, str]:
    """Say what the bank may do about a decision; rules are entered by the bureau alone."""
    if decision.outcome is Outcome.QUALIFIES:
        return "", ""
    wanted = Answer.UNKNOWN if decision.outcome is Outcome.UNDECIDED else Answer.NOT_MET
    found = [
        _BY_THE_BUREAU if result.lacks_parameter else _FOR_BANKS[result.criterion]
        for result in decision.criteria
        if result.answer is wanted
    ]
    found = list(dict.fromkeys(found))
    return "".join(zh for zh, _ in found), " ".join(en for _, en in found)


def _told_criteria(decision: SubsidyDecision, foreign: frozenset[str]) -> tuple[CriterionResult, ...]:
    """Write the criteria that name other applications anew, other banks' by no name."""

    def named(name: str) -> tuple[DuplicatePair, ...]:
        return tuple(
            replace(pair, earlier_reference=name) if pair.earlier_application_id in foreign else pair
            for pair in decision.pairs
        )

    def words(result: CriterionResult, name: str) -> tuple[str, str]:
        if result.criterion is Criterion.NOT_CLAIMED:
            return not_claimed_words(named(name))
        return stacking_words(named(name), result.answer)

    return tuple(
        replace(result, found_zh=words(result, ANOTHER_BANKS)[0], found_en=words(result, ANOTHER_BANKS_EN)[1])
        if result.criterion in {Criterion.NOT_CLAIMED, Criterion.STACKING}
        else result
        for result in decision.criteria
    )
