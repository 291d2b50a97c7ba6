"""Rows of a table written whole: the very bytes that the library writes cell by cell, in a fraction of the time.

A report of ten thousand applications holds more than a million cells, and the library takes some six microseconds for
each. Here a sheet keeps the table, and writes each row as one text when the file is put together. What the library
decides (styles' numbers, shared strings, rows' heights) is asked of it in the order in which it would decide itself.
"""

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain, repeat

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import RowInfo, Worksheet

from carbonfin.documents.workbooks.delimited import starts_a_formula
from carbonfin.documents.workbooks.tables import CellKind, CellValue
from carbonfin.kernel.units import to_float

STRING_MOST = 32767
"""Characters a cell holds; a table with more in one is left to the library, which cuts them."""
TEXT_KINDS = frozenset({CellKind.TEXT, CellKind.CODE})
_ROWS_AT_ONCE = 2000
_EPOCH = date(1899, 12, 31)
_LEAP_1900 = date(1900, 3, 1)


class RowsWorksheet(Worksheet):  # type: ignore[misc]  # the library is untyped
    """A sheet that can keep a block of full rows and write it whole."""

    kept_cell_count = 0
    kept_columns: "tuple[int, Sequence[_Column]] | None" = None
    is_only_asking = False

    def keep_rows(
        self,
        first: int,
        rows: Sequence[tuple[CellValue, ...]],
        kinds: Sequence[CellKind],
        *,
        serial: Format,
        shapes: Mapping[tuple[CellKind, bool], Format],
    ) -> None:
        """Keep rows from a row on, each behind its serial number; texts are entered among the shared ones now.

        Args:
            first: Place of the first row.
            rows: One value for each column.
            kinds: What the columns hold.
            serial: Format of the serial number.
            shapes: Format by kind of cell and whether its text could be taken for a formula.
        """
        self.kept_first, self.kept, self.kept_kinds = first, rows, kinds
        self.kept_serial, self.kept_shapes = serial, shapes
        self.kept_cell_count = len(rows) * (1 + len(kinds))
        self._check_dimensions(first, 0)
        self._check_dimensions(first + len(rows) - 1, len(kinds))
        index_of = self.str_table._get_shared_string_index  # noqa: SLF001 - the library offers no other way
        texts = _texts_in_order(rows, kinds)
        self.kept_strings = {text: index_of(text) for text in dict.fromkeys(texts)}
        self.str_table.count += len(texts) - len(self.kept_strings)  # it counts every cell, and each text once

    def set_heights(self, first: int, heights: Sequence[float | None]) -> None:
        """Set the heights of rows from a row on, None where the default stays; the library is asked once a height."""
        known: dict[float, RowInfo] = {}
        for row, height in enumerate(heights, first):
            if height is None:
                continue
            if height not in known:
                self.set_row(row, height)
                known[height] = self.row_info[row]
            self.row_info[row] = known[height]

    def _write_rows(self) -> None:
        """Write what stands above the kept rows, the kept rows, and what stands below."""
        if not getattr(self, "kept", ()):
            super()._write_rows()
            return
        after = self.kept_first + len(self.kept)
        top, bottom = self.dim_rowmin, self.dim_rowmax  # type: ignore[has-type]  # the library sets them untyped
        self.dim_rowmax = self.kept_first - 1
        super()._write_rows()
        if self.is_only_asking:
            self._styled_columns()
        else:
            self._write_kept()
        self.dim_rowmin, self.dim_rowmax = after, bottom
        if after <= bottom:
            super()._write_rows()
        self.dim_rowmin = top

    def _write_kept(self) -> None:
        """Write the kept rows; a row's number stands before each of its cells, so that it joins what lies between."""
        serial_style, columns = self._styled_columns()
        head, tags = f'" s="{serial_style}"><v>', _RowTags(self, f"1:{len(columns) + 1}")
        for begin in range(0, len(self.kept), _ROWS_AT_ONCE):
            block = self.kept[begin : begin + _ROWS_AT_ONCE]
            cells = [column.cells(values) for column, values in zip(columns, zip(*block, strict=True), strict=True)]
            serials = [f'{head}{number}</v></c><c r="B' for number in range(begin + 1, begin + len(block) + 1)]
            for place, row in enumerate(zip(repeat('<c r="A'), serials, *cells), self.kept_first + begin):
                self.fh.write(tags.of(place) + str(place + 1).join(row))

    def _styled_columns(self) -> "tuple[int, Sequence[_Column]]":
        """Give the number of the serial number's style, and the columns with theirs; the library is asked once."""
        if self.kept_columns is None:
            letters = [xl_col_to_name(place) for place in range(1, len(self.kept_kinds) + 1)]
            formulas = {text for text in self.kept_strings if starts_a_formula(text)}
            ends = [*(f'<c r="{letter}' for letter in letters[1:]), "</row>"]
            columns = [_Column(kind, end, self.kept_shapes) for kind, end in zip(self.kept_kinds, ends, strict=True)]
            serial_style: int = self.kept_serial._get_xf_index()  # noqa: SLF001 - the library offers no other way
            _ask_styles(columns, self.kept, formulas)
            for column in columns:
                column.know(self.kept_strings, formulas)
            self.kept_columns = serial_style, columns
        return self.kept_columns


