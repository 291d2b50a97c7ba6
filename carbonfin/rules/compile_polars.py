"""A table as polars expressions over a frame: which row answers, which rows are possible, and why there is no answer.

Each column is brought to the number of the piece its value lies in, 0 where it is missing. Where a table has few
combinations of pieces, each is settled once beforehand and a frame is looked up; where it has many, those that a frame
holds are settled once each.
"""

import functools
import itertools
import math
import operator
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain, MissingReason, NumberDomain
from carbonfin.rules.pieces import ColumnPieces, pieces_of, totals_of
from carbonfin.rules.policies import Refused, RowSets, Settled
from carbonfin.rules.tables import DecisionTable

AnyType = DataType | DataTypeClass
LOOKED_UP_MAX = 2**14
_FLOAT_MAX = sys.float_info.max
_WHOLE_DIGITS = 15
_INT64_DIGITS = 19
_REFUSED = pl.Enum([reason.value for reason in Refused])
_SMALL_WHOLE: dict[AnyType, tuple[int, int]] = {
    pl.Int8: (-(2**7), 2**7 - 1), pl.Int16: (-(2**15), 2**15 - 1), pl.Int32: (-(2**31), 2**31 - 1),
    pl.UInt8: (0, 2**8 - 1), pl.UInt16: (0, 2**16 - 1), pl.UInt32: (0, 2**32 - 1),
}  # fmt: skip
"""Whole numbers of at most 15 digits, with the ends of each type."""
_READ_ONE_BY_ONE = (pl.Object, pl.Decimal, pl.UInt64, pl.Int128)
_TYPES: dict[str, AnyType] = {
    "row": pl.Int16, "possible": pl.Int64, "unknown": pl.Int64, "refused": _REFUSED, "rows": pl.List(pl.Int16),
    "total": pl.Int64,
}  # fmt: skip


class PolarsTable:
    """A table over frames.

    Attributes:
        totals: How a total is written, for totalling policies.
    """

    def __init__(self, table: DecisionTable, looked_up_max: int) -> None:
        self.table = table
        self.totals = totals_of(table)
        self._pieces = pieces_of(table)
        self._sets = RowSets(table)
        is_small = math.prod(len(column.rows) + 1 for column in self._pieces) <= looked_up_max
        self._looked_up = _frame_of(itertools.starmap(self._answer, self._pairs())) if is_small else None

    def expressions(self, schema: Mapping[str, AnyType]) -> dict[str, pl.Expr]:
        """Give the answers as expressions over frames of a schema; columns that are not there count as missing.

        `row` is the place of the row that answers a single-hit table, `rows` those of the other policies in their
        order, `total` a whole number as `totals` says, `refused` why there is no answer; `possible` and `unknown` are
        masks of rows, row 0 the lowest bit.
        """
        if self._looked_up is None:
            return self._settled_in_frame(schema)
        return self._gathered(self._index(schema))

    def settle(self, frame: pl.DataFrame, names: Sequence[str] = tuple(_TYPES)) -> pl.DataFrame:
        """Give the answers named for a frame, all unless said; the frame is gone over once."""
        if self._looked_up is None:
            return frame.select(**self.expressions(frame.schema)).select(names)
        # As a plan, what columns ask twice is asked once; answers gathered as one frame read the index once.
        index = frame.lazy().select(index=self._index(frame.schema)).collect()
        return self._looked_up.select(names)[index["index"]]

    def _index(self, schema: Mapping[str, AnyType]) -> pl.Expr:
        """Give the place of a frame's row among the combinations of pieces."""
        parts: list[pl.Expr] = []
        weight = 1
        for column in reversed(self._pieces):
            parts.append(_piece(column, schema.get(column.column.name), weight))
            weight *= len(column.rows) + 1
        return functools.reduce(operator.add, parts)

    def _gathered(self, index: pl.Expr) -> dict[str, pl.Expr]:
        assert self._looked_up is not None
        return {name: pl.lit(self._looked_up[name]).gather(index).alias(name) for name in _TYPES}

    def _settled_in_frame(self, schema: Mapping[str, AnyType]) -> dict[str, pl.Expr]:
        """Bring each row of a frame to its possible rows and missing columns, and settle each such pair once."""
        every = (1 << len(self.table.rows)) - 1
        possible, missing = pl.lit(every, dtype=pl.Int64), pl.lit(0, dtype=pl.Int64)
        for place, column in enumerate(self._pieces):
            piece = _piece(column, schema.get(column.column.name), 1)
            rows = pl.lit(pl.Series([every, *column.rows], dtype=pl.Int64))
            possible &= rows.gather(piece)
            missing |= pl.when(piece == 0).then(pl.lit(1 << place, dtype=pl.Int64)).otherwise(0)
        pairs = pl.struct(possible=possible, missing=missing)
        answers = pairs.map_batches(self._settle_pairs, return_dtype=pl.Struct(_TYPES))
        return {name: answers.struct.field(name) for name in _TYPES}

    def _settle_pairs(self, pairs: pl.Series) -> pl.Series:
        frame = pairs.struct.unnest()
        distinct = frame.unique(maintain_order=True)
        answers = _frame_of(self._answer(*pair) for pair in distinct.iter_rows())
        keyed = pl.concat([distinct.rename(lambda name: f"{name}_key"), answers], how="horizontal")
        keys = ["possible_key", "missing_key"]
        joined = frame.join(keyed, left_on=["possible", "missing"], right_on=keys, how="left", maintain_order="left")
        return joined.select(list(_TYPES)).to_struct()

    def _pairs(self) -> Iterable[tuple[int, int]]:
        """Give possible rows and missing columns of every combination of pieces, the last column changing fastest."""
        for places in itertools.product(*(range(len(column.rows) + 1) for column in self._pieces)):
            possible, missing = (1 << len(self.table.rows)) - 1, 0
            for number, (column, place) in enumerate(zip(self._pieces, places, strict=True)):
                if place:
                    possible &= column.rows[place - 1]
                else:
                    missing |= 1 << number
            yield possible, missing

    def _answer(self, possible: int, missing: int) -> tuple[Any, ...]:
        """Settle one pair; in the order of the columns of answers."""
        settled = self._sets.settle(possible, missing)
        is_single, is_answered = self.table.hit_policy.is_single, settled.refused is None
        return (
            settled.rows[0] if is_single and is_answered else None,
            possible,
            self._sets.unknown(possible, missing),
            settled.refused and settled.refused.value,
            list(settled.rows) if is_answered and not is_single else None,
            self._total(settled),
        )

    def _total(self, settled: Settled) -> int | None:
        if self.totals is None or settled.total is None or isinstance(settled.total, str):
            return None
        return self.totals.whole(settled.total)


