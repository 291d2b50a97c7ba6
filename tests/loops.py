"""Coroutines run where no other loop runs: the browser's tests keep theirs running in the thread of the tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own, and give what it gave."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()
