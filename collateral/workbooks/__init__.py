"""What is taken away: workbooks and letters, values in, bytes out."""

from collateral.workbooks.book_stresses import book_stress_pdf, stress_charts
from collateral.workbooks.haircut_reports import (
    TESTED_NAMES,
    ReportFacts,
    driver_chart,
    exceedance_chart,
    haircut_report_pdf,
    history_chart,
    peer_chart,
    sensitivity_chart,
)
from collateral.workbooks.letters import Addressee, LetterFacts, call_letter
from collateral.workbooks.reconciliations import differences_csv, differences_table, reconciliation_workbook
from collateral.workbooks.register import register_workbook

__all__ = [
    "TESTED_NAMES",
    "Addressee",
    "LetterFacts",
    "ReportFacts",
    "book_stress_pdf",
    "call_letter",
    "differences_csv",
    "differences_table",
    "driver_chart",
    "exceedance_chart",
    "haircut_report_pdf",
    "history_chart",
    "peer_chart",
    "reconciliation_workbook",
    "register_workbook",
    "sensitivity_chart",
    "stress_charts",
]
