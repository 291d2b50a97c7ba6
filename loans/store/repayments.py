"""Receipts on loan notes and the stretches of their schedules at rest."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.rules.record import canonical
from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.allocation import Allocated
from loans.calc.servicing.dues import Segment
from loans.calc.servicing.receipts import Receipt, ReceiptLine
from loans.models import LoanNoteRow, NoteSegmentRow, RepaymentRow
from loans.store.portions import portions


def receipts_of_notes(
    session: Session, actor: Actor, notes: Iterable[LoanNote]
) -> dict[str, tuple[tuple[Receipt, date], ...]]:
    """Give the receipts of each note in order, each with the day interest was paid to before it."""
    found: dict[str, tuple[tuple[Receipt, date], ...]] = {}
    for ids in portions([note.id for note in notes]):
        query = (
            select(RepaymentRow)
            .where(RepaymentRow.organization_id == actor.organization_id)
            .where(col(RepaymentRow.note_id).in_(ids))
        )
        for row in session.exec(query.order_by(col(RepaymentRow.note_id), col(RepaymentRow.number))).all():
            found[row.note_id] = (*found.get(row.note_id, ()), (_receipt(row), row.interest_paid_to_before))
    return found


def segments_of_notes(session: Session, actor: Actor, notes: Iterable[LoanNote]) -> dict[str, tuple[Segment, ...]]:
    """Give the stretches of each note that came after its drawdown, by their days; of one day the last written."""
    by_day: dict[str, dict[date, Segment]] = {}
    for ids in portions([note.id for note in notes]):
        query = (
            select(NoteSegmentRow)
            .where(NoteSegmentRow.organization_id == actor.organization_id)
            .where(col(NoteSegmentRow.note_id).in_(ids))
        )
        for row in session.exec(query.order_by(col(NoteSegmentRow.note_id), col(NoteSegmentRow.number))).all():
            by_day.setdefault(row.note_id, {})[row.start] = Segment(
                start=row.start, principal_cny=row.principal_cny, rate=row.rate, reason=row.reason
            )
    return {note_id: tuple(one[day] for day in sorted(one)) for note_id, one in by_day.items()}


def references_of(session: Session, actor: Actor, note: LoanNote) -> dict[int, str]:
    """Give the reference each receipt of a note was entered with, by its number."""
    query = (
        select(RepaymentRow.number, RepaymentRow.reference)
        .where(RepaymentRow.organization_id == actor.organization_id)
        .where(RepaymentRow.note_id == note.id)
    )
    return {number: reference for number, reference in session.exec(query).all()}  # noqa: C416 -- rows, not pairs


def note_of_reference(session: Session, actor: Actor, reference: str) -> str | None:
    """Give the code of the note on which the bank entered a receipt of a reference, if it did."""
    query = (
        select(LoanNoteRow.code)
        .join(RepaymentRow, col(RepaymentRow.note_id) == LoanNoteRow.id)
        .where(RepaymentRow.organization_id == actor.organization_id)
        .where(RepaymentRow.reference == reference)
    )
    return session.exec(query).first()


def add_receipt(
    session: Session,
    actor: Actor,
    note: LoanNote,
    allocated: Allocated,
    *,
    reference: str,
    allocation_order: str,
    approval_id: str,
    at: datetime,
) -> LoanNote:
    """Append a receipt, and move the note to what it left: balance, interest paid to, state.

    Raises:
        Conflict: The bank has a receipt of that reference, entered at this instant by another request.
    """
    row = session.exec(select(LoanNoteRow).where(LoanNoteRow.id == note.id).with_for_update()).one()
    receipt = allocated.receipt
    kept = RepaymentRow(
        organization_id=actor.organization_id,
        note_id=note.id,
        number=receipt.number,
        paid_on=receipt.paid_on,
        amount_cny=receipt.amount_cny,
        fees_cny=receipt.fees_cny,
        compensation_cny=receipt.compensation_cny,
        prepaid_cny=receipt.prepaid_cny,
        lines=[canonical(line) for line in receipt.lines],
        interest_paid_to_before=note.interest_paid_to,
        reference=reference,
        allocation_order=allocation_order,
        approval_id=approval_id,
        recorded_by=actor.id,
        recorded_at=at,
    )
    session.add(kept)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"receipt {reference} was entered by another request at this instant",
            zh=f"回单号 {reference} 刚由其他操作录入", field="reference",
            remedy="Read the receipts again before entering it.", remedy_zh="请刷新还款记录后再办理。",
        ) from error  # fmt: skip
    row.outstanding_cny = allocated.outstanding_cny
    row.interest_paid_to = allocated.interest_paid_to
    if allocated.settles:
        row.state, row.settled_date = NoteState.SETTLED, receipt.paid_on
    session.add(row)
    session.flush()
    return replace(
        note,
        outstanding_cny=row.outstanding_cny,
        interest_paid_to=row.interest_paid_to,
        state=row.state,
        settled_date=row.settled_date,
    )


def add_segment(session: Session, actor: Actor, note: LoanNote, segment: Segment, *, words: str, at: datetime) -> None:
    """Append the stretch that begins on a day."""
    last = session.exec(select(sa.func.max(NoteSegmentRow.number)).where(NoteSegmentRow.note_id == note.id)).one()
    session.add(
        NoteSegmentRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            number=(last or 0) + 1,
            start=segment.start,
            principal_cny=segment.principal_cny,
            rate=segment.rate,
            reason=segment.reason,
            words=words,
            recorded_by=actor.id,
            recorded_at=at,
        )
    )
    session.flush()


def _receipt(row: RepaymentRow) -> Receipt:
    return Receipt(
        number=row.number,
        paid_on=row.paid_on,
        amount_cny=row.amount_cny,
        fees_cny=row.fees_cny,
        compensation_cny=row.compensation_cny,
        prepaid_cny=row.prepaid_cny,
        lines=tuple(_line(line) for line in row.lines),
    )


def _line(plain: dict[str, str]) -> ReceiptLine:
    return ReceiptLine(
        due_start=date.fromisoformat(plain["due_start"]),
        interest_cny=Decimal(plain["interest_cny"]),
        compound_cny=Decimal(plain["compound_cny"]),
        penalty_cny=Decimal(plain["penalty_cny"]),
        principal_cny=Decimal(plain["principal_cny"]),
    )
