"""What decisions came to: outcomes of a kind by subject and day, and the decision that stands for each subject."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import DecisionKind
from carbonfin.storage.decisions.records import DecisionRecord, rebuilt, record_of
from carbonfin.storage.decisions.rows import DecisionRow, DecisionSealRow

I = TypeVar("I")  # noqa: E741 - inputs
O = TypeVar("O")  # noqa: E741 - outputs
_OUTCOMES_MAX = 100
_BETWEEN_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOutcome(Generic[O]):
    """What a decision came to, without the inputs it was made from."""

    id: str
    subject: str
    valid_on: date
    outcome: O


def outcomes_before(
    session: Session, actor: Actor, kind: DecisionKind[I, O], *, subject: str, day: date
) -> tuple[KeptOutcome[O], ...]:
    """Give the latest hundred outcomes of a kind on a subject that were valid before a day, the newest day first."""
    asked = (col(DecisionRow.subject) == subject, col(DecisionRow.valid_on) < day)
    newest = (col(DecisionRow.valid_on).desc(), col(DecisionRow.id).desc())
    return _outcomes(session, actor, kind, asked, newest, limit=_OUTCOMES_MAX)


def outcomes_between(
    session: Session, actor: Actor, kind: DecisionKind[I, O], *, subjects_of: str, first: date, last: date
) -> tuple[KeptOutcome[O], ...]:
    """Give the first thousand outcomes of a kind, valid from one day to another, whose subject begins with a text."""
    asked = (
        col(DecisionRow.subject).startswith(subjects_of, autoescape=True),
        col(DecisionRow.valid_on).between(first, last),
    )
    oldest = (col(DecisionRow.valid_on), col(DecisionRow.subject), col(DecisionRow.id))
    return _outcomes(session, actor, kind, asked, oldest, limit=_BETWEEN_MAX)


def _outcomes(
    session: Session, actor: Actor, kind: DecisionKind[I, O], asked: Iterable[Any], order: Iterable[Any], *, limit: int
) -> tuple[KeptOutcome[O], ...]:
    rows = session.exec(
        select(col(DecisionRow.id), col(DecisionRow.subject), col(DecisionRow.valid_on), col(DecisionRow.outputs))
        .where(DecisionRow.organization_id == actor.organization_id, DecisionRow.kind == kind.name, *asked)
        .order_by(*order)
        .limit(limit)
    ).all()
    return tuple(
        KeptOutcome(id=decision_id, subject=subject, valid_on=valid_on, outcome=rebuilt(outputs, kind.outputs))
        for decision_id, subject, valid_on, outputs in rows
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestDecision(Generic[I, O]):
    """The decision of a kind that stands for a subject.

    Attributes:
        sequence: Its place in the organisation's chain; None until it is sealed.
    """

    id: str
    sequence: int | None
    subject: str
    inputs: I
    outcome: O


def latest_decisions(
    session: Session, actor: Actor, kind: DecisionKind[I, O], *, subject: str | None = None
) -> tuple[LatestDecision[I, O], ...]:
    """Give the decision made last for each subject of the actor's organisation, or for one, of any version."""
    ranked = _ranked(
        actor,
        col(DecisionRow.kind) == kind.name,
        sa.true() if subject is None else col(DecisionRow.subject) == subject,
    )
    rows = session.exec(
        select(DecisionRow, ranked.c.sequence)
        .join(ranked, ranked.c.id == DecisionRow.id)
        .where(ranked.c.place == 1)
        .order_by(DecisionRow.subject)
    ).all()
    return tuple(
        LatestDecision(
            id=row.id,
            sequence=sequence,
            subject=row.subject,
            inputs=rebuilt(row.inputs, kind.inputs),
            outcome=rebuilt(row.outputs, kind.outputs),
        )
        for row, sequence in rows
    )


def latest_records(
    session: Session, actor: Actor, kinds: Iterable[DecisionKind[Any, Any]], *, holding: str
) -> tuple[DecisionRecord, ...]:
    """Give the decision made last of each kind and subject of the actor's organisation whose inputs hold a text."""
    ranked = _ranked(actor, col(DecisionRow.kind).in_([kind.name for kind in kinds]))
    rows = session.exec(
        select(DecisionRow, ranked.c.sequence)
        .join(ranked, ranked.c.id == DecisionRow.id)
        .where(ranked.c.place == 1, col(DecisionRow.inputs).contains(holding, autoescape=True))
        .order_by(col(DecisionRow.kind), col(DecisionRow.subject))
    ).all()
    return tuple(record_of(row, sequence) for row, sequence in rows)


def _ranked(actor: Actor, *asked: sa.ColumnElement[bool]) -> sa.Subquery:
    """Give decisions of the actor's organisation with their place by kind and subject: 1 is the one made last."""
    newest = sa.func.row_number().over(
        partition_by=(col(DecisionRow.kind), col(DecisionRow.subject)),
        order_by=(col(DecisionSealRow.sequence).desc().nulls_first(), col(DecisionRow.known_at).desc()),
    )
    return (
        sa.select(
            col(DecisionRow.id).label("id"), col(DecisionSealRow.sequence).label("sequence"), newest.label("place")
        )
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
        .where(col(DecisionRow.organization_id) == actor.organization_id, *asked)
        .subquery()
    )
