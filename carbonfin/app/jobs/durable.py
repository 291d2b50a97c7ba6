"""The one door to the durable library: jobs of several steps that go on where they stopped when the process was killed.

Every other module speaks of a `Plan`, a `Durable` and its four verbs, so that the library can be exchanged here alone.
Its own tables stand beside the product's: a schema `carbonfin_jobs` in PostgreSQL, a file of its own beside SQLite's.
They hold which step of which request was done, nothing of a customer, and can be thrown away: every effect is proved
by the product's own tables, and a step that is taken again does nothing twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, StepOptions
from dbos._error import DBOSException
from sqlalchemy import make_url

from carbonfin.kernel.errors import Conflict

SCHEMA = "carbonfin_jobs"
PLAN_VERSION = "2"
"""Changed whenever the steps of a plan change their order: a job begun under another version is begun anew."""

_NAME = "carbonfin-jobs"
_WORKER = "worker"  # one name for every worker there will be, so that each takes up what the one before it left
_PATIENT: StepOptions = {"retries_allowed": True, "max_attempts": 9, "interval_seconds": 1.0, "backoff_rate": 2.0}
"""A step raises only where the database is away: it is tried again for some four minutes before the job is given up."""
_LEAVING_S = 25  # a supervisor kills after thirty; a step that is cut off is taken again


class Plan(Protocol):
    """What a job does; each method may be called again after a crash and must then change nothing."""

    def steps(self, job_id: str) -> list[list[str]]:
        """Give the steps in order, each as the words `take` is called with; empty where there is nothing to do."""

    def take(self, job_id: str, number: int, words: list[str]) -> bool:
        """Take one step; False ends the job there."""

    def finish(self, job_id: str) -> None:
        """Note that every step was taken."""


class Progress(StrEnum):
    """Where the library says a job is."""

    UNKNOWN = "unknown"
    WORKING = "working"
    PAUSED = "paused"
    ENDED = "ended"
    BROKEN = "broken"


_PROGRESS = {
    "PENDING": Progress.WORKING,
    "ENQUEUED": Progress.WORKING,
    "DELAYED": Progress.WORKING,
    "SUCCESS": Progress.ENDED,
    "ERROR": Progress.BROKEN,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": Progress.BROKEN,
    "CANCELLED": Progress.PAUSED,
}


class Durable:
    """The library at work in this process: begin or go on, look, pause, forget."""

    def __init__(self, plan: Plan) -> None:
        def carry_out(job_id: str) -> bool:
            steps = DBOS.run_step({"name": "plan"}, plan.steps, job_id)
            for number, words in enumerate(steps):
                if not DBOS.run_step({"name": " ".join(words), **_PATIENT}, plan.take, job_id, number, words):
                    return False
            DBOS.run_step({"name": "finish"}, plan.finish, job_id)
            return True

        self._carry_out = DBOS.workflow(name="carry_out")(carry_out)

    def progress(self, job_id: str) -> Progress:
        """Say where a job is; one of another version's plan counts as not begun."""
        found = DBOS.get_workflow_status(job_id)
        if found is None:
            return Progress.UNKNOWN
        if found.app_version != PLAN_VERSION and _PROGRESS[found.status] is not Progress.ENDED:
            DBOS.delete_workflow(job_id)
            return Progress.UNKNOWN
        return _PROGRESS[found.status]

    def go_on(self, job_id: str) -> None:
        """Begin a job, or go on with one that was paused; one that is at work is left alone."""
        progress = self.progress(job_id)
        if progress is Progress.PAUSED:
            DBOS.resume_workflow(job_id)
        elif progress is Progress.UNKNOWN:
            with SetWorkflowID(job_id):
                DBOS.start_workflow(self._carry_out, job_id)

    def pause(self, job_id: str) -> None:
        """Have a job stop after the step it is in; whoever goes on with it begins with the next."""
        DBOS.cancel_workflow(job_id)

    def forget(self, job_id: str) -> None:
        """Forget a job that has ended; what it did stands in the product's own tables."""
        DBOS.delete_workflow(job_id)


@contextmanager
def durable_jobs(database_url: str, plan: Plan, *, may_migrate: bool) -> Iterator[Durable]:
    """Open the library beside a database; jobs that were at work when the last worker died go on at once.

    Leaving waits for the step that is being taken, for a time.

    Args:
        database_url: The product's database.
        plan: What the jobs do.
        may_migrate: Whether this process may change the library's tables; one that may not only checks them.

    Raises:
        Conflict: The tables are not there, and this process may not make them.
    """
    config: DBOSConfig = {
        "name": _NAME,
        "system_database_url": system_database_url(database_url),
        "dbos_system_schema": SCHEMA,
        "application_version": PLAN_VERSION,
        "executor_id": _WORKER,
        # Not the default, which is pickle: whoever could write to the table could run code here.
        "serializer": DBOSPortableJSONSerializer(),
        "run_migrations": may_migrate,
        "log_level": "ERROR",
        "enable_otlp": False,
    }
    DBOS(config=config)
    try:
        durable = Durable(plan)
        _launch()
        yield durable
    finally:
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=_LEAVING_S)


def _launch() -> None:
    try:
        DBOS.launch()
    except DBOSException as error:
        raise Conflict(
            "the tables of the durable jobs are missing or older than this release",
            zh="作业引擎的数据表缺失或版本过旧",
            field="database_url",
            remedy="Run `carbonfin db grant ROLE` as the owner of the tables, after each upgrade.",
            remedy_zh="请以表的所有者执行 carbonfin db grant 角色名，每次升级后执行一次。",
        ) from error


def prepare(database_url: str, *, role: str | None = None) -> None:
    """Bring the library's own tables up to date, and let the application's role use them (PostgreSQL).

    Run it as the owner of the tables; a second run changes nothing.
    """
    DBOS.migrate(system_database_url(database_url), schema=SCHEMA, application_role=role)


def system_database_url(database_url: str) -> str:
    """Give where the library's tables stand: the same PostgreSQL database, or a file beside SQLite's."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql").render_as_string(hide_password=False)
    assert url.database, "SQLite has a file"
    file = Path(url.database)
    return f"sqlite:///{file.with_name(f'{file.stem}-jobs{file.suffix}')}"
