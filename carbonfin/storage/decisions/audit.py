"""What an auditor looks at: a sample of decisions anyone can draw again, and the unconfirmed facts they rest on."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import canonical_json
from carbonfin.rules.trace import Figure
from carbonfin.storage.decisions.records import DecisionRecord, record_of
from carbonfin.storage.decisions.rows import DecisionChainRow, DecisionRow, DecisionSealRow
from carbonfin.storage.keyset import KeyValue, Place, Slice
from carbonfin.storage.learned_types import learned

_READ_AT_ONCE = 200
_UNCONFIRMED = '"confirmed":false'
"""What the canonical text of a decision holds where a figure is unconfirmed; the others are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSample:
    """Decisions drawn from a chain.

    Attributes:
        chain_length: How many decisions are sealed in all.
        population: How many the sample was drawn from, the first of the chain.
        seed: What the draw begins with; with the population it gives the same places again.
        records: What was drawn, in the order of the chain.
    """

    chain_length: int
    population: int
    seed: str
    records: tuple[DecisionRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedUse:
    """One unconfirmed fact in one decision.

    Attributes:
        key: The parameter with its scope in brackets, or the figure's name where it is no parameter.
        clause: Document, number and article of a parameter; where an entry came from otherwise.
        grade: How a parameter is known; None for an entry.
        sequence: The decision's place in the chain.
    """

    key: str
    label_zh: str
    label_en: str
    note_zh: str
    note_en: str
    clause: str
    grade: Grade | None
    decision_id: str
    sequence: int
    kind: str
    subject: str
    valid_on: date
    actor_name: str


def sample_decisions(
    session: Session, actor: Actor, *, on: date, count: int, population: int | None = None
) -> DecisionSample:
    """Draw a sample from all sealed decisions of the actor's organisation; nobody chooses, and anybody draws it again.

    Place k = 1 + SHA-256("on:i") mod N for i = 0, 1, 2, …, each place once, until there are `count`: every decision of
    the N is drawn with the same chance (to 2^-200), at a cost that does not grow with the chain.

    Args:
        session: An open session.
        actor: Whose decisions are drawn.
        on: The day whose sample it is: the seed.
        count: How many decisions are drawn.
        population: Draw from the first N of the chain, as an earlier draw did; left out, from all.

    Raises:
        InvalidInput: The chain is not so long.
    """
    length = _length(session, actor)
    if population is not None and population > length:
        raise InvalidInput(
            f"the chain has {length} decisions, a sample of {population} was asked for",
            zh=f"链上共 {length} 项，不足 {population} 项",
            field="population",
            remedy="Leave it out to draw from all.",
            remedy_zh="不填则从全部决定中抽取。",
        )
    drawn_from = length if population is None else population
    places = _drawn(on.isoformat(), count=count, population=drawn_from)
    return DecisionSample(
        chain_length=length, population=drawn_from, seed=on.isoformat(), records=_records(session, actor, places)
    )


def _drawn(seed: str, *, count: int, population: int) -> Sequence[int]:
    if population <= count:
        return range(1, population + 1)
    lots = (int.from_bytes(hashlib.sha256(f"{seed}:{turn}".encode()).digest()) for turn in itertools.count())
    places: dict[int, None] = {}
    while len(places) < count:
        places[1 + next(lots) % population] = None
    return list(places)


def unconfirmed_page(session: Session, actor: Actor, place: Place, *, fact: str = "") -> Slice[UnconfirmedUse]:
    """Give a page of the uses of unconfirmed facts in all sealed decisions, the latest decision first.

    Decisions are read from the page's beginning on until it is full; those that hold nothing unconfirmed are passed
    over in the database.

    Args:
        session: An open session.
        actor: Whose decisions are read.
        place: Where the page begins.
        fact: Only the uses of this fact.

    Raises:
        InvalidInput: The place is of another list.
    """
    after = None if place.after is None else _after(place.after)
    found: list[UnconfirmedUse] = []
    for use in _uses(session, actor, after, fact=fact):
        if after is not None and (use.sequence, use.key) >= after:
            continue
        found.append(use)
        if len(found) > place.limit:
            break
    shown = found[: place.limit]
    last: tuple[KeyValue, ...] | None = (shown[-1].sequence, shown[-1].key) if len(found) > place.limit else None
    return Slice(items=tuple(shown), last=last)


def _after(keys: tuple[KeyValue, ...]) -> tuple[int, str]:
    sequence, key = keys if len(keys) == 2 else (None, None)
    if not isinstance(sequence, int) or not isinstance(key, str):
        raise InvalidInput(
            "after does not name a place of this list",
            zh="after 不是本列表中的位置",
            field="after",
            remedy="Begin again without after.",
            remedy_zh="请不填 after，从头读取。",
        )
    return sequence, key


def latest_unconfirmed(session: Session, actor: Actor, *, window: int) -> tuple[UnconfirmedUse, ...]:
    """Give the uses of unconfirmed facts in the latest decisions of a chain, for a first look."""
    oldest = _length(session, actor) - window
    return tuple(itertools.takewhile(lambda use: use.sequence > oldest, _uses(session, actor, None)))


def unconfirmed_used(session: Session, actor: Actor) -> frozenset[tuple[str, str]]:
    """Give key and digest of each unconfirmed fact any sealed decision rests on; it reads the whole chain.

    What was entered in the decision itself has no digest.
    """
    return frozenset(
        (_key_of(figure), "" if figure.parameter is None else figure.parameter.digest)
        for row in _unconfirmed_decisions(session, actor, _length(session, actor))
        for figure in _unconfirmed_figures(row)
    )


class _Traced(msgspec.Struct, frozen=True):
    """Of a decision's outputs the trace."""

    trace: tuple[Figure, ...] = ()


_TRACES = msgspec.json.Decoder(learned(_Traced))


def _uses(session: Session, actor: Actor, after: tuple[int, str] | None, *, fact: str = "") -> Iterator[UnconfirmedUse]:
    """Give each use, by decision from the latest down, then by fact from the last letter up."""
    upto = _length(session, actor) if after is None else after[0]
    for row in _unconfirmed_decisions(session, actor, upto, fact=fact):
        yield from _uses_of(row, fact)


def _unconfirmed_decisions(session: Session, actor: Actor, upto: int, *, fact: str = "") -> Iterator[sa.Row[Any]]:
    """Give the decisions with an unconfirmed figure, from one of the chain down."""
    while rows := session.execute(_unconfirmed_rows(actor, upto, fact)).all():
        yield from rows
        upto = rows[-1].sequence - 1


def _unconfirmed_rows(actor: Actor, upto: int, fact: str) -> sa.Executable:
    query: Any = (
        sa.select(
            col(DecisionRow.id), col(DecisionSealRow.sequence), col(DecisionRow.kind), col(DecisionRow.subject),
            col(DecisionRow.valid_on), col(DecisionRow.actor_name), col(DecisionRow.outputs),
        )
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id)
        .where(col(DecisionSealRow.organization_id) == actor.organization_id, col(DecisionSealRow.sequence) <= upto)
        .where(col(DecisionRow.outputs).contains(_UNCONFIRMED, autoescape=True))
    )  # fmt: skip
    if fact:
        written = canonical_json(fact.partition("[")[0])[1:-1]
        query = query.where(col(DecisionRow.outputs).contains(written, autoescape=True))
    latest_first: sa.Executable = query.order_by(col(DecisionSealRow.sequence).desc()).limit(_READ_AT_ONCE)
    return latest_first


