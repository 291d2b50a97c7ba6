"""Is a table sound: gaps, overlaps that disagree, dead rows, each with an input that shows it.

Each axis is cut at the values its cells name; between the cuts every cell answers alike, so one value stands for all of
a piece. A search over the pieces, one column after another, carries the rows still alive; it stops early where a row
takes everything that is left, and never looks at the same rows twice. Where the search is cut off the table is *not
proven* and may not be published.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain, NumberDomain, Present
from carbonfin.rules.grammar import NULL, ends_of, is_dense, neighbour
from carbonfin.rules.missing_search import MissingSearch, Point, TooManyPiecesError
from carbonfin.rules.parameters import require_quotable
from carbonfin.rules.policies import RowSets
from carbonfin.rules.tables import DecisionTable, HitPolicy, InputColumn

NODES_MAX = 200_000
_ANY_DAY = date(2025, 1, 1)
_LISTS = frozenset(
    {HitPolicy.RULE_ORDER, HitPolicy.OUTPUT_ORDER, HitPolicy.COLLECT, HitPolicy.COLLECT_COUNT}
)  # fmt: skip


class FindingKind(StrEnum):
    """What is wrong with a table, or worth knowing."""

    GAP = "gap"
    OVERLAP = "overlap"
    DEAD_ROW = "dead_row"
    NOT_PROVEN = "not_proven"
    UNDECIDED_WHEN_MISSING = "undecided_when_missing"
    CONTRACT_BREACH = "contract_breach"
    UNREAD = "unread"
    DAYS_LEFT_OUT = "days_left_out"
    QUOTE_WITHOUT_TEXT = "quote_without_text"
    DAYS_REFUSED = "days_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the validation found.

    Attributes:
        rows: The rows concerned.
        counter_example: An input that shows it, column to value as cells write it, `null` where missing.
        is_fatal: Whether the table may not be published with it.
    """

    kind: FindingKind
    rows: tuple[str, ...]
    counter_example: dict[str, str]
    zh: str
    en: str
    is_fatal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was found, and how many pieces were looked at for gaps and dead rows."""

    findings: tuple[Finding, ...]
    nodes_count: int

    @property
    def may_be_published(self) -> bool:
        """Whether nothing found forbids it."""
        return not any(finding.is_fatal for finding in self.findings)


def validate(table: DecisionTable, *, nodes_max: int = NODES_MAX) -> Validation:
    """Look for gaps, overlaps that disagree, dead rows, inputs the table cannot do without, and words nobody read.

    Args:
        table: The table.
        nodes_max: Pieces to look at for gaps and dead rows, and as many again for missing inputs; past them the table
            counts as not proven.
    """
    search = _Search(table, nodes_max)
    findings = [*_quotes_without_text(table), *search.empty_rows(), *search.overlaps()]
    try:
        findings += [*search.gaps(), *search.shadowed_rows()]
    except TooManyPiecesError:
        findings.append(
            Finding(
                kind=FindingKind.NOT_PROVEN, rows=(), counter_example={},
                zh=f"查过 {nodes_max} 个区域仍未得出结论，不能证明没有空缺或失效的行",
                en=f"not proven after {nodes_max} pieces: gaps and dead rows cannot be ruled out",
            )
        )  # fmt: skip
    findings += search.undecided()
    return Validation(findings=tuple(findings), nodes_count=search.nodes_count)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One piece of an axis.

    Attributes:
        rows: Bits of the rows that take it.
        value: A value that stands for all of it; None for the missing value.
        comes_first: Bits of the rows that may come before another there: those that take it, and where the value is
            missing and the order of rows decides, those that hang on it too.
    """

    rows: int
    value: Present | None
    comes_first: int


def _quotes_without_text(table: DecisionTable) -> Iterator[Finding]:
    for row in table.rows:
        try:
            require_quotable(row.clause.quote, row.clause.grade)
        except InvalidInput as fault:
            yield Finding(
                kind=FindingKind.QUOTE_WITHOUT_TEXT, rows=(row.id,), counter_example={},
                zh=f"规则行 {row.id}：{fault.zh}", en=f"row {row.id}: {fault.detail}",
            )  # fmt: skip


