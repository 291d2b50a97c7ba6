"""Many items of which some may fail: good values and named failures side by side."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that failed: which, where, why, and what to do."""

    item: str
    field: str | None
    detail: str
    zh: str
    remedy: str = ""
    remedy_zh: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[T]):
    """Values that succeeded and failures that did not; nothing is lost."""

    values: tuple[T, ...]
    failures: tuple[Failure, ...] = ()
