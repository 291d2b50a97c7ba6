"""Revaluation of option books over scenarios by Chebyshev interpolation in price and volatility, to a stated tolerance.

Options on one future that expire together are one smooth function of the future's log move and the log move of its
volatility. It is valued exactly on a grid of Chebyshev nodes and read off for every scenario; the tail of the series
says how far off that is, and where it does not fall below the tolerance the book is valued exactly.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from numpy.polynomial.chebyshev import chebvander

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.grids import undiscounted_sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PROBES = (128, 16)  # points at which each axis is tried by itself, and the most it is given
_LEAST_DEGREES = (8, 3)
_TRIES = 3
_MARGIN = 0.25  # part of the tolerance that an axis by itself may take, as the grid's own end is looked at afterwards
_MORE = 1.2
_LEAST_WIDTH = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptionBook:
    """European options by column; `bucket` names those on one future that expire together.

    Attributes:
        bucket: Bucket of each option, from 0, shape (options,).
        quantity_t: Signed tonnes.
        strike_per_t: K.
        option_sign: +1 call, -1 put.
        forward_per_t: F of each bucket, shape (buckets,).
        total_volatility: sigma sqrt(T) of each bucket.
        discount_factor: D of each bucket.
        expiry_years: T of each bucket, by which a rate move discounts.
    """

    bucket: IntArray
    quantity_t: FloatArray
    strike_per_t: FloatArray
    option_sign: FloatArray
    forward_per_t: FloatArray
    total_volatility: FloatArray
    discount_factor: FloatArray
    expiry_years: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketScenarios:
    """Moves by bucket and scenario.

    Attributes:
        log_price: ln of the future's factor, shape (buckets, scenarios).
        log_volatility: ln of the volatility's factor, same shape.
        zero_rate: Parallel move of the discount rate, shape (scenarios,).
    """

    log_price: FloatArray
    log_volatility: FloatArray
    zero_rate: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScenarioValues:
    """P&L of a book by scenario.

    Attributes:
        pnl: Shape (scenarios,).
        relative_error: Estimated error of the worst bucket over that bucket's own largest value, whatever its part in
            the book; nought where all are exact.
        pnl_relative_error: The buckets' estimated errors summed, over the book's largest absolute P&L: what it may
            change in the value at risk. Nought where all are exact, infinite where the book has no P&L.
        degrees: Nodes in price and volatility of each bucket; (0, 0) where valued exactly.
    """

    pnl: FloatArray
    relative_error: float
    pnl_relative_error: float
    degrees: tuple[tuple[int, int], ...]


def exact_scenario_pnl(book: OptionBook, scenarios: BucketScenarios) -> ScenarioValues:
    """Value every option in every scenario and sum: the reference, and the way of small books."""
    _fits(book, scenarios)
    total = np.zeros(scenarios.zero_rate.size)
    for bucket, rows in _buckets(book):
        total += _exact(book, bucket, rows, scenarios)
    return ScenarioValues(
        pnl=total - _present(book),
        relative_error=0.0,
        pnl_relative_error=0.0,
        degrees=tuple((0, 0) for _ in book.forward_per_t),
    )


def chebyshev_scenario_pnl(book: OptionBook, scenarios: BucketScenarios, *, tolerance: float) -> ScenarioValues:
    """Value the book by interpolation to a tolerance relative to the largest value of each bucket.

    Args:
        book: The options.
        scenarios: Moves; their ranges are the interpolation's.
        tolerance: Largest estimated error over the bucket's largest absolute value; 1e-7 is usual.

    Raises:
        InvalidInput: Shapes do not fit, or the tolerance is not positive.
    """
    _fits(book, scenarios)
    if not tolerance > 0.0:
        raise InvalidInput(f"tolerance is {tolerance}", zh="容差须为正数", field="tolerance")
    total = np.zeros(scenarios.zero_rate.size)
    worst, summed, degrees = 0.0, 0.0, [(0, 0)] * book.forward_per_t.size
    for bucket, rows in _buckets(book):
        found = interpolated(
            partial(_undiscounted, book, bucket, rows), scenarios.log_price[bucket], scenarios.log_volatility[bucket],
            tolerance=tolerance,
        )  # fmt: skip
        if found is None:
            total += _exact(book, bucket, rows, scenarios)
            continue
        discounting = _discounting(book, bucket, scenarios)
        total += found.values * discounting
        worst, summed = max(worst, found.relative_error), summed + found.error * float(discounting.max())
        degrees[bucket] = found.degrees
    pnl = total - _present(book)
    largest = float(np.abs(pnl).max(initial=0.0))
    return ScenarioValues(
        pnl=pnl,
        relative_error=worst,
        pnl_relative_error=summed / largest if largest > 0.0 else math.inf if summed > 0.0 else 0.0,
        degrees=tuple(degrees),
    )


def _fits(book: OptionBook, scenarios: BucketScenarios) -> None:
    shape = (book.forward_per_t.size, scenarios.zero_rate.size)
    if scenarios.log_price.shape != shape or scenarios.log_volatility.shape != shape:
        raise InvalidInput(
            f"scenarios of shape {scenarios.log_price.shape} do not fit {shape[0]} buckets and {shape[1]} scenarios",
            zh="情景数组与合约组数或情景数不一致",
            field="log_price",
        )
    if book.bucket.size and not (book.bucket.min() >= 0 and book.bucket.max() < shape[0]):
        raise InvalidInput("an option names no bucket", zh="期权所属合约组不存在", field="bucket")
    for name in ("log_price", "log_volatility", "zero_rate"):
        if not np.all(np.isfinite(getattr(scenarios, name))):
            raise InvalidInput(f"{name} is not finite", zh=f"情景 {name} 不是有限数", field=name)


def _buckets(book: OptionBook) -> Iterator[tuple[int, IntArray]]:
    order = np.argsort(book.bucket, kind="stable")
    places, starts = np.unique(book.bucket[order], return_index=True)
    yield from zip(places.tolist(), np.split(order, starts[1:]), strict=True)


def _present(book: OptionBook) -> float:
    return float(
        np.sum(
            book.quantity_t
            * black76_value_per_t(
                forward_per_t=book.forward_per_t[book.bucket],
                strike_per_t=book.strike_per_t,
                total_volatility=book.total_volatility[book.bucket],
                discount_factor=book.discount_factor[book.bucket],
                option_sign=book.option_sign,
            )
        )
    )


def _undiscounted(
    book: OptionBook, bucket: int, rows: IntArray, log_price: FloatArray, log_volatility: FloatArray
) -> FloatArray:
    """Sum the bucket's options at each point, before the move of rates."""
    forward = book.forward_per_t[bucket] * np.exp(log_price)
    deviation = book.total_volatility[bucket] * np.exp(log_volatility)
    strikes, signs, quantities = _netted(book, rows)
    sums = undiscounted_sums(
        forward_per_t=forward, total_volatility=deviation, strike_per_t=strikes, quantity_t=quantities,
        option_sign=signs,
    )  # fmt: skip
    return sums * float(book.discount_factor[bucket])


