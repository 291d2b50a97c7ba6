"""The components of a haircut, each with its figures, the digest of what it took, and why where data failed it.

A component whose data are missing or thin counts the bank's conservative value and says so; one whose units cannot be
sold counts the whole. None of them falls when a fact is made worse: longer horizons are looked at rung by rung.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.errors import CalculationFailed, CarbonFinError, InvalidInput
from carbonfin.kernel.units import round_up, to_decimal, to_float
from carbonfin.rules.record import digest_of
from collateral.calc.haircut_models.empirical import CleanRule, empirical_haircut, naive_haircut_ratio
from collateral.calc.haircut_models.held_windows import held_quantile, held_window_losses
from collateral.calc.haircut_models.horizons import risk_days, rungs_to, selling_days_needed
from collateral.calc.haircut_models.jump_diffusion import AGREEMENT, Target, checked_jump_haircuts
from collateral.calc.haircut_models.jump_model import JumpDiffusion
from collateral.calc.haircut_models.prudent_sale import rung_below
from collateral.calc.haircut_models.sale_terms import MOST_SALE_DAYS
from collateral.calc.haircut_models.stack_terms import STACK_MONOTONE, ComponentName, Measure, StackFacts, StackMethod
from collateral.calc.haircut_models.wrong_way import (
    DAYS_A_YEAR,
    WrongWayMethod,
    WrongWayOutcome,
    wrong_way_add_on,
    wrong_way_envelope,
)
from collateral.calc.supervisory_haircuts import remargined_ratio
from pricing.calc.series_checks import mixed_levels
from pricing.calc.volatility import PriceHistory

PLACES = 4
_TARGETS = {
    Measure.VALUE_AT_RISK: Target.VALUE_AT_RISK,
    Measure.EXPECTED_SHORTFALL: Target.EXPECTED_SHORTFALL,
}


class Standing(StrEnum):
    """How a component came by its ratio."""

    COMPUTED = "computed"
    CONSERVATIVE = "conservative"
    UNSALEABLE = "unsaleable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One figure that stands behind a component."""

    name: str
    label_zh: str
    label_en: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutComponent:
    """One component of a haircut.

    Attributes:
        ratio: Rounded up to a hundredth of a per cent.
        reason_zh: Why it is not computed, in Chinese; empty where it is.
        reason_en: The same in English.
        formula: How it came about.
        inputs_digest: SHA-256 of what it took.
    """

    name: ComponentName
    ratio: Decimal
    standing: Standing
    reason_zh: str
    reason_en: str
    formula: str
    evidence: tuple[Evidence, ...]
    inputs_digest: str


def ratio_of(value: float) -> Decimal:
    """Give a model's ratio, 0 to 1, rounded up to a hundredth of a per cent."""
    return round_up(to_decimal(min(1.0, max(0.0, value)), places=10), PLACES)


def figure(name: str, label: tuple[str, str], value: object, unit: str) -> Evidence:
    """Give a figure behind a component; the label is Chinese, English."""
    return Evidence(name=name, label_zh=label[0], label_en=label[1], value=str(value), unit=unit)


def ratio_figure(name: str, label: tuple[str, str], value: float) -> Evidence:
    """Give a ratio behind a component, to four places."""
    return figure(name, label, to_decimal(value, places=PLACES), "ratio")


def computed(
    name: ComponentName, ratio: Decimal, formula: str, took: Mapping[str, object], *evidence: Evidence
) -> HaircutComponent:
    """Give a component that its data carry."""
    return HaircutComponent(
        name=name, ratio=ratio, standing=Standing.COMPUTED, reason_zh="", reason_en="", formula=formula,
        evidence=evidence, inputs_digest=digest_of(took),
    )  # fmt: skip


def conservative(
    name: ComponentName, ratio: Decimal, why: tuple[str, str], took: Mapping[str, object], *evidence: Evidence
) -> HaircutComponent:
    """Give a component at the bank's conservative value, or at what was seen where that is more."""
    return HaircutComponent(
        name=name, ratio=ratio, standing=Standing.CONSERVATIVE, reason_zh=why[0], reason_en=why[1],
        formula="max(conservative value, largest loss seen)", evidence=evidence, inputs_digest=digest_of(took),
    )  # fmt: skip


