"""A second factor for people: set up, asked for at the door, good once, locked, recovered, reset by two."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from carbonfin.app.administration.opening import reset_second_factor
from carbonfin.app.administration.words import EVENT_WORDS
from carbonfin.app.factory import create_app
from carbonfin.app.identity.second_factor import second_factor_from
from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.kernel.one_time_codes import code_of, step_at
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    add_person,
    begin_second_factor,
    confirm_second_factor,
    prove_second_factor,
    security_events_of,
)
from tests.app.worlds import NOW, PAGE, PASSWORD, PASSWORD_HASH, SETTINGS, World, build_world, form_token

CODE_PAGE = "/sign-in/second-factor"
ACCOUNT = "/account/second-factor"


@dataclass
class MovingClock(Clock):
    """A clock the test moves."""

    instant: datetime

    def now(self) -> datetime:
        """Give the instant."""
        return self.instant

    def on(self, seconds: int) -> None:
        """Move on."""
        self.instant += timedelta(seconds=seconds)


@dataclass
class Browser:
    """A browser of the test, and the authenticator beside it."""

    client: TestClient  # type: ignore[type-arg]  # the application's type says nothing here
    clock: MovingClock
    secret: bytes = b""

    def send(self, path: str, page: str, **form: str) -> tuple[int, str, str]:
        """Send a form of a page; gives status, where it leads and the text."""
        token = form_token(self.client.get(page, headers=PAGE).text)
        answer = self.client.post(path, data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False)
        return answer.status_code, answer.headers.get("location", ""), answer.text

    def sign_in(self, password: str = PASSWORD) -> int:
        """Send the sign-in form."""
        return self.send("/sign-in", "/sign-in", login="officer", password=password, next="/")[0]

    def leads(self, path: str) -> str:
        """Say where a page leads instead; nothing where it is shown."""
        answer = self.client.get(path, headers=PAGE, follow_redirects=False)
        return answer.headers.get("location", "")

    def code(self) -> str:
        """Read the authenticator."""
        return code_of(self.secret, step_at(self.clock.now()))

    def enrol(self, login: str = "officer") -> list[str]:
        """Set up an authenticator and give the recovery codes."""
        status, _, text = self.send(ACCOUNT, "/account", password=PASSWORD)
        assert status == 200, text
        assert f'href="otpauth://totp/carbonfin%3A{login}?secret=' in text
        shown = re.search(r"<code>([A-Z2-7 ]{39})</code>", text)
        assert shown is not None, text
        self.secret = base64.b32decode(shown[1].replace(" ", ""))
        status, _, text = self.send(f"{ACCOUNT}/confirm", "/account", code=self.code())
        assert status == 200, text
        return re.findall(r"<code>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</code>", text)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock(NOW)


@pytest.fixture
def world(sqlite_sessions: Sessions, clock: MovingClock) -> World:
    return build_world(sqlite_sessions, clock)


@pytest.fixture
def browser(world: World, clock: MovingClock) -> Iterator[Browser]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        yield Browser(client, clock)


def test_a_password_alone_opens_nothing_once_an_authenticator_is_set_up(browser: Browser, world: World) -> None:
    assert browser.sign_in() == 303
    codes = browser.enrol()
    assert len(set(codes)) == 10
    assert browser.leads("/account") == "", "the session that set it up goes on"
    browser.clock.on(60)
    assert browser.sign_in() == 303
    for path in ("/", "/account", ACCOUNT, "/approvals"):
        assert browser.leads(path) == CODE_PAGE
    assert browser.client.get("/v1/me").json()["code"] == "second-factor-required"
    used = browser.code()
    waiting = dict(browser.client.cookies)
    assert browser.send(CODE_PAGE, CODE_PAGE, code=used)[:2] == (303, "/")
    assert browser.leads("/account") == ""
    assert waiting != dict(browser.client.cookies), "the code opens another session"
    with world.sessions.read() as session:
        kept = session.connection().execute(sa.text("SELECT * FROM second_factor")).one()
    assert base64.b32encode(browser.secret).decode() not in str(kept)
    assert browser.secret not in base64.b64decode(kept.sealed_secret), "encrypted at rest"
    assert browser.sign_in() == 303
    assert browser.send(CODE_PAGE, CODE_PAGE, code=used)[0] == 403, "a code is good once"
    assert browser.send(CODE_PAGE, CODE_PAGE, code=codes[3].lower())[0] == 303, (
        "a recovery code, typed in small letters"
    )
    assert browser.sign_in() == 303
    assert browser.send(CODE_PAGE, CODE_PAGE, code=codes[3])[0] == 403, "it is good once too"
    with world.sessions.read() as session:
        kinds = {one.kind for one in security_events_of(session, world.officer.organization_id)}
    assert {"second_factor_enrolled", "password_given", "second_factor_failed", "recovery_code_used"} <= kinds
    assert kinds <= set(EVENT_WORDS)


def test_a_right_password_between_guesses_keeps_no_lock_away(browser: Browser) -> None:
    browser.sign_in()
    browser.enrol()
    browser.clock.on(60)
    for _ in range(5):
        assert browser.sign_in() == 303
        assert browser.send(CODE_PAGE, CODE_PAGE, code="000000")[0] == 403
    assert browser.leads(CODE_PAGE).startswith("/sign-in?"), "what waited for a code has ended"
    assert browser.sign_in() == 403, "locked"
    browser.clock.on(15 * 60)
    assert browser.sign_in() == 303
    assert browser.send(CODE_PAGE, CODE_PAGE, code=browser.code())[0] == 303


def test_it_is_ended_with_a_code_and_set_up_anew(browser: Browser) -> None:
    browser.sign_in()
    assert browser.send(f"{ACCOUNT}/confirm", "/account", code="123456")[0] == 409, "none was begun"
    browser.enrol()
    first = browser.secret
    assert browser.send(ACCOUNT, "/account", password=PASSWORD)[0] == 409, "one is on already"
    assert browser.send(f"{ACCOUNT}/end", "/account", code="000000")[0] == 403
    browser.clock.on(30)
    assert browser.send(f"{ACCOUNT}/end", "/account", code=browser.code())[0] == 303
    browser.enrol()
    assert browser.secret != first


def test_where_a_bank_must_have_it_nothing_opens_before(world: World, clock: MovingClock) -> None:
    settings = replace(SETTINGS, second_factor=second_factor_from("all", name="CARBONFIN_SECOND_FACTOR"))
    with TestClient(create_app(settings, world.sessions, clock, packages=()), raise_server_exceptions=False) as client:
        browser = Browser(client, clock)
        assert browser.sign_in() == 303
        assert browser.leads("/") == ACCOUNT
        assert client.get("/v1/me").json()["code"] == "second-factor-missing"
        assert browser.leads("/account") == ""
        browser.enrol()
        assert browser.leads("/account/second-factor") == ""
        assert client.get("/v1/me").status_code == 200


def test_the_setting_names_banks_by_their_codes() -> None:
    rule = second_factor_from("91440300EXAMPLE466, 9144030071526726XG", name="X")
    assert rule.is_asked_of(lambda: "9144030071526726XG")
    assert not rule.is_asked_of(lambda: None)
    assert not second_factor_from("", name="X").is_asked_of(lambda: "91440300EXAMPLE466")
    with pytest.raises(InvalidInput):
        second_factor_from("bank-1", name="X")


def test_two_administrators_reset_it(world: World, clock: MovingClock) -> None:
    with TestClient(world.app) as client:
        browser = Browser(client, clock)
        browser.sign_in()
        browser.enrol()
        cookies = dict(client.cookies)
    with world.sessions.begin() as session:
        for login in ("admin", "admin2"):
            add_person(
                session, organization_id=world.officer.organization_id, login=login, name=login,
                role=Role.ADMINISTRATOR, password_hash=PASSWORD_HASH,
            )  # fmt: skip
    person = f"/administration/people/{world.officer.id}"
    with TestClient(world.app, raise_server_exceptions=False) as maker:
        admin = Browser(maker, clock)
        admin.send("/sign-in", "/sign-in", login="admin", password=PASSWORD, next="/")
        assert "second-factor" in maker.get(person, headers=PAGE).text
        status, approval, _ = admin.send(f"{person}/steps", person, action="second-factor", reason="设备遗失，本人到场")
        assert status == 303
    with TestClient(world.app, cookies=cookies) as client:
        assert Browser(client, clock).leads("/account") == "", "nobody has approved"
    with TestClient(world.app, raise_server_exceptions=False) as checker:
        other = Browser(checker, clock)
        other.send("/sign-in", "/sign-in", login="admin2", password=PASSWORD, next="/")
        version = re.search(r'name="version" value="(\d+)"', checker.get(approval, headers=PAGE).text)
        assert version is not None
        decided = other.send(
            f"{approval}/decision", approval, reason="已核对", password=PASSWORD, finding="approve", version=version[1]
        )
        assert decided[0] == 303, decided
    with TestClient(world.app, cookies=cookies) as client:
        browser = Browser(client, clock)
        assert browser.leads("/account").startswith("/sign-in?")
    with TestClient(world.app) as client:
        browser = Browser(client, clock)
        assert browser.sign_in() == 303
        assert browser.leads("/account") == "", "the password alone again, until another is set up"


def test_the_operator_helps_an_administrator_whom_nobody_else_can(world: World, clock: MovingClock) -> None:
    with world.sessions.begin() as session:
        add_person(
            session, organization_id=world.officer.organization_id, login="admin", name="admin",
            role=Role.ADMINISTRATOR, password_hash=PASSWORD_HASH,
        )  # fmt: skip
    with TestClient(world.app) as client:
        admin = Browser(client, clock)
        admin.send("/sign-in", "/sign-in", login="admin", password=PASSWORD, next="/")
        admin.enrol("admin")
        reset_second_factor(world.sessions, login="admin", by="王五", clock=clock)
        assert admin.leads("/account").startswith("/sign-in?"), "every session has ended"
        assert admin.send("/sign-in", "/sign-in", login="admin", password=PASSWORD, next="/")[0] == 303
        assert admin.leads("/account") == "", "the password alone again, until another is set up"
    with world.sessions.read() as session:
        resets = [
            one for one in security_events_of(session, world.officer.organization_id)
            if one.kind == "second_factor_reset"
        ]  # fmt: skip
    assert [one.actor_name for one in resets] == ["王五（命令行）"]
    for login, error in (("admin", Conflict), ("officer", NotPermitted), ("nobody", NotFound)):
        with pytest.raises(error):
            reset_second_factor(world.sessions, login=login, by="王五", clock=clock)


def test_a_code_is_good_once_on_both_databases(sessions: Sessions, clock: MovingClock) -> None:
    world = build_world(sessions, clock)
    keys, actor = SETTINGS.keys, world.officer
    with sessions.begin() as session:
        secret = begin_second_factor(session, actor, keys=keys, at=clock.now())
        session.flush()
        with pytest.raises(InvalidInput):
            confirm_second_factor(session, actor, code="000000", keep_session="", keys=keys, at=clock.now())
        code = code_of(secret, step_at(clock.now()))
        recovery = confirm_second_factor(session, actor, code=code, keep_session="", keys=keys, at=clock.now())

    def proved(given: str) -> bool:
        return prove_second_factor(sessions, person_id=actor.id, code=given, keys=keys, clock=clock)

    assert not proved(code), "it was given when the authenticator was confirmed"
    assert [proved(recovery[0]), proved(recovery[0])] == [True, False]
    clock.on(30)
    assert [proved(code_of(secret, step_at(clock.now()))), proved(code_of(secret, step_at(clock.now())))] == [
        True,
        False,
    ]
    turned = replace(SETTINGS, secret=b"another secret of 32 bytes and more", previous_secrets=(SETTINGS.secret,)).keys
    clock.on(30)
    given = code_of(secret, step_at(clock.now()))
    assert prove_second_factor(sessions, person_id=actor.id, code=given, keys=turned, clock=clock), "a turned secret"
    clock.on(30)
    only_new = replace(SETTINGS, secret=b"another secret of 32 bytes and more").keys
    given = code_of(secret, step_at(clock.now()))
    assert prove_second_factor(sessions, person_id=actor.id, code=given, keys=only_new, clock=clock), "sealed anew"
