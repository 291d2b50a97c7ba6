"""Green recognition of loan notes for systems: read by the day it was known, and proposed for another person."""

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
from carbonfin.web.wire import IdText
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.schemas.green import GreenRecognitionIn, GreenStandingOut


@get(
    "/v1/loan-notes/{note_code:str}/green-recognitions", sync_to_thread=True,
    responses=problem_responses(400, 404, 422), tags=["loans"],
)  # fmt: skip
def read_green_recognitions(
    *, sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText], known_on: KnownOn = ""
) -> GreenStandingOut:
    """Say whether a loan note is recognised as green, by which category and edition, on what evidence, by whom."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        known_at = known_at_of(standing, known_on)
        found = service.green_recognitions_of(session, actor, note_code, known_at=known_at)
    return GreenStandingOut.of(found, on=china_day(known_at) if known_on else standing.business_date)


@post(
    "/v1/loan-notes/{note_code:str}/green-recognitions", sync_to_thread=True, status_code=202,
    responses=problem_responses(400, 404, 409, 422), tags=["loans"],
)  # fmt: skip
def create_green_recognition(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    note_code: FromPath[IdText],
    data: GreenRecognitionIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose that a loan note is green, or is no longer; it holds once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_green_recognition(
                session, actor, data.statement(note_code), standing=standing, reason=data.reason
            )
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


routes = [read_green_recognitions, create_green_recognition]
