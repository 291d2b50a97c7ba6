"""Notices and statements of loan notes, and the risk classes a bank's system hands in."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, IdText, day_of
from loans import service
from loans.calc.servicing.notices import NOTICE_NAMES, NoticeKind
from loans.schemas.loan_notices import LoanClassesIn, LoanClassesOut, LoanNoticeListOut, LoanNoticeOut

_READS = problem_responses(400, 404, 422)


@get("/v1/loan-notes/{note_code:str}/notices", sync_to_thread=True, responses=problem_responses(404), tags=["loans"])
def list_loan_notices(sessions: Sessions, actor: Actor, note_code: FromPath[IdText]) -> LoanNoticeListOut:
    """List the notices made of a note's payments, the latest first."""
    with sessions.read() as session:
        found = service.notices_of_note(session, actor, note_code)
    return LoanNoticeListOut(notices=[LoanNoticeOut.of(one) for one in found])


@get(
    "/v1/loan-notes/{note_code:str}/notices/{kind:str}/{due_start:str}/letter.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=_READS,
    tags=["loans"],
)
def read_notice_letter(
    *,
    sessions: Sessions,
    actor: Actor,
    note_code: FromPath[IdText],
    kind: FromPath[NoticeKind],
    due_start: FromPath[DayText],
) -> Response[bytes]:
    """Give a notice as PDF; the same bytes each time."""
    with sessions.read() as session:
        day = day_of(due_start, field="due_start")
        content = service.notice_letter_pdf(session, actor, note_code, kind, day)
    return download(content, stem=f"{NOTICE_NAMES[kind][0]}-{note_code}-{day}", ending="pdf")


@get(
    "/v1/loan-notes/{note_code:str}/rate-notices/{rate_notice:str}/letter.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=_READS,
    tags=["loans"],
)
def read_rate_letter(
    *,
    sessions: Sessions,
    actor: Actor,
    note_code: FromPath[IdText],
    rate_notice: FromPath[IdText],
) -> Response[bytes]:
    """Give the notice of a rate reset (`reset-1`) or of a concession that turned (`concession-1`) as PDF."""
    with sessions.read() as session:
        content = service.rate_letter_pdf(session, actor, note_code, rate_notice)
    return download(content, stem=f"利率通知书-{note_code}-{rate_notice}", ending="pdf")


@get(
    "/v1/loan-notes/{note_code:str}/statement.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=_READS,
    tags=["loans"],
)
def read_statement(sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]) -> Response[bytes]:
    """Give the statement of a note on the business date as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        content = service.statement_pdf(session, actor, note_code, standing=standing)
    return download(content, stem=f"贷款对账单-{note_code}-{standing.business_date}", ending="pdf")


@post(
    "/v1/loan-classifications",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 409, 422),
    tags=["loans"],
)
def record_loan_classes(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: LoanClassesIn,
    idempotency_key: IdempotencyKey,
) -> Response[LoanClassesOut]:
    """Enter risk classes (五级分类) and stages as the bank's system decided them; what cannot be taken is named."""

    def work(session: Session) -> LoanClassesOut:
        standing = standing_of(session, actor.organization_id, clock)
        given = [one.classification() for one in data.classes]
        return LoanClassesOut.of(service.record_classes(session, actor, given, standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=200)


routes = [list_loan_notices, read_notice_letter, read_rate_letter, read_statement, record_loan_classes]
