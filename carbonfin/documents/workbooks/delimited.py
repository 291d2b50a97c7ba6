"""The CSV twin of a workbook's table."""

import csv
import io
from datetime import date
from decimal import Decimal

from carbonfin.documents.workbooks.tables import (
    SERIAL_LABEL,
    TOTAL_LABEL,
    CellValue,
    SheetTable,
    totals_of,
)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"


def starts_a_formula(text: str) -> bool:
    """Tell whether a spreadsheet program could take the text for a formula; some accept full-width signs too."""
    return text.startswith(_FORMULA_STARTS)


def guarded(text: str) -> str:
    """Give text that no spreadsheet program reads as a formula: an apostrophe marks it as text."""
    return f"'{text}" if starts_a_formula(text) else text


def csv_text(table: SheetTable) -> str:
    """Give the table's heads, rows and totals as CSV with a byte order mark, so that Excel reads it as UTF-8.

    Days are ISO and figures plain, without separators. Long codes keep all their digits in the file; a program that
    guesses types on opening may still shorten them, which the workbook does not suffer.
    """
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n")
    writer.writerow([SERIAL_LABEL, *(guarded(column.head) for column in table.columns)])
    for number, row in enumerate(table.rows, start=1):
        writer.writerow([str(number), *(_plain(value) for value in row)])
    totals = totals_of(table)
    if any(total is not None for total in totals):
        writer.writerow([TOTAL_LABEL, *(_plain(total) for total in totals)])
    return _BYTE_ORDER_MARK + content.getvalue()


def _plain(value: CellValue) -> str:
    match value:
        case None:
            return ""
        case str():
            return guarded(value)
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case int():
            return str(value)
