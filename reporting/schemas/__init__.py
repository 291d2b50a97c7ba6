"""What reporting says and hears as JSON: exact figures and days as text, unknown fields refused."""

from reporting.schemas.differences import ReportDifferenceOut
from reporting.schemas.disclosure import BankDisclosureOut
from reporting.schemas.reviews import (
    PerformanceRowOut,
    ReportReviewOut,
    ReportReviewStepIn,
    ReviewCaseOut,
    ReviewStepIn,
)
from reporting.schemas.statistics import StatisticsOut
from reporting.schemas.subsidies import (
    ApplicationIn,
    ApplicationListOut,
    ApplicationOut,
    LoanNoteIn,
    ReportIn,
    ReportLineOut,
    ReportOut,
)
from reporting.schemas.what_if import WhatIfOut

__all__ = [
    "ApplicationIn",
    "ApplicationListOut",
    "ApplicationOut",
    "BankDisclosureOut",
    "LoanNoteIn",
    "PerformanceRowOut",
    "ReportDifferenceOut",
    "ReportIn",
    "ReportLineOut",
    "ReportOut",
    "ReportReviewOut",
    "ReportReviewStepIn",
    "ReviewCaseOut",
    "ReviewStepIn",
    "StatisticsOut",
    "WhatIfOut",
]
