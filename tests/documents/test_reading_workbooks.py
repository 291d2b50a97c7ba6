"""What is read from workbooks that others wrote: strings, numbers, days, formulas, phonetic guides."""

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook
from openpyxl import load_workbook as load
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from carbonfin.documents.workbooks import day_of_serial, read_workbook
from carbonfin.kernel.errors import InvalidInput
from tests.pricing.workbooks import workbook


def with_part(content: bytes, name: str, text: str) -> bytes:
    """The same workbook with one part written by hand."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, text)
    return made.getvalue()


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1">{}</row></sheetData></worksheet>'
)


def test_numbers_strings_and_days_are_read_as_they_are_shown() -> None:
    (sheet,) = read_workbook(
        workbook([["品种", "日期", "价格"], ["CEA", date(2025, 7, 15), 73.1], ["CEA", "2025-07-16", 73]])
    )
    assert sheet.name == "表1"
    assert [sheet.cells[0, column] for column in range(3)] == ["品种", "日期", "价格"]
    assert sheet.cells[1, 2] == "73.1"
    assert sheet.cells[2, 2] == "73"
    assert day_of_serial(sheet.cells[1, 1]) == date(2025, 7, 15)
    assert sheet.cells[2, 1] == "2025-07-16"


@pytest.mark.parametrize(
    ("serial", "day"),
    [("45853", date(2025, 7, 15)), ("44197", date(2021, 1, 1)), ("45853.5", None), ("", None), ("-1", None)],
)
def test_serial_numbers_of_days(serial: str, day: date | None) -> None:
    assert day_of_serial(serial) == day


def test_a_stored_binary_fraction_reads_as_the_number_a_person_sees() -> None:
    content = with_part(
        workbook([[1]]), "xl/worksheets/sheet1.xml", SHEET.format('<c r="A1"><v>73.099999999999994</v></c>')
    )
    assert read_workbook(content)[0].cells == {(0, 0): "73.1"}


def test_of_a_formula_only_its_result_is_read() -> None:
    cells = (
        '<c r="A1"><f>35*2</f><v>70</v></c><c r="B1" t="str"><f>"C"&amp;"EA"</f><v>CEA</v></c><c r="AA1"><f>1/0</f></c>'
    )
    content = with_part(workbook([[1]]), "xl/worksheets/sheet1.xml", SHEET.format(cells))
    assert read_workbook(content)[0].cells == {(0, 0): "70", (0, 1): "CEA"}


def test_inline_strings_are_read_and_phonetic_guides_left_out() -> None:
    cells = (
        '<c r="A1" t="inlineStr"><is><r><t>收盘</t></r><r><t>价</t></r><rPh sb="0" eb="2"><t>shou</t></rPh></is></c>'
    )
    content = with_part(workbook([[1]]), "xl/worksheets/sheet1.xml", SHEET.format(cells))
    assert read_workbook(content)[0].cells == {(0, 0): "收盘价"}


def test_sheets_are_found_by_their_relation_not_by_their_number() -> None:
    book = load(io.BytesIO(workbook([["一"]], [["二"]])))
    book.move_sheet("表2", offset=-1)
    made = io.BytesIO()
    book.save(made)
    assert [(sheet.name, sheet.cells[0, 0]) for sheet in read_workbook(made.getvalue())] == [
        ("表2", "二"),
        ("表1", "一"),
    ]


def test_days_counted_from_1904_are_refused() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    made = io.BytesIO()
    book.save(made)
    with pytest.raises(InvalidInput, match="1904"):
        read_workbook(made.getvalue())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"unit,price\n"])
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_workbook(content)
