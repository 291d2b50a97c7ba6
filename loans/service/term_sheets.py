"""Term sheets: previewed while an officer types, drafted as numbered versions, drawn as PDF and Word."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.documents.sheets import Sheet
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import load_decision, load_outcome, record_decision
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import load_organization, load_party, standing_of
from loans import workbooks
from loans.calc.ratings.carbon_efficiency import RatingInputs
from loans.calc.term_links import ReviewedLink
from loans.calc.term_requests import LoanRequest
from loans.calc.term_sheets import TERM_SHEET_KIND, TermSheet, TermSheetInputs
from loans.calc.term_sheets import draft_term_sheet as sheet_of
from loans.service import facts
from loans.service.issued_documents import verification_by
from loans.service.link_reviews import link_of_term_sheet
from loans.store import term_sheets as store
from loans.store.accounts import account_years
from loans.store.term_sheets import TermSheetEntry

PREVIEW_NUMBER = "TS-PREVIEW"
DRAFTED = "起草"
REROLLED = "节假日安排公布后重新顺延"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSheetDraft:
    """What an officer asks for.

    Attributes:
        number: An existing number to make a new version of, or None for a new one.
        entry: What was typed, field by field, kept so that the form can be opened again.
        link_number: The sustainability link the loan is under; None where it is under none.
    """

    party_id: str
    request: LoanRequest
    margin_bp: int
    lpr_tenor: str
    number: str | None
    entry: dict[str, str]
    link_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTermSheet:
    """A version of a term sheet with its place in the register."""

    entry: TermSheetEntry
    sheet: TermSheet


def preview_term_sheet(
    session: Session, actor: Actor, draft: TermSheetDraft, *, issued_on: date, known_at: datetime
) -> TermSheet:
    """Give the term sheet as it would be drafted now; nothing is kept.

    Raises:
        NotFound: The bank knows no such enterprise.
        InvalidInput: A term breaks a rule; the error names the field.
        MissingData: A rate, parameter or factor was not known.
    """
    number = draft.number or PREVIEW_NUMBER
    return sheet_of(_inputs(session, actor, draft, number, issued_on=issued_on, known_at=known_at))


def draft_term_sheet(
    session: Session, actor: Actor, draft: TermSheetDraft, *, issued_on: date, known_at: datetime
) -> StoredTermSheet:
    """Draft a term sheet: a new number, or a new version of a number, with its decision on record.

    Raises:
        NotFound: The bank knows no such enterprise or number.
        InvalidInput: A term breaks a rule; the error names the field.
        MissingData: A rate, parameter or factor was not known.
    """
    if draft.number is not None:
        store.load_entry(session, actor, draft.number, version=None)
    number = draft.number or store.next_number(session, actor, year=issued_on.year)
    inputs = _inputs(session, actor, draft, number, issued_on=issued_on, known_at=known_at)
    return _kept(session, actor, inputs, draft.party_id, reason=DRAFTED, entry=draft.entry, known_at=known_at)


def load_term_sheet(session: Session, actor: Actor, number: str, *, version: int | None = None) -> StoredTermSheet:
    """Give a version of a term sheet, the latest where none is named.

    Raises:
        NotFound: The bank has no such number or version.
    """
    entry = store.load_entry(session, actor, number, version=version)
    return StoredTermSheet(entry=entry, sheet=load_outcome(session, actor, TERM_SHEET_KIND, entry.decision_id))


def term_sheets_of(session: Session, actor: Actor, *, party_id: str | None = None) -> tuple[TermSheetEntry, ...]:
    """Give the latest version of each of the bank's term sheets, newest first, of one enterprise or of all."""
    return store.latest_entries(session, actor, party_id=party_id)


def term_sheet_document(
    session: Session, actor: Actor, stored: StoredTermSheet, *, address: str, verified_at: str
) -> Sheet:
    """Give a term sheet as a document.

    Args:
        session: An open session.
        actor: Whose term sheet it is.
        stored: The version.
        address: Where its trace links lead, or empty.
        verified_at: Where its reader can verify it, as the operator says; empty where that is not said.
    """
    entry = stored.entry
    return workbooks.term_sheet_document(
        stored.sheet, decision_id=entry.decision_id, digest=entry.digest, address=address,
        verification=verification_by(session, actor, verified_at=verified_at),
    )  # fmt: skip


def term_sheet_pdf(session: Session, actor: Actor, stored: StoredTermSheet, *, address: str, verified_at: str) -> bytes:
    """Draw a term sheet as PDF with the decision's inputs attached; the same version gives the same bytes."""
    inputs = inputs_of(session, actor, stored.entry.decision_id)
    document = term_sheet_document(session, actor, stored, address=address, verified_at=verified_at)
    return workbooks.term_sheet_pdf(document, inputs, created_at=stored.entry.created_at)


