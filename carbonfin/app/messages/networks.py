"""Where deliveries may go: public addresses, and the networks that the operator has named; nothing else of ours.

A webhook's address is entered by a bank, so without this rule a bank could have the service ask its own database, its
neighbours or the metadata service of a cloud. The name is looked up once, every address it leads to is checked, and the
connection is made to an address that was checked: looking it up again could give another one.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from carbonfin.kernel.errors import InvalidInput, UpstreamFailed

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_CARRIERS_OF_OTHERS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/32", "2001::/23", "2002::/16"))
"""Addresses that lead to an IPv4 address inside them, wherever that is: NAT64, Teredo, 6to4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedNetworks:
    """The networks beside the public ones that deliveries may go to, such as the bank's own behind its firewall."""

    networks: tuple[IpNetwork, ...] = ()

    def admits(self, address: IpAddress) -> bool:
        """Whether a delivery may go to an address."""
        if is_within(address, self.networks):
            return True
        real = _real(address)
        carries = is_within(real, _CARRIERS_OF_OTHERS)
        return bool(real.is_global) and not (real.is_multicast or real.is_reserved or carries)

    def look_up(self, host: str, port: int) -> IpAddress:
        """Give the address to connect to for a host.

        Raises:
            UpstreamFailed: The host is not known, or leads somewhere a delivery may not go.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        except (OSError, UnicodeError, ValueError) as error:
            raise UpstreamFailed("the host is not known", zh="主机名无法解析", field="url") from error
        # One that may not be reached condemns all: which of them a connection takes would be chance.
        if not addresses or not all(self.admits(address) for address in addresses):
            raise UpstreamFailed("the host leads to an address that is not allowed", zh="目标地址不被允许", field="url")
        return addresses[0]


def is_within(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    """Whether an address is in one of some networks."""
    real = _real(address)
    return any(real.version == network.version and real in network for network in networks)


def _real(address: IpAddress) -> IpAddress:
    """Give the IPv4 address that an IPv6 socket shows as one of its own."""
    return getattr(address, "ipv4_mapped", None) or address


def networks_from(text: str, *, name: str) -> AllowedNetworks:
    """Read networks with commas between, as a setting names them.

    Raises:
        InvalidInput: One of them is none.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return AllowedNetworks(networks=tuple(ipaddress.ip_network(part) for part in parts))
    except ValueError as error:
        raise InvalidInput(
            f"{name}: {error}",
            zh=f"环境变量 {name}：网段写法有误",
            field=name,
            remedy="Write networks such as 172.20.0.0/16 with commas between.",
            remedy_zh="请填写网段，例如 172.20.0.0/16，多个以逗号分隔。",
        ) from error
