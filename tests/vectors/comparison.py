"""Compare results with a case's expectations, and say what differs."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import CarbonFinError

Number = int | float | Decimal | Fraction


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a number may be off: relative to the expected value, or absolute."""

    value: float
    is_absolute: bool
    source: str

    def allows(self, expected: Number, found: Number, *, scale: float) -> bool:
        difference = abs(float(found) - float(expected))
        if self.is_absolute:
            return difference <= self.value
        return difference <= self.value * max(abs(float(expected)), scale)


DEFAULT_TOLERANCE = Tolerance(value=1e-9, is_absolute=False, source="default")


class UnknownKey(Exception):
    """A case holds a key the format does not know: what it means is not ours to guess."""


class Skip(Exception):
    """A case asks for something the project does not do yet; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    name: str
    outcome: Outcome
    why: str = ""


class Comparison:
    """Gathers the comparisons of one case."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.compared = 0
        self.differences: list[str] = []

    def number(self, name: str, expected: Number, found: Number, *, scale: float = 0.0) -> None:
        """Compare a number; `scale` is the size of the terms it was made from, where they cancel."""
        self.compared += 1
        finite = math.isfinite(float(found))
        if not finite or not self.tolerance.allows(expected, found, scale=scale):
            self.differences.append(f"{name}: expected {expected}, found {found}")

    def numbers(self, name: str, expected: Iterable[Number], found: Iterable[Number], *, scale: float = 0.0) -> None:
        """Compare two rows of numbers of the same length."""
        wanted, got = list(expected), list(found)
        if len(wanted) != len(got):
            self.same(f"{name} count", len(wanted), len(got))
        for place, (left, right) in enumerate(zip(wanted, got, strict=False)):
            self.number(f"{name}[{place}]", left, right, scale=scale)

    def same(self, name: str, expected: object, found: object) -> None:
        """Compare exactly."""
        self.compared += 1
        if expected != found:
            self.differences.append(f"{name}: expected {expected!r}, found {found!r}")

    def refused(self, name: str, call: Callable[[], object]) -> None:
        """Hold that a call is refused with a precise answer."""
        self.compared += 1
        try:
            found = call()
        except CarbonFinError:
            return
        self.differences.append(f"{name}: expected a refusal, found {found!r}")

    def result(self, name: str) -> CaseResult:
        if self.differences:
            return CaseResult(name=name, outcome=Outcome.FAILED, why="; ".join(self.differences[:3]))
        if not self.compared:
            return CaseResult(name=name, outcome=Outcome.SKIPPED, why="nothing was compared")
        return CaseResult(name=name, outcome=Outcome.PASSED)


def only_keys(found: Mapping[str, object], *known: str) -> None:
    """Hold that a mapping has no key but the known ones."""
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise UnknownKey(", ".join(unknown))


def run_case(name: str, tolerance: Tolerance, body: Callable[[Comparison], None]) -> CaseResult:
    """Run one case; an unexpected error is a failure of the case, never of the run."""
    comparison = Comparison(tolerance)
    try:
        body(comparison)
    except UnknownKey as unknown:
        return CaseResult(name=name, outcome=Outcome.SKIPPED, why=f"unknown key: {unknown}")
    except Skip as skip:
        return CaseResult(name=name, outcome=Outcome.SKIPPED, why=str(skip))
    except Exception as error:  # noqa: BLE001 - whatever a case breaks is that case's failure, and is shown
        return CaseResult(name=name, outcome=Outcome.FAILED, why=f"{type(error).__name__}: {error}")
    return comparison.result(name)
