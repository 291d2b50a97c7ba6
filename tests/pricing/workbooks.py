"""Workbooks as a spreadsheet program writes them, for tests of what is read from people's files."""

import io
from collections.abc import Sequence

from openpyxl import Workbook


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with one sheet for each table; days and numbers are stored as a spreadsheet stores them."""
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
