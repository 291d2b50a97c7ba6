"""Resets of notes' rates and turns of their concessions at rest."""

import json
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import canonical
from carbonfin.storage.decisions import rebuilt
from loans.calc.servicing.concession_turns import RecordedTurn
from loans.calc.servicing.rate_resets import RateReset
from loans.calc.servicing.unlinked_rates import ConcessionStop
from loans.models import LoanConcessionStopRow, LoanRateResetRow
from loans.store.portions import portions

_RESET_FIELDS = tuple(RateReset.__dataclass_fields__)
_TURN_FIELDS = tuple(name for name in RecordedTurn.__dataclass_fields__ if name != "stops")


def add_reset(session: Session, actor: Actor, note_id: str, reset: RateReset, *, recorded_at: datetime) -> None:
    """Append a reset of a note's rate."""
    values = {name: getattr(reset, name) for name in _RESET_FIELDS}
    session.add(
        LoanRateResetRow(organization_id=actor.organization_id, note_id=note_id, recorded_at=recorded_at, **values)
    )
    session.flush()


def resets_of(
    session: Session, actor: Actor, *, note_ids: Collection[str]
) -> dict[str, list[tuple[RateReset, datetime]]]:
    """Give the resets of notes, by note, in order, each with when it was written down."""
    found: dict[str, list[tuple[RateReset, datetime]]] = {}
    for ids in portions(note_ids):
        query = (
            select(LoanRateResetRow)
            .where(LoanRateResetRow.organization_id == actor.organization_id)
            .where(col(LoanRateResetRow.note_id).in_(ids))
        )
        for row in session.exec(query.order_by(col(LoanRateResetRow.number))).all():
            values = {name: getattr(row, name) for name in _RESET_FIELDS}
            values["concession_bp"] = Decimal(f"{row.concession_bp.normalize():f}")
            found.setdefault(row.note_id, []).append((RateReset(**values), row.recorded_at))
    return found


def add_turn(session: Session, actor: Actor, note_id: str, turn: RecordedTurn, *, recorded_at: datetime) -> None:
    """Append a turn of a note's concession, with the days it is stopped on as now known."""
    values = {name: getattr(turn, name) for name in _TURN_FIELDS}
    session.add(
        LoanConcessionStopRow(
            organization_id=actor.organization_id, note_id=note_id, recorded_at=recorded_at,
            stops=canonical(turn.stops), **values,
        )
    )  # fmt: skip
    session.flush()


def turns_of(
    session: Session, actor: Actor, *, note_ids: Collection[str]
) -> dict[str, list[tuple[RecordedTurn, datetime]]]:
    """Give the turns of notes' concessions, by note, in order, each with when it was written down."""
    found: dict[str, list[tuple[RecordedTurn, datetime]]] = {}
    for ids in portions(note_ids):
        query = (
            select(LoanConcessionStopRow)
            .where(LoanConcessionStopRow.organization_id == actor.organization_id)
            .where(col(LoanConcessionStopRow.note_id).in_(ids))
        )
        for row in session.exec(query.order_by(col(LoanConcessionStopRow.number))).all():
            stops = tuple(rebuilt(json.dumps(one), ConcessionStop) for one in row.stops)
            values = {name: getattr(row, name) for name in _TURN_FIELDS}
            found.setdefault(row.note_id, []).append((RecordedTurn(stops=stops, **values), row.recorded_at))
    return found
