"""Haircuts by a history's own falls: quantile (VaR) and mean beyond it (ES), on clean closes alone.

A close is clean where the day traded and did not stand at its limit; the others are the exchange's figures, not
prices. Each clean close is followed to the first clean close at or after the horizon, so that no window is shorter than
it. Windows overlap: how many would lie side by side is told beside the figure, and with it how far it can be trusted.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.series_checks import mixed_levels
from pricing.calc.volatility import PriceHistory

FloatArray = npt.NDArray[np.float64]

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRule:
    """What a history must bring before its quantile is believed.

    Attributes:
        fewest_clean_days: Clean closes at least.
        least_clean_share: Clean closes over days at least; below it most closes are carried over.
    """

    fewest_clean_days: int
    least_clean_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EmpiricalHaircut:
    """A haircut of a history, with how much stands behind it.

    Attributes:
        haircut_ratio: Quantile of the loss 1 - S_T / S_0, nought where the history never fell.
        shortfall_ratio: Mean loss at and beyond it.
        interval_ratios: 95% interval of the quantile by the binomial law on windows side by side.
        is_interval_open: Whether so few windows leave the upper end unknown: it is then the largest loss seen.
        clean_day_count: Clean closes.
        day_count: Days of the history.
        window_count: Windows that overlap.
        independent_count: Windows that fit side by side.
        window_days_mean: Mean length of the windows; above the horizon where clean days are far between.
    """

    haircut_ratio: float
    shortfall_ratio: float
    interval_ratios: tuple[float, float]
    is_interval_open: bool
    clean_day_count: int
    day_count: int
    window_count: int
    independent_count: int
    window_days_mean: float

    def expected_beyond(self, tail_ratio: float) -> float:
        """Give the windows side by side that the tail should hold; below one, the tail has not been seen."""
        return self.independent_count * tail_ratio


def empirical_haircut(
    history: PriceHistory, *, horizon_days: int, tail_ratio: float, rule: CleanRule
) -> EmpiricalHaircut:
    """Give the haircut of a history at a horizon.

    Args:
        history: Of one instrument, by trading day.
        horizon_days: Trading days from the last margin to the sale.
        tail_ratio: 1 - confidence, 0.01 for 99%.
        rule: What the history must bring.

    Raises:
        InvalidInput: The history mixes vintages, or horizon or tail are out of range.
        MissingData: Too few clean days, mostly carried closes, or windows too few for the tail.
    """
    if horizon_days < 1 or not 0.0 < tail_ratio <= 0.5:
        raise InvalidInput(
            f"horizon {horizon_days} days, tail {tail_ratio}",
            zh="期限须为正，尾部概率须在 0 至 0.5",
            field="horizon_days",
        )
    days = _clean_days(history, rule)
    starts, ends = _windows(days, horizon_days)
    if starts.size * tail_ratio < 1.0:
        raise MissingData(
            f"{starts.size} windows of {horizon_days} days do not reach a tail of {tail_ratio}",
            zh=f"{horizon_days} 日窗口仅 {starts.size} 个，不足以估计 {tail_ratio} 的尾部",
            field="horizon_days",
            remedy="Bring a longer history, or use the conservative table value.",
            remedy_zh="请补充更长的历史行情，或采用保守的折扣系数表值。",
        )
    losses = np.sort(1.0 - history.close_per_t[ends] / history.close_per_t[starts])
    side_by_side = (history.close_per_t.size - 1) // horizon_days
    width = _NORMAL_95 * math.sqrt(tail_ratio * (1.0 - tail_ratio) / side_by_side)
    place = _place(1.0 - tail_ratio, losses.size)
    low, high = (_place(1.0 - tail_ratio + side * width, losses.size) for side in (-1, 1))
    return EmpiricalHaircut(
        haircut_ratio=max(0.0, losses[place].item()),
        shortfall_ratio=max(0.0, losses[place:].mean().item()),
        interval_ratios=(max(0.0, losses[low].item()), max(0.0, losses[high].item())),
        is_interval_open=width >= tail_ratio,
        clean_day_count=days.size,
        day_count=history.close_per_t.size,
        window_count=losses.size,
        independent_count=side_by_side,
        window_days_mean=(ends - starts).mean().item(),
    )


def naive_haircut_ratio(close_per_t: FloatArray, *, horizon_days: int, tail_ratio: float) -> float:
    """Give what carried closes taken for prices would say: the quantile of daily falls times the root of the horizon.

    It is shown beside the others, never used: idle days count as calm ones, and the root of time knows no jumps.
    """
    losses = np.sort(-np.diff(np.log(close_per_t)))
    if not losses.size:
        raise MissingData("no two closes", zh="收盘价不足两个", field="close_per_t")
    fall = losses[_place(1.0 - tail_ratio, losses.size)] * math.sqrt(horizon_days)
    return max(0.0, -math.expm1(-fall))


def _clean_days(history: PriceHistory, rule: CleanRule) -> npt.NDArray[np.intp]:
    mixed = mixed_levels(history.close_per_t)
    if history.is_composite or mixed is not None:
        raise InvalidInput(
            "the history mixes vintages: its falls are no instrument's",
            zh="历史行情混合了不同配额年度，其跌幅不属于任何一个品种",
            field="close_per_t",
            remedy="Bring the series of one vintage, or use the conservative table value.",
            remedy_zh="请提供单一年度的行情，或采用保守的折扣系数表值。",
        )
    days = np.flatnonzero(history.traded & ~history.at_limit)
    count, share = history.close_per_t.size, days.size / history.close_per_t.size
    if days.size < rule.fewest_clean_days:
        raise _unclean(
            f"{days.size} clean days of {count} are fewer than {rule.fewest_clean_days}",
            f"{count} 日中有效价格日仅 {days.size} 日，少于 {rule.fewest_clean_days} 日",
        )
    if share < rule.least_clean_share:
        raise _unclean(
            f"{share:.0%} of the closes are prices, the rest carried over or at the limit; at least "
            f"{rule.least_clean_share:.0%} must be",
            f"仅 {share:.0%} 的收盘价为有效价格，其余为沿用前收盘价或涨跌停价；至少须 {rule.least_clean_share:.0%}",
        )
    return days


def _windows(days: npt.NDArray[np.intp], horizon_days: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    following = np.searchsorted(days, days + horizon_days)
    ended = following < days.size
    return days[ended], days[following[ended]]


def _place(level: float, count: int) -> int:
    """Give the place of a quantile: the least order statistic that at least this part lies at or below."""
    return min(max(math.ceil(level * count - 1e-9), 1), count) - 1


def _unclean(detail: str, zh: str) -> MissingData:
    return MissingData(
        detail, zh=zh, field="close_per_t",
        remedy="Use the conservative table value until there are enough prices.",
        remedy_zh="在有效价格足够之前，请采用保守的折扣系数表值。",
    )  # fmt: skip
