"""Lists in pages: a page begins after the keys of a row, not after a count, so rows that come in shift nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeAlias, TypeVar

import sqlalchemy as sa

from carbonfin.kernel.errors import InvalidInput

KeyValue: TypeAlias = str | int | date | datetime
T = TypeVar("T")
R = TypeVar("R")
Q = TypeVar("Q", bound=sa.Select[Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins and how long it is.

    Attributes:
        limit: At most so many rows.
        after: Keys of the row before the first; None for the first page.
    """

    limit: int
    after: tuple[KeyValue, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Generic[T]):
    """One page of a list.

    Attributes:
        items: Its rows, in the list's order.
        last: Keys of the last one where more follow, else None.
    """

    items: tuple[T, ...]
    last: tuple[KeyValue, ...] | None


def beginning_after(query: Q, keys: Sequence[Any], place: Place, *, descending: bool = False) -> Q:
    """Order a query by its keys and take one row more than the page holds, so that it is known whether more follow.

    The keys together name one row, and an index begins with them: each page then costs the same, wherever it begins.

    Raises:
        InvalidInput: The place is of another list.
    """
    if place.after is not None:
        _refuse_other_keys(keys, place.after)
        here = sa.tuple_(*keys)
        there = sa.tuple_(
            *(sa.literal(value, key.type) for key, value in zip(keys, place.after, strict=True)),
        )
        query = query.where(here < there if descending else here > there)
    order = [key.desc() if descending else key.asc() for key in keys]
    return query.order_by(*order).limit(place.limit + 1)


def slice_of(
    rows: Sequence[R], place: Place, *, keys: Callable[[R], tuple[KeyValue, ...]], value: Callable[[R], T]
) -> Slice[T]:
    """Cut what such a query found to the page."""
    shown = rows[: place.limit]
    more = len(rows) > place.limit
    return Slice(items=tuple(value(row) for row in shown), last=keys(shown[-1]) if more else None)


def cut(
    items: Sequence[T], place: Place, *, keys: Callable[[T], tuple[KeyValue, ...]], descending: bool = False
) -> Slice[T]:
    """Give a page of a list that is at hand whole, in the order of its keys, which together name one item.

    Raises:
        InvalidInput: The place is of another list.
    """
    ordered = sorted(items, key=keys, reverse=descending)
    after = place.after
    if after is not None:
        if ordered:
            _refuse_other_keys(keys(ordered[0]), after)
        ordered = [one for one in ordered if (keys(one) < after if descending else keys(one) > after)]
    return slice_of(ordered[: place.limit + 1], place, keys=keys, value=lambda one: one)


def _refuse_other_keys(keys: Sequence[Any], after: tuple[KeyValue, ...]) -> None:
    """Refuse a place that was given out when the list had other keys; the edge refuses those of other lists."""
    if len(keys) != len(after):
        raise InvalidInput(
            "after does not name a place of this list",
            zh="after 不是本列表中的位置",
            field="after",
            remedy="Begin again without after.",
            remedy_zh="请不填 after，从头读取。",
        )
