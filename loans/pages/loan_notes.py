"""Loan notes: one with what it owes, its schedule and what was received; and the form of a receipt."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import DayText, IdText, day_of
from loans import service
from loans.calc.contracts.terms import METHOD_NAMES_EN, METHOD_NAMES_ZH
from loans.calc.green import EVENT_WORDS, NOT_BY_NAME_EN, NOT_BY_NAME_ZH, green_words
from loans.calc.linked.cause_words import cause_words
from loans.calc.notes import NoteState
from loans.calc.servicing.classification import CLASS_NAMES
from loans.calc.servicing.concession_turns import TURN_NAMES
from loans.calc.servicing.notices import NOTICE_NAMES, NoticeKind
from loans.calc.servicing.receipts import Claim
from loans.pages.facility_forms import REPAYMENT_FORM, attempt, read_form, shown_form
from loans.schemas.loan_notes import RepaymentIn

_METHODS = {one: Text(METHOD_NAMES_ZH[one], METHOD_NAMES_EN[one]) for one in METHOD_NAMES_ZH}
CLASS_WORDS = {one: Text(*words) for one, words in CLASS_NAMES.items()}
_NOTICES = {one: Text(*words) for one, words in NOTICE_NAMES.items()}
_TURNS = {one: Text(*words) for one, words in TURN_NAMES.items()}
_TITLE = Text("录入还款", "Enter a receipt")


@get("/loan-notes/{note_code:str}", sync_to_thread=True)
def loan_note_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]
) -> Template:
    """Show one loan note: what it owes today, its schedule as it is now, receipts, and the interest paid."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        view = service.note_view(session, actor, note_code, standing=standing)
        borrower = load_party(session, actor, view.line.note.party_id)
        waiting = service.waiting_repayment(session, actor, note_code)
    note = view.line.note
    is_running = note.state is NoteState.RUNNING
    return page(
        request,
        "loans/loan_note.html",
        title=Text(f"借据 {note_code}", f"Loan note {note_code}"),
        standing=standing,
        note=note,
        view=view,
        owed=view.line.standing,
        dues={one.due.row.number: one for one in view.line.standing.dues},
        borrower=borrower,
        methods=_METHODS,
        classes=CLASS_WORDS,
        notice_names=_NOTICES,
        turn_names=_TURNS,
        changes=[(one, Text(*cause_words(one.cause))) for one in view.rate_changes],
        past_due=view.line.past_due,
        waiting=waiting,
        claims=Claim,
        green=Text(*green_words(view.line.green)),
        green_remark=Text(NOT_BY_NAME_ZH, NOT_BY_NAME_EN),
        green_events={one: Text(*words) for one, words in EVENT_WORDS.items()},
        is_running=is_running,
        may_enter=actor.role is Role.OFFICER and is_running,
        may_propose_green=actor.role is Role.OFFICER,
    )


@get("/loan-notes/{note_code:str}/statement.pdf", sync_to_thread=True)
def loan_statement_pdf(sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]) -> Response[bytes]:
    """Give the statement of a note on the business date as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        content = service.statement_pdf(session, actor, note_code, standing=standing)
    return download(content, stem=f"贷款对账单-{note_code}-{standing.business_date}", ending="pdf")


@get("/loan-notes/{note_code:str}/notices/{kind:str}/{due_start:str}/letter.pdf", sync_to_thread=True)
def loan_notice_pdf(
    *,
    sessions: Sessions,
    actor: Actor,
    note_code: FromPath[IdText],
    kind: FromPath[NoticeKind],
    due_start: FromPath[DayText],
) -> Response[bytes]:
    """Give a notice as PDF; the same bytes each time."""
    with sessions.read() as session:
        content = service.notice_letter_pdf(session, actor, note_code, kind, day_of(due_start, field="due_start"))
    return download(content, stem=f"{NOTICE_NAMES[kind][0]}-{note_code}-{due_start}", ending="pdf")


@get("/loan-notes/{note_code:str}/rate-notices/{rate_notice:str}/letter.pdf", sync_to_thread=True)
def loan_rate_notice_pdf(
    *,
    sessions: Sessions,
    actor: Actor,
    note_code: FromPath[IdText],
    rate_notice: FromPath[IdText],
) -> Response[bytes]:
    """Give the notice of a rate reset (`reset-1`) or of a concession that turned (`concession-1`) as PDF."""
    with sessions.read() as session:
        content = service.rate_letter_pdf(session, actor, note_code, rate_notice)
    return download(content, stem=f"利率通知书-{note_code}-{rate_notice}", ending="pdf")


@get("/loan-notes/{note_code:str}/repayments/new", sync_to_thread=True)
def repayment_form(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]
) -> Template:
    """Show the form of a receipt, begun with what is due today."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        owed = service.note_view(session, actor, note_code, standing=standing).line.standing
    form = {
        "paid_on": standing.business_date.isoformat(), "amount_cny": str(owed.due_cny) if owed.due_cny else "",
        "prepays": "no", "fees_cny": "0.00", "compensation_cny": "0.00",
    }  # fmt: skip
    return _form(request, note_code, form)


@post("/loan-notes/{note_code:str}/repayments/new", sync_to_thread=True, status_code=303)
def send_repayment(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    note_code: FromPath[IdText],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose the receipt, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = read_form(data, REPAYMENT_FORM, RepaymentIn, beside={})
        service.propose_repayment(session, actor, given.draft(note_code), standing=standing, reason=given.reason)

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect(f"/loan-notes/{note_code}", status_code=303)
    return shown_form(request, REPAYMENT_FORM, data, failure=failure, **_place(note_code))


def _form(request: WebRequest, note_code: str, form: dict[str, str]) -> Template:
    return shown_form(request, REPAYMENT_FORM, form, failure=None, **_place(note_code))


def _place(note_code: str) -> dict[str, Any]:
    crumbs = [
        ("/loans", Text("贷款", "Loans")),
        (f"/loan-notes/{note_code}", Text(f"借据 {note_code}", f"Loan note {note_code}")),
    ]
    return {"title": _TITLE, "address": f"/loan-notes/{note_code}/repayments/new", "crumbs": crumbs}


routes = [
    loan_note_page, loan_statement_pdf, loan_notice_pdf, loan_rate_notice_pdf, repayment_form, send_repayment,
]  # fmt: skip
