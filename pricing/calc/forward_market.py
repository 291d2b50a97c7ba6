"""The market of a book's forwards: what the curves of a day say of each unit and delivery, as numbers to be recorded.

Curves are built once a day and market; what a forward rests on is a few numbers, read once for each distinct terms and
recorded with the decision exactly as they were read, so that a valuation of last year is made again with no curve at
hand. Where no curve is stored there is no number: a flat rate never takes its place unasked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency, to_decimal
from pricing.calc.conversion import FxLimit, cny_rate
from pricing.calc.curve_quotes import CurveQuotes
from pricing.calc.curves.discount import DiscountCurve
from pricing.calc.curves.futures import FuturesCurve
from pricing.calc.curves.fx import FxForwardCurve
from pricing.calc.curves.nodes import FloatArray, IntArray, serial_of
from pricing.calc.curves.origins import CurveBuild, CurveOrigin
from pricing.calc.line_faults import line_fault
from pricing.calc.market_points import read_points
from pricing.calc.positions import ForwardBasis, LineKind, PortfolioLine

FORWARD_METHOD = "pricing.forward_method"
FLAT_RATE = "flat_rate"
"""The value of that parameter by which a bank asks for its flat rate by name; without it forwards rest on curves."""
_EXACT_PLACES = 18  # a float from 0.1 on comes back from its text bit for bit
_Curve = DiscountCurve | FuturesCurve | FxForwardCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardTerms:
    """What tells one forward's market from another's; the agreed price is of the line.

    Attributes:
        currency: Currency of the agreed price.
    """

    unit: Unit
    delivery_date: date
    currency: Currency

    @classmethod
    def of(cls, line: PortfolioLine) -> "ForwardTerms":
        """Give the terms of a line that `line_fault` found sound."""
        assert line.delivery_date is not None, "a sound forward has a delivery"
        return cls(unit=line.unit, delivery_date=line.delivery_date, currency=line.agreed_currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardPoint:
    """What forwards of the same terms rest on, read off the curves of a day.

    Attributes:
        basis: Whether a futures curve gives the price, or spot carried to delivery.
        price_currency: Currency of that curve, or of spot.
        price_curve: Name of the futures curve, or currency of the discount curve along which spot is carried.
        forward_per_t: F off the futures curve in its currency; None where spot is carried.
        carry_factor: D to delivery in the currency of spot, F = S exp(-y T) / D; None where a futures curve gives F.
        fx_forward: Units of the terms' currency for one of the price's at delivery; 1 where they are one.
        fx_curve: Pair of the forward exchange curve; empty where none was needed.
        discount_factor: D to delivery in the currency of the terms, off its discount curve.
        years: T, act/365 to delivery.
        cny_per_unit: 元 for one unit of the terms' currency; 1 for 元.
        fx_source: Where that rate was read; empty for 元.
        quote_date: Day of the oldest quote in any of the curves.
        sources: Who published the quotes.
        is_extrapolated: Whether delivery lies outside the listed ones and the carry of the last pair goes on.
        provisional_after: Last day of the calendars at hand where delivery and nodes of a discount curve lie past it.
        is_sample: Whether any quote is invented.
    """

    terms: ForwardTerms
    basis: ForwardBasis
    price_currency: Currency
    price_curve: str
    forward_per_t: Decimal | None
    carry_factor: Decimal | None
    fx_forward: Decimal
    fx_curve: str
    discount_factor: Decimal
    years: Decimal
    cny_per_unit: Decimal
    fx_source: str
    quote_date: date
    sources: tuple[str, ...]
    is_extrapolated: bool
    provisional_after: date | None
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardMarket:
    """The points of a book's forwards, and the forwards that have none with the reason.

    Attributes:
        valuation_date: Day of the curves.
        set_digest: SHA-256 over all curves of the day.
        quotes_digest: SHA-256 over the quotes they were built of.
        points: One for each distinct terms.
        gaps: One failure for each line without a point; the item is the line's code.
    """

    valuation_date: date
    set_digest: str
    quotes_digest: str
    points: tuple[ForwardPoint, ...]
    gaps: tuple[Failure, ...]


def forward_lines_of(lines: Iterable[PortfolioLine]) -> list[PortfolioLine]:
    """Give the forwards of a book that are sound by themselves."""
    return [line for line in lines if line.kind is LineKind.FORWARD and line_fault(line) is None]


def forward_market(
    build: CurveBuild, quotes: CurveQuotes, lines: Sequence[PortfolioLine], *, fx_stale_after_days: FxLimit
) -> ForwardMarket:
    """Read what each forward rests on; one whose market is not known is a gap, and the others stand.

    A unit rests on the futures curve of its scheme, phase and vintage where one is stored, that of another phase or
    vintage never pricing it; else its spot is carried along the discount curve of its currency.

    Args:
        build: Curves of the day.
        quotes: What they were built of.
        lines: Forwards that are sound by themselves.
        fx_stale_after_days: How old a spot exchange rate may be, by pair.
    """
    reader = _Reader(build, quotes, fx_stale_after_days)
    today = build.curves.valuation_date
    # What was delivered is refused when the line is valued.
    ahead = (line for line in lines if ForwardTerms.of(line).delivery_date > today)
    points, gaps = read_points(ahead, ForwardTerms.of, reader.point)
    return ForwardMarket(
        valuation_date=build.curves.valuation_date,
        set_digest=build.curves.digest,
        quotes_digest=quotes.digest,
        points=points,
        gaps=gaps,
    )


class _Reader:
    """Reads points off the curves of one day."""

    def __init__(self, build: CurveBuild, quotes: CurveQuotes, fx_stale_after_days: FxLimit) -> None:
        self._build, self._quotes, self._fx_limit = build, quotes, fx_stale_after_days
        self._today = build.curves.valuation_date

    def point(self, terms: ForwardTerms) -> ForwardPoint:
        delivery = np.array([serial_of(terms.delivery_date)])
        futures = self._futures(terms.unit, delivery)
        discount = self._discount(terms.currency, delivery)
        # Spot is quoted in 元 alone.
        carried = self._discount(Currency.CNY, delivery) if futures is None else None
        price_currency = Currency.CNY if futures is None else futures.currency
        exchange = self._exchange(price_currency, terms.currency, delivery)
        rate = cny_rate(self._quotes, terms.currency, stale_after_days=self._fx_limit)
        used = [one for one in (futures, carried, discount, exchange) if one is not None]
        origins = [self._origin(curve) for curve in used]
        inputs = [item.quote for origin in origins for item in origin.inputs]
        ends = [one.provisional_after for one in used if isinstance(one, DiscountCurve) and one.provisional_after]
        return ForwardPoint(
            terms=terms,
            basis=ForwardBasis.COST_OF_CARRY if futures is None else ForwardBasis.FUTURES_CURVE,
            price_currency=price_currency,
            price_curve=origins[0].name,
            forward_per_t=None if futures is None else _exact(futures.forwards_per_t(delivery)),
            carry_factor=None if carried is None else _exact(carried.discount_factors(delivery)),
            fx_forward=Decimal(1) if exchange is None else _exact(exchange.forward_rates(delivery)),
            fx_curve="" if exchange is None else exchange.pair,
            discount_factor=_exact(discount.discount_factors(delivery)),
            years=to_decimal(
                float(year_fraction(DayCount.ACT_365, self._today, terms.delivery_date)), places=_EXACT_PLACES
            ).normalize(),
            cny_per_unit=rate.cny_per_unit,
            fx_source=rate.source,
            quote_date=min(quote.quote_date for quote in inputs),
            sources=tuple(sorted({quote.source for quote in inputs})),
            is_extrapolated=futures is not None
            and not futures.node_serials[0] <= delivery.item() <= futures.node_serials[-1],
            provisional_after=min((day for day in ends if day < terms.delivery_date), default=None),
            is_sample=rate.is_sample or any(quote.is_sample for quote in inputs),
        )

    def _futures(self, unit: Unit, delivery: IntArray) -> FuturesCurve | None:
        """Give the futures curve that prices a unit's delivery; None where its scheme and vintage have none stored."""
        self._refuse_failed(f"futures {unit.scheme}")
        mine = [one for one in self._build.curves.futures if one.scheme is unit.scheme and one.vintage == unit.vintage]
        if not mine:
            return None
        found = next((one for one in mine if one.error_outside(delivery) is None), None)
        if found is not None:
            return found
        # The curve that begins last before the delivery is the one that might have reached it.
        nearest = max((one for one in mine if serial_of(one.first_day) <= delivery.item()), key=_start, default=mine[0])
        error = nearest.error_outside(delivery)
        assert error is not None, "no curve of the unit reaches the delivery"
        raise _at(error, "delivery_date")

    def _discount(self, currency: Currency, delivery: IntArray) -> DiscountCurve:
        self._refuse_failed(f"discount {currency}")
        for curve in self._build.curves.discount:
            if curve.currency is currency:
                error = curve.error_outside(delivery)
                if error is not None:
                    raise _at(error, "delivery_date")
                return curve
        raise MissingData(
            f"there is no {currency} discount curve on {self._today}",
            zh=f"{self._today} 没有 {currency} 贴现曲线",
            field="currency",
            remedy=f"Import rates in {currency} of that day; or have {FORWARD_METHOD} = {FLAT_RATE} approved, by which "
            "forwards in CNY rest on a flat rate.",
            remedy_zh=f"请导入当日 {currency} 利率；如确需以平坦利率计价（仅人民币），"
            f"请录入参数 {FORWARD_METHOD} = {FLAT_RATE} 并经复核。",
        )

    def _exchange(self, priced: Currency, agreed: Currency, delivery: IntArray) -> FxForwardCurve | None:
        if priced is agreed:
            return None
        for pair in (f"{priced}{agreed}", f"{agreed}{priced}"):
            self._refuse_failed(f"fx {pair}")
        curve = self._build.curves.fx_of(priced=priced, quoted=agreed)
        error = curve.error_outside(delivery)
        if error is not None:
            raise _at(error, "delivery_date")
        return curve

    def _refuse_failed(self, item: str) -> None:
        """Tell why a curve whose quotes are there was not built; nothing else takes its place."""
        for failure in self._build.failures:
            if failure.item == item:
                raise MissingData(
                    f"{item} could not be built: {failure.detail}", zh=f"{item} 曲线未能生成：{failure.zh}",
                    field=failure.field, remedy=failure.remedy, remedy_zh=failure.remedy_zh,
                )  # fmt: skip

    def _origin(self, curve: _Curve) -> CurveOrigin:
        curves = self._build.curves
        members: tuple[_Curve, ...] = (*curves.discount, *curves.futures, *curves.fx)
        pairs = zip(members, self._build.origins, strict=True)
        # A pair that was turned round is another curve of the same origin.
        return next(origin for one, origin in pairs if one is curve or _is_turned(curve, origin))


def _start(curve: FuturesCurve) -> date:
    return curve.first_day


def _is_turned(curve: _Curve, origin: CurveOrigin) -> bool:
    return isinstance(curve, FxForwardCurve) and origin.name == f"{curve.quoted}{curve.priced}"


def _exact(values: FloatArray) -> Decimal:
    return to_decimal(values[0].item(), places=_EXACT_PLACES).normalize()


def _at(error: CarbonFinError, field: str) -> MissingData:
    return MissingData(error.detail, zh=error.zh, field=field, remedy=error.remedy, remedy_zh=error.remedy_zh)
