"""Workbooks: opened with openpyxl, the stored values and the formulas both."""

import csv
import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook as OpenedBook

from carbonfin.documents.workbooks import (
    CellKind,
    CodeList,
    Provenance,
    SheetColumn,
    csv_text,
    guarded,
    totals_of,
    write_workbook,
)
from carbonfin.kernel.errors import InvalidInput
from tests.documents import workbook_samples as samples

HEAD_ROW = 4


def opened(*, values: bool = False, **changes: Any) -> OpenedBook:
    return openpyxl.load_workbook(io.BytesIO(write_workbook(samples.workbook(**changes))), data_only=values)


def test_codes_keep_every_digit_and_days_are_days() -> None:
    sheet = opened()["贴息明细"]
    row = [cell.value for cell in sheet[HEAD_ROW + 1]]
    assert row == [
        1,
        "示例微电子（深圳）有限公司",
        "91440300EXAMPLE2XB",
        "6222020200112233445",
        datetime(2025, 6, 20),  # noqa: DTZ001  a spreadsheet's day has no zone
        0.0385,
        150000,
        110172.97,
        5.508649,
        "10",
    ]
    assert sheet.cell(HEAD_ROW + 1, 5).is_date
    assert sheet.cell(HEAD_ROW + 2, 4).value == "0012345678901234567"
    assert sheet.cell(HEAD_ROW + 2, 4).data_type == "s"
    assert sheet.cell(HEAD_ROW + 2, 5).value is None


def test_totals_are_formulas_with_the_value_stored_beside() -> None:
    formulas = [cell.value for cell in opened()["贴息明细"][HEAD_ROW + 4]]
    stored = [cell.value for cell in opened(values=True)["贴息明细"][HEAD_ROW + 4]]
    assert formulas == ["合计", None, None, None, None, None, "=SUM(G5:G7)", "=SUM(H5:H7)", "=SUM(I5:I7)", None]
    assert stored == ["合计", None, None, None, None, None, 310000, 110173.27, 5.508659, None]


def test_totals_are_added_exactly() -> None:
    assert totals_of(samples.table()) == (
        None,
        None,
        None,
        None,
        None,
        310000,
        Decimal("110173.27"),
        Decimal("5.508659"),
        None,
    )


def test_heading_reporting_line_and_print_set_up() -> None:
    sheet = opened()["贴息明细"]
    merged = {str(each) for each in sheet.merged_cells.ranges}
    assert {"A1:J1", "A2:J2", "A3:H3", "I3:J3", "A9:J9"} <= merged
    assert sheet["A1"].value == "绿色信贷贴息申报明细表"
    assert sheet["A2"].value == "演示数据（示例），不构成报价或承诺"
    assert (
        sheet["A3"].value
        == "填报单位（盖章）：示例银行股份有限公司深圳分行　　填表人：客户经理甲（示例）　　联系电话：0755-00000000　　填报日期：2025-09-26"
    )
    assert sheet["I3"].value == "单位：元"
    assert (sheet.page_setup.orientation, str(sheet.page_setup.paperSize), sheet.page_setup.fitToHeight) == (
        "landscape",
        "9",
        0,
    )
    assert sheet.print_title_rows == "$4:$4"
    assert sheet.freeze_panes == "B5"
    assert sheet.auto_filter.ref == "A4:J7"
    assert (sheet["A5"].font.name, sheet["A4"].font.name) == ("仿宋", "宋体")


@pytest.mark.parametrize("name", ["贴息明细", "代码表", "填报说明", "来源与口径"])
def test_the_mark_of_sample_figures_is_printed_on_every_sheet(name: str) -> None:
    assert opened()[name].oddHeader.center.text == "演示数据（示例），不构成报价或承诺"


def test_drop_downs_come_from_the_code_sheet() -> None:
    book = opened()
    (rule,) = book["贴息明细"].data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1) == ("J5:J7", "'代码表'!$A$3:$A$6")
    codes = book["代码表"]
    assert [codes.cell(row, 1).value for row in range(3, 7)] == ["10", "20", "21", "90"]
    assert codes["B6"].value == "未决定：参数未确认"


def test_guide_and_provenance_have_their_sheets() -> None:
    book = opened()
    assert book.sheetnames == ["贴息明细", "代码表", "填报说明", "来源与口径"]
    assert [cell.value for cell in book["来源与口径"][4]] == [
        1,
        "市场快照",
        "2025-06-30",
        "上海环境能源交易所",
        "9f2c4b6d8e0a1c3f",
        "已确认",
    ]
    assert book["来源与口径"]["F5"].value == "未确认"
    assert book["填报说明"]["B3"].value == "本表由系统按已确认参数生成，编码列为文本。"


