"""What is taken away: the quarter's report and the performance table, values in, bytes out."""

from reporting.workbooks.disclosure import BASIS_TITLES, NOT_CLASSED_ZH, NOT_RECOGNISED_ZH, disclosure_xlsx
from reporting.workbooks.reviews import review_xlsx
from reporting.workbooks.statistics import statistics_xlsx
from reporting.workbooks.subsidies import main_table, report_book, report_csv, report_json, report_xlsx

__all__ = [
    "BASIS_TITLES",
    "NOT_CLASSED_ZH",
    "NOT_RECOGNISED_ZH",
    "disclosure_xlsx",
    "main_table",
    "report_book",
    "report_csv",
    "report_json",
    "report_xlsx",
    "review_xlsx",
    "statistics_xlsx",
]
