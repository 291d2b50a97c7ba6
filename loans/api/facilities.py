"""Credit lines, contracts and drawdowns for systems: propose, and read by both dates."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from loans import service
from loans.api.dates import KnownOn, ValidOn, both_dates
from loans.calc.facilities import totals_by_currency
from loans.schemas.facilities import (
    CreditLineDetailOut,
    CreditLineIn,
    CreditLineListOut,
    CreditLineOut,
    CreditLineTotalsOut,
    DrawdownIn,
    LoanContractIn,
    LoanContractOut,
    ProposedLendingOut,
)

_READS = problem_responses(400, 404, 422)
_WRITES = problem_responses(400, 404, 409, 422)


@get("/v1/credit-lines", sync_to_thread=True, responses=problem_responses(400, 422), tags=["loans"])
def list_credit_lines(
    *, sessions: Sessions, actor: Actor, clock: Clock, valid_on: ValidOn = "", known_on: KnownOn = ""
) -> CreditLineListOut:
    """List the credit lines in force with what is used, undrawn and may be drawn, each apart."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = both_dates(standing, valid_on, known_on)
        found = service.credit_lines(session, actor, valid_on=day, known_at=known_at)
    return CreditLineListOut(
        business_date=day.isoformat(),
        lines=[CreditLineOut.of(one) for one in found],
        totals=[
            CreditLineTotalsOut.of(one) for one in totals_by_currency((one.record.terms, one.use) for one in found)
        ],
    )


@post("/v1/credit-lines", sync_to_thread=True, status_code=202, responses=_WRITES, tags=["loans"])
def create_credit_line(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: CreditLineIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedLendingOut]:
    """Propose a credit line or a change of one; it holds once another person approved it."""

    def work(session: Session) -> ProposedLendingOut:
        standing = standing_of(session, actor.organization_id, clock)
        party = party_by_code(session, actor, data.usci)
        line = data.line(party_id=party.id)
        return ProposedLendingOut.of(
            service.propose_credit_line(session, actor, line, standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get("/v1/credit-lines/{line_number:str}", sync_to_thread=True, responses=_READS, tags=["loans"])
def read_credit_line(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    line_number: FromPath[IdText],
    valid_on: ValidOn = "",
    known_on: KnownOn = "",
) -> CreditLineDetailOut:
    """Give a credit line with its contracts, their notes and its revisions."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = both_dates(standing, valid_on, known_on)
        found = service.load_credit_line(session, actor, line_number, valid_on=day, known_at=known_at)
        revisions = service.line_revisions(session, actor, line_number, known_at=known_at)
    return CreditLineDetailOut.of(found, revisions)


@post("/v1/loan-contracts", sync_to_thread=True, status_code=202, responses=_WRITES, tags=["loans"])
def create_loan_contract(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: LoanContractIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedLendingOut]:
    """Propose a loan contract under a line or a change of one; it holds once another person approved it."""

    def work(session: Session) -> ProposedLendingOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedLendingOut.of(
            service.propose_loan_contract(session, actor, data.contract(), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@get("/v1/loan-contracts/{contract_number:str}", sync_to_thread=True, responses=_READS, tags=["loans"])
def read_loan_contract(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    contract_number: FromPath[IdText],
    valid_on: ValidOn = "",
    known_on: KnownOn = "",
) -> LoanContractOut:
    """Give a loan contract with its use and the notes drawn under it."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = both_dates(standing, valid_on, known_on)
        _, found = service.load_loan_contract(session, actor, contract_number, valid_on=day, known_at=known_at)
    return LoanContractOut.of(found)


@post(
    "/v1/loan-contracts/{contract_number:str}/drawdowns",
    sync_to_thread=True,
    status_code=202,
    responses=_WRITES,
    tags=["loans"],
)
def create_drawdown(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    contract_number: FromPath[IdText],
    data: DrawdownIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedLendingOut]:
    """Propose to draw a loan note; refused beyond what may be drawn, and until the collateral lets it through."""

    def work(session: Session) -> ProposedLendingOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedLendingOut.of(
            service.propose_drawdown(session, actor, data.draft(contract_number), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


routes = [
    list_credit_lines,
    create_credit_line,
    read_credit_line,
    create_loan_contract,
    read_loan_contract,
    create_drawdown,
]
