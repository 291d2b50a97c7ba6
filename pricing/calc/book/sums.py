"""Sums of amounts that do not depend on how the work was divided: fixed-point, hence associative.

A float64 amount v is taken as w + p 2^-30 with whole numbers w = rint(v), p = rint((v - w) 2^30): v to within 2^-31 of
a unit. Sums of w and p are sums of whole numbers below 2^53 and 2^63, which are exact in any order, so that totals
have the same bits for any number of workers and any grouping of positions into blocks. A total of n amounts differs
from the true sum by at most n 2^-31 units: less than a fen for 20 million positions, in practice far less.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CalculationFailed
from pricing.calc.book.columns import BoolArray, FloatArray, IntArray

_PARTS = 2.0**30
_PART_BITS = 30
_EXACT_MAX = 2.0**52
_SLICE_MAX = 2**20
AMOUNT_MAX = 2.0**44
"""Amounts from here on are not summed, in units of the currency or in tonnes."""
_GROSS_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums by group in fixed point, shape (groups,).

    Attributes:
        whole: Whole units.
        part: 2^-30ths of a unit, from 0 to 2^30 - 1.
        gross: Sizes of all amounts of all groups, in whole units: no sum of some of them is larger. Below 2^62, so that
            whether a sum is refused does not depend on its grouping either.
    """

    whole: IntArray
    part: IntArray
    gross: int

    def __post_init__(self) -> None:
        """Refuse sums that 64 bits might not hold."""
        if self.gross >= _GROSS_MAX:
            raise CalculationFailed(
                f"the amounts have {self.gross} units in all, {_GROSS_MAX} and more may have a total beyond 64 bits",
                zh="金额合计可能超出可表示的范围",
            )

    def amounts(self) -> FloatArray:
        """Give the sums as float64, rounded once."""
        return self.whole + self.part / _PARTS


def totals_by_group(values: FloatArray, *, group: npt.NDArray[np.integer], group_count: int) -> Totals:
    """Sum amounts by group; a group without any has 0.

    Args:
        values: Amounts, shape (positions,).
        group: Group of each, from 0 to group_count - 1, shape (positions,).
        group_count: Number of groups.

    Raises:
        CalculationFailed: An amount is not finite, or so large that whole units would be lost.
    """
    # bincount has no empty segment to trip over, as add.reduceat has, and adds whole numbers exactly.
    whole = np.zeros(group_count, dtype=np.int64)
    part = np.zeros(group_count, dtype=np.int64)
    gross = 0
    for piece in _pieces(values):
        units = np.rint(values[piece])
        gross += int(np.abs(units).sum())
        whole += np.bincount(group[piece], weights=units, minlength=group_count).astype(np.int64)
        rest = np.rint((values[piece] - units) * _PARTS)
        part += np.bincount(group[piece], weights=rest, minlength=group_count).astype(np.int64)
    return _carried(whole, part, gross=gross)


def total(values: FloatArray) -> Totals:
    """Sum amounts, as one group.

    Raises:
        CalculationFailed: An amount is not finite, or so large that whole units would be lost.
    """
    whole = part = gross = 0
    for piece in _pieces(values):
        units = np.rint(values[piece])
        gross += int(np.abs(units).sum())
        whole += int(units.sum())
        part += int(np.rint((values[piece] - units) * _PARTS).sum())
    return _carried(np.array([whole], dtype=np.int64), np.array([part], dtype=np.int64), gross=gross)


def summable(values: FloatArray) -> BoolArray:
    """Say of each amount whether it can be summed: it is finite and below 2^44 units."""
    return np.abs(values) < AMOUNT_MAX


def merged(totals: Iterable[Totals]) -> Totals:
    """Add totals of the same groups, at least one, in any order and grouping with the same bits.

    Raises:
        CalculationFailed: The amounts are so large together that their sums may not fit.
    """

    def added(left: Totals, right: Totals) -> Totals:
        assert left.whole.size == right.whole.size, "totals of other groups are not added"
        return _carried(left.whole + right.whole, left.part + right.part, gross=left.gross + right.gross)

    return reduce(added, totals)


def placed(totals: Totals, *, group: npt.NDArray[np.integer], group_count: int) -> Totals:
    """Give the totals of groups their places among more groups; those that have none there are 0.

    Args:
        totals: By the groups that are known.
        group: Place of each, from 0 to group_count - 1, no two alike, shape (groups known,).
        group_count: Number of groups in all.
    """
    whole = np.zeros(group_count, dtype=np.int64)
    part = np.zeros(group_count, dtype=np.int64)
    whole[group], part[group] = totals.whole, totals.part
    return Totals(whole=whole, part=part, gross=totals.gross)


def _carried(whole: IntArray, part: IntArray, *, gross: int) -> Totals:
    carry = part >> _PART_BITS
    return Totals(whole=whole + carry, part=part - (carry << _PART_BITS), gross=gross)


def _pieces(values: FloatArray) -> Iterator[slice]:
    """Cut amounts into pieces whose whole units have an exact sum in float64."""
    step = max(1, min(_SLICE_MAX, int(_EXACT_MAX // max(_largest(values), 1.0))))
    for first in range(0, values.size, step):
        yield slice(first, first + step)


def _largest(values: FloatArray) -> float:
    if not values.size:
        return 0.0
    largest = max(float(values.max()), -float(values.min()))
    if not largest < AMOUNT_MAX:  # also where it is NaN
        place = int(np.flatnonzero(~summable(values))[0])
        raise CalculationFailed(
            f"amount {place} is {values[place]}; amounts are finite and below 2^44 units",
            zh=f"第 {place + 1} 个金额 {values[place]} 不是有限数或过大",
            row=place,
        )
    return largest
