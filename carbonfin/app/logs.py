"""Logs: one event a line, with ids and units, and nothing of a customer."""

import sys
import time
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import structlog
from litestar.types import Message, Scope

from carbonfin.web.security import request_id_of
from carbonfin.web.visitors import Visitor

KNOWN_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "request_id", "method", "route", "status", "elapsed_ms", "actor_id",
        "organization_id", "role", "error", "where", "job", "business_date", "count", "failed_count", "version",
        "address", "revision", "delivery_id", "webhook_id", "message_id", "attempts", "state", "sent",
    }
)  # fmt: skip
"""What a line may hold; anything else is left out, so that no name, code or amount slips in."""

_STARTED = "carbonfin_started_s"
_FRAMES = 6


def only_known_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not known to be free of customer data."""
    for name in [name for name in event if name not in KNOWN_FIELDS]:
        del event[name]
    return event


def open_logs(stream: TextIO = sys.stderr) -> None:
    """Write JSON lines to a stream."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known_fields,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def _as_json(event: MutableMapping[str, Any], **_: Any) -> str:
    return msgspec.json.encode(event).decode()


def log() -> Any:
    """Give the logger."""
    return structlog.get_logger()


def started_at_s(scope: Scope) -> float | None:
    """Give when the work on a request began, on the clock that only measures; None where no route took it."""
    started = scope.get("state", {}).get(_STARTED)
    return started if isinstance(started, float) else None


def note_start(scope: Scope) -> None:
    """Note when the work on a request began."""
    scope.setdefault("state", {})[_STARTED] = time.perf_counter()


async def request_logged(message: Message, scope: Scope) -> None:
    """Write one line for each answered request: route by its template, never the address with its values."""
    if message["type"] != "http.response.start" or "method" not in scope:
        return
    state = scope.get("state", {})
    visitor = next((value for value in state.values() if isinstance(value, Visitor)), None)
    started = started_at_s(scope)
    log().info(
        "app.request.answered",
        request_id=request_id_of(scope),
        method=scope.get("method"),
        route=scope.get("path_template") or "none",
        status=message["status"],
        elapsed_ms=round((time.perf_counter() - started) * 1000) if started is not None else None,
        actor_id=visitor.actor.id if visitor else None,
        organization_id=visitor.actor.organization_id if visitor else None,
    )


def log_failure(error: Exception, scope: Scope) -> None:
    """Write what failed and where in the code; the message itself may hold a customer's values and stays out."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    log().error(
        "app.request.failed",
        request_id=request_id_of(scope),
        method=scope.get("method"),
        route=scope.get("path_template") or "none",
        error=type(error).__name__,
        # A frame made at run time, such as a dataclass's __init__, has no folder: "<string>".
        where=[f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}" for frame in frames],
    )