class _Search:
    def __init__(self, table: DecisionTable, nodes_max: int) -> None:
        self._table = table
        self._sets = RowSets(table)
        self._nodes_max = nodes_max
        self._every_row = (1 << len(table.rows)) - 1
        self.nodes_count = 0
        columns = range(len(table.inputs))
        self._present = [_pieces(table, column) for column in columns]
        self._missing = [self._missing_piece(column) for column in columns]
        # Columns that tell rows apart most come first: the search then ends early.
        self._order = sorted(columns, key=lambda column: (self._covering(column).bit_count(), column))

    def _missing_piece(self, column: int) -> _Piece:
        taking = self._every_row & ~self._sets.not_taking[column]
        is_ordered = self._table.hit_policy is HitPolicy.FIRST
        return _Piece(taking, None, self._every_row if is_ordered else taking)

    def _covering(self, column: int) -> int:
        rows = self._every_row
        for piece in self._present[column]:
            rows &= piece.rows
        return rows

    def empty_rows(self) -> Iterator[Finding]:
        """Give rows with a cell that nothing of its domain fits."""
        for row in self._table.rows:
            for column, cell in zip(self._table.inputs, row.cells, strict=True):
                if not cell.fits_something and not cell.takes_missing:
                    yield Finding(
                        kind=FindingKind.DEAD_ROW, rows=(row.id,), counter_example={column.name: cell.text},
                        zh=f"规则行 {row.id} 永不命中：列 {column.title_zh} 的“{cell.text}”在取值范围内没有值",
                        en=f"row {row.id} never hits: nothing of {column.name} is {cell.text!r}",
                    )  # fmt: skip
                    break

    def overlaps(self) -> Iterator[Finding]:
        """Give pairs of rows that can hit together where the policy does not let them."""
        for first, second in itertools.combinations(range(len(self._table.rows)), 2):
            if not self._quarrel(first, second):
                continue
            both = 1 << first | 1 << second
            point = self._common_point(both)
            if point is not None:
                ids = self._table.rows[first].id, self._table.rows[second].id
                yield Finding(
                    kind=FindingKind.OVERLAP, rows=ids, counter_example=self._written(point),
                    zh=f"规则行 {ids[0]} 与 {ids[1]} 会同时命中，而命中策略不允许",
                    en=f"rows {ids[0]} and {ids[1]} hit together, which {self._table.hit_policy} forbids",
                )  # fmt: skip

    def _quarrel(self, first: int, second: int) -> bool:
        policy, rows = self._table.hit_policy, self._table.rows
        if policy is HitPolicy.UNIQUE:
            return True
        differ = rows[first].outputs != rows[second].outputs
        return differ and (
            policy is HitPolicy.ANY
            or (policy is HitPolicy.PRIORITY and self._table.ranks[first] == self._table.ranks[second])
        )

    def _common_point(self, rows: int) -> list[_Piece] | None:
        point: list[_Piece] = []
        for column, missing in enumerate(self._missing):
            shared = next((piece for piece in (*self._present[column], missing) if piece.rows & rows == rows), None)
            if shared is None:
                return None
            point.append(shared)
        return point

    def gaps(self) -> Iterator[Finding]:
        """Give an input that is all there and that no row takes; lists may well be empty."""
        if self._table.hit_policy in _LISTS:
            return
        point = self._uncovered(self._every_row, self._present)
        if point is not None:
            yield Finding(
                kind=FindingKind.GAP, rows=(), counter_example=self._written(point),
                zh="存在没有任何规则行适用的输入", en="there are inputs that no row takes",
            )  # fmt: skip

    def shadowed_rows(self) -> Iterator[Finding]:
        """Give rows that other rows always come before."""
        for place in self._sets.ranked:
            before = self._rows_before(place)
            if not before or not all(
                cell.fits_something or cell.takes_missing for cell in self._table.rows[place].cells
            ):
                continue
            within = [
                [piece for piece in (*self._present[column], missing) if piece.rows >> place & 1]
                for column, missing in enumerate(self._missing)
            ]
            if self._uncovered(before, within) is None:
                row = self._table.rows[place].id
                earlier = tuple(self._table.rows[other].id for other in self._sets.ranked if before >> other & 1)
                yield Finding(
                    kind=FindingKind.DEAD_ROW, rows=(row,), counter_example=self._written([one[0] for one in within]),
                    zh=f"规则行 {row} 永不给出答案：凡符合它的输入，都先由 {'、'.join(earlier)} 处理",
                    en=f"row {row} never answers: whatever it takes, {', '.join(earlier)} come first",
                )  # fmt: skip

    def _rows_before(self, place: int) -> int:
        if self._table.hit_policy is HitPolicy.FIRST:
            return (1 << place) - 1
        if self._table.hit_policy is HitPolicy.PRIORITY:
            return sum(1 << other for other in itertools.takewhile(lambda other: other != place, self._sets.ranked))
        return 0

    def _uncovered(self, rows: int, axes: Sequence[Sequence[_Piece]]) -> list[_Piece] | None:
        """Find a point that none of some rows takes."""
        order = self._order
        rest = [self._every_row] * (len(order) + 1)
        for place in reversed(range(len(order))):
            rest[place] = rest[place + 1]
            for piece in axes[order[place]]:
                rest[place] &= piece.comes_first
        seen: set[tuple[int, int]] = set()

        def search(place: int, alive: int) -> list[_Piece] | None:
            if not alive:
                return [axes[column][0] for column in order[place:]]
            if alive & rest[place] or (place, alive) in seen:
                return None
            self._count()
            for piece in axes[order[place]]:
                found = search(place + 1, alive & piece.comes_first)
                if found is not None:
                    return [piece, *found]
            seen.add((place, alive))
            return None

        found = search(0, rows)
        return None if found is None else [piece for _, piece in sorted(zip(order, found, strict=True), key=_column)]

    def _count(self) -> None:
        self.nodes_count += 1
        if self.nodes_count > self._nodes_max:
            raise TooManyPiecesError

    def undecided(self) -> Iterator[Finding]:
        """Give for each input a case in which the table cannot do without it; that is no fault, but worth knowing.

        Of the inputs that it can do without one at a time, a case is given in which several are missing together.
        """
        axes = [[piece.rows for piece in axis] for axis in self._present]
        search = MissingSearch(self._sets, axes, order=self._order, nodes_max=self._nodes_max)
        unproven: list[int] = []
        dispensable: list[int] = []
        for column in range(len(axes)):
            try:
                found = search.without(column)
            except TooManyPiecesError:
                unproven.append(column)
                continue
            if found is not None:
                yield self._undecided(found)
            else:
                dispensable.append(column)
        if unproven:
            yield self._unproven(unproven)
        elif len(dispensable) > 1:
            yield from self._undecided_together(search, dispensable)

    def _undecided_together(self, search: MissingSearch, columns: Sequence[int]) -> Iterator[Finding]:
        try:
            together = search.without_several(columns)
        except TooManyPiecesError:
            yield self._unproven(columns)
        else:
            if together is not None:
                yield self._undecided(together)

    def _undecided(self, found: Point) -> Finding:
        columns = [column for column, place in enumerate(found) if place is None]
        point = [
            self._missing[column] if place is None else self._present[column][place]
            for column, place in enumerate(found)
        ]
        zh, en = self._called(columns, " and ")
        return Finding(
            kind=FindingKind.UNDECIDED_WHEN_MISSING, rows=(), counter_example=self._written(point),
            zh=f"{'同时' if len(columns) > 1 else ''}缺少{zh}时，此类输入不作决定",
            en=f"without {en} such an input is not decided", is_fatal=False,
        )  # fmt: skip

    def _unproven(self, columns: Sequence[int]) -> Finding:
        zh, en = self._called(columns, ", ")
        return Finding(
            kind=FindingKind.NOT_PROVEN, rows=(), counter_example={},
            zh=f"查过 {self._nodes_max} 个区域仍未得出结论，不能证明缺少{zh}时是否作决定",
            en=f"not proven after {self._nodes_max} pieces: whether it decides without {en}",
        )  # fmt: skip

    def _called(self, columns: Sequence[int], joint: str) -> tuple[str, str]:
        asked = [self._table.inputs[column] for column in columns]
        return "、".join(f"“{one.title_zh}”" for one in asked), joint.join(one.name for one in asked)

    def _written(self, point: Sequence[_Piece]) -> dict[str, str]:
        return {
            column.name: NULL if piece.value is None else column.domain.text(piece.value)
            for column, piece in zip(self._table.inputs, point, strict=True)
        }


