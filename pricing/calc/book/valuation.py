"""The value of a book on whole arrays: linear positions from their bucket's numbers, options from their bucket's price.

Every operation is element by element and exactly rounded, in one order: a position's value has the same bits wherever
a book is cut into parts. Values are in the contract's currency; `BookTotals` converts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.buckets import Book, BucketMarket, Buckets, check_market
from pricing.calc.book.columns import FloatArray, Instrument, Settlement
from pricing.calc.book.sums import AMOUNT_MAX, Totals, merged, summable, total, totals_by_group
from pricing.calc.options.black76 import black76_value_per_t

_CHUNK = 32_768  # a result of this length stays in a processor's second cache while it is made
_LONG_RUN = 1_024  # positions of one bucket from which its numbers are taken as scalars


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTotals:
    """Sums of a book's present values, the same bits for any division of the work.

    Attributes:
        by_netting_set: In reporting currency, one group a netting set.
        whole_book: In reporting currency, one group.
        by_currency: In each currency's own units, one group a currency.
        failures: Lines that no sum holds, as their value is not finite or has 2^44 units or more.
    """

    by_netting_set: Totals
    whole_book: Totals
    by_currency: Totals
    failures: tuple[Failure, ...]


def effective_discount(buckets: Buckets, market: BucketMarket) -> FloatArray:
    """Give what a bucket is discounted by, shape (buckets,): 1 for spot and what is margined daily."""
    undiscounted = buckets.is_margined | (buckets.instrument == Instrument.SPOT)
    return np.where(undiscounted, 1.0, market.discount_factor)


def option_prices_per_t(buckets: Buckets, market: BucketMarket) -> FloatArray:
    """Give the price of each option bucket by Black-76 and 0 of the others, shape (buckets,)."""
    prices = np.zeros(buckets.count)
    option = np.flatnonzero(buckets.is_option)
    if option.size:
        prices[option] = _prices_of(buckets, market, first=int(option[0]), last=int(option[-1]) + 1)
    return prices


def _prices_of(buckets: Buckets, market: BucketMarket, *, first: int, last: int) -> FloatArray:
    part = slice(first, last)
    discount = market.discount_factor[part]
    return black76_value_per_t(
        forward_per_t=market.forward_per_t[part],
        strike_per_t=buckets.strike_per_t[part],
        total_volatility=market.total_volatility[part],
        discount_factor=np.where(buckets.is_margined[part], 1.0, discount),
        option_sign=buckets.option_sign[part].astype(np.float64),
    )


def present_values(
    book: Book, market: BucketMarket, *, out: FloatArray | None = None, first: int = 0, last: int | None = None
) -> FloatArray:
    """Give the present value of each position, in the book's order and the contract's currency.

    Spot S q; forward ((F - K) q) D; option p q with p by Black-76 at its bucket; what is margined daily is worth 0
    after settlement.

    Args:
        book: Positions by bucket.
        market: The market at its buckets, all of it known.
        out: Where to write, shape (last - first,); new if not given.
        first: First position to value.
        last: Position after the last one to value; the end of the book if not given.

    Returns:
        Shape (last - first,).

    Raises:
        InvalidInput: The market is of other buckets, not known everywhere, or `out` or the range does not fit.
    """
    return _values(book, market, out=out, first=first, last=last, margined_worth=False)


def contract_values(
    book: Book, market: BucketMarket, *, out: FloatArray | None = None, first: int = 0, last: int | None = None
) -> FloatArray:
    """Give `present_values`, but for what is margined daily its gain since the trade, (F - K) q or p q.

    Differences between two markets hold the variation margin paid between them.

    Raises:
        InvalidInput: As `present_values`.
    """
    return _values(book, market, out=out, first=first, last=last, margined_worth=True)


def book_totals(book: Book, market: BucketMarket, *, values: FloatArray, netting_sets: int) -> BookTotals:
    """Sum the values of a whole book in the reporting currency, by netting set, and by currency.

    Args:
        book: Positions by bucket.
        market: Gives the exchange rates.
        values: Of every position, contract currency, shape (positions,).
        netting_sets: Number of netting sets; one without positions has 0.

    Raises:
        InvalidInput: A netting set of the book lies beyond their number.
        CalculationFailed: The values are so large together that their sums may not fit.
    """
    positions = book.positions
    if positions.count and int(positions.netting_set_id.max()) >= netting_sets:
        raise InvalidInput(
            f"the book names netting set {positions.netting_set_id.max()}, {netting_sets} are known",
            zh=f"持仓的净额结算组编号超出范围（共 {netting_sets} 组）",
            field="netting_set_id",
            remedy="Give the number of netting sets in the caller's list.",
            remedy_zh="请核对净额结算组个数。",
        )
    reporting = values * market.reporting_per_currency[positions.currency_id]
    left_out = np.flatnonzero(~(summable(values) & summable(reporting)))
    failures = tuple(
        _unsummed(int(positions.line_number[row]), float(values[row]), float(reporting[row]))
        for row in left_out.tolist()
    )
    if failures:
        values, reporting = values.copy(), reporting.copy()
        values[left_out] = reporting[left_out] = 0.0
    return BookTotals(
        by_netting_set=totals_by_group(reporting, group=positions.netting_set_id, group_count=netting_sets),
        whole_book=total(reporting),
        by_currency=totals_by_group(
            values, group=positions.currency_id, group_count=market.reporting_per_currency.size
        ),
        failures=tuple(sorted(failures, key=_line_of)),
    )


def merged_totals(parts: Sequence[BookTotals]) -> BookTotals:
    """Add the totals of parts of a book, at least one, in any order and grouping with the same bits.

    Raises:
        CalculationFailed: The values are so large together that their sums may not fit.
    """
    return BookTotals(
        by_netting_set=merged(part.by_netting_set for part in parts),
        whole_book=merged(part.whole_book for part in parts),
        by_currency=merged(part.by_currency for part in parts),
        failures=tuple(sorted((failure for part in parts for failure in part.failures), key=_line_of)),
    )


def _line_of(failure: Failure) -> int:
    return int(failure.item.removeprefix("line "))


def _unsummed(line: int, value: float, reporting: float) -> Failure:
    return Failure(
        item=f"line {line}",
        field="quantity_t",
        detail=f"the value is {value:.6g} in the contract's currency and {reporting:.6g} in the reporting one; "
        f"values below {AMOUNT_MAX:.0f} can be summed",
        zh=f"第 {line} 行：估值结果为 {value:.6g}（折算 {reporting:.6g}），须小于 {AMOUNT_MAX:.0f} 才能计入合计",
        remedy="Check tonnes against 万吨, the price and the exchange rate; split the line if it is so large.",
        remedy_zh="请核对数量（吨而非万吨）、价格与汇率；确有如此规模的，请拆成多行。",
    )


def _values(
    book: Book,
    market: BucketMarket,
    *,
    out: FloatArray | None,
    first: int,
    last: int | None,
    margined_worth: bool,
) -> FloatArray:
    end = book.positions.count if last is None else last
    found = np.empty(max(end - first, 0)) if out is None else out
    if not 0 <= first <= end <= book.positions.count or found.shape != (end - first,):
        raise InvalidInput(
            f"positions {first} to {end} of {book.positions.count} into {found.shape}",
            zh="估值区间与持仓或结果数组不符",
            field="first",
            remedy="Give a range within the book and an array of its length.",
            remedy_zh="请核对区间与结果数组长度。",
        )
    check_known(book.buckets, market)
    discount = effective_discount(book.buckets, market)
    for instrument, settlement, low, high in book.families():
        start, stop = max(first, int(book.bucket_start[low])), min(end, int(book.bucket_start[high]))
        if start >= stop:
            continue
        if settlement is Settlement.FUTURES_STYLE and not margined_worth:
            found[start - first : stop - first] = 0.0
        elif instrument is Instrument.EUROPEAN_OPTION:
            _write_options(book, market, start=start, stop=stop, out=found[start - first : stop - first])
        else:
            _write_linear(book, market.forward_per_t, discount, start=start, stop=stop, out=found[start - first :])
    return found


def check_known(buckets: Buckets, market: BucketMarket) -> None:
    """Refuse a market that is not of these buckets, or not known where they need it.

    Raises:
        InvalidInput: One of these; `priced_part` takes out what is not known.
    """
    check_market(buckets, market)
    option = buckets.is_option
    needed = (
        market.forward_per_t,
        effective_discount(buckets, market),
        market.total_volatility[option],
        market.reporting_per_currency[buckets.currency_id],
    )
    if any(bool(np.isnan(values).any()) for values in needed):
        raise InvalidInput(
            "the market is not known at every bucket of the book",
            zh="部分分组缺少市场数据",
            field="market",
            remedy="Take such buckets out by `priced_part`, which names their lines.",
            remedy_zh="请先剔除缺少市场数据的持仓。",
        )


def _write_linear(
    book: Book,
    forward: FloatArray,
    discount: FloatArray,
    *,
    start: int,
    stop: int,
    out: FloatArray,
) -> None:
    """Write ((F - K) q) D of positions start to stop; a long run of one bucket has scalars for F and D."""
    strike, quantity = book.positions.strike_per_t, book.positions.quantity_t
    for low, high, bucket in _pieces(book, start=start, stop=stop):
        work = out[low - start : high - start]
        if bucket is None:
            buckets, counts = _runs(book, low=low, high=high)
            np.subtract(np.repeat(forward[buckets], counts), strike[low:high], out=work)
            np.multiply(work, quantity[low:high], out=work)
            np.multiply(work, np.repeat(discount[buckets], counts), out=work)
        else:
            np.subtract(forward[bucket], strike[low:high], out=work)
            np.multiply(work, quantity[low:high], out=work)
            np.multiply(work, discount[bucket], out=work)


def _write_options(book: Book, market: BucketMarket, *, start: int, stop: int, out: FloatArray) -> None:
    """Write p q of positions start to stop, p once a bucket."""
    buckets, counts = _runs(book, low=start, high=stop)
    prices = _prices_of(book.buckets, market, first=buckets.start, last=buckets.stop)
    quantity = book.positions.quantity_t[start:stop]
    if prices.size == quantity.size:
        np.multiply(prices, quantity, out=out)
    else:
        np.multiply(np.repeat(prices, counts), quantity, out=out)


def _runs(book: Book, *, low: int, high: int) -> tuple[slice, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Give the buckets of positions low to high, and how many of these each has."""
    first = int(np.searchsorted(book.bucket_start, low, side="right")) - 1
    last = int(np.searchsorted(book.bucket_start, high, side="left"))
    edges = book.bucket_start[first : last + 1].clip(low, high)
    return slice(first, last), np.diff(edges)


def _pieces(book: Book, *, start: int, stop: int) -> Iterator[tuple[int, int, int | None]]:
    """Cut positions start to stop into pieces of at most a chunk: long runs of one bucket, and what lies between."""
    buckets, counts = _runs(book, low=start, high=stop)
    edges = start + np.concatenate(([0], np.cumsum(counts)))
    done = start
    for run in np.flatnonzero(counts >= _LONG_RUN).tolist():
        low, high = int(edges[run]), int(edges[run + 1])
        yield from _chunks(done, low, bucket=None)
        yield from _chunks(low, high, bucket=buckets.start + run)
        done = high
    yield from _chunks(done, stop, bucket=None)


def _chunks(low: int, high: int, *, bucket: int | None) -> Iterator[tuple[int, int, int | None]]:
    for start in range(low, high, _CHUNK):
        yield start, min(start + _CHUNK, high), bucket
