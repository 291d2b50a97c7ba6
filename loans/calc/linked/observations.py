"""An observation decided (观察认定): met, missed, late or not received, and where the margin's adjustment stands after.

level = clip(step, floor, cap), or clip(level before + step, floor, cap) where the ratchet is cumulative. The step is
the answer of the link's own table. What is not there counts as missed; what is there and does not say what the table
asks leaves the observation undecided.
"""

from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import MissingData
from carbonfin.rules.decide import NotDecided
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.row_figures import row_use, tried_words
from carbonfin.rules.trace import Figure, checked_trace
from carbonfin.rules.whole_trace import TableAsked
from loans.calc.jiangtandai import concession_bp
from loans.calc.linked.agreements import ASSURANCE_EN, ASSURANCE_ZH, Assurance
from loans.calc.linked.observation_figures import (
    counts_figure,
    fact_figures,
    given_figures,
    kpi_figures,
    level_figures,
    step_formula,
)
from loans.calc.linked.observation_terms import KpiResult, ObservationInputs, ObservationResult, ObservationStatus
from loans.calc.linked.ratchet_terms import RatchetKind
from loans.calc.linked.ratchets import LATE_EN, LATE_ZH, SHARE_OUTPUT, STEP_OUTPUT, LateReport, RatchetForm


def decide_observation(inputs: ObservationInputs) -> ObservationResult:
    """Decide an observation by the documents at hand and the link's table.

    Raises:
        MissingData: The report counts, and lacks the grade or score the table asks for.
    """
    figures = given_figures(inputs)
    late = inputs.is_late
    refused = _kept_out(inputs, late=late)
    counts = refused is None
    kpis = _kpi_results(inputs)
    figures += kpi_figures(inputs, kpis)
    figures.append(counts_figure(inputs, refused))
    step, table_figures = _step(inputs, counts=counts, met_count=sum(one.is_met for one in kpis))
    figures += table_figures
    level = _clipped(inputs, step)
    applies_after = _applies_after(inputs, late=late, counts=counts)
    moves_on = applies_after > inputs.observation.report_due_date
    interim = _clipped(inputs, Decimal(inputs.link.ratchet.missed_bp)) if moves_on else None
    figures += level_figures(inputs, level, applies_after, interim)
    status = _status(inputs, kpis, late=late, counts=counts)
    why_zh, why_en = refused or _late_words(inputs, late=late)
    return ObservationResult(
        status=status,
        counts=counts,
        why_zh=why_zh,
        why_en=why_en,
        kpis=kpis,
        step_bp=step,
        interim_bp=interim,
        level_bp=level,
        applies_after=applies_after,
        trace=checked_trace(figures),
    )


def tables_asked_of_observation(inputs: ObservationInputs) -> tuple[TableAsked, ...]:
    """Give the link's table with what it was asked."""
    counts = _kept_out(inputs, late=inputs.is_late) is None
    met = sum(one.is_met for one in _kpi_results(inputs))
    return (TableAsked(table=inputs.table, facts=_facts(inputs, counts=counts, met_count=met)),)


def _kept_out(inputs: ObservationInputs, *, late: bool) -> tuple[str, str] | None:
    """Give why the report does not count, or None where it does."""
    report, link = inputs.report, inputs.link
    due = inputs.observation.report_due_date
    if report is None:
        return f"核查截止日 {due} 前未提交核查报告", f"no report by {due}"
    if not (report.is_independent and link.verifier_is_independent):
        return "核查机构不独立", "the verifier is not independent"
    if report.verifier.strip() != link.verifier.strip():
        return f"核查机构 {report.verifier} 不是约定的 {link.verifier}", f"{report.verifier} is not {link.verifier}"
    if report.assurance is Assurance.LIMITED and link.assurance is Assurance.REASONABLE:
        needed = link.assurance
        return f"保证程度低于{ASSURANCE_ZH[needed]}", f"assurance is below {ASSURANCE_EN[needed]}"
    if report.valid_to is not None and report.valid_to < due:
        return f"评级有效期至 {report.valid_to}，已失效", f"the rating expired on {report.valid_to}"
    if link.needs_certificate and inputs.certificate is None:
        return "缺少可持续合规证明", "the compliance certificate is missing"
    if late and link.ratchet.late is LateReport.MISSED:
        return f"文件于 {inputs.complete_date} 齐备，逾期视为未达标", f"complete on {inputs.complete_date}, too late"
    return None


def _late_words(inputs: ObservationInputs, *, late: bool) -> tuple[str, str]:
    if not late:
        return "", ""
    rule, on = inputs.link.ratchet.late, inputs.complete_date
    return f"文件于 {on} 齐备，逾期；{LATE_ZH[rule]}", f"complete on {on}, late; {LATE_EN[rule]}"


