"""What a batch keeps of an answer: worked out by hand from the rows of small tables."""

import pytest

from carbonfin.rules.decide import decide
from carbonfin.rules.row_hits import RowHit
from carbonfin.rules.tables import HitPolicy
from tests.rules.samples import sample_table

COLUMNS = {"grade": "code{A,B,C}", "x": "number[0..10] ratio"}
ROWS = [("A", ">= 5", "1"), ("A", "-", "2"), ("null", "-", "3"), ("-", "-", "4")]


@pytest.mark.parametrize(
    ("asked", "place", "mask"),
    [
        ({"grade": "A", "x": 7.0}, 0, 0b1011),
        ({"grade": "A", "x": 1.0}, 1, 0b1010),
        ({"grade": "B", "x": 1.0}, 3, 0b1000),
        ({"grade": None, "x": 1.0}, None, 0b1110),  # rows 2 and 4 hang on the grade; the second comes first
        ({"grade": "A", "x": None}, None, 0b1011),  # the first row hangs on x
    ],
)
def test_the_row_that_hit_and_the_rows_that_fit_are_kept(
    asked: dict[str, object], place: int | None, mask: int
) -> None:
    hit = RowHit.of(decide(sample_table(COLUMNS, ROWS), asked))
    assert (hit.place, hit.mask) == (place, mask)


def test_of_several_rows_the_first_is_named() -> None:
    table = sample_table(COLUMNS, ROWS[1:], policy=HitPolicy.COLLECT)
    assert RowHit.of(decide(table, {"grade": "A", "x": 1.0})) == RowHit(place=0, mask=0b101)
