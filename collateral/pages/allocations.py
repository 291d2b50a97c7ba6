"""The cheapest safe use of a client's units over its pledges, for people: a what-if with its entries in the address."""

from decimal import Decimal

from litestar import get
from litestar.response import Template
from msgspec import Struct

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.parties import PartyKind
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral.calc.allocation.asked import AddedNeed, AllocationAsked
from collateral.service.allocations import AllocationFound, weigh_allocation

_ENTRY_MOST = 200


class AllocationForm(Struct, frozen=True, kw_only=True):
    """What the form sends, as the address has it; units and codes with commas between."""

    pledgor: str = ""
    without: str = ""
    released: str = ""
    lender: str = ""
    required_cny: str = ""
    end_date: str = ""
    use_cost_rate: str = ""
    movement_cost_rate: str = ""
    limits: str = ""

    def asked(self, pledgor_id: str) -> AllocationAsked:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read; the field is named.
        """
        added: tuple[AddedNeed, ...] = ()
        if any(text.strip() for text in (self.lender, self.required_cny, self.end_date)):
            need = AddedNeed(
                name=self.lender, required_cny=parse_decimal(self.required_cny, field="required_cny"),
                end_date=day_of(self.end_date, field="end_date"),
            )  # fmt: skip
            added = (need,)
        return AllocationAsked(
            pledgor_id=pledgor_id,
            without=tuple(Unit.parse(one) for one in _listed(self.without)),
            released=_listed(self.released),
            added=added,
            use_cost_rate=parse_decimal(self.use_cost_rate, field="use_cost_rate"),
            movement_cost_rate=parse_decimal(self.movement_cost_rate, field="movement_cost_rate"),
            limits=tuple(_limit(one) for one in _listed(self.limits)),
        )


def _limit(text: str) -> tuple[Scheme, Decimal]:
    scheme, _, ratio = text.partition("=")
    return Unit.parse(scheme).scheme, parse_decimal(ratio, field="limits")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.replace("，", ",").split(",") if one.strip())


@get("/pledges/allocation", sync_to_thread=True)
def allocation_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledgor: str = "",
    without: str = "",
    released: str = "",
    lender: str = "",
    required_cny: str = "",
    end_date: str = "",
    use_cost_rate: str = "",
    movement_cost_rate: str = "",
    limits: str = "",
) -> Template:
    """Show the form, and with its entries the cheapest allocation or what cannot be met; nothing is kept."""
    entries = (
        pledgor, without, released, lender, required_cny, end_date, use_cost_rate, movement_cost_rate, limits,
    )  # fmt: skip
    form = AllocationForm(
        **dict(zip(AllocationForm.__struct_fields__, (one[:_ENTRY_MOST] for one in entries), strict=True))
    )
    failure: CarbonFinError | None = None
    found: AllocationFound | None = None
    with sessions.read() as session:
        standing: Standing = standing_of(session, actor.organization_id, clock)
        enterprises = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
        if form.use_cost_rate:
            try:
                party = party_by_code(session, actor, form.pledgor)
                found = weigh_allocation(session, actor, form.asked(party.id), standing=standing)
            except CarbonFinError as error:
                failure = error
    language: Language = "en" if language_of(request).value == "en" else "zh"
    field = {"usci": "pledgor", "lei": "pledgor", "party": "pledgor", "unit": "without", "added": "required_cny"}
    failed = "" if failure is None else field.get(failure.field or "", failure.field or "")
    return page(
        request,
        "collateral/allocation.html",
        title=Text("配额担保分配试算", "Allocation of units over pledges"),
        status_code=422 if failure else 200,
        business_date=standing.business_date,
        form=form,
        enterprises=[(one.code, f"{one.name} {one.code}") for one in enterprises],
        found=found,
        place_of={} if found is None else {one.name: place for place, one in enumerate(found.needs)},
        labels={} if found is None else {one.name: one for one in found.trace},
        chart=None if found is None or not found.is_feasible else _chart(found, standing, language),
        failed_field=failed,
        failure_text=Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip())
        if failure
        else None,
    )


def _chart(found: AllocationFound, standing: Standing, language: Language) -> Chart:
    bars = [
        Bar(
            label=Words(zh=f"{one.need} {one.unit}{side[0]}", en=f"{one.need} {one.unit} {side[1]}"),
            amount=parse_decimal(str(tonnes), field="tonnes"), text=f"{tonnes:,}",
        )
        for one in found.lines
        for side, tonnes in ((("（现状）", "now"), one.held_t), (("（建议）", "proposed"), one.proposed_t))
    ]  # fmt: skip
    return bar_chart(
        title=Words(zh="哪些配额应放在哪笔质押？", en="Which units should stand behind which pledge?"),
        unit=Words(zh="吨", en="t"), bars=bars, source=Words(zh="本行配额与质押台账", en="the bank's ledger"),
        as_of=standing.business_date, language=language,
    )  # fmt: skip


routes = [allocation_page]
