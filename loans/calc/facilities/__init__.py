"""Credit line, contract and loan note (授信 → 合同 → 借据): terms, use, and what may still be drawn."""

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
    "FACILITY_NAMES",
    "Book",
    "CreditLine",
    "DrawdownDraft",
    "LoanContract",
    "Record",
    "Totals",
    "Use",
    "require_drawable",
    "require_room_for",
    "totals_by_currency",
    "use_of_contract",
    "use_of_line",
]
