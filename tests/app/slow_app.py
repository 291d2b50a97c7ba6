"""A small application behind the limits of the real one, for trying how the server stops and waits."""

import time

from litestar import Litestar, Request, get, post
from litestar.types import ASGIApp

from carbonfin.app.serving import bounded

BODY_SECONDS_MAX = 1.5
BODY_BYTES_MAX = 1_000_000


@get("/slow", sync_to_thread=True)
def slow() -> str:
    """Work for a while in a thread, as every route does."""
    time.sleep(1.5)
    return "done"


@get("/quick", sync_to_thread=True)
def quick() -> str:
    """Answer at once, from a thread."""
    return "here"


@post("/body", sync_to_thread=False)
async def body(request: Request) -> int:  # type: ignore[type-arg]
    """Read the whole body and say how long it is."""
    return len(await request.body())


def application() -> ASGIApp:
    """Make the application of one process."""
    whole: ASGIApp = Litestar([slow, quick, body], request_max_body_size=BODY_BYTES_MAX)
    return bounded(whole, body_bytes_max=BODY_BYTES_MAX, body_seconds_max=BODY_SECONDS_MAX)
