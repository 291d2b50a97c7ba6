"""Carry-over of one emitter for people: the rule with its clauses, a form, the figures, and what was kept."""

from typing import Annotated

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.carry_over import CarryOverOutcome, CarryOverRule
from collateral.service.carry_over import carry_over_rule

_Entry = Annotated[str, Meta(max_length=200)]


class CarryOverForm(Struct, kw_only=True):
    """What the form sends; everything as it was typed."""

    sold_t: _Entry = ""
    bought_t: _Entry = ""
    registry_t: _Entry = ""
    trading_t: _Entry = ""
    judicially_frozen_t: _Entry = ""
    submitted_t: _Entry = ""
    is_late: _Entry = ""
    applies_on: _Entry = ""
    source: _Entry = ""
    granted_t: _Entry = ""
    granted_source: _Entry = ""
    action: _Entry = "preview"

    def draft(self) -> service.CarryOverDraft:
        """Read it.

        Raises:
            InvalidInput: A quantity is not whole tonnes, or the day or the evidence is missing.
        """
        if not self.source.strip():
            raise InvalidInput("name the evidence", zh="请填写依据", field="source")
        if self.is_late not in {"yes", "no"}:
            raise InvalidInput("say whether a year was late", zh="请选择是否有年度未按时履约", field="is_late")
        return service.CarryOverDraft(
            scheme=Scheme.CEA,
            sold_t=_tonnes(self.sold_t, "sold_t"),
            bought_t=_tonnes(self.bought_t, "bought_t"),
            registry_t=_tonnes(self.registry_t, "registry_t"),
            trading_t=_tonnes(self.trading_t, "trading_t"),
            judicially_frozen_t=_tonnes(self.judicially_frozen_t, "judicially_frozen_t"),
            submitted_t=_tonnes(self.submitted_t, "submitted_t"),
            is_late=self.is_late == "yes",
            applies_on=day_of(self.applies_on, field="applies_on"),
            source=self.source,
            granted_t=_tonnes(self.granted_t, "granted_t") if self.granted_t.strip() else None,
            granted_source=self.granted_source,
        )


def _tonnes(text: str, field: str) -> int:
    plain = text.replace(",", "").strip()
    if not plain.isdecimal() or not plain.isascii():
        raise InvalidInput(f"{text!r} is not whole tonnes", zh="请填写整数吨，不得为负", field=field)
    return int(plain)


@get("/compliance/{party_id:str}/carry-over", sync_to_thread=True)
def carry_over_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Template:
    """Show the rule in force, the form and what was kept."""
    return _show(request, sessions, actor, clock, party_id)


@post("/compliance/{party_id:str}/carry-over", sync_to_thread=True, status_code=200)
def send_carry_over(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    data: Annotated[CarryOverForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[None] | Template:
    """Calculate, and keep the decision when asked to."""
    try:
        draft = data.draft()
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            if data.action == "record":
                service.record_carry_over(session, actor, party_id, draft, standing=standing)
                outcome = None
            else:
                outcome = service.try_carry_over(session, actor, party_id, draft, standing=standing)
    except CarbonFinError as error:
        return _show(request, sessions, actor, clock, party_id, form=data, failure=error)
    if outcome is None:
        return Redirect(f"/compliance/{party_id}/carry-over", status_code=303)
    return _show(request, sessions, actor, clock, party_id, form=data, outcome=outcome)


def _show(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: str,
    *,
    form: CarryOverForm | None = None,
    outcome: CarryOverOutcome | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    rule: CarryOverRule | None = None
    with sessions.read() as session:
        party = load_party(session, actor, party_id)
        standing = standing_of(session, actor.organization_id, clock)
        kept = service.carry_overs_of(session, actor, party_id)
        try:
            rule = carry_over_rule(session, standing, Scheme.CEA)
        except CarbonFinError as error:
            failure = failure or error
    return page(
        request,
        "collateral/carry_over.html",
        title=Text("配额结转", "Carry-over"),
        status_code=422 if failure and form else 200,
        party=party,
        business_date=standing.business_date,
        rule_values=() if rule is None else (
            rule.base_t, rule.factor, rule.window_start, rule.window_end, rule.apply_by
        ),
        form=form or CarryOverForm(applies_on=standing.business_date.isoformat()),
        outcome=outcome,
        kept=kept,
        failed_field=failure.field if failure else "",
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        may_record=actor.role in {Role.OFFICER, Role.SYSTEM},
    )  # fmt: skip
