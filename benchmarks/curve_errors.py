"""`python -m benchmarks.curve_errors FILE`: what the futures curve makes of an expiry it was not shown.

The file has the columns date, delivery (YYYY-MM) and settle, as the EEX workbooks give them. Of each day and strip one
expiry is left out, the curve is built of the others, and its price for that one is compared with the settlement.
Beside it stand interpolations that take the same neighbours. Between expiries the curve is log-linear by design, so
that its inner errors are those of `log-linear, numpy.interp`: that row shows that the curve does what it says, and the
linear and the nearest price are what it may be judged by. At the ends the curve holds carry level and numpy the price.
A delivery month is taken at its last Monday, the rule of the listed Decembers without their holiday shifts. A
settlement more than 2.5 times away from its day's median is left out: the file gives contracts without a price as 0.01.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from statistics import median

import numpy as np

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.units import Currency
from pricing.calc.curves.futures import FuturesQuote, Phase, futures_curves
from pricing.calc.curves.nodes import FloatArray, serial_of, serials_of

_EXPIRIES_MIN = 4
_RATIO_MAX = Decimal("2.5")  # to the median of the day: contracts without a price stand at 0.01
_FLAT_CARRY_DAYS = 900
# One phase: since 2008 units are carried from each phase into the next at one for one.
_PHASES = (
    Phase(
        scheme=Scheme.EUA,
        name="2008-2030",
        first_delivery=date(2008, 1, 1),
        last_delivery=date(2030, 12, 31),
        banks_into_next=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Relative errors of one method at one place of the strip, in basis points of the price.

    Attributes:
        method: The curve, or what stands beside it.
        place: inner for an expiry between others, outer for the first or the last.
        count: Expiries left out.
        mean_bp: Mean absolute error.
        root_mean_square_bp: Root of the mean squared error.
        largest_bp: Largest absolute error.
    """

    method: str
    place: str
    count: int
    mean_bp: float
    root_mean_square_bp: float
    largest_bp: float

    def line(self) -> str:
        """Give it as a row of a table."""
        return (
            f"| {self.place} | {self.method} | {self.count:,} | {self.mean_bp:.2f} | {self.root_mean_square_bp:.2f} "
            f"| {self.largest_bp:.1f} |"
        )


def last_monday(year: int, month: int) -> date:
    """Give the last Monday of a month."""
    end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return end - timedelta(days=end.weekday())


def strips(path: Path, *, every: int) -> Iterator[tuple[date, list[FuturesQuote]]]:
    """Give the strip of each day with at least four live expiries, of every so-many days."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["settle"] and float(row["settle"]) > 0]
    for place, (text, of_day) in enumerate(groupby(rows, key=lambda row: row["date"])):
        day = date.fromisoformat(text)
        quotes = [
            FuturesQuote(
                scheme=Scheme.EUA,
                vintage=None,
                currency=Currency.EUR,
                delivery_date=last_monday(int(row["delivery"][:4]), int(row["delivery"][5:])),
                price_per_t=Decimal(row["settle"]),
                quote_date=day,
            )
            for row in of_day
        ]
        middle = median(quote.price_per_t for quote in quotes)
        live = sorted(
            (
                quote
                for quote in quotes
                if quote.delivery_date >= day
                and max(quote.price_per_t / middle, middle / quote.price_per_t) <= _RATIO_MAX
            ),
            key=lambda quote: quote.delivery_date,
        )
        if place % every == 0 and len(live) >= _EXPIRIES_MIN:
            yield day, live


def left_out(day: date, strip: Sequence[FuturesQuote], place: int) -> dict[str, float]:
    """Give the relative error of each method for the expiry left out, a fraction of its settlement."""
    missing, others = strip[place], [*strip[:place], *strip[place + 1 :]]
    (curve,) = futures_curves(
        valuation_date=day,
        quotes=others,
        phases=_PHASES,
        stale_after_days=0,
        price_ratio_max=_RATIO_MAX,
        flat_carry_days=_FLAT_CARRY_DAYS,
        calendar_known_until=None,
    )
    actual = float(missing.price_per_t)
    at = serial_of(missing.delivery_date)
    nodes = serials_of([quote.delivery_date for quote in others])
    known = np.array([float(quote.price_per_t) for quote in others])
    given = {
        "futures curve": float(curve.forwards_per_t(np.array([at]))[0]),
        "log-linear, numpy.interp": float(np.exp(np.interp(at, nodes, np.log(known)))),
        "linear, numpy.interp": float(np.interp(at, nodes, known)),
        "price of the nearest expiry": float(known[int(np.argmin(np.abs(nodes - at)))]),
    }
    return {method: price / actual - 1 for method, price in given.items()}


def strip_errors(path: Path, *, every: int = 1) -> tuple[Errors, ...]:
    """Leave out each expiry of each strip and give the errors by place and method."""
    found: dict[tuple[str, str], list[float]] = {}
    for day, strip in strips(path, every=every):
        for place in range(len(strip)):
            where = "inner" if 0 < place < len(strip) - 1 else "outer"
            for method, error in left_out(day, strip, place).items():
                found.setdefault((where, method), []).append(1e4 * error)
    return tuple(_summary(where, method, np.array(errors)) for (where, method), errors in sorted(found.items()))


def _summary(place: str, method: str, errors: FloatArray) -> Errors:
    sizes = np.abs(errors)
    return Errors(
        method=method,
        place=place,
        count=sizes.size,
        mean_bp=float(sizes.mean()),
        root_mean_square_bp=float(np.sqrt(np.mean(sizes**2))),
        largest_bp=float(sizes.max()),
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the errors as a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curve_errors", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--every", type=int, default=1, help="take one day of so many, 1 unless said")
    given = parser.parse_args(arguments)
    print("| expiry left out | method | count | mean bp | root mean square bp | largest bp |")
    print("| --- | --- | --- | --- | --- | --- |")
    for errors in strip_errors(given.file, every=given.every):
        print(errors.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
