"""A new repo, for people: a form that weighs the contract before it is put before another person."""

from decimal import Decimal
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, DayCount
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.repo import ExposureMethod
from collateral.pages.applications import whole_units
from collateral.service import BANK_ROLES, RepoContract, RepoPreview

_Short = Annotated[str, Meta(max_length=64)]
_Words = Annotated[str, Meta(max_length=2000)]
_CURRENCIES = ("CNH", "CNY", "HKD", "USD", "EUR")
_BASES = ("act/360", "act/365")
_ROLES: dict[str, Text] = {
    "principal": Text("交易本方", "Principal"),
    "arranger": Text("安排行", "Arranger"),
    "calculation agent": Text("计算代理行", "Calculation agent"),
    "custodian": Text("托管行", "Custodian"),
}
assert set(_ROLES) == set(BANK_ROLES)


class RepoForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a repo sends; texts, so that nothing typed is lost on an error."""

    action: _Short = "preview"
    code: _Short = ""
    seller: _Short = ""
    buyer: _Short = ""
    bank_role: _Short = ""
    unit: _Short = ""
    quantity_t: _Short = ""
    purchase_date: _Short = ""
    repurchase_date: _Short = ""
    currency: _Short = "CNH"
    purchase_price_amount: _Short = ""
    rate: _Short = ""
    basis: _Short = ""
    method: _Short = "B"
    minimum_transfer_amount: _Short = ""
    haircut_ratio: _Short = ""
    margin_ratio: _Short = ""
    margin_rate: _Short = ""
    override_reason: _Words = ""
    cross_border_basis: _Words = ""
    netting_opinion: _Words = ""
    settlement: _Words = ""
    reason: _Words = ""

    def contract(self, session: Session, actor: Actor) -> RepoContract:
        """Give the contract as it was entered.

        Raises:
            InvalidInput: A field is missing or cannot be read.
            NotFound: A party is not known.
        """
        if not self.code.strip():
            raise InvalidInput("a repo needs a code", zh="请填写回购编号", field="code")
        for value, known, field in (
            (self.currency, _CURRENCIES, "currency"), (self.basis, ("", *_BASES), "basis"),
            (self.method, tuple(ExposureMethod), "method"),
        ):  # fmt: skip
            if value not in known:
                raise InvalidInput(f"{field} {value!r} is not offered", zh="请在列表中选择", field=field)
        units = whole_units(self.unit.strip(), self.quantity_t.strip(), unit_field="unit", quantity_field="quantity_t")
        return RepoContract(
            code=self.code.strip(), seller_id=party_by_code(session, actor, self.seller).id,
            buyer_id=party_by_code(session, actor, self.buyer).id, bank_role=self.bank_role, unit=units.unit,
            quantity_t=units.quantity_t, purchase_date=day_of(self.purchase_date, field="purchase_date"),
            repurchase_date=day_of(self.repurchase_date, field="repurchase_date"), currency=Currency(self.currency),
            purchase_price_amount=parse_decimal(self.purchase_price_amount, field="purchase_price_amount"),
            rate=parse_decimal(self.rate, field="rate"), basis=DayCount(self.basis) if self.basis else None,
            method=ExposureMethod(self.method),
            minimum_transfer_amount=parse_decimal(
                self.minimum_transfer_amount.strip() or "0.00", field="minimum_transfer_amount"
            ),
            cross_border_basis=self.cross_border_basis.strip(), netting_opinion=self.netting_opinion.strip(),
            settlement=self.settlement, haircut_ratio=_figure(self.haircut_ratio, "haircut_ratio"),
            margin_ratio=_figure(self.margin_ratio, "margin_ratio"), override_reason=self.override_reason,
            margin_rate=_figure(self.margin_rate, "margin_rate"),
        )  # fmt: skip


def _figure(text: str, field: str) -> Decimal | None:
    return parse_decimal(text.strip(), field=field) if text.strip() else None


@get("/repos/new", sync_to_thread=True)
def repo_form(*, request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show the empty form of a repo."""
    return _shown(request, sessions, actor, RepoForm())


@post("/repos/new", sync_to_thread=True, status_code=200)
def send_repo(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[RepoForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Weigh what was entered; with `ask`, put it before another person."""
    try:
        if data.action != "ask":
            with sessions.read() as session:
                standing = standing_of(session, actor.organization_id, clock)
                contract = data.contract(session, actor)
                preview = service.preview_repo(session, actor, contract, standing=standing)
            return _shown(request, sessions, actor, data, preview=preview)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            contract = data.contract(session, actor)
            waiting = service.propose_repo(session, actor, contract, standing=standing, reason=data.reason)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, data, failure=failure)
    return Redirect(f"/approvals/{waiting.id}", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    form: RepoForm,
    *,
    preview: RepoPreview | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        parties = parties_of(session, actor)
    errors: dict[str, Text] = {}
    if failure is not None and failure.field:
        name = {"usci": "seller", "lei": "buyer", "holder_kind": "buyer"}.get(failure.field, failure.field)
        errors[name] = Text(
            f"{failure.zh}{'。' + failure.remedy_zh if failure.remedy_zh else ''}", f"{failure.detail} {failure.remedy}"
        )
    return page(
        request,
        "collateral/repo_form.html",
        title=Text("新回购", "New repo"),
        status_code=200 if failure is None else 422,
        form=form,
        parties=[(party.code, f"{party.name} {party.code}") for party in parties],
        roles=list(_ROLES.items()),
        currencies=[(one, one) for one in _CURRENCIES],
        bases=[("", Text("按币种惯例", "by the currency's convention")), *((one, one) for one in _BASES)],
        methods=[
            ("B", Text("B：R − MV·(1−H)", "B: R − MV·(1−H)")), ("A", Text("A：R/(1−H) − MV", "A: R/(1−H) − MV")),
        ],
        preview=preview,
        labels={} if preview is None else {figure.name: figure for figure in preview.start.trace},
        failure=None if failure is None else Text(failure.zh, failure.detail),
        errors=errors,
    )  # fmt: skip


routes = [repo_form, send_repo]
