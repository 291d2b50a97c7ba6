"""`python -m benchmarks NAME [--json]`: a line a row, `name: ratio (subject, comparator)`."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks import (
    chain,
    collateral,
    haircuts,
    ledger,
    loans,
    portfolio,
    pricing,
    ratings,
    reporting,
    rules,
    schedule,
    stored_books,
)
from benchmarks.harness import Comparison, Load, Measured, load_stated, measure_all

BENCHMARKS: dict[str, Callable[[float], AbstractContextManager[list[Comparison]]]] = {
    "ledger": ledger.comparisons,
    "schedule": schedule.comparisons,
    "portfolio": portfolio.comparisons,
    "pricing": pricing.comparisons,
    "chain": chain.comparisons,
    "collateral": collateral.comparisons,
    "loans": loans.comparisons,
    "ratings": ratings.comparisons,
    "rules": rules.comparisons,
    "haircuts": haircuts.comparisons,
    "reporting": reporting.comparisons,
}
_AFTERWARDS = {"pricing": (stored_books.comparisons,)}
"""Rows measured when the benchmark's others are done: those hold QuantLib's date, for which a request would wait."""
_RUNS = 7


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks named, all if none is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS) + "; none for all")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--runs", type=_positive, default=_RUNS, help=f"interleaved runs, {_RUNS} unless said")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, 1 unless said")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    results = {name: run(name, runs=given.runs, scale=given.scale) for name in given.names or BENCHMARKS}
    if given.json:
        plain = {
            name: {"load": dataclasses.asdict(load), "rows": [dataclasses.asdict(row) for row in rows]}
            for name, (load, rows) in results.items()
        }
        print(json.dumps(plain, ensure_ascii=False, indent=2))
        return 0
    for name, (load, rows) in results.items():
        print(f"# {name}: {load.line()}")
        for row in rows:
            print(row.line())
    return 0


def run(name: str, *, runs: int, scale: float) -> tuple[Load, list[Measured]]:
    """Run one benchmark and give its rows with the load it met."""
    with load_stated() as stated:
        rows: list[Measured] = []
        for part in (BENCHMARKS[name], *_AFTERWARDS.get(name, ())):
            with part(scale) as comparisons:
                rows += measure_all(comparisons, runs=runs)
        return stated(), rows


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "at least one run"
        raise argparse.ArgumentTypeError(message)
    return number


if __name__ == "__main__":
    sys.exit(main())
