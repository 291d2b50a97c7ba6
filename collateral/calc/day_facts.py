"""What every valuation of a business date shares: prices, haircuts, coverage lines, depths and dates, struck once.

Ten thousand agreements rest on a few dozen such facts. They are one decision of the day with the whole trace (table
row, dated parts, clauses); each agreement's own decision names it and takes its figures.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
from collateral.calc.coverage import CoverageLines, PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut, haircut_figures
from collateral.calc.surrender import TradingDays, VintageUse


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """One kind of unit on the day.

    Attributes:
        volume_t: Daily volume a sale is measured by: the bank's own figure, else the unit's average; None if unknown.
    """

    unit: Unit
    price: PriceUsed
    haircut: Haircut
    volume_t: int | None
    volume_source: str
    use: VintageUse


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFactsInputs:
    """Everything the day's valuations share; each haircut stands apart from the one table."""

    business_date: date
    units: tuple[UnitFacts, ...]
    haircut_table: RecordedTable
    thresholds: CoverageLines
    cure_days: ParameterValue
    unfreeze_days: ParameterValue
    participations: tuple[tuple[Scheme, ParameterValue], ...]
    trading_days: TradingDays


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckUnit:
    """A unit's haircut as struck, and the unconfirmed facts its value rests on."""

    unit: Unit
    haircut_ratio: Decimal
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFactsOutcome:
    """The facts struck, with their trace.

    Attributes:
        unconfirmed: Unconfirmed facts that rest under every agreement: the lines, cure and unfreeze days.
    """

    units: tuple[StruckUnit, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_day_facts(inputs: DayFactsInputs) -> DayFactsOutcome:
    """Strike the haircut of each unit by the table and its dated parts, and put every shared fact on the trace."""
    figures, common = FigureList(), FigureList()
    shares = dict(inputs.participations)
    struck = []
    for one in inputs.units:
        own = FigureList()
        for list_ in (own, figures):
            _unit_figures(one, inputs, shares.get(one.unit.scheme), list_)
        struck.append(
            StruckUnit(
                unit=one.unit, haircut_ratio=one.haircut.under(inputs.haircut_table).ratio,
                unconfirmed=own.unconfirmed(),
            )
        )  # fmt: skip
    for list_ in (common, figures):
        _common_figures(inputs, list_)
    return DayFactsOutcome(units=tuple(struck), unconfirmed=common.unconfirmed(), trace=figures.trace())


def _unit_figures(
    one: UnitFacts, inputs: DayFactsInputs, participation: ParameterValue | None, figures: FigureList
) -> None:
    unit, price = one.unit, one.price
    note_zh = "；".join(filter(None, ["示例报价" if price.is_sample else "", price.note_zh]))
    figures.fact(
        f"price_{unit}", (f"{unit} 估值价格", f"{unit} price"), price.price_cny_per_t, "CNY/t",
        f"{price.source} {price.price_date}", note_zh=note_zh, note_en=price.note_en,
    )  # fmt: skip
    haircut_figures(one.haircut.under(inputs.haircut_table), unit, figures)
    if one.volume_t is not None:
        figures.fact(
            f"adv_{unit}", (f"{unit} 日均成交量", f"{unit} average daily volume"), one.volume_t, "t", one.volume_source
        )
    if participation is not None:
        figures.parameter(f"participation_{unit.scheme}", participation)
    if one.use.last_usable is not None:
        figures.parameter(f"last_usable_date_{unit}", one.use.last_usable)
    elif one.use.carries_forward is not None:
        figures.parameter(f"carries_forward_{unit.scheme}", one.use.carries_forward)


def _common_figures(inputs: DayFactsInputs, figures: FigureList) -> None:
    figures.parameter("line_initial", inputs.thresholds.initial)
    figures.parameter("line_warning", inputs.thresholds.warning)
    figures.parameter("line_disposal", inputs.thresholds.disposal)
    figures.parameter("cure_days", inputs.cure_days)
    figures.parameter("unfreeze_days", inputs.unfreeze_days)
    figures.fact(
        "calendar_known_until", ("交易日历已知至", "Calendar known until"), inputs.trading_days.known_until, "date",
        "放假通知",
    )  # fmt: skip


DAY_FACTS = DecisionKind(
    name="collateral.day_facts", version="1", inputs=DayFactsInputs, outputs=DayFactsOutcome, decide=decide_day_facts
)
