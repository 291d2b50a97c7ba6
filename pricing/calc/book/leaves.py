"""A book in leaves: blocks of a fixed count of positions that are valued one by one, anywhere, and add exactly.

The size of a leaf is part of the format of a stored book. Sums are exact whatever the grouping (`sums`), and a value
does not depend on its neighbours (`valuation`), so that any number of processes gives the same bits.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError
from pricing.calc.book.blocks import from_block
from pricing.calc.book.buckets import BucketMarket, Buckets, bucketed, priced_part
from pricing.calc.book.columns import FloatArray, PositionColumns, checked_positions
from pricing.calc.book.valuation import BookTotals, book_totals, present_values

LEAF_POSITIONS = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMarket:
    """What all leaves of a book are valued on; it travels to other processes, so `market_at` must pickle.

    Attributes:
        valuation_date: Day of valuation.
        market_at: Gives the market at buckets, NaN where it is not known, the same for a bucket in any company.
        product_count: Products known, numbered from 0.
        currency_count: Currencies known, numbered from 0.
        netting_set_count: Netting sets known, numbered from 0.
    """

    valuation_date: date
    market_at: Callable[[Buckets], BucketMarket]
    product_count: int
    currency_count: int
    netting_set_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafValue:
    """The values of one leaf.

    Attributes:
        line_number: Lines that were valued, ascending, shape (lines,); empty where totals alone were asked for.
        present_value: Of each, in the contract's currency, shape (lines,); empty as well.
        totals: Sums of the leaf; `merged_totals` adds those of all.
        failures: Lines that were not valued, and those that no sum holds, by line.
    """

    line_number: npt.NDArray[np.int32]
    present_value: FloatArray
    totals: BookTotals
    failures: tuple[Failure, ...]


def leaves_of(positions: PositionColumns) -> Iterator[PositionColumns]:
    """Cut positions into leaves in their order; an empty book has one, without positions."""
    for first in range(0, max(positions.count, 1), LEAF_POSITIONS):
        yield positions.at(slice(first, first + LEAF_POSITIONS))


def value_leaf(positions: PositionColumns, market: BookMarket, *, totals_only: bool = False) -> LeafValue:
    """Value the positions that can be valued, and name the others.

    Args:
        positions: Rows of the leaf.
        market: What they are valued on.
        totals_only: Leave out the values of single lines, which cost more to bring home than to calculate.

    Raises:
        InvalidInput: The market is not one of the leaf's buckets.
        CalculationFailed: The values are so large together that their sums may not fit.
    """
    checked = checked_positions(
        positions,
        valuation_date=market.valuation_date,
        product_count=market.product_count,
        currency_count=market.currency_count,
        netting_set_count=market.netting_set_count,
    )
    book = bucketed(checked.values[0])
    priced = priced_part(book, market.market_at(book.buckets))
    values = present_values(priced.book, priced.market)
    totals = book_totals(priced.book, priced.market, values=values, netting_sets=market.netting_set_count)
    line_number = priced.book.positions.line_number
    order = np.zeros(0, dtype=np.intp) if totals_only else np.argsort(line_number, kind="stable")
    failures = (*checked.failures, *priced.failures, *totals.failures)
    return LeafValue(
        line_number=line_number[order],
        present_value=values[order],
        totals=totals,
        failures=tuple(sorted(failures, key=lambda failure: int(failure.item.removeprefix("line ")))),
    )


def value_block(
    number: int, content: Callable[[], bytes], market: BookMarket, *, totals_only: bool = False
) -> LeafValue:
    """Value a stored block; what a worker process is asked to do.

    Args:
        number: Place of the block in its book, from 0, by which a fault names it.
        content: Gives the block's bytes, where they are needed.
        market: What it is valued on.
        totals_only: As `value_leaf`.

    Raises:
        InvalidInput: The block cannot be read.
        CalculationFailed: As `value_leaf`.
    """
    try:
        return value_leaf(from_block(content()), market, totals_only=totals_only)
    except CarbonFinError as error:
        raise type(error)(
            f"block {number}: {error.detail}",
            zh=f"第 {number + 1} 个数据块：{error.zh}",
            field=error.field,
            remedy=error.remedy,
            remedy_zh=error.remedy_zh,
            **{**error.context, "block": number},
        ) from error
