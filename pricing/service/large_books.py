"""Large books over processes: stored blocks go to workers one by one, and come home in their order with the same bits.

Python's own process pools do the work (decision record 0012): no scheduler, queue or protocol of ours. A block that was
lost with its worker is valued again, as valuing keeps nothing.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Self

from carbonfin.kernel.errors import CalculationFailed
from pricing.calc.book.leaves import BookMarket, LeafValue, value_block

_LOSSES_MAX = 3
_AHEAD = 2  # blocks a worker has before it: one at work, one waiting
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def value_blocks(
    blocks: Sequence[Callable[[], bytes]], market: BookMarket, *, worker_count: int, totals_only: bool = False
) -> Iterator[LeafValue]:
    """Value the blocks of a book, each a leaf, over processes started for it; `BlockWorkers.values` says how.

    Args:
        blocks: What gives the bytes of each, called by the worker that values it: `path.read_bytes` of a file.
        market: What all are valued on.
        worker_count: Processes; 1 works in this one.
        totals_only: Leave out the values of single lines.

    Raises:
        InvalidInput: A block cannot be read; the message names it.
        CalculationFailed: Workers were lost three times and no block was finished between.
    """
    if worker_count == 1:
        for number, block in enumerate(blocks):
            yield value_block(number, block, market, totals_only=totals_only)
        return
    with BlockWorkers(worker_count) as workers:
        yield from workers.values(blocks, market, totals_only=totals_only)


class BlockWorkers:
    """Processes that value blocks and are kept from one book to the next; for use in a `with` block, by one thread."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = _pool(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def values(
        self, blocks: Sequence[Callable[[], bytes]], market: BookMarket, *, totals_only: bool = False
    ) -> Iterator[LeafValue]:
        """Value the blocks of a book and give them in their order as they come.

        At most two blocks a worker are on their way, so that memory does not grow with the book.

        Raises:
            InvalidInput: A block cannot be read; the message names it.
            CalculationFailed: Workers were lost three times and no block was finished between.
        """
        waiting = deque(enumerate(blocks))
        task = partial(value_block, market=market, totals_only=totals_only)
        losses = 0
        while waiting:
            taken: deque[tuple[int, Callable[[], bytes]]] = deque()
            try:
                for value in _in_turn(self._pool, waiting, taken, task, ahead=_AHEAD * self._count):
                    losses = 0
                    yield value
            except BrokenProcessPool as error:
                # A pool that lost a worker takes no more work: what it did not bring home goes to a new one.
                self._pool.shutdown()
                self._pool = _pool(self._count)
                waiting.extendleft(reversed(taken))
                losses += 1
                if losses == _LOSSES_MAX:
                    raise _lost([number for number, _ in taken]) from error


def _in_turn(
    pool: ProcessPoolExecutor,
    waiting: deque[tuple[int, Callable[[], bytes]]],
    taken: deque[tuple[int, Callable[[], bytes]]],
    task: Callable[[int, Callable[[], bytes]], LeafValue],
    *,
    ahead: int,
) -> Iterator[LeafValue]:
    """Give the values of blocks in order; `taken` holds what is not home yet."""
    futures: deque[Future[LeafValue]] = deque()
    while waiting or taken:
        while waiting and len(taken) < ahead:
            taken.append(waiting.popleft())
            futures.append(pool.submit(task, *taken[-1]))
        value = futures.popleft().result()
        taken.popleft()
        yield value


def _pool(worker_count: int) -> ProcessPoolExecutor:
    """Give a pool of fresh processes: a fork of a process with threads may stand still for ever."""
    for name in _BLAS_THREADS:
        # Workers are the parallelism; a product of matrices has the same bits on any machine with one thread.
        os.environ.setdefault(name, "1")
    return ProcessPoolExecutor(max_workers=worker_count, mp_context=multiprocessing.get_context("spawn"))


def _lost(numbers: list[int]) -> CalculationFailed:
    named = ", ".join(str(number) for number in numbers)
    return CalculationFailed(
        f"worker processes ended {_LOSSES_MAX} times while blocks {named} were valued",
        zh=f"计算进程在处理数据块 {named}（从 0 起）时 {_LOSSES_MAX} 次意外终止",
        field="block",
        remedy="See the machine's log for what ended them, memory most often; use fewer processes.",
        remedy_zh="请查看系统日志中进程终止的原因（多为内存不足），并减少进程数。",
        blocks=numbers,
    )
