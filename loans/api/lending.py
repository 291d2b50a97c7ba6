"""Rate decisions, schedules and term sheets with their documents."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.decisions import MadeDecision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.addresses import public_address_of, verification_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import DOCX, PDF, download
from carbonfin.web.idempotency import IdempotencyKey, answered_by_decision, idempotently, still_today
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfMatch, IfNoneMatch, refuse_other, tagged, version_tag
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.calc.jiangtandai import RateDecision
from loans.calc.term_comparisons import compare_term_sheets
from loans.schemas import (
    BatchRateListOut,
    BatchRateOut,
    RateBatchIn,
    RateBatchOut,
    RateDecisionIn,
    RateDecisionOut,
    RebuiltRateOut,
    ScheduleIn,
    ScheduleOut,
    TermSheetIn,
    TermSheetOut,
)

_Number = FromPath[IdText]
_Version = Annotated[int | None, QueryParameter(description="A version; left out, the latest.", ge=1, le=100_000)]
_Against = Annotated[
    int | None, QueryParameter(description="A version to compare with; `changes` says what differs.", ge=1, le=100_000)
]
_WRITES = problem_responses(404, 409, 422)


@post("/v1/rate-decisions", status_code=201, responses=_WRITES, tags=["loans"])
async def create_rate_decision(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RateDecisionIn,
    idempotency_key: IdempotencyKey,
) -> Response[RateDecisionOut]:
    """Decide an emission-cut loan's rate; without a report or score it is not decided, and says so."""

    def prepare(session: Session) -> MadeDecision[RateDecision]:
        standing = standing_of(session, actor.organization_id, clock)
        return service.make_rate_decision(
            session,
            actor,
            party_by_code(session, actor, data.usci),
            margin_bp=data.margin_bp,
            lpr_tenor=data.lpr_tenor,
            applies_from=day_of(data.applies_from, field="/applies_from"),
            decided_on=standing.business_date,
            known_at=standing.known_at,
        )

    return await answered_by_decision(
        sessions,
        actor,
        request,
        idempotency_key,
        data,
        prepare,
        lambda recorded: RateDecisionOut.of(recorded.outcome, decision_id=recorded.decision_id),
        is_of_today=still_today(actor, clock),
    )


