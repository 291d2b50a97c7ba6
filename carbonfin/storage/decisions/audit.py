"""What an auditor looks at: a sample of decisions anyone can draw again, and the unconfirmed facts they rest on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions.records import DecisionRecord, record_of
from carbonfin.storage.decisions.rows import DecisionChainRow, DecisionRow, DecisionSealRow

_WINDOW = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSample:
    """Decisions drawn from the latest of a chain.

    Attributes:
        chain_length: How many decisions are sealed in all.
        population: How many the sample was drawn from, the latest.
    """

    chain_length: int
    population: int
    records: tuple[DecisionRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedUse:
    """One unconfirmed fact and the decisions that rest on it, the latest first.

    Attributes:
        key: The parameter with its scope in brackets, or the figure's name where it is no parameter.
    """

    key: str
    label_zh: str
    label_en: str
    note_zh: str
    note_en: str
    records: tuple[DecisionRecord, ...]


def sample_decisions(session: Session, actor: Actor, *, on: date, count: int, window: int = _WINDOW) -> DecisionSample:
    """Draw a sample from the latest decisions of the actor's organisation; the same day draws the same ones.

    Places in the chain are ordered by SHA-256 of day and place, and the first `count` are taken: nobody chooses.
    """
    first, last = _window(session, actor, window)
    places = sorted(range(first, last + 1), key=lambda place: _lot(on, place))[:count]
    return DecisionSample(chain_length=last, population=last - first + 1, records=_records(session, actor, places))


def unconfirmed_uses(session: Session, actor: Actor, *, window: int = _WINDOW) -> tuple[UnconfirmedUse, ...]:
    """Give each unconfirmed fact in the traces of the latest decisions with where it was used, most used first."""
    first, last = _window(session, actor, window)
    found: dict[str, UnconfirmedUse] = {}
    for record in reversed(_records(session, actor, range(first, last + 1))):
        for figure in record.trace:
            if figure.confirmed or figure.formula:
                continue  # a computed figure is unconfirmed through the facts below it
            used = figure.parameter
            key = figure.name if used is None else f"{used.key}[{used.scope}]" if used.scope else used.key
            before = found.get(key)
            if before is not None and before.records[-1].id == record.id:
                continue
            found[key] = UnconfirmedUse(
                key=key,
                label_zh=figure.label_zh,
                label_en=figure.label_en,
                note_zh=figure.note_zh,
                note_en=figure.note_en,
                records=(*(before.records if before is not None else ()), record),
            )
    return tuple(sorted(found.values(), key=lambda use: (-len(use.records), use.key)))


def _window(session: Session, actor: Actor, window: int) -> tuple[int, int]:
    head = session.get(DecisionChainRow, actor.organization_id)
    last = 0 if head is None else head.length
    return max(1, last - window + 1), last


def _lot(on: date, place: int) -> str:
    return hashlib.sha256(f"{on.isoformat()}:{place}".encode()).hexdigest()


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
