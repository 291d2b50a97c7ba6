"""KPIs of a sustainability link (关键绩效指标): definition, unit, baseline with year and method, history, targets."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from loans.calc.facilities.terms import require_words

VALUE_MAX = Decimal(10) ** 15
YEAR_MIN, YEAR_MAX = 1990, 2199
HISTORY_MAX = 10
TARGETS_MAX = 20


class Direction(StrEnum):
    """Which way a KPI has to go."""

    LOWER = "lower"
    HIGHER = "higher"


DIRECTIONS_ZH: dict[Direction, str] = {Direction.LOWER: "越低越好", Direction.HIGHER: "越高越好"}
DIRECTIONS_EN: dict[Direction, str] = {Direction.LOWER: "lower is better", Direction.HIGHER: "higher is better"}


@dataclass(frozen=True, slots=True, kw_only=True)
class YearValue:
    """A KPI's value of one past year, as it was reported."""

    year: int
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPerformanceIndicator:
    """One KPI as it was agreed.

    Attributes:
        definition: What is measured, and within which boundary (定义与边界).
        method: The standard by which it is measured, with its version (方法学与版本).
        data_source: Where its figures come from.
        baseline_value: Value of the baseline year, in `unit`.
        baseline_source: Document of the baseline.
        emissions_ratio: Share of the borrower's emissions the KPI covers, 0 to 1; None is not known.
        is_intensity: Whether it is a ratio whose denominator may move it (产值 and the like).
        history: Values of past years, ascending; what ambition is measured against.
    """

    code: str
    name: str
    definition: str
    unit: str
    direction: Direction
    method: str
    data_source: str
    baseline_year: int
    baseline_value: Decimal
    baseline_source: str
    emissions_ratio: Decimal | None
    is_intensity: bool
    history: tuple[YearValue, ...]

    def __post_init__(self) -> None:
        """Refuse a KPI without its words, a baseline without a year, or a history that runs backwards."""
        for name, zh in _WORDS.items():
            require_words(getattr(self, name), name, zh)
        _require_year(self.baseline_year, "baseline_year")
        require_value(self.baseline_value, "baseline_value")
        share = self.emissions_ratio
        if share is not None and not (share.is_finite() and 0 <= share <= 1):
            raise InvalidInput(
                f"share of emissions is {share}", zh="占企业排放的比例须在 0 至 1 之间", field="emissions_ratio"
            )
        years = [one.year for one in self.history]
        if len(years) > HISTORY_MAX or years != sorted(set(years)):
            raise InvalidInput(
                f"history of {self.code} does not ascend or has over {HISTORY_MAX} years",
                zh=f"指标 {self.code} 的历史数据须按年份先后填写，每年一项，最多 {HISTORY_MAX} 年",
                field="history",
            )
        for one in self.history:
            _require_year(one.year, "history")
            require_value(one.value, "history")

    def is_met(self, *, actual: Decimal, target: Decimal) -> bool:
        """Whether a value reaches a target; the target itself is reached."""
        return actual <= target if self.direction is Direction.LOWER else actual >= target


_WORDS = {
    "code": "指标代码", "name": "指标名称", "definition": "指标定义与边界", "unit": "指标单位",
    "method": "方法学与版本", "data_source": "数据来源", "baseline_source": "基准值依据",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceTarget:
    """What a KPI has to reach at one observation (可持续绩效目标)."""

    kpi_code: str
    value: Decimal

    def __post_init__(self) -> None:
        """Refuse a target that is no number."""
        require_value(self.value, "targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationDate:
    """One observation: what it looks at, and by when its verification has to be there.

    Attributes:
        number: 1, 2, …, by observation date.
        observation_date: Last day of the period that is observed (观察日).
        report_due_date: Last day on which the verification report counts as in time (核查截止日). The margin moves from
            the first interest period that begins on or after it.
        targets: One for each KPI; none where the ratchet goes by grade or points alone.
    """

    number: int
    observation_date: date
    report_due_date: date
    targets: tuple[PerformanceTarget, ...]

    def __post_init__(self) -> None:
        """Refuse a report that is due before the period it speaks of has ended."""
        if self.report_due_date < self.observation_date:
            raise InvalidInput(
                f"report due on {self.report_due_date}, before the observation date {self.observation_date}",
                zh=f"核查截止日 {self.report_due_date} 早于观察日 {self.observation_date}",
                field="report_due_date",
            )
        codes = [one.kpi_code for one in self.targets]
        if len(set(codes)) != len(codes):
            raise InvalidInput(
                f"observation {self.number} has two targets for one KPI",
                zh=f"第 {self.number} 次观察对同一指标设了两个目标",
                field="targets",
            )


def require_value(value: Decimal, field: str) -> None:
    """Refuse what is no number, or beyond any KPI."""
    if not value.is_finite() or abs(value) >= VALUE_MAX:
        raise InvalidInput(f"{field} is {value}", zh="指标数值须为有限的数", field=field)


def _require_year(year: int, field: str) -> None:
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise InvalidInput(f"{field} is {year}", zh=f"年份须在 {YEAR_MIN} 至 {YEAR_MAX} 之间", field=field)
