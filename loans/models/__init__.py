"""Rows of carbon accounts, ratings, credit lines, contracts, notes, receipts, term sheets; the store's alone."""

from loans.models.accounts import (
    AccountConsentRow,
    AccountEntryRow,
    AccountPullRow,
    CarbonAccountYearRow,
    RatingReportRow,
)
from loans.models.lending import (
    AccrualRow,
    CreditLineRow,
    InterestVoucherRow,
    LoanContractRow,
    LoanNoteRow,
    TermSheetRow,
)
from loans.models.ratings import (
    RatingBenchmarkGroupRow,
    RatingBenchmarkRow,
    RatingObjectionAnswerRow,
    RatingObjectionRow,
    RatingResultRow,
)
from loans.models.servicing import LoanClassificationRow, LoanNoticeRow, NoteSegmentRow, RepaymentRow

__all__ = [
    "AccountConsentRow",
    "AccountEntryRow",
    "AccountPullRow",
    "AccrualRow",
    "CarbonAccountYearRow",
    "CreditLineRow",
    "InterestVoucherRow",
    "LoanClassificationRow",
    "LoanContractRow",
    "LoanNoteRow",
    "LoanNoticeRow",
    "NoteSegmentRow",
    "RatingBenchmarkGroupRow",
    "RatingBenchmarkRow",
    "RatingObjectionAnswerRow",
    "RatingObjectionRow",
    "RatingReportRow",
    "RatingResultRow",
    "RepaymentRow",
    "TermSheetRow",
]
