"""Changes of a pledge for people: a form that weighs before it asks, one change with its steps, and its letter."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.pledge_changes import ChangeDraft, ChangeKind
from collateral.calc.serials import Ranges, SerialRange, numbers_by_unit
from collateral.pages.applications import whole_units
from collateral.pages.words import (
    CHANGE_KINDS,
    LEVELS,
    change_badge,
    change_event_words,
    four_places,
    hold_badge,
    safe_date_words,
    unconfirmed_words,
)
from collateral.service import ChangeOutcome

_Short = Annotated[str, Meta(max_length=40)]
_Words = Annotated[str, Meta(max_length=2000)]
_NEW = "/pledges/{pledge_id:str}/changes/new"
_ONE = "/pledges/{pledge_id:str}/changes/{change_id:str}"


class ChangeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a change sends; texts, so that nothing typed is lost on an error."""

    action: _Short = "preview"
    kind: _Short = "top_up"
    unit_1: _Short = ""
    quantity_1: _Short = ""
    unit_2: _Short = ""
    quantity_2: _Short = ""
    freed_1: _Short = ""
    freed_quantity_1: _Short = ""
    freed_2: _Short = ""
    freed_quantity_2: _Short = ""
    added_serials: _Words = ""
    freed_serials: _Words = ""
    evidence: Annotated[str, Meta(max_length=64)] = ""
    repayment_cny: _Short = ""
    reason: _Words = ""

    def draft(self) -> ChangeDraft:
        """Give the change as it was entered.

        Raises:
            InvalidInput: A field cannot be read.
        """
        if self.kind not in set(ChangeKind):
            raise InvalidInput("choose what changes", zh="请选择变更种类", field="kind")
        return ChangeDraft(
            kind=ChangeKind(self.kind),
            added=_units(("unit_1", self.unit_1, "quantity_1", self.quantity_1),
                         ("unit_2", self.unit_2, "quantity_2", self.quantity_2)),
            freed=_units(("freed_1", self.freed_1, "freed_quantity_1", self.freed_quantity_1),
                         ("freed_2", self.freed_2, "freed_quantity_2", self.freed_quantity_2)),
            repayment_cny=parse_decimal(self.repayment_cny.strip() or "0.00", field="repayment_cny"),
            reason=self.reason,
            added_serials=_numbers(self.added_serials, field="added_serials"),
            freed_serials=_numbers(self.freed_serials, field="freed_serials"),
            evidence_digest=self.evidence.strip(),
        )  # fmt: skip


def _numbers(text: str, *, field: str) -> dict[Unit, Ranges]:
    try:
        return numbers_by_unit(text)
    except InvalidInput as failure:
        failure.field = field
        raise


def _units(*lines: tuple[str, str, str, str]) -> tuple[UnitQuantity, ...]:
    return tuple(
        whole_units(unit.strip(), quantity.strip(), unit_field=unit_field, quantity_field=quantity_field)
        for unit_field, unit, quantity_field, quantity in lines
        if unit.strip() or quantity.strip()
    )


@get(_NEW, sync_to_thread=True)
def change_form(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    pledge_id: FromPath[str],
    kind: str = "top_up",
    unit: str = "",
    quantity: str = "",
) -> Template:
    """Show the form of a change, empty or with a unit to add that restores the initial line."""
    form = ChangeForm(kind=kind if kind in set(ChangeKind) else "top_up", unit_1=unit[:40], quantity_1=quantity[:40])
    return _form(request, sessions, actor, pledge_id, form)


