"""The loan desk and the application: form left, living term sheet right."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, external_ids_of_all, parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from loans import service
from loans.calc.notes import NoteState
from loans.calc.term_sheets import TermSheet
from loans.pages import forms
from loans.pages.charts import rate_chart
from loans.pages.forms import ReadForm, empty_values, error_words, read_form
from loans.pages.loan_notes import CLASS_WORDS

_TITLE = Text("新建贷款条款清单", "New term sheet")


class ApplicationForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the application form sends; each field is text until it is read."""

    party_id: str = ""
    product: str = ""
    loan_kind: str = ""
    purpose: str = ""
    guarantee: str = ""
    credit_line_cny: str = ""
    principal_cny: str = ""
    drawdown_date: str = ""
    maturity_date: str = ""
    method: str = ""
    interest_period_months: str = ""
    settlement_day: str = ""
    basis: str = ""
    accrual_dates: str = ""
    reset_months: str = ""
    reset_day: str = ""
    fixing_lag_days: str = ""
    concession_stop_days: str = ""
    concession_stops_from: str = ""
    concession_returns: str = ""
    lpr_tenor: str = ""
    margin_bp: str = ""
    link_number: str = ""
    payment_way: str = ""
    fees: str = ""
    number: str = ""

    def values(self) -> dict[str, str]:
        """Give the fields by name, without the number."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "number"}


@get("/loans", sync_to_thread=True)
def loan_desk(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show running and settled loans with what they owe today, and the term sheets being drafted."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        names = {party.id: party.name for party in parties_of(session, actor)}
        lines = service.note_lines(session, actor, standing=standing)
        sheets = service.term_sheets_of(session, actor)
        numbers = external_ids_of_all(session, actor, [f"loan:{line.note.code}" for line in lines])
    running = [line.note for line in lines if line.note.state is NoteState.RUNNING]
    return page(
        request,
        "loans/loans.html",
        title=Text("贷款", "Loans"),
        standing=standing,
        lines=[(line.note, line.accrued_cny, line.next_row, line.past_due, line) for line in lines],
        classes=CLASS_WORDS,
        numbers=numbers,
        sheets=sheets,
        names=names,
        running_count=len(running),
        outstanding_cny=sum(note.outstanding_cny for note in running),
        accrued_cny=sum(line.accrued_cny for line in lines if line.accrued_cny is not None),
        overdue_count=sum(1 for line in lines if line.past_due is not None),
        provisional_count=sum(1 for sheet in sheets if sheet.provisional_from is not None),
        may_draft=actor.role is Role.OFFICER,
    )


@get("/loans/new", sync_to_thread=True)
def application_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    number: FromQuery[str] = "",
) -> Template:
    """Show the application form with the term sheet as it would be drafted; what is typed stands in the address.

    A number opens the form with what its latest version was made from.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        typed = {name: text for name, text in request.query_params.items() if name in ApplicationForm.__struct_fields__}
        typed.pop("number", None)
        defaults = service.lending_defaults(session, actor, valid_on=standing.business_date, known_at=standing.known_at)
        values = empty_values(defaults, party_id=typed.get("party_id", ""), today=standing.business_date)
        if number:
            values |= service.load_term_sheet(session, actor, number).entry.entry
        is_asked = set(typed) - {"party_id"} != set()
        read = read_form(values | typed, number=number or None)
        if not is_asked and not number:
            read = ReadForm(values=values | typed, errors={}, draft=None)
        return _page(request, session, actor, standing, read, number=number)


@post("/loans/new", sync_to_thread=True, status_code=303)
def draft_application(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ApplicationForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Draft the term sheet, or show what is wrong beside each field with nothing typed lost."""
    read = read_form(data.values(), number=data.number or None)
    if read.draft is not None:
        try:
            with sessions.begin() as session:
                standing = standing_of(session, actor.organization_id, clock)
                stored = service.draft_term_sheet(
                    session, actor, read.draft, issued_on=standing.business_date, known_at=standing.known_at
                )
            return Redirect(f"/term-sheets/{stored.entry.number}", status_code=303)
        except CarbonFinError as error:
            read = ReadForm(values=read.values, errors={error.field or "": error_words(error)}, draft=None)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return _page(request, session, actor, standing, read, number=data.number, status_code=422)


def _page(
    request: WebRequest,
    session: Session,
    actor: Actor,
    standing: Standing,
    read: ReadForm,
    *,
    number: str,
    status_code: int = 200,
) -> Template:
    sheet, errors = _previewed(session, actor, standing, read)
    parties = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
    known_fields = set(ApplicationForm.__struct_fields__)
    return page(
        request,
        "loans/new.html",
        title=_TITLE if not number else Text(f"修订条款清单 {number}", f"Revise term sheet {number}"),
        status_code=status_code,
        fragment="loans/living_sheet.html",
        values=read.values,
        errors=errors,
        other_errors=[words for field, words in errors.items() if field not in known_fields],
        number=number,
        sheet=sheet,
        chart=None if sheet is None else rate_chart(sheet.steps, language_of(request)),
        decision_id="",
        choices=forms,
        parties=[("", Text("请选择", "choose"))]
        + [(party.id, Text(f"{party.name} {party.code}", f"{party.name} {party.code}")) for party in parties],
    )


def _previewed(
    session: Session, actor: Actor, standing: Standing, read: ReadForm
) -> tuple[TermSheet | None, dict[str, Text]]:
    if read.draft is None:
        return None, read.errors
    try:
        sheet = service.preview_term_sheet(
            session, actor, read.draft, issued_on=standing.business_date, known_at=standing.known_at
        )
    except CarbonFinError as error:
        return None, {error.field or "": error_words(error)}
    return sheet, {}


routes = [loan_desk, application_page, draft_application]
