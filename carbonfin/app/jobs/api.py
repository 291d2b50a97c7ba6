"""Jobs for systems: a bank's own scheduler asks for the end of the day and looks how far it is."""

from typing import Literal, cast

import msgspec
from litestar import get, post
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct
from sqlmodel import Session

from carbonfin.app.jobs.days import ask_for_end_of_day
from carbonfin.app.jobs.overview import Overview, StepState, overview
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequest, job_request_page, load_job_request
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, IdText, day_of


class JobIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the worker: to close the business date, or each open day from it to a later one.

    `business_date` is the organisation's own; naming another is refused, so that no day is left out or closed twice.
    `rolls` says whether the business date moves on after the last day.
    """

    job: Literal["end-of-day"]
    business_date: DayText | None = None
    last_date: DayText | None = None
    rolls: bool = True


class JobOut(Struct, frozen=True, kw_only=True):
    """A job that was asked for: `queued`, `running`, `done` or `failed`; `step` is what it does or where it stopped."""

    job_id: str
    job: str
    business_date: str
    last_date: str
    rolls: bool
    state: str
    asked_by: str
    asked_at: str
    started_at: str | None
    finished_at: str | None
    step: str | None
    step_date: str | None
    done_count: int
    total_count: int
    failure: str | None
    failure_zh: str | None

    @classmethod
    def of(cls, request: JobRequest) -> "JobOut":
        """Make it of the request."""
        return cls(
            job_id=request.id,
            job=request.job,
            business_date=request.business_date.isoformat(),
            last_date=request.last_date.isoformat(),
            rolls=request.rolls,
            state=request.state.value,
            asked_by=request.asked_by_name,
            asked_at=request.asked_at.isoformat(),
            started_at=None if request.started_at is None else request.started_at.isoformat(),
            finished_at=None if request.finished_at is None else request.finished_at.isoformat(),
            step=request.step,
            step_date=None if request.step_date is None else request.step_date.isoformat(),
            done_count=request.done_count,
            total_count=request.total_count,
            failure=request.failure,
            failure_zh=request.failure_zh,
        )


class JobStepOut(Struct, frozen=True, kw_only=True):
    """A step of the business date: `done` or `waiting`, and each item it could not do with the reason."""

    step: str
    title: str
    title_zh: str
    state: str
    finished_at: str | None
    done_count: int | None
    failures: list[str]
    failures_zh: list[str]

    @classmethod
    def of(cls, step: StepState) -> "JobStepOut":
        """Make it of the step."""
        return cls(
            step=step.name,
            title=step.text.en,
            title_zh=step.text.zh,
            state=step.state,
            finished_at=None if step.finished_at is None else step.finished_at.isoformat(),
            done_count=step.done_count,
            failures=[f"{one.item}: {one.detail}" for one in step.failures],
            failures_zh=[f"{one.item}：{one.zh}" for one in step.failures],
        )


class JobListOut(Struct, frozen=True, kw_only=True):
    """Where the organisation's days stand; `missed_days` are open days that lie behind and are not closed."""

    business_date: str
    steps: list[JobStepOut]
    missed_days: list[str]
    worker_is_alive: bool
    jobs: list[JobOut]

    @classmethod
    def of(cls, seen: Overview, requests: tuple[JobRequest, ...]) -> "JobListOut":
        """Make it of the overview and a page of the requests."""
        return cls(
            business_date=seen.business_date.isoformat(),
            steps=[JobStepOut.of(step) for step in seen.steps],
            missed_days=[day.isoformat() for day in seen.missed.days],
            worker_is_alive=seen.worker_is_alive,
            jobs=[JobOut.of(request) for request in requests],
        )


@get("/v1/jobs", sync_to_thread=True, responses=problem_responses(), tags=["jobs"])
def list_jobs(sessions: Sessions, actor: Actor, clock: Clock, paging: Paging) -> Response[JobListOut]:
    """Say where the business date stands, and give the jobs that were asked for, newest first."""
    with sessions.read() as session:
        seen = overview(session, actor, clock)
        found = job_request_page(session, actor, paging.place)
    return paging.answer(JobListOut.of(seen, found.items), found)


@get("/v1/jobs/{job_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["jobs"])
def read_job(sessions: Sessions, actor: Actor, job_id: FromPath[IdText]) -> JobOut:
    """Say how far a job is."""
    with sessions.read() as session:
        return JobOut.of(load_job_request(session, actor, job_id))


@post(
    "/v1/jobs",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 409, 422),
    response_headers=[
        ResponseHeader(name="Location", description="Where to look how far it is.", documentation_only=True)
    ],
    tags=["jobs"],
)
def create_job(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: JobIn,
    idempotency_key: IdempotencyKey,
) -> Response[JobOut]:
    """Ask for the end of the day, or for days that were missed; the worker takes it up. One stands open at a time."""

    def work(session: Session) -> JobOut:
        asked = ask_for_end_of_day(
            session,
            actor,
            first=None if data.business_date is None else day_of(data.business_date, field="business_date"),
            last=None if data.last_date is None else day_of(data.last_date, field="last_date"),
            rolls=data.rolls,
            clock=clock,
        )
        return JobOut.of(asked)

    answer = idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)
    job_id = msgspec.json.decode(cast("bytes", answer.content))["job_id"]
    answer.set_header("Location", f"/v1/jobs/{job_id}")
    return answer


routes = [list_jobs, read_job, create_job]
