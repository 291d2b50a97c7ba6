"""The enforcement of one pledge for people: what is next and whose it is, its forms, bands, waterfall and steps."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData, NotFound
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_party, parties_of, standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.enforcement import WATERFALL_NAMES, DistributionOutcome, LotSold, SaleMethod, lot_labels
from collateral.calc.enforcement_acts import ACT_WORDS, NextAct
from collateral.pages.applications import whole_units
from collateral.pages.words import (
    ENFORCEMENT_STEPS,
    METHODS,
    TRANSFER_BADGES,
    state_badge,
    unconfirmed_words,
)
from collateral.service import EnforcementView, SaleDraft

_Short = Annotated[str, Meta(max_length=80)]
_Words = Annotated[str, Meta(max_length=2000)]
_ONE = "/pledges/{pledge_id:str}/enforcement"
_LOTS_MAX, _PLACES_FOR_MORE_BUYERS = 5, 2


class EnforcementForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms of an enforcement send; texts, so that nothing typed is lost on an error."""

    action: _Short = ""
    words: _Words = ""
    evidence: _Short = ""
    method: _Short = ""
    buyer: _Short = ""
    unit_1: _Short = ""
    quantity_1: _Short = ""
    price_1: _Short = ""
    buyer_1: _Short = ""
    unit_2: _Short = ""
    quantity_2: _Short = ""
    price_2: _Short = ""
    buyer_2: _Short = ""
    unit_3: _Short = ""
    quantity_3: _Short = ""
    price_3: _Short = ""
    buyer_3: _Short = ""
    unit_4: _Short = ""
    quantity_4: _Short = ""
    price_4: _Short = ""
    buyer_4: _Short = ""
    unit_5: _Short = ""
    quantity_5: _Short = ""
    price_5: _Short = ""
    buyer_5: _Short = ""
    costs_cny: _Short = ""

    def sale(self) -> SaleDraft:
        """Give the sale as it was entered.

        Raises:
            InvalidInput: A field cannot be read.
        """
        lots, buyers = [], []
        for place in range(1, _LOTS_MAX + 1):
            unit, quantity, price = (getattr(self, f"{name}_{place}").strip() for name in ("unit", "quantity", "price"))
            if not quantity and not price:
                continue
            units = whole_units(unit, quantity, unit_field=f"unit_{place}", quantity_field=f"quantity_{place}")
            price_cny_per_t = parse_decimal(price, field=f"price_{place}")
            lots.append(LotSold(unit=units.unit, quantity_t=units.quantity_t, price_cny_per_t=price_cny_per_t))
            buyers.append(getattr(self, f"buyer_{place}").strip() or self.buyer.strip())
        if not self.buyer.strip():
            raise InvalidInput("choose the buyer", zh="请选择买方", field="buyer")
        return SaleDraft(
            method=self.means(), lots=tuple(lots), buyer_id=self.buyer.strip(), evidence_digest=self.evidence,
            buyers=tuple(buyers),
        )  # fmt: skip

    def means(self) -> SaleMethod:
        """Give the means chosen.

        Raises:
            InvalidInput: None was.
        """
        if self.method not in set(SaleMethod):
            raise InvalidInput("choose the means", zh="请选择处置方式", field="method")
        return SaleMethod(self.method)


_Work = Callable[[Session, Actor, str, EnforcementForm, Standing], object]


def _given(form: EnforcementForm, standing: Standing) -> dict[str, Any]:
    return {"ground": form.words, "evidence_digest": form.evidence, "standing": standing}


_WORKS: dict[str, _Work] = {
    "default": lambda session, actor, pledge_id, form, standing: service.propose_default(
        session, actor, pledge_id, **_given(form, standing)
    ),
    "late_cure": lambda session, actor, pledge_id, form, standing: service.propose_late_cure(
        session, actor, pledge_id, **_given(form, standing)
    ),
    "means": lambda session, actor, pledge_id, form, standing: service.propose_means(
        session, actor, pledge_id, method=form.means(), **_given(form, standing)
    ),
    "failed": lambda session, actor, pledge_id, form, standing: service.record_failed_sale(
        session, actor, pledge_id, reason=form.words, evidence_digest=form.evidence, standing=standing
    ),
    "sale": lambda session, actor, pledge_id, form, standing: service.settle_sale(
        session, actor, pledge_id, form.sale(), standing=standing
    ),
    "transfer": lambda session, actor, pledge_id, form, standing: service.ask_transfer_again(
        session, actor, pledge_id, standing=standing, cause=form.words
    ),
    "distribute": lambda session, actor, pledge_id, form, standing: service.propose_distribution(
        session, actor, pledge_id, costs_cny=_costs(form.costs_cny), evidence_digest=form.evidence, standing=standing
    ),
}


