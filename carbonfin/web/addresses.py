"""Addresses: only our own pages are gone to, and our own name is never taken from a request."""

from typing import Any, cast

from carbonfin.web.connections import Connection

_PUBLIC_ADDRESS = "carbonfin_public_address"
_VERIFICATION_ADDRESS = "carbonfin_verification_address"


def own_address(address: str) -> str:
    """Give the address to go on to: one of our own pages, never another site."""
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if own and "\\" not in address else "/"


def keep_public_address(state: Any, address: str) -> None:
    """Keep with the application where people reach it, as the operator says it."""
    state[_PUBLIC_ADDRESS] = address


def public_address_of(connection: Connection) -> str:
    """Give where people reach the service, for links in documents; a request's `Host` is whatever its sender wrote."""
    return cast("str", connection.app.state[_PUBLIC_ADDRESS])


def keep_verification_address(state: Any, address: str) -> None:
    """Keep with the application where readers of documents verify them, empty where the operator has not said."""
    state[_VERIFICATION_ADDRESS] = address


def verification_address_of(connection: Connection) -> str:
    """Give where readers of documents verify them; empty where the operator has not said: no host is made up."""
    return cast("str", connection.app.state[_VERIFICATION_ADDRESS])
