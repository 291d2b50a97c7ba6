"""Inbox, webhooks, deliveries and dead letters through the API and the pages."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pypdf
import pytest
from litestar.testing import TestClient
from sqlmodel import Session

from carbonfin.app.factory import create_app
from carbonfin.app.messages.networks import AllowedNetworks, networks_from
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.webhooks import webhook_secrets
from carbonfin.storage import messages, outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.messages import InboxNotice, ReceiverAnswer, TakenDelivery, WebhookDraft
from carbonfin.storage.parties import actor_of, add_person, issue_key
from tests.app.worlds import NOW, PAGE, PASSWORD_HASH, SECRET, SETTINGS, World, build_world, signed_in

URL = "https://bank.example/hooks"
DRAFT = {"name": "核心系统", "url": URL, "kinds": ["event.margin_call.*"]}


@pytest.fixture
def world(sessions: Sessions) -> World:
    return build_world(sessions)


@pytest.fixture
def administrator(world: World) -> Actor:
    with world.sessions.begin() as session:
        person = add_person(
            session, organization_id=world.officer.organization_id, login="administrator", name="管理员",
            role=Role.ADMINISTRATOR, password_hash=PASSWORD_HASH,
        )  # fmt: skip
        return actor_of(session, person.id)


@pytest.fixture
def client(world: World, administrator: Actor) -> Iterator[TestClient]:
    """A system with the administrator's role."""
    with world.sessions.begin() as session:
        key = issue_key(
            session, organization_id=administrator.organization_id, name="operations", role=Role.ADMINISTRATOR,
            scopes=("messages",), expires_at=NOW + timedelta(days=1), pepper=SECRET,
        )  # fmt: skip
    with TestClient(world.app) as opened:
        opened.headers["Authorization"] = f"Bearer {key.text}"
        yield opened


def token_of(text: str) -> str:
    return text.split('name="_csrf_token" value="')[1].split('"', maxsplit=1)[0]


def notice(actor: Actor, **changes: object) -> InboxNotice:
    plain = InboxNotice(
        organization_id=actor.organization_id, key="k1", kind="test.waits", subject="thing:1", title_zh="<b>待办</b>",
        title_en="<b>To do</b>", text_zh="请处理", text_en="Please act", address="/decisions", role=Role.ADMINISTRATOR,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def dead_delivery(session: Session, actor: Actor) -> TakenDelivery:
    """Publish an event, and fail its delivery until it is given up."""
    messages.publish(session, actor, subject="pledge:P4", kind="event.margin_call.issued", payload={})
    messages.lay_out(session, actor.organization_id, at=NOW)
    at = NOW
    while True:
        taken = messages.take_delivery(session, actor.organization_id, at=at)
        assert taken is not None
        if messages.note_answer(session, taken, ReceiverAnswer(status=500, failure="HTTP 500"), at=at) == "dead":
            return taken
        at += timedelta(days=1)


# --- API ------------------------------------------------------------------------------------------------------------
def test_a_webhook_is_registered_changed_rotated_and_retired_and_its_secret_shown_twice_in_all(
    client: TestClient, world: World
) -> None:
    made = client.post("/v1/webhooks", json=DRAFT)
    assert made.status_code == 201, made.text
    webhook = made.json()["webhook"]
    (secret,) = webhook_secrets(KeyRing(secrets=(SECRET,)), webhook_id=webhook["webhook_id"], version=1)
    assert made.json()["secret"] == secret
    address = f"/v1/webhooks/{webhook['webhook_id']}"
    read = client.get(address)
    assert (read.status_code, read.headers["ETag"]) == (200, '"v1"')
    assert "secret" not in read.json()
    assert secret not in client.get("/v1/webhooks").text
    change = {"is_active": False, "kinds": ["*"]}
    assert client.patch(address, json=change).status_code == 428
    assert client.patch(address, json=change, headers={"If-Match": '"v9"'}).status_code == 412
    changed = client.patch(address, json=change, headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"v2"')
    assert (changed.json()["is_active"], changed.json()["kinds"], changed.json()["name"]) == (False, ["*"], "核心系统")
    rotated = client.post(f"{address}/rotate-secret", json={"overlap_hours": 2})
    assert rotated.status_code == 200
    assert rotated.json()["secret"] != secret
    assert rotated.json()["webhook"]["previous_secret_until"] == (NOW + timedelta(hours=2)).isoformat()
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    with world.sessions.read() as session:
        kept = json.dumps([str(row) for row in session.connection().exec_driver_sql("SELECT * FROM idempotency_key")])
    assert "cfwh_" not in kept


def test_registering_twice_is_a_conflict_that_names_the_first(client: TestClient) -> None:
    first = client.post("/v1/webhooks", json=DRAFT).json()["webhook"]["webhook_id"]
    again = client.post("/v1/webhooks", json=DRAFT)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert again.json()["context"]["webhook_id"] == first


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://bank.example/"}, {"url": "https://172.16.0.1/"}, {"url": "https://169.254.169.254/latest"},
        {"url": "http://localhost:8000/"}, {"url": "https://[::1]/"}, {"url": "https://[::ffff:172.16.0.1]/"},
        {"url": "https://user:word@bank.example/"}, {"url": "javascript:alert(1)"}, {"name": "  "},
    ],
)  # fmt: skip
def test_addresses_that_may_not_be_used_are_refused_by_field(client: TestClient, change: dict[str, str]) -> None:
    refused = client.post("/v1/webhooks", json=DRAFT | change)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input"), refused.text
    assert refused.json()["errors"][0]["field"].endswith(next(iter(change)))
    assert client.get("/v1/webhooks").json() == {"webhooks": []}


