"""The framework's connection types, with their parameters left open once and for all."""

from functools import cache
from typing import Any, TypeAlias

from litestar import Litestar
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from carbonfin.storage.learned_types import learned

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
WebRequest: TypeAlias = Request[Any, Any, Any]


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body, when it cannot be JSON at all, is the caller's fault and not ours."""

    async def json(self) -> Any:
        """Read the body as JSON, at once as what the route takes where it is one struct that fits.

        The framework would read it into dictionaries first and copy those. A body that does not fit goes that way
        still, since the framework's words say where.

        Raises:
            ClientException: It is not UTF-8, or nested deeper than can be read; the framework lets both pass as 500.
        """
        fitting = await self._as_taken()
        if fitting is not None:
            return fitting
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise ClientException(f"the body is not UTF-8 at byte {error.start}") from error
        except RecursionError as error:
            raise ClientException("the body is nested too deeply") from error

    async def _as_taken(self) -> Struct | None:
        taken = _body_of(self.scope["route_handler"])
        if taken is None:
            return None
        try:
            return _decoder_of(taken).decode(await self.body())
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None


def learn_bodies(app: Litestar) -> None:
    """Learn the bodies of all routes before the first request: the framework too reads them, in the event loop."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                taken = _body_of(handler)
                if taken is not None:
                    learned(taken)


def _body_of(handler: BaseRouteHandler) -> type[Struct] | None:
    """Give the struct that a route takes as its body, None where it takes none."""
    field = handler.parsed_data_field
    taken = None if field is None else field.annotation
    return taken if isinstance(taken, type) and issubclass(taken, Struct) else None


@cache
def _decoder_of(taken: type[Struct]) -> Decoder[Struct]:
    return Decoder(learned(taken), strict=False)  # as lenient as the framework's own reading
