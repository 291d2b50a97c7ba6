"""One curve of a day as figures: at its nodes, between them, with its inputs and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency, to_decimal
from pricing.calc.curves.carry import CarryCurve, carry_curve
from pricing.calc.curves.discount import INTERPOLATION, DiscountCurve
from pricing.calc.curves.futures import FuturesCurve
from pricing.calc.curves.fx import FxForwardCurve
from pricing.calc.curves.nodes import DAYS_A_YEAR, FloatArray, IntArray, day_of, serial_of
from pricing.calc.curves.origins import CurveBuild, CurveInput, CurveKind, CurveOrigin

CURVE_KIND_LABELS: Mapping[CurveKind, tuple[str, str]] = {
    CurveKind.DISCOUNT: ("贴现曲线", "discount curve"),
    CurveKind.FUTURES: ("远期价格曲线", "forward price curve"),
    CurveKind.FX: ("远期汇率曲线", "forward exchange curve"),
}
INTERPOLATION_LABELS: Mapping[str, tuple[str, str]] = {
    INTERPOLATION: (
        "贴现因子取对数后线性内插（远期利率分段不变）",
        "log-linear in the discount factor (flat forward rates)",
    ),
    "log_linear_price": ("价格取对数后线性内插（持有成本分段不变）", "log-linear in the price (flat carry)"),
    "log_linear_rate": ("汇率取对数后线性内插", "log-linear in the exchange rate"),
}
_BETWEEN_COUNT = 80
_FACTOR_PLACES, _RATE_PLACES, _PRICE_PLACES, _YEAR_PLACES = 12, 8, 6, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFigures:
    """What a curve gives for one day; None is what its kind does not give, or has no meaning on that day.

    Attributes:
        day: The day.
        years: Days from the valuation date over 365.
        discount_factor: D of the day.
        zero_rate: -ln D / T, continuously compounded, act/365; None on the valuation date.
        forward_price_per_t: Price for delivery on the day, in the curve's currency per tonne.
        net_carry_rate: Mean c - y from the first listed delivery to the day, continuously compounded, act/365.
        exchange_rate: Units of the second currency for one of the first, for that day.
    """

    day: date
    years: Decimal
    discount_factor: Decimal | None = None
    zero_rate: Decimal | None = None
    forward_price_per_t: Decimal | None = None
    net_carry_rate: Decimal | None = None
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveReading:
    """One curve with all that is shown of it.

    Attributes:
        currency: Currency discounted, of the price, or in which the other is priced.
        interpolation: How it is read between nodes, a key of `INTERPOLATION_LABELS`.
        first_day: First day that may be asked for.
        horizon: Last day that may be asked for.
        origin: Its kind, its name, its inputs with residuals, and what nobody has confirmed.
        nodes: Figures at the nodes.
        between: Figures at the nodes and evenly between the first and the last, for drawing.
        phases: Trading phases a futures curve covers, else empty.
        provisional_after: Last day of the calendars at hand where nodes lie beyond it, else None.
        superseded: Inputs left out because a longer tenor ends on the same day.
        carry_note: Why a futures curve has no carry (Chinese, English); None where it has, and for other kinds.
    """

    currency: Currency
    interpolation: str
    first_day: date
    horizon: date
    origin: CurveOrigin
    nodes: tuple[CurveFigures, ...]
    between: tuple[CurveFigures, ...]
    phases: tuple[str, ...] = ()
    provisional_after: date | None = None
    superseded: tuple[str, ...] = ()
    carry_note: tuple[str, str] | None = None

    @property
    def kind(self) -> CurveKind:
        """What it gives."""
        return self.origin.kind

    @property
    def name(self) -> str:
        """Currency, scheme or pair."""
        return self.origin.name

    @property
    def inputs(self) -> tuple[CurveInput, ...]:
        """The quotes it was built of."""
        return self.origin.inputs

    @property
    def sources(self) -> tuple[str, ...]:
        """Who published the quotes."""
        return tuple(sorted({item.quote.source for item in self.inputs}))

    @property
    def is_sample(self) -> bool:
        """Whether any quote is invented."""
        return any(item.quote.is_sample for item in self.inputs)

    @property
    def quote_date(self) -> date:
        """The day of the oldest quote in it."""
        return min(item.quote.quote_date for item in self.inputs)


def read_curve(build: CurveBuild, *, kind: CurveKind, name: str) -> CurveReading:
    """Give one curve of a day as figures.

    Raises:
        MissingData: There is no such curve on that day, or its quotes do not make one; the reason is told.
    """
    members: tuple[DiscountCurve | FuturesCurve | FxForwardCurve, ...] = (
        *build.curves.discount, *build.curves.futures, *build.curves.fx,
    )  # fmt: skip
    for curve, origin in zip(members, build.origins, strict=True):
        if origin.kind is kind and origin.name == name:
            if isinstance(curve, DiscountCurve):
                return _discount_reading(curve, origin)
            if isinstance(curve, FuturesCurve):
                return _futures_reading(curve, origin, build.curves.discount)
            return _fx_reading(curve, origin)
    raise _no_such_curve(build, kind, name)


def _discount_reading(curve: DiscountCurve, origin: CurveOrigin) -> CurveReading:
    def figures(serials: IntArray) -> tuple[CurveFigures, ...]:
        later = serials > serial_of(curve.valuation_date)
        rates = np.full(serials.shape, np.nan)
        rates[later] = curve.zero_rates(serials[later])
        return _figures(
            curve.valuation_date,
            serials,
            discount_factor=_Column(values=curve.discount_factors(serials), places=_FACTOR_PLACES),
            zero_rate=_Column(values=rates, places=_RATE_PLACES, shown=later),
        )

    nodes, between = _days(curve.node_serials, first_day=curve.valuation_date, last_day=curve.horizon)
    return CurveReading(
        currency=curve.currency,
        interpolation=curve.interpolation,
        first_day=curve.valuation_date,
        horizon=curve.horizon,
        provisional_after=curve.provisional_after,
        superseded=curve.superseded,
        origin=origin,
        nodes=figures(nodes),
        between=figures(between),
    )


def _futures_reading(curve: FuturesCurve, origin: CurveOrigin, discount: Sequence[DiscountCurve]) -> CurveReading:
    carry, note = _carry(curve, discount)

    def figures(serials: IntArray) -> tuple[CurveFigures, ...]:
        shown = np.zeros(serials.shape, dtype=bool)
        rates: FloatArray = np.full(serials.shape, np.nan)
        if carry is not None:
            shown = (serials > serial_of(carry.start_date)) & (serials <= serial_of(carry.horizon))
            rates[shown] = carry.net_carry_rates(serials[shown])
        return _figures(
            curve.valuation_date,
            serials,
            forward_price_per_t=_Column(values=curve.forwards_per_t(serials), places=_PRICE_PLACES),
            net_carry_rate=_Column(values=rates, places=_RATE_PLACES, shown=shown),
        )

    nodes, between = _days(curve.node_serials, first_day=curve.first_day, last_day=curve.horizon)
    return CurveReading(
        currency=curve.currency,
        interpolation="log_linear_price",
        phases=curve.phases,
        first_day=curve.first_day,
        horizon=curve.horizon,
        origin=origin,
        nodes=figures(nodes),
        between=figures(between),
        carry_note=note,
    )


def _fx_reading(curve: FxForwardCurve, origin: CurveOrigin) -> CurveReading:
    def figures(serials: IntArray) -> tuple[CurveFigures, ...]:
        rates = _Column(values=curve.forward_rates(serials), places=_RATE_PLACES)
        return _figures(curve.valuation_date, serials, exchange_rate=rates)

    nodes, between = _days(curve.node_serials, first_day=curve.first_day, last_day=curve.horizon)
    return CurveReading(
        currency=curve.quoted,
        interpolation="log_linear_rate",
        first_day=curve.first_day,
        horizon=curve.horizon,
        origin=origin,
        nodes=figures(nodes),
        between=figures(between),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One figure over days, shapes (days,); where it is not shown it has no meaning on that day."""

    values: FloatArray
    places: int
    shown: npt.NDArray[np.bool_] | None = None

    def at(self, row: int) -> Decimal | None:
        is_shown = self.shown is None or bool(self.shown[row])
        return to_decimal(self.values[row], places=self.places) if is_shown else None


