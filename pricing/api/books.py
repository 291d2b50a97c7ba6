"""Books of positions as files, for systems."""

from litestar import post
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of, refused_file
from pricing import service
from pricing.schemas import BookFileIn, BookImportOut


@post(
    "/v1/portfolios/files",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["pricing"],
)
def import_book(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: BookFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[BookImportOut]:
    """Store a file of positions as a portfolio: every line or none; with `preview` the faults are listed alone.

    A portfolio of the same code gives way to exactly these lines where `replace` says so, takes them beside its own
    where `add` does, and is kept otherwise. An FpML or CDM document is read trade by trade, each fault by its path.
    """

    def work(session: Session) -> BookImportOut:
        standing = standing_of(session, actor.organization_id, clock)
        report = service.import_book(
            session,
            actor,
            content=bytes_of(data.content_base64),
            file_name=data.file_name,
            code=data.code,
            name=data.name,
            replaces=data.replace,
            valuation_date=standing.business_date,
            known_at=standing.known_at,
            preview=data.preview,
            own_party=data.own_party,
            adds=data.add,
        )
        if report.failures and not data.preview:
            raise refused_file(
                report.failures,
                file_name=report.file.file_name,
                row_count=report.file.row_count,
                encoding=report.file.encoding,
            )
        return BookImportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [import_book]
