"""Green recognition of loan notes under four eyes: stated by one, reviewed by another, withdrawn, never erased."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import MissingData
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.green import (
    CATALOGUE,
    EVENT_WORDS,
    GreenCategory,
    GreenEvent,
    GreenRecognition,
    GreenStatement,
    GreenTerms,
    category_on,
    require_statable,
)
from loans.calc.notes import LoanNote
from loans.service import facts
from loans.store import facilities as facility_store
from loans.store import green as store
from loans.store import notes as note_store


def propose_green_recognition(
    session: Session, maker: Actor, statement: GreenStatement, *, standing: Standing, reason: str
) -> Approval:
    """Put a recognition, or the withdrawal of one, before the checkers; the note stands as it did until approved.

    Raises:
        NotFound: The bank has no such note.
        MissingData: The catalogue of the drawdown's day has no such category on record.
        InvalidInput: The day does not fit, or there is no such evidence file.
        Conflict: The note is settled, there is nothing to withdraw, or a statement waits already.
    """
    note, terms = _held(session, maker, statement, standing=standing)
    for digest in statement.evidence:
        require_evidence(session, maker, digest, subject=f"loan:{note.code}", at=standing.known_at)
    party = load_party(session, maker, note.party_id)
    zh, en = EVENT_WORDS[statement.event]
    return approvals.propose(
        session,
        maker,
        GREEN_APPROVAL,
        ProposalDraft(
            subject=f"green_recognition:{note.code}",
            title_zh=f"借据 {note.code} {zh}",
            title_en=f"Loan note {note.code} {en}",
            payload={
                "note_code": note.code, "party": f"{party.name} {party.code}", "product": note.product,
                "event": statement.event.value, "green_event": f"{zh} / {en}",
                "category": "" if terms.category is None else terms.category.words(), "basis": statement.basis,
                "evidence": list(statement.evidence), "valid_from": statement.valid_from.isoformat(),
                "terms": store.payload_of_green(terms),
            },
            reason=reason,
        ),
        at=standing.known_at,
    )  # fmt: skip


def green_recognitions_of(
    session: Session, actor: Actor, note_code: str, *, known_at: datetime
) -> tuple[GreenRecognition, ...]:
    """Give every revision of a note's recognition known at an instant.

    Raises:
        NotFound: The bank has no such note.
    """
    note = note_store.load_note(session, actor, note_code)
    return store.recognitions_of(session, actor, (note.id,), known_at=known_at).get(note.id, ())


def green_categories_by_note(session: Session, actor: Actor, *, standing: Standing) -> dict[str, GreenCategory]:
    """Give the category of each of the bank's notes that is recognised on the business date, by its code."""
    notes = note_store.notes_of(session, actor)
    found = store.recognitions_of(session, actor, [note.id for note in notes], known_at=standing.known_at)
    held = {note.code: category_on(found.get(note.id, ()), standing.business_date) for note in notes}
    return {code: category for code, category in held.items() if category is not None}


def green_catalogue_of(
    session: Session, actor: Actor, note: LoanNote, *, known_at: datetime
) -> tuple[GreenCategory, ...]:
    """Give the categories of the catalogue that was in force when a note was drawn; none where none is on record."""
    book = facts.parameters(session, actor)
    drawn = note.terms.drawdown_date
    values = (book.find(CATALOGUE, valid_on=drawn, known_at=known_at, scope=scope) for scope in book.scopes(CATALOGUE))
    return tuple(GreenCategory.of(value) for value in values if value is not None)


def _held(
    session: Session, actor: Actor, statement: GreenStatement, *, standing: Standing
) -> tuple[LoanNote, GreenTerms]:
    """Hold a statement against the note, what was stated before, and the catalogue."""
    note = note_store.load_note(session, actor, statement.note_code)
    before = store.recognitions_of(session, actor, (note.id,), known_at=standing.known_at).get(note.id, ())
    require_statable(statement, note, before, on=standing.business_date)
    if statement.event is GreenEvent.WITHDRAW:
        return note, GreenTerms(statement=statement, category=None)
    drawn = note.terms.drawdown_date
    value = facts.parameters(session, actor).find(
        CATALOGUE, valid_on=drawn, known_at=standing.known_at, scope=statement.category
    )
    if value is None:
        raise MissingData(
            f"no category {statement.category!r} of the catalogue in force on {drawn}, the day of the drawdown",
            zh=f"提款日 {drawn} 适用的绿色目录没有已录入的类别 {statement.category}", field="category",
            remedy=f"Enter {CATALOGUE} for that day with the catalogue in hand and have it approved.",
            remedy_zh=f"请按当时适用的目录原文录入参数 {CATALOGUE} 并经复核。",
        )  # fmt: skip
    return note, GreenTerms(statement=statement, category=GreenCategory.of(value))


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Write the statement down as it was signed, held once more against what stands by now."""
    terms = store.green_of_payload(approval.payload["terms"])
    note = note_store.load_note(session, checker, terms.statement.note_code)
    facility_store.lock_borrower(session, note.party_id)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    before = store.recognitions_of(session, checker, (note.id,), known_at=standing.known_at).get(note.id, ())
    require_statable(terms.statement, note, before, on=standing.business_date)
    store.add_recognition(session, checker, note, terms, approval, standing=standing, at=at)


GREEN_APPROVAL = ApprovalKind(
    name="loans.green_recognition",
    title_zh="绿色认定",
    title_en="Green recognition",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/loan-notes/{approval.payload['note_code']}",
)
