"""What an emission-cut loan's rate is decided from, and what is decided."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
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
    BY_TABLE = "by-table"
    CAPPED = "capped"
    BELOW_BASE = "below-base"
    REPORT_EXPIRED = "report-expired"
    NOT_COUNTED = "not-counted"


REASONS_ZH: dict[ConcessionReason, str] = {
    ConcessionReason.POINTS: "按超出基准分值的分数优惠",
    ConcessionReason.BY_TABLE: "按本行利率优惠表",
    ConcessionReason.CAPPED: "优惠已达封顶",
    ConcessionReason.BELOW_BASE: "得分未超过基准分值，无优惠",
    ConcessionReason.REPORT_EXPIRED: "碳评级报告在起息日前已失效，无优惠",
    ConcessionReason.NOT_COUNTED: "按计分优惠条件表，分数不计入，无优惠",
}
REASONS_EN: dict[ConcessionReason, str] = {
    ConcessionReason.POINTS: "by points over the base score",
    ConcessionReason.BY_TABLE: "by the bank's own concession table",
    ConcessionReason.CAPPED: "at the cap",
    ConcessionReason.BELOW_BASE: "the score does not exceed the base, no concession",
    ConcessionReason.REPORT_EXPIRED: "the rating report ends before the rate applies, no concession",
    ConcessionReason.NOT_COUNTED: "by the table of points they do not count, no concession",
}


MISSING_REPORT = MissingField.of("report", "缺少碳评级报告", "the outside rating report is missing")
MISSING_SCORE = MissingField.of("score", "缺少减排指标得分", "the report's score is missing")


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
        concession_table: The bank's own table, which then decides the concession instead of points over the base;
            None where the bank has none for that day.
        points_table: Says whether points over the base count; None in decisions made before there was such a table.
    """

    usci: str
    decided_on: date
    applies_from: date
    lpr: RateQuoted
    margin_bp: int
    report: RatingReport | None
    terms: ConcessionTerms
    concession_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)
    points_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)

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
        for table in (self.concession_table, self.points_table):
            if table is not None and not table.speaks_on(self.applies_from):
                raise InvalidInput(
                    f"table {table.name} does not speak of {self.applies_from}",
                    zh=f"决策表 {table.name} 不适用于 {self.applies_from}",
                    field="concession_table" if table is self.concession_table else "points_table",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Concession:
    """What a loan earns and why, or what is missing to say so.

    Attributes:
        bp: Zero or negative, within the cap; None where it is not decided.
        figures: How it came about.
    """

    bp: Decimal | None = None
    reason: ConcessionReason | None = None
    missing: tuple[MissingField, ...] = ()
    figures: tuple[Figure, ...] = ()


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
