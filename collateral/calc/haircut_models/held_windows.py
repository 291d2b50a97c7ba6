"""A history's falls with closes at the limit taken as bounds.

A window runs on to the next clean close and keeps the lowest close it passed. Which windows there are
does not depend on which closes stood at a limit, and a window's loss only grows where more of them did: a history with
more limit days never looks safer. The window of `empirical` ends at the clean close alone; its figure is told beside.
"""

import math

import numpy as np
import numpy.typing as npt

from pricing.calc.volatility import PriceHistory

FloatArray = npt.NDArray[np.float64]


def held_window_losses(history: PriceHistory, *, horizon_days: int) -> FloatArray:
    """Give the ordered losses 1 - lowest / S_0 of all windows, one from each traded close; may be empty.

    A window runs from the horizon to the first close at or after it that traded off the limit, or to the history's end.
    """
    count = history.close_per_t.size
    starts = np.flatnonzero(history.traded)
    starts = starts[starts + horizon_days < count]
    if not starts.size:
        return np.zeros(0)
    clean = np.flatnonzero(history.traded & ~history.at_limit)
    following = np.searchsorted(clean, starts + horizon_days)
    ends = np.append(clean, count - 1)[following]
    # A carried close is its last trade's price; beyond the end infinity stands, so that each range may be half open.
    closes = np.append(history.close_per_t, np.inf)
    bounds = np.stack([starts + horizon_days, ends + 1], axis=1).ravel()
    lowest = np.minimum.reduceat(closes, bounds)[::2]
    return np.sort(1.0 - lowest / history.close_per_t[starts])


def held_quantile(losses: FloatArray, *, tail_ratio: float) -> tuple[float, float]:
    """Give the quantile of ordered losses at 1 - tail and the mean at and beyond it, neither below nought."""
    place = min(max(math.ceil((1.0 - tail_ratio) * losses.size - 1e-9), 1), losses.size) - 1
    return max(0.0, losses[place].item()), max(0.0, losses[place:].mean().item())
