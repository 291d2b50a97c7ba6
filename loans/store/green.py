"""Green recognitions at rest, by both dates; only ever added."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.rules.record import canonical
from carbonfin.storage.approvals import Approval
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.parties import Standing
from loans.calc.green import GreenRecognition, GreenTerms
from loans.calc.notes import LoanNote
from loans.models import GreenRecognitionRow
from loans.store.portions import portions


def payload_of_green(terms: GreenTerms) -> dict[str, Any]:
    """Write terms as plain values, for the approval that two people sign and for the row."""
    plain: dict[str, Any] = canonical(terms)
    return plain


def green_of_payload(payload: Mapping[str, Any]) -> GreenTerms:
    """Read terms back from what two people signed."""
    return rebuilt(json.dumps(payload), GreenTerms)


def add_recognition(
    session: Session,
    checker: Actor,
    note: LoanNote,
    terms: GreenTerms,
    approval: Approval,
    *,
    standing: Standing,
    at: datetime,
) -> None:
    """Write down an approved statement as the note's next revision."""
    last = session.exec(
        select(sa.func.max(GreenRecognitionRow.revision)).where(GreenRecognitionRow.note_id == note.id)
    ).one()
    statement = terms.statement
    session.add(
        GreenRecognitionRow(
            organization_id=checker.organization_id, note_id=note.id, revision=(last or 0) + 1, event=statement.event,
            valid_from=statement.valid_from, known_from=standing.business_date, terms=payload_of_green(terms),
            approval_id=approval.id, maker_id=approval.maker_id, maker_name=approval.maker_name, checker_id=checker.id,
            checker_name=checker.name, approved_at=at,
        )
    )  # fmt: skip
    session.flush()


def recognitions_of(
    session: Session, actor: Actor, note_ids: Collection[str], *, known_at: datetime
) -> dict[str, tuple[GreenRecognition, ...]]:
    """Give every revision of some notes known at an instant, by note and in their order."""
    found: dict[str, list[GreenRecognition]] = {}
    for portion in portions(note_ids):
        query = (
            select(GreenRecognitionRow)
            .where(GreenRecognitionRow.organization_id == actor.organization_id)
            .where(col(GreenRecognitionRow.note_id).in_(portion))
            .where(col(GreenRecognitionRow.known_from) <= china_day(known_at))
            .order_by(col(GreenRecognitionRow.note_id), col(GreenRecognitionRow.revision))
        )
        for row in session.exec(query).all():
            found.setdefault(row.note_id, []).append(
                GreenRecognition(
                    revision=row.revision, terms=green_of_payload(row.terms), known_from=row.known_from,
                    approval_id=row.approval_id, maker_name=row.maker_name, checker_name=row.checker_name,
                )
            )  # fmt: skip
    return {note_id: tuple(one) for note_id, one in found.items()}
