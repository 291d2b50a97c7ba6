"""The emission-cut loan's rate (降碳贷): LPR + margin - concession by points over the bank's base, capped, floored.

concession = -min(cap, max(0, floor(score - base)) x bp per point)
executed = max(LPR + margin + concession, all-in floor)

The formula is public (南财观察 2024-07: each point over the base is one BP, with a cap); base and cap are a bank's own.
"""

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import rate_plus_bp
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.missing import MissingField

MARGIN_BP_MAX = 1000


class PointFraction(StrEnum):
    """What a fraction of a point earns: nothing (floor), or its share (exact)."""

    FLOOR = "floor"
    EXACT = "exact"


class RateStatus(StrEnum):
    """Whether a rate was decided."""

    DECIDED = "decided"
    NOT_DECIDED = "not-decided"


class ConcessionReason(StrEnum):
    """Why the concession is what it is."""

    POINTS = "points"
    CAPPED = "capped"
    BELOW_BASE = "below-base"
    REPORT_EXPIRED = "report-expired"


REASONS_ZH: dict[ConcessionReason, str] = {
    ConcessionReason.POINTS: "按超出基准分值的分数优惠",
    ConcessionReason.CAPPED: "优惠已达封顶",
    ConcessionReason.BELOW_BASE: "得分未超过基准分值，无优惠",
    ConcessionReason.REPORT_EXPIRED: "碳评级报告在起息日前已失效，无优惠",
}
REASONS_EN: dict[ConcessionReason, str] = {
    ConcessionReason.POINTS: "by points over the base score",
    ConcessionReason.CAPPED: "at the cap",
    ConcessionReason.BELOW_BASE: "the score does not exceed the base, no concession",
    ConcessionReason.REPORT_EXPIRED: "the rating report ends before the rate applies, no concession",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingReport:
    """An outside rating report that a loan follows.

    Attributes:
        producer: Who made it.
        usci: The enterprise it speaks of.
        score: The sub-score named in the agreement (减排指标得分); None is not known.
        valid_to: Last day, inclusive.
        confirmed: False marks a sample or unchecked report.
    """

    producer: str
    usci: str
    report_date: date
    valid_to: date
    score: Decimal | None
    source: str
    confirmed: bool

    def __post_init__(self) -> None:
        """Refuse a report that ends before it begins, and a score below zero."""
        if self.valid_to < self.report_date:
            raise InvalidInput(
                f"report is valid to {self.valid_to}, before its date {self.report_date}",
                zh="报告有效期早于报告日期",
                field="valid_to",
            )
        if self.score is not None and (not self.score.is_finite() or self.score < 0):
            raise InvalidInput(f"score is {self.score}", zh="得分不能为负", field="score")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateQuoted:
    """The loan prime rate a margin is added to."""

    tenor: str
    rate: Decimal
    published_on: date
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcessionTerms:
    """A bank's concession terms, each a dated parameter of its own.

    Attributes:
        score_max: Full mark of the score's scale, where the bank has stated it; a score above it is refused.
    """

    base_score: ParameterValue
    bp_per_point: ParameterValue
    fraction: ParameterValue
    cap_bp: ParameterValue
    floor_rate: ParameterValue
    score_max: ParameterValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateInputs:
    """Everything the rate decision takes.

    Attributes:
        decided_on: Day of the decision; reports and quotes dated later are refused.
        applies_from: First day interest runs; the report must still be valid then.
    """

    usci: str
    decided_on: date
    applies_from: date
    lpr: RateQuoted
    margin_bp: int
    report: RatingReport | None
    terms: ConcessionTerms

    def __post_init__(self) -> None:
        """Refuse what was not there on the day, or speaks of another enterprise."""
        if abs(self.margin_bp) > MARGIN_BP_MAX:
            raise InvalidInput(
                f"margin is {self.margin_bp} bp, outside ±{MARGIN_BP_MAX}",
                zh=f"加减点 {self.margin_bp} BP 超出 ±{MARGIN_BP_MAX}",
                field="margin_bp",
            )
        if self.lpr.published_on > self.decided_on:
            raise InvalidInput(
                f"LPR of {self.lpr.published_on} was not published on {self.decided_on}",
                zh="LPR 报价日晚于决定日",
                field="lpr/published_on",
            )
        if self.report is not None and self.report.report_date > self.decided_on:
            raise InvalidInput(
                f"report of {self.report.report_date} did not exist on {self.decided_on}",
                zh="碳评级报告日期晚于决定日",
                field="report/report_date",
            )
        if self.report is not None and self.report.usci != self.usci:
            raise InvalidInput(
                f"the report speaks of {self.report.usci}, the borrower is {self.usci}",
                zh="碳评级报告不属于该借款人",
                field="report/usci",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDecision:
    """The rate with its build-up, or what is missing; without a decision there is no executed rate.

    Attributes:
        rate_before_concession: LPR + margin, before floor.
        concession_bp: Zero or negative.
        executed_rate: max(LPR + margin + concession, all-in floor).
        executed_rate_without_concession: max(LPR + margin, all-in floor), for comparison.
    """

    status: RateStatus
    missing: tuple[MissingField, ...]
    rate_before_concession: Decimal
    executed_rate_without_concession: Decimal
    concession_bp: Decimal | None
    reason: ConcessionReason | None
    floor_applied: bool
    executed_rate: Decimal | None
    trace: tuple[Figure, ...]


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

    A missing report or score leaves the rate not decided, naming the field; an expired report earns nothing.

    Raises:
        InvalidInput: The score exceeds the scale, or a parameter is out of range.
    """
    figures = _build_up_figures(inputs)
    before = rate_plus_bp(inputs.lpr.rate, inputs.margin_bp)
    floor_rate = inputs.terms.floor_rate.decimal
    missing = _missing(inputs)
    if missing:
        return RateDecision(
            status=RateStatus.NOT_DECIDED,
            missing=missing,
            rate_before_concession=before,
            executed_rate_without_concession=max(before, floor_rate),
            concession_bp=None,
            reason=None,
            floor_applied=False,
            executed_rate=None,
            trace=checked_trace(figures),
        )
    concession, reason = _concession(inputs)
    executed = rate_plus_bp(before, concession)
    floor_applied = executed < floor_rate
    executed = max(executed, floor_rate)
    figures += _result_figures(inputs, concession, reason, executed)
    return RateDecision(
        status=RateStatus.DECIDED,
        missing=(),
        rate_before_concession=before,
        executed_rate_without_concession=max(before, floor_rate),
        concession_bp=concession,
        reason=reason,
        floor_applied=floor_applied,
        executed_rate=executed,
        trace=checked_trace(figures),
    )


def _missing(inputs: RateInputs) -> tuple[MissingField, ...]:
    if inputs.report is None:
        return (MissingField.of("report", "缺少碳评级报告", "the outside rating report is missing"),)
    if inputs.report.score is None:
        return (MissingField.of("score", "缺少减排指标得分", "the report's score is missing"),)
    return ()


def _concession(inputs: RateInputs) -> tuple[Decimal, ConcessionReason]:
    assert inputs.report is not None
    score, terms = inputs.report.score, inputs.terms
    assert score is not None
    if terms.score_max is not None and score > terms.score_max.decimal:
        raise InvalidInput(
            f"score {score} exceeds the scale's {terms.score_max.value}",
            zh=f"得分 {score} 超出满分 {terms.score_max.value}",
            field="score",
            remedy="Check the report and its scale.",
            remedy_zh="请核对碳评级报告及其分制。",
        )
    if inputs.report.valid_to < inputs.applies_from:
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
    at_cap = -concession == terms.cap_bp.decimal
    return concession, ConcessionReason.CAPPED if at_cap else ConcessionReason.POINTS


def _build_up_figures(inputs: RateInputs) -> list[Figure]:
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
        Figure.of_parameter("base_score", terms.base_score),
        Figure.of_parameter("bp_per_point", terms.bp_per_point),
        Figure.of_parameter("fraction", terms.fraction),
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


def _result_figures(
    inputs: RateInputs, concession: Decimal, reason: ConcessionReason, executed: Decimal
) -> list[Figure]:
    rounding = inputs.terms.fraction.value
    return [
        Figure(
            name="concession_bp",
            label_zh="利率优惠",
            label_en="Concession",
            value=str(concession),
            unit="bp",
            formula=f"-min(cap, max(0, {rounding}(score - base)) x bp per point), 0 if the report has expired",
            inputs=("score", "base_score", "bp_per_point", "fraction", "cap_bp", "report_valid_to", "applies_from"),
            note_zh=REASONS_ZH[reason],
            note_en=REASONS_EN[reason],
        ),
        Figure(
            name="executed_rate",
            label_zh="执行利率",
            label_en="Executed rate",
            value=str(executed),
            unit="rate",
            formula="max(LPR + margin + concession, all-in floor)",
            inputs=("rate_before_concession", "concession_bp", "floor_rate"),
        ),
    ]


RATE_KIND: DecisionKind[RateInputs, RateDecision] = DecisionKind(
    name="loans.rate", version="1", inputs=RateInputs, outputs=RateDecision, decide=decide_rate
)