def term_sheet_docx(
    session: Session, actor: Actor, stored: StoredTermSheet, *, address: str, verified_at: str
) -> bytes:
    """Write a term sheet for Word."""
    document = term_sheet_document(session, actor, stored, address=address, verified_at=verified_at)
    return workbooks.term_sheet_docx(document)


def inputs_of(session: Session, actor: Actor, decision_id: str) -> TermSheetInputs:
    """Give the inputs of a term sheet's decision as the value they were."""
    return converted(load_decision(session, actor, decision_id).inputs, TermSheetInputs)


def reroll_provisional(session: Session, actor: Actor, business_date: date, *, known_at: datetime) -> tuple[str, ...]:
    """Make a new version of each term sheet whose provisional days the calendar now knows; give their numbers."""
    moved = []
    for entry in store.latest_entries(session, actor):
        if entry.provisional_from is None:
            continue
        before = inputs_of(session, actor, entry.decision_id)
        request = before.request
        calendar = facts.bank_days(session, start=request.drawdown_date, end=request.maturity_date, known_at=known_at)
        if calendar.known_until < entry.provisional_from:
            continue
        inputs = replace(before, version=entry.version + 1, issued_on=business_date, calendar=calendar)
        _kept(session, actor, inputs, entry.party_id, reason=REROLLED, entry=entry.entry, known_at=known_at)
        moved.append(entry.number)
    return tuple(moved)


def _kept(
    session: Session,
    actor: Actor,
    inputs: TermSheetInputs,
    party_id: str,
    *,
    reason: str,
    entry: dict[str, str],
    known_at: datetime,
) -> StoredTermSheet:
    recorded = record_decision(
        session,
        actor,
        TERM_SHEET_KIND,
        inputs,
        subject=inputs.borrower_usci,
        valid_on=inputs.issued_on,
        known_at=known_at,
    )
    added = store.add_term_sheet(
        session,
        actor,
        recorded.outcome,
        party_id=party_id,
        reason=reason,
        entry=entry,
        decision_id=recorded.decision_id,
        digest=recorded.record_digest,
        created_at=known_at,
    )
    return StoredTermSheet(entry=added, sheet=recorded.outcome)


def _inputs(
    session: Session, actor: Actor, draft: TermSheetDraft, number: str, *, issued_on: date, known_at: datetime
) -> TermSheetInputs:
    party = load_party(session, actor, draft.party_id)
    request = draft.request
    accounts = account_years(session, actor, party.id, known_at=known_at)
    latest = accounts[-1] if accounts else None
    return TermSheetInputs(
        number=number,
        version=store.latest_version(session, actor, number) + 1,
        issued_on=issued_on,
        lender=load_organization(session, actor.organization_id).name,
        borrower=party.name,
        borrower_usci=party.code,
        request=request,
        rate=facts.rate_inputs(
            session,
            actor,
            party,
            margin_bp=draft.margin_bp,
            lpr_tenor=draft.lpr_tenor,
            applies_from=request.drawdown_date,
            decided_on=issued_on,
            known_at=known_at,
        ),
        calendar=facts.bank_days(session, start=request.drawdown_date, end=request.maturity_date, known_at=known_at),
        rating=_rating(session, actor, party, known_at=known_at) if latest is not None else None,
        revenue_cny=None if latest is None else latest.revenue_cny,
        equity_plus_debt_cny=None if latest is None else latest.equity_plus_debt_cny,
        is_sample=party.is_sample or actor.is_sample,
        says_green_standing=True,
        says_concession_stop=True,
        cost_terms=facts.cost_terms(session, actor, valid_on=request.drawdown_date, known_at=known_at),
        link=_link(session, actor, party, draft.link_number, issued_on=issued_on, known_at=known_at),
    )


def _link(
    session: Session, actor: Actor, party: Party, number: str | None, *, issued_on: date, known_at: datetime
) -> ReviewedLink | None:
    if number is None:
        return None
    standing = replace(
        standing_of(session, actor.organization_id, FixedClock(known_at)), business_date=issued_on, known_at=known_at
    )
    return link_of_term_sheet(session, actor, party, number, standing=standing)


def _rating(session: Session, actor: Actor, party: Party, *, known_at: datetime) -> RatingInputs | None:
    """Gather the own rating shown beside the outside one; a term sheet goes without it where facts are missing."""
    try:
        inputs = facts.rating_inputs(session, actor, party, year=None, known_at=known_at)
    except MissingData:
        return None
    return None if inputs.current.electricity_mwh is None else inputs
