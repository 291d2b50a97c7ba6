"""Sustainability links for the officer: what is observed next, one link with its timeline, and the forms."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.calc.cut_claims import CLAIMANT_WORDS
from loans.calc.linked.agreements import ASSURANCE_EN, ASSURANCE_ZH, EVENTS_EN, EVENTS_ZH, LINK_MACHINE, LinkState
from loans.calc.linked.documents import KINDS_EN, KINDS_ZH
from loans.calc.linked.indicators import DIRECTIONS_EN, DIRECTIONS_ZH
from loans.calc.linked.integrity_terms import VERDICTS_EN, VERDICTS_ZH, Verdict
from loans.calc.linked.link_words import ratchet_words
from loans.calc.linked.observation_terms import STATUS_EN, STATUS_ZH, ObservationStatus
from loans.calc.linked.ratchets import FORMS_EN, FORMS_ZH
from loans.calc.linked.registered_claims import year_words, years_rewarded
from loans.pages import link_forms
from loans.pages.entries import read_entries
from loans.pages.forms import error_words
from loans.schemas.link_reviews import LinkReviewIn
from loans.schemas.links import LinkEventIn, LinkObservationIn

_Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_LOANS = ("/loans", Text("贷款", "Loans"))
_LINKS = ("/sustainability-links", Text("可持续挂钩", "Sustainability links"))
_STATES = {
    LinkState.ACTIVE: ("good", Text("挂钩中", "active")),
    LinkState.SUSPENDED: ("warning", Text("中止", "suspended")),
    LinkState.DECLASSIFIED: ("neutral", Text("已取消挂钩", "declassified")),
}
_STATUSES = {
    ObservationStatus.MET: "good", ObservationStatus.MISSED: "warning", ObservationStatus.LATE: "warning",
    ObservationStatus.NOT_RECEIVED: "breach",
}  # fmt: skip
_CLAIMANTS = {one: Text(*words) for one, words in CLAIMANT_WORDS.items()}
_VERDICTS = {Verdict.PASSED: "good", Verdict.FAILED: "breach", Verdict.UNKNOWN: "warning"}
_WORDS: dict[str, Any] = {
    "states": _STATES,
    "statuses": {one: (_STATUSES[one], Text(STATUS_ZH[one], STATUS_EN[one])) for one in STATUS_ZH},
    "forms": {one: Text(FORMS_ZH[one], FORMS_EN[one]) for one in FORMS_ZH},
    "events": {one: Text(EVENTS_ZH[one], EVENTS_EN[one]) for one in EVENTS_ZH},
    "document_kinds": {one: Text(KINDS_ZH[one], KINDS_EN[one]) for one in KINDS_ZH},
    "assurances": {one: Text(ASSURANCE_ZH[one], ASSURANCE_EN[one]) for one in ASSURANCE_ZH},
    "verdicts": {one: (_VERDICTS[one], Text(VERDICTS_ZH[one], VERDICTS_EN[one])) for one in VERDICTS_ZH},
    "directions": {one: Text(DIRECTIONS_ZH[one], DIRECTIONS_EN[one]) for one in DIRECTIONS_ZH},
}


@get("/sustainability-links", sync_to_thread=True)
def sustainability_link_list(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the links with what is observed next, the next report due first, and what waits for a checker."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.links_of(session, actor, known_at=standing.known_at)
        waiting = approvals_of(
            session, actor, states=OPEN_STATES, kinds=(service.LINK_APPROVAL, service.OBSERVATION_APPROVAL)
        )
    return page(
        request,
        "loans/links.html",
        title=Text("可持续挂钩", "Sustainability links"),
        standing=standing,
        links=found,
        waiting=waiting,
        may_propose=actor.role is Role.OFFICER,
        **_WORDS,
    )


@get("/sustainability-links/{link_number:str}", sync_to_thread=True)
def sustainability_link_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, link_number: FromPath[IdText]
) -> Template:
    """Show one link: its ratchet, KPIs, observations with their decisions, documents, notes' rates and its timeline."""
    return _link_page(request, sessions, actor, clock, link_number, form={}, failure=None)


