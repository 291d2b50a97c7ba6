"""Coverage (担保覆盖率): collateral after haircut over the debt, against the bank's three lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
from collateral.calc.coverage_rules import (
    CoverageLevel,
    cash_to_initial_cny,
    floor_ratio,
    level_of,
    line_values_cny,
    loan_to_value,
    top_up_t,
)
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut, haircut_figures
from collateral.calc.pledge import nothing_pledged
from collateral.calc.surrender import SafeDate, SafetyTerms, safety_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUsed:
    """The price a unit was valued at, with where it came from."""

    price_cny_per_t: Decimal
    source: str
    price_date: date
    staleness_days: int
    level: int
    is_sample: bool
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgedLine:
    """One pledged unit: tonnes, price and haircut.

    Attributes:
        attached_t: What of it an authority has frozen, which covers nothing until lifted; None where nothing is.
        unlisted_t: What of it a top-up brought that a schedule does not admit, which covers nothing; None where none.
    """

    unit: Unit
    quantity_t: int
    price: PriceUsed
    haircut: Haircut
    attached_t: int | None = field(default=None, metadata=ADDED_LATER)
    unlisted_t: int | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse nothing pledged and a price that is not positive."""
        if self.quantity_t <= 0 or self.price.price_cny_per_t <= 0:
            raise InvalidInput(
                f"{self.unit}: {self.quantity_t} t at {self.price.price_cny_per_t} cannot be valued",
                zh=f"{self.unit} 的数量和价格须为正数",
                field="units",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedLine:
    """One pledged unit valued, to the fen."""

    unit: Unit
    quantity_t: int
    price_cny_per_t: Decimal
    haircut_ratio: Decimal
    market_value_cny: Decimal
    collateral_value_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What is owed behind the pledge, 元."""

    principal_cny: Decimal
    accrued_cny: Decimal
    costs_cny: Decimal
    exposure_date: date
    source: str

    def __post_init__(self) -> None:
        """Refuse negative amounts and fractions of a fen."""
        for name in ("principal_cny", "accrued_cny", "costs_cny"):
            value: Decimal = getattr(self, name)
            if value < 0 or value != cny(value):
                raise InvalidInput(f"{name} is {value}", zh="金额不能为负，且最多两位小数", field=name)

    @property
    def total_cny(self) -> Decimal:
        """Principal, accrued interest and costs."""
        return self.principal_cny + self.accrued_cny + self.costs_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLines:
    """The bank's lines: initial, warning (预警) and disposal (处置)."""

    initial: ParameterValue
    warning: ParameterValue
    disposal: ParameterValue

    def __post_init__(self) -> None:
        """Refuse lines out of order."""
        if not self.initial.decimal >= self.warning.decimal >= self.disposal.decimal > 0:
            raise InvalidInput(
                f"coverage lines {self.initial.value}, {self.warning.value}, {self.disposal.value} are out of order",
                zh="覆盖率线须满足：初始线不低于预警线，预警线不低于处置线",
                field=self.initial.key,
            )

    def level_of(self, collateral_value_cny: Decimal, debt_cny: Decimal) -> CoverageLevel:
        """Tell where coverage stands against these lines."""
        return level_of(
            collateral_value_cny, debt_cny, initial=self.initial.decimal, warning=self.warning.decimal,
            disposal=self.disposal.decimal,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpCandidate:
    """A unit the pledgor holds free and could add."""

    unit: Unit
    free_t: int
    price: PriceUsed
    haircut: Haircut


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Whole tonnes of one unit that restore the initial line, and whether the pledgor has them free."""

    unit: Unit
    quantity_t: int
    free_t: int
    is_sufficient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """Coverage struck: values to the fen, ratios to ten places rounded down."""

    lines: tuple[ValuedLine, ...]
    market_value_cny: Decimal
    collateral_value_cny: Decimal
    debt_cny: Decimal
    coverage_ratio: Decimal | None
    ltv_ratio: Decimal
    level: CoverageLevel


def value_lines(lines: tuple[PledgedLine, ...]) -> tuple[ValuedLine, ...]:
    """Value each unit q p and (q - attached) p (1 - h), each to the fen, half up."""
    valued = []
    for line in lines:
        market_value_cny, collateral_value_cny = line_values_cny(
            line.quantity_t,
            line.price.price_cny_per_t,
            line.haircut.ratio,
            attached_t=(line.attached_t or 0) + (line.unlisted_t or 0),
        )
        valued.append(
            ValuedLine(
                unit=line.unit,
                quantity_t=line.quantity_t,
                price_cny_per_t=line.price.price_cny_per_t,
                haircut_ratio=line.haircut.ratio,
                market_value_cny=market_value_cny,
                collateral_value_cny=collateral_value_cny,
            )
        )
    return tuple(valued)


def market_values_cny(lines: Iterable[ValuedLine]) -> dict[Unit, Decimal]:
    """Give the market value of each unit, before haircut."""
    found: dict[Unit, Decimal] = {}
    for line in lines:
        found[line.unit] = found.get(line.unit, Decimal("0.00")) + line.market_value_cny
    return found


def value_position(
    lines: tuple[PledgedLine, ...], debt: Debt, thresholds: CoverageLines, figures: FigureList
) -> Valuation:
    """Value the pledged units against the debt, with trace.

    coverage = sum(q p (1 - h)) / (principal + accrued + costs); LTV = principal / sum(q p).
    """
    if not lines:
        raise nothing_pledged()
    valued = value_lines(lines)
    for line, result in zip(lines, valued, strict=True):
        _line_figures(line, result, figures)
    market_value_cny = sum((line.market_value_cny for line in valued), Decimal("0.00"))
    collateral_value_cny = sum((line.collateral_value_cny for line in valued), Decimal("0.00"))
    units = [line.unit for line in valued]
    market = figures.result(
        "market_value",
        ("市值", "Market value"),
        market_value_cny,
        "CNY",
        "Σ q·p",
        inputs=[f"market_value_{unit}" for unit in units],
    )
    collateral = figures.result(
        "collateral_value", ("押品价值", "Collateral value"), collateral_value_cny, "CNY", "Σ q·p·(1−h)",
        inputs=[f"collateral_value_{unit}" for unit in units],
    )  # fmt: skip
    debt_name = debt_figures(debt, figures)
    coverage_ratio = floor_ratio(collateral_value_cny, debt.total_cny) if debt.total_cny else None
    figures.result(
        "coverage", ("担保覆盖率", "Coverage"), coverage_ratio if coverage_ratio is not None else "", "ratio",
        "Σ q·p·(1−h) / (principal + accrued + costs)", inputs=(collateral, debt_name),
        note_zh="" if debt.total_cny else "债权为零，不适用", note_en="" if debt.total_cny else "nothing is owed",
    )  # fmt: skip
    ltv_ratio = loan_to_value(debt.principal_cny, market_value_cny)
    figures.result(
        "ltv", ("质押率", "Loan-to-value"), ltv_ratio, "ratio", "principal / Σ q·p", inputs=("principal", market)
    )
    level = thresholds.level_of(collateral_value_cny, debt.total_cny)
    names = [
        figures.parameter("line_initial", thresholds.initial),
        figures.parameter("line_warning", thresholds.warning),
        figures.parameter("line_disposal", thresholds.disposal),
    ]
    figures.result("level", ("状态", "Level"), level, "code", "coverage against the lines", inputs=("coverage", *names))
    return Valuation(
        lines=valued, market_value_cny=market_value_cny, collateral_value_cny=collateral_value_cny,
        debt_cny=debt.total_cny, coverage_ratio=coverage_ratio, ltv_ratio=ltv_ratio, level=level,
    )  # fmt: skip


def price_figure(line: PledgedLine, figures: FigureList) -> str:
    """Add the price a line was valued at, and give its name in the trace."""
    note_zh = "；".join(filter(None, ["示例报价" if line.price.is_sample else "", line.price.note_zh]))
    return figures.fact(
        f"price_{line.unit}", (f"{line.unit} 估值价格", f"{line.unit} price"), line.price.price_cny_per_t, "CNY/t",
        f"{line.price.source} {line.price.price_date}", note_zh=note_zh, note_en=line.price.note_en,
    )  # fmt: skip


def _line_figures(line: PledgedLine, result: ValuedLine, figures: FigureList) -> None:
    unit = line.unit
    price = price_figure(line, figures)
    quantity = figures.fact(f"quantity_{unit}", (f"{unit} 数量", f"{unit} quantity"), line.quantity_t, "t", "质押合同")
    parts = haircut_figures(line.haircut, unit, figures)
    market = figures.result(
        f"market_value_{unit}", (f"{unit} 市值", f"{unit} market value"), result.market_value_cny, "CNY", "q·p",
        inputs=(quantity, price),
    )  # fmt: skip
    attached = [] if not line.attached_t else [
        figures.fact(
            f"attached_{unit}", (f"{unit} 被有权机关冻结", f"{unit} frozen by an authority"), line.attached_t, "t",
            "有权机关文书",
        )
    ]  # fmt: skip
    unlisted = [unlisted_figure(unit, line.unlisted_t, figures)] if line.unlisted_t else []
    figures.result(
        f"collateral_value_{unit}",
        (f"{unit} 押品价值", f"{unit} collateral value"),
        result.collateral_value_cny,
        "CNY",
        counted_formula(has_attached=bool(line.attached_t), has_unlisted=bool(line.unlisted_t)),
        inputs=(market, *attached, *unlisted, *parts),
    )


def unlisted_figure(unit: Unit, quantity_t: object, figures: FigureList) -> str:
    """Put the tonnes that a schedule does not admit into the trace, and give their name."""
    return figures.fact(
        f"unlisted_{unit}", (f"{unit} 清单外追加，不计价值", f"{unit} added outside the schedules"), quantity_t, "t",
        "担保品清单",
    )  # fmt: skip


def counted_formula(*, has_attached: bool, has_unlisted: bool) -> str:
    """Say how a unit's collateral value is struck."""
    out = f"{' − attached' if has_attached else ''}{' − unlisted' if has_unlisted else ''}"
    return f"(q{out})·p·(1−h)" if out else "q·p·(1−h)"


def debt_figures(debt: Debt, figures: FigureList) -> str:
    """Add what is owed with its parts, and give its name in the trace."""
    source = f"{debt.source} {debt.exposure_date}"
    names = [
        figures.fact("principal", ("贷款本金", "Principal"), debt.principal_cny, "CNY", source),
        figures.fact("accrued", ("应计利息", "Accrued interest"), debt.accrued_cny, "CNY", source),
        figures.fact("costs", ("费用", "Costs"), debt.costs_cny, "CNY", source),
    ]
    return figures.result(
        "debt", ("债权合计", "Debt"), debt.total_cny, "CNY", "principal + accrued + costs", inputs=names
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageInputs:
    """Everything the coverage of one pledge on one business date hangs on.

    Attributes:
        haircut_table: The table of the haircuts that are apart from it; None in decisions made before there was one.
    """

    agreement_code: str
    valuation_date: date
    end_date: date
    lines: tuple[PledgedLine, ...]
    debt: Debt
    thresholds: CoverageLines
    safety: SafetyTerms
    candidates: tuple[TopUpCandidate, ...]
    haircut_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)

    def under_table(self) -> "CoverageInputs":
        """Give each haircut the table that stands once in the record."""
        return replace(
            self,
            lines=tuple(replace(one, haircut=one.haircut.under(self.haircut_table)) for one in self.lines),
            candidates=tuple(replace(one, haircut=one.haircut.under(self.haircut_table)) for one in self.candidates),
        )

    def with_table_once(self, table: RecordedTable) -> "CoverageInputs":
        """Give it as it is recorded: the table once, each haircut apart from it."""
        return replace(
            self,
            lines=tuple(replace(one, haircut=one.haircut.apart()) for one in self.lines),
            candidates=tuple(replace(one, haircut=one.haircut.apart()) for one in self.candidates),
            haircut_table=table,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageOutcome:
    """Coverage of one pledge on one business date, and what restores it."""

    valuation: Valuation
    cash_to_initial_cny: Decimal
    top_ups: tuple[TopUp, ...]
    closeout_days: int
    safe_date: SafeDate
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_coverage(inputs: CoverageInputs) -> CoverageOutcome:
    """Strike coverage, the cash or tonnes that restore the initial line, and the last safe date."""
    figures, inputs = FigureList(), inputs.under_table()
    valuation = value_position(inputs.lines, inputs.debt, inputs.thresholds, figures)
    initial_ratio = inputs.thresholds.initial.decimal
    cash_cny = cash_to_initial_cny(valuation.collateral_value_cny, valuation.debt_cny, initial_ratio)
    figures.result(
        "cash_to_initial", ("补足至初始线所需现金", "Cash to the initial line"), cash_cny, "CNY",
        "max(0, debt − collateral value / initial), rounded up", inputs=("debt", "collateral_value", "line_initial"),
    )  # fmt: skip
    top_ups = tuple(_top_up(valuation, initial_ratio, one, figures) for one in inputs.candidates) if cash_cny else ()
    quantities = tuple((line.unit, line.quantity_t) for line in inputs.lines)
    safety = safety_of(quantities, inputs.safety, figures)
    return CoverageOutcome(
        valuation=valuation, cash_to_initial_cny=cash_cny, top_ups=top_ups, closeout_days=safety.closeout_days,
        safe_date=safety.safe_date, unconfirmed=figures.unconfirmed(), trace=figures.trace(),
    )  # fmt: skip


def _top_up(valuation: Valuation, initial_ratio: Decimal, one: TopUpCandidate, figures: FigureList) -> TopUp:
    quantity_t = top_up_t(
        one.unit, price_cny_per_t=one.price.price_cny_per_t, haircut_ratio=one.haircut.ratio,
        collateral_value_cny=valuation.collateral_value_cny, debt_cny=valuation.debt_cny, initial_ratio=initial_ratio,
    )  # fmt: skip
    price = figures.fact(
        f"top_up_price_{one.unit}",
        (f"{one.unit} 估值价格（追加）", f"{one.unit} price (top-up)"),
        one.price.price_cny_per_t,
        "CNY/t",
        f"{one.price.source} {one.price.price_date}",
        note_zh=one.price.note_zh,
        note_en=one.price.note_en,
    )
    parts = haircut_figures(one.haircut, one.unit, figures)
    figures.result(
        f"top_up_{one.unit}", (f"或追加 {one.unit}", f"or add {one.unit}"), quantity_t, "t",
        "(initial·debt − collateral value)/(p·(1−h)), rounded up",
        inputs=("debt", "collateral_value", "line_initial", price, *parts),
    )  # fmt: skip
    return TopUp(unit=one.unit, quantity_t=quantity_t, free_t=one.free_t, is_sufficient=one.free_t >= quantity_t)


COVERAGE = DecisionKind(
    name="collateral.coverage", version="1", inputs=CoverageInputs, outputs=CoverageOutcome, decide=decide_coverage
)
