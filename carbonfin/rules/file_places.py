"""Where a table stands in the file it was read from, and with it where each finding about it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from carbonfin.rules.tables import DecisionTable, TableRow, output_text
from carbonfin.rules.validate import Finding, FindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlaces:
    """Where the parts of one table stand, in the words of its file: cells of a sheet, rules and fields of a node.

    Attributes:
        whole: The table itself.
        rows: Each row, by its number.
        columns: The head of each column, by its name.
        cells: Each cell, by row and column.
        days: The days of the version, by `valid_from`, `valid_to` and `known_from`, where the file says them itself.
    """

    whole: str
    rows: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[tuple[str, str], str] = field(default_factory=dict)
    days: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPlace:
    """One place a finding is about, and what stands there."""

    place: str
    found: str


def finding_places(finding: Finding, table: DecisionTable, places: FilePlaces) -> tuple[FindingPlace, ...]:
    """Give the places in the file that a finding is about, with what stands there.

    A cell that nothing fits is named alone. Rows are named whole, with the cells that tell them from another row. An
    input without a row or an answer is about the heads of the columns, where the domains stand.
    """
    if finding.rows:
        named = {row.id: row for row in table.rows}
        only = tuple(finding.counter_example) if finding.kind is FindingKind.DEAD_ROW else ()
        rows = [named[one] for one in finding.rows if one in named]
        if len(only) == 1:
            return tuple(_cell(row, only[0], table, places) for row in rows)
        return tuple(FindingPlace(place=places.rows.get(row.id, places.whole), found=_row_text(row)) for row in rows)
    if finding.kind is FindingKind.UNDECIDED_WHEN_MISSING:
        asked = [one for one in table.inputs if finding.counter_example.get(one.name) == "null"]
        return tuple(
            FindingPlace(place=places.columns.get(one.name, places.whole), found=one.domain.describe())
            for one in asked
        )  # fmt: skip
    return (FindingPlace(place=places.whole, found=table.name),)


def _cell(row: TableRow, column: str, table: DecisionTable, places: FilePlaces) -> FindingPlace:
    texts = {one.name: cell.text for one, cell in zip(table.inputs, row.cells, strict=True)}
    return FindingPlace(place=places.cells.get((row.id, column), places.whole), found=texts.get(column, ""))


def _row_text(row: TableRow) -> str:
    return f"{' · '.join(cell.text for cell in row.cells)} → {' · '.join(map(output_text, row.outputs))}"


_EXPECTED = {
    FindingKind.GAP: ("应有一行适用于反例所示的输入", "a row that takes the input shown"),
    FindingKind.OVERLAP: ("各行不得同时命中，或改用允许的命中策略", "rows that never hit together, or another policy"),
    FindingKind.DEAD_ROW: ("应有输入能命中该行，否则请删除", "a row that some input reaches; else remove it"),
    FindingKind.NOT_PROVEN: ("请减少规则行或条件，使校验得出结论", "fewer rows or conditions, to be proven"),
    FindingKind.UNDECIDED_WHEN_MISSING: (
        "如缺失时也须作答，请加写含 null 的规则行",
        "a row with null, if it has to answer",
    ),
    FindingKind.CONTRACT_BREACH: ("应符合读取该表的决定的约定", "what the decisions that read it expect"),
    FindingKind.QUOTE_WITHOUT_TEXT: (
        "请清空引文，或核对原文后更改可信程度",
        "no quote, or a text that was read and is graded so",
    ),
    FindingKind.UNREAD: ("无须处理", "nothing to do"),
    FindingKind.DAYS_REFUSED: ("请更正日期", "other days"),
    FindingKind.DAYS_LEFT_OUT: ("应首尾相接；规则确已废止的，声明空档", "versions that join; else declare the gap"),
}


def expected_words(kind: FindingKind) -> tuple[str, str]:
    """Say in Chinese and English what should stand there instead."""
    return _EXPECTED[kind]
