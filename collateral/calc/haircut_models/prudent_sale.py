"""A forced sale counted so that nothing made worse can help: no rebound after the default earns anything.

The market's own sale (`forced_sale`) may sell late into a recovery, so that on some paths less volume fetches more.
The haircut a bank keeps must not fall when its facts worsen. Here each tonne sold counts at the lowest reference price
since the default. On each path the part sold by any day only falls with less volume, longer notice or a nearer last
day, and what it counts at only falls with time: so does what the sale brings, path by path and so at each quantile.
Idle days also move the reference itself, so they are stepped: the part of days that sell is rounded down to a rung, and
the haircut is the largest over that rung and all above it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from collateral.calc.haircut_models.forced_sale import BLOCK_PATHS, LONGEST_DAYS
from collateral.calc.haircut_models.sale_draws import SEGMENT_DAYS, PathDraws
from collateral.calc.haircut_models.sale_terms import SaleTerms

FloatArray = npt.NDArray[np.float64]
WordArray = npt.NDArray[np.int32]

RATIO_RUNGS = (
    1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001
)  # fmt: skip
"""Parts of the days that sell."""
_CRUMB = 1e-9
"""Parts of a day's sale that rounding leaves, which would count a day of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrudentSale:
    """The prudent haircut of a sale.

    Attributes:
        haircut_ratio: The quantile of 1 - proceeds / value at 1 - tail.
        standard_error: Of that quantile: half the distance between the order statistics one deviation to either side.
        shortfall_ratio: Mean haircut at and beyond the quantile.
        unsold_share: Paths with units left when time ran out; what was left counts nothing.
    """

    haircut_ratio: float
    standard_error: float
    shortfall_ratio: float
    unsold_share: float


def prudent_sale(terms: SaleTerms, *, path_count: int, seed: int, tail_ratio: float) -> PrudentSale:
    """Simulate the sale without credit for a rebound; the same seed gives the same figures.

    Args:
        terms: What the sale meets.
        path_count: Paths, on the draws that `forced_sale_outcomes` uses.
        seed: Of the draws.
        tail_ratio: 1 - confidence, 0.01 for 99%.
    """
    classes = [replace(terms, trade_day_ratio=rung) for rung in ratio_rungs(terms.trade_day_ratio)]
    drawn = [
        PathDraws(count=min(BLOCK_PATHS, path_count - first), seed=seed, block=block)
        for block, first in enumerate(range(0, path_count, BLOCK_PATHS))
    ]
    found = [_at_one_rung(one, drawn, tail_ratio=tail_ratio) for one in classes]
    binding = max(found, key=lambda one: one.haircut_ratio)
    return replace(binding, shortfall_ratio=max(one.shortfall_ratio for one in found))


def rung_below(selling_day_ratio: float) -> float:
    """Give the rung at or below a part of days that sell; nought below the least."""
    return next((rung for rung in RATIO_RUNGS if rung <= selling_day_ratio), 0.0)


