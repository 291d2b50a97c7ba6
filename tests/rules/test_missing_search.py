"""The short cuts of the search for missing inputs: each says neither more nor less than trying every set of rows."""

from collections.abc import Iterator
from itertools import product

import pytest

from carbonfin.rules.missing_search import MissingSearch, agree, all_known, best_is_sure, first_is_sure
from carbonfin.rules.policies import RowSets
from carbonfin.rules.tables import HitPolicy
from tests.rules.samples import sample_table

ROWS = range(3)
SETS = range(1 << len(ROWS))


def _situations() -> Iterator[tuple[int, int]]:
    """Give what may remain and what surely does."""
    return ((alive, kept) for alive, kept in product(SETS, SETS) if kept & ~alive == 0)


def _remaining(alive: int, kept: int) -> list[set[int]]:
    """Give every set of rows that may remain, written without bits."""
    return [
        {row for row in ROWS if rows >> row & 1} for rows in SETS if rows & kept == kept and rows & ~alive == 0
    ]  # fmt: skip


def _set(rows: int) -> set[int]:
    return {row for row in ROWS if rows >> row & 1}


def test_the_first_row_is_sure_where_it_is_in_every_set() -> None:
    for (alive, kept), certain in product(_situations(), SETS):
        expected = all(rows and min(rows) in _set(certain) for rows in _remaining(alive, kept))
        assert first_is_sure(alive, kept, certain=certain) is expected, (alive, kept, certain)


@pytest.mark.parametrize("ranked", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_best_row_is_sure_where_it_is_in_every_set(ranked: tuple[int, ...]) -> None:
    for (alive, kept), certain, naming in product(_situations(), SETS, SETS):
        expected = all(
            rows and min(rows, key=ranked.index) in _set(certain) and not rows & _set(naming)
            for rows in _remaining(alive, kept)
        )
        shown = best_is_sure(alive, kept, certain=certain, ranked=ranked, naming=naming)
        assert shown is expected, (alive, kept, certain, naming)


@pytest.mark.parametrize("classes", [(0, 0, 0), (0, 1, 2), (0, 0, 1), (0, 1, 0), (1, 0, 0)])
def test_rows_agree_where_they_do_in_every_set(classes: tuple[int, ...]) -> None:
    alike = [sum(1 << other for other in ROWS if classes[other] == classes[row]) for row in ROWS]
    for (alive, kept), certain in product(_situations(), SETS):
        expected = all(
            rows & _set(certain) and len({classes[row] for row in rows}) == 1 for rows in _remaining(alive, kept)
        )
        assert agree(alive, kept, certain=certain, alike=alike) is expected, (alive, kept, certain)


@pytest.mark.parametrize("needs_one", [True, False])
def test_all_is_known_where_it_is_in_every_set(*, needs_one: bool) -> None:
    for (alive, kept), takes_missing in product(_situations(), SETS):
        expected = all(rows <= _set(takes_missing) and (rows or not needs_one) for rows in _remaining(alive, kept))
        shown = all_known(alive, kept, takes_missing=takes_missing, needs_one=needs_one)
        assert shown is bool(expected), (alive, kept, takes_missing)


def test_the_same_rows_are_looked_at_once() -> None:
    """Three columns whose pieces take the same rows: two pieces each, and the second finds its rest looked at."""
    table = sample_table(
        {"x": "number[0..9] t", "y": "number[0..9] t", "z": "number[0..9] t", "last": "boolean"},
        [("-", "-", "-", "true", "1"), ("-", "-", "-", "false", "2")],
        policy=HitPolicy.UNIQUE,
    )
    both = 0b11
    axes = [[both, both], [both, both], [both, both], [0b01, 0b10]]
    search = MissingSearch(RowSets(table), axes, order=(0, 1, 2, 3), nodes_max=99)
    assert search.without(0) is None
    # x is missing: root, y's first piece, z's first piece, last's two leaves; z's second and y's second end at once.
    assert search.nodes_count == 7
