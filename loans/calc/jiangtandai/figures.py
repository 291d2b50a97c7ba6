"""The figures behind a rate: what it is built from, the concession by points, the executed rate."""

from decimal import Decimal

from carbonfin.kernel.units import rate_plus_bp
from carbonfin.rules.trace import Figure
from loans.calc.jiangtandai.terms import (
    REASONS_EN,
    REASONS_ZH,
    ConcessionReason,
    ConcessionTerms,
    RateInputs,
    RatingReport,
)


def build_up_figures(inputs: RateInputs) -> list[Figure]:
    """Give what the rate is built from; the terms of points only where no table takes their place."""
    terms, lpr = inputs.terms, inputs.lpr
    before = rate_plus_bp(lpr.rate, inputs.margin_bp)
    figures = [
        Figure(
            name="lpr_rate",
            label_zh=f"贷款市场报价利率（{lpr.tenor}）",
            label_en=f"Loan prime rate ({lpr.tenor})",
            value=str(lpr.rate),
            unit="rate",
            source=f"{lpr.source} {lpr.published_on.isoformat()}",
            confirmed=lpr.confirmed,
        ),
        Figure(
            name="margin_bp",
            label_zh="加减点",
            label_en="Margin",
            value=str(inputs.margin_bp),
            unit="bp",
            source="合同约定",
        ),
        Figure(
            name="rate_before_concession",
            label_zh="优惠前利率",
            label_en="Rate before the concession",
            value=str(before),
            unit="rate",
            formula="LPR + margin",
            inputs=("lpr_rate", "margin_bp"),
        ),
        *(_point_figures(terms) if inputs.concession_table is None else ()),
        Figure.of_parameter("cap_bp", terms.cap_bp),
        Figure.of_parameter("floor_rate", terms.floor_rate),
        Figure(
            name="applies_from",
            label_zh="起息日",
            label_en="Interest runs from",
            value=inputs.applies_from.isoformat(),
            unit="date",
            source="合同约定",
        ),
    ]
    if inputs.report is not None:
        figures += _report_figures(inputs.report)
    return figures


def _point_figures(terms: ConcessionTerms) -> tuple[Figure, ...]:
    return (
        Figure.of_parameter("base_score", terms.base_score),
        Figure.of_parameter("bp_per_point", terms.bp_per_point),
        Figure.of_parameter("fraction", terms.fraction),
    )


def _report_figures(report: RatingReport) -> list[Figure]:
    figures = [
        Figure(
            name="report_valid_to",
            label_zh="碳评级报告有效期至",
            label_en="Rating report valid to",
            value=report.valid_to.isoformat(),
            unit="date",
            source=report.source,
            confirmed=report.confirmed,
        )
    ]
    if report.score is not None:
        figures.append(
            Figure(
                name="score",
                label_zh="减排指标得分",
                label_en="Emission-cut score",
                value=str(report.score),
                unit="points",
                source=f"{report.producer} {report.report_date.isoformat()} {report.source}".strip(),
                confirmed=report.confirmed,
            )
        )
    return figures


def points_figure(inputs: RateInputs, concession: Decimal, reason: ConcessionReason, *, share_row: str = "") -> Figure:
    """Give the concession by points over the base; `share_row` names the row that says to what share they count."""
    rounding = inputs.terms.fraction.value
    earned = f"min(cap, max(0, {rounding}(score - base)) x bp per point)"
    return Figure(
        name="concession_bp",
        label_zh="利率优惠",
        label_en="Concession",
        value=str(concession),
        unit="bp",
        formula=f"-share x {earned}" if share_row else f"-{earned}, 0 if the report has expired",
        inputs=(
            "score",
            "base_score",
            "bp_per_point",
            "fraction",
            "cap_bp",
            "report_valid_to",
            "applies_from",
            *((share_row,) if share_row else ()),
        ),
        note_zh=REASONS_ZH[reason],
        note_en=REASONS_EN[reason],
    )


def executed_figure(executed: Decimal) -> Figure:
    """Give the executed rate."""
    return Figure(
        name="executed_rate",
        label_zh="执行利率",
        label_en="Executed rate",
        value=str(executed),
        unit="rate",
        formula="max(LPR + margin + concession, all-in floor)",
        inputs=("rate_before_concession", "concession_bp", "floor_rate"),
    )
