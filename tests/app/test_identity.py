"""Tokens of systems, scopes, and a person's own account: who gets in, for what, and what ends it."""

import base64
import json
import re
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.identity.tokens import AUDIENCE, ISSUER, mint_token, read_token
from carbonfin.app.policy import POLICY
from carbonfin.app.scopes import KNOWN_SCOPES, scopes_for
from carbonfin.kernel.actors import Role
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.parties import UserRow, issue_key, keys_of, revoke_key, rotate_key, security_events_of
from tests.app.worlds import NOW, PAGE, PASSWORD, SECRET, SETTINGS, World, form_token, signed_in

CLOCK = FixedClock(NOW)
KEYS = SETTINGS.keys
NEW_PASSWORD = "a longer horse battery 9"


def _key(world: World, *scopes: str, role: Role = Role.SYSTEM) -> tuple[str, str]:
    with world.sessions.begin() as session:
        issued = issue_key(
            session, organization_id=world.officer.organization_id, name="api", role=role, scopes=scopes,
            expires_at=NOW + timedelta(days=30), pepper=SECRET,
        )  # fmt: skip
    return issued.key_id, issued.text


def _token_request(world: World, **form: str) -> tuple[int, dict[str, str]]:
    with TestClient(world.app) as client:
        answer = client.post("/oauth/token", data=form)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def _me(world: World, bearer: str) -> int:
    with TestClient(world.app) as client:
        return client.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"}).status_code


def test_a_key_is_traded_for_a_token_that_names_the_same_actor(world: World) -> None:
    key_id, text = _key(world, "decisions")
    status, answer = _token_request(
        world, grant_type="client_credentials", client_id=text[8:20], client_secret=text, scope="decisions:read"
    )
    assert status == 400, "the key's scope is decisions, not its read-only form"
    status, answer = _token_request(
        world, grant_type="client_credentials", client_id=text[8:20], client_secret=text
    )  # fmt: skip
    assert (status, answer["token_type"], answer["expires_in"], answer["scope"]) == (200, "Bearer", 600, "decisions")
    with TestClient(world.app) as client:
        me = client.get("/v1/me", headers={"Authorization": f"Bearer {answer['access_token']}"}).json()
    assert (me["actor_id"], me["role"]) == (key_id, "system")


def test_credentials_may_come_by_http_basic(world: World) -> None:
    _, text = _key(world, "*")
    basic = base64.b64encode(f"{text[8:20]}:{text}".encode()).decode()
    with TestClient(world.app) as client:
        answer = client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", "scope": "loans"},
            headers={"Authorization": f"Basic {basic}"},
        )
    assert (answer.status_code, answer.json()["scope"]) == (200, "loans")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_secret": "cf_live_wrong"}, 401, "invalid_client"),
        ({"client_id": "abcdefghijkl"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"scope": "loans"}, 400, "invalid_scope"),
    ],
)
def test_a_wrong_request_gets_the_error_of_the_standard(
    world: World, change: dict[str, str], status: int, error: str
) -> None:
    _, text = _key(world, "pricing")
    form = {"grant_type": "client_credentials", "client_id": text[8:20], "client_secret": text} | change
    found, answer = _token_request(world, **form)
    assert (found, answer["error"]) == (status, error)


def _forged(header: dict[str, str], claims: dict[str, object], secret: bytes) -> str:
    return jwt.encode(header, claims, OctKey.import_key(secret), algorithms=["HS256", "HS512"])


def _claims(key_id: str, **change: object) -> dict[str, object]:
    now = int(NOW.timestamp())
    return {
        "iss": ISSUER, "aud": AUDIENCE, "sub": key_id, "iat": now, "exp": now + 600, "jti": "x", "scope": "*",
    } | change  # fmt: skip


def test_only_our_own_token_in_time_and_for_us_is_taken(world: World) -> None:
    key_id, _ = _key(world, "*")
    ours = KEYS.key_for("access-token")
    kid = {"alg": "HS256", "kid": read_kid(mint_token(KEYS, key_id=key_id, scopes=frozenset({"*"}), clock=CLOCK))}
    now = int(NOW.timestamp())
    assert _me(world, _forged(kid, _claims(key_id), ours)) == 200
    none = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, _claims(key_id))
    )
    refused = {
        "no signature": f"{none}.",
        "another algorithm": _forged(kid | {"alg": "HS512"}, _claims(key_id), ours),
        "another secret": _forged(kid, _claims(key_id), b"another secret of thirty-two bytes"),
        "another purpose's key": _forged(kid, _claims(key_id), KEYS.key_for("webhook")),
        "another audience": _forged(kid, _claims(key_id, aud="other-api"), ours),
        "another issuer": _forged(kid, _claims(key_id, iss="elsewhere"), ours),
        "expired": _forged(kid, _claims(key_id, iat=now - 1200, exp=now - 1), ours),
        "without expiry": _forged(kid, {n: v for n, v in _claims(key_id).items() if n != "exp"}, ours),
        "from the future": _forged(kid, _claims(key_id, iat=now + 3600, exp=now + 4200), ours),
        "for nobody": _forged(kid, _claims("no-such-key"), ours),
        "too long": _forged(kid, _claims(key_id, scope="x" * 4000), ours),
    }
    assert {name: _me(world, text) for name, text in refused.items()} == dict.fromkeys(refused, 401)


