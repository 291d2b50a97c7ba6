"""The draws of simulated sales: one block's paths, its days made as they are asked for, shared by all classes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from collateral.calc.haircut_models.sale_terms import CHANCES, SaleTerms

SingleArray = npt.NDArray[np.float32]
WordArray = npt.NDArray[np.int32]

SEGMENT_DAYS = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Days of a block, shapes (SEGMENT_DAYS, paths).

    Attributes:
        wiener: The Wiener path at unit variance a day, from the first day of all.
        chance: A whole number, 0 to 65,535, evenly drawn: whether a day trades.
    """

    wiener: SingleArray
    chance: WordArray


class PathDraws:
    """The draws of one block, the same whoever asks, in whatever order."""

    def __init__(self, *, count: int, seed: int, block: int) -> None:
        """Start the block's generators."""
        self.count = count
        self._key = (seed, block)
        self._normal = _generator(*self._key, 0)
        self._segments: list[Segment] = []
        self._reached = np.zeros(count, dtype=np.float32)

    def segment(self, number: int) -> Segment:
        """Give the days `number` times SEGMENT_DAYS and on."""
        while len(self._segments) <= number:
            shape = (SEGMENT_DAYS, self.count)
            wiener = self._normal.standard_normal(shape, dtype=np.float32)
            wiener[0] += self._reached
            np.cumsum(wiener, axis=0, out=wiener)
            self._reached = wiener[-1]
            chance = self._normal.integers(0, CHANCES, size=shape, dtype=np.uint16).astype(np.int32)
            self._segments.append(Segment(wiener=wiener, chance=chance))
        return self._segments[number]

    def jumps(self, terms: SaleTerms) -> Iterator[SingleArray | None]:
        """Give the sums of jumps by day, segment after segment; None throughout where there are none."""
        generator = _generator(*self._key, 1)
        reached = np.zeros(self.count)
        while True:
            yield None if not terms.daily_jumps else self._summed(terms, generator, reached)

    def _summed(
        self, terms: SaleTerms, generator: np.random.Generator, reached: npt.NDArray[np.float64]
    ) -> SingleArray:
        cells = SEGMENT_DAYS * self.count
        count = int(generator.poisson(terms.daily_jumps * cells))
        places = generator.integers(0, cells, size=count)
        sizes = generator.standard_exponential(count)
        up = generator.random(count) < terms.up_ratio
        sizes *= np.where(up, 1.0 / terms.up_rate, -1.0 / terms.down_rate)
        moves = np.bincount(places, weights=sizes, minlength=cells).reshape(SEGMENT_DAYS, self.count)
        moves[0] += reached
        np.cumsum(moves, axis=0, out=moves)
        reached[:] = moves[-1]
        return moves.astype(np.float32)


def _generator(seed: int, block: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, block, stream))))
