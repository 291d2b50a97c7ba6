"""The terms of a forced sale, and its closed form where no price limit binds."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import normal_ppf

CHANCES = 65_536
MOST_SALE_DAYS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleTerms:
    """What a class's forced sale meets; volumes are in average daily volumes (ADV).

    Attributes:
        daily_drift: Drift of the latent log price a day; minus half the variance makes the price a martingale.
        daily_deviation: Diffusion of the latent log price a day.
        notice_days: Trading days of notice, none of which sells.
        cure_days: Trading days the pledgor has to cure; they come before, and add to, the notice.
        quantity_adv: Quantity to sell over ADV.
        participation_ratio: Part of a day's volume that may be sold.
        trade_day_ratio: Probability that a day trades.
        daily_limit_ratio: Price limit of a day either way, None where there is none.
        bid_ask_ratio: Spread over price; half of it is lost.
        impact: Coefficient of the impact, times the root of participation and a day's deviation.
        daily_jumps: Jumps a day; with nought the jump rates do not matter.
        up_ratio: Part of the jumps that go up.
        up_rate: Inverse of the mean jump up.
        down_rate: Inverse of the mean jump down.
        depth_ratios: Volume over ADV from the first day after default; beyond its end the last one holds, empty is 1.
        last_sale_day: Last day on which the unit is of use; None where none is in sight.
    """

    daily_drift: float
    daily_deviation: float
    notice_days: int
    cure_days: int
    quantity_adv: float
    participation_ratio: float
    trade_day_ratio: float
    daily_limit_ratio: float | None
    bid_ask_ratio: float
    impact: float
    daily_jumps: float = 0.0
    up_ratio: float = 0.5
    up_rate: float = 20.0
    down_rate: float = 20.0
    depth_ratios: tuple[float, ...] = ()
    last_sale_day: int | None = None

    _RANGES: ClassVar[dict[str, tuple[float, float, str]]] = {
        "daily_drift": (-1.0, 1.0, "日漂移"),
        "daily_deviation": (1e-5, 1.0, "日波动"),
        "notice_days": (0, 750, "通知期（交易日）"),
        "cure_days": (0, 750, "补足期（交易日）"),
        "quantity_adv": (1e-6, 1e6, "处置量与日均成交量之比"),
        "participation_ratio": (1e-6, 1.0, "参与率"),
        "trade_day_ratio": (0.001, 1.0, "有成交日比例"),
        "bid_ask_ratio": (0.0, 1.0, "买卖价差"),
        "impact": (0.0, 100.0, "冲击系数"),
        "daily_jumps": (0.0, 10.0, "日跳跃次数"),
        "up_ratio": (0.0, 1.0, "上跳概率"),
        "up_rate": (1.000_001, 1e6, "上跳指数参数"),
        "down_rate": (0.05, 1e6, "下跳指数参数"),
    }

    def __post_init__(self) -> None:
        """Refuse what lies outside the model, no volume among it, and sales that would not end within six years."""
        for field, (low, high, zh) in self._RANGES.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise _wrong(
                    f"{field} is {value}, outside {low} to {high}", f"{zh}为 {value}，须在 {low} 至 {high}", field
                )
        limit = self.daily_limit_ratio
        if limit is not None and not 0.0 < limit < 1.0:
            raise _wrong(
                f"a daily limit of {limit} is no limit", f"涨跌幅限制 {limit} 须在 0 至 1", "daily_limit_ratio"
            )
        if any(not 0.0 <= ratio <= 1_000.0 for ratio in self.depth_ratios) or (
            self.depth_ratios and self.depth_ratios[-1] <= 0.0
        ):
            raise _wrong(
                "a seasonal depth is negative or ends at nought", "季节性深度不能为负，末段须为正", "depth_ratios"
            )
        if self.last_sale_day is not None and self.last_sale_day <= self.first_sale_after_days:
            raise _wrong(
                f"the last usable day {self.last_sale_day} comes before the first sale",
                f"最后可用日（第 {self.last_sale_day} 日）早于最早处置日",
                "last_sale_day",
            )
        if self.sale_days / self.trade_day_ratio > MOST_SALE_DAYS:
            raise _wrong(
                f"the sale takes about {self.sale_days / self.trade_day_ratio:,.0f} days, more than {MOST_SALE_DAYS}",
                f"处置约需 {self.sale_days / self.trade_day_ratio:,.0f} 个交易日，超过 {MOST_SALE_DAYS} 日",
                "quantity_adv",
            )

    @property
    def first_sale_after_days(self) -> int:
        """Days before the first sale: cure and notice."""
        return self.cure_days + self.notice_days

    @property
    def sale_days(self) -> float:
        """Quantity over what an ordinary day takes; a count of days within 1e-9 of a whole one is that one."""
        days = self.quantity_adv / self.participation_ratio
        whole = round(days)
        return 1.0 * whole if whole and abs(days - whole) <= 1e-9 * whole else days

    @property
    def trade_threshold(self) -> np.int32:
        """The trade probability in 65,536ths; idle days are rounded up."""
        return np.int32(math.floor(self.trade_day_ratio * CHANCES))

    @property
    def price_share(self) -> float:
        """What a sale gets of the reference price: 1 - spread / 2 - impact sqrt(participation) deviation."""
        jumps = self.up_ratio / self.up_rate**2 + (1.0 - self.up_ratio) / self.down_rate**2
        deviation = math.sqrt(self.daily_deviation**2 + 2.0 * self.daily_jumps * jumps)
        lost = self.bid_ask_ratio / 2.0 + self.impact * math.sqrt(self.participation_ratio) * deviation
        return max(0.0, 1.0 - lost)

    def depth_on(self, day: int) -> float:
        """Give a day's volume over ADV; day one follows the default."""
        if not self.depth_ratios:
            return 1.0
        return self.depth_ratios[min(day, len(self.depth_ratios)) - 1]


