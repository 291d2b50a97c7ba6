"""Jobs that somebody asked for: one open request for an organisation and job, taken up by the worker, never lost.

A request tells how far its job is. What has been done is proved by `job_run` and by the effects themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.rows import Row, new_id

_OPEN = sa.text("state IN ('queued', 'running')")
_REQUESTS_SHOWN = 20


class JobRequestState(StrEnum):
    """Where a job that was asked for stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN_STATES = frozenset({JobRequestState.QUEUED, JobRequestState.RUNNING})


class JobRequestRow(Row, table=True):
    """A job that somebody asked for and how far it is; its identifier is also the durable workflow's.

    It runs from `business_date` to `last_date`, both inclusive, each open day in order; `rolls` says whether the
    business date moves on after the last one too. `step` and `step_date` are what is being done.
    """

    __table_args__ = (
        sa.Index(None, "organization_id", "state"),
        sa.Index(None, "organization_id", "asked_at", "id"),
        sa.Index(
            "uq_job_request_open",
            "organization_id",
            "job",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        sa.CheckConstraint("last_date >= business_date", name="days_in_order"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    job: str
    business_date: date
    last_date: date
    rolls: bool
    state: JobRequestState = JobRequestState.QUEUED
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    step: str | None = None
    step_date: date | None = None
    done_count: int = 0
    total_count: int = 0
    failure: str | None = None
    failure_zh: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAsk:
    """What is asked for: a job, its first and last business date, and whether the date moves on afterwards."""

    job: str
    business_date: date
    last_date: date
    rolls: bool
    total_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job that somebody asked for, as it stands.

    Attributes:
        step: What is being done, or where it stopped; None before the first step and after the last.
        done_count: Steps done, of `total_count`.
        failure: Why it stopped, in English; `failure_zh` in Chinese.
    """

    id: str
    organization_id: str
    job: str
    business_date: date
    last_date: date
    rolls: bool
    state: JobRequestState
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    step: str | None
    step_date: date | None
    done_count: int
    total_count: int
    failure: str | None
    failure_zh: str | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in OPEN_STATES


def ask_for_job(session: Session, actor: Actor, ask: JobAsk, *, at: datetime) -> JobRequest:
    """Put a job before the worker.

    Raises:
        Conflict: The same job of this organisation waits or runs already.
    """
    standing = open_request_of(session, actor.organization_id, ask.job)
    if standing is not None:
        raise Conflict(
            f"the job {ask.job} waits or runs already, as request {standing.id}",
            zh=f"作业 {ask.job} 已在排队或执行中（申请 {standing.id}）",
            field="job",
            remedy="Wait until it has ended, then ask again.",
            remedy_zh="请待其结束后再申请。",
            job_id=standing.id,
        )
    row = JobRequestRow(
        organization_id=actor.organization_id,
        job=ask.job,
        business_date=ask.business_date,
        last_date=ask.last_date,
        rolls=ask.rolls,
        asked_by=actor.id,
        asked_by_name=actor.name,
        asked_at=at,
        total_count=ask.total_count,
    )
    session.add(row)
    session.flush()
    return _request(row)


def load_job_request(session: Session, actor: Actor, request_id: str) -> JobRequest:
    """Give one of the organisation's own requests.

    Raises:
        NotFound: There is none of this identifier.
    """
    row = session.get(JobRequestRow, request_id)
    if row is None or row.organization_id != actor.organization_id:
        raise _missing(request_id)
    return _request(row)


def job_requests_of(session: Session, organization_id: str, *, limit: int = _REQUESTS_SHOWN) -> tuple[JobRequest, ...]:
    """Give an organisation's latest requests, newest first."""
    rows = session.exec(
        select(JobRequestRow)
        .where(JobRequestRow.organization_id == organization_id)
        .order_by(col(JobRequestRow.asked_at).desc(), col(JobRequestRow.id).desc())
        .limit(limit)
    ).all()
    return tuple(_request(row) for row in rows)


def job_request_page(session: Session, actor: Actor, place: Place) -> Slice[JobRequest]:
    """Give a page of an organisation's requests, newest first."""
    query = select(JobRequestRow).where(JobRequestRow.organization_id == actor.organization_id)
    keys = (col(JobRequestRow.asked_at), col(JobRequestRow.id))
    rows = session.exec(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row.asked_at, row.id), value=_request)


def open_request_of(session: Session, organization_id: str, job: str) -> JobRequest | None:
    """Give the request for a job that waits or runs, if there is one."""
    row = session.exec(
        select(JobRequestRow)
        .where(JobRequestRow.organization_id == organization_id, JobRequestRow.job == job)
        .where(col(JobRequestRow.state).in_(OPEN_STATES))
    ).one_or_none()
    return None if row is None else _request(row)


def request_to_take_up(session: Session, jobs: Iterable[str]) -> JobRequest | None:
    """Give the request the worker has to do now: one that was begun before any that waits, the oldest first."""
    row = session.exec(
        select(JobRequestRow)
        .where(col(JobRequestRow.job).in_(tuple(jobs)), col(JobRequestRow.state).in_(OPEN_STATES))
        .order_by(
            sa.case((col(JobRequestRow.state) == JobRequestState.RUNNING, 0), else_=1),
            col(JobRequestRow.asked_at),
            col(JobRequestRow.id),
        )
        .limit(1)
    ).one_or_none()
    return None if row is None else _request(row)


def request_by_id(session: Session, request_id: str) -> JobRequest:
    """Give a request of any organisation; for the worker alone."""
    return _request(_row(session, request_id, lock=False))


def note_step(
    session: Session, request_id: str, *, step: str, step_date: date, done_count: int, at: datetime
) -> JobRequest:
    """Note what is being done and how many steps were done before it."""
    row = _row(session, request_id)
    row.state = JobRequestState.RUNNING
    row.started_at = row.started_at or at
    row.step, row.step_date, row.done_count = step, step_date, done_count
    session.add(row)
    session.flush()
    return _request(row)


def note_done(session: Session, request_id: str, *, at: datetime) -> JobRequest | None:
    """Note that every step was done, and give the request; None where it had ended, which changes nothing."""
    row = _row(session, request_id)
    if row.state not in OPEN_STATES:
        return None
    row.state, row.finished_at = JobRequestState.DONE, at
    row.step = row.step_date = None
    row.done_count = row.total_count
    session.add(row)
    session.flush()
    return _request(row)


def note_failed(session: Session, request_id: str, *, failure: str, failure_zh: str, at: datetime) -> JobRequest | None:
    """Note where and why it stopped, and give the request; None where it had ended, which changes nothing.

    It stays as it is, and the day goes on with a new request.
    """
    row = _row(session, request_id)
    if row.state not in OPEN_STATES:
        return None
    row.state, row.finished_at = JobRequestState.FAILED, at
    row.failure, row.failure_zh = failure, failure_zh
    session.add(row)
    session.flush()
    return _request(row)


def _row(session: Session, request_id: str, *, lock: bool = True) -> JobRequestRow:
    row = session.get(JobRequestRow, request_id, with_for_update=lock or None)
    if row is None:
        raise _missing(request_id)
    return row


def _missing(request_id: str) -> NotFound:
    return NotFound(f"there is no job request {request_id}", zh="没有这项作业申请", field="job_id")


def _request(row: JobRequestRow) -> JobRequest:
    return JobRequest(
        id=row.id,
        organization_id=row.organization_id,
        job=row.job,
        business_date=row.business_date,
        last_date=row.last_date,
        rolls=row.rolls,
        state=row.state,
        asked_by=row.asked_by,
        asked_by_name=row.asked_by_name,
        asked_at=row.asked_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        step=row.step,
        step_date=row.step_date,
        done_count=row.done_count,
        total_count=row.total_count,
        failure=row.failure,
        failure_zh=row.failure_zh,
    )
