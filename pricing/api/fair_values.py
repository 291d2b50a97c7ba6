"""Fair values for systems."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of
from pricing import service
from pricing.api.shared import UnitQuery
from pricing.schemas import FairValueOut


@get("/v1/fair-values", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_fair_value(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: UnitQuery,
    valuation_date: Annotated[
        DayText | None, QueryParameter(description="Day the value refers to; left out, the business date.")
    ] = None,
) -> FairValueOut:
    """Give the fair value of a unit as books have it, with activity, waterfall, band and prudent value."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="valuation_date")
        return FairValueOut.of(
            service.fair_value_of(session, actor, unit=Unit.parse(unit), valuation_date=day, known_at=standing.known_at)
        )


routes = [read_fair_value]
