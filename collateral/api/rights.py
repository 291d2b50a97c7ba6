"""Who may hold what, for systems."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from collateral import service
from collateral.schemas.rights import RightOut, RightsOut


@get("/v1/holding-rights", sync_to_thread=True, responses=problem_responses(400, 422), tags=["collateral"])
def read_holding_rights(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    scheme: Scheme | None = None,
    valid_on: Annotated[str, QueryParameter(max_length=10)] = "",
    known_on: Annotated[str, QueryParameter(max_length=10)] = "",
) -> RightsOut:
    """Give who may hold, trade, pledge, take by title and surrender what, as valid on a day and known on another."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = day_of(valid_on, field="valid_on") if valid_on else standing.business_date
        known_at = end_of_china_day(day_of(known_on, field="known_on")) if known_on else standing.known_at
        found = service.holding_rights(session, actor, valid_on=day, known_at=known_at, scheme=scheme)
    return RightsOut(
        valid_on=day.isoformat(),
        known_on=china_day(known_at).isoformat(),
        rights=[one for row in found for one in RightOut.all_of(row)],
    )


routes = [read_holding_rights]
