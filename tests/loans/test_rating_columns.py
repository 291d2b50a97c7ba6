"""The scorecard on columns is the scorecard on one enterprise, row by row."""

import pickle
from decimal import Decimal
from itertools import product

import numpy as np
import polars as pl
import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.columns import (
    INVALID,
    RatedColumns,
    faults_of,
    rate_changed,
    rate_columns,
    ready_for_columns,
)
from loans.calc.ratings.measures import MEASURES
from loans.calc.ratings.rating import Settled, rate_account, settle
from loans.calc.ratings.rating_account import INPUTS, LIMITS, RatingAccount
from tests.loans.rating_worlds import DAY, SOUND, account, benchmark, frame_of, scorecard

READY = ready_for_columns(scorecard(), benchmark())
COLUMNS = ("letter", "points", "cut_points", "coverage", "confidence", "group", "gates")


def row_of(rated: RatedColumns, place: int) -> Settled:
    plain = [int(getattr(rated, name)[place]) for name in COLUMNS]
    return Settled(*plain, tuple(rated.by_factor[:, place].tolist()))


def assert_rows_are_the_single_form(frame: pl.DataFrame) -> RatedColumns:
    rated = rate_columns(frame, READY)
    for place, row in enumerate(frame.select(INPUTS).rows(named=True)):
        assert row_of(rated, place) == settle(RatingAccount(**row), scorecard(), benchmark()), row
    return rated


@pytest.mark.parametrize("missing_ratio", [0.0, 0.03, 0.3])
def test_columns_equal_the_single_form_row_by_row(missing_ratio: float) -> None:
    rated = assert_rows_are_the_single_form(frame_of(2_000, seed=11, missing_ratio=missing_ratio))
    if missing_ratio == 0.03:
        assert set(rated.letter.tolist()) == {0, 1, 2, 3, 4, 5}, "every letter and refusals are met"


def test_columns_equal_the_single_form_at_the_limits() -> None:
    """Least, most, nought and one of the large quantities, where 64 bits would overflow first."""
    fen = LIMITS["value_added_fen"]
    rows = [
        {**SOUND, "emissions_kg": now, "emissions_previous_kg": before, "value_added_fen": value,
         "value_added_previous_fen": value_before, "allocation_kg": now_most, "obligation_kg": before,
         "surrendered_on_time_kg": now, "is_key_emitter": 1}
        for now_most in [LIMITS["allocation_kg"][1]]
        for now, before in product((0, 1, LIMITS["emissions_kg"][1]), repeat=2)
        for value, value_before in product((*fen, 0, 1), repeat=2)
    ]  # fmt: skip
    electricity = [
        {**SOUND, "electricity_kwh": whole, "metered_kwh": whole, "invoice_kwh": invoice, "green_kwh": whole,
         "green_deducted_kwh": 0}
        for whole, invoice in product((0, 1, LIMITS["electricity_kwh"][1]), repeat=2)
    ]  # fmt: skip
    assert_rows_are_the_single_form(pl.DataFrame([*rows, *electricity], infer_schema_length=None))


@pytest.mark.parametrize("name", MEASURES)
def test_measures_of_arrays_are_those_of_whole_numbers_at_every_limit(name: str) -> None:
    """Whole numbers of any length are the truth; an array that overflowed would differ."""
    measure = MEASURES[name]
    corners = [
        sorted({max(LIMITS[field][0], int(field in measure.above_zero)), 1, 3, LIMITS[field][1] - 1, LIMITS[field][1]})
        for field in measure.inputs
    ]
    rows = list(product(*corners))
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    assert measure.value(*columns).tolist() == [int(measure.value(*row)) for row in rows]


def test_columns_equal_the_single_form_on_every_sample_value_and_beside_it() -> None:
    """A value added of 1,000 万元 makes each kilogram one unit of intensity."""
    group = benchmark().groups[benchmark().places["C39/2"]]
    near = sorted({max(0, value + step) for value in group.values for step in (-1, 0, 1)})
    rows = [{**SOUND, "emissions_kg": value, "value_added_fen": 10_000_000} for value in near]
    assert len(near) > 50
    assert_rows_are_the_single_form(pl.DataFrame(rows, infer_schema_length=None))


