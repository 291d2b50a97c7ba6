"""Documents on record by what they say of themselves: asked for a stranger, so nothing of a customer is given.

The digest stands among the conditions, each question goes by a key, and what belongs to a decision is looked up only
once number and digest have been met: what is not on record costs the same whatever of it is wrong.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.storage.decisions import subject_on_record
from carbonfin.storage.parties import PartyRow
from loans.calc.issued_documents import DocumentClaim, DocumentRecord
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND
from loans.models import RatingResultRow, TermSheetRow


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRating:
    """A rating behind a report or letter, and when the next one was made."""

    record: DocumentRecord
    next_known_at: datetime | None


def issued_term_sheet(session: Session, organization_id: str, claim: DocumentClaim) -> DocumentRecord | None:
    """Give what is on record of a version of a term sheet, None where number, version and digest do not all fit."""
    later = (
        select(sa.func.min(TermSheetRow.created_at))
        .where(
            TermSheetRow.organization_id == organization_id,
            TermSheetRow.number == claim.number,
            col(TermSheetRow.version) > claim.version,
        )
        .scalar_subquery()
    )
    found = session.exec(
        select(TermSheetRow.created_at, later, PartyRow.is_sample)
        .join(PartyRow, col(PartyRow.id) == TermSheetRow.party_id)
        .where(
            TermSheetRow.organization_id == organization_id,
            TermSheetRow.number == claim.number,
            TermSheetRow.version == claim.version,
            TermSheetRow.digest == claim.digest,
        )
    ).one_or_none()
    if found is None:
        return None
    recorded_at, superseded_at, is_sample = found
    return DocumentRecord(recorded_at=recorded_at, superseded_at=superseded_at, valid_to=None, is_sample=is_sample)


def issued_rating(session: Session, organization_id: str, decision_id: str, digest: str) -> IssuedRating | None:
    """Give what is on record of a rating by the scorecard, None where decision and digest do not both fit."""
    subject = subject_on_record(
        session, organization_id, kind=SCORECARD_KIND.name, decision_id=decision_id, record_digest=digest
    )
    if subject is None:
        return None
    rows = session.exec(
        select(RatingResultRow.decision_id, RatingResultRow.known_at, col(RatingResultRow.valid_to), PartyRow.is_sample)
        .join(PartyRow, col(PartyRow.id) == RatingResultRow.party_id)
        .where(
            RatingResultRow.organization_id == organization_id,
            PartyRow.organization_id == organization_id,
            sa.or_(col(PartyRow.usci) == subject, col(PartyRow.lei) == subject),
        )
        .order_by(col(RatingResultRow.number))
    ).all()
    place = next((at for at, row in enumerate(rows) if row[0] == decision_id), None)
    if place is None:
        return None
    _, known_at, valid_to, is_sample = rows[place]
    next_known_at = rows[place + 1][1] if place + 1 < len(rows) else None
    record = DocumentRecord(recorded_at=known_at, superseded_at=next_known_at, valid_to=valid_to, is_sample=is_sample)
    return IssuedRating(record=record, next_known_at=next_known_at)
