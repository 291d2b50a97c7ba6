"""Measures for Prometheus: requests by route template, what waits in outbox and jobs, whether a worker is there.

No label ever holds an id, a name or an address. With several worker processes prometheus-client adds them up through
the folder of PROMETHEUS_MULTIPROC_DIR, which `carbonfin serve` prepares.
"""

import hmac
import ipaddress
import os
import time
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from litestar import MediaType, get
from litestar.response import Response
from litestar.types import Message, Scope
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlmodel import col

from carbonfin.app.jobs.sole_worker import is_worker_alive
from carbonfin.app.logs import started_at_s
from carbonfin.app.server import MULTIPROCESS_FOLDER
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.release import VERSION
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequestRow, JobRequestState
from carbonfin.storage.messages.rows import DeliveryState, WebhookDeliveryRow
from carbonfin.storage.outbox import MessageState, OutboxMessageRow
from carbonfin.web.connections import WebRequest
from carbonfin.web.problems import EdgeProblem

_METRICS = "carbonfin_metrics"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PLAIN = "text/plain; version=0.0.4; charset=utf-8"
_WAITING = (
    ("carbonfin_outbox_messages", "Messages in the outbox that are not delivered, by state.", OutboxMessageRow),
    (
        "carbonfin_webhook_deliveries",
        "Deliveries to banks' systems that have not arrived, by state.",
        WebhookDeliveryRow,
    ),
    ("carbonfin_job_requests", "Jobs that were asked for, by state.", JobRequestRow),
)
_ARRIVED = "delivered"
_OLDEST = (
    "carbonfin_oldest_waiting_seconds",
    "How long the oldest delivery to a bank's system, or job that nobody took up, has waited; 0 where none waits.",
)
_AGED: tuple[tuple[str, Any, Any], ...] = (
    ("webhooks", col(WebhookDeliveryRow.created_at), col(WebhookDeliveryRow.state) == DeliveryState.PENDING),
    ("jobs", col(JobRequestRow.asked_at), col(JobRequestRow.state) == JobRequestState.QUEUED),
)
_TRIED = (
    "carbonfin_outbox_attempts_max",
    "Attempts at the message of the outbox that failed most often and has not arrived.",
)
_ALIVE = ("carbonfin_worker_alive", "Whether some process holds the worker's lock: 1, or 0 and nothing is worked off.")


class Metrics:
    """What one process has measured."""

    def __init__(self, sessions: Sessions, token: str | None, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._token = token
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "carbonfin_requests", "Answered requests.", ("route", "method", "status"), registry=self._registry
        )
        self._elapsed = Histogram(
            "carbonfin_request_seconds", "Time to the start of the answer.", ("route", "method"), buckets=_BUCKETS_S,
            registry=self._registry,
        )  # fmt: skip
        release = Gauge(
            "carbonfin_release", "The release that runs.", ("version",), registry=self._registry,
            multiprocess_mode="mostrecent",
        )  # fmt: skip
        release.labels(version=VERSION).set(1)

    async def observe(self, message: Message, scope: Scope) -> None:
        """Count one answered request; an address that fits no route is counted as `none`."""
        if message["type"] != "http.response.start" or "method" not in scope:
            return
        route = str(scope.get("path_template") or "none")
        asked = str(scope.get("method"))
        method = asked if asked in _METHODS else "other"
        self._requests.labels(route, method, str(message["status"])).inc()
        started_s = started_at_s(scope)
        if started_s is not None:
            self._elapsed.labels(route, method).observe(time.perf_counter() - started_s)

    def require_reader(self, request: WebRequest) -> None:
        """See that who asks may read: by the token, or from this machine where none is set.

        A request that a proxy passed on is never taken for one of this machine.

        Raises:
            EdgeProblem: Neither.
        """
        if self._token is not None:
            given = request.headers.get("authorization", "")
            allowed = hmac.compare_digest(given.encode("latin-1", "replace"), f"Bearer {self._token}".encode())
        else:
            passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))
            allowed = not passed_on and _is_loopback(request.client.host if request.client else "")
        if not allowed:
            raise EdgeProblem(
                "not-authenticated",
                "metrics are read with the token of CARBONFIN_METRICS_TOKEN, or on the machine itself",
                zh="读取监控指标须持监控令牌，或在本机访问",
            )

    def text(self) -> bytes:
        """Write every measure, of all worker processes, and what waits in the database."""
        shared = self._registry
        if MULTIPROCESS_FOLDER in os.environ:
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # the library has no types
        return generate_latest(shared) + generate_latest(self._waiting())

    def _waiting(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        with self._sessions.as_operator().read() as session:
            for name, says, row in _WAITING:
                state = col(row.state)
                counted = sa.select(state, sa.func.count()).where(sa.cast(state, sa.Text) != _ARRIVED).group_by(state)
                waiting = GaugeMetricFamily(name, says, labels=("state",))
                for value, count in session.execute(counted):
                    waiting.add_metric((str(value),), count)
                _keep_plainly(registry, waiting)
            oldest = GaugeMetricFamily(*_OLDEST, labels=("queue",))
            for queue, since, is_waiting in _AGED:
                earliest = session.execute(sa.select(sa.func.min(since)).where(is_waiting)).scalar_one()
                oldest.add_metric((queue,), self._age_s(earliest))
            _keep_plainly(registry, oldest)
            tried = sa.select(sa.func.max(col(OutboxMessageRow.attempts))).where(
                col(OutboxMessageRow.state) == MessageState.PENDING
            )
            _keep_plainly(registry, GaugeMetricFamily(*_TRIED, value=session.execute(tried).scalar_one() or 0))
        _keep_plainly(registry, GaugeMetricFamily(*_ALIVE, value=float(is_worker_alive(self._sessions.engine))))
        return registry

    def _age_s(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())


def _keep_plainly(registry: CollectorRegistry, family: GaugeMetricFamily) -> None:
    """Register a gauge made for one answer; it never goes through the shared folder of the worker processes."""
    registry.register(cast("Any", _Answered(family)))


class _Answered:
    def __init__(self, family: GaugeMetricFamily) -> None:
        self._family = family

    def collect(self) -> tuple[Any, ...]:
        """Give the family to the registry."""
        return (self._family,)


def keep_metrics(state: Any, metrics: Metrics) -> None:
    """Keep the measures with the application."""
    state[_METRICS] = metrics


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def read_metrics(request: WebRequest) -> Response[bytes]:
    """Give the measures in the text form of Prometheus."""
    metrics = cast("Metrics", request.app.state[_METRICS])
    metrics.require_reader(request)
    return Response(metrics.text(), media_type=MediaType.TEXT, headers={"Content-Type": _PLAIN})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


routes = [read_metrics]
