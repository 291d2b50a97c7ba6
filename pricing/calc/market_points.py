"""Reading what lines rest on off the curves of a day: once for all lines of the same terms, a gap for each without."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError
from pricing.calc.line_faults import failure_of
from pricing.calc.positions import PortfolioLine

TERMS = TypeVar("TERMS", bound=Hashable)
POINT = TypeVar("POINT")


def read_points(
    lines: Iterable[PortfolioLine], terms_of: Callable[[PortfolioLine], TERMS], read: Callable[[TERMS], POINT]
) -> tuple[tuple[POINT, ...], tuple[Failure, ...]]:
    """Give a point for each distinct terms, and a failure for each line whose terms have none; the others stand.

    Args:
        lines: Lines that are sound by themselves.
        terms_of: What tells one line's market from another's.
        read: Reads a point, or raises why there is none.
    """
    points: dict[TERMS, POINT] = {}
    errors: dict[TERMS, CarbonFinError] = {}
    gaps: list[Failure] = []
    for line in lines:
        terms = terms_of(line)
        if terms not in points and terms not in errors:
            try:
                points[terms] = read(terms)
            except CarbonFinError as error:
                errors[terms] = error
        if terms in errors:
            gaps.append(failure_of(line, errors[terms]))
    return tuple(points.values()), tuple(gaps)