@pytest.mark.parametrize("body", [{"kinds": []}, {"kinds": ["registry.freeze"]}, {"secret": "x"}, {"url": ""}])
def test_a_shape_that_does_not_parse_is_refused(client: TestClient, body: dict[str, object]) -> None:
    assert client.post("/v1/webhooks", json=DRAFT | body).status_code == 400


def test_loopback_is_open_where_the_operator_has_named_it(world: World, client: TestClient) -> None:
    settings = replace(SETTINGS, webhook_networks=networks_from("127.0.0.0/8", name="x"))
    assert SETTINGS.webhook_networks == AllowedNetworks()
    key = {"Authorization": client.headers["Authorization"]}
    app = create_app(settings, world.sessions, FixedClock(NOW), packages=())
    made = TestClient(app).post("/v1/webhooks", json=DRAFT | {"url": "http://127.0.0.1:9/"}, headers=key)
    assert made.status_code == 201


def test_a_bank_has_at_most_twenty(client: TestClient) -> None:
    for number in range(20):
        assert client.post("/v1/webhooks", json=DRAFT | {"url": f"{URL}/{number}"}).status_code == 201
    refused = client.post("/v1/webhooks", json=DRAFT)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_what_was_given_up_is_listed_resent_and_skipped(client: TestClient, world: World, administrator: Actor) -> None:
    client.post("/v1/webhooks", json=DRAFT)
    with world.sessions.begin() as session:
        dead = dead_delivery(session, administrator)
    (shown,) = client.get("/v1/deliveries", params={"in_state": "dead"}).json()["deliveries"]
    assert (shown["delivery_id"], shown["attempts"], shown["last_status"]) == (dead.id, 12, 500)
    again = client.post(f"/v1/deliveries/{dead.id}/resend")
    assert (again.status_code, again.json()["state"], again.json()["settled_by"]) == (200, "pending", "operations")
    for step in ("resend", "skip"):
        refused = client.post(f"/v1/deliveries/{dead.id}/{step}")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert client.post(f"/v1/deliveries/unknown/{step}").status_code == 404


def test_a_dead_message_to_the_registry_is_listed_and_resent(
    client: TestClient, world: World, administrator: Actor
) -> None:
    with world.sessions.begin() as session:
        message = outbox.enqueue(
            session, administrator, subject="pledge:P4", kind="registry.freeze", payload={"a": "b"}
        )
        for _ in range(20):
            outbox.mark_failed(session, message.id, at=NOW, failure="ConnectError")
    (dead,) = client.get("/v1/messages/dead").json()["messages"]
    assert (dead["message_id"], dead["state"], dead["last_failure"]) == (message.id, "dead", "ConnectError")
    assert "payload" not in dead
    assert client.post(f"/v1/messages/{message.id}/resend").json()["state"] == "pending"
    assert client.post(f"/v1/messages/{message.id}/resend").status_code == 409
    assert client.post("/v1/messages/unknown/resend").status_code == 404
    assert client.get("/v1/messages/dead").json() == {"messages": []}


def test_the_inbox_is_read_paged_and_noted(client: TestClient, world: World, administrator: Actor) -> None:
    with world.sessions.begin() as session:
        for number in range(3):
            messages.tell(session, notice(administrator, key=f"k{number}"), NOW + timedelta(minutes=number))
        messages.tell(session, notice(administrator, key="other", role=Role.RISK), NOW)
    first = client.get("/v1/inbox", params={"limit": 2, "unread": True})
    assert first.json()["unread_count"] == 3
    assert len(first.json()["items"]) == 2
    assert 'rel="next"' in first.headers["Link"]
    item_id = first.json()["items"][0]["item_id"]
    noted = client.post(f"/v1/inbox/{item_id}/read").json()
    assert noted["read_by"] == "operations"
    assert client.post(f"/v1/inbox/{item_id}/read").json() == noted
    assert client.get("/v1/inbox").json()["unread_count"] == 2
    assert client.post("/v1/inbox/unknown/read").status_code == 404
    pdf = client.get(f"/v1/inbox/{item_id}/pdf")
    assert (pdf.status_code, pdf.headers["Content-Type"]) == (200, "application/pdf")


