"""How volatilities move with the price of their future, by the history of a surface's quotes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np

from carbonfin.kernel.units import to_decimal, to_float
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.volatility import TRADING_DAYS_A_YEAR

HISTORY_MIN = 60
"""Joint moves below which nothing is estimated and volatilities are held still, which is told."""
_GAP_MAX = timedelta(days=7)
_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityMoves:
    """The joint moves of a factor's price and its volatilities over a history of quotes.

    Attributes:
        factor: Scheme whose future the options are on.
        slope: Relative move of volatility for one of the price, d ln sigma / d ln F by least squares.
        residual: Standard deviation of what the price does not explain, annualised.
        move_count: Joint moves it rests on.
        source: Who published them, and their first and last day.
    """

    factor: str
    slope: Decimal
    residual: Decimal
    move_count: int
    source: str


def estimated_moves(factor: str, quotes: Sequence[CurveQuote]) -> VolatilityMoves | None:
    """Estimate from settlement prices and volatilities of many days; None where joint moves are fewer than 60.

    A move is from one quoted day to the next, at most a week later: the mean logarithmic move of the contracts, and of
    the nodes of the surface, that stand on both days.

    Args:
        factor: Scheme.
        quotes: Its settlements and volatilities; others are passed over.
    """
    mine = [one for one in quotes if one.name == factor]
    prices, volatilities = (_by_day(mine, kind) for kind in (CurveQuoteKind.SETTLEMENT, CurveQuoteKind.VOLATILITY))
    days = sorted(prices.keys() & volatilities.keys())
    found = []
    for before, after in pairwise(days):
        price = _mean_move(prices[before], prices[after])
        volatility = _mean_move(volatilities[before], volatilities[after])
        if after - before <= _GAP_MAX and price is not None and volatility is not None:
            found.append((price, volatility))
    if len(found) < HISTORY_MIN:
        return None
    price_moves, moves = np.array(found).T
    centred = price_moves - price_moves.mean()
    spread = float(np.dot(centred, centred))
    slope = float(np.dot(centred, moves)) / spread if spread > 0.0 else 0.0
    rest = moves - moves.mean() - slope * centred
    deviation = math.sqrt(float(np.dot(rest, rest)) / (len(found) - 2) * TRADING_DAYS_A_YEAR)
    sources = "、".join(sorted({one.source for one in mine if one.kind is CurveQuoteKind.VOLATILITY}))
    return VolatilityMoves(
        factor=factor,
        slope=to_decimal(slope, places=_PLACES),
        residual=to_decimal(deviation, places=_PLACES),
        move_count=len(found),
        source=f"{sources} {days[0]} 至 {days[-1]}",
    )


def _by_day(quotes: Sequence[CurveQuote], kind: CurveQuoteKind) -> dict[date, dict[str, float]]:
    found: dict[date, dict[str, float]] = {}
    for one in quotes:
        if one.kind is kind and one.value > 0:
            found.setdefault(one.quote_date, {})[one.point] = to_float(one.value)
    return found


def _mean_move(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    moves = [math.log(after[point] / before[point]) for point in sorted(before.keys() & after.keys())]
    return math.fsum(moves) / len(moves) if moves else None
