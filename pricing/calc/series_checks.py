"""What a series of closes shows of itself: levels of several vintages in turn, and prices filled in by equal growth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import round_half_up, to_decimal, to_float

FloatArray = npt.NDArray[np.float64]

JUMP_RATIO = 0.2
"""A jump: twice the listed limit of ten per cent, so that no one instrument makes it between two listed closes."""
_REVERSAL_DAYS = 20
_FEWEST_JUMPS = 8
_REVERSED_SHARE = 0.5
_LEFT_OVER_SHARE = 0.5
_GROWTH_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedLevels:
    """Evidence that closes of several instruments stand in one series: jumps that are taken back, again and again.

    Attributes:
        move_count: Moves between closes.
        jump_count: Those beyond `JUMP_RATIO`.
        reversed_count: Jumps that the next jump, within twenty days, took back by more than half.
        low_per_t: The lower level, the median of the lower closes at the reversed jumps.
        high_per_t: The upper level, the median of the upper closes.
        first_row: Row of the first reversed jump's close.
        last_row: Row of the last one's.
    """

    move_count: int
    jump_count: int
    reversed_count: int
    low_per_t: float
    high_per_t: float
    first_row: int
    last_row: int


def mixed_levels(close_per_t: FloatArray) -> MixedLevels | None:
    """Find jumps between levels, as where the close is that of whichever vintage was printed last.

    A policy jump or a fall at a compliance date moves the price once and leaves it there; a mixed series goes to and
    fro. At least eight jumps must have been taken back, and at least half of all that have a jump after them.

    Args:
        close_per_t: Positive closes, oldest first, shape (days,).

    Returns:
        The evidence, or None where there is not enough.
    """
    moves = np.diff(np.log(close_per_t))
    jumps = np.flatnonzero(np.abs(moves) > math.log1p(JUMP_RATIO))
    if jumps.size <= _FEWEST_JUMPS:
        return None
    one, two = moves[jumps[:-1]], moves[jumps[1:]]
    is_taken_back = (np.abs(one + two) < _LEFT_OVER_SHARE * np.abs(one)) & (np.diff(jumps) <= _REVERSAL_DAYS)
    rows = jumps[:-1][is_taken_back]
    if rows.size < _FEWEST_JUMPS or rows.size < _REVERSED_SHARE * (jumps.size - 1):
        return None
    pairs = np.stack([close_per_t[rows], close_per_t[rows + 1]])
    return MixedLevels(
        move_count=moves.size,
        jump_count=jumps.size,
        reversed_count=rows.size,
        low_per_t=float(np.median(pairs.min(axis=0))),
        high_per_t=float(np.median(pairs.max(axis=0))),
        first_row=int(rows[0]) + 1,
        last_row=int(rows[-1]) + 1,
    )


def even_growth(prices: Sequence[Decimal]) -> Decimal | None:
    """Give the daily growth by which prices run evenly from their first to their last, to the fen; None otherwise.

    Each inner price is the first times a power of (last / first)^(1/n), rounded; and it is not the equal step between
    them as well, which a run of few fen would be by chance.
    """
    steps = len(prices) - 1
    growth = math.log(to_float(prices[-1] / prices[0])) / steps
    even = [round_half_up(to_decimal(to_float(prices[0]) * math.exp(growth * step), places=6)) for step in range(steps)]
    straight = [round_half_up(prices[0] + (prices[-1] - prices[0]) * step / steps) for step in range(steps)]
    if growth == 0.0 or list(prices[:-1]) != even or even == straight:
        return None
    return to_decimal(math.expm1(growth), places=_GROWTH_PLACES)
