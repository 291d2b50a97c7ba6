"""Curves for systems."""

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
from pricing.calc.curves.origins import CurveKind
from pricing.schemas import CurveOut


@get("/v1/curves", sync_to_thread=True, responses=problem_responses(409, 422), tags=["pricing"])
def read_curve(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    kind: Annotated[
        CurveKind, QueryParameter(description="Discount factors, forward prices of a scheme, or exchange rates.")
    ],
    name: Annotated[
        str,
        QueryParameter(
            max_length=40,
            min_length=1,
            description="Currency (CNY), scheme (EUA; EUA/3 where phases do not bank) or pair (EURCNY).",
        ),
    ],
    valuation_date: Annotated[
        DayText | None, QueryParameter(description="Day of the curve; left out, the business date.")
    ] = None,
) -> CurveOut:
    """Give a curve: its nodes with what they give, the quotes it was built of with residuals, source and digest."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="valuation_date")
        return CurveOut.of(
            service.curve_of(session, actor, kind=kind, name=name, valuation_date=day, known_at=standing.known_at)
        )


routes = [read_curve]
