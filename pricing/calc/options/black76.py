"""Black (1976) on arrays: European options on a forward or future, and their greeks.

Elements are valued in chunks that stay in the processor's cache; an element's bits do not depend on its neighbours.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import PRICE_NODES_PER_UNIT, PRICE_ORIGIN, CdfBuffers

FloatArray = npt.NDArray[np.float64]

CHUNK = 16_384
_GREEKS_CHUNK = 65_536  # six figures of each option: fewer, longer passes cost less than what falls out of the cache
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
    """

    value_per_t: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossGreeks:
    """How vega moves, shapes as the arguments.

    Attributes:
        vanna: d2V/(dF dsigma).
        volga: d2V/dsigma2.
    """

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

    At nought volatility or expiry, delta is that of the intrinsic value and gamma and vega are nought.

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
    table, shape = _tabled(
        (forward_per_t, strike_per_t, volatility, discount_factor, option_sign, expiry_years), crosses=False
    )
    value, delta, gamma, vega, theta, rho = table.reshape(_GREEKS, *shape)
    return OptionGreeks(value_per_t=value, delta=delta, gamma=gamma, vega=vega, theta=theta, rho=rho)


def black76_cross_greeks(
    *,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    volatility: FloatArray,
    expiry_years: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> CrossGreeks:
    """Give vanna and volga of European options; nought at nought volatility or expiry.

    Args and errors as `black76_greeks`.
    """
    table, shape = _tabled(
        (forward_per_t, strike_per_t, volatility, discount_factor, option_sign, expiry_years), crosses=True
    )
    vanna, volga = table[_GREEKS:].reshape(2, *shape)
    return CrossGreeks(vanna=vanna, volga=volga)


def _tabled(arguments: tuple[FloatArray, ...], *, crosses: bool) -> tuple[FloatArray, tuple[int, ...]]:
    """Give a row a figure of options by forward, strike, volatility, discount factor, sign and years; and their shape.

    Raises:
        InvalidInput: An argument is not a finite number of its range.
    """
    columns = _Columns.of(*arguments)
    table = np.empty((_GREEKS + 2 * crosses, columns.flat[0].size))
    work = _Work(min(_GREEKS_CHUNK, max(table.shape[1], 1)))
    for start in range(0, table.shape[1], _GREEKS_CHUNK):
        rows = slice(start, start + _GREEKS_CHUNK)
        work.greeks(columns, rows, out=table[:, rows], crosses=crosses)
    return table, columns.shape


_GREEKS = 6
_FIELDS = ("forward_per_t", "strike_per_t", "total_volatility", "discount_factor")
_LEAST = (5e-324, 0.0, 0.0, 5e-324)
_PLAIN_PRICES, _PLAIN_DEVIATIONS = (1e-100, 1e100), (1e-6, 1e6)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Terms of some options, looked at.

    Attributes:
        is_plain: Whether no deviate can be infinite, not a number, or so large that it has no place in a table.
    """

    forward: FloatArray
    strike: FloatArray
    deviation: FloatArray
    discount: FloatArray
    sign: FloatArray
    is_plain: bool


@dataclass(frozen=True, slots=True)
class _Columns:
    """The five arguments broadcast together, each with one dimension; a chunk is looked at when it is taken."""

    flat: tuple[FloatArray, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, *arguments: FloatArray) -> "_Columns":
        columns = np.broadcast_arrays(*arguments)
        return cls(tuple(_flat(column) for column in columns), columns[0].shape)

    def chunk(self, rows: slice, *, root_years: FloatArray | None = None, room: FloatArray | None = None) -> _Chunk:
        """Give some rows, while they are in the processor's cache.

        Args:
            rows: Which.
            root_years: Their sqrt(T), where the third column is a volatility; total volatilities without.
            room: Where to write total volatilities then.

        Raises:
            InvalidInput: One of them is out of range.
        """
        forward, strike, deviation, discount, sign = (column[rows] for column in self.flat[:5])
        if root_years is not None:
            _checked_ends("volatility", deviation, least=0.0, first_row=rows.start)
            deviation = np.multiply(deviation, root_years, out=room)
        ends = [
            _checked_ends(field, values, least=least, first_row=rows.start)
            for field, least, values in zip(_FIELDS, _LEAST, (forward, strike, deviation, discount), strict=True)
        ]
        size = np.abs(sign)
        if _ends(size) != (1.0, 1.0):
            row = int(np.flatnonzero(size != 1.0)[0])
            raise InvalidInput(
                f"option sign of row {rows.start + row} is {sign[row]}; +1 is a call, -1 a put",
                zh=f"第 {rows.start + row + 1} 行期权类型无效：+1 为看涨，-1 为看跌",
                field="option_sign",
                row=rows.start + row,
            )
        is_plain = all(
            low <= least and most <= high
            for (least, most), (low, high) in zip(
                ends[:3], (_PLAIN_PRICES, _PLAIN_PRICES, _PLAIN_DEVIATIONS), strict=True
            )
        )
        return _Chunk(forward, strike, deviation, discount, sign, is_plain)


def _flat(values: FloatArray) -> FloatArray:
    return np.ravel(np.asarray(values, dtype=np.float64))


def _ends(values: FloatArray) -> tuple[float, float]:
    """Give the least and the largest of values, not a number if one is none; the ufuncs' own way is the quickest."""
    return float(np.minimum.reduce(values)), float(np.maximum.reduce(values))


def _checked_ends(field: str, values: FloatArray, *, least: float, first_row: int = 0) -> tuple[float, float]:
    # One pass each finds the ends; a NaN makes both comparisons false.
    low, high = ends = _ends(values)
    if low >= least and high < math.inf:
        return ends
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
        self._cdf = CdfBuffers(2 * size)
        self._pair, self._probability = np.empty(2 * size), np.empty(2 * size)
        self._one, self._root, self._deviation = (np.empty(size) for _ in range(3))

    def value(self, chunk: _Chunk, *, out: FloatArray) -> None:
        """Write D w (F Phi(w d1) - K Phi(w d2)); both deviates go through the table as one array, for fewer calls."""
        pair, probability = self._pair[: 2 * out.size], self._probability[: 2 * out.size]
        self._steps(chunk, pair)
        self._cdf.price_cdf(pair, probability)
        first, second = probability[: out.size], probability[out.size :]
        np.multiply(first, chunk.forward, out=first)
        np.multiply(second, chunk.strike, out=second)
        np.subtract(first, second, out=first)
        np.multiply(first, chunk.sign, out=first)
        np.maximum(first, 0.0, out=first)  # far from the money the difference may round below nought
        np.multiply(first, chunk.discount, out=out)

    def _steps(self, chunk: _Chunk, pair: FloatArray) -> None:
        """Write w d1, then w d2, in steps of the table's nodes: with w s in place of s they come out signed."""
        size = chunk.forward.size
        first, second, signed = pair[:size], pair[size:], self._one[:size]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.divide(chunk.forward, chunk.strike, out=first)
            np.log(first, out=first)
            np.multiply(chunk.deviation, chunk.sign, out=signed)
            np.multiply(signed, 1.0 / PRICE_NODES_PER_UNIT, out=signed)
            np.divide(first, signed, out=first)
            np.add(first, PRICE_ORIGIN, out=first)
            np.multiply(signed, 0.5 * PRICE_NODES_PER_UNIT**2, out=signed)
            np.subtract(first, signed, out=second)
            np.add(first, signed, out=first)
        if not chunk.is_plain:
            # At the money with no deviation, or one so small that it scales to nought: no number, worth the intrinsic.
            pair[np.isnan(pair)] = PRICE_ORIGIN
            np.clip(pair, 0.0, 2.0 * PRICE_ORIGIN, out=pair)

    def greeks(self, columns: _Columns, rows: slice, *, out: FloatArray, crosses: bool) -> None:
        """Write value, delta, gamma, vega, theta, rho, and vanna and volga if asked for, into the rows of `out`."""
        size = out.shape[1]
        volatility, years = columns.flat[2][rows], columns.flat[5][rows]
        _checked_ends("expiry_years", years, least=0.0, first_row=rows.start)
        root = np.sqrt(years, out=self._root[:size])
        chunk = columns.chunk(rows, root_years=root, room=self._deviation[:size])
        pair, probability, one = self._pair[: 2 * size], self._probability[: 2 * size], self._one[:size]
        value, delta = out[0], out[1]
        # Signed deviates for the two distributions, then the value as `value` writes it.
        self._deviates(chunk, pair)
        self._cdf.cdf(pair, probability)
        first, second = probability[:size], probability[size:]
        np.multiply(first, chunk.forward, out=one)
        np.multiply(second, chunk.strike, out=second)
        np.subtract(one, second, out=one)
        np.multiply(one, chunk.sign, out=one)
        np.maximum(one, 0.0, out=one)
        np.multiply(one, chunk.discount, out=value)
        np.multiply(first, chunk.sign, out=delta)
        np.multiply(delta, chunk.discount, out=delta)
        self._density(chunk.discount, pair[:size])
        # Nothing moves, or the strike is nought: the deviates are infinite and every slope but delta is nought.
        flat = None if chunk.is_plain else (chunk.deviation == 0.0) | np.isinf(pair[:size])
        if flat is not None:
            for row in (one, pair[:size], pair[size:]):
                row[flat] = 0.0
        self._slopes(chunk, out=out)
        if crosses:
            self._crosses(chunk, volatility, out=out)
        if flat is not None:
            for rows_of_slopes in (out[2:4], out[6:]):
                rows_of_slopes[:, flat] = 0.0
        self._theta_and_rho(chunk, years, out=out)

    def _density(self, discount: FloatArray, deviate: FloatArray) -> None:
        """Write D phi(d1); the sign of the deviate does not matter."""
        out = self._one[: deviate.size]
        np.square(deviate, out=out)
        np.multiply(out, -0.5, out=out)
        np.exp(out, out=out)
        np.multiply(out, discount, out=out)
        np.multiply(out, 1.0 / _ROOT_TWO_PI, out=out)

    def _slopes(self, chunk: _Chunk, *, out: FloatArray) -> None:
        """Write gamma and vega; the buffers hold D phi(d1) and sqrt(T)."""
        density, gamma, vega = self._one[: out.shape[1]], out[2], out[3]
        np.multiply(chunk.forward, chunk.deviation, out=gamma)
        np.multiply(density, chunk.forward, out=vega)
        np.multiply(vega, self._root[: vega.size], out=vega)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(density, gamma, out=gamma)

    def _crosses(self, chunk: _Chunk, volatility: FloatArray, *, out: FloatArray) -> None:
        """Write vanna and volga; the buffers hold w d1 and w d2 and D phi(d1)."""
        size = out.shape[1]
        density, first, second = self._one[:size], self._pair[:size], self._pair[size : 2 * size]
        vega, vanna, volga = out[3], out[6], out[7]
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(vega, volatility, out=volga)
            np.divide(density, volatility, out=vanna)
        np.multiply(volga, first, out=volga)
        np.multiply(volga, second, out=volga)
        np.multiply(vanna, second, out=vanna)
        np.multiply(vanna, chunk.sign, out=vanna)
        np.negative(vanna, out=vanna)

    def _theta_and_rho(self, chunk: _Chunk, years: FloatArray, *, out: FloatArray) -> None:
        """Write theta and rho from value and vega; at expiry no day is left to pass and theta is nought.

        theta = -(V ln(D) / T + vega sigma / (2 T)), and vega sigma is vega s / sqrt(T).
        """
        decay = self._one[: out.shape[1]]
        value, vega, theta, rho = out[0], out[3], out[4], out[5]
        np.log(chunk.discount, out=theta)
        np.multiply(theta, value, out=theta)
        np.multiply(vega, chunk.deviation, out=decay)
        np.multiply(decay, 0.5, out=decay)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(decay, self._root[: decay.size], out=decay)
            np.add(theta, decay, out=theta)
            np.divide(theta, years, out=theta)
        np.negative(theta, out=theta)
        if np.minimum.reduce(years, initial=1.0) == 0.0:
            theta[years == 0.0] = 0.0
        np.multiply(value, years, out=rho)
        np.negative(rho, out=rho)

    def _deviates(self, chunk: _Chunk, pair: FloatArray) -> None:
        """Write w d1, then w d2; at nought deviation both are infinite, and nought at the money."""
        first, second, signed = pair[: chunk.forward.size], pair[chunk.forward.size :], self._one[: chunk.forward.size]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.divide(chunk.forward, chunk.strike, out=first)
            np.log(first, out=first)
            np.multiply(chunk.deviation, chunk.sign, out=signed)
            np.divide(first, signed, out=first)
            np.multiply(signed, 0.5, out=second)
            np.add(first, second, out=first)
            np.subtract(first, signed, out=second)
        if not chunk.is_plain:
            pair[np.isnan(pair)] = 0.0
