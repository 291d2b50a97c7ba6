"""Ratings, rates and schedules decided and kept, each a decision that replays."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import (
    DecisionRecord,
    MadeDecision,
    Recorded,
    decisions_of,
    keep_decision,
    latest_decisions,
    load_outcome,
    make_decision,
    record_decision,
)
from carbonfin.storage.parties import load_party
from loans.calc.contracts.schedule import SCHEDULE_KIND, RepaymentSchedule, ScheduleInputs
from loans.calc.contracts.terms import LoanTerms
from loans.calc.jiangtandai import RATE_KIND, RateDecision
from loans.calc.ratings.carbon_efficiency import RATING_KIND, CarbonRating
from loans.service import facts
from loans.service.account_entries import refuse_withdrawn

SCHEDULE_SUBJECT = "schedule"


def rate_enterprise(
    session: Session, actor: Actor, party_id: str, *, year: int | None, valid_on: date, known_at: datetime
) -> Recorded[CarbonRating]:
    """Rate an enterprise by the own method for a year, the latest where none is named, and keep the decision.

    Raises:
        NotFound: The bank knows no such enterprise.
        NotApplicable: The enterprise withdrew its consent.
        MissingData: The account lacks the year or its electricity, or a factor was not known.
    """
    party = load_party(session, actor, party_id)
    refuse_withdrawn(session, actor, party, known_at=known_at)
    inputs = facts.rating_inputs(session, actor, party, year=year, known_at=known_at)
    return record_decision(
        session, actor, RATING_KIND, inputs, subject=party.code, valid_on=valid_on, known_at=known_at
    )


def latest_rating(session: Session, actor: Actor, party_id: str) -> tuple[DecisionRecord, CarbonRating] | None:
    """Give the rating decided last for an enterprise, or None."""
    party = load_party(session, actor, party_id)
    records = decisions_of(session, actor, subject=party.code, kind=RATING_KIND.name)
    if not records:
        return None
    record = records[-1]
    return record, load_outcome(session, actor, RATING_KIND, record.id)


def ratings_of(session: Session, actor: Actor, party_id: str) -> tuple[tuple[DecisionRecord, CarbonRating], ...]:
    """Give the ratings decided for an enterprise, the latest first."""
    party = load_party(session, actor, party_id)
    records = decisions_of(session, actor, subject=party.code, kind=RATING_KIND.name)
    return tuple((record, load_outcome(session, actor, RATING_KIND, record.id)) for record in reversed(records))


def latest_ratings(session: Session, actor: Actor) -> dict[str, tuple[str, CarbonRating]]:
    """Give the rating decided last for each enterprise, by its code, with the decision's identifier."""
    return {one.subject: (one.id, one.outcome) for one in latest_decisions(session, actor, RATING_KIND)}


def decide_rate(
    session: Session,
    actor: Actor,
    party_id: str,
    *,
    margin_bp: int,
    lpr_tenor: str,
    applies_from: date,
    decided_on: date,
    known_at: datetime,
) -> Recorded[RateDecision]:
    """Decide the rate of an emission-cut loan from the latest rating report, and keep the decision.

    Raises:
        NotFound: The bank knows no such enterprise.
        MissingData: The LPR or one of the bank's concession terms was not known.
        InvalidInput: The margin or the score is out of range.
    """
    party = load_party(session, actor, party_id)
    return decide_rate_of(
        session, actor, party, margin_bp=margin_bp, lpr_tenor=lpr_tenor, applies_from=applies_from,
        decided_on=decided_on, known_at=known_at,
    )  # fmt: skip


def decide_rate_of(
    session: Session,
    actor: Actor,
    party: Party,
    *,
    margin_bp: int,
    lpr_tenor: str,
    applies_from: date,
    decided_on: date,
    known_at: datetime,
) -> Recorded[RateDecision]:
    """Decide the rate of an emission-cut loan of an enterprise that was just read; otherwise as `decide_rate`.

    Raises:
        MissingData: The LPR or one of the bank's concession terms was not known.
        InvalidInput: The margin or the score is out of range.
    """
    made = make_rate_decision(
        session, actor, party, margin_bp=margin_bp, lpr_tenor=lpr_tenor, applies_from=applies_from,
        decided_on=decided_on, known_at=known_at,
    )  # fmt: skip
    return keep_decision(session, actor, made)


def make_rate_decision(
    session: Session,
    actor: Actor,
    party: Party,
    *,
    margin_bp: int,
    lpr_tenor: str,
    applies_from: date,
    decided_on: date,
    known_at: datetime,
) -> MadeDecision[RateDecision]:
    """Decide the rate of an emission-cut loan of an enterprise that was just read, and keep nothing yet.

    Raises:
        MissingData: The LPR or one of the bank's concession terms was not known.
        InvalidInput: The margin or the score is out of range.
    """
    shared = facts.shared_facts(
        session, actor, lpr_tenor=lpr_tenor, applies_from=applies_from, decided_on=decided_on, known_at=known_at
    )
    inputs = facts.inputs_with(session, actor, party, shared.facts, margin_bp=margin_bp, known_at=known_at)
    return make_decision(
        RATE_KIND, inputs, subject=party.code, valid_on=decided_on, known_at=known_at, written=shared.texts
    )


def make_schedule(
    session: Session, actor: Actor, terms: LoanTerms, *, valid_on: date, known_at: datetime
) -> Recorded[RepaymentSchedule]:
    """Make a repayment schedule with the bank calendar as known, and keep the decision."""
    calendar = facts.bank_days(session, start=terms.drawdown_date, end=terms.maturity_date, known_at=known_at)
    inputs = ScheduleInputs(terms=terms, calendar=calendar)
    return record_decision(
        session, actor, SCHEDULE_KIND, inputs, subject=SCHEDULE_SUBJECT, valid_on=valid_on, known_at=known_at
    )
