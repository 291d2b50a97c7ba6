"""From where a caller comes when proxies stand between: told by those the operator trusts, by nobody else.

Anybody can send `X-Forwarded-For`. Each proxy appends the address that it was called from, so the list is read from its
end, and only as far as those who wrote it are trusted.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any, cast

from carbonfin.app.messages.networks import AllowedNetworks, IpAddress
from carbonfin.web.connections import Connection

_TRUSTED = "carbonfin_trusted_proxies"
_FORWARDED = "x-forwarded-for"


def keep_trusted_proxies(state: Any, trusted: AllowedNetworks) -> None:
    """Keep with the application whom it believes."""
    state[_TRUSTED] = trusted


def address_of_caller(connection: Connection) -> str:
    """Give the address a request came from, as far as it is known; empty for a connection without one."""
    trusted = cast("AllowedNetworks", connection.app.state[_TRUSTED])
    peer = connection.client.host if connection.client else ""
    return told_address(peer, connection.headers.getall(_FORWARDED, []), trusted)


def told_address(peer: str, forwarded: Sequence[str], trusted: AllowedNetworks) -> str:
    """Give the last address that no trusted proxy has.

    Args:
        peer: Who opened the connection.
        forwarded: The headers `X-Forwarded-For` in the order they came.
        trusted: The networks of the operator's proxies.

    Returns:
        The peer where it is not trusted or told nothing; where all that is told is trusted, the first of it. What is no
        address ends the reading: what stands before it is not believed.
    """
    address = peer
    told = [part.strip() for header in forwarded for part in header.split(",")]
    while told and (known := _read(address)) is not None and trusted.names(known):
        before = _read(told.pop())
        if before is None:
            break
        address = str(before)
    return address


def _read(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
