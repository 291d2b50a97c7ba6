"""A decision table as a reader sees it: what is asked, what is answered, and the clause of each row."""

from dataclasses import dataclass

from carbonfin.rules.tables import DecisionTable, output_text
from carbonfin.storage.approvals import Approval
from carbonfin.storage.rulebook import TABLE_APPROVAL, draft_of
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRowView:
    """One row.

    Attributes:
        when: A cell for each input, as the table writes it; `-` takes anything, `null` what is missing.
        then: A value for each output.
        clause: Document and article.
    """

    id: str
    when: tuple[str, ...]
    then: tuple[str, ...]
    clause: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """A table with its headings.

    Attributes:
        columns: Heading and kind of each column as pages draw them: the row, inputs, outputs with their unit, clause.
    """

    hit_policy: str
    columns: tuple[tuple[Text, str], ...]
    rows: tuple[TableRowView, ...]


def table_view(table: DecisionTable) -> TableView:
    """Give a table for reading."""
    headings = (
        Text("行", "Row"),
        *(Text(one.title_zh, one.title_en) for one in table.inputs),
        *(Text(f"{one.title_zh}（{one.kind.value}）", f"{one.title_en} ({one.kind.value})") for one in table.outputs),
        Text("依据", "Clause"),
    )
    return TableView(
        hit_policy=table.hit_policy.value,
        columns=tuple((heading, "text") for heading in headings),
        rows=tuple(
            TableRowView(
                id=row.id, when=tuple(cell.text for cell in row.cells), then=tuple(map(output_text, row.outputs)),
                clause=f"{row.clause.document} {row.clause.article}".strip(), is_confirmed=row.clause.confirmed,
            )
            for row in table.rows
        ),
    )  # fmt: skip


def proposed_table(approval: Approval) -> TableView | None:
    """Give the table an approval is about; None where it is about something else."""
    return table_view(draft_of(approval).table) if approval.kind == TABLE_APPROVAL.name else None
