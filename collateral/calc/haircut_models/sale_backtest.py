"""Haircuts promised from the past alone, against the sales that followed: exceedances, and what so few can reject.

A default is supposed every so many days. The haircut is stacked from the days before it; the sale then waits for cure
and notice and sells its part of each day's volume at the close, on days that trade and do not close at the lower limit.
A sale that the data do not follow to its end is left out and counted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import round_down, round_up, to_decimal, to_float
from collateral.calc.haircut_models.empirical import naive_haircut_ratio
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth, thinnest_ratio
from collateral.calc.haircut_models.stack import StackInputs, decide_haircut
from collateral.calc.haircut_models.stack_terms import ComponentName, HistoryColumns, StackFacts, StackMethod
from pricing.calc.volatility import estimated_volatility

WINDOW_DAYS = 500
"""Days before a supposed default that its haircut knows."""
FEWEST_DEFAULTS = 10
"""Below so many nothing is said of a rate."""
_LEAST_STEP_DAYS, _LEAST_PATHS, _LEAST_VOLATILITY = 25, 2_000, 0.005
_LEVEL, _SIDE = 0.05, 0.025
_BISECTIONS, _PLACES = 60, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedDays:
    """The days of a price history, with the listed volume of each, whole tonnes; aligned with the history's rows."""

    days: tuple[date, ...]
    volumes_t: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse rows that do not match, days out of order and negative volumes."""
        if len(self.days) != len(self.volumes_t) or list(self.days) != sorted(set(self.days)):
            raise InvalidInput("days and volumes do not match", zh="行情日与成交量不一致", field="days")
        if min(self.volumes_t, default=0) < 0:
            raise InvalidInput("a volume is negative", zh="成交量不能为负", field="volumes_t")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupposedDefault:
    """One supposed default: what was promised by the policy and by the naive figure, and what the sale lost.

    The naive figure, from closes with the root of time, stands beside for comparison alone.
    """

    day: date
    promised_ratio: Decimal
    naive_ratio: Decimal
    loss_ratio: Decimal

    @property
    def is_exceeded(self) -> bool:
        """Whether the sale lost more than was promised."""
        return self.loss_ratio > self.promised_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceedances:
    """How often a haircut was exceeded, and what that can say.

    Attributes:
        name: `policy`, or `naive` for the figure beside it.
        mean_ratio: Mean haircut promised.
        interval_low_ratio: Lower end of the 95% interval of the rate by Clopper and Pearson.
        interval_high_ratio: Upper end.
        worst_beyond_ratio: Largest loss beyond the promise; None where none was.
        rejecting_count: Exceedances from which on the promised rate is rejected at 5%, one-sided.
        power_triple_ratio: How often so many defaults would reject where the true rate is three times the promised.
        power_fivefold_ratio: The same for five times.
    """

    name: str
    default_count: int
    mean_ratio: Decimal
    exceeded_count: int
    interval_low_ratio: Decimal
    interval_high_ratio: Decimal
    worst_beyond_ratio: Decimal | None
    rejecting_count: int
    power_triple_ratio: Decimal
    power_fivefold_ratio: Decimal

    @property
    def is_rejected(self) -> bool:
        """Whether the promised rate is rejected."""
        return self.exceeded_count >= self.rejecting_count


def supposed_defaults(
    method: StackMethod, facts: StackFacts, quoted: QuotedDays
) -> tuple[tuple[SupposedDefault, ...], int]:
    """Give each supposed default whose sale is seen to its end, and how many are not.

    The method's components count but wrong-way risk and the last usable date, which belong to one borrower and unit,
    not to the past of a market. Without a history, or with one that mixes vintages, there is none.
    """
    history = facts.history
    if history is None or history.is_composite:
        return (), 0
    bare = _bare(method)
    found, unseen = [], 0
    for at in range(WINDOW_DAYS, len(quoted.days) - 1, _step_days(method, facts, quoted)):
        loss = _sale_loss(method, history, quoted, at, quantity_t=facts.quantity_t)
        if loss is None:
            unseen += 1
            continue
        past = _past_facts(facts, history, quoted, at)
        assert past.history is not None, "the past has the window's closes"
        promised = decide_haircut(StackInputs(policy="backtest", method=bare, facts=past)).haircut_ratio
        naive = naive_haircut_ratio(
            past.history.history().close_per_t, horizon_days=max(1, method.wait_days),
            tail_ratio=to_float(method.tail_ratio),
        )  # fmt: skip
        found.append(
            SupposedDefault(
                day=quoted.days[at], promised_ratio=promised,
                naive_ratio=to_decimal(min(1.0, max(0.0, naive)), places=_PLACES),
                loss_ratio=to_decimal(loss, places=_PLACES),
            )
        )  # fmt: skip
    return tuple(found), unseen


def exceedances(
    name: str, defaults: tuple[SupposedDefault, ...], promised: tuple[Decimal, ...], *, tail_ratio: Decimal
) -> Exceedances:
    """Count the exceedances of what was promised, with the interval of their rate and what so few can reject."""
    count, tail = len(defaults), to_float(tail_ratio)
    beyond = [one.loss_ratio - ratio for one, ratio in zip(defaults, promised, strict=True) if one.loss_ratio > ratio]
    low, high = rate_interval(len(beyond), count)
    rejecting = rejecting_count(count, tail)
    return Exceedances(
        name=name,
        default_count=count,
        mean_ratio=round_up(sum(promised, Decimal(0)) / count, _PLACES),
        exceeded_count=len(beyond),
        interval_low_ratio=to_decimal(low, places=_PLACES),
        interval_high_ratio=to_decimal(high, places=_PLACES),
        worst_beyond_ratio=max(beyond, default=None),
        rejecting_count=rejecting,
        power_triple_ratio=to_decimal(at_least(rejecting, count, min(1.0, 3 * tail)), places=_PLACES),
        power_fivefold_ratio=to_decimal(at_least(rejecting, count, min(1.0, 5 * tail)), places=_PLACES),
    )


def at_least(count: int, trials: int, rate: float) -> float:
    """Give the probability of at least so many of so many trials, each with a rate, by the binomial law."""
    if count <= 0:
        return 1.0
    if rate in {0.0, 1.0}:
        return rate if count <= trials else 0.0
    terms = (
        math.exp(
            math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
            + hits * math.log(rate) + (trials - hits) * math.log1p(-rate)
        )
        for hits in range(count, trials + 1)
    )  # fmt: skip
    return min(1.0, math.fsum(terms))


def rate_interval(count: int, trials: int) -> tuple[float, float]:
    """Give the 95% interval of a rate by Clopper and Pearson: the rates that either tail would reject at 2.5%."""
    low = 0.0 if count == 0 else _rate_where(lambda rate: at_least(count, trials, rate) < _SIDE)
    high = 1.0 if count == trials else _rate_where(lambda rate: 1.0 - at_least(count + 1, trials, rate) > _SIDE)
    return low, high


def rejecting_count(trials: int, rate: float) -> int:
    """Give the least number of exceedances that rejects a rate at 5%, one-sided."""
    return next(count for count in range(trials + 2) if at_least(count, trials, rate) < _LEVEL)


def _rate_where(is_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if is_below(middle):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _bare(method: StackMethod) -> StackMethod:
    components = tuple(one for one in method.components if one is not ComponentName.WRONG_WAY)
    paths = max(_LEAST_PATHS, math.ceil(10 / method.tail_ratio))
    return replace(method, components=components, wrong_way=None, path_count=min(method.path_count, paths))


def _step_days(method: StackMethod, facts: StackFacts, quoted: QuotedDays) -> int:
    """Give the days between defaults: the wait and the sale at the mean volume, so that most sales do not overlap."""
    mean_t = max(1.0, float(np.mean(quoted.volumes_t)))
    sale_days = facts.quantity_t / mean_t / to_float(method.participation_ratio)
    return max(_LEAST_STEP_DAYS, min(WINDOW_DAYS, method.wait_days + math.ceil(sale_days)))


def _sale_loss(
    method: StackMethod, history: HistoryColumns, quoted: QuotedDays, at: int, *, quantity_t: int
) -> float | None:
    closes, at_limit = history.close_per_t, frozenset(history.limit_rows)
    left, proceeds = 1.0 * quantity_t, 0.0
    for row in range(at + method.wait_days + 1, len(closes)):
        if quoted.volumes_t[row] == 0 or (row in at_limit and closes[row] < closes[row - 1]):
            continue
        sold = min(left, to_float(method.participation_ratio) * quoted.volumes_t[row])
        left, proceeds = left - sold, proceeds + sold * to_float(closes[row])
        if left <= 0.0:
            return 1.0 - proceeds / (quantity_t * to_float(closes[at]))
    return None


def _past_facts(facts: StackFacts, history: HistoryColumns, quoted: QuotedDays, at: int) -> StackFacts:
    """Give the facts as they stood at a row, from the window before it alone."""
    first = at + 1 - WINDOW_DAYS
    part = HistoryColumns(
        close_per_t=history.close_per_t[first : at + 1],
        idle_rows=tuple(row - first for row in history.idle_rows if first <= row <= at),
        limit_rows=tuple(row - first for row in history.limit_rows if first <= row <= at),
        is_composite=False,
    )
    volumes = quoted.volumes_t[first : at + 1]
    depth_ratios, season = _past_depth(facts, volumes)
    return replace(
        facts, history=part, daily_volume_t=round_down(Decimal(sum(volumes)) / WINDOW_DAYS, _PLACES),
        trade_day_ratio=round_down(Decimal(sum(one > 0 for one in volumes)) / WINDOW_DAYS, _PLACES),
        limit_day_ratio=round_up(Decimal(len(part.limit_rows)) / WINDOW_DAYS, _PLACES),
        volatility=_volatility(part), days_to_last_use=None, has_last_use=False, borrower=None, standing_ratio=None,
        depth_ratios=depth_ratios, season=season,
    )  # fmt: skip


def _past_depth(facts: StackFacts, volumes_t: Sequence[int]) -> tuple[tuple[Decimal, ...], SeasonDepth | None]:
    """Give the season as the window itself measures it, where no one approved its depth: nothing later is looked at."""
    season = facts.season
    if season is None or season.basis is not DepthBasis.MEASURED or season.parameter is None:
        return facts.depth_ratios, season
    ratio = thinnest_ratio(
        volumes_t, season_days=season.parameter.integer, mean_t=Decimal(sum(volumes_t)) / len(volumes_t)
    )
    if ratio is None:
        return (), replace(season, basis=DepthBasis.UNKNOWN, ratio=None)
    return (ratio,), replace(season, ratio=ratio)


def _volatility(part: HistoryColumns) -> Decimal | None:
    try:
        found = estimated_volatility(part.history()).volatility
    except CarbonFinError:
        return None
    return to_decimal(found, places=_PLACES) if found >= _LEAST_VOLATILITY else None
