"""The framework's connection types, with their parameters left open once and for all."""

from functools import cache
from typing import Any, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ClientException
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

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
        field = self.scope["route_handler"].parsed_data_field
        taken = None if field is None else field.annotation
        if not isinstance(taken, type) or not issubclass(taken, Struct):
            return None
        try:
            return _decoder_of(taken).decode(await self.body())
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None


@cache
def _decoder_of(taken: type[Struct]) -> Decoder[Struct]:
    return Decoder(taken, strict=False)  # as lenient as the framework's own reading
