"""Profit explained, for systems."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.storage.engine import Sessions
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from pricing import service
from pricing.schemas import ProfitOut


@get(
    "/v1/valuations/{valuation_id:str}/profit",
    sync_to_thread=True,
    responses=problem_responses(404, 409, 422),
    tags=["pricing"],
)
def read_profit(
    *,
    sessions: Sessions,
    actor: Actor,
    valuation_id: FromPath[IdText],
    since: Annotated[
        IdText | None, QueryParameter(description="Earlier valuation of the portfolio; the one before if not given.")
    ] = None,
) -> ProfitOut:
    """Explain a portfolio's change of value up to a recorded valuation: carry, price, volatility, FX, rates, trades.

    Parts and residual sum to the change to the fen, line by line and in all.
    """
    with sessions.read() as session:
        return ProfitOut.of(service.explained_profit(session, actor, valuation_id, since=since))


routes = [read_profit]
