"""All curves of one day, under one digest."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import combinations, permutations

from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import digest_of
from pricing.calc.curves.discount import DiscountCurve
from pricing.calc.curves.futures import FuturesCurve, Product
from pricing.calc.curves.fx import FxForwardCurve, triangle_gap
from pricing.calc.curves.nodes import plain
from pricing.calc.curves.volatility import VolatilitySurface


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSet:
    """The curves of one valuation date as known at an instant; plain nodes alone, so it travels between processes.

    Attributes:
        valuation_date: Day of every curve.
        known_at: Instant as of which the quotes were known.
        discount: One curve a currency.
        futures: One curve a scheme, vintage and run of phases.
        fx: One curve a pair.
        volatility: One surface a product.
    """

    valuation_date: date
    known_at: datetime
    discount: tuple[DiscountCurve, ...]
    futures: tuple[FuturesCurve, ...]
    fx: tuple[FxForwardCurve, ...]
    volatility: tuple[VolatilitySurface, ...]

    def __post_init__(self) -> None:
        """Refuse a naive instant, a curve of another day, and two curves for one thing."""
        aware(self.known_at)
        members = (self.discount, self.futures, self.fx, self.volatility)
        days = {curve.valuation_date for curves in members for curve in curves} - {self.valuation_date}
        if days:
            raise _refused(
                f"a curve of {min(days)} stands in a set of {self.valuation_date}", f"曲线日期 {min(days)} 与估值日不符"
            )
        names = [
            *(str(curve.currency) for curve in self.discount),
            *(f"{curve.scheme}/{phase}/{curve.vintage}" for curve in self.futures for phase in curve.phases),
            *(curve.pair for curve in self.fx),
            *(f"volatility of {surface.product}" for surface in self.volatility),
        ]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _refused(f"{twice[0]} has two curves", f"{twice[0]} 有两条曲线")

    @property
    def digest(self) -> str:
        """SHA-256 over all nodes, bit by bit, whatever the order in which the curves were given."""
        members = {
            field.name: sorted(digest_of(plain(curve)) for curve in getattr(self, field.name))
            for field in fields(self)
            if isinstance(getattr(self, field.name), tuple)
        }
        return digest_of({"valuation_date": self.valuation_date, "known_at": self.known_at, **members})

    def discount_of(self, currency: Currency) -> DiscountCurve:
        """Give the discount curve of a currency.

        Raises:
            MissingData: The currency has no curve.
        """
        for curve in self.discount:
            if curve.currency is currency:
                return curve
        raise self._missing(f"discount curve for {currency}", f"{currency} 贴现曲线", "currency")

    def futures_of(self, product: Product) -> FuturesCurve:
        """Give the futures curve of a product's scheme, phase and vintage.

        Raises:
            MissingData: No curve prices the product; that of another phase or vintage never does.
        """
        for curve in self.futures:
            if curve.prices(product):
                return curve
        raise self._missing(f"futures curve for {product}", f"{product} 远期曲线", "product")

    def fx_of(self, *, priced: Currency, quoted: Currency) -> FxForwardCurve:
        """Give the forward exchange rates of a pair, turned round where the set has the other direction.

        Raises:
            MissingData: The pair has no curve.
        """
        for curve in self.fx:
            if curve.priced is priced and curve.quoted is quoted:
                return curve
            if curve.priced is quoted and curve.quoted is priced:
                return curve.inverted()
        raise self._missing(f"forward exchange curve for {priced}{quoted}", f"{priced}{quoted} 远期汇率曲线", "pair")

    def volatility_of(self, product: Product) -> VolatilitySurface:
        """Give the volatility surface of a product.

        Raises:
            MissingData: The product has no surface.
        """
        for surface in self.volatility:
            if surface.product == product:
                return surface
        raise self._missing(f"volatility for {product}", f"{product} 波动率", "product")

    def triangle_gaps(self) -> tuple[tuple[str, float, date], ...]:
        """Give for each three pairs that form a triangle their widest gap in ln X, and its day, widest first."""
        gaps: list[tuple[str, float, date]] = []
        for three in combinations(self.fx, 3):
            for first, second, cross in permutations(three):
                closes = (
                    first.quoted is second.priced and first.priced is cross.priced and second.quoted is cross.quoted
                )
                if closes:
                    gap, day = triangle_gap(first=first, second=second, cross=cross)
                    gaps.append((f"{first.pair} {second.pair} {cross.pair}", gap, day))
        return tuple(sorted(gaps, key=lambda item: -item[1]))

    def _missing(self, what: str, zh: str, field: str) -> MissingData:
        return MissingData(
            f"there is no {what} on {self.valuation_date}",
            zh=f"{self.valuation_date} 没有{zh}",
            field=field,
            remedy="Load quotes for it, or leave the position out.",
            remedy_zh="请导入相应报价，或剔除该持仓。",
        )


def _refused(detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field="curves",
        remedy="Give one curve for each thing, all of the valuation date.",
        remedy_zh="请使每项只有一条曲线，且均为估值日当天。",
    )
