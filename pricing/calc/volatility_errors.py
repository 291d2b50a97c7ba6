"""Standard errors of volatilities: by redrawing blocks of returns, or by the returns' number weighed by their gaps."""

import math
from enum import StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BLOCK_RETURNS = 10
"""Returns that stay together when a history is redrawn, so that runs of wild and of calm days do."""
PARKINSON_VARIANCE = 0.4073
"""Variance of Parkinson's daily estimate over sigma^4, 9 zeta(3) / (16 (ln 2)^2) - 1; that of a squared return is 2."""


class ErrorMethod(StrEnum):
    """How the standard error of a volatility is found."""

    BLOCK_BOOTSTRAP = "block_bootstrap"
    GAP_WEIGHTED = "gap_weighted"
    RANGE = "range"


ERROR_LABELS: dict[ErrorMethod, tuple[str, str]] = {
    ErrorMethod.BLOCK_BOOTSTRAP: ("十个收益率一块的分块自助法", "bootstrap by blocks of ten returns"),
    ErrorMethod.GAP_WEIGHTED: (
        "按间隔加权的渐近公式，假设独立正态；波动聚集时偏低，涨跌停截断时偏高",
        "asymptotic by gaps, independent normal returns: too small in clusters, too large where limits cut moves",
    ),
    ErrorMethod.RANGE: (
        "极差的渐近公式，假设独立正态，波动聚集时偏低",
        "asymptotic for ranges of independent normal days: too small where they cluster",
    ),
}


def bootstrapped_error(squares: FloatArray, days: FloatArray, *, draw_count: int, seed: int) -> float:
    """Give the deviation of sqrt(sum squares / sum days) over redrawn histories.

    Künsch (1989), blocks of ten returns with their days, wrapped round the end.

    Args:
        squares: What each return adds to the variance, shape (returns,).
        days: Trading days each return spans, same shape.
        draw_count: Histories to redraw.
        seed: Of the generator.

    Returns:
        Per square root of a trading day.
    """
    count = squares.size
    block = min(BLOCK_RETURNS, count)
    starts = np.random.default_rng(seed).integers(0, count, (draw_count, -(-count // block)))
    places = ((starts[..., None] + np.arange(block)) % count).reshape(draw_count, -1)[:, :count]
    variances = np.maximum(np.sum(squares[places], axis=1) / np.sum(days[places], axis=1), 0.0)
    return float(np.std(np.sqrt(variances), ddof=1))


def gap_weighted_count(days: FloatArray, weights: FloatArray | None = None) -> float:
    """Give the returns of one day that say as much as these: n = (sum w dt)^2 / sum (w dt)^2.

    A normal return over dt days has a square of mean sigma^2 dt and variance 2 (sigma^2 dt)^2: a few long gaps carry
    most of the sum and most of its variance. The relative standard error of sigma is 1 / sqrt(2 n).

    Args:
        days: Trading days each return spans, shape (returns,), at least one return.
        weights: Weight of each return's square; all one if not given.
    """
    spans = days if weights is None else days * weights
    return float(np.divide(np.sum(spans) ** 2, np.sum(spans**2)))


def equivalent_count(volatility: float, error: float) -> float:
    """Give the independent normal returns that would leave this error, sigma^2 / (2 se^2); infinite where it is nought.

    Nought where the volatility is.
    """
    if volatility == 0.0:
        return 0.0
    return math.inf if error == 0.0 else volatility**2 / (2.0 * error**2)
