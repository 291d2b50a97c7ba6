"""A link in words: what two people sign, line by line."""

from decimal import Decimal

from loans.calc.linked.agreements import ASSURANCE_ZH, SustainabilityLink
from loans.calc.linked.indicators import DIRECTIONS_ZH, KeyPerformanceIndicator, ObservationDate
from loans.calc.linked.ratchet_terms import RatchetKind
from loans.calc.linked.ratchets import FORMS_ZH, LATE_ZH, MarginRatchet


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
        "ratchet": ratchet_words(link.ratchet),
        "step_up_use": link.step_up_use,
        "bonus_depends": link.bonus_depends,
    }


def ratchet_words(ratchet: MarginRatchet) -> list[str]:
    """Give a ratchet in Chinese, line by line, in the order it is applied."""
    words = [f"{FORMS_ZH[ratchet.form]}，{'双向' if ratchet.is_two_way else '单向'}"]
    if ratchet.points is not None:
        terms = ratchet.points
        rounding = "不足一分不计" if terms.fraction == "floor" else "小数按比例"
        words.append(f"基准 {terms.base_score} 分，每分 {terms.bp_per_point} BP，{rounding}，封顶 {terms.cap_bp} BP")
    words += [f"{one.key}：{one.step_bp:+d} BP" for one in ratchet.steps]
    words.append(f"未提交有效核查报告：{ratchet.missed_bp:+d} BP")
    words.append("逐次累计" if ratchet.kind is RatchetKind.CUMULATIVE else "按当次定档，不累计")
    words += [f"调整下限 {ratchet.floor_bp} BP"] if ratchet.floor_bp is not None else []
    words += [f"调整上限 {ratchet.cap_bp} BP"] if ratchet.cap_bp is not None else []
    words += [f"综合利率下限 {_percent(ratchet.all_in_floor_rate)}"] if ratchet.all_in_floor_rate is not None else []
    words.append(f"自核查截止日起首个计息期生效；逾期报告{LATE_ZH[ratchet.late]}")
    return words


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
