"""Signing in through a bank's own provider: who gets in, what is refused, and what a step-up needs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from carbonfin.app.factory import create_app
from carbonfin.app.identity.providers import IdentityProvider, providers_from
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import OrganizationRow, UserRow, actor_for_session, is_confirmed, security_events_of
from tests.app.identity_provider import CLIENT_ID, CLIENT_SECRET, Provider, identity_provider
from tests.app.worlds import NOW, PAGE, PASSWORD, SETTINGS, World, form_token

CLOCK = FixedClock(NOW)
BANK = "91440300EXAMPLE01B"
OTHER = "91440300EXAMPLE02A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A world, a provider of its first bank, and the application that knows both."""

    world: World
    provider: Provider
    app: Litestar
    entry: IdentityProvider


@pytest.fixture
def trial(world: World) -> Iterator[Trial]:
    with world.sessions.begin() as session:
        for organization_id, usci in (
            (world.officer.organization_id, BANK),
            (world.stranger.organization_id, OTHER),
        ):
            row = session.get(OrganizationRow, organization_id)
            assert row is not None
            row.usci = usci
            session.add(row)
    with identity_provider(int(NOW.timestamp())) as provider:
        entry = IdentityProvider(
            name="bank", title="示例银行统一认证", organization_usci=BANK, issuer=provider.address,
            client_id=CLIENT_ID, client_secret=CLIENT_SECRET, login_claim="preferred_username",
        )  # fmt: skip
        yield Trial(world=world, provider=provider, entry=entry, app=_app(world, entry))


def _app(world: World, entry: IdentityProvider) -> Litestar:
    settings = replace(SETTINGS, identity_providers=(entry,), public_url="http://testserver.local")
    return create_app(settings, world.sessions, CLOCK)


def _departed(client: TestClient[Litestar], query: str = "") -> str:
    answer = client.get(f"/sign-in/with/bank{query}", follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def _answered(client: TestClient[Litestar], address: str) -> httpx.Response:
    """Have the provider send the browser back, and follow it to our door."""
    back = httpx.get(address, follow_redirects=False).headers["location"]
    return _arrived(client, urlsplit(back).query)


def _arrived(client: TestClient[Litestar], query: str) -> httpx.Response:
    return client.get(f"/sign-in/with/bank/answer?{query}", headers=PAGE, follow_redirects=False)


def test_a_person_of_the_bank_gets_in_and_is_linked_once(trial: Trial) -> None:
    with TestClient(trial.app) as client:
        assert "示例银行统一认证" in client.get("/sign-in", headers=PAGE).text
        address = _departed(client, "?next=/decisions")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        answer = _answered(client, address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/decisions")
        assert client.get("/decisions", headers=PAGE).status_code == 200
        assert client.cookies.get("carbonfin_sign_on") in (None, "")
    with trial.world.sessions.begin() as session:
        row = session.exec(select(UserRow).where(UserRow.login == "officer")).one()
        assert (row.oidc_issuer, row.oidc_subject) == (trial.provider.address, "u-1001")
        kinds = [event.kind for event in security_events_of(session, trial.world.officer.organization_id)]
        assert kinds.count("single_sign_on_linked") == 1
        row.login = "renamed"  # from now on only the subject counts
        session.add(row)
    with TestClient(trial.app) as client:
        assert _answered(client, _departed(client)).status_code == 303


def test_the_password_of_a_linked_account_no_longer_works(trial: Trial) -> None:
    with TestClient(trial.app) as client:
        assert _answered(client, _departed(client)).status_code == 303
    with TestClient(trial.app) as client:
        page = client.get("/sign-in", headers=PAGE).text
        answer = client.post(
            "/sign-in",
            data={"login": "officer", "password": PASSWORD, "_csrf_token": form_token(page)},
            headers=PAGE,
            follow_redirects=False,
        )
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"iss": "https://elsewhere.example"},
        {"exp": int(NOW.timestamp()) - 120},
        {"exp": None},
        {"sub": None},
        {"preferred_username": "nobody"},
        {"preferred_username": "other-officer"},
        {"preferred_username": None},
    ],
    ids=str,
)
def test_a_token_that_does_not_answer_our_question_opens_nothing(trial: Trial, claims: dict[str, object]) -> None:
    trial.provider.claims = claims
    with TestClient(trial.app) as client:
        answer = _answered(client, _departed(client))
        assert answer.status_code == 403
        assert "单点登录" in answer.text
        assert "carbonfin_session" not in client.cookies
    with trial.world.sessions.read() as session:
        assert session.exec(select(UserRow).where(UserRow.oidc_subject == "u-1001")).all() == []


@pytest.mark.parametrize("algorithm", ["foreign", "HS256", "RS384"])
def test_a_token_signed_in_another_way_opens_nothing(trial: Trial, algorithm: str) -> None:
    """Another key; the public key used as a shared secret; an algorithm that was not agreed on."""
    if algorithm == "foreign":
        trial.provider.signing_key = RSAKey.generate_key(2048)
    elif algorithm == "HS256":
        public = trial.provider.published_key.as_pem(private=False)
        trial.provider.algorithm, trial.provider.signing_key = "HS256", OctKey.import_key(public.hex()[:64])
    else:
        trial.provider.algorithm = "RS384"
    with TestClient(trial.app) as client:
        assert _answered(client, _departed(client)).status_code == 403