def closed_form_ratio(terms: SaleTerms, *, tail_ratio: float) -> float:
    """Give the haircut by the lognormal of exact first two moments: no price limit, no jumps, level depth.

    With a martingale price and gaps between sale days that are geometric with trade probability p,
    E S_t_i S_t_j = exp(sigma^2 n0) g^i, i <= j, g = p e^(sigma^2) / (1 - (1 - p) e^(sigma^2)); sales are equal but for
    the last. h = 1 - share exp(-v / 2 + z sqrt v) with v = log E (mean price)^2. It knows no limit: a floor.

    Raises:
        InvalidInput: The terms have jumps or seasons, or idle days so many that the second moment is infinite.
    """
    if terms.daily_jumps or terms.depth_ratios:
        raise _wrong("the closed form knows neither jumps nor seasons", "闭式解不含跳跃与季节性", "daily_jumps")
    variance = terms.daily_deviation**2
    idle = (1.0 - terms.trade_day_ratio) * math.exp(variance)
    if idle >= 1.0:
        raise _wrong("idle days leave no second moment", "空闲日过多，闭式解不存在", "trade_day_ratio")
    log_growth = variance + math.log(terms.trade_day_ratio) - math.log1p(-idle)
    count = math.ceil(terms.sale_days)
    weights = np.ones(count)
    weights[-1] = terms.sale_days - (count - 1)
    weights /= weights.sum()
    after = 1.0 - np.cumsum(weights)  # each sale meets itself once and every later one twice
    moment = np.exp(log_growth * np.arange(1, count + 1)) @ (weights * (weights + 2.0 * after))
    log_variance = variance * terms.first_sale_after_days + math.log(moment)
    quantile = normal_ppf(np.array([tail_ratio]))[0]
    return 1.0 - terms.price_share * math.exp(-0.5 * log_variance + quantile * math.sqrt(log_variance))


def linear_sale_days(count: int) -> float:
    """Give T* = (N + 1)(2 N + 1) / (6 N), the days of full risk of a sale in N equal daily parts (Jorion)."""
    if count < 1:
        raise _wrong(f"{count} days of sale", "处置天数须为正", "count")
    return (count + 1) * (2 * count + 1) / (6 * count)


def locked_days(*, fall_ratio: float, daily_limit_ratio: float) -> int:
    """Give the days a fall needs when each takes at most the limit: the least n with (1 - limit)^n <= 1 - fall."""
    if not (0.0 < fall_ratio < 1.0 and 0.0 < daily_limit_ratio < 1.0):
        raise _wrong("fall and limit lie between 0 and 1", "跌幅与涨跌停幅度须在 0 至 1", "fall_ratio")
    return math.ceil(math.log1p(-fall_ratio) / math.log1p(-daily_limit_ratio) - 1e-9)


def effects_apart(terms: SaleTerms) -> dict[str, SaleTerms]:
    """Give the terms with one effect taken away each, and as they are: what each adds is the difference.

    A sale without the participation's cap sells everything at once on the first day that sells.
    """
    apart = {
        "as_is": terms,
        "no_limit": replace(terms, daily_limit_ratio=None),
        "no_participation": replace(terms, quantity_adv=terms.participation_ratio),
        "no_idle_days": replace(terms, trade_day_ratio=1.0),
        "no_cure": replace(terms, cure_days=0),
        "no_notice": replace(terms, notice_days=0),
    }
    if terms.depth_ratios:
        apart["no_season"] = replace(terms, depth_ratios=())
    return apart


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
