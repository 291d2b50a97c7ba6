"""Collateral for systems: appraisals, pledges, repos and headroom."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas import (
    AppraisalIn,
    AppraisalOut,
    CallOut,
    CoverageOut,
    DeskPledgeOut,
    EventOut,
    HeadroomListOut,
    HeadroomOut,
    PledgeDetailOut,
    PledgeIn,
    PledgeListOut,
    PledgeOut,
    ReconciliationListOut,
    ReconciliationOut,
    RepoOut,
)


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
        body = PledgeDetailOut(
            pledge=PledgeOut.of(pledge),
            coverage=[CoverageOut.of(one) for one in service.coverage_history(session, actor, pledge.id)],
            calls=[CallOut.of(one) for one in service.live_calls(session, actor, agreement_code=pledge.code)],
            timeline=[EventOut.of(one) for one in service.timeline_of(session, actor, pledge.id)],
        )
    return tagged(body, if_none_match)


@get("/v1/repos/{repo_id:str}", sync_to_thread=True, responses=problem_responses(404, 409), tags=["collateral"])
def read_repo(
    sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[RepoOut]:
    """Give a repo with its exposure as of the business date; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        repo = service.load_repo(session, actor, repo_id)
        body = RepoOut.of(repo, service.repo_exposure_of(session, actor, repo.id, standing=standing))
    return tagged(body, if_none_match)


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


routes = [
    create_appraisal,
    create_pledge,
    list_pledges,
    read_pledge,
    read_repo,
    read_headroom,
    list_reconciliations,
]
