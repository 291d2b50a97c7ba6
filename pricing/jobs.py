"""Pricing jobs of the end of day: fetch the day's market, value every portfolio at the prices known by the close."""

from dataclasses import replace
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from pricing import service
from pricing.feeds.port import FeedResource, MarketFeed


def value_portfolios(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Record the value of each portfolio on the business date; lines that cannot be valued are the run's failures."""
    failures: list[Failure] = []
    done_count = 0
    for portfolio in service.list_portfolios(session, actor):
        valuation = service.record_valuation(
            session, actor, portfolio.id, valuation_date=business_date, known_at=end_of_china_day(business_date)
        )
        done_count += 1
        failures += [replace(failure, item=f"{portfolio.code} {failure.item}") for failure in valuation.value.failures]
    return JobOutcome(done_count=done_count, failures=tuple(failures))


def fetch_market_day(
    session: Session, actor: Actor, business_date: date, *, feed: MarketFeed, exchange: str
) -> JobOutcome:
    """Fetch every table of the business date from a feed; rows that fail are listed, and then nothing is stored."""
    report = service.fetch_market(
        session,
        actor,
        feed,
        resources=tuple(FeedResource),
        exchange=exchange,
        from_date=business_date,
        to_date=business_date,
        known_at=end_of_china_day(business_date),
        preview=False,
    )
    return JobOutcome(
        done_count=sum(one.added_count for one in report.resources),
        failures=report.failures,
    )
