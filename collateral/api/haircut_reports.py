"""Monthly haircut reports for systems: make one, list those kept, read one, take it as PDF."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral.schemas.haircut_reports import (
    HaircutReportHeadOut,
    HaircutReportIn,
    HaircutReportListOut,
    HaircutReportOut,
    report_out,
)
from collateral.service import haircut_reports

_REPORTS = "/v1/haircut-policies/{code:str}/reports"
_ONE = _REPORTS + "/{decision_id:str}"


@post(
    _REPORTS, sync_to_thread=True, status_code=201, responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)  # fmt: skip
def create_haircut_report(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: FromPath[IdText],
    data: HaircutReportIn,
    idempotency_key: IdempotencyKey,
) -> Response[HaircutReportOut]:
    """Make the haircut report of a month for a class and keep it as a decision."""

    def work(session: Session) -> HaircutReportOut:
        standing = standing_of(session, actor.organization_id, clock)
        kept = haircut_reports.make_haircut_report(session, actor, data.request(code), standing=standing)
        return report_out(haircut_reports.load_haircut_report(session, actor, code, kept.decision_id))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=201)


@get(_REPORTS, sync_to_thread=True, responses=problem_responses(400, 422), tags=["collateral"])
def list_haircut_reports(
    *, sessions: Sessions, actor: Actor, paging: Paging, code: FromPath[IdText]
) -> Response[HaircutReportListOut]:
    """List the haircut reports of a class, the newest first."""
    with sessions.read() as session:
        found = haircut_reports.haircut_reports_of(session, actor, code, paging.place)
    return paging.answer(HaircutReportListOut(reports=[HaircutReportHeadOut.of(one) for one in found.items]), found)


@get(_ONE, sync_to_thread=True, responses=problem_responses(404, 422), tags=["collateral"])
def read_haircut_report(
    *, sessions: Sessions, actor: Actor, code: FromPath[IdText], decision_id: FromPath[IdText]
) -> HaircutReportOut:
    """Give a haircut report as it was kept."""
    with sessions.read() as session:
        return report_out(haircut_reports.load_haircut_report(session, actor, code, decision_id))


@get(_ONE + "/pdf", sync_to_thread=True, media_type=PDF, responses=problem_responses(404, 422), tags=["collateral"])
def read_haircut_report_document(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    code: FromPath[IdText],
    decision_id: FromPath[IdText],
) -> Response[bytes]:
    """Give a haircut report as PDF; the same report gives the same bytes."""
    with sessions.read() as session:
        report = haircut_reports.load_haircut_report(session, actor, code, decision_id)
        content = haircut_reports.haircut_report_document(session, actor, report, address=public_address_of(request))
    return download(content, stem=f"折扣系数月报-{code}-{report.inputs.month}", ending="pdf")


routes = [create_haircut_report, list_haircut_reports, read_haircut_report, read_haircut_report_document]
