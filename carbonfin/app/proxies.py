"""From where a caller comes when proxies stand between: told by those the operator trusts, by nobody else.

Anybody can send `X-Forwarded-For`. Each proxy appends the address that it was called from, so the list is read from its
end, and only as far as those who wrote it are trusted.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from carbonfin.app.messages.networks import IpAddress, IpNetwork, is_within, networks_from
from carbonfin.web.connections import Connection

_TRUSTED = "carbonfin_trusted_proxies"
_FORWARDED = "x-forwarded-for"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxies:
    """The networks of the proxies that an operator runs before the service; nobody else is trusted."""

    networks: tuple[IpNetwork, ...] = ()

    def trusts(self, address: IpAddress) -> bool:
        """Whether an address is one of the operator's proxies."""
        return is_within(address, self.networks)


def trusted_proxies_from(text: str, *, name: str) -> TrustedProxies:
    """Read the proxies' networks with commas between, as a setting names them.

    Raises:
        InvalidInput: One of them is none.
    """
    return TrustedProxies(networks=networks_from(text, name=name).networks)


def keep_trusted_proxies(state: Any, trusted: TrustedProxies) -> None:
    """Keep with the application whom it believes."""
    state[_TRUSTED] = trusted


def address_of_caller(connection: Connection) -> str:
    """Give the address a request came from, as far as it is known; empty for a connection without one."""
    trusted = cast("TrustedProxies", connection.app.state[_TRUSTED])
    peer = connection.client.host if connection.client else ""
    return told_address(peer, connection.headers.getall(_FORWARDED, []), trusted)


def told_address(peer: str, forwarded: Sequence[str], trusted: TrustedProxies) -> str:
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
    while told and (known := _read(address)) is not None and trusted.trusts(known):
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
