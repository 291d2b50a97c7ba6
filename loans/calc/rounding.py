"""Exact rationals to printed numbers: each is rounded once, half up, at the line a person reads."""

import math
from decimal import Decimal
from fractions import Fraction


def half_up(value: Fraction, *, places: int) -> Decimal:
    """Round an exact rational to decimal places, ties away from zero (四舍五入)."""
    if value < 0:
        return -half_up(-value, places=places)
    return Decimal(math.floor(value * 10**places + Fraction(1, 2))).scaleb(-places)


def fen(amount_cny: Decimal) -> int:
    """Give an amount of whole fen as an integer; a fraction of a fen is a broken promise of the caller."""
    minor = amount_cny * 100
    assert minor == minor.to_integral_value(), f"{amount_cny} is not whole fen"
    return int(minor)


def yuan(amount_fen: int) -> Decimal:
    """Give whole fen as an amount with two decimal places."""
    return Decimal(amount_fen).scaleb(-2).quantize(Decimal("0.01"))
