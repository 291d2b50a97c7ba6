"""Which job has run for which organisation and business date: a run and its effects are one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class JobRunRow(Row, table=True):
    """One finished run; there is at most one for a job, organisation and business date."""

    __table_args__ = (sa.UniqueConstraint("job", "organization_id", "business_date"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    job: str
    organization_id: str = Field(foreign_key="organization.id", index=True)
    business_date: date
    finished_at: datetime
    done_count: int
    failures: list[dict[str, str] | str] = Field(sa_type=columns.Json)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What a job did: how many items, and each item it could not do with the reason."""

    done_count: int
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A finished run.

    Attributes:
        repeated: True when the run had been made before and nothing was done now.
    """

    job: str
    organization_id: str
    business_date: date
    finished_at: datetime
    done_count: int
    failures: tuple[Failure, ...]
    repeated: bool


def run_job_once(
    session: Session,
    *,
    job: str,
    organization_id: str,
    business_date: date,
    clock: Clock,
    work: Callable[[], JobOutcome],
) -> JobRun:
    """Do a job's work unless it was done for this organisation and business date, and note that it was.

    Work and note stand in the caller's transaction, so a run that fails leaves neither; the unique key refuses the
    second of two runs at once.
    """
    row = session.exec(
        select(JobRunRow)
        .where(JobRunRow.job == job)
        .where(JobRunRow.organization_id == organization_id)
        .where(JobRunRow.business_date == business_date)
    ).one_or_none()
    if row is not None:
        return _run(row, repeated=True)
    outcome = work()
    row = JobRunRow(
        job=job,
        organization_id=organization_id,
        business_date=business_date,
        finished_at=clock.now(),
        done_count=outcome.done_count,
        failures=[
            {"item": one.item, "detail": one.detail, "zh": one.zh, "remedy": one.remedy, "remedy_zh": one.remedy_zh}
            for one in outcome.failures
        ],
    )
    session.add(row)
    session.flush()
    return _run(row, repeated=False)


def job_runs_of(session: Session, organization_id: str, business_date: date) -> tuple[JobRun, ...]:
    """Give the runs of an organisation on a business date, in the order they finished."""
    rows = session.exec(
        select(JobRunRow)
        .where(JobRunRow.organization_id == organization_id)
        .where(JobRunRow.business_date == business_date)
        .order_by(col(JobRunRow.finished_at), col(JobRunRow.job))
    ).all()
    return tuple(_run(row, repeated=False) for row in rows)


def runs_between(session: Session, organization_id: str, first: date, last: date) -> tuple[JobRun, ...]:
    """Give the runs of an organisation on the business dates from one to another, both inclusive, by date."""
    rows = session.exec(
        select(JobRunRow)
        .where(JobRunRow.organization_id == organization_id)
        .where(JobRunRow.business_date >= first, JobRunRow.business_date <= last)
        .order_by(col(JobRunRow.business_date), col(JobRunRow.finished_at), col(JobRunRow.job))
    ).all()
    return tuple(_run(row, repeated=False) for row in rows)


def _run(row: JobRunRow, *, repeated: bool) -> JobRun:
    return JobRun(
        job=row.job,
        organization_id=row.organization_id,
        business_date=row.business_date,
        finished_at=row.finished_at,
        done_count=row.done_count,
        failures=tuple(map(_failure, row.failures)),
        repeated=repeated,
    )


def _failure(kept: dict[str, str] | str) -> Failure:
    """Give a failure as it is kept; until 2026-11 it was one line in one language."""
    if isinstance(kept, dict):
        return Failure(field=None, **kept)
    item, _, detail = kept.partition(": ")
    return Failure(item=item, field=None, detail=detail, zh=detail)
