"""Who is at the door: the actor, the organisation and its business date, and how they came in."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from litestar.types import Scope

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import SignedIn
from carbonfin.web.connections import Connection

_VISITOR = "carbonfin_visitor"


class Door(StrEnum):
    """How a visitor proved who they are."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105 - the name of a door
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """An authenticated asker with what every page head shows.

    Attributes:
        door: API key or token of a system, or session of a person.
        business_date: The organisation's business date (业务日期).
        scopes: What a key or token may be used for; a person's session has none and needs none.
        signed_in: The person's session; None for systems.
        must_enrol: Whether the organisation asks for a second factor that the person has not.
    """

    actor: Actor
    organization_name: str
    business_date: date
    is_sample: bool
    door: Door
    scopes: frozenset[str] = frozenset()
    signed_in: SignedIn | None = None
    must_enrol: bool = False


def remember_visitor(scope: Scope | dict[str, Any], visitor: Visitor) -> None:
    """Keep the visitor with the request."""
    scope.setdefault("state", {})[_VISITOR] = visitor


def visitor_of(connection: Connection) -> Visitor | None:
    """Give the visitor of a request, or nothing for a stranger."""
    visitor = connection.scope.get("state", {}).get(_VISITOR)
    return visitor if isinstance(visitor, Visitor) else None
