"""Events to webhooks: laid out once, in order of their subject, slower with each failure, dead until a person decides."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage import messages, outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.messages import (
    ATTEMPTS_MAX,
    Delivery,
    DeliveryState,
    ReceiverAnswer,
    TakenDelivery,
    Webhook,
    WebhookDraft,
)
from carbonfin.storage.outbox import MessageState
from carbonfin.storage.parties import security_events_of
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
KEYS = KeyRing(secrets=(b"k" * 32,))
OK = ReceiverAnswer(status=200)
BROKEN = ReceiverAnswer(status=500, failure="HTTP 500")
SILENT = ReceiverAnswer(status=None, failure="ConnectError")


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="x")


def register(
    sessions: Sessions, world: World, *, url: str = "https://bank.example/hooks", kinds: tuple[str, ...] = ("*",)
) -> Webhook:
    with sessions.begin() as session:
        return messages.register_webhook(
            session, world.maker, WebhookDraft(name="核心系统", url=url, kinds=kinds), at=AT
        )  # fmt: skip


def publish(sessions: Sessions, actor: Actor, *subjects: str, kind: str = "event.thing.done") -> None:
    for subject in subjects:
        with sessions.begin() as session:
            messages.publish(session, actor, subject=subject, kind=kind, payload={"of": subject})
    with sessions.begin() as session:
        messages.lay_out(session, actor.organization_id, at=AT)


def take(sessions: Sessions, world: World, at: datetime = AT) -> TakenDelivery | None:
    with sessions.begin() as session:
        return messages.take_delivery(session, world.bank_id, at=at)


def must_take(sessions: Sessions, world: World, at: datetime = AT) -> TakenDelivery:
    taken = take(sessions, world, at)
    assert taken is not None
    return taken


def note(sessions: Sessions, taken: TakenDelivery, answer: ReceiverAnswer, at: datetime = AT) -> DeliveryState:
    with sessions.begin() as session:
        return messages.note_answer(session, taken, answer, at=at)


def deliveries(sessions: Sessions, world: World, state: DeliveryState | None = None) -> list[Delivery]:
    with sessions.read() as session:
        return list(messages.delivery_page(session, world.maker, Place(limit=50), state=state).items)


def kill(sessions: Sessions, world: World) -> TakenDelivery:
    """Fail a delivery until it is given up."""
    at = AT
    while True:
        taken = must_take(sessions, world, at)
        if note(sessions, taken, BROKEN, at) is DeliveryState.DEAD:
            return taken
        at += timedelta(days=1)


def test_an_event_goes_to_each_webhook_that_takes_it_and_to_no_other_bank(sessions: Sessions, world: World) -> None:
    every = register(sessions, world)
    calls = register(sessions, world, url="https://bank.example/calls", kinds=("event.margin_call.*",))
    exact = register(sessions, world, url="https://bank.example/exact", kinds=("event.margin_call.issued",))
    with sessions.begin() as session:
        messages.register_webhook(
            session, world.stranger, WebhookDraft(name="x", url="https://other.example/", kinds=("*",)), at=AT
        )  # fmt: skip
    publish(sessions, world.maker, "pledge:P4", kind="event.margin_call.issued")
    publish(sessions, world.maker, "approval:A1", kind="event.approval.decided")
    publish(sessions, world.maker, "pledge:P5", kind="event.margin_callous")
    found = {(one.webhook_id, one.kind) for one in deliveries(sessions, world)}
    assert found == {
        (every.id, "event.margin_call.issued"), (every.id, "event.approval.decided"), (every.id, "event.margin_callous"),
        (calls.id, "event.margin_call.issued"), (exact.id, "event.margin_call.issued"),
    }  # fmt: skip
    with sessions.read() as session:
        stranger = messages.delivery_page(session, world.stranger, Place(limit=50))
    assert stranger.items == ()


def test_laying_out_again_adds_nothing_and_a_late_webhook_hears_of_later_events_only(
    sessions: Sessions, world: World
) -> None:
    publish(sessions, world.maker, "pledge:P4")
    register(sessions, world)
    with sessions.begin() as session:
        assert messages.lay_out(session, world.bank_id, at=AT) == 0
    assert deliveries(sessions, world) == []
    publish(sessions, world.maker, "pledge:P4")
    assert [(one.subject, one.number) for one in deliveries(sessions, world)] == [("pledge:P4", 2)]


def test_what_is_taken_carries_event_subject_place_and_payload(sessions: Sessions, world: World) -> None:
    webhook = register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    taken = must_take(sessions, world)
    assert (taken.attempt, taken.webhook) == (1, webhook)
    assert (taken.body.event, taken.body.subject, taken.body.number) == ("event.thing.done", "pledge:P4", 1)
    assert (taken.body.delivery_id, taken.body.payload) == (taken.id, {"of": "pledge:P4"})


def test_a_later_event_of_a_subject_waits_for_the_earlier_and_other_subjects_do_not(
    sessions: Sessions, world: World
) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4", "pledge:P4", "pledge:P5")
    first = must_take(sessions, world)
    second = must_take(sessions, world)
    assert {(one.body.subject, one.body.number) for one in (first, second)} == {("pledge:P4", 1), ("pledge:P5", 1)}
    assert take(sessions, world) is None
    p4, p5 = (first, second) if first.body.subject == "pledge:P4" else (second, first)
    note(sessions, p5, OK)
    note(sessions, p4, BROKEN)
    assert take(sessions, world) is None, "the first is due later, the second waits for it"
    again = must_take(sessions, world, AT + timedelta(minutes=1))
    assert (again.id, again.attempt) == (p4.id, 2)
    note(sessions, again, OK)
    assert must_take(sessions, world).body.number == 2


def test_one_webhook_does_not_hold_up_another(sessions: Sessions, world: World) -> None:
    register(sessions, world)
    register(sessions, world, url="https://bank.example/second")
    publish(sessions, world.maker, "pledge:P4", "pledge:P4")
    first, second = must_take(sessions, world), must_take(sessions, world)
    assert first.webhook.id != second.webhook.id
    note(sessions, first, BROKEN)
    note(sessions, second, OK)
    following = must_take(sessions, world)
    assert (following.webhook.id, following.body.number) == (second.webhook.id, 2)


def test_a_process_that_dies_before_it_notes_the_answer_leads_to_the_same_delivery_again(
    sessions: Sessions, world: World
) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    first = must_take(sessions, world)
    assert take(sessions, world, AT + timedelta(seconds=59)) is None
    again = must_take(sessions, world, AT + timedelta(seconds=60))
    assert (again.id, again.attempt) == (first.id, 2)
    assert note(sessions, first, BROKEN) is DeliveryState.PENDING, "the attempt that another took over counts no more"
    assert note(sessions, first, OK) is DeliveryState.DELIVERED, "but what has arrived has arrived"
    assert note(sessions, again, BROKEN) is DeliveryState.DELIVERED


def test_failures_make_it_wait_three_times_as_long_each_time_with_a_jitter_of_a_fifth() -> None:
    waits = [messages.retry_delay("d1", attempts).total_seconds() for attempts in range(1, 12)]
    plain = [10, 30, 90, 270, 810, 2430, 7290, 21870, 43200, 43200, 43200]
    for attempts, (wait, middle) in enumerate(zip(waits, plain, strict=True), start=1):
        draw = int.from_bytes(hashlib.sha256(f"d1:{attempts}".encode()).digest()[:4])
        assert wait == middle * (800 + draw % 401) / 1000
        assert 0.8 * middle <= wait <= 1.2 * middle
    assert waits == [messages.retry_delay("d1", attempts).total_seconds() for attempts in range(1, 12)]
    assert len({messages.retry_delay(f"d{number}", 1) for number in range(50)}) > 25


def test_after_twelve_attempts_it_is_dead_and_holds_its_subject_until_a_person_decides(
    sessions: Sessions, world: World
) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4", "pledge:P4")
    dead = kill(sessions, world)
    assert dead.attempt == ATTEMPTS_MAX == 12
    (shown,) = deliveries(sessions, world, DeliveryState.DEAD)
    assert (shown.id, shown.attempts, shown.last_status, shown.last_failure) == (dead.id, 12, 500, "HTTP 500")
    with sessions.read() as session:
        assert messages.dead_count(session, world.bank_id) == 1
    far = AT + timedelta(days=400)
    assert take(sessions, world, far) is None
    with sessions.begin() as session:
        again = messages.resend_delivery(session, world.maker, dead.id)
    assert (again.state, again.attempts, again.settled_by) == (DeliveryState.PENDING, 0, "maker")
    sent = must_take(sessions, world, far)
    assert (sent.id, sent.attempt) == (dead.id, 1)
    note(sessions, sent, OK, far)
    assert must_take(sessions, world, far).body.number == 2


def test_a_dead_delivery_that_a_person_skips_lets_the_later_ones_go(sessions: Sessions, world: World) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4", "pledge:P4")
    dead = kill(sessions, world)
    with sessions.begin() as session:
        skipped = messages.skip_delivery(session, world.maker, dead.id)
    assert (skipped.state, skipped.settled_by) == (DeliveryState.SKIPPED, "maker")
    assert must_take(sessions, world).body.number == 2


def test_only_a_dead_delivery_of_ones_own_bank_is_resent_or_skipped(sessions: Sessions, world: World) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    waiting = must_take(sessions, world)
    for step in (messages.resend_delivery, messages.skip_delivery):
        with pytest.raises(Conflict, match="not dead"), sessions.begin() as session:
            step(session, world.maker, waiting.id)
        with pytest.raises(NotFound), sessions.begin() as session:
            step(session, world.stranger, waiting.id)
        with pytest.raises(NotFound), sessions.begin() as session:
            step(session, world.maker, "unknown")


def test_a_process_that_died_in_the_last_attempt_leaves_a_dead_delivery_not_an_endless_one(
    sessions: Sessions, world: World
) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    with sessions.begin() as session:
        session.execute(sa.text("UPDATE webhook_delivery SET attempts = 12"))
    assert take(sessions, world) is None
    assert [one.state for one in deliveries(sessions, world)] == [DeliveryState.DEAD]


def test_where_nobody_answers_the_webhooks_other_deliveries_wait_too(sessions: Sessions, world: World) -> None:
    away = register(sessions, world)
    there = register(sessions, world, url="https://bank.example/second")
    publish(sessions, world.maker, "pledge:P4", "pledge:P5")
    taken = must_take(sessions, world)
    while taken.webhook.id != away.id:
        note(sessions, taken, OK)
        taken = must_take(sessions, world)
    note(sessions, taken, SILENT)
    rest = take(sessions, world)
    while rest is not None:
        assert rest.webhook.id == there.id
        note(sessions, rest, OK)
        rest = take(sessions, world)
    due = AT + messages.retry_delay(taken.id, 1)
    assert take(sessions, world, due - timedelta(seconds=1)) is None
    assert {must_take(sessions, world, due).body.subject for _ in range(2)} == {"pledge:P4", "pledge:P5"}


def test_a_paused_webhook_keeps_its_deliveries_and_a_retired_one_skips_them(sessions: Sessions, world: World) -> None:
    webhook = register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    with sessions.begin() as session:
        messages.change_webhook(session, world.maker, webhook.id, at=AT, is_active=False)
    assert take(sessions, world) is None
    with sessions.begin() as session:
        messages.change_webhook(session, world.maker, webhook.id, at=AT, is_active=True)
    assert take(sessions, world) is not None
    with sessions.begin() as session:
        messages.retire_webhook(session, world.maker, webhook.id, at=AT)
        assert messages.webhooks_of(session, world.bank_id) == ()
    assert [one.state for one in deliveries(sessions, world)] == [DeliveryState.SKIPPED]
    with pytest.raises(NotFound), sessions.begin() as session:
        messages.retire_webhook(session, world.maker, webhook.id, at=AT)
    register(sessions, world)  # the address is free again


def test_an_address_stands_once_and_each_change_is_a_security_event(sessions: Sessions, world: World) -> None:
    webhook = register(sessions, world)
    with pytest.raises(Conflict, match="this address already"):
        register(sessions, world)
    with sessions.begin() as session:
        changed = messages.change_webhook(
            session, world.maker, webhook.id, at=AT, name="信贷系统", kinds=("event.approval.*",), expected_version=1
        )  # fmt: skip
    assert (changed.name, changed.kinds, changed.version) == ("信贷系统", ("event.approval.*",), 2)
    with pytest.raises(Conflict, match="version 2"), sessions.begin() as session:
        messages.change_webhook(session, world.maker, webhook.id, at=AT, name="x", expected_version=1)
    with pytest.raises(NotFound), sessions.begin() as session:
        messages.change_webhook(session, world.stranger, webhook.id, at=AT, name="x")
    with pytest.raises(NotFound), sessions.read() as session:
        messages.load_webhook(session, world.stranger, webhook.id)
    with sessions.begin() as session:
        messages.rotate_secret(session, world.maker, webhook.id, overlap=timedelta(hours=1), at=AT)
        messages.retire_webhook(session, world.maker, webhook.id, at=AT)
        kinds = {event.kind for event in security_events_of(session, world.bank_id)}
    assert kinds == {"webhook_registered", "webhook_changed", "webhook_secret_rotated", "webhook_retired"}


@pytest.mark.parametrize(
    "kinds", [(), ("",), ("approval",), ("event",), ("event.*.x",), ("event.A",), ("registry.freeze",)]
)
def test_a_kind_that_is_none_is_refused(sessions: Sessions, world: World, kinds: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        register(sessions, world, kinds=kinds)
    assert caught.value.field == "kinds"


def test_after_a_rotation_both_secrets_sign_until_the_overlap_ends(sessions: Sessions, world: World) -> None:
    webhook = register(sessions, world)
    (first,) = webhook.secrets(KEYS, at=AT)
    with sessions.begin() as session:
        rotated = messages.rotate_secret(session, world.maker, webhook.id, overlap=timedelta(hours=24), at=AT)
    newest, before = rotated.secrets(KEYS, at=AT + timedelta(hours=23, minutes=59))
    assert before == first
    assert newest != first
    assert rotated.secrets(KEYS, at=AT + timedelta(hours=24)) == (newest,)
    for hours in (-1, 24 * 31):
        with pytest.raises(InvalidInput, match="30 days"), sessions.begin() as session:
            messages.rotate_secret(session, world.maker, webhook.id, overlap=timedelta(hours=hours), at=AT)


def test_no_secret_stands_in_the_database(sessions: Sessions, world: World) -> None:
    webhook = register(sessions, world)
    (secret,) = webhook.secrets(KEYS, at=AT)
    with sessions.read() as session:
        row = session.execute(sa.text("SELECT * FROM webhook")).mappings().one()
    assert not [name for name, value in row.items() if str(value) in secret and len(str(value)) > 8]


def test_events_do_not_hold_up_the_registry_nor_the_registry_events(sessions: Sessions, world: World) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    with sessions.begin() as session:
        freeze = outbox.enqueue(session, world.maker, subject="pledge:P4", kind="registry.freeze", payload={})
        messages.publish(session, world.maker, subject="pledge:P4", kind="event.thing.done", payload={})
    with sessions.begin() as session:
        assert [one.id for one in outbox.pending(session, world.bank_id, ("registry.freeze",))] == [freeze.id]
        assert messages.lay_out(session, world.bank_id, at=AT) == 1


def test_who_waits_is_asked_for_all_organisations_at_once(sessions: Sessions, world: World) -> None:
    def waiting(at: datetime = AT, *, with_mail: bool = False) -> tuple[str, ...]:
        with sessions.as_operator().read() as session:
            return messages.organizations_waiting(session, at=at, with_mail=with_mail)

    assert waiting() == ()
    with sessions.begin() as session:
        messages.publish(session, world.stranger, subject="s", kind="event.thing.done", payload={})
    assert waiting() == (world.other_bank_id,)
    with sessions.begin() as session:
        messages.lay_out(session, world.other_bank_id, at=AT)
    assert waiting() == ()
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    assert waiting() == (world.bank_id,)
    note(sessions, must_take(sessions, world), BROKEN)
    assert waiting() == ()
    assert waiting(AT + timedelta(minutes=1)) == (world.bank_id,)


def test_a_registry_message_is_given_up_after_twenty_attempts_and_holds_its_subject_until_it_is_resent(
    sessions: Sessions, world: World
) -> None:
    with sessions.begin() as session:
        first = outbox.enqueue(session, world.maker, subject="pledge:P4", kind="registry.freeze", payload={})
        outbox.enqueue(session, world.maker, subject="pledge:P4", kind="registry.unfreeze", payload={})
        for _ in range(20):
            outbox.mark_failed(session, first.id, at=AT, failure="ConnectError")
    with sessions.begin() as session:
        (dead,) = outbox.dead_messages(session, world.bank_id)
        assert (dead.id, dead.state, dead.attempts) == (first.id, MessageState.DEAD, 20)
        assert outbox.pending(session, world.bank_id) == ()
        assert len(outbox.unsent(session, world.bank_id, ("registry.freeze", "registry.unfreeze"))) == 2
        assert outbox.dead_messages(session, world.other_bank_id) == ()
    with pytest.raises(NotFound), sessions.begin() as session:
        outbox.resend(session, world.stranger, first.id)
    with sessions.begin() as session:
        assert outbox.resend(session, world.maker, first.id).state is MessageState.PENDING
        assert [one.id for one in outbox.pending(session, world.bank_id, due_at=AT)] == [first.id]
    with pytest.raises(Conflict, match="not dead"), sessions.begin() as session:
        outbox.resend(session, world.maker, first.id)


def test_a_delivery_is_given_only_to_its_bank(sessions: Sessions, world: World) -> None:
    register(sessions, world)
    publish(sessions, world.maker, "pledge:P4")
    taken = must_take(sessions, world)
    with sessions.read() as session:
        assert messages.load_delivery(session, world.maker, taken.id).webhook_name == "核心系统"
    with pytest.raises(NotFound), sessions.read() as session:
        messages.load_delivery(session, replace(world.maker, organization_id=world.other_bank_id), taken.id)
