"""Rows of a table written whole: the very bytes that the library writes cell by cell, in a fraction of the time.

A report of ten thousand applications holds more than a million cells, and the library takes some six microseconds for
each. Here a sheet keeps the table, and writes each row as one text when the file is put together. What the library
decides (styles' numbers, shared strings, rows' heights) is asked of it in the order in which it would decide itself.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from carbonfin.documents.workbooks.delimited import starts_a_formula
from carbonfin.documents.workbooks.tables import CellKind, CellValue
from carbonfin.kernel.units import to_float

STRING_MOST = 32767
"""Characters a cell holds; a table with more in one is left to the library, which cuts them."""
_ROWS_AT_ONCE = 2000
_EPOCH = date(1899, 12, 31)
_LEAP_1900 = date(1900, 3, 1)


class RowsWorksheet(Worksheet):  # type: ignore[misc]  # the library is untyped
    """A sheet that can keep a block of full rows and write it whole."""

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
        self._check_dimensions(first, 0)
        self._check_dimensions(first + len(rows) - 1, len(kinds))
        index_of = self.str_table._get_shared_string_index  # noqa: SLF001 - the library offers no other way
        texts = [value for row in rows for value in row if type(value) is str]
        self.kept_strings = {text: index_of(text) for text in dict.fromkeys(texts)}
        self.str_table.count += len(texts) - len(self.kept_strings)  # it counts every cell, and each text once

    def _write_rows(self) -> None:
        """Write what stands above the kept rows, the kept rows, and what stands below."""
        if not getattr(self, "kept", ()):
            super()._write_rows()
            return
        after = self.kept_first + len(self.kept)
        top, bottom = self.dim_rowmin, self.dim_rowmax  # type: ignore[has-type]  # the library sets them untyped
        self.dim_rowmax = self.kept_first - 1
        super()._write_rows()
        self._write_kept()
        self.dim_rowmin, self.dim_rowmax = after, bottom
        if after <= bottom:
            super()._write_rows()
        self.dim_rowmin = top

    def _write_kept(self) -> None:
        letters = [xl_col_to_name(place) for place in range(1, len(self.kept_kinds) + 1)]
        spans, strings = f"1:{len(letters) + 1}", self.kept_strings
        formulas = {text for text in strings if starts_a_formula(text)}
        columns = [
            _Column(letter, kind, self.kept_shapes) for letter, kind in zip(letters, self.kept_kinds, strict=True)
        ]
        serial_style = self.kept_serial._get_xf_index()  # noqa: SLF001 - the library offers no other way
        _ask_styles(columns, self.kept, formulas)
        for begin in range(0, len(self.kept), _ROWS_AT_ONCE):
            block = self.kept[begin : begin + _ROWS_AT_ONCE]
            numbers = range(self.kept_first + begin + 1, self.kept_first + begin + len(block) + 1)
            cells = [[f'<c r="A{at}" s="{serial_style}"><v>{at - self.kept_first:.16G}</v></c>' for at in numbers]]
            cells += [
                column.cells(values, numbers, strings, formulas)
                for column, values in zip(columns, zip(*block, strict=True), strict=True)
            ]
            for place, row in enumerate(zip(*cells, strict=True), self.kept_first + begin):
                self._write_row(place, spans, self.row_info.get(place))
                self.fh.write("".join(row))
                self.fh.write("</row>")


class _Column:
    """A column's letter and the numbers of its styles, by whether a text could be taken for a formula."""

    __slots__ = ("_kind", "_letter", "_numbers", "_shapes")

    def __init__(self, letter: str, kind: CellKind, shapes: Mapping[tuple[CellKind, bool], Format]) -> None:
        self._letter, self._kind, self._shapes = letter, kind, shapes
        self._numbers: dict[bool, int] = {}

    def ask(self, *, quoted: bool) -> None:
        """Ask the library for the number of a style; it counts them as they are asked for."""
        self._numbers[quoted] = self._shapes[self._kind, quoted]._get_xf_index()  # noqa: SLF001 - no other way

    def cells(
        self, values: Sequence[CellValue], numbers: range, strings: Mapping[str, int], formulas: Collection[str]
    ) -> list[str]:
        """Give the texts of the column's cells in the rows of these numbers."""
        head, style = f'<c r="{self._letter}', self._numbers.get(False)
        blank, text, figure = f'" s="{style}"/>', f'" s="{style}" t="s"><v>', f'" s="{style}"><v>'
        quoted = f'" s="{self._numbers.get(True)}" t="s"><v>'
        return [
            f"{head}{number}{blank}"
            if value is None
            else f"{head}{number}{quoted if value in formulas else text}{strings[value]}</v></c>"
            if isinstance(value, str)
            else f"{head}{number}{figure}{_number(value):.16G}</v></c>"
            for value, number in zip(values, numbers, strict=True)
        ]


def _ask_styles(columns: Sequence[_Column], rows: Sequence[tuple[CellValue, ...]], formulas: Collection[str]) -> None:
    """Ask for each style in the order in which cells first need it, row by row."""
    needed: list[tuple[int, int, bool]] = []
    for place, values in enumerate(zip(*rows, strict=True)):
        marks = [value in formulas for value in values] if formulas else [False]
        needed += [(marks.index(quoted), place, quoted) for quoted in (False, True) if quoted in marks]
    for _, place, quoted in sorted(needed):
        columns[place].ask(quoted=quoted)


def _number(value: Decimal | date | int) -> float:
    """Give a figure, or the days since 1900 that a spreadsheet counts; it takes 1900 for a leap year."""
    if isinstance(value, Decimal):
        return to_float(value)
    if isinstance(value, date):
        days = (value - _EPOCH).days
        return days + 1 if value >= _LEAP_1900 else days
    return value
