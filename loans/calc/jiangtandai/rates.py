"""The emission-cut loan's rate (降碳贷): LPR + margin - concession by points over the bank's base, capped, floored.

concession = -share x min(cap, max(0, floor(score - base)) x bp per point)
executed = max(LPR + margin + concession, all-in floor)

The formula is public (南财观察 2024-07: each point over the base is one BP, with a cap); base and cap are a bank's own.
The table `loans.concession_points` says to what share the points count: not at all where the report has expired.
Where the bank has a concession table of its own for the day, that table answers in place of the formula; cap and floor
hold either way.
"""

import math
from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import rate_plus_bp
from carbonfin.rules.decide import NotDecided
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.row_hits import RowHit
from carbonfin.rules.trace import checked_trace
from carbonfin.rules.whole_trace import TableAsked
from loans.calc.jiangtandai.concession_tables import by_table, missing_of, table_concession, table_facts
from loans.calc.jiangtandai.figures import build_up_figures, executed_figure, points_figure
from loans.calc.jiangtandai.points_tables import ROW_FIGURE, points_share, share_of
from loans.calc.jiangtandai.terms import (
    MISSING_REPORT,
    MISSING_SCORE,
    Concession,
    ConcessionReason,
    PointFraction,
    RateDecision,
    RateInputs,
    RateStatus,
    RatingReport,
)


def concession_bp(
    *, score: Decimal, base_score: Decimal, bp_per_point: Decimal, cap_bp: Decimal, fraction: PointFraction
) -> Decimal:
    """Give the concession in bp, zero or negative: -min(cap, max(0, points) x bp per point).

    Raises:
        InvalidInput: The cap or the bp per point is negative.
    """
    if cap_bp < 0 or bp_per_point < 0:
        raise InvalidInput("cap and bp per point must not be negative", zh="封顶与每分优惠不能为负", field="cap_bp")
    points = max(Decimal(0), score - base_score)
    if fraction is PointFraction.FLOOR:
        points = Decimal(math.floor(points))
    earned = min(cap_bp, points * bp_per_point)
    return -earned if earned else Decimal(0)


def decide_rate(inputs: RateInputs) -> RateDecision:
    """Decide the executed rate with its full trace.

    An input that is missing leaves the rate not decided, naming the field; an expired report earns nothing.

    Raises:
        InvalidInput: The score exceeds the scale, or a parameter is out of range.
    """
    figures = build_up_figures(inputs)
    _refuse_score_above_scale(inputs)
    table = inputs.concession_table
    concession = _by_points(inputs) if table is None else by_table(inputs, table)
    figures += concession.figures
    decided = _with_concession(inputs, concession)
    if decided.executed_rate is not None:
        figures.append(executed_figure(decided.executed_rate))
    return replace(decided, trace=checked_trace(figures))


def rate_without_trace(inputs: RateInputs) -> tuple[RateDecision, RowHit | None]:
    """Decide the very rate `decide_rate` decides, without its trace, as batches do.

    Returns:
        The decision with an empty trace, and the row that answered with the rows that fitted; None where no table was
        asked.

    Raises:
        InvalidInput: As `decide_rate`.
    """
    _refuse_score_above_scale(inputs)
    concession, hit = _concession_alone(inputs)
    return _with_concession(inputs, concession), hit


def _with_concession(inputs: RateInputs, concession: Concession) -> RateDecision:
    """Give the rate a concession leads to, its trace still empty."""
    before = rate_plus_bp(inputs.lpr.rate, inputs.margin_bp)
    floor_rate = inputs.terms.floor_rate.decimal
    executed = None if concession.bp is None else rate_plus_bp(before, concession.bp)
    return RateDecision(
        status=RateStatus.NOT_DECIDED if executed is None else RateStatus.DECIDED,
        missing=concession.missing,
        rate_before_concession=before,
        executed_rate_without_concession=max(before, floor_rate),
        concession_bp=concession.bp,
        reason=concession.reason,
        floor_applied=executed is not None and executed < floor_rate,
        executed_rate=None if executed is None else max(executed, floor_rate),
        trace=(),
    )


