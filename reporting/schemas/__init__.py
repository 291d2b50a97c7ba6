"""What reporting says and hears as JSON: exact figures and days as text, unknown fields refused."""

from reporting.schemas.reviews import (
    PerformanceRowOut,
    ReportReviewOut,
    ReportReviewStepIn,
    ReviewCaseOut,
    ReviewStepIn,
)
from reporting.schemas.subsidies import (
    ApplicationIn,
    ApplicationListOut,
    ApplicationOut,
    LoanNoteIn,
    ReportIn,
    ReportLineOut,
    ReportOut,
)

__all__ = [
    "ApplicationIn",
    "ApplicationListOut",
    "ApplicationOut",
    "LoanNoteIn",
    "PerformanceRowOut",
    "ReportIn",
    "ReportLineOut",
    "ReportOut",
    "ReportReviewOut",
    "ReportReviewStepIn",
    "ReviewCaseOut",
    "ReviewStepIn",
]
