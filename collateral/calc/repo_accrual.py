"""What the cash of a repo has grown to: simple interest, at one pricing rate or at rates that changed on the way."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput


def accrued_value(
    *, purchase_price: Decimal, rate: Decimal, basis: DayCount, start: date, end: date, places: int = 2
) -> Decimal:
    """Give R = PP (1 + r d / basis), rounded half up once; products before quotients, exactly."""
    exact = Fraction(purchase_price) * (1 + Fraction(rate) * year_fraction(basis, start, end))
    return rounded_exact(exact, places)


def rounded_exact(exact: Fraction, places: int = 2) -> Decimal:
    """Round an exact quotient to decimal places, ties away from zero."""
    scaled = exact * 10**places
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-places)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """A pricing rate from a day on."""

    start: date
    rate: Decimal


def accrued_over_rates(
    *, purchase_price: Decimal, steps: tuple[RateStep, ...], basis: DayCount, start: date, end: date
) -> Decimal:
    """Give R = PP (1 + sum of r_i d_i / basis) where the pricing rate changed on the way, rounded half up once.

    Raises:
        InvalidInput: The first rate does not begin with the repo, or the steps are not in order.
    """
    starts = [step.start for step in steps]
    if not steps or starts[0] != start or starts != sorted(set(starts)):
        raise InvalidInput(
            f"rates from {', '.join(map(str, starts)) or 'no day'} do not cover {start} on in order",
            zh="回购利率须自首期交易日起依次填写",
            field="rates",
        )
    growth = Fraction(0)
    for step, until in zip(steps, [*starts[1:], end], strict=True):
        growth += Fraction(step.rate) * max(year_fraction(basis, step.start, min(until, end)), Fraction(0))
    return rounded_exact(Fraction(purchase_price) * (1 + growth))
