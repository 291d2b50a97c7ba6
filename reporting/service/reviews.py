"""The bureau's review: its cases, the steps one person takes, and those that wait for another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.approvals import Approval
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing
from reporting import store
from reporting.calc.facts import SubsidyApplication
from reporting.calc.reports import ReportLine, SubsidyReport
from reporting.calc.reviews import STEP_TITLES, ReviewCase, ReviewStep, after_step, case_of, publication_end
from reporting.service.rulebook import subsidy_book

PUBLICATION_DAYS_KEY = "reporting.publication_days"
ALONE = frozenset({"audit", "object", "payee", "pay", "bounce", "recover"})
"""Steps that write down what happened outside; the file behind each is asked for."""
BY_TWO = frozenset({"review", "refuse", "dismiss", "reduce", "exclude", "demand"})
"""Steps by which the bureau decides: one person proposes, another approves."""
OF_MANY = frozenset({"publish", "order"})
"""Steps that many applications of a report take together, by two people."""
_WITH_AMOUNT = frozenset({"review", "audit", "reduce", "pay", "demand", "recover"})
_PAYEE_FIELDS = ("account_name", "bank_name", "account_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEntry:
    """A step as somebody asks for it.

    Attributes:
        name: One of `ALONE` or `BY_TWO`.
        on: The day it happened; None means the business date.
        payee: For `payee`: the account's name, bank and number.
    """

    name: str
    reason: str
    on: date | None = None
    amount_cny: Decimal | None = None
    evidence_digest: str | None = None
    payee: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObjection:
    """An objection to what was published (公示异议) that nothing was decided on yet."""

    application_id: str
    application: SubsidyApplication
    step: ReviewStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTaken:
    """The case after a step, and what waits for another person, if the step does."""

    case: ReviewCase
    waiting: Approval | None = None


def review_case(session: Session, actor: Actor, application_id: str) -> ReviewCase:
    """Give where the review of an application stands.

    Raises:
        NotFound: The actor's organisation has no report with the application, or its report proposes no amount for it.
    """
    line, report = reviewed_line(session, actor, application_id)
    _, steps = store.steps_of_review(session, actor, application_id)
    return _case(line, report.report_id, steps)


def reviewed_line(session: Session, actor: Actor, application_id: str) -> tuple[ReportLine, SubsidyReport]:
    """Give the line that the review rests on: of the report it began with, else of the latest."""
    report_id, _ = store.steps_of_review(session, actor, application_id)
    report_id = report_id or store.latest_report_with(session, actor, application_id) or ""
    report = store.load_report(session, actor, report_id, of=application_id) if report_id else None
    line = None if report is None else report.line_of(application_id)
    if report is None or line is None:
        raise NotFound(
            f"no report holds application {application_id}",
            zh="该申请尚未列入留存的报表",
            field="application_id",
            remedy="Build the quarter's report first.",
            remedy_zh="请先生成该季度报表。",
        )
    return line, report


def cases_of_report(session: Session, actor: Actor, report: SubsidyReport) -> dict[str, ReviewCase]:
    """Give the case of every application that a report proposes an amount for, but for those of another report."""
    if not report.report_id:
        return {}
    begun = store.reviews_of_report(session, actor, report.report_id)
    elsewhere = store.reviewed_by_other_reports(session, actor, report.report_id)
    return {
        line.application_id: _case(line, report.report_id, begun.get(line.application_id, ()))
        for line in report.lines
        if line.granted_cny and line.application_id not in elsewhere
    }


def open_objections(session: Session, actor: Actor) -> tuple[OpenObjection, ...]:
    """Give the objections of all batches that wait for the bureau's decision, the oldest first."""
    return tuple(
        OpenObjection(
            application_id=application_id,
            application=reviewed_line(session, actor, application_id)[0].application,
            step=step,
        )
        for application_id, step in store.open_objections(session, actor).items()
    )


def take_review_step(
    session: Session, actor: Actor, application_id: str, entry: ReviewEntry, *, standing: Standing
) -> ReviewTaken:
    """Write down a step that one person takes.

    Raises:
        InvalidInput: It is no such step, a field is missing, or its file is not stored.
        Conflict: The state does not allow it, or something stands against it; nothing happens.
    """
    if entry.name not in ALONE:
        raise unknown_step(entry.name, ALONE)
    case = review_case(session, actor, application_id)
    step = review_step(entry, case, maker_name=actor.name, checker_name=None, standing=standing)
    if step.name == "payee":
        _require_payee(session, actor, application_id, step.details)
    after = after_step(case, step)
    require_file(session, actor, application_id, entry.evidence_digest, standing=standing)
    store.add_review_step(session, actor, case, step, approval_id=None)
    return ReviewTaken(case=after)


