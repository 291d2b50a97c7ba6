"""A table cut into pieces of each column inside which no cell changes its mind; what batches and SQL are written from.

The ends of a column's intervals cut its domain; codes and booleans are pieces each. For every piece the rows that do
not fail there are bits of one whole number, so that a table's *possible* rows are the bits common to all columns.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import AnyDomain, BooleanDomain, DateDomain, NumberDomain
from carbonfin.rules.grammar import Interval, ends_of
from carbonfin.rules.tables import DecisionTable, HitPolicy, InputColumn, OutputKind

MASK_ROWS_MAX = 63
_INT64_MAX = 2**63 - 1
Cut = tuple[Any, bool]
"""A place between values: just below a value, or just above it where the flag is set."""
Ends = tuple[Cut | None, Cut | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPieces:
    """The pieces of one column.

    Attributes:
        cuts: Where pieces end, in order, inside the domain; for numbers and days.
        members: The values that are pieces each; for codes and booleans.
        rows: For each piece the bits of the rows that do not fail there.
    """

    column: InputColumn
    cuts: tuple[Cut, ...]
    members: tuple[str | bool, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The first output of each row as a whole number of `10 ** -scale`."""

    values: tuple[int, ...]
    scale: int

    def whole(self, total: int | Decimal) -> int:
        """Give a total as a whole number."""
        return int(Decimal(total).scaleb(self.scale))

    def exact(self, total: int) -> int | Decimal:
        """Give a total as the interpreter gives it: whole, or a decimal where values have decimals."""
        return total if not self.scale else Decimal(total).scaleb(-self.scale)


def pieces_of(table: DecisionTable) -> tuple[ColumnPieces, ...]:
    """Cut a table into pieces.

    Raises:
        InvalidInput: It has more rows than one mask has bits.
    """
    if len(table.rows) > MASK_ROWS_MAX:
        raise InvalidInput(
            f"table {table.name} has {len(table.rows)} rows; batches and SQL hold at most {MASK_ROWS_MAX}",
            zh=f"决策表 {table.name} 有 {len(table.rows)} 行，批量与 SQL 最多 {MASK_ROWS_MAX} 行",
            field="table",
            remedy="Decide row by row, or split the table.",
            remedy_zh="请逐条判定，或拆分该表。",
        )
    return tuple(column_pieces(table, place) for place in range(len(table.inputs)))


def totals_of(table: DecisionTable) -> Totals | None:
    """Give what a totalling policy adds up or compares; None where the policy gives no such number.

    Raises:
        InvalidInput: A total could leave 64 bits.
    """
    if not table.hit_policy.is_total:
        return None
    if table.hit_policy is HitPolicy.COLLECT_COUNT:
        return Totals(values=(1,) * len(table.rows), scale=0)
    outputs = [row.outputs[0] for row in table.rows if not isinstance(row.outputs[0], str)]
    is_ratio = table.outputs[0].kind is OutputKind.RATIO
    scale = max((_decimals(value) for value in outputs), default=0) if is_ratio else 0
    values = tuple(int(value.scaleb(scale)) if isinstance(value, Decimal) else value for value in outputs)
    if sum(map(abs, values)) > _INT64_MAX:
        raise InvalidInput(
            f"totals of table {table.name} can leave 64 bits",
            zh=f"决策表 {table.name} 的合计可能超出 64 位整数",
            field="table",
        )
    return Totals(values=values, scale=scale)


def _decimals(value: int | Decimal) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def column_pieces(table: DecisionTable, place: int) -> ColumnPieces:
    """Cut one column of a table into pieces."""
    column = table.inputs[place]
    cells = [row.cells[place] for row in table.rows]
    if isinstance(column.domain, NumberDomain | DateDomain):
        spans, cuts = _spans(table, place, column.domain), column_cuts(table, place)
        rows = tuple(
            _bits([span is None or any(_inside(piece, ends) for ends in span) for span in spans])
            for piece in itertools.pairwise([None, *cuts, None])
        )
        return ColumnPieces(column=column, cuts=cuts, members=(), rows=rows)
    members = _members(column.domain)
    rows = tuple(_bits([cell.fits(member) for cell in cells]) for member in members)
    return ColumnPieces(column=column, cuts=(), members=members, rows=rows)


def column_cuts(table: DecisionTable, place: int) -> tuple[Cut, ...]:
    """Give where the pieces of a column end, in order, inside the domain; none for codes and booleans."""
    domain = table.inputs[place].domain
    if not isinstance(domain, NumberDomain | DateDomain):
        return ()
    spans = _spans(table, place, domain)
    return tuple(sorted({cut for span in spans if span for ends in span for cut in ends if cut is not None}))


def _spans(table: DecisionTable, place: int, domain: NumberDomain | DateDomain) -> list[list[Ends] | None]:
    """Give where the intervals of each row's cell start and stop; None for a cell that takes everything."""
    cells = [row.cells[place] for row in table.rows]
    return [None if cell.is_any else [_span(one, domain) for one in cell.intervals] for cell in cells]


def _members(domain: AnyDomain) -> tuple[str | bool, ...]:
    if isinstance(domain, BooleanDomain):
        return (False, True)
    return () if isinstance(domain, NumberDomain | DateDomain) else domain.codes


def _span(interval: Interval, domain: NumberDomain | DateDomain) -> Ends:
    """Give where an interval starts and stops; the domain's own ends are no cuts, since values outside are missing."""
    bottom, top = ends_of(domain)
    start, stop = (interval.low, not interval.low_closed), (interval.high, interval.high_closed)
    return (
        None if interval.low is None or start == (bottom, False) else start,
        None if interval.high is None or stop == (top, True) else stop,
    )


def _inside(piece: Ends, span: Ends) -> bool:
    """Whether a piece lies in a span; a piece without a lower cut starts before every cut."""
    (low, high), (start, stop) = piece, span
    return (start is None or (low is not None and start <= low)) and (
        stop is None or (high is not None and high <= stop)
    )


def _bits(holds: Sequence[bool]) -> int:
    return sum(1 << place for place, one in enumerate(holds) if one)
