"""Collateral for systems: appraisals, pledges, margin and headroom."""

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas import (
    AppraisalIn,
    AppraisalOut,
    CallEventOut,
    CallOut,
    CallStepIn,
    CoverageOut,
    DeskPledgeOut,
    EventOut,
    HeadroomListOut,
    HeadroomOut,
    MarginCallDetailOut,
    MarginCallListOut,
    MarginCallOut,
    MarginTermsIn,
    MarginTermsListOut,
    MarginTermsOut,
    PledgeDetailOut,
    PledgeIn,
    PledgeListOut,
    PledgeOut,
    PledgeStepIn,
    PledgeStepOut,
    ReconciliationListOut,
    ReconciliationOut,
)
from collateral.schemas.holdings import LockedSerialsOut
from collateral.service.letters import call_letter_name


@post(
    "/v1/pledges/appraisals",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_appraisal(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: AppraisalIn,
    idempotency_key: IdempotencyKey,
) -> Response[AppraisalOut]:
    """Appraise a pledge asked for: value, coverage, last safe date, headroom and every reason against it."""

    def work(session: Session) -> AppraisalOut:
        standing = standing_of(session, actor.organization_id, clock)
        draft = data.draft(party_by_code(session, actor, data.pledgor).id)
        if not data.record:
            return AppraisalOut.of(service.appraise_what_if(session, actor, draft, standing=standing), None)
        recorded = service.record_appraisal(session, actor, draft, standing=standing)
        return AppraisalOut.of(recorded.outcome, recorded.decision_id)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/pledges",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_pledge(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PledgeIn,
    idempotency_key: IdempotencyKey,
) -> Response[PledgeOut]:
    """Apply for a pledge and appraise it; one with a reason against it is kept as rejected, with the reason."""

    def work(session: Session) -> PledgeOut:
        standing = standing_of(session, actor.organization_id, clock)
        draft = data.draft(party_by_code(session, actor, data.pledgor).id)
        pledge = service.apply_for_pledge(session, actor, draft, standing=standing)
        if pledge.state == "APPLIED":
            pledge = service.appraise_pledge(session, actor, pledge.id, standing=standing)
        return PledgeOut.of(pledge)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/pledges", sync_to_thread=True, responses=problem_responses(), tags=["collateral"])
def list_pledges(sessions: Sessions, actor: Actor, clock: Clock, paging: Paging) -> Response[PledgeListOut]:
    """List pledges by code, each with its exposure, coverage and open call."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.desk_page(session, actor, paging.place, standing=standing)
    body = PledgeListOut(
        business_date=standing.business_date.isoformat(), pledges=[DeskPledgeOut.of(line) for line in found.items]
    )
    return paging.answer(body, found)


@get("/v1/pledges/{pledge_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def read_pledge(
    sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[PledgeDetailOut]:
    """Give a pledge with its coverage by date, open calls and timeline."""
    with sessions.read() as session:
        pledge = service.load_pledge(session, actor, pledge_id)
        waiting = service.waiting_approval(session, actor, pledge.id) or service.waiting_step(session, actor, pledge.id)
        body = PledgeDetailOut(
            pledge=PledgeOut.of(pledge),
            coverage=[CoverageOut.of(one) for one in service.coverage_history(session, actor, pledge.id)],
            calls=[CallOut.of(one) for one in service.live_calls(session, actor, agreement_code=pledge.code)],
            timeline=[EventOut.of(one) for one in service.timeline_of(session, actor, pledge.id)],
            serials=[LockedSerialsOut.of(*one) for one in service.locked_serials(session, actor, pledge_id=pledge.id)],
            waiting=None if waiting is None else ProposedOut.of(waiting),
        )
    return tagged(body, if_none_match)


@post(
    "/v1/pledges/{pledge_id:str}/steps",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def create_pledge_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: PledgeStepIn,
    idempotency_key: IdempotencyKey,
) -> Response[PledgeStepOut]:
    """Take a step of a pledge; contract, drawdown and release wait for another person."""

    def work(session: Session) -> PledgeStepOut:
        standing = standing_of(session, actor.organization_id, clock)
        return PledgeStepOut.of(service.take_pledge_step(session, actor, pledge_id, data.domain(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=200)


@get(
    "/v1/parties/{party_id:str}/headroom",
    sync_to_thread=True,
    responses=problem_responses(404, 409),
    tags=["collateral"],
)
def read_headroom(sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[IdText]) -> HeadroomListOut:
    """Give what an emitter may still pledge or sell and yet surrender in time; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        outcomes = service.headroom_of(session, actor, party_id, standing=standing)
    return HeadroomListOut(
        party_id=party_id,
        business_date=standing.business_date.isoformat(),
        headrooms=[HeadroomOut.of(one) for one in outcomes],
    )


