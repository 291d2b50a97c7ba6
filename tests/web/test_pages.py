"""Pages and fragments, request numbers, form tokens."""

from typing import Any

import pytest
from litestar import get
from litestar.response import Template
from litestar.testing import TestClient

from carbonfin.app import access
from carbonfin.kernel.actors import Role
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.security import Seals, request_id_of
from tests.app.worlds import PAGE, World, add_routes, build_world, signed_in


@get("/trial", sync_to_thread=True)
def trial(request: WebRequest) -> Template:
    return page(
        request, "app/search.html", title=Text("试", "Trial"), fragment="web/parts.html", question="x", found=()
    )


@pytest.fixture
def world(sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> World:
    world = build_world(sqlite_sessions)
    monkeypatch.setattr(access, "_POLICY", {**access._POLICY, "GET /trial": frozenset({Role.OFFICER})})
    add_routes(world, trial)
    return world


def test_htmx_gets_the_fragment_and_everyone_else_the_page(world: World) -> None:
    with signed_in(world) as client:
        whole = client.get("/trial", headers=PAGE)
        part = client.get("/trial", headers={"HX-Request": "true"})
        boosted = client.get("/trial", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert "<!doctype html>" in whole.text
    assert "<!doctype html>" not in part.text
    assert "<!doctype html>" in boosted.text
    assert whole.headers["vary"] == part.headers["vary"] == "HX-Request, Cookie"
    assert part.headers["content-language"] == "zh-CN"


def test_a_page_is_never_kept_by_a_shared_cache(world: World) -> None:
    with signed_in(world) as client:
        assert client.get("/trial", headers=PAGE).headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("asked", "kept"), [("request-0001", True), ("short", False), ("x" * 65, False), ("a b c d e", False)]
)
def test_a_plain_request_number_is_taken_over(world: World, asked: str, kept: bool) -> None:  # noqa: FBT001 - a table of cases
    with TestClient(world.app) as client:
        answer = client.get("/healthz", headers={"X-Request-Id": asked})
    assert (answer.headers["x-request-id"] == asked) is kept


def test_a_request_keeps_its_number() -> None:
    scope: Any = {"headers": [], "state": {}}
    assert request_id_of(scope) == request_id_of(scope)


def test_form_tokens_belong_to_one_session_and_one_secret() -> None:
    seals = Seals(secret=b"s" * 32, secure_cookies=True)
    token = seals.form_token("session-1")
    assert seals.form_token_fits("session-1", token)
    assert not seals.form_token_fits("session-2", token)
    assert not Seals(secret=b"t" * 32, secure_cookies=True).form_token_fits("session-1", token)
    assert seals.cookie("a", "b").secure
