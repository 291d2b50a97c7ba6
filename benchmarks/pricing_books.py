"""Large books on columns: forwards beside numpy and QuantLib, scenarios beside the full cube, two processes beside one.

`python -m benchmarks.pricing_books [--runs N] [--scale PART]`; a run of full size takes about 2 GB and a few minutes.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import portfolio
from benchmarks.harness import Comparison, Contender, load_stated, measure_all
from carbonfin.kernel.quantlib import quantlib_on
from pricing import service
from pricing.calc.book.blocks import to_block
from pricing.calc.book.buckets import Book, BucketMarket, Buckets, bucketed
from pricing.calc.book.columns import FloatArray, Instrument, PositionColumns, serial_of
from pricing.calc.book.compressed import LinearScenarios, compressed, linear_scenario_pnl
from pricing.calc.book.leaves import LEAF_POSITIONS, BookMarket, leaves_of
from pricing.calc.book.valuation import present_values

_TODAY = date(2025, 6, 30)  # of `benchmarks.portfolio`, whose QuantLib forwards are the comparator
_FORWARDS = 10_000_000
_QUANTLIB_FORWARDS = 2_000
_VAR_SIDE = 10_000
_REVALUED = 4_000_000
_RATE, _SPOT, _VOLATILITY = 0.015, 75.02, 0.4
_DAYS = 365
_RUNS = 3


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give all rows at a part of their full size."""
    with ExitStack() as stack:
        yield [
            *stack.enter_context(_forward_rows(scale)),
            _scenario_row(max(100, int(_VAR_SIDE * scale))),
            stack.enter_context(_process_row(max(1_000, int(_REVALUED * scale)))),
        ]


# --- forwards ---------------------------------------------------------------------------------------------------------
@contextmanager
def _forward_rows(scale: float) -> Iterator[list[Comparison]]:
    count, single = max(1_000, int(_FORWARDS * scale)), max(10, int(_QUANTLIB_FORWARDS * scale))
    book = forward_book(count)
    market = market_at(book.buckets)
    out, left, right = np.empty(count), np.full(count, 1.5), np.full(count, 2.5)
    ours = Contender(
        name="forwards in columns", run=lambda: present_values(book, market, out=out), operation_count=count
    )
    with quantlib_on(_TODAY) as today:
        deliveries = portfolio.quantlib_deliveries(single)
        instruments = portfolio.quantlib_forwards(today, deliveries)

        def built() -> float:
            return sum(instrument.NPV() for instrument in portfolio.quantlib_forwards(today, deliveries))

        def others() -> Iterator[tuple[str, str, Callable[[], object], int]]:
            yield "numpy.multiply", "numpy.multiply", lambda: np.multiply(left, right, out=out), count
            yield "QuantLib FxForward, shared engine, built and valued", "FxForward", built, single
            yield (
                "QuantLib FxForward, shared engine, kept and valued again",
                "FxForward",
                lambda: net_value(instruments),
                single,
            )

        yield [
            Comparison(
                name=f"{count} forwards over {name}",
                unit="forwards",
                subject=ours,
                comparator=Contender(name=short, run=run, operation_count=operations),
            )
            for name, short, run, operations in others()
        ]


def net_value(instruments: list[Any]) -> float:
    """Ask each anew: what a library remembers of the last run would measure nothing."""
    total = 0.0
    for instrument in instruments:
        instrument.recalculate()
        total += instrument.NPV()
    return total


# --- scenarios --------------------------------------------------------------------------------------------------------
def _scenario_row(side: int) -> Comparison:
    """Give a linear book of so many positions in as many scenarios; the cube is taken in blocks, buffers used again."""
    book = forward_book(side)
    market = market_at(book.buckets)
    draw = np.random.default_rng(20260618)
    scenarios = LinearScenarios(
        log_price=draw.normal(0.0, 0.05, (1, side)),
        zero_rate=draw.normal(0.0, 0.002, (1, side)),
        log_fx=np.zeros((1, side)),
    )
    ours, cube = linear_scenario_pnl(compressed(book), market, scenarios), _cube(book, market, scenarios)
    gross = float(np.sum(np.abs(book.positions.quantity_t)) * _SPOT)
    assert float(np.abs(ours - cube).max()) < 1e-11 * gross, "the two sides differ"
    return Comparison(
        name=f"linear VaR {side} x {side}, compressed over the full cube",
        unit="valuations",
        subject=Contender(
            name="compressed, from positions",
            run=lambda: linear_scenario_pnl(compressed(book), market, scenarios),
            operation_count=side * side,
        ),
        comparator=Contender(
            name="numpy, every cell", run=lambda: _cube(book, market, scenarios), operation_count=side * side
        ),
    )


