"""Custody of trading funds for systems: accounts, daily statements, and the differences between the two sides."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Response
from msgspec import Meta
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of, refused_file
from carbonfin.web.wire import day_of
from collateral.calc.custody import Side
from collateral.schemas.custody import (
    CustodyAccountIn,
    CustodyAccountOut,
    CustodyFileIn,
    CustodyImportOut,
    CustodyOut,
)
from collateral.service import custody as service


@get("/v1/custody", sync_to_thread=True, responses=problem_responses(404, 422), tags=["collateral"])
def read_custody(
    sessions: Sessions, actor: Actor, clock: Clock, day: FromQuery[Annotated[str, Meta(max_length=10)] | None] = None
) -> CustodyOut:
    """Give the custody accounts bound on a day, or on the business date, with every difference and its age."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        on = None if day is None else day_of(day, field="day")
        return CustodyOut.of(service.custody_view(session, actor, standing=standing, day=on))


@post(
    "/v1/custody/accounts",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def bind_custody_account(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: CustodyAccountIn,
    idempotency_key: IdempotencyKey,
) -> Response[CustodyAccountOut]:
    """Bind a party's custody account to an exchange from a day on; an earlier binding there ends the day before."""

    def work(session: Session) -> CustodyAccountOut:
        standing = standing_of(session, actor.organization_id, clock)
        return CustodyAccountOut.of(service.bind_custody_account(session, actor, data.draft(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/custody/statements",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["collateral"],
)
def import_custody_statement(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: CustodyFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[CustodyImportOut]:
    """Store a day's statement of the custodian or of the exchange, every line or none; `preview` lists faults alone."""

    def work(session: Session) -> CustodyImportOut:
        report = service.import_custody_statement(
            session, actor, content=bytes_of(data.content_base64), file_name=data.file_name, side=Side(data.side),
            standing=standing_of(session, actor.organization_id, clock), preview=data.preview,
        )  # fmt: skip
        if report.failures and not data.preview:
            file = report.file
            raise refused_file(
                report.failures, file_name=file.file_name, row_count=file.row_count, encoding=file.encoding
            )
        return CustodyImportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [read_custody, bind_custody_account, import_custody_statement]
