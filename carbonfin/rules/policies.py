"""From rows that hit, failed or hang on a missing input to an answer: one place for every way a table is run.

Rows are bits of whole numbers, row 0 the lowest. *Possible* rows fail on nothing that is there; *unknown* rows are
possible and touch a missing input; *certain* rows are possible and hold whatever the missing inputs are, either since
they name the missing value or since their cells take every value of the domain.

A single-hit table answers only where every completion of the missing inputs gives the same row. A possible row that is
not certain hits for some completions and not for others, so this is so exactly where one certain row comes before every
other possible row. Nothing needs to be searched.

A row that names the missing value (`null`) and hits is the table's own word on it: under a single-hit policy it sets
aside what hangs on that value. A collecting policy answers with no unknown row at all, whatever else hits.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from carbonfin.rules.grammar import Cell
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputValue


class Refused(StrEnum):
    """Why a table gives no answer."""

    MISSING_INPUT = "missing_input"
    NO_ROW = "no_row"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the rows come to.

    Attributes:
        rows: Rows that give the answer, in the order the policy says.
        total: The one number of a totalling policy.
        refused: Why there is no answer; None where there is one.
        blocking: Rows that stand in the way: unknown ones, or those that disagree.
    """

    rows: tuple[int, ...] = ()
    total: OutputValue | None = None
    refused: Refused | None = None
    blocking: tuple[int, ...] = ()


class RowSets:
    """What is fixed about a table's rows, worked out once.

    Attributes:
        not_taking: For each column the rows that do not take the missing value there.
        not_covering: For each column the rows that hold for some values of a missing input and not for others.
        naming: For each column the rows that speak of the missing value alone (`null`).
        ranked: Rows from the best rank down; equal ranks in their order.
    """

    def __init__(self, table: DecisionTable) -> None:
        self.table = table
        self.not_taking = self._rows_where(lambda cell: not cell.takes_missing)
        self.not_covering = self._rows_where(lambda cell: not (cell.takes_missing or cell.covers))
        self.naming = self._rows_where(lambda cell: cell.takes_missing and not cell.fits_something)
        places = range(len(table.rows))
        is_ranked = table.hit_policy.is_ranked
        self.ranked = tuple(sorted(places, key=lambda place: (table.ranks[place] if is_ranked else (), place)))

    def _rows_where(self, holds: Callable[[Cell], bool]) -> tuple[int, ...]:
        return tuple(
            sum(1 << place for place, row in enumerate(self.table.rows) if holds(row.cells[column]))
            for column in range(len(self.table.inputs))
        )

    def unknown(self, possible: int, missing: int) -> int:
        """Give the possible rows that touch a missing input without naming it."""
        return possible & _any_of(self.not_taking, missing)

    def certain(self, possible: int, missing: int) -> int:
        """Give the possible rows that hold whatever the missing inputs are."""
        return possible & ~_any_of(self.not_covering, missing)

    @cached_property
    def alike(self) -> tuple[int, ...]:
        """For each row those that may hit with it under a policy of one answer: it alone, or all that agree."""
        rows = self.table.rows
        if self.table.hit_policy is HitPolicy.UNIQUE:
            return tuple(1 << place for place in range(len(rows)))
        groups: dict[tuple[OutputValue, ...], int] = {}
        for place, row in enumerate(rows):
            groups[row.outputs] = groups.get(row.outputs, 0) | 1 << place
        return tuple(groups[row.outputs] for row in rows)

    def named(self, missing: int) -> int:
        """Give the rows that speak of the missing value alone in one of the missing inputs."""
        return _any_of(self.naming, missing)

    def settle(self, possible: int, missing: int) -> Settled:
        """Give the answer, or why there is none.

        Args:
            possible: Bits of the rows that fail on nothing that is there.
            missing: Bits of the columns whose value is missing.
        """
        policy = self.table.hit_policy
        if policy is HitPolicy.FIRST:
            return self._first(possible, missing)
        if policy.is_single:
            return self._single(self._without_set_aside(possible, missing), missing)
        unknown = self.unknown(possible, missing)
        if unknown:
            return Settled(refused=Refused.MISSING_INPUT, blocking=tuple(_bits(unknown)))
        return self._collected(tuple(place for place in self.ranked if possible >> place & 1))

    def _without_set_aside(self, possible: int, missing: int) -> int:
        """Leave out unknown rows where a row that hits speaks of the missing value alone and they do not take it."""
        if not missing:
            return possible
        hits = possible & ~self.unknown(possible, missing)
        for column in _bits(missing):
            if hits & self.naming[column]:
                possible &= ~self.not_taking[column]
        return possible

    def _first(self, possible: int, missing: int) -> Settled:
        if not possible:
            return Settled(refused=Refused.NO_ROW)
        row = (possible & -possible).bit_length() - 1
        if missing and not self.certain(possible, missing) >> row & 1:
            return Settled(refused=Refused.MISSING_INPUT, blocking=(row,))
        return Settled(rows=(row,))

    def _single(self, possible: int, missing: int) -> Settled:
        if not possible:
            return Settled(refused=Refused.NO_ROW)
        rows = tuple(place for place in self.ranked if possible >> place & 1)
        agreeing = rows[:1] if self.table.hit_policy is HitPolicy.PRIORITY else rows
        if not self._agree(agreeing):
            uncertain = bool(missing) and self.unknown(possible, missing) != 0
            return Settled(refused=Refused.MISSING_INPUT if uncertain else Refused.CONFLICT, blocking=rows)
        certain = self.certain(possible, missing) if missing else possible
        answer = next((place for place in agreeing if certain >> place & 1), None)
        if answer is None:
            return Settled(refused=Refused.MISSING_INPUT, blocking=rows)
        return Settled(rows=(answer,))

    def _agree(self, rows: tuple[int, ...]) -> bool:
        if self.table.hit_policy is HitPolicy.UNIQUE:
            return len(rows) == 1
        return len({self.table.rows[place].outputs for place in rows}) == 1

    def _collected(self, rows: tuple[int, ...]) -> Settled:
        policy = self.table.hit_policy
        if not policy.is_total:
            return Settled(rows=rows)
        if policy is HitPolicy.COLLECT_COUNT:
            return Settled(rows=rows, total=len(rows))
        if not rows:
            return Settled(refused=Refused.NO_ROW)
        values = [value for place in rows if not isinstance(value := self.table.rows[place].outputs[0], str)]
        if policy is HitPolicy.COLLECT_SUM:
            return Settled(rows=rows, total=sum(values[1:], start=values[0]))
        return Settled(rows=rows, total=min(values) if policy is HitPolicy.COLLECT_MIN else max(values))


def _any_of(rows_by_column: tuple[int, ...], columns: int) -> int:
    found = 0
    for column in _bits(columns):
        found |= rows_by_column[column]
    return found


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
