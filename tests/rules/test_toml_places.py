"""Lines of tables in a TOML file, counted by hand; nothing is said where the lines might be others."""

from carbonfin.rules.file_places import finding_places
from carbonfin.rules.table_files import tables_from_toml
from carbonfin.rules.tables import DecisionTable
from carbonfin.rules.toml_places import toml_places
from carbonfin.rules.validate import FindingKind, validate

TEXT = """\
# margins
[[table]]
name = "sample.table"
title_zh = "示例表"
title_en = "Sample table"
hit_policy = "unique"
valid_from = 2026-01-01
known_from = 2026-01-01

[[table.input]]
name = "grade"
title_zh = "等级"
title_en = "Grade"
domain = "code{A,B}"

[[table.output]]
name = "bp"
title_zh = "优惠"
title_en = "Margin"
kind = "bp"

[[table.row]]
id = "first"
when = ["A"]
then = ["-30"]
document = "示例"
grade = "sample"
confirmed = true

[[ table.row ]]  # the other
id = "second"
when = ["A, B"]
then = ["0"]
document = "示例"
grade = "sample"
confirmed = true
"""


def _tables(text: str) -> list[DecisionTable]:
    return [one.table for one in tables_from_toml(text, file_name="t.toml")]


def test_each_part_is_told_by_its_line() -> None:
    (places,) = toml_places(TEXT, _tables(TEXT), file_name="t.toml")
    assert places.whole == "t.toml:3"
    assert places.columns == {"grade": "t.toml:14", "bp": "t.toml:20"}
    assert places.rows == {"first": "t.toml:23", "second": "t.toml:31"}
    assert places.cells["second", "grade"] == "t.toml:32"
    assert places.cells["first", "bp"] == "t.toml:25"


def test_rows_that_quarrel_are_told_by_their_lines() -> None:
    (table,) = _tables(TEXT)
    (places,) = toml_places(TEXT, [table], file_name="t.toml")
    overlap = next(one for one in validate(table).findings if one.kind is FindingKind.OVERLAP)
    assert [(one.place, one.found) for one in finding_places(overlap, table, places)] == [
        ("t.toml:23", "A → -30"), ("t.toml:31", "A, B → 0"),
    ]  # fmt: skip


def test_two_tables_of_a_file_have_their_own_lines() -> None:
    text = TEXT + TEXT.replace("sample.table", "other.table")
    first, second = toml_places(text, _tables(text), file_name="t.toml")
    assert (first.whole, second.whole) == ("t.toml:3", f"t.toml:{3 + TEXT.count(chr(10))}")


def test_nothing_is_said_where_the_lines_tell_other_tables() -> None:
    tables = _tables(TEXT)
    assert toml_places(TEXT.replace('id = "first"', 'id = """\nfirst"""'), tables, file_name="t.toml") == ()
    assert toml_places(TEXT.replace("[[table.row]]\n", "[[table.row]]\n[[table]]\n", 1), tables, file_name="t") == ()
    assert toml_places("", tables, file_name="t.toml") == ()
