"""Compliance values for systems."""

from litestar import post

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from pricing import service
from pricing.schemas import ComplianceValueIn, ComplianceValueOut


@post(
    "/v1/compliance-values",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409, 422),
    tags=["pricing"],
)
def value_for_compliance(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    obligation_source: service.ObligationSource,
    data: ComplianceValueIn,
) -> ComplianceValueOut:
    """Set holdings against obligations by date: what each is worth, what lapses, what lacks and may cost.

    Nothing is kept, so no idempotency key is asked for. A vintage past its last usable date is worth nothing.
    """
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    if (data.holdings is None) == (data.portfolio_id is None):
        raise InvalidInput(
            "give either portfolio_id or holdings, not both and not neither",
            zh="portfolio_id 与 holdings 须二选一",
            field="/portfolio_id",
            remedy="Name a stored portfolio or give the holdings.",
            remedy_zh="请指定已存组合，或直接给出持有量。",
        )
    with sessions.read() as session:
        if data.portfolio_id is not None:
            holdings = service.holdings_of(service.load_portfolio(session, actor, data.portfolio_id).lines)
        else:
            holdings = data.held()
        standing = standing_of(session, actor.organization_id, clock)
        owed = service.owed_for(
            session,
            actor,
            obligation_source,
            party_code=data.party or "",
            written=data.owed(),
            standing=standing,
            field="/obligations",
        )
        return ComplianceValueOut.of(
            service.compliance_value_of(
                session,
                actor,
                holdings=holdings,
                obligations=owed,
                net_sales_t=data.sold(),
                valuation_date=valuation_date,
                known_at=standing.known_at,
            )
        )


routes = [value_for_compliance]
