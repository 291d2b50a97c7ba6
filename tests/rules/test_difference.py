"""Two versions of a table side by side; what differs was written down by hand."""

from dataclasses import replace

import pytest

from carbonfin.rules.difference import ChangeKind, differences
from carbonfin.rules.tables import DecisionTable, HitPolicy
from tests.rules.samples import sample_table

COLUMNS = {"grade": "code{A,B,C}"}
STANDING = sample_table(COLUMNS, [("A", "-30"), ("B", "-10"), ("C|null", "0")])


def told(old: DecisionTable, new: DecisionTable) -> list[tuple[ChangeKind, str, str, str, str]]:
    return [(one.kind, one.row, one.column, one.before, one.after) for one in differences(old, new)]


def test_a_table_does_not_differ_from_itself() -> None:
    assert told(STANDING, STANDING) == []


def test_a_cell_an_output_and_a_row_that_came() -> None:
    new = sample_table(COLUMNS, [("A", "-40"), ("B,C", "-10"), ("C|null", "0"), ("null", "5")])
    assert told(STANDING, new) == [
        (ChangeKind.CHANGED, "R1", "bp", "-30", "-40"),
        (ChangeKind.CHANGED, "R2", "grade", "B", "B,C"),
        (ChangeKind.ADDED, "R4", "", "", "null → 5"),
    ]


def test_a_row_that_went() -> None:
    new = sample_table(COLUMNS, [("A", "-30"), ("B", "-10")])
    assert told(STANDING, new) == [(ChangeKind.REMOVED, "R3", "", "C|null → 0", "")]


def test_a_column_that_came_is_told_once_and_not_in_every_row() -> None:
    new = sample_table(
        COLUMNS | {"years": "whole[0..30] count"}, [("A", "-", "-30"), ("B", "-", "-10"), ("C|null", "-|null", "0")]
    )
    assert told(STANDING, new) == [
        (ChangeKind.ADDED, "", "years", "", "years / years whole[0..30] count"),
    ]


@pytest.mark.parametrize("policy", [HitPolicy.UNIQUE, HitPolicy.ANY])
def test_another_hit_policy(policy: HitPolicy) -> None:
    new = sample_table(COLUMNS, [("A", "-30"), ("B", "-10"), ("C|null", "0")], policy=policy)
    assert told(STANDING, new) == [(ChangeKind.CHANGED, "", "table.hit_policy", "first", policy.value)]


def test_rows_that_change_places() -> None:
    new = replace(STANDING, rows=(STANDING.rows[1], STANDING.rows[0], STANDING.rows[2]))
    assert told(STANDING, new) == [(ChangeKind.MOVED, "", "table.rows", "R1, R2, R3", "R2, R1, R3")]
