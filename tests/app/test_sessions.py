"""Keys, sessions, forms: who gets in, who is locked out, and that no other site can act in their name."""

import asyncio
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.kernel.dates import Clock, FixedClock
from carbonfin.storage.engine import Sessions
from carbonfin.web.addresses import own_address
from tests.app.worlds import NOW, PAGE, PASSWORD, SETTINGS, World, build_world, form_token, signed_in
from tests.loops import run_apart


def test_a_key_names_its_organisation_and_role(world: World) -> None:
    with TestClient(world.app) as client:
        answer = client.get("/v1/me", headers=world.key_headers())
    assert answer.json() == {
        "actor_id": answer.json()["actor_id"],
        "name": "demo-core-banking",
        "role": "system",
        "organization_id": world.officer.organization_id,
        "organization_name": "示例银行股份有限公司",
        "business_date": "2025-06-30",
        "is_sample": True,
    }


@pytest.mark.parametrize(
    "header", ["Bearer cf_live_nothing", "Bearer ", "Basic b2ZmaWNlcjpw", "Bearer 密钥".encode(), "expired"]
)
def test_a_key_that_does_not_hold_is_refused(world: World, header: str | bytes) -> None:
    given = world.key_headers("expired")["Authorization"] if header == "expired" else header
    with TestClient(world.app) as client:
        answer = client.get("/v1/me", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="carbonfin"'
    assert answer.json()["detail"] == "the API key or session is unknown, expired or revoked"


def test_a_bad_key_is_not_passed_over_for_a_good_session(world: World) -> None:
    with signed_in(world) as client:
        assert client.get("/v1/me").status_code == 200
        assert client.get("/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_another_banks_decision_is_not_found(world: World) -> None:
    with TestClient(world.app) as client:
        own = client.get(f"/v1/decisions/{world.decision_id}", headers=world.key_headers())
        foreign = client.get(f"/v1/decisions/{world.decision_id}", headers=world.key_headers("other"))
        replayed = client.post(f"/v1/decisions/{world.decision_id}/replay", headers=world.key_headers("other"))
        listed = client.get("/v1/decisions", headers=world.key_headers("other"))
    assert own.status_code == 200
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")
    assert replayed.status_code == 404
    assert listed.json() == {"decisions": []}


def test_a_stranger_is_sent_to_the_sign_in_and_comes_back(world: World) -> None:
    with TestClient(world.app) as client:
        sent = client.get("/decisions?subject=P1", headers=PAGE, follow_redirects=False)
        assert sent.status_code == 303
        assert sent.headers["location"] == "/sign-in?next=%2Fdecisions%3Fsubject%3DP1"
        form = client.get(sent.headers["location"], headers=PAGE)
        assert 'name="next" value="/decisions?subject=P1"' in form.text
        entered = client.post(
            "/sign-in",
            data={
                "login": "officer",
                "password": PASSWORD,
                "next": "/decisions?subject=P1",
                "_csrf_token": form_token(form.text),
            },
            headers=PAGE,
        )
    assert entered.status_code == 200
    assert "决定记录" in entered.text


def test_htmx_is_told_where_to_sign_in(world: World) -> None:
    with TestClient(world.app) as client:
        answer = client.get("/decisions", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fdecisions"


@pytest.mark.parametrize(
    "address",
    ["//elsewhere.example/x", "https://elsewhere.example", "/\\elsewhere.example", "javascript:x", "", "/a\nb"],
)
def test_signing_in_leads_to_no_other_site(address: str) -> None:
    assert own_address(address) == "/"
    assert own_address("/decisions?subject=P1") == "/decisions?subject=P1"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in?lang=en", headers=PAGE).text)
        answer = client.post(
            "/sign-in",
            data={"login": "officer", "password": PASSWORD, "_csrf_token": token},
            follow_redirects=False,
        )
        cookie = answer.headers["set-cookie"]
    assert cookie.startswith("carbonfin_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_form_without_its_token_changes_nothing(world: World) -> None:
    with signed_in(world) as client:
        for data in ({}, {"_csrf_token": "0" * 64}, {"_csrf_token": "密"}):
            refused = client.post("/sign-out", data=data, follow_redirects=False)
            assert (refused.status_code, refused.json()["code"]) == (403, "form-token-invalid")
        assert client.get("/v1/me").status_code == 200, "the session must still stand"


def test_a_token_of_another_session_does_not_fit(world: World) -> None:
    with signed_in(world, "checker") as client:
        foreign = form_token(client.get("/", headers=PAGE).text)
    with signed_in(world) as client:
        refused = client.post("/sign-out", data={"_csrf_token": foreign}, follow_redirects=False)
        assert refused.status_code == 403


def test_a_session_that_writes_to_the_api_needs_the_token_and_a_key_does_not(world: World) -> None:
    path = f"/v1/decisions/{world.decision_id}/replay"
    with signed_in(world) as client:
        assert client.post(path).status_code == 403
        token = form_token(client.get("/", headers=PAGE).text)
        assert client.post(path, headers={"X-CSRF-Token": token}).json()["same"] is True
    with TestClient(world.app) as client:
        assert client.post(path, headers=world.key_headers()).json()["same"] is True


def test_five_failures_lock_the_account_for_fifteen_minutes(sqlite_sessions: Sessions) -> None:
    class MovingClock(Clock):
        instant = NOW

        def now(self) -> datetime:
            return self.instant

    clock = MovingClock()
    world = build_world(sqlite_sessions, clock)
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)

        def attempt(password: str) -> int:
            return client.post(
                "/sign-in",
                data={"login": "officer", "password": password, "_csrf_token": token},
                headers=PAGE,
                follow_redirects=False,
            ).status_code

        assert [attempt("wrong") for _ in range(5)] == [403] * 5
        assert attempt(PASSWORD) == 403, "locked, although the password fits"
        clock.instant = NOW + timedelta(minutes=14, seconds=59)
        assert attempt(PASSWORD) == 403
        clock.instant = NOW + timedelta(minutes=15)
        assert attempt(PASSWORD) == 303


def test_what_was_typed_is_kept_but_the_password_is_not(world: World) -> None:
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        answer = client.post(
            "/sign-in", data={"login": "officer", "password": "not this one", "_csrf_token": token}, headers=PAGE
        )
    assert answer.status_code == 403
    assert 'value="officer"' in answer.text
    assert "not this one" not in answer.text
    assert "用户名或密码不正确，或账户暂时锁定" in answer.text


def test_signing_out_ends_the_session_itself(world: World) -> None:
    with signed_in(world) as client:
        kept = client.cookies["carbonfin_session"]
        token = form_token(client.get("/", headers=PAGE).text)
        left = client.post("/sign-out", data={"_csrf_token": token}, headers=PAGE, follow_redirects=False)
        assert left.headers["location"] == "/sign-in"
    with TestClient(world.app, cookies={"carbonfin_session": kept}) as client:
        assert client.get("/v1/me").status_code == 401


def test_signing_in_again_ends_the_session_before(world: World) -> None:
    with signed_in(world) as client:
        kept = client.cookies["carbonfin_session"]
        token = form_token(client.get("/account", headers=PAGE).text)
        entry = {"login": "officer", "password": PASSWORD, "_csrf_token": token}
        assert client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False).status_code == 303
        assert client.cookies["carbonfin_session"] != kept
        assert client.get("/v1/me").status_code == 200
    with TestClient(world.app, cookies={"carbonfin_session": kept}) as client:
        assert client.get("/v1/me").status_code == 401


def test_a_session_cookie_that_somebody_else_chose_is_never_taken_over(world: World) -> None:
    with TestClient(world.app, cookies={"carbonfin_session": "chosen-by-an-attacker"}) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        entry = {"login": "officer", "password": PASSWORD, "_csrf_token": token}
        answer = client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
        assert answer.status_code == 303
        assert "chosen-by-an-attacker" not in answer.headers["set-cookie"]
    with TestClient(world.app, cookies={"carbonfin_session": "chosen-by-an-attacker"}) as client:
        assert client.get("/v1/me").status_code == 401


def test_a_flood_of_sign_ins_is_turned_away_and_holds_up_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords take long to check: what waits for it must not take every worker thread of the process."""
    released = threading.Event()
    monkeypatch.setattr("carbonfin.storage.parties.passwords.password_fits", lambda *_: released.wait(timeout=20))

    async def flood() -> tuple[Counter[int], int]:
        transport = httpx.ASGITransport(app=cast("Any", world.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as client:
            token = form_token((await client.get("/sign-in", headers=PAGE)).text)
            entry = {"login": "nobody", "password": "x", "_csrf_token": token}
            knocks = [asyncio.create_task(client.post("/sign-in", data=entry, headers=PAGE)) for _ in range(60)]
            try:
                me = await asyncio.wait_for(client.get("/v1/me", headers=world.key_headers()), timeout=10)
                turned_away = await asyncio.wait_for(next(asyncio.as_completed(knocks)), timeout=10)
            finally:
                released.set()
            assert (turned_away.status_code, turned_away.headers["retry-after"]) == (429, "5")
            return Counter([(await one).status_code for one in knocks]), me.status_code

    assert run_apart(flood()) == (Counter({403: 50, 429: 10}), 200)


def test_a_session_ends_by_itself(sqlite_sessions: Sessions) -> None:
    world = build_world(sqlite_sessions, FixedClock(NOW))
    with signed_in(world) as client:
        kept = client.cookies["carbonfin_session"]
    later = build_later(world)
    with TestClient(later, cookies={"carbonfin_session": kept}) as client:
        assert client.get("/v1/me").status_code == 401


def build_later(world: World) -> Litestar:
    return create_app(SETTINGS, world.sessions, FixedClock(NOW + timedelta(hours=10)), packages=())
