"""What the pricing routes share: units, and the markets kept in memory."""

from typing import Annotated

from litestar.params import QueryParameter

from carbonfin.web.connections import WebRequest
from carbonfin.web.wire import UnitText
from pricing import service

UnitQuery = Annotated[UnitText, QueryParameter(description="Unit quoted: CEA, CCER, SZA-2023.")]


def markets_of(request: WebRequest) -> service.Markets:
    """Give the markets this process keeps in memory."""
    return service.markets_in(request.app.state)
