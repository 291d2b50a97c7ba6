"""Questions of the busiest paths, compiled once and put to SQLite's own driver.

SQLAlchemy looks a statement up, binds its values and wraps its cursor anew each time, which costs many times what
SQLite takes to answer from memory. Here the compiled text, what makes each value and what makes each row are kept with
the statement, which is built once. Values and rows go through the very same column types.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlmodel import Session

_Process = Callable[[Any], Any] | None
_READING = "carbonfin_reading_driver"
_REMEMBERED_ROWS_MAX = 500


class Prepared:
    """A question as SQLite's driver takes it."""

    def __init__(self, question: sa.Select[Any], dialect: Dialect) -> None:
        """Compile a question whose parameters are all single values."""
        compiled = question.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler), "a SELECT is compiled to SQL"
        assert not compiled.post_compile_params, "a list among the parameters is another text each time"
        self.text = str(compiled)
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        self._values = tuple(
            (bind.key, bind.required, bind.effective_value, _binds(bind.type, dialect)) for bind in binds
        )
        asked = question.selected_columns
        self._gives = SimpleResultMetaData(asked.keys())
        self._processes = tuple(_reads(column.type, dialect) for column in asked)

    def rows(self, bits: Sequence[tuple[Any, ...]]) -> sa.Result[Any]:
        """Give rows of what the driver gave, each value through its column's type."""
        processes = self._processes
        made = [
            tuple([value if process is None else process(value) for value, process in zip(row, processes, strict=True)])
            for row in bits
        ]
        return IteratorResult(self._gives, iter(made))

    def bits(self, driver: sqlite3.Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Give the rows as the driver gives them.

        Raises:
            DBAPIError: The database refused, told in SQLAlchemy's words.
        """
        return put_to(driver, self.text, self.bound(values))

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """Give the values of the question's parameters as the driver takes them, in their order.

        Raises:
            KeyError: One was not given.
        """
        given = [
            (values[name] if is_asked else values.get(name, constant), process)
            for name, is_asked, constant, process in self._values
        ]
        return [value if process is None else process(value) for value, process in given]


def prepared(question: sa.Select[Any], dialect: Dialect) -> Prepared:
    """Give what was prepared of a question before; a question is built once, where its module is."""
    found = _PREPARED.get(question)
    if found is None:
        found = _PREPARED[question] = Prepared(question, dialect)
    return found


def bits_of(session: Session, question: sa.Select[Any], values: Mapping[str, Any]) -> tuple[tuple[Any, ...], ...]:
    """Give the rows that answer a question built once as the driver gives them, past their columns' types."""
    asked = driver_for(session)
    if asked is not None:
        return tuple(asked.bits(prepared(question, asked.dialect), values))
    with session.connection().execute(question, values) as result:
        assert result.cursor is not None, "a question has an answer"
        return tuple(result.cursor.fetchall())


@dataclass(frozen=True, slots=True)
class AskedDriver:
    """The driver's own connection of a transaction on SQLite, and how values go through it.

    Attributes:
        driver: The connection.
        dialect: How values go through it.
        answers: In a transaction that sees one state of the database, what it answered to each question and its values:
            those who share the transaction ask most of them again. None in one that writes.
    """

    driver: sqlite3.Connection
    dialect: Dialect
    answers: dict[tuple[Any, ...], list[tuple[Any, ...]]] | None = None

    def rows(self, question: sa.Select[Any], values: Mapping[str, Any]) -> sa.Result[Any]:
        """Give the rows that answer a question, each value through its column's type."""
        known = prepared(question, self.dialect)
        return known.rows(self.bits(known, values))

    def bits(self, question: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Give the rows that answer a question as the driver gives them."""
        if self.answers is None:
            return question.bits(self.driver, values)
        bound = question.bound(values)
        asked = (question, *bound)
        found = self.answers.get(asked)
        if found is None:
            found = put_to(self.driver, question.text, bound)
            if len(found) <= _REMEMBERED_ROWS_MAX:
                self.answers[asked] = found
        return found


def remember_driver(session: Session, connection: sa.Connection) -> None:
    """Let questions of a session that only reads go to the driver at once: asking the session for it costs as much."""
    session.info[_READING] = AskedDriver(driver_of(connection), connection.dialect, answers={})


def driver_for(session: Session) -> AskedDriver | None:
    """Give where a session's questions go, once what it has yet to write is written; None on PostgreSQL."""
    remembered: AskedDriver | None = session.info.get(_READING)
    if remembered is not None:
        return remembered
    session.flush()
    connection = session.connection()
    return AskedDriver(driver_of(connection), connection.dialect) if connection.dialect.name == "sqlite" else None


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """Give the driver's own connection of an open one on SQLite."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def put_to(driver: sqlite3.Connection, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Put a statement to the driver, its values as they are kept, and give its rows.

    Raises:
        DBAPIError: The database refused, told in SQLAlchemy's words.
    """
    try:
        return driver.execute(text, values).fetchall()
    except sqlite3.Error as error:
        raise told_by_sqlite(error, text) from error


def add_lines(
    driver: sqlite3.Connection, text: str, lines: Sequence[Sequence[Any]], *, ending: str = ""
) -> list[tuple[Any, ...]]:
    """Insert lines by one statement; its text ends with the word VALUES, or with the places of one line."""
    if not lines:
        return []
    beginning = text[: text.index("VALUES") + len("VALUES")]
    places = f"({', '.join('?' * len(lines[0]))})"
    values = [value for line in lines for value in line]
    return put_to(driver, f"{beginning} {', '.join([places] * len(lines))}{ending}", values)


def told_by_sqlite(error: sqlite3.Error, text: str) -> DBAPIError:
    """Give what SQLAlchemy raises where the driver raises this; the values stay out of it."""
    told = DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True)
    return cast("DBAPIError", told)


_PREPARED: WeakKeyDictionary[sa.Select[Any], Prepared] = WeakKeyDictionary()


def _binds(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Process:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reads(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Process:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