@post("/v1/rate-batches", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def create_rate_batch(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RateBatchIn,
    idempotency_key: IdempotencyKey,
) -> Response[RateBatchOut]:
    """Decide the rates of many borrowers at once, each as a single decision would; who cannot be is named."""

    def work(session: Session) -> RateBatchOut:
        standing = standing_of(session, actor.organization_id, clock)
        made = service.decide_rates(
            session,
            actor,
            [one.request() for one in data.rates],
            lpr_tenor=data.lpr_tenor,
            applies_from=day_of(data.applies_from, field="/applies_from"),
            decided_on=standing.business_date,
            known_at=standing.known_at,
        )
        return RateBatchOut.of(made)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/rate-batches/{batch_id:str}/rates", sync_to_thread=True, responses=problem_responses(404), tags=["loans"])
def list_batch_rates(
    *, sessions: Sessions, actor: Actor, batch_id: FromPath[IdText], paging: Paging
) -> Response[BatchRateListOut]:
    """List the rates of a batch in their order, each with the row that answered and the rows that fitted."""
    with sessions.read() as session:
        found = service.rates_of_batch(session, actor, batch_id, paging.place)
    return paging.answer(BatchRateListOut(rates=[BatchRateOut.of(one) for one in found.items]), found)


@get(
    "/v1/rate-batches/{batch_id:str}/rates/{place:str}",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["loans"],
)
def read_batch_rate(
    sessions: Sessions, actor: Actor, batch_id: FromPath[IdText], place: FromPath[IdText]
) -> RebuiltRateOut:
    """Give one rate of a batch with its whole trace, made again from what was recorded; nothing is written."""
    with sessions.read() as session:
        rebuilt = service.rebuilt_rate_of(session, actor, batch_id, service.place_in_batch(place))
    return RebuiltRateOut.of(batch_id, rebuilt)


@post("/v1/schedules", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def create_schedule(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ScheduleIn,
    idempotency_key: IdempotencyKey,
) -> Response[ScheduleOut]:
    """Make a repayment schedule to the fen with the bank calendar as known, and keep the decision."""

    def work(session: Session) -> ScheduleOut:
        standing = standing_of(session, actor.organization_id, clock)
        recorded = service.make_schedule(
            session, actor, data.terms(), valid_on=standing.business_date, known_at=standing.known_at
        )
        return ScheduleOut.of(recorded.outcome, decision_id=recorded.decision_id)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post("/v1/term-sheets", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def create_term_sheet(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: TermSheetIn,
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response[TermSheetOut]:
    """Draft a term sheet, or with its number a new version of one, and keep the decision.

    With `If-Match` a new version follows only the one that was read.
    """

    def work(session: Session) -> TermSheetOut:
        if data.number is not None and if_match is not None:
            latest = service.load_term_sheet(session, actor, data.number)
            refuse_other(if_match, tag=version_tag(latest.entry.version))
        standing = standing_of(session, actor.organization_id, clock)
        draft = service.TermSheetDraft(
            party_id=party_by_code(session, actor, data.usci).id,
            request=data.loan_request(),
            margin_bp=data.margin_bp,
            lpr_tenor=data.lpr_tenor,
            number=data.number,
            entry=data.entry(),
            link_number=data.link_number,
        )
        stored = service.draft_term_sheet(
            session, actor, draft, issued_on=standing.business_date, known_at=standing.known_at
        )
        return TermSheetOut.of(stored)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/term-sheets/{number:str}", sync_to_thread=True, responses=problem_responses(404), tags=["loans"])
def read_term_sheet(
    *,
    sessions: Sessions,
    actor: Actor,
    number: _Number,
    version: _Version = None,
    against: _Against = None,
    if_none_match: IfNoneMatch = None,
) -> Response[TermSheetOut]:
    """Give a term sheet with its lines, schedule and notes, and what it says otherwise than the version `against`."""
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        changes = None
        if against is not None:
            before = service.load_term_sheet(session, actor, number, version=against)
            changes = compare_term_sheets(before.sheet, stored.sheet)
    return tagged(TermSheetOut.of(stored, changes), if_none_match, tag=version_tag(stored.entry.version))


@get(
    "/v1/term-sheets/{number:str}/pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=problem_responses(404),
    tags=["loans"],
)
def read_term_sheet_pdf(
    request: WebRequest, sessions: Sessions, actor: Actor, number: _Number, version: _Version = None
) -> Response[bytes]:
    """Give a term sheet as PDF/A-3 with the decision's inputs attached."""
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        content = service.term_sheet_pdf(
            session, actor, stored, address=public_address_of(request), verified_at=verification_address_of(request)
        )
    return download(content, stem=f"{number}-v{stored.entry.version}", ending="pdf")


@get(
    "/v1/term-sheets/{number:str}/docx",
    sync_to_thread=True,
    media_type=DOCX,
    responses=problem_responses(404),
    tags=["loans"],
)
def read_term_sheet_docx(
    request: WebRequest, sessions: Sessions, actor: Actor, number: _Number, version: _Version = None
) -> Response[bytes]:
    """Give a term sheet for Word."""
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        content = service.term_sheet_docx(
            session, actor, stored, address=public_address_of(request), verified_at=verification_address_of(request)
        )
    return download(content, stem=f"{number}-v{stored.entry.version}", ending="docx")


routes = [
    create_rate_decision,
    create_rate_batch,
    list_batch_rates,
    read_batch_rate,
    create_schedule,
    create_term_sheet,
    read_term_sheet,
    read_term_sheet_pdf,
    read_term_sheet_docx,
]
