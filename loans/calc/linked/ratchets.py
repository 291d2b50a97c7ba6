"""The margin ratchet of a link as a decision table: points over a base, grades, or how many KPIs were met.

step = answer of the row - share x min(cap, points over the base x bp per point); the table is built from what two
people signed, asked through the rule engine, and carried whole in the inputs of every decision that reads it.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import InputKind, InputOffered, OutputWanted, TableContract
from carbonfin.rules.domains import BooleanDomain, CodeDomain, NumberDomain
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    table_of,
)
from loans.calc.contracts.terms import RATE_MAX
from loans.calc.jiangtandai.terms import PointFraction
from loans.calc.linked.ratchet_terms import GRADES_MAX, STEP_BP_MAX, RatchetKind

TABLE_NAME = "loans.ratchet"
STEP_OUTPUT = "step_bp"
SHARE_OUTPUT = "points_share"
MISSED_ROW = "not_verified"


class RatchetForm(StrEnum):
    """What moves the margin."""

    POINTS = "points"
    GRADES = "grades"
    KPI_COUNT = "kpi-count"


class LateReport(StrEnum):
    """What a verification report is worth that comes after its due date."""

    COMPENSATED = "compensated"
    NEXT_PERIOD = "next-period"
    MISSED = "missed"


FORMS_ZH: dict[RatchetForm, str] = {
    RatchetForm.POINTS: "按超出基准的分数", RatchetForm.GRADES: "按评级等级", RatchetForm.KPI_COUNT: "按达标指标数",
}  # fmt: skip
FORMS_EN: dict[RatchetForm, str] = {
    RatchetForm.POINTS: "by points over a base", RatchetForm.GRADES: "by grade",
    RatchetForm.KPI_COUNT: "by the number of KPIs met",
}  # fmt: skip
LATE_ZH: dict[LateReport, str] = {
    LateReport.COMPENSATED: "自原生效日起追溯，差额补计", LateReport.NEXT_PERIOD: "自收到后的下一计息期起",
    LateReport.MISSED: "视为未达标",
}  # fmt: skip
LATE_EN: dict[LateReport, str] = {
    LateReport.COMPENSATED: "from the original day, the difference is accrued",
    LateReport.NEXT_PERIOD: "from the next interest period after it came", LateReport.MISSED: "counts as missed",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RatchetStep:
    """One line of the grid: a grade, or a number of KPIs met, and its step in whole bp; below zero lowers the rate."""

    key: str
    step_bp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTerms:
    """Points over the base (每分 1 BP、封顶): base, bp a point, what a fraction earns, and the cap."""

    base_score: Decimal
    bp_per_point: Decimal
    fraction: PointFraction
    cap_bp: Decimal

    def __post_init__(self) -> None:
        """Refuse terms below zero and a cap beyond any ratchet."""
        for name, zh in (("base_score", "基准分值"), ("bp_per_point", "每分优惠"), ("cap_bp", "封顶")):
            value = getattr(self, name)
            if not (value.is_finite() and 0 <= value <= STEP_BP_MAX):
                raise InvalidInput(f"{name} is {value}", zh=f"{zh}须在 0 至 {STEP_BP_MAX} 之间", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRatchet:
    """How an observation moves the margin.

    The order is fixed: the step, its sum with earlier ones where it is cumulative, floor and cap of the adjustment, and
    last the all-in floor of the executed rate.

    Attributes:
        kind: To the step itself, or by it from where the adjustment stands.
        steps: Of grades or of counts, from none met to all; empty by points.
        points: Terms by points; None otherwise.
        missed_bp: The step without a report that counts; never below any other.
        floor_bp: The adjustment never goes lower; None is no such bound.
        cap_bp: Nor higher.
        all_in_floor_rate: The executed rate never falls below it; None where none is agreed.
        late: What a report after its due date is worth.
    """

    form: RatchetForm
    kind: RatchetKind
    steps: tuple[RatchetStep, ...]
    points: PointTerms | None
    missed_bp: int
    floor_bp: int | None
    cap_bp: int | None
    all_in_floor_rate: Decimal | None
    late: LateReport

    def __post_init__(self) -> None:
        """Refuse a grid that does not fit its form, a floor above a cap, and pay for leaving out a report."""
        self._require_form()
        for name, value in (("missed_bp", self.missed_bp), ("floor_bp", self.floor_bp), ("cap_bp", self.cap_bp)):
            if value is not None and abs(value) > STEP_BP_MAX:
                raise InvalidInput(f"{name} is {value}", zh=f"调整须在 ±{STEP_BP_MAX} BP 之内", field=name)
        if self.floor_bp is not None and self.cap_bp is not None and self.floor_bp > self.cap_bp:
            raise InvalidInput(
                f"floor {self.floor_bp} bp is above cap {self.cap_bp} bp", zh="下限高于上限", field="floor_bp"
            )
        highest = max((one.step_bp for one in self.steps), default=0)
        if self.missed_bp < highest:
            raise InvalidInput(
                f"a missing report moves the margin by {self.missed_bp} bp, less than the worst step {highest}",
                zh=f"未提交核查报告时的调整 {self.missed_bp} BP 低于最差一档 {highest} BP；缺失不得有利",
                field="missed_bp", remedy="Raise it to the worst step or above.", remedy_zh="请不低于最差一档。",
            )  # fmt: skip
        floor = self.all_in_floor_rate
        if floor is not None and not (floor.is_finite() and 0 <= floor <= RATE_MAX):
            raise InvalidInput(
                f"all-in floor is {floor}", zh="综合利率下限须在 0 至 24% 之间", field="all_in_floor_rate"
            )

    def _require_form(self) -> None:
        by_points = self.form is RatchetForm.POINTS
        if by_points == (self.points is None) or by_points == bool(self.steps):
            raise InvalidInput(
                f"a ratchet {FORMS_EN[self.form]} has either steps or point terms",
                zh="按分数挂钩须填基准分值等四项，按等级或达标数挂钩须填调整表", field="steps",
            )  # fmt: skip
        keys = [one.key for one in self.steps]
        if len(set(keys)) != len(keys) or len(keys) > GRADES_MAX:
            raise InvalidInput(
                f"a key of the grid stands twice, or there are over {GRADES_MAX}",
                zh=f"调整表每档只填一次，最多 {GRADES_MAX} 档", field="steps",
            )  # fmt: skip
        for one in self.steps:
            if abs(one.step_bp) > STEP_BP_MAX:
                raise InvalidInput(
                    f"step of {one.key} is {one.step_bp} bp", zh=f"调整须在 ±{STEP_BP_MAX} BP 之内", field="steps"
                )
        if self.form is RatchetForm.KPI_COUNT:
            self._require_counts(keys)

    def _require_counts(self, keys: list[str]) -> None:
        if keys != [str(number) for number in range(len(keys))]:
            raise InvalidInput(
                f"counts are {keys}, not 0 to the number of KPIs", zh="达标数须自 0 起逐一列出", field="steps"
            )
        steps = [one.step_bp for one in self.steps]
        if any(after > before for before, after in pairwise(steps)):
            raise InvalidInput(
                f"steps {steps} rise where more KPIs are met", zh="达标越多，调整不得越高", field="steps"
            )

    @property
    def can_fall(self) -> bool:
        """Whether some verified outcome lowers the margin, the floor of the adjustment considered."""
        best = min((Decimal(one.step_bp) for one in self.steps), default=Decimal(0))
        if self.points is not None and self.points.bp_per_point:
            best = -self.points.cap_bp
        return best < 0 and (self.floor_bp is None or self.floor_bp < 0)

    @property
    def can_rise(self) -> bool:
        """Whether some verified outcome raises the margin, the cap of the adjustment considered."""
        return max((one.step_bp for one in self.steps), default=0) > 0 and (self.cap_bp is None or self.cap_bp > 0)

    @property
    def is_two_way(self) -> bool:
        """Whether what is verified can raise the margin as well as lower it.

        A step up for a report that is missing alone makes no downward-only ratchet two-way: nobody's performance raises
        the rate.
        """
        return self.can_fall and self.can_rise

    @property
    def largest_bp(self) -> Decimal:
        """The largest move there is, either way."""
        falls = self.points.cap_bp if self.points is not None else Decimal(0)
        return max(falls, *(Decimal(abs(one.step_bp)) for one in self.steps), Decimal(abs(self.missed_bp)))


_COUNTS = InputOffered(
    name="report_counts", title_zh="核查报告有效", title_en="Verification report counts", kind=InputKind.BOOLEAN
)
RATCHET_TABLE = TableContract(
    name=TABLE_NAME,
    title_zh="利差挂钩表",
    title_en="Table of the margin ratchet",
    reads_zh="可持续挂钩观察",
    reads_en="the observation of a sustainability link",
    inputs=(
        _COUNTS,
        InputOffered(name="grade", title_zh="评级等级", title_en="Grade", kind=InputKind.CODE),
        InputOffered(
            name="met_count", title_zh="达标指标数", title_en="KPIs met", kind=InputKind.NUMBER, unit="count"
        ),
        InputOffered(
            name="points_over_base", title_zh="超出基准分值的分数", title_en="Points over the base",
            kind=InputKind.NUMBER, unit="points",
        ),
    ),
    outputs=(
        OutputWanted(
            name=STEP_OUTPUT, title_zh="利差调整", title_en="Step", kind=OutputKind.BP, low=-STEP_BP_MAX,
            high=STEP_BP_MAX, worst_is_high=True,
        ),
        OutputWanted(
            name=SHARE_OUTPUT, title_zh="分数计入比例", title_en="Share of the points that counts",
            kind=OutputKind.RATIO, low=Decimal(0), high=Decimal(1), worst_is_high=False,
        ),
    ),
    is_single=True,
)  # fmt: skip


def ratchet_table(ratchet: MarginRatchet, *, document: str, article: str) -> DecisionTable:
    """Give the ratchet as a decision table; each row names the agreement it comes from.

    Raises:
        InvalidInput: A grade is no code a table can hold.
    """
    clause = Clause(document=document, article=article, grade=Grade.READ, confirmed=True)
    column, rows = _asked(ratchet)
    return table_of(
        name=TABLE_NAME,
        title_zh=RATCHET_TABLE.title_zh,
        title_en=RATCHET_TABLE.title_en,
        hit_policy=HitPolicy.UNIQUE,
        inputs=(
            InputColumn(
                name=_COUNTS.name, title_zh=_COUNTS.title_zh, title_en=_COUNTS.title_en, domain=BooleanDomain()
            ),
            column,
        ),
        outputs=tuple(
            OutputColumn(name=one.name, title_zh=one.title_zh, title_en=one.title_en, kind=one.kind)
            for one in RATCHET_TABLE.outputs
        ),
        rows=(
            RowDraft(id=MISSED_ROW, when=("false", "-"), then=(str(ratchet.missed_bp), "0"), clause=clause),
            *(RowDraft(id=row, when=("true", cell), then=then, clause=clause) for row, cell, then in rows),
        ),
    )


def _asked(ratchet: MarginRatchet) -> tuple[InputColumn, list[tuple[str, str, tuple[str, str]]]]:
    """Give the column a form asks, and its rows: name, cell, answers."""
    titles = {one.name: one for one in RATCHET_TABLE.inputs}
    if ratchet.form is RatchetForm.POINTS:
        known = titles["points_over_base"]
        domain: NumberDomain | CodeDomain = NumberDomain(unit="points")
        rows = [("at_or_below_base", "<= 0", ("0", "0")), ("above_base", "> 0", ("0", "1"))]
    elif ratchet.form is RatchetForm.GRADES:
        known = titles["grade"]
        domain = CodeDomain(codes=tuple(one.key for one in ratchet.steps))
        rows = [(f"grade_{one.key}", f'"{one.key}"', (str(one.step_bp), "0")) for one in ratchet.steps]
    else:
        known = titles["met_count"]
        domain = NumberDomain(unit="count", low=Decimal(0), high=Decimal(len(ratchet.steps) - 1), is_whole=True)
        rows = [(f"met_{one.key}", one.key, (str(one.step_bp), "0")) for one in ratchet.steps]
    column = InputColumn(name=known.name, title_zh=known.title_zh, title_en=known.title_en, domain=domain)
    return column, rows
