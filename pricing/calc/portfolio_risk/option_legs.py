"""Options in scenarios: valued again at each moved price, as no straight line through delta gives their loss."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.polynomial import chebyshev

from carbonfin.kernel.units import to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.fixings import Fixings, fixings_of
from pricing.calc.option_market import OptionPoint
from pricing.calc.option_positions import OptionColumns, columns_of, option_values
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.positions import PortfolioLine

_LEAST_PRICE_SHARE = 1e-9  # a price that falls by all of it: the formula takes logarithms
_DEGREE = 48


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """An option of one line as scenarios revalue it.

    Attributes:
        style: European, American or average-price.
        columns: Its numbers, each of shape (1,).
        amount: Tonnes times 元 for one unit of its currency.
        valuation_date: Day of the book.
        fixings: Of an average-price option.
    """

    style: ExerciseStyle
    columns: OptionColumns
    amount: float
    valuation_date: date
    fixings: Fixings | None = None

    @classmethod
    def of(cls, line: PortfolioLine, point: OptionPoint, valuation_date: date) -> "OptionLeg":
        """Give the leg of a line on its point of the market."""
        assert line.option_style is not None, "checked by `line_fault`"
        return cls(
            style=line.option_style,
            columns=columns_of([point], [line]),
            amount=line.quantity_t * to_float(point.cny_per_unit),
            valuation_date=valuation_date,
            fixings=None if line.averaging is None else fixings_of(line.averaging, valuation_date),
        )

    def pnl(self, moves: FloatArray, rate_move: float = 0.0) -> FloatArray:
        """Give P&L in 元 of relative moves of the future and a parallel move of the rate, shape of the moves.

        The volatility of each strike stays. Exact for European options; the others are read off a Chebyshev
        polynomial of degree 48 in the move, whose nodes are valued exactly.
        """
        base = self._value(np.zeros(1), 0.0)[0]
        if self.style is ExerciseStyle.EUROPEAN or moves.size <= _DEGREE:
            return np.asarray(self.amount * (self._value(moves, rate_move) - base), dtype=np.float64)
        low, high = float(moves.min()), float(moves.max())
        half, middle = max((high - low) / 2.0, _LEAST_PRICE_SHARE), (high + low) / 2.0
        nodes = chebyshev.chebpts1(_DEGREE + 1)
        weights = chebyshev.chebfit(nodes, self._value(middle + half * nodes, rate_move), _DEGREE)
        return np.asarray(self.amount * (chebyshev.chebval((moves - middle) / half, weights) - base), dtype=np.float64)

    def _value(self, moves: FloatArray, rate_move: float) -> FloatArray:
        one = self.columns
        forward = one.forward * np.maximum(1.0 + moves, _LEAST_PRICE_SHARE)
        ones = np.ones(forward.size)
        discount = one.discount * np.exp(-rate_move * one.years) * ones
        if self.style is ExerciseStyle.EUROPEAN:
            return black76_value_per_t(
                forward_per_t=forward, strike_per_t=one.strike * ones, discount_factor=discount,
                total_volatility=one.volatility * np.sqrt(one.years) * ones, option_sign=one.sign * ones,
            )  # fmt: skip
        columns = OptionColumns(
            forward=forward, strike=one.strike * ones, volatility=one.volatility * ones, years=one.years * ones,
            discount=discount, sign=one.sign * ones,
        )  # fmt: skip
        return option_values(self.style, columns, self.valuation_date, self.fixings)
