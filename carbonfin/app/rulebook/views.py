"""A decision table as a reader sees it: what is asked, what is answered, and the clause of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.app.rulebook.parameter_list import GRADE_WORDS
from carbonfin.app.rulebook.trying import input_title
from carbonfin.rules.contracts import contract_findings
from carbonfin.rules.difference import Change, ChangeKind
from carbonfin.rules.tables import (
    DecisionTable,
    HitPolicy,
    OutputColumn,
    OutputKind,
    output_text,
)
from carbonfin.rules.validate import Finding, validate
from carbonfin.web.language import Text

POLICY_WORDS = {
    HitPolicy.UNIQUE: Text("唯一：至多一行命中", "unique: at most one row hits"),
    HitPolicy.ANY: Text("任一：命中各行须答案相同", "any: rows that hit answer alike"),
    HitPolicy.PRIORITY: Text("优先：取次序最高的答案", "priority: the answer that ranks highest"),
    HitPolicy.FIRST: Text("首行：自上而下取第一个命中行", "first: the first row that hits"),
    HitPolicy.RULE_ORDER: Text("列示：按规则行次序", "rule order: all rows that hit, in their order"),
    HitPolicy.OUTPUT_ORDER: Text("列示：按答案优先次序", "output order: all rows that hit, best answer first"),
    HitPolicy.COLLECT: Text("汇集：全部命中行", "collect: all rows that hit"),
    HitPolicy.COLLECT_SUM: Text("汇总：命中行合计", "collect sum: the total of rows that hit"),
    HitPolicy.COLLECT_MIN: Text("汇总：命中行最小值", "collect min: the least of rows that hit"),
    HitPolicy.COLLECT_MAX: Text("汇总：命中行最大值", "collect max: the greatest of rows that hit"),
    HitPolicy.COLLECT_COUNT: Text("汇总：命中行个数", "collect count: how many rows hit"),
}
_KIND_WORDS = {
    OutputKind.BP: Text("bp", "bp"),
    OutputKind.FEN: Text("分", "fen"),
    OutputKind.RATIO: Text("比率", "ratio"),
    OutputKind.CODE: Text("代码", "code"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRowView:
    """One row.

    Attributes:
        when: A cell for each input, as the table writes it; `-` takes anything, `null` what is missing.
        then: A value for each output.
        clause: Document, number and article.
        quote: The document's own words; empty where the text is not at hand.
    """

    id: str
    when: tuple[str, ...]
    then: tuple[str, ...]
    clause: str
    quote: str
    grade: Text
    note: Text
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """A table with its headings.

    Attributes:
        columns: Heading and kind of each column as pages draw them: the row, inputs, outputs with their unit, clause.
        names: The inputs' names, in their order.
    """

    policy: Text
    columns: tuple[tuple[Text, str], ...]
    names: tuple[str, ...]
    rows: tuple[TableRowView, ...]
    unconfirmed_count: int


def table_view(table: DecisionTable) -> TableView:
    """Give a table for reading."""
    headings = (
        Text("行", "Row"),
        *map(input_title, table.inputs),
        *map(_output_heading, table.outputs),
        Text("依据", "Clause"),
    )
    return TableView(
        policy=POLICY_WORDS[table.hit_policy],
        columns=tuple((heading, "text") for heading in headings),
        names=tuple(one.name for one in table.inputs),
        rows=tuple(
            TableRowView(
                id=row.id, when=tuple(cell.text for cell in row.cells), then=tuple(map(output_text, row.outputs)),
                clause=row.clause.line, quote=row.clause.quote,
                grade=GRADE_WORDS[row.clause.grade], note=Text(row.note_zh, row.note_en or row.note_zh),
                is_confirmed=row.clause.confirmed,
            )
            for row in table.rows
        ),
        unconfirmed_count=sum(not row.clause.confirmed for row in table.rows),
    )  # fmt: skip


def table_lines(table: DecisionTable) -> list[list[str]]:
    """Give a table as lines of texts, headed in Chinese, as it is shown."""
    view = table_view(table)
    lines = [[heading.zh for heading, _ in view.columns]]
    return lines + [[row.id, *row.when, *row.then, row.clause] for row in view.rows]


def _output_heading(column: OutputColumn) -> Text:
    return _with_unit(Text(column.title_zh, column.title_en), _KIND_WORDS[column.kind])


def _with_unit(title: Text, unit: Text) -> Text:
    return Text(f"{title.zh}（{unit.zh}）", f"{title.en} ({unit.en})") if unit.zh else title


def findings_of(table: DecisionTable) -> tuple[Finding, ...]:
    """Give what the validation found, and what stands between the table and the decision that reads it."""
    return (*validate(table).findings, *contract_findings(TABLE_CONTRACTS, table))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One thing that differs between two versions, in words; empty where a side says nothing.

    Attributes:
        clause: Where the row it stands in comes from, as the newer version has it; empty where no row is meant.
    """

    badge: tuple[str, Text]
    place: Text
    before: Text
    after: Text
    clause: str


