"""What a rate would be over scores and LPR paths, for systems."""

from litestar import post

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.problems import problem_responses
from loans import service
from loans.schemas.rate_what_ifs import RateWhatIfIn, RateWhatIfOut


@post(
    "/v1/rate-what-ifs",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["loans"],
)
def try_rates(sessions: Sessions, actor: Actor, clock: Clock, data: RateWhatIfIn) -> RateWhatIfOut:
    """Try scores and an LPR path by the bank's terms of the day; nothing is kept, and it is no decision."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        party = party_by_code(session, actor, data.usci)
        return RateWhatIfOut.of(service.rate_what_if(session, actor, party, data.request(), standing=standing))


routes = [try_rates]
