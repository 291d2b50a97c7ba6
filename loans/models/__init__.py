"""Rows of carbon accounts, ratings, credit lines, contracts and notes, interest, term sheets; the store's alone."""

from loans.models.accounts import AccountConsentRow, AccountEntryRow, CarbonAccountYearRow, RatingReportRow
from loans.models.lending import (
    AccrualRow,
    CreditLineRow,
    InterestVoucherRow,
    LoanContractRow,
    LoanNoteRow,
    TermSheetRow,
)
from loans.models.ratings import RatingBenchmarkGroupRow, RatingBenchmarkRow, RatingResultRow

__all__ = [
    "AccountConsentRow",
    "AccountEntryRow",
    "AccrualRow",
    "CarbonAccountYearRow",
    "CreditLineRow",
    "InterestVoucherRow",
    "LoanContractRow",
    "LoanNoteRow",
    "RatingBenchmarkGroupRow",
    "RatingBenchmarkRow",
    "RatingReportRow",
    "RatingResultRow",
    "TermSheetRow",
]
