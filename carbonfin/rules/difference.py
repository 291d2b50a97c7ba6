"""What one version of a table says otherwise than another: heads, columns, rows and their cells, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.rules.tables import DecisionTable, InputColumn, OutputColumn, TableRow, output_text


class ChangeKind(StrEnum):
    """What became of a part of a table."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs.

    Attributes:
        row: The row's number; empty where the whole table or a column is meant.
        column: The column's name, or which part of the table, clause or note, as `clause.grade`: names have no dot.
        before: What stood there; empty where nothing did.
        after: What would stand there.
    """

    kind: ChangeKind
    row: str
    column: str
    before: str
    after: str


def differences(old: DecisionTable, new: DecisionTable) -> tuple[Change, ...]:
    """Give everything that differs between two versions of a table: head, columns, then rows in the new order.

    Rows are the same where their numbers are; columns where their names are. Equal digests give nothing.
    """
    return (*_heads(old, new), *_columns(old, new), *_rows(old, new))


def _heads(old: DecisionTable, new: DecisionTable) -> Iterator[Change]:
    yield from _changed("", _head(old), _head(new))


def _head(table: DecisionTable) -> dict[str, str]:
    return {
        "table.name": table.name, "table.title_zh": table.title_zh, "table.title_en": table.title_en,
        "table.hit_policy": table.hit_policy.value,
    }  # fmt: skip


def _columns(old: DecisionTable, new: DecisionTable) -> Iterator[Change]:
    before = {one.name: _column_text(one) for one in old.columns}
    after = {one.name: _column_text(one) for one in new.columns}
    yield from _changed("", before, after)
    stay = [name for name in before if name in after]
    if stay != [name for name in after if name in before]:
        yield Change(
            kind=ChangeKind.MOVED, row="", column="table.columns", before=", ".join(before), after=", ".join(after)
        )  # fmt: skip


def _column_text(column: InputColumn | OutputColumn) -> str:
    titles = f"{column.title_zh} / {column.title_en}"
    if isinstance(column, InputColumn):
        return f"{titles} {column.domain.describe()}"
    ranking = ", ".join(map(output_text, column.ranking))
    return f"{titles} {column.kind.value}" + (f" ({ranking})" if ranking else "")


def _rows(old: DecisionTable, new: DecisionTable) -> Iterator[Change]:
    before = {row.id: row for row in old.rows}
    after = {row.id: row for row in new.rows}
    for number, row in after.items():
        if number not in before:
            yield Change(kind=ChangeKind.ADDED, row=number, column="", before="", after=_row_text(row))
            continue
        yield from _changed(number, _parts(old, before[number]), _parts(new, row))
    for number, row in before.items():
        if number not in after:
            yield Change(kind=ChangeKind.REMOVED, row=number, column="", before=_row_text(row), after="")
    stay = [number for number in before if number in after]
    moved = [number for number in after if number in before]
    if stay != moved:
        yield Change(
            kind=ChangeKind.MOVED, row="", column="table.rows", before=", ".join(stay), after=", ".join(moved)
        )  # fmt: skip


def _parts(table: DecisionTable, row: TableRow) -> dict[str, str]:
    """Give everything a row says, by the column's name or the part's."""
    clause = row.clause
    cells = {column.name: cell.text for column, cell in zip(table.inputs, row.cells, strict=True)}
    values = {column.name: output_text(value) for column, value in zip(table.outputs, row.outputs, strict=True)}
    return cells | values | {
        "clause.document": clause.document, "clause.document_number": clause.document_number,
        "clause.article": clause.article, "clause.quote": clause.quote,
        "clause.grade": clause.grade.value, "clause.confirmed": str(clause.confirmed).lower(),
        "note.zh": row.note_zh, "note.en": row.note_en,
    }  # fmt: skip


def _row_text(row: TableRow) -> str:
    return f"{' · '.join(cell.text for cell in row.cells)} → {' · '.join(map(output_text, row.outputs))}"


def _changed(row: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Change]:
    """Give the parts that differ; of a row, a column that came or went is told once, with the columns."""
    for column in {**before, **after}:
        if row and (column not in before or column not in after):
            continue
        old, new = before.get(column, ""), after.get(column, "")
        if column not in before:
            yield Change(kind=ChangeKind.ADDED, row=row, column=column, before="", after=new)
        elif column not in after:
            yield Change(kind=ChangeKind.REMOVED, row=row, column=column, before=old, after="")
        elif old != new:
            yield Change(kind=ChangeKind.CHANGED, row=row, column=column, before=old, after=new)
