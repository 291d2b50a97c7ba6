"""One worker at a time for a database, by a lock that the machine itself takes away from a process that dies.

PostgreSQL holds an advisory lock for as long as the worker's connection lives; beside a SQLite file the kernel holds a
lock on a file of its own. Neither outlives a `kill -9`, so the next worker need not wait for a time to run out.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

_ADVISORY_LOCK = 7_242_532  # beside the migrations' own number
_TRY = sa.text("SELECT pg_try_advisory_lock(:number)")
_GIVE_BACK = sa.text("SELECT pg_advisory_unlock(:number)")
_HELD_BY_ME = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :number AND pid = pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted"
)
_HELD = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :number "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted"
)

StillMine = Callable[[], bool]
"""Says whether the lock is still held; a worker that has lost it must stop."""


@contextmanager
def sole_worker(engine: sa.Engine) -> Iterator[StillMine | None]:
    """Hold the worker's lock for a block; gives None where another worker holds it."""
    holding = _advisory_lock(engine) if engine.dialect.name == "postgresql" else _file_lock(lock_file(engine))
    with holding as still_mine:
        yield still_mine


def is_worker_alive(engine: sa.Engine) -> bool:
    """Whether some process holds the worker's lock just now."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            return bool(connection.execute(_HELD, {"number": _ADVISORY_LOCK}).scalar_one())
    file = lock_file(engine)
    if not file.exists():
        return False
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lock_file(engine: sa.Engine) -> Path:
    """Give the file beside a SQLite database whose lock the worker holds."""
    assert engine.url.database, "SQLite has a file"
    return Path(f"{engine.url.database}.worker")


@contextmanager
def _file_lock(file: Path) -> Iterator[StillMine | None]:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield lambda: True
    finally:
        os.close(handle)


@contextmanager
def _advisory_lock(engine: sa.Engine) -> Iterator[StillMine | None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A worker whose machine is gone is noticed by its silence, in less than half a minute.
        for name, value in (("tcp_keepalives_idle", 10), ("tcp_keepalives_interval", 5), ("tcp_keepalives_count", 3)):
            connection.exec_driver_sql(f"SET {name} = {value}")
        if not connection.execute(_TRY, {"number": _ADVISORY_LOCK}).scalar_one():
            yield None
            return

        def still_mine() -> bool:
            try:
                return bool(connection.execute(_HELD_BY_ME, {"number": _ADVISORY_LOCK}).scalar_one())
            except SQLAlchemyError:
                return False

        try:
            yield still_mine
        finally:
            # A server notices a closed connection a little later; the next worker may ask at once.
            with suppress(SQLAlchemyError):
                connection.execute(_GIVE_BACK, {"number": _ADVISORY_LOCK})
            connection.invalidate()  # closed, not pooled: a lock not given back goes with the connection
