"""Volatilities estimated from quotes, for systems."""

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
from pricing.schemas import VolatilityEstimatesOut


@get("/v1/volatility-estimates", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_volatility_estimates(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: UnitQuery,
    valuation_date: Annotated[
        DayText | None, QueryParameter(description="Last day of quotes; left out, the business date.")
    ] = None,
) -> VolatilityEstimatesOut:
    """Give a unit's volatility by the renewal estimator and, beside it, the usual ones with their known bias.

    A series over several vintages has no volatility and is refused.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="valuation_date")
        return VolatilityEstimatesOut.of(
            service.volatility_estimates(
                session, actor, unit=Unit.parse(unit), valuation_date=day, known_at=standing.known_at
            )
        )


routes = [read_volatility_estimates]
