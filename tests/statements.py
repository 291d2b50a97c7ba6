"""What a database is asked: every statement that its driver gets, whichever way it went there.

On SQLite the busy paths put their questions to the driver itself, past SQLAlchemy's events; there the driver tells.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from carbonfin.storage.engine import Sessions

_TEXT = re.compile(r"'(?:[^']|'')*'")
_BOUNDS = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")  # of transactions; no driver's event tells these on PostgreSQL


@contextmanager
def statements_of(sessions: Sessions) -> Iterator[list[str]]:
    """Note each statement of the transactions that begin in the block; one over many rows is one."""
    seen: list[str] = []
    asker = sessions._asker  # its connection stands apart from the pool, whose events it does not raise
    driver = None if asker is None else asker._driver or asker._open()
    ways = _of_others(seen) if driver is None else _of_sqlite(seen, driver)
    for event, listener in ways:
        sa.event.listen(sessions.engine, event, listener)
    try:
        yield seen
    finally:
        for event, listener in ways:
            sa.event.remove(sessions.engine, event, listener)
        if driver is not None:
            driver.set_trace_callback(None)


def _of_others(seen: list[str]) -> tuple[tuple[str, Any], ...]:
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    return (("before_cursor_execute", note),)


def _of_sqlite(seen: list[str], apart: sqlite3.Connection) -> tuple[tuple[str, Any], ...]:
    """Have each connection tell what it is asked; the driver tells a statement over many rows once a row."""

    def note(statement: str) -> None:
        # The values stand in what the driver tells; none may be taken for the name of a table.
        if not statement.startswith((*_BOUNDS, "--")):
            seen.append(_TEXT.sub("?", statement))

    def begin(driver: sqlite3.Connection, *_: Any) -> None:
        driver.set_trace_callback(note)

    def end(driver: sqlite3.Connection, *_: Any) -> None:
        driver.set_trace_callback(None)

    def begin_many(connection: Any, _: Any, statement: str, __: Any, ___: Any, many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's own order
        if many:
            seen.append(statement)
            end(connection.connection.driver_connection)

    def end_many(connection: Any, _: Any, __: str, ___: Any, ____: Any, many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's own order
        if many:
            begin(connection.connection.driver_connection)

    begin(apart)
    return (
        ("checkout", begin), ("checkin", end), ("before_cursor_execute", begin_many),
        ("after_cursor_execute", end_many),
    )  # fmt: skip
