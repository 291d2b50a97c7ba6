"""Loans whose margin follows the carbon grade (可持续挂钩贷款): what the ratchet is worth."""

from loans.calc.linked.ratchet_terms import GradeStep, RatchetInputs, RatchetKind, RatchetPeriod
from loans.calc.linked.ratchet_value import RATCHET_VALUE_KIND, GradeValue, RatchetValue, value_ratchet

__all__ = [
    "RATCHET_VALUE_KIND",
    "GradeStep",
    "GradeValue",
    "RatchetInputs",
    "RatchetKind",
    "RatchetPeriod",
    "RatchetValue",
    "value_ratchet",
]
