"""Whether a link is what it says (挂钩条款审查): the known ways to greenwash one, each a coded check with its evidence.

Sources: Sustainability-Linked Loan Principles (LMA, APLMA, LSTA; 2025 edition), the LMA's model provisions (2023), and
the FCA's reviews of the market (2023, 2025), read in excerpts: each source is unconfirmed, and so is each threshold
until two people confirm it. A check that lacks a fact says so: what is not known never passes.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

from carbonfin.kernel.units import to_float
from loans.calc.linked.indicators import Direction, KeyPerformanceIndicator
from loans.calc.linked.integrity_terms import IntegrityInputs, Verdict
from loans.calc.linked.registered_claims import RegisteredClaims, claim_words

SLLP = "可持续发展挂钩贷款原则（LMA/APLMA/LSTA，2025 年 3 月版），据摘录，未核对原文"
LMA = "LMA 可持续发展挂钩贷款示范条款（2023 年 5 月），据摘录，未核对原文"
FCA = "英国 FCA 对可持续挂钩贷款市场的检视（2023、2025），据摘录，未核对原文"
_YEARS_BEFORE_MIN = 3
_BASELINE_YEARS = 5
_NO_VARIATION = 1e-12

_Found = tuple[Verdict, str, str]


def miss_probability(kpi: KeyPerformanceIndicator, *, target: Decimal, year: int) -> float | None:
    """Give the chance of missing a target of a year if the KPI went on as in its history.

    Mean and sample deviation are those of the yearly changes of its logarithm. None where the history is shorter than
    three years, has a gap, is not above zero, or reaches the year.
    """
    history = kpi.history
    gaps = any(after.year - before.year != 1 for before, after in pairwise(history))
    if len(history) < _YEARS_BEFORE_MIN or gaps or target <= 0 or any(one.value <= 0 for one in history):
        return None
    logs = [math.log(to_float(one.value)) for one in history]
    moves = [after - before for before, after in pairwise(logs)]
    mean = math.fsum(moves) / len(moves)
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in moves) / (len(moves) - 1))
    years = year - history[-1].year
    if years <= 0:
        return None
    ratio = to_float(target) / to_float(history[-1].value)
    above = chance_of_ending_above(ratio, mean=mean, deviation=deviation, years=years)
    return above if kpi.direction is Direction.LOWER else 1 - above


def chance_of_ending_above(ratio: float, *, mean: float, deviation: float, years: int) -> float:
    """Give the chance that a lognormal KPI ends above `ratio` times where it stands.

    1 - Phi((ln ratio - mean t) / (deviation sqrt t)); one that does not vary is certain.
    """
    needed = math.log(ratio) - mean * years
    if deviation <= _NO_VARIATION:
        return 1.0 if needed < 0 else 0.0
    return 0.5 * math.erfc(needed / (deviation * math.sqrt(2 * years)))


def _ambition(inputs: IntegrityInputs) -> _Found:
    least = to_float(inputs.thresholds.miss_probability_min.decimal)
    easy, unknown, shown = [], [], []
    for observation in inputs.link.observations:
        for target in observation.targets:
            kpi = next(one for one in inputs.link.kpis if one.code == target.kpi_code)
            chance = miss_probability(kpi, target=target.value, year=observation.observation_date.year)
            name = f"{kpi.code}@{observation.number}"
            if chance is None:
                unknown.append(name)
            else:
                shown.append(f"{name} {chance:.3f}")
                if chance < least:
                    easy.append(name)
    if not shown and not unknown:
        return Verdict.UNKNOWN, "没有指标目标", "there are no targets"
    words = "、".join(shown) or "—"
    if easy:
        return Verdict.FAILED, f"按历史趋势不达标概率低于 {least:g}：{'、'.join(easy)}（{words}）", f"too easy: {words}"
    if unknown:
        return (
            Verdict.UNKNOWN,
            f"历史不足三年或有缺口：{'、'.join(unknown)}（{words}）",
            f"no history: {', '.join(unknown)}",
        )
    return Verdict.PASSED, f"按历史趋势的不达标概率：{words}", f"chance of missing as before: {words}"


def _materiality(inputs: IntegrityInputs) -> _Found:
    shares = [one.emissions_ratio for one in inputs.link.kpis]
    least = inputs.thresholds.emissions_ratio_min.decimal
    known = [one for one in shares if one is not None]
    if known and max(known) >= least:
        return Verdict.PASSED, f"最大覆盖比例 {max(known)}，要求 {least}", f"covers {max(known)} of emissions"
    if len(known) < len(shares):
        return Verdict.UNKNOWN, "指标占企业排放的比例未填", "the share of emissions is not known"
    return Verdict.FAILED, f"各指标最多覆盖 {max(known)}，低于 {least}", f"covers {max(known)} at most, below {least}"


def _two_way(inputs: IntegrityInputs) -> _Found:
    ratchet = inputs.link.ratchet
    if inputs.method is None:
        if max(ratchet.missed_bp, *(one.step_bp for one in ratchet.steps), 0) > 0:
            return Verdict.PASSED, "未达标或未提交时上浮", "the margin can rise"
        return Verdict.FAILED, "只下浮，不上浮", "the margin can only fall"
    if ratchet.is_two_way:
        return Verdict.PASSED, "经核查的结果可使利差下浮，也可上浮", "what is verified can lower and raise the margin"
    if not ratchet.can_fall:
        return Verdict.FAILED, "经核查的结果不能使利差下浮", "nothing that is verified lowers the margin"
    if ratchet.missed_bp > 0:
        return (
            Verdict.FAILED,
            "只下浮；仅未提交有效核查报告时上浮",
            "the margin can only fall, but for a report that is missing",
        )
    return Verdict.FAILED, "只下浮，不上浮", "the margin can only fall"


def _size(inputs: IntegrityInputs) -> _Found:
    largest = inputs.link.ratchet.largest_bp
    least = (inputs.thresholds.adjustment_rate_min.decimal * 10_000).normalize()
    verdict = Verdict.PASSED if largest >= least else Verdict.FAILED
    return verdict, f"最大调整 {largest} BP，要求不低于 {least:f} BP", f"moves {largest} bp at most, {least:f} wanted"


def _dates(inputs: IntegrityInputs) -> _Found:
    start, end = inputs.link.signed_on, inputs.maturity_date
    years = {one.observation_date.year for one in inputs.link.observations}
    whole = (end.year - start.year) - ((end.month, end.day) < (start.month, start.day))
    needed = max(1, whole)
    verdict = Verdict.PASSED if len(years) >= needed else Verdict.FAILED
    return verdict, f"期限内 {whole} 个完整年度，观察 {len(years)} 个年度", f"{len(years)} years observed of {whole}"


def _baseline(inputs: IntegrityInputs) -> _Found:
    worst, unknown = [], []
    for kpi in inputs.link.kpis:
        near = [one for one in kpi.history if kpi.baseline_year - _BASELINE_YEARS < one.year <= kpi.baseline_year + 1]
        others = [one.value for one in near if one.year != kpi.baseline_year]
        if len(others) < 2:
            unknown.append(kpi.code)
        elif all(not kpi.is_met(actual=kpi.baseline_value, target=value) for value in others):
            worst.append(kpi.code)
    if worst:
        return Verdict.FAILED, f"基准年为近年最差：{'、'.join(worst)}", f"the worst year was chosen: {', '.join(worst)}"
    if unknown:
        return Verdict.UNKNOWN, f"可比年度不足两年：{'、'.join(unknown)}", f"too few years: {', '.join(unknown)}"
    return Verdict.PASSED, "基准年不是近年最差", "the baseline is not the worst of recent years"


def _restated(inputs: IntegrityInputs) -> _Found:
    changed, rebased = inputs.structural_change_from, inputs.rebased_from
    if not inputs.structural_change_known:
        return Verdict.UNKNOWN, "未核实基准以来有无重组、出售或搬迁", "nobody looked for a structural change"
    if changed is None:
        return Verdict.PASSED, "经核实无重组、出售或搬迁", "there was no structural change"
    if rebased is not None and rebased >= changed:
        return Verdict.PASSED, f"{changed} 结构变化后已于 {rebased} 再基准", f"re-baselined on {rebased}"
    return Verdict.FAILED, f"{changed} 结构变化后未再基准", f"not re-baselined since {changed}"


def _verifier(inputs: IntegrityInputs) -> _Found:
    if not inputs.link.verifier_is_independent:
        return Verdict.FAILED, f"核查机构 {inputs.link.verifier} 不独立", "the verifier is not independent"
    weak = [number for number, report in inputs.reports.items() if not report.is_independent]
    if weak:
        return (
            Verdict.FAILED,
            f"第 {'、'.join(weak)} 次核查报告的核查机构不独立",
            f"reports {', '.join(weak)} are not independent",
        )
    return Verdict.PASSED, f"核查机构 {inputs.link.verifier} 独立", "the verifier is independent"


def _punctual(inputs: IntegrityInputs) -> _Found:
    late = []
    for one in inputs.link.observations:
        came = inputs.first_received.get(str(one.number), inputs.decided_on)
        if came > one.report_due_date:
            late.append(str(one.number))
    if late:
        return Verdict.FAILED, f"第 {'、'.join(late)} 次核查报告逾期或未提交", f"late or missing: {', '.join(late)}"
    return Verdict.PASSED, "核查报告均未逾期", "no report is late"


def _denominator(inputs: IntegrityInputs) -> _Found:
    """Whether a KPI that is a ratio improved while its numerator did not: only its denominator grew."""
    ratios = [one for one in inputs.link.kpis if one.is_intensity]
    if not ratios:
        return Verdict.PASSED, "没有强度类指标", "no KPI is a ratio"
    reports = [inputs.reports[number] for number in sorted(inputs.reports, key=int)]
    doubtful, unknown = [], []
    for kpi in ratios:
        said = [value for report in reports for value in report.values if value.kpi_code == kpi.code]
        full = [(value.value, value.denominator) for value in said if value.denominator is not None]
        if len(full) < 2:
            unknown.append(kpi.code)
            continue
        (first, first_base), (last, last_base) = full[0], full[-1]
        improved = kpi.is_met(actual=last, target=first) and last != first
        if improved and not kpi.is_met(actual=last * last_base, target=first * first_base):
            doubtful.append(kpi.code)
    if doubtful:
        return (
            Verdict.FAILED,
            f"仅因分母增长而改善：{'、'.join(doubtful)}",
            f"only the denominator grew: {', '.join(doubtful)}",
        )
    if unknown:
        return (
            Verdict.UNKNOWN,
            f"载明分母的核查报告不足两份：{'、'.join(unknown)}",
            f"no denominators: {', '.join(unknown)}",
        )
    return Verdict.PASSED, "分子同步改善", "the numerator improved as well"


def _green_power(inputs: IntegrityInputs) -> _Found:
    twice = inputs.claims.green_power_counted_twice
    if twice is None:
        return Verdict.UNKNOWN, "碳账户没有市场化绿电的核减记录", "no account says how green power is counted"
    if twice:
        return (
            Verdict.FAILED,
            "市场化绿电既核减排放又计入绿电比例",
            "green power is taken off emissions and counted as a share",
        )
    return Verdict.PASSED, "绿电未重复计算", "green power is counted once"


def _sleeping(inputs: IntegrityInputs) -> _Found:
    drawn, signed = inputs.first_drawdown, inputs.link.signed_on
    most = inputs.thresholds.sleeping_months_max.integer
    if drawn is None or drawn >= signed:
        return Verdict.PASSED, "目标在提款前设定", "targets were set before the first drawdown"
    months = (signed.year - drawn.year) * 12 + signed.month - drawn.month - (signed.day < drawn.day)
    verdict = Verdict.PASSED if months < most or (months == most and signed.day == drawn.day) else Verdict.FAILED
    return (
        verdict,
        f"提款 {drawn}，{signed} 设定目标，相隔 {months} 个月，上限 {most}",
        f"{months} months asleep, {most} at most",
    )


def _claimed_once(inputs: IntegrityInputs) -> _Found:
    others = inputs.claims.claimed_elsewhere
    if others:
        return Verdict.FAILED, f"同一减排量另有主张：{'、'.join(others)}", f"claimed as well by {', '.join(others)}"
    if inputs.claims.registered is not None:
        return _claimed_once_by_register(inputs.claims.registered, looked_beyond=others is not None)
    if others is None:
        return Verdict.UNKNOWN, "借款人没有登记减排量主张", "no claim of the borrower's cuts is registered"
    return Verdict.PASSED, "减排量只主张一次", "the cut is claimed once"


def _claimed_once_by_register(registered: RegisteredClaims, *, looked_beyond: bool) -> _Found:
    """Whether what the register holds leaves the link's cut to the link, and nobody beyond it claims the same."""
    over, unshared = registered.overclaimed(), registered.unshared()
    years = registered.years
    if over:
        zh, en = claim_words(over)
        return Verdict.FAILED, f"主张合计超过措施减排量：{zh}", f"more is claimed than was cut: {en}"
    if unshared:
        zh, en = claim_words(unshared)
        return (
            Verdict.UNKNOWN,
            f"登记中另有主张，本合同借据未登记其份额，不能排除同一减排量：{zh}",
            f"others claim cuts of which no note of this contract holds a share; they may be the same: {en}",
        )
    count = len(registered.standing)
    held_zh = f"本行登记 {years} 年有 {count} 项主张，均不超过措施减排量" if count else f"本行登记 {years} 年无主张"
    held_en = (
        f"the register holds {count} claims of {years}, within each cut"
        if count
        else f"the register holds no claim of {years}"
    )
    if not looked_beyond:
        return (
            Verdict.UNKNOWN,
            f"{held_zh}；登记以外（他行贷款、已售减排量）未核实",
            f"{held_en}; nobody looked beyond it (other banks' loans, credits sold)",
        )
    return Verdict.PASSED, f"{held_zh}；登记以外经核实无主张", f"{held_en}; none was found beyond it"


