"""LibreOffice opens what is written, and prints what it says."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest

from carbonfin.documents.word import render_docx
from carbonfin.documents.workbooks import csv_text, write_workbook
from tests.documents import samples, workbook_samples

SOFFICE = shutil.which("soffice")

pytestmark = [
    pytest.mark.office,
    pytest.mark.skipif(
        SOFFICE is None and not os.environ.get("CARBONFIN_REQUIRE_OFFICE"),
        reason="LibreOffice (soffice) is not on PATH: its documents were not opened",
    ),
]


def converted(path: Path, *, target: str, suffix: str) -> Path:
    assert SOFFICE is not None, "LibreOffice is demanded here and missing"
    profile = path.parent / "profile"
    command = [
        SOFFICE,
        "--headless",
        f"-env:UserInstallation={profile.as_uri()}",
        "--convert-to",
        target,
        "--outdir",
        str(path.parent / "out"),
        str(path),
    ]
    run = subprocess.run(command, capture_output=True, timeout=180, check=False)
    result = path.parent / "out" / f"{path.stem}.{suffix}"
    assert result.exists(), run.stderr.decode()
    return result


def text_of(path: Path) -> tuple[int, str]:
    document = pypdfium2.PdfDocument(path.read_bytes())
    text = "".join("".join(page.get_textpage().get_text_range() for page in document).split())
    pages = len(document)
    document.close()
    return pages, text


def test_word_prints_every_section(tmp_path: Path) -> None:
    path = tmp_path / "sheet.docx"
    path.write_bytes(render_docx(samples.sheet()))
    pages, text = text_of(converted(path, target="pdf", suffix="pdf"))
    assert pages in {2, 3}
    for words in (
        "贷款条款清单",
        "91440300EXAMPLE466",
        "人民币壹仟万元整",
        samples.INTEREST_20_DAYS,
        "214,763.92",
        "节假日安排未公布",
        "【未确认】",
        "第1页，共",
    ):
        assert words in text
    assert text.count("演示数据（示例），不构成报价或承诺") == pages


def test_workbook_prints_landscape_with_titles_and_worked_out_totals(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(write_workbook(workbook_samples.workbook()))
    printed = converted(path, target="pdf", suffix="pdf")
    pages, text = text_of(printed)
    assert pages == 4
    for words in (
        "绿色信贷贴息申报明细表",
        "6222020200112233445",
        "110,173.27",
        "5.508659",
        "2025-06-20",
        "来源与口径",
        "未确认",
    ):
        assert words in text
    document = pypdfium2.PdfDocument(printed.read_bytes())
    width, height = document[0].get_size()
    document.close()
    assert (round(width), round(height)) == (842, 595)


GUARDED_ROWS = (("=1+1", "+1+1", "@SUM(1)", None, None, None, None, None, None),)


def test_guarded_text_of_a_workbook_is_not_worked_out_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(write_workbook(workbook_samples.workbook(sheets=(workbook_samples.table(rows=GUARDED_ROWS),))))
    shown = converted(path, target="csv:Text - txt - csv (StarCalc):44,34,76,1", suffix="csv")
    (line,) = [each for each in csv.reader(shown.read_text("utf-8").splitlines()) if each[0] == "1"]
    assert line[1:4] == ["=1+1", "+1+1", "@SUM(1)"]


def test_guarded_text_of_a_csv_file_is_not_worked_out_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(csv_text(workbook_samples.table(rows=GUARDED_ROWS)), encoding="utf-8", newline="")
    _pages, text = text_of(converted(path, target="pdf", suffix="pdf"))
    assert all(f"'{formula}" in text for formula in ("=1+1", "+1+1", "@SUM(1)"))
