"""How exact figures are written."""

from decimal import Decimal


def text_of(value: Decimal) -> str:
    """Give a decimal as plain text, without exponent."""
    return format(value, "f")