def compile_polars(table: DecisionTable, *, looked_up_max: int = LOOKED_UP_MAX) -> PolarsTable:
    """Make a table ready for frames.

    Args:
        table: What decides.
        looked_up_max: Up to so many combinations of pieces are settled beforehand.

    Raises:
        InvalidInput: It has more rows than a mask holds, or a total could leave 64 bits.
    """
    return PolarsTable(table, looked_up_max)


def _frame_of(answers: Iterable[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(list(answers), schema=_TYPES, orient="row")


def _piece(column: ColumnPieces, dtype: AnyType | None, weight: int) -> pl.Expr:
    """Give the number of the piece a value lies in, counted from one, times a weight; 0 where it is missing."""
    domain, name = column.column.domain, column.column.name
    if isinstance(domain, NumberDomain) and dtype is not None and dtype.base_type() in _SMALL_WHOLE:
        return _small_whole(column, domain, dtype, weight)
    value, is_there = _read(name, domain, dtype)
    if value is None:
        return pl.repeat(0, pl.len(), dtype=pl.UInt16)
    if isinstance(domain, CodeDomain):
        return _code(column, value, dtype, weight)
    if isinstance(domain, BooleanDomain):
        return pl.when(value).then(_place(2 * weight)).when(value.not_()).then(_place(weight)).otherwise(_place(0))
    return _passed([_passes(value, end, is_above=is_above) for end, is_above in column.cuts], is_there, weight)


def _passes(value: pl.Expr, end: Any, *, is_above: bool) -> pl.Expr:
    """Whether a value lies past a cut; floats from an end on are those above the float before it, asked sooner."""
    if not is_above and isinstance(end, float):
        return value > pl.lit(math.nextafter(end, -math.inf))
    return value > pl.lit(end) if is_above else value >= pl.lit(end)


def _passed(passes: Sequence[pl.Expr], is_there: pl.Expr, weight: int) -> pl.Expr:
    """Give the piece above the last cut that a value passes."""
    place = _place(weight)
    for number, passed in enumerate(passes, 2):
        place = pl.when(passed).then(_place(number * weight)).otherwise(place)
    return pl.when(is_there).then(place).otherwise(_place(0))


def _small_whole(column: ColumnPieces, domain: NumberDomain, dtype: AnyType, weight: int) -> pl.Expr:
    """Compare short whole numbers as they are; what lies outside their type is passed by all or by none."""
    value, least, most = pl.col(column.column.name), *_SMALL_WHOLE[dtype.base_type()]

    def at_least(end: float) -> pl.Expr:
        if end > most:
            return pl.lit(value=False)
        return value >= pl.lit(max(least, math.ceil(max(end, least))), dtype=dtype)

    low, high = domain.bounds
    is_there = at_least(low) & at_least(_next_whole(high)).not_()
    passes = [at_least(_next_whole(end) if is_above else end) for end, is_above in column.cuts]
    return _passed(passes, is_there, weight)


def _next_whole(end: float) -> float:
    return math.floor(end) + 1 if math.isfinite(end) else end


def _place(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt16)


def _code(column: ColumnPieces, value: pl.Expr, dtype: AnyType | None, weight: int) -> pl.Expr:
    places = {code: place * weight for place, code in enumerate(column.members, 1)}
    if isinstance(dtype, pl.Enum):
        if tuple(dtype.categories) == column.members:
            # The frame numbers its codes as the table does: nothing to look up.
            return (value.to_physical().cast(pl.UInt16) * _place(weight) + _place(weight)).fill_null(0)
        known = pl.Series([places.get(code, 0) for code in dtype.categories], dtype=pl.UInt16)
        return pl.lit(known).gather(value.to_physical()).fill_null(0)
    return value.replace_strict(list(places), list(places.values()), default=0, return_dtype=pl.UInt16).fill_null(0)


def _read(name: str, domain: AnyDomain, dtype: AnyType | None) -> tuple[pl.Expr | None, pl.Expr]:
    """Give a column's values in the type of its domain, and which of them are there; None where none can be."""
    value, nothing = pl.col(name), pl.lit(value=False)
    if dtype is not None and dtype in _READ_ONE_BY_ONE:
        target = _type_of(domain)
        value = value.map_batches(lambda values: _read_each(values, domain, target), return_dtype=target)
        return value, value.is_not_null()
    if isinstance(domain, NumberDomain):
        return _read_number(value, domain, dtype)
    if isinstance(domain, DateDomain) and dtype == pl.Date:
        low, high = domain.low or date.min, domain.high or date.max
        return value, value.is_between(pl.lit(low), pl.lit(high))
    if isinstance(domain, CodeDomain) and dtype is not None and dtype in (pl.String, pl.Enum, pl.Categorical):
        return value.cast(pl.String) if dtype == pl.Categorical else value, value.is_not_null()
    is_flag = isinstance(domain, BooleanDomain) and dtype == pl.Boolean
    return value if is_flag else None, value.is_not_null() if is_flag else nothing


def _read_number(value: pl.Expr, domain: NumberDomain, dtype: AnyType | None) -> tuple[pl.Expr | None, pl.Expr]:
    number = value.cast(pl.Float64)
    low, high = (max(-_FLOAT_MAX, min(_FLOAT_MAX, bound)) for bound in domain.bounds)
    is_there = number.is_between(pl.lit(low), pl.lit(high))
    if dtype == pl.Int64:
        return number, is_there & _is_short(value)
    if dtype is None or dtype not in (pl.Float32, pl.Float64):
        return None, is_there
    return number, is_there & (number == number.floor()) if domain.is_whole else is_there


def _is_short(value: pl.Expr) -> pl.Expr:
    """Whether a whole number has at most 15 digits, noughts at its end left out."""
    short = value.is_between(-(10**_WHOLE_DIGITS), 10**_WHOLE_DIGITS)
    for digits in range(_WHOLE_DIGITS + 1, _INT64_DIGITS + 1):
        ends_in_noughts = value % 10 ** (digits - _WHOLE_DIGITS) == 0
        within = value.is_between(-(10**digits), 10**digits) if digits < _INT64_DIGITS else pl.lit(value=True)
        short |= ends_in_noughts & within
    return short


def _type_of(domain: AnyDomain) -> AnyType:
    if isinstance(domain, NumberDomain):
        return pl.Float64()
    if isinstance(domain, DateDomain):
        return pl.Date()
    return pl.String() if isinstance(domain, CodeDomain) else pl.Boolean()


def _read_each(values: pl.Series, domain: AnyDomain, target: AnyType) -> pl.Series:
    read = (domain.read(value) for value in values.to_list())
    return pl.Series([None if isinstance(one, MissingReason) else one for one in read], dtype=target)
