"""Volatility of prices that trade seldom and stop at limits: the renewal estimator, and the usual ones with their bias.

A price seen only at the times "traded and not at the limit" is a martingale sampled at stopping times, so the expected
sum of squared log returns is variance times the expected elapsed time (Wald); closes carried over days without trade
and closes held by the limit bias the usual estimators and leave this one be.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.normal import normal_cdf
from pricing.calc.series_checks import mixed_levels
from pricing.calc.volatility_errors import (
    PARKINSON_VARIANCE,
    ErrorMethod,
    bootstrapped_error,
    equivalent_count,
    gap_weighted_count,
)
from pricing.calc.volatility_estimators import Estimator

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TRADING_DAYS_A_YEAR = 250
EWMA_DECAY = 0.94
_FEWEST_RETURNS = 10
BOOTSTRAP_DRAWS, BOOTSTRAP_SEED = 500, 20260615
_FEWEST_DRAWS, _MOST_DRAWS = 100, 10_000
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SEARCH_STEPS = 120


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
        """Refuse an empty history, unequal lengths, prices that are not positive numbers, and lows above highs.

        A high or low may be NaN: not published.
        """
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
        for field, zh, column in (("high_per_t", "最高价", self.high_per_t), ("low_per_t", "最低价", self.low_per_t)):
            wrong = (column <= 0.0) | np.isinf(column)
            if np.any(wrong):
                row = int(np.flatnonzero(wrong)[0])
                raise InvalidInput(
                    f"{field} of day {row} is {column[row]}", zh=f"第 {row + 1} 日{zh}无效", field=field, row=row,
                    remedy="Leave it empty where it is not published.", remedy_zh="未公布的，请留空。",
                )  # fmt: skip
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
        error_method: The bootstrap for the renewal estimators; for the others sigma / sqrt(2 n), n the effective count.
            Of sampling only, not of the bias that `ESTIMATORS` tells.
        effective_count: Independent normal returns of one day that would leave that error.
        draw_count: Histories redrawn; nought where the error is asymptotic.
        seed: Of the redrawing; None where the error is asymptotic.
        return_count: Returns, or ranges, that entered.
        left_out_count: Traded days left out because their range is not published; only of ranges.
        day_count: Days of the history after its seed.
    """

    estimator: Estimator
    volatility: float
    standard_error: float
    error_method: ErrorMethod
    effective_count: float
    draw_count: int
    seed: int | None
    return_count: int
    left_out_count: int
    day_count: int


def estimated_volatility(
    history: PriceHistory,
    estimator: Estimator = Estimator.RENEWAL,
    *,
    draw_count: int = BOOTSTRAP_DRAWS,
    seed: int = BOOTSTRAP_SEED,
) -> VolatilityEstimate:
    """Estimate the annualised volatility of a history, with its standard error.

    Args:
        history: Of one instrument.
        estimator: How.
        draw_count: Histories to redraw for the error of a renewal estimator, 100 to 10,000.
        seed: Of the redrawing; the same seed gives the same error.

    Raises:
        InvalidInput: The history is said to mix vintages or is seen to, so that no volatility of it means anything; or
            the draws are out of range.
        MissingData: Fewer than ten returns enter.
    """
    _refuse_mixed(history)
    if not _FEWEST_DRAWS <= draw_count <= _MOST_DRAWS:
        raise InvalidInput(
            f"{draw_count} draws lie outside {_FEWEST_DRAWS} to {_MOST_DRAWS}",
            zh=f"重抽样次数须在 {_FEWEST_DRAWS} 至 {_MOST_DRAWS} 之间", field="draw_count",
        )  # fmt: skip
    volatility, count = _ESTIMATES[estimator](history)
    if count < _FEWEST_RETURNS:
        raise MissingData(
            f"only {count} returns enter the estimate, at least {_FEWEST_RETURNS} are needed",
            zh=f"可用收益率仅 {count} 个，少于 {_FEWEST_RETURNS} 个，不足以估计波动率",
            field="close_per_t",
            remedy="Take a longer window or a dated assumption approved by the bank.",
            remedy_zh="请延长窗口，或由银行核定波动率假设。",
        )
    is_drawn, is_range = estimator in _RENEWALS, estimator is Estimator.PARKINSON
    if is_drawn:
        error = _bootstrapped(history, estimator, draw_count=draw_count, seed=seed)
        effective_count = equivalent_count(volatility, error)
    else:
        effective_count = 2.0 / PARKINSON_VARIANCE * count if is_range else _gap_weighted(history, estimator)
        error = volatility / math.sqrt(2.0 * effective_count)
    method = ErrorMethod.RANGE if is_range else ErrorMethod.GAP_WEIGHTED
    return VolatilityEstimate(
        estimator=estimator,
        volatility=volatility,
        standard_error=error,
        error_method=ErrorMethod.BLOCK_BOOTSTRAP if is_drawn else method,
        effective_count=effective_count,
        draw_count=draw_count if is_drawn else 0,
        seed=seed if is_drawn else None,
        return_count=count,
        left_out_count=int(np.count_nonzero(history.traded[1:])) - count if is_range else 0,
        day_count=history.close_per_t.size - 1,
    )


