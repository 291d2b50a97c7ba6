"""The bureau's workbook holds the very values of the report, read back by other programs."""

import csv
import io
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import end_of_china_day
from reporting import workbooks
from reporting.calc.batches import FiledApplication, decide_in_order
from reporting.calc.reports import SubsidyReport, line_of, sources_of
from reporting.calc.summaries import summarize
from tests.reporting.samples import AS_OF, sample_applications, share_table, terms

HEAD_CELL = "申报编号"


@pytest.fixture(scope="module")
def report() -> SubsidyReport:
    filed = [FiledApplication(application_id=f"id-{a.reference}", application=a) for a in sample_applications()]
    batch = decide_in_order(filed, lambda application: terms(application.scheme), lambda _: share_table())
    lines = tuple(
        line_of(
            item.filed,
            decision_id=f"decision-{item.filed.application.reference}",
            decision=item.decision,
            terms=item.inputs.terms,
            allocated_cny=None,
        )
        for item in batch.values
    )
    return SubsidyReport(
        report_id="report-1",
        quarter="2025Q3",
        as_of=AS_OF,
        reporting_body="示例环境局",
        prepared_by="环境局经办丙(示例)",
        is_sample=True,
        lines=lines,
        failures=(Failure(item="=A9（示例银行）", field=None, detail="x", zh="参数不可读", remedy_zh="请核对"),),
        summary=summarize(line.decision for line in lines),
        sources=sources_of(tuple(item.inputs.terms for item in batch.values)),
    )


def rows_of(sheet: Worksheet) -> tuple[list[Any], list[list[Any]]]:
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    top = next(place for place, row in enumerate(cells) if HEAD_CELL in row)
    bottom = next(place for place, row in enumerate(cells) if place > top and row[0] == "合计")
    return cells[top], cells[top + 1 : bottom + 1]


def test_openpyxl_reads_back_what_the_report_says(report: SubsidyReport) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.report_xlsx(report)), data_only=True)
    assert {"贴息汇总", "申报明细", "逐条审核", "费用凭证", "重复核对", "未通过", "填报说明", "来源与口径"} <= set(
        book.sheetnames
    )
    heads, rows = rows_of(book["申报明细"])
    table = workbooks.main_table(report)
    assert heads[1:] == [column.head for column in table.columns]
    for expected, found in zip(table.rows, rows, strict=False):
        for head, want, got in zip(heads[1:], expected, found[1:], strict=True):
            if want is None or isinstance(want, str):
                assert (got or None) in {want, f"'{want}"}, head
            elif hasattr(got, "date"):
                assert got.date() == want, head
            else:
                assert float(got) == float(want), head
    by_reference = {row[heads.index("申报编号")]: row for row in rows}
    amount = heads.index("测算金额（元）")
    assert by_reference["A1"][amount] == 55086.49
    assert by_reference["A1"][heads.index("统一社会信用代码")] == "91440300EXAMPLE2XB"
    assert [by_reference[name][amount] for name in ("A2", "A3", "A4")] == [None, None, None]
    assert rows[-1][0] == "合计"
    assert rows[-1][amount] == 55086.49


def test_the_printed_sheet_shows_the_same_figures(report: SubsidyReport) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.report_xlsx(report)), data_only=True)
    heads, rows = rows_of(book["贴息汇总"])
    assert [row[heads.index("测算金额（元）")] for row in rows] == [55086.49, None, None, None, None, 55086.49]
    assert [row[heads.index("审核结论")] for row in rows[:4]] == ["符合", "未决定", "不符合", "重复申报"]


def test_totals_are_formulas_with_their_values(report: SubsidyReport) -> None:
    content = workbooks.report_xlsx(report)
    _, rows = rows_of(openpyxl.load_workbook(io.BytesIO(content))["贴息汇总"])
    assert any(str(cell).startswith("=") for cell in rows[-1])


