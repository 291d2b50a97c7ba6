"""One table run in each of its forms over the same inputs, with answers of one shape to hold beside each other."""

from typing import Any

import polars as pl

from carbonfin.rules.compile_polars import LOOKED_UP_MAX, compile_polars
from carbonfin.rules.compile_sql import compile_sql
from carbonfin.rules.decide import Decider, Decision, NotDecided, RowState
from carbonfin.rules.domains import CodeDomain, DateDomain, NumberDomain
from carbonfin.rules.pieces import totals_of
from carbonfin.rules.tables import DecisionTable

Row = dict[str, Any]
Answer = tuple[int | None, int, int, str | None, list[int] | None, int | None]
"""Row, possible rows, unknown rows, refusal, rows, total."""
_SQL_TYPES = {NumberDomain: "double precision", DateDomain: "date", CodeDomain: "text"}


def interpreted(table: DecisionTable, rows: list[Row]) -> list[Answer]:
    decider = Decider(table)
    return [as_answer(table, decider.decide(row)) for row in rows]


def as_answer(table: DecisionTable, said: Decision | NotDecided) -> Answer:
    possible = sum(1 << place for place, row in enumerate(said.tried) if row.state is not RowState.FAILED)
    unknown = sum(1 << place for place, row in enumerate(said.tried) if row.state is RowState.UNKNOWN)
    if isinstance(said, NotDecided):
        return None, possible, unknown, said.refused.value, None, None
    places = [outcome.place for outcome in said.outcomes]
    if table.hit_policy.is_single:
        return places[0], possible, unknown, None, None, None
    totals = totals_of(table)
    if totals is None:
        return None, possible, unknown, None, places, None
    assert not isinstance(said.total, str)
    assert said.total is not None
    whole = totals.whole(said.total)
    assert totals.exact(whole) == said.total
    return None, possible, unknown, None, places, whole


def in_frames(table: DecisionTable, frame: pl.DataFrame, *, looked_up_max: int = LOOKED_UP_MAX) -> list[Answer]:
    return compile_polars(table, looked_up_max=looked_up_max).settle(frame).rows()


def frame_of(table: DecisionTable, rows: list[Row]) -> pl.DataFrame:
    kinds = {NumberDomain: pl.Float64, DateDomain: pl.Date, CodeDomain: pl.String}
    return pl.DataFrame(rows, schema={one.name: kinds.get(type(one.domain), pl.Boolean) for one in table.inputs})


def in_sql(table: DecisionTable, rows: list[Row], run: Any, placeholder: str) -> list[Answer]:
    """Fill a relation and ask; `run` takes text and values and gives rows."""
    names = [column.name for column in table.inputs]
    typed = (f'"{one.name}" {_SQL_TYPES.get(type(one.domain), "boolean")}' for one in table.inputs)
    run("DROP TABLE IF EXISTS asked", ())
    run(f"CREATE TEMP TABLE asked (number integer, {', '.join(typed)})", ())
    places = ", ".join([placeholder] * (len(names) + 1))
    for number, row in enumerate(rows):
        text = f"INSERT INTO asked VALUES ({places})"  # noqa: S608 - placeholders alone
        run(text, (number, *(row[name] for name in names)))
    said = run(f"{compile_sql(table, relation='asked', keys=['number'])} ORDER BY number", None)
    assert [row[0] for row in said] == list(range(len(rows)))
    return [
        (*row[1:5], None if row[5] is None else [int(place) for place in row[5].split(",") if place], row[6])
        for row in said
    ]
