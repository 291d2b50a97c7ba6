"""European options on arrays beside numpy with scipy's ndtr, and beside QuantLib on a shared engine; one thread.

`python -m benchmarks.pricing_options [--runs N] [--scale PART]`; numpy's elementwise functions use one thread.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from scipy.special import ndtr

from benchmarks.harness import Comparison, Contender, load_stated, measure_all
from carbonfin.kernel.quantlib import quantlib_on
from pricing.calc.options.black76 import FloatArray, black76_greeks, black76_value_per_t

_VALUATION_DATE = date(2026, 6, 16)
_FULL_COUNT = 1_000_000
_FULL_QUANTLIB_COUNT = 4_000
_CACHE_COUNT = 8_192  # elements whose buffers stay in the processor's cache: the comparator's best chunk
_EXPIRY_DAYS = 365
_RATE = 0.02
_VOLATILITY = 0.4
_RUNS = 7


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give European options on arrays of one size, and QuantLib's objects one by one."""
    count, quantlib_count = max(1, int(_FULL_COUNT * scale)), max(1, int(_FULL_QUANTLIB_COUNT * scale))
    book = _Book(count)
    _agree(book)
    values = Contender(name="options on arrays", run=book.values, operation_count=count)
    with quantlib_on(_VALUATION_DATE) as today:
        yield [
            Comparison(
                name="European options over numpy and scipy.ndtr",
                unit="options",
                subject=values,
                comparator=Contender(name="numpy, scipy.ndtr in chunks", run=book.scipy_values, operation_count=count),
            ),
            *(
                Comparison(
                    name=f"European options over QuantLib, shared engine, {how}",
                    unit="options",
                    subject=values,
                    comparator=Contender(name="VanillaOption", run=run, operation_count=quantlib_count),
                )
                for how, run in _quantlib_options(today, quantlib_count).items()
            ),
            Comparison(
                name="price and four greeks over BlackCalculator",
                unit="options",
                subject=Contender(name="value and greeks on arrays", run=book.greeks, operation_count=count),
                comparator=Contender(
                    name="BlackCalculator", run=_black_calculators(book, quantlib_count), operation_count=quantlib_count
                ),
            ),
        ]


class _Book:
    """Random options, calls and puts, of one year."""

    def __init__(self, count: int) -> None:
        random = np.random.default_rng(20260616)
        self.forward = random.uniform(50.0, 100.0, count)
        self.strike = random.uniform(50.0, 100.0, count)
        self.volatility = random.uniform(0.2, 0.6, count)
        self.years = random.uniform(0.1, 1.0, count)
        self.discount = np.exp(-_RATE * self.years)
        self.sign = random.choice([-1.0, 1.0], count)
        self.total = self.volatility * np.sqrt(self.years)
        self._out = np.empty(count)
        self._room = [np.empty(_CACHE_COUNT) for _ in range(3)]

    def values(self) -> FloatArray:
        return black76_value_per_t(
            forward_per_t=self.forward,
            strike_per_t=self.strike,
            total_volatility=self.total,
            discount_factor=self.discount,
            option_sign=self.sign,
        )

    def greeks(self) -> object:
        return black76_greeks(
            forward_per_t=self.forward,
            strike_per_t=self.strike,
            volatility=self.volatility,
            expiry_years=self.years,
            discount_factor=self.discount,
            option_sign=self.sign,
        )

    def scipy_values(self) -> FloatArray:
        """Value by numpy and scipy at their best: buffers used again, chunks that stay in the cache, no checks."""
        for start in range(0, self._out.size, _CACHE_COUNT):
            rows = slice(start, start + _CACHE_COUNT)
            out, forward, strike = self._out[rows], self.forward[rows], self.strike[rows]
            total, sign = self.total[rows], self.sign[rows]
            d1, d2, work = (room[: out.size] for room in self._room)
            np.divide(forward, strike, out=d1)
            np.log(d1, out=d1)
            np.divide(d1, total, out=d1)
            np.multiply(total, 0.5, out=work)
            np.add(d1, work, out=d1)
            np.subtract(d1, total, out=d2)
            np.multiply(d1, sign, out=d1)
            np.multiply(d2, sign, out=d2)
            ndtr(d1, out=d1)
            ndtr(d2, out=d2)
            np.multiply(d1, forward, out=d1)
            np.multiply(d2, strike, out=d2)
            np.subtract(d1, d2, out=out)
            np.multiply(out, sign, out=out)
            np.multiply(out, self.discount[rows], out=out)
        return self._out


def _agree(book: _Book) -> None:
    """Hold that both sides give the same: a faster wrong number would be no comparison."""
    difference = float(np.abs(book.values() - book.scipy_values()).max())
    assert difference < 1e-11, f"the two sides differ by {difference}"


def _quantlib_options(today: ql.Date, count: int) -> dict[str, Callable[[], float]]:
    """Give valuations of QuantLib's options of one expiry on one engine: built for it as a book comes, and kept."""
    day_count = ql.Actual365Fixed()
    rate = ql.YieldTermStructureHandle(ql.FlatForward(today, _RATE, day_count))
    surface = ql.BlackConstantVol(today, ql.NullCalendar(), _VOLATILITY, day_count)
    spot = ql.QuoteHandle(ql.SimpleQuote(75.0))
    engine = ql.AnalyticEuropeanEngine(ql.BlackProcess(spot, rate, ql.BlackVolTermStructureHandle(surface)))
    exercise = ql.EuropeanExercise(today + _EXPIRY_DAYS)
    terms = [
        (ql.Option.Call if place % 2 else ql.Option.Put, strike)
        for place, strike in enumerate(np.linspace(50.0, 100.0, count).tolist())
    ]

    def option_of(kind: int, strike: float) -> ql.VanillaOption:
        option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), exercise)
        option.setPricingEngine(engine)
        return option

    options = [option_of(*term) for term in terms]

    def revalue() -> float:
        # Each is asked anew: what QuantLib remembers of the last run would measure nothing.
        total = 0.0
        for option in options:
            option.recalculate()
            total += option.NPV()
        return total

    return {
        "built and valued": lambda: sum(option_of(*term).NPV() for term in terms),
        "kept and valued again": revalue,
    }


def _black_calculators(book: _Book, count: int) -> Callable[[], float]:
    """Give value, delta, gamma, vega and theta of QuantLib's calculator, its payoffs made beforehand."""
    columns = (book.forward, book.strike, book.total, book.discount, book.years, book.sign)
    rows = list(zip(*(column[:count].tolist() for column in columns), strict=True))
    payoffs = [ql.PlainVanillaPayoff(ql.Option.Call if row[5] > 0 else ql.Option.Put, row[1]) for row in rows]

    def revalue() -> float:
        total = 0.0
        for (forward, _, deviation, discount, years, _), payoff in zip(rows, payoffs, strict=True):
            black = ql.BlackCalculator(payoff, forward, deviation, discount)
            total += black.value() + black.deltaForward() + black.gammaForward()
            total += black.vega(years) + black.theta(forward, years)
        return total

    return revalue


def main(arguments: list[str] | None = None) -> int:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pricing_options", description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"interleaved runs, {_RUNS} unless said")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, 1 unless said")
    given = parser.parse_args(arguments)
    with load_stated() as stated, comparisons(given.scale) as found:
        rows = measure_all(found, runs=given.runs)
        print(f"# pricing options: {stated().line()}")
    for row in rows:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
