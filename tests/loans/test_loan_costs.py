"""What a loan costs in a year with all its fees, by hand and by the closed form, on a term sheet in every form of it."""

import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from docx import Document

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical
from carbonfin.storage.rulebook import builtin_book
from loans.calc.contracts.schedule import RepaymentSchedule, ScheduleRow
from loans.calc.loan_costs import CostMethod, CostTerms, LoanFee, PaymentWay, annualised_cost_rate
from loans.calc.term_sheets import TermSheet, draft_term_sheet
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.samples import l1_request, l1_term_sheet
from tests.loans.test_edges import TERM_SHEET, form_of, key

DAY = date(2025, 7, 1)
BOOK = builtin_book("loans")
TERMS = CostTerms(
    method=BOOK.on("loans.annualised_cost_method", valid_on=DAY, known_at=DAY),
    entrusted_above_cny=BOOK.on("loans.entrusted_payment_above_cny", valid_on=DAY, known_at=DAY),
)
FEE = LoanFee(name="评估费", amount_cny=Decimal("50000.00"))


def paid(*rows: tuple[int, str, str]) -> RepaymentSchedule:
    """Give a schedule of payments: years after the drawdown, interest, principal."""
    start, balance, made = DAY, sum((Decimal(principal) for _, _, principal in rows), Decimal(0)), []
    for number, (years, interest, principal) in enumerate(rows, start=1):
        end = DAY + timedelta(days=365 * years)
        made.append(
            ScheduleRow(
                number=number, start=start, end=end, days=(end - start).days, contract_date=end, payment_date=end,
                provisional=False, opening_balance_cny=balance, interest_cny=Decimal(interest),
                principal_cny=Decimal(principal), payment_cny=Decimal(interest) + Decimal(principal),
                closing_balance_cny=balance - Decimal(principal),
            )
        )  # fmt: skip
        start, balance = end, balance - Decimal(principal)
    interest_total = sum((row.interest_cny for row in made), Decimal(0))
    principal_total = sum((row.principal_cny for row in made), Decimal(0))
    return RepaymentSchedule(
        rows=tuple(made), interest_total_cny=interest_total, principal_total_cny=principal_total,
        payment_total_cny=interest_total + principal_total, provisional_from=None, trace=(),
    )  # fmt: skip


def test_one_payment_a_year_later_is_its_closed_form() -> None:
    """365,000 on 10,000,000 is 3.65 % either way; with 50,000 of fees 10,365,000 / 9,950,000 - 1 = 4.17085 %, or 4.15 %."""
    schedule = paid((1, "365000.00", "10000000.00"))
    found = {
        (method, fees): annualised_cost_rate(schedule, fees_cny=Decimal(fees), method=method)
        for method in CostMethod
        for fees in ("0", "50000.00")
    }
    assert found == {
        (CostMethod.IRR, "0"): Decimal("0.036500"), (CostMethod.IRR, "50000.00"): Decimal("0.041709"),
        (CostMethod.SIMPLE, "0"): Decimal("0.036500"), (CostMethod.SIMPLE, "50000.00"): Decimal("0.041500"),
    }  # fmt: skip


def test_two_payments_solve_the_quadratic() -> None:
    """100 = 60 v + 60.5 v^2 with v = 1 / (1 + y); simple: 20.5 over 100 for a year and 45 for another: 20.5 / 145."""
    schedule = paid((1, "5.00", "55.00"), (2, "15.50", "45.00"))
    v = (Decimal(-60) + (Decimal(60) ** 2 + 4 * Decimal("60.5") * 100).sqrt()) / (2 * Decimal("60.5"))
    closed = (1 / v - 1).quantize(Decimal("0.000001"))
    assert annualised_cost_rate(schedule, fees_cny=Decimal(0), method=CostMethod.IRR) == closed
    simple = annualised_cost_rate(schedule, fees_cny=Decimal(0), method=CostMethod.SIMPLE)
    assert simple == (Decimal("20.5") / 145).quantize(Decimal("0.000001"))


def drafted(**said: Any) -> TermSheet:
    return draft_term_sheet(replace(l1_term_sheet(request=l1_request(**said)), cost_terms=TERMS))


def lines_of(sheet: TermSheet) -> dict[str, tuple[str, str]]:
    group = next(one for one in sheet.groups if one.name == "cost")
    return {line.label_zh: (line.value_zh, line.value_en) for line in group.lines}


