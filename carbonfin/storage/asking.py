"""Questions of one row that every request asks, on one connection kept for them.

Whose key is this, is the market still the same: SQLite answers such a question from memory in a few microseconds, a
tenth of what it takes to check a connection out of the pool and back. Readers of a database in WAL wait for nobody, so
the event loop itself may ask, which spares the way to a thread and back.
"""

import sqlite3
import threading
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event

from carbonfin.storage.prepared import Prepared, prepared

_ROWS_MAX = 1_000


class Asker:
    """The connection, opened when it is first asked and closed with the engine; threads take turns."""

    def __init__(self, engine: sa.Engine) -> None:
        """Ask a SQLite database."""
        self._engine = engine
        self._turn = threading.Lock()
        self._driver: sqlite3.Connection | None = None
        self._rows: dict[tuple[Prepared, tuple[Any, ...]], sa.Row[Any]] = {}  # by their bits
        event.listen(engine, "engine_disposed", self._close)

    def ask(self, question: sa.Select[Any], values: Mapping[str, Any]) -> sa.Row[Any] | None:
        """Give the one row that answers a question built once, None where there is none.

        Raises:
            DBAPIError: The database refused, told in SQLAlchemy's words.
            MultipleResultsFound: There are several.
        """
        known = prepared(question, self._engine.dialect)
        with self._turn:
            found = known.bits(self._driver or self._open(), values)
        if not found:
            return None
        row = self._rows.get((known, found[0])) if len(found) == 1 else None
        if row is None:
            row = known.rows(found).one()
            if len(self._rows) >= _ROWS_MAX:
                self._rows.clear()
            self._rows[known, found[0]] = row
        return row

    def _open(self) -> sqlite3.Connection:
        pooled = self._engine.raw_connection()
        driver = cast("sqlite3.Connection", pooled.driver_connection)
        pooled.detach()
        driver.execute("PRAGMA query_only = ON")
        self._driver = driver
        return driver

    def _close(self, _: sa.Engine) -> None:
        with self._turn:
            if self._driver is not None:
                self._driver.close()
                self._driver = None
