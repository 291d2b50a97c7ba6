"""Loan jobs of the end of day: accrue interest, and move provisional payment days once notices are known."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from loans import service


def accrue_interest(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Accrue interest on all running notes and post what they owe to the pledges behind them."""
    return service.accrue(session, actor, business_date)


def reroll_provisional_schedules(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Make new versions of term sheets whose provisional days are known by the close of the business date."""
    moved = service.reroll_provisional(session, actor, business_date, known_at=end_of_china_day(business_date))
    return JobOutcome(done_count=len(moved))
