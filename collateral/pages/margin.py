"""Margin calls for people: the list, one call with timeline, trace and next step, its letter, and agreed terms."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.pages.words import CALL_EVENTS, CALL_STEP_WORDS, days_left, state_badge
from collateral.service.letters import call_letter_name

_SHOWN_MAX = 200
_CURRENCIES = tuple(one.value for one in Currency)
_AMOUNT_NAMES = ("delivery", "margin_call", "returned")


class CallStepForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a call sends."""

    step: Annotated[str, Meta(max_length=20)]
    words: Annotated[str, Meta(max_length=500)] = ""
    amount: Annotated[str, Meta(max_length=24)] = ""
    currency: Annotated[str, Meta(max_length=3)] = ""


@get("/margin-calls", sync_to_thread=True)
def call_list_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, show: FromQuery[str] = "live"
) -> Template:
    """List the calls: those still awaited, or all."""
    live_only = show != "all"
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        place = Place(limit=_SHOWN_MAX, after=None)
        found = service.call_page(session, actor, place, live_only=live_only)
    return page(
        request,
        "collateral/margin_calls.html",
        title=Text("追加担保", "Margin calls"),
        calls=found.items,
        is_cut=found.last is not None,
        live_only=live_only,
        shown_max=_SHOWN_MAX,
        business_date=standing.business_date,
        state_badge=state_badge,
        days_left=days_left,
    )


@get("/margin-calls/{call_id:str}", sync_to_thread=True)
def call_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, call_id: FromPath[str]
) -> Template:
    """Show a call."""
    return _shown(request, sessions, actor, clock, call_id=call_id, form=CallStepForm(step=""), failure=None)


@post("/margin-calls/{call_id:str}/steps", sync_to_thread=True, status_code=303)
def send_call_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    call_id: FromPath[str],
    data: Annotated[CallStepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take a step of a call."""
    try:
        amount = parse_decimal(data.amount, field="amount") if data.amount.strip() else None
        currency = data.currency.strip() or None
        step = service.CallStep(name=data.step, words=data.words, amount=amount, currency=currency)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.take_call_step(session, actor, call_id, step, standing=standing)
    except (InvalidInput, MissingData, Conflict) as failure:
        return _shown(request, sessions, actor, clock, call_id=call_id, form=data, failure=failure)
    return Redirect(f"/margin-calls/{call_id}", status_code=303)


@get("/margin-calls/{call_id:str}/pdf", sync_to_thread=True)
def call_letter(sessions: Sessions, actor: Actor, clock: Clock, call_id: FromPath[str]) -> Response[bytes]:
    """Give the letter of a call as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        call = service.load_call(session, actor, call_id)
        content = service.call_letter_pdf(session, actor, call_id, standing=standing)
    return download(content, stem=call_letter_name(call), ending="pdf")


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    call_id: str,
    form: CallStepForm,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        call = service.load_call(session, actor, call_id)
        trace = load_decision(session, actor, call.decision_id).trace
        context: dict[str, Any] = {
            "address": service.agreement_address(session, actor, call.agreement_code).replace(":", "s/", 1),
            "timeline": service.timeline_of_call(session, actor, call.id),
            "terms": next(
                (one for one in service.terms_of(session, actor, call.agreement_code) if one.id == call.terms_id), None
            ),
            "waiting": service.waiting_end(session, actor, call.id),
        }
    values = {figure.name: figure.value for figure in trace}
    wanted = "returned" if call.direction == "return" else "delivery"
    title = "退还保证金" if call.direction == "return" else "追加担保通知"
    return page(
        request,
        "collateral/margin_call.html",
        title=Text(f"{title} {call.agreement_code}", f"Margin call {call.agreement_code}"),
        status_code=200 if failure is None else 422,
        call=call,
        currencies=[(one, one) for one in _CURRENCIES],
        amount_name=next((name for name in (wanted, *_AMOUNT_NAMES) if name in values), None),
        values=values,
        steps=service.steps_from(call) if actor.role in {Role.OFFICER, Role.SYSTEM} else (),
        step_words=CALL_STEP_WORDS,
        call_events=CALL_EVENTS,
        form=form,
        errors={} if failure is None or not failure.field else {failure.field: Text(failure.zh, failure.detail)},
        failure=None if failure is None else Text(failure.zh, failure.detail),
        business_date=standing.business_date,
        state_badge=state_badge,
        days_left=days_left,
        **context,
    )
