"""Workbooks as the bureau's clerks make them, and their CSV twins: values in, bytes out."""

from carbonfin.documents.workbooks.delimited import csv_text, guarded
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
    "Workbook",
    "csv_text",
    "guarded",
    "totals_of",
    "write_workbook",
]
