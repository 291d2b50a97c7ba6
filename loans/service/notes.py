"""Loan notes: recorded, paid, accrued and settled; what they owe is posted to the pledge behind them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.parties import load_party
from collateral import service as collateral_service
from loans.calc.contracts.interest import net_of_vat_cny
from loans.calc.notes import InterestVoucher, LoanNote, LoanNoteDraft, NoteState
from loans.calc.servicing.accruals import accrual_of
from loans.service import facts
from loans.service.note_books import note_books
from loans.service.securities import post_owed
from loans.store import notes as store
from loans.store.repayments import receipts_of_notes

VAT_RATE = "loans.interest_vat_rate"


def record_loan_note(session: Session, actor: Actor, draft: LoanNoteDraft, *, known_at: datetime) -> LoanNote:
    """Enter a loan note; the same note again changes nothing.

    Raises:
        NotFound: The bank knows no such enterprise.
        Conflict: The code stands for another note.
    """
    load_party(session, actor, draft.party_id)
    note = store.find_note(session, actor, draft.code)
    if note is None:
        return store.add_note(session, actor, draft, recorded_at=known_at)
    if (note.party_id, note.pledge_code, note.terms) != (draft.party_id, draft.pledge_code, draft.terms):
        raise Conflict(
            f"loan note {draft.code} stands with other facts",
            zh=f"借据 {draft.code} 已录入且内容不同",
            field="code",
            remedy="Use another code, or correct the terms.",
            remedy_zh="请更换借据号或核对条款。",
        )
    return note


def load_note(session: Session, actor: Actor, code: str) -> LoanNote:
    """Give a loan note of the actor's bank by its code.

    Raises:
        NotFound: The bank has no such note.
    """
    return store.load_note(session, actor, code)


def notes_of(
    session: Session, actor: Actor, *, party_id: str | None = None, known_at: datetime | None = None
) -> tuple[LoanNote, ...]:
    """Give the bank's loan notes by code as they stand, of one enterprise or of all, or those written by an instant."""
    return store.notes_of(session, actor, party_id=party_id, known_at=known_at)


def notes_recorded_at(session: Session, actor: Actor, *, known_at: datetime) -> dict[str, datetime]:
    """Give the instant at which each of the bank's notes was written down, by code, of those written by an instant."""
    return store.notes_recorded_at(session, actor, known_at=known_at)


def record_interest_payment(
    session: Session, actor: Actor, code: str, *, period_end: date, paid_date: date, known_at: datetime
) -> InterestVoucher:
    """Enter that interest was paid up to a day: the voucher with its net and VAT, each to the fen.

    A voucher that already stands for the same period is given back unchanged.

    Raises:
        NotFound: The bank has no such note.
        InvalidInput: The period does not follow on what was paid, or ends past maturity.
        Conflict: Its refund is larger than its interest, or the note is paid by receipts.
        MissingData: The VAT rate of that day was not known.
    """
    note = store.load_note(session, actor, code)
    vouchers = store.vouchers_of(session, actor, note)
    _require_no_receipts(session, actor, note)
    for voucher in vouchers:
        if (voucher.period_end, voucher.paid_date) == (period_end, paid_date):
            return voucher
    if not note.interest_paid_to < period_end <= note.terms.maturity_date:
        raise InvalidInput(
            f"interest of {code} is paid to {note.interest_paid_to}; a period cannot end on {period_end}",
            zh=f"借据 {code} 已付息至 {note.interest_paid_to}，付息期不能止于 {period_end}",
            field="period_end",
        )
    interest = note.interest_cny(end=period_end, booked_by=period_end - timedelta(days=1))
    if interest < 0:
        raise Conflict(
            f"{-interest} CNY are given back on note {code} up to {period_end}, more than its interest",
            zh=f"借据 {code} 截至 {period_end} 应退利息多出本期利息 {-interest:,} 元，不能开具负数付息凭证",
            field="period_end",
            remedy="Choose a later day, or enter the payment as a receipt.",
            remedy_zh="请选择更晚的付息止日，或按还款录入。",
        )
    vat_rate = facts.parameters(session, actor).on(VAT_RATE, valid_on=paid_date, known_at=known_at).decimal
    net, vat = net_of_vat_cny(interest, vat_rate=vat_rate)
    voucher = InterestVoucher(
        number=len(vouchers) + 1,
        period_start=note.interest_paid_to,
        period_end=period_end,
        paid_date=paid_date,
        interest_cny=interest,
        vat_rate=vat_rate,
        net_cny=net,
        vat_cny=vat,
    )
    store.add_voucher(session, actor, note, voucher)
    return voucher


