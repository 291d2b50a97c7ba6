"""Sustainability links for systems: propose, hand in, observe, and read by the day something was known."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.schemas.link_reviews import LinkReviewIn, LinkReviewOut
from loans.schemas.link_views import LinkDocumentOut, LinkedNoteOut, LinkListOut, LinkOut, LinkSummaryOut
from loans.schemas.links import LinkDocumentIn, LinkEventIn, LinkObservationIn, SustainabilityLinkIn

_READS = problem_responses(400, 404, 422)
_WRITES = problem_responses(400, 404, 409, 422)


@get("/v1/sustainability-links", sync_to_thread=True, responses=problem_responses(400, 422), tags=["loans"])
def list_sustainability_links(*, sessions: Sessions, actor: Actor, clock: Clock, known_on: KnownOn = "") -> LinkListOut:
    """List the bank's sustainability links with what is observed next, the next report due first."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        known_at = known_at_of(standing, known_on)
        found = service.links_of(session, actor, known_at=known_at)
    on = standing.business_date
    return LinkListOut(business_date=on.isoformat(), links=[LinkSummaryOut.of(one, on=on) for one in found])


@post("/v1/sustainability-links", sync_to_thread=True, status_code=202, responses=_WRITES, tags=["loans"])
def create_sustainability_link(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: SustainabilityLinkIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose a link, an amendment or a re-baseline; it holds once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_link(session, actor, data.change(), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get("/v1/sustainability-links/{link_number:str}", sync_to_thread=True, responses=_READS, tags=["loans"])
def read_sustainability_link(
    *, sessions: Sessions, actor: Actor, clock: Clock, link_number: FromPath[IdText], known_on: KnownOn = ""
) -> LinkOut:
    """Give a link with its events, documents, observations and last review, and how it moved the notes' rates.

    As known on a day before, later reviews, notes and changes of rates are not in it.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        known_at = known_at_of(standing, known_on)
        view = service.load_link(session, actor, link_number, known_at=known_at)
        day = min(standing.business_date, china_day(known_at))
        notes = [
            LinkedNoteOut.of(one, service.rate_changes_of(session, actor, one), on=day)
            for one in service.notes_under(session, actor, view.terms.contract_number)
            if one.terms.drawdown_date <= day
        ]
        review = service.latest_review(session, actor, link_number, known_at=known_at)
    return LinkOut.of(view, notes, review, on=standing.business_date)


@post(
    "/v1/sustainability-links/{link_number:str}/events",
    sync_to_thread=True,
    status_code=202,
    responses=_WRITES,
    tags=["loans"],
)
def create_link_event(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: LinkEventIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to suspend, resume or declassify a link; a discount ends with the next interest period."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_turn(
                session, actor, link_number, data.event, valid_from=day_of(data.valid_from, field="valid_from"),
                standing=standing, reason=data.reason,
            )
        )  # fmt: skip

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@post("/v1/sustainability-links/{link_number:str}/documents", sync_to_thread=True, responses=_WRITES, tags=["loans"])
def create_link_document(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: LinkDocumentIn,
    idempotency_key: IdempotencyKey,
) -> Response[LinkDocumentOut]:
    """Hand in a verification report or a compliance certificate; a corrected one is a further version."""

    def work(session: Session) -> LinkDocumentOut:
        standing = standing_of(session, actor.organization_id, clock)
        return LinkDocumentOut.of(
            service.hand_in(
                session, actor, link_number, data.observation_number, data.content, standing=standing, at=clock.now()
            )
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/sustainability-links/{link_number:str}/observations",
    sync_to_thread=True,
    status_code=202,
    responses=_WRITES,
    tags=["loans"],
)
def create_link_observation(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: LinkObservationIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose an observation as it comes out of what is at hand; approved, it moves rates from the next period."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_observation(
                session, actor, link_number, data.observation_number, standing=standing, reason=data.reason
            )
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@post("/v1/sustainability-links/{link_number:str}/reviews", sync_to_thread=True, responses=_WRITES, tags=["loans"])
def create_link_review(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: LinkReviewIn,
    idempotency_key: IdempotencyKey,
) -> Response[LinkReviewOut]:
    """Put a link to the checks of greenwashing, each with its evidence and source; kept as a decision."""

    def work(session: Session) -> LinkReviewOut:
        standing = standing_of(session, actor.organization_id, clock)
        return LinkReviewOut.of(
            service.review_sustainability_link(session, actor, link_number, data.facts(), standing=standing)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [
    list_sustainability_links,
    create_sustainability_link,
    read_sustainability_link,
    create_link_event,
    create_link_document,
    create_link_observation,
    create_link_review,
]
