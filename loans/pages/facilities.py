"""Credit lines, contracts and loan notes for the officer: what is signed, drawn, undrawn and behind it."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_party, parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import IdText
from loans import service
from loans.calc.contracts.terms import METHOD_NAMES_EN, METHOD_NAMES_ZH
from loans.calc.facilities import totals_by_currency
from loans.pages.facility_forms import (
    CONTRACT_FORM,
    DRAWDOWN_FORM,
    LINE_FORM,
    attempt,
    form_of_terms,
    read_form,
    shown_form,
)
from loans.pages.forms import error_words
from loans.schemas.facilities import CreditLineIn, DrawdownIn, LoanContractIn

_Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_METHODS = {one: Text(METHOD_NAMES_ZH[one], METHOD_NAMES_EN[one]) for one in METHOD_NAMES_ZH}
_LINES = ("/credit-lines", Text("授信额度", "Credit lines"))
_LOANS = ("/loans", Text("贷款", "Loans"))
_LINE_TITLE = Text("提交授信额度", "Propose a credit line")
_CONTRACT_TITLE = Text("提交借款合同", "Propose a loan contract")
_DRAWDOWN_TITLE = Text("提交提款", "Propose a drawdown")


@get("/credit-lines", sync_to_thread=True)
def credit_line_list(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the credit lines in force with what is used and undrawn, each apart, and what waits for a checker."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        lines = service.credit_lines(session, actor, valid_on=standing.business_date, known_at=standing.known_at)
        names = {party.id: party.name for party in parties_of(session, actor)}
        waiting = approvals_of(
            session, actor, states=OPEN_STATES,
            kinds=(service.CREDIT_LINE_APPROVAL, service.LOAN_CONTRACT_APPROVAL, service.DRAWDOWN_APPROVAL),
        )  # fmt: skip
    return page(
        request,
        "loans/credit_lines.html",
        title=Text("授信额度", "Credit lines"),
        standing=standing,
        lines=lines,
        names=names,
        waiting=waiting,
        totals=totals_by_currency((one.record.terms, one.use) for one in lines),
        may_propose=actor.role is Role.OFFICER,
    )


@get("/credit-lines/{line_number:str}", sync_to_thread=True)
def credit_line_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, line_number: FromPath[IdText]
) -> Template:
    """Show one line: its use, its contracts, and its revisions with who stands for each."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        line = service.load_credit_line(
            session, actor, line_number, valid_on=standing.business_date, known_at=standing.known_at
        )
        revisions = service.line_revisions(session, actor, line_number, known_at=standing.known_at)
        borrower = load_party(session, actor, line.record.terms.party_id)
        sheets = service.term_sheets_of(session, actor, party_id=borrower.id)
    return page(
        request,
        "loans/credit_line.html",
        title=Text(f"授信 {line_number}", f"Credit line {line_number}"),
        standing=standing,
        line=line,
        sheets=sheets,
        revisions=revisions,
        borrower=borrower,
        may_propose=actor.role is Role.OFFICER,
    )


@get("/loan-contracts/{contract_number:str}", sync_to_thread=True)
def loan_contract_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, contract_number: FromPath[IdText]
) -> Template:
    """Show one contract: its use, its notes, drawdowns that wait, and whether the collateral lets money out."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        line, contract = service.load_loan_contract(
            session, actor, contract_number, valid_on=standing.business_date, known_at=standing.known_at
        )
        revisions = service.contract_revisions(session, actor, contract_number, known_at=standing.known_at)
        borrower = load_party(session, actor, line.terms.party_id)
        link_numbers = [
            one.terms.number
            for one in service.links_of(session, actor, known_at=standing.known_at)
            if one.terms.contract_number == contract_number
        ]
        security = service.security_answer(
            session, actor, contract.record.terms, amount_cny=contract.use.available,
            maturity_date=standing.business_date, on=standing.business_date,
        )  # fmt: skip
    return page(
        request,
        "loans/loan_contract.html",
        title=Text(f"借款合同 {contract_number}", f"Loan contract {contract_number}"),
        standing=standing,
        line=line.terms,
        contract=contract,
        terms=contract.record.terms,
        revisions=revisions,
        borrower=borrower,
        security=security,
        link_numbers=link_numbers,
        security_refusal=None if security.refusal is None else error_words(security.refusal),
        methods=_METHODS,
        may_propose=actor.role is Role.OFFICER,
    )


@get("/credit-lines/new", sync_to_thread=True)
def credit_line_form(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    start: FromQuery[str] = "",
) -> Template:
    """Show the form of a line, begun with one in force where its change is meant."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        form = {"valid_from": standing.business_date.isoformat(), "currency": "CNY"}
        known = service.line_revisions(session, actor, start, known_at=standing.known_at) if start else ()
        if known:
            terms = known[-1].terms
            form |= form_of_terms(terms, LINE_FORM) | {"party_id": terms.party_id, "valid_from": form["valid_from"]}
        return _line_form(request, session, actor, form, failure=None)


