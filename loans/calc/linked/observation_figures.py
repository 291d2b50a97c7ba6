"""The figures behind an observation: its dates and report, each KPI against its target, and the adjustment after."""

from datetime import date
from decimal import Decimal

from carbonfin.rules.trace import Figure
from loans.calc.linked.observation_terms import KpiResult, ObservationInputs
from loans.calc.linked.ratchet_terms import RatchetKind


def given_figures(inputs: ObservationInputs) -> list[Figure]:
    """Give the dates the decision rests on, and the report."""
    observation, report = inputs.observation, inputs.report
    source = f"{inputs.link.document} {inputs.link.number} 第 {inputs.link_revision} 版"
    figures = [
        Figure(
            name="observation_date", label_zh="观察日", label_en="Observation date", unit="date", source=source,
            value=observation.observation_date.isoformat(),
        ),
        Figure(
            name="report_due_date", label_zh="核查截止日", label_en="Report due", unit="date", source=source,
            value=observation.report_due_date.isoformat(),
        ),
    ]  # fmt: skip
    if report is not None:
        figures.append(
            Figure(
                name="report_received_date", label_zh="核查报告收到日", label_en="Report received", unit="date",
                value=report.received_date.isoformat(),
                note_zh=f"第 {report.version} 版 {report.correction_reason}".strip(),
                note_en=f"version {report.version}",
                source=f"{report.verifier} {report.report_date.isoformat()} 附件 {report.evidence_digest[:12]}",
            )
        )  # fmt: skip
    return figures


def kpi_figures(inputs: ObservationInputs, kpis: tuple[KpiResult, ...]) -> list[Figure]:
    """Give each KPI: target, verified value, and whether it is met."""
    names = {one.code: one for one in inputs.link.kpis}
    figures = []
    for one in kpis:
        kpi = names[one.kpi_code]
        target = Figure(
            name=f"target.{kpi.code}", label_zh=f"{kpi.name}目标值", label_en=f"Target of {kpi.code}",
            value=format(one.target, "f"), unit=kpi.unit, source=inputs.link.document,
        )  # fmt: skip
        known = one.actual is not None
        actual = Figure(
            name=f"actual.{kpi.code}", label_zh=f"{kpi.name}核查值", label_en=f"Verified value of {kpi.code}",
            value=format(one.actual, "f") if one.actual is not None else "未载明", unit=kpi.unit if known else "code",
            source="" if inputs.report is None else inputs.report.verifier, note_zh="" if known else "缺失视为未达标",
            note_en="" if known else "missing counts as missed",
        )  # fmt: skip
        sign = "<=" if kpi.direction == "lower" else ">="
        met = Figure(
            name=f"met.{kpi.code}", label_zh=f"{kpi.name}是否达标", label_en=f"{kpi.code} met", unit="code",
            value=str(one.is_met).lower(), formula=f"verified value {sign} target", inputs=(actual.name, target.name),
        )  # fmt: skip
        figures += [target, actual, met]
    return figures


def fact_figures(inputs: ObservationInputs, facts: dict[str, object]) -> list[Figure]:
    """Give what the ratchet's table asks."""
    report = inputs.report
    said = "" if report is None else f"{report.verifier} {report.report_date.isoformat()}"
    if "grade" in facts:
        return [
            Figure(
                name="grade", label_zh="评级等级", label_en="Grade", value=str(facts["grade"]), unit="code", source=said
            )
        ]
    if "met_count" in facts:
        targets = tuple(f"met.{one.kpi_code}" for one in inputs.observation.targets)
        return [
            Figure(
                name="met_count", label_zh="达标指标数", label_en="KPIs met", value=str(facts["met_count"]),
                unit="count", formula="number of KPIs met", inputs=targets,
            )
        ]  # fmt: skip
    if "points_over_base" not in facts or inputs.link.ratchet.points is None or report is None:
        return []
    return [
        Figure(
            name="score", label_zh="得分", label_en="Score", value=format(report.score or 0, "f"), unit="points",
            source=said,
        ),
        Figure(
            name="base_score", label_zh="基准分值", label_en="Base score", unit="points",
            value=format(inputs.link.ratchet.points.base_score, "f"), source=inputs.link.document,
        ),
        Figure(
            name="points_over_base", label_zh="超出基准分值的分数", label_en="Points over the base",
            value=str(facts["points_over_base"]), unit="points", formula="score - base",
            inputs=("score", "base_score"),
        ),
    ]  # fmt: skip


def counts_figure(inputs: ObservationInputs, refused: tuple[str, str] | None) -> Figure:
    """Say whether the report counts, and if not why."""
    received = ("report_received_date",) if inputs.report is not None else ()
    return Figure(
        name="report_counts", label_zh="核查报告有效", label_en="Verification report counts", unit="code",
        value=str(refused is None).lower(), formula="independent, assured enough, not expired, certified, in time",
        inputs=("report_due_date", *received), note_zh="" if refused is None else refused[0],
        note_en="" if refused is None else refused[1],
    )  # fmt: skip


def level_figures(
    inputs: ObservationInputs, level: Decimal, applies_after: date, interim: Decimal | None
) -> list[Figure]:
    """Give where the adjustment stands after, and from when."""
    ratchet = inputs.link.ratchet
    cumulative = ratchet.kind is RatchetKind.CUMULATIVE
    before = Figure(
        name="level_before_bp", label_zh="上次认定后的利差调整", label_en="Adjustment before", unit="bp",
        value=format(inputs.level_before_bp, "f"), source="上次观察认定",
    )  # fmt: skip
    lower = "none" if ratchet.floor_bp is None else str(ratchet.floor_bp)
    upper = "none" if ratchet.cap_bp is None else str(ratchet.cap_bp)
    moved = "before + step" if cumulative else "step"
    return [
        *((before,) if cumulative else ()),
        Figure(
            name="level_bp", label_zh="认定后的利差调整", label_en="Adjustment after", unit="bp",
            value=format(level, "f"),
            formula=f"min(cap {upper}, max(floor {lower}, {moved}))",
            inputs=("step_bp", *((before.name,) if cumulative else ())),
        ),
        *_interim_figures(inputs, interim),
        Figure(
            name="applies_after", label_zh="自此日或以后开始的首个计息期起适用",
            label_en="Applies from the first period on or after",
            value=applies_after.isoformat(), unit="date",
            inputs=("report_due_date", *(("report_received_date",) if inputs.report is not None else ())),
            formula="report due date; the day it came where a late report counts from the next period",
        ),
    ]  # fmt: skip


def step_formula(inputs: ObservationInputs) -> str:
    """Write how the step comes about."""
    points = inputs.link.ratchet.points
    if points is None:
        return "the row's output"
    return (
        f"row's step - share x min({points.cap_bp}, {points.fraction}(points over {points.base_score})"
        f" x {points.bp_per_point})"
    )


def _interim_figures(inputs: ObservationInputs, interim: Decimal | None) -> tuple[Figure, ...]:
    if interim is None:
        return ()
    return (
        Figure(
            name="interim_bp", label_zh="截止日后至此的利差调整（视为未提交）",
            label_en="Adjustment until then, as not received",
            value=format(interim, "f"), unit="bp", formula="the step without a report, within floor and cap",
            inputs=("report_due_date",), source=inputs.link.document,
        ),
    )  # fmt: skip
