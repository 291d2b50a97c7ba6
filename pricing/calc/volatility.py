"""Volatility of prices that trade seldom and stop at limits: the renewal estimator, and the usual ones with their bias.

A price seen only at the times "traded and not at the limit" is a martingale sampled at stopping times, so the expected
sum of squared log returns is variance times the expected elapsed time (Wald); closes carried over days without trade
and closes held by the limit bias the usual estimators and leave this one be.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.normal import normal_cdf

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TRADING_DAYS_A_YEAR = 250
EWMA_DECAY = 0.94
_FEWEST_RETURNS = 10
_BLOCK_RETURNS, _BOOTSTRAP_DRAWS, _BOOTSTRAP_SEED = 10, 500, 20260615
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SEARCH_STEPS = 120


class Estimator(StrEnum):
    """How a volatility is estimated from a history."""

    RENEWAL = "renewal"
    RENEWAL_BOUNCE = "renewal_bounce"
    RENEWAL_WITH_LIMITS = "renewal_with_limits"
    CLOSE_TO_CLOSE = "close_to_close"
    TRADED_CLOSES = "traded_closes"
    PARKINSON = "parkinson"
    EWMA = "ewma"
    TOBIT = "tobit"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorNote:
    """What is known of an estimator: its name, and its bias in per cent of the true volatility by market regime.

    Attributes:
        bias_pct: Liquid 35 %, idle days 20 %, idle days 60 %, limit days 21 %, limit and idle days, bursty; simulated
            histories of 250 days, 400 each.
    """

    label_zh: str
    label_en: str
    bias_pct: tuple[int, int, int, int, int, int]


ESTIMATORS: dict[Estimator, EstimatorNote] = {
    Estimator.RENEWAL: EstimatorNote(
        label_zh="更新过程方差（剔除停牌与涨跌停收盘）", label_en="renewal variance, closes off the limit",
        bias_pct=(-1, 2, 0, 0, -3, 0),
    ),
    Estimator.RENEWAL_BOUNCE: EstimatorNote(
        label_zh="更新过程方差，含一阶自协方差修正", label_en="renewal variance with lag-1 autocovariance",
        bias_pct=(-1, -1, -3, -1, -3, -2),
    ),
    Estimator.RENEWAL_WITH_LIMITS: EstimatorNote(
        label_zh="更新过程方差（含涨跌停收盘）", label_en="renewal variance, limit closes kept",
        bias_pct=(-1, 2, -10, -15, -36, -8),
    ),
    Estimator.CLOSE_TO_CLOSE: EstimatorNote(
        label_zh="逐日收盘", label_en="close to close, every day", bias_pct=(-1, 2, -10, -15, -36, -10)
    ),
    Estimator.TRADED_CLOSES: EstimatorNote(
        label_zh="仅成交日收盘", label_en="close to close, traded days", bias_pct=(-1, 14, 42, -15, 1, 16)
    ),
    Estimator.PARKINSON: EstimatorNote(
        label_zh="Parkinson 极差", label_en="Parkinson's range", bias_pct=(-43, -39, -37, -50, -57, -39)
    ),
    Estimator.EWMA: EstimatorNote(
        label_zh="指数加权（0.94）", label_en="exponentially weighted, 0.94", bias_pct=(-1, 0, -10, -16, -37, -12)
    ),
    Estimator.TOBIT: EstimatorNote(
        label_zh="Tobit（涨跌停删失）", label_en="Tobit, limit days censored", bias_pct=(-1, 14, 58, 4, 68, 19)
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceHistory:
    """A history of one instrument by trading day, the first day a seed for the first return.

    Attributes:
        close_per_t: Closes, carried on days without trade; shape (days,).
        high_per_t: Highs, NaN on days without trade.
        low_per_t: Lows, NaN on days without trade.
        traded: Whether the day had a trade.
        at_limit: Whether the close stood at the price limit.
        is_composite: Whether the closes mix vintages, so that their moves are not one instrument's.
    """

    close_per_t: FloatArray
    high_per_t: FloatArray
    low_per_t: FloatArray
    traded: BoolArray
    at_limit: BoolArray
    is_composite: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty history, unequal lengths, prices that are not positive numbers, and lows above highs."""
        shapes = {
            column.shape for column in (self.close_per_t, self.high_per_t, self.low_per_t, self.traded, self.at_limit)
        }
        if len(shapes) != 1:
            raise InvalidInput(
                "the columns of a history differ in length", zh="历史数据各列长度不一致", field="close_per_t"
            )
        if self.close_per_t.size == 0:
            raise InvalidInput("the history is empty", zh="历史数据为空", field="close_per_t")
        bad = ~(self.close_per_t > 0.0) | ~np.isfinite(self.close_per_t)
        if np.any(bad):
            row = int(np.flatnonzero(bad)[0])
            raise InvalidInput(
                f"close of day {row} is {self.close_per_t[row]}",
                zh=f"第 {row + 1} 日收盘价无效",
                field="close_per_t",
                row=row,
            )
        above = self.low_per_t > self.high_per_t
        if np.any(above):
            row = int(np.flatnonzero(above)[0])
            raise InvalidInput(
                f"low of day {row} is above its high",
                zh=f"第 {row + 1} 日最低价高于最高价",
                field="low_per_t",
                row=row,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityEstimate:
    """An annualised volatility with how much stands behind it.

    Attributes:
        volatility: Per square root of a year of 250 trading days, lognormal.
        standard_error: Of the volatility, by `error_method`.
        error_method: `block_bootstrap` over blocks of ten returns for the renewal estimators; `asymptotic`,
            sigma / sqrt(2 n) as if returns were independent and normal, for the others: too small where they are not.
        return_count: Returns that entered.
        day_count: Days of the history after its seed.
    """

    estimator: Estimator
    volatility: float
    standard_error: float
    error_method: str
    return_count: int
    day_count: int


def estimated_volatility(history: PriceHistory, estimator: Estimator = Estimator.RENEWAL) -> VolatilityEstimate:
    """Estimate the annualised volatility of a history.

    Raises:
        InvalidInput: The history mixes vintages, so that no volatility of it means anything.
        MissingData: Fewer than ten returns enter.
    """
    if history.is_composite:
        raise InvalidInput(
            "the closes are a composite over vintages or jump between them: their moves are no instrument's volatility",
            zh="该序列为多年度综合价格或在年度之间跳动，不能据以计算波动率",
            field="close_per_t",
            remedy="Use the series of one vintage, or a dated assumption approved by the bank.",
            remedy_zh="请使用单一年度的行情，或由银行核定波动率假设。",
        )
    volatility, count = _ESTIMATES[estimator](history)
    if count < _FEWEST_RETURNS:
        raise MissingData(
            f"only {count} returns enter the estimate, at least {_FEWEST_RETURNS} are needed",
            zh=f"可用收益率仅 {count} 个，少于 {_FEWEST_RETURNS} 个，不足以估计波动率",
            field="close_per_t",
            remedy="Take a longer window or a dated assumption approved by the bank.",
            remedy_zh="请延长窗口，或由银行核定波动率假设。",
        )
    error = _bootstrapped(history, estimator) if estimator in _RENEWALS else volatility / math.sqrt(2.0 * count)
    return VolatilityEstimate(
        estimator=estimator,
        volatility=volatility,
        standard_error=error,
        error_method="block_bootstrap" if estimator in _RENEWALS else "asymptotic",
        return_count=count,
        day_count=history.close_per_t.size - 1,
    )


def kept_returns(history: PriceHistory, *, with_limits: bool = False) -> tuple[FloatArray, FloatArray]:
    """Give log returns between the closes kept and the trading days between them: traded, and off the limit.

    Returns:
        Returns and elapsed days, each of shape (kept - 1,); the first day is kept as the seed.
    """
    keep = history.traded.copy() if with_limits else history.traded & ~history.at_limit
    keep[0] = True
    places = np.flatnonzero(keep)
    return np.diff(np.log(history.close_per_t[places])), np.diff(places).astype(np.float64)


def _bootstrapped(history: PriceHistory, estimator: Estimator) -> float:
    """Give the deviation of the volatility over redrawn histories: blocks of ten returns with their days, own seed."""
    returns, days = kept_returns(history, with_limits=estimator is Estimator.RENEWAL_WITH_LIMITS)
    squares = returns**2
    if estimator is Estimator.RENEWAL_BOUNCE:
        squares = squares + 2.0 * returns * np.append(returns[1:], 0.0)
    count = returns.size
    block = min(_BLOCK_RETURNS, count)
    starts = np.random.default_rng(_BOOTSTRAP_SEED).integers(0, count, (_BOOTSTRAP_DRAWS, -(-count // block)))
    places = ((starts[..., None] + np.arange(block)) % count).reshape(_BOOTSTRAP_DRAWS, -1)[:, :count]
    variances = np.maximum(np.sum(squares[places], axis=1) / np.sum(days[places], axis=1), 0.0)
    return float(np.std(np.sqrt(variances * TRADING_DAYS_A_YEAR), ddof=1))


def _annual(daily_variance: float) -> float:
    return math.sqrt(max(daily_variance, 0.0) * TRADING_DAYS_A_YEAR)


def _renewal(history: PriceHistory) -> tuple[float, int]:
    returns, days = kept_returns(history)
    return _annual(float(np.divide(np.sum(returns**2), np.sum(days)))) if returns.size else 0.0, returns.size


def _renewal_with_limits(history: PriceHistory) -> tuple[float, int]:
    returns, days = kept_returns(history, with_limits=True)
    return _annual(float(np.divide(np.sum(returns**2), np.sum(days)))) if returns.size else 0.0, returns.size


def _renewal_bounce(history: PriceHistory) -> tuple[float, int]:
    returns, days = kept_returns(history)
    if returns.size == 0:
        return 0.0, 0
    squares = np.sum(returns**2) + 2.0 * np.sum(returns[:-1] * returns[1:])
    return _annual(float(np.divide(squares, np.sum(days)))), returns.size


def _close_to_close(history: PriceHistory) -> tuple[float, int]:
    returns = np.diff(np.log(history.close_per_t))
    return _annual(float(np.var(returns, ddof=1))) if returns.size > 1 else 0.0, returns.size


def _traded_closes(history: PriceHistory) -> tuple[float, int]:
    returns, _ = kept_returns(history, with_limits=True)
    return _annual(float(np.var(returns, ddof=1))) if returns.size > 1 else 0.0, returns.size


def _parkinson(history: PriceHistory) -> tuple[float, int]:
    # Days whose range is not published say nothing of it.
    traded = history.traded & np.isfinite(history.high_per_t) & np.isfinite(history.low_per_t)
    traded[0] = False
    ranges = np.log(history.high_per_t[traded] / history.low_per_t[traded])
    return _annual(float(np.mean(ranges**2)) / (4.0 * math.log(2.0))) if ranges.size else 0.0, ranges.size


def _ewma(history: PriceHistory) -> tuple[float, int]:
    returns = np.diff(np.log(history.close_per_t))
    weights = EWMA_DECAY ** np.arange(returns.size - 1, -1, -1.0)
    return _annual(float(np.average(returns**2, weights=weights))) if returns.size else 0.0, returns.size


def _tobit(history: PriceHistory) -> tuple[float, int]:
    """Maximise the likelihood of traded days' returns, zero mean; on limit days only that |r| was at least so large."""
    returns, _ = kept_returns(history, with_limits=True)
    limited = history.at_limit[1:][history.traded[1:]]
    if returns.size == 0:
        return 0.0, 0
    seen, held = returns[~limited], np.abs(returns[limited])

    def loss(log_deviation: float) -> float:
        deviation = math.exp(log_deviation)
        tails = 2.0 * normal_cdf(-held / deviation)
        seen_part = seen.size * log_deviation + 0.5 * float(np.sum(np.square(seen / deviation)))
        return seen_part - float(np.sum(np.log(np.maximum(tails, 1e-300))))

    low, high = math.log(1e-5), math.log(10.0)
    return _annual(math.exp(2.0 * _least(loss, low, high))), returns.size


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """Find where a function of one valley is least, by golden sections."""
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_one, loss_two = loss(one), loss(two)
    for _ in range(_SEARCH_STEPS):
        if loss_one < loss_two:
            high, two, loss_two = two, one, loss_one
            one = high - _GOLDEN * (high - low)
            loss_one = loss(one)
        else:
            low, one, loss_one = one, two, loss_two
            two = low + _GOLDEN * (high - low)
            loss_two = loss(two)
    return 0.5 * (low + high)


_RENEWALS = frozenset({Estimator.RENEWAL, Estimator.RENEWAL_BOUNCE, Estimator.RENEWAL_WITH_LIMITS})
_ESTIMATES: dict[Estimator, Callable[[PriceHistory], tuple[float, int]]] = {
    Estimator.RENEWAL: _renewal,
    Estimator.RENEWAL_BOUNCE: _renewal_bounce,
    Estimator.RENEWAL_WITH_LIMITS: _renewal_with_limits,
    Estimator.CLOSE_TO_CLOSE: _close_to_close,
    Estimator.TRADED_CLOSES: _traded_closes,
    Estimator.PARKINSON: _parkinson,
    Estimator.EWMA: _ewma,
    Estimator.TOBIT: _tobit,
}
