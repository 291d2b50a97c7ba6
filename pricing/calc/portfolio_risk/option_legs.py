"""Options in scenarios: valued again at each moved price, as no straight line through delta gives their loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.polynomial import chebyshev

from carbonfin.kernel.units import to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.fixings import Fixings, fixings_of
from pricing.calc.option_market import OptionPoint
from pricing.calc.option_positions import OptionColumns, columns_of, option_values
from pricing.calc.options.black76 import CHUNK, black76_value_per_t
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.positions import PortfolioLine

_LEAST_PRICE_SHARE = 1e-9  # a price that falls by all of it: the formula takes logarithms
_DEGREE = 48
_VOLATILITY_DEGREE = 12
_RATE_STEP = 1e-3


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
        half, middle = _ends(moves)
        nodes = chebyshev.chebpts1(_DEGREE + 1)
        weights = chebyshev.chebfit(nodes, self._value(middle + half * nodes, rate_move), _DEGREE)
        return np.asarray(self.amount * (chebyshev.chebval((moves - middle) / half, weights) - base), dtype=np.float64)

    def joint_pnl(self, moves: FloatArray, log_volatility: FloatArray) -> FloatArray:
        """Give P&L in 元 of relative moves of the future with logarithmic ones of its volatility, shape of the moves.

        Exact for European options; the others are read off a Chebyshev polynomial in both, degrees 48 and 12, whose
        nodes are valued exactly.
        """
        base = self._value(np.zeros(1), 0.0)[0]
        if self.style is ExerciseStyle.EUROPEAN:
            return np.asarray(self.amount * (self._value(moves, 0.0, np.exp(log_volatility)) - base))
        x, y = (chebyshev.chebpts1(degree + 1) for degree in (_DEGREE, _VOLATILITY_DEGREE))
        (price_half, price_middle), (half, middle) = _ends(moves), _ends(log_volatility)
        grid = np.stack(
            [self._value(price_middle + price_half * x, 0.0, np.exp(np.full(x.size, middle + half * one))) for one in y]
        )
        across = chebyshev.chebfit(x, grid.T, _DEGREE)
        weights = chebyshev.chebfit(y, across.T, _VOLATILITY_DEGREE).T
        at = chebyshev.chebval2d((moves - price_middle) / price_half, (log_volatility - middle) / half, weights)
        return np.asarray(self.amount * (at - base), dtype=np.float64)

    def market_pnl(
        self, moves: FloatArray, log_volatility: FloatArray | None, rate_moves: FloatArray, fx_moves: FloatArray
    ) -> FloatArray:
        """Give P&L in 元 of moves of all that an option hangs on, each of the shape of the moves.

        V' = (1 + x) V(F (1 + m), sigma exp(v)) exp(-r T); where early exercise may come before T, the rate goes in by
        its slope at each price instead, over ±10 bp.
        """
        base = self._value(np.zeros(1), 0.0)[0]
        moved = self.pnl(moves) if log_volatility is None else self.joint_pnl(moves, log_volatility)
        worth = moved / self.amount + base
        if self.style is ExerciseStyle.AMERICAN:
            up, down = (self.pnl(moves, sign * _RATE_STEP) for sign in (1.0, -1.0))
            worth = worth + rate_moves * (up - down) / (2.0 * _RATE_STEP * self.amount)
        else:
            worth = worth * np.exp(-rate_moves * self.columns.years[0])
        return np.asarray(self.amount * ((1.0 + fx_moves) * worth - base))

    def exact_pnl(
        self, moves: FloatArray, log_volatility: FloatArray | None, rate_moves: FloatArray, fx_moves: FloatArray
    ) -> FloatArray:
        """Give what `market_pnl` reads off a polynomial, each scenario valued by itself."""
        base = self._value(np.zeros(1), 0.0)[0]
        ratio = np.ones(moves.size) if log_volatility is None else np.exp(log_volatility)
        return np.asarray(self.amount * ((1.0 + fx_moves) * self._value(moves, rate_moves, ratio) - base))

    def _value(
        self, moves: FloatArray, rate_move: FloatArray | float, volatility_ratio: FloatArray | float = 1.0
    ) -> FloatArray:
        one = self.columns
        forward = one.forward * np.maximum(1.0 + moves, _LEAST_PRICE_SHARE)
        ones = np.ones(forward.size)
        discount = one.discount * np.exp(-rate_move * one.years) * ones
        if self.style is ExerciseStyle.EUROPEAN:
            return black76_value_per_t(
                forward_per_t=forward, strike_per_t=one.strike * ones, discount_factor=discount,
                total_volatility=one.volatility * np.sqrt(one.years) * ones * volatility_ratio,
                option_sign=one.sign * ones,
            )  # fmt: skip
        columns = OptionColumns(
            forward=forward, strike=one.strike * ones, volatility=one.volatility * ones * volatility_ratio,
            years=one.years * ones, discount=discount, sign=one.sign * ones,
        )  # fmt: skip
        return option_values(self.style, columns, self.valuation_date, self.fixings)


@dataclass(frozen=True, slots=True, eq=False)
class EuropeanLegs:
    """European options of one expiry as columns: sums over them are those of their legs one by one, to the bit.

    Attributes:
        columns: Their numbers, each of shape (options,).
        amounts: Tonnes times 元 for one unit of their currency, shape (options,).
    """

    columns: OptionColumns
    amounts: FloatArray

    @classmethod
    def of(cls, legs: Sequence[OptionLeg]) -> "EuropeanLegs":
        """Put legs into columns."""
        columns = (np.concatenate(mine) for mine in zip(*(one.columns for one in legs), strict=True))
        return cls(OptionColumns(*columns), np.array([one.amount for one in legs]))

    def worth(self, moves: FloatArray, log_volatility: FloatArray) -> FloatArray:
        """Give what all are worth in 元 at moves of price and volatility, the rate as it is, shape of the moves."""
        total = np.zeros(moves.size)
        still, ratio = np.zeros(moves.size), np.exp(log_volatility)
        for rows in self._parts(moves.size):
            total = _summed(total, self.amounts[rows, None] * self._values(rows, moves, still, ratio))
        return total

    def exact_pnl(
        self, moves: FloatArray, log_volatility: FloatArray | None, rate_moves: FloatArray, fx_moves: FloatArray
    ) -> FloatArray:
        """Give the sum of what each leg's `exact_pnl` gives, shape of the moves."""
        total, none = np.zeros(moves.size), np.zeros(1)
        ratio = np.ones(moves.size) if log_volatility is None else np.exp(log_volatility)
        for rows in self._parts(moves.size):
            base = self._values(rows, none, none, np.ones(1))
            worth = (1.0 + fx_moves) * self._values(rows, moves, rate_moves, ratio)
            total = _summed(total, self.amounts[rows, None] * (worth - base))
        return total

    def _parts(self, point_count: int) -> list[slice]:
        """Cut the options so that a part's cells are about what is valued at once."""
        step = max(1, CHUNK // max(point_count, 1))
        return [slice(start, start + step) for start in range(0, self.amounts.size, step)]

    def _values(
        self, rows: slice, moves: FloatArray, rate_moves: FloatArray, volatility_ratio: FloatArray
    ) -> FloatArray:
        """Give the value of a tonne of some options at each point, shape (options, points)."""
        forward, strike, volatility, years, discount, sign = (one[rows, None] for one in self.columns)
        return black76_value_per_t(
            forward_per_t=forward * np.maximum(1.0 + moves, _LEAST_PRICE_SHARE), strike_per_t=strike,
            discount_factor=discount * np.exp(-rate_moves * years[0]),
            total_volatility=volatility * np.sqrt(years) * volatility_ratio, option_sign=sign,
        )  # fmt: skip


def _summed(total: FloatArray, rows: FloatArray) -> FloatArray:
    """Add rows to a total one after the other: another order gives other last bits, which decisions on record hold."""
    return np.asarray(np.add.accumulate(np.concatenate([total[None, :], rows]), axis=0)[-1])


def _ends(moves: FloatArray) -> tuple[float, float]:
    """Give half the width of moves, never 0, and their middle."""
    low, high = float(moves.min()), float(moves.max())
    return max((high - low) / 2.0, _LEAST_PRICE_SHARE), (high + low) / 2.0
