"""The quarter's report as a job: idempotent by organisation, quarter and day."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from reporting import service
from reporting.calc.quarters import Quarter


def build_quarter(session: Session, actor: Actor, business_date: date, *, quarter: Quarter) -> JobOutcome:
    """Build the report of a quarter as of the business date; a second run gives the same report."""
    report = service.build_report(
        session, actor, quarter=quarter, as_of=business_date, told_at=end_of_china_day(business_date)
    )
    return JobOutcome(done_count=len(report.lines), failures=report.failures)
