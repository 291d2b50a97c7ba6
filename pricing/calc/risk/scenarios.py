"""Scenarios of factor moves: from history, from history rescaled to today's volatility, drawn, or named stresses."""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput, MissingData

FloatArray = npt.NDArray[np.float64]

_FEWEST_RETURNS = 60
BLOCK = 4_096
"""Scenarios drawn by one stream: part of the format, so that any number of workers draws the same."""


def historical_moves(log_returns: FloatArray, *, horizon_days: int) -> FloatArray:
    """Give overlapping sums of daily log returns over a horizon, oldest first, shape (factors, days - horizon + 1).

    Overlapping sums are not independent: n days of history hold about n / horizon independent scenarios.

    Raises:
        InvalidInput: The horizon is not at least one day, or something is not finite.
        MissingData: Fewer than sixty sums come out.
    """
    _checked(log_returns, horizon_days)
    sums = np.cumsum(np.concatenate([np.zeros((log_returns.shape[0], 1)), log_returns], axis=1), axis=1)
    moves: FloatArray = sums[:, horizon_days:] - sums[:, :-horizon_days]
    _enough(moves.shape[1])
    return moves


def filtered_moves(log_returns: FloatArray, *, decay: float, horizon_days: int) -> FloatArray:
    """Give historical returns rescaled to today's volatility, r_t sigma_now / sigma_t, times sqrt(horizon).

    sigma_t is exponentially weighted over returns before t (RiskMetrics), zero mean; its first sixty values only start
    the filter. Scaling by the square root of time takes returns for independent; with price limits a move goes on the
    next day and the figure understates longer horizons.

    Raises:
        InvalidInput: The decay lies outside (0, 1), or as `historical_moves`.
        MissingData: Fewer than sixty returns are left after the start.
    """
    _checked(log_returns, horizon_days)
    if not 0.0 < decay < 1.0:
        raise InvalidInput(f"decay {decay} lies outside 0 to 1", zh="衰减系数须在 0 与 1 之间", field="decay")
    _enough(log_returns.shape[1] - _FEWEST_RETURNS)
    variance = np.mean(log_returns[:, :_FEWEST_RETURNS] ** 2, axis=1)
    deviations = np.empty(log_returns.shape)
    for day in range(log_returns.shape[1]):
        deviations[:, day] = np.sqrt(variance)
        variance = decay * variance + (1.0 - decay) * log_returns[:, day] ** 2
    now = np.sqrt(variance)[:, None]
    if np.any(deviations[:, _FEWEST_RETURNS:] <= 0.0):
        raise InvalidInput(
            "a factor did not move at all for sixty days",
            zh="某风险因子连续六十日没有变动",
            field="log_returns",
            remedy="Take a factor that trades, or a dated assumption.",
            remedy_zh="请改用有成交的因子，或使用经核定的假设。",
        )  # fmt: skip
    rescaled = log_returns[:, _FEWEST_RETURNS:] * now / deviations[:, _FEWEST_RETURNS:]
    return np.asarray(rescaled * math.sqrt(horizon_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How scenarios are drawn.

    Attributes:
        degrees_of_freedom: Of a multivariate t scaled to the covariance, more than two; None for the normal.
    """

    scenario_count: int
    seed: int
    degrees_of_freedom: float | None = None


def drawn_moves(covariance: FloatArray, drawn: Drawn) -> FloatArray:
    """Draw factor moves of a covariance, mean nought, shape (factors, scenarios).

    Each block of 4,096 scenarios has a stream of its own, so that the moves do not hang on how blocks are shared out.

    Raises:
        InvalidInput: The covariance is not symmetric and positive semidefinite, or counts and degrees are out of range.
    """
    if drawn.scenario_count < 1:
        raise InvalidInput("at least one scenario is drawn", zh="情景数至少为 1", field="scenario_count")
    freedom = drawn.degrees_of_freedom
    if freedom is not None and not freedom > 2.0:
        raise InvalidInput("degrees of freedom must exceed 2", zh="自由度须大于 2", field="degrees_of_freedom")
    root = _root(covariance)
    moves = np.empty((covariance.shape[0], drawn.scenario_count))
    for block, start in enumerate(range(0, drawn.scenario_count, BLOCK)):
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(drawn.seed, spawn_key=(block,))))
        draws = root @ random.standard_normal((covariance.shape[0], BLOCK))
        if freedom is not None:
            draws *= np.sqrt((freedom - 2.0) / random.chisquare(freedom, BLOCK))
        moves[:, start : start + BLOCK] = draws[:, : drawn.scenario_count - start]
    return moves


def _root(covariance: FloatArray) -> FloatArray:
    if covariance.ndim != 2 or not np.array_equal(covariance, covariance.T):
        raise InvalidInput("the covariance is not symmetric", zh="协方差矩阵不对称", field="covariance")
    values, vectors = np.linalg.eigh(covariance)
    if values.size == 0 or values.min() < -1e-10 * max(float(values.max()), 0.0) or not np.all(np.isfinite(values)):
        raise InvalidInput("the covariance is not positive semidefinite", zh="协方差矩阵非半正定", field="covariance")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


class StressKind(StrEnum):
    """What a named stress supposes."""

    POLICY_SHOCK = "policy_shock"
    VINTAGE_CLIFF = "vintage_cliff"
    LIMIT_DOWN_STREAK = "limit_down_streak"
    PENALTY_CHANGE = "penalty_change"
    PRICE_ALONE = "price_alone"
    RATE_ALONE = "rate_alone"
    FX_ALONE = "fx_alone"
    VOLATILITY_ALONE = "volatility_alone"
    NAMED = "named"
    OTHER = "other"


def limit_down_move(limit_ratio: Decimal, days: int) -> Decimal:
    """Give the relative move of a price that closes at the lower limit so many days in a row, (1 - l)^n - 1.

    Raises:
        InvalidInput: The limit lies outside (0, 1) or the days are not at least one.
    """
    if not 0 < limit_ratio < 1 or days < 1:
        raise InvalidInput(
            f"limit {limit_ratio}, {days} days", zh="涨跌停幅度或天数无效", field="limit_ratio" if days >= 1 else "days"
        )
    return (1 - limit_ratio) ** days - 1


def _checked(log_returns: FloatArray, horizon_days: int) -> None:
    if horizon_days < 1:
        raise InvalidInput("the horizon is at least one day", zh="持有期至少一日", field="horizon_days")
    if log_returns.ndim != 2:
        raise InvalidInput("give returns by factor and day", zh="收益率须按因子与日期给出", field="log_returns")
    if not np.all(np.isfinite(log_returns)):
        factor, day = (int(one) for one in np.argwhere(~np.isfinite(log_returns))[0])
        raise InvalidInput(
            f"return of factor {factor} on day {day} is {log_returns[factor, day]}",
            zh=f"因子 {factor + 1} 第 {day + 1} 日收益率不是有限数", field="log_returns", row=day,
        )  # fmt: skip


def _enough(count: int) -> None:
    if count < _FEWEST_RETURNS:
        raise MissingData(
            f"{max(count, 0)} scenarios come out, at least {_FEWEST_RETURNS} are needed",
            zh=f"历史情景仅 {max(count, 0)} 个，少于 {_FEWEST_RETURNS} 个",
            field="log_returns",
            remedy="Load a longer history or choose a shorter horizon.",
            remedy_zh="请导入更长的行情历史，或缩短持有期。",
        )
