"""Notices of loan notes and their risk classes at rest."""

import json
from collections.abc import Iterable
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import canonical
from carbonfin.storage.decisions import rebuilt
from loans.calc.notes import LoanNote
from loans.calc.servicing.classification import Classification, class_on
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


def class_history(session: Session, actor: Actor, notes: Iterable[LoanNote]) -> dict[str, list[Classification]]:
    """Give every class of each note by its identifier, by the day it counts from and as it was entered."""
    of_note = {note.id: note.code for note in notes}
    found: dict[str, list[Classification]] = {}
    for ids in portions(of_note):
        query = (
            select(LoanClassificationRow)
            .where(LoanClassificationRow.organization_id == actor.organization_id)
            .where(col(LoanClassificationRow.note_id).in_(ids))
            .order_by(col(LoanClassificationRow.classified_on), col(LoanClassificationRow.number))
        )
        for row in session.exec(query).all():
            found.setdefault(row.note_id, []).append(
                Classification(
                    note_code=of_note[row.note_id],
                    classified_on=row.classified_on,
                    risk_class=row.risk_class,
                    stage=row.stage,
                    source=row.source,
                )
            )
    return found


def classes_of(session: Session, actor: Actor, notes: Iterable[LoanNote], *, on: date) -> dict[str, Classification]:
    """Give the class each note has on a day, by its identifier."""
    standing = ((note_id, class_on(one, on)) for note_id, one in class_history(session, actor, notes).items())
    return {note_id: found for note_id, found in standing if found is not None}


def add_classes(
    session: Session, actor: Actor, classes: Iterable[tuple[LoanNote, int, Classification]], *, at: datetime
) -> None:
    """Append classes, each of its note and with its number there."""
    session.add_all(
        LoanClassificationRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            number=number,
            classified_on=classification.classified_on,
            risk_class=classification.risk_class,
            stage=classification.stage,
            source=classification.source,
            recorded_by=actor.id,
            recorded_at=at,
        )
        for note, number, classification in classes
    )
    session.flush()
