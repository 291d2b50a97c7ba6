"""Credit line, contract and loan note (授信 → 合同 → 借据): terms, use, and what may still be drawn."""

from loans.calc.facilities.rate_clauses import (
    CLAUSE_WORDS,
    ConcessionClause,
    ResetClause,
    ResetDay,
    Returns,
    StopsFrom,
)
from loans.calc.facilities.terms import FACILITY_NAMES, CreditLine, DrawdownDraft, LoanContract, Record
from loans.calc.facilities.use import (
    Book,
    Totals,
    Use,
    require_drawable,
    require_room_for,
    totals_by_currency,
    use_of_contract,
    use_of_line,
)

__all__ = [
    "CLAUSE_WORDS",
    "FACILITY_NAMES",
    "Book",
    "ConcessionClause",
    "CreditLine",
    "DrawdownDraft",
    "LoanContract",
    "Record",
    "ResetClause",
    "ResetDay",
    "Returns",
    "StopsFrom",
    "Totals",
    "Use",
    "require_drawable",
    "require_room_for",
    "totals_by_currency",
    "use_of_contract",
    "use_of_line",
]
