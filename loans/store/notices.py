"""Notices of loan notes and their risk classes at rest."""

import json
from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import canonical
from carbonfin.storage.decisions import rebuilt
from loans.calc.notes import LoanNote
from loans.calc.servicing.classification import Classification
from loans.calc.servicing.notices import LoanNotice, NoticeKind
from loans.models import LoanClassificationRow, LoanNoticeRow
from loans.store.portions import portions

Told = tuple[str, NoticeKind, date]


def told_of(session: Session, actor: Actor, notes: Iterable[LoanNote]) -> set[Told]:
    """Give what was told of notes: note, kind, and the payment."""
    told: set[Told] = set()
    for ids in portions([note.id for note in notes]):
        query = (
            select(col(LoanNoticeRow.note_id), col(LoanNoticeRow.kind), col(LoanNoticeRow.due_start))
            .where(LoanNoticeRow.organization_id == actor.organization_id)
            .where(col(LoanNoticeRow.note_id).in_(ids))
        )
        told.update((note_id, kind, due_start) for note_id, kind, due_start in session.exec(query).all())
    return told


def add_notice(session: Session, actor: Actor, note: LoanNote, notice: LoanNotice, *, at: datetime) -> None:
    """Append a notice."""
    session.add(
        LoanNoticeRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            kind=notice.kind,
            due_start=notice.due_start,
            due_on=notice.due_on,
            made_on=notice.made_on,
            content=canonical(notice),
            recorded_at=at,
        )
    )
    session.flush()


def notices_of(session: Session, actor: Actor, note: LoanNote) -> tuple[tuple[LoanNotice, datetime], ...]:
    """Give the notices of a note, the latest first, each with when it was made."""
    query = (
        select(LoanNoticeRow)
        .where(LoanNoticeRow.organization_id == actor.organization_id)
        .where(LoanNoticeRow.note_id == note.id)
        .order_by(col(LoanNoticeRow.made_on).desc(), col(LoanNoticeRow.due_start).desc(), col(LoanNoticeRow.kind))
    )
    return tuple((rebuilt(json.dumps(row.content), LoanNotice), row.recorded_at) for row in session.exec(query).all())


def classes_of(session: Session, actor: Actor, notes: Iterable[LoanNote], *, on: date) -> dict[str, Classification]:
    """Give the class each note has on a day, by its identifier."""
    of_note = {note.id: note.code for note in notes}
    found: dict[str, Classification] = {}
    for ids in portions(of_note):
        query = (
            select(LoanClassificationRow)
            .where(LoanClassificationRow.organization_id == actor.organization_id)
            .where(col(LoanClassificationRow.note_id).in_(ids))
            .where(col(LoanClassificationRow.classified_on) <= on)
            .order_by(col(LoanClassificationRow.classified_on), col(LoanClassificationRow.number))
        )
        for row in session.exec(query).all():
            found[row.note_id] = Classification(
                note_code=of_note[row.note_id],
                classified_on=row.classified_on,
                risk_class=row.risk_class,
                stage=row.stage,
                source=row.source,
            )
    return found


def add_class(session: Session, actor: Actor, note: LoanNote, classification: Classification, *, at: datetime) -> None:
    """Append a class of a note."""
    last = session.exec(
        select(sa.func.max(LoanClassificationRow.number)).where(LoanClassificationRow.note_id == note.id)
    ).one()
    session.add(
        LoanClassificationRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            number=(last or 0) + 1,
            classified_on=classification.classified_on,
            risk_class=classification.risk_class,
            stage=classification.stage,
            source=classification.source,
            recorded_by=actor.id,
            recorded_at=at,
        )
    )
    session.flush()