def test_other_roles_and_other_banks_see_and_do_nothing(client: TestClient, world: World) -> None:
    webhook_id = client.post("/v1/webhooks", json=DRAFT).json()["webhook"]["webhook_id"]
    for name in ("system", "auditor", "other"):
        headers = world.key_headers(name)
        assert client.post("/v1/webhooks", json=DRAFT, headers=headers).status_code == 403, name
        assert client.delete(f"/v1/webhooks/{webhook_id}", headers=headers).status_code == 403, name
    assert client.get("/v1/webhooks", headers=world.key_headers("system")).status_code == 403
    assert len(client.get("/v1/webhooks", headers=world.key_headers("auditor")).json()["webhooks"]) == 1
    with world.sessions.begin() as session:
        key = issue_key(
            session, organization_id=world.stranger.organization_id, name="x", role=Role.ADMINISTRATOR,
            scopes=("*",), expires_at=NOW + timedelta(days=1), pepper=SECRET,
        )  # fmt: skip
    theirs = {"Authorization": f"Bearer {key.text}"}
    assert client.get(f"/v1/webhooks/{webhook_id}", headers=theirs).status_code == 404
    assert client.delete(f"/v1/webhooks/{webhook_id}", headers=theirs).status_code == 404
    assert client.get("/v1/webhooks", headers=theirs).json() == {"webhooks": []}


# --- pages ----------------------------------------------------------------------------------------------------------
def test_the_inbox_page_escapes_what_people_wrote_and_notes_by_a_form(world: World, administrator: Actor) -> None:
    with world.sessions.begin() as session:
        item = messages.tell(session, notice(administrator), NOW)
    with signed_in(world, "administrator") as browser:
        page = browser.get("/inbox")
        assert page.status_code == 200
        assert "&lt;b&gt;待办&lt;/b&gt;" in page.text
        assert "<b>待办</b>" not in page.text
        noted = browser.post(f"/inbox/{item.id}/read", data={"_csrf_token": token_of(page.text)}, follow_redirects=True)
        assert "没有未读通知" in noted.text
        assert "管理员 ·" in noted.text


def test_the_messages_page_registers_refuses_resends_and_skips(world: World, administrator: Actor) -> None:
    with signed_in(world, "administrator") as browser:
        page = browser.get("/messages")
        assert "尚未登记推送地址" in page.text
        form = {"_csrf_token": token_of(page.text), "name": "核心系统", "kinds": "event.margin_call.issued"}
        refused = browser.post("/messages/webhooks", data=form | {"url": "https://172.16.0.1/"})
        assert refused.status_code == 422
        assert 'value="https://172.16.0.1/"' in refused.text, "nothing typed is lost"
        made = browser.post("/messages/webhooks", data=form | {"url": URL})
        assert made.status_code in {200, 201}
        assert "cfwh_" in made.text
        assert "cfwh_" not in browser.get("/messages").text
        with world.sessions.begin() as session:
            dead = dead_delivery(session, administrator)
            messages.publish(session, administrator, subject="pledge:P4", kind="event.margin_call.issued", payload={})
            messages.lay_out(session, administrator.organization_id, at=NOW)
            webhook_id = dead.webhook.id
        page = browser.get("/messages", params={"in_state": "dead"})
        assert f"/messages/deliveries/{dead.id}/resend" in page.text
        token = {"_csrf_token": token_of(page.text)}
        assert (
            browser.post(f"/messages/deliveries/{dead.id}/skip", data=token, follow_redirects=True).status_code == 200
        )
        assert browser.post(f"/messages/deliveries/{dead.id}/resend", data=token).status_code == 409
        with world.sessions.read() as session:
            states = [one.state for one in messages.delivery_page(session, administrator, Place(limit=9)).items]
        assert sorted(states) == ["pending", "skipped"]
        rotated = browser.post(f"/messages/webhooks/{webhook_id}/rotate-secret", data=token)
        assert "cfwh_" in rotated.text
        assert (
            browser.post(f"/messages/webhooks/{webhook_id}/retire", data=token, follow_redirects=True).status_code
            == 200
        )
        assert browser.post(f"/messages/webhooks/{webhook_id}/retire", data=token).status_code == 404


def test_an_auditor_reads_the_messages_page_and_finds_no_button(world: World, administrator: Actor) -> None:
    with world.sessions.begin() as session:
        draft = WebhookDraft(name="核心", url=URL, kinds=("*",))
        messages.register_webhook(session, administrator, draft, at=NOW)
    with signed_in(world, "auditor") as browser:
        page = browser.get("/messages", headers=PAGE)
    assert page.status_code == 200
    assert URL in page.text
    assert 'method="post" action="/messages' not in page.text


def test_a_notice_as_pdf_says_what_the_inbox_says_and_the_same_twice(world: World, administrator: Actor) -> None:
    with world.sessions.begin() as session:
        item = messages.tell(session, notice(administrator, title_zh="待复核：质押 P4"), NOW)
    with signed_in(world, "administrator") as browser:
        first, again = browser.get(f"/notices/{item.id}/pdf"), browser.get(f"/notices/{item.id}/pdf")
        assert first.content == again.content
        assert first.headers["Content-Type"] == "application/pdf"
        reader = pypdf.PdfReader(io.BytesIO(first.content))
        text = "".join(page.extract_text() for page in reader.pages).replace("\n", "")
        assert "待复核：质押" in text.replace(" ", "")
        assert "sheet.json" in reader.attachments
        assert browser.get("/notices/unknown/pdf").status_code == 404
