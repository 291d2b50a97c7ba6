"""Average-price options of a book: what is fixed of them on a day, and their value at any price of the future."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.options.average_price import AverageSchedule, average_price_value_per_t
from pricing.calc.positions import Averaging

_DAYS_A_YEAR = 365.0
_LEAST_YEARS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fixings:
    """The averaging days of an option as they stand on a day.

    Attributes:
        years: act/365 to each day to come, ascending, shape (days to come,).
        fixed_count: Days already fixed.
        fixed_average_per_t: Their average, 0 where none is fixed.
    """

    years: FloatArray
    fixed_count: int
    fixed_average_per_t: float

    @property
    def count(self) -> int:
        """All days averaged."""
        return self.fixed_count + self.years.size

    def sooner(self, years: float) -> "Fixings":
        """Give the same days with time passed, none of them fixed by it."""
        return Fixings(
            years=np.maximum(self.years - years, _LEAST_YEARS * np.arange(1, self.years.size + 1)),
            fixed_count=self.fixed_count,
            fixed_average_per_t=self.fixed_average_per_t,
        )


def fixings_of(averaging: Averaging, valuation_date: date) -> Fixings:
    """Give the fixings of an option on a day.

    Raises:
        InvalidInput: Days up to the valuation date are not fixed, or later ones are.
    """
    passed = sum(day <= valuation_date for day in averaging.dates)
    if passed != averaging.fixed_count:
        raise InvalidInput(
            f"{passed} averaging days lie up to {valuation_date}, {averaging.fixed_count} are fixed",
            zh=f"截至 {valuation_date} 已有 {passed} 个取价日，已定价日数为 {averaging.fixed_count}",
            field="fixed_count",
            remedy="Give how many averaging days are fixed up to the valuation date, and their average price.",
            remedy_zh="请更新截至估值日的已定价日数与已定价均价。",
        )
    return Fixings(
        years=np.array([(day - valuation_date).days / _DAYS_A_YEAR for day in averaging.dates[passed:]]),
        fixed_count=passed,
        fixed_average_per_t=to_float(averaging.fixed_average_per_t or Decimal(0)),
    )


def average_values_per_t(
    *,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    volatility: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
    fixings: Fixings,
) -> FloatArray:
    """Give values of options that pay max(w (A - K), 0), the future's price expected unchanged to each fixing.

    What is fixed lowers the strike: with K' = K less the fixed part of the average, V(F, K') = F V(1, K' / F) by
    `average_price_value_per_t`; where K' is not above 0, or nothing is left to fix, the discounted payoff expected.

    Returns:
        Contract currency per tonne, the shape of the terms broadcast together.

    Raises:
        InvalidInput: A term is not a finite number of its range.
    """
    forward, strike, sigma, discount, sign = np.broadcast_arrays(
        forward_per_t, strike_per_t, volatility, discount_factor, option_sign
    )
    left = strike - fixings.fixed_average_per_t * fixings.fixed_count / fixings.count
    value = np.asarray(discount * np.maximum(sign * (forward * fixings.years.size / fixings.count - left), 0.0))
    open_ = left > 0.0
    if fixings.years.size and np.any(open_):
        schedule = AverageSchedule(
            fixing_years=fixings.years,
            forward_per_t=np.ones(fixings.years.size),
            fixed_count=fixings.fixed_count,
            fixed_average_per_t=0.0,
        )
        value[open_] = forward[open_] * average_price_value_per_t(
            schedule,
            strike_per_t=left[open_] / forward[open_],
            volatility=sigma[open_],
            discount_factor=discount[open_],
            option_sign=sign[open_],
        )
    return value
