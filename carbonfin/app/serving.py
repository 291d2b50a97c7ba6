"""What the server process loads: the application behind limits on how large a body is and how long it may take."""

import asyncio
import gc
import sys
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from carbonfin.app.factory import BODY_BYTES_MAX, create_app
from carbonfin.app.files.api import FORM_BYTES_MAX
from carbonfin.app.logs import open_logs
from carbonfin.app.settings import settings_from
from carbonfin.web.problem_kinds import KINDS_BY_CODE
from carbonfin.web.problems import PROBLEM_MEDIA_TYPE, Problem
from carbonfin.web.security import REQUEST_ID_HEADER, SECURITY_HEADERS, request_id_of
from pricing.api.valuation_streams import BOOK_BYTES_MAX

BODY_SECONDS_MAX = 60.0
THREAD_SWITCH_SECONDS = 0.0005
"""How long a thread may calculate while another waits: one that has the database's lock gets on with it soon."""
LARGER_BODIES: Mapping[str, int] = {
    "/files": FORM_BYTES_MAX,
    "/v1/files": FORM_BYTES_MAX,
    "/v1/valuations/stream": BOOK_BYTES_MAX,
}
"""Where a body may be larger than elsewhere, by its address."""


def application() -> ASGIApp:
    """Make the application of this process."""
    open_logs()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    settings = settings_from()
    whole: ASGIApp = bounded(create_app(settings))
    if settings.otel_endpoint is not None:
        from carbonfin.app.telemetry import traced  # noqa: PLC0415 - switched off, none of it is loaded

        whole = traced(whole, settings.otel_endpoint)
    _spare_what_stays()
    return whole


def _spare_what_stays() -> None:
    """Take what the process has loaded out of every later garbage collection: it stays as long as the process does.

    A full collection reads all of it while every request waits.
    """
    gc.collect()
    gc.freeze()


def bounded(
    whole: ASGIApp, *, body_bytes_max: int = BODY_BYTES_MAX, body_seconds_max: float = BODY_SECONDS_MAX
) -> ASGIApp:
    """Give the application behind two limits: how large a body may say it is, and how long it may take to arrive.

    Bodies are read before a worker thread is taken, so a slow client holds a connection and nothing else.
    """

    async def within_limits(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await whole(scope, receive, send)
            return
        bytes_max = LARGER_BODIES.get(scope["path"], body_bytes_max)
        if _announced_bytes(scope) > bytes_max:
            await _refuse(scope, send, "content-too-large", f"the body is larger than {bytes_max} bytes")
            return
        reading = _TimedBody(receive, send, seconds_max=body_seconds_max)
        await whole(scope, reading.receive, reading.send)
        if reading.was_broken:
            await _refuse(scope, send, "malformed-request", "the body breaks off, or its chunks cannot be read")
        elif reading.was_late:
            await _refuse(
                scope, send, "request-timeout", f"the body did not arrive within {body_seconds_max:g} seconds"
            )

    return within_limits


class _TimedBody:
    """A request whose body must arrive whole and by a time; the application else sees a client that has gone.

    The server tells of a body that it cannot read in the words for a client that has gone: whoever is still there is
    told what was wrong.
    """

    def __init__(self, receive: Receive, send: Send, *, seconds_max: float) -> None:
        self._receive = receive
        self._send = send
        self._ends_at_s = asyncio.get_running_loop().time() + seconds_max
        self._is_complete = False
        self._has_answered = False
        self.was_late = False
        self.was_broken = False

    async def receive(self) -> Any:
        """Give the next part of the body."""
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends_at_s):
                message = await self._receive()
        except TimeoutError:
            self.was_late = not self._has_answered
            return {"type": "http.disconnect"}
        if message["type"] == "http.disconnect":
            self.was_broken = not self._has_answered
            return message
        self._is_complete = not cast("dict[str, Any]", message).get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass on the answer, unless it would be about a body that never came."""
        if self.was_late or self.was_broken:
            return
        self._has_answered = True
        await self._send(message)


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse(scope: Scope, send: Send, code: str, detail: str) -> None:
    kind = KINDS_BY_CODE[code]
    problem = Problem(
        type=f"/problems/{code}",
        title=kind.title.en,
        status=kind.status,
        detail=detail,
        instance=scope["path"],
        request_id=request_id_of(scope),
        code=code,
        title_zh=kind.title.zh,
        detail_zh=kind.meaning.zh,
        remedy=kind.remedy.en,
        remedy_zh=kind.remedy.zh,
    )
    headers = SECURITY_HEADERS | {
        "Content-Type": PROBLEM_MEDIA_TYPE,
        "Content-Language": "en",
        "Cache-Control": "no-store",
        "Connection": "close",
        REQUEST_ID_HEADER: request_id_of(scope),
    }
    await send(
        {
            "type": "http.response.start",
            "status": kind.status,
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": msgspec.json.encode(problem), "more_body": False})
