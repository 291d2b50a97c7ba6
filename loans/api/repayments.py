"""Loan notes in service for systems: what they owe, receipts proposed, and what a receipt would pay."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from loans import service
from loans.schemas.loan_notes import LoanNoteDetailOut, RepaymentIn, RepaymentPreviewOut


@get("/v1/loan-notes/{note_code:str}", sync_to_thread=True, responses=problem_responses(404), tags=["loans"])
def read_loan_note(sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]) -> LoanNoteDetailOut:
    """Give a loan note: what it owes and is overdue, its schedule as the bank calendar is known, receipts, vouchers."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return LoanNoteDetailOut.of(service.note_view(session, actor, note_code, standing=standing))


@post(
    "/v1/loan-notes/{note_code:str}/repayments/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["loans"],
)
def preview_repayment(
    sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText], data: RepaymentIn
) -> RepaymentPreviewOut:
    """Give what a receipt would pay and what would be left; nothing is kept."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        draft = data.draft(note_code)
        found = service.preview_repayment(session, actor, draft, standing=standing)
    return RepaymentPreviewOut.of(found, draft.reference)


@post(
    "/v1/loan-notes/{note_code:str}/repayments",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 404, 409, 422),
    tags=["loans"],
)
def create_repayment(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    note_code: FromPath[IdText],
    data: RepaymentIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose a receipt on a loan note; it is allocated on its day once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_repayment(session, actor, data.draft(note_code), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


routes = [read_loan_note, preview_repayment, create_repayment]