def unsaleable(name: ComponentName, why: tuple[str, str], took: Mapping[str, object]) -> HaircutComponent:
    """Give a component that counts the whole: the units cannot be sold in time."""
    return HaircutComponent(
        name=name, ratio=Decimal(1), standing=Standing.UNSALEABLE, reason_zh=why[0], reason_en=why[1],
        formula="1", evidence=(), inputs_digest=digest_of(took),
    )  # fmt: skip


NO_VOLUME = (
    "成交量或成交、涨跌停日占比缺失",
    "volume, or the parts of days that trade and stand at the limit, are not known",
)


def selling_day_ratio(facts: StackFacts) -> Decimal | None:
    """Give the part of the days that sell, rounded down to a rung: they trade and do not stand at the limit.

    None where either is not known, nought where it lies below the least rung.
    """
    return selling_ratio(facts.trade_day_ratio, facts.limit_day_ratio)


def selling_ratio(trade_day_ratio: Decimal | None, limit_day_ratio: Decimal | None) -> Decimal | None:
    """Give the part of the days that sell from those that trade and those that stand at the limit."""
    if trade_day_ratio is None or limit_day_ratio is None:
        return None
    return to_decimal(rung_below(to_float(trade_day_ratio - limit_day_ratio)), places=PLACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Days of risk: known, not known, or without end because the units cannot be sold."""

    days: float | None
    is_unsaleable: bool


def horizon_of(method: StackMethod, facts: StackFacts) -> Horizon:
    """Give the days from the last margin to the sale's centre of risk."""
    selling = selling_day_ratio(facts)
    if facts.daily_volume_t is None or selling is None:
        return Horizon(days=None, is_unsaleable=False)
    if facts.daily_volume_t == 0 or selling == 0:
        return Horizon(days=None, is_unsaleable=True)
    sale_days = to_float(selling_days_needed(method, facts, daily_volume_t=facts.daily_volume_t, selling=selling))
    if sale_days / to_float(selling) > MOST_SALE_DAYS:
        return Horizon(days=None, is_unsaleable=True)
    days = risk_days(wait_days=method.wait_days, sale_days=sale_days, selling_day_ratio=to_float(selling))
    return Horizon(days=days, is_unsaleable=False)


def supervisory(method: StackMethod, horizon: Horizon) -> HaircutComponent:
    """Give the supervisory haircut scaled to remargining and holding; for allowances an internal figure alone."""
    name = ComponentName.SUPERVISORY
    took = {"ten_day_ratio": method.ten_day_ratio, "holding_days": method.holding_days,
            "remargin_days": method.remargin_days, "horizon": _plain(horizon)}  # fmt: skip
    if horizon.days is None:
        return conservative(name, method.conservative_ratio, NO_VOLUME, took)
    days = max(method.holding_days, math.ceil(horizon.days - 1e-9))
    ratio = remargined_ratio(to_float(method.ten_day_ratio), holding_days=days, remargin_days=method.remargin_days)
    return computed(
        name, ratio_of(ratio), "H₁₀·sqrt((N_R + T_M − 1) / 10)", took,
        figure("ten_day_ratio", ("十日监管折扣系数", "Ten-day haircut"), method.ten_day_ratio, "ratio"),
        figure("holding_days", ("持有期", "Holding period"), days, "days"),
        figure("remargin_days", ("盯市间隔", "Remargining"), method.remargin_days, "days"),
    )  # fmt: skip


def currency(method: StackMethod, facts: StackFacts, horizon: Horizon) -> HaircutComponent | None:
    """Give the currency part, scaled like the supervisory one; it adds, never multiplies. None in one currency."""
    if not facts.is_cross_currency:
        return None
    name, base = ComponentName.CURRENCY, method.currency_ten_day_ratio
    took = {"currency_ten_day_ratio": base, "holding_days": method.holding_days,
            "remargin_days": method.remargin_days, "horizon": _plain(horizon)}  # fmt: skip
    if horizon.days is None:
        return conservative(name, method.conservative_ratio, NO_VOLUME, took)
    days = max(method.holding_days, math.ceil(horizon.days - 1e-9))
    ratio = remargined_ratio(to_float(base), holding_days=days, remargin_days=method.remargin_days)
    return computed(name, ratio_of(ratio), "H_FX·sqrt((N_R + T_M − 1) / 10)", took)


def empirical(method: StackMethod, facts: StackFacts, horizon: Horizon) -> HaircutComponent:
    """Give the history's own quantile over all rungs to the horizon; thin histories count the conservative value."""
    name, held = ComponentName.EMPIRICAL, facts.history
    took = {"history": held, "tail_ratio": method.tail_ratio, "horizon": _plain(horizon),
            "rule": (method.fewest_clean_days, method.least_clean_share)}  # fmt: skip
    if held is None:
        return conservative(name, method.conservative_ratio, ("无历史行情", "there is no history"), took)
    history = held.history()
    if held.is_composite or mixed_levels(history.close_per_t) is not None:
        why = ("历史行情混合了不同配额年度", "the history mixes vintages")
        return conservative(name, method.conservative_ratio, why, took)
    if horizon.days is None:
        largest = _largest(history, rungs_to(1.0))
        return conservative(name, max(method.conservative_ratio, ratio_of(largest)), NO_VOLUME, took)
    rungs = rungs_to(horizon.days)
    tail = to_float(method.tail_ratio)
    found = [_held(history, rung, method, tail) for rung in rungs]
    thin = _thin(history, method, rungs[-1], tail)
    evidence = (*_history_figures(history, method, rungs[-1], tail),)
    if thin is not None:
        ratio = max(method.conservative_ratio, ratio_of(max([*found, _largest(history, rungs)])))
        return conservative(name, ratio, thin, took, *evidence)
    return computed(name, ratio_of(max(found)), "quantile or mean beyond it of 1 − lowest / S₀", took, *evidence)


def _held(history: PriceHistory, rung: int, method: StackMethod, tail: float) -> float:
    losses = held_window_losses(history, horizon_days=rung)
    if not losses.size:
        return 0.0
    quantile, shortfall = held_quantile(losses, tail_ratio=tail)
    return quantile if method.measure is Measure.VALUE_AT_RISK else shortfall


def _largest(history: PriceHistory, rungs: tuple[int, ...]) -> float:
    return max((max(losses[-1].item(), 0.0) for rung in rungs
                if (losses := held_window_losses(history, horizon_days=rung)).size), default=0.0)  # fmt: skip


def _thin(history: PriceHistory, method: StackMethod, rung: int, tail: float) -> tuple[str, str] | None:
    clean = int(np.count_nonzero(history.traded & ~history.at_limit))
    count = history.close_per_t.size
    if clean < method.fewest_clean_days:
        return (f"有效价格日仅 {clean} 日，少于 {method.fewest_clean_days} 日",
                f"{clean} clean days are fewer than {method.fewest_clean_days}")  # fmt: skip
    if clean < to_float(method.least_clean_share) * count:
        return (f"有效价格日仅占 {clean / count:.0%}，其余为沿用前收盘价或涨跌停价",
                f"{clean / count:.0%} of the closes are prices, the rest carried over or at the limit")  # fmt: skip
    expected = (count - 1) // rung * tail
    if expected < 1:
        return (f"不重叠的 {rung} 日窗口预期仅 {expected:.2f} 次落入尾部，历史过短",
                f"of {rung}-day windows side by side {expected:.2f} fall into the tail: too short")  # fmt: skip
    return None


def _history_figures(history: PriceHistory, method: StackMethod, rung: int, tail: float) -> list[Evidence]:
    clean = int(np.count_nonzero(history.traded & ~history.at_limit))
    found = [
        figure("clean_days", ("有效价格日", "Clean days"), clean, "days"),
        figure("history_days", ("历史行情日数", "Days of the history"), history.close_per_t.size, "days"),
        figure("horizon_days", ("期限", "Horizon"), rung, "days"),
    ]
    if history.close_per_t.size > 1:
        naive = naive_haircut_ratio(history.close_per_t, horizon_days=rung, tail_ratio=tail)
        found.append(
            ratio_figure("naive", ("按收盘价直接推算（仅供对照）", "Naive, from closes (beside, not used)"), naive)
        )
    rule = CleanRule(fewest_clean_days=method.fewest_clean_days, least_clean_share=to_float(method.least_clean_share))
    try:
        plain = empirical_haircut(history, horizon_days=rung, tail_ratio=tail, rule=rule)
    except CarbonFinError:
        return found
    return [
        *found,
        ratio_figure("clean_quantile", ("仅用有效价格的分位数", "Quantile of clean windows"), plain.haircut_ratio),
        ratio_figure("interval_low", ("95% 区间下端", "95% interval, low"), plain.interval_ratios[0]),
        ratio_figure("interval_high", ("95% 区间上端", "95% interval, high"), plain.interval_ratios[1]),
    ]


def jump_diffusion(method: StackMethod, facts: StackFacts, horizon: Horizon) -> HaircutComponent:
    """Give the jump diffusion's haircut, the largest over all rungs to the horizon; both inversions must agree.

    Where the policy sets a target for the expected loss, the haircut that meets it counts if it is more.
    """
    name, jumps = ComponentName.JUMP_DIFFUSION, method.jumps
    assert jumps is not None, "the method holds jumps with this component"
    took = {"jumps": jumps, "volatility": facts.volatility, "tail_ratio": method.tail_ratio,
            "measure": method.measure, "horizon": _plain(horizon)}  # fmt: skip
    if horizon.days is None:
        return conservative(name, method.conservative_ratio, NO_VOLUME, took)
    if facts.volatility is None:
        return conservative(name, method.conservative_ratio, ("波动率缺失", "the volatility is not known"), took)
    rungs = rungs_to(horizon.days)
    one = np.ones(len(rungs))
    model = JumpDiffusion(
        drift_rate=0.0 * one, volatility=to_float(facts.volatility) * one,
        jumps_per_year=to_float(jumps.jumps_per_year) * one, up_ratio=to_float(jumps.up_ratio) * one,
        up_rate=one / to_float(jumps.up_mean), down_rate=one / to_float(jumps.down_mean),
        horizon_years=np.array(rungs) / DAYS_A_YEAR,
    )  # fmt: skip
    try:
        ratio = _jump_ratio(model, _TARGETS[method.measure], method.tail_ratio)
        loss, met = jumps.expected_loss_ratio, Decimal(0)
        if loss is not None:
            met = _jump_ratio(model, Target.EXPECTED_LOSS, loss)
    except CalculationFailed as error:
        return conservative(name, method.conservative_ratio, (error.zh, error.detail), took)
    targeted = () if loss is None else (
        figure("expected_loss_ratio", ("预期损失目标（占贷款）", "Expected-loss target, of the loan"), loss, "ratio"),
        figure("measure_haircut", ("按风险计量", "By the measure"), ratio, "ratio"),
        figure("target_haircut", ("按预期损失目标", "By the expected-loss target"), met, "ratio"),
    )  # fmt: skip
    formula = "h = 1 − e^x, P(X_T ≤ x) = tail; or the mean beyond"
    if loss is not None:
        formula = f"max({formula}; E[(1 − h − S_T/S_0)⁺]/(1 − h) = target)"
    return computed(
        name, max(ratio, met), formula, took,
        figure("horizon_days", ("期限", "Horizon"), rungs[-1], "days"),
        figure("volatility", ("年化波动率", "Volatility"), facts.volatility, "ratio"),
        figure("jumps_per_year", ("年跳跃次数", "Jumps a year"), jumps.jumps_per_year, ""),
        figure("inversions", ("两种反演之差不超过", "Inversions agree to"), f"{AGREEMENT:g}", ""), *targeted,
    )  # fmt: skip


def _jump_ratio(model: JumpDiffusion, target: Target, tail_ratio: Decimal) -> Decimal:
    found = checked_jump_haircuts(model, target=target, tail_ratio=to_float(tail_ratio))
    return ratio_of(found.haircut_ratio.max().item())


def wrong_way(method: StackMethod, facts: StackFacts) -> HaircutComponent:
    """Give the add-on for joint risk; without the borrower's position or a volatility the policy's conservative one."""
    name, terms = ComponentName.WRONG_WAY, method.wrong_way
    assert terms is not None, "the method holds wrong-way terms with this component"
    took = {"terms": terms, "borrower": facts.borrower, "volatility": facts.volatility, "seed": method.seed,
            "path_count": method.path_count, "tail_ratio": method.tail_ratio}  # fmt: skip
    if method.stack_version == STACK_MONOTONE:
        return _enveloped(method, terms, facts, took)
    if facts.borrower is None or facts.volatility is None:
        why = ("借款人履约头寸或波动率缺失", "the borrower's position or the volatility is not known")
        return conservative(name, terms.missing_ratio, why, took)
    try:
        found = wrong_way_add_on(
            terms, facts.borrower, volatility=to_float(facts.volatility), tail_ratio=to_float(method.tail_ratio),
            path_count=method.path_count, seed=method.seed,
        )  # fmt: skip
    except InvalidInput as error:
        return conservative(name, terms.missing_ratio, (error.zh, error.detail), took)
    return computed(
        name, ratio_of(found.add_on_ratio), "q(1 − (1 − u)e^X | default) − q(1 − e^X)", took, *_joint_evidence(found)
    )


def _joint_evidence(found: WrongWayOutcome) -> tuple[Evidence, ...]:
    return (
        ratio_figure("default_haircut", ("违约条件下折扣系数", "Haircut given default"), found.default_haircut_ratio),
        ratio_figure("price_haircut", ("无条件价格折扣系数", "Haircut of the price alone"), found.price_haircut_ratio),
        ratio_figure("price_only", ("仅相关性（闭式解）", "Correlation alone (closed form)"), found.price_only_ratio),
        ratio_figure("standard_error", ("标准误", "Standard error"), found.standard_error),
        ratio_figure("short_ratio", ("违约时缺口概率", "Short of units at default"), found.short_ratio),
        ratio_figure("lost_ratio", ("平均被清缴占用比例", "Mean part lost to surrender"), found.lost_ratio_mean),
        figure("shortfall", ("平均缺口", "Mean shortfall"), round(found.shortfall_t_mean), "t"),
    )


def _enveloped(
    method: StackMethod, terms: WrongWayMethod, facts: StackFacts, took: Mapping[str, object]
) -> HaircutComponent:
    """Give the largest add-on up to the volatility, so that no wilder price and no lost fact lowers it."""
    name, tail = ComponentName.WRONG_WAY, to_float(method.tail_ratio)
    known = None if facts.volatility is None else to_float(facts.volatility)
    count, seed = method.path_count, method.seed
    try:
        found = ratio_of(
            wrong_way_envelope(terms, facts.borrower, volatility=known, tail_ratio=tail, path_count=count, seed=seed)
        )
        if facts.borrower is None or known is None:
            why = ("借款人履约头寸或波动率缺失，按最不利取值",
                   "the borrower's position or the volatility is not known: the worst of them counts")  # fmt: skip
            return conservative(name, max(terms.missing_ratio, found), why, took)
        at_own = wrong_way_add_on(terms, facts.borrower, volatility=known, tail_ratio=tail, path_count=count, seed=seed)
    except InvalidInput as error:
        return conservative(name, terms.missing_ratio, (error.zh, error.detail), took)
    return computed(
        name, found, "max over σ′ ≤ σ of q(1 − (1 − u)e^X | default) − q(1 − e^X)", took,
        ratio_figure("own_add_on", ("按当前波动率的附加", "Add-on at the volatility itself"), at_own.add_on_ratio),
        *_joint_evidence(at_own),
    )  # fmt: skip


def _plain(horizon: Horizon) -> dict[str, object]:
    days = None if horizon.days is None else to_decimal(horizon.days, places=6)
    return {"days": days, "is_unsaleable": horizon.is_unsaleable}
