"""A simulated default of a pledge for people: its assumptions in the address, what it brings as charts and tables."""

from litestar import get
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import percent
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.haircut_models.default_simulation import AuctionTerms, Quantile
from collateral.pages.words import state_badge
from collateral.service.default_simulations import DefaultAssumed, DefaultSimulation, simulate_default

_ENTRY_MOST = 40


class SimulationForm(Struct, frozen=True, kw_only=True):
    """What the form sends, as the address has it."""

    after_days: str = ""
    discount_ratio: str = ""
    success_ratio: str = ""
    costs_cny: str = ""

    @property
    def is_filled(self) -> bool:
        """Whether anything was entered."""
        return any((self.after_days, self.discount_ratio, self.success_ratio, self.costs_cny))

    def assumed(self) -> DefaultAssumed:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read; the field is named.
        """
        days = self.after_days.strip()
        if not days.isdecimal() or not days.isascii() or len(days) > 4:
            raise InvalidInput(f"{days!r} is no number of days", zh="请填写整数交易日", field="after_days")
        return DefaultAssumed(
            auction=AuctionTerms(
                after_days=int(days), discount_ratio=parse_decimal(self.discount_ratio, field="discount_ratio"),
                success_ratio=parse_decimal(self.success_ratio, field="success_ratio"),
            ),
            costs_cny=parse_decimal(self.costs_cny, field="costs_cny"),
        )  # fmt: skip


@get("/pledges/{pledge_id:str}/enforcement/simulation", sync_to_thread=True)
def default_simulation_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    after_days: str = "",
    discount_ratio: str = "",
    success_ratio: str = "",
    costs_cny: str = "",
) -> Template:
    """Show the form, and with its entries what a default of the pledge would bring; nothing is kept."""
    entries = (one[:_ENTRY_MOST] for one in (after_days, discount_ratio, success_ratio, costs_cny))
    form = SimulationForm(**dict(zip(SimulationForm.__struct_fields__, entries, strict=True)))
    failure: CarbonFinError | None = None
    found: DefaultSimulation | None = None
    with sessions.read() as session:
        standing: Standing = standing_of(session, actor.organization_id, clock)
        pledge = service.load_pledge(session, actor, pledge_id)
        if form.is_filled:
            try:
                found = simulate_default(session, actor, pledge.id, form.assumed(), standing=standing)
            except CarbonFinError as error:
                failure = error
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "collateral/default_simulation.html",
        title=Text(f"质押 {pledge.code} 违约处置模拟", f"Simulated default of pledge {pledge.code}"),
        status_code=422 if failure else 200,
        business_date=standing.business_date,
        pledge=pledge,
        form=form,
        found=found,
        charts=[] if found is None else _charts(found, standing, language),
        failed_field=failure.field if failure else "",
        failure_text=Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip())
        if failure
        else None,
        state_badge=state_badge,
        level_words={str(one.level): _level(one) for one in found.found.recovery_quantiles} if found else {},
    )


def _level(one: Quantile) -> Text:
    share = percent(one.level, 0)
    return Text(f"{share} 的路径不高于", f"{share} of the paths at or below")


def _charts(found: DefaultSimulation, standing: Standing, language: Language) -> list[tuple[str, Chart]]:
    recoveries = [
        Bar(label=Words(zh=_level(one).zh, en=_level(one).en), amount=one.value * 100, text=percent(one.value))
        for one in found.found.recovery_quantiles
    ]
    days = [
        Bar(label=Words(zh=_level(one).zh, en=_level(one).en), amount=one.value, text=str(one.value))
        for one in found.found.days_quantiles
    ]
    source = Words(zh=found.units[0].source, en=found.units[0].source)
    return [
        (
            "recovery",
            bar_chart(
                title=Words(zh="违约后能收回多少债权？", en="How much of the claim comes back?"),
                unit=Words(zh="%", en="%"), bars=recoveries, source=source, as_of=standing.business_date,
                language=language,
            ),
        ),
        (
            "days",
            bar_chart(
                title=Words(zh="处置需要多少个交易日？", en="How many trading days does the sale take?"),
                unit=Words(zh="交易日", en="trading days"), bars=days, source=source, as_of=standing.business_date,
                language=language,
            ),
        ),
    ]  # fmt: skip


routes = [default_simulation_page]
