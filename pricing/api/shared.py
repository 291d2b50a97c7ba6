"""What the pricing routes share: the unit asked for and the markets kept in memory."""

from typing import Annotated

from litestar.params import QueryParameter

from carbonfin.web.connections import WebRequest
from carbonfin.web.wire import UnitText
from pricing import service

_MARKETS = "pricing_markets"
UnitQuery = Annotated[UnitText, QueryParameter(description="Unit quoted: CEA, CCER, SZA-2023.")]


def markets_of(request: WebRequest) -> service.Markets:
    """Give the markets this process keeps in memory."""
    state = request.app.state
    if _MARKETS not in state:
        state[_MARKETS] = service.Markets()
    markets: service.Markets = state[_MARKETS]
    return markets