def _concession_alone(inputs: RateInputs) -> tuple[Concession, RowHit | None]:
    """Give the concession without its figures, and what the table that was asked said of its rows."""
    report, table = inputs.report, inputs.concession_table or inputs.points_table
    if inputs.concession_table is None and (report is None or report.score is None or table is None):
        return _by_points(inputs), None
    if inputs.concession_table is not None and report is not None and report.valid_to < inputs.applies_from:
        return Concession(bp=Decimal(0), reason=ConcessionReason.REPORT_EXPIRED), None
    assert table is not None, "one of the tables is asked"
    compiled = table.compiled
    said = compiled.decide(table_facts(inputs))
    hit = RowHit.of(said)
    if inputs.concession_table is not None:
        return table_concession(inputs, compiled.table, said), hit
    if isinstance(said, NotDecided):
        return Concession(missing=missing_of(inputs, compiled.table, said)), hit
    assert report is not None, "points are those of a report"
    assert report.score is not None, "points are counted of a score"
    bp, reason = _points_earned(inputs, report, report.score, share=share_of(compiled.table, said))
    return Concession(bp=bp, reason=reason), hit


def tables_asked(inputs: RateInputs) -> tuple[TableAsked, ...]:
    """Give the table the rate rests on with what it was asked, or why it was not asked."""
    report, table = inputs.report, inputs.concession_table or inputs.points_table
    if table is None:
        return ()
    if inputs.concession_table is not None and report is not None and report.valid_to < inputs.applies_from:
        zh = f"报告有效期至 {report.valid_to}，早于计息起始日 {inputs.applies_from}：无利率优惠"
        en = f"the report ran to {report.valid_to}, before interest runs from {inputs.applies_from}: no concession"
        return (TableAsked(table=table, not_asked_zh=zh, not_asked_en=en),)
    if inputs.concession_table is None and (report is None or report.score is None):
        return (
            TableAsked(
                table=table, not_asked_zh="没有碳评级报告或得分",
                not_asked_en="there is no rating report, or none with a score",
            ),
        )  # fmt: skip
    return (TableAsked(table=table, facts=table_facts(inputs)),)


def _refuse_score_above_scale(inputs: RateInputs) -> None:
    score, score_max = None if inputs.report is None else inputs.report.score, inputs.terms.score_max
    if score is not None and score_max is not None and score > score_max.decimal:
        raise InvalidInput(
            f"score {score} exceeds the scale's {score_max.value}",
            zh=f"得分 {score} 超出满分 {score_max.value}",
            field="score",
            remedy="Check the report and its scale.",
            remedy_zh="请核对碳评级报告及其分制。",
        )


def _by_points(inputs: RateInputs) -> Concession:
    if inputs.report is None:
        return Concession(missing=(MISSING_REPORT,))
    if inputs.report.score is None:
        return Concession(missing=(MISSING_SCORE,))
    if inputs.points_table is None:
        bp, reason = _points_earned(inputs, inputs.report, inputs.report.score, share=Decimal(1))
        return Concession(bp=bp, reason=reason, figures=(points_figure(inputs, bp, reason),))
    said = points_share(inputs, inputs.points_table)
    if said.share is None:
        return Concession(missing=said.missing, figures=said.figures)
    bp, reason = _points_earned(inputs, inputs.report, inputs.report.score, share=said.share)
    earned = points_figure(inputs, bp, reason, share_row=ROW_FIGURE)
    return Concession(bp=bp, reason=reason, figures=(*said.figures, earned))


def _points_earned(
    inputs: RateInputs, report: RatingReport, score: Decimal, *, share: Decimal
) -> tuple[Decimal, ConcessionReason]:
    terms = inputs.terms
    if report.valid_to < inputs.applies_from:
        return Decimal(0), ConcessionReason.REPORT_EXPIRED
    if terms.fraction.value not in set(PointFraction):
        raise InvalidInput(
            f"parameter {terms.fraction.key} is {terms.fraction.value!r}; floor or exact is expected",
            zh=f"参数 {terms.fraction.key} 应为 floor 或 exact",
            field=terms.fraction.key,
        )
    concession = concession_bp(
        score=score,
        base_score=terms.base_score.decimal,
        bp_per_point=terms.bp_per_point.decimal,
        cap_bp=terms.cap_bp.decimal,
        fraction=PointFraction(terms.fraction.value),
    )
    if not concession:
        return concession, ConcessionReason.BELOW_BASE
    if not share:
        return Decimal(0), ConcessionReason.NOT_COUNTED
    at_cap = -concession == terms.cap_bp.decimal
    return share * concession, ConcessionReason.CAPPED if at_cap else ConcessionReason.POINTS


RATE_KIND: DecisionKind[RateInputs, RateDecision] = DecisionKind(
    name="loans.rate", version="1", inputs=RateInputs, outputs=RateDecision, decide=decide_rate
)
