"""Logs: one line an event, nothing of a customer in it."""

import io
import json

from litestar.testing import TestClient

from carbonfin.app.logs import log, open_logs
from tests.app.worlds import PAGE, PASSWORD, World, form_token


def test_one_request_is_one_line_with_ids_and_units(world: World) -> None:
    stream = io.StringIO()
    open_logs(stream)
    with TestClient(world.app) as client:
        client.get(f"/v1/decisions/{world.decision_id}?note=张三", headers=world.key_headers())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 1
    assert lines[0]["event"] == "app.request.answered"
    assert lines[0]["route"] == "/v1/decisions/{decision_id}"
    assert lines[0]["status"] == 200
    assert lines[0]["organization_id"] == world.officer.organization_id
    assert isinstance(lines[0]["elapsed_ms"], int)
    assert world.decision_id not in stream.getvalue()
    assert "张三" not in stream.getvalue()


def test_passwords_keys_and_names_never_reach_the_log(world: World) -> None:
    stream = io.StringIO()
    open_logs(stream)
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        client.post("/sign-in", data={"login": "officer", "password": PASSWORD, "_csrf_token": token}, headers=PAGE)
        client.get("/search?q=示例服饰", headers=PAGE)
        client.get("/v1/me", headers=world.key_headers())
    for secret in (PASSWORD, token, world.keys["system"], "示例服饰", "officer(示例)", "91440300EXAMPLE466"):
        assert secret not in stream.getvalue(), secret


def test_an_unknown_field_is_left_out() -> None:
    stream = io.StringIO()
    open_logs(stream)
    log().info("collateral.pledge.appraised", elapsed_ms=3, usci="91440300EXAMPLE466", amount_cny="1.00")
    line = json.loads(stream.getvalue())
    assert set(line) == {"event", "elapsed_ms", "level", "timestamp"}