_CHANGE_BADGES = {
    ChangeKind.ADDED: ("good", Text("新增", "added")),
    ChangeKind.REMOVED: ("breach", Text("删除", "removed")),
    ChangeKind.CHANGED: ("warning", Text("修改", "changed")),
    ChangeKind.MOVED: ("information", Text("调整次序", "moved")),
}
_PART_WORDS = {
    "table.name": Text("决策表标识", "Table's name"),
    "table.title_zh": Text("中文名称", "Chinese title"),
    "table.title_en": Text("英文名称", "English title"),
    "table.hit_policy": Text("命中策略", "Hit policy"),
    "table.columns": Text("列次序", "Order of columns"),
    "table.rows": Text("行次序", "Order of rows"),
    "clause.document": Text("依据文件", "Document"),
    "clause.document_number": Text("文号", "Document's number"),
    "clause.article": Text("条款", "Article"),
    "clause.quote": Text("引文", "Quote"),
    "clause.grade": Text("可信程度", "Grade"),
    "clause.confirmed": Text("是否确认", "Confirmed"),
    "note.zh": Text("中文备注", "Chinese note"),
    "note.en": Text("英文备注", "English note"),
}


def change_views(changes: Sequence[Change], old: DecisionTable, new: DecisionTable) -> tuple[ChangeView, ...]:
    """Say in words what differs, and by which clause; columns are called by their titles."""
    titles = {one.name: Text(one.title_zh, one.title_en) for table in (old, new) for one in table.columns}
    clauses = {row.id: row.clause.line for table in (old, new) for row in table.rows}
    return tuple(
        ChangeView(
            badge=_CHANGE_BADGES[one.kind], place=_place(one, titles), before=_said(one, one.before, old),
            after=_said(one, one.after, new),
            clause=clauses.get(one.row, ""),
        )
        for one in changes
    )  # fmt: skip


def _said(change: Change, text: str, table: DecisionTable) -> Text:
    """Give what a side says; of a row that comes or goes each cell with its heading."""
    row = next((one for one in table.rows if one.id == change.row), None)
    if not text or change.column or row is None:
        return Text(text, text)
    asked = [(column, cell.text) for column, cell in zip(table.inputs, row.cells, strict=True)]
    answered = [(column, output_text(value)) for column, value in zip(table.outputs, row.outputs, strict=True)]
    sides = [
        Text(
            "；".join(f"{column.title_zh}：{said}" for column, said in side),
            "; ".join(f"{column.title_en}: {said}" for column, said in side),
        )
        for side in (asked, answered)
    ]
    return Text(f"{sides[0].zh} → {sides[1].zh}", f"{sides[0].en} → {sides[1].en}")


def _place(change: Change, titles: Mapping[str, Text]) -> Text:
    part = _PART_WORDS.get(change.column) or titles.get(change.column, Text("", ""))
    if not change.row:
        return Text(f"列 {part.zh}", f"Column {part.en}") if change.column in titles else part
    row = Text(f"规则行 {change.row}", f"Row {change.row}")
    return Text(f"{row.zh}，{part.zh}", f"{row.en}, {part.en}") if part.zh else row
