"""What every table row shares: metadata with named constraints, exact types, STRICT tables, append-only triggers."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from carbonfin.storage import columns
from carbonfin.storage.spans import apart_statements, no_longer_apart_statements
from carbonfin.storage.texts import are_plain_texts

_ID_BYTES = 16
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)

_OWN_TYPES = (
    columns.ExactDecimal, columns.Whole, columns.Flag, columns.Instant, columns.Day, columns.Text, columns.Code,
    columns.Json, columns.Content,
)  # fmt: skip
_EXACT_FOR: tuple[tuple[type[Any], type[Any]], ...] = (
    (AutoString, columns.Text),
    (sa.String, columns.Text),
    (sa.Boolean, columns.Flag),
    (sa.Integer, columns.Whole),
    (UTCDateTime, columns.Instant),
    (sa.DateTime, columns.Instant),
    (sa.Date, columns.Day),
    (sa.JSON, columns.Json),
)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """A table row; subclass it with `table=True` in a `models.py`.

    The table's name is the class's in snake case without `Row`. Plain annotations get exact column types; a `Decimal`
    must say which: `Field(sa_type=columns.Amount)`. Rows do not validate: only `store.py` makes and reads them.
    A table with `__table_args__ = {"info": {"append_only": True}}` refuses UPDATE and DELETE in the database;
    one with `"apart"` there refuses spans that overlap (see `carbonfin.storage.spans`).
    """

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy hands the class in
        """Give the table's name."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("Row"))
        return words.lower()


def table_of(row: type[Row]) -> sa.Table:
    """Give the table of a row class, for queries of the busiest paths: built once, they make no row objects."""
    return cast("sa.Table", row.__table__)  # type: ignore[attr-defined]  # SQLAlchemy sets it


def new_id() -> str:
    """Give a fresh random identifier (UUID 4) as text."""
    return _uuid4_text(os.urandom(_ID_BYTES).hex())


def new_ids(count: int) -> list[str]:
    """Give many fresh random identifiers, in order: rows written by them fill an index from one end to the other."""
    drawn, width = os.urandom(_ID_BYTES * count).hex(), 2 * _ID_BYTES
    return sorted([_uuid4_text(drawn[start : start + width]) for start in range(0, len(drawn), width)])


def _uuid4_text(digits: str) -> str:
    """Write 32 random hexadecimal digits as RFC 9562 has it; `uuid.UUID` takes four times as long."""
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


@event.listens_for(sa.Column, "before_parent_attach")
def _give_exact_type(column: sa.Column[Any], table: sa.Table) -> None:
    """Give a plainly annotated column the type that is exact on both engines."""
    if table.metadata is not metadata or isinstance(column.type, _OWN_TYPES):
        return
    if isinstance(column.type, sa.Enum) and column.type.enum_class is not None:
        column.type = columns.Code(column.type.enum_class)  # type: ignore[arg-type]  # StrEnum by the style guide
        return
    for plain, exact in _EXACT_FOR:
        if isinstance(column.type, plain):
            column.type = exact()
            return
    if not isinstance(column.type, sa.types.NullType):
        raise columns.WrongValueType(
            f"{table.name}.{column.name}: name an exact type, sa_type=columns.Amount, Price, Ratio or Quantity"
        )


@event.listens_for(sa.Table, "after_parent_attach")
def _make_strict(table: sa.Table, parent: sa.MetaData) -> None:
    """Have SQLite check types as PostgreSQL does."""
    if parent is metadata:
        table.kwargs["sqlite_strict"] = True


