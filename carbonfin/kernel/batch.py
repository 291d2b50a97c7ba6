"""Many items of which some may fail: good values and named failures side by side."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from carbonfin.kernel.errors import CarbonFinError

T = TypeVar("T")


@contextmanager
def uncollected() -> Iterator[None]:
    """Spare a bulk calculation the search for cycles: it makes many values and no cycle, and each search reads all.

    Nothing is leaked: what is no longer named goes at once, and the search goes on afterwards.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that failed: which, where, why, and what to do."""

    item: str
    field: str | None
    detail: str
    zh: str
    remedy: str = ""
    remedy_zh: str = ""

    @classmethod
    def of(cls, item: str, error: CarbonFinError) -> "Failure":
        """Name an item that failed for an expected reason."""
        return cls(
            item=item, field=error.field, detail=error.detail, zh=error.zh, remedy=error.remedy,
            remedy_zh=error.remedy_zh,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[T]):
    """Values that succeeded and failures that did not; nothing is lost."""

    values: tuple[T, ...]
    failures: tuple[Failure, ...] = ()
