"""The application in front of a small bank with the clothing maker."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import structlog
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.logs import open_logs
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import issue_key
from tests.app.worlds import NOW, PAGE, PASSWORD, PASSWORD_HASH, SECRET, SETTINGS, form_token
from tests.loans.world import Bank, furnished_bank, open_bank


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A bank behind the application: a browser signed in as officer, and systems with their keys."""

    sessions: Sessions
    bank: Bank
    browser: TestClient[Litestar]
    system: TestClient[Litestar]
    stranger: TestClient[Litestar]

    def get(self, address: str, **headers: str) -> Any:
        """Ask for a page as the officer's browser does."""
        return self.browser.get(address, headers=PAGE | headers, follow_redirects=False)

    def post(self, address: str, fields: dict[str, str]) -> Any:
        """Send a form as the officer's browser does."""
        token = form_token(self.browser.get("/loans/new", headers=PAGE).text)
        return self.browser.post(address, data=fields | {"_csrf_token": token}, headers=PAGE, follow_redirects=False)


@pytest.fixture(autouse=True)
def quiet_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (tmp_path_factory.mktemp("logs") / "app.jsonl").open("w", encoding="utf-8") as stream:
        open_logs(stream)
        yield
        structlog.reset_defaults()


def _key(desk_sessions: Sessions, actor: Actor) -> dict[str, str]:
    with desk_sessions.begin() as session:
        key = issue_key(
            session,
            organization_id=actor.organization_id,
            name="demo-core-banking",
            role=Role.SYSTEM,
            scopes=("*",),
            expires_at=NOW + timedelta(days=30),
            pepper=SECRET,
        )
    return {"Authorization": f"Bearer {key.text}"}


@pytest.fixture
def desk(sqlite_sessions: Sessions) -> Iterator[Desk]:
    """The application with a bank, an officer's browser, its core system, and another bank's system."""
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session, password_hash=PASSWORD_HASH)
        other = open_bank(session, name="另一家银行")
    app = create_app(SETTINGS, sqlite_sessions, FixedClock(NOW))
    with TestClient(app, raise_server_exceptions=False) as browser:
        system = TestClient(app, raise_server_exceptions=False)
        system.headers.update(_key(sqlite_sessions, bank.officer))
        stranger = TestClient(app, raise_server_exceptions=False)
        stranger.headers.update(_key(sqlite_sessions, other.officer))
        token = form_token(browser.get("/sign-in", headers=PAGE).text)
        login = "officer@示例银行股份有限公司深圳分行"
        answer = browser.post(
            "/sign-in",
            data={"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token},
            headers=PAGE,
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        yield Desk(sessions=sqlite_sessions, bank=bank, browser=browser, system=system, stranger=stranger)
