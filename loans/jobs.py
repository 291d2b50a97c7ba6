"""Loan jobs of the end of day: move rates, accrue interest, move provisional payment days, tell borrowers."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from loans import service


def accrue_interest(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Accrue interest on all running notes and post what they owe to the pledges behind them."""
    return service.accrue(session, actor, business_date)


def stop_concessions(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Stop concessions on overdue and bring them back, as the contracts say; each with its compensating accrual."""
    return service.stop_concessions(session, actor, business_date, clock)


def reset_rates(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Reset rates to the LPR published by the fixing day, where a contract's reset day has come."""
    return service.reset_rates(session, actor, business_date, clock)


def make_loan_notices(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Make and tell notices of payments that come within the bank's lead days or were missed; each once."""
    return service.make_notices(session, actor, business_date, clock)


def reroll_provisional_schedules(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Make new versions of term sheets whose provisional days are known by the close of the business date."""
    moved = service.reroll_provisional(session, actor, business_date, known_at=end_of_china_day(business_date))
    return JobOutcome(done_count=len(moved))
