"""The framework's connection types, with their parameters left open once and for all."""

from typing import Any, TypeAlias

from litestar.connection import ASGIConnection, Request

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
WebRequest: TypeAlias = Request[Any, Any, Any]
