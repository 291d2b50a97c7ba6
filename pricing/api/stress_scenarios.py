"""Stress scenarios for systems."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of
from pricing import service
from pricing.schemas.risk import StressScenariosOut


@get("/v1/stress-scenarios", sync_to_thread=True, responses=problem_responses(422), tags=["pricing"])
def read_stress_scenarios(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    valuation_date: Annotated[
        DayText | None, QueryParameter(description="Day they are in force on; left out, the business date.")
    ] = None,
) -> StressScenariosOut:
    """List the scenarios the organisation keeps; each stands among the stresses of every measurement.

    A new one is proposed by `POST /v1/rules/parameters/proposals` with the key `pricing.stress_scenario`, its name as
    the scope and its moves as `CEA=-0.30 rate=0.0100 fx=0.05 volatility=0.50`; another person approves it.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="valuation_date")
        return StressScenariosOut.of(
            service.stress_scenarios(session, actor, valuation_date=day, known_at=standing.known_at)
        )


routes = [read_stress_scenarios]
