"""Statistics over time: financing by product, bank, district and industry, lines and loans apart, cuts and subsidies.

Everything is counted by quarter. A sum is the sum of the lines below it, so that any cell can be opened; what a line
does not state stands under 未说明 and is never spread over the others.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reporting.calc.quarters import Quarter

NOT_STATED = "未说明"
_ZERO = Decimal("0.00")


class FinancingKind(StrEnum):
    """A limit granted is no money lent: the two are never added."""

    CREDIT_LINE = "credit_line"
    LOAN = "loan"


KIND_TITLES: dict[FinancingKind, tuple[str, str]] = {
    FinancingKind.CREDIT_LINE: ("授信", "Credit lines"),
    FinancingKind.LOAN: ("贷款投放", "Loans drawn"),
}


class Dimension(StrEnum):
    """By what financing is told apart."""

    PRODUCT = "product"
    BANK = "bank"
    DISTRICT = "district"
    INDUSTRY = "industry"


DIMENSION_TITLES: dict[Dimension, tuple[str, str]] = {
    Dimension.PRODUCT: ("产品", "Product"),
    Dimension.BANK: ("银行", "Bank"),
    Dimension.DISTRICT: ("区", "District"),
    Dimension.INDUSTRY: ("行业", "Industry"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingLine:
    """One credit line granted or one loan drawn.

    Attributes:
        code: Number of the line or loan note, unique within its bank.
        on: Day the line became available or the loan was drawn.
        known_on: Day from which it stands here as it does now.
        product: None where it is not stated, as district and industry.
    """

    kind: FinancingKind
    code: str
    bank: str
    enterprise: str
    on: date
    known_on: date
    amount_cny: Decimal
    product: str | None
    district: str | None
    industry: str | None

    def name_by(self, dimension: Dimension) -> str:
        """Give what it counts under."""
        return {
            Dimension.PRODUCT: self.product,
            Dimension.BANK: self.bank,
            Dimension.DISTRICT: self.district,
            Dimension.INDUSTRY: self.industry,
        }[dimension] or NOT_STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyLine:
    """One application as it was decided; paid is None where that is not known here."""

    reference: str
    scheme: str
    bank: str
    on: date
    net_cost_cny: Decimal | None
    calculated_cny: Decimal | None
    proposed_cny: Decimal | None
    paid_cny: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLine:
    """Emissions of one enterprise in a year beside the year before, as ratings compare them; below zero it grew.

    Attributes:
        sources: Who gave the lines of the account, and the clause of the grid factor.
    """

    enterprise: str
    year: int
    before_t: Decimal
    after_t: Decimal
    sources: tuple[str, ...] = ()

    @property
    def cut_t(self) -> Decimal:
        """Before less after, tonnes."""
        return self.before_t - self.after_t


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One emitter's statement for a compliance year: what it was allotted, emitted and surrendered, tonnes."""

    enterprise: str
    scheme: str
    year: int
    allocation_t: int | None
    emissions_t: int
    surrendered_t: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapLine:
    """The cap of a scheme's year as it was entered, and whether a person has confirmed it."""

    scheme: str
    year: int
    cap_t: int
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingCell:
    """Financing of a quarter under one name."""

    quarter: str
    kind: FinancingKind
    dimension: Dimension
    name: str
    count: int
    enterprise_count: int
    amount_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyCell:
    """Subsidies asked for in a quarter under one scheme; an amount is None where no application has one."""

    quarter: str
    scheme: str
    filed_count: int
    proposed_count: int
    net_cost_cny: Decimal | None
    calculated_cny: Decimal | None
    proposed_cny: Decimal | None
    paid_cny: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutCell:
    """Cuts of a year: of enterprises whose emissions of both years are known and comparable, and no others.

    Attributes:
        sources: Where the emissions and grid factors of its lines come from, each once.
    """

    year: int
    enterprise_count: int
    cut_count: int
    before_t: Decimal
    after_t: Decimal
    cut_t: Decimal
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCell:
    """The carbon budget of a scheme's year, as far as statements are known here.

    Attributes:
        cap_t: The cap of the scheme, None where nobody has entered one.
        cap_confirmed: Whether a person has held the cap against its source; None where there is none.
        unstated_count: Emitters whose allocation is not known; they are in no sum of allocations.
    """

    scheme: str
    year: int
    emitter_count: int
    unstated_count: int
    allocation_t: int
    emissions_t: int
    surrendered_t: int
    cap_t: int | None
    cap_confirmed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsInputs:
    """All lines that were known, and the quarters asked for."""

    first: Quarter
    last: Quarter
    financing: tuple[FinancingLine, ...]
    subsidies: tuple[SubsidyLine, ...]
    cuts: tuple[CutLine, ...]
    budgets: tuple[BudgetLine, ...]
    caps: tuple[CapLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the lines come to; `financing` and `subsidies` within the quarters asked for, the rest by year."""

    quarters: tuple[str, ...]
    financing: tuple[FinancingCell, ...]
    subsidies: tuple[SubsidyCell, ...]
    cuts: tuple[CutCell, ...]
    budgets: tuple[BudgetCell, ...]

    def total_cny(self, kind: FinancingKind, *, quarter: str | None = None) -> Decimal:
        """Give all financing of a kind, of one quarter or of all; every dimension adds up to it."""
        return sum(
            (
                cell.amount_cny
                for cell in self.financing
                if cell.kind is kind and cell.dimension is Dimension.BANK and quarter in {None, cell.quarter}
            ),
            _ZERO,
        )

    def count_of(self, kind: FinancingKind) -> int:
        """Give how many lines or loans there are."""
        return sum(cell.count for cell in self.financing if cell.kind is kind and cell.dimension is Dimension.BANK)


def statistics_of(inputs: StatisticsInputs) -> Statistics:
    """Add up all lines."""
    quarters = quarters_between(inputs.first, inputs.last)
    financing = [line for line in inputs.financing if inputs.first.start <= line.on < inputs.last.end]
    subsidies = [line for line in inputs.subsidies if inputs.first.start <= line.on < inputs.last.end]
    return Statistics(
        quarters=tuple(str(quarter) for quarter in quarters),
        financing=_financing(financing),
        subsidies=_subsidies(subsidies),
        cuts=_cuts(inputs.cuts),
        budgets=_budgets(inputs.budgets, {(cap.scheme, cap.year): cap for cap in inputs.caps}),
    )


def quarters_between(first: Quarter, last: Quarter) -> tuple[Quarter, ...]:
    """Give all quarters from one to another, both counted."""
    places = range(4 * first.year + first.number - 1, 4 * last.year + last.number)
    return tuple(Quarter(year=place // 4, number=place % 4 + 1) for place in places)


def _financing(lines: Iterable[FinancingLine]) -> tuple[FinancingCell, ...]:
    groups: dict[tuple[str, FinancingKind, Dimension, str], list[FinancingLine]] = defaultdict(list)
    for line in lines:
        for dimension in Dimension:
            groups[str(Quarter.of(line.on)), line.kind, dimension, line.name_by(dimension)].append(line)
    return tuple(
        FinancingCell(
            quarter=quarter, kind=kind, dimension=dimension, name=name, count=len(group),
            enterprise_count=len({line.enterprise for line in group}),
            amount_cny=sum((line.amount_cny for line in group), _ZERO),
        )
        for (quarter, kind, dimension, name), group in sorted(groups.items())
    )  # fmt: skip


def _subsidies(lines: Iterable[SubsidyLine]) -> tuple[SubsidyCell, ...]:
    groups: dict[tuple[str, str], list[SubsidyLine]] = defaultdict(list)
    for line in lines:
        groups[str(Quarter.of(line.on)), line.scheme].append(line)
    return tuple(
        SubsidyCell(
            quarter=quarter, scheme=scheme, filed_count=len(group),
            proposed_count=sum(line.proposed_cny is not None for line in group),
            net_cost_cny=_known_sum(line.net_cost_cny for line in group),
            calculated_cny=_known_sum(line.calculated_cny for line in group),
            proposed_cny=_known_sum(line.proposed_cny for line in group),
            paid_cny=_known_sum(line.paid_cny for line in group),
        )
        for (quarter, scheme), group in sorted(groups.items())
    )  # fmt: skip


def _known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, _ZERO) if known else None


def _cuts(lines: Iterable[CutLine]) -> tuple[CutCell, ...]:
    groups: dict[int, list[CutLine]] = defaultdict(list)
    for line in lines:
        groups[line.year].append(line)
    none = Decimal(0)
    return tuple(
        CutCell(
            year=year, enterprise_count=len(group), cut_count=sum(line.cut_t > 0 for line in group),
            before_t=sum((line.before_t for line in group), none), after_t=sum((line.after_t for line in group), none),
            cut_t=sum((line.cut_t for line in group), none),
            sources=tuple(sorted({source for line in group for source in line.sources})),
        )
        for year, group in sorted(groups.items())
    )  # fmt: skip


def _budgets(lines: Iterable[BudgetLine], caps: dict[tuple[str, int], CapLine]) -> tuple[BudgetCell, ...]:
    groups: dict[tuple[str, int], list[BudgetLine]] = defaultdict(list)
    for line in lines:
        groups[line.scheme, line.year].append(line)
    return tuple(
        BudgetCell(
            scheme=scheme, year=year, emitter_count=len(group),
            unstated_count=sum(line.allocation_t is None for line in group),
            allocation_t=sum(line.allocation_t or 0 for line in group),
            emissions_t=sum(line.emissions_t for line in group),
            surrendered_t=sum(line.surrendered_t or 0 for line in group),
            cap_t=None if cap is None else cap.cap_t, cap_confirmed=None if cap is None else cap.confirmed,
        )
        for (scheme, year), group in sorted(groups.items())
        for cap in [caps.get((scheme, year))]
    )  # fmt: skip
