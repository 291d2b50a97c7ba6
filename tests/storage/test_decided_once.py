"""Decisions made beforehand and kept once for their key: together in one commit, by many threads and processes."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, MissingData
from carbonfin.storage.decisions import (
    AskedDecision,
    DecisionRow,
    KeyedRequest,
    MadeDecision,
    Recorded,
    bulk,
    decide_once,
    decided_once,
    load_decision,
    make_decision,
    verify_chain,
)
from carbonfin.storage.engine import Sessions, execute_prepared
from carbonfin.storage.idempotency import IdempotencyKeyRow, OnceReply, StoredReply
from carbonfin.storage.parties.rows import OrganizationRow
from tests.statements import statements_of
from tests.storage.test_decisions import INTEREST, KNOWN_AT, P0, VALID_ON, InterestOutputs
from tests.storage.worlds import World, make_world

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    with sqlite_sessions.begin() as session:
        return make_world(session, password_hash="!")


def _answer(recorded: Recorded[InterestOutputs]) -> StoredReply:
    return StoredReply(status_code=201, reply=recorded.decision_id)


def _made(key: str, valid_on: date = VALID_ON) -> MadeDecision[InterestOutputs]:
    return make_decision(INTEREST, P0, subject=f"loan:{key}", valid_on=valid_on, known_at=KNOWN_AT)


def _is_of_today(_: Session, made: MadeDecision[InterestOutputs]) -> bool:
    return made.valid_on == VALID_ON


def _decide(
    sessions: Sessions,
    world: World,
    key: str,
    *,
    digest: str = "of the body",
    prepare: Callable[[Session], MadeDecision[InterestOutputs]] | None = None,
) -> OnceReply:
    return decide_once(sessions, _asked(world, key, digest=digest, prepare=prepare))


def _asked(
    world: World,
    key: str,
    *,
    digest: str = "of the body",
    prepare: Callable[[Session], MadeDecision[InterestOutputs]] | None = None,
) -> AskedDecision[InterestOutputs]:
    request = KeyedRequest(key=key, input_digest=digest, address="/interest")
    return AskedDecision(
        world.maker, request, prepare or (lambda _: _made(key)), _answer, is_of_today=_is_of_today
    )  # fmt: skip


def _kept(sessions: Sessions, world: World) -> list[str]:
    """Give the identifiers of all decisions, and see that their chain is whole."""
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert report.intact, report.faults[0].detail
        assert not report.unsealed
        found = list(session.exec(select(DecisionRow.id)).all())
    assert report.length == len(found)
    return found


def test_a_decision_is_kept_with_its_reply_and_a_repetition_gives_it_again(
    sqlite_sessions: Sessions, world: World
) -> None:
    first, again = _decide(sqlite_sessions, world, "one"), _decide(sqlite_sessions, world, "one")
    assert again == OnceReply(stored=first.stored, repeated=True)
    assert not first.repeated
    assert _kept(sqlite_sessions, world) == [first.stored.reply]
    with sqlite_sessions.read() as session:
        record = load_decision(session, world.maker, first.stored.reply)
    assert (record.sequence, record.subject, record.maker_name, record.checker_name) == (1, "loan:one", "maker", None)
    # By hand: 3,000,000 at 3.85 % for 92, 91, 90 and 91 days over 360, rounded each.
    assert record.outputs["total_cny"] == "116783.33"


def test_the_same_key_with_another_request_is_refused(sqlite_sessions: Sessions, world: World) -> None:
    _decide(sqlite_sessions, world, "one")
    with pytest.raises(Conflict, match="another request"):
        _decide(sqlite_sessions, world, "one", digest="of another body")
    assert len(_kept(sqlite_sessions, world)) == 1


def test_a_key_of_another_shape_keeps_nothing(sqlite_sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput, match="idempotency key"):
        _decide(sqlite_sessions, world, "x" * 256)
    assert _kept(sqlite_sessions, world) == []


def test_a_day_closed_meanwhile_gets_no_decision_and_it_is_made_again(sqlite_sessions: Sessions, world: World) -> None:
    days = iter((VALID_ON - timedelta(days=1), VALID_ON))
    kept = _decide(sqlite_sessions, world, "late", prepare=lambda _: _made("late", next(days)))
    assert not kept.repeated
    assert _kept(sqlite_sessions, world) == [kept.stored.reply]
    with sqlite_sessions.read() as session:
        assert load_decision(session, world.maker, kept.stored.reply).valid_on == VALID_ON


def test_what_cannot_be_decided_spoils_no_other_and_leaves_its_key(sqlite_sessions: Sessions, world: World) -> None:
    def refuse(_: Session) -> MadeDecision[InterestOutputs]:
        raise MissingData("no rate", zh="没有利率")

    keys = [f"key {number}" for number in range(6)]
    outcomes, _ = _all_at_once(sqlite_sessions, world, keys, prepare={"key 3": refuse})
    assert [type(one) for one in outcomes] == [*[OnceReply] * 3, MissingData, *[OnceReply] * 2]
    assert len(_kept(sqlite_sessions, world)) == 5
    assert not _decide(sqlite_sessions, world, "key 3").repeated


def test_who_waits_is_decided_in_one_session_that_asks_once(sqlite_sessions: Sessions, world: World) -> None:
    """Each asks for the bank's row; those who waited share one state of the database and one answer."""
    question = sa.select(OrganizationRow.name).where(OrganizationRow.id == sa.bindparam("of"))
    seen: dict[str, Session] = {}

    def asking(key: str) -> Callable[[Session], MadeDecision[InterestOutputs]]:
        def prepare(session: Session) -> MadeDecision[InterestOutputs]:
            seen[key] = session
            assert execute_prepared(session, question, {"of": world.bank_id}).scalar_one()
            return _made(key)

        return prepare

    keys = [f"key {number}" for number in range(8)]
    with statements_of(sqlite_sessions) as texts:
        _all_at_once(sqlite_sessions, world, keys, prepare={key: asking(key) for key in keys})
    assert 1 <= len(set(map(id, seen.values()))) <= 2, "of him who came first, and of all who came while he waited"
    assert sum("organization.name" in text for text in texts) == len(set(map(id, seen.values())))


