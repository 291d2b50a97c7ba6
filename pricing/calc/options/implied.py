"""The volatility that a price implies, on arrays: Black (1976) inverted by Newton's steps within a bracket."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from pricing.calc.options.black76 import OptionGreeks, black76_greeks
from pricing.calc.options.columns import POSITIVE, option_columns

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
RowArray = npt.NDArray[np.intp]

_LEAST: Mapping[str, float] = MappingProxyType(
    {"value_per_t": 0.0, "forward_per_t": POSITIVE, "strike_per_t": 0.0, "discount_factor": POSITIVE}
)
_STEPS = 200
_LARGEST_DEVIATION = 64.0
_LEAST_START = 1e-9
_LAST_STEP = 4e-16
_NOISE = 1e-6
_ROUNDING = 1e-14


def implied_total_volatility(
    *,
    value_per_t: FloatArray,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> FloatArray:
    """Give the total volatility s = sigma sqrt(T) at which Black's value is the price, by Newton within a bracket.

    Prices that no volatility gives (below the intrinsic value, at or above the bound) are refused; the intrinsic value
    gives nought. The value at what is found is the price to a rounding of the forward. Each row stops on its own, so
    that its bits do not depend on its neighbours.

    Source: the objectives of Jaeckel, "Let's be rational", Wilmott (2015), in place of his rational start.

    Raises:
        InvalidInput: A price lies outside the bounds of no arbitrage, or an argument outside its range.
        CalculationFailed: The steps of a row did not end.
    """
    fields = {
        "value_per_t": value_per_t, "forward_per_t": forward_per_t, "strike_per_t": strike_per_t,
        "discount_factor": discount_factor,
    }  # fmt: skip
    columns, shape = option_columns(fields, option_sign=option_sign, least=_LEAST)
    value, forward, strike, discount, sign = columns
    least = discount * np.maximum(sign * (forward - strike), 0.0)
    most = discount * np.where(sign > 0, forward, strike)
    # Prices at the intrinsic value may lie a rounding below it.
    outside = (value < least - _ROUNDING * forward) | (value >= most)
    if np.any(outside):
        row = int(np.flatnonzero(outside)[0])
        raise InvalidInput(
            f"price {row} is {value[row]}; it must lie in [{least[row]}, {most[row]})",
            zh=f"第 {row + 1} 个期权价格超出无套利区间",
            field="value_per_t",
            remedy="Check price, forward, strike and option type of the row.",
            remedy_zh="请核对该行的价格、远期价格、行权价与期权类型。",
            row=row,
        )
    found = np.zeros(value.shape)
    rows = np.flatnonzero(value > least)
    # By parity the price of the option out of the money, which bends with s and holds nothing else.
    time_value = (value[rows] - least[rows]) / discount[rows]
    found[rows] = _deviations_at(time_value, forward[rows], strike[rows], rows)
    return found.reshape(shape)


def _deviations_at(time_value: FloatArray, forward: FloatArray, strike: FloatArray, rows: RowArray) -> FloatArray:
    """Find s of undiscounted options out of the money, each row by itself; `rows` names them if one does not end."""
    bound = np.minimum(forward, strike)
    target = np.minimum(time_value, np.nextafter(bound, 0.0))
    # Value bends one way below this point and the other way above it.
    found = np.maximum(np.sqrt(2.0 * np.abs(np.log(forward / strike))), _LEAST_START)
    below = target < _out_of_the_money(forward, strike, found).value_per_t
    low, high = np.zeros(found.shape), np.full(found.shape, _LARGEST_DEVIATION)
    before = np.full(found.shape, math.inf)
    left = np.arange(found.size)
    for _ in range(_STEPS):
        if not left.size:
            return found
        now, wanted, most = found[left], target[left], bound[left]
        greeks = _out_of_the_money(forward[left], strike[left], now)
        over = greeks.value_per_t > wanted
        high[left], low[left] = np.where(over, now, high[left]), np.where(over, low[left], now)
        step = _newton_step(greeks, wanted=wanted, most=most, below=below[left])
        size = np.abs(step)
        # Steps that no longer shrink, once they are small, are roundings of the value.
        noise = (size >= 0.5 * before[left]) & (before[left] <= _NOISE * now + _LEAST_START)
        ended = (size <= _LAST_STEP * now) | noise
        inside = (now + step > low[left]) & (now + step < high[left])
        after = np.where(inside, now + step, 0.5 * (low[left] + high[left]))
        found[left] = np.where(ended, now, after)
        before[left] = np.abs(after - now)
        left = left[~ended]
    if not left.size:
        return found
    raise CalculationFailed(
        f"no implied volatility for row {rows[left[0]]} after {_STEPS} steps",
        zh=f"第 {rows[left[0]] + 1} 行隐含波动率求解失败",
        field="value_per_t",
        remedy="Check price, forward and strike of the row.",
        remedy_zh="请核对该行的价格、远期价格与行权价。",
        row=int(rows[left[0]]),
    )


def _out_of_the_money(forward: FloatArray, strike: FloatArray, deviation: FloatArray) -> OptionGreeks:
    one = np.array(1.0)
    return black76_greeks(
        forward_per_t=forward, strike_per_t=strike, volatility=deviation, expiry_years=one, discount_factor=one,
        option_sign=np.where(strike >= forward, 1.0, -1.0),
    )  # fmt: skip


def _newton_step(greeks: OptionGreeks, *, wanted: FloatArray, most: FloatArray, below: BoolArray) -> FloatArray:
    """Give the step for 1 / ln(b / m) below the bend and ln(m - b) above it, b the value and m its bound."""
    value, slope = greeks.value_per_t, greeks.vega
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        here, there = np.log(value / most), np.log(wanted / most)
        lower = (1.0 - here / there) * here * value / slope
        upper = np.log((most - value) / (most - wanted)) * (most - value) / slope
    return np.where(below, lower, upper)
