"""How exact figures are written."""

from decimal import Decimal


def text_of(value: Decimal) -> str:
    """Give a decimal as plain text, without exponent."""
    return format(value, "f")


def optional_text_of(value: Decimal | None) -> str | None:
    """Give a decimal as plain text, and None where it is not known."""
    return None if value is None else text_of(value)


def yuan_text_of(fen: int) -> str:
    """Write whole fen as yuan with two places."""
    if -100 < fen < 100:
        return f"{'-' if fen < 0 else ''}0.{abs(fen):02d}"
    digits = str(fen)
    return f"{digits[:-2]}.{digits[-2:]}"