def test_failures_and_refusals_are_rows_and_samples_are_marked(report: SubsidyReport) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.report_xlsx(report)), data_only=True)
    text = {name: str([list(row) for row in book[name].iter_rows(values_only=True)]) for name in book.sheetnames}
    for words in ("不符合：未结清", "未决定：参数未确认", "重复申报", "未能处理：参数不可读", "示例"):
        assert words in text["贴息汇总"], words
    assert "P0-3" in text["重复核对"]
    assert "深环规〔2024〕7号" in text["来源与口径"]
    assert "未确认" in text["来源与口径"]
    assert "核减增值税" in text["填报说明"]
    assert all("=A9" not in str(cell.value) or cell.data_type == "s" for row in book["贴息汇总"] for cell in row)


def test_equal_reports_give_equal_bytes(report: SubsidyReport) -> None:
    assert workbooks.report_xlsx(report) == workbooks.report_xlsx(report)
    assert workbooks.report_book(report).created_at == end_of_china_day(AS_OF)


def test_csv_is_the_same_table(report: SubsidyReport) -> None:
    text = workbooks.report_csv(report).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    a1 = next(row for row in rows if row["申报编号"] == "A1")
    assert (a1["测算金额（元）"], a1["拟资助金额（元）"], a1["审核结论"]) == ("55086.49", "", "符合")
    assert a1["实付利息（含税）（元）"] == "116783.33"
    assert next(iter(rows[-1].values())) == "合计"


@pytest.mark.office
def test_libreoffice_opens_it_and_adds_up_the_same(report: SubsidyReport, tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        assert not os.environ.get("CARBONFIN_REQUIRE_OFFICE"), "LibreOffice is demanded here and missing"
        pytest.skip("LibreOffice is not installed")
    (tmp_path / "report.xlsx").write_bytes(workbooks.report_xlsx(report))
    subprocess.run(
        [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1",
         "--outdir", str(tmp_path), str(tmp_path / "report.xlsx")],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    converted = next(path for path in tmp_path.iterdir() if path.suffix == ".csv").read_text(encoding="utf-8")
    total = next(line for line in converted.splitlines() if line.startswith('"合计"'))
    assert "55,086.49" in total or "55086.49" in total
    assert "91440300EXAMPLE2XB" in converted


FORMULA = re.compile(rb"(<c [^>]*>)(<f>[^<]*</f>)<v>([^<]*)</v>")


@pytest.mark.office
def test_libreoffice_works_every_formula_out_to_the_value_that_is_stored(report: SubsidyReport, tmp_path: Path) -> None:
    content = workbooks.report_xlsx(report)
    assert len(formulas_of(content)) == 5  # the calculated amount twice, once in 万元, and the proposed amount twice
    check_every_formula(content, tmp_path)


def check_every_formula(content: bytes, tmp_path: Path) -> None:
    """Have LibreOffice work out every formula of a workbook; stored values are taken away first, so that it must."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        assert not os.environ.get("CARBONFIN_REQUIRE_OFFICE"), "LibreOffice is demanded here and missing"
        pytest.skip("LibreOffice is not installed")
    stored = formulas_of(content)
    bare = tmp_path / "bare.xlsx"
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(bare, "w") as new:
        for name in old.namelist():
            new.writestr(name, FORMULA.sub(rb"\1\2", old.read(name)))
    assert set(formulas_of(bare.read_bytes()).values()) == {None}
    subprocess.run(
        [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "xlsx:Calc MS Excel 2007 XML",
         "--outdir", str(tmp_path / "again"), str(bare)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    worked_out = formulas_of((tmp_path / "again" / "bare.xlsx").read_bytes())
    assert {place: round(float(str(value)), 6) for place, value in worked_out.items()} == {
        place: round(float(str(value)), 6) for place, value in stored.items()
    }


def formulas_of(content: bytes) -> dict[tuple[str, str], object]:
    """Give the stored value of every cell with a formula, by sheet and cell."""
    formulas, values = (openpyxl.load_workbook(io.BytesIO(content), data_only=only) for only in (False, True))
    return {
        (sheet.title, cell.coordinate): values[sheet.title][cell.coordinate].value
        for sheet in formulas.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }
