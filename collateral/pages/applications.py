"""The application for a pledge: a form that appraises before it applies, and says why it would be refused."""

import re
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.agreements import PledgeDraft, UnitQuantity
from collateral.calc.appraisal import AppraisalOutcome
from collateral.pages.words import LEVELS, four_places, safe_date_words, unconfirmed_words

_Short = Annotated[str, Meta(max_length=40)]
_QUANTITY = re.compile(r"[0-9]{1,9}")
_CODE = re.compile(r"[A-Za-z0-9._-]+")


class PledgeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the application's form sends; texts, so that nothing typed is lost on an error."""

    action: _Short = "appraise"
    code: _Short = ""
    pledgor: _Short = ""
    unit_1: _Short = ""
    quantity_1: _Short = ""
    unit_2: _Short = ""
    quantity_2: _Short = ""
    unit_3: _Short = ""
    quantity_3: _Short = ""
    principal_cny: _Short = ""
    end_date: _Short = ""
    extends_code: _Short = ""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The unit lines that hold anything."""
        pairs = (
            (self.unit_1, self.quantity_1),
            (self.unit_2, self.quantity_2),
            (self.unit_3, self.quantity_3),
        )
        return tuple((unit.strip(), quantity.strip()) for unit, quantity in pairs if unit.strip() or quantity.strip())


@get("/pledges/new", sync_to_thread=True)
def application_form(*, request: WebRequest, sessions: Sessions, actor: Actor, pledgor: str = "") -> Template:
    """Show the empty form, or one for an enterprise."""
    with sessions.read() as session:
        enterprises = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
    return _shown(request, PledgeForm(pledgor=pledgor[:40]), enterprises=enterprises)


@post("/pledges/new", sync_to_thread=True, status_code=200)
def send_application(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[PledgeForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Appraise what was entered; with `apply`, keep the application and its appraisal."""
    with sessions.read() as session:
        enterprises = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
    try:
        if data.action != "apply":
            with sessions.read() as session:
                standing = standing_of(session, actor.organization_id, clock)
                draft = _draft(session, actor, data)
                outcome = service.appraise_what_if(session, actor, draft, standing=standing)
            return _shown(request, data, enterprises=enterprises, outcome=outcome)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            pledge = service.apply_for_pledge(session, actor, _draft(session, actor, data), standing=standing)
            if pledge.state == "APPLIED":
                pledge = service.appraise_pledge(session, actor, pledge.id, standing=standing)
    except CarbonFinError as failure:
        return _shown(request, data, enterprises=enterprises, failure=failure)
    return Redirect(f"/pledges/{pledge.id}", status_code=303)


def _draft(session: Session, actor: Actor, form: PledgeForm) -> PledgeDraft:
    units = tuple(
        whole_units(unit, quantity, unit_field=f"unit_{place}", quantity_field=f"quantity_{place}")
        for place, (unit, quantity) in enumerate(form.lines, 1)
    )
    code = form.code.strip()
    if code and _CODE.fullmatch(code) is None:
        raise InvalidInput(
            f"code {code!r} is not of letters, digits, dots and hyphens",
            zh=f"编号“{code}”只能由字母、数字、点、横线与下划线组成",
            field="code",
            remedy="Write a code such as P6.",
            remedy_zh="请填写如 P6 的编号。",
        )
    return PledgeDraft(
        code=code,
        pledgor_id=party_by_code(session, actor, form.pledgor).id,
        units=units,
        principal_cny=parse_decimal(form.principal_cny, field="principal_cny"),
        end_date=day_of(form.end_date, field="end_date"),
        extends_code=form.extends_code.strip(),
    )


def whole_units(unit: str, quantity: str, *, unit_field: str, quantity_field: str) -> UnitQuantity:
    """Read a line of a form.

    Raises:
        InvalidInput: Unit or quantity cannot be read; the field is named.
    """
    if _QUANTITY.fullmatch(quantity) is None:
        raise InvalidInput(
            f"quantity {quantity!r} is not whole tonnes up to 999,999,999",
            zh=f"“{quantity}”不是 999,999,999 以内的整数吨",
            field=quantity_field,
            remedy="Write digits only.",
            remedy_zh="请只填数字，不加千分位。",
        )
    try:
        return UnitQuantity(unit=Unit.parse(unit), quantity_t=int(quantity))
    except InvalidInput as refusal:
        raise InvalidInput(
            refusal.detail,
            zh=refusal.zh,
            field=quantity_field if refusal.field == "quantity_t" else unit_field,
            remedy=refusal.remedy,
            remedy_zh=refusal.remedy_zh,
        ) from refusal


def _shown(
    request: WebRequest,
    form: PledgeForm,
    *,
    enterprises: tuple[Party, ...],
    outcome: AppraisalOutcome | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    errors: dict[str, Text] = {}
    if failure is not None and failure.field:
        name = {"usci": "pledgor", "lei": "pledgor", "party": "pledgor", "units": "unit_1"}.get(
            failure.field, failure.field
        )
        errors[name] = Text(
            f"{failure.zh}{'。' + failure.remedy_zh if failure.remedy_zh else ''}", f"{failure.detail} {failure.remedy}"
        )
    return page(
        request,
        "collateral/application.html",
        title=Text("新质押申请", "New pledge"),
        status_code=200 if failure is None else 422,
        form=form,
        enterprises=[(party.code, f"{party.name} {party.code}") for party in enterprises],
        outcome=outcome,
        failure=None if failure is None else Text(failure.zh, failure.detail),
        errors=errors,
        levels=LEVELS,
        four_places=four_places,
        safe_date_words=safe_date_words,
        unconfirmed_words=unconfirmed_words,
    )
