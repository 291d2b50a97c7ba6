"""A small world behind the application: two banks, a bureau, their people and keys, and one decision."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from litestar import Litestar, Router
from litestar.exceptions import LitestarDeprecationWarning
from litestar.testing import TestClient
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from carbonfin.app.factory import create_app
from carbonfin.app.packages import Package
from carbonfin.app.settings import Settings
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock, FixedClock
from carbonfin.kernel.parties import PartyKind
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    actor_of,
    add_person,
    hash_password,
    issue_key,
    save_organization,
    save_party,
)

PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password(PASSWORD)
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BUSINESS_DATE = date(2025, 6, 30)
SECRET = b"a secret of thirty-two characters"
SETTINGS = Settings(
    database_url="unused", secret=SECRET, host="127.0.0.1", port=8000, secure_cookies=False,
    public_url="http://testserver.local",
)  # fmt: skip
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestInputs:
    principal_cny: Decimal
    rate: Decimal
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestOutputs:
    interest_cny: Decimal
    trace: Trace


def _interest(inputs: InterestInputs) -> InterestOutputs:
    interest = (inputs.principal_cny * inputs.rate * inputs.days / 360).quantize(Decimal("0.01"))
    trace = checked_trace(
        (
            Figure(name="principal", label_zh="本金", label_en="Principal", value=str(inputs.principal_cny), unit="CNY",
                   source="贷款合同"),
            Figure(name="rate", label_zh="执行利率", label_en="Rate", value=str(inputs.rate), unit="rate",
                   confirmed=False, note_zh="利率未经复核", note_en="rate not checked"),
            Figure(name="interest", label_zh="利息", label_en="Interest", value=str(interest), unit="CNY",
                   formula="本金 × 执行利率 × 天数 / 360", inputs=("principal", "rate")),
        )
    )  # fmt: skip
    return InterestOutputs(interest_cny=interest, trace=trace)


INTEREST = DecisionKind(
    name="test.interest", version="1", inputs=InterestInputs, outputs=InterestOutputs, decide=_interest
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the tests need to name."""

    sessions: Sessions
    app: Litestar
    officer: Actor
    stranger: Actor
    keys: dict[str, str]
    decision_id: str
    party_id: str

    def key_headers(self, name: str = "system") -> dict[str, str]:
        """The header of a system's key."""
        return {"Authorization": f"Bearer {self.keys[name]}"}


def build_world(sessions: Sessions, clock: Clock | None = None, packages: Sequence[Package] = ()) -> World:
    """Fill an empty database and put the application before it."""
    with sessions.begin() as session:
        officer = _bank(session, name="示例银行股份有限公司", prefix="")
        stranger = _bank(session, name="另一家银行", prefix="other-")
        bureau = save_organization(
            session,
            OrganizationDraft(
                kind=OrganizationKind.BUREAU, name="环境局", usci=None, business_date=BUSINESS_DATE, is_sample=True
            ),
        )
        add_person(session, organization_id=bureau.id, login="bureau", name="环境局经办丙", role=Role.BUREAU,
                   password_hash=PASSWORD_HASH)  # fmt: skip
        party = save_party(
            session,
            officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name="示例服饰(深圳)有限公司", usci="91440300EXAMPLE466", lei=None,
                industry="C1810", district="南山", scheme=None, key_emitter=False, is_sample=True,
            ),
        )  # fmt: skip
        keys = {
            "system": _key(session, officer, Role.SYSTEM, NOW + timedelta(days=30)),
            "auditor": _key(session, officer, Role.AUDITOR, NOW + timedelta(days=30)),
            "expired": _key(session, officer, Role.SYSTEM, NOW - timedelta(days=1)),
            "other": _key(session, stranger, Role.SYSTEM, NOW + timedelta(days=30)),
        }
        recorded = record_decision(
            session,
            officer,
            INTEREST,
            InterestInputs(principal_cny=Decimal("2000000.00"), rate=Decimal("0.0340"), days=9),
            subject="P1",
            valid_on=BUSINESS_DATE,
            known_at=NOW,
        )
    app = create_app(SETTINGS, sessions, clock or FixedClock(NOW), packages=packages)
    return World(
        sessions=sessions,
        app=app,
        officer=officer,
        stranger=stranger,
        keys=keys,
        decision_id=recorded.decision_id,
        party_id=party.id,
    )


def _bank(session: Session, *, name: str, prefix: str) -> Actor:
    bank = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK, name=name, usci=None, business_date=BUSINESS_DATE, is_sample=not prefix
        ),
    )
    people = [
        add_person(session, organization_id=bank.id, login=f"{prefix}{role.value}", name=f"{role.value}(示例)",
                   role=role, password_hash=PASSWORD_HASH)
        for role in (Role.OFFICER, Role.CHECKER, Role.AUDITOR)
    ]  # fmt: skip
    return actor_of(session, people[0].id)


def _key(session: Session, actor: Actor, role: Role, expires_at: datetime) -> str:
    return issue_key(
        session, organization_id=actor.organization_id, name="demo-core-banking", role=role, scopes=("*",),
        expires_at=expires_at, pepper=SECRET,
    ).text  # fmt: skip


def add_routes(world: World, *routes: ControllerRouterHandler) -> None:
    """Put more routes behind the same door, as the factory does with a package's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        world.app.register(Router(path="/", route_handlers=routes))


def form_token(text: str) -> str:
    """Read the form token of a page."""
    found = re.search(r'name="_csrf_token" value="([0-9a-f]{64})"', text)
    assert found, "the page has no form token"
    return found.group(1)


def keyed_client(world: World, name: str = "system") -> TestClient[Litestar]:
    """A system that sends its key with every request; an error of the server is an answer, as in life."""
    client = TestClient(world.app, raise_server_exceptions=False)
    client.headers.update(world.key_headers(name))
    return client


@contextmanager
def signed_in(world: World, login: str = "officer") -> Iterator[TestClient[Litestar]]:
    """A browser-like client that signed in by the form."""
    with TestClient(world.app, raise_server_exceptions=False) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        answer = client.post(
            "/sign-in",
            data={"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token},
            headers=PAGE,
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        yield client