def append_only_statements(table_name: str, dialect_name: str) -> tuple[str, ...]:
    """Give the statements by which the database itself refuses to change or remove a row of the table."""
    refusal = f"{table_name} is append-only"
    if dialect_name == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table_name}_no_{verb.lower()} BEFORE {verb} ON {table_name} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("UPDATE", "DELETE")
        )
    function = f"{table_name}_refuse()"
    return (
        f"""CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        f"""CREATE TRIGGER {table_name}_no_change BEFORE UPDATE OR DELETE ON {table_name}
        FOR EACH ROW EXECUTE FUNCTION {function}""",
        f"""CREATE TRIGGER {table_name}_no_truncate BEFORE TRUNCATE ON {table_name}
        FOR EACH STATEMENT EXECUTE FUNCTION {function}""",
    )


@event.listens_for(sa.Table, "after_create")
def _guard_append_only(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Put the triggers on a table that is declared append-only."""
    if table.metadata is metadata and table.info.get("append_only"):
        for statement in append_only_statements(table.name, connection.dialect.name):
            connection.exec_driver_sql(statement)


@event.listens_for(sa.Table, "after_create")
def _keep_apart(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Put the guards on a table whose spans stay apart."""
    if table.metadata is metadata and "apart" in table.info:
        for statement in apart_statements(table.name, table.info["apart"], connection.dialect.name):
            connection.exec_driver_sql(statement)


@event.listens_for(sa.Table, "after_drop")
def _drop_apart(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Remove the type of the spans, which PostgreSQL keeps when its table goes."""
    if table.metadata is metadata and "apart" in table.info:
        for statement in no_longer_apart_statements(table.name, connection.dialect.name):
            connection.exec_driver_sql(statement)


@event.listens_for(sa.Table, "after_drop")
def _drop_append_only(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Remove the trigger function, which PostgreSQL keeps when its table goes."""
    if table.metadata is metadata and table.info.get("append_only") and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP FUNCTION {table.name}_refuse()")


def insert_many(
    session: Session,
    row: type[Row],
    values: Sequence[Mapping[str, Any]],
    *,
    same: Mapping[str, Any] | None = None,
    storable: Collection[str] = (),
) -> None:
    """Insert many rows by one statement, each value through its column's own type.

    SQLAlchemy prepares every row of a bulk insert anew; here each column's processor is asked once, and a value that is
    the same object as in the row before is not processed again. All rows name the same columns, and name all that have
    no default in the database: defaults of the row class are not applied.

    Args:
        session: The transaction.
        row: The table.
        values: What differs from row to row.
        same: Columns whose value is the same in all rows.
        storable: Columns whose texts are made of what was stored before, so that they are not looked at again.
    """
    if not values:
        return
    connection = session.connection()
    made = insertion(row, values, connection.dialect, same=same, storable=storable)
    lines: Any = made.lines if made.has_places else [dict(zip(made.names, line, strict=True)) for line in made.lines]
    connection.exec_driver_sql(made.text, lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Rows as the driver takes them.

    Attributes:
        text: Of the statement that inserts one.
        names: The columns in the order of the values of a line.
        has_places: Whether the statement takes its values by place, as SQLite's does, or by name.
    """

    text: str
    names: tuple[str, ...]
    has_places: bool
    lines: list[tuple[Any, ...]]


def insertion(
    row: type[Row],
    values: Sequence[Mapping[str, Any]],
    dialect: Dialect,
    *,
    same: Mapping[str, Any] | None = None,
    storable: Collection[str] = (),
) -> Insertion:
    """Make rows ready for the driver; arguments are those of `insert_many`."""
    plan = _plan(table_of(row), (*values[0], *(same or ())), dialect)
    ready = {name: [plan.ready(name, value)] * len(values) for name, value in (same or {}).items()}
    for name in values[0]:
        column = [one[name] for one in values]
        ready[name] = column if name in storable else plan.all_ready(name, column)
    lines = list(zip(*[ready[name] for name in plan.order], strict=True))
    return Insertion(text=plan.text, names=plan.order, has_places=plan.has_places, lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How rows of some columns are inserted: made once for each list of columns.

    Attributes:
        text: Of the statement that inserts one.
        order: The columns in the order of the statement's parameters.
        has_places: Whether these have places instead of names.
        processors: Whether a column holds texts, and what makes its values ready.
    """

    text: str
    order: tuple[str, ...]
    has_places: bool
    processors: dict[str, tuple[bool, Callable[[Any], Any] | None]]

    def ready(self, name: str, value: Any) -> Any:
        """Give a value as the driver takes it."""
        is_text, process = self.processors[name]
        if process is None or (is_text and (value is None or (type(value) is str and value.isprintable()))):
            return value
        return process(value)

    def all_ready(self, name: str, values: list[Any]) -> list[Any]:
        """Give the values of a column as the driver takes them."""
        if len(values) == 1:
            return [self.ready(name, values[0])]
        is_text, process = self.processors[name]
        if process is None or (is_text and are_plain_texts(values)):
            return values
        return _processed(process, values)


_PLANS: dict[tuple[str, str, tuple[str, ...]], _Plan] = {}


def _plan(table: sa.Table, names: tuple[str, ...], dialect: Dialect) -> _Plan:
    key = (dialect.name, table.name, names)
    found = _PLANS.get(key)
    if found is None:
        bound = {name: sa.bindparam(name, type_=table.c[name].type) for name in names}
        statement = sa.insert(table).values(bound).compile(dialect=dialect)
        places = tuple(statement.positiontup or ())
        processors = {name: _processor(table.c[name], dialect) for name in names}
        found = _PLANS[key] = _Plan(
            text=str(statement), order=places or names, has_places=bool(places), processors=processors
        )
    return found


def _processor(column: sa.Column[Any], dialect: Dialect) -> tuple[bool, Callable[[Any], Any] | None]:
    """Tell whether a column holds texts, and give what makes its values ready."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    return isinstance(column.type, columns.Text), process


def _processed(process: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    found, before, after = [], object(), None
    for value in values:
        if value is not before:
            before, after = value, process(value)
        found.append(after)
    return found