DANGEROUS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "＝1+1")


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_becomes_a_formula(text: str) -> None:
    rows = ((text, text, text, None, None, None, None, None, None),)
    table = samples.table(rows=rows, title=text, unit=text, notes=(text,), banner=text, reporting_body=text)
    content = write_workbook(samples.workbook(sheets=(table,), guide=(text,)))
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or str(cell.value).startswith("=SUM("), cell.coordinate
    cell = book["贴息明细"]["B5"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert cell.value.replace("_x000D_", "\r").strip() == text.strip()


def test_csv_guards_text_and_leaves_figures_alone() -> None:
    columns = (
        SheetColumn(label="名", kind=CellKind.TEXT),
        SheetColumn(label="差额", kind=CellKind.MONEY, unit="元", totalled=True),
    )
    rows = tuple((text, Decimal("-12.50")) for text in (*DANGEROUS, "正常"))
    read = list(csv.reader(io.StringIO(csv_text(samples.table(columns=columns, rows=rows)).removeprefix("\ufeff"))))
    assert read[0] == ["序号", "名", "差额（元）"]
    assert [line[1] for line in read[1:-1]] == [f"'{text}" for text in DANGEROUS] + ["正常"]
    assert {line[2] for line in read[1:-1]} == {"-12.50"}
    assert read[-1] == ["合计", "", "-112.50"]
    assert guarded("正常") == "正常"


def test_csv_starts_with_a_byte_order_mark_and_never_writes_an_exponent() -> None:
    columns = (SheetColumn(label="价", kind=CellKind.PRICE),)
    text = csv_text(samples.table(columns=columns, rows=((Decimal("1E+5"),), (Decimal("0.0000001"),))))
    assert text == "\ufeff序号,价\r\n1,100000\r\n2,0.0000001\r\n"


def test_a_row_is_as_high_as_its_longest_text_needs() -> None:
    columns = (SheetColumn(label="理由", kind=CellKind.TEXT, width=24),)
    sheet = opened(sheets=(samples.table(columns=columns, rows=(("短",), ("未结清" * 20,))),), code_lists=())[
        "贴息明细"
    ]
    assert sheet.row_dimensions[HEAD_ROW + 1].height == pytest.approx(20, abs=0.5)
    assert sheet.row_dimensions[HEAD_ROW + 2].height == pytest.approx(
        20 + 15 * 5, abs=0.5
    )  # 120 half widths on lines of 20


def test_sources_and_guide_are_as_high_as_their_texts_need() -> None:
    digest = "9f2c4b6d" * 8
    long = Provenance(subject="折扣系数", value="0.40", source="示例银行内部参数表", digest=digest)
    book = opened(provenance=(replace(long, digest="9f"), long), guide=("短", "本表按业务日期填报" * 12))
    heights = {sheet.title: [one.height for one in sheet.row_dimensions.values()] for sheet in book}
    assert heights["来源与口径"][-1] == pytest.approx(20 + 15, abs=0.5)  # 64 half widths on lines of 32
    assert heights["填报说明"][-1] == pytest.approx(20 + 15 * 2, abs=0.5)  # 216 half widths on lines of 96


def test_an_empty_table_says_so_and_totals_nothing() -> None:
    sheet = opened(values=True, sheets=(samples.table(rows=()),))["贴息明细"]
    assert sheet.cell(HEAD_ROW + 1, 1).value == "（本期无记录）"
    assert sheet.cell(HEAD_ROW + 2, 7).value == 0


def test_two_processes_give_the_same_bytes() -> None:
    program = (
        "import sys; from tests.documents import workbook_samples as s; from carbonfin.documents.workbooks import write_workbook;"
        "sys.stdout.buffer.write(write_workbook(s.workbook()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={"TZ": "America/New_York", "PYTHONHASHSEED": "9"},
    )
    assert run.stdout == write_workbook(samples.workbook())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (2, 6222020200112233445),
        (3, "2025-06-20"),
        (3, datetime(2025, 6, 20, tzinfo=UTC)),
        (5, Decimal(150000)),
        (5, True),
        (6, 110172.97),
        (6, Decimal("1234567890123456.78")),
        (6, Decimal("NaN")),
    ],
)
def test_a_value_of_another_type_or_too_many_digits_is_refused(place: int, value: object) -> None:
    row = list(samples.ROWS[0])
    row[place] = value
    with pytest.raises(InvalidInput):
        samples.table(rows=(tuple(row),))


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has 1 values for 9 columns"):
        samples.table(rows=(("甲",),))


def test_words_and_prices_do_not_add_up() -> None:
    for kind in (CellKind.TEXT, CellKind.RATIO, CellKind.PRICE, CellKind.DAY):
        with pytest.raises(InvalidInput, match="cannot be totalled"):
            SheetColumn(label="价", kind=kind, totalled=True)


@pytest.mark.parametrize("name", ["", "a/b", "x" * 32, "[表]", "it's"])
def test_names_that_a_spreadsheet_refuses_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        samples.table(name=name)


def test_books_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(InvalidInput, match="distinct names"):
        samples.workbook(sheets=(samples.table(), samples.table()))
    with pytest.raises(InvalidInput, match="distinct names"):
        samples.workbook(sheets=(samples.table(name="代码表"),))
    with pytest.raises(InvalidInput, match="which the workbook lacks"):
        samples.workbook(code_lists=())
    with pytest.raises(InvalidInput, match="not in the code list"):
        samples.workbook(code_lists=(CodeList(name="审核结论", entries=(("10", "符合"),)),))
    with pytest.raises(InvalidInput, match="zone"):
        samples.workbook(created_at=datetime(2025, 9, 26))  # noqa: DTZ001  the fault under test
