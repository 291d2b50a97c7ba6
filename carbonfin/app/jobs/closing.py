"""What the worker does for a request to close days: the plan of steps, each step once, and how it ended."""

import time
import traceback
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from carbonfin.app.jobs.days import days_to_close, planned_steps
from carbonfin.app.jobs.end_of_day import ROLL, STEP_NAMES, Means, roll_to_next_open_day, run_step, steps_for
from carbonfin.app.jobs.notices import tell_of_the_end
from carbonfin.app.logs import log
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.errors import CarbonFinError, Conflict
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequest, note_done, note_failed, note_step, request_by_id
from carbonfin.storage.parties import load_organization

WORKER = "end-of-day"
_ATTEMPTS = 3
_PAUSE_S = 1.0
_FRAMES = 4


class Closing:
    """Closes days, for the durable library: every method may be called again and then changes nothing."""

    def __init__(self, sessions: Sessions, means: Means) -> None:
        self._sessions = sessions
        self._means = means
        self._clock = means.clock

    def steps(self, job_id: str) -> list[list[str]]:
        """Give each step as its day and name; none where the request can no longer be carried out."""
        request, actor = self._request(job_id)
        if not request.is_open:
            return []
        try:
            with self._sessions.within(actor).read() as session:
                days = days_to_close(
                    session, actor, first=request.business_date, last=request.last_date, clock=self._clock
                )
        except CarbonFinError as error:
            self._stop(request, error.detail, error.zh)
            return []
        planned = planned_steps(actor, days, rolls=request.rolls)
        return [[day.isoformat(), name] for day, name in planned]

    def take(self, job_id: str, number: int, words: list[str]) -> bool:
        """Take one step of a day and say whether to go on."""
        day, name = date.fromisoformat(words[0]), words[1]
        request, actor = self._request(job_id)
        if not request.is_open:
            return False
        with self._sessions.within(actor).begin() as session:
            note_step(session, job_id, step=name, step_date=day, done_count=number, at=self._clock.now())
        try:
            self._take(actor, name, day)
        except CarbonFinError as error:
            self._stop(request, error.detail, error.zh)
            return False
        except SQLAlchemyError:
            raise  # the database is away: the library tries the step again
        except Exception as fault:  # noqa: BLE001 - a fault in one bank's day must not end the worker for all
            _log_fault(request, fault, name)
            self._stop(request, f"a fault in the program: {type(fault).__name__}", "程序内部错误，详见服务日志")
            return False
        return True

    def finish(self, job_id: str) -> None:
        """Note that the request was carried out."""
        request, actor = self._request(job_id)
        with self._sessions.within(actor).begin() as session:
            ended = note_done(session, job_id, at=self._clock.now())
            if ended is not None:
                tell_of_the_end(session, actor, ended, None, at=self._clock.now())
        log().info("jobs.request.done", job=request.job, organization_id=request.organization_id)

    def give_up(self, request: JobRequest) -> None:
        """End a request that the library could not carry out; what was done stays done."""
        self._stop(request, "the worker could not carry it out; see its log", "作业进程未能完成，详见服务日志")

    def _take(self, actor: Actor, name: str, day: date) -> None:
        sessions = self._sessions.within(actor)
        for attempt in range(1, _ATTEMPTS + 1):
            started_s = time.perf_counter()
            try:
                if name == ROLL:
                    roll_to_next_open_day(sessions, actor, clock=self._clock, business_date=day)
                    count = 1
                else:
                    step = next(one for one in steps_for(actor.organization_kind) if one.name == name)
                    count = run_step(sessions, actor, step, day, self._means).done_count
            except Conflict:
                # Mostly a database that is busy with others; a real conflict is the same after a moment.
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(_PAUSE_S * attempt)
            else:
                log().info(
                    "jobs.step.done",
                    job=name,
                    organization_id=actor.organization_id,
                    business_date=day.isoformat(),
                    count=count,
                    elapsed_ms=round((time.perf_counter() - started_s) * 1000),
                )
                return

    def _request(self, job_id: str) -> tuple[JobRequest, Actor]:
        with self._sessions.as_operator().read() as session:
            request = request_by_id(session, job_id)
            organization = load_organization(session, request.organization_id)
        role = Role.SYSTEM if organization.kind is OrganizationKind.BANK else Role.BUREAU
        actor = Actor(
            id=WORKER,
            name="日终作业",
            role=role,
            organization_id=organization.id,
            organization_kind=organization.kind,
            is_sample=organization.is_sample,
        )
        return request, actor

    def _stop(self, request: JobRequest, failure: str, failure_zh: str) -> None:
        actor = self._request(request.id)[1]
        with self._sessions.within(actor).begin() as session:
            ended = note_failed(session, request.id, failure=failure, failure_zh=failure_zh, at=self._clock.now())
            if ended is not None:
                tell_of_the_end(session, actor, ended, STEP_NAMES.get(ended.step or ""), at=self._clock.now())
        log().error("jobs.request.failed", job=request.job, organization_id=request.organization_id)


def _log_fault(request: JobRequest, fault: Exception, name: str) -> None:
    frames = traceback.extract_tb(fault.__traceback__)[-_FRAMES:]
    log().error(
        "jobs.step.fault",
        job=name,
        organization_id=request.organization_id,
        error=type(fault).__name__,
        where=[f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}" for frame in frames],
    )
