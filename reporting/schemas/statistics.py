"""Statistics over time as the API shows them; every sum stands beside the lines it adds up."""

from msgspec import Struct

from reporting.calc.statistics import BudgetCell, CutCell, FinancingCell, FinancingKind, FinancingLine, SubsidyCell
from reporting.calc.statistics_selection import KnownFinancing, SeriesPoint
from reporting.schemas.subsidies import ReportFailureOut
from reporting.service import StatisticsView


class FinancingCellOut(Struct, frozen=True, kw_only=True):
    """Financing of a quarter under one name; credit lines and loans are never added."""

    quarter: str
    kind: str
    dimension: str
    name: str
    count: int
    enterprise_count: int
    amount_cny: str

    @classmethod
    def of(cls, cell: FinancingCell) -> "FinancingCellOut":
        """Copy the domain value."""
        return cls(
            quarter=cell.quarter, kind=cell.kind.value, dimension=cell.dimension.value, name=cell.name,
            count=cell.count, enterprise_count=cell.enterprise_count, amount_cny=str(cell.amount_cny),
        )  # fmt: skip


class SubsidyCellOut(Struct, frozen=True, kw_only=True):
    """Subsidies asked for in a quarter under one scheme; an amount is null where no application has one."""

    quarter: str
    scheme: str
    filed_count: int
    proposed_count: int
    net_cost_cny: str | None
    calculated_cny: str | None
    proposed_cny: str | None
    paid_cny: str | None

    @classmethod
    def of(cls, cell: SubsidyCell) -> "SubsidyCellOut":
        """Copy the domain value."""
        return cls(
            quarter=cell.quarter, scheme=cell.scheme, filed_count=cell.filed_count,
            proposed_count=cell.proposed_count, net_cost_cny=_text(cell.net_cost_cny),
            calculated_cny=_text(cell.calculated_cny), proposed_cny=_text(cell.proposed_cny),
            paid_cny=_text(cell.paid_cny),
        )  # fmt: skip


class CutCellOut(Struct, frozen=True, kw_only=True):
    """Cuts of a year: of enterprises whose two years are known and comparable, growth counted below zero.

    `sources` says who gave the emissions and which grid factors were taken.
    """

    year: int
    enterprise_count: int
    cut_count: int
    before_t: str
    after_t: str
    cut_t: str
    sources: list[str]

    @classmethod
    def of(cls, cell: CutCell) -> "CutCellOut":
        """Copy the domain value."""
        return cls(
            year=cell.year, enterprise_count=cell.enterprise_count, cut_count=cell.cut_count,
            before_t=str(cell.before_t), after_t=str(cell.after_t), cut_t=str(cell.cut_t),
            sources=list(cell.sources),
        )  # fmt: skip


