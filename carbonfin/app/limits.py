"""How often one key or person may ask the API: a bucket of tokens for each, in each process.

The bucket refills evenly, so a caller may send many requests at once and then must keep the pace. Each answer says what
is left (`RateLimit`, `RateLimit-Policy`, the IETF's draft); health and pages are never counted.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from carbonfin.app.rate_limit import RateLimit
from carbonfin.web.connections import Connection
from carbonfin.web.problems import EdgeProblem

_LIMITS = "carbonfin_limits"
_STRANGERS = "carbonfin_limits_of_strangers"
_STATE = "carbonfin_rate"
_CALLERS_MAX = 10_000


class Limits:
    """The buckets of one process; asked on its event loop alone, so nothing is locked."""

    def __init__(self, limit: RateLimit | None, *, seconds_now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._seconds_now = seconds_now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, connection: Connection, caller: str) -> None:
        """Count one request of a caller.

        Raises:
            EdgeProblem: The bucket is empty.
        """
        if self._limit is None:
            return
        rate = self._limit.requests_count / self._limit.seconds
        now = self._seconds_now()
        tokens, since = self._buckets.pop(caller, (self._limit.requests_count, now))
        tokens = min(self._limit.requests_count, tokens + (now - since) * rate)
        is_empty = tokens < 1
        tokens -= 0 if is_empty else 1
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > _CALLERS_MAX:
            self._buckets.popitem(last=False)
        full_in_s = math.ceil((self._limit.requests_count - tokens) / rate)
        state = connection.scope.setdefault("state", {})
        state[_STATE] = {"RateLimit-Policy": self._limit.policy, "RateLimit": f'"caller";r={int(tokens)};t={full_in_s}'}
        if is_empty:
            wait_s = max(1, math.ceil((1 - tokens) / rate))
            raise EdgeProblem(
                "too-many-requests",
                f"more than {self._limit.requests_count} requests in {self._limit.seconds} s; wait {wait_s} s",
                zh=f"{self._limit.seconds} 秒内请求超过 {self._limit.requests_count} 次，请等待 {wait_s} 秒",
                headers={"Retry-After": str(wait_s)},
            )

    @staticmethod
    async def announce(message: Message, scope: Scope) -> None:
        """Write into the answer what is left."""
        told = scope.get("state", {}).get(_STATE)
        if message["type"] == "http.response.start" and told is not None:
            headers = MutableScopeHeaders.from_message(message)
            for name, value in told.items():
                headers[name] = value


def keep_limits(state: Any, limits: Limits, *, strangers: Limits) -> None:
    """Keep the buckets with the application; those of strangers apart, so that they push nobody's out."""
    state[_LIMITS] = limits
    state[_STRANGERS] = strangers


def limits_of(connection: Connection) -> Limits:
    """Give the application's buckets."""
    return cast("Limits", connection.app.state[_LIMITS])


def limits_of_strangers(connection: Connection) -> Limits:
    """Give the buckets of those who ask without credentials, one for each address they come from."""
    return cast("Limits", connection.app.state[_STRANGERS])