def _refuse_mixed(history: PriceHistory) -> None:
    remedy = "Use the series of one vintage, or a dated assumption approved by the bank."
    remedy_zh = "请使用单一年度的行情，或由银行核定波动率假设。"
    if history.is_composite:
        raise InvalidInput(
            "the closes are a composite over vintages or jump between them: their moves are no instrument's volatility",
            zh="该序列为多年度综合价格或在年度之间跳动，不能据以计算波动率",
            field="close_per_t", remedy=remedy, remedy_zh=remedy_zh,
        )  # fmt: skip
    found = mixed_levels(history.close_per_t)
    if found is not None:
        raise InvalidInput(
            f"the closes go to and fro between about {found.low_per_t:.2f} and {found.high_per_t:.2f}: "
            f"{found.reversed_count} of {found.jump_count} jumps are taken back by the next, "
            "as where several vintages stand in one series",
            zh=f"收盘价在约 {found.low_per_t:.2f} 与 {found.high_per_t:.2f} 之间来回跳动：{found.jump_count} 次跳变中 "
            f"{found.reversed_count} 次被下一次跳变收回，疑似多个年度混在一个序列中，不能据以计算波动率",
            field="close_per_t", row=found.first_row, remedy=remedy, remedy_zh=remedy_zh,
        )  # fmt: skip


def kept_returns(history: PriceHistory, *, with_limits: bool = False) -> tuple[FloatArray, FloatArray]:
    """Give log returns between the closes kept and the trading days between them: traded, and off the limit.

    Returns:
        Returns and elapsed days, each of shape (kept - 1,); the first day is kept as the seed.
    """
    keep = history.traded.copy() if with_limits else history.traded & ~history.at_limit
    keep[0] = True
    places = np.flatnonzero(keep)
    return np.diff(np.log(history.close_per_t[places])), np.diff(places).astype(np.float64)


def _bootstrapped(history: PriceHistory, estimator: Estimator, *, draw_count: int, seed: int) -> float:
    returns, days = kept_returns(history, with_limits=estimator is Estimator.RENEWAL_WITH_LIMITS)
    squares = returns**2
    if estimator is Estimator.RENEWAL_BOUNCE:
        squares = squares + 2.0 * returns * np.append(returns[1:], 0.0)
    return math.sqrt(TRADING_DAYS_A_YEAR) * bootstrapped_error(squares, days, draw_count=draw_count, seed=seed)


def _gap_weighted(history: PriceHistory, estimator: Estimator) -> float:
    """Give the effective count over the days between trades: carried closes say nothing of their own."""
    _, days = kept_returns(history, with_limits=True)
    ages = float(np.sum(days)) - np.cumsum(days)
    return gap_weighted_count(days, EWMA_DECAY**ages if estimator is Estimator.EWMA else None) if days.size else 1.0


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
