"""What is taken away: workbooks and letters, values in, bytes out."""

from collateral.workbooks.letters import LetterFacts, call_letter
from collateral.workbooks.reconciliations import differences_csv, differences_table, reconciliation_workbook
from collateral.workbooks.register import register_workbook

__all__ = [
    "LetterFacts",
    "call_letter",
    "differences_csv",
    "differences_table",
    "reconciliation_workbook",
    "register_workbook",
]
