"""What the value of a margin ratchet hangs on: grades with their steps, how grades move, periods, caps and floors."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.terms import RATE_MAX

GRADES_MAX = 26
PERIODS_MAX = 480
STEP_BP_MAX = Decimal(500)
PLACES_MAX = 6
_LEVELS_MAX = 20_000


class RatchetKind(StrEnum):
    """How a grade moves the margin: to the grade's own step, or by it from where the margin stands."""

    ABSOLUTE = "absolute"
    CUMULATIVE = "cumulative"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeStep:
    """One grade, its step in bp, and the chances of each grade at the next observation.

    Attributes:
        adjustment_bp: Below zero lowers the rate.
        transitions: One chance for each grade in order; they sum to one exactly.
    """

    name: str
    adjustment_bp: Decimal
    transitions: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatchetPeriod:
    """One interest period `[start, end)`.

    Attributes:
        balance_cny: Balance interest runs on.
        days: Days of the period by the loan's day count, of `year_days` a year.
        observations: How many observations have moved the margin by its start; none means no adjustment yet.
    """

    start: date
    end: date
    balance_cny: Decimal
    days: int
    year_days: int
    observations: int

    @property
    def year_fraction(self) -> Fraction:
        """Give days over the year, exact."""
        return Fraction(self.days, self.year_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatchetInputs:
    """Everything the value takes.

    Attributes:
        current_grade: The grade the borrower has on the valuation date.
        floor_bp: The ratchet never lowers the margin further; None is no such bound.
        cap_bp: Nor raises it further.
        base_rate: The executed rate before the ratchet, held; it decides how far an all-in floor lets through.
        all_in_floor_rate: The rate never falls below it, whatever the ratchet says; None where none is agreed.
        discount_rate: Yearly rate by which payments are brought home, simple in each period.
        stub_days: Days from the valuation date to the first period, of the first period's year.
        source: Where the chances come from.
        confirmed: Whether two people stand for them.
    """

    subject: str
    valuation_date: date
    kind: RatchetKind
    grades: tuple[GradeStep, ...]
    current_grade: str
    floor_bp: Decimal | None
    cap_bp: Decimal | None
    base_rate: Decimal
    all_in_floor_rate: Decimal | None
    discount_rate: Decimal
    stub_days: int
    periods: tuple[RatchetPeriod, ...]
    source: str
    confirmed: bool

    def __post_init__(self) -> None:
        """Refuse chances that do not sum to one, a floor above a cap, and what would take too long."""
        self._require_grades()
        if self.current_grade not in {one.name for one in self.grades}:
            raise InvalidInput(
                f"grade {self.current_grade} is none of the ratchet's", zh="当前等级不在等级表内", field="current_grade"
            )
        for name in ("floor_bp", "cap_bp"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and abs(value) <= STEP_BP_MAX):
                raise InvalidInput(f"{name} is {value}", zh=f"上下限须在 ±{STEP_BP_MAX} BP 之内", field=name)
        if self.floor_bp is not None and self.cap_bp is not None and self.floor_bp > self.cap_bp:
            raise InvalidInput(
                f"floor {self.floor_bp} bp is above cap {self.cap_bp} bp", zh="下限高于上限", field="floor_bp"
            )
        if self.all_in_floor_rate is not None and self.all_in_floor_rate > self.base_rate:
            raise InvalidInput(
                f"the all-in floor {self.all_in_floor_rate} is above the rate {self.base_rate}",
                zh=f"利率下限 {self.all_in_floor_rate} 高于执行利率 {self.base_rate}", field="all_in_floor_rate",
            )  # fmt: skip
        if not self.discount_rate.is_finite() or not 0 <= self.discount_rate <= RATE_MAX:
            raise InvalidInput(
                f"discount rate is {self.discount_rate}", zh="贴现利率须在 0 至 24% 之间", field="discount_rate"
            )
        if not self.source.strip():
            raise InvalidInput("the source of the chances is empty", zh="请填写迁移概率的来源", field="source")
        self._require_periods()

    def _require_grades(self) -> None:
        count = len(self.grades)
        if not 1 <= count <= GRADES_MAX or len({one.name for one in self.grades}) != count:
            raise InvalidInput(
                f"{count} grades, or two of one name", zh=f"等级须为 1 至 {GRADES_MAX} 个且不重名", field="grades"
            )
        for one in self.grades:
            if not one.adjustment_bp.is_finite() or abs(one.adjustment_bp) > STEP_BP_MAX:
                raise InvalidInput(
                    f"step of {one.name} is {one.adjustment_bp} bp",
                    zh=f"等级 {one.name} 的调整须在 ±{STEP_BP_MAX} BP 之内",
                    field="adjustment_bp",
                )  # fmt: skip
            _require_chances(one, count)

    def _require_periods(self) -> None:
        if not 1 <= len(self.periods) <= PERIODS_MAX:
            raise InvalidInput(
                f"{len(self.periods)} interest periods are left", zh="没有尚未开始的计息期，挂钩条款不再影响利息",
                field="periods", remedy="Choose a note with interest periods ahead.",
                remedy_zh="请选择仍有后续计息期的借据。",
            )  # fmt: skip
        counts = [one.observations for one in self.periods]
        if counts != sorted(counts):
            raise InvalidInput("observations run backwards", zh="观察次数不得减少", field="observation_dates")
        if self.kind is RatchetKind.CUMULATIVE and counts[-1] * len(self.grades) * len(self.grades) > _LEVELS_MAX:
            raise InvalidInput(
                f"{counts[-1]} observations of {len(self.grades)} grades are too many", zh="累计式挂钩的观察次数过多",
                field="observation_dates",
            )  # fmt: skip


def _require_chances(one: GradeStep, count: int) -> None:
    if len(one.transitions) != count:
        raise InvalidInput(
            f"{one.name} has {len(one.transitions)} chances for {count} grades",
            zh=f"等级 {one.name} 的迁移概率须有 {count} 项",
            field="transitions",
        )  # fmt: skip
    for chance in one.transitions:
        exponent = chance.as_tuple().exponent
        if not chance.is_finite() or not 0 <= chance <= 1 or not isinstance(exponent, int) or -exponent > PLACES_MAX:
            raise InvalidInput(
                f"a chance of {one.name} is {chance}",
                zh=f"等级 {one.name} 的迁移概率须在 0 至 1 之间，最多 {PLACES_MAX} 位小数",
                field="transitions",
            )  # fmt: skip
    if sum(one.transitions) != 1:
        raise InvalidInput(
            f"the chances of {one.name} sum to {sum(one.transitions)}", zh=f"等级 {one.name} 的迁移概率合计须为 1",
            field="transitions", remedy="Correct the row; nothing is scaled for you.",
            remedy_zh="请更正该行，系统不代为归一。",
        )  # fmt: skip
