"""Rows of carbon accounts, ratings, credit lines, notes, receipts, links, term sheets; the store's alone."""

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
    GreenRecognitionRow,
    InterestVoucherRow,
    LoanContractRow,
    LoanNoteRow,
    TermSheetRow,
)
from loans.models.linked import LinkDocumentRow, LinkObservationRow, LoanRateChangeRow, SustainabilityLinkRow
from loans.models.ratings import (
    RatingBenchmarkGroupRow,
    RatingBenchmarkRow,
    RatingObjectionAnswerRow,
    RatingObjectionRow,
    RatingResultRow,
)
from loans.models.servicing import (
    LoanClassificationRow,
    LoanConcessionStopRow,
    LoanNoticeRow,
    LoanRateResetRow,
    NoteSegmentRow,
    RepaymentRow,
)

__all__ = [
    "AccountConsentRow",
    "AccountEntryRow",
    "AccountPullRow",
    "AccrualRow",
    "CarbonAccountYearRow",
    "CreditLineRow",
    "GreenRecognitionRow",
    "InterestVoucherRow",
    "LinkDocumentRow",
    "LinkObservationRow",
    "LoanClassificationRow",
    "LoanConcessionStopRow",
    "LoanContractRow",
    "LoanNoteRow",
    "LoanNoticeRow",
    "LoanRateChangeRow",
    "LoanRateResetRow",
    "NoteSegmentRow",
    "RatingBenchmarkGroupRow",
    "RatingBenchmarkRow",
    "RatingObjectionAnswerRow",
    "RatingObjectionRow",
    "RatingReportRow",
    "RatingResultRow",
    "RepaymentRow",
    "SustainabilityLinkRow",
    "TermSheetRow",
]
