"""The monthly letter on a rating: the rating as known at both ends of a month, and what was corrected in it."""

from datetime import date, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.decisions import load_decision, load_inputs, load_outcome
from carbonfin.storage.parties import Standing, load_party
from loans import workbooks
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND
from loans.service.issued_documents import verification_by
from loans.store import account_entries
from loans.store import ratings as store

_MONTH_DAYS_MAX = 31


def rating_letter_file(
    session: Session, actor: Actor, party_id: str, *, month: date, standing: Standing, verified_at: str
) -> bytes:
    """Set the letter of a month as PDF; the same ratings give the same bytes.

    Args:
        session: An open session.
        actor: Whose enterprise it is.
        party_id: The enterprise.
        month: Any day of the month.
        standing: The bank's business date and name.
        verified_at: Where its reader can verify it, as the operator says; empty where that is not said.

    Raises:
        NotFound: The bank knows no such enterprise, or it had no rating by the month's end.
        InvalidInput: The month lies ahead.
    """
    load_party(session, actor, party_id)
    first = month.replace(day=1)
    if first > standing.business_date:
        raise InvalidInput(
            f"{first:%Y-%m} lies ahead of {standing.business_date}", zh=f"{first:%Y-%m} 尚未开始", field="month"
        )
    last = (first + timedelta(days=_MONTH_DAYS_MAX)).replace(day=1) - timedelta(days=1)
    began_at = end_of_china_day(first - timedelta(days=1))
    ended_at = min(end_of_china_day(last), standing.known_at)
    results = store.results_of(session, actor, party_id, known_at=ended_at)
    if not results:
        raise NotFound(
            f"enterprise {party_id} had no rating by the scorecard by {last}",
            zh=f"该企业截至 {last} 没有评分卡评级", field="month", remedy="Rate it first, or name a later month.",
            remedy_zh="请先评级，或改选以后的月份。",
        )  # fmt: skip
    now = results[0]
    earlier = next((one for one in results if one.known_at <= began_at), None)
    record = load_decision(session, actor, now.decision_id)
    corrections = [
        one.entry
        for one in account_entries.versions_of(session, actor, party_id, known_at=ended_at)
        if one.entry.version > 1 and one.recorded_at > began_at
    ]
    inputs = load_inputs(session, actor, SCORECARD_KIND, now.decision_id)
    document = workbooks.rating_letter(
        inputs,
        load_outcome(session, actor, SCORECARD_KIND, now.decision_id),
        None if earlier is None else load_outcome(session, actor, SCORECARD_KIND, earlier.decision_id),
        month=first, corrections=corrections, producer=standing.name, decision_id=record.id,
        digest=record.record_digest, is_sample=standing.is_sample,
        verification=verification_by(session, actor, verified_at=verified_at),
    )  # fmt: skip
    return workbooks.rating_letter_pdf(document, inputs, created_at=record.known_at)
