"""The report of a rating by the scorecard (碳评级报告) as a document: result, build-up, peers, reasons, sources."""

import json
from datetime import datetime
from decimal import Decimal

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import (
    Align,
    Column,
    Note,
    Paragraphs,
    Row,
    Section,
    Sheet,
    StepKind,
    Table,
    Term,
    TermGrid,
    Verification,
    Waterfall,
    WaterfallStep,
)
from carbonfin.rules.record import canonical
from loans.calc.ratings.explanation import Lift
from loans.calc.ratings.peers import PeerStanding
from loans.calc.ratings.rating import ScorecardRating
from loans.calc.ratings.scorecard_decision import ScorecardInputs, ScorecardOutcome
from loans.workbooks.rating_charts import peers_chart

TITLE_ZH, TITLE_EN = "碳评级报告", "Carbon rating report"
SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
CONFIDENCE_ZH = {"high": "高", "medium": "中", "low": "低"}
OBJECTION_ZH = (
    "企业对本报告所用数据或结果有异议的，可凭材料向出具机构书面提出。"
    "经核实的更正以新的知悉日另录一版并重新评级，原数据与原评级保留，不作改动。"
)
DISCLAIMER = (
    "本报告按本系统自有方法出具，非深圳企业碳账户评级；降碳贷利率依据外部碳评级报告，不依据本报告。"
    "Made by the system's own method; the loan's rate follows the outside report, not this one."
)
_FULL = Decimal(100)
_UNITS_ZH = {"count": "", "months": "个月"}
_UNITS_EN = {"count": ""}


def points_steps(rating: ScorecardRating) -> tuple[WaterfallStep, ...]:
    """Give the points as a waterfall: from 100 down by what each line costs, and by a gate's ceiling, to the result."""
    steps = [_level("满分", "Full", _FULL)]
    running = _FULL
    for line in rating.factors:
        cost = line.points - line.points_max
        running += cost
        steps.append(_change(line.title_zh, line.title_en, cost, f"{line.points}／{line.points_max}"))
    assert rating.points is not None, "a refused rating has no waterfall"
    if running != rating.points:
        steps.append(_change("封顶（一票限制）", "Ceiling of a gate", rating.points - running, ""))
    return (*steps, _level("得分", "Points", rating.points))


def _level(label_zh: str, label_en: str, amount: Decimal) -> WaterfallStep:
    return WaterfallStep(label_zh=label_zh, label_en=label_en, amount=amount, text=str(amount), kind=StepKind.LEVEL)


def _change(label_zh: str, label_en: str, amount: Decimal, note: str) -> WaterfallStep:
    text = f"{amount:+.2f}".replace("-", "−")
    return WaterfallStep(
        label_zh=label_zh, label_en=label_en, amount=amount, text=text, kind=StepKind.CHANGE, note=note
    )


def rating_report(
    inputs: ScorecardInputs,
    outcome: ScorecardOutcome,
    standing: PeerStanding | None,
    *,
    producer: str,
    decision_id: str,
    digest: str,
    is_sample: bool,
    verification: Verification,
) -> Sheet:
    """Give a rating as a document.

    Args:
        inputs: What the rating was made of.
        outcome: The rating.
        standing: Its place among peers; None where no group applies.
        producer: Who issues the report.
        decision_id: The rating's decision, by which it is numbered.
        digest: Digest of that decision, printed in every footer.
        is_sample: Whether the figures are made up.
        verification: How a reader checks that it was issued.
    """
    rating = outcome.rating
    reasons = Paragraphs(
        title_zh="影响最大的三项", title_en="What costs most",
        texts=tuple(reason.text_zh for reason in outcome.reasons) or ("各项均为满分",),
    )  # fmt: skip
    # A chart is never split over pages: what is short stands before it, so that the first page says why.
    told: list[Section] = [reasons]
    if outcome.point_lifts or outcome.letter_lifts:
        told.append(_lifts(outcome))
    built = _build_up(rating)
    sections: list[Section] = [_result(inputs, outcome, producer)]
    sections += [built, *told] if rating.points is None else [*told, built]
    if standing is not None:
        drawn = peers_chart(inputs, rating, standing, language="zh")
        sections += [drawn.figure(title_zh="同业比较", title_en="Peers"), _peers(rating, standing)]
    sections.append(_sources(inputs, outcome))
    sections.append(Paragraphs(title_zh="异议与更正", title_en="Objection and correction", texts=(OBJECTION_ZH,)))
    return Sheet(
        title_zh=TITLE_ZH,
        title_en=TITLE_EN,
        subtitle=f"{inputs.name} · {inputs.current.year} 年度",
        number=decision_id,
        version="1",
        digest=digest,
        banner=SAMPLE_BANNER if is_sample else None,
        issued_on=inputs.rated_on,
        sections=tuple(sections),
        notes=(
            Note(text="权重、折点、等级下限与门槛均为方法自定，尚未经本行批准替换的，标为未确认", unconfirmed=True),
        ),
        disclaimer=DISCLAIMER,
        verification=verification,
    )


