"""Statistics over time as the API shows them; every sum stands beside the lines it adds up."""

from msgspec import Struct

from reporting.calc.statistics import BudgetCell, CutCell, FinancingCell, FinancingKind, SubsidyCell
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
    """Cuts of a year: of enterprises whose two years are known and comparable, growth counted below zero."""

    year: int
    enterprise_count: int
    cut_count: int
    before_t: str
    after_t: str
    cut_t: str

    @classmethod
    def of(cls, cell: CutCell) -> "CutCellOut":
        """Copy the domain value."""
        return cls(
            year=cell.year, enterprise_count=cell.enterprise_count, cut_count=cell.cut_count,
            before_t=str(cell.before_t), after_t=str(cell.after_t), cut_t=str(cell.cut_t),
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
    """Statistics as of a day: a bank's own business, or what banks filed with the bureau."""

    first: str
    last: str
    as_of: str
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
            first=str(view.inputs.first), last=str(view.inputs.last), as_of=view.as_of.isoformat(), body=view.body,
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


def _text(value: object) -> str | None:
    return None if value is None else str(value)
