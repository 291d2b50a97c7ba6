"""Which part of the statistics is asked for, and the quarters one beside another: as known at their end, and now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from reporting.calc.quarters import Quarter
from reporting.calc.statistics import NOT_STATED, CutLine, Dimension, FinancingKind, FinancingLine

_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is counted: lines under these names alone; None leaves a dimension open.

    未说明 asks for the lines that do not state it.
    """

    bank: str | None = None
    district: str | None = None
    industry: str | None = None
    product: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not any((self.bank, self.district, self.industry, self.product))

    def holds(self, line: FinancingLine) -> bool:
        """Whether a line is counted."""
        asked = (
            (Dimension.BANK, self.bank), (Dimension.DISTRICT, self.district),
            (Dimension.INDUSTRY, self.industry), (Dimension.PRODUCT, self.product),
        )  # fmt: skip
        return all(not name or line.name_by(dimension) == name for dimension, name in asked)

    def holds_enterprise(self, *, district: str | None, industry: str | None) -> bool:
        """Whether an enterprise's emissions and allowances are counted: they have no bank and no product."""
        return self.district in {None, "", district or NOT_STATED} and self.industry in {
            None,
            "",
            industry or NOT_STATED,
        }


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingSum:
    """Lines or loans of one kind: how many and how much."""

    count: int
    amount_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinancing:
    """What was known, at one instant, of one quarter.

    Attributes:
        cut_year: The last full year before the quarter.
        cut_t: Its cut by enterprises whose two years were known and comparable then; None where there was none.
    """

    credit_lines: FinancingSum
    loans: FinancingSum
    filed_count: int
    cut_year: int
    cut_t: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """A quarter as it was known at the end of its last day, and as it is known now.

    Attributes:
        then: None while the quarter has not ended.
    """

    quarter: str
    ends_on: date
    then: KnownFinancing | None
    now: KnownFinancing


def last_day(quarter: Quarter) -> date:
    """Give the last day of a quarter."""
    return quarter.end - timedelta(days=1)


def known_financing(
    lines: Iterable[FinancingLine], filed_on: Iterable[date], cuts: Iterable[CutLine], quarter: Quarter
) -> KnownFinancing:
    """Count one quarter of what was known: its lines and loans apart, its filings, and the cut of the year before.

    Args:
        lines: Lines and loans of any quarter.
        filed_on: The day of each filing, of any quarter.
        cuts: Cuts of any year.
        quarter: The one to count.
    """
    inside = [line for line in lines if quarter.holds(line.on)]
    year = quarter.year - 1
    cut_t = [one.cut_t for one in cuts if one.year == year]
    return KnownFinancing(
        credit_lines=_sum(inside, FinancingKind.CREDIT_LINE), loans=_sum(inside, FinancingKind.LOAN),
        filed_count=sum(quarter.holds(day) for day in filed_on), cut_year=year,
        cut_t=sum(cut_t, Decimal(0)) if cut_t else None,
    )  # fmt: skip


def _sum(lines: Iterable[FinancingLine], kind: FinancingKind) -> FinancingSum:
    amounts = [line.amount_cny for line in lines if line.kind is kind]
    return FinancingSum(count=len(amounts), amount_cny=sum(amounts, _ZERO))
