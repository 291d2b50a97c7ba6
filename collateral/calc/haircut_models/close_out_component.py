"""The component of a forced sale under the market's limits, and that of the last usable date."""

import math
from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.units import to_float
from collateral.calc.haircut_models.components import (
    NO_VOLUME,
    Evidence,
    HaircutComponent,
    computed,
    conservative,
    figure,
    horizon_of,
    ratio_figure,
    ratio_of,
    selling_day_ratio,
    unsaleable,
)
from collateral.calc.haircut_models.forced_sale import SaleOutcome, forced_sale_outcomes
from collateral.calc.haircut_models.horizons import selling_days_needed
from collateral.calc.haircut_models.prudent_sale import prudent_sale
from collateral.calc.haircut_models.sale_terms import SaleTerms, effects_apart
from collateral.calc.haircut_models.stack_terms import ComponentName, Measure, StackFacts, StackMethod
from collateral.calc.haircut_models.wrong_way import DAYS_A_YEAR

_LEAST_QUANTITY_ADV, _MOST_QUANTITY_ADV = 1e-6, 1e6
EFFECTS: dict[str, tuple[str, str]] = {
    "no_limit": ("涨跌停限制", "Price limit"),
    "no_participation": ("参与率限制", "Participation"),
    "no_idle_days": ("无成交与涨跌停日", "Days that do not sell"),
    "no_cure": ("补足期", "Cure days"),
    "no_notice": ("通知期", "Notice days"),
    "no_season": ("季节性深度", "Seasonal depth"),
}
_UNSALEABLE = (
    "无成交量或处置期过长，无法在合理时间内变现",
    "no volume, or a sale too long: the units cannot be sold in time",
)


def cliff(method: StackMethod, facts: StackFacts) -> HaircutComponent:
    """Give nought where the sale ends before the last usable date, the whole where it does not.

    The sale takes cure + notice + ceil(quantity / (participation x volume) / selling days), longer in the thin season;
    a last date that is not known counts the conservative value, never nought.
    """
    name, selling = ComponentName.CLIFF, selling_day_ratio(facts)
    took: dict[str, object] = {"days_to_last_use": facts.days_to_last_use, "has_last_use": facts.has_last_use,
            "quantity_t": facts.quantity_t, "daily_volume_t": facts.daily_volume_t, "selling": selling,
            "participation_ratio": method.participation_ratio, "wait_days": method.wait_days}  # fmt: skip
    if facts.season is not None:
        took["depth_ratios"] = facts.depth_ratios
    if facts.has_last_use is None:
        why = ("最后可用日未知", "the last usable date is not known")
        return conservative(name, method.conservative_ratio, why, took)
    if facts.days_to_last_use is None:
        return computed(name, Decimal(0), "0: no last usable date", took)
    left = facts.days_to_last_use
    if left <= method.wait_days:
        why = (f"补足与通知期 {method.wait_days} 日后已过最后可用日（剩余 {left} 日）",
               f"cure and notice take {method.wait_days} days, the last usable date is {left} away")  # fmt: skip
        return unsaleable(name, why, took)
    if horizon_of(method, facts).is_unsaleable:
        return unsaleable(name, _UNSALEABLE, took)
    if facts.daily_volume_t is None or selling is None:
        return conservative(name, method.conservative_ratio, NO_VOLUME, took)
    selling_days = selling_days_needed(method, facts, daily_volume_t=facts.daily_volume_t, selling=selling)
    needed = method.wait_days + math.ceil(selling_days / selling)
    if needed > left:
        why = (f"处置约需 {needed} 日，超过至最后可用日的 {left} 日",
               f"the sale takes about {needed} days, the last usable date is {left} away")  # fmt: skip
        return unsaleable(name, why, took)
    return computed(
        name, Decimal(0), "0: the sale ends before the last usable date", took,
        figure("days_needed", ("处置约需", "Days the sale takes"), needed, "days"),
        figure("days_to_last_use", ("至最后可用日", "Days to the last usable date"), left, "days"),
    )  # fmt: skip