def _uses_of(row: sa.Row[Any], fact: str) -> Iterable[UnconfirmedUse]:
    found: dict[str, UnconfirmedUse] = {}
    for figure in _unconfirmed_figures(row):
        used, key = figure.parameter, _key_of(figure)
        if key in found or (fact and key != fact):
            continue
        found[key] = UnconfirmedUse(
            key=key, label_zh=figure.label_zh, label_en=figure.label_en, note_zh=figure.note_zh, note_en=figure.note_en,
            clause=figure.source if used is None else used.clause, grade=None if used is None else used.grade,
            decision_id=row.id, sequence=row.sequence, kind=row.kind, subject=row.subject, valid_on=row.valid_on,
            actor_name=row.actor_name,
        )  # fmt: skip
    return [found[key] for key in sorted(found, reverse=True)]


def _unconfirmed_figures(row: sa.Row[Any]) -> Iterator[Figure]:
    """Give the unconfirmed facts of a decision; a computed figure is unconfirmed through the facts below it."""
    return (one for one in _TRACES.decode(row.outputs).trace if not one.confirmed and not one.formula)


def _key_of(figure: Figure) -> str:
    used = figure.parameter
    return figure.name if used is None else f"{used.key}[{used.scope}]" if used.scope else used.key


def _length(session: Session, actor: Actor) -> int:
    head = session.get(DecisionChainRow, actor.organization_id)
    return 0 if head is None else head.length


def _records(session: Session, actor: Actor, places: Iterable[int]) -> tuple[DecisionRecord, ...]:
    rows = session.exec(
        select(DecisionRow, DecisionSealRow.sequence)
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id)
        .where(
            DecisionSealRow.organization_id == actor.organization_id, col(DecisionSealRow.sequence).in_(list(places))
        )
        .order_by(col(DecisionSealRow.sequence))
    ).all()
    return tuple(record_of(row, sequence) for row, sequence in rows)
