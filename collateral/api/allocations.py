"""The cheapest safe use of a client's units over its pledges, for systems; a what-if that keeps nothing."""

from litestar import post

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.problems import problem_responses
from collateral.schemas.allocations import AllocationIn, AllocationOut
from collateral.service.allocations import weigh_allocation


@post(
    "/v1/allocations/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def preview_allocation(sessions: Sessions, actor: Actor, clock: Clock, data: AllocationIn) -> AllocationOut:
    """Weigh a client's units over its pledges: whole tonnes, why, and the smallest set that cannot be met."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        pledgor = party_by_code(session, actor, data.pledgor)
        return AllocationOut.of(weigh_allocation(session, actor, data.asked(pledgor.id), standing=standing))


routes = [preview_allocation]
