"""Workbooks written: titles, typed columns, totals with formula and stored value, drop-downs, print set-up.

Totals stand as formulas with their value stored beside, so that a viewer that works nothing out shows the same figure.
Codes are text, days are days, and no text of a customer can become a formula.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from itertools import repeat
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from carbonfin.documents.pages import text_width
from carbonfin.documents.workbooks.packing import PackedWorkbook
from carbonfin.documents.workbooks.rows_at_once import STRING_MOST, TEXT_KINDS, RowsWorksheet
from carbonfin.documents.workbooks.tables import (
    CODES_SHEET,
    EMPTY_LABEL,
    GUIDE_SHEET,
    PROVENANCE_SHEET,
    SERIAL_LABEL,
    TOTAL_LABEL,
    CellKind,
    CellValue,
    CodeList,
    Provenance,
    SheetTable,
    Workbook,
    totals_of,
)
from carbonfin.kernel.units import to_float

BODY_FONT = "仿宋"
HEAD_FONT = "宋体"
MIME_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_A4 = 9
_WIDTH_LEAST, _WIDTH_MOST = 8, 42
_SERIAL_WIDTH = 6
_ROW_HEIGHT = 20
_LINE_HEIGHT = 15
_GUIDE_WIDTH = 100
_PROVENANCE_WIDTHS = (30, 24, 52, 36, 10)
_CELL_PADDING = 4
NUMBER_FORMATS = {
    CellKind.TEXT: "@",
    CellKind.CODE: "@",
    CellKind.MONEY: "#,##0.00",
    CellKind.MONEY_10K: "#,##0.000000",
    CellKind.TONNES: "#,##0",
    CellKind.PRICE: "#,##0.00####",
    CellKind.COUNT: "0",
    CellKind.RATIO: "0.00%",
    CellKind.DAY: "yyyy-mm-dd",
}


class _Formats:
    """The formats of one workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, bool, bool], Format] = {}
        cell = {"font_name": BODY_FONT, "font_size": 11, "valign": "vcenter"}
        head = {"font_name": HEAD_FONT, "font_size": 11, "valign": "vcenter", "bold": True}
        boxed = {"border": 1, "border_color": "#7F8C86"}
        self.title = book.add_format(head | {"font_size": 18, "align": "center"})
        self.banner = book.add_format(cell | {"align": "center", "font_color": "#A65A00", "bg_color": "#FFF6E8"})
        self.line = book.add_format(cell | {"text_wrap": True})
        self.line_right = book.add_format(cell | {"align": "right"})
        self.head = book.add_format(head | boxed | {"align": "center", "text_wrap": True, "bg_color": "#E6EFEB"})
        self.serial = book.add_format(cell | boxed | {"align": "center"})
        self.text = book.add_format(cell | boxed | {"text_wrap": True, "num_format": "@"})
        self.quoted = book.add_format(cell | boxed | {"text_wrap": True, "num_format": "@", "quote_prefix": True})
        self.total_label = book.add_format(head | boxed | {"align": "center", "bg_color": "#F2F6F4"})
        self.note = book.add_format(cell | {"font_size": 10, "text_wrap": True, "valign": "top"})

    def of(self, kind: CellKind, *, total: bool = False, quoted: bool = False) -> Format:
        """Give the format of a kind of cell, in a row of totals or not, with text quoted or not."""
        key = (kind.value, total, quoted)
        if key not in self._made:
            align = "left" if kind in TEXT_KINDS else "center" if kind is CellKind.DAY else "right"
            shape = {
                "font_name": HEAD_FONT if total else BODY_FONT,
                "font_size": 11,
                "valign": "vcenter",
                "border": 1,
                "border_color": "#7F8C86",
                "num_format": NUMBER_FORMATS[kind],
                "align": align,
                "bold": total,
                "quote_prefix": quoted,
                "text_wrap": kind in TEXT_KINDS,
                "indent": 0 if align == "center" else 1,
            }
            self._made[key] = self._book.add_format(shape | ({"bg_color": "#F2F6F4"} if total else {}))
        return self._made[key]