@get(_ONE, sync_to_thread=True)
def enforcement_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[str], costs: str = ""
) -> Template:
    """Show an enforcement; with `costs` the waterfall after these."""
    form = EnforcementForm(costs_cny=costs[:80])
    return _shown(request, sessions, actor, clock, pledge_id=pledge_id, form=form, failure=None)


@post(_ONE, sync_to_thread=True, status_code=303)
def take_enforcement_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    data: Annotated[EnforcementForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose or record the next step; refused, the page says with which figures, and keeps what was typed."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.load_pledge(session, actor, pledge_id)
            work = _WORKS.get(data.action)
            if work is None:
                raise InvalidInput(f"there is no step {data.action!r}", zh="没有这一步", field="action")
            work(session, actor, pledge_id, data, standing)
    except NotFound:
        raise
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, pledge_id=pledge_id, form=data, failure=failure)
    return Redirect(f"/pledges/{pledge_id}/enforcement", status_code=303)


def _costs(text: str) -> Decimal:
    return parse_decimal(text.strip() or "0.00", field="costs_cny")


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    pledge_id: str,
    form: EnforcementForm,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.view_enforcement(session, actor, pledge_id)
        context: dict[str, Any] = {
            "pledgor": load_party(session, actor, found.pledge.pledgor_id),
            "evidence": evidence_choices(session, actor, f"pledge:{found.pledge.id}"),
            "evidence_names": dict(evidence_choices(session, actor, f"pledge:{found.pledge.id}")),
            "bands": _bands(session, actor, found, standing),
            "buyers": _buyers(session, actor, found),
        }
        try:
            context["waterfall"] = _waterfall(session, actor, found, form, standing=standing)
        except CarbonFinError as wrong:
            failure, context["waterfall"] = failure or wrong, None
    words = ACT_WORDS[found.next_act]
    means = found.last("means")
    return page(
        request,
        "collateral/enforcement.html",
        title=Text(f"质押 {found.pledge.code} 违约处置", f"Enforcement of pledge {found.pledge.code}"),
        status_code=200 if failure is None else 422,
        view=found,
        pledge=found.pledge,
        opened=found.enforcement,
        means=means,
        sold=found.last("sold"),
        shared=found.last("distributed"),
        next_words=Text(words.zh, words.en),
        next_who=Text(words.who_zh, words.who_en),
        forms=_forms(actor, found),
        form=_prefilled(form, found),
        lot_places=range(1, min(_LOTS_MAX, len(found.pledge.units) + _PLACES_FOR_MORE_BUYERS) + 1),
        sold_lots=_sold_lots(found),
        lot_units=[(str(one.unit), Text(str(one.unit), str(one.unit))) for one in found.pledge.units],
        failure=None
        if failure is None
        else Text(_said(failure.zh, failure.remedy_zh), _said(failure.detail, failure.remedy)),
        errors={} if failure is None or not failure.field else {failure.field: Text(failure.zh, failure.detail)},
        methods=[(method.value, METHODS[method]) for method in SaleMethod],
        method_words=METHODS,
        names={name: Text(zh, en) for name, (zh, en) in WATERFALL_NAMES.items()},
        step_words=ENFORCEMENT_STEPS,
        transfer_badges=TRANSFER_BADGES,
        state_badge=state_badge,
        unconfirmed_words=unconfirmed_words,
        decimal=Decimal,
        labels_of=lambda trace: {figure.name: figure for figure in trace},
        **context,
    )


def _said(what: str, remedy: str) -> str:
    return f"{what} {remedy}".strip()