@get("/v1/registry/reconciliations", sync_to_thread=True, responses=problem_responses(), tags=["collateral"])
def list_reconciliations(sessions: Sessions, actor: Actor, paging: Paging) -> Response[ReconciliationListOut]:
    """List the last reconciliation with the registry of each business date, each difference with its age."""
    with sessions.read() as session:
        found = service.reconciliations_page(session, actor, paging.place)
    body = ReconciliationListOut(reconciliations=[ReconciliationOut.of(one) for one in found.items])
    return paging.answer(body, found)


@get("/v1/margin-calls", sync_to_thread=True, responses=problem_responses(), tags=["collateral"])
def list_margin_calls(
    *, sessions: Sessions, actor: Actor, paging: Paging, live: FromQuery[bool] = False
) -> Response[MarginCallListOut]:
    """List margin calls, the newest first; `live=true` gives those still awaited."""
    with sessions.read() as session:
        found = service.call_page(session, actor, paging.place, live_only=live)
    return paging.answer(MarginCallListOut(calls=[MarginCallOut.of(one) for one in found.items]), found)


@get("/v1/margin-calls/{call_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def read_margin_call(
    sessions: Sessions, actor: Actor, call_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[MarginCallDetailOut]:
    """Give a call with its timeline; `decision_id` holds the trace of its amount."""
    with sessions.read() as session:
        body = MarginCallDetailOut(
            call=MarginCallOut.of(service.load_call(session, actor, call_id)),
            timeline=[CallEventOut.of(one) for one in service.timeline_of_call(session, actor, call_id)],
        )
    return tagged(body, if_none_match)


@get(
    "/v1/margin-calls/{call_id:str}/letter.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=problem_responses(404),
    tags=["collateral"],
)
def read_call_letter(sessions: Sessions, actor: Actor, clock: Clock, call_id: FromPath[IdText]) -> Response[bytes]:
    """Give the letter of a margin call, or of a return, as PDF; the same bytes each time."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        call = service.load_call(session, actor, call_id)
        content = service.call_letter_pdf(session, actor, call_id, standing=standing)
    return download(content, stem=call_letter_name(call), ending="pdf")


@post(
    "/v1/margin-calls/{call_id:str}/steps",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_margin_call_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    call_id: FromPath[IdText],
    data: CallStepIn,
    idempotency_key: IdempotencyKey,
) -> Response[MarginCallOut]:
    """Answer a call: agree, dispute, receive, and so on; a late cure or a default waits for another person."""

    def work(session: Session) -> MarginCallOut:
        standing = standing_of(session, actor.organization_id, clock)
        return MarginCallOut.of(service.take_call_step(session, actor, call_id, data.domain(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=200)


@get(
    "/v1/margin-terms/{agreement_code:str}", sync_to_thread=True, responses=problem_responses(404), tags=["collateral"]
)
def read_margin_terms(sessions: Sessions, actor: Actor, agreement_code: FromPath[IdText]) -> MarginTermsListOut:
    """Give every revision of the margin terms of a pledge or repo, and what waits for approval."""
    with sessions.read() as session:
        service.agreement_address(session, actor, agreement_code)
        waiting = service.waiting_terms(session, actor, agreement_code)
        return MarginTermsListOut(
            agreement_code=agreement_code,
            revisions=[MarginTermsOut.of(one) for one in service.terms_of(session, actor, agreement_code)],
            waiting=None if waiting is None else ProposedOut.of(waiting),
        )


@post(
    "/v1/margin-terms",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_margin_terms(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: MarginTermsIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose margin terms of a pledge or repo; they hold once another person approved them."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_terms(session, actor, data.terms(), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


routes = [
    list_margin_calls,
    read_margin_call,
    read_call_letter,
    create_margin_call_step,
    read_margin_terms,
    create_margin_terms,
    create_appraisal,
    create_pledge,
    list_pledges,
    read_pledge,
    create_pledge_step,
    read_headroom,
    list_reconciliations,
]
