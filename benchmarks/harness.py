"""Subject and comparator in one process, in interleaved runs; the load of the machine is told with the figures."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One side of a comparison.

    Attributes:
        name: What it is, in words.
        run: Does the work once.
        operation_count: Operations in one run; rates are per operation.
    """

    name: str
    run: Callable[[], object]
    operation_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A rate that must be reached, where there is no peer to run beside."""

    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A subject beside its comparator, both doing operations of the same kind or of stated kinds."""

    name: str
    unit: str
    subject: Contender
    comparator: Contender | Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Median rates of both sides.

    Attributes:
        ratio: Subject's rate over the comparator's: above one, the subject is faster.
        best_ratio: The same of the quickest run of each side, which other work beside them disturbed least.
        spread: Largest over smallest ratio of single runs; far from one, the machine was not quiet.
    """

    name: str
    unit: str
    subject: str
    subject_per_s: float
    comparator: str
    comparator_per_s: float
    ratio: float
    best_ratio: float
    spread: float
    runs: int

    def line(self) -> str:
        """Give the row as text."""
        return (
            f"{self.name}: {self.ratio:.3g} ({self.subject} {self.subject_per_s:,.0f} {self.unit}/s, "
            f"{self.comparator} {self.comparator_per_s:,.0f} {self.unit}/s; spread {self.spread:.2f}, "
            f"{self.runs} runs; best runs {self.best_ratio:.3g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What else the machine was doing, and what ran."""

    cpu_count: int
    load_before: float
    load_after: float
    python: str
    numpy: str
    quantlib: str
    sqlalchemy: str

    def line(self) -> str:
        """Give the load as text."""
        return (
            f"load {self.load_before:.2f} before, {self.load_after:.2f} after, on {self.cpu_count} processors; "
            f"Python {self.python}, numpy {self.numpy}, QuantLib {self.quantlib}, SQLAlchemy {self.sqlalchemy}"
        )


def measure(comparison: Comparison, *, runs: int) -> Measured:
    """Run both sides in turn, each first in every other run, and give median rates.

    Both sides run once before anything is timed; garbage is collected between runs, not in them.
    """
    assert runs > 0, "a figure needs a run"
    sides: dict[str, Contender | Bound] = {"subject": comparison.subject, "comparator": comparison.comparator}
    for side in sides.values():
        if isinstance(side, Contender):
            side.run()
    seconds: dict[str, list[float]] = {"subject": [], "comparator": []}
    for number in range(runs):
        for role in ("subject", "comparator") if number % 2 == 0 else ("comparator", "subject"):
            side = sides[role]
            seconds[role].append(_timed(side) if isinstance(side, Contender) else 1 / side.per_s)
    ratios = [theirs / ours for ours, theirs in zip(seconds["subject"], seconds["comparator"], strict=True)]
    return Measured(
        name=comparison.name,
        unit=comparison.unit,
        subject=comparison.subject.name,
        subject_per_s=1 / statistics.median(seconds["subject"]),
        comparator=comparison.comparator.name if isinstance(comparison.comparator, Contender) else "bound",
        comparator_per_s=1 / statistics.median(seconds["comparator"]),
        ratio=statistics.median(ratios),
        best_ratio=min(seconds["comparator"]) / min(seconds["subject"]),
        spread=max(ratios) / min(ratios),
        runs=runs,
    )


def _timed(side: Contender) -> float:
    """Give seconds per operation of one run."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        side.run()
        return (time.perf_counter() - start) / side.operation_count
    finally:
        gc.enable()


@contextmanager
def load_stated() -> Iterator[Callable[[], Load]]:
    """Note the load at the start; what is handed out gives it with the load at that moment."""
    before = os.getloadavg()[0]

    def stated() -> Load:
        return Load(
            cpu_count=os.cpu_count() or 1,
            load_before=before,
            load_after=os.getloadavg()[0],
            python=platform.python_version(),
            numpy=version("numpy"),
            quantlib=version("QuantLib"),
            sqlalchemy=version("sqlalchemy"),
        )

    yield stated


def measure_all(comparisons: Sequence[Comparison], *, runs: int) -> list[Measured]:
    """Measure each comparison."""
    return [measure(comparison, runs=runs) for comparison in comparisons]
