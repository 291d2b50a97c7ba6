"""Loan notes, interest vouchers and accruals at rest."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from loans.calc.contracts.terms import LoanTerms
from loans.calc.linked.records import RecordedChange
from loans.calc.notes import InterestVoucher, LoanNote, LoanNoteDraft, NoteState
from loans.calc.servicing.accruals import Accrual
from loans.models import AccrualRow, InterestVoucherRow, LoanNoteRow
from loans.store.portions import portions
from loans.store.rate_changes import changes_of


def find_note(session: Session, actor: Actor, code: str) -> LoanNote | None:
    """Give a note of the actor's bank by its code, if there is one."""
    row = _row(session, actor, code)
    return None if row is None else _one(session, actor, row)


def notes_by_code(session: Session, actor: Actor, codes: Collection[str]) -> dict[str, LoanNote]:
    """Give those notes of the actor's bank there are, by their codes."""
    rows: list[LoanNoteRow] = []
    for some in portions(codes):
        query = (
            select(LoanNoteRow)
            .where(LoanNoteRow.organization_id == actor.organization_id)
            .where(col(LoanNoteRow.code).in_(some))
        )
        rows += session.exec(query).all()
    return {note.code: note for note in _many(session, actor, rows)}


def load_note(session: Session, actor: Actor, code: str) -> LoanNote:
    """Give a note of the actor's bank by its code.

    Raises:
        NotFound: The bank has no such note.
    """
    return _one(session, actor, _existing(session, actor, code))


def lock_note(session: Session, actor: Actor, code: str) -> None:
    """Have what happens to one note wait for each other, where the engine can.

    Raises:
        NotFound: The bank has no such note.
    """
    _existing(session, actor, code, lock=True)


def notes_of(
    session: Session,
    actor: Actor,
    *,
    party_id: str | None = None,
    contract_number: str | None = None,
    known_at: datetime | None = None,
) -> tuple[LoanNote, ...]:
    """Give the bank's notes by code of one enterprise, under one contract, written by an instant, or all."""
    query = select(LoanNoteRow).where(LoanNoteRow.organization_id == actor.organization_id)
    if party_id is not None:
        query = query.where(LoanNoteRow.party_id == party_id)
    if contract_number is not None:
        query = query.where(LoanNoteRow.contract_number == contract_number)
    if known_at is not None:
        query = query.where(col(LoanNoteRow.recorded_at) <= known_at)
    return _many(session, actor, session.exec(query.order_by(LoanNoteRow.code)).all())


def notes_recorded_at(session: Session, actor: Actor, *, known_at: datetime) -> dict[str, datetime]:
    """Give the instant at which each of the bank's notes was written down, by code, of those written by an instant."""
    rows = session.exec(
        select(LoanNoteRow.code, LoanNoteRow.recorded_at)
        .where(LoanNoteRow.organization_id == actor.organization_id)
        .where(col(LoanNoteRow.recorded_at) <= known_at)
    ).all()
    return dict(rows)


def notes_behind(session: Session, actor: Actor, pledge_code: str) -> tuple[LoanNote, ...]:
    """Give the running notes behind a pledge by code."""
    query = (
        select(LoanNoteRow)
        .where(LoanNoteRow.organization_id == actor.organization_id)
        .where(LoanNoteRow.pledge_code == pledge_code)
        .where(LoanNoteRow.state == NoteState.RUNNING)
    )
    return _many(session, actor, session.exec(query.order_by(LoanNoteRow.code)).all())


def running_notes(session: Session, actor: Actor, *, on: date) -> tuple[LoanNote, ...]:
    """Give the notes drawn by a day and not settled, locked for this transaction where the engine can."""
    rows = session.exec(
        select(LoanNoteRow)
        .where(LoanNoteRow.organization_id == actor.organization_id)
        .where(LoanNoteRow.state == NoteState.RUNNING)
        .where(col(LoanNoteRow.drawdown_date) <= on)
        .order_by(LoanNoteRow.code)
        .with_for_update()
    ).all()
    return _many(session, actor, rows)


def add_note(session: Session, actor: Actor, draft: LoanNoteDraft, *, recorded_at: datetime) -> LoanNote:
    """Append a note with its whole principal outstanding."""
    terms = draft.terms
    row = LoanNoteRow(
        organization_id=actor.organization_id,
        party_id=draft.party_id,
        code=draft.code,
        pledge_code=draft.pledge_code,
        product=draft.product,
        principal_cny=terms.principal_cny,
        outstanding_cny=terms.principal_cny,
        drawdown_date=terms.drawdown_date,
        maturity_date=terms.maturity_date,
        rate=terms.rate,
        rate_note=draft.rate_note,
        basis=terms.basis,
        method=terms.method,
        interest_period_months=terms.interest_period_months,
        settlement_day=terms.settlement_day,
        accrual_dates=terms.accrual_dates,
        interest_paid_to=draft.interest_paid_to,
        state=NoteState.RUNNING,
        is_sample=draft.is_sample,
        contract_number=draft.contract_number,
        approval_id=draft.approval_id,
        recorded_by=actor.id,
        recorded_at=recorded_at,
    )
    session.add(row)
    session.flush()
    return _one(session, actor, row)


