"""Each finding about a table that came from a workbook names the cells it is about; addresses counted by hand."""

from datetime import date

import pytest

from carbonfin.documents.table_workbooks import read_tables_workbook, tables_workbook
from carbonfin.rules.contracts import contract_findings
from carbonfin.rules.file_places import expected_words, finding_places
from carbonfin.rules.tables import HitPolicy, TableVersion
from carbonfin.rules.validate import Finding, FindingKind, validate
from tests.rules.samples import sample_table

COLUMNS = {"grade": "code{A,B}", "points": "number[0..100] points"}
"""Seven lines of the head, a blank one, six of the columns: the first rule is in line 15, the domains in line 13."""


def _found(rows: list[tuple[str, ...]], policy: HitPolicy) -> list[tuple[FindingKind, list[tuple[str, str]]]]:
    table = sample_table(COLUMNS, rows, policy=policy)
    version = TableVersion(table=table, valid_from=date(2026, 1, 1), known_from=date(2026, 1, 1))
    (read,), faults, (places,) = read_tables_workbook(tables_workbook([version]))
    assert not faults
    return [
        (one.kind, [(place.place, place.found) for place in finding_places(one, read.table, places)])
        for one in validate(read.table).findings
        if one.is_fatal
    ]


def test_rows_that_quarrel_are_named_with_all_their_cells() -> None:
    rows = [("A", ">= 50", "-30"), ("A", "> 70", "-20"), ("A", "< 50", "0"), ("B", "-", "0")]
    assert _found(rows, HitPolicy.UNIQUE) == [
        (FindingKind.OVERLAP, [("规则!A15:D15", "A · >= 50 → -30"), ("规则!A16:D16", "A · > 70 → -20")])
    ]


def test_a_cell_that_nothing_fits_is_named_alone() -> None:
    rows = [("!=A, !=B", "-", "-30"), ("-", "-", "0")]
    assert _found(rows, HitPolicy.FIRST) == [(FindingKind.DEAD_ROW, [("规则!B15", "!=A, !=B")])]


def test_a_row_that_never_answers_is_named_whole() -> None:
    rows = [("-", "-", "-30"), ("A", "> 70", "-20")]
    assert _found(rows, HitPolicy.FIRST) == [(FindingKind.DEAD_ROW, [("规则!A16:D16", "A · > 70 → -20")])]


def test_a_gap_is_named_by_the_sheet_and_the_table() -> None:
    assert _found([("A", "-", "-30")], HitPolicy.UNIQUE) == [(FindingKind.GAP, [("规则!B1", "sample.table")])]


def test_an_input_it_cannot_do_without_is_named_by_the_cell_of_its_domain() -> None:
    table = sample_table(COLUMNS, [("A", ">= 50", "-30"), ("A", "< 50", "0"), ("B", "-|null", "0")])
    version = TableVersion(table=table, valid_from=date(2026, 1, 1), known_from=date(2026, 1, 1))
    _, _, (places,) = read_tables_workbook(tables_workbook([version]))
    findings = [one for one in validate(table).findings if one.kind is FindingKind.UNDECIDED_WHEN_MISSING]
    assert [[(place.place, place.found) for place in finding_places(one, table, places)] for one in findings] == [
        [("规则!B13", "code{A,B}")], [("规则!C13", "number[0..100] points")],
    ]  # fmt: skip


def test_a_table_that_nothing_reads_is_named_by_its_own_name() -> None:
    table = sample_table(COLUMNS, [("A", "-", "-30"), ("B", "-", "0")])
    version = TableVersion(table=table, valid_from=date(2026, 1, 1), known_from=date(2026, 1, 1))
    _, _, (places,) = read_tables_workbook(tables_workbook([version]))
    (finding,) = contract_findings((), table)
    assert [one.place for one in finding_places(finding, table, places)] == ["规则!B1"]


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_kind_says_what_should_stand_there(kind: FindingKind) -> None:
    assert all(expected_words(kind))


def test_a_row_that_is_not_in_the_file_is_told_by_the_whole_table() -> None:
    table = sample_table(COLUMNS, [("A", "-", "-30"), ("B", "-", "0")])
    version = TableVersion(table=table, valid_from=date(2026, 1, 1), known_from=date(2026, 1, 1))
    _, _, (places,) = read_tables_workbook(tables_workbook([version]))
    finding = Finding(kind=FindingKind.OVERLAP, rows=("R9",), counter_example={}, zh="", en="")
    assert finding_places(finding, table, places) == ()
