"""The requests that the guide for integrators shows are sent to the sample world, in the order of the page."""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from carbonfin.app.demo.run import Demo
from carbonfin.app.factory import create_app
from carbonfin.app.settings import settings_from
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import SystemClock
from carbonfin.kernel.webhooks import EventBody, signed_headers, webhook_secrets
from tests.docs.test_documentation import DOCS, requests_in

REQUESTS = requests_in((DOCS / "guides/bank-integrator.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("sandbox")
    settings = settings_from({"CARBONFIN_VAR": str(folder)})
    demo = Demo(settings, clock=SystemClock(), var_folder=folder, on_step=lambda _: None)
    outcome = demo.run()
    with TestClient(create_app(settings, demo.sessions, SystemClock())) as opened:
        opened.headers["Authorization"] = f"Bearer {outcome.api_key}"
        yield opened
    demo.sessions.engine.dispose()


def test_the_key_of_the_sandbox_opens_the_api(client: TestClient) -> None:
    answer = client.get("/v1/me")
    assert answer.status_code == 200
    assert answer.json()["business_date"] == "2025-06-30"


def test_the_requests_of_the_guide_are_answered(client: TestClient) -> None:
    assert len(REQUESTS) >= 7
    answers = {}
    for entry, body in REQUESTS:
        method, path = entry.split(" ")
        key = str(uuid.uuid4())
        first = client.request(
            method, path, content=body, headers={"Idempotency-Key": key, "Content-Type": "application/json"}
        )
        assert first.status_code in {200, 201, 202}, (entry, first.text)
        answers[entry] = first.json()
        again = client.request(
            method, path, content=body, headers={"Idempotency-Key": key, "Content-Type": "application/json"}
        )
        assert again.status_code == first.status_code, entry
        assert again.content == first.content, entry
        assert again.headers.get("Idempotent-Replayed") == "true" or first.status_code == 200, entry
    assert answers["POST /v1/rate-decisions"]["executed_rate"] == "0.0329"
    assert answers["POST /v1/schedules"]["rows"][0]["interest_cny"] == "18277.78"
    assert answers["POST /v1/valuations"]["failures"] == []
    assert answers["POST /v1/pledges/appraisals"]["refusals"] == []


def test_the_answers_the_guide_promises_for_keys(client: TestClient) -> None:
    entry, body = next(request for request in REQUESTS if request[0] == "POST /v1/schedules")
    path = entry.split(" ")[1]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert client.post(path, json=json.loads(body), headers=key).status_code == 201
    other = {**json.loads(body), "principal_cny": "9000000.00"}
    refused = client.post(path, json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    bare = client.post(path, json=other)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency-key-required")
    misspelt = client.post(path, json={**other, "settlement_dya": 20}, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert (misspelt.status_code, misspelt.json()["code"]) == (400, "malformed-request")


def test_a_decision_of_the_guide_replays(client: TestClient) -> None:
    entry, body = next(request for request in REQUESTS if request[0] == "POST /v1/schedules")
    made = client.post(entry.split(" ")[1], json=json.loads(body), headers={"Idempotency-Key": str(uuid.uuid4())})
    number = made.json()["decision_id"]
    record = client.get(f"/v1/decisions/{number}").json()
    assert {"inputs", "outputs", "trace"} <= set(record)
    assert client.post(f"/v1/decisions/{number}/replay").json()["same"] is True


def test_the_key_lies_where_the_guide_says(client: TestClient) -> None:
    guide = (DOCS / "guides/bank-integrator.md").read_text(encoding="utf-8")
    assert "var/demo-api-key" in guide
    source = (Path(__file__).resolve().parents[2] / "carbonfin/app/demo/people.py").read_text(encoding="utf-8")
    assert 'KEY_FILE = "demo-api-key"' in source
    assert client.headers["Authorization"].startswith("Bearer ")


def test_the_receiver_of_the_guide_takes_what_we_sign_and_nothing_else() -> None:
    guide = (DOCS / "guides/bank-integrator.md").read_text(encoding="utf-8")
    shown = re.search(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert shown
    assert set(re.findall(r"^import (\w+)$", shown[1], re.MULTILINE)) <= sys.stdlib_module_names
    written: dict[str, Any] = {}
    exec(compile(shown[1], "guide", "exec"), written)  # noqa: S102 - our own page, run as its reader would
    checked, seen = written["checked"], set[str]()
    secrets = webhook_secrets(KeyRing(secrets=(b"a secret of thirty-two characters",)), webhook_id="w", version=1)
    body = EventBody(
        delivery_id="d1", event="event.margin_call.issued", subject="pledge:P1", number=1, payload={"名称": "示例"}
    )
    headers = signed_headers(secrets, body, at=SystemClock().now())
    content = body.as_bytes()
    assert checked(headers, content, list(secrets), seen)["payload"] == {"名称": "示例"}
    assert checked(headers, content, list(secrets), seen) is None, "a repetition"
    late = signed_headers(secrets, body, at=SystemClock().now() - timedelta(seconds=301))
    for bad_headers, bad_content, known in (
        (headers, content + b" ", secrets),
        (headers, json.dumps(json.loads(content)).encode(), secrets),
        (headers, content, ("cfwh_another",)),
        (headers | {"Carbonfin-Timestamp": "1"}, content, secrets),
        (late, content, secrets),
    ):
        with pytest.raises(PermissionError):
            checked(bad_headers, bad_content, list(known), set())
