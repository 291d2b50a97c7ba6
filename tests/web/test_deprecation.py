"""A route that will go says so in each answer and in the description; every such route of ours has given notice."""

from datetime import date
from typing import Any

import pytest
from litestar import get
from litestar.response import Response
from litestar.testing import TestClient

from carbonfin.app import access, scopes
from carbonfin.app.factory import api_routes
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Role
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.web.deprecation import Deprecation, deprecated, deprecation_of
from tests.app.worlds import World, add_routes, build_world

NOTICE = deprecated(since=date(2026, 1, 1), sunset=date(2026, 9, 1), successor="/v1/new-trial")


@get("/v1/old-trial", sync_to_thread=True, **NOTICE)
def old(*, fail: bool = False) -> Response[dict[str, str]]:
    if fail:
        raise NotFound("gone", zh="没有")
    return Response({"answer": "still here"}, headers={"Link": '</v1/old-trial>; rel="first"'})


@pytest.fixture
def trial(sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> World:
    world = build_world(sqlite_sessions)
    monkeypatch.setattr(access, "_POLICY", {**access._POLICY, "GET /v1/old-trial": frozenset({Role.SYSTEM})})
    monkeypatch.setattr(scopes, "FREE_OF_SCOPE", scopes.FREE_OF_SCOPE | {"old-trial"})
    add_routes(world, old)
    return world


def test_each_answer_says_since_when_until_when_and_what_instead(trial: World) -> None:
    with TestClient(trial.app, raise_server_exceptions=False) as client:
        for address, status in (("/v1/old-trial", 200), ("/v1/old-trial?fail=true", 404)):
            answer = client.get(address, headers=trial.key_headers())
            assert answer.status_code == status
            # 2026-01-01 00:00 UTC is 1767225600 seconds after 1970 (20454 days).
            assert answer.headers["deprecation"] == f"@{20454 * 86400}"
            assert answer.headers["sunset"] == "Tue, 01 Sep 2026 00:00:00 GMT"
            assert '</v1/new-trial>; rel="successor-version"' in answer.headers["link"]
            assert '</docs/api#deprecation>; rel="deprecation"' in answer.headers["link"]
        assert (
            '</v1/old-trial>; rel="first"' in client.get("/v1/old-trial", headers=trial.key_headers()).headers["link"]
        )
        assert "deprecation" not in client.get("/v1/me", headers=trial.key_headers()).headers
        assert client.get("/no-such").status_code == 404


def test_the_description_says_so(trial: World) -> None:
    with TestClient(trial.app) as client:
        assert client.get("/schema/openapi.json").json()["paths"]["/v1/old-trial"]["get"]["deprecated"] is True
        page = client.get("/docs/api").text
    assert 'id="deprecation"' in page


def test_less_than_six_months_of_notice_is_no_notice() -> None:
    with pytest.raises(AssertionError, match="six months"):
        Deprecation(since=date(2026, 1, 1), sunset=date(2026, 6, 1), successor="/v1/x")


def test_what_is_described_as_deprecated_announces_it() -> None:
    for route in api_routes(PACKAGES):
        handler: Any = route
        assert bool(getattr(handler, "deprecated", None)) == (deprecation_of(getattr(handler, "opt", {})) is not None)