def write_workbook(workbook: Workbook) -> bytes:
    """Write a workbook; equal values give equal bytes.

    Errors in the values are refused when they are made; writing adds none.
    """
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = PackedWorkbook(io.BytesIO(), options)
    created = workbook.created_at.astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": workbook.title, "created": created, "author": "", "company": ""})
    formats = _Formats(book)
    sheets = [book.add_worksheet(sheet.name, RowsWorksheet) for sheet in workbook.sheets]
    banner = next((sheet.banner for sheet in workbook.sheets if sheet.banner is not None), None)
    ranges = _write_codes(book, formats, workbook.code_lists, banner)
    for sheet, table in zip(sheets, workbook.sheets, strict=True):
        _write_table(sheet, table, formats, ranges)
    if workbook.guide:
        _write_guide(book.add_worksheet(GUIDE_SHEET, RowsWorksheet), workbook.guide, formats, banner)
    if workbook.provenance:
        _write_provenance(book.add_worksheet(PROVENANCE_SHEET, RowsWorksheet), workbook.provenance, formats, banner)
    sheets[0].activate()
    return book.packed()


def _write_table(sheet: RowsWorksheet, table: SheetTable, formats: _Formats, ranges: Mapping[str, str]) -> None:
    last = len(table.columns)
    sheet.set_default_row(_ROW_HEIGHT)
    widths = _widths(table)
    head_row = _write_heading(sheet, table, formats, widths)
    sheet.set_row(head_row, 34)
    sheet.write_string(head_row, 0, SERIAL_LABEL, formats.head)
    for index, column in enumerate(table.columns, start=1):
        sheet.write_string(head_row, index, column.head, formats.head)
    first = head_row + 1
    sheet.set_heights(first, [_height(lines) for lines in _lines_by_row(table, widths)])
    _write_rows(sheet, table, formats, first=first)
    end = head_row + max(1, len(table.rows))
    if not table.rows:
        _merge(sheet, (first, 0, last), EMPTY_LABEL, formats.serial)
    for index, column in enumerate(table.columns, start=1):
        if column.choices is not None:
            sheet.data_validation(first, index, end, index, _choice_rule(column.choices, ranges))
    _write_totals(sheet, table, formats, first=first, end=end)
    for place, note in enumerate(table.notes, start=end + 2):
        _merge(sheet, (place, 0, last), note, formats.note)
        sheet.set_row(place, 15 * (1 + text_width(note) // max(40, sum(widths))))
    sheet.set_column(0, 0, _SERIAL_WIDTH)
    for index, width in enumerate(widths, start=1):
        sheet.set_column(index, index, width)
    sheet.autofilter(head_row, 0, end, last)
    sheet.freeze_panes(first, 1)
    _set_print(sheet, table, head_row=head_row, end_row=end + 1 + len(table.notes))


def _write_heading(sheet: Worksheet, table: SheetTable, formats: _Formats, widths: Sequence[int]) -> int:
    """Write title, banner, reporting line and unit; give the row of the column heads.

    The unit has the last two columns, or the last alone where the reporting line needs the room; a line over too few
    columns is wrapped, since a merged cell cuts off what it cannot hold.
    """
    last = len(table.columns)
    sheet.set_row(0, 32)
    _merge(sheet, (0, 0, last), table.title, formats.title)
    row = 1
    if table.banner is not None:
        _merge(sheet, (row, 0, last), table.banner, formats.banner)
        row += 1
    named = (("填报单位（盖章）", table.reporting_body), ("填表人", table.prepared_by), ("联系电话", table.telephone))
    parts = [f"{label}：{value}" for label, value in named if value] + [f"填报日期：{table.reported_on.isoformat()}"]
    line = "　　".join(parts)
    left = next((one for one in (last - 2, last - 1) if _lines_up_to(one, line, widths) == 1), last - 1)
    lines = _lines_up_to(left, line, widths)
    if lines > 1:
        sheet.set_row(row, _height(lines))
    _merge(sheet, (row, 0, left), line, formats.line)
    _merge(sheet, (row, left + 1, last), table.unit, formats.line_right)
    return row + 1


def _lines_up_to(column: int, line: str, widths: Sequence[int]) -> int:
    """Give how many lines a text takes over the serial number and the columns up to one."""
    return _lines_in([(line, _SERIAL_WIDTH + sum(widths[: max(0, column)]))])


def _write_totals(sheet: Worksheet, table: SheetTable, formats: _Formats, *, first: int, end: int) -> None:
    totals = totals_of(table)
    if all(total is None for total in totals):
        return
    row = end + 1
    sheet.write_string(row, 0, TOTAL_LABEL, formats.total_label)
    for index, (total, column) in enumerate(zip(totals, table.columns, strict=True), start=1):
        shape = formats.of(column.kind, total=True)
        if total is None:
            sheet.write_blank(row, index, None, shape)
            continue
        cells = f"{xl_rowcol_to_cell(first, index)}:{xl_rowcol_to_cell(end, index)}"
        sheet.write_formula(row, index, f"=SUM({cells})", shape, to_float(Decimal(total)))


def _write_rows(sheet: RowsWorksheet, table: SheetTable, formats: _Formats, *, first: int) -> None:
    """Write the rows whole; a text that the library would cut is cut as it does."""
    if not table.rows:
        return
    rows = table.rows
    texts = [values for values, column in zip(table.values, table.columns, strict=True) if column.kind in TEXT_KINDS]
    if any(len(value) > STRING_MOST // 2 for values in texts for value in set(values) if isinstance(value, str)):
        rows = tuple(tuple(_cut(value) for value in row) for row in rows)
    kinds = [column.kind for column in table.columns]
    shapes = {(kind, quoted): formats.of(kind, quoted=quoted) for kind in kinds for quoted in (False, True)}
    sheet.keep_rows(first, rows, kinds, serial=formats.serial, shapes=shapes)


def _cut(value: CellValue) -> CellValue:
    """Give a text as far as a cell holds it."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16-le")[: 2 * STRING_MOST].decode("utf-16-le", "ignore")


def _merge(sheet: Worksheet, span: tuple[int, int, int], text: str, shape: Format) -> None:
    """Write text over the columns of a span (row, first, last); as text, whatever it starts with."""
    row, first, last = span
    if last > first:
        sheet.merge_range(row, first, row, last, "", shape)
    sheet.write_string(row, first, text, shape)


def _choice_rule(name: str, ranges: Mapping[str, str]) -> dict[str, object]:
    return {
        "validate": "list",
        "source": ranges[name],
        "error_title": "不在代码表中",
        "error_message": f"请从代码表“{name}”中选择。",
    }


def _widths(table: SheetTable) -> list[int]:
    """Give each column's width: its own, or what its texts need; a Chinese character takes two."""
    widths: list[int] = []
    for column, values, total in zip(table.columns, table.values, totals_of(table), strict=True):
        head = (text_width(column.head) + 1) // 2 if len(column.head) > _WIDTH_LEAST else text_width(column.head)
        need = max(head, _widest(values, column.kind), text_width(_shown(total, column.kind))) + _CELL_PADDING
        widths.append(column.width or min(_WIDTH_MOST, max(_WIDTH_LEAST, need)))
    return widths


def _widest(values: Sequence[CellValue], kind: CellKind) -> int:
    """Give the width of the widest value: of figures the largest or the smallest has it, of days any."""
    if kind in TEXT_KINDS:
        widest = 0
        for text in sorted(set(filter(None, values)), key=len, reverse=True):  # type: ignore[arg-type]  # all are texts
            if 2 * len(str(text)) <= widest:
                break
            widest = max(widest, text_width(str(text)))
        return widest
    figures: list[Any] = [value for value in values if value is not None]  # of one kind, so that they compare
    if not figures:
        return 0
    return max(text_width(_shown(value, kind)) for value in (min(figures), max(figures)))


def _lines_by_row(table: SheetTable, widths: list[int]) -> list[int]:
    """Give how many lines the longest wrapped text of each row takes, so that no row cuts its words off."""
    most = [1] * len(table.rows)
    for column, texts, width in zip(table.columns, table.values, widths, strict=True):
        if column.kind not in TEXT_KINDS:
            continue
        room = max(1, width - _CELL_PADDING)
        # A character takes two places at most, and each text is measured once for a column.
        long = {text for text in set(texts) if isinstance(text, str) and 2 * len(text) > room}
        lines: dict[CellValue, int] = {text: count for text in long if (count := -(-text_width(text) // room)) > 1}
        if lines:
            most = list(map(max, most, map(lines.get, texts, repeat(1))))
    return most


def _lines_in(cells: Iterable[tuple[str, int]]) -> int:
    return max((1, *(-(-text_width(text) // max(1, width - _CELL_PADDING)) for text, width in cells)))


def _height(lines: int) -> int | None:
    """Give a row's height for its lines, since readers of the file do not all work that out; None for one line."""
    return _LINE_HEIGHT * lines + _ROW_HEIGHT - _LINE_HEIGHT if lines > 1 else None


def _shown(value: CellValue, kind: CellKind) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.6f}" if kind is CellKind.MONEY_10K else f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)


def _set_print(sheet: Worksheet, table: SheetTable, *, head_row: int, end_row: int) -> None:
    _set_paper(sheet, table.banner)
    sheet.repeat_rows(head_row)
    sheet.center_horizontally()
    sheet.print_area(0, 0, end_row, len(table.columns))


def _set_paper(sheet: Worksheet, banner: str | None) -> None:
    if banner is not None:
        sheet.set_header(f"&C{banner.replace('&', '&&')}")
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.5, right=0.5, top=0.7, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C第 &P 页，共 &N 页")


def _write_codes(
    book: xlsxwriter.Workbook, formats: _Formats, lists: tuple[CodeList, ...], banner: str | None
) -> dict[str, str]:
    """Write the code lists side by side; give the cells of each list's codes, for the drop-downs."""
    if not lists:
        return {}
    sheet = book.add_worksheet(CODES_SHEET)
    ranges: dict[str, str] = {}
    for number, codes in enumerate(lists):
        column = number * 3
        _merge(sheet, (0, column, column + 1), codes.name, formats.head)
        sheet.write_string(1, column, "代码", formats.head)
        sheet.write_string(1, column + 1, "含义", formats.head)
        for row, (code, meaning) in enumerate(codes.entries, start=2):
            sheet.write_string(row, column, code, formats.text)
            sheet.write_string(row, column + 1, meaning, formats.text)
        name = xl_col_to_name(column)
        ranges[codes.name] = f"='{CODES_SHEET}'!${name}$3:${name}${2 + len(codes.entries)}"
        sheet.set_column(column, column, max(10, 2 + max(text_width(code) for code, _ in codes.entries)))
        sheet.set_column(column + 1, column + 1, max(16, 2 + max(text_width(word) for _, word in codes.entries)))
        sheet.set_column(column + 2, column + 2, 3)
    sheet.freeze_panes(2, 0)
    _set_paper(sheet, banner)
    return ranges


def _write_guide(sheet: RowsWorksheet, lines: tuple[str, ...], formats: _Formats, banner: str | None) -> None:
    sheet.set_column(0, 0, _SERIAL_WIDTH)
    sheet.set_column(1, 1, _GUIDE_WIDTH)
    first = _write_side_title(sheet, GUIDE_SHEET, 1, formats, banner)
    sheet.set_heights(first, [_height(_lines_in([(line, _GUIDE_WIDTH)])) for line in lines])
    for number, line in enumerate(lines, start=1):
        sheet.write_number(first + number - 1, 0, number, formats.serial)
        sheet.write_string(first + number - 1, 1, line, formats.text)
    _set_paper(sheet, banner)


def _write_provenance(
    sheet: RowsWorksheet, lines: tuple[Provenance, ...], formats: _Formats, banner: str | None
) -> None:
    heads = ("项目", "取值", "来源与条款", "摘要", "状态")
    for column, width in enumerate((_SERIAL_WIDTH, *_PROVENANCE_WIDTHS)):
        sheet.set_column(column, column, width)
    head_row = _write_side_title(sheet, PROVENANCE_SHEET, len(heads), formats, banner)
    sheet.write_string(head_row, 0, SERIAL_LABEL, formats.head)
    for column, head in enumerate(heads, start=1):
        sheet.write_string(head_row, column, head, formats.head)
    rows = [
        tuple(map(_cut, (line.subject, line.value, line.source, line.digest, "已确认" if line.confirmed else "未确认")))
        for line in lines
    ]
    heights = [_height(_lines_in(zip(map(str, row), _PROVENANCE_WIDTHS, strict=True))) for row in rows]
    sheet.set_heights(head_row + 1, heights)
    shapes = {(CellKind.TEXT, False): formats.text, (CellKind.TEXT, True): formats.quoted}
    sheet.keep_rows(head_row + 1, rows, [CellKind.TEXT] * len(heads), serial=formats.serial, shapes=shapes)
    sheet.freeze_panes(head_row + 1, 1)
    _set_paper(sheet, banner)


def _write_side_title(sheet: Worksheet, title: str, last: int, formats: _Formats, banner: str | None) -> int:
    """Write title and banner of a sheet beside the tables; give the row below them."""
    sheet.set_row(0, 32)
    _merge(sheet, (0, 0, last), title, formats.title)
    if banner is None:
        return 1
    _merge(sheet, (1, 0, last), banner, formats.banner)
    return 2
