"""What a forced sale under the market's limits brings: simulation by class, on draws that the classes share.

Each day the latent log price moves by drift, diffusion and jumps. A day trades with a probability; if it trades, the
reference price moves to the latent one as far as the daily limit lets it. After notice and cure, min(participation x
the day's depth, what is left) is sold at the reference, unless the day is idle or locked at its lower limit. Haircut =
1 - proceeds / (quantity x today's price). The latent price does not react to the sale beyond the stated impact, and no
panic feeds on itself: what limits add is a lower bound.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.haircut_models.sale_draws import SEGMENT_DAYS, PathDraws
from collateral.calc.haircut_models.sale_terms import SaleTerms

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
WordArray = npt.NDArray[np.int32]

BLOCK_PATHS = 16_384
"""Paths worked at once: the rows of a day, four bytes a path, stay in a core's own cache."""
LONGEST_DAYS = 2_016
"""What is not sold by then is worth nothing."""
_SIGN = np.int32(31)
_TINY = np.float32(1e-30)
_CRUMB = np.float32(1e-4)
_LIVE_SHARE = 0.7
_FEWEST_PATHS, _MOST_PATHS = 2_000, 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleOutcome:
    """The distribution of a class's forced sale.

    Attributes:
        haircut_ratio: The quantile of 1 - proceeds / value at 1 - tail.
        standard_error: Of that quantile: half the distance between the order statistics one deviation to either side.
        shortfall_ratio: Mean haircut beyond the quantile.
        median_ratio: Half the paths lose more.
        mean_ratio: Mean haircut.
        days_mean: Days from default to the last sale, notice and cure included.
        days_99: The 99% quantile of these days.
        locked_share: Paths that met a locked day while they held units after notice and cure.
        unsold_share: Paths with units left when time ran out; what was left counted nothing.
        path_count: Paths.
        path_days: Days walked, all paths together.
    """

    haircut_ratio: float
    standard_error: float
    shortfall_ratio: float
    median_ratio: float
    mean_ratio: float
    days_mean: float
    days_99: int
    locked_share: float
    unsold_share: float
    path_count: int
    path_days: int


