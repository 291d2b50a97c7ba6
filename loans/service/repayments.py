"""Money received on a loan note (还款): proposed by one person, approved by another, allocated on its day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.allocation import Allocated, allocate, claims_in_order
from loans.calc.servicing.receipts import ReceiptDraft
from loans.calc.servicing.standing import NoteBook
from loans.calc.servicing.vouchers import PaidInterest, vouchers_for
from loans.service import facts
from loans.service.note_books import note_book
from loans.service.notes import VAT_RATE
from loans.service.securities import post_owed
from loans.store import notes as note_store
from loans.store import repayments as store

ALLOCATION_ORDER = "loans.allocation_order"
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepaymentDraft:
    """A receipt on a note as it is entered.

    Attributes:
        reference: The bank's own number of the receipt (回单号).
    """

    note_code: str
    reference: str
    receipt: ReceiptDraft

    def __post_init__(self) -> None:
        """Refuse a receipt nobody could find again."""
        if not self.reference.strip():
            raise InvalidInput("a receipt needs its reference", zh="请填写回单号", field="reference")


def preview_repayment(session: Session, actor: Actor, draft: RepaymentDraft, *, standing: Standing) -> Allocated:
    """Give what a receipt would pay; nothing is kept.

    Raises:
        NotFound: The bank has no such note.
        InvalidInput: An amount or a day no receipt can have.
        Conflict: The note is settled, the receipt is entered already, or more was received than is due or would settle
            it.
    """
    return _allocated(session, actor, draft, standing=standing)[1]


def propose_repayment(
    session: Session, maker: Actor, draft: RepaymentDraft, *, standing: Standing, reason: str
) -> Approval:
    """Put a receipt before the checkers with what it would pay; nothing changes until another person approves it.

    Raises:
        NotFound: The bank has no such note.
        InvalidInput: An amount or a day no receipt can have.
        Conflict: The note is settled, the receipt is entered already, more was received than is due, or another receipt
            of the note waits.
    """
    book, allocated = _allocated(session, maker, draft, standing=standing)
    borrower = load_party(session, maker, book.note.party_id)
    return approvals.propose(
        session,
        maker,
        REPAYMENT_APPROVAL,
        ProposalDraft(
            subject=_subject(draft.note_code),
            title_zh=f"还款 {draft.note_code} {borrower.name}",
            title_en=f"Repayment {draft.note_code} {borrower.name}",
            payload=_payload(draft, allocated) | {"party": f"{borrower.name} {borrower.code}"},
            reason=reason,
        ),
        at=standing.known_at,
    )


def waiting_repayment(session: Session, actor: Actor, note_code: str) -> Approval | None:
    """Give the receipt of a note that waits for another person, if there is one."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=REPAYMENT_APPROVAL.name, subject=_subject(note_code)
    )


def _subject(note_code: str) -> str:
    return f"repayment:{note_code}"


def _allocated(
    session: Session, actor: Actor, draft: RepaymentDraft, *, standing: Standing
) -> tuple[NoteBook, Allocated]:
    note = note_store.load_note(session, actor, draft.note_code)
    if note.state is NoteState.SETTLED:
        raise Conflict(
            f"loan note {note.code} was settled on {note.settled_date}",
            zh=f"借据 {note.code} 已于 {note.settled_date} 结清", field="note_code",
        )  # fmt: skip
    if draft.receipt.paid_on > standing.business_date:
        raise InvalidInput(
            f"paid on {draft.receipt.paid_on}, after the business date {standing.business_date}",
            zh=f"还款日不得晚于业务日期 {standing.business_date}", field="paid_on",
        )  # fmt: skip
    entered = store.note_of_reference(session, actor, draft.reference)
    if entered is not None:
        raise Conflict(
            f"receipt {draft.reference} is entered already, on note {entered}",
            zh=f"回单号 {draft.reference} 已录入（借据 {entered}）", field="reference",
            remedy="Check the receipt; where one pays several notes, number its parts.",
            remedy_zh="请核对回单；一笔回单偿还多张借据的，请在回单号后加序号区分。",
        )  # fmt: skip
    book = note_book(session, actor, note, known_at=standing.known_at)
    order = _order_on(session, actor, draft.receipt.paid_on, known_at=standing.known_at)
    return book, allocate(book, draft.receipt, claims_in_order(order))


def _order_on(session: Session, actor: Actor, day: date, *, known_at: datetime) -> str:
    return facts.parameters(session, actor).on(ALLOCATION_ORDER, valid_on=day, known_at=known_at).value