def _require_no_receipts(session: Session, actor: Actor, note: LoanNote) -> None:
    if receipts_of_notes(session, actor, (note,)):
        raise Conflict(
            f"interest of {note.code} is paid by its receipts",
            zh=f"借据 {note.code} 已按还款录入，付息凭证随还款生成",
            field="code",
            remedy="Enter a receipt.",
            remedy_zh="请录入还款。",
        )


def interest_vouchers_of(session: Session, actor: Actor, code: str) -> tuple[InterestVoucher, ...]:
    """Give the interest vouchers of a note in order of payment.

    Raises:
        NotFound: The bank has no such note.
    """
    return store.vouchers_of(session, actor, store.load_note(session, actor, code))


def settle_note(session: Session, actor: Actor, code: str, *, settled_date: date) -> LoanNote:
    """Close a note whose principal was repaid and whose interest was paid to the day; again changes nothing.

    Raises:
        NotFound: The bank has no such note.
        Conflict: Interest is not paid to that day.
    """
    note = store.load_note(session, actor, code)
    if note.state is NoteState.SETTLED and note.settled_date == settled_date:
        return note
    if note.state is NoteState.SETTLED or note.interest_paid_to != settled_date:
        raise Conflict(
            f"loan note {code} is {note.state}, interest paid to {note.interest_paid_to}",
            zh=f"借据 {code} 已付息至 {note.interest_paid_to}，不能于 {settled_date} 结清",
            field="settled_date",
            remedy="Enter the interest paid up to the day of settlement first.",
            remedy_zh="请先录入截至结清日的付息。",
        )
    settled = store.mark_settled(session, actor, note, settled_date=settled_date)
    if note.pledge_code is not None:
        post_owed(session, actor, note.pledge_code, on=settled_date)
    return settled


def accrue(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Accrue interest on every running note up to the business date and post what it owes to its pledge.

    What several notes owe behind one pledge is posted as one sum, penalty and compound interest on what is past due
    among it. Idempotent by note and date: a second run posts the same figures and adds nothing.
    """
    done = 0
    behind: dict[str, tuple[Decimal, Decimal]] = {}
    remarks: list[Failure] = []
    notes = store.running_notes(session, actor, on=business_date)
    for book in note_books(session, actor, notes, known_at=end_of_china_day(business_date)):
        note = book.note
        if note.interest_paid_to > business_date:
            remarks.append(
                Failure(
                    item=note.code, field=None,
                    detail=f"interest is paid to {note.interest_paid_to}, past {business_date}",
                    zh=f"利息已付至 {note.interest_paid_to}，晚于业务日期 {business_date}，未计提",
                )
            )  # fmt: skip
            _add_owed(behind, note.pledge_code, note.outstanding_cny, Decimal("0.00"))
            continue
        accrual = accrual_of(book, accrual_date=business_date)
        if business_date > note.terms.maturity_date:
            remarks.append(
                Failure(
                    item=note.code, field=None,
                    detail=f"matured on {note.terms.maturity_date} and is not settled",
                    zh=f"已于 {note.terms.maturity_date} 到期且未结清",
                )
            )  # fmt: skip
        store.add_accrual(session, actor, note, accrual)
        _add_owed(behind, note.pledge_code, accrual.principal_cny, accrual.owed_cny)
        done += 1
    for pledge_code, (principal, accrued) in behind.items():
        collateral_service.record_exposure(
            session,
            actor,
            pledge_code,
            principal_cny=principal,
            accrued_cny=accrued,
            exposure_date=business_date,
        )
    return JobOutcome(done_count=done, failures=tuple(remarks))


def _add_owed(
    behind: dict[str, tuple[Decimal, Decimal]], pledge_code: str | None, principal_cny: Decimal, accrued_cny: Decimal
) -> None:
    if pledge_code is not None:
        principal, accrued = behind.get(pledge_code, (Decimal("0.00"), Decimal("0.00")))
        behind[pledge_code] = (principal + principal_cny, accrued + accrued_cny)