def read_kid(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


def test_a_revoked_key_ends_its_tokens_at_once(world: World) -> None:
    key_id, _ = _key(world, "*")
    token = mint_token(KEYS, key_id=key_id, scopes=frozenset({"*"}), clock=CLOCK)
    assert _me(world, token) == 200
    with world.sessions.begin() as session:
        revoke_key(session, organization_id=world.officer.organization_id, key_id=key_id, clock=CLOCK)
    assert _me(world, token) == 401


def test_a_token_made_with_the_secret_before_still_holds_and_with_none_of_ours_does_not() -> None:
    old, new = b"the secret before, thirty-two bytes.", b"the secret in use, thirty-two bytes."
    token = mint_token(KeyRing(secrets=(old,)), key_id="k", scopes=frozenset({"*"}), clock=CLOCK)
    assert read_token(KeyRing(secrets=(new, old)), token, clock=CLOCK) is not None
    assert read_token(KeyRing(secrets=(new,)), token, clock=CLOCK) is None


def test_scopes_bind_keys_and_tokens_to_their_part_of_the_api(world: World) -> None:
    _, reading = _key(world, "decisions:read")
    _, other = _key(world, "pricing")
    address = f"/v1/decisions/{world.decision_id}"
    with TestClient(world.app) as client:

        def asked(method: str, path: str, key: str) -> int:
            return client.request(method, path, headers={"Authorization": f"Bearer {key}"}).status_code

        assert asked("GET", address, reading) == 200
        assert asked("POST", f"{address}/replay", reading) == 403
        assert asked("GET", address, other) == 403
        assert asked("GET", "/v1/me", other) == 200


def test_every_route_of_the_api_needs_a_known_scope() -> None:
    unbound = [
        entry
        for entry in POLICY
        if entry.split(" ")[1].startswith("/v1/") and entry.split(" ")[1] != "/v1/me"
        and not (scopes_for(*entry.split(" ", 1)) or frozenset()) <= KNOWN_SCOPES - {""}
    ]  # fmt: skip
    assert unbound == []
    assert all(scopes_for(*entry.split(" ", 1)) for entry in POLICY if " /v1/" in entry and not entry.endswith("/me"))


def test_rotation_overlaps_and_then_the_old_key_ends(world: World) -> None:
    key_id, old = _key(world, "*")
    with world.sessions.begin() as session:
        new = rotate_key(
            session, by=world.officer, key_id=key_id, expires_at=NOW + timedelta(days=90),
            overlap=timedelta(days=2), pepper=SECRET, clock=CLOCK,
        )  # fmt: skip
    assert (_me(world, old), _me(world, new.text)) == (200, 200)
    later = create_app(SETTINGS, world.sessions, FixedClock(NOW + timedelta(days=2)), packages=())
    with TestClient(later) as client:
        statuses = [
            client.get("/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code for text in (old, new.text)
        ]
    assert statuses == [401, 200]


def test_a_key_whose_random_text_begins_with_a_hyphen_is_as_good_as_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: f"-{'x' * size}")
    key_id, _ = _key(world, "*")
    with world.sessions.read() as session:
        kept = {key.id: key for key in keys_of(session, world.officer.organization_id)}
    assert kept[key_id].prefix.startswith("-")
    assert kept[key_id].is_live(NOW)


def _change(client: TestClient[Litestar], **entry: str) -> int:
    token = form_token(client.get("/account", headers=PAGE).text)
    form = {"current": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD} | entry | {"_csrf_token": token}
    return client.post("/account/password", data=form, headers=PAGE, follow_redirects=False).status_code


def _signed_in_elsewhere(world: World, login: str = "officer") -> dict[str, str]:
    """The cookies of a person who signed in with another browser."""
    with signed_in(world, login) as client:
        return dict(client.cookies)


def _account_status(world: World, cookies: dict[str, str]) -> int:
    with TestClient(world.app, cookies=cookies) as client:
        return client.get("/account", headers=PAGE, follow_redirects=False).status_code


def test_changing_the_password_ends_the_other_sessions_and_is_on_record(world: World) -> None:
    elsewhere = _signed_in_elsewhere(world)
    with signed_in(world) as client:
        assert _change(client) == 303
        assert client.get("/account", headers=PAGE).status_code == 200
    assert _account_status(world, elsewhere) == 303
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": "officer", "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=form, headers=PAGE).status_code == 403
    with world.sessions.read() as session:
        kinds = [event.kind for event in security_events_of(session, world.officer.organization_id)]
    assert "password_changed" in kinds
    assert kinds.count("signed_in") == 2


