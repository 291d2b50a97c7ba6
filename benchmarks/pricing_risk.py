"""Value at risk of an option book by interpolation, beside exact revaluation by numpy and scipy's ndtr.

`python -m benchmarks.pricing_risk [--runs N] [--scale PART]` prints the true relative error of the interpolation too.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import cast

import numpy as np
from scipy.special import ndtr

from benchmarks.harness import Comparison, Contender, load_stated, measure_all
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from pricing.calc.option_positions import OptionColumns
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios
from pricing.calc.portfolio_risk.option_legs import OptionLeg
from pricing.calc.portfolio_risk.revaluation import revalued
from pricing.calc.positions import LineKind, LineValue, PortfolioLine
from pricing.calc.risk.chebyshev import BucketScenarios, FloatArray, OptionBook, chebyshev_scenario_pnl

TOLERANCE = 1e-7
_FULL_SIDE = 10_000  # options and scenarios
_BUCKETS = 12
_CELLS_AT_ONCE = 32_768  # the comparator's best block here: its buffers stay in the processor's cache
_RUNS = 3
_TODAY = date(2025, 6, 30)
_CONFIDENCE = Decimal("0.99")


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give one book in as many scenarios as it has options."""
    side = max(2_000, int(_FULL_SIDE * scale))
    book, scenarios = _book(side), _scenarios(side)
    error = true_relative_error(book, scenarios)
    assert error <= TOLERANCE, f"the true error is {error}"
    yield [
        Comparison(
            name=f"option VaR {side} x {side} over exact revaluation, true relative error {error:.1e}",
            unit="valuations",
            subject=Contender(
                name="interpolated",
                run=lambda: chebyshev_scenario_pnl(book, scenarios, tolerance=TOLERANCE),
                operation_count=side * side,
            ),
            comparator=Contender(
                name="numpy, scipy.ndtr in blocks",
                run=lambda: exact_pnl(book, scenarios),
                operation_count=side * side,
            ),
        ),
        _product_row(max(500, int(_FULL_SIDE * scale))),
    ]


def _product_row(side: int) -> Comparison:
    """Give the book as the product's own risk takes it: lines of one factor, the tail valued exactly, errors told."""
    book, moves = _book(side), _scenarios(side)
    same = np.ones((_BUCKETS, 1))
    scenarios = BucketScenarios(
        log_price=same * moves.log_price[0], log_volatility=same * moves.log_volatility[0], zero_rate=moves.zero_rate
    )
    lines, given = _exposed(book), _market_scenarios(scenarios)
    exact, found = exact_pnl(book, scenarios), revalued(lines, given, _CONFIDENCE)
    error = float(np.abs(found.pnl - exact).max())
    assert error <= found.error_cny + 1e-9 * float(np.abs(exact).max()), f"off by {error}, said {found.error_cny}"
    assert error <= TOLERANCE * float(np.abs(exact).max()), f"off by {error}"
    relative = error / float(np.abs(exact).max())
    return Comparison(
        name=f"option VaR {side} x {side} by the product's own risk over exact revaluation, true error {relative:.1e}",
        unit="valuations",
        subject=Contender(
            name="lines to P&L", run=lambda: revalued(lines, given, _CONFIDENCE), operation_count=side * side
        ),
        comparator=Contender(
            name="numpy, scipy.ndtr in blocks", run=lambda: exact_pnl(book, scenarios), operation_count=side * side
        ),
    )


def _exposed(book: OptionBook) -> list[ExposedLine]:
    """Give the options as lines; what a line is called and worth is not asked for by its revaluation."""
    line = PortfolioLine(line_id="O", kind=LineKind.OPTION, unit=Unit.parse("CEA"), quantity_t=1)
    terms = OptionColumns(
        forward=book.forward_per_t[book.bucket],
        strike=book.strike_per_t,
        volatility=(book.total_volatility / np.sqrt(book.expiry_years))[book.bucket],
        years=book.expiry_years[book.bucket],
        discount=book.discount_factor[book.bucket],
        sign=book.option_sign,
    )
    return [
        ExposedLine(
            line, cast("LineValue", None), "CEA", 0.0, 0.0, terms.years[place].item(),
            OptionLeg(
                ExerciseStyle.EUROPEAN,
                OptionColumns(*(column[place : place + 1] for column in terms)),
                book.quantity_t[place].item(),
                _TODAY,
            ),
        )
        for place in range(book.strike_per_t.size)
    ]  # fmt: skip


