"""What the pricing routes share: the unit asked for, files in base64, and the markets kept in memory."""

import base64
import binascii
from typing import Annotated

from litestar.params import QueryParameter

from carbonfin.kernel.errors import InvalidInput
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


def bytes_of(text: str) -> bytes:
    """Give the bytes of a file sent in base64.

    Raises:
        InvalidInput: It is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise InvalidInput(
            f"content_base64 is not base64: {error}", zh="文件内容不是有效的 base64", field="/content_base64"
        ) from error