@post("/credit-lines/new", sync_to_thread=True, status_code=303)
def send_credit_line(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, data: _Form
) -> Response[Any]:
    """Propose the line, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        party = load_party(session, actor, data.get("party_id", ""))
        given = read_form(data, LINE_FORM, CreditLineIn, beside={"usci": party.code})
        service.propose_credit_line(
            session, actor, given.line(party_id=party.id), standing=standing, reason=given.reason
        )

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect("/credit-lines", status_code=303)
    with sessions.read() as session:
        return _line_form(request, session, actor, data, failure=failure)


@get("/credit-lines/{line_number:str}/contracts/new", sync_to_thread=True)
def loan_contract_form(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    line_number: FromPath[IdText],
    start: FromQuery[str] = "",
    term_sheet: FromQuery[str] = "",
) -> Template:
    """Show the form of a contract: begun with usual terms, a term sheet's, or one in force whose change is meant."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        line = service.load_credit_line(
            session, actor, line_number, valid_on=standing.business_date, known_at=standing.known_at
        ).record.terms
        usual = service.lending_defaults(session, actor, valid_on=standing.business_date, known_at=standing.known_at)
        known = service.contract_revisions(session, actor, start, known_at=standing.known_at) if start else ()
        offered = service.contract_entries(session, actor, term_sheet) if term_sheet else {}
    today = standing.business_date.isoformat()
    form = {
        "signed_on": today, "drawable_from": max(today, line.available_from.isoformat()), "valid_from": today,
        "drawable_to": line.available_to.isoformat(), "settlement_day": str(usual.settlement_day),
        "basis": usual.basis.value, "interest_period_months": "1", "accrual_dates": "unadjusted",
    } | offered  # fmt: skip
    if known:
        form |= form_of_terms(known[-1].terms, CONTRACT_FORM) | {"valid_from": today}
    return _contract_form(request, line_number, form, failure=None)


@post("/credit-lines/{line_number:str}/contracts/new", sync_to_thread=True, status_code=303)
def send_loan_contract(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    line_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Propose the contract, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = read_form(data, CONTRACT_FORM, LoanContractIn, beside={"line_number": line_number})
        service.propose_loan_contract(session, actor, given.contract(), standing=standing, reason=given.reason)

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect(f"/credit-lines/{line_number}", status_code=303)
    return _contract_form(request, line_number, data, failure=failure)


@get("/loan-contracts/{contract_number:str}/drawdowns/new", sync_to_thread=True)
def drawdown_form(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    contract_number: FromPath[IdText],
) -> Template:
    """Show the form of a drawdown under a contract, with what may be drawn today."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        _, contract = service.load_loan_contract(
            session, actor, contract_number, valid_on=standing.business_date, known_at=standing.known_at
        )
    form = {
        "drawdown_date": standing.business_date.isoformat(),
        "maturity_date": contract.record.terms.matures_by.isoformat(),
    }
    return _drawdown_form(request, contract_number, form, failure=None)


@post("/loan-contracts/{contract_number:str}/drawdowns/new", sync_to_thread=True, status_code=303)
def send_drawdown(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    contract_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Propose the drawdown, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = read_form(data, DRAWDOWN_FORM, DrawdownIn, beside={})
        service.propose_drawdown(session, actor, given.draft(contract_number), standing=standing, reason=given.reason)

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect(f"/loan-contracts/{contract_number}", status_code=303)
    return _drawdown_form(request, contract_number, data, failure=failure)


def _line_form(
    request: WebRequest, session: Session, actor: Actor, form: Mapping[str, str], *, failure: CarbonFinError | None
) -> Template:
    borrowers = [
        (one.id, Text(f"{one.name} {one.code}", f"{one.name} {one.code}"))
        for one in parties_of(session, actor, kind=PartyKind.ENTERPRISE)
    ]
    return shown_form(
        request, LINE_FORM, form, failure=failure, title=_LINE_TITLE, address="/credit-lines/new",
        crumbs=[_LOANS, _LINES], borrowers=borrowers,
    )  # fmt: skip


def _contract_form(
    request: WebRequest, line_number: str, form: Mapping[str, str], *, failure: CarbonFinError | None
) -> Template:
    crumbs = [_LOANS, _LINES, (f"/credit-lines/{line_number}", Text(f"授信 {line_number}", f"Line {line_number}"))]
    return shown_form(
        request, CONTRACT_FORM, form, failure=failure, title=_CONTRACT_TITLE,
        address=f"/credit-lines/{line_number}/contracts/new", crumbs=crumbs,
    )  # fmt: skip


def _drawdown_form(
    request: WebRequest, number: str, form: Mapping[str, str], *, failure: CarbonFinError | None
) -> Template:
    crumbs = [_LOANS, _LINES, (f"/loan-contracts/{number}", Text(f"合同 {number}", f"Contract {number}"))]
    return shown_form(
        request, DRAWDOWN_FORM, form, failure=failure, title=_DRAWDOWN_TITLE,
        address=f"/loan-contracts/{number}/drawdowns/new", crumbs=crumbs,
    )  # fmt: skip


routes = [
    credit_line_list,
    credit_line_page,
    loan_contract_page,
    credit_line_form,
    send_credit_line,
    loan_contract_form,
    send_loan_contract,
    drawdown_form,
    send_drawdown,
]
