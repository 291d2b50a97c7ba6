"""What is taken away: valuations, quotes and their quality, values in, bytes out."""

from pricing.workbooks.quotes import (
    FINDINGS_MAX,
    curve_quote_table,
    quality_pdf,
    quality_rows,
    quality_sheet,
    quality_table,
    quote_table,
)
from pricing.workbooks.taking import csv_of, workbook_of
from pricing.workbooks.valuations import valuation_table, valuation_workbook

__all__ = [
    "FINDINGS_MAX",
    "csv_of",
    "curve_quote_table",
    "quality_pdf",
    "quality_rows",
    "quality_sheet",
    "quality_table",
    "quote_table",
    "valuation_table",
    "valuation_workbook",
    "workbook_of",
]
