"""Compliance positions for systems: what is owed and with what, and the statements they rest on."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of, refused_file
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas.compliance import (
    ComplianceFileIn,
    ComplianceImportOut,
    ComplianceOut,
    ComplianceWrittenOut,
    ComplianceYearIn,
    ComplianceYearOut,
    SchemePositionOut,
)


@get(
    "/v1/parties/{party_id:str}/compliance",
    sync_to_thread=True,
    responses=problem_responses(404, 409),
    tags=["collateral"],
)
def read_compliance(sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[IdText]) -> ComplianceOut:
    """Give what an emitter must surrender by year, with what it can, what is short and how that is fined.

    Nothing is stored. What is not known to be usable does not count; a fine whose rule nobody has read is null.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.positions_of(session, actor, party_id, standing=standing)
        statements = service.compliance_revisions_of(session, actor, party_id, standing=standing)
    return ComplianceOut(
        party_id=party_id,
        business_date=standing.business_date.isoformat(),
        positions=[SchemePositionOut.of(one) for one in found],
        statements=[ComplianceYearOut.of(one) for one in statements],
    )


@post(
    "/v1/parties/{party_id:str}/compliance",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def record_compliance(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[IdText],
    data: ComplianceYearIn,
    idempotency_key: IdempotencyKey,
) -> Response[ComplianceWrittenOut]:
    """Write down what an emitter must surrender for a year; the same again changes nothing, else a new revision."""

    def work(session: Session) -> ComplianceWrittenOut:
        standing = standing_of(session, actor.organization_id, clock)
        position = data.position(party_id, known_from=china_day(standing.known_at))
        written = service.record_compliance_position(session, actor, position, standing=standing)
        return ComplianceWrittenOut(
            party_id=party_id, scheme=position.scheme, compliance_year=position.compliance_year, written=written
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/compliance-positions/files",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 413, 422),
    tags=["collateral"],
)
def import_compliance(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ComplianceFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[ComplianceImportOut]:
    """Store a file of compliance years, every row or none; with `preview` the faults are listed alone."""

    def work(session: Session) -> ComplianceImportOut:
        report = service.import_compliance_file(
            session,
            actor,
            content=bytes_of(data.content_base64),
            file_name=data.file_name,
            standing=standing_of(session, actor.organization_id, clock),
            preview=data.preview,
        )
        if report.failures and not data.preview:
            file = report.file
            raise refused_file(
                report.failures, file_name=file.file_name, row_count=file.row_count, encoding=file.encoding
            )
        return ComplianceImportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


routes = [read_compliance, record_compliance, import_compliance]
