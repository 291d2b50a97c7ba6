"""The emission-cut loan's rate (降碳贷): its terms, the concession by points or by the bank's own table, its trace."""

from loans.calc.jiangtandai.concession_tables import CONCESSION_TABLE
from loans.calc.jiangtandai.points_tables import POINTS_TABLE
from loans.calc.jiangtandai.rate_batches import (
    RATE_BATCH_KIND,
    AnsweredRow,
    DecidedRate,
    LeftOut,
    RateBatchInputs,
    RateFacts,
    RateItem,
    RateRequest,
    decide_item,
    is_the_same,
    rebuilt_rate,
    single_inputs,
)
from loans.calc.jiangtandai.rates import RATE_KIND, concession_bp, decide_rate, rate_without_trace, tables_asked
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
from loans.calc.jiangtandai.what_if import LprStep, ScorePath, rate_paths

__all__ = [
    "CONCESSION_TABLE",
    "POINTS_TABLE",
    "RATE_BATCH_KIND",
    "RATE_KIND",
    "REASONS_EN",
    "REASONS_ZH",
    "AnsweredRow",
    "ConcessionReason",
    "ConcessionTerms",
    "DecidedRate",
    "LeftOut",
    "LprStep",
    "PointFraction",
    "RateBatchInputs",
    "RateDecision",
    "RateFacts",
    "RateInputs",
    "RateItem",
    "RateQuoted",
    "RateRequest",
    "RateStatus",
    "RatingReport",
    "ScorePath",
    "concession_bp",
    "decide_item",
    "decide_rate",
    "is_the_same",
    "rate_paths",
    "rate_without_trace",
    "rebuilt_rate",
    "single_inputs",
    "tables_asked",
]
