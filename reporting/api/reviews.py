"""The bureau's review for systems: cases, steps of one application and of a report, the performance table."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.approvals import Approval
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import XLSX, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from reporting import service
from reporting.calc.reviews import ReviewCase
from reporting.schemas import (
    PerformanceRowOut,
    ReportReviewOut,
    ReportReviewStepIn,
    ReviewCaseOut,
    ReviewStepIn,
)


@get(
    "/v1/subsidies/applications/{application_id:str}/review",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_review(sessions: Sessions, actor: Actor, application_id: FromPath[IdText]) -> ReviewCaseOut:
    """Give where the review of an application stands, with every step."""
    with sessions.read() as session:
        return _shown(session, actor, service.review_case(session, actor, application_id))


@post(
    "/v1/subsidies/applications/{application_id:str}/review-steps",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["subsidies"],
)
def create_review_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    application_id: FromPath[IdText],
    data: ReviewStepIn,
    idempotency_key: IdempotencyKey,
) -> Response[ReviewCaseOut]:
    """Take or propose a step of the review of an application; what needs two people waits under `/v1/approvals`."""

    def work(session: Session) -> ReviewCaseOut:
        standing = standing_of(session, actor.organization_id, clock)
        take = service.take_review_step if data.step in service.ALONE else service.propose_review_step
        taken = take(session, actor, application_id, data.entry(), standing=standing)
        return _shown(session, actor, taken.case)

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=200)


@get(
    "/v1/subsidies/reports/{report_id:str}/review",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_report_review(sessions: Sessions, actor: Actor, report_id: FromPath[IdText]) -> ReportReviewOut:
    """Give the cases of a report that an amount is proposed for, and its performance table."""
    with sessions.read() as session:
        report = service.load_report(session, actor, report_id)
        waiting = service.waiting_reviews(session, actor)
        cases = service.cases_of_report(session, actor, report)
        return ReportReviewOut(
            report_id=report_id,
            cases=[_case_out(case, waiting.get(f"application:{case.application_id}")) for case in cases.values()],
            waiting=_proposed(waiting.get(f"report:{report_id}")),
            performance=[PerformanceRowOut.of(row) for row in service.performance_of(report, cases)],
        )


@post(
    "/v1/subsidies/reports/{report_id:str}/review-steps",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 404, 409, 422),
    tags=["subsidies"],
)
def create_report_review_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    report_id: FromPath[IdText],
    data: ReportReviewStepIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to publish applications of a report or to put them on the payment list; another person decides."""

    def work(session: Session) -> ProposedOut:
        waiting = service.propose_for_report(
            session, actor, report_id, data.step, application_ids=data.applications, reason=data.reason,
            standing=standing_of(session, actor.organization_id, clock),
        )  # fmt: skip
        return ProposedOut.of(waiting)

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get(
    "/v1/subsidies/reports/{report_id:str}/performance.xlsx",
    sync_to_thread=True,
    media_type=XLSX,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_performance_workbook(sessions: Sessions, actor: Actor, report_id: FromPath[IdText]) -> Response[bytes]:
    """Give the performance table, the payment list with payees and every step as a workbook."""
    with sessions.read() as session:
        report = service.load_report(session, actor, report_id)
        content = service.performance_workbook(session, actor, report)
    return download(content, stem=service.performance_stem(report), ending="xlsx")


def _shown(session: Session, actor: Actor, case: ReviewCase) -> ReviewCaseOut:
    return _case_out(case, service.waiting_review(session, actor, f"application:{case.application_id}"))


def _case_out(case: ReviewCase, waiting: Approval | None) -> ReviewCaseOut:
    return ReviewCaseOut.of(service.ReviewTaken(case=case, waiting=waiting))


def _proposed(waiting: Approval | None) -> ProposedOut | None:
    return None if waiting is None else ProposedOut.of(waiting)


routes = [
    read_review,
    create_review_step,
    read_report_review,
    create_report_review_step,
    read_performance_workbook,
]
