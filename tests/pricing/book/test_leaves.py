"""A book in leaves over processes: the same bits for any number of them, nothing lost with a worker that is killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from pricing import service
from pricing.calc.book.blocks import to_block
from pricing.calc.book.buckets import BucketMarket, Buckets
from pricing.calc.book.columns import PositionColumns
from pricing.calc.book.leaves import LEAF_POSITIONS, BookMarket, LeafValue, leaves_of, value_leaf
from pricing.calc.book.sums import Totals
from pricing.calc.book.valuation import BookTotals, book_totals, merged_totals, present_values
from tests.pricing.book.books import NETTING_SETS, VALUATION_DATE, market_of, random_book, random_positions
from tests.pricing.book.worker_markets import KilledMarket, OneThreadMarket

_COUNT = 9_000
_PARTS = 9


def _market(market_at: object = market_of) -> BookMarket:
    assert callable(market_at)
    return BookMarket(
        valuation_date=VALUATION_DATE,
        market_at=market_at,
        product_count=3,
        currency_count=2,
        netting_set_count=NETTING_SETS,
    )


def _positions() -> PositionColumns:
    """Give a book with three bad lines in different blocks."""
    positions = random_positions(_COUNT)
    columns = {name: getattr(positions, name).copy() for name in ("quantity_t", "currency_id", "netting_set_id")}
    columns["quantity_t"][10] = np.nan
    columns["currency_id"][4_500] = 7
    columns["netting_set_id"][8_999] = NETTING_SETS
    return replace(positions, **columns)


def _blocks(*, parts: int = _PARTS) -> list[Callable[[], bytes]]:
    positions = _positions()
    edges = np.linspace(0, _COUNT, parts + 1).astype(int)
    return [partial(bytes, to_block(positions.at(slice(low, high)))) for low, high in pairwise(edges)]


def _bits(totals: Totals) -> tuple[bytes, bytes, int]:
    return totals.whole.tobytes(), totals.part.tobytes(), totals.gross


def _all_bits(totals: BookTotals) -> list[tuple[bytes, bytes, int]]:
    return [_bits(each) for each in (totals.by_netting_set, totals.whole_book, totals.by_currency)]


def _whole(
    values: list[LeafValue],
) -> tuple[bytes, bytes, list[tuple[bytes, bytes, int]], list[tuple[str, str | None]]]:
    return (
        np.concatenate([value.line_number for value in values]).tobytes(),
        np.concatenate([value.present_value for value in values]).tobytes(),
        _all_bits(merged_totals([value.totals for value in values])),
        [(failure.item, failure.field) for value in values for failure in value.failures],
    )


@pytest.fixture(scope="module")
def alone() -> object:
    """The book valued whole, in this process, by the functions of one book."""
    return _whole([value_leaf(_positions(), _market())])


@pytest.mark.parametrize("worker_count", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_bits(worker_count: int, alone: object, tmp_path: Path) -> None:
    blocks = _blocks()
    for place in (2, 5):  # stored ones are read where they are needed
        stored = tmp_path / f"{place}.block"
        stored.write_bytes(blocks[place]())
        blocks[place] = stored.read_bytes
    found = list(service.value_blocks(blocks, _market(), worker_count=worker_count))
    assert len(found) == _PARTS
    assert _whole(found) == alone


def test_the_totals_and_failures_are_the_books(alone: object) -> None:
    found = _whole(list(service.value_blocks(_blocks(parts=4), _market(), worker_count=1)))
    assert found == alone
    assert found[3] == [("line 11", "quantity_t"), ("line 4501", "currency_id"), ("line 9000", "netting_set_id")]
    book = random_book(_COUNT)
    bad = np.isin(book.positions.line_number, (11, 4_501, 9_000))
    market = market_of(book.buckets)
    values = np.where(bad, 0.0, present_values(book, market))
    expected = book_totals(book, market, values=values, netting_sets=NETTING_SETS)
    assert found[2] == _all_bits(expected)


@pytest.mark.parametrize("worker_count", [1, 2])
def test_totals_alone_are_the_same_and_bring_no_lines_home(
    worker_count: int, alone: tuple[bytes, bytes, object, object]
) -> None:
    values = service.value_blocks(_blocks(), _market(), worker_count=worker_count, totals_only=True)
    assert _whole(list(values)) == (b"", b"", *alone[2:])


def test_leaves_have_the_size_the_format_says() -> None:
    assert LEAF_POSITIONS == 262_144
    positions = random_positions(LEAF_POSITIONS + 1)
    first, second = leaves_of(positions)
    assert (first.count, second.count, second.line_number.tolist()) == (LEAF_POSITIONS, 1, [LEAF_POSITIONS + 1])
    assert [each.count for each in leaves_of(positions.at(slice(0, 0)))] == [0]


def _bucket_count(block: Callable[[], bytes], number: int) -> int:
    """Give the buckets of a block, by which the market knows it."""
    counts: list[int] = []

    def noted(buckets: Buckets) -> BucketMarket:
        counts.append(buckets.count)
        return market_of(buckets)

    list(service.value_blocks([block], _market(noted), worker_count=1))
    assert len(counts) == 1, number
    return counts[0]


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path: Path, alone: object) -> None:
    blocks = _blocks()
    marks = (tmp_path / "first", tmp_path / "second")
    killed = KilledMarket(marks=marks, bucket_count=_bucket_count(blocks[4], 4))
    found = list(service.value_blocks(blocks, _market(killed), worker_count=2))
    assert all(mark.exists() for mark in marks), "no worker was killed"
    assert _whole(found) == alone


def test_a_worker_killed_from_outside_between_blocks_loses_nothing(alone: object) -> None:
    values = service.value_blocks(_blocks(), _market(), worker_count=2)
    found = [next(values)]
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    os.kill(workers[0].pid or 0, signal.SIGKILL)
    workers[0].join()
    found.extend(values)
    assert _whole(found) == alone


def test_workers_are_kept_from_one_book_to_the_next_and_replaced_when_killed(alone: object) -> None:
    with service.BlockWorkers(2) as workers:
        assert _whole(list(workers.values(_blocks(), _market()))) == alone
        before = {worker.pid for worker in multiprocessing.active_children()}
        assert _whole(list(workers.values(_blocks(parts=4), _market()))) == alone
        assert {worker.pid for worker in multiprocessing.active_children()} == before
        for pid in before:
            os.kill(pid or 0, signal.SIGKILL)
        assert _whole(list(workers.values(_blocks(), _market()))) == alone
    assert not multiprocessing.active_children()


def test_a_block_that_ends_its_worker_each_time_is_named(tmp_path: Path) -> None:
    blocks = _blocks()
    marks = tuple(tmp_path / str(number) for number in range(50))
    killed = KilledMarket(marks=marks, bucket_count=_bucket_count(blocks[6], 6))
    values = service.value_blocks(blocks, _market(killed), worker_count=2)
    found: list[LeafValue] = []
    with pytest.raises(CalculationFailed, match=r"ended 3 times while blocks 6(, \d)* were valued") as failed:
        found.extend(values)  # what came home before stands
    assert failed.value.remedy
    assert failed.value.context["blocks"] == [6, 7, 8]
    assert 3 <= sum(mark.exists() for mark in marks) <= 9


@pytest.mark.parametrize("worker_count", [1, 2])
def test_a_block_that_cannot_be_read_is_named(worker_count: int) -> None:
    blocks = _blocks(parts=3)
    blocks[1] = partial(bytes, blocks[1]()[:-1])
    values = service.value_blocks(blocks, _market(), worker_count=worker_count)
    next(values)
    with pytest.raises(InvalidInput, match="block 1: this is not a block of positions") as refused:
        next(values)
    assert refused.value.context["block"] == 1


def test_workers_multiply_with_one_thread() -> None:
    (found, _) = service.value_blocks(_blocks(parts=2), _market(OneThreadMarket()), worker_count=2)
    assert {failure.field for failure in found.failures} >= {"product_id"}
    assert found.line_number.size == 0


def test_markets_that_are_partial_functions_travel() -> None:
    found = next(service.value_blocks(_blocks(parts=2), _market(partial(market_of, level=75.0)), worker_count=2))
    assert found.line_number.size > 4_000
