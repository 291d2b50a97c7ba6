"""Spans of whole numbers that must stay apart, held by the database itself.

PostgreSQL holds them by an exclusion constraint. Equality of text in a GiST index would need the extension btree_gist,
which not every installation may create; so the key and the bounds are composed to a range of texts: the key's parts
divided by a bar, then the number in nineteen digits. Texts between two such bounds begin with the same key, as no part
holds a bar. SQLite has one writer at a time, so a trigger that looks before it lets a row in makes the same promise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# ruff: noqa: S608 - names of our own tables and columns
_DIGITS = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Which rows of a table keep their spans apart; given as `__table_args__ = {"info": {"apart": Apart(…)}}`.

    Attributes:
        key: Columns of text within whose common value spans may not overlap; none of them may hold a bar.
        first: Column of the first number of a row's span.
        last: Column of the last, included.
        among: By name, a condition on `{row}`; rows that meet one keep apart from one another.
    """

    key: tuple[str, ...]
    first: str
    last: str
    among: Mapping[str, str]


def apart_statements(table: str, apart: Apart, dialect_name: str) -> tuple[str, ...]:
    """Give the statements by which the database refuses spans that overlap."""
    return _triggers(table, apart) if dialect_name == "sqlite" else _constraints(table, apart)


def no_longer_apart_statements(table: str, dialect_name: str) -> tuple[str, ...]:
    """Give the statements that remove what a dropped table leaves behind."""
    return () if dialect_name == "sqlite" else (f"DROP TYPE {table}_span",)


def _constraints(table: str, apart: Apart) -> tuple[str, ...]:
    key = " || '|' || ".join(apart.key)
    bounds = ", ".join(f"{key} || '|' || lpad({end}::text, {_DIGITS}, '0')" for end in (apart.first, apart.last))
    return (
        f'CREATE TYPE {table}_span AS RANGE (SUBTYPE = text, COLLATION = "C")',
        *(
            f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_{name} EXCLUDE USING gist "
            f"({table}_span({bounds}, '[]') WITH &&) WHERE ({condition.format(row=table)})"
            for name, condition in apart.among.items()
        ),
    )


def _triggers(table: str, apart: Apart) -> tuple[str, ...]:
    same = " AND ".join(f"other.{column} = NEW.{column}" for column in apart.key)
    meets = f"other.{apart.first} <= NEW.{apart.last} AND NEW.{apart.first} <= other.{apart.last}"
    return tuple(
        f"CREATE TRIGGER {table}_{name}_{verb.lower()} BEFORE {verb} ON {table} "
        f"WHEN {condition.format(row='NEW')} AND EXISTS (SELECT 1 FROM {table} AS other "
        f"WHERE {same} AND {meets} AND other.id <> NEW.id AND {condition.format(row='other')}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} spans overlap'); END"
        for name, condition in apart.among.items()
        for verb in ("INSERT", "UPDATE")
    )
