"""Eligible-collateral schedules for systems: propose one as CDM JSON, see those in force with verdicts, export one."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from collateral.schemas.eligibility_schedules import EligibilityScheduleIn, EligibilityScheduleListOut
from collateral.service import eligibility_schedules
from collateral.service.schedule_standings import schedule_standings
from collateral.service.view import desk_view

_SCHEDULES = "/v1/eligibility-schedules"
_JSON = "application/json"


@post(_SCHEDULES, sync_to_thread=True, status_code=202, responses=problem_responses(400, 409, 422), tags=["collateral"])
def create_eligibility_schedule(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: EligibilityScheduleIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose a schedule of eligible collateral; it holds once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            eligibility_schedules.propose_schedule(session, actor, data.draft(), standing=standing, at=clock.now())
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get(_SCHEDULES, sync_to_thread=True, responses=problem_responses(400), tags=["collateral"])
def list_eligibility_schedules(*, sessions: Sessions, actor: Actor, clock: Clock) -> EligibilityScheduleListOut:
    """List the schedules in force on the business date, with verdicts on what is held and shares against limits."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        view = desk_view(session, standing)
        found = eligibility_schedules.schedules_in_force(view)
        verdicts = eligibility_schedules.verdicts_of_holdings(session, actor, view)
        stands = schedule_standings(session, actor, view)
    return EligibilityScheduleListOut.of(standing.business_date, found, verdicts, stands)


@get(
    _SCHEDULES + "/{code:str}", sync_to_thread=True, media_type=_JSON, responses=problem_responses(404, 422),
    tags=["collateral"],
)  # fmt: skip
def export_eligibility_schedule(
    *, sessions: Sessions, actor: Actor, clock: Clock, code: FromPath[IdText]
) -> Response[bytes]:
    """Give a schedule in force as CDM JSON, equal to what was imported."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = eligibility_schedules.load_schedule(session, code, standing=standing)
    return download(found.cdm.encode(), stem=f"担保品清单-{code}", ending="json")


routes = [create_eligibility_schedule, list_eligibility_schedules, export_eligibility_schedule]
