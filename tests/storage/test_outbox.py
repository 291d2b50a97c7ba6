"""Messages are sent at least once, in order by subject."""

from datetime import timedelta

import pytest

from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.outbox import Message, enqueue, mark_delivered, mark_failed, pending
from tests.storage.worlds import NOW, World, make_world


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def put(sessions: Sessions, world: World, *, subject: str, kind: str = "registry.freeze") -> Message:
    with sessions.begin() as session:
        return enqueue(session, world.maker, subject=subject, kind=kind, payload={"quantity_t": 10000})


def waiting(sessions: Sessions, world: World, *kinds: str) -> list[str]:
    with sessions.read() as session:
        return [message.id for message in pending(session, world.bank_id, kinds, due_at=NOW)]


def test_only_the_first_of_a_subject_is_sent(sessions: Sessions, world: World) -> None:
    p4, p4_release, p5 = (
        put(sessions, world, subject="pledge:P4"),
        put(sessions, world, subject="pledge:P4", kind="registry.release"),
        put(sessions, world, subject="pledge:P5"),
    )
    assert (p4.number, p4_release.number, p5.number) == (1, 2, 1)
    assert waiting(sessions, world) == [p4.id, p5.id]
    assert waiting(sessions, world, "registry.release") == []
    with sessions.begin() as session:
        mark_delivered(session, p4.id, at=NOW)
        mark_delivered(session, p4.id, at=NOW)
    assert waiting(sessions, world) == [p4_release.id, p5.id]
    assert waiting(sessions, world, "registry.release") == [p4_release.id]


def test_a_failed_message_waits_longer_each_time_and_holds_its_subject(sessions: Sessions, world: World) -> None:
    first = put(sessions, world, subject="pledge:P4")
    put(sessions, world, subject="pledge:P4")
    delays = []
    for _ in range(12):
        with sessions.begin() as session:
            delays.append((mark_failed(session, first.id, at=NOW, failure="timeout") - NOW).total_seconds())
    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert waiting(sessions, world) == []
    with sessions.read() as session:
        assert [m.id for m in pending(session, world.bank_id, due_at=NOW + timedelta(hours=1))] == [first.id]
        (message,) = pending(session, world.bank_id)
    assert (message.id, message.attempts, message.last_failure) == (first.id, 12, "timeout")


def test_a_message_lives_and_dies_with_its_work(sessions: Sessions, world: World) -> None:
    def work_and_fail() -> None:
        with sessions.begin() as session:
            enqueue(session, world.maker, subject="pledge:P4", kind="registry.freeze", payload={})
            raise InvalidInput("refused", zh="拒绝")

    with pytest.raises(InvalidInput):
        work_and_fail()
    assert waiting(sessions, world) == []


def test_messages_are_each_banks_own(sessions: Sessions, world: World) -> None:
    put(sessions, world, subject="pledge:P4")
    with sessions.read() as session:
        assert pending(session, world.other_bank_id) == ()


def test_an_unknown_message_is_not_found(sessions: Sessions) -> None:
    with pytest.raises(NotFound), sessions.begin() as session:
        mark_delivered(session, "unknown", at=NOW)