def ask_styles(sheet: Worksheet) -> None:
    """Ask the library for the styles of a sheet's cells in the order in which it writes them, and write nothing."""
    sheet._set_xml_writer(io.StringIO())  # noqa: SLF001 - the library's own call
    sheet.is_only_asking = True
    sheet._write_rows()  # noqa: SLF001 - the library's own call
    sheet.is_only_asking = False


class _RowTags:
    """The opening tags of rows as the library writes them, asked of it once for each kind of row."""

    def __init__(self, sheet: RowsWorksheet, spans: str) -> None:
        self._sheet, self._spans = sheet, spans
        self._after_number: dict[int, str] = {}

    def of(self, place: int) -> str:
        """Give the tag of the row at a place."""
        info = self._sheet.row_info.get(place)
        if id(info) not in self._after_number:  # the sheet holds what it was told of its rows
            self._after_number[id(info)] = self._asked(info)
        return f'<row r="{place + 1}{self._after_number[id(info)]}'

    def _asked(self, info: RowInfo | None) -> str:
        sheet, own = self._sheet, self._sheet.fh
        sheet.fh = io.StringIO()
        sheet._write_row(0, self._spans, info)  # noqa: SLF001 - the library offers no other way
        tag: str = sheet.fh.getvalue()
        sheet.fh = own
        return tag.removeprefix('<row r="1')


class _Column:
    """A column's cells after their row's number, each with what stands before the next cell's number.

    The numbers of its styles go by whether a text could be taken for a formula.
    """

    __slots__ = ("_end", "_kind", "_numbers", "_of", "_shapes")

    def __init__(self, kind: CellKind, end: str, shapes: Mapping[tuple[CellKind, bool], Format]) -> None:
        self._kind, self._end, self._shapes = kind, end, shapes
        self._numbers: dict[bool, int] = {}

    def ask(self, *, quoted: bool) -> None:
        """Ask the library for the number of a style; it counts them as they are asked for."""
        self._numbers[quoted] = self._shapes[self._kind, quoted]._get_xf_index()  # noqa: SLF001 - no other way

    def know(self, strings: Mapping[str, int], formulas: Collection[str]) -> None:
        """Settle how a value is written; equal texts and equal days of a column are one text, made once."""
        style, quoted, end = self._numbers.get(False), self._numbers.get(True), self._end
        blank, figure, close = f'" s="{style}"/>{end}', f'" s="{style}"><v>', f"</v></c>{end}"

        def decimal(value: CellValue) -> str:
            return f"{figure}{to_float(value):.16G}{close}" if isinstance(value, Decimal) else other(value)

        def other(value: CellValue) -> str:
            if value is None:
                return blank
            assert not isinstance(value, (str, Decimal)), "told apart by the column's kind"
            return f"{figure}{_serial(value) if isinstance(value, date) else value:.16G}{close}"

        def text(value: CellValue) -> str:
            if value is None:
                return blank
            assert isinstance(value, str), "told apart by the column's kind"
            return f'" s="{quoted if value in formulas else style}" t="s"><v>{strings[value]}{close}'

        if self._kind in TEXT_KINDS:
            self._of: Callable[[CellValue], str] = _Once(text).__getitem__
        else:
            self._of = _Once(other).__getitem__ if self._kind is CellKind.DAY else decimal

    def cells(self, values: Sequence[CellValue]) -> list[str]:
        """Give the column's cells in the rows of these values."""
        return list(map(self._of, values))


class _Once(dict[CellValue, str]):
    """What is made of a value, made when it is first asked for."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[CellValue], str]) -> None:
        self._make = make

    def __missing__(self, value: CellValue) -> str:
        made = self[value] = self._make(value)
        return made


def _texts_in_order(rows: Sequence[tuple[CellValue, ...]], kinds: Sequence[CellKind]) -> list[str]:
    """Give the texts of all cells, row by row."""
    columns = [values for values, kind in zip(zip(*rows, strict=True), kinds, strict=True) if kind in TEXT_KINDS]
    return [text for text in chain.from_iterable(zip(*columns, strict=True)) if isinstance(text, str)]


def _ask_styles(columns: Sequence[_Column], rows: Sequence[tuple[CellValue, ...]], formulas: Collection[str]) -> None:
    """Ask for each style in the order in which cells first need it, row by row."""
    needed: list[tuple[int, int, bool]] = []
    for place, values in enumerate(zip(*rows, strict=True)):
        marks = [value in formulas for value in values] if formulas else [False]
        needed += [(marks.index(quoted), place, quoted) for quoted in (False, True) if quoted in marks]
    for _, place, quoted in sorted(needed):
        columns[place].ask(quoted=quoted)


def _serial(day: date) -> int:
    """Give the days since 1900 that a spreadsheet counts; it takes 1900 for a leap year."""
    days = (day - _EPOCH).days
    return days + 1 if day >= _LEAP_1900 else days