class CarbonBudgetOut(Struct, frozen=True, kw_only=True):
    """Allocation, emissions and surrender of a scheme's year; `cap_t` is null where none is entered.

    `cap_confirmed` is false while nobody has held the cap against its source, and null where there is none.
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

    @classmethod
    def of(cls, cell: BudgetCell) -> "CarbonBudgetOut":
        """Copy the domain value."""
        return cls(
            scheme=cell.scheme, year=cell.year, emitter_count=cell.emitter_count, unstated_count=cell.unstated_count,
            allocation_t=cell.allocation_t, emissions_t=cell.emissions_t, surrendered_t=cell.surrendered_t,
            cap_t=cell.cap_t, cap_confirmed=cell.cap_confirmed,
        )  # fmt: skip


class InterestSumOut(Struct, frozen=True, kw_only=True):
    """Costs paid in a quarter as vouchers of applications state them, net of VAT voucher by voucher."""

    quarter: str
    voucher_count: int
    gross_cny: str
    net_cny: str


class StatisticsOut(Struct, frozen=True, kw_only=True):
    """Statistics as of a day and as known on one: a bank's own business, or what banks filed with the bureau.

    `bank`, `district`, `industry` and `product` repeat what was asked for; cuts and carbon budgets are told apart by
    district and industry alone.
    """

    first: str
    last: str
    as_of: str
    known_on: str
    bank: str | None
    district: str | None
    industry: str | None
    product: str | None
    body: str
    is_sample: bool
    loans_count: int
    loans_cny: str
    credit_lines_count: int
    credit_lines_cny: str
    skipped_credit_lines_count: int
    unread_accounts_count: int
    financing: list[FinancingCellOut]
    subsidies: list[SubsidyCellOut]
    failures: list[ReportFailureOut]
    interest: list[InterestSumOut]
    cuts: list[CutCellOut]
    carbon_budgets: list[CarbonBudgetOut]

    @classmethod
    def of(cls, view: StatisticsView, *, dimension: str | None = None) -> "StatisticsOut":
        """Copy the domain value, financing by one dimension or by all."""
        found = view.found
        return cls(
            first=str(view.inputs.first), last=str(view.inputs.last), as_of=view.as_of.isoformat(),
            known_on=view.known_on.isoformat(), bank=view.only.bank, district=view.only.district,
            industry=view.only.industry, product=view.only.product, body=view.body,
            is_sample=view.is_sample, loans_count=found.count_of(FinancingKind.LOAN),
            loans_cny=str(found.total_cny(FinancingKind.LOAN)),
            credit_lines_count=found.count_of(FinancingKind.CREDIT_LINE),
            credit_lines_cny=str(found.total_cny(FinancingKind.CREDIT_LINE)),
            skipped_credit_lines_count=view.skipped_count, unread_accounts_count=view.unread_count,
            financing=[
                FinancingCellOut.of(cell) for cell in found.financing if dimension in {None, cell.dimension.value}
            ],
            subsidies=[SubsidyCellOut.of(cell) for cell in found.subsidies],
            failures=[ReportFailureOut.of(failure) for failure in view.failures],
            interest=[
                InterestSumOut(
                    quarter=one.name, voucher_count=one.voucher_count, gross_cny=str(one.gross_cny),
                    net_cny=str(one.net_cny),
                )
                for one in view.interest
            ],
            cuts=[CutCellOut.of(cell) for cell in found.cuts],
            carbon_budgets=[CarbonBudgetOut.of(cell) for cell in found.budgets],
        )  # fmt: skip


class FinancingLineOut(Struct, frozen=True, kw_only=True):
    """A credit line or loan that is counted; product, district and industry are null where they are not stated.

    `on` is the day it became available or was drawn, `known_on` the day from which it stands here as it does now.
    """

    kind: str
    code: str
    bank: str
    enterprise: str
    on: str
    known_on: str
    amount_cny: str
    product: str | None
    district: str | None
    industry: str | None

    @classmethod
    def of(cls, line: FinancingLine) -> "FinancingLineOut":
        """Copy the domain value."""
        return cls(
            kind=line.kind.value, code=line.code, bank=line.bank, enterprise=line.enterprise, on=line.on.isoformat(),
            known_on=line.known_on.isoformat(), amount_cny=str(line.amount_cny), product=line.product,
            district=line.district, industry=line.industry,
        )  # fmt: skip


class FinancingLinesOut(Struct, frozen=True, kw_only=True):
    """A page of the lines, in the order they became known; all pages add up to the statistics of the same question."""

    as_of: str
    known_on: str
    lines: list[FinancingLineOut]


class KnownFinancingOut(Struct, frozen=True, kw_only=True):
    """What was known of a quarter; `cut_t` is null where no enterprise had two comparable years then."""

    credit_lines_count: int
    credit_lines_cny: str
    loans_count: int
    loans_cny: str
    filed_count: int
    cut_year: int
    cut_t: str | None

    @classmethod
    def of(cls, known: KnownFinancing) -> "KnownFinancingOut":
        """Copy the domain value."""
        return cls(
            credit_lines_count=known.credit_lines.count, credit_lines_cny=str(known.credit_lines.amount_cny),
            loans_count=known.loans.count, loans_cny=str(known.loans.amount_cny), filed_count=known.filed_count,
            cut_year=known.cut_year, cut_t=_text(known.cut_t),
        )  # fmt: skip


class SeriesPointOut(Struct, frozen=True, kw_only=True):
    """A quarter as known at the end of its last day (`then`, null while it has not ended) and as known now."""

    quarter: str
    ends_on: str
    then: KnownFinancingOut | None
    now: KnownFinancingOut

    @classmethod
    def of(cls, point: SeriesPoint) -> "SeriesPointOut":
        """Copy the domain value."""
        return cls(
            quarter=point.quarter, ends_on=point.ends_on.isoformat(),
            then=None if point.then is None else KnownFinancingOut.of(point.then), now=KnownFinancingOut.of(point.now),
        )  # fmt: skip


class StatisticsSeriesOut(Struct, frozen=True, kw_only=True):
    """Quarters one beside another; credit lines and loans are never added."""

    as_of: str
    known_on: str
    quarters: list[SeriesPointOut]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
