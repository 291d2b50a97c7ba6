"""A table as one SELECT that runs unchanged in DuckDB and PostgreSQL: rows as bits of a bigint, as everywhere else.

The text is written from the table's own values and names alone. The relation has a column for each input, named as the
input: numbers as `double precision`, days as `date`, codes as `text`, yes or no as `boolean`; what is null, no finite
number or outside its domain is missing. A column of another type is refused by the database before any row is read.

NaN equals itself and lies above every number in both engines, so BETWEEN two finite bounds leaves it out.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import DateDomain, NumberDomain
from carbonfin.rules.pieces import ColumnPieces, Cut, pieces_of, totals_of
from carbonfin.rules.policies import Refused, RowSets
from carbonfin.rules.tables import DecisionTable, HitPolicy

ANSWERS = ("row_place", "possible", "unknown", "refused", "row_places", "total")
"""Columns of the answer: the row of a single-hit table, masks, why there is no answer, the rows of the others as text
with commas between, and the total as a whole number."""
_STEPS = re.compile(r"kept|hits|hanging|certain|not_taking|not_covering|(rows|missing)_\d+")
_FLOAT_MAX = sys.float_info.max


def compile_sql(table: DecisionTable, *, relation: str, keys: Sequence[str] = ()) -> str:
    """Write the SELECT over a relation: its key columns, then `ANSWERS`.

    Args:
        table: What decides.
        relation: Name of a table or view.
        keys: Columns of the relation that are handed through.

    Raises:
        InvalidInput: The table has more rows than a mask holds, a total could leave 64 bits, or names would clash.
    """
    _require_names(table, keys)
    return _Writer(table, [_quoted(key) for key in keys]).select(_quoted(relation))


def _require_names(table: DecisionTable, keys: Sequence[str]) -> None:
    """Refuse names that differ by case alone, which DuckDB takes for one, and keys named as an answer or a step."""
    names = [column.name.casefold() for column in table.inputs]
    clashing = sorted(
        {name for name in names if names.count(name) > 1}
        | {key for key in keys if key in ANSWERS or _STEPS.fullmatch(key)}
    )
    if clashing:
        raise InvalidInput(
            f"column names clash in SQL: {', '.join(clashing)}",
            zh=f"列名在 SQL 中重复：{'、'.join(clashing)}",
            field="table",
        )


class _Writer:
    def __init__(self, table: DecisionTable, keys: list[str]) -> None:
        self._table = table
        self._sets = RowSets(table)
        self._pieces = pieces_of(table)
        self._totals = totals_of(table)
        self._keys = keys
        self._places = range(len(self._pieces))

    def select(self, relation: str) -> str:
        """Nest the steps: what a step names, the next one uses."""
        source = relation
        for step in (self._columns(), self._rows(), self._unknown(), self._kept(), self._certain()):
            source = f"(\nSELECT {', '.join([*self._keys, *step])}\nFROM {source}) AS step"
        return f"SELECT {', '.join([*self._keys, *self._answers()])}\nFROM {source}"

    def _columns(self) -> list[str]:
        """For each column the rows that do not fail there, and whether its value is missing."""
        every = _bits((1 << len(self._table.rows)) - 1)
        found: list[str] = []
        for place, column in enumerate(self._pieces):
            name, is_there = _quoted(column.column.name), _is_there(column)
            found.append(f"CASE WHEN {is_there} THEN {_piece(name, column)} ELSE {every} END AS rows_{place}")
            found.append(f"CASE WHEN {is_there} THEN FALSE ELSE TRUE END AS missing_{place}")
        return found

    def _rows(self) -> list[str]:
        """The possible rows, and those that hang on a missing value or need not cover it."""
        possible = " & ".join(f"rows_{place}" for place in self._places)
        return [
            f"{possible} AS possible",
            f"{self._where_missing(self._sets.not_taking)} AS not_taking",
            f"{self._where_missing(self._sets.not_covering)} AS not_covering",
            *(f"missing_{place}" for place in self._places),
        ]

    def _where_missing(self, rows: Iterable[int]) -> str:
        return " | ".join(
            f"CASE WHEN missing_{place} THEN {_bits(bits)} ELSE {_bits(0)} END" for place, bits in enumerate(rows)
        )

    def _unknown(self) -> list[str]:
        return [
            "possible",
            "possible & not_taking AS unknown",
            "possible & ~not_taking AS hits",
            "not_taking",
            "not_covering",
            *(f"missing_{place}" for place in self._places),
        ]

    def _kept(self) -> list[str]:
        """The possible rows without those set aside by a row that speaks of the missing value alone."""
        aside = " | ".join(
            f"CASE WHEN missing_{place} AND (hits & {_bits(naming)}) <> 0 THEN {_bits(not_taking)} ELSE {_bits(0)} END"
            for place, (naming, not_taking) in enumerate(zip(self._sets.naming, self._sets.not_taking, strict=True))
        )
        policy = self._table.hit_policy
        kept = f"possible & ~({aside})" if policy.is_single and policy is not HitPolicy.FIRST else "possible"
        return ["possible", "unknown", f"{kept} AS kept", "not_taking", "not_covering"]

    def _certain(self) -> list[str]:
        return ["possible", "unknown", "kept", "kept & not_taking AS hanging", "kept & ~not_covering AS certain"]

    def _answers(self) -> list[str]:
        is_single = self._table.hit_policy.is_single
        return [
            f"CASE WHEN {self._refused()} IS NULL THEN {self._row()} END AS row_place"
            if is_single
            else "CAST(NULL AS bigint) AS row_place",
            "possible",
            "unknown",
            f"{self._refused()} AS refused",
            "CAST(NULL AS text) AS row_places"
            if is_single
            else f"CASE WHEN {self._refused()} IS NULL THEN {self._row_places()} END AS row_places",
            f"CASE WHEN {self._refused()} IS NULL THEN {self._total()} END AS total",
        ]

    def _refused(self) -> str:
        """Write why there is no answer; null where there is one."""
        missing, no_row, conflict = (_text(reason.value) for reason in Refused)
        policy = self._table.hit_policy
        if not policy.is_single:
            empty = "" if self._totals is None or policy is HitPolicy.COLLECT_COUNT else f" WHEN kept = 0 THEN {no_row}"
            return f"(CASE WHEN hanging <> 0 THEN {missing}{empty} END)"
        unsure = (
            f"(({self._first()}) & certain) = 0" if policy in {HitPolicy.FIRST, HitPolicy.PRIORITY} else "certain = 0"
        )
        disagree = f" WHEN NOT {self._agree()} THEN CASE WHEN hanging <> 0 THEN {missing} ELSE {conflict} END"
        if policy in {HitPolicy.FIRST, HitPolicy.PRIORITY}:
            disagree = ""
        return f"(CASE WHEN kept = 0 THEN {no_row}{disagree} WHEN {unsure} THEN {missing} END)"

    def _first(self) -> str:
        """Write the bit of the best row."""
        return _case((f"(kept & {_bits(1 << place)}) <> 0", _bits(1 << place)) for place in self._sets.ranked)

    def _agree(self) -> str:
        """Write whether all rows say the same; for unique tables, whether there is one."""
        if self._table.hit_policy is HitPolicy.UNIQUE:
            return "((kept & (kept - 1)) = 0)"
        alike: dict[object, int] = {}
        for place, row in enumerate(self._table.rows):
            alike[row.outputs] = alike.get(row.outputs, 0) | 1 << place
        return f"({' OR '.join(f'(kept & ~{_bits(rows)}) = 0' for rows in alike.values())})"

    def _row(self) -> str:
        return _case(
            (f"(certain & {_bits(1 << place)}) <> 0", f"CAST({place} AS bigint)") for place in self._sets.ranked
        )

    def _row_places(self) -> str:
        parts = (
            f"CASE WHEN (kept & {_bits(1 << place)}) <> 0 THEN ',{place}' ELSE '' END" for place in self._sets.ranked
        )
        return f"substr({' || '.join(parts)}, 2)"

    def _total(self) -> str:
        if self._totals is None:
            return "CAST(NULL AS bigint)"
        numbered = list(enumerate(self._totals.values))
        policy = self._table.hit_policy
        if policy in {HitPolicy.COLLECT_SUM, HitPolicy.COLLECT_COUNT}:
            return " + ".join(
                f"CASE WHEN (kept & {_bits(1 << place)}) <> 0 THEN {_bits(value)} ELSE {_bits(0)} END"
                for place, value in numbered
            )
        best = sorted(numbered, key=lambda one: one[1], reverse=policy is HitPolicy.COLLECT_MAX)
        return _case((f"(kept & {_bits(1 << place)}) <> 0", _bits(value)) for place, value in best)


def _is_there(column: ColumnPieces) -> str:
    name, domain = _quoted(column.column.name), column.column.domain
    if isinstance(domain, NumberDomain):
        low, high = (max(-_FLOAT_MAX, min(_FLOAT_MAX, bound)) for bound in domain.bounds)
        whole = f" AND {name} = floor({name})" if domain.is_whole else ""
        return f"{name} BETWEEN {_literal(low)} AND {_literal(high)}{whole}"
    if isinstance(domain, DateDomain):
        return f"{name} BETWEEN {_literal(domain.low or date.min)} AND {_literal(domain.high or date.max)}"
    return f"{name} IN ({', '.join(_literal(member) for member in column.members)})"


def _piece(name: str, column: ColumnPieces) -> str:
    """Write which rows do not fail for a value that is there."""
    if column.members:
        tests = [f"{name} = {_literal(member)}" for member in column.members]
    else:
        tests = [_below(name, cut) for cut in column.cuts] + ["TRUE"]
    return _case((test, _bits(rows)) for test, rows in zip(tests, column.rows, strict=True))


def _below(name: str, cut: Cut) -> str:
    end, is_above = cut
    return f"{name} {'<=' if is_above else '<'} {_literal(end)}"


def _case(branches: Iterable[tuple[str, str]]) -> str:
    return f"CASE {' '.join(f'WHEN {test} THEN {value}' for test, value in branches)} END"


def _bits(number: int) -> str:
    return f"CAST({number} AS bigint)"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS double precision)"
    return f"DATE '{value.isoformat()}'" if isinstance(value, date) else _text(value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
