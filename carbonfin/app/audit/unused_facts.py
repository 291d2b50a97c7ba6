"""Unconfirmed facts of the rulebook that no decision rests on yet: values of parameters and rows of decision tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.app.rulebook.parameter_list import whole_book
from carbonfin.kernel.actors import Actor
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import unconfirmed_used
from carbonfin.storage.rulebook import table_book_for
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedFact:
    """What nobody has compared with its document yet, named as a trace names it.

    Attributes:
        key: The parameter with its scope, or the table with its row.
        digest: Of the value, or of the whole table: several of one key are told apart by it.
    """

    key: str
    digest: str
    title: Text
    grade: Grade
    clause: str
    valid_from: date
    known_from: date


def unused_facts(session: Session, actor: Actor, *, fact: str = "") -> tuple[UnconfirmedFact, ...]:
    """Give each unconfirmed fact of the rulebook that no sealed decision rests on, by key and days.

    Args:
        session: An open session.
        actor: Whose rulebook and decisions are read.
        fact: Only the facts of this key.
    """
    waiting = [one for one in (*_values(session, actor), *_rows(session, actor)) if not fact or one.key == fact]
    used = unconfirmed_used(session, actor) if waiting else frozenset()
    unused = {(one.key, one.digest): one for one in waiting if (one.key, one.digest) not in used}
    return tuple(sorted(unused.values(), key=lambda one: (one.key, one.valid_from, one.known_from, one.digest)))


def _values(session: Session, actor: Actor) -> Iterator[UnconfirmedFact]:
    for one in whole_book(session, actor).values():
        if not one.confirmed:
            key = f"{one.key}[{one.scope}]" if one.scope else one.key
            yield UnconfirmedFact(
                key=key, digest=one.digest, title=Text(one.title_zh or key, one.title_en or key), grade=one.grade,
                clause=one.clause, valid_from=one.valid_from, known_from=one.known_from,
            )  # fmt: skip


def _rows(session: Session, actor: Actor) -> Iterator[UnconfirmedFact]:
    book = table_book_for(session, actor.organization_id, builtin=BUILTIN_TABLES)
    for name in book.names():
        for version in book.versions(name):
            yield from _rows_of(version)


def _rows_of(version: TableVersion) -> Iterator[UnconfirmedFact]:
    table = version.table
    for row in table.rows:
        if not row.clause.confirmed:
            yield UnconfirmedFact(
                key=f"{table.name}[{row.id}]", digest=table.digest,
                title=Text(f"{table.title_zh} {row.id}", f"{table.title_en} {row.id}"), grade=row.clause.grade,
                clause=row.clause.line, valid_from=version.valid_from, known_from=version.known_from,
            )  # fmt: skip
