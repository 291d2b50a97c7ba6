"""Volatility surfaces out of the recorded quotes of a day, each with its quotes and where it allows arbitrage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import to_decimal
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind, CurveQuotes, volatility_point
from pricing.calc.curves.arbitrage import SurfaceArbitrage, surface_arbitrages
from pricing.calc.curves.futures import FuturesCurve, Phase, Product
from pricing.calc.curves.nodes import serials_of
from pricing.calc.curves.volatility import StrikeAxis, VolatilityQuote, VolatilitySurface, volatility_surface

_FORWARD_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceLimits:
    """What quotes of volatility may be: highest volatility, days until stale, days past the last expiry."""

    volatility_max: Decimal
    stale_after_days: int
    extrapolation_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceBuild:
    """A surface with the quotes it was built of, by expiry and strike, and the nodes that allow arbitrage.

    A surface that allows arbitrage is still read: the quotes are the venue's, and who values with it is told.
    """

    surface: VolatilitySurface
    inputs: tuple[CurveQuote, ...]
    arbitrages: tuple[SurfaceArbitrage, ...]

    @property
    def name(self) -> str:
        """Scheme and phase: EUA/4."""
        return str(self.surface.product)


def surfaces_of(
    quotes: CurveQuotes,
    *,
    futures: Sequence[FuturesCurve],
    phases_of: Callable[[Scheme], Sequence[Phase]],
    limits: SurfaceLimits,
) -> tuple[tuple[SurfaceBuild, ...], tuple[Failure, ...]]:
    """Build a surface for each scheme and phase with volatilities; one that cannot be built stops no other.

    The forward of each expiry is read from the scheme's own futures curve, for delivery on the day of expiry.
    """
    made: list[SurfaceBuild] = []
    failures: list[Failure] = []
    names = {quote.name for quote in quotes.quotes if quote.kind is CurveQuoteKind.VOLATILITY}
    for name in sorted(names):
        try:
            made.extend(_surfaces(quotes, Scheme(name), futures=futures, phases_of=phases_of, limits=limits))
        except CarbonFinError as error:
            failures.append(Failure.of(f"volatility {name}", error))
    return tuple(made), tuple(failures)


def _surfaces(
    quotes: CurveQuotes,
    scheme: Scheme,
    *,
    futures: Sequence[FuturesCurve],
    phases_of: Callable[[Scheme], Sequence[Phase]],
    limits: SurfaceLimits,
) -> list[SurfaceBuild]:
    open_quotes = quotes.volatilities_of(scheme)
    found = []
    placed = 0
    for phase in phases_of(scheme):
        inputs = tuple(
            quote for quote in open_quotes if phase.first_delivery <= _expiry(quote) <= phase.last_delivery
        )  # fmt: skip
        if inputs:
            placed += len(inputs)
            product = Product(scheme=scheme, phase=phase.name, vintage=None)
            found.append(_surface(product, inputs, quotes.valuation_date, futures=futures, limits=limits))
    if placed < len(open_quotes):
        raise InvalidInput(
            f"an expiry of {scheme} lies in no trading phase",
            zh=f"{scheme} 有期权到期日不在任何交易阶段内",
            field="expiry_date",
            remedy="Check the expiry, or enter and approve the phase.",
            remedy_zh="请核对到期日，或录入并复核交易阶段。",
        )
    return found


def _surface(
    product: Product,
    inputs: tuple[CurveQuote, ...],
    valuation_date: date,
    *,
    futures: Sequence[FuturesCurve],
    limits: SurfaceLimits,
) -> SurfaceBuild:
    curve = next((one for one in futures if one.prices(product)), None)
    if curve is None:
        raise MissingData(
            f"{product} has volatilities but no futures curve on {valuation_date}",
            zh=f"{product} 有波动率报价，但 {valuation_date} 没有远期价格曲线",
            field="product",
            remedy="Import the settlement prices of that day.",
            remedy_zh="请导入当日结算价。",
        )
    points = [volatility_point(quote) for quote in inputs]
    axes = {is_moneyness for _, is_moneyness in points}
    if len(axes) > 1:
        raise InvalidInput(
            f"volatilities of {product} are quoted by strike and by moneyness",
            zh=f"{product} 波动率同时按行权价和按行权价/远期报价",
            field="strike",
            remedy="Give one of the two for the whole surface.",
            remedy_zh="同一曲面请只用一种口径。",
        )
    expiries = sorted({_expiry(quote) for quote in inputs})
    forwards = curve.forwards_per_t(serials_of(expiries)).tolist()
    surface = volatility_surface(
        product=product,
        valuation_date=valuation_date,
        axis=StrikeAxis.MONEYNESS if axes == {True} else StrikeAxis.STRIKE,
        quotes=[
            VolatilityQuote(
                expiry_date=_expiry(quote), strike=strike, volatility=quote.value, quote_date=quote.quote_date
            )
            for quote, (strike, _) in zip(inputs, points, strict=True)
        ],
        forwards_per_t=[to_decimal(forward, places=_FORWARD_PLACES) for forward in forwards],
        volatility_max=limits.volatility_max,
        stale_after_days=limits.stale_after_days,
        extrapolation_days=limits.extrapolation_days,
    )
    return SurfaceBuild(surface=surface, inputs=inputs, arbitrages=surface_arbitrages(surface))


def _expiry(quote: CurveQuote) -> date:
    assert quote.expiry_date is not None, "a volatility has an expiry"
    return quote.expiry_date