def test_an_answer_without_its_own_question_opens_nothing(trial: Trial) -> None:
    with TestClient(trial.app) as victim:
        address = _departed(victim)
        back = urlsplit(httpx.get(address, follow_redirects=False).headers["location"]).query
    with TestClient(trial.app) as other:
        assert _arrived(other, back).status_code == 403, "a stranger's browser carries no note"
        _departed(other)
        assert _arrived(other, back).status_code == 403, "and its own note names another state"
        assert _arrived(other, "error=access_denied").status_code == 403
    late = create_app(
        replace(SETTINGS, identity_providers=(trial.entry,), public_url="http://testserver.local"),
        trial.world.sessions,
        FixedClock(NOW + timedelta(minutes=11)),
    )
    with TestClient(trial.app) as client:
        address, note = _departed(client), client.cookies["carbonfin_sign_on"]
    with TestClient(late, cookies={"carbonfin_sign_on": note}) as client:
        assert _answered(client, address).status_code == 403, "a question is good for ten minutes"


def test_a_code_is_good_once(trial: Trial) -> None:
    with TestClient(trial.app) as client:
        address, note = _departed(client), client.cookies["carbonfin_sign_on"]
        back = urlsplit(httpx.get(address, follow_redirects=False).headers["location"]).query
        assert _arrived(client, back).status_code == 303
    with TestClient(trial.app, cookies={"carbonfin_sign_on": note}) as client:
        assert _arrived(client, back).status_code == 403


def test_a_step_up_needs_a_fresh_proof_of_the_same_person(trial: Trial) -> None:
    with TestClient(trial.app) as client:
        assert _answered(client, _departed(client)).status_code == 303
        token = client.cookies["carbonfin_session"]
        assert not _confirmed(trial, token)
        trial.provider.claims = {"auth_time": int(NOW.timestamp()) - 3600}
        assert _answered(client, _departed(client, "?again=yes&next=/account")).status_code == 403
        assert not _confirmed(trial, token)
        trial.provider.claims, trial.provider.subject = {"preferred_username": "nobody"}, "u-2"
        assert _answered(client, _departed(client, "?again=yes")).status_code == 403
        trial.provider.claims, trial.provider.subject = {}, "u-1001"
        answer = _answered(client, _departed(client, "?again=yes&next=/account"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert _confirmed(trial, token)


def _confirmed(trial: Trial, token: str) -> bool:
    with trial.world.sessions.read() as session:
        found = actor_for_session(session, token, CLOCK)
    assert found is not None
    return is_confirmed(found[1], CLOCK)


def test_a_provider_that_calls_itself_something_else_is_refused(trial: Trial) -> None:
    trial.provider.published_issuer = "https://elsewhere.example"
    with TestClient(trial.app) as client:
        assert client.get("/sign-in/with/bank", headers=PAGE, follow_redirects=False).status_code == 403
        assert client.get("/sign-in/with/other", headers=PAGE, follow_redirects=False).status_code == 404


def test_a_provider_that_is_down_is_said_so(world: World) -> None:
    entry = IdentityProvider(
        name="bank", title="x", organization_usci=BANK, issuer="http://127.0.0.1:9", client_id="a", client_secret="b"
    )
    with TestClient(_app(world, entry)) as client:
        answer = client.get("/sign-in/with/bank", headers=PAGE, follow_redirects=False)
    assert answer.status_code == 403
    assert "单点登录" in answer.text


def test_behind_tls_the_cookies_are_bound_to_the_host_and_it_is_never_left(trial: Trial) -> None:
    app = create_app(
        replace(
            SETTINGS, secure_cookies=True, identity_providers=(trial.entry,), public_url="https://testserver.local"
        ),
        trial.world.sessions,
        CLOCK,
    )
    with TestClient(app, base_url="https://testserver.local") as client:
        page = client.get("/sign-in", headers=PAGE)
        assert page.headers["strict-transport-security"].startswith("max-age=63072000")
        answer = client.post(
            "/sign-in",
            data={"login": "officer", "password": PASSWORD, "_csrf_token": form_token(page.text)},
            headers=PAGE,
            follow_redirects=False,
        )
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-carbonfin_session=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert client.get("/account", headers=PAGE).status_code == 200
        page = client.get("/account", headers=PAGE).text
        ended = client.post(
            "/sign-out", data={"_csrf_token": form_token(page)}, headers=PAGE, follow_redirects=False
        ).headers["set-cookie"]
        assert ended.startswith("__Host-carbonfin_session=")
        assert "Max-Age=0" in ended
        assert "Secure" in ended


_SOUND = (
    '[[provider]]\nname = "bank"\ntitle = "统一认证"\norganization = "91440300EXAMPLE01B"\n'
    'issuer = "https://sso.example"\nclient_id = "carbonfin"\nclient_secret_file = "secret"\n'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[provider]] table"),
        ("provider = 1\n", "no [[provider]] table"),
        ("[[provider]\n", "cannot be read as TOML"),
        (_SOUND.replace('client_id = "carbonfin"\n', ""), "client_id"),
        (_SOUND + 'scope = "all"\n', "scope"),
        (_SOUND.replace("https://", "http://"), "must be https"),
        (_SOUND.replace('"bank"', '"Bank 1"'), "name takes"),
        (_SOUND.replace('"secret"', '"absent"'), "client_secret_file"),
        (_SOUND + _SOUND, "two providers"),
    ],
)
def test_a_faulty_file_of_providers_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    file = tmp_path / "providers.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as refusal:
        providers_from(str(file))
    assert said in refusal.value.detail


def test_a_sound_file_of_providers_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    file = tmp_path / "providers.toml"
    file.write_text(_SOUND, encoding="utf-8")
    (found,) = providers_from(str(file))
    assert (found.name, found.client_secret, found.login_claim) == ("bank", "s3cret", None)
    assert "s3cret" not in repr(found)
    assert providers_from(None) == ()
