"""Documents that leave the house with a code: how each can be verified, and what a stranger is told who asks.

A stranger names issuer, number, version and digest. Whoever does not know all four learns nothing, whoever does learns
when the document was recorded and whether it still stands; a letter's month is held against its ratings.
"""

from dataclasses import replace
from datetime import date, timedelta

from sqlmodel import Session

from carbonfin.documents.sheets import Verification
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.parties import Standing, load_organization
from loans.calc.issued_documents import LETTER_MONTH, DocumentClaim, DocumentRecord
from loans.store import issued_documents as store
from loans.store.issued_documents import IssuedRating

_MONTH_DAYS_MAX = 31
_ONLY_VERSION = 1


def verification_by(session: Session, actor: Actor, *, verified_at: str) -> Verification:
    """Give how documents of the actor's organisation are verified.

    Args:
        session: An open session.
        actor: Who issues.
        verified_at: Where people reach the service, as its operator says; empty where that is not said.
    """
    code = load_organization(session, actor.organization_id).usci or ""
    return Verification(issuer_code=code, address=verified_at if code else "")


def issued_document(
    session: Session, organization_id: str, claim: DocumentClaim, *, standing: Standing | None
) -> DocumentRecord | None:
    """Give what is on record of a document, None where its four facts do not all fit.

    Args:
        session: An open session, of the issuer's rows alone.
        organization_id: The issuer.
        claim: What the document says of itself.
        standing: Where the issuer stands in time; None where there is no such issuer, which is asked for all the same.
    """
    term_sheet = store.issued_term_sheet(session, organization_id, claim)
    letter = LETTER_MONTH.fullmatch(claim.number)
    decision_id = claim.number if letter is None else letter["decision_id"]
    rating = store.issued_rating(session, organization_id, decision_id, claim.digest)
    if term_sheet is not None or rating is None or standing is None or claim.version != _ONLY_VERSION:
        return term_sheet
    if letter is None:
        return rating.record
    return _letter(rating, date(int(letter["year"]), int(letter["month"]), 1), standing)


def _letter(rating: IssuedRating, month: date, standing: Standing) -> DocumentRecord | None:
    """Give the letter of a month on a rating: it was the latest at some time of the month, or there is none.

    Within its month a letter is replaced by the next rating; once the month is over it stands for good.
    """
    next_month = (month + timedelta(days=_MONTH_DAYS_MAX)).replace(day=1)
    began_at, ended_at = (end_of_china_day(day - timedelta(days=1)) for day in (month, next_month))
    after = rating.next_known_at
    is_of_the_month = rating.record.recorded_at <= ended_at and (after is None or after > began_at)
    if month > standing.business_date or not is_of_the_month:
        return None
    superseded_at = after if after is not None and after <= ended_at else None
    return replace(rating.record, superseded_at=superseded_at, valid_to=None)
