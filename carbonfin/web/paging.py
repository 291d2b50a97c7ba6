"""Lists under /v1 in pages: `limit` and `after`, and the address of the next page in a `Link` header (RFC 8288).

What stands in `after` is sealed: it belongs to one list with its filters and to one organisation, and cannot be made
up. What it says is the keys of the last row shown, so rows that come in between two pages shift nothing.
"""

import base64
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from litestar.params import QueryParameter
from litestar.response import Response

from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.keyset import KeyValue, Place, Slice
from carbonfin.web.connections import WebRequest
from carbonfin.web.visitors import visitor_of

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
LIMIT = "limit"
AFTER = "after"
_PURPOSE = "page"
S = TypeVar("S", bound=msgspec.Struct)

Limit = Annotated[int, QueryParameter(description="At most so many.", ge=1, le=LIMIT_MAX)]
After = Annotated[
    str | None,
    QueryParameter(
        description="Where the page begins, as the Link header of the page before says it.",
        min_length=1,
        max_length=1000,
    ),
]


class Paging:
    """One request for a page of a list; a route names it as a parameter and gets `limit` and `after` with it."""

    __slots__ = ("_belongs_to", "_keys", "_path", "_query", "place")

    def __init__(self, request: WebRequest, keys: KeyRing, *, limit: int, after: str | None) -> None:
        """Read where the page begins.

        Raises:
            InvalidInput: `after` was not given out for this list, these filters and this organisation.
        """
        self._keys = keys
        self._path = quote(request.scope["path"])  # a header takes no sign beyond latin
        others = sorted((name, value) for name, value in request.query_params.multi_items() if name != AFTER)
        self._query = [(name, value) for name, value in others if name != LIMIT]
        visitor = visitor_of(request)
        organization_id = "" if visitor is None else visitor.actor.organization_id
        self._belongs_to = f"{self._path}\n{urlencode(self._query)}\n{organization_id}\n"
        self.place = Place(limit=limit, after=None if after is None else self._opened(after))

    def answer(self, body: S, found: Slice[Any]) -> Response[S]:
        """Answer one page: the list as it is, and where the first and the next page are."""
        links = [self._link(None, "first")]
        if found.last is not None:
            links.append(self._link(self._sealed(found.last), "next"))
        return Response(body, headers={"Link": ", ".join(links)})

    def following(self, found: Slice[Any]) -> str:
        """Give the address of the next page, for a page that links to it; empty on the last."""
        return "" if found.last is None else self._address(self._sealed(found.last))

    @property
    def beginning(self) -> str:
        """The address of the first page; empty where it is the one asked for."""
        return "" if self.place.after is None else self._address(None)

    def _link(self, after: str | None, relation: str) -> str:
        return f'<{self._address(after)}>; rel="{relation}"'

    def _address(self, after: str | None) -> str:
        query = [*self._query, (LIMIT, str(self.place.limit)), *([] if after is None else [(AFTER, after)])]
        return f"{self._path}?{urlencode(query)}"

    def _sealed(self, last: tuple[KeyValue, ...]) -> str:
        plain = [(_TAG_OF[type(value)], value if isinstance(value, str | int) else value.isoformat()) for value in last]
        text = base64.urlsafe_b64encode(msgspec.json.encode(plain)).decode().rstrip("=")
        return f"{text}.{self._keys.seal(_PURPOSE, self._belongs_to + text)}"

    def _opened(self, after: str) -> tuple[KeyValue, ...]:
        text, _, seal = after.partition(".")
        if not _SHAPE.fullmatch(after) or not self._keys.fits(_PURPOSE, self._belongs_to + text, seal):
            raise InvalidInput(
                "after was not given out for this list with these filters",
                zh="after 不是本列表（及相同筛选条件）给出的位置",
                field=AFTER,
                remedy="Follow the Link header of the page before as it is, or leave after out.",
                remedy_zh="请原样使用上一页 Link 响应头中的地址，或不填 after 从头读取。",
            )
        plain: list[tuple[str, str | int]] = msgspec.json.decode(
            base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        )
        return tuple(_READ[tag](value) for tag, value in plain)


_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[0-9a-f]{64}")
_TAG_OF: dict[type, str] = {str: "text", int: "number", date: "day", datetime: "instant"}
_READ: dict[str, Callable[[Any], KeyValue]] = {
    "text": str,
    "number": int,
    "day": date.fromisoformat,
    "instant": datetime.fromisoformat,
}