def review_step(
    entry: ReviewEntry, case: ReviewCase, *, maker_name: str, checker_name: str | None, standing: Standing
) -> ReviewStep:
    """Give a step as it is kept; a recovery that brings in all that is outstanding ends the case.

    Raises:
        InvalidInput: No reason, a day that is not there yet, or an amount is missing or too many.
    """
    if not entry.reason.strip():
        raise InvalidInput("a reason is needed", zh="请填写说明", field="reason")
    on = entry.on or standing.business_date
    if on > standing.business_date:
        raise InvalidInput(
            f"{on} lies after the business date {standing.business_date}",
            zh=f"日期 {on} 晚于业务日期 {standing.business_date}",
            field="on",
        )
    if case.steps and on < case.steps[-1].on:
        raise InvalidInput(
            f"{on} lies before the last step of {case.steps[-1].on}",
            zh=f"日期 {on} 早于上一步骤的日期 {case.steps[-1].on}",
            field="on",
        )
    if (entry.amount_cny is not None) != (entry.name in _WITH_AMOUNT):
        raise InvalidInput(
            f"{entry.name} {'needs' if entry.name in _WITH_AMOUNT else 'takes no'} amount",
            zh="请填写金额" if entry.name in _WITH_AMOUNT else "该步骤不填写金额",
            field="amount_cny",
        )
    ends = entry.name == "recover" and entry.amount_cny == case.outstanding_cny
    return ReviewStep(
        name="recover_all" if ends else entry.name, on=on, at=standing.known_at, amount_cny=entry.amount_cny,
        maker_name=maker_name, checker_name=checker_name, reason=entry.reason.strip(),
        evidence_digest=entry.evidence_digest, details=dict(entry.payee),
    )  # fmt: skip


def details_of_many(session: Session, actor: Actor, name: str, *, standing: Standing) -> Mapping[str, str]:
    """Give what every application of one publication shares: its last day and where the days come from."""
    if name != "publish":
        return {}
    days = subsidy_book(session, actor).on(
        PUBLICATION_DAYS_KEY, valid_on=standing.business_date, known_at=standing.known_at
    )
    calendar = calendar_on(session, "bank", standing.known_at)
    until = publication_end(calendar, standing.business_date, days=days.integer)
    return {
        "published_until": until.isoformat(),
        "days": str(days.integer),
        "source": f"{days.document} {days.article}".strip(),
        "unconfirmed": "" if days.confirmed else days.note or "未确认",
    }


def step_of_many(
    name: str,
    case: ReviewCase,
    details: Mapping[str, str],
    *,
    reason: str,
    maker_name: str,
    checker_name: str | None,
    standing: Standing,
) -> ReviewStep:
    """Give the step by which one application is published or put on the payment list, to its payee."""
    step = review_step(
        ReviewEntry(name=name, reason=reason), case, maker_name=maker_name, checker_name=checker_name, standing=standing
    )
    return replace(step, amount_cny=case.ceiling_cny, details=dict(details or case.payee))


def require_file(
    session: Session, actor: Actor, application_id: str, digest: str | None, *, standing: Standing
) -> None:
    """Hold that the file behind a step is stored, and link it to the application.

    Raises:
        InvalidInput: None is named, or it is not stored.
    """
    if digest is None:
        raise InvalidInput(
            "a file is needed", zh="请先上传附件并填写其摘要", field="evidence_digest",
            remedy="Send the document as an evidence file first, then name its digest.",
            remedy_zh="请先上传该文书，再填写其摘要。",
        )  # fmt: skip
    require_evidence(session, actor, digest, subject=f"application:{application_id}", at=standing.known_at)


def unknown_step(name: str, known: Iterable[str]) -> InvalidInput:
    """Give the refusal of a step that is none."""
    names = sorted(known)
    return InvalidInput(
        f"there is no step {name!r}",
        zh=f"没有“{name}”这一步",
        field="step",
        remedy=f"Choose of {', '.join(names)}.",
        remedy_zh=f"可选：{'、'.join(f'{one}（{STEP_TITLES[one][0]}）' for one in names)}。",
    )


def _case(line: ReportLine, report_id: str, steps: Iterable[ReviewStep]) -> ReviewCase:
    if not line.granted_cny:
        raise NotFound(
            f"there is no review: the report proposes no amount for application {line.application.reference}",
            zh=f"报表未对申请 {line.application.reference} 提出资助金额：{line.decision.reason_zh}",
            field="application_id",
            remedy="What keeps it from an amount stands in the report.",
            remedy_zh="原因见报表，补正后重新生成报表。",
        )
    return case_of(line.application_id, report_id, granted_cny=line.granted_cny, steps=steps)


def _require_payee(session: Session, actor: Actor, application_id: str, details: Mapping[str, str]) -> None:
    """Hold that the account is the applicant's own."""
    missing = next((name for name in _PAYEE_FIELDS if not details.get(name, "").strip()), None)
    if missing is not None:
        raise InvalidInput(f"{missing} is missing", zh="请填写户名、开户行和账号", field=f"payee.{missing}")
    applicant = store.load_application(session, actor, application_id).application.applicant_name
    if details["account_name"].strip() != applicant:
        raise InvalidInput(
            f"the account is {details['account_name']}'s, not {applicant}'s",
            zh=f"户名“{details['account_name']}”与申报单位“{applicant}”不一致",
            field="payee.account_name",
            remedy="Pay to an account of the applicant alone.",
            remedy_zh="资金只拨付至申报单位自己的账户。",
        )
