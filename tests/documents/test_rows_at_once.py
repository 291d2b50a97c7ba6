"""Rows written whole and packed beside are the bytes that the library writes cell by cell."""

import io
from datetime import date, datetime
from decimal import Decimal

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.documents.workbooks import CellKind
from carbonfin.documents.workbooks.packing import PackedWorkbook
from carbonfin.documents.workbooks.rows_at_once import RowsWorksheet
from carbonfin.documents.workbooks.tables import CellValue

KINDS = (CellKind.TEXT, CellKind.MONEY, CellKind.COUNT, CellKind.DAY)
Rows = tuple[tuple[CellValue, ...], ...]
TEXTS = st.text(
    alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=20
) | st.sampled_from(["=1+1", "＝危险", " 前后 ", "<r>x</r>", "<r>", "a\tb", "_x0041_", "a&b", "\ufffe", "示例"])
ROW = st.tuples(
    st.none() | TEXTS,
    st.none() | st.decimals(min_value=-(10**12), max_value=10**12, places=2),
    st.none() | st.integers(-(10**14), 10**14),
    st.none() | st.dates(date(1900, 1, 1), date(2099, 12, 31)),
)


def written(rows: Rows, *, whole: bool) -> bytes:
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = PackedWorkbook(content, options) if whole else xlsxwriter.Workbook(content, options)
    book.set_properties({"created": datetime(2025, 1, 1)})  # noqa: DTZ001
    serial = book.add_format({"align": "center"})
    shapes = {
        (kind, quoted): book.add_format({"num_format": f"0.{'0' * place}", "quote_prefix": quoted})
        for place, kind in enumerate(KINDS)
        for quoted in (False, True)
    }
    sheet = book.add_worksheet("表", RowsWorksheet)
    for place in range(len(KINDS) + 1):
        sheet.write_string(1, place, "头", serial)
    heights = [(45, None, None, 30)[place % 4] for place in range(len(rows))]
    if whole:
        sheet.set_heights(2, heights)
        sheet.keep_rows(2, rows, KINDS, serial=serial, shapes=shapes)
    else:
        for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
            if height is not None:
                sheet.set_row(2 + place, height)
            sheet.write_number(2 + place, 0, place + 1, serial)
            for index, (value, kind) in enumerate(zip(row, KINDS, strict=True), 1):
                one_by_one(sheet, (2 + place, index), value, kind, shapes)
    for place in range(len(KINDS) + 1):
        sheet.write_string(2 + len(rows), place, "尾", serial)
    if whole:
        return book.packed()
    book.close()
    return content.getvalue()


def one_by_one(sheet: RowsWorksheet, place: tuple[int, int], value: CellValue, kind: CellKind, shapes: dict) -> None:
    if value is None:
        sheet.write_blank(*place, None, shapes[kind, False])
    elif isinstance(value, str):
        sheet.write_string(*place, value, shapes[kind, value.startswith(tuple("=+-@＝＋－＠\t\r\n"))])
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, shapes[kind, False])
    else:
        sheet.write_number(*place, float(value), shapes[kind, False])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_whole_rows_are_the_very_bytes_of_single_cells(rows: list[tuple[CellValue, ...]]) -> None:
    assert written(tuple(rows), whole=True) == written(tuple(rows), whole=False)


@pytest.mark.parametrize("day", [date(1900, 2, 28), date(1900, 3, 1), date(2025, 9, 26)])
def test_days_around_the_leap_day_that_never_was(day: date) -> None:
    rows: Rows = ((None, Decimal("0.10"), 1, day),)
    assert written(rows, whole=True) == written(rows, whole=False)
