"""What is due is sent: at least once, in order, signed, on both databases and against a real receiver."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carbonfin.app.messages.transport import HttpTransport, http_transport
from carbonfin.app.messages.worker import DeliveryReport, deliver_due, deliverer
from carbonfin.app.settings import settings_from
from carbonfin.kernel.dates import Clock, SystemClock
from carbonfin.kernel.webhooks import verified
from carbonfin.storage import messages
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.keyset import Place
from carbonfin.storage.messages import DeliveryState, Webhook, WebhookDraft
from tests.app.messages.dying import AFTER_ANSWER, BEFORE_SENDING, KEYS, LOOPBACK
from tests.app.messages.receivers import Receiver, running_receiver
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class MovingClock(Clock):
    """A clock that a test sets forward."""

    instant: datetime = AT

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    with http_transport(LOOPBACK, deadline_s=2) as opened:
        yield opened


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="x")


@pytest.fixture
def clock(receiver: Receiver) -> MovingClock:
    moving = MovingClock()
    receiver.at = moving.instant
    return moving


def register(sessions: Sessions, world: World, receiver: Receiver) -> Webhook:
    with sessions.begin() as session:
        webhook = messages.register_webhook(
            session, world.maker, WebhookDraft(name="核心", url=receiver.address, kinds=("*",)), at=AT
        )
    receiver.secrets = webhook.secrets(KEYS, at=AT)
    return webhook


def publish(sessions: Sessions, world: World, *subjects: str) -> None:
    for subject in subjects:
        with sessions.begin() as session:
            messages.publish(session, world.maker, subject=subject, kind="event.thing.done", payload={"of": subject})


def deliver(
    sessions: Sessions, clock: MovingClock, transport: HttpTransport, receiver: Receiver | None = None
) -> DeliveryReport:
    if receiver is not None:
        receiver.at = clock.instant
    return deliver_due(sessions, clock, transport=transport, keys=KEYS)


def states(sessions: Sessions, world: World) -> list[str]:
    with sessions.read() as session:
        page = messages.delivery_page(session, world.maker, Place(limit=50))
    return sorted(one.state.value for one in page.items)


def test_events_arrive_signed_in_order_and_once(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    publish(sessions, world, "pledge:P4", "pledge:P5", "pledge:P4", "pledge:P4")
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport(laid_out=4, delivered=4)
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport()
    assert receiver.refused == []
    assert [one.number for one in receiver.done if one.subject == "pledge:P4"] == [1, 2, 3]
    assert [one.payload for one in receiver.done if one.subject == "pledge:P5"] == [{"of": "pledge:P5"}]
    assert len(receiver.seen) == 4
    headers, _ = receiver.seen[0]
    assert headers["Carbonfin-Event"] == "event.thing.done"
    assert headers["Content-Type"] == "application/json"


def test_500_then_200_holds_the_subject_and_arrives_on_the_second_attempt(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    publish(sessions, world, "pledge:P4", "pledge:P4")
    receiver.answers = [500]
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport(laid_out=2, failed=1)
    clock.instant += timedelta(seconds=7)
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport()
    clock.instant += timedelta(seconds=6)
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport(delivered=2)
    ids = [headers["Carbonfin-Delivery"] for headers, _ in receiver.seen]
    assert len(ids) == 3
    assert ids[0] == ids[1] != ids[2]
    stamps = [headers["Carbonfin-Timestamp"] for headers, _ in receiver.seen]
    assert stamps[1] == str(int(stamps[0]) + 13), "a repetition is signed anew"
    assert [one.number for one in receiver.done] == [1, 2]


def test_a_slow_receiver_is_left_and_served_later_and_holds_up_nobody_else(
    sessions: Sessions, world: World, receiver: Receiver, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    with running_receiver() as other, http_transport(LOOPBACK, deadline_s=0.4) as transport:
        register(sessions, world, other)
        other.secrets = ()
        publish(sessions, world, "pledge:P4", "pledge:P5", "pledge:P6")
        receiver.delay_s = 3
        report = deliver(sessions, clock, transport, receiver)
        assert (report.delivered, report.failed) == (3, 1), "one try finds it slow, its others wait with it"
        assert len(other.seen) == 3
        receiver.delay_s = 0
        clock.instant += timedelta(minutes=1)
        assert deliver(sessions, clock, transport, receiver).delivered == 3


def test_a_captured_delivery_is_good_for_nothing(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    publish(sessions, world, "pledge:P4")
    deliver(sessions, clock, transport, receiver)
    headers, content = receiver.seen[0]
    sent = {name: value for name, value in headers.items() if name.startswith("Carbonfin")}
    assert transport.post(receiver.address, sent, content).status == 200
    assert len(receiver.done) == 1, "within five minutes the identifier is known: taken, not acted on"
    receiver.at = AT + timedelta(seconds=301)
    assert transport.post(receiver.address, sent, content).status == 401
    assert "away from now" in receiver.refused[-1]
    for change in (
        {"Carbonfin-Timestamp": str(int(sent["Carbonfin-Timestamp"]) + 301)},
        {"Carbonfin-Signature": "v1=" + "0" * 64},
    ):
        assert transport.post(receiver.address, sent | change, content).status == 401
        assert "no signature fits" in receiver.refused[-1]
    assert transport.post(receiver.address, sent, content.replace(b"P4", b"P5")).status == 401
    assert len(receiver.done) == 1


def test_a_delivery_signed_with_another_banks_secret_is_refused(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    with sessions.begin() as session:
        theirs = messages.register_webhook(
            session, world.stranger, WebhookDraft(name="x", url=receiver.address, kinds=("*",)), at=AT
        )  # fmt: skip
        messages.publish(session, world.stranger, subject="s", kind="event.thing.done", payload={})
    assert deliver(sessions, clock, transport, receiver).failed == 1
    assert receiver.refused == ["no signature fits the body"]
    headers, content = receiver.seen[0]
    assert verified(theirs.secrets(KEYS, at=AT), headers, content, at=AT).subject == "s"


def test_while_the_secret_changes_a_receiver_with_either_takes_it(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    webhook = register(sessions, world, receiver)
    with sessions.begin() as session:
        rotated = messages.rotate_secret(session, world.maker, webhook.id, overlap=timedelta(hours=1), at=AT)
    publish(sessions, world, "pledge:P4")
    assert deliver(sessions, clock, transport, receiver).delivered == 1
    receiver.secrets = rotated.secrets(KEYS, at=AT)[:1]
    publish(sessions, world, "pledge:P4")
    assert deliver(sessions, clock, transport, receiver).delivered == 1
    clock.instant += timedelta(hours=1)
    receiver.secrets = webhook.secrets(KEYS, at=AT)
    publish(sessions, world, "pledge:P4")
    assert deliver(sessions, clock, transport, receiver).failed == 1


def in_a_process(database_url: str, moment: str) -> int:
    """Send what is due in a process that is killed at a moment; give how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.app.messages.dying", database_url, moment],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode


@pytest.mark.parametrize(("moment", "received"), [(BEFORE_SENDING, 1), (AFTER_ANSWER, 2)])
def test_a_killed_process_loses_no_delivery_and_repeats_it_under_the_same_identifier(
    database_url: str, receiver: Receiver, transport: HttpTransport, moment: str, received: int
) -> None:
    engine = open_engine(database_url)
    sessions = Sessions(engine)
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
    register(sessions, world, receiver)
    receiver.at = None  # the dying process has the machine's clock, and so has the receiver
    publish(sessions, world, "pledge:P4")
    assert in_a_process(database_url, moment) == -signal.SIGKILL
    assert len(receiver.seen) == received - 1
    assert states(sessions, world) == ["pending"]
    later = MovingClock(SystemClock().now() + timedelta(seconds=61))
    receiver.at = later.instant
    assert deliver(sessions, later, transport).delivered == 1
    assert len(receiver.seen) == received
    assert len({headers["Carbonfin-Delivery"] for headers, _ in receiver.seen}) == 1
    assert len(receiver.done) == 1, "the receiver acts once"
    assert states(sessions, world) == ["delivered"]
    engine.dispose()


def test_a_worker_made_of_the_settings_delivers(
    sessions: Sessions, world: World, receiver: Receiver, tmp_path: Path
) -> None:
    settings = settings_from(
        {"CARBONFIN_VAR": str(tmp_path), "CARBONFIN_SECRET": "k" * 32, "CARBONFIN_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    )  # fmt: skip
    register(sessions, world, receiver)
    receiver.at = None
    publish(sessions, world, "pledge:P4")
    assert deliverer(settings)(sessions, SystemClock()) == DeliveryReport(laid_out=1, delivered=1)
    assert len(receiver.done) == 1


def test_what_one_call_may_send_is_bounded(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    publish(sessions, world, *(f"s{number}" for number in range(5)))
    report = deliver_due(sessions, clock, transport=transport, keys=KEYS, deliveries_max=2)
    assert report == DeliveryReport(laid_out=5, delivered=2)


def test_a_delivery_given_up_is_said_so(
    sessions: Sessions, world: World, receiver: Receiver, transport: HttpTransport, clock: MovingClock
) -> None:
    register(sessions, world, receiver)
    publish(sessions, world, "pledge:P4")
    receiver.answers = [500] * 12
    reports = []
    for _ in range(12):
        reports.append(deliver(sessions, clock, transport, receiver))
        clock.instant += timedelta(hours=15)
    assert [report.dead for report in reports] == [0] * 11 + [1]
    assert states(sessions, world) == [DeliveryState.DEAD.value]
    assert deliver(sessions, clock, transport, receiver) == DeliveryReport()
    assert len(receiver.seen) == 12
