"""Notices of payments at the close of a day, their letters, a note's statement, and classes handed in by the bank."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.messages import InboxNotice, publish, tell
from carbonfin.storage.parties import Standing, load_organization, load_party
from loans import workbooks
from loans.calc.notes import LoanNote
from loans.calc.servicing.classification import Classification, class_on
from loans.calc.servicing.notices import NOTICE_NAMES, LoanNotice, NoticeKind, notices_due
from loans.calc.servicing.standing import standing_on
from loans.service import facts
from loans.service.note_books import note_books, overdue_uplift_of
from loans.service.note_views import note_view
from loans.store import notes as note_store
from loans.store import notices as store

NOTICE_LEAD = "loans.payment_notice_days"
LOAN_NOTICE = "loans.notice"
CLASSES_MAX = 5_000


def make_notices(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Make and tell the notices of all running notes for a day; a payment is told of once in each kind."""
    known_at = end_of_china_day(business_date)
    lead = facts.parameters(session, actor).on(NOTICE_LEAD, valid_on=business_date, known_at=known_at).integer
    books = note_books(session, actor, note_store.running_notes(session, actor, on=business_date), known_at=known_at)
    told = store.told_of(session, actor, [book.note for book in books])
    made = 0
    for book in books:
        for notice in notices_due(book.note, standing_on(book, business_date), lead_days=lead):
            if (book.note.id, notice.kind, notice.due_start) in told:
                continue
            store.add_notice(session, actor, book.note, notice, at=clock.now())
            _tell(session, actor, load_party(session, actor, book.note.party_id), notice, at=clock.now())
            made += 1
    return JobOutcome(done_count=made)


def _tell(session: Session, actor: Actor, party: Party, notice: LoanNotice, *, at: datetime) -> None:
    zh, en = NOTICE_NAMES[notice.kind]
    tell(
        session,
        InboxNotice(
            organization_id=actor.organization_id,
            key=f"loan-notice:{notice.note_code}:{notice.kind}:{notice.due_start}",
            kind=LOAN_NOTICE,
            subject=f"loan:{notice.note_code}",
            title_zh=f"{zh} {notice.note_code} {party.name}",
            title_en=f"{en}: {notice.note_code} {party.name}",
            text_zh=f"{notice.due_on} 应还 {notice.total_cny:,} 元",
            text_en=f"CNY {notice.total_cny:,} on {notice.due_on}",
            address=f"/loan-notes/{notice.note_code}",
            role=Role.OFFICER,
            due_on=notice.due_on,
        ),
        at,
    )
    publish(
        session, actor, subject=f"loan:{notice.note_code}", kind=f"event.loan_note.{notice.kind}",
        payload={
            "note_code": notice.note_code, "usci": party.code, "due_on": notice.due_on.isoformat(),
            "interest_cny": str(notice.interest_cny), "principal_cny": str(notice.principal_cny),
            "penalty_cny": str(notice.penalty_cny), "is_provisional": notice.is_provisional,
        },
    )  # fmt: skip


def notices_of_note(session: Session, actor: Actor, code: str) -> tuple[LoanNotice, ...]:
    """Give the notices of a note, the latest first.

    Raises:
        NotFound: The bank has no such note.
    """
    note = note_store.load_note(session, actor, code)
    return tuple(notice for notice, _ in store.notices_of(session, actor, note))


def notice_letter_pdf(session: Session, actor: Actor, code: str, kind: NoticeKind, due_start: date) -> bytes:
    """Set a notice as PDF from the figures it was made with; the same bytes each time.

    Raises:
        NotFound: There is no such note or notice.
    """
    note = note_store.load_note(session, actor, code)
    for notice, made_at in store.notices_of(session, actor, note):
        if (notice.kind, notice.due_start) == (kind, due_start):
            return workbooks.loan_notice_letter(
                notice,
                note,
                overdue_uplift=overdue_uplift_of(session, actor, note, known_at=end_of_china_day(notice.made_on)),
                borrower=load_party(session, actor, note.party_id),
                bank=load_organization(session, actor.organization_id).name,
                created_at=made_at,
            )
    raise NotFound(f"note {code} has no such notice", zh=f"借据 {code} 没有该通知", field="kind")


def statement_pdf(session: Session, actor: Actor, code: str, *, standing: Standing) -> bytes:
    """Set a note's statement (对账单) on the business date as PDF: balance, schedule, receipts, what is owed.

    Raises:
        NotFound: The bank has no such note.
    """
    view = note_view(session, actor, code, standing=standing)
    return workbooks.loan_statement(
        view.line.note,
        view.line.standing,
        rows=view.rows,
        receipts=view.receipts,
        overdue_uplift=view.overdue_uplift,
        green=view.line.green,
        borrower=load_party(session, actor, view.line.note.party_id),
        bank=load_organization(session, actor.organization_id).name,
        created_at=end_of_china_day(standing.business_date),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesRecorded:
    """What became of classes that were handed in."""

    recorded_count: int
    unchanged_count: int
    failures: tuple[Failure, ...]


def record_classes(
    session: Session, actor: Actor, classes: Sequence[Classification], *, standing: Standing
) -> ClassesRecorded:
    """Enter classes as the bank's system decided them; what stands already is left, what cannot be is named.

    Raises:
        InvalidInput: There are too many at once.
    """
    if len(classes) > CLASSES_MAX:
        raise InvalidInput(
            f"{len(classes)} classes at once, {CLASSES_MAX} can be", zh=f"一次最多 {CLASSES_MAX} 条", field="classes"
        )
    notes = note_store.notes_by_code(session, actor, {one.note_code for one in classes})
    histories = store.class_history(session, actor, notes.values())
    added: list[tuple[LoanNote, int, Classification]] = []
    unchanged = 0
    failures = []
    for place, one in enumerate(classes, 1):
        note = notes.get(one.note_code)
        refusal = _refusal(one, note, standing.business_date)
        if note is None or refusal is not None:
            detail, zh, field = refusal or ("", "", "")
            failures.append(Failure(item=f"{place} {one.note_code}", field=field, detail=detail, zh=zh))
            continue
        history = histories.setdefault(note.id, [])
        if class_on(history, one.classified_on) == one:
            unchanged += 1
            continue
        added.append((note, len(history) + 1, one))
        insort(history, one, key=lambda each: each.classified_on)
    store.add_classes(session, actor, added, at=standing.known_at)
    return ClassesRecorded(recorded_count=len(added), unchanged_count=unchanged, failures=tuple(failures))


def _refusal(one: Classification, note: LoanNote | None, business_date: date) -> tuple[str, str, str] | None:
    if note is None:
        return f"there is no note {one.note_code}", f"没有借据 {one.note_code}", "note_code"
    if one.classified_on > business_date:
        return f"{one.classified_on} lies after {business_date}", f"分类日晚于业务日期 {business_date}", "classified_on"
    return None
