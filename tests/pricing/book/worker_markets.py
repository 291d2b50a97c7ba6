"""Markets that do something in the worker process that asks them; imported by workers, so that it imports little."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pricing.calc.book.buckets import BucketMarket, Buckets
from tests.pricing.book.books import market_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledMarket:
    """Kills its own process as `kill -9` does, once for each mark that is missing, when a certain leaf is valued."""

    marks: tuple[Path, ...]
    bucket_count: int

    def __call__(self, buckets: Buckets) -> BucketMarket:
        missing = [mark for mark in self.marks if not mark.exists()]
        if buckets.count == self.bucket_count and missing:
            missing[0].touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return market_of(buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneThreadMarket:
    """Knows no price where numpy's matrix products have one thread, so that every line fails."""

    def __call__(self, buckets: Buckets) -> BucketMarket:
        np.ones((400, 400)) @ np.ones((400, 400))
        threads = len(list(Path("/proc/self/task").iterdir()))
        market = market_of(buckets)
        known = np.full(buckets.count, np.nan) if threads == 1 else market.forward_per_t
        return replace(market, forward_per_t=known)
