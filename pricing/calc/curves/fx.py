"""Forward exchange rates from spot and two discount curves, or from forward points; triangles must close."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import Currency, to_float
from pricing.calc.curves.discount import DiscountCurve
from pricing.calc.curves.nodes import (
    FloatArray,
    IntArray,
    check_nodes,
    day_of,
    outside,
    read_log_linear,
    serial_of,
    serials_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FxForwardCurve:
    """Forward exchange rates of one pair, log-linear between nodes: units of `quoted` for one unit of `priced`.

    Attributes:
        priced: The currency of which one unit is priced (EUR of EURCNY).
        quoted: The currency in which it is priced (CNY of EURCNY).
        valuation_date: Day of the curve.
        spot_date: Day on which spot settles, the first node from points.
        node_serials: Days of the nodes, ascending.
        log_rates: Natural logarithms of the rate.
        first_day: First day that may be asked for.
        horizon: Last day that may be asked for.
    """

    priced: Currency
    quoted: Currency
    valuation_date: date
    spot_date: date
    node_serials: tuple[int, ...]
    log_rates: tuple[float, ...]
    first_day: date
    horizon: date

    def __post_init__(self) -> None:
        """Refuse nodes out of order or not finite."""
        check_nodes(what=f"{self.pair} curve", serials=self.node_serials, values=self.log_rates)

    @property
    def pair(self) -> str:
        """The pair, for example EURCNY."""
        return f"{self.priced}{self.quoted}"

    def error_outside(self, serials: IntArray) -> CarbonFinError | None:
        """Give the error of the first day outside the curve, or None."""
        return outside(
            what=f"the {self.pair} forward curve",
            zh=f"{self.pair} 远期汇率曲线",
            serials=serials,
            first_day=self.first_day,
            last_day=self.horizon,
        )

    def log_forwards(self, serials: IntArray) -> FloatArray:
        """Give ln X of each day, shape (days,), without asking for the horizon."""
        return read_log_linear(
            reference_serial=serial_of(self.valuation_date),
            node_serials=self.node_serials,
            node_logs=self.log_rates,
            serials=serials,
        )

    def forward_rates(self, serials: IntArray) -> FloatArray:
        """Give forward exchange rates X of each day, shape (days,).

        Raises:
            MissingData: A day lies outside the curve.
        """
        error = self.error_outside(serials)
        if error is not None:
            raise error
        return np.exp(self.log_forwards(serials))

    def inverted(self) -> "FxForwardCurve":
        """Give the pair turned round, 1 / X on every day."""
        return replace(
            self, priced=self.quoted, quoted=self.priced, log_rates=tuple(-value for value in self.log_rates)
        )


def fx_curve_from_discounts(
    *, priced: DiscountCurve, quoted: DiscountCurve, spot_rate: Decimal, spot_date: date
) -> FxForwardCurve:
    """Give forwards by covered parity, X(T) = X_s (D_priced(T) / D_priced(s)) / (D_quoted(T) / D_quoted(s)).

    Args:
        priced: Discount curve of the currency of which one unit is priced.
        quoted: Discount curve of the currency in which it is priced.
        spot_rate: Spot rate X_s.
        spot_date: Day s on which spot settles.

    Raises:
        InvalidInput: The rate is not positive, the curves are of different days or of one currency, or spot settles
            before the valuation date or past a curve.
    """
    if priced.valuation_date != quoted.valuation_date or priced.currency is quoted.currency:
        raise InvalidInput(
            f"curves of {priced.currency} on {priced.valuation_date} and {quoted.currency} on {quoted.valuation_date} "
            "make no forward exchange rates",
            zh="两条贴现曲线的估值日不同或币种相同",
            field="curves",
            remedy="Give curves of two currencies and of one day.",
            remedy_zh="请使用两种货币、同一估值日的曲线。",
        )
    horizon = min(priced.horizon, quoted.horizon)
    pair = f"{priced.currency}{quoted.currency}"
    _check_spot(pair, spot_rate, spot_date=spot_date, first_day=priced.valuation_date, last_day=horizon)
    spot = serial_of(spot_date)
    inside = {node for node in (*priced.node_serials, *quoted.node_serials) if node <= serial_of(horizon)}
    serials = np.array(sorted(inside | {spot, serial_of(horizon)}), dtype=np.int64)
    logs = priced.log_factors(serials) - quoted.log_factors(serials)
    at_spot = logs[int(np.searchsorted(serials, spot))]
    return FxForwardCurve(
        priced=priced.currency,
        quoted=quoted.currency,
        valuation_date=priced.valuation_date,
        spot_date=spot_date,
        node_serials=tuple(serials.tolist()),
        log_rates=tuple((np.log(to_float(spot_rate)) + (logs - at_spot)).tolist()),
        first_day=priced.valuation_date,
        horizon=horizon,
    )


def fx_curve_from_points(
    *,
    priced: Currency,
    quoted: Currency,
    valuation_date: date,
    spot_rate: Decimal,
    spot_date: date,
    dates: Sequence[date],
    points: Sequence[Decimal],
) -> FxForwardCurve:
    """Give forwards X_s + points at the quoted days, log-linear between them and from spot.

    Args:
        priced: Currency of which one unit is priced.
        quoted: Currency in which it is priced.
        valuation_date: Day of the curve.
        spot_rate: Spot rate X_s.
        spot_date: Day on which spot settles.
        dates: Days of the points, ascending, after spot.
        points: Forward points in units of the rate (0.0077, not 77 pips).

    Raises:
        InvalidInput: A rate is not positive, days are out of order, or points as large as the rate (quoted in pips).
    """
    pair = f"{priced}{quoted}"
    _check_spot(pair, spot_rate, spot_date=spot_date, first_day=valuation_date, last_day=date.max)
    for day, point in zip(dates, points, strict=True):
        if not point.is_finite() or abs(point) >= spot_rate:
            raise InvalidInput(
                f"{pair} points for {day} are {point} on a spot of {spot_rate}",
                zh=f"{pair} 在 {day} 的掉期点 {point} 与即期汇率 {spot_rate} 不相称",
                field="points",
                remedy="Write points in units of the rate: 0.0077, not 77.",
                remedy_zh="掉期点请按汇率单位填写：0.0077 而非 77。",
            )
    return FxForwardCurve(
        priced=priced,
        quoted=quoted,
        valuation_date=valuation_date,
        spot_date=spot_date,
        node_serials=tuple(serials_of([spot_date, *dates]).tolist()),
        log_rates=tuple(float(np.log(to_float(spot_rate + point))) for point in (Decimal(0), *points)),
        first_day=spot_date,
        horizon=max([spot_date, *dates]),
    )


def triangle_gap(*, first: FxForwardCurve, second: FxForwardCurve, cross: FxForwardCurve) -> tuple[float, date]:
    """Give the widest gap |ln X_ab + ln X_bc - ln X_ac| over the nodes of all three, and its day.

    Raises:
        InvalidInput: The pairs do not form a triangle a to b, b to c, a to c, or the curves are of different days.
    """
    closes = first.quoted is second.priced and first.priced is cross.priced and second.quoted is cross.quoted
    if not closes or len({first.valuation_date, second.valuation_date, cross.valuation_date}) != 1:
        raise InvalidInput(
            f"{first.pair} and {second.pair} do not make {cross.pair} of one day",
            zh=f"{first.pair}、{second.pair} 与 {cross.pair} 不构成同日的三角关系",
            field="pairs",
            remedy="Give a to b, b to c and a to c of one day, for example EURUSD, USDCNY, EURCNY.",
            remedy_zh="请依次给出如 EURUSD、USDCNY、EURCNY 的同日曲线。",
        )
    curves = (first, second, cross)
    start, end = max(curve.first_day for curve in curves), min(curve.horizon for curve in curves)
    nodes = {node for curve in curves for node in curve.node_serials}
    inside = sorted({node for node in nodes if serial_of(start) <= node <= serial_of(end)} | {serial_of(start)})
    serials = np.array(inside, dtype=np.int64)
    gaps = np.abs(first.log_forwards(serials) + second.log_forwards(serials) - cross.log_forwards(serials))
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), day_of(int(serials[widest]))


def _check_spot(pair: str, spot_rate: Decimal, *, spot_date: date, first_day: date, last_day: date) -> None:
    if not spot_rate.is_finite() or spot_rate <= 0:
        raise InvalidInput(
            f"{pair} spot is {spot_rate}",
            zh=f"{pair} 即期汇率必须为正数",
            field="spot_rate",
            remedy="Give a positive rate.",
            remedy_zh="请填写正数。",
        )
    if not first_day <= spot_date <= last_day:
        raise InvalidInput(
            f"{pair} spot settles on {spot_date}, outside {first_day} to {last_day}",
            zh=f"{pair} 即期交割日 {spot_date} 不在 {first_day} 至 {last_day}",
            field="spot_date",
            remedy="Give the settlement day of spot, on or after the valuation date.",
            remedy_zh="请填写估值日当天或之后的即期交割日。",
        )