def _all_at_once(
    sessions: Sessions,
    world: World,
    keys: list[str],
    *,
    prepare: Mapping[str, Callable[[Session], MadeDecision[InterestOutputs]]] = MappingProxyType({}),
) -> tuple[list[OnceReply | CarbonFinError], int]:
    """Have all keys asked for in one event loop while the lock is held; gives the outcomes, and the commits after."""
    commits: list[int] = []
    all_wait = threading.Event()

    def note(connection: sa.Connection) -> None:
        if not connection.exec_driver_sql("PRAGMA query_only").scalar_one():
            commits.append(1)

    async def all_asked() -> list[Any]:
        asked = [_asked(world, key, prepare=prepare.get(key)) for key in keys]
        waiting = [asyncio.create_task(decided_once(sessions, one)) for one in asked]
        await asyncio.sleep(0)  # each has brought what it asks by now
        all_wait.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            session.connection()
            task = pool.submit(asyncio.run, all_asked())
            assert all_wait.wait(30)
            sa.event.listen(sessions.engine, "commit", note)
        outcomes = task.result(timeout=30)
        sa.event.remove(sessions.engine, "commit", note)
    return outcomes, len(commits) - 1  # that of the holder itself


def test_all_who_come_while_one_waits_for_the_lock_share_one_commit(sqlite_sessions: Sessions, world: World) -> None:
    keys = [f"key {number}" for number in range(12)]
    outcomes, commit_count = _all_at_once(sqlite_sessions, world, [*keys, *keys[:4]])
    replies = [one.stored.reply for one in outcomes if isinstance(one, OnceReply)]
    assert len(replies) == 16
    assert replies[12:] == replies[:4], "of two with one key the second is given the first one's reply"
    assert sum(one.repeated for one in outcomes if isinstance(one, OnceReply)) == 4
    assert sorted(_kept(sqlite_sessions, world)) == sorted(set(replies))
    assert 1 <= commit_count <= 2, "his who came first, and that of all others"


