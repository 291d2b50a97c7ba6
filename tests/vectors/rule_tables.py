"""Decision tables of shared files: run in each of their forms, and asked on inputs made from their own cells."""

import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.domains import BooleanDomain, CodeDomain, DateDomain, MissingReason, NumberDomain, Present
from carbonfin.rules.pieces import totals_of
from carbonfin.rules.tables import DecisionTable, OutputValue
from tests.rules.backends import Answer, Row, as_answer, frame_of, in_frames, in_sql, interpreted

_STEP = Decimal("0.001")
_COMBINATIONS_MAX = 2000
_ROW_MAX = 60
Said = str | tuple[OutputValue, ...] | list[tuple[OutputValue, ...]] | int | Decimal
"""Why there is no answer, or one row's outputs, or those of every row that hit, or a total."""


def said_in_each_form(table: DecisionTable, rows: Sequence[Row]) -> dict[str, list[Said]]:
    """Run a table as interpreter, Python, polars and SQL; what each says of each input."""
    compiled = compile_python(table)
    with duckdb.connect() as connection:
        answers = {
            "interpreter": interpreted(table, list(rows)),
            "Python": [as_answer(table, compiled.decide(row)) for row in rows],
            "polars": in_frames(table, frame_of(table, list(rows))),
            "DuckDB": in_sql(table, list(rows), lambda text, values: connection.execute(text, values).fetchall(), "?"),
        }
    return {form: [_said(table, answer) for answer in found] for form, found in answers.items()}


def _said(table: DecisionTable, answer: Answer) -> Said:
    row, _, _, refused, rows, total = answer
    if refused is not None:
        return refused
    if row is not None:
        return table.rows[row].outputs
    totals = totals_of(table)
    if totals is None or total is None:
        return [table.rows[place].outputs for place in rows or ()]
    return totals.exact(total)


def inputs_from_cells(table: DecisionTable) -> list[Row]:
    """Make inputs without missing values from what the cells name: ends and their neighbours, codes in and out.

    All combinations where they are few; else around an input that each row takes, one column changed at a time.
    """
    names = [column.name for column in table.inputs]
    telling = [_telling(table, place) for place in range(len(names))]
    if math.prod(map(len, telling)) <= _COMBINATIONS_MAX:
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*telling)]
    rows: dict[tuple[Present, ...], None] = {}
    for row in table.rows[:_ROW_MAX]:
        taken = [
            next((value for value in values if cell.fits(value)), values[0])
            for cell, values in zip(row.cells, telling, strict=True)
        ]
        rows[tuple(taken)] = None
        for place, values in enumerate(telling):
            rows |= {(*taken[:place], value, *taken[place + 1 :]): None for value in values}
    return [dict(zip(names, values, strict=True)) for values in rows]


def _telling(table: DecisionTable, place: int) -> list[Present]:
    """Give the values of a column at which a cell can change its mind."""
    domain = table.inputs[place].domain
    if isinstance(domain, BooleanDomain):
        return [False, True]
    if isinstance(domain, CodeDomain):
        return list(domain.codes)
    ends = {end for row in table.rows for one in row.cells[place].intervals for end in (one.low, one.high)} - {None}
    near = (_around(end, domain) for end in sorted(ends)) if ends else [_anything(domain)]
    return list(dict.fromkeys(itertools.chain.from_iterable(near)))


def _around(end: float | date, domain: NumberDomain | DateDomain) -> list[Present]:
    if isinstance(end, date):
        found: list[object] = [end + timedelta(days=days) for days in (-1, 0, 1)]
    else:
        step = Decimal(1) if isinstance(domain, NumberDomain) and domain.is_whole else _STEP
        found = [Decimal(domain.text(end)) + step * steps for steps in (-1, 0, 1)]
    read = (domain.read(value) for value in found)
    return [value for value in read if not isinstance(value, MissingReason)]


def _anything(domain: NumberDomain | DateDomain) -> list[Present]:
    literals = ("0", "1") if isinstance(domain, NumberDomain) else ("2024-01-01", "2024-02-29")
    return [domain.literal(text) for text in literals]


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Put values under their paths: `{"a.b": 1}` gives `{"a": {"b": 1}}`."""
    found: dict[str, object] = {}
    for path, value in values.items():
        inner = found
        *steps, last = path.split(".")
        for step in steps:
            under = inner.setdefault(step, {})
            assert isinstance(under, dict), f"{path} goes through a value"
            inner = under
        assert last not in inner, f"{path} is asked twice"
        inner[last] = value
    return found


def at_path(found: object, path: str) -> object:
    """Give the value under a path; None where there is none."""
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
