"""OTC forwards on allowances: cost of carry along a curve or at a rate, discount factors of a flat rate, value."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.kernel.units import to_float

FloatArray = npt.NDArray[np.float64]
_CURVES_KEPT = 1024  # books of one day ask for the same deliveries again and again


def forward_price_cny_per_t(
    *,
    spot_cny_per_t: FloatArray,
    rate: FloatArray,
    carry_spread: FloatArray,
    convenience_yield: FloatArray,
    maturity_years: FloatArray,
) -> FloatArray:
    """Give forward prices by cost of carry, F = S exp((r + c - y) T), element by element.

    Args:
        spot_cny_per_t: Spot price S, 元/吨.
        rate: Continuously compounded rate r.
        carry_spread: Spread c over the rate, continuously compounded.
        convenience_yield: Convenience yield y, continuously compounded.
        maturity_years: T, act/365 years to delivery.

    Raises:
        CalculationFailed: A result is not finite.
    """
    return _finite(spot_cny_per_t * np.exp((rate + carry_spread - convenience_yield) * maturity_years))


def carried_forward_per_t(
    *, spot_per_t: float, discount_factor: float, convenience_yield: float, maturity_years: float
) -> float:
    """Give the forward price of spot carried along a discount curve, F = S exp(-y T) / D.

    Args:
        spot_per_t: Spot price S in the currency of the curve, per tonne.
        discount_factor: D to delivery.
        convenience_yield: Convenience yield y, continuously compounded; 0 where none is known.
        maturity_years: T, act/365 years to delivery.
    """
    return spot_per_t * math.exp(-convenience_yield * maturity_years) / discount_factor


def annualised_carry_rate(
    *, spot_cny_per_t: FloatArray, forward_cny_per_t: FloatArray, maturity_years: FloatArray
) -> FloatArray:
    """Give the carry that a forward price implies, ln(F / S) / T, continuously compounded."""
    if np.any(maturity_years <= 0):
        raise InvalidInput(
            "an implied carry needs a delivery after the valuation date",
            zh="隐含持有成本要求交割日晚于估值日",
            field="maturity_years",
        )
    return _finite(np.log(forward_cny_per_t / spot_cny_per_t) / maturity_years)


def implied_convenience_yield(
    *,
    spot_cny_per_t: FloatArray,
    forward_cny_per_t: FloatArray,
    rate: FloatArray,
    carry_spread: FloatArray,
    maturity_years: FloatArray,
) -> FloatArray:
    """Give the convenience yield that a forward price implies, y = r + c - ln(F / S) / T."""
    carry = annualised_carry_rate(
        spot_cny_per_t=spot_cny_per_t, forward_cny_per_t=forward_cny_per_t, maturity_years=maturity_years
    )
    return rate + carry_spread - carry


def flat_discount_factors(*, valuation_date: date, dates: Sequence[date], rate: Decimal) -> FloatArray:
    """Give discount factors to each date on a flat curve: act/365, continuously compounded.

    Equal to exp(-r T) with T = days / 365; the curve is QuantLib's, so that a term structure can take its place.

    Args:
        valuation_date: Day the curve starts.
        dates: Payment days, none before the valuation date.
        rate: The flat rate, an assumption.

    Returns:
        Shape (dates,).

    Raises:
        InvalidInput: A date lies before the valuation date.
    """
    if any(day < valuation_date for day in dates):
        raise InvalidInput(
            f"a payment date lies before the valuation date {valuation_date}",
            zh=f"付款日早于估值日 {valuation_date}",
            field="dates",
        )
    return _finite(np.array(_flat_factors(valuation_date, tuple(dates), rate), dtype=np.float64))


@lru_cache(maxsize=_CURVES_KEPT)
def _flat_factors(valuation_date: date, dates: tuple[date, ...], rate: Decimal) -> tuple[float, ...]:
    with quantlib_on(valuation_date) as today:
        curve = ql.FlatForward(today, to_float(rate), ql.Actual365Fixed(), ql.Continuous, ql.Annual)
        return tuple(curve.discount(ql_date(day)) for day in dates)


def forward_present_value_cny(
    *,
    forward_cny_per_t: FloatArray,
    strike_cny_per_t: FloatArray,
    quantity_t: FloatArray,
    discount_factor: FloatArray,
) -> FloatArray:
    """Give present values of forwards, PV = (F - K) q D, element by element; q negative for a sale."""
    return _finite((forward_cny_per_t - strike_cny_per_t) * quantity_t * discount_factor)


def maturity_years(valuation_date: date, delivery_date: date) -> float:
    """Give act/365 years from the valuation date to delivery."""
    return float(year_fraction(DayCount.ACT_365, valuation_date, delivery_date))


def _finite(values: FloatArray) -> FloatArray:
    if not np.all(np.isfinite(values)):
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise CalculationFailed(f"row {row} gave {values.flat[row]}", zh=f"第 {row + 1} 行计算结果不是有限数", row=row)
    return values
