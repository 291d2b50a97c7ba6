"""Enterprises drawn at random for the scorecard's tests: the same seed gives the same rows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import polars as pl

from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.rulebook.parameters import builtin_book
from loans.calc.ratings.benchmark import SectorBenchmark, freeze_benchmark
from loans.calc.ratings.rating_account import INPUTS, RatingAccount
from loans.calc.ratings.scorecard import Scorecard, scorecard_on

DAY = date(2026, 6, 30)
KNOWN_AT = datetime(2026, 7, 1, tzinfo=UTC)
BOOK: ParameterBook = builtin_book("loans")

# An electronics maker, small, no key emitter: 2,000 t on 4,000 万元 of value added, 2,200 t on 3,900 万元 the year before.
SOUND: Mapping[str, int | None] = {
    "division": 39, "size_class": 2, "is_key_emitter": 0, "emissions_kg": 2_000_000, "emissions_previous_kg": 2_200_000,
    "is_comparable": 1, "value_added_fen": 4_000_000_000, "value_added_previous_fen": 3_900_000_000,
    "allocation_kg": None, "obligation_kg": None, "surrendered_on_time_kg": None, "verification_level": 2,
    "electricity_kwh": 4_000_000, "metered_kwh": 4_000_000, "bill_months_count": 12, "invoice_kwh": 3_960_000,
    "green_kwh": 800_000, "green_deducted_kwh": 200_000, "target_level": 1, "management_level": 1,
    "data_quality_grade": 2, "false_reporting_count": 0, "missed_surrender_count": 0, "previous_letter": 1,
}  # fmt: skip


def account(**changes: int | None) -> RatingAccount:
    return RatingAccount(**{**SOUND, **changes})


@cache
def scorecard() -> Scorecard:
    return scorecard_on(BOOK, valid_on=DAY, known_at=KNOWN_AT)


def frame_of(count: int, *, seed: int, missing_ratio: float = 0.03) -> pl.DataFrame:
    """Draw enterprises; each input but the previous letter is missing in the same share of rows, that one in a third."""
    rng = np.random.default_rng(seed)
    emissions = np.exp(rng.normal(14, 2, count)).astype(np.int64)
    value_added = np.exp(rng.normal(21, 2, count)).astype(np.int64) - 10_000
    electricity = np.exp(rng.normal(14, 2, count)).astype(np.int64)
    green = (electricity * rng.random(count) * (rng.random(count) < 0.5)).astype(np.int64)
    rare = (rng.random((2, count)) < 0.04).astype(np.int64)
    columns = {
        "division": rng.integers(1, 98, count),
        "size_class": rng.choice(4, count, p=[0.03, 0.12, 0.45, 0.4]),
        "is_key_emitter": rng.integers(0, 2, count),
        "emissions_kg": emissions,
        "emissions_previous_kg": (emissions * np.exp(rng.normal(0.03, 0.1, count))).astype(np.int64),
        "is_comparable": (rng.random(count) < 0.97).astype(np.int64),
        "value_added_fen": value_added,
        "value_added_previous_fen": (value_added * np.exp(rng.normal(-0.03, 0.1, count))).astype(np.int64),
        "allocation_kg": (emissions * rng.normal(1, 0.1, count)).astype(np.int64).clip(0),
        "obligation_kg": emissions,
        "surrendered_on_time_kg": (emissions * rng.choice([0.8, 0.95, 1.0], count, p=[0.05, 0.1, 0.85])).astype(
            np.int64
        ),
        "verification_level": rng.integers(0, 4, count),
        "electricity_kwh": electricity,
        "metered_kwh": (electricity * rng.random(count)).astype(np.int64),
        "bill_months_count": rng.integers(6, 13, count),
        "invoice_kwh": (electricity * rng.normal(1, 0.04, count)).astype(np.int64).clip(0),
        "green_kwh": green,
        "green_deducted_kwh": (green * rng.random(count) * (rng.random(count) < 0.5)).astype(np.int64),
        "target_level": rng.integers(0, 3, count),
        "management_level": rng.integers(0, 2, count),
        "data_quality_grade": rng.choice([1, 2, 3, 4, 5], count, p=[0.2, 0.3, 0.3, 0.17, 0.03]),
        "false_reporting_count": rare[0],
        "missed_surrender_count": rare[1],
        "previous_letter": rng.integers(0, 5, count),
    }
    shares = dict.fromkeys(INPUTS, missing_ratio) | {"previous_letter": 1 / 3}
    lost = {name: rng.random(count) < shares[name] for name in INPUTS}
    return pl.DataFrame(
        {
            name: pl.Series(columns[name]).zip_with(pl.Series(~lost[name]), pl.Series([None] * count, dtype=pl.Int64))
            for name in INPUTS
        }
    )


@cache
def benchmark(count: int = 4_000) -> SectorBenchmark:
    """Freeze a benchmark of enterprises drawn at random; many groups are small, and some divisions have none."""
    rng = np.random.default_rng(7)
    divisions = rng.choice([6, 13, 14, 17, 18, 26, 30, 31, 35, 38, 39, 40, 44, 51, 54, 65], count)
    return freeze_benchmark(
        benchmark_id="2025-shenzhen-drawn", released_on=date(2026, 5, 1), source="drawn at random, seed 7",
        divisions=divisions, size_classes=rng.choice(4, count, p=[0.02, 0.08, 0.4, 0.5]),
        intensities=np.round(np.exp(rng.normal(8, 1, count)), -1).astype(np.int64), terms=scorecard().benchmark_terms,
    )  # fmt: skip


@cache
def ladder() -> SectorBenchmark:
    """Freeze forty small electronics makers at 0.1, 0.2 … 4.0 t/万元."""
    return freeze_benchmark(
        benchmark_id="ladder", released_on=date(2026, 5, 1), source="forty steps",
        divisions=[39] * 40, size_classes=[2] * 40, intensities=[1_000 * step for step in range(1, 41)],
        terms=scorecard().benchmark_terms,
    )  # fmt: skip