def _build_up(rating: ScorecardRating) -> Waterfall | Paragraphs:
    """Give how the points are built, or what kept it from being rated."""
    if rating.points is not None:
        return Waterfall(
            title_zh="得分是怎样得出的", title_en="How the points are built", unit="分",
            steps=points_steps(rating), source=rating.method_zh, less_is_better=False,
        )  # fmt: skip
    lacking = [*(one.zh for one in rating.missing), *(gate.title_zh for gate in rating.gates)]
    return Paragraphs(title_zh="未予评级", title_en="Not rated", texts=tuple(lacking) or ("数据不足",))


def rating_report_pdf(document: Sheet, inputs: ScorecardInputs, *, created_at: datetime) -> bytes:
    """Set the report as PDF with the decision's inputs attached."""
    values = json.dumps(canonical(inputs), ensure_ascii=False, sort_keys=True, indent=1)
    return render_pdf(
        document, attachments={"inputs.json": values.encode()}, created_at=created_at.replace(microsecond=0)
    )


def _result(inputs: ScorecardInputs, outcome: ScorecardOutcome, producer: str) -> TermGrid:
    rating = outcome.rating
    items = (
        ("企业", "Enterprise", inputs.name), ("统一社会信用代码", "USCI", inputs.usci),
        ("等级", "Letter", rating.letter or "未予评级"), ("得分", "Points", _text(rating.points)),
        ("减排指标得分", "Emission-cut score", _text(rating.cut_points)),
        ("数据覆盖率", "Coverage", f"{rating.coverage_ratio * 100:.2f}%"),
        ("可信度", "Confidence", CONFIDENCE_ZH[rating.confidence]),
        ("排放量（吨）", "Emissions (t)", "未知" if outcome.current is None else str(outcome.current.emissions_t)),
        ("评级日", "Rated on", inputs.rated_on.isoformat()), ("有效期至", "Valid to", rating.valid_to.isoformat()),
        ("方法", "Method", rating.method_zh), ("出具机构", "Producer", producer),
    )  # fmt: skip
    return TermGrid(
        title_zh="评级结果",
        title_en="Result",
        items=tuple(
            Term(label_zh=zh, label_en=en, value=value, wide=zh in {"方法", "出具机构"}) for zh, en, value in items
        ),
    )


def _peers(rating: ScorecardRating, standing: PeerStanding) -> Table:
    own = "未知" if standing.own is None else str(standing.own)
    better = "—" if standing.better_ratio is None else f"{standing.better_ratio * 100:.2f}%"
    return Table(
        title_zh=f"同业分位（基准 {rating.benchmark_id}，组 {rating.peer_group}，{rating.peer_count} 家）",
        title_en="Quantiles of peers",
        columns=(
            Column(label_zh="分位", label_en="Quantile"),
            Column(label_zh="碳强度", label_en="Intensity", unit="吨／万元", align=Align.RIGHT),
        ),
        rows=(
            *(Row(cells=(f"{percent}%", str(value))) for percent, value in standing.quantiles),
            Row(cells=("本企业", own)),
        ),
        caption=f"碳强度高于本企业的同业占比：{better}",
    )


def _lifts(outcome: ScorecardOutcome) -> Table:
    return Table(
        title_zh="怎样可以提升",
        title_en="What would lift it",
        columns=(
            Column(label_zh="改变", label_en="Change"),
            Column(label_zh="得分", label_en="Points", align=Align.RIGHT),
            Column(label_zh="等级", label_en="Letter"),
        ),
        rows=tuple(
            Row(cells=(lift_words(lift), str(lift.points), lift.letter))
            for lift in (*outcome.point_lifts, *outcome.letter_lifts)
        ),
    )


def lift_words(lift: Lift) -> str:
    """Say the changes of a lift; a level has no unit."""
    return "；".join(
        f"{one.title_zh} {one.before:,} → {one.after:,} {_UNITS_ZH.get(one.unit, one.unit)}".strip()
        for one in lift.changes
    )


def lift_words_en(lift: Lift) -> str:
    """Say the same in English."""
    return "; ".join(
        f"{one.title_en} {one.before:,} → {one.after:,} {_UNITS_EN.get(one.unit, one.unit)}".strip()
        for one in lift.changes
    )


def _sources(inputs: ScorecardInputs, outcome: ScorecardOutcome) -> TermGrid:
    rating, current = outcome.rating, outcome.current
    factor = "未知" if current is None else f"{current.grid_factor_id} {current.grid_factor_year} 年"
    return TermGrid(
        title_zh="数据与方法依据",
        title_en="Sources",
        items=(
            Term(label_zh="数据来源", label_en="Data", value="、".join(inputs.current.sources), wide=True),
            Term(label_zh="电网因子", label_en="Grid factor", value=factor),
            Term(label_zh="清缴依据", label_en="Surrender", value=inputs.surrender.source or "未知"),
            Term(label_zh="行业基准来源", label_en="Benchmark", value=inputs.benchmark.source, wide=True),
            Term(label_zh="基准摘要", label_en="Benchmark digest", value=rating.benchmark_digest, wide=True),
            Term(label_zh="参数摘要", label_en="Parameter digest", value=rating.scorecard_digest, wide=True),
        ),
    )


def _text(value: Decimal | None) -> str:
    return "—" if value is None else str(value)
