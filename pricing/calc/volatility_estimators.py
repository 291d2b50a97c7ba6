"""Ways to estimate a volatility, with what is known of their bias and whence."""

from dataclasses import dataclass
from enum import StrEnum


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


REGIMES: tuple[tuple[str, str], ...] = (
    ("流动，35%", "liquid, 35 %"),
    ("20% 的交易日无成交，30%", "a fifth of days idle, 30 %"),
    ("60% 的交易日无成交，60%", "three fifths of days idle, 60 %"),
    ("21% 的收盘触及涨跌停，120%", "a fifth of closes at the limit, 120 %"),
    ("涨跌停且成交稀少，120%", "limit closes and idle days, 120 %"),
    ("成交成簇，50%", "trading in bursts, 50 %"),
)
"""The simulated markets of the bias tables, each with its true volatility."""
BIAS_SOURCE_ZH = (
    "偏差来自模拟：每种情形 400 条历史，每条 250 个交易日，对数正态价格，涨跌停 10%，成交日四笔成交，"
    "按情形设定无成交日；非任何真实市场的实测。"
)
BIAS_SOURCE_EN = (
    "Bias by simulation: 400 histories of 250 trading days in each regime, lognormal prices, a daily limit of 10 %, "
    "four prints on a traded day, idle days as the regime says. Not measured on any real market."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorNote:
    """What is known of an estimator: its name, and its bias in per cent of the true volatility by market regime.

    Attributes:
        bias_pct: By regime, in the order of `REGIMES`.
        bias_source_zh: Whence the table is; belongs beside it wherever it is printed.
    """

    label_zh: str
    label_en: str
    bias_pct: tuple[int, int, int, int, int, int]
    bias_source_zh: str = BIAS_SOURCE_ZH
    bias_source_en: str = BIAS_SOURCE_EN


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
