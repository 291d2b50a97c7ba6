"""The same request twice does its work once."""

import threading

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.idempotency import IdempotencyKeyRow, OnceReply, StoredReply, once
from tests.storage.rows import TrialRow
from tests.storage.worlds import World, make_world


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def send(sessions: Sessions, actor: Actor, *, key: str = "key-1", digest: str = "digest-1") -> OnceReply:
    def work(session: Session) -> StoredReply:
        session.add(TrialRow(name="done"))
        session.flush()
        return StoredReply(status_code=201, reply='{"id":"x"}')

    with sessions.begin() as session:
        return once(session, actor, key=key, input_digest=digest, work=work)


def times_done(sessions: Sessions) -> int:
    with sessions.read() as session:
        return session.exec(select(sa.func.count()).select_from(TrialRow)).one()


def test_the_same_request_twice_gives_the_first_reply_again(sessions: Sessions, world: World) -> None:
    first, second = send(sessions, world.maker), send(sessions, world.maker)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.stored == second.stored == StoredReply(status_code=201, reply='{"id":"x"}')
    assert times_done(sessions) == 1


def test_the_same_key_with_another_body_is_a_conflict(sessions: Sessions, world: World) -> None:
    send(sessions, world.maker)
    with pytest.raises(Conflict):
        send(sessions, world.maker, digest="digest-2")
    assert times_done(sessions) == 1


def test_keys_of_others_are_others(sessions: Sessions, world: World) -> None:
    for actor in (world.maker, world.checker, world.stranger):
        assert not send(sessions, actor).repeated
    assert times_done(sessions) == 3


def test_work_that_raises_leaves_no_key(sessions: Sessions, world: World) -> None:
    def refuse(session: Session) -> StoredReply:
        session.add(TrialRow(name="lost"))
        raise InvalidInput("refused", zh="拒绝")

    with pytest.raises(InvalidInput), sessions.begin() as session:
        once(session, world.maker, key="key-1", input_digest="digest-1", work=refuse)
    with sessions.read() as session:
        assert session.exec(select(IdempotencyKeyRow)).all() == []
    assert not send(sessions, world.maker).repeated
    assert times_done(sessions) == 1


def test_eight_at_once_do_the_work_once(sessions: Sessions, world: World) -> None:
    replies: list[OnceReply] = []
    threads = [threading.Thread(target=lambda: replies.append(send(sessions, world.maker))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.repeated for reply in replies) == [False] + [True] * 7
    assert times_done(sessions) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "键", "a\nb"])
def test_keys_have_a_shape(sqlite_sessions: Sessions, key: str) -> None:
    with sqlite_sessions.begin() as session:
        world = make_world(session, password_hash="!")
    with pytest.raises(InvalidInput):
        send(sqlite_sessions, world.maker, key=key)
