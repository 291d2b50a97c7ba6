"""A link in words: what two people sign, line by line."""

from decimal import Decimal

from loans.calc.linked.agreements import ASSURANCE_ZH, SustainabilityLink
from loans.calc.linked.indicators import DIRECTIONS_ZH, KeyPerformanceIndicator, ObservationDate
from loans.calc.linked.ratchet_terms import RatchetKind
from loans.calc.linked.ratchets import (
    FORMS_EN,
    FORMS_ZH,
    LATE_EN,
    LATE_ZH,
    MarginRatchet,
    PointTerms,
    RatchetForm,
    RatchetStep,
)

_Words = tuple[str, str]


def link_words(link: SustainabilityLink) -> dict[str, object]:
    """Give the terms of a link as an approval shows them."""
    independent = "独立" if link.verifier_is_independent else "不独立"
    return {
        "document": link.document,
        "signed_on": link.signed_on.isoformat(),
        "verifier": f"{link.verifier}（{independent}，{ASSURANCE_ZH[link.assurance]}）",
        "needs_certificate": link.needs_certificate,
        "kpis": [_kpi(one) for one in link.kpis],
        "observations": [_observation(one) for one in link.observations],
        "ratchet": [zh for zh, _ in ratchet_words(link.ratchet)],
        "step_up_use": link.step_up_use,
        "bonus_depends": link.bonus_depends,
    }


def ratchet_words(ratchet: MarginRatchet) -> list[_Words]:
    """Give a ratchet in Chinese and English, line by line, in the order it is applied."""
    both = ratchet.is_two_way
    words = [
        (
            f"{FORMS_ZH[ratchet.form]}，{'双向' if both else '单向'}",
            f"{FORMS_EN[ratchet.form]}, {'two-way' if both else 'one-way'}",
        )
    ]
    words += [_points(ratchet.points)] if ratchet.points is not None else []
    words += [_step(ratchet.form, one) for one in ratchet.steps]
    missed = f"{ratchet.missed_bp:+d} BP"
    words.append((f"未提交有效核查报告：{missed}", f"without a report that counts: {missed}"))
    words.append(
        ("逐次累计", "step upon step")
        if ratchet.kind is RatchetKind.CUMULATIVE
        else ("按当次定档，不累计", "to the step itself, not cumulative")
    )
    if ratchet.floor_bp is not None:
        words.append((f"调整下限 {ratchet.floor_bp} BP", f"adjustment floor {ratchet.floor_bp} BP"))
    if ratchet.cap_bp is not None:
        words.append((f"调整上限 {ratchet.cap_bp} BP", f"adjustment cap {ratchet.cap_bp} BP"))
    if ratchet.all_in_floor_rate is not None:
        floor = _percent(ratchet.all_in_floor_rate)
        words.append((f"综合利率下限 {floor}", f"all-in floor {floor}"))
    words.append(
        (
            f"自核查截止日起首个计息期生效；逾期报告{LATE_ZH[ratchet.late]}",
            f"from the first interest period on or after the report's due day; a late report: {LATE_EN[ratchet.late]}",
        )
    )
    return words


def _points(terms: PointTerms) -> _Words:
    whole = terms.fraction == "floor"
    base, step, cap = terms.base_score, terms.bp_per_point, terms.cap_bp
    return (
        f"基准 {base} 分，每分 {step} BP，{'不足一分不计' if whole else '小数按比例'}，封顶 {cap} BP",
        f"base {base} points, {step} BP a point, {'whole points only' if whole else 'pro rata'}, cap {cap} BP",
    )


def _step(form: RatchetForm, one: RatchetStep) -> _Words:
    step = f"{one.step_bp:+d} BP" if one.step_bp else "0 BP"
    if form is RatchetForm.KPI_COUNT:
        return f"达标 {one.key} 项：{step}", f"{one.key} of the KPIs met: {step}"
    return f"等级 {one.key}：{step}", f"grade {one.key}: {step}"


def _kpi(kpi: KeyPerformanceIndicator) -> str:
    return (
        f"{kpi.code} {kpi.name}（{kpi.unit}，{DIRECTIONS_ZH[kpi.direction]}）：{kpi.definition}；"
        f"{kpi.method}；基准 {kpi.baseline_year} 年 {kpi.baseline_value:f}（{kpi.baseline_source}）"
    )


def _observation(one: ObservationDate) -> str:
    targets = "、".join(f"{target.kpi_code} {target.value:f}" for target in one.targets)
    return f"第 {one.number} 次 观察日 {one.observation_date} 核查截止 {one.report_due_date} 目标 {targets or '—'}"


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f}%"
