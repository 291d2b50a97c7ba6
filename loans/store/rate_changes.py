"""Changes of notes' rates at rest: each line whole, with the compensating accrual booked with it."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import canonical
from carbonfin.storage.decisions import rebuilt
from loans.calc.linked.rate_changes import RateChange, RateChangeInputs
from loans.calc.linked.rate_lines import BookedChange, RateSpell
from loans.calc.linked.records import RecordedChange
from loans.models import LoanRateChangeRow
from loans.store.portions import portions


def add_change(
    session: Session,
    actor: Actor,
    note_id: str,
    inputs: RateChangeInputs,
    found: RateChange,
    *,
    number: int,
    decision_id: str,
    recorded_at: datetime,
) -> None:
    """Append a change of a note's rate."""
    session.add(
        LoanRateChangeRow(
            organization_id=actor.organization_id,
            note_id=note_id,
            number=number,
            link_number=inputs.link_number,
            cause=inputs.cause,
            known_from=inputs.known_from,
            spells=canonical(found.spells),
            compensation_cny=found.compensation_cny,
            decision_id=decision_id,
            recorded_at=recorded_at,
        )
    )
    session.flush()


def changes_of(session: Session, actor: Actor, *, note_ids: Collection[str]) -> dict[str, list[RecordedChange]]:
    """Give the changes of notes, by note, in order."""
    found: dict[str, list[RecordedChange]] = {}
    for ids in portions(note_ids):
        query = (
            select(LoanRateChangeRow)
            .where(LoanRateChangeRow.organization_id == actor.organization_id)
            .where(col(LoanRateChangeRow.note_id).in_(ids))
        )
        for row in session.exec(query.order_by(col(LoanRateChangeRow.number))).all():
            found.setdefault(row.note_id, []).append(_change(row))
    return found


def _change(row: LoanRateChangeRow) -> RecordedChange:
    booked = BookedChange(
        known_from=row.known_from, spells=tuple(_spell(one) for one in row.spells),
        compensation_cny=row.compensation_cny,
    )  # fmt: skip
    return RecordedChange(
        note_id=row.note_id, number=row.number, link_number=row.link_number, cause=row.cause, booked=booked,
        decision_id=row.decision_id,
    )  # fmt: skip


def _spell(plain: dict[str, Any]) -> RateSpell:
    return rebuilt(json.dumps(plain), RateSpell)
