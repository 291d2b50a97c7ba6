"""Disclosures of a bank by hand: the facility's spans, codes, financed emissions by both methods, what is missing."""

import dataclasses
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from loans.calc.financed import AttributionMethod
from reporting import service
from reporting.calc.disclosure import DisclosedLoan, disclosure_of, facility_field
from reporting.workbooks.disclosure import disclosure_xlsx
from tests.reporting.samples import AS_OF
from tests.reporting.test_service import CLOCK, prepared

DAY = date(2025, 9, 30)
LOAN = DisclosedLoan(
    note_code="N1", enterprise="U1", enterprise_name="甲", product="风电贷", drawn_on=date(2025, 8, 1),
    principal_cny=Decimal("1000000.00"), balance_cny=Decimal("800000.00"), rate=Decimal("0.0300"),
    catalogue_code="6.1.1", facility_field="clean_energy", emissions_year=2024, emissions_t=5000,
    revenue_cny=Decimal("40000000.00"), equity_plus_debt_cny=Decimal("20000000.00"),
)  # fmt: skip


def loan(code: str, **changes: object) -> DisclosedLoan:
    return dataclasses.replace(LOAN, note_code=code, **changes)  # type: ignore[arg-type]


def test_the_facility_counts_the_quarter_the_year_and_all_with_rates_by_amount() -> None:
    """(1,000,000 × 3.00 % + 3,000,000 × 2.60 %) / 4,000,000 = 2.70 %."""
    loans = [
        LOAN, loan("N2", drawn_on=date(2025, 7, 1), principal_cny=Decimal("3000000.00"), rate=Decimal("0.0260")),
        loan("N3", drawn_on=date(2025, 6, 30)), loan("N4", drawn_on=date(2024, 12, 31)),
        loan("N5", facility_field="", catalogue_code=""),
    ]  # fmt: skip
    found = disclosure_of(loans, as_of=DAY)
    clean = found.facility[0]
    assert (clean.quarter.count, clean.quarter.drawn_cny, clean.quarter.rate) == (
        2, Decimal("4000000.00"), Decimal("0.027000"),
    )  # fmt: skip
    assert (clean.year.count, clean.since.count, clean.since.balance_cny) == (3, 4, Decimal("3200000.00"))
    assert (found.facility[-1].field, found.facility[-1].quarter.count) == ("", 1)
    assert [(group.name, group.balance_cny) for group in found.catalogue] == [
        ("6.1.1", Decimal("3200000.00")), ("", Decimal("800000.00")),
    ]  # fmt: skip
    assert (found.green.balance_cny, found.all_loans.balance_cny) == (Decimal("3200000.00"), Decimal("4000000.00"))
    assert sum(row.since.balance_cny for row in found.facility) == found.all_loans.balance_cny


def test_financed_emissions_by_both_methods_and_never_added() -> None:
    """800,000 / 40,000,000 × 5,000 = 100.0 by revenue; 800,000 / 20,000,000 × 5,000 = 200.0 by equity and debt."""
    unknown = loan("N2", emissions_t=None, emissions_year=None)
    half = loan("N3", revenue_cny=None)
    found = disclosure_of([LOAN, unknown, half], as_of=DAY)
    guide, pcaf = found.totals
    assert (guide.method, guide.financed_t, guide.loan_count, guide.quality) == (
        AttributionMethod.PBOC_GUIDE, Decimal("100.0"), 1, None,
    )  # fmt: skip
    assert (pcaf.financed_t, pcaf.loan_count, pcaf.quality) == (Decimal("400.0"), 2, Decimal("2.00"))
    assert (guide.covered_share, pcaf.covered_share) == (Decimal("0.3333"), Decimal("0.6667"))
    lacks = {(one.loan.note_code, one.method): one.lacks_zh for one in found.financed if one.financed is None}
    assert lacks[("N2", AttributionMethod.PCAF)] == "企业排放量未知"
    assert "主营业务收入" in lacks[("N3", AttributionMethod.PBOC_GUIDE)]
    assert len(lacks) == 3


def test_a_bank_without_loans_has_tables_without_shares() -> None:
    found = disclosure_of([], as_of=DAY)
    assert [total.covered_share for total in found.totals] == [None, None]
    assert found.all_loans.rate is None
    book = openpyxl.load_workbook(io.BytesIO(disclosure_xlsx(found, (), body="甲行", is_sample=False)))
    assert "碳减排支持工具季度情况表" in book.sheetnames


def test_products_nobody_has_classed_are_not_green(sqlite_sessions: Sessions) -> None:
    """The sample bank owes nothing on P0, which is settled; P2 of 2,300,000 is running."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        standing = standing_of(session, actors.bank.organization_id, CLOCK)
        view = service.disclosure_view(session, actors.bank, standing=standing)
    found = view.found
    assert (found.as_of, found.quarter) == (AS_OF, "2025Q3")
    assert (found.all_loans.balance_cny, found.green.balance_cny) == (Decimal("2300000.00"), Decimal("0.00"))
    assert {one.lacks_en for one in found.financed} == {"emissions not known"}
    assert all(value is not None and not value.confirmed for _, value in view.bases)
    sheet = openpyxl.load_workbook(io.BytesIO(service.disclosure_workbook(view)))["环境信息披露主要指标"]
    cells = {row[1].value: row[2].value for row in sheet.iter_rows(min_row=5)}
    assert cells["其中绿色贷款余额"] == "0.00 元"
    assert service.disclosure_workbook(view) == service.disclosure_workbook(view)


def test_a_field_the_facility_does_not_have_is_refused() -> None:
    assert facility_field("风电贷", "clean_energy") == "clean_energy"
    assert not facility_field("风电贷", "")
    with pytest.raises(InvalidInput) as refused:
        facility_field("风电贷", "solar")
    assert refused.value.field == "reporting.facility_field"