def _forms(actor: Actor, found: EnforcementView) -> frozenset[str]:
    """Name the forms that a person may send now."""
    if actor.role not in {Role.OFFICER, Role.SYSTEM}:
        return frozenset()
    by_act = {
        NextAct.DECLARE: {"default"},
        NextAct.CHOOSE_MEANS: {"means"},
        NextAct.SELL: {"sale", "failed", "means"},
        NextAct.ASK_AGAIN: {"transfer"},
        NextAct.DISTRIBUTE: {"distribute"},
    }
    late = {"late_cure"} if found.pledge.state == "CURE_EXPIRED" and found.waiting is None else set()
    return frozenset(by_act.get(found.next_act, set()) | late)


def _sold_lots(found: EnforcementView) -> list[tuple[str, int, Decimal, str, str]]:
    """Give each lot sold: unit, tonnes, price, its label in the trace, and who bought it."""
    sold = found.last("sold")
    if sold is None:
        return []
    lots = sold.details["lots"]
    buyers = sold.details.get("lot_buyers") or [sold.details.get("buyers", {}).get(lot[0]) for lot in lots]
    labels = lot_labels([lot[0] for lot in lots])
    return [
        (unit, quantity_t, Decimal(price), label, buyer or str(sold.details["buyer"]))
        for (unit, quantity_t, price), label, buyer in zip(lots, labels, buyers, strict=True)
    ]


def _prefilled(form: EnforcementForm, found: EnforcementView) -> EnforcementForm:
    """Give the form as it is shown: what was typed, or the pledge's units and the means chosen."""
    if form.action:
        return form
    means = found.last("means")
    lots = {
        f"{name}_{place}": value
        for place, one in enumerate(found.pledge.units[:_LOTS_MAX], start=1)
        for name, value in (("unit", str(one.unit)), ("quantity", str(one.quantity_t)))
    }
    method = "" if means is None else str(means.details["method"])
    return EnforcementForm(method=method, costs_cny=form.costs_cny, **lots)


def _bands(
    session: Session, actor: Actor, found: EnforcementView, standing: Standing
) -> list[tuple[Text, service.MeansOutcome]]:
    """Give the bands of the day by the means chosen, before a choice by each; what is not known is left out."""
    if found.pledge.state != "ENFORCING":
        return []
    bands = []
    means = found.last("means")
    for method in SaleMethod if means is None else (SaleMethod(means.details["method"]),):
        try:
            weighed = service.preview_means(session, actor, found.pledge.id, method, standing=standing)
        except MissingData:
            continue
        bands.append((METHODS[method], weighed))
    return bands


def _buyers(session: Session, actor: Actor, found: EnforcementView) -> list[tuple[str, Text]]:
    if found.pledge.state != "ENFORCING":
        return []
    return [
        (one.id, Text(f"{one.name} {one.code}", f"{one.name} {one.code}"))
        for one in parties_of(session, actor)
        if one.id != found.pledge.pledgor_id
    ]


def _waterfall(
    session: Session, actor: Actor, found: EnforcementView, form: EnforcementForm, *, standing: Standing
) -> DistributionOutcome | None:
    """Give the waterfall after the costs entered, or after those of the proposal that waits.

    Raises:
        InvalidInput: The costs are no amount.
        MissingData: What is owed on the day is not known.
    """
    if found.pledge.state != "ENFORCED":
        return None
    proposed = None if found.waiting is None else found.waiting.payload.get("costs_cny")
    costs_cny = _costs(form.costs_cny or str(proposed or ""))
    return service.preview_distribution(session, actor, found.pledge.id, costs_cny=costs_cny, standing=standing)


@get(_ONE + "/notice.pdf", sync_to_thread=True)
def enforcement_notice(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str]
) -> Response[bytes]:
    """Give the notice of enforcement to the pledgor."""
    with sessions.read() as session:
        content = service.enforcement_notice(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"违约处置通知书-{code}", ending="pdf")


@get(_ONE + "/surplus.pdf", sync_to_thread=True)
def surplus_statement(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str]
) -> Response[bytes]:
    """Give the statement of the surplus that goes back to the pledgor."""
    with sessions.read() as session:
        content = service.surplus_statement(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"剩余价款返还说明-{code}", ending="pdf")


routes = [enforcement_page, take_enforcement_step, enforcement_notice, surplus_statement]
