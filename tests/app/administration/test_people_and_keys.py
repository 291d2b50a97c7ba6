"""Administration's pages: what two people do, what is shown once and never logged, what text in a name does."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.administration.security import settings_in_force
from carbonfin.app.administration.words import event_detail
from carbonfin.app.logs import open_logs
from carbonfin.app.parties.words import FIELD_WORDS
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.parties import PartyRow, SecurityEvent, accounts_of, actor_of, add_person, security_events_of
from carbonfin.storage.parties.enterprises import _facts
from carbonfin.web.language import Text
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, World, form_token, keyed_client, signed_in

_HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture
def administrators(world: World) -> tuple[Actor, Actor]:
    """Two administrators of the first bank."""
    with world.sessions.begin() as session:
        people = [
            add_person(
                session, organization_id=world.officer.organization_id, login=login, name=login,
                role=Role.ADMINISTRATOR, password_hash=PASSWORD_HASH,
            )
            for login in ("admin", "admin2")
        ]  # fmt: skip
        first, second = (actor_of(session, person.id) for person in people)
    return first, second


@contextmanager
def _log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    open_logs(stream)
    yield stream


def send(client: TestClient[Litestar], path: str, **form: str) -> tuple[int, str, str]:
    """Send a form as a page does; gives status, where it leads and what is shown."""
    token = form_token(client.get("/account", headers=PAGE).text)
    answer = client.post(path, data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False)
    return answer.status_code, answer.headers.get("location", ""), answer.text


def _decide(world: World, approval: str) -> None:
    with signed_in(world, "admin2") as checker:
        page = checker.get(approval, headers=PAGE).text
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version is not None
        status, _, text = send(
            checker, f"{approval}/decision", reason="已核对", password=PASSWORD, finding="approve", version=version[1]
        )
        assert status == 303, text


def _code_shown(text: str) -> str:
    found = re.search(r'class="notice good"[^>]*>.*?<code>([^<]+)</code>', text, re.DOTALL)
    assert found is not None, text
    return found[1]


@pytest.mark.usefixtures("administrators")
def test_a_first_password_is_shown_once_and_stands_in_no_log(world: World) -> None:
    with _log() as log, signed_in(world, "admin") as client:
        status, approval, _ = send(
            client, "/administration/people", login="new", name=_HTML, role="officer", reason="入职"
        )
        assert status == 303
        cookies = dict(client.cookies)
    _decide(world, approval)
    with TestClient(world.app, cookies=cookies) as client:
        people = client.get("/administration/people", headers=PAGE).text
        assert _HTML not in people
        assert "&lt;img src=x" in people
        person = re.search(r'href="(/administration/people/[0-9a-f-]{36})"><code>new<', people)
        assert person is not None
        refused, _, _ = send(client, f"{person[1]}/steps", action="one-time-password", password="wrong")
        assert refused == 403
        status, _, text = send(client, f"{person[1]}/steps", action="one-time-password", password=PASSWORD)
        assert status == 200
        password = _code_shown(text)
        assert "一次性密码有效至 " in text
        again, _, text = send(client, f"{person[1]}/steps", action="one-time-password", password=PASSWORD)
        assert (again, password in text) == (409, False)
        for address in (person[1], "/administration/events", "/administration/events/export", approval):
            assert password not in client.get(address, headers=PAGE).text
    assert password not in log.getvalue()
    assert _HTML not in log.getvalue()


@pytest.mark.usefixtures("administrators")
def test_a_key_is_shown_once_and_goes_no_further_than_its_scopes(world: World) -> None:
    with _log() as log, signed_in(world, "admin") as client:
        status, approval, _ = send(
            client, "/administration/keys", name=_HTML, role="system", scopes="decisions:read", days="30", reason="接入"
        )
        assert status == 303
        cookies = dict(client.cookies)
    _decide(world, approval)
    with TestClient(world.app, cookies=cookies) as client:
        page = client.get("/administration/keys", headers=PAGE).text
        assert _HTML not in page
        steps = re.search(r'action="(/administration/keys/[0-9a-f-]{36}/steps)"', page)
        assert steps is not None
        assert send(client, steps[1], action="collect", password="wrong")[0] == 403
        key = _code_shown(send(client, steps[1], action="collect", password=PASSWORD)[2])
        assert send(client, steps[1], action="collect", password=PASSWORD)[0] == 409
        assert key not in client.get("/administration/keys", headers=PAGE).text
    with TestClient(world.app) as system:
        system.headers["Authorization"] = f"Bearer {key}"
        assert system.get("/v1/decisions").status_code == 200
        assert system.get("/v1/approvals").status_code == 403
        assert system.post(f"/v1/decisions/{world.decision_id}/replay").status_code == 403
    with TestClient(world.app, cookies=cookies) as client:
        assert send(client, steps[1], action="revoke")[0] == 303
    with TestClient(world.app) as system:
        system.headers["Authorization"] = f"Bearer {key}"
        assert system.get("/v1/decisions").status_code == 401
    assert key not in log.getvalue()


@pytest.mark.usefixtures("administrators")
@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"scopes": "everything"}, "scopes"),
        ({"scopes": ""}, "scopes"),
        ({"role": "administrator"}, "role"),
        ({"role": "king"}, "role"),
        ({"days": "-1"}, "days"),
        ({"days": "１e9"}, "days"),
        ({"reason": " "}, "reason"),
    ],
)
def test_a_key_that_cannot_be_is_refused_beside_its_field(world: World, form: dict[str, str], field: str) -> None:
    words = {"name": "核心系统", "role": "system", "scopes": "*", "days": "30", "reason": "接入"} | form
    with signed_in(world, "admin") as client:
        status, _, text = send(client, "/administration/keys", **words)
    assert status == 422
    assert f'id="error-{field}"' in text
    assert "核心系统" in text, "nothing typed is lost"


def test_protecting_takes_one_person_and_leaves_two_administrators(
    world: World, administrators: tuple[Actor, Actor]
) -> None:
    with signed_in(world, "officer") as officer:
        session_of_officer = dict(officer.cookies)
        assert officer.get("/account", headers=PAGE, follow_redirects=False).status_code == 200
    with signed_in(world, "admin") as client:
        steps = f"/administration/people/{world.officer.id}/steps"
        assert send(client, steps, action="deactivate")[0] == 303
        status, _, text = send(client, f"/administration/people/{administrators[1].id}/steps", action="deactivate")
        assert (status, "须保留至少 2 名" in text) == (403, True)
        assert send(client, f"/administration/people/{world.stranger.id}/steps", action="deactivate")[0] == 404
        assert send(client, steps, action="dance")[0] == 422
    with TestClient(world.app, cookies=session_of_officer) as officer:
        assert officer.get("/account", headers=PAGE, follow_redirects=False).status_code == 303
    with world.sessions.read() as session:
        assert {one.login: one.is_active for one in accounts_of(session, administrators[0])}["admin2"]


def _sign_in(world: World, login: str, password: str) -> int:
    with TestClient(world.app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": login, "password": password, "next": "/", "_csrf_token": token}
        return client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code


@pytest.mark.usefixtures("administrators")
def test_a_forgotten_password_is_reset_by_two_people_for_one_use(world: World) -> None:
    steps = f"/administration/people/{world.officer.id}/steps"
    with signed_in(world, "admin") as client:
        status, approval, _ = send(client, steps, action="password", reason="本人当面申请")
        assert status == 303
        assert send(client, steps, action="one-time-password", password=PASSWORD)[0] == 409, "nobody has approved"
        cookies = dict(client.cookies)
    _decide(world, approval)
    with TestClient(world.app, cookies=cookies) as client:
        password = _code_shown(send(client, steps, action="one-time-password", password=PASSWORD)[2])
    assert _sign_in(world, "officer", PASSWORD) == 403, "the forgotten one opens nothing any more"
    assert _sign_in(world, "officer", password) == 303
    with world.sessions.read() as session:
        kinds = {one.kind for one in security_events_of(session, world.officer.organization_id)}
    assert any("password" in kind for kind in kinds), kinds


@pytest.mark.usefixtures("administrators")
def test_an_administrator_ends_every_session_of_a_person(world: World) -> None:
    kept = []
    for _ in range(2):
        with signed_in(world, "officer") as officer:
            kept.append(dict(officer.cookies))
    with signed_in(world, "admin") as client:
        assert send(client, f"/administration/people/{world.officer.id}/steps", action="sign-out")[0] == 303
        assert send(client, f"/administration/people/{world.stranger.id}/steps", action="sign-out")[0] == 404
    for cookies in kept:
        with TestClient(world.app, cookies=cookies) as client:
            assert client.get("/account", headers=PAGE, follow_redirects=False).status_code == 303
    assert _sign_in(world, "officer", PASSWORD) == 303, "the person may come in again"


def test_only_an_administrator_takes_these_steps(world: World) -> None:
    for login, status in (("officer", 403), ("checker", 403), ("auditor", 403)):
        with signed_in(world, login) as client:
            assert send(client, "/administration/people", login="x", name="x", role="officer")[0] == status
            assert send(client, f"/administration/people/{world.officer.id}/steps", action="unlock")[0] == status
    with keyed_client(world) as system:
        assert system.get("/administration/people").status_code == 403


def _event(kind: str, detail: str) -> SecurityEvent:
    return SecurityEvent(
        id="e", kind=kind, subject="s", actor_name=None, happened_at=datetime(2025, 6, 30, tzinfo=UTC), detail=detail
    )


@pytest.mark.parametrize(
    ("kind", "detail", "zh", "en"),
    [
        ("role_changed", "officer → risk", "客户经理 → 风险经理", "Officer → Risk"),
        ("person_added", "auditor", "审计", "Auditor"),
        ("external_id_removed", "customer C001", "客户号 C001", "Customer number C001"),
        (
            "party_corrected",
            "kind: enterprise → counterparty; district: — → 南山; 西; key_emitter: true → —",
            "类别：企业 → 交易对手；所在区：— → 南山; 西；重点排放单位：是 → —",
            "Kind: Enterprise → Counterparty; District: — → 南山; 西; Key emitter: yes → —",
        ),
        ("webhook_registered", "https://bank.example/x", "https://bank.example/x", "https://bank.example/x"),
    ],
)
def test_what_the_log_keeps_by_name_is_shown_in_words(kind: str, detail: str, zh: str, en: str) -> None:
    assert event_detail(_event(kind, detail)) == Text(zh, en)


def test_every_field_of_a_party_has_its_words() -> None:
    noted = set(_facts(PartyRow(kind=PartyKind.ENTERPRISE, name="", organization_id="", is_sample=True)))
    assert noted == set(FIELD_WORDS)
    assert {"kind", "name", "usci", "lei", "industry", "district", "scheme", "key_emitter"} == noted


@pytest.mark.usefixtures("administrators")
def test_no_page_chooses_a_role(world: World) -> None:
    with signed_in(world, "admin") as client:
        for address in ("/administration/people", "/administration/keys", f"/administration/people/{world.officer.id}"):
            shown = client.get(address, headers=PAGE).text
            roles = re.search(r'<select id="field-role".*?</select>', shown, re.DOTALL)
            assert roles is not None
            assert re.findall(r'<option value="([^"]*)" selected>', roles[0]) == [""], address
        steps = f"/administration/people/{world.officer.id}/steps"
        status, _, text = send(client, steps, action="role", role="", reason="调岗")
        assert (status, 'id="error-role"' in text) == (422, True)


def test_passwords_in_settings_are_never_shown() -> None:
    """Neither before the host nor among the parameters, and what is set to nothing counts as the default."""
    secret = "s3cret-s3cret-s3cret-s3cret-s3cret"
    environment = {
        "CARBONFIN_DATABASE_URL": f"postgresql://carbonfin:{secret}@db/carbonfin?sslpassword={secret}",
        "CARBONFIN_SMTP_URL": f"smtp://user:{secret}@mail:587",
        "CARBONFIN_OTEL_ENDPOINT": f"https://user:{secret}@spans/",
        "CARBONFIN_SECRET": secret,
        "CARBONFIN_PREVIOUS_SECRETS": secret,
        "CARBONFIN_METRICS_TOKEN": secret,
        "CARBONFIN_PORT": "",
    }
    shown = {one.name: one for one in settings_in_force(environment)}
    assert secret not in repr(shown)
    assert shown["CARBONFIN_DATABASE_URL"].value == "postgresql://…@db/carbonfin?…"
    assert (shown["CARBONFIN_PORT"].value, shown["CARBONFIN_PORT"].is_given) == ("8000", False)
