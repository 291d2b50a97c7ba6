"""Fair value of a thin asset: an activity test, a recorded waterfall of prices, a level, a band and a prudent value.

Fair value is an exit price: no discount for the size of a holding (IFRS 13, CAS 39). What a lender takes off for
liquidity, close-out and law is the collateral value's business and stands in another field.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_half_up, to_decimal, to_float
from pricing.calc.tape import Print, TapeMeasures, measures_of, small_print_share

ONE_SIDED_90 = 1.2815515655446004
"""The standard normal 90 % quantile: nine times in ten the price lies above the prudent value."""


class Activity(StrEnum):
    """Whether the market of a unit is active on a day."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    STALE = "stale"


ACTIVITY_LABELS: dict[Activity, tuple[str, str]] = {
    Activity.ACTIVE: ("活跃", "active"),
    Activity.INACTIVE: ("不活跃", "inactive"),
    Activity.STALE: ("报价过期", "stale"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityLimits:
    """Where a market stops being active; a bank's own approved values.

    Attributes:
        traded_share_min: Least share of the window's trading days with a listed trade.
        daily_volume_min_t: Least listed tonnes per trading day.
        small_print_share_max: Most share of the volume in prints under the minimum.
        limit_day_share_max: Most share of traded days that closed at the price limit.
        stale_after_days: Trading days without a listed trade after which a price is stale.
        minimum_print_t: Smallest listed print that speaks for a price.
        limit_ratio: The venue's daily price limit.
        close_to_mean_min: Least close over volume-weighted price before an alarm.
        close_to_mean_max: Most of it.
    """

    traded_share_min: Decimal
    daily_volume_min_t: int
    small_print_share_max: Decimal
    limit_day_share_max: Decimal
    stale_after_days: int
    minimum_print_t: int
    limit_ratio: Decimal
    close_to_mean_min: Decimal = Decimal("0.80")
    close_to_mean_max: Decimal = Decimal("1.25")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityTest:
    """What the activity of a window came to, and why.

    Attributes:
        reasons: Each test that failed, in Chinese and English; none for an active market.
    """

    verdict: Activity
    trading_day_count: int
    traded_day_count: int
    daily_volume_t: Decimal
    small_print_share: Decimal
    limit_day_share: Decimal
    staleness_days: int
    reasons: tuple[tuple[str, str], ...]


def activity_test(
    prints: Sequence[Print], *, trading_days: Sequence[date], limit_days: frozenset[date], limits: ActivityLimits
) -> ActivityTest:
    """Judge the listed market of a window of trading days that ends on the valuation date.

    Args:
        prints: Trades of the window; blocks are left out.
        trading_days: Open days of the window, ascending.
        limit_days: Days whose close stood at the price limit.
        limits: Where a market stops being active.

    Raises:
        InvalidInput: The window has no trading day.
    """
    if not trading_days:
        raise InvalidInput("the window has no trading day", zh="窗口内没有交易日", field="trading_days")
    listed = [one for one in prints if not one.is_block]
    traded = sorted({one.day for one in listed})
    volume_t = sum(one.quantity_t for one in listed)
    staleness = sum(1 for day in trading_days if not traded or day > traded[-1])
    small = small_print_share(listed, minimum_print_t=limits.minimum_print_t)
    limit_share = _share(sum(1 for day in traded if day in limit_days), len(traded))
    daily_t = Decimal(volume_t) / len(trading_days)
    share = _share(len(traded), len(trading_days))
    failed = [
        _too_little("有成交交易日占比", "share of days with trade", share, limits.traded_share_min),
        _too_little("日均挂牌成交量（吨）", "listed tonnes a day", daily_t, limits.daily_volume_min_t),
        _too_much("小额成交占比", "share in small prints", small, limits.small_print_share_max),
        _too_much("涨跌停收盘占比", "share of limit closes", limit_share, limits.limit_day_share_max),
    ]
    stale = _too_much("距最近挂牌成交的交易日", "trading days since a listed trade", staleness, limits.stale_after_days)
    reasons = [words for words in (*failed, stale) if words is not None]
    is_stale = stale is not None
    verdict = Activity.STALE if is_stale else Activity.INACTIVE if reasons else Activity.ACTIVE
    return ActivityTest(
        verdict=verdict,
        trading_day_count=len(trading_days),
        traded_day_count=len(traded),
        daily_volume_t=round_half_up(daily_t),
        small_print_share=round_half_up(small, 4),
        limit_day_share=round_half_up(limit_share, 4),
        staleness_days=staleness,
        reasons=tuple(reasons),
    )


def _share(part: int, whole: int) -> Decimal:
    return Decimal(part) / whole if whole else Decimal(0)


def _too_little(zh: str, en: str, found: Decimal, least: Decimal | int) -> tuple[str, str] | None:
    return (f"{zh} {_shown(found)} 低于 {least}", f"{en} {_shown(found)} < {least}") if found < least else None


def _too_much(zh: str, en: str, found: Decimal | int, most: Decimal | int) -> tuple[str, str] | None:
    return (f"{zh} {_shown(found)} 高于 {most}", f"{en} {_shown(found)} > {most}") if found > most else None


def _shown(found: Decimal | int) -> str:
    return format(round_half_up(Decimal(found), 4).normalize(), "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A price that may stand in where the unit's own market does not speak, with its level and source.

    Another vintage plus basis, an auction, a carried price, a model, a broker's quote.
    """

    code: str
    label_zh: str
    label_en: str
    level: int
    price_cny_per_t: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallStep:
    """One rung of the waterfall: what it would give, and why it was taken or passed over."""

    code: str
    label_zh: str
    label_en: str
    level: int
    price_cny_per_t: Decimal | None
    is_taken: bool
    reason_zh: str
    reason_en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FairValue:
    """The fair value of a unit on a day.

    Attributes:
        price_cny_per_t: The price taken, None where no rung gives one.
        level: Level of the lowest significant input, None without a price.
        standard_error_cny_per_t: Of the price, None where fewer than two days speak or a stale price has no volatility.
        band_cny_per_t: Lower and upper end, nine times in ten outside neither; None as above.
        prudent_cny_per_t: Lower end of the band; None as above, and never the price itself in its place.
        median_cny_per_t: The volume-weighted median beside it.
        alarms: What a reader must be told, in Chinese and English.
    """

    unit: Unit
    valuation_date: date
    activity: ActivityTest
    steps: tuple[WaterfallStep, ...]
    price_cny_per_t: Decimal | None
    level: int | None
    standard_error_cny_per_t: Decimal | None
    band_cny_per_t: tuple[Decimal, Decimal] | None
    prudent_cny_per_t: Decimal | None
    median_cny_per_t: Decimal | None
    alarms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinMarket:
    """What a fair value takes: the window's prints, the last close, and what may stand in.

    Attributes:
        close_cny_per_t: Last close of the unit itself, None where its venue publishes none (a composite is no close).
        volatility: Annualised, by which a stale price's band widens; None where none is known.
        candidates: What may stand in, the best first.
    """

    unit: Unit
    trading_days: tuple[date, ...]
    prints: tuple[Print, ...]
    close_cny_per_t: Decimal | None
    limit_days: frozenset[date]
    volatility: float | None
    candidates: tuple[Candidate, ...]


TRADING_DAYS_A_YEAR = 243
_FEWEST_DAYS = 2  # one day has no spread


def fair_value(market: ThinMarket, limits: ActivityLimits) -> FairValue:
    """Walk down the waterfall: close of an active market, volume-weighted price, then what may stand in.

    1. The last close, where the market is active, the day's volume speaks and the close is off the limit (level 1).
    2. The volume-weighted price of listed prints from the minimum on, over the window (level 2, or 3 where stale).
    3. The candidates in their order, each at its own level.
    """
    test = activity_test(market.prints, trading_days=market.trading_days, limit_days=market.limit_days, limits=limits)
    measures = measures_of(market.prints, minimum_print_t=limits.minimum_print_t)
    steps = _taken_first([_close_step(market, test, limits), _mean_step(test, measures), *_other_steps(market)])
    taken = next((step for step in steps if step.is_taken), None)
    price = None if taken is None else taken.price_cny_per_t
    error = None if price is None else _standard_error(market, test, price, limits)
    band = None
    if price is not None and error is not None:
        half = to_decimal(ONE_SIDED_90 * error, places=2)
        band = (max(price - half, Decimal(0)), price + half)
    return FairValue(
        unit=market.unit,
        valuation_date=market.trading_days[-1],
        activity=test,
        steps=tuple(steps),
        price_cny_per_t=price,
        level=None if taken is None else taken.level,
        standard_error_cny_per_t=None if error is None else to_decimal(error, places=4),
        band_cny_per_t=band,
        prudent_cny_per_t=None if band is None else band[0],
        median_cny_per_t=measures.median_cny_per_t,
        alarms=_alarms(market, measures, limits),
    )


def _close_step(market: ThinMarket, test: ActivityTest, limits: ActivityLimits) -> WaterfallStep:
    last = market.trading_days[-1]
    volume_t = sum(one.quantity_t for one in market.prints if one.day == last and not one.is_block)
    obstacle = ("", "")
    if market.close_cny_per_t is None:
        obstacle = ("该品种没有自己的收盘价（综合价格不是单一年度的价格）", "the unit has no close of its own")
    elif test.verdict is not Activity.ACTIVE:
        obstacle = ("市场不活跃：" + "；".join(zh for zh, _ in test.reasons), "; ".join(en for _, en in test.reasons))
    elif volume_t < limits.minimum_print_t:
        obstacle = (
            f"当日挂牌成交 {volume_t} 吨，不足以形成价格",
            f"{volume_t} t listed that day is too little to speak",
        )
    elif last in market.limit_days:
        obstacle = ("收盘于涨跌停价，只是价格的界限", "the close stood at the limit: a bound, not a price")
    return WaterfallStep(
        code="close", label_zh="活跃市场收盘价", label_en="close of an active market", level=1,
        price_cny_per_t=market.close_cny_per_t, is_taken=not obstacle[0], reason_zh=obstacle[0], reason_en=obstacle[1],
        source="",
    )  # fmt: skip


def _mean_step(test: ActivityTest, measures: TapeMeasures) -> WaterfallStep:
    mean = measures.listed_mean_from_minimum_cny_per_t
    price = None if mean is None else round_half_up(mean, 4)
    stale = test.verdict is Activity.STALE
    zh, en = "窗口内没有达到最小成交量的挂牌成交", "no listed print of the minimum size"
    if price is not None:
        zh, en = "", ""
    return WaterfallStep(
        code="listed_mean", label_zh="窗口内挂牌成交量加权均价", label_en="volume-weighted listed price of the window",
        level=3 if stale else 2, price_cny_per_t=price, is_taken=price is not None, reason_zh=zh, reason_en=en,
        source="",
    )  # fmt: skip


def _other_steps(market: ThinMarket) -> list[WaterfallStep]:
    return [
        WaterfallStep(
            code=one.code, label_zh=one.label_zh, label_en=one.label_en, level=one.level,
            price_cny_per_t=one.price_cny_per_t, is_taken=True, reason_zh="", reason_en="", source=one.source,
        )
        for one in market.candidates
    ]  # fmt: skip


def _taken_first(steps: Sequence[WaterfallStep]) -> list[WaterfallStep]:
    """Keep the first rung that holds as the one taken; the others say that a better one was."""
    found: list[WaterfallStep] = []
    is_taken = False
    for step in steps:
        if step.is_taken and is_taken:
            found.append(replace(step, is_taken=False, reason_zh="已有更优先的价格", reason_en="a better rung holds"))
        else:
            found.append(step)
        is_taken = is_taken or step.is_taken
    return found


def _standard_error(market: ThinMarket, test: ActivityTest, price: Decimal, limits: ActivityLimits) -> float | None:
    """Give the standard error of the volume-weighted price, widened by what a stale price may have moved since.

    SE^2 = n/(n-1) sum w_i^2 (p_i - p)^2 over the n days that speak, w_i their share of the volume (Cochran's ratio
    estimator); a stale price adds (p sigma sqrt(d / 243))^2 for d trading days.
    """
    days: dict[date, tuple[int, Decimal]] = {}
    for one in market.prints:
        if not one.is_block and one.quantity_t >= limits.minimum_print_t:
            volume_t, amount = days.get(one.day, (0, Decimal(0)))
            days[one.day] = (volume_t + one.quantity_t, amount + one.quantity_t * one.price_cny_per_t)
    if len(days) < _FEWEST_DAYS:
        return None
    total_t = sum(volume_t for volume_t, _ in days.values())
    mean = to_float(sum((amount for _, amount in days.values()), Decimal(0)) / total_t)
    spread = sum(
        (volume_t / total_t) ** 2 * (to_float(amount / volume_t) - mean) ** 2 for volume_t, amount in days.values()
    )
    variance = len(days) / (len(days) - 1) * spread
    if test.staleness_days:
        if market.volatility is None:
            return None
        variance += to_float(price) ** 2 * market.volatility**2 * test.staleness_days / TRADING_DAYS_A_YEAR
    return math.sqrt(variance)


def _alarms(market: ThinMarket, measures: TapeMeasures, limits: ActivityLimits) -> tuple[tuple[str, str], ...]:
    mean, close = measures.listed_mean_cny_per_t, market.close_cny_per_t
    if mean is None or close is None:
        return ()
    ratio = close / mean
    if limits.close_to_mean_min <= ratio <= limits.close_to_mean_max:
        return ()
    shown, span = round_half_up(ratio, 2), f"[{limits.close_to_mean_min}, {limits.close_to_mean_max}]"
    zh = f"收盘价为成交均价的 {shown} 倍，超出 {span}，收盘价可能失真"
    return ((zh, f"the close is {shown} of the volume-weighted price, outside {span}: it may not be orderly"),)
