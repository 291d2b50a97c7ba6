"""The framework's connection types, with their parameters left open once and for all."""

from typing import Any, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ClientException

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
WebRequest: TypeAlias = Request[Any, Any, Any]


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body, when it cannot be JSON at all, is the caller's fault and not ours."""

    async def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            ClientException: It is not UTF-8, or nested deeper than can be read; the framework lets both pass as 500.
        """
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise ClientException(f"the body is not UTF-8 at byte {error.start}") from error
        except RecursionError as error:
            raise ClientException("the body is nested too deeply") from error