@post(_NEW, sync_to_thread=True, status_code=200)
def send_change(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    data: Annotated[ChangeForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Weigh what was entered; with `ask`, ask for it."""
    try:
        if data.action != "ask":
            with sessions.read() as session:
                standing = standing_of(session, actor.organization_id, clock)
                outcome = service.preview_change(session, actor, pledge_id, data.draft(), standing=standing)
            return _form(request, sessions, actor, pledge_id, data, outcome=outcome)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            change = service.propose_change(session, actor, pledge_id, data.draft(), standing=standing)
    except NotFound:
        raise
    except CarbonFinError as failure:
        return _form(request, sessions, actor, pledge_id, data, failure=failure)
    return Redirect(f"/pledges/{pledge_id}/changes/{change.id}", status_code=303)


def _form(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    pledge_id: str,
    form: ChangeForm,
    *,
    outcome: ChangeOutcome | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        pledge = service.load_pledge(session, actor, pledge_id)
        pledgor = load_party(session, actor, pledge.pledgor_id)
        holdings = service.holdings_of(session, actor, pledge.pledgor_id)
        numbered = _numbered(session, actor, pledge)
        files = evidence_choices(session, actor, f"pledge:{pledge.id}")
    errors: dict[str, Text] = {}
    if failure is not None and failure.field:
        name = {"units": "unit_1", "freed": "freed_1", "evidence_digest": "evidence"}.get(failure.field, failure.field)
        errors[name] = Text(
            f"{failure.zh}{'。' + failure.remedy_zh if failure.remedy_zh else ''}", f"{failure.detail} {failure.remedy}"
        )
    return page(
        request,
        "collateral/change_form.html",
        title=Text(f"质押 {pledge.code} 变更", f"Change pledge {pledge.code}"),
        status_code=200 if failure is None else 422,
        pledge=pledge,
        pledgor=pledgor,
        holdings=holdings,
        numbered=numbered,
        files=[("", Text("（无）", "(none)")), *files],
        form=form,
        kinds=[(kind.value, words) for kind, words in CHANGE_KINDS.items()],
        outcome=outcome,
        failure=None if failure is None else Text(failure.zh, failure.detail),
        errors=errors,
        levels=LEVELS,
        four_places=four_places,
        safe_date_words=safe_date_words,
        unconfirmed_words=unconfirmed_words,
    )


def _numbered(session: Session, actor: Actor, pledge: Pledge) -> list[tuple[Unit, tuple[str, Text], SerialRange]]:
    """Give the numbers that may be chosen: those locked for the pledge, and those free on the pledgor's account."""
    locked = [
        (held.unit, hold_badge(held.state), one)
        for held, ranges in service.locked_serials(session, actor, pledge_id=pledge.id)
        for one in ranges
    ]
    free = [
        (held.position.unit, ("neutral", Text("可用", "Free")), one)
        for held in service.numbered_holdings_of(session, actor, pledge.pledgor_id)
        for one in held.free
    ]
    return [*locked, *free]


class ChangeStepForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step's form sends."""

    step: _Short
    words: _Words = ""


@get(_ONE, sync_to_thread=True)
def change_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str], change_id: FromPath[str]
) -> Template:
    """Show a change with its steps and its weighing."""
    return _shown(request, sessions, actor, pledge_id, change_id)


@post(_ONE + "/steps", sync_to_thread=True, status_code=303)
def take_change_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    change_id: FromPath[str],
    data: Annotated[ChangeStepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take a change back, ask the registry anew, or let old units go."""
    try:
        with sessions.begin() as session:
            _take(session, actor, pledge_id, change_id, data, clock=clock)
    except NotFound:
        raise
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, pledge_id, change_id, failure=failure, words=data.words)
    return Redirect(f"/pledges/{pledge_id}/changes/{change_id}", status_code=303)


def _take(
    session: Session, actor: Actor, pledge_id: str, change_id: str, data: ChangeStepForm, *, clock: Clock
) -> None:
    standing = standing_of(session, actor.organization_id, clock)
    change = service.change_of_pledge(session, actor, pledge_id, change_id)
    if data.step == "withdraw":
        service.withdraw_change(session, actor, change.id, standing=standing, reason=data.words)
    elif data.step == "again":
        service.ask_again(session, actor, change.id, standing=standing, cause=data.words)
    elif data.step == "free":
        service.free_old(session, actor, change.id, standing=standing)
    else:
        raise InvalidInput(f"there is no step {data.step!r}", zh=f"没有“{data.step}”这一步", field="step")


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    pledge_id: str,
    change_id: str,
    *,
    failure: CarbonFinError | None = None,
    words: str = "",
) -> Template:
    with sessions.read() as session:
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        pledge = service.load_pledge(session, actor, pledge_id)
        timeline = service.change_timeline(session, actor, change.id)
        waiting = service.waiting_change_approval(session, actor, change.id)
        outcome = service.change_outcome(session, actor, change)
    return page(
        request,
        "collateral/change.html",
        title=Text(
            f"质押 {pledge.code} 变更 {change.number}：{CHANGE_KINDS[change.kind].zh}",
            f"Pledge {pledge.code}, change {change.number}: {CHANGE_KINDS[change.kind].en}",
        ),
        status_code=200 if failure is None else 422,
        pledge=pledge,
        change=change,
        timeline=timeline,
        waiting=waiting,
        outcome=outcome,
        may_act=actor.role in {Role.OFFICER, Role.SYSTEM},
        failure=None if failure is None else Text(failure.zh, failure.detail),
        words=words,
        levels=LEVELS,
        change_badge=change_badge,
        change_event_words=change_event_words,
        four_places=four_places,
        unconfirmed_words=unconfirmed_words,
    )


@get(_ONE + "/letter.pdf", sync_to_thread=True)
def change_letter(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str], change_id: FromPath[str]
) -> Response[bytes]:
    """Give the release letter of a change that has freed units."""
    with sessions.read() as session:
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        content = service.change_letter(session, actor, change.id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"解押通知-{code}-{change.number}", ending="pdf")


@get("/pledges/{pledge_id:str}/letter.pdf", sync_to_thread=True)
def release_letter(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str]
) -> Response[bytes]:
    """Give the release letter of a pledge that was released in full."""
    with sessions.read() as session:
        content = service.release_letter(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"解押通知-{code}", ending="pdf")


routes = [change_form, send_change, change_page, take_change_step, change_letter, release_letter]
