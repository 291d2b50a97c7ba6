"""The room of the day's end: where the business date stands, what was asked for, and one job as it goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, ServerSentEvent, ServerSentEventMessage, Template
from msgspec import Meta, Struct

from carbonfin.app.jobs.days import ask_for_end_of_day
from carbonfin.app.jobs.end_of_day import STEP_NAMES
from carbonfin.app.jobs.overview import days_of_request, overview
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequest, JobRequestState, load_job_request
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from carbonfin.web.wire import day_of

STREAM_S = 20.0
"""A stream ends before a stopping server would cut it off; the browser opens it again by itself."""

_LOOK_S = 1.0
_AGAIN_MS = 1000

REQUEST_STATES: dict[JobRequestState, tuple[str, Text]] = {
    JobRequestState.QUEUED: ("neutral", Text("排队中", "Queued")),
    JobRequestState.RUNNING: ("information", Text("执行中", "Running")),
    JobRequestState.DONE: ("good", Text("已完成", "Done")),
    JobRequestState.FAILED: ("breach", Text("已中止", "Stopped")),
}


class JobForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends: the business date that was seen, the last day to close, and whether to move on."""

    business_date: Annotated[str, Meta(max_length=10)] = ""
    last_date: Annotated[str, Meta(max_length=10)] = ""
    rolls: Annotated[str, Meta(max_length=3)] = "yes"


@get("/jobs", sync_to_thread=True)
def jobs_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show where the business date stands, what was asked for, and the form to ask."""
    return _shown(request, sessions, actor, clock, form=JobForm(), failure=None)


@post("/jobs", sync_to_thread=True)
def ask_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[JobForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Ask the worker to close the business date, or each day up to another; sent twice, the second is refused."""
    try:
        with sessions.begin() as session:
            asked = ask_for_end_of_day(
                session,
                actor,
                first=_day(data.business_date, "business_date"),
                last=_day(data.last_date, "last_date"),
                rolls=data.rolls == "yes",
                clock=clock,
            )
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, form=data, failure=failure)
    return Redirect(f"/jobs/{asked.id}", status_code=303)


@get("/jobs/{job_id:str}", sync_to_thread=True)
def job_page(request: WebRequest, sessions: Sessions, actor: Actor, job_id: FromPath[str]) -> Template:
    """Show one job as it goes on; htmx takes the part that changes."""
    with sessions.read() as session:
        asked = load_job_request(session, actor, job_id)
        days = days_of_request(session, actor, asked)
    return page(
        request,
        "app/job.html",
        fragment="app/job_progress.html",
        title=Text(f"日终 {asked.business_date}", f"End of day {asked.business_date}"),
        job=asked,
        days=days,
        state_words=REQUEST_STATES,
        step_names=STEP_NAMES,
    )


@get("/jobs/{job_id:str}/events", sync_to_thread=True)
def job_events(sessions: Sessions, actor: Actor, job_id: FromPath[str]) -> ServerSentEvent:
    """Say that a job has gone on, each time it has; a page that hears it fetches its part anew."""
    with sessions.read() as session:
        load_job_request(session, actor, job_id)
    return ServerSentEvent(_progress(sessions, actor, job_id))


async def _progress(sessions: Sessions, actor: Actor, job_id: str) -> AsyncIterator[ServerSentEventMessage]:
    """Look once a second, on a thread that is held only while it looks."""

    def look() -> JobRequest:
        with sessions.read() as session:
            return load_job_request(session, actor, job_id)

    seen: JobRequest | None = None
    ends_at_s = asyncio.get_running_loop().time() + STREAM_S
    while asyncio.get_running_loop().time() < ends_at_s:
        now = await sync_to_thread(look)
        if now != seen:
            told = {"state": now.state.value, "done_count": now.done_count, "total_count": now.total_count}
            yield ServerSentEventMessage(event="progress", data=json.dumps(told), retry=_AGAIN_MS)
            seen = now
        if not now.is_open:
            yield ServerSentEventMessage(event="ended", data=now.state.value)
            return
        await asyncio.sleep(_LOOK_S)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    form: JobForm,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        seen = overview(session, actor, clock)
    return page(
        request,
        "app/jobs.html",
        title=Text("日终", "End of day"),
        status_code=200 if failure is None else 422 if isinstance(failure, InvalidInput) else 409,
        seen=seen,
        form=form,
        failure=None
        if failure is None
        else Text(f"{failure.zh}。{failure.remedy_zh}", f"{failure.detail}. {failure.remedy}"),
        failed_field=None if failure is None else failure.field,
        state_words=REQUEST_STATES,
        step_names=STEP_NAMES,
    )


def _day(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no day", zh="日期应为 YYYY-MM-DD", field=field) from None
    return day_of(text, field=field)


routes = [jobs_page, ask_page, job_page, job_events]
