"""Repos for systems: contracts proposed, repos read, and what happens to them weighed, asked for and listed."""

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
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.sent_files import bytes_of
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas import (
    PortfolioFileIn,
    PortfolioReportOut,
    RepoEventIn,
    RepoEventListOut,
    RepoEventOut,
    RepoEventPreviewOut,
    RepoIn,
    RepoOut,
    RepoPreviewOut,
)
from collateral.service import repo_events as life

_EVENTS = "/v1/repos/{repo_id:str}/events"


@post(
    "/v1/repos",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_repo(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RepoIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose a repo's contract; when another person approves it, the repo opens and title passes to the buyer."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        contract = data.contract(
            seller_id=party_by_code(session, actor, data.seller).id,
            buyer_id=party_by_code(session, actor, data.buyer).id,
        )
        return ProposedOut.of(service.propose_repo(session, actor, contract, standing=standing, reason=data.reason))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@post(
    "/v1/repos/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def preview_repo(*, sessions: Sessions, actor: Actor, clock: Clock, data: RepoIn) -> RepoPreviewOut:
    """Weigh a contract: lendable cash, repurchase price, agreed haircut beside the bank's own, what-if."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        contract = data.contract(
            seller_id=party_by_code(session, actor, data.seller).id,
            buyer_id=party_by_code(session, actor, data.buyer).id,
        )
        return RepoPreviewOut.of(service.preview_repo(session, actor, contract, standing=standing))


@post(
    "/v1/repos/reconciliations",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 413, 422),
    tags=["collateral"],
)
def create_portfolio_report(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PortfolioFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[PortfolioReportOut]:
    """Compare a counterparty's list of repos with ours; every difference is named and kept, faulty rows are listed."""

    def work(session: Session) -> PortfolioReportOut:
        report = service.reconcile_portfolio(
            session, actor, party_by_code(session, actor, data.counterparty).id,
            content=bytes_of(data.content_base64), file_name=data.file_name,
            standing=standing_of(session, actor.organization_id, clock),
        )  # fmt: skip
        return PortfolioReportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/repos/{repo_id:str}", sync_to_thread=True, responses=problem_responses(404, 409), tags=["collateral"])
def read_repo(
    sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[RepoOut]:
    """Give a repo with its exposure as of the business date; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        repo = service.load_repo(session, actor, repo_id)
        exposure = service.repo_exposure_of(session, actor, repo.id, standing=standing)
        recorded = service.latest_repo_exposure(session, actor, repo.id, standing=standing)
        net = service.net_of_repo(session, actor, repo, recorded)
        body = RepoOut.of(repo, exposure, net)
    return tagged(body, if_none_match)


@post(
    _EVENTS + "/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def preview_repo_event(
    *, sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[IdText], data: RepoEventIn
) -> RepoEventPreviewOut:
    """Weigh an event of a repo: cash and units that would pass, terms after it, every reason against it."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        outcome = life.preview_repo_event(session, actor, repo_id, data.draft(), standing=standing)
    return RepoEventPreviewOut.of(outcome)


@post(
    _EVENTS,
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def create_repo_event(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    repo_id: FromPath[IdText],
    data: RepoEventIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Ask for an event of a repo; it is weighed again and carried out when another person approves it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(life.propose_repo_event(session, actor, repo_id, data.draft(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get(_EVENTS, sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def list_repo_events(*, sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[IdText]) -> RepoEventListOut:
    """List what happened to a repo, the first first."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        repo = service.load_repo(session, actor, repo_id)
        events = life.repo_events_of(session, actor, repo_id)
        age_days = life.repo_fail_age(session, repo, standing=standing)
    return RepoEventListOut(fail_age_days=age_days, events=[RepoEventOut.of(one) for one in events])


routes = [
    create_portfolio_report,
    create_repo,
    preview_repo,
    read_repo,
    preview_repo_event,
    create_repo_event,
    list_repo_events,
]