def _netted(book: OptionBook, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each strike and type once, with the tonnes of all options that share them."""
    terms = np.stack([book.strike_per_t[rows], book.option_sign[rows]])
    distinct, place = np.unique(terms, axis=1, return_inverse=True)
    quantity_t = np.zeros(distinct.shape[1])
    np.add.at(quantity_t, place.reshape(-1), book.quantity_t[rows])
    return distinct[0], distinct[1], quantity_t


def _discounting(book: OptionBook, bucket: int, scenarios: BucketScenarios) -> FloatArray:
    return np.asarray(np.exp(-scenarios.zero_rate * book.expiry_years[bucket]))


def _exact(book: OptionBook, bucket: int, rows: IntArray, scenarios: BucketScenarios) -> FloatArray:
    values = _undiscounted(book, bucket, rows, scenarios.log_price[bucket], scenarios.log_volatility[bucket])
    return values * _discounting(book, bucket, scenarios)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interpolated:
    """A function of two moves read off its grid.

    Attributes:
        values: At each scenario, shape (scenarios,).
        error: Estimated largest error, in the values' own unit: the last terms of the series.
        relative_error: The same over the largest value on the grid.
        degrees: Nodes in price and volatility.
    """

    values: FloatArray
    error: float
    relative_error: float
    degrees: tuple[int, int]


Value = Callable[[FloatArray, FloatArray], FloatArray]
"""What is worth so much at each pair of log moves of price and volatility, shape (points,)."""


def interpolated(
    value: Value, log_price: FloatArray, log_volatility: FloatArray, *, tolerance: float
) -> Interpolated | None:
    """Read a function off a grid whose series ends below the tolerance, or give None where none does.

    Args:
        value: The function, called with arrays of points.
        log_price: Moves of the price, shape (scenarios,); their range is the grid's.
        log_volatility: Moves of the volatility, same shape.
        tolerance: Largest estimated error over the largest absolute value on the grid.
    """
    axes = _Axis.of(log_price), _Axis.of(log_volatility)
    degrees = _probed(value, axes, tolerance)
    for _ in range(_TRIES):
        if degrees[0] * degrees[1] >= log_price.size:
            return None
        points = np.meshgrid(axes[0].nodes(degrees[0]), axes[1].nodes(degrees[1]), indexing="ij")
        values = value(points[0].ravel(), points[1].ravel()).reshape(degrees)
        series = _transform(degrees[0]) @ values @ _transform(degrees[1]).T
        scale = float(np.abs(values).max()) or 1.0
        error = float(np.abs(series[-2:]).sum()) + float(np.abs(series[:, -1:]).sum())
        if error <= tolerance * scale:
            left = chebvander(axes[0].unit(log_price), series.shape[0] - 1)
            right = chebvander(axes[1].unit(log_volatility), series.shape[1] - 1)
            return Interpolated(
                values=np.einsum("sv,sv->s", left @ series, right),
                error=error,
                relative_error=error / scale,
                degrees=(series.shape[0], series.shape[1]),
            )
        degrees = math.ceil(degrees[0] * _MORE), math.ceil(degrees[1] * _MORE)
    return None


def _probed(value: Value, axes: "tuple[_Axis, _Axis]", tolerance: float) -> tuple[int, int]:
    """Give degrees by which each axis alone ends below its part of the tolerance.

    Price is tried where volatility is least, as the value bends most there, and volatility at the middle price.
    """
    price, volatility = axes
    lines = (
        (price.nodes(_PROBES[0]), np.full(_PROBES[0], volatility.middle - volatility.half)),
        (np.full(_PROBES[1], price.middle), volatility.nodes(_PROBES[1])),
    )
    found = []
    for points, least, most in zip(lines, _LEAST_DEGREES, _PROBES, strict=True):
        values = value(*points)
        series = np.abs(_transform(most) @ values)
        allowed = _MARGIN * tolerance * float(np.abs(values).max())
        # The two last terms are what an end is judged by; the first degree whose own are small enough is taken.
        ends = np.flatnonzero(series[:-1] + series[1:] > allowed)
        found.append(max(least, min(most, int(ends[-1]) + 3 if ends.size else least)))
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Axis:
    """The range of a move over the scenarios, as [-1, 1]."""

    middle: float
    half: float

    @classmethod
    def of(cls, moves: FloatArray) -> "_Axis":
        low, high = float(moves.min()), float(moves.max())
        return cls(0.5 * (low + high), max(0.5 * (high - low), _LEAST_WIDTH))

    def nodes(self, count: int) -> FloatArray:
        return self.middle + self.half * np.cos(np.pi * (np.arange(count) + 0.5) / count)

    def unit(self, moves: FloatArray) -> FloatArray:
        return (moves - self.middle) / self.half


def _transform(count: int) -> FloatArray:
    """Give the matrix from values at the nodes to coefficients: c_k = (2 - [k = 0]) / n sum f(x_j) cos(k theta_j)."""
    angles = np.pi * (np.arange(count) + 0.5) / count
    matrix = 2.0 / count * np.cos(np.outer(np.arange(count), angles))
    matrix[0] *= 0.5
    return np.asarray(matrix)
