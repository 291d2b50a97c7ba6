"""Sessions: one transaction each, readers that cannot write, writers that wait for each other."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.engine import Sessions, after_commit, before_commit, execute_prepared, open_engine
from carbonfin.storage.rows import table_of
from tests.storage.rows import TrialRow


def test_a_block_that_raises_changes_nothing(sessions: Sessions) -> None:
    def store_and_fail() -> None:
        with sessions.begin() as session:
            session.add(TrialRow(name="lost"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    with sessions.read() as session:
        assert session.exec(select(TrialRow)).all() == []


def test_a_reading_session_cannot_write(sessions: Sessions) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"readonly|read-only"), sessions.read() as session:
        session.execute(sa.text("DELETE FROM trial"))
    with sessions.begin() as session:
        session.add(TrialRow(name="writers still write"))


def test_read_modify_write_loses_nothing(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(TrialRow(id="counter", quantity_t=0))

    def count_up() -> None:
        for _ in range(25):
            with sessions.begin() as session:
                row = session.exec(select(TrialRow).where(TrialRow.id == "counter").with_for_update()).one()
                assert row.quantity_t is not None
                row.quantity_t += 1

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions.read() as session:
        assert session.exec(select(TrialRow.quantity_t)).one() == 100


def test_a_single_question_is_asked_without_a_session(sessions: Sessions) -> None:
    """The question is PostgreSQL's and SQLite's alike, and the answer None where there is no row."""
    question = sa.select(sa.literal(7).label("seven")).where(sa.bindparam("asked", type_=sa.Integer) == 1)
    found = sessions.ask(question, {"asked": 1})
    assert found is not None
    assert found.seven == 7
    assert sessions.ask(question, {"asked": 2}) is None
    with pytest.raises(sa.exc.MultipleResultsFound):
        sessions.ask(sa.union_all(question, question), {"asked": 1})  # type: ignore[arg-type]  # rows it should not have
    with sessions.begin() as session:
        assert session.connection().execute(question, {"asked": 1}).one().seven == 7, "the connection is free again"


def test_a_reader_sees_one_state_throughout(sessions: Sessions) -> None:
    with sessions.read() as reader:
        assert reader.exec(select(sa.func.count()).select_from(TrialRow)).one() == 0
        with sessions.begin() as writer:
            writer.add(TrialRow())
        assert reader.exec(select(sa.func.count()).select_from(TrialRow)).one() == 0


def test_a_writer_that_waits_too_long_is_told_to_come_again(sqlite_sessions: Sessions) -> None:
    path = Path(str(sqlite_sessions.engine.url.database))
    with sqlite_sessions.begin() as holder:
        holder.add(TrialRow())
        holder.flush()
        with pytest.raises(Conflict), Sessions(open_engine(f"sqlite:///{path}", patience_s=0.02)).begin() as session:
            session.add(TrialRow())


def _impatient(path: Path) -> sa.Engine:
    engine = open_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
    return engine


def test_writers_of_one_process_wait_for_their_turn_and_not_for_the_file(sqlite_sessions: Sessions) -> None:
    path = Path(str(sqlite_sessions.engine.url.database))
    sessions = Sessions(_impatient(path))  # the file's own lock would refuse a second writer after 20 ms
    with sessions.begin() as session:
        session.add(TrialRow())  # the table's statements are prepared
    inside = threading.Event()

    def slow() -> None:
        with sessions.begin() as session:
            session.add(TrialRow())
            session.flush()
            inside.set()
            time.sleep(0.3)

    def waiting() -> None:
        assert inside.wait(10)
        with sessions.begin() as session:
            session.add(TrialRow())

    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(slow), pool.submit(waiting)]:
            task.result(timeout=10)
    with sessions.read() as session:
        assert session.exec(select(sa.func.count()).select_from(TrialRow)).one() == 3


def test_a_writer_that_fails_gives_its_turn_up(sqlite_sessions: Sessions) -> None:
    def failing() -> None:
        with sqlite_sessions.begin() as session:
            session.add(TrialRow())
            session.flush()
            raise LookupError

    with ThreadPoolExecutor(1) as pool, pytest.raises(LookupError):
        pool.submit(failing).result(timeout=10)
    started = time.monotonic()
    with sqlite_sessions.begin() as session:
        session.add(TrialRow())
    assert time.monotonic() - started < 5


def test_a_prepared_statement_sees_what_the_session_has_yet_to_write(sessions: Sessions) -> None:
    count = sa.select(sa.func.count()).select_from(table_of(TrialRow))
    with sessions.begin() as session:
        session.add(TrialRow())
        assert execute_prepared(session, count, {}).scalar_one() == 1


def test_a_connection_reads_and_writes_in_turn(sqlite_sessions: Sessions) -> None:
    for _ in range(3):
        with sqlite_sessions.begin() as session:
            session.add(TrialRow())
        with sqlite_sessions.read() as session, pytest.raises(OperationalError):
            session.exec(sa.delete(TrialRow))


def test_last_steps_stand_within_the_transaction_and_follow_ups_behind_it(sessions: Sessions) -> None:
    counted: list[int] = []

    def step(given: Sessions) -> None:
        with given.read() as session:
            counted.append(session.exec(select(sa.func.count()).select_from(TrialRow)).one())

    def write(share_ratio: Decimal) -> None:
        with sessions.begin() as session:
            after_commit(session, step)
            before_commit(session, lambda session: session.add(TrialRow(share_ratio=share_ratio)))
            assert counted == []

    write(Decimal(1))
    assert counted == [1]
    counted.clear()
    with pytest.raises(sa.exc.IntegrityError):
        write(Decimal(2))
    assert counted == []


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "sqlite://", "sqlite:///:memory:", "not a url"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        open_engine(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        open_engine("mysql://root:hunter2@localhost/x")
    assert "hunter2" not in str(caught.value)


def _together(sessions: Sessions, names: list[str]) -> dict[str, str]:
    """Have each name added by a thread of its own at one time; gives how each came out."""
    outcomes: dict[str, str] = {}
    barrier = threading.Barrier(len(names))

    def add(name: str) -> None:
        def work(session: Session) -> str:
            session.add(TrialRow(id=name, name=name))
            session.flush()
            if name.startswith("bad"):
                raise ZeroDivisionError
            return name

        barrier.wait()
        try:
            given = sessions.together(work)
        except (ZeroDivisionError, Conflict) as error:
            outcomes[name] = type(error).__name__
            return
        with sessions.read() as session:
            assert session.get(TrialRow, given) is not None, "nobody is answered before the commit"
        outcomes[name] = given

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    return outcomes


def test_writers_share_a_commit_and_what_fails_leaves_the_others(sessions: Sessions) -> None:
    good, bad = [f"good {number}" for number in range(12)], [f"bad {number}" for number in range(6)]
    outcomes = _together(sessions, [*good, *bad])
    assert outcomes == {name: name for name in good} | dict.fromkeys(bad, "ZeroDivisionError")
    with sessions.read() as session:
        assert sorted(session.exec(select(TrialRow.id)).all()) == sorted(good)
    with pytest.raises(Conflict):
        sessions.together(lambda session: session.execute(sa.insert(TrialRow).values(id="good 1", name="twice")))


def test_a_transaction_that_the_database_gave_up_is_told_to_all(sqlite_sessions: Sessions) -> None:
    def give_up(session: Session) -> None:
        session.connection().connection.dbapi_connection.execute("ROLLBACK")  # type: ignore[union-attr]  # SQLite's

    with pytest.raises((RuntimeError, OperationalError)):
        sqlite_sessions.together(give_up)


def test_steps_that_follow_are_taken_once_and_only_for_what_was_kept(sessions: Sessions) -> None:
    taken: list[str] = []

    def work(session: Session) -> None:
        after_commit(session, lambda _: taken.append("after"))
        before_commit(session, lambda _: taken.append("before"))

    def fail(session: Session) -> None:
        after_commit(session, lambda _: taken.append("never"))
        raise ZeroDivisionError

    sessions.together(work)
    with pytest.raises(ZeroDivisionError):
        sessions.together(fail)
    assert taken == ["before", "after"]
