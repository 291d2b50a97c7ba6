"""Volatility surfaces for people: expiries by strikes, where they allow arbitrage, and the quotes they rest on."""

from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.curves.arbitrage import ArbitrageKind
from pricing.calc.curves.volatility import StrikeAxis
from pricing.schemas.options import VolatilitySurfaceOut

_ARBITRAGE_WORDS = {
    ArbitrageKind.CALENDAR: Text("日历套利：总方差随期限下降", "calendar: total variance falls with time"),
    ArbitrageKind.BUTTERFLY: Text(
        "蝶式套利：看涨期权价格对行权价不凸", "butterfly: calls are not convex in the strike"
    ),
}


@get("/curves/volatility", sync_to_thread=True)
def surface_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    name: Annotated[str, QueryParameter(max_length=40)] = "",
    on: Annotated[str | None, QueryParameter(max_length=10)] = None,
) -> Template:
    """Show a volatility surface of a day, and which there are."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if not on else day_of(on, field="on")
        answer = service.surfaces_on(session, actor, valuation_date=day, known_at=standing.known_at)
    names = [build.name for build in answer.surfaces]
    chosen = name or (names[0] if names else "")
    build = service.surface_in(answer, chosen) if chosen else None
    surface = None if build is None else VolatilitySurfaceOut.of(build, answer)
    return page(
        request,
        "pricing/surface.html",
        title=Text("波动率曲面", "Volatility surface"),
        valuation_date=day,
        known_at=standing.known_at,
        names=[(one, Text(one, one)) for one in names],
        chosen=None if build is None else build.name,
        surface=surface,
        build=build,
        is_moneyness=build is not None and build.surface.axis is StrikeAxis.MONEYNESS,
        grid=[] if surface is None else _grid(surface),
        arbitrages=[] if build is None else [(_ARBITRAGE_WORDS[one.kind], one) for one in build.arbitrages],
        failures=answer.failures,
    )


def _grid(surface: VolatilitySurfaceOut) -> list[tuple[str, Decimal, list[Decimal]]]:
    """Give a row an expiry: its day, the forward, and a volatility a strike."""
    return [
        (row.expiry_date, Decimal(row.forward_per_t), [Decimal(one) for one in row.volatilities])
        for row in surface.expiries
    ]
