"""Lines that move alike as one: a book of many lines is as many exposures as it has different kinds."""

import math
from collections.abc import Sequence
from dataclasses import replace

from pricing.calc.portfolio_risk.exposures import ExposedLine


def compressed(lines: Sequence[ExposedLine]) -> list[ExposedLine]:
    """Give one line in place of all that have the same factor, currencies and years, their legs summed exactly.

    What a scenario makes of their sum is the sum of what it makes of each, to rounding. Options stand as they are.

    Args:
        lines: In any order; the answer does not hang on it but in the order of its own lines.
    """
    groups: dict[tuple[object, ...], list[ExposedLine]] = {}
    for place, one in enumerate(lines):
        years = one.years if one.is_forward_priced or one.fixed_leg != 0.0 else 0.0
        key = (place,) if one.option is not None else (
            one.factor, one.price_currency, one.fixed_currency, one.is_forward_priced, years
        )  # fmt: skip
        groups.setdefault(key, []).append(one)
    return [
        mine[0]
        if len(mine) == 1
        else replace(
            mine[0],
            price_leg=math.fsum(one.price_leg for one in mine),
            fixed_leg=math.fsum(one.fixed_leg for one in mine),
        )
        for mine in groups.values()
    ]
