"""How often a caller may ask: the bucket by its arithmetic, and the answers over HTTP."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.limits import Limits
from carbonfin.app.rate_limit import RateLimit, rate_limit_of
from carbonfin.app.settings import settings_from
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.connections import Connection
from carbonfin.web.problems import EdgeProblem
from tests.app.worlds import NOW, SETTINGS, World, build_world

THREE_IN_SIX = RateLimit(requests_count=3, seconds=6)


class Asked:
    """A connection as far as a bucket looks."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}


class Timer:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _take(limits: Limits, caller: str = "a") -> str:
    asked = Asked()
    try:
        limits.take(cast("Connection", asked), caller)
    except EdgeProblem as problem:
        return f"wait {problem.headers['Retry-After'] if problem.headers else '?'}"
    return str(asked.scope["state"]["carbonfin_rate"]["RateLimit"])


def test_the_bucket_empties_refills_and_is_each_caller_s_own() -> None:
    timer = Timer()
    limits = Limits(THREE_IN_SIX, seconds_now=timer)
    # One token comes back every two seconds.
    assert [_take(limits) for _ in range(4)] == ['"caller";r=2;t=2', '"caller";r=1;t=4', '"caller";r=0;t=6', "wait 2"]
    assert _take(limits, "b") == '"caller";r=2;t=2'
    timer.now_s += 1.5
    assert _take(limits) == "wait 1"
    timer.now_s += 0.5
    assert _take(limits) == '"caller";r=0;t=6'
    timer.now_s += 1000
    assert [_take(limits) for _ in range(4)][-1] == "wait 2", "a long rest fills the bucket and no more"


@given(count=st.integers(1, 50), seconds=st.integers(1, 60), gaps=st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_more_than_the_limit_and_what_refilled_ever_pass(count: int, seconds: int, gaps: list[float]) -> None:
    timer = Timer()
    limits = Limits(RateLimit(requests_count=count, seconds=seconds), seconds_now=timer)
    passed = 0
    for gap in gaps:
        timer.now_s += gap
        passed += not _take(limits).startswith("wait")
        assert passed <= count + (timer.now_s - 100.0) * count / seconds + 1e-6


def test_a_flood_of_callers_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carbonfin.app.limits._CALLERS_MAX", 10)
    limits = Limits(THREE_IN_SIX, seconds_now=Timer())
    for number in range(1000):
        _take(limits, str(number))
    assert len(limits._buckets) == 10


@pytest.fixture
def limited(world: World) -> World:
    settings = replace(SETTINGS, rate_limit=RateLimit(requests_count=3, seconds=3600))
    return replace(world, app=create_app(settings, world.sessions, FixedClock(NOW), packages=()))


def test_over_http_the_fourth_is_refused_and_health_never(limited: World) -> None:
    with TestClient(limited.app, raise_server_exceptions=False) as client:
        answers = [client.get("/v1/me", headers=limited.key_headers()) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"caller";q=3;w=3600'
        assert answers[0].headers["ratelimit"] == '"caller";r=2;t=1200'
        refused = answers[3]
        assert 1 <= int(refused.headers["retry-after"]) <= 1200
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "too-many-requests"
        assert refused.json()["type"] == "/problems/too-many-requests"
        assert client.get("/v1/me", headers=limited.key_headers("auditor")).status_code == 200, "another key"
        assert {client.get(address).status_code for address in ("/healthz", "/readyz") for _ in range(5)} <= {200, 503}
        assert "ratelimit" not in client.get("/healthz").headers
        # Strangers and unknown keys never take from anybody's bucket.
        assert client.get("/v1/me").status_code == 401


def test_without_a_limit_nothing_is_said(sqlite_sessions: Any) -> None:
    world = build_world(sqlite_sessions)
    with TestClient(world.app) as client:
        assert "ratelimit" not in client.get("/v1/me", headers=world.key_headers()).headers


def test_the_setting(tmp_path: Any) -> None:
    environment = {"CARBONFIN_VAR": str(tmp_path)}
    assert settings_from(environment).rate_limit == RateLimit(requests_count=2000, seconds=10)
    off = environment | {"CARBONFIN_RATE_LIMIT": "off"}
    assert settings_from(off).rate_limit is None
    assert rate_limit_of("3/6", field="x") == THREE_IN_SIX


@pytest.mark.parametrize(
    "text", ["0/1", "1/0", "-1/1", "1", "1/2/3", "a/b", "１/１", "1.5/1", "9999999/1", "1/99999", " "]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="REQUESTS/SECONDS") as refused:
        rate_limit_of(text, field="CARBONFIN_RATE_LIMIT")
    assert refused.value.field == "CARBONFIN_RATE_LIMIT"
