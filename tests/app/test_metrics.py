"""Measures and spans: by route template, with nothing of a customer, and only for whom they are meant."""

import gzip
import re
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.testing import TestClient
from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from carbonfin.app.factory import create_app
from carbonfin.app.jobs.sole_worker import sole_worker
from carbonfin.app.settings import METRICS_TOKEN, OTEL_ENDPOINT, SECRET, settings_from
from carbonfin.app.telemetry import traced
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.job_requests import JobAsk, ask_for_job
from carbonfin.storage.outbox import OutboxMessageRow, enqueue
from tests.app.worlds import BUSINESS_DATE, NOW, SETTINGS, World

TOKEN = "a token that is thirty-two characters"
HERE = ("127.0.0.1", 50000)
ELSEWHERE_ADDRESS = "elsewhere.example"


def test_requests_are_counted_by_template_and_nothing_else(world: World) -> None:
    with TestClient(_as_application(_seen_from(world.app, HERE))) as client:
        for _ in range(3):
            client.get(f"/v1/decisions/{world.decision_id}?note=张三", headers=world.key_headers())
        client.get("/v1/decisions/91440300EXAMPLE466", headers=world.key_headers())
        client.get("/91440300EXAMPLE466")
        text = client.get("/metrics").text
    assert 'carbonfin_requests_total{method="GET",route="/v1/decisions/{decision_id}",status="200"} 3.0' in text
    assert 'carbonfin_requests_total{method="GET",route="/v1/decisions/{decision_id}",status="404"} 1.0' in text
    assert 'carbonfin_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'carbonfin_request_seconds_count{method="GET",route="/v1/decisions/{decision_id}"} 4.0' in text
    assert "# TYPE carbonfin_outbox_messages gauge" in text
    for secret in (world.decision_id, "91440300EXAMPLE466", "张三", world.officer.organization_id, "officer"):
        assert secret not in text
    labels = set(re.findall(r'(\w+)="', text))
    assert labels <= {"method", "route", "status", "le", "version", "state", "queue"}


def test_a_worker_that_is_gone_is_told(world: World) -> None:
    with TestClient(_as_application(_seen_from(world.app, HERE))) as client:
        assert "carbonfin_worker_alive 0.0" in client.get("/metrics").text
        with sole_worker(world.sessions.engine) as still_mine:
            assert still_mine is not None
            assert "carbonfin_worker_alive 1.0" in client.get("/metrics").text
        assert "carbonfin_worker_alive 0.0" in client.get("/metrics").text


def test_what_waits_longest_is_told_in_seconds(world: World) -> None:
    """A job asked for 90 s before now and a message tried seven times; none of either, nothing waits."""
    with TestClient(_as_application(_seen_from(world.app, HERE))) as client:
        empty = client.get("/metrics").text
        ask = JobAsk(job="end-of-day", business_date=BUSINESS_DATE, last_date=BUSINESS_DATE, rolls=False, total_count=6)
        with world.sessions.begin() as session:
            ask_for_job(session, world.officer, ask, at=NOW - timedelta(seconds=90))
            enqueue(session, world.officer, subject="pledge:1", kind="freeze", payload={})
        with world.sessions.begin() as session:
            session.execute(sa.update(OutboxMessageRow).values(attempts=7))
        text = client.get("/metrics").text
    assert 'carbonfin_oldest_waiting_seconds{queue="jobs"} 0.0' in empty
    assert 'carbonfin_oldest_waiting_seconds{queue="jobs"} 90.0' in text
    assert 'carbonfin_oldest_waiting_seconds{queue="webhooks"} 0.0' in text
    assert ("carbonfin_outbox_attempts_max 0.0" in empty, "carbonfin_outbox_attempts_max 7.0" in text) == (True, True)


@pytest.mark.parametrize(
    ("headers", "client", "token", "status"),
    [
        ({}, HERE, None, 200),
        ({}, ("::1", 1), None, 200),
        ({}, (ELSEWHERE_ADDRESS, 1), None, 401),
        ({"X-Forwarded-For": ELSEWHERE_ADDRESS}, HERE, None, 401),
        ({"Forwarded": f"for={ELSEWHERE_ADDRESS}"}, HERE, None, 401),
        ({}, HERE, TOKEN, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, HERE, TOKEN, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, (ELSEWHERE_ADDRESS, 1), TOKEN, 200),
    ],
)
def test_only_the_machine_itself_or_the_token_reads_them(
    world: World, headers: dict[str, str], client: tuple[str, int], token: str | None, status: int
) -> None:
    app = create_app(replace(SETTINGS, metrics_token=token), world.sessions)
    with TestClient(_as_application(_seen_from(app, client))) as asking:
        assert asking.get("/metrics", headers=headers).status_code == status


def test_settings_of_metrics_and_spans_are_checked() -> None:
    sound = {SECRET: "x" * 40, METRICS_TOKEN: TOKEN, OTEL_ENDPOINT: "http://127.0.0.1:4318"}
    settings = settings_from({**sound, "CARBONFIN_DATABASE_URL": "sqlite:///x.db"})
    assert (settings.metrics_token, settings.otel_endpoint) == (TOKEN, "http://127.0.0.1:4318")
    assert TOKEN not in repr(settings)
    for name, value in ((METRICS_TOKEN, "short"), (OTEL_ENDPOINT, "collector:4318")):
        with pytest.raises(InvalidInput, match=name):
            settings_from({**sound, "CARBONFIN_DATABASE_URL": "sqlite:///x.db", name: value})


def test_spans_arrive_by_template_without_addresses_and_queries(world: World) -> None:
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(_plain(content)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    serving = threading.Thread(target=collector.serve_forever)
    serving.start()
    try:
        app = traced(world.app, f"http://127.0.0.1:{collector.server_address[1]}")
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with TestClient(_as_application(app)) as client:
            client.get(
                f"/v1/decisions/{world.decision_id}?note=zhangsan",
                headers={**world.key_headers(), "traceparent": parent},
            )
    finally:
        collector.shutdown()
        serving.join()
        collector.server_close()
    spans = [
        span
        for batch in received
        for whole in batch.resource_spans
        for part in whole.scope_spans
        for span in part.spans
    ]
    assert [span.name for span in spans] == ["GET /v1/decisions/{decision_id}"]
    assert spans[0].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    written = str(received)
    for secret in (world.decision_id, "zhangsan", world.keys["system"]):
        assert secret not in written
    assert {attribute.key for attribute in spans[0].attributes} == {
        "http.request.method", "http.route", "http.response.status_code", "carbonfin.request_id",
    }  # fmt: skip


def _plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def _seen_from(app: ASGIApp, client: tuple[str, int]) -> ASGIApp:
    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["client"] = client
        await app(scope, receive, send)

    return seen


def _as_application(app: object) -> Litestar:
    return app  # type: ignore[return-value]


def test_switched_off_nothing_of_it_is_loaded() -> None:
    code = "import sys, carbonfin.app.serving; print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
