"""Sessions: one transaction each, readers that cannot write, writers that wait for each other."""

import threading
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.engine import Sessions, after_commit, before_commit, open_engine
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
        with pytest.raises(Conflict), Sessions(_impatient(path)).begin() as session:
            session.add(TrialRow())


def _impatient(path: Path) -> sa.Engine:
    engine = open_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
    return engine


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
