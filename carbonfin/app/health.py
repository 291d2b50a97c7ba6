"""Whether the process lives and whether it can do its work."""

from litestar import get
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from carbonfin.kernel.release import VERSION
from carbonfin.storage.engine import Sessions
from carbonfin.storage.schema import revision_fits, revision_of
from carbonfin.web.problems import EdgeProblem


class HealthOut(Struct, frozen=True, kw_only=True):
    """The state of the process."""

    status: str
    version: str


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def health() -> HealthOut:
    """Say that the process answers; nothing else is asked."""
    return HealthOut(status="alive", version=VERSION)


@get("/readyz", sync_to_thread=True, include_in_schema=False)
def readiness(sessions: Sessions) -> HealthOut:
    """Say whether the database answers and has the tables of this release, or of a later one beside it."""
    try:
        with sessions.read() as session:
            session.connection().execute(text("SELECT count(*) FROM organization"))
            revision = revision_of(session)
    except SQLAlchemyError as error:
        raise EdgeProblem(
            "not-ready",
            "the database does not answer or lacks the tables of this release",
            zh="数据库不可用，或尚未升级到本版本",
            headers={"Retry-After": "5"},
        ) from error
    if not revision_fits(revision):
        raise EdgeProblem(
            "not-ready",
            "the database is at an older revision than this release needs; run `carbonfin db upgrade`",
            zh="数据库版本低于本版本的要求，请执行 carbonfin db upgrade",
            headers={"Retry-After": "5"},
        )
    return HealthOut(status="ready", version=VERSION)


routes = [health, readiness]
