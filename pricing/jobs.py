"""Pricing jobs of the end of day: value every portfolio at the prices known by the close."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from pricing import service


def value_portfolios(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Record the value of each portfolio on the business date; lines that cannot be valued are the run's failures."""
    failures: list[str] = []
    done_count = 0
    for portfolio in service.list_portfolios(session, actor):
        valuation = service.record_valuation(
            session, actor, portfolio.id, valuation_date=business_date, known_at=end_of_china_day(business_date)
        )
        done_count += 1
        failures += [f"{portfolio.code} {failure.item}: {failure.detail}" for failure in valuation.value.failures]
    return JobOutcome(done_count=done_count, failures=tuple(failures))