def vouchers_of(session: Session, actor: Actor, note: LoanNote) -> tuple[InterestVoucher, ...]:
    """Give a note's vouchers in order of payment."""
    rows = session.exec(
        select(InterestVoucherRow)
        .where(InterestVoucherRow.organization_id == actor.organization_id)
        .where(InterestVoucherRow.note_id == note.id)
        .order_by(col(InterestVoucherRow.number))
    ).all()
    return tuple(
        InterestVoucher(
            number=row.number,
            period_start=row.period_start,
            period_end=row.period_end,
            paid_date=row.paid_date,
            interest_cny=row.interest_cny,
            vat_rate=row.vat_rate,
            net_cny=row.net_cny,
            vat_cny=row.vat_cny,
            corrects=row.corrects,
        )
        for row in rows
    )


def add_voucher(session: Session, actor: Actor, note: LoanNote, voucher: InterestVoucher) -> None:
    """Append a voucher and move the day interest is paid to, never back."""
    row = _existing(session, actor, note.code, lock=True)
    session.add(
        InterestVoucherRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            number=voucher.number,
            period_start=voucher.period_start,
            period_end=voucher.period_end,
            paid_date=voucher.paid_date,
            interest_cny=voucher.interest_cny,
            vat_rate=voucher.vat_rate,
            net_cny=voucher.net_cny,
            vat_cny=voucher.vat_cny,
            corrects=voucher.corrects,
        )
    )
    row.interest_paid_to = max(row.interest_paid_to, voucher.period_end)
    session.add(row)
    session.flush()


def mark_settled(session: Session, actor: Actor, note: LoanNote, *, settled_date: date) -> LoanNote:
    """Close a note: nothing outstanding any more."""
    row = _existing(session, actor, note.code, lock=True)
    row.state = NoteState.SETTLED
    row.outstanding_cny = Decimal("0.00")
    row.settled_date = settled_date
    session.add(row)
    session.flush()
    return _one(session, actor, row)


def add_accrual(session: Session, actor: Actor, note: LoanNote, accrual: Accrual) -> bool:
    """Append an accrual unless one stands for this note and day; say whether it was new."""
    known = session.exec(
        select(AccrualRow.id)
        .where(AccrualRow.note_id == note.id)
        .where(AccrualRow.accrual_date == accrual.accrual_date)
    ).one_or_none()
    if known is not None:
        return False
    session.add(
        AccrualRow(
            organization_id=actor.organization_id,
            note_id=note.id,
            accrual_date=accrual.accrual_date,
            paid_to=accrual.paid_to,
            days=accrual.days,
            principal_cny=accrual.principal_cny,
            accrued_cny=accrual.accrued_cny,
            penalty_cny=accrual.penalty_cny,
            compound_cny=accrual.compound_cny,
        )
    )
    session.flush()
    return True


def _row(session: Session, actor: Actor, code: str, *, lock: bool = False) -> LoanNoteRow | None:
    query = (
        select(LoanNoteRow).where(LoanNoteRow.organization_id == actor.organization_id).where(LoanNoteRow.code == code)
    )
    if lock:  # what another transaction wrote while this one waited is read, not what was read before
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(query).one_or_none()


def _existing(session: Session, actor: Actor, code: str, *, lock: bool = False) -> LoanNoteRow:
    row = _row(session, actor, code, lock=lock)
    if row is None:
        raise NotFound(f"there is no loan note {code}", zh=f"没有借据 {code}", field="code")
    return row


def _one(session: Session, actor: Actor, row: LoanNoteRow) -> LoanNote:
    return _note(row, changes_of(session, actor, note_ids=(row.id,)).get(row.id, []))


def _many(session: Session, actor: Actor, rows: Sequence[LoanNoteRow]) -> tuple[LoanNote, ...]:
    changes = changes_of(session, actor, note_ids=[row.id for row in rows])
    return tuple(_note(row, changes.get(row.id, [])) for row in rows)


def _note(row: LoanNoteRow, changes: Sequence[RecordedChange]) -> LoanNote:
    return LoanNote(
        id=row.id,
        code=row.code,
        party_id=row.party_id,
        pledge_code=row.pledge_code,
        product=row.product,
        terms=LoanTerms(
            principal_cny=row.principal_cny,
            drawdown_date=row.drawdown_date,
            maturity_date=row.maturity_date,
            rate=Decimal(f"{row.rate.normalize():f}"),
            basis=row.basis,
            method=row.method,
            interest_period_months=row.interest_period_months,
            settlement_day=row.settlement_day,
            accrual_dates=row.accrual_dates,
        ),
        rate_note=row.rate_note,
        outstanding_cny=row.outstanding_cny,
        interest_paid_to=row.interest_paid_to,
        state=row.state,
        settled_date=row.settled_date,
        is_sample=row.is_sample,
        contract_number=row.contract_number,
        approval_id=row.approval_id,
        rate_changes=tuple(one.booked for one in changes),
    )