@pytest.mark.parametrize(
    "entry",
    [
        {"current": "wrong"},
        {"again": "something else entirely"},
        {"new": "short", "again": "short"},
        {"new": PASSWORD, "again": PASSWORD},
        {"new": "my-officer-password", "again": "my-officer-password"},
        {"new": "my-CarbonFin-2026!", "again": "my-CarbonFin-2026!"},
        {"new": "降碳贷-very-long-2026", "again": "降碳贷-very-long-2026"},
        {"new": "we-are-示例银行-2026", "again": "we-are-示例银行-2026"},
        {"new": "111111111111", "again": "111111111111"},
        {"new": "aaaaaaaaaaaab", "again": "aaaaaaaaaaaab"},
        {"new": "x" * 257, "again": "x" * 257},
    ],
)
def test_an_unfit_password_changes_nothing(world: World, entry: dict[str, str]) -> None:
    with signed_in(world) as client:
        assert _change(client, **entry) == 422
    with signed_in(world) as client:
        assert client.get("/account", headers=PAGE).status_code == 200


def test_one_session_is_ended_from_another_and_never_a_strangers(world: World) -> None:
    elsewhere = _signed_in_elsewhere(world)
    with signed_in(world) as client:
        page = client.get("/account", headers=PAGE).text
        cookies = dict(client.cookies)
    address = re.search(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert address is not None
    with signed_in(world, "checker") as other:
        stranger = {"_csrf_token": form_token(other.get("/account", headers=PAGE).text)}
        assert other.post(address.group(1), data=stranger, headers=PAGE).status_code == 404
    assert _account_status(world, elsewhere) == 200
    with TestClient(world.app, cookies=cookies) as client:
        own = {"_csrf_token": form_token(client.get("/account", headers=PAGE).text)}
        ended = client.post(address.group(1), data=own, headers=PAGE, follow_redirects=False)
    assert ended.status_code == 303
    assert _account_status(world, elsewhere) == 303
    assert _account_status(world, cookies) == 200


def test_a_one_time_password_opens_nothing_but_its_change(world: World) -> None:
    with world.sessions.begin() as session:
        row = session.get(UserRow, world.officer.id)
        assert row is not None
        row.must_change_password = True
        session.add(row)
    with signed_in(world) as client:
        answer = client.get("/decisions", headers=PAGE, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        api = client.get("/v1/me")
        assert (api.status_code, api.json()["code"]) == (403, "password-change-required")
        assert _change(client) == 303
        assert client.get("/decisions", headers=PAGE).status_code == 200


def test_a_session_that_lies_idle_ends(world: World) -> None:
    with signed_in(world) as client:
        cookies = dict(client.cookies)
    later = create_app(SETTINGS, world.sessions, FixedClock(NOW + timedelta(hours=2, minutes=1)), packages=())
    with TestClient(later, cookies=cookies) as client:
        assert client.get("/account", headers=PAGE, follow_redirects=False).status_code == 303


def test_binding_steps_are_a_persons_and_a_wrong_password_counts_towards_the_lock(world: World) -> None:
    with TestClient(world.app) as client:
        answer = client.post(
            "/v1/approvals/none/approve", json={"reason": "x", "password": PASSWORD}, headers=world.key_headers()
        )
    assert (answer.status_code, "signed-in person" in answer.json()["detail"]) == (403, True)
    with signed_in(world, "checker") as client:
        token = {"X-CSRF-Token": form_token(client.get("/account", headers=PAGE).text)}
        for _ in range(5):
            answer = client.post("/v1/approvals/none/approve", json={"reason": "x", "password": "no"}, headers=token)
            assert answer.status_code == 403
        ended = client.post("/v1/approvals/none/approve", json={"reason": "x", "password": PASSWORD}, headers=token)
        assert ended.status_code == 401, "whoever sits there without knowing the password has no session any more"
    with world.sessions.read() as session:
        kinds = [event.kind for event in security_events_of(session, world.officer.organization_id)]
    assert (kinds.count("step_up_failed"), kinds.count("locked")) == (5, 1)


def test_strangers_who_lock_an_account_keep_nobody_from_deciding_who_is_signed_in(world: World) -> None:
    with signed_in(world, "checker") as client:
        token = {"X-CSRF-Token": form_token(client.get("/account", headers=PAGE).text)}
        inside = dict(client.cookies)

    def knock(password: str) -> int:
        entry = {"login": "checker", "password": password, "_csrf_token": form_token(stranger.get("/sign-in").text)}
        return stranger.post("/sign-in", data=entry, headers=PAGE).status_code

    with TestClient(world.app) as stranger:
        assert [knock("a guess") for _ in range(5)] == [403] * 5
        assert knock(PASSWORD) == 403, "locked at the door"
    with TestClient(world.app, cookies=inside) as client:
        decided = client.post("/v1/approvals/none/approve", json={"reason": "x", "password": PASSWORD}, headers=token)
        assert (decided.status_code, decided.json()["code"]) == (404, "not-found"), "confirmed; there is none such"
    with TestClient(world.app) as stranger:
        assert knock(PASSWORD) == 403, "the door stays locked"