def ratio_rungs(selling_day_ratio: float) -> tuple[float, ...]:
    """Give the rungs from one down to the one at or below a part of days that sell."""
    return tuple(rung for rung in RATIO_RUNGS if rung >= max(rung_below(selling_day_ratio), RATIO_RUNGS[-1]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrudentPaths:
    """A sale path by path without credit for a rebound, shapes (paths,).

    Attributes:
        proceeds_ratio: What was sold brought, over quantity x today's price, costs off; what is left brings nothing.
        days: Days to the last sale, or until time was up.
    """

    proceeds_ratio: FloatArray
    days: npt.NDArray[np.int32]


def prudent_sale_paths(terms: SaleTerms, *, path_count: int, seed: int) -> PrudentPaths:
    """Give the least that each path brings and the most days it takes, over the parts of days `prudent_sale` looks at.

    On every path less depth, less volume, longer notice, fewer days that sell and a nearer last day bring no more.
    """
    rungs = [replace(terms, trade_day_ratio=rung) for rung in ratio_rungs(terms.trade_day_ratio)]
    proceeds, days = np.ones(path_count), np.zeros(path_count, dtype=np.int32)
    for block, first in enumerate(range(0, path_count, BLOCK_PATHS)):
        draws = PathDraws(count=min(BLOCK_PATHS, path_count - first), seed=seed, block=block)
        part = slice(first, first + draws.count)
        for one in rungs:
            found = _block(one, draws)
            np.minimum(proceeds[part], 1.0 - found.haircut, out=proceeds[part])
            np.maximum(days[part], found.days, out=days[part])
    return PrudentPaths(proceeds_ratio=proceeds, days=days)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Paths:
    """The paths of a block: haircut, days to the last sale, and how many have units left."""

    haircut: FloatArray
    days: npt.NDArray[np.int32]
    unsold_count: int


def _at_one_rung(terms: SaleTerms, drawn: Sequence[PathDraws], *, tail_ratio: float) -> PrudentSale:
    blocks = [_block(terms, draws) for draws in drawn]
    haircuts = np.sort(np.concatenate([one.haircut for one in blocks]))
    place, error = quantile_place(haircuts, tail_ratio=tail_ratio)
    return PrudentSale(
        haircut_ratio=haircuts[place].item(),
        standard_error=error,
        shortfall_ratio=haircuts[place:].mean().item(),
        unsold_share=sum(one.unsold_count for one in blocks) / haircuts.size,
    )


def quantile_place(ordered: FloatArray, *, tail_ratio: float) -> tuple[int, float]:
    """Give the place of the quantile at 1 - tail of ordered losses, and the standard error of it.

    The error is half the distance between the order statistics one deviation of the binomial law to either side.
    """
    count = ordered.size
    place = min(math.ceil((1.0 - tail_ratio) * count), count) - 1
    reach = max(1, round(math.sqrt(count * tail_ratio * (1.0 - tail_ratio))))
    low, high = max(0, place - reach), min(count - 1, place + reach)
    return place, (ordered[high] - ordered[low]).item() / 2.0


def _block(terms: SaleTerms, draws: PathDraws) -> _Paths:
    limit = terms.daily_limit_ratio
    low, high = (-math.inf, math.inf) if limit is None else (math.log1p(-limit), math.log1p(limit))
    last_day = LONGEST_DAYS if terms.last_sale_day is None else min(terms.last_sale_day, LONGEST_DAYS)
    reference, lowest, proceeds = np.zeros(draws.count), np.zeros(draws.count), np.zeros(draws.count)
    left, days = np.full(draws.count, terms.sale_days), np.zeros(draws.count, dtype=np.int32)
    for day, (wiener, chance, moves) in enumerate(islice(_rows(terms, draws), last_day), start=1):
        days += left > _CRUMB
        step = wiener * terms.daily_deviation + terms.daily_drift * day + moves - reference
        trades = chance < terms.trade_threshold
        is_locked = step <= low
        reference += np.where(trades, np.clip(step, low, high), 0.0)
        np.minimum(lowest, reference, out=lowest)
        if day > terms.first_sale_after_days:
            sold = np.where(trades & ~is_locked, np.minimum(left, terms.depth_on(day)), 0.0)
            left -= sold
            proceeds += sold * np.exp(lowest)
            if not left.any():
                break
    return _Paths(
        haircut=1.0 - terms.price_share * proceeds / terms.sale_days,
        days=days,
        unsold_count=int(np.count_nonzero(left)),
    )


def _rows(terms: SaleTerms, draws: PathDraws) -> Iterator[tuple[FloatArray, WordArray, FloatArray]]:
    """Give the days of a block one by one: Wiener path, chance to trade, sum of jumps."""
    for number, moves in enumerate(draws.jumps(terms)):
        part = draws.segment(number)
        for row in range(SEGMENT_DAYS):
            jumps = np.zeros(draws.count) if moves is None else moves[row].astype(np.float64)
            yield part.wiener[row].astype(np.float64), part.chance[row], jumps
