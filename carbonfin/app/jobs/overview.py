"""Where an organisation's days stand: the business date and its steps, what was asked for, days that were missed."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.app.jobs.days import MissedDays, missed_days
from carbonfin.app.jobs.end_of_day import steps_for
from carbonfin.app.jobs.sole_worker import is_worker_alive
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock
from carbonfin.storage.job_requests import JobRequest, job_requests_of
from carbonfin.storage.jobs import JobRun, job_runs_of, runs_between
from carbonfin.storage.parties import standing_of
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """One step of the business date: done with what came of it, or waiting."""

    name: str
    text: Text
    state: str
    finished_at: datetime | None
    done_count: int | None
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Where the days of an organisation stand."""

    business_date: date
    steps: tuple[StepState, ...]
    requests: tuple[JobRequest, ...]
    missed: MissedDays
    worker_is_alive: bool

    @property
    def is_closed(self) -> bool:
        """Whether every step of the business date has run."""
        return all(step.state == "done" for step in self.steps)

    @property
    def open_request(self) -> JobRequest | None:
        """The request that waits or runs."""
        return next((one for one in self.requests if one.is_open), None)


def overview(session: Session, actor: Actor, clock: Clock) -> Overview:
    """Look at the organisation's business date, its requests and the days left behind."""
    standing = standing_of(session, actor.organization_id, clock)
    return Overview(
        business_date=standing.business_date,
        steps=steps_of_day(session, actor, standing.business_date),
        requests=job_requests_of(session, actor.organization_id),
        missed=missed_days(session, standing, clock),
        worker_is_alive=is_worker_alive(session.connection().engine),
    )


def steps_of_day(session: Session, actor: Actor, day: date) -> tuple[StepState, ...]:
    """Give each step of a day with its run, if it ran."""
    runs = {run.job: run for run in job_runs_of(session, actor.organization_id, day)}
    return tuple(
        StepState(
            name=step.name,
            text=step.text,
            state="done" if step.name in runs else "waiting",
            finished_at=runs[step.name].finished_at if step.name in runs else None,
            done_count=runs[step.name].done_count if step.name in runs else None,
            failures=runs[step.name].failures if step.name in runs else (),
        )
        for step in steps_for(actor.organization_kind)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayState:
    """One day of a request: how many of its steps have run, what they did, and each item they could not do."""

    day: date
    step_count: int
    run_count: int
    done_count: int
    failures: tuple[Failure, ...]


def days_of_request(session: Session, actor: Actor, request: JobRequest) -> tuple[DayState, ...]:
    """Give the days of a request on which a step has run, in order, and the day it stands at."""
    steps = {step.name for step in steps_for(actor.organization_kind)}
    by_day: dict[date, list[JobRun]] = {request.step_date or request.business_date: []}
    for run in runs_between(session, actor.organization_id, request.business_date, request.last_date):
        if run.job in steps:
            by_day.setdefault(run.business_date, []).append(run)
    return tuple(
        DayState(
            day=day,
            step_count=len(steps),
            run_count=len(runs),
            done_count=sum(run.done_count for run in runs),
            failures=tuple(failure for run in runs for failure in run.failures),
        )
        for day, runs in sorted(by_day.items())
    )
