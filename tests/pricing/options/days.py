"""The day QuantLib stands at in tests of options."""

from datetime import date

VALUATION_DATE = date(2026, 6, 16)
