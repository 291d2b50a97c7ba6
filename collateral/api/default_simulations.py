"""A simulated default of a pledge for systems; nothing is kept."""

from litestar import post
from litestar.params import FromPath

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral.schemas.default_simulations import DefaultAssumedIn, DefaultSimulationOut
from collateral.service.default_simulations import simulate_default


@post(
    "/v1/pledges/{pledge_id:str}/enforcement/simulations/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def preview_default(
    sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[IdText], data: DefaultAssumedIn
) -> DefaultSimulationOut:
    """Simulate the default of a pledge: recovery, days to sell, surplus and shortfall as distributions."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return DefaultSimulationOut.of(simulate_default(session, actor, pledge_id, data.assumed(), standing=standing))


routes = [preview_default]