def _bonus(inputs: IntegrityInputs) -> _Found:
    if inputs.link.bonus_depends is None:
        return Verdict.UNKNOWN, "未说明本行绩效是否与此类贷款笔数挂钩", "not stated"
    if inputs.link.bonus_depends:
        return Verdict.FAILED, "本行绩效与此类贷款笔数挂钩，存在利益冲突", "bonus hangs on the number of such loans"
    return Verdict.PASSED, "本行绩效不与此类贷款笔数挂钩", "no bonus hangs on it"


CHECKS: tuple[tuple[str, str, str, str, Callable[[IntegrityInputs], _Found]], ...] = (
    ("ambition", "目标严于延续历史趋势", "Targets beyond business as usual", SLLP, _ambition),
    ("materiality", "指标覆盖主要排放", "KPIs are material", SLLP, _materiality),
    ("two-way", "利差双向调整", "The margin moves both ways", FCA, _two_way),
    ("size", "调整幅度有意义", "The move is worth something", FCA, _size),
    ("dates", "观察日覆盖各年度", "Observed at least yearly", SLLP, _dates),
    ("baseline", "基准年不取最差年份", "Baseline not the worst year", SLLP, _baseline),
    ("restatement", "结构变化后再基准", "Re-baselined after a structural change", LMA, _restated),
    ("verifier", "核查机构独立", "Independent verifier", SLLP, _verifier),
    ("punctuality", "核查报告按期提交", "Reports in time", LMA, _punctual),
    ("denominator", "改善不仅来自分母", "Not through the denominator alone", SLLP, _denominator),
    ("green-power", "绿电不重复计算", "Green power counted once", SLLP, _green_power),
    ("sleeping", "不使用沉睡标签", "Label not asleep", SLLP, _sleeping),
    ("single-claim", "减排量只主张一次", "A cut claimed once", SLLP, _claimed_once),
    ("bonus", "绩效无利益冲突", "No conflict through bonuses", FCA, _bonus),
)