def _column(pair: tuple[int, _Piece]) -> int:
    return pair[0]


def _pieces(table: DecisionTable, column: int) -> list[_Piece]:
    """Cut an axis at the values its cells name; pieces that the same rows take are one."""
    cells = [row.cells[column] for row in table.rows]
    found: dict[int, _Piece] = {}
    for value in _values(
        table.inputs[column], [end for cell in cells for one in cell.intervals for end in (one.low, one.high)]
    ):
        rows = sum(1 << place for place, cell in enumerate(cells) if cell.fits(value))
        found.setdefault(rows, _Piece(rows, value, rows))
    return list(found.values())


def _values(column: InputColumn, ends: Sequence[Any]) -> Iterator[Present]:
    """Give a value for every piece."""
    domain: AnyDomain = column.domain
    if isinstance(domain, CodeDomain):
        yield from domain.codes
    elif isinstance(domain, BooleanDomain):
        yield from (True, False)
    else:
        yield from _ordered_values(domain, ends)


def _ordered_values(domain: NumberDomain | DateDomain, ends: Sequence[Any]) -> Iterator[float | date]:
    """Give the cuts, one value between each two, and one beyond them where the domain is open and has any."""
    low, high = ends_of(domain)
    cuts = sorted({end for end in (*ends, low, high) if end is not None})
    if not cuts:
        yield _ANY_DAY if isinstance(domain, DateDomain) else 0.0
        return
    if low is None and (below := neighbour(cuts[0], above=False)) is not None:
        yield below
    for cut, following in itertools.pairwise(cuts):
        yield cut
        between = cut + (following - cut) / 2 if is_dense(domain) else neighbour(cut, above=True)
        if between < following:
            yield between
    yield cuts[-1]
    if high is None and (beyond := neighbour(cuts[-1], above=True)) is not None:
        yield beyond