@get("/sustainability-links/new", sync_to_thread=True)
def sustainability_link_form(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    contract: FromQuery[str] = "",
    start: FromQuery[str] = "",
) -> Template:
    """Show the form of a link, empty for a contract, or begun with one whose change is meant."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        form = {"event": "sign", "contract_number": contract[:64], "signed_on": standing.business_date.isoformat()}
        if start:
            view = service.load_link(session, actor, start, known_at=standing.known_at)
            form = link_forms.form_of_link(view.terms) | {"event": "amend"}
    form["valid_from"] = standing.business_date.isoformat()
    return _form_page(request, form, failure=None)


@post("/sustainability-links/new", sync_to_thread=True, status_code=303)
def send_sustainability_link(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, data: _Form
) -> Response[Any]:
    """Propose the link or its change, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = link_forms.link_body(data)
        service.propose_link(session, actor, given.change(), standing=standing, reason=given.reason)

    failure = _attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect("/sustainability-links", status_code=303)
    return _form_page(request, data, failure=failure)


@post("/sustainability-links/{link_number:str}/documents", sync_to_thread=True, status_code=303)
def send_link_document(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Hand in a document, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = link_forms.document_body(data)
        service.hand_in(
            session, actor, link_number, given.observation_number, given.content, standing=standing, at=clock.now()
        )

    return _back(request, sessions, actor, clock, link_number, form=data, work=work)


@post("/sustainability-links/{link_number:str}/observations", sync_to_thread=True, status_code=303)
def send_link_observation(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Propose an observation as it comes out of what is at hand, or say why it cannot be decided."""

    def work(session: Session, standing: Standing) -> None:
        body = {"observation_number": _number(data), "reason": data.get("observation_reason", "").strip()}
        given = read_entries(body, LinkObservationIn, link_forms.NAMES.get)
        service.propose_observation(
            session, actor, link_number, given.observation_number, standing=standing, reason=given.reason
        )

    return _back(request, sessions, actor, clock, link_number, form=data, work=work)


@post("/sustainability-links/{link_number:str}/events", sync_to_thread=True, status_code=303)
def send_link_event(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Propose to suspend, resume or declassify the link, or say why not."""

    def work(session: Session, standing: Standing) -> None:
        body = {
            "event": data.get("event", ""), "valid_from": data.get("event_from", "").strip(),
            "reason": data.get("event_reason", "").strip(),
        }  # fmt: skip
        given = read_entries(body, LinkEventIn, link_forms.NAMES.get)
        service.propose_turn(
            session, actor, link_number, given.event, valid_from=day_of(given.valid_from, field="valid_from"),
            standing=standing, reason=given.reason,
        )  # fmt: skip

    return _back(request, sessions, actor, clock, link_number, form=data, work=work)


@post("/sustainability-links/{link_number:str}/reviews", sync_to_thread=True, status_code=303)
def send_link_review(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: FromPath[IdText],
    data: _Form,
) -> Response[Any]:
    """Put the link to the checks of greenwashing and keep the decision."""

    def work(session: Session, standing: Standing) -> None:
        body = {
            "structural_change_known": data.get("structural_change") == "none",
            "structural_change_from": data.get("structural_change_from", "").strip() or None,
            "green_power_counted_twice": {"yes": True, "no": False}.get(data.get("green_power", "")),
            "claimed_elsewhere": link_forms.claimed_elsewhere(data),
        }
        given = read_entries(body, LinkReviewIn, link_forms.NAMES.get)
        service.review_sustainability_link(session, actor, link_number, given.facts(), standing=standing)

    return _back(request, sessions, actor, clock, link_number, form=data, work=work)


def _number(data: Mapping[str, str]) -> object:
    text = data.get("observation_number", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else text


def _back(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: str,
    *,
    form: Mapping[str, str],
    work: Callable[[Session, Standing], None],
) -> Response[Any]:
    failure = _attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect(f"/sustainability-links/{link_number}", status_code=303)
    return _link_page(request, sessions, actor, clock, link_number, form=form, failure=failure)


def _attempt(
    sessions: Sessions, actor: Actor, clock: Clock, work: Callable[[Session, Standing], None]
) -> CarbonFinError | None:
    try:
        with sessions.begin() as session:
            work(session, standing_of(session, actor.organization_id, clock))
    except CarbonFinError as failure:
        return failure
    return None


def _link_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    link_number: str,
    *,
    form: Mapping[str, str],
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        view = service.load_link(session, actor, link_number, known_at=standing.known_at)
        borrower = service.borrower_of_link(session, actor, view, standing=standing)
        notes = [
            (note, service.rate_changes_of(session, actor, note))
            for note in service.notes_under(session, actor, view.terms.contract_number)
        ]
        files = evidence_choices(session, actor, f"sustainability-link:{link_number}")
        review = service.latest_review(session, actor, link_number, known_at=standing.known_at)
        registered = [
            one
            for year in years_rewarded(view.terms)
            for one in reversed(
                service.cut_claims_of(session, actor, usci=borrower.code, year=year, known_at=standing.known_at)
            )
            if one.release is None
        ]
        values = service.latest_ratchet_values(session, actor, [note.code for note, _ in notes])
    return page(
        request,
        "loans/link.html",
        title=Text(f"挂钩条款 {link_number}", f"Link {link_number}"),
        status_code=200 if failure is None else status_of(failure),
        standing=standing,
        view=view,
        terms=view.terms,
        borrower=borrower,
        notes=notes,
        files=files,
        values=values,
        review=review,
        registered=registered,
        years=year_words(years_rewarded(view.terms)),
        own_notes={note.code for note, _ in notes},
        claimants=_CLAIMANTS,
        beyond_options=link_forms.BEYOND,
        ratchet=[Text(*words) for words in ratchet_words(view.terms.ratchet)],
        document_options=link_forms.DOCUMENT_KINDS,
        yes_no=link_forms.OPTIONS["needs_certificate"],
        assurance_options=link_forms.OPTIONS["assurance"],
        turns=[one for one in link_forms.TURNS if one[0] in LINK_MACHINE.events_from(view.state)],
        form=form,
        failure=None if failure is None else error_words(failure),
        failed_field="" if failure is None else (failure.field or ""),
        may_propose=actor.role is Role.OFFICER,
        **_WORDS,
    )


def _form_page(request: WebRequest, form: Mapping[str, str], *, failure: CarbonFinError | None) -> Template:
    field = "" if failure is None else (failure.field or "")
    return page(
        request,
        "loans/link_form.html",
        title=Text("提交可持续挂钩条款", "Propose a sustainability link"),
        status_code=200 if failure is None else status_of(failure),
        form=form,
        names=link_forms.NAMES,
        help=link_forms.HELP,
        options=link_forms.OPTIONS,
        optional=link_forms.OPTIONAL,
        long=link_forms.LONG,
        days=link_forms.DAYS,
        crumbs=[_LOANS, _LINKS],
        failure=None if failure is None else error_words(failure),
        failed_field=_FIELD_OF.get(field, field),
    )


_FIELD_OF = {
    **dict.fromkeys(("targets", "report_due_date", "observation_date"), "observations"),
    **dict.fromkeys(("baseline_value", "baseline_year", "emissions_ratio", "history", "code", "definition"), "kpis"),
    **dict.fromkeys(("base_score", "bp_per_point"), "points"),
}
routes = [
    sustainability_link_list,
    sustainability_link_form,
    send_sustainability_link,
    sustainability_link_page,
    send_link_document,
    send_link_observation,
    send_link_event,
    send_link_review,
]
