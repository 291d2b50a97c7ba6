"""The whole trace of a table: every row, and of every row every cell, however many there are."""

from datetime import date

from carbonfin.rules.decide import RowState
from carbonfin.rules.policies import Refused
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import DecisionTable, HitPolicy, TableVersion
from carbonfin.rules.whole_trace import TableAsked, WholeTrace, whole_trace
from tests.rules.samples import sample_table

COLUMNS = {"x": "whole[1..40] count", "c": "code{A,B}", "f": "boolean"}


def recorded(table: DecisionTable) -> RecordedTable:
    return RecordedTable.of(TableVersion(table=table, valid_from=date(2025, 1, 1), known_from=date(2025, 1, 1)))


def said(whole: WholeTrace) -> list[tuple[str, str, str]]:
    """Each row with its state, and of its cells the first letter: fits, fails (x), missing (?)."""
    letters = {"fits": "f", "fails": "x", "missing": "?"}
    return [(row.row_id, row.state.value, "".join(letters[one.state] for one in row.cells)) for row in whole.rows]


def test_every_cell_is_told_past_the_first_that_fails() -> None:
    rows = [(">5", "B", "true", "1"), ("3", "A", "-", "2"), ("3", "A", "-|null", "3"), ("-", "!=A", "null", "4")]
    whole = whole_trace(TableAsked(table=recorded(sample_table(COLUMNS, rows)), facts={"x": 3, "c": "A"}))
    assert whole.names == ("x", "c", "f")
    assert whole.values == ("3", "A", None)
    assert said(whole) == [
        ("R1", "failed", "xx?"), ("R2", "unknown", "ff?"), ("R3", "hit", "fff"), ("R4", "failed", "fxf"),
    ]  # fmt: skip
    assert [one.text for one in whole.rows[0].cells] == [">5", "B", "true"]
    # R2 comes first and takes whatever f is, so that it answers though f is missing.
    assert [row.row_id for row in whole.rows if row.answers] == ["R2"]
    assert whole.refused is None


def test_all_rows_are_there_however_many() -> None:
    table = sample_table({"x": "whole[1..40] count"}, [(str(place), "1") for place in range(1, 41)])
    whole = whole_trace(TableAsked(table=recorded(table), facts={"x": 40}))
    assert [row.row_id for row in whole.rows] == [f"R{place}" for place in range(1, 41)]
    assert [row.row_id for row in whole.rows if row.state is RowState.HIT] == ["R40"]


def test_a_table_that_gives_no_answer_says_why() -> None:
    table = sample_table({"x": "whole[1..40] count"}, [("<5", "1"), (">=5", "2")], policy=HitPolicy.UNIQUE)
    whole = whole_trace(TableAsked(table=recorded(table), facts={"x": "many"}))
    assert (whole.values, whole.refused) == ((None,), Refused.MISSING_INPUT)
    assert not any(row.answers for row in whole.rows)


def test_a_table_that_was_not_asked_has_no_rows_but_a_reason() -> None:
    asked = TableAsked(
        table=recorded(sample_table(COLUMNS, [("-", "-", "-", "1")])), not_asked_zh="过期", not_asked_en="x"
    )
    whole = whole_trace(asked)
    assert (whole.rows, whole.values, whole.refused) == ((), (), None)
    assert whole.titles == (("x", "x"), ("c", "c"), ("f", "f"))