def test_one_that_is_refused_spoils_no_other(
    sqlite_sessions: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two get one identifier, so that the statement that holds all is refused by the database."""
    drawn = iter(["11111111-1111-4111-8111-111111111111"] * 2)
    guard, new_ids = threading.Lock(), bulk.new_ids

    def drawing(count: int) -> list[str]:
        with guard:
            return [next(drawn, None) or new_ids(1)[0] for _ in range(count)]

    monkeypatch.setattr(bulk, "new_ids", drawing)
    outcomes, _ = _all_at_once(sqlite_sessions, world, [f"key {number}" for number in range(6)])
    assert [type(one) for one in outcomes].count(Conflict) == 1
    replies = {one.stored.reply for one in outcomes if isinstance(one, OnceReply)}
    assert len(replies) == 5
    assert set(_kept(sqlite_sessions, world)) == replies
    with sqlite_sessions.read() as session:
        assert len(session.exec(select(IdempotencyKeyRow)).all()) == 5, "what was refused left no key"


def test_what_the_database_cannot_keep_leaves_nothing_and_is_told(sqlite_sessions: Sessions, world: World) -> None:
    with sqlite_sessions.begin() as session:
        session.connection().exec_driver_sql(
            "CREATE TRIGGER no_seals BEFORE INSERT ON decision_seal BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    with pytest.raises(sa.exc.IntegrityError, match="no room"):
        _decide(sqlite_sessions, world, "one")
    with sqlite_sessions.begin() as session:
        session.connection().exec_driver_sql("DROP TRIGGER no_seals")
    assert _kept(sqlite_sessions, world) == []
    again = _decide(sqlite_sessions, world, "one")
    assert not again.repeated


def test_every_database_keeps_it_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_world(session, password_hash="!")
    first, again = _decide(sessions, world, "one"), _decide(sessions, world, "one")
    assert (first.repeated, again) == (False, OnceReply(stored=first.stored, repeated=True))
    assert _kept(sessions, world) == [first.stored.reply]


def _process(sessions: Sessions, world: World, name: str, *, threads: int, each: int) -> subprocess.Popen[str]:
    arguments = [str(sessions.engine.url.database), world.maker.id, name, str(threads), str(each)]
    command = [sys.executable, "-m", "tests.storage.deciding_process", *arguments]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


def _acknowledged(process: subprocess.Popen[str], count: int | None = None) -> dict[str, str]:
    """Give what a process acknowledged, by key: its first lines, or all it wrote before it ended."""
    assert process.stdout is not None
    lines: list[str] = []
    while count is None or len(lines) < count:
        line = process.stdout.readline()
        if not line.endswith("\n"):
            break
        lines.append(line)
    return dict(line.split() for line in lines)  # type: ignore[misc]  # a key and an identifier each


def test_two_processes_write_one_chain(sqlite_sessions: Sessions, world: World) -> None:
    processes = [_process(sqlite_sessions, world, name, threads=4, each=15) for name in ("a", "b")]
    told: dict[str, str] = {}
    for process in processes:
        told |= _acknowledged(process)
        assert process.wait(timeout=60) == 0
        assert process.stdout is not None
        process.stdout.close()
    assert len(told) == 120
    assert set(_kept(sqlite_sessions, world)) == set(told.values())


def test_all_that_was_acknowledged_is_there_after_kill_9(sqlite_sessions: Sessions, world: World) -> None:
    after = 37
    process = _process(sqlite_sessions, world, "a", threads=6, each=10_000)
    told = _acknowledged(process, after)
    process.kill()
    told |= _acknowledged(process)  # what stood in the pipe
    process.wait(timeout=10)
    assert process.stdout is not None
    process.stdout.close()
    kept = _kept(sqlite_sessions, world)
    assert len(told) >= after
    assert set(told.values()) <= set(kept)
    with sqlite_sessions.read() as session:
        keys = {row.key: row.reply for row in session.exec(select(IdempotencyKeyRow)).all()}
    assert sorted(str(reply) for reply in keys.values()) == sorted(kept), (
        "no key without its decision, none without key"
    )
    assert told.items() <= keys.items()
    again = _decide(sqlite_sessions, world, next(iter(told)), digest=next(iter(told)))
    assert again.repeated