def test_the_sheet_says_way_first_payment_and_cost_and_what_is_not_stated_is_not_decided() -> None:
    """First payment of the sample: 18,277.78."""
    lines = lines_of(drafted())
    assert lines["首期应还（元）"][0] == "18,277.78"
    assert lines["首期应还大写"][0] == "人民币壹万捌仟贰佰柒拾柒元柒角捌分"
    assert lines["支付方式"][0] == (
        "未约定，以借款合同约定为准；向同一交易对象单笔支付超过 10,000,000.00 元的，采用受托支付"
    )
    assert lines["年化综合融资成本"] == (
        "未决定：借款人承担的费用未填", "not decided: the fees the borrower bears are not stated",
    )  # fmt: skip
    sheet = drafted(payment_way=PaymentWay.ENTRUSTED, fees=(FEE,))
    told = lines_of(sheet)
    assert told["支付方式"][1].startswith("paid by the lender on the borrower's order; a single payment")
    cost = {one.name: one for one in sheet.trace}["annualised_cost_rate"]
    percent = f"{(Decimal(cost.value) * 100).normalize():f}%"
    assert told["年化综合融资成本"][0] == (
        f"{percent}（内部收益率，复利，实际天数/365；含费用 50,000.00 元：评估费 50,000.00）"
    )
    free = lines_of(drafted(fees=()))["年化综合融资成本"][0]
    assert free.endswith("；借款人不承担其他费用）")
    # a nominal 3.29 % of 360, paid monthly: (1 + 0.0329 x 365 / 360 / 12)^12 - 1 = 3.386 %, to the days of the months
    assert Decimal(free.split("%")[0]) == pytest.approx(Decimal("3.386"), abs=Decimal("0.005"))
    assert Decimal(percent[:-1]) > Decimal(free.split("%")[0])
    marked = next(group for group in sheet.groups if group.name == "cost").lines
    assert [line.label_zh for line in marked if line.unconfirmed] == ["支付方式", "年化综合融资成本"]
    names = [group.name for group in sheet.groups]
    assert names.index("cost") == names.index("repayment") + 1


def test_a_sheet_of_before_says_nothing_of_it_and_keeps_its_text() -> None:
    assert "cost" not in [group.name for group in draft_term_sheet(l1_term_sheet()).groups]
    plain = canonical(l1_term_sheet())
    assert "cost_terms" not in plain
    assert {"payment_way", "fees"}.isdisjoint(plain["request"])
    unknown = replace(
        l1_term_sheet(request=l1_request(fees=())), cost_terms=CostTerms(method=None, entrusted_above_cny=None)
    )
    lines = lines_of(draft_term_sheet(unknown))
    assert lines["支付方式"][0].endswith("受托支付限额未录入")
    assert lines["年化综合融资成本"][0] == "未决定：计算方法未录入"


@pytest.mark.parametrize(
    "fees",
    [
        (FEE, FEE),
        (replace(FEE, amount_cny=Decimal("10000000.00")),),
        tuple(LoanFee(name=f"费用{number}", amount_cny=Decimal(1)) for number in range(11)),
    ],
)
def test_fees_that_cannot_be_are_refused_by_their_field(fees: tuple[LoanFee, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        l1_request(fees=fees)
    assert refused.value.field == "fees"


@pytest.mark.parametrize(
    ("name", "amount"), [(" ", "1"), ("评估费", "0"), ("评估费", "-1"), ("评估费", "0.001"), ("评估费", "NaN")]
)
def test_a_fee_that_cannot_be_is_refused(name: str, amount: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        LoanFee(name=name, amount_cny=Decimal(amount))
    assert refused.value.field == "fees"


def test_api_page_pdf_word_and_form_carry_way_and_cost(desk: Desk) -> None:
    said = {"payment_way": "own", "fees": [{"name": "评估费", "amount_cny": "50000.00"}]}
    told = desk.system.post("/v1/term-sheets", json=TERM_SHEET | said, headers=key("cost-1")).json()
    group = next(one for one in told["groups"] if one["name"] == "cost")
    assert group["lines"][0]["value_zh"].startswith("借款人自主支付；")
    page = desk.get(f"/term-sheets/{told['number']}").text
    assert f"/decisions/{told['decision_id']}#figure-annualised_cost_rate" in page
    pdf = text_of(desk.system.get(told["pdf_address"]).content)
    word = Document(io.BytesIO(desk.system.get(told["docx_address"]).content))
    cells = "".join(cell.text for table in word.tables for row in table.rows for cell in row.cells)
    for text in (pdf, cells):
        flat = "".join(text.split())
        assert "借款人自主支付" in flat
        assert "内部收益率" in flat
        assert "internalrateofreturn" in flat
    again = desk.get(f"/loans/new?number={told['number']}").text
    assert "评估费 50000.00" in again, "a revision begins with the fees"
    preview = desk.browser.get(
        "/loans/new", params=form_of(desk, payment_way="entrusted", fees="评估费：50000\n担保费 1000.00")
    )
    assert "担保费 1,000.00" in preview.text
    none = desk.browser.get("/loans/new", params=form_of(desk, fees="无")).text
    assert "借款人不承担其他费用" in none
    wrong = desk.browser.get("/loans/new", params=form_of(desk, fees="50000")).text
    assert "缺少名称或金额" in wrong