def close_out(method: StackMethod, facts: StackFacts) -> HaircutComponent:
    """Give the haircut of a forced sale without credit for rebounds; the market's own sale and each effect beside."""
    name, selling = ComponentName.CLOSE_OUT, selling_day_ratio(facts)
    took = {
        "quantity_t": facts.quantity_t, "daily_volume_t": facts.daily_volume_t, "selling": selling,
        "volatility": facts.volatility, "depth_ratios": facts.depth_ratios, "jumps": method.jumps,
        "days_to_last_use": facts.days_to_last_use, "tail_ratio": method.tail_ratio, "measure": method.measure,
        "terms": (method.cure_days, method.notice_days, method.participation_ratio, method.daily_limit_ratio,
                  method.bid_ask_ratio, method.impact),
        "path_count": method.path_count, "seed": method.seed,
    }  # fmt: skip
    if horizon_of(method, facts).is_unsaleable or _has_no_depth(facts):
        return unsaleable(name, _UNSALEABLE, took)
    if facts.daily_volume_t is None or selling is None:
        return conservative(name, method.conservative_ratio, NO_VOLUME, took)
    if facts.volatility is None:
        return conservative(name, method.conservative_ratio, ("波动率缺失", "the volatility is not known"), took)
    if facts.days_to_last_use is not None and facts.days_to_last_use <= method.wait_days:
        return unsaleable(name, ("最后可用日早于最早处置日", "the last usable date comes before the first sale"), took)
    terms = sale_terms(method, facts, daily_volume_t=facts.daily_volume_t, selling=selling, volatility=facts.volatility)
    tail = to_float(method.tail_ratio)
    prudent = prudent_sale(terms, path_count=method.path_count, seed=method.seed, tail_ratio=tail)
    ratio = ratio_of(prudent.haircut_ratio if method.measure is Measure.VALUE_AT_RISK else prudent.shortfall_ratio)
    evidence = (
        ratio_figure("standard_error", ("标准误", "Standard error"), prudent.standard_error),
        *_market(terms, method, tail),
    )
    if facts.has_last_use is None:
        why = ("最后可用日未知", "the last usable date is not known")
        return conservative(name, max(ratio, method.conservative_ratio), why, took, *evidence)
    return computed(name, ratio, "quantile or mean beyond it of 1 − Σ sold·lowest price / (Q·S₀)", took, *evidence)


def sale_terms(
    method: StackMethod, facts: StackFacts, *, daily_volume_t: Decimal, selling: Decimal, volatility: Decimal
) -> SaleTerms:
    """Give the terms of the sale: a martingale price, days that sell as seen, the policy's limits and waits."""
    deviation = to_float(volatility) / math.sqrt(DAYS_A_YEAR)
    quantity = to_float(facts.quantity_t / daily_volume_t)
    terms = SaleTerms(
        daily_drift=-0.5 * deviation * deviation,
        daily_deviation=deviation,
        notice_days=method.notice_days,
        cure_days=method.cure_days,
        quantity_adv=min(max(quantity, _LEAST_QUANTITY_ADV), _MOST_QUANTITY_ADV),
        participation_ratio=to_float(method.participation_ratio),
        trade_day_ratio=to_float(selling),
        daily_limit_ratio=None if method.daily_limit_ratio is None else to_float(method.daily_limit_ratio),
        bid_ask_ratio=to_float(method.bid_ask_ratio),
        impact=to_float(method.impact),
        depth_ratios=tuple(to_float(one) for one in facts.depth_ratios),
        last_sale_day=facts.days_to_last_use,
    )
    jumps = method.jumps
    if jumps is None:
        return terms
    return replace(
        terms, daily_jumps=to_float(jumps.jumps_per_year) / DAYS_A_YEAR, up_ratio=to_float(jumps.up_ratio),
        up_rate=1.0 / to_float(jumps.up_mean), down_rate=1.0 / to_float(jumps.down_mean),
    )  # fmt: skip


def _has_no_depth(facts: StackFacts) -> bool:
    return bool(facts.depth_ratios) and facts.depth_ratios[-1] == 0


def _market(terms: SaleTerms, method: StackMethod, tail: float) -> list[Evidence]:
    """Give the market's own sale on the same draws, and what each effect adds to it."""
    apart = effects_apart(terms)
    outcomes = dict(
        zip(
            apart,
            forced_sale_outcomes(list(apart.values()), path_count=method.path_count, seed=method.seed, tail_ratio=tail),
            strict=True,
        )
    )
    whole = outcomes.pop("as_is")
    adds = [
        ratio_figure(f"effect_{key}", (f"其中：{EFFECTS[key][0]}", f"of it: {EFFECTS[key][1]}"), _added(whole, one))
        for key, one in outcomes.items()
    ]
    return [
        ratio_figure("market_haircut", ("计入反弹的市场模型", "The market's own sale, rebounds counted"),
                     whole.haircut_ratio),
        ratio_figure("median", ("中位数", "Median"), whole.median_ratio),
        figure("days_mean", ("平均处置天数", "Mean days to sell"), f"{whole.days_mean:.1f}", "days"),
        figure("days_99", ("99% 分位处置天数", "Days to sell, 99%"), whole.days_99, "days"),
        ratio_figure("unsold", ("未售完路径占比", "Paths left unsold"), whole.unsold_share),
        ratio_figure("locked", ("遇跌停路径占比", "Paths that met a lock"), whole.locked_share),
        *adds,
    ]  # fmt: skip


def _added(whole: SaleOutcome, without: SaleOutcome) -> float:
    return whole.haircut_ratio - without.haircut_ratio
