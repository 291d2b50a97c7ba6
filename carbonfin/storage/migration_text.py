"""How our tables are written into migrations, which must run without our code: plain SQLAlchemy types and SQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from carbonfin.storage import columns
from carbonfin.storage.spans import Apart, apart_statements, no_longer_apart_statements

_ON_SQLITE_INTEGER = '.with_variant(sa.Integer(), "sqlite")'
_ON_SQLITE_TEXT = '.with_variant(sa.Text(), "sqlite")'
_POSTGRESQL = "from sqlalchemy.dialects import postgresql"
_ENGINES = ("sqlite", "postgresql")
_COLLATION = ' COLLATE "C"'


class AppendOnlyOp(ops.MigrateOperation):
    """Guards a table that was just created."""

    def __init__(self, table_name: str) -> None:
        self.table_name = table_name


class NoLongerAppendOnlyOp(ops.MigrateOperation):
    """Removes what is left of the guard of a table that was just dropped."""

    def __init__(self, table_name: str) -> None:
        self.table_name = table_name


class ApartOp(ops.MigrateOperation):
    """Keeps spans of a table that was just created apart."""

    def __init__(self, table_name: str, apart: Apart) -> None:
        self.table_name = table_name
        self.apart = apart


class NoLongerApartOp(ops.MigrateOperation):
    """Removes what is left of the spans of a table that was just dropped."""

    def __init__(self, table_name: str) -> None:
        self.table_name = table_name


@renderers.dispatch_for(AppendOnlyOp)
def _render_append_only(_: AutogenContext, operation: AppendOnlyOp) -> str:
    return f'append_only("{operation.table_name}")'


@renderers.dispatch_for(NoLongerAppendOnlyOp)
def _render_no_longer_append_only(_: AutogenContext, operation: NoLongerAppendOnlyOp) -> str:
    return f'no_longer_append_only("{operation.table_name}")'


@renderers.dispatch_for(ApartOp)
def _render_apart(_: AutogenContext, operation: ApartOp) -> str:
    by_engine = {name: apart_statements(operation.table_name, operation.apart, name) for name in _ENGINES}
    return f"[op.execute(statement) for statement in {by_engine!r}[op.get_context().dialect.name]]"


@renderers.dispatch_for(NoLongerApartOp)
def _render_no_longer_apart(_: AutogenContext, operation: NoLongerApartOp) -> str:
    by_engine = {name: no_longer_apart_statements(operation.table_name, name) for name in _ENGINES}
    return f"[op.execute(statement) for statement in {by_engine!r}[op.get_context().dialect.name]]"


def keep_guards(_context: Any, _revision: Any, directives: list[ops.MigrationScript]) -> None:
    """Put the guards of tables, append-only and of spans, into a drafted migration, behind their tables."""
    for script in directives:
        if script.upgrade_ops is None or script.downgrade_ops is None:
            continue
        created = [one for one in script.upgrade_ops.ops if isinstance(one, ops.CreateTableOp)]
        guarded = {one.table_name for one in created if one.info.pop("append_only", False)}
        spans = {one.table_name: one.info.pop("apart") for one in created if "apart" in one.info}
        script.upgrade_ops.ops[:] = _followed(
            script.upgrade_ops.ops,
            ops.CreateTableOp,
            {name: [AppendOnlyOp(name)] for name in guarded}
            | {name: [ApartOp(name, apart)] for name, apart in spans.items()},
        )
        script.downgrade_ops.ops[:] = _followed(
            script.downgrade_ops.ops,
            ops.DropTableOp,
            {name: [NoLongerAppendOnlyOp(name)] for name in guarded}
            | {name: [NoLongerApartOp(name)] for name in spans},
        )


def _followed(
    operations: Iterable[ops.MigrateOperation],
    kind: type[ops.CreateTableOp] | type[ops.DropTableOp],
    followers: Mapping[str, Sequence[ops.MigrateOperation]],
) -> list[ops.MigrateOperation]:
    result: list[ops.MigrateOperation] = []
    for operation in operations:
        result.append(operation)
        if isinstance(operation, kind):
            result += followers.get(operation.table_name, ())
    return result


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write a column type or a bound as plain SQLAlchemy, right on both engines; False leaves it to Alembic."""
    if kind == "type":
        return _rendered_type(item, context)
    if kind == "check" and "within" in getattr(item, "info", {}):
        bounds = item.info["within"]
        arguments = f'"{bounds["column"]}", low="{bounds["low"]}", high="{bounds["high"]}", scale={bounds["scale"]}'
        return f'sa.CheckConstraint(within({arguments}), name=op.f("{_final_name(item, context)}"))'
    return False


def types_differ(
    context: Any, _inspected_column: Any, _metadata_column: Any, inspected_type: Any, metadata_type: Any
) -> bool:
    """Say whether a column's type in the database is not the one its table declares."""
    dialect = context.dialect
    spelled = [
        kind.compile(dialect=dialect).upper().replace(_COLLATION, "") for kind in (inspected_type, metadata_type)
    ]  # fmt: skip
    return bool(spelled[0] != spelled[1])


def _rendered_type(kind: Any, context: AutogenContext) -> str | Literal[False]:
    if isinstance(kind, columns.ExactDecimal):
        return f"sa.Numeric({kind.precision}, {kind.scale}){_ON_SQLITE_INTEGER}"
    if isinstance(kind, columns.Whole):
        return f"sa.BigInteger(){_ON_SQLITE_INTEGER}"
    if isinstance(kind, columns.Flag):
        return f"sa.Boolean(){_ON_SQLITE_INTEGER}"
    if isinstance(kind, columns.Instant):
        return f"sa.DateTime(timezone=True){_ON_SQLITE_TEXT}"
    if isinstance(kind, columns.Day):
        return f"sa.Date(){_ON_SQLITE_TEXT}"
    if isinstance(kind, columns.Content):
        return "sa.LargeBinary()"
    if isinstance(kind, columns.Text | columns.Code | columns.Json):
        context.imports.add(_POSTGRESQL)
        own = "postgresql.JSONB()" if isinstance(kind, columns.Json) else 'postgresql.TEXT(collation="C")'
        return f'sa.Text().with_variant({own}, "postgresql")'
    return False


def _final_name(constraint: sa.CheckConstraint, context: AutogenContext) -> str:
    """Give the name the convention makes, so that the migration does not depend on the convention."""
    assert context.dialect is not None
    name = context.dialect.identifier_preparer.format_constraint(constraint)
    assert name is not None
    return name.strip('"')
