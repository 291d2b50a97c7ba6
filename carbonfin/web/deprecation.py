"""Routes that will go: they say since when, until when and what takes their place, in each answer.

`Deprecation` is RFC 9745, `Sunset` RFC 8594. A route stays for at least six months after it is deprecated.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

NOTICE_DAYS_MIN = 180
POLICY_ADDRESS = "/docs/api#deprecation"
_OPTION = "deprecation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """When a route was deprecated, when it goes, and the address that takes its place."""

    since: date
    sunset: date
    successor: str

    def __post_init__(self) -> None:
        assert self.sunset - self.since >= timedelta(days=NOTICE_DAYS_MIN), "a route stays for at least six months"

    def headers(self) -> dict[str, str]:
        """Give what each answer says, `Link` apart."""
        since = datetime.combine(self.since, time(), tzinfo=UTC)
        sunset = datetime.combine(self.sunset, time(), tzinfo=UTC)
        return {"Deprecation": f"@{int(since.timestamp())}", "Sunset": format_datetime(sunset, usegmt=True)}

    def links(self) -> str:
        """Give where to go instead and where the policy stands."""
        return f'<{self.successor}>; rel="successor-version", <{POLICY_ADDRESS}>; rel="deprecation"'


def deprecated(*, since: date, sunset: date, successor: str) -> dict[str, Any]:
    """Give the arguments of a route's decorator that deprecate it: `@get("/v1/old", **deprecated(…))`."""
    return {"deprecated": True, "opt": {_OPTION: Deprecation(since=since, sunset=sunset, successor=successor)}}


def deprecation_of(options: Any) -> Deprecation | None:
    """Give the deprecation among a route's options, if there is one."""
    found = options.get(_OPTION)
    return found if isinstance(found, Deprecation) else None


async def announce_deprecation(message: Message, scope: Scope) -> None:
    """Write into the answer of a deprecated route when it goes."""
    handler: Any = scope.get("route_handler")  # an address that fits no route has none
    found = None if handler is None else deprecation_of(handler.opt)
    if found is None or message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in found.headers().items():
        headers[name] = value
    headers["Link"] = f"{headers['link']}, {found.links()}" if "link" in headers else found.links()
