"""Forwards in columns beside ORE's commodity forwards: `python -m benchmarks.ore_forwards [--runs N] [--scale PART]`.

A command of its own: ORE's wheel carries a QuantLib of its own, and a process that has loaded both may end in the
middle of the other one's work.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
import ORE as ore  # noqa: N811 - the name of a module, not of a constant

from benchmarks.harness import Comparison, Contender, load_stated, measure_all
from benchmarks.pricing_books import forward_book, market_at, net_value
from pricing.calc.book.valuation import present_values

_TODAY = date(2025, 6, 30)
_FORWARDS, _ORE_FORWARDS = 10_000_000, 2_000
_RATE, _SPOT, _STRIKE, _QUANTITY_T = 0.015, 75.02, 77.5, 1000.0
_DAYS = 365


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give the one row at a part of its full size."""
    count, single = max(1_000, int(_FORWARDS * scale)), max(10, int(_ORE_FORWARDS * scale))
    book = forward_book(count)
    market, out = market_at(book.buckets), np.empty(count)
    theirs = ore_forwards(single)
    years = (np.arange(single) % _DAYS + 1) / 365.0
    closed_form = _QUANTITY_T * float(np.sum(_SPOT - _STRIKE * np.exp(-_RATE * years)))
    assert abs(net_value(theirs) / closed_form - 1.0) < 1e-9, "ORE values another trade"
    yield [
        Comparison(
            name=f"{count} forwards over ORE CommodityForward, shared engine",
            unit="forwards",
            subject=Contender(
                name="forwards in columns", run=lambda: present_values(book, market, out=out), operation_count=count
            ),
            comparator=Contender(name="CommodityForward", run=lambda: net_value(theirs), operation_count=single),
        )
    ]


def ore_forwards(count: int) -> list[Any]:
    """Give forwards on a commodity's price curve as ORE's wheel has them, on one engine."""
    today = ore.Date(_TODAY.day, _TODAY.month, _TODAY.year)
    ore.Settings.instance().evaluationDate = today
    days = ore.Actual365Fixed()
    dates = [today, today + (_DAYS + 1)]
    prices = [_SPOT, _SPOT * float(np.exp(_RATE * (_DAYS + 1) / 365.0))]
    curve = ore.LogLinearInterpolatedPriceCurve(today, dates, prices, days, ore.CNYCurrency())
    index = ore.CommoditySpotIndex("CEA", ore.NullCalendar(), ore.PriceTermStructureHandle(curve))
    discount = ore.YieldTermStructureHandle(ore.FlatForward(today, _RATE, days))
    engine = ore.DiscountingCommodityForwardEngine(discount)
    found = []
    for place in range(count):
        forward = ore.CommodityForward(
            index, ore.CNYCurrency(), ore.Position.Long, _QUANTITY_T, today + (place % _DAYS + 1), _STRIKE
        )
        forward.setPricingEngine(engine)
        found.append(forward)
    return found


def main() -> int:
    """Print the row with the load it met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ore_forwards", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    with load_stated() as stated, comparisons(given.scale) as rows:
        measured = measure_all(rows, runs=given.runs)
        print(f"# ORE: {stated().line()}")
    for row in measured:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
