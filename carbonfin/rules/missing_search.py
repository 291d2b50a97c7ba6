"""Where a table gives no answer because inputs are missing: looked for over every piece, as gaps are, or not proven.

A search carries the rows still alive from column to column. It ends where what is alive answers alike whatever the
columns that are left say, and never looks at the same rows twice; where it is cut off nothing is proven.
"""

from collections.abc import Callable, Sequence
from functools import partial

from carbonfin.rules.policies import RowSets
from carbonfin.rules.tables import HitPolicy

Point = list[int | None]
"""For each column the place of a piece, None where the input is missing."""


class TooManyPiecesError(Exception):
    """The search was cut off."""


class MissingSearch:
    """The search for inputs that a table cannot do without.

    Attributes:
        nodes_count: Pieces looked at so far.
    """

    def __init__(
        self, sets: RowSets, axes: Sequence[Sequence[int]], *, order: Sequence[int], nodes_max: int
    ) -> None:  # fmt: skip
        """Make a search.

        Args:
            sets: What is fixed about the table's rows.
            axes: For each column the bits of the rows that take each of its pieces.
            order: Columns in the order they are looked at.
            nodes_max: Pieces to look at in all.
        """
        self._sets = sets
        self._axes = axes
        self._order = order
        self._nodes_max = nodes_max
        self._every_row = (1 << len(sets.table.rows)) - 1
        self.nodes_count = 0

    def without(self, column: int) -> Point | None:
        """Find a point that is not decided with one input missing and every other there; None where there is none.

        Raises:
            TooManyPiecesError: The search was cut off.
        """
        return self._found(1 << column, 0, 1)

    def without_several(self, columns: Sequence[int]) -> Point | None:
        """Find a point that is not decided with two or more of some inputs missing and the others there.

        Args:
            columns: Those that may be missing; each alone is known to be done without.

        Raises:
            TooManyPiecesError: The search was cut off.
        """
        return self._found(0, sum(1 << column for column in columns), 2)

    def _found(self, absent: int, may_be_absent: int, least: int) -> Point | None:
        order = [column for column in self._order if not absent >> column & 1]
        rest = self._rest(order)
        seen: set[tuple[int, int, int]] = set()
        is_settled = self._settled_by(absent | may_be_absent)

        def search(place: int, alive: int, missing: int) -> Point | None:
            self._count()
            if is_settled(alive, alive & rest[place]):
                return None
            if place == len(order):
                is_asked = missing.bit_count() >= least and self._sets.settle(alive, missing).refused is not None
                return [] if is_asked else None
            if (place, alive, missing) in seen:
                return None
            column = order[place]
            for number, rows in enumerate(self._axes[column]):
                found = search(place + 1, alive & rows, missing)
                if found is not None:
                    return [number, *found]
            if may_be_absent >> column & 1:
                found = search(place + 1, alive, missing | 1 << column)
                if found is not None:
                    return [None, *found]
            seen.add((place, alive, missing))
            return None

        found = search(0, self._every_row, absent)
        if found is None:
            return None
        placed = dict(zip(order, found, strict=True))
        return [placed.get(column) for column in range(len(self._axes))]

    def _rest(self, order: Sequence[int]) -> list[int]:
        """Give for each place the rows that take every piece of the columns from there on."""
        rest = [self._every_row] * (len(order) + 1)
        for place in reversed(range(len(order))):
            rest[place] = rest[place + 1]
            for rows in self._axes[order[place]]:
                rest[place] &= rows
        return rest

    def _settled_by(self, absent: int) -> Callable[[int, int], bool]:
        """Give a test whether rows alive, some of them for good, are decided whichever of some inputs are missing."""
        certain = self._sets.certain(self._every_row, absent)
        policy = self._sets.table.hit_policy
        if policy is HitPolicy.FIRST:
            return partial(first_is_sure, certain=certain)
        if policy is HitPolicy.PRIORITY:
            return partial(
                best_is_sure, certain=certain, ranked=self._sets.ranked, naming=self._sets.named(absent)
            )  # fmt: skip
        if policy.is_single:
            return partial(agree, certain=certain, alike=self._sets.alike)
        is_asked = policy.is_total and policy is not HitPolicy.COLLECT_COUNT
        takes_missing = self._every_row & ~self._sets.unknown(self._every_row, absent)
        return partial(all_known, takes_missing=takes_missing, needs_one=is_asked)

    def _count(self) -> None:
        self.nodes_count += 1
        if self.nodes_count > self._nodes_max:
            raise TooManyPiecesError


# Each of the four says what holds for every set of rows that takes all of `kept` and nothing but `alive`: whatever the
# columns that are left say, the rows that remain are such a set.


def first_is_sure(alive: int, kept: int, *, certain: int) -> bool:
    """Whether the first row that remains is certain."""
    sure, unsure = kept & certain, alive & ~certain
    return sure != 0 and (unsure == 0 or sure & -sure < unsure & -unsure)


def best_is_sure(alive: int, kept: int, *, certain: int, ranked: Sequence[int], naming: int) -> bool:
    """Whether the best row that remains is certain, and none that remains speaks of the missing value."""
    if not kept & certain or alive & naming:
        return False  # a row that speaks of the missing value may set better ones aside
    deciding = alive & (kept | ~certain)
    best = next(row for row in ranked if deciding >> row & 1)
    return certain >> best & 1 == 1


def agree(alive: int, kept: int, *, certain: int, alike: Sequence[int]) -> bool:
    """Whether a row that remains is certain and all that remain answer the same."""
    sure = kept & certain
    return sure != 0 and alive & ~alike[(sure & -sure).bit_length() - 1] == 0


def all_known(alive: int, kept: int, *, takes_missing: int, needs_one: bool) -> bool:
    """Whether every row that remains takes what is missing, and one remains where one is needed."""
    return alive & ~takes_missing == 0 and (kept != 0 or not needs_one)
