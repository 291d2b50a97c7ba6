"""Carbon accounts for systems: consents, lines by body or file, and an account as it was known on a day."""

from litestar import get, post
from litestar.params import FromPath
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
from carbonfin.web.wire import IdText
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.calc.consents import ConsentPurpose
from loans.schemas.accounts import (
    AccountEntriesIn,
    AccountFileIn,
    AccountImportOut,
    CarbonAccountOut,
    CarbonAccountYearOut,
    ComplianceOfYearOut,
    ConsentIn,
    ConsentOut,
    ConsentsOut,
    entries_out,
    entry_file_of,
)

_PartyId = FromPath[IdText]
_WRITES = problem_responses(400, 404, 409, 422)


@post(
    "/v1/carbon-accounts/{party_id:str}/consents", sync_to_thread=True, status_code=201, responses=_WRITES,
    tags=["loans"],
)  # fmt: skip
def record_consent(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: _PartyId,
    data: ConsentIn,
    idempotency_key: IdempotencyKey,
) -> Response[ConsentsOut]:
    """Write down that an enterprise consents to a use of its data, or withdraws; the last statement counts."""

    def work(session: Session) -> ConsentsOut:
        standing = standing_of(session, actor.organization_id, clock)
        service.record_consent(
            session, actor, party_id, data.consent(), on=standing.business_date, known_at=standing.known_at
        )
        consents = service.consents_of(session, actor, party_id, known_at=standing.known_at)
        return ConsentsOut(party_id=party_id, consents=[ConsentOut.of(one) for one in consents])

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post("/v1/carbon-accounts/entries", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def record_account_entries(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: AccountEntriesIn,
    idempotency_key: IdempotencyKey,
) -> Response[AccountImportOut]:
    """Keep the good of up to a thousand lines and name the bad, those of an enterprise without consent among them."""

    def work(session: Session) -> AccountImportOut:
        standing = standing_of(session, actor.organization_id, clock)
        report = service.keep_entry_file(
            session, actor, entry_file_of(data), purpose=ConsentPurpose.RATING, on=standing.business_date,
            known_at=standing.known_at, preview=False,
        )  # fmt: skip
        return AccountImportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/carbon-accounts/files", sync_to_thread=True, status_code=201, responses=problem_responses(400, 409, 413, 422),
    tags=["loans"],
)  # fmt: skip
def import_account_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: AccountFileIn,
    idempotency_key: IdempotencyKey,
) -> Response[AccountImportOut]:
    """Keep the good rows of a file and name the bad with line and column; a file without one good row is refused."""

    def work(session: Session) -> AccountImportOut:
        standing = standing_of(session, actor.organization_id, clock)
        report = service.import_entry_file(
            session,
            actor,
            content=bytes_of(data.content_base64),
            file_name=data.file_name,
            on=standing.business_date,
            known_at=standing.known_at,
            preview=data.preview,
        )
        is_without_good = not (report.added_count or report.corrected_count or report.unchanged_count)
        if is_without_good and report.failures and not data.preview:
            raise refused_file(
                report.failures, file_name=report.file_name, row_count=report.row_count, encoding=report.encoding
            )
        return AccountImportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get(
    "/v1/carbon-accounts/{party_id:str}", sync_to_thread=True, responses=problem_responses(404, 422), tags=["loans"]
)  # fmt: skip
def read_carbon_account(
    *, sessions: Sessions, actor: Actor, clock: Clock, party_id: _PartyId, known_on: KnownOn = ""
) -> CarbonAccountOut:
    """Give an account with its consents, lines and years as known now or by the end of an earlier day."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        known_at = known_at_of(standing, known_on)
        view = service.account_view(session, actor, party_id, known_at=known_at)
        compliance = service.compliance_lines(session, actor, party_id, standing=standing, known_at=known_at)
        consents = service.consents_of(session, actor, party_id, known_at=known_at)
    return CarbonAccountOut(
        party_id=party_id,
        known_at=known_at.isoformat(),
        consents=[ConsentOut.of(one) for one in consents],
        years=[CarbonAccountYearOut.of(one) for one in view.years],
        compliance=[ComplianceOfYearOut.of(one) for one in compliance],
        entries=entries_out(view),
    )


routes = [record_consent, record_account_entries, import_account_file, read_carbon_account]
