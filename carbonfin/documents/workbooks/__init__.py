"""Workbooks as the bureau's clerks make them, and their CSV twins: values in, bytes out."""

from carbonfin.documents.workbooks.delimited import csv_text, guarded
from carbonfin.documents.workbooks.reading import SheetText, day_of_serial, read_workbook
from carbonfin.documents.workbooks.tables import (
    CellKind,
    CellValue,
    CodeList,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    totals_of,
)
from carbonfin.documents.workbooks.writing import MIME_TYPE, write_workbook

__all__ = [
    "MIME_TYPE",
    "CellKind",
    "CellValue",
    "CodeList",
    "Provenance",
    "SheetColumn",
    "SheetTable",
    "SheetText",
    "Workbook",
    "csv_text",
    "day_of_serial",
    "guarded",
    "read_workbook",
    "totals_of",
    "write_workbook",
]