def _kpi_results(inputs: ObservationInputs) -> tuple[KpiResult, ...]:
    kpis = {one.code: one for one in inputs.link.kpis}
    results = []
    for target in inputs.observation.targets:
        actual = None if inputs.report is None else inputs.report.value_of(target.kpi_code)
        met = actual is not None and kpis[target.kpi_code].is_met(actual=actual, target=target.value)
        results.append(KpiResult(kpi_code=target.kpi_code, target=target.value, actual=actual, is_met=met))
    return tuple(results)


def _facts(inputs: ObservationInputs, *, counts: bool, met_count: int) -> dict[str, object]:
    facts: dict[str, object] = {"report_counts": counts}
    report, ratchet = inputs.report, inputs.link.ratchet
    if ratchet.form is RatchetForm.KPI_COUNT:
        facts["met_count"] = met_count
    elif report is not None and ratchet.form is RatchetForm.GRADES and report.grade is not None:
        facts["grade"] = report.grade
    elif report is not None and ratchet.points is not None and report.score is not None:
        facts["points_over_base"] = report.score - ratchet.points.base_score
    return facts


def _step(inputs: ObservationInputs, *, counts: bool, met_count: int) -> tuple[Decimal, list[Figure]]:
    facts = _facts(inputs, counts=counts, met_count=met_count)
    compiled = inputs.table.compiled
    said = compiled.decide(facts)
    if isinstance(said, NotDecided):
        names = [one.name for one in said.missing] or ["report"]
        raise MissingData(
            f"the report counts, and the ratchet cannot be read without {', '.join(names)}",
            zh=f"核查报告有效，但缺少利差挂钩表所需的{_asked_zh(inputs)}，或其取值不在表内", field=names[0],
            remedy="Hand in a report that states it.", remedy_zh="请补交载明该项的核查报告。",
        )  # fmt: skip
    outcome = said.outcomes[0]
    answers = dict(zip([one.name for one in compiled.table.outputs], outcome.outputs, strict=True))
    known = fact_figures(inputs, facts)
    zh, en = tried_words(compiled.table, said)
    row = Figure(
        name="ratchet_row", label_zh="适用的规则行", label_en="Row of the ratchet that answers", value=outcome.row_id,
        unit="code", inputs=("report_counts", *(one.name for one in known)), source=outcome.clause.document,
        parameter=row_use(inputs.table, outcome), note_zh=zh, note_en=en,
    )  # fmt: skip
    step = Decimal(answers[STEP_OUTPUT])
    points = inputs.link.ratchet.points
    if answers[SHARE_OUTPUT] and points is not None and inputs.report is not None and inputs.report.score is not None:
        earned = concession_bp(
            score=inputs.report.score, base_score=points.base_score, bp_per_point=points.bp_per_point,
            cap_bp=points.cap_bp, fraction=points.fraction,
        )  # fmt: skip
        step += Decimal(answers[SHARE_OUTPUT]) * earned
    moved = Figure(
        name="step_bp", label_zh="本次利差调整", label_en="Step", value=format(step, "f"), unit="bp",
        formula=step_formula(inputs), inputs=(row.name, *(one.name for one in known)),
    )  # fmt: skip
    return step, [*known, row, moved]


def _asked_zh(inputs: ObservationInputs) -> str:
    names = {RatchetForm.GRADES: "评级等级", RatchetForm.POINTS: "得分", RatchetForm.KPI_COUNT: "达标指标数"}
    return names[inputs.link.ratchet.form]


def _clipped(inputs: ObservationInputs, step: Decimal) -> Decimal:
    ratchet = inputs.link.ratchet
    level = inputs.level_before_bp + step if ratchet.kind is RatchetKind.CUMULATIVE else step
    if ratchet.floor_bp is not None:
        level = max(level, Decimal(ratchet.floor_bp))
    return level if ratchet.cap_bp is None else min(level, Decimal(ratchet.cap_bp))


def _applies_after(inputs: ObservationInputs, *, late: bool, counts: bool) -> date:
    moves_on = late and counts and inputs.link.ratchet.late is LateReport.NEXT_PERIOD
    complete = inputs.complete_date
    return complete if moves_on and complete is not None else inputs.observation.report_due_date


def _status(inputs: ObservationInputs, kpis: tuple[KpiResult, ...], *, late: bool, counts: bool) -> ObservationStatus:
    if inputs.report is None:
        return ObservationStatus.NOT_RECEIVED
    if late:
        return ObservationStatus.LATE
    return ObservationStatus.MET if counts and all(one.is_met for one in kpis) else ObservationStatus.MISSED


OBSERVATION_KIND: DecisionKind[ObservationInputs, ObservationResult] = DecisionKind(
    name="loans.observation", version="1", inputs=ObservationInputs, outputs=ObservationResult,
    decide=decide_observation,
)  # fmt: skip
