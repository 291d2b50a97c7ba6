"""Tables as one workbook or as CSV."""

from datetime import datetime

from carbonfin.documents.workbooks import Provenance, SheetTable, Workbook, csv_text, write_workbook

SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"


def workbook_of(
    *tables: SheetTable, title: str, created_at: datetime, provenance: tuple[Provenance, ...] = ()
) -> bytes:
    """Write tables as one workbook."""
    return write_workbook(Workbook(title=title, sheets=tables, created_at=created_at, provenance=provenance))


def csv_of(table: SheetTable) -> bytes:
    """Write a table as CSV that a spreadsheet opens as UTF-8."""
    return csv_text(table).encode("utf-8")
