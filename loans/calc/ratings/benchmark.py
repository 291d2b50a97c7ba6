"""Frozen peer groups: sorted samples of intensity by division and size, which later reports of others do not move.

A group's percentile is scipy's `percentileofscore` of the mean kind on its frozen, winsorised sample. A group of fewer
peers than asked is mixed with its parent, n parts in peers_min its own: size within division, division, section, all.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import ROUND_CEILING
from itertools import accumulate, pairwise
from math import gcd

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.measures import INTENSITY_MOST, IntArray
from loans.calc.ratings.rating_account import DIVISION_COUNT, SizeClass, section_of
from loans.calc.ratings.scorecard import BenchmarkTerms

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerGroup:
    """One frozen sample.

    Attributes:
        name: `C26/2` (section, division, size), `C26`, `C` or `all`.
        peer_count: Enterprises of the group itself; fewer than asked means that the sample is mixed with the parent's.
        values: Distinct intensities ascending, 1e-4 t/万元.
        through: Weight of the sample at or below each; the last is the whole.
    """

    name: str
    peer_count: int
    values: tuple[int, ...]
    through: tuple[int, ...]

    def better_share(self, measure: int) -> tuple[int, int]:
        """Give the share of peers that emit more, ties half, as numerator and denominator: 1 - mean percentile."""
        value = min(max(measure, self.values[0]), self.values[-1])
        place = bisect_left(self.values, value)
        below = self.through[place - 1] if place else 0
        through = self.through[place] if self.values[place] == value else below
        whole = 2 * self.through[-1]
        return whole - below - through, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorBenchmark:
    """All groups of one release.

    Attributes:
        benchmark_id: Name of the release; a rating states it.
        released_on: Day from which ratings stand on it.
        source: Whose figures of which year.
        groups: `all` first, then parents before children.
    """

    benchmark_id: str
    released_on: date
    source: str
    groups: tuple[PeerGroup, ...]
    terms: BenchmarkTerms
    digest: str
    places: dict[str, int]

    def group_place(self, division: int, size_class: int) -> int:
        """Give the place of the nearest group there is for a division and size."""
        return next(self.places[name] for name in reversed(group_names(division, size_class)) if name in self.places)


def group_names(division: int, size_class: int) -> tuple[str, ...]:
    """Name the groups an enterprise belongs to, the widest first."""
    section = section_of(division)
    return ALL, section, f"{section}{division:02}", f"{section}{division:02}/{size_class}"


def freeze_benchmark(
    *,
    benchmark_id: str,
    released_on: date,
    source: str,
    divisions: npt.ArrayLike,
    size_classes: npt.ArrayLike,
    intensities: npt.ArrayLike,
    terms: BenchmarkTerms,
) -> SectorBenchmark:
    """Freeze samples of every group that has an enterprise.

    Args:
        benchmark_id: Name of the release.
        released_on: Day from which ratings stand on it.
        source: Whose figures of which year.
        divisions: GB/T 4754 division of each enterprise, shape (enterprises,).
        size_classes: `SizeClass` of each, shape (enterprises,).
        intensities: Whole 1e-4 t/万元 of each, not negative, shape (enterprises,).
        terms: Least peers, winsorised share, most points of a sample.

    Raises:
        InvalidInput: No enterprise, unequal lengths, or a value outside its limits.
    """
    columns = [np.asarray(column, dtype=np.int64) for column in (divisions, size_classes, intensities)]
    _refuse_outside(columns)
    by_name = _samples(*columns)
    groups: dict[str, PeerGroup] = {}
    for name in sorted(by_name, key=lambda one: (_depth(one), one)):
        sample = _frozen(by_name[name], terms)
        parent = groups.get(_parent(name))
        groups[name] = _group(name, by_name[name].size, sample, parent, terms)
    ordered = tuple(groups.values())
    facts = [benchmark_id, released_on.isoformat(), source, [asdict(group) for group in ordered]]
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return SectorBenchmark(
        benchmark_id=benchmark_id,
        released_on=released_on,
        source=source,
        groups=ordered,
        terms=terms,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        places={group.name: place for place, group in enumerate(ordered)},
    )


def _refuse_outside(columns: Sequence[IntArray]) -> None:
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1 or not columns[0].size:
        raise InvalidInput("columns of a benchmark must be of one length, not empty", zh="基准样本各列须等长且不为空")
    limits = (("division", 1, DIVISION_COUNT), ("size_class", 0, len(SizeClass) - 1), ("intensity", 0, INTENSITY_MOST))
    for column, (name, least, most) in zip(columns, limits, strict=True):
        wrong = np.flatnonzero((column < least) | (column > most))
        if wrong.size:
            raise InvalidInput(
                f"row {wrong[0]}: {name} {column[wrong[0]]} is not within {least} to {most}",
                zh=f"第 {wrong[0]} 行 {name} 超出范围",
                field=name,
            )


def _samples(divisions: IntArray, size_classes: IntArray, intensities: IntArray) -> dict[str, IntArray]:
    """Give the sorted intensities of each group, at each depth."""
    order = np.lexsort((intensities, size_classes, divisions))
    keys = (divisions * len(SizeClass) + size_classes)[order]
    starts = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), keys.size]
    ordered = intensities[order]
    parts: dict[str, list[IntArray]] = {}
    for start, end in pairwise(starts):
        division, size_class = divmod(int(keys[start]), len(SizeClass))
        for name in group_names(division, size_class):
            parts.setdefault(name, []).append(ordered[start:end])
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}


def _depth(name: str) -> int:
    return 0 if name == ALL else 3 if "/" in name else min(len(name), 2)


def _parent(name: str) -> str:
    return {1: ALL, 2: name[0], 3: name.partition("/")[0]}.get(_depth(name), "")


def _frozen(ordered: IntArray, terms: BenchmarkTerms) -> IntArray:
    """Winsorise at the ranks ceil(p n) from each end, then take order statistics evenly if there are too many."""
    count = ordered.size
    rank = max(1, int((terms.winsor_ratio * count).to_integral_value(ROUND_CEILING)))
    clipped = np.clip(ordered, ordered[rank - 1], ordered[count - rank])
    kept = terms.sample_count_max
    if count <= kept:
        return clipped
    return clipped[(2 * np.arange(kept) + 1) * count // (2 * kept)]


def _group(name: str, count: int, sample: IntArray, parent: PeerGroup | None, terms: BenchmarkTerms) -> PeerGroup:
    """Make a group; one too small is mixed so that its own part weighs n / peers_min of the whole."""
    values, counts = np.unique(sample, return_counts=True)
    weights = dict(zip(values.tolist(), counts.tolist(), strict=True))
    if parent is not None and count < terms.peers_min:
        lacking = terms.peers_min - count
        own, theirs = parent.through[-1] * count, lacking * sample.size
        shared = gcd(own, theirs)
        weights = {value: weight * (own // shared) for value, weight in weights.items()}
        before = 0
        for value, upto in zip(parent.values, parent.through, strict=True):
            weights[value] = weights.get(value, 0) + (upto - before) * (theirs // shared)
            before = upto
    ascending = sorted(weights)
    through = tuple(accumulate(weights[value] for value in ascending))
    return PeerGroup(name=name, peer_count=count, values=tuple(ascending), through=through)
