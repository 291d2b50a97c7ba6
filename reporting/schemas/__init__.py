"""What reporting says and hears as JSON: exact figures and days as text, unknown fields refused."""

from reporting.schemas.differences import ReportDifferenceOut
from reporting.schemas.disclosure import BankDisclosureOut
from reporting.schemas.outcomes import OutcomeHistoryOut, OutcomeOut, OutcomesOut
from reporting.schemas.reviews import (
    PerformanceRowOut,
    ReportReviewOut,
    ReportReviewStepIn,
    ReviewCaseOut,
    ReviewStepIn,
)
from reporting.schemas.statistics import (
    FinancingLineOut,
    FinancingLinesOut,
    SeriesPointOut,
    StatisticsOut,
    StatisticsSeriesOut,
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
from reporting.schemas.what_if import WhatIfOut

__all__ = [
    "ApplicationIn",
    "ApplicationListOut",
    "ApplicationOut",
    "BankDisclosureOut",
    "FinancingLineOut",
    "FinancingLinesOut",
    "LoanNoteIn",
    "OutcomeHistoryOut",
    "OutcomeOut",
    "OutcomesOut",
    "PerformanceRowOut",
    "ReportDifferenceOut",
    "ReportIn",
    "ReportLineOut",
    "ReportOut",
    "ReportReviewOut",
    "ReportReviewStepIn",
    "ReviewCaseOut",
    "ReviewStepIn",
    "SeriesPointOut",
    "StatisticsOut",
    "StatisticsSeriesOut",
    "WhatIfOut",
]
