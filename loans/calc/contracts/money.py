"""The money rule of the event engine: minor unit, rounding, and whether a balance is rounded or carried."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

Amounts = npt.NDArray[Any]


class Rounding(StrEnum):
    """How an exact rational becomes whole minor units; ties and directions are read away from zero."""

    HALF_UP = "half-up"
    HALF_EVEN = "half-even"
    UP = "up"
    DOWN = "down"


class Balance(StrEnum):
    """What becomes of the part below the minor unit.

    Interest is rounded each period, or carried in exact rationals and rounded only where it is shown. Unrounded is
    binary floating point, for the runner of the contract standard alone.
    """

    ROUNDED = "rounded"
    CARRIED = "carried"
    UNROUNDED = "unrounded"


def divided(numerator: Amounts, denominator: Amounts | int, rounding: Rounding) -> Amounts:
    """Give numerator / denominator as whole numbers, elementwise and exact.

    Args:
        numerator: Whole numbers, int64 or Python integers; int64 needs 2 |numerator| + denominator below 2^63.
        denominator: Positive whole numbers, one or one each.
        rounding: Applied to the size of the quotient, so that a negative one mirrors its positive.
    """
    size = np.abs(numerator)
    match rounding:
        case Rounding.HALF_UP:
            quotient = (2 * size + denominator) // (2 * denominator)
        case Rounding.HALF_EVEN:
            quotient = size // denominator
            twice = 2 * (size - quotient * denominator)
            quotient = quotient + ((twice > denominator) | ((twice == denominator) & (quotient % 2 == 1)))
        case Rounding.UP:
            quotient = -(-size // denominator)
        case _:
            quotient = size // denominator
    rounded: Amounts = np.where(numerator < 0, -quotient, quotient)
    return rounded


def rounded_fraction(value: Fraction, rounding: Rounding) -> int:
    """Give an exact rational as a whole number."""
    one = np.array([value.numerator], dtype=object)
    return int(divided(one, value.denominator, rounding)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRule:
    """How amounts are rounded; the product's own rule is whole fen, half up, balance rounded each period.

    Attributes:
        minor_unit: Size of one minor unit in the currency: 0.01 for yuan, 1 for yen.
        rounding: For interest and, where balances are carried, for what is shown.
        level_rounding: For the level payment of equal instalments and the level part of equal principal, where
            balances are rounded.
    """

    minor_unit: Decimal = Decimal("0.01")
    rounding: Rounding = Rounding.HALF_UP
    level_rounding: Rounding = Rounding.HALF_UP
    balance: Balance = Balance.ROUNDED

    def __post_init__(self) -> None:
        """Refuse a unit that is not one, a tenth, a hundredth and so on."""
        unit = self.minor_unit
        if not unit.is_finite() or unit <= 0 or unit > 1 or Decimal(10) ** unit.adjusted() != unit:
            raise InvalidInput(
                f"minor unit is {unit}, not 1 divided by a power of ten", zh="最小货币单位须为 1 或十分之一的幂"
            )

    def minor(self, amount: Decimal) -> int:
        """Give an amount in minor units.

        Raises:
            InvalidInput: The amount has a part below the minor unit, or is no number.
        """
        units = amount / self.minor_unit if amount.is_finite() else Decimal("0.5")
        if units != units.to_integral_value():
            raise InvalidInput(
                f"amount {amount} is not a whole number of units of {self.minor_unit}",
                zh=f"金额 {amount} 不是最小货币单位 {self.minor_unit} 的整数倍",
            )
        return int(units)

    def major(self, units: int) -> Decimal:
        """Give whole minor units as an amount of the currency."""
        return Decimal(units) * self.minor_unit

    def settled(self, numerator: Amounts, denominator: Amounts | int) -> Amounts:
        """Give the interest of an exact accrual: whole units, exact rationals or floats, as balances are kept."""
        if self.balance is Balance.ROUNDED:
            return divided(numerator, denominator, self.rounding)
        if self.balance is Balance.CARRIED:
            exact: Amounts = numerator * (Fraction(1) / denominator)
            return exact
        quotient: Amounts = numerator / denominator
        return quotient

    def shown(self, amounts: Amounts) -> Amounts:
        """Give carried amounts as whole units; others are what is shown already."""
        if self.balance is not Balance.CARRIED:
            return amounts
        whole = [rounded_fraction(Fraction(value), self.rounding) for value in amounts.flat]
        return np.array(whole, dtype=object).reshape(amounts.shape)


FEN = MoneyRule()