def _market_scenarios(scenarios: BucketScenarios) -> MarketScenarios:
    count = scenarios.zero_rate.size
    return MarketScenarios(
        price={"CEA": np.expm1(scenarios.log_price[0])},
        log_volatility={"CEA": scenarios.log_volatility[0]},
        rate={Currency.CNY: scenarios.zero_rate},
        fx={},
        count=count,
    )


def true_relative_error(book: OptionBook, scenarios: BucketScenarios) -> float:
    """Give the largest difference from exact revaluation over the largest P&L of a scenario."""
    exact = exact_pnl(book, scenarios)
    found = chebyshev_scenario_pnl(book, scenarios, tolerance=TOLERANCE)
    return float(np.abs(found.pnl - exact).max() / np.abs(exact).max())


def exact_pnl(book: OptionBook, scenarios: BucketScenarios) -> FloatArray:
    """Value every option in every scenario: calls alone by parity, logarithms apart, buffers used again.

    ln(F / K) is taken as a difference of logarithms, and a put as a call less the forward's value: no cell costs more
    than one reciprocal's product and two distribution functions.
    """
    pnl = np.zeros(scenarios.zero_rate.size)
    nothing = np.zeros(1)
    for bucket in range(book.forward_per_t.size):
        rows = np.flatnonzero(book.bucket == bucket)
        moved = _exact_bucket(
            book, bucket, rows, log_price=scenarios.log_price[bucket], log_volatility=scenarios.log_volatility[bucket]
        )
        pnl += moved * np.exp(-scenarios.zero_rate * book.expiry_years[bucket])
        pnl -= _exact_bucket(book, bucket, rows, log_price=nothing, log_volatility=nothing)
    return pnl


def _exact_bucket(
    book: OptionBook, bucket: int, rows: np.ndarray, *, log_price: FloatArray, log_volatility: FloatArray
) -> FloatArray:
    forward = book.forward_per_t[bucket] * np.exp(log_price)
    deviation = book.total_volatility[bucket] * np.exp(log_volatility)
    inverse, half = 1.0 / deviation, 0.5 * deviation
    strike, quantity = book.strike_per_t[rows], book.quantity_t[rows]
    is_put = book.option_sign[rows] < 0.0
    log_forward, log_strike = np.log(forward), np.log(strike)
    total = -(quantity[is_put].sum() * forward) + quantity[is_put] @ strike[is_put]
    step = max(1, _CELLS_AT_ONCE // max(forward.size, 1))
    room = np.empty((2, step, forward.size))
    for start in range(0, rows.size, step):
        part = slice(start, start + step)
        d1, d2 = room[:, : log_strike[part].size]
        np.subtract(log_forward, log_strike[part, None], out=d1)
        np.multiply(d1, inverse, out=d1)
        np.add(d1, half, out=d1)
        np.subtract(d1, deviation, out=d2)
        ndtr(d1, out=d1)
        ndtr(d2, out=d2)
        total += forward * (quantity[part] @ d1) - (quantity[part] * strike[part]) @ d2
    return np.asarray(book.discount_factor[bucket] * total)


def _book(count: int) -> OptionBook:
    """Give long and short calls and puts of as many strikes on a year of monthly expiries."""
    random = np.random.default_rng(20260616)
    years = np.arange(1, _BUCKETS + 1) / 12.0
    return OptionBook(
        bucket=random.integers(0, _BUCKETS, count),
        quantity_t=random.choice([-1.0, 1.0], count) * random.uniform(1e3, 1e5, count),
        strike_per_t=random.uniform(50.0, 110.0, count),
        option_sign=random.choice([-1.0, 1.0], count),
        forward_per_t=75.0 * np.exp(0.02 * years),
        total_volatility=0.4 * np.sqrt(years),
        discount_factor=np.exp(-0.02 * years),
        expiry_years=years,
    )


def _scenarios(count: int) -> BucketScenarios:
    """Give ten-day moves: one common factor and a little of each expiry's own."""
    random = np.random.default_rng(20260617)
    common = random.normal(0.0, 0.08, count)
    return BucketScenarios(
        log_price=common + random.normal(0.0, 0.01, (_BUCKETS, count)),
        log_volatility=random.normal(0.0, 0.1, (_BUCKETS, count)),
        zero_rate=random.normal(0.0, 0.001, count),
    )


def main(arguments: list[str] | None = None) -> int:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pricing_risk", description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"interleaved runs, {_RUNS} unless said")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, 1 unless said")
    given = parser.parse_args(arguments)
    with load_stated() as stated, comparisons(given.scale) as found:
        rows = measure_all(found, runs=given.runs)
        print(f"# pricing risk: {stated().line()}")
    for row in rows:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
