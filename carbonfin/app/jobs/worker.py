"""The worker process: takes up what was asked for, carries messages out, and stops between two steps when told to."""

import threading
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from carbonfin.app.jobs.closing import Closing
from carbonfin.app.jobs.days import END_OF_DAY_JOB
from carbonfin.app.jobs.durable import Durable, Progress, durable_jobs
from carbonfin.app.jobs.end_of_day import Means
from carbonfin.app.jobs.sole_worker import StillMine, sole_worker
from carbonfin.app.logs import log
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequest, request_to_take_up

JOBS = (END_OF_DAY_JOB,)
_LOOK_S = 0.5
_STAND_BY_S = 2.0
_COURIER_S = 20.0
_COURIER_EVERY_S = 2.0

Deliver = Callable[[Sessions, Clock], object]
"""Sends the messages that are due, of all organisations."""


def work(
    sessions: Sessions,
    *,
    means: Means,
    stop: threading.Event,
    until_idle: bool = False,
    deliver: Deliver | None = None,
) -> None:
    """Do the worker's work until told to stop; stand by while another worker does it.

    Args:
        sessions: The database.
        means: The machine's clock, and the signer of chain heads.
        stop: Set from outside to end it; the step being taken is ended first.
        until_idle: End when nothing waits, for a scheduler that starts the worker itself.
        deliver: Sends messages that are due; None where there are none to send.

    Raises:
        Conflict: With `until_idle`, another worker is at work.
    """
    while not stop.is_set():
        with sole_worker(sessions.engine) as still_mine:
            if still_mine is not None:
                _work_alone(
                    sessions, still_mine, means=means, stop=stop, until_idle=until_idle, deliver=deliver
                )  # fmt: skip
                if until_idle:
                    return
            elif until_idle:
                raise _another()
            else:
                log().info("jobs.worker.stands-by")
        stop.wait(_STAND_BY_S)


def _work_alone(
    sessions: Sessions,
    still_mine: StillMine,
    *,
    means: Means,
    stop: threading.Event,
    until_idle: bool,
    deliver: Deliver | None,
) -> None:
    clock = means.clock
    closing = Closing(sessions, means)
    database_url = sessions.engine.url.render_as_string(hide_password=False)
    with durable_jobs(database_url, closing, may_migrate=may_migrate(sessions.engine)) as durable:
        log().info("jobs.worker.started")
        current: JobRequest | None = None
        over = threading.Event()
        courier = threading.Thread(target=_carry, args=(sessions, clock, deliver, over), name="courier", daemon=True)
        courier.start()
        while not stop.is_set() and still_mine():
            before, current = current, _looked_after(sessions, durable, closing)
            if before is not None and (current is None or current.id != before.id):
                _forgotten(durable, before)
            if until_idle and current is None:
                break
            stop.wait(_LOOK_S)
        if current is not None:
            durable.pause(current.id)
    over.set()
    courier.join(_COURIER_S)
    if until_idle:
        _delivered(sessions, clock, deliver)
    log().info("jobs.worker.stopped")


def _looked_after(sessions: Sessions, durable: Durable, closing: Closing) -> JobRequest | None:
    """See that the request whose turn it is goes on, and give it; None where nothing waits."""
    try:
        with sessions.as_operator().read() as session:
            request = request_to_take_up(session, JOBS)
        if request is None:
            return None
        progress = durable.progress(request.id)
        if progress is Progress.BROKEN:
            closing.give_up(request)
        elif progress is Progress.ENDED:
            durable.forget(request.id)  # the product's database was set back behind the library's: do it again
        else:
            durable.go_on(request.id)
    except SQLAlchemyError as error:
        log().error("jobs.worker.database-away", error=type(error).__name__)
        return None
    return request


def _forgotten(durable: Durable, ended: JobRequest) -> None:
    if durable.progress(ended.id) is Progress.ENDED:
        durable.forget(ended.id)


def _carry(sessions: Sessions, clock: Clock, deliver: Deliver | None, over: threading.Event) -> None:
    """Send what is due again and again, beside the jobs: a receiver that is slow keeps no day from its end."""
    while not over.wait(_COURIER_EVERY_S):
        _delivered(sessions, clock, deliver)


def _delivered(sessions: Sessions, clock: Clock, deliver: Deliver | None) -> None:
    if deliver is None:
        return
    try:
        deliver(sessions, clock)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next message must not wait for ever
        log().error("jobs.messages.failed", error=type(error).__name__)


def may_migrate(engine: sa.Engine) -> bool:
    """Whether the connected role may make the library's own tables; on SQLite everybody may."""
    if engine.dialect.name != "postgresql":
        return True
    with engine.connect() as connection:
        return bool(
            connection.execute(
                sa.text("SELECT has_database_privilege(current_database(), 'CREATE')")
            ).scalar_one()
        )  # fmt: skip


def _another() -> Conflict:
    return Conflict(
        "another worker is at work on this database",
        zh="已有作业进程在运行",
        remedy="Leave the work to it, or stop it first.",
        remedy_zh="请由该进程执行，或先将其停止。",
    )
