"""Documents of loans: the term sheet for PDF and Word, the report of a rating, notices and statements of notes."""

from loans.workbooks.loan_letters import loan_notice_letter, loan_statement
from loans.workbooks.rate_letters import concession_letter, reset_letter
from loans.workbooks.rating_charts import peers_chart
from loans.workbooks.rating_letters import rating_letter, rating_letter_pdf
from loans.workbooks.rating_reports import lift_words, lift_words_en, points_steps, rating_report, rating_report_pdf
from loans.workbooks.stability_reports import stability_report_pdf
from loans.workbooks.stability_workbooks import stability_workbook
from loans.workbooks.term_sheets import (
    rate_waterfall_steps,
    schedule_table,
    term_sheet_document,
    term_sheet_docx,
    term_sheet_pdf,
)

__all__ = [
    "concession_letter",
    "lift_words",
    "lift_words_en",
    "loan_notice_letter",
    "loan_statement",
    "peers_chart",
    "points_steps",
    "rate_waterfall_steps",
    "rating_letter",
    "rating_letter_pdf",
    "rating_report",
    "rating_report_pdf",
    "reset_letter",
    "schedule_table",
    "stability_report_pdf",
    "stability_workbook",
    "term_sheet_document",
    "term_sheet_docx",
    "term_sheet_pdf",
]
