"""Net carry c - y that futures show over a discount curve, and the convenience yield under an assumed spread."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_float
from pricing.calc.curves.discount import DiscountCurve
from pricing.calc.curves.futures import FuturesCurve
from pricing.calc.curves.nodes import (
    DAYS_A_YEAR,
    FloatArray,
    IntArray,
    check_nodes,
    day_of,
    outside,
    read_log_linear,
    serial_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryCurve:
    """Net carry c - y between a first delivery and later ones.

    Only r + c - y can be seen in prices. With r of the discount curve the difference c - y follows, never c or y alone.

    Attributes:
        currency: Currency of both curves.
        valuation_date: Day of both curves.
        start_date: Delivery from which carry counts: spot where the futures curve has it, else the first listed.
        node_serials: Days of the nodes of both curves from the start on, ascending.
        net_carry: Integral of c - y from the start to the node, ln F(T)/F(T_0) + ln D(T)/D(T_0); the first is 0.
        horizon: Last day that may be asked for.
    """

    currency: Currency
    valuation_date: date
    start_date: date
    node_serials: tuple[int, ...]
    net_carry: tuple[float, ...]
    horizon: date

    def __post_init__(self) -> None:
        """Refuse nodes out of order or not finite."""
        check_nodes(what=f"{self.currency} carry", serials=self.node_serials, values=self.net_carry)

    def error_outside(self, serials: IntArray) -> CarbonFinError | None:
        """Give the error of the first day outside the curve, or None."""
        return outside(
            what="the carry curve",
            zh="持有成本曲线",
            serials=serials,
            first_day=self.start_date,
            last_day=self.horizon,
        )

    def net_carry_to(self, serials: IntArray) -> FloatArray:
        """Give the integral of c - y from the start to each day, shape (days,); F = F_0 D_0 exp(it) / D.

        Raises:
            MissingData: A day lies outside the curve.
        """
        error = self.error_outside(serials)
        if error is not None:
            raise error
        return read_log_linear(
            reference_serial=serial_of(self.valuation_date),
            node_serials=self.node_serials,
            node_logs=self.net_carry,
            serials=serials,
        )

    def net_carry_rates(self, serials: IntArray) -> FloatArray:
        """Give the mean c - y from the start to each day, continuously compounded, act/365, shape (days,).

        Raises:
            InvalidInput: A day is the start itself.
            MissingData: A day lies outside the curve.
        """
        years = (serials - serial_of(self.start_date)) / DAYS_A_YEAR
        if np.any(years == 0):
            raise InvalidInput(
                f"there is no carry from {self.start_date} to itself",
                zh=f"{self.start_date} 当天没有持有成本",
                field="date",
                remedy="Ask for a later day.",
                remedy_zh="请选择更晚的日期。",
            )
        return np.asarray(self.net_carry_to(serials) / years, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvenienceYieldCurve:
    """Convenience yield y under an assumed carry spread c: y = c - (c - y)."""

    carry: CarryCurve
    assumed_carry_spread: Decimal

    def convenience_yields(self, serials: IntArray) -> FloatArray:
        """Give the mean y from the start to each day, continuously compounded, act/365, shape (days,).

        Raises:
            InvalidInput: A day is the start itself.
            MissingData: A day lies outside the curve.
        """
        return to_float(self.assumed_carry_spread) - self.carry.net_carry_rates(serials)


def carry_curve(*, futures: FuturesCurve, discount: DiscountCurve) -> CarryCurve:
    """Give the net carry of a futures curve over a discount curve of the same currency and day.

    Both are piecewise linear in the logarithm, so on the days of both no reading between nodes adds an error.

    Raises:
        InvalidInput: The curves are of different currencies or days.
        MissingData: The futures curve has one delivery, or the discount curve does not reach its first.
    """
    if futures.currency is not discount.currency or futures.valuation_date != discount.valuation_date:
        raise InvalidInput(
            f"futures are in {futures.currency} of {futures.valuation_date}, "
            f"the discount curve in {discount.currency} of {discount.valuation_date}",
            zh="期货曲线与贴现曲线的币种或估值日不一致",
            field="discount",
            remedy="Give both in one currency and of one day.",
            remedy_zh="请使用同一币种、同一估值日的曲线。",
        )
    first, last = futures.node_serials[0], futures.node_serials[-1]
    horizon = min(futures.horizon, discount.horizon)
    if first == last or serial_of(horizon) <= first:
        raise MissingData(
            f"{futures.scheme} has no second delivery on or before {horizon} to show a carry",
            zh=f"{futures.scheme} 在 {horizon} 前不足两个交割日，无法得出持有成本",
            field="futures",
            remedy="Load spot or another delivery, and rates that reach it.",
            remedy_zh="请导入现货或其他交割日的价格及相应期限的利率。",
        )
    between = {node for node in (*futures.node_serials, *discount.node_serials) if first <= node <= serial_of(horizon)}
    serials = np.array(sorted(between | {serial_of(horizon)}), dtype=np.int64)
    logs = futures.log_forwards(serials) + discount.log_factors(serials)
    return CarryCurve(
        currency=futures.currency,
        valuation_date=futures.valuation_date,
        start_date=day_of(first),
        node_serials=tuple(serials.tolist()),
        net_carry=tuple((logs - logs[0]).tolist()),
        horizon=horizon,
    )
