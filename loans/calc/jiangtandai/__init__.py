"""The emission-cut loan's rate (降碳贷): its terms, the concession by points or by the bank's own table, its trace."""

from loans.calc.jiangtandai.concession_tables import CONCESSION_TABLE
from loans.calc.jiangtandai.points_tables import POINTS_TABLE
from loans.calc.jiangtandai.rates import RATE_KIND, concession_bp, decide_rate
from loans.calc.jiangtandai.terms import (
    REASONS_EN,
    REASONS_ZH,
    ConcessionReason,
    ConcessionTerms,
    PointFraction,
    RateDecision,
    RateInputs,
    RateQuoted,
    RateStatus,
    RatingReport,
)

__all__ = [
    "CONCESSION_TABLE",
    "POINTS_TABLE",
    "RATE_KIND",
    "REASONS_EN",
    "REASONS_ZH",
    "ConcessionReason",
    "ConcessionTerms",
    "PointFraction",
    "RateDecision",
    "RateInputs",
    "RateQuoted",
    "RateStatus",
    "RatingReport",
    "concession_bp",
    "decide_rate",
]
