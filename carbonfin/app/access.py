"""Answers to who may do what, read off the one policy; what it does not list is refused to everyone."""

import re

from carbonfin.app.policy import POLICY, PUBLIC
from carbonfin.kernel.actors import Role


def plain_path(path_template: str) -> str:
    """Write an address without the types of its parameters."""
    return _TYPED.sub("}", path_template)


def plain_entry(method: str, path_template: str) -> str:
    """Write a route as the framework names it at run time: parameters without their types."""
    return f"{'GET' if method == 'HEAD' else method} {plain_path(path_template)}"


def roles_for(method: str, path_template: str) -> frozenset[Role] | None:
    """Give the roles that may use a route; nobody where it is not listed, None where it is public."""
    entry = plain_entry(method, path_template)
    if entry in _PUBLIC:
        return None
    return _POLICY.get(entry, frozenset())


def allows(role: Role | None, method: str, path_template: str) -> bool:
    """Whether a role may use a route; what asks this leaves out links and buttons that would be refused."""
    roles = roles_for(method, path_template)
    return roles is None or role in roles


def may_open(role: Role, address: str) -> bool:
    """Whether a role may open the page of a thing, such as `/pledges/ID`; what links to it asks this."""
    head = f"GET {address.rpartition('/')[0]}/{{"
    pages = (
        roles for entry, roles in _POLICY.items() if entry.startswith(head) and entry.count("/") == head.count("/")
    )
    return any(role in roles for roles in pages)


_TYPED = re.compile(r":[a-z]+\}")
_PUBLIC = frozenset(plain_entry(*entry.split(" ", 1)) for entry in PUBLIC)
_POLICY = {plain_entry(*entry.split(" ", 1)): roles for entry, roles in POLICY.items()}