def test_pieces_and_threads_make_no_difference() -> None:
    frame = frame_of(150_000, seed=3)
    whole, shared = rate_columns(frame, READY), rate_columns(frame, READY, thread_count=2)
    parts = [rate_columns(frame[start : start + 50_000], READY) for start in range(0, 150_000, 50_000)]
    for name in (*COLUMNS, "by_factor"):
        assert np.array_equal(getattr(whole, name), getattr(shared, name))
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts], axis=-1))
    assert rate_columns(frame[:0], READY).letter.size == 0


def test_changed_rows_alone_give_what_all_rows_give() -> None:
    frame, places = frame_of(3_000, seed=4), np.arange(5, 3_000, 100)
    changed = frame.with_columns(
        pl.when(pl.int_range(pl.len()).is_in(places.tolist()))
        .then(0)
        .otherwise(pl.col("green_kwh"))
        .alias("green_kwh"),
        pl.lit(0, dtype=pl.Int64).alias("green_deducted_kwh"),
    )
    before = rate_columns(frame.with_columns(pl.lit(0, dtype=pl.Int64).alias("green_deducted_kwh")), READY)
    after = before.with_changed(places, rate_changed(changed, places, READY))
    whole = rate_columns(changed, READY)
    assert not np.array_equal(before.points, after.points)
    for name in (*COLUMNS, "by_factor"):
        assert np.array_equal(getattr(after, name), getattr(whole, name))


def test_the_tables_travel() -> None:
    frame = frame_of(500, seed=8)
    there = pickle.loads(pickle.dumps(READY))  # noqa: S301 - our own bytes
    assert np.array_equal(rate_columns(frame, there).points, rate_columns(frame, READY).points)


def test_the_frame_reads_as_a_rating_does() -> None:
    frame = pl.DataFrame(
        [SOUND, {**SOUND, "data_quality_grade": 5}, {**SOUND, "emissions_kg": -1}], infer_schema_length=None
    )
    read = rate_columns(frame, READY).frame(READY).rows(named=True)
    single = rate_account(account(), scorecard=scorecard(), benchmark=benchmark(), rated_on=DAY)
    assert (read[0]["outcome"], read[0]["points"], read[0]["cut_points"]) == (
        single.letter,
        single.points,
        single.cut_points,
    )
    assert {f"points_{line.name}": line.points for line in single.factors}.items() <= read[0].items()
    assert read[0]["points_allowance_gap"] == 0
    assert (read[0]["coverage_ratio"], read[0]["confidence"]) == (Decimal("1.0000"), single.confidence)
    assert (read[0]["method"], read[0]["benchmark_id"]) == (single.method_zh, single.benchmark_id)
    assert [(row["outcome"], row["points"], row["cut_points"]) for row in read[1:]] == [
        ("REFUSED", None, None),
        ("INVALID", None, None),
    ]


def test_rows_outside_the_limits_are_named_and_spoil_no_other() -> None:
    rows = [dict(SOUND) for _ in range(4)]
    rows[1]["emissions_kg"], rows[2]["metered_kwh"], rows[2]["division"] = -5, 4_000_001, 98
    frame = pl.DataFrame(rows, infer_schema_length=None)
    assert faults_of(frame).rows() == [(1, "emissions_kg", -5), (2, "division", 98), (2, "metered_kwh", 4_000_001)]
    rated = rate_columns(frame, READY)
    assert rated.letter.tolist()[1:3] == [INVALID, INVALID]
    assert rated.points.tolist() == [rated.points[0], 0, 0, rated.points[0]]
    assert faults_of(frame_of(2_000, seed=11)).is_empty()


@pytest.mark.parametrize(
    "column", [pl.lit(1.5), pl.lit("12"), pl.lit(value=True), None], ids=["float", "text", "boolean", "none"]
)
def test_a_column_that_is_not_there_or_not_whole_is_refused(column: pl.Expr | None) -> None:
    frame = frame_of(3, seed=1)
    frame = frame.drop("green_kwh") if column is None else frame.with_columns(column.alias("green_kwh"))
    for reading in (lambda: rate_columns(frame, READY), lambda: faults_of(frame)):
        with pytest.raises(InvalidInput) as refused:
            reading()
        assert refused.value.field == "green_kwh"
