"""What is made of rows, made once for as long as every bit of them is the same; and what is made of that in turn."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.storage import columns
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.prepared import bits_of

T = TypeVar("T")
_ROWS_MAX = 50_000
_MADE_MAX = 256


class KeptRows(Generic[T]):
    """Asks for rows as the driver gives them, and gives what was made of the very same rows before.

    Every request of a busy route reads a rulebook that changes once a month. Little of what this costs is the question;
    most is giving each value its type and building the book. The rows are still asked for each time, and what was made
    of them is kept under all their bits, so that a value edited behind the database's guards is another value here.
    """

    def __init__(
        self,
        question: sa.Select[Any],
        make: Callable[[Sequence[sa.Row[Any]], Any], T],
        *,
        tells_order: bool = False,
    ) -> None:
        """Keep what `make` makes of the rows that answer a question, given with what else it hangs on.

        Args:
            question: Gives the rows in their order.
            make: Makes a value of them.
            tells_order: Whether all by which they are ordered is asked for: the same rows then stand in the same order,
                and need not be put in it to see that they are the same.
        """
        self._question = question
        bare = [_bare(column) for column in question.selected_columns]
        self._bare = question.with_only_columns(*bare)
        if tells_order:
            self._bare = self._bare.order_by(None)
        # SQLite writes a row's text in half the time in which the driver makes its values one by one
        self._bare_on_sqlite = self._bare.with_only_columns(sa.func.json_array(*bare))
        self._make = make
        self._kept: dict[Hashable, T] = {}
        self._row_count = 0

    def made(self, session: Session, values: Mapping[str, Any], also: Hashable = ()) -> T:
        """Give what is made of the rows for some values of the question's parameters.

        Args:
            session: An open session.
            values: The parameters of the question.
            also: What else it is made of.

        Raises:
            Exception: What making it raised; nothing is kept then.
        """
        bits = self._bits(session, values)
        found = self._kept.get((also, bits))
        if found is None:
            found = self._make(execute_prepared(session, self._question, values).all(), also)
            # Between two statements of a writer on PostgreSQL the rows may change: what was made is not kept then.
            if self._bits(session, values) == bits:
                self._keep((also, bits), found, row_count=1 + len(bits))
        return found

    def _bits(self, session: Session, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], ...]:
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        return bits_of(session, self._bare_on_sqlite if is_sqlite else self._bare, values)

    def _keep(self, key: Hashable, made: T, *, row_count: int) -> None:
        if row_count > _ROWS_MAX:
            return
        if self._row_count + row_count > _ROWS_MAX:
            self._kept, self._row_count = {}, 0
        self._kept[key] = made
        self._row_count += row_count


class KeptMade(Generic[T]):
    """Gives what was made of the very same objects before, such as values of a book that `KeptRows` keeps.

    Objects are told apart by identity: to compare a table with another cell by cell takes longer than to make anew.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[object, ...], T]] = {}

    def made(self, parts: tuple[object, ...], also: Hashable, make: Callable[[], T]) -> T:
        """Give what `make` makes of some objects that never change, and of what else is compared by value.

        Raises:
            Exception: What making it raised; nothing is kept then.
        """
        key = (also, *map(id, parts))
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MADE_MAX:
                self._kept = {}
            found = self._kept[key] = (parts, make())  # the parts are held: no other object takes their identity
        return found[1]


def _bare(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Give a column without its type's conversions; JSON as text, since a list cannot be a key."""
    return (
        sa.cast(column, sa.Text) if isinstance(column.type, columns.Json) else sa.type_coerce(column, sa.types.NULLTYPE)
    )
