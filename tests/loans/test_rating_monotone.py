"""No worsening and no silence ever improves a rating: by Hypothesis, and on a hundred thousand rows drawn at random."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loans.calc.ratings.columns import RatedColumns, rate_columns, ready_for_columns
from loans.calc.ratings.rating import UNRATED, Settled, settle
from loans.calc.ratings.rating_account import INPUTS, LIMITS, PARTS, RatingAccount
from loans.calc.ratings.scorecard import FULL, Scorecard
from tests.loans.rating_worlds import benchmark, frame_of, scorecard

READY = ready_for_columns(scorecard(), benchmark())
COUNT = 100_000
LOWER_IS_WORSE = (
    "is_comparable", "emissions_previous_kg", "value_added_fen", "allocation_kg", "surrendered_on_time_kg",
    "verification_level", "metered_kwh", "bill_months_count", "green_kwh", "target_level", "management_level",
)  # fmt: skip
HIGHER_IS_WORSE = (
    "emissions_kg", "value_added_previous_fen", "obligation_kg", "green_deducted_kwh", "data_quality_grade",
    "false_reporting_count", "missed_surrender_count", "previous_letter",
)  # fmt: skip
# What has no worse side: who the enterprise is, and electricity, which is both whole and part.
NEITHER = ("division", "size_class", "is_key_emitter", "electricity_kwh", "invoice_kwh")
# Worsening past these would only make the account impossible.
FLOORS = {"green_kwh": "green_deducted_kwh", "value_added_fen": None}
CEILINGS = dict(PARTS)


def test_every_input_has_its_side() -> None:
    assert sorted((*LOWER_IS_WORSE, *HIGHER_IS_WORSE, *NEITHER)) == sorted(INPUTS)


def no_better(before: Settled, after: Settled) -> bool:
    return after.letter >= before.letter and after.points <= before.points and after.cut_points <= before.cut_points


def assert_no_row_is_better(before: RatedColumns, after: RatedColumns) -> None:
    better = (after.letter < before.letter) | (after.points > before.points) | (after.cut_points > before.cut_points)
    assert not better.any(), np.flatnonzero(better)[:5]


def worsened(frame: pl.DataFrame, name: str, rng: np.random.Generator) -> pl.DataFrame:
    """Give the frame with one input worse by a share drawn anew for each row, some by the least and some to the end."""
    share = pl.Series(rng.choice([0.0, 1.0, 1e-6, 1e-3], frame.height) * rng.random(frame.height))
    least, most = LIMITS[name]
    value = pl.col(name)
    if name in LOWER_IS_WORSE:
        floor = FLOORS.get(name)
        low = pl.lit(least) if floor is None else pl.col(floor).fill_null(0)
        worse = pl.max_horizontal(low, value - 1 - ((value - low) * share).cast(pl.Int64))
        return frame.with_columns(pl.when(value.is_not_null()).then(pl.min_horizontal(worse, value)).alias(name))
    high = pl.col(CEILINGS[name]).fill_null(most) if name in CEILINGS else pl.lit(most)
    worse = pl.min_horizontal(high, value + 1 + (value * share * 3).cast(pl.Int64))
    return frame.with_columns(pl.when(value.is_not_null()).then(pl.max_horizontal(worse, value)).alias(name))


@pytest.mark.parametrize("name", [*LOWER_IS_WORSE, *HIGHER_IS_WORSE])
def test_a_worse_input_never_improves_a_row(name: str) -> None:
    rows = COUNT // 19 + 1
    frame = frame_of(rows, seed=21)
    worse = worsened(frame, name, np.random.default_rng(22))
    assert (worse[name] != frame[name]).sum() > rows // 20, "the worsening is real"
    assert_no_row_is_better(rate_columns(frame, READY), rate_columns(worse, READY))


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_left_out_never_improves_a_row(name: str) -> None:
    frame = frame_of(COUNT // 24 + 1, seed=31)
    without = frame.with_columns(pl.lit(None, dtype=pl.Int64).alias(name))
    assert_no_row_is_better(rate_columns(frame, READY), rate_columns(without, READY))


def quantities(name: str) -> st.SearchStrategy[int | None]:
    least, most = LIMITS[name]
    return st.none() | st.integers(least, most) | st.integers(max(least, -5), min(most, 10**7))


@st.composite
def accounts(draw: Any) -> dict[str, int | None]:
    fields = {name: draw(quantities(name)) for name in INPUTS}
    for part, whole in PARTS:
        larger = fields[whole]
        if fields[part] is not None and larger is not None:
            fields[part] = min(fields[part], larger)
    return fields


@settings(max_examples=200, deadline=None)
@given(accounts(), st.sampled_from([*LOWER_IS_WORSE, *HIGHER_IS_WORSE]), st.data())
def test_worse_or_left_out_is_no_better(fields: dict[str, int | None], name: str, data: Any) -> None:
    before = settle(RatingAccount(**fields), scorecard(), benchmark())
    assert no_better(before, settle(RatingAccount(**{**fields, name: None}), scorecard(), benchmark()))
    value, (least, most) = fields[name], LIMITS[name]
    if value is None:
        return
    floor = FLOORS.get(name)
    if floor is not None:
        least = fields[floor] or 0
    if name in CEILINGS and fields[CEILINGS[name]] is not None:
        most = fields[CEILINGS[name]] or 0
    worse = data.draw(st.integers(least, value) if name in LOWER_IS_WORSE else st.integers(value, most))
    assert no_better(before, settle(RatingAccount(**{**fields, name: worse}), scorecard(), benchmark()))


@settings(max_examples=100, deadline=None)
@given(accounts())
def test_points_are_whole_sums_within_the_weights(fields: dict[str, int | None]) -> None:
    settled = settle(RatingAccount(**fields), scorecard(), benchmark())
    kind = fields["is_key_emitter"] or 0
    for factor, points in zip(scorecard().factors, settled.by_factor, strict=True):
        assert 0 <= points <= factor.weights[kind]
    assert 0 <= settled.points <= sum(settled.by_factor) <= settled.coverage <= FULL


QUANTITIES = [name for name in INPUTS if name.endswith(("_kg", "_fen", "_kwh"))]


def moved_by_noise(card: Scorecard, size: float) -> float:
    """Give the share of letters that uniform noise on every quantity moves, those before being what was rated."""
    ready = ready_for_columns(card, benchmark())
    frame = frame_of(20_000, seed=41, missing_ratio=0.0).with_columns(
        pl.lit(None, dtype=pl.Int64).alias("previous_letter")
    )
    first = rate_columns(frame, ready).letter
    known = frame.with_columns(pl.Series("previous_letter", first.astype(np.int64))).filter(pl.Series(first < UNRATED))
    rng = np.random.default_rng(42)
    noisy = known.with_columns(
        (pl.col(name) * pl.Series(rng.uniform(1 - size, 1 + size, known.height))).round().cast(pl.Int64).alias(name)
        for name in QUANTITIES
    )
    whole = noisy.with_columns(pl.min_horizontal(part, whole).alias(part) for part, whole in PARTS)
    return float(np.mean(rate_columns(whole, ready).letter != first[first < UNRATED]))


def test_noise_of_one_per_cent_moves_few_letters_and_more_without_hysteresis() -> None:
    held, free = (moved_by_noise(card, 0.01) for card in (scorecard(), replace(scorecard(), hysteresis=0)))
    assert held < 0.02
    assert free > 2 * held, "what the hysteresis is for"