def _payload(draft: RepaymentDraft, allocated: Allocated) -> dict[str, Any]:
    receipt, one = draft.receipt, allocated.receipt
    interest = sum((line.interest_cny for line in one.lines), start=_NOTHING)
    charges = sum((line.penalty_cny + line.compound_cny for line in one.lines), start=_NOTHING)
    return {
        "note_code": draft.note_code,
        "reference": draft.reference,
        "paid_on": receipt.paid_on.isoformat(),
        "amount_cny": str(receipt.amount_cny),
        "fees_cny": str(receipt.fees_cny),
        "compensation_cny": str(receipt.compensation_cny),
        "prepays": receipt.prepays,
        "interest_cny": str(interest),
        "charges_cny": str(charges),
        "principal_cny": str(one.principal_cny),
        "outstanding_cny": str(allocated.outstanding_cny),
    }


def _draft_of(payload: Mapping[str, Any]) -> RepaymentDraft:
    def amount(name: str) -> Decimal:
        return parse_decimal(payload[name], field=name)

    return RepaymentDraft(
        note_code=payload["note_code"],
        reference=payload["reference"],
        receipt=ReceiptDraft(
            paid_on=date.fromisoformat(payload["paid_on"]),
            amount_cny=amount("amount_cny"),
            fees_cny=amount("fees_cny"),
            compensation_cny=amount("compensation_cny"),
            prepays=payload["prepays"],
        ),
    )


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Enter the receipt: what it pays is worked out again, and has to be what two people signed."""
    draft = _draft_of(approval.payload)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    note_store.lock_note(session, checker, draft.note_code)
    book, allocated = _allocated(session, checker, draft, standing=standing)
    signed = {name: approval.payload[name] for name in _payload(draft, allocated)}
    if signed != _payload(draft, allocated):
        raise Conflict(
            f"what the receipt of {draft.note_code} pays has changed since it was proposed",
            zh=f"借据 {draft.note_code} 的应还款项自提交后已变动",
            field="amount_cny",
            remedy="Withdraw the receipt and propose it again.",
            remedy_zh="请撤回后重新提交还款。",
        )
    order = _order_on(session, checker, draft.receipt.paid_on, known_at=standing.known_at)
    note = store.add_receipt(
        session, checker, book.note, allocated, reference=draft.reference, allocation_order=order,
        approval_id=approval.id, at=at,
    )  # fmt: skip
    if allocated.segment is not None:
        words = f"提前还本 {allocated.receipt.prepaid_cny:,} 元，回单 {draft.reference}"
        store.add_segment(session, checker, note, allocated.segment, words=words, at=at)
    _add_vouchers(session, checker, book, allocated, known_at=standing.known_at)
    if note.pledge_code is not None:
        post_owed(session, checker, note.pledge_code, on=standing.business_date)


def _add_vouchers(session: Session, actor: Actor, book: NoteBook, allocated: Allocated, *, known_at: datetime) -> None:
    """Write a voucher for each period whose interest is paid in full now (付息凭证), with its tax of the day."""
    paid_on = allocated.receipt.paid_on
    vat_rate = facts.parameters(session, actor).on(VAT_RATE, valid_on=paid_on, known_at=known_at).decimal
    before = note_store.vouchers_of(session, actor, book.note)
    for voucher in vouchers_for(_periods_paid(book, allocated), before, paid_date=paid_on, vat_rate=vat_rate):
        note_store.add_voucher(session, actor, book.note, voucher)


def _periods_paid(book: NoteBook, allocated: Allocated) -> list[PaidInterest]:
    """Give each interest period that ended in what is paid now: its days and all interest received on it.

    What the receipt gives back on a period that was paid before is a refund of that period.
    """
    before: LoanNote = book.note
    receipts = (*book.receipts, allocated.receipt)
    found = []
    for due in book.dues:
        start, end = max(due.start, book.taken_over_to), min(due.end, allocated.interest_paid_to)
        is_new = end > max(start, before.interest_paid_to) and due.start < allocated.interest_paid_to
        lines = [
            line.interest_cny
            for one in (receipts if is_new else (allocated.receipt,))
            for line in one.lines
            if line.due_start == due.start
        ]
        interest = sum(lines, start=_NOTHING)
        if (is_new and interest) or interest < 0:
            found.append(PaidInterest(start=start, end=end, interest_cny=interest))
    return found


REPAYMENT_APPROVAL = ApprovalKind(
    name="loans.repayment",
    title_zh="还款",
    title_en="Repayment",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/loan-notes/{approval.payload['note_code']}",
)
