"""Options on the spread of two futures, exact: the second price is conditioned on and integrated out."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from pricing.calc.normal import normal_pdf
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.columns import POSITIVE, option_columns, require_numbers

FloatArray = npt.NDArray[np.float64]

_LEAST: Mapping[str, float] = MappingProxyType(
    {
        "first_forward_per_t": POSITIVE,
        "second_forward_per_t": POSITIVE,
        "first_volatility": 0.0,
        "second_volatility": 0.0,
        "expiry_years": 0.0,
        "discount_factor": POSITIVE,
    }
)
_TAIL = 9.5
_NODES = 16
_EVEN_PANELS = 16
_GRADES = 4.0 ** -np.arange(8)
_BISECTIONS = 80
_OPTIONS_AT_ONCE = 32


def spread_option_value_per_t(
    *,
    first_forward_per_t: FloatArray,
    second_forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    first_volatility: FloatArray,
    second_volatility: FloatArray,
    correlation: FloatArray,
    expiry_years: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> FloatArray:
    """Give values of European options that pay max(w (F1 - F2 - K), 0), both prices in one currency per tonne.

    V = D times the integral over y of phi(y) Black(F1 exp(rho s1 y - rho^2 s1^2 / 2), F2(y) + K, s1 sqrt(1 - rho^2)),
    with F2(y) = F2 exp(s2 y - s2^2 / 2) and s = sigma sqrt(T). A negative strike exchanges the two legs and the type.
    Gauss and Legendre on panels that narrow towards the points where F1 is expected to meet F2 + K, so that
    correlations of one are integrated as well as any. The error is below 1e-10 of the larger forward.

    Args:
        first_forward_per_t: F1, positive; EUA in CNY, say.
        second_forward_per_t: F2, positive; CEA, say.
        strike_per_t: K, of either sign; nought gives Margrabe's exchange option.
        first_volatility: sigma1, annualised, lognormal, not negative.
        second_volatility: sigma2, as well.
        correlation: rho of the two log prices, -1 to 1.
        expiry_years: T, act/365 years to expiry, not negative.
        discount_factor: D to the payment day, positive.
        option_sign: w, +1 for a call, -1 for a put.

    Returns:
        Contract currency per tonne, the shape of the arguments broadcast together.

    Source: Margrabe, Journal of Finance 33 (1978); Pearson, Journal of Derivatives 2 (1995), for the conditioning.

    Raises:
        InvalidInput: A term is not a finite number of its range; field and row are named.
    """
    fields = {
        "first_forward_per_t": first_forward_per_t, "second_forward_per_t": second_forward_per_t,
        "strike_per_t": strike_per_t, "first_volatility": first_volatility, "second_volatility": second_volatility,
        "correlation": correlation, "expiry_years": expiry_years, "discount_factor": discount_factor,
    }  # fmt: skip
    columns, shape = option_columns(fields, option_sign=option_sign, least=_LEAST)
    first, second, strike, first_sigma, second_sigma, rho, years, discount, sign = columns
    require_numbers("correlation", rho, least=-1.0, most=1.0)
    root = np.sqrt(years)
    swapped = strike < 0.0
    legs = np.stack([
        np.where(swapped, second, first), np.where(swapped, first, second), np.abs(strike),
        np.where(swapped, second_sigma, first_sigma) * root, np.where(swapped, first_sigma, second_sigma) * root,
        rho, np.where(swapped, -sign, sign),
    ])  # fmt: skip
    found = np.empty(first.shape)
    for start in range(0, found.size, _OPTIONS_AT_ONCE):
        part = slice(start, start + _OPTIONS_AT_ONCE)
        found[part] = _undiscounted(legs[:, part])
    # No European option on futures is worth less than its discounted intrinsic value: only a rounding could say so.
    return np.asarray(discount * np.maximum(found, np.maximum(sign * (first - second - strike), 0.0))).reshape(shape)


def _undiscounted(legs: FloatArray) -> FloatArray:
    """Integrate options whose strike is not negative: F1, F2, K, s1, s2, rho, w down the rows."""
    first, second, strike, first_deviation, second_deviation, rho, sign = legs
    lean = rho * first_deviation
    edges = _panels(first=first, second=second, strike=strike, lean=lean, deviation=second_deviation)
    nodes, weights = _legendre()
    half = 0.5 * np.diff(edges, axis=1)
    y = edges[:, :-1, None] + half[:, :, None] * (1.0 + nodes)
    column = (slice(None), None, None)
    black = black76_value_per_t(
        forward_per_t=first[column] * np.exp(lean[column] * (y - 0.5 * lean[column])),
        strike_per_t=_strike_at(y, second[column], strike[column], second_deviation[column]),
        total_volatility=(first_deviation * np.sqrt((1.0 - rho) * (1.0 + rho)))[column],
        discount_factor=np.array(1.0),
        option_sign=sign[column],
    )
    return np.asarray(np.sum(half * ((normal_pdf(y) * black) @ weights), axis=1))


def _strike_at(y: FloatArray, second: FloatArray, strike: FloatArray, deviation: FloatArray) -> FloatArray:
    return np.asarray(second * np.exp(deviation * (y - 0.5 * deviation)) + strike)


def _panels(
    *, first: FloatArray, second: FloatArray, strike: FloatArray, lean: FloatArray, deviation: FloatArray
) -> FloatArray:
    """Give edges of panels in y, rising, a row each option.

    h(y) = ln F1(y) - ln(F2(y) + K) is concave, so it has at most two roots, one on each side of its top; where the
    inner option has little volatility its value bends there, and near the top where that only just reaches nought.
    """
    low = -_TAIL + np.minimum(0.0, lean)
    high = _TAIL + np.maximum(0.0, np.maximum(lean, deviation))

    def height(y: FloatArray) -> FloatArray:
        return np.asarray(np.log(first) + lean * (y - 0.5 * lean) - np.log(_strike_at(y, second, strike, deviation)))

    def slope(y: FloatArray) -> FloatArray:
        reached = _strike_at(y, second, strike, deviation)
        return np.asarray(lean - deviation * (reached - strike) / reached)

    top = _sign_change(slope, low, high)
    left = _sign_change(lambda y: -height(y), low, top)
    right = _sign_change(height, top, high)
    steps = np.concatenate([-_GRADES, [0.0], _GRADES[::-1]])
    around = np.stack([left, top, right], axis=1)[:, :, None] + steps
    even = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _EVEN_PANELS + 1)
    edges = np.concatenate([even, around.reshape(low.size, -1)], axis=1)
    return np.sort(np.clip(edges, low[:, None], high[:, None]), axis=1)


def _sign_change(function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Give where a function turns from positive to negative between the ends, or the end next to where it would."""
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        over = function(middle) > 0.0
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return 0.5 * (low + high)


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights
