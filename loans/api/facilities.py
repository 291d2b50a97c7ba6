"""Credit lines, contracts and drawdowns for systems: propose, and read by both dates."""

from datetime import date, datetime
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText, day_of
from loans import service
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
_ValidOn = Annotated[str, QueryParameter(max_length=10, description="Terms that hold on this day; else business date.")]
_KnownOn = Annotated[str, QueryParameter(max_length=10, description="As known at the close of this day; else now.")]


@get("/v1/credit-lines", sync_to_thread=True, responses=problem_responses(400, 422), tags=["loans"])
def list_credit_lines(
    *, sessions: Sessions, actor: Actor, clock: Clock, valid_on: _ValidOn = "", known_on: _KnownOn = ""
) -> CreditLineListOut:
    """List the credit lines in force with what is used, undrawn and may be drawn, each apart."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = _both_dates(standing, valid_on, known_on)
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
    valid_on: _ValidOn = "",
    known_on: _KnownOn = "",
) -> CreditLineDetailOut:
    """Give a credit line with its contracts, their notes and its revisions."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = _both_dates(standing, valid_on, known_on)
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
    valid_on: _ValidOn = "",
    known_on: _KnownOn = "",
) -> LoanContractOut:
    """Give a loan contract with its use and the notes drawn under it."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day, known_at = _both_dates(standing, valid_on, known_on)
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


def _both_dates(standing: Standing, valid_on: str, known_on: str) -> tuple[date, datetime]:
    day = day_of(valid_on, field="valid_on") if valid_on else standing.business_date
    known_at = end_of_china_day(day_of(known_on, field="known_on")) if known_on else standing.known_at
    return day, known_at


routes = [
    list_credit_lines,
    create_credit_line,
    read_credit_line,
    create_loan_contract,
    read_loan_contract,
    create_drawdown,
]
