"""What loans say and hear as JSON: exact figures and days as text, unknown fields refused."""

from loans.schemas.lending import (
    RateDecisionIn,
    RateDecisionOut,
    RatingOut,
    ScheduleIn,
    ScheduleOut,
)
from loans.schemas.rate_batches import BatchRateListOut, BatchRateOut, RateBatchIn, RateBatchOut, RebuiltRateOut
from loans.schemas.term_sheets import TermSheetIn, TermSheetOut

__all__ = [
    "BatchRateListOut",
    "BatchRateOut",
    "RateBatchIn",
    "RateBatchOut",
    "RateDecisionIn",
    "RateDecisionOut",
    "RatingOut",
    "RebuiltRateOut",
    "ScheduleIn",
    "ScheduleOut",
    "TermSheetIn",
    "TermSheetOut",
]
