from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.financed import AttributionMethod, attributed_t, financed_emissions
from loans.calc.jiangtandai import RateStatus
from loans.calc.term_lines import TermLine, percent
from loans.calc.term_sheets import TermSheet, draft_term_sheet
from tests.loans.samples import NO_REPORT, l1_rate, l1_term_sheet


def lines_of(sheet: TermSheet) -> dict[str, TermLine]:
    return {line.label_zh: line for group in sheet.groups for line in group.lines}


def test_term_sheet_of_the_sample_loan() -> None:
    sheet = draft_term_sheet(l1_term_sheet())
    assert sheet.rate.executed_rate == Decimal("0.0329")
    assert sheet.schedule is not None
    assert sheet.schedule.interest_total_cny == Decimal("333569.49")
    assert sheet.interest_total_without_concession_cny == Decimal("344722.22")
    assert sheet.saving_cny == Decimal("11152.73")
    lines = lines_of(sheet)
    assert lines["金额大写"].value_zh == "人民币壹仟万元整"
    assert lines["执行年利率"].value_zh == "3.29%"
    assert lines["利息合计（元）"].value_zh == "333,569.49"
    assert lines["均值比 K / 等级"].value_zh == "0.714 / 2 级"


def test_financed_emissions_stand_beside_each_other() -> None:
    sheet = draft_term_sheet(l1_term_sheet())
    assert {result.method: result.financed_t for result in sheet.financed} == {
        AttributionMethod.PBOC_GUIDE: Decimal("99.2"),
        AttributionMethod.PCAF: Decimal("144.1"),
    }
    totals = [name for figure in sheet.trace for name in figure.inputs if name.startswith("financed_t.")]
    assert totals == [], "nothing is computed from both"


def test_every_line_with_a_figure_stands_in_the_trace() -> None:
    sheet = draft_term_sheet(l1_term_sheet())
    names = {figure.name for figure in sheet.trace}
    shown = {line.figure_name for line in lines_of(sheet).values() if line.figure_name}
    assert shown <= names
    assert {step.figure_name for step in sheet.steps} <= names
    assert len(shown) >= 20
    rate = next(figure for figure in sheet.trace if figure.name == "rate")
    assert rate.inputs == ("executed_rate",)


def test_build_up_steps_end_at_the_executed_rate() -> None:
    for rate in (l1_rate(), l1_rate(margin_bp=-15)):
        sheet = draft_term_sheet(l1_term_sheet(rate=rate))
        moves = [step.bp for step in sheet.steps[:-1]]
        assert sum(moves) == sheet.steps[-1].bp
    assert [step.label_zh for step in sheet.steps] == ["LPR（1Y）", "加减点", "降碳优惠", "综合利率下限", "执行利率"]


def test_without_a_report_nothing_favourable_is_printed() -> None:
    sheet = draft_term_sheet(l1_term_sheet(rate=l1_rate(report=NO_REPORT)))
    assert sheet.status is RateStatus.NOT_DECIDED
    assert sheet.schedule is None
    assert sheet.saving_cny is None
    assert lines_of(sheet)["执行年利率"].value_zh == "未决定"
    assert "缺少碳评级报告" in lines_of(sheet)["利率优惠"].value_zh
    assert len(sheet.financed) == 2


def test_unconfirmed_inputs_mark_what_comes_from_them() -> None:
    sheet = draft_term_sheet(l1_term_sheet())
    lines = lines_of(sheet)
    assert lines["2024 年排放量（吨）"].unconfirmed, "the grid factor is known from a secondary source only"
    assert not lines["执行年利率"].unconfirmed
    assert any(note.zh.startswith("未确认：电力平均二氧化碳排放因子") for note in sheet.notes)
    assert any("节假日安排未公布" in note.zh for note in sheet.notes)


def test_rate_of_another_drawdown_is_refused() -> None:
    inputs = l1_term_sheet()
    later = l1_rate()
    with pytest.raises(InvalidInput):
        type(inputs)(
            **{**{name: getattr(inputs, name) for name in inputs.__slots__}, "borrower_usci": "91440300EXAMPLE541"}
        )
    assert later.applies_from == date(2025, 7, 1)


def test_missing_or_zero_denominator_is_named_not_divided_by() -> None:
    results, missing, _ = financed_emissions(
        outstanding_cny=Decimal(1),
        company_t=1,
        revenue_cny=None,
        equity_plus_debt_cny=Decimal(0),
        outstanding_figure="principal_cny",
        emissions_figure="company_t",
    )
    assert results == ()
    assert [item.field for item in missing] == ["revenue_cny", "equity_plus_debt_cny"]
    with pytest.raises(InvalidInput):
        attributed_t(outstanding_cny=Decimal(1), denominator_cny=Decimal(0), emissions_t=Decimal(1))


@pytest.mark.parametrize(
    ("rate", "text"), [("0.0329", "3.29%"), ("0.03", "3.00%"), ("0.032905", "3.2905%"), ("0", "0.00%")]
)
def test_percent_keeps_every_digit(rate: str, text: str) -> None:
    assert percent(Decimal(rate)) == text