def _figures(valuation_date: date, serials: IntArray, **columns: _Column) -> tuple[CurveFigures, ...]:
    """Put columns, by the name of the figure, into a row for each day."""
    return tuple(
        CurveFigures(
            day=day_of(serial),
            years=to_decimal((serial - serial_of(valuation_date)) / DAYS_A_YEAR, places=_YEAR_PLACES),
            **{name: column.at(row) for name, column in columns.items()},
        )
        for row, serial in enumerate(serials.tolist())
    )


def _carry(
    curve: FuturesCurve, discount: Sequence[DiscountCurve]
) -> tuple[CarryCurve, None] | tuple[None, tuple[str, str]]:
    """Give the net carry of a futures curve, or why there is none."""
    for one in discount:
        if one.currency is curve.currency:
            try:
                return carry_curve(futures=curve, discount=one), None
            except CarbonFinError as error:
                return None, (error.zh, error.detail)
    return None, (f"没有 {curve.currency} 贴现曲线", f"there is no {curve.currency} discount curve")


def _days(node_serials: Sequence[int], *, first_day: date, last_day: date) -> tuple[IntArray, IntArray]:
    """Give the nodes within the days that may be asked for, and the same with days evenly between."""
    inside = [serial for serial in node_serials if serial_of(first_day) <= serial <= serial_of(last_day)]
    nodes = np.array(inside, dtype=np.int64)
    even = np.linspace(nodes[0], nodes[-1], _BETWEEN_COUNT).round().astype(np.int64)
    return nodes, np.unique(np.concatenate([nodes, even]))


def _no_such_curve(build: CurveBuild, kind: CurveKind, name: str) -> MissingData:
    for failure in build.failures:
        if failure.item == f"{kind} {name}":
            return MissingData(
                f"{name} has no {CURVE_KIND_LABELS[kind][1]} on {build.curves.valuation_date}: {failure.detail}",
                zh=f"{build.curves.valuation_date} 无法生成 {name} {CURVE_KIND_LABELS[kind][0]}：{failure.zh}",
                field=failure.field,
                remedy=failure.remedy,
                remedy_zh=failure.remedy_zh,
            )
    there = [origin.name for origin in build.origins if origin.kind is kind]
    return MissingData(
        f"there is no {CURVE_KIND_LABELS[kind][1]} {name!r} on {build.curves.valuation_date}; "
        f"there are: {', '.join(there) or 'none'}",
        zh=f"{build.curves.valuation_date} 没有 {name} {CURVE_KIND_LABELS[kind][0]}，现有：{'、'.join(there) or '无'}",
        field="name",
        remedy="Import the quotes of that day, or name a curve that is there.",
        remedy_zh="请导入当日报价，或选择已有的曲线。",
    )