def _cube(book: Book, market: BucketMarket, scenarios: LinearScenarios) -> FloatArray:
    """Value every position in every scenario, its bucket's forward price and discount factor made once."""
    positions = book.positions
    index = np.repeat(np.arange(book.buckets.count), book.bucket_count)
    years = book.buckets.years_to(book.buckets.payment_serial, valuation_serial=market.valuation_serial)
    now = float(present_values(book, market).sum())
    found = np.empty(scenarios.log_price.shape[1])
    room = np.empty(positions.count)
    for scenario in range(found.size):
        forward = market.forward_per_t * np.exp(scenarios.log_price[0, scenario])
        discount = market.discount_factor * np.exp(-years * scenarios.zero_rate[0, scenario])
        np.subtract(forward[index], positions.strike_per_t, out=room)
        np.multiply(room, positions.quantity_t, out=room)
        np.multiply(room, discount[index], out=room)
        found[scenario] = room.sum() - now
    return found


# --- processes --------------------------------------------------------------------------------------------------------
@contextmanager
def _process_row(count: int) -> Iterator[Comparison]:
    """Revalue options over two processes that stand ready, and over one; what both give is compared to the bit."""
    market = BookMarket(
        valuation_date=_TODAY, market_at=market_at, product_count=1, currency_count=1, netting_set_count=1
    )
    with TemporaryDirectory() as folder, service.BlockWorkers(2) as two, service.BlockWorkers(1) as one:
        blocks = [Path(folder) / f"{number}.block" for number in range(-(-count // LEAF_POSITIONS))]
        leaves = leaves_of(_positions(count, Instrument.EUROPEAN_OPTION))
        for block, leaf in zip(blocks, leaves, strict=True):
            block.write_bytes(to_block(leaf))

        def valued(workers: service.BlockWorkers) -> list[bytes]:
            return [
                value.totals.whole_book.part.tobytes()
                for value in workers.values([block.read_bytes for block in blocks], market, totals_only=True)
            ]

        assert valued(two) == valued(one)
        yield Comparison(
            name=f"{count} options revalued exactly, two processes over one on {os.cpu_count()} processors",
            unit="options",
            subject=Contender(name="two processes", run=lambda: valued(two), operation_count=count),
            comparator=Contender(name="one process", run=lambda: valued(one), operation_count=count),
        )


# --- books ------------------------------------------------------------------------------------------------------------
def forward_book(count: int) -> Book:
    """Give forwards that deliver over a year, by bucket."""
    return bucketed(_positions(count, Instrument.FORWARD))


def _positions(count: int, instrument: Instrument) -> PositionColumns:
    """Give positions of one kind that deliver, or expire, over a year."""
    draw = np.random.default_rng(20260616)
    is_option = instrument is Instrument.EUROPEAN_OPTION
    serial = (serial_of(_TODAY) + draw.integers(1, _DAYS + 1, count)).astype(np.int32)
    return PositionColumns(
        line_number=np.arange(1, count + 1, dtype=np.int32),
        instrument=np.full(count, instrument, dtype=np.int8),
        product_id=np.zeros(count, dtype=np.int16),
        delivery_serial=serial,
        expiry_serial=serial if is_option else np.zeros(count, dtype=np.int32),
        quantity_t=np.where(draw.random(count) < 0.5, 1.0, -1.0) * draw.integers(1, 90_000, count),
        strike_per_t=draw.integers(500_000, 1_000_000, count) / 10_000,
        option_sign=draw.choice([-1, 1], count).astype(np.int8) if is_option else np.zeros(count, dtype=np.int8),
        settlement=np.zeros(count, dtype=np.int8),
        currency_id=np.zeros(count, dtype=np.int8),
        netting_set_id=np.zeros(count, dtype=np.int32),
    )


def market_at(buckets: Buckets) -> BucketMarket:
    """Give a flat market at buckets; it travels to worker processes by its name."""
    today = serial_of(_TODAY)
    years = buckets.years_to(buckets.payment_serial, valuation_serial=today)
    deviation = _VOLATILITY * np.sqrt(years) if buckets.is_option.any() else np.zeros(buckets.count)
    return BucketMarket(
        valuation_serial=today,
        forward_per_t=_SPOT * np.exp(_RATE * years),
        discount_factor=np.exp(-_RATE * years),
        total_volatility=deviation,
        reporting_per_currency=np.ones(1),
    )


def main(arguments: list[str] | None = None) -> int:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pricing_books", description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"interleaved runs, {_RUNS} unless said")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, 1 unless said")
    given = parser.parse_args(arguments)
    with load_stated() as stated, comparisons(given.scale) as found:
        rows = measure_all(found, runs=given.runs)
        print(f"# pricing books: {stated().line()}")
    for row in rows:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
