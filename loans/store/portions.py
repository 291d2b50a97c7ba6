"""Long lists of identifiers in portions that one question of either database takes."""

from collections.abc import Collection, Iterator, Sequence

_AT_ONCE = 400


def portions(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Give the distinct values in order, so many at a time; none of no values."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
