"""Disclosures of a bank by hand: the facility's spans, codes, financed emissions by both methods, what is missing."""

import dataclasses
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, add_person, standing_of
from carbonfin.storage.rulebook import enter_parameter
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.financed import AttributionMethod
from loans.calc.notes import LoanNoteDraft
from loans.service import record_loan_note
from reporting import service
from reporting.calc.disclosure import DisclosedLoan, disclosure_of, facility_field
from reporting.schemas import BankDisclosureOut
from reporting.schemas.disclosure import FinancedLoanOut
from reporting.workbooks.disclosure import disclosure_xlsx
from tests.loans.conftest import Desk, desk
from tests.loans.world import KNOWN_AT as LOANS_KNOWN_AT
from tests.reporting.samples import AS_OF, KNOWN_AT
from tests.reporting.test_service import CLOCK, prepared

__all__ = ["desk"]
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
    book = openpyxl.load_workbook(io.BytesIO(disclosure_xlsx(found, (), (), body="甲行", is_sample=False)))
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


def said(value: str, *, confirmed: bool) -> ParameterValue:
    return ParameterValue(
        key="reporting.facility_field", scope="碳配额质押贷款", value=value, unit="code", valid_from=date(2024, 1, 1), valid_to=None,
        known_from=date(2025, 1, 2), document="绿色产业目录(示例)", article="", grade=Grade.SECONDARY,
        confirmed=confirmed, approved_by=(), note="", title_zh="支持工具领域（按产品）", title_en="Field",
    )  # fmt: skip


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_field_that_nobody_has_confirmed_is_not_counted_and_no_product_is_green(
    sqlite_sessions: Sessions, *, confirmed: bool
) -> None:
    """P2 of 2,300,000 is the balance; its product's field is entered, and confirmed or not."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        checker = actor_of(
            session,
            add_person(
                session, organization_id=actors.bank.organization_id, login="checker-a", name="复核(示例)",
                role=Role.CHECKER, password_hash="no password",
            ).id,
        )  # fmt: skip
        enter_parameter(
            session, actors.bank, checker, said("clean_energy", confirmed=confirmed), reason="认定", at=KNOWN_AT
        )
        standing = standing_of(session, actors.bank.organization_id, CLOCK)
        view = service.disclosure_view(session, actors.bank, standing=standing)
    counted = Decimal("2300000.00") if confirmed else Decimal("0.00")
    assert view.found.green.balance_cny == 0, "a product's name makes no note green"
    assert view.found.facility[0].since.balance_cny == counted
    answer = BankDisclosureOut.of(view)
    assert [(one.product, one.value, one.confirmed) for one in answer.product_classes] == [
        ("碳配额质押贷款", "clean_energy", confirmed)
    ]
    book = openpyxl.load_workbook(io.BytesIO(service.disclosure_workbook(view)))
    texts = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert ("clean_energy（未核实，不计入）" in texts) is not confirmed


def test_what_rests_on_an_unread_method_says_so_in_api_and_workbook() -> None:
    """The PBoC guide's text was not read, PCAF's was."""
    found = disclosure_of([LOAN], as_of=DAY)
    flags = {one.method: FinancedLoanOut.of(one).confirmed for one in found.financed}
    assert flags == {AttributionMethod.PBOC_GUIDE: False, AttributionMethod.PCAF: True}
    lacking = disclosure_of([loan("N2", emissions_t=None, emissions_year=None)], as_of=DAY)
    assert {FinancedLoanOut.of(one).confirmed for one in lacking.financed} == {None}
    sheet = openpyxl.load_workbook(io.BytesIO(disclosure_xlsx(found, (), (), body="甲行", is_sample=False)))
    rows = list(sheet["投融资活动碳排放"].iter_rows(values_only=True))
    place = next(row.index("方法核实") for row in rows if "方法核实" in row)
    assert [row[place] for row in rows if row[place] in {"已核实", "未核实"}] == ["未核实", "已核实"]


def test_the_page_names_classes_that_are_not_counted(desk: Desk) -> None:
    note = LoanNoteDraft(
        code="P7", party_id=desk.bank.clothing.id, pledge_code=None, product="碳配额质押贷款",
        terms=LoanTerms(
            principal_cny=Decimal("500000.00"), drawdown_date=date(2025, 6, 20), maturity_date=date(2026, 6, 20),
            rate=Decimal("0.03"), basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=3,
            settlement_day=20, accrual_dates=AccrualDates.UNADJUSTED,
        ),
        rate_note="示例", interest_paid_to=date(2025, 6, 20), is_sample=True,
    )  # fmt: skip
    with desk.sessions.begin() as session:
        record_loan_note(session, desk.bank.officer, note, known_at=LOANS_KNOWN_AT)
        enter_parameter(
            session, desk.bank.officer, desk.bank.checker,
            said("clean_energy", confirmed=False), reason="认定", at=LOANS_KNOWN_AT,
        )  # fmt: skip
    shown = desk.get("/bank-disclosures").text
    assert "clean_energy 未核实，不计入" in shown


def test_a_field_the_facility_does_not_have_is_refused() -> None:
    assert facility_field("风电贷", "clean_energy") == "clean_energy"
    assert not facility_field("风电贷", "")
    with pytest.raises(InvalidInput) as refused:
        facility_field("风电贷", "solar")
    assert refused.value.field == "reporting.facility_field"
