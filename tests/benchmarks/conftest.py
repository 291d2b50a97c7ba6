"""What all benchmarks' tests share."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def small_heap() -> Iterator[None]:
    """Let the harness sweep between its runs only what came since: the heap of a whole test run takes seconds."""
    gc.freeze()
    yield
    gc.unfreeze()
