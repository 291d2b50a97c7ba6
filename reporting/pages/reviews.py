"""The bureau's review for people: what is sent by the forms of a batch and of an application."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import download
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.reports import SubsidyReport
from reporting.calc.reviews import REVIEW, STEP_TITLES, ReviewCase
from reporting.service import ReviewEntry

_Short = Annotated[str, Meta(max_length=80)]
_Words = Annotated[str, Meta(max_length=2000)]
_PAYEE = ("account_name", "bank_name", "account_number")
_BADGES: Mapping[str, str] = {
    "DECIDED": "neutral",
    "REVIEWED": "information",
    "AUDITED": "information",
    "PUBLISHED": "information",
    "OBJECTED": "warning",
    "ORDERED": "information",
    "PAID": "good",
    "BOUNCED": "warning",
    "RECOVERING": "warning",
    "RECOVERED": "neutral",
    "REFUSED": "breach",
}
STATE_BADGES: Mapping[str, tuple[str, Text]] = {
    state: (_BADGES[state], Text(zh, state.capitalize())) for state, zh in REVIEW.states.items()
}
STEP_WORDS: Mapping[str, Text] = {name: Text(zh, en) for name, (zh, en) in STEP_TITLES.items()}


class ReviewForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a case sends; texts, so that nothing typed is lost on an error."""

    step: _Short = ""
    reason: _Words = ""
    on: _Short = ""
    amount_cny: _Short = ""
    evidence: _Short = ""
    account_name: _Words = ""
    bank_name: _Words = ""
    account_number: _Short = ""

    def entry(self) -> ReviewEntry:
        """Give the step.

        Raises:
            InvalidInput: A field cannot be read.
        """
        return ReviewEntry(
            name=self.step,
            reason=self.reason,
            on=day_of(self.on, field="on") if self.on else None,
            amount_cny=parse_decimal(self.amount_cny, field="amount_cny") if self.amount_cny.strip() else None,
            evidence_digest=self.evidence or None,
            payee={name: getattr(self, name).strip() for name in _PAYEE} if self.step == "payee" else {},
        )


class ReportReviewForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a batch sends."""

    step: _Short = ""
    reason: _Words = ""


@post("/subsidies/{application_id:str}/review-steps", sync_to_thread=True, status_code=303)
def take_review_step(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    application_id: FromPath[str],
    data: Annotated[ReviewForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take or propose a step of a case; refused, the problem page says why and how to put it right."""
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        take = service.take_review_step if data.step in service.ALONE else service.propose_review_step
        take(session, actor, application_id, data.entry(), standing=standing)
    return Redirect(f"/subsidies/{application_id}#review", status_code=303)


@post("/subsidies/reports/{report_id:str}/review-steps", sync_to_thread=True, status_code=303)
def take_report_review_step(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    report_id: FromPath[str],
    data: Annotated[ReportReviewForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Propose to publish the applications of a report, or to put them on the payment list."""
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        waiting = service.propose_for_report(
            session, actor, report_id, data.step, application_ids=None, reason=data.reason, standing=standing
        )
    return Redirect(f"/approvals/{waiting.id}", status_code=303)


@get("/subsidies/reports/{report_id:str}/performance.xlsx", sync_to_thread=True)
def export_performance(*, sessions: Sessions, actor: Actor, report_id: FromPath[str]) -> Response[bytes]:
    """Give the performance table with the payment list."""
    with sessions.read() as session:
        report = service.load_report(session, actor, report_id)
        content = service.performance_workbook(session, actor, report)
    return download(content, stem=service.performance_stem(report), ending="xlsx")


def review_of_application(session: Session, actor: Actor, application_id: str) -> dict[str, Any]:
    """Give what the page of an application shows of its review; nothing to others than the bureau and its auditors."""
    case: ReviewCase | None = None
    if actor.organization_kind is OrganizationKind.BUREAU:
        try:
            case = service.review_case(session, actor, application_id)
        except NotFound:
            case = None
    waiting = service.waiting_review(session, actor, f"application:{application_id}")
    return {
        "case": case,
        "waiting": waiting,
        "review_steps": []
        if case is None or waiting is not None
        else [(name, STEP_WORDS[name]) for name in case.next_steps if name not in service.OF_MANY],
        "evidence": evidence_choices(session, actor, f"application:{application_id}"),
        "state_badges": STATE_BADGES,
        "step_words": STEP_WORDS,
    }


def review_of_report(session: Session, actor: Actor, report: SubsidyReport) -> dict[str, Any]:
    """Give what the page of a batch shows of its review."""
    cases: dict[str, ReviewCase] = {}
    if actor.organization_kind is OrganizationKind.BUREAU:
        cases = service.cases_of_report(session, actor, report)
    return {
        "cases": cases,
        "paid_count": sum(case.paid_cny > 0 for case in cases.values()),
        "performance": service.performance_of(report, cases) if cases else (),
        "waiting": service.waiting_review(session, actor, f"report:{report.report_id}") if cases else None,
        "batch_steps": [
            (name, STEP_WORDS[name])
            for name in ("publish", "order")
            if any(name in case.next_steps for case in cases.values())
        ],
        "state_badges": STATE_BADGES,
    }


routes = [take_review_step, take_report_review_step, export_performance]
