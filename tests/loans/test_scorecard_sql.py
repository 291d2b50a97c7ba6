"""The scorecard in DuckDB and PostgreSQL: the same whole numbers as the single form and the columns, row by row."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import product
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.columns import INVALID, rate_columns, ready_for_columns
from loans.calc.ratings.rating_account import INPUTS, LIMITS
from loans.calc.ratings.scorecard import Scorecard
from loans.calc.ratings.scorecard_sql import peer_frames, scorecard_sql
from tests.loans.rating_worlds import SOUND, benchmark, frame_of, ladder, scorecard
from tests.postgres import Postgres

READY = ready_for_columns(scorecard(), benchmark())
FACTORS = [factor.name for factor in scorecard().factors]
STRICT = replace(
    scorecard(), hysteresis=0, coverage_min=9_000, gates=tuple(replace(one, cap=2) for one in scorecard().gates)
)


@pytest.fixture(params=["duckdb", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "duckdb":
        with closing(duckdb.connect()) as connection:
            yield connection
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        address = url.replace("postgresql+psycopg", "postgresql")
        with closing(psycopg.connect(address, autocommit=True)) as connection:
            yield connection


def stored(database: Any, name: str, frame: pl.DataFrame) -> None:
    if isinstance(database, duckdb.DuckDBPyConnection):
        with TemporaryDirectory() as folder:
            frame.write_parquet(f"{folder}/rows.parquet")
            database.read_parquet(f"{folder}/rows.parquet").create(name)
        return
    database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} bigint' for column in frame.columns)})")
    with database.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for row in frame.iter_rows():
            copy.write_row(row)


def in_sql(database: Any, frame: pl.DataFrame, card: Scorecard) -> list[tuple[int, ...]]:
    groups, steps = peer_frames(replace(READY, scorecard=card))
    stored(database, "account", frame.select(INPUTS).with_row_index("row_number").cast(pl.Int64))
    stored(database, "peer_group", groups)
    stored(database, "peer_step", steps)
    text = scorecard_sql(card, relation="account", groups="peer_group", steps="peer_step", keys=("row_number",))
    return sorted(tuple(map(int, row)) for row in database.execute(text).fetchall())


def assert_rows_are_the_columns(found: Sequence[tuple[int, ...]], frame: pl.DataFrame, card: Scorecard) -> None:
    rated = rate_columns(frame, ready_for_columns(card, benchmark()))
    names = ("letter", "points", "cut_points", "coverage", "confidence", "group", "gates")
    assert len(found) == frame.height
    for place, row in enumerate(found):
        wanted = [int(getattr(rated, name)[place]) for name in names]
        if wanted[0] == INVALID:
            assert row[1:4] == (INVALID, 0, 0)
            continue
        assert list(row) == [place, *wanted, *rated.by_factor[:, place].tolist()], frame.row(place, named=True)


@pytest.mark.parametrize("card", [scorecard(), STRICT], ids=["as it stands", "other gates and bands"])
@pytest.mark.parametrize("missing_ratio", [0.0, 0.03, 0.3])
def test_sql_equals_the_columns_on_random_rows(database: Any, missing_ratio: float, card: Scorecard) -> None:
    frame = frame_of(2_000, seed=51, missing_ratio=missing_ratio)
    assert_rows_are_the_columns(in_sql(database, frame, card), frame, card)


def test_sql_equals_the_columns_at_the_limits_and_on_each_sample_value(database: Any) -> None:
    """Least, most, nought and one of the large quantities, and each step of a group with its neighbours."""
    fen, tonnes = LIMITS["value_added_fen"], LIMITS["emissions_kg"][1]
    rows = [
        {**SOUND, "emissions_kg": now, "emissions_previous_kg": before, "value_added_fen": value,
         "value_added_previous_fen": value_before, "allocation_kg": tonnes, "obligation_kg": before,
         "surrendered_on_time_kg": now, "is_key_emitter": 1}
        for now, before in product((0, 1, tonnes), repeat=2)
        for value, value_before in product((*fen, 0, 1), repeat=2)
    ]  # fmt: skip
    power = LIMITS["electricity_kwh"][1]
    rows += [
        {**SOUND, "electricity_kwh": whole, "metered_kwh": whole, "invoice_kwh": invoice, "green_kwh": whole,
         "green_deducted_kwh": 0}
        for whole, invoice in product((0, 1, power), repeat=2)
    ]  # fmt: skip
    group = benchmark().groups[benchmark().places["C39/2"]]
    near = sorted({max(0, value + step) for value in group.values for step in (-1, 0, 1)})
    rows += [{**SOUND, "emissions_kg": value, "value_added_fen": 10_000_000} for value in near]
    rows += [{**SOUND, "emissions_kg": -1}, {**SOUND, "metered_kwh": 4_000_001}, dict.fromkeys(INPUTS)]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(INPUTS, pl.Int64))
    assert_rows_are_the_columns(in_sql(database, frame, scorecard()), frame, scorecard())


def test_a_rating_by_hand_comes_out_of_sql(database: Any) -> None:
    """Forty makers at 0.1 to 4.0: of 0.5 t/万元, 35 emit more and one as much, 40 x 35.5/40; the rest as the card says.

    Cut: emissions 2,000 of 2,200 t fall to 0.90910 (five places up), value added grows to 1.02564: min(0.0909, 0.1136)
    = 9.09 %: 25 x (75 + 25 x 0.0409/0.1) % = 21.31. Green 0.15: 10 x 70/100 x 0.15/0.3 = 3.50.
    """
    groups, steps = peer_frames(ready_for_columns(scorecard(), ladder()))
    stored(database, "account", pl.DataFrame([SOUND], schema=dict.fromkeys(INPUTS, pl.Int64)))
    stored(database, "peer_group", groups)
    stored(database, "peer_step", steps)
    text = scorecard_sql(scorecard(), relation="account", groups="peer_group", steps="peer_step")
    (row,) = database.execute(text).fetchall()
    by_factor = dict(zip(FACTORS, map(int, row[7:]), strict=True))
    assert (by_factor["intensity"], by_factor["emission_cut"], by_factor["green_power"]) == (3_550, 2_131, 350)
    assert by_factor["verification"] == 450


@pytest.mark.parametrize("name", ["Account", "a; drop table account", "", "emissions_kg"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    for names in ({"relation": name}, {"keys": (name,)}):
        given = {"relation": "account", "groups": "peer_group", "steps": "peer_step", **names}
        with pytest.raises(InvalidInput, match="cannot name"):
            scorecard_sql(scorecard(), **given)