def forced_sale_outcomes(
    classes: Sequence[SaleTerms], *, path_count: int, seed: int, tail_ratio: float
) -> tuple[SaleOutcome, ...]:
    """Simulate the sale of each class; the classes share their draws, so that they differ by their terms alone.

    Args:
        classes: Terms by class.
        path_count: Paths of each class, 2,000 to 10,000,000.
        seed: Of the draws; the same seed gives the same figures.
        tail_ratio: 1 - confidence, 0.01 for 99%.

    Raises:
        InvalidInput: The paths or the tail are out of range.
    """
    _require_paths(path_count)
    if not 10 / path_count <= tail_ratio <= 0.5:
        raise InvalidInput(
            f"{path_count} paths do not reach a tail of {tail_ratio}",
            zh=f"{path_count} 条路径不足以估计 {tail_ratio} 的尾部",
            field="tail_ratio",
        )
    walks = [_Walk(terms, path_count) for terms in classes]
    for block, first in enumerate(range(0, path_count, BLOCK_PATHS)):
        draws = PathDraws(count=min(BLOCK_PATHS, path_count - first), seed=seed, block=block)
        for walk in walks:
            walk.run(draws, first)
    return tuple(walk.outcome(tail_ratio) for walk in walks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SalePaths:
    """A sale path by path, shapes (paths,).

    Attributes:
        proceeds_ratio: What was sold brought, over quantity x today's price, costs off.
        days: Days on which the path held units.
        left_ratio: Part of the quantity left when time was up.
        price_ratio: Reference price of that day over today's, where units are left; else one.
    """

    proceeds_ratio: FloatArray
    days: npt.NDArray[np.int32]
    left_ratio: FloatArray
    price_ratio: FloatArray


def forced_sale_paths(terms: SaleTerms, *, path_count: int, seed: int) -> SalePaths:
    """Simulate one class's sale and give its paths; the same draws as `forced_sale_outcomes`.

    Raises:
        InvalidInput: The paths are out of range.
    """
    _require_paths(path_count)
    walk = _Walk(terms, path_count, keeps_paths=True)
    for block, first in enumerate(range(0, path_count, BLOCK_PATHS)):
        walk.run(PathDraws(count=min(BLOCK_PATHS, path_count - first), seed=seed, block=block), first)
    return walk.paths()


def _require_paths(path_count: int) -> None:
    if not _FEWEST_PATHS <= path_count <= _MOST_PATHS:
        raise InvalidInput(
            f"{path_count} paths are not between {_FEWEST_PATHS} and {_MOST_PATHS}",
            zh=f"模拟路径数须在 {_FEWEST_PATHS} 至 {_MOST_PATHS}",
            field="path_count",
        )


class _Walk:
    """One class's sale, block by block."""

    def __init__(self, terms: SaleTerms, path_count: int, *, keeps_paths: bool = False) -> None:
        self._terms = terms
        self._units = terms.sale_days
        self._proceeds = np.zeros(path_count, dtype=np.float32)
        self._holding = np.zeros(LONGEST_DAYS + 1, dtype=np.int64)
        self._locked_count = self._unsold_count = self._path_days = 0
        self._kept = _Kept(path_count) if keeps_paths else None
        limit = terms.daily_limit_ratio
        self._low = np.float32(-np.inf if limit is None else math.log1p(-limit))
        self._high = np.float32(np.inf if limit is None else math.log1p(limit))
        self._last_day = LONGEST_DAYS if terms.last_sale_day is None else min(terms.last_sale_day, LONGEST_DAYS)
        # Up to here each path has a full day's sale left, whatever came before.
        full_days = 0 if terms.depth_ratios else math.floor(self._units)
        self._full_until = terms.first_sale_after_days + full_days

    def run(self, draws: PathDraws, first: int) -> None:
        """Walk a block's paths until all is sold or time is up; paths that have sold out are left behind."""
        block = _Block(draws.count, self._units)
        jump_draws = draws.jumps(self._terms)
        day = 0
        while block.live.size and day < self._last_day:
            part = draws.segment(day // SEGMENT_DAYS)
            moves = next(jump_draws)
            days = min(SEGMENT_DAYS, self._last_day - day)
            wiener, chance = part.wiener[:days], part.chance[:days]
            if block.live.size < draws.count:
                wiener, chance = wiener[:, block.live], chance[:, block.live]
                moves = None if moves is None else moves[:, block.live]
            for row in range(days):
                day += 1
                if not self._holds(block, day):
                    break
                if self._kept is not None:
                    self._kept.days[first + block.live] += block.left > 0
                self._move(block, day, wiener[row], None if moves is None else moves[row], chance[row])
                if day > self._terms.first_sale_after_days:
                    self._sell(block, day)
            self._leave(block, first)
        self._unsold_count += int(np.count_nonzero(block.left))
        if self._kept is not None:
            self._kept.left[first + block.live] = block.left
            self._kept.reference[first + block.live] = block.reference
        block.give(self._proceeds, first)
        self._locked_count += block.met_lock()

    def _holds(self, block: "_Block", day: int) -> bool:
        """Count the paths that hold units at the day's start, and say whether any does."""
        holding = block.live.size if day <= self._full_until else int(np.count_nonzero(block.left))
        self._holding[day] += holding
        return holding > 0

    def _move(
        self, block: "_Block", day: int, wiener: SingleArray, moves: SingleArray | None, chance: WordArray
    ) -> None:
        """Move the reference price; leave all ones in `block.free` where the day sells, nought where it does not."""
        terms, step, free = self._terms, block.step, block.free
        self._path_days += block.live.size
        np.multiply(wiener, np.float32(terms.daily_deviation), out=step)
        if terms.daily_drift:
            np.add(step, np.float32(terms.daily_drift * day), out=step)
        if moves is not None:
            np.add(step, moves, out=step)
        np.subtract(step, block.reference, out=step)
        if terms.daily_limit_ratio is not None:
            # A word's sign drawn out over the word is a mask: here, of moves above the lower limit.
            np.subtract(self._low, step, out=block.spare)
            np.right_shift(block.spare.view(np.int32), _SIGN, out=free)
            np.clip(step, self._low, self._high, out=step)
        if terms.trade_day_ratio < 1.0:
            np.subtract(chance, terms.trade_threshold, out=block.trades)
            np.right_shift(block.trades, _SIGN, out=block.trades)
            np.bitwise_and(step.view(np.int32), block.trades, out=step.view(np.int32))
        np.add(block.reference, step, out=block.reference)

    def _sell(self, block: "_Block", day: int) -> None:
        sold, word = block.spare, block.spare.view(np.int32)
        is_full = day <= self._full_until
        if self._terms.daily_limit_ratio is not None:
            if is_full:
                np.bitwise_and(block.unlocked, block.free, out=block.unlocked)
            else:  # whoever holds nothing meets no lock: left - tiny is negative for him alone
                np.subtract(block.left, _TINY, out=sold)
                np.right_shift(word, _SIGN, out=word)
                np.bitwise_or(word, block.free, out=word)
                np.bitwise_and(block.unlocked, word, out=block.unlocked)
        if is_full:
            sold.fill(1.0)
        else:
            np.minimum(block.left, np.float32(self._terms.depth_on(day)), out=sold)
        if self._terms.trade_day_ratio < 1.0:
            np.bitwise_and(word, block.trades, out=word)
        if self._terms.daily_limit_ratio is not None:
            np.bitwise_and(word, block.free, out=word)
        np.subtract(block.left, sold, out=block.left)
        if self._terms.depth_ratios:  # fractions in single precision leave crumbs, which would take a day of their own
            np.copyto(block.left, np.float32(0.0), where=block.left < _CRUMB)
        np.exp(block.reference, out=block.step)
        np.multiply(sold, block.step, out=sold)
        np.add(block.proceeds, sold, out=block.proceeds)

    def _leave(self, block: "_Block", first: int) -> None:
        left = np.flatnonzero(block.left)
        if left.size == 0 or left.size < _LIVE_SHARE * block.live.size:
            block.give(self._proceeds, first)
            self._locked_count += block.keep(left)

    def paths(self) -> SalePaths:
        """Give the paths walked."""
        assert self._kept is not None, "the walk kept no paths"
        return SalePaths(
            proceeds_ratio=self._terms.price_share * self._proceeds.astype(np.float64) / self._units,
            days=self._kept.days,
            left_ratio=self._kept.left.astype(np.float64) / self._units,
            price_ratio=np.exp(self._kept.reference.astype(np.float64)),
        )

    def outcome(self, tail_ratio: float) -> SaleOutcome:
        count = self._proceeds.size
        haircuts = np.sort(1.0 - self._terms.price_share * self._proceeds.astype(np.float64) / self._units)
        place = min(math.ceil((1.0 - tail_ratio) * count), count) - 1
        reach = max(1, round(math.sqrt(count * tail_ratio * (1.0 - tail_ratio))))
        low, high = max(0, place - reach), min(count - 1, place + reach)
        beyond = self._holding[1:]
        days_99 = int(np.count_nonzero(beyond > 0.01 * count))
        return SaleOutcome(
            haircut_ratio=haircuts[place].item(),
            standard_error=(haircuts[high] - haircuts[low]).item() / 2.0,
            shortfall_ratio=haircuts[place:].mean().item(),
            median_ratio=haircuts[count // 2].item(),
            mean_ratio=haircuts.mean().item(),
            days_mean=int(beyond.sum()) / count,
            days_99=days_99,
            locked_share=self._locked_count / count,
            unsold_share=self._unsold_count / count,
            path_count=count,
            path_days=self._path_days,
        )


class _Kept:
    """What a walk keeps of each path where it is asked to."""

    def __init__(self, count: int) -> None:
        self.days = np.zeros(count, dtype=np.int32)
        self.left, self.reference = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)


class _Block:
    """The state of the paths of a block that still hold units."""

    def __init__(self, count: int, units: float) -> None:
        self.live = np.arange(count)
        self.reference, self.proceeds = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
        self.left = np.full(count, units, dtype=np.float32)
        self.unlocked = np.full(count, -1, dtype=np.int32)
        self._room(count)

    def _room(self, count: int) -> None:
        self.step, self.spare = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
        self.free, self.trades = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)

    def give(self, proceeds: SingleArray, first: int) -> None:
        """Write the proceeds so far to their places."""
        proceeds[first + self.live] = self.proceeds

    def met_lock(self) -> int:
        """Count the paths that met a lock while they held units."""
        return int(np.count_nonzero(self.unlocked == 0))

    def keep(self, places: npt.NDArray[np.intp]) -> int:
        """Go on with the paths at `places` alone, and give how many of the others met a lock."""
        before = self.met_lock()
        self.live = self.live[places]
        self.reference, self.proceeds = self.reference[places], self.proceeds[places]
        self.left, self.unlocked = self.left[places], self.unlocked[places]
        self._room(places.size)
        return before - self.met_lock()
