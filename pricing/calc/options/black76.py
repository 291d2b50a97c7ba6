"""Black (1976) on arrays: European options on a forward or future, and their greeks.

Elements are valued in chunks that stay in the processor's cache; an element's bits do not depend on its neighbours.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import CdfBuffers

FloatArray = npt.NDArray[np.float64]

CHUNK = 16_384
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def black76_value_per_t(
    *,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    total_volatility: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> FloatArray:
    """Give values of European options, V = D w (F Phi(w d1) - K Phi(w d2)), d1 = ln(F/K)/s + s/2, d2 = d1 - s.

    Args:
        forward_per_t: F, forward or futures price for the delivery, contract currency per tonne, positive.
        strike_per_t: K, not negative.
        total_volatility: s = sigma sqrt(T), not negative; nought gives the discounted intrinsic value.
        discount_factor: D to the payment day.
        option_sign: w, +1 for a call, -1 for a put.

    Returns:
        Shape of the arguments broadcast together, contract currency per tonne.

    Source: Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).

    Raises:
        InvalidInput: An argument is not a finite number of its range; field and row are named.
    """
    columns = _Columns.of(forward_per_t, strike_per_t, total_volatility, discount_factor, option_sign)
    found = np.empty(columns.shape)
    flat = found.reshape(-1)
    work = _Work(min(CHUNK, max(flat.size, 1)))
    for start in range(0, flat.size, CHUNK):
        rows = slice(start, start + CHUNK)
        work.value(columns.chunk(rows), out=flat[rows])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionGreeks:
    """Value and sensitivities of options, contract currency per tonne; shapes as the arguments.

    Attributes:
        value_per_t: V.
        delta: dV/dF.
        gamma: d2V/dF2.
        vega: dV/dsigma, for a change of one (100 %).
        theta: dV/dt as days pass, per year, the forward unchanged: r V - F phi(d1) sigma D / (2 sqrt(T)).
        rho: dV/dr with the forward unchanged: -T V.
        vanna: d2V/(dF dsigma).
        volga: d2V/dsigma2.
    """

    value_per_t: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray
    vanna: FloatArray
    volga: FloatArray


def black76_greeks(
    *,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    volatility: FloatArray,
    expiry_years: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> OptionGreeks:
    """Give values and sensitivities of European options; r = -ln(D) / T is the rate that discounts.

    At nought volatility or expiry, delta is that of the intrinsic value and gamma, vega, vanna and volga are nought.

    Args:
        forward_per_t: F, positive.
        strike_per_t: K, not negative.
        volatility: sigma, annualised, lognormal, not negative.
        expiry_years: T, act/365 years to expiry, not negative.
        discount_factor: D, positive.
        option_sign: w, +1 for a call, -1 for a put.

    Raises:
        InvalidInput: An argument is not a finite number of its range.
    """
    _finite("volatility", volatility, least=0.0)
    _finite("expiry_years", expiry_years, least=0.0)
    root = np.sqrt(expiry_years)
    columns = _Columns.of(forward_per_t, strike_per_t, np.multiply(volatility, root), discount_factor, option_sign)
    sigma, years = (np.broadcast_to(one, columns.shape).reshape(-1) for one in (volatility, expiry_years))
    table = np.empty((8, *columns.shape))
    flat = table.reshape(8, -1)
    work = _Work(min(CHUNK, max(flat.shape[1], 1)))
    for start in range(0, flat.shape[1], CHUNK):
        rows = slice(start, start + CHUNK)
        work.greeks(columns.chunk(rows), sigma[rows], years[rows], out=flat[:, rows])
    return OptionGreeks(
        value_per_t=table[0], delta=table[1], gamma=table[2], vega=table[3], theta=table[4], rho=table[5],
        vanna=table[6], volga=table[7],
    )  # fmt: skip


_Chunk = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
_RANGES = (("forward_per_t", 5e-324), ("strike_per_t", 0.0), ("total_volatility", 0.0), ("discount_factor", 5e-324))


@dataclass(frozen=True, slots=True)
class _Columns:
    """The five arguments broadcast together, each with one dimension; a chunk is looked at when it is taken."""

    flat: _Chunk
    shape: tuple[int, ...]

    @classmethod
    def of(cls, *arguments: FloatArray) -> "_Columns":
        forward, strike, deviation, discount, sign = np.broadcast_arrays(*arguments)
        flat = (_flat(forward), _flat(strike), _flat(deviation), _flat(discount), _flat(sign))
        return cls(flat, forward.shape)

    def chunk(self, rows: slice) -> _Chunk:
        """Give some rows, while they are in the processor's cache.

        Raises:
            InvalidInput: One of them is out of range.
        """
        forward, strike, deviation, discount, sign = (column[rows] for column in self.flat)
        for (field, least), values in zip(_RANGES, (forward, strike, deviation, discount), strict=True):
            _finite(field, values, least=least, first_row=rows.start)
        size = np.abs(sign)
        if sign.size and not size.min() == 1.0 == size.max():
            row = int(np.flatnonzero(np.abs(sign) != 1.0)[0])
            raise InvalidInput(
                f"option sign of row {rows.start + row} is {sign[row]}; +1 is a call, -1 a put",
                zh=f"第 {rows.start + row + 1} 行期权类型无效：+1 为看涨，-1 为看跌",
                field="option_sign",
                row=rows.start + row,
            )
        return forward, strike, deviation, discount, sign


def _flat(values: FloatArray) -> FloatArray:
    return np.ravel(np.asarray(values, dtype=np.float64))


def _finite(field: str, values: FloatArray, *, least: float, first_row: int = 0) -> None:
    values = np.ravel(np.asarray(values, dtype=np.float64))
    # One pass each finds the ends; a NaN makes both comparisons false.
    if values.size == 0 or (values.min() >= least and values.max() < math.inf):
        return
    row = int(np.flatnonzero(~(values >= least) | ~np.isfinite(values))[0])
    bound, bound_zh = ("positive", "正数") if least else ("not negative", "非负数")
    raise InvalidInput(
        f"{field} of row {first_row + row} is {values[row]}; it must be a finite number and {bound}",
        zh=f"第 {first_row + row + 1} 行的 {field} 为 {values[row]}，应为{bound_zh}",
        field=field,
        remedy="Correct or leave out the row.",
        remedy_zh="请更正或去掉该行。",
        row=first_row + row,
    )


class _Work:
    """Buffers of one chunk, used again for the next."""

    def __init__(self, size: int) -> None:
        self._cdf = CdfBuffers(size)
        self._d1, self._d2, self._one, self._two = (np.empty(size) for _ in range(4))

    def value(self, chunk: _Chunk, *, out: FloatArray) -> None:
        """Write D w (F Phi(w d1) - K Phi(w d2))."""
        forward, strike, deviation, discount, sign = chunk
        d1, d2, one, two = (buffer[: out.size] for buffer in (self._d1, self._d2, self._one, self._two))
        # With w s in place of s the deviates come out signed: w d1 = ln(F/K) / (w s) + w s / 2.
        np.multiply(deviation, sign, out=two)
        self._deviates(forward, strike, two, d1, d2)
        self._cdf.bounded_cdf(d1, one)
        self._cdf.bounded_cdf(d2, two)
        np.multiply(one, forward, out=one)
        np.multiply(two, strike, out=two)
        np.subtract(one, two, out=one)
        np.multiply(one, sign, out=one)
        np.maximum(one, 0.0, out=one)  # far from the money the difference may round below nought
        np.multiply(one, discount, out=out)

    def greeks(self, chunk: _Chunk, volatility: FloatArray, years: FloatArray, *, out: FloatArray) -> None:
        """Write value, delta, gamma, vega, theta, rho, vanna, volga into the rows of `out`."""
        forward, strike, deviation, discount, sign = chunk
        d1, d2, one, two = (buffer[: out.shape[1]] for buffer in (self._d1, self._d2, self._one, self._two))
        value, delta = out[0], out[1]
        self._deviates(forward, strike, deviation, d1, d2)
        # Signed deviates for the two distributions, then the value as `value` writes it.
        np.multiply(d1, sign, out=one)
        self._cdf.cdf(one, delta)
        np.multiply(d2, sign, out=one)
        self._cdf.cdf(one, two)
        np.multiply(delta, forward, out=one)
        np.multiply(two, strike, out=two)
        np.subtract(one, two, out=one)
        np.multiply(one, sign, out=one)
        np.maximum(one, 0.0, out=one)
        np.multiply(one, discount, out=value)
        np.multiply(delta, sign, out=delta)
        np.multiply(delta, discount, out=delta)
        self._density(discount, one)
        # Nothing moves, or the strike is nought: the deviates are infinite and every slope but delta is nought.
        flat = (deviation == 0.0) | np.isinf(d1)
        if flat.any():
            for row in (one, d1, d2):
                row[flat] = 0.0
        np.sqrt(years, out=two)
        self._second_order(chunk, volatility, out=out)
        if flat.any():
            for row in out[2:4], out[6:8]:
                row[:, flat] = 0.0
        self._theta_and_rho(discount, volatility, years, out=out)

    def _density(self, discount: FloatArray, out: FloatArray) -> None:
        """Write D phi(d1)."""
        np.square(self._d1[: out.size], out=out)
        np.multiply(out, -0.5, out=out)
        np.exp(out, out=out)
        np.multiply(out, discount, out=out)
        np.multiply(out, 1.0 / _ROOT_TWO_PI, out=out)

    def _second_order(self, chunk: _Chunk, volatility: FloatArray, *, out: FloatArray) -> None:
        """Write gamma, vega, vanna and volga; the buffers hold d1, d2, D phi(d1) and sqrt(T)."""
        d1, d2, density, root = (buffer[: out.shape[1]] for buffer in (self._d1, self._d2, self._one, self._two))
        gamma, vega, vanna, volga = out[2], out[3], out[6], out[7]
        np.multiply(chunk[0], chunk[2], out=gamma)
        np.multiply(density, chunk[0], out=vega)
        np.multiply(vega, root, out=vega)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(density, gamma, out=gamma)
            np.divide(d2, volatility, out=vanna)
            np.divide(vega, volatility, out=volga)
        np.multiply(vanna, density, out=vanna)
        np.negative(vanna, out=vanna)
        np.multiply(volga, d1, out=volga)
        np.multiply(volga, d2, out=volga)

    def _theta_and_rho(
        self, discount: FloatArray, volatility: FloatArray, years: FloatArray, *, out: FloatArray
    ) -> None:
        """Write theta and rho from value and vega; at expiry no day is left to pass and theta is nought."""
        decay = self._two[: out.shape[1]]
        value, vega, theta, rho = out[0], out[3], out[4], out[5]
        np.log(discount, out=theta)
        np.multiply(theta, value, out=theta)
        np.multiply(vega, volatility, out=decay)
        np.multiply(decay, 0.5, out=decay)
        np.add(theta, decay, out=theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(theta, years, out=theta)
        np.negative(theta, out=theta)
        if years.size and years.min() == 0.0:
            theta[years == 0.0] = 0.0
        np.multiply(value, years, out=rho)
        np.negative(rho, out=rho)

    def _deviates(
        self, forward: FloatArray, strike: FloatArray, deviation: FloatArray, d1: FloatArray, d2: FloatArray
    ) -> None:
        """Write d1 and d2; at nought deviation both are infinite with the sign of F - K, and nought at the money."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.divide(forward, strike, out=d1)
            np.log(d1, out=d1)
            np.divide(d1, deviation, out=d1)
        np.multiply(deviation, 0.5, out=d2)
        np.add(d1, d2, out=d1)
        np.subtract(d1, deviation, out=d2)
        if not deviation.all():
            flat = (deviation == 0.0) & (forward == strike)
            d1[flat] = 0.0
            d2[flat] = 0.0
