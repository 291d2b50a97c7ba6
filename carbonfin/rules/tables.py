"""Decision tables as data: typed columns, rows of cells, outputs in exact types, a hit policy, clauses beside rows."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.domains import AnyDomain, is_code
from carbonfin.rules.grammar import Cell, read_cell
from carbonfin.rules.known import KnownAt, known_order, moment_asked, require_same_day, was_known
from carbonfin.rules.parameters import Grade, clause_line
from carbonfin.rules.placing import placed
from carbonfin.rules.record import canonical_json
from carbonfin.rules.table_words import require_words, table_name

OutputValue = int | Decimal | str
ROWS_MAX = 1000
COLUMNS_MAX = 30


class HitPolicy(StrEnum):
    """Which of the rows that hit give the answer (DMN 1.5, 8.2.8)."""

    UNIQUE = "unique"
    ANY = "any"
    PRIORITY = "priority"
    FIRST = "first"
    RULE_ORDER = "rule order"
    OUTPUT_ORDER = "output order"
    COLLECT = "collect"
    COLLECT_SUM = "collect sum"
    COLLECT_MIN = "collect min"
    COLLECT_MAX = "collect max"
    COLLECT_COUNT = "collect count"

    @property
    def is_single(self) -> bool:
        """Whether one row gives the answer."""
        return self in _SINGLE

    @property
    def is_total(self) -> bool:
        """Whether the rows that hit are brought to one number."""
        return self in _TOTALS

    @property
    def is_ranked(self) -> bool:
        """Whether the order of output values decides."""
        return self in {HitPolicy.PRIORITY, HitPolicy.OUTPUT_ORDER}


_SINGLE = frozenset({HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.PRIORITY, HitPolicy.FIRST})
_TOTALS = frozenset(
    {HitPolicy.COLLECT_SUM, HitPolicy.COLLECT_MIN, HitPolicy.COLLECT_MAX, HitPolicy.COLLECT_COUNT}
)  # fmt: skip


class OutputKind(StrEnum):
    """The exact type of an output: whole basis points or fen, a decimal ratio, or a code."""

    BP = "bp"
    FEN = "fen"
    RATIO = "ratio"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """What a table asks for."""

    name: str
    title_zh: str
    title_en: str
    domain: AnyDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumn:
    """What a table answers.

    Attributes:
        ranking: Values from the highest priority down; needed where the hit policy is priority or output order.
    """

    name: str
    title_zh: str
    title_en: str
    kind: OutputKind
    ranking: tuple[OutputValue, ...] = ()

    def read(self, text: str) -> OutputValue:
        """Read an output as tables write it.

        Raises:
            InvalidInput: It is not of the column's kind.
        """
        if self.kind is OutputKind.CODE:
            if not is_code(text):
                raise _refusal(f"output {self.name}: {text!r} is no code", f"输出 {self.name}：“{text}”不是有效代码")
            return text
        number = parse_decimal(text, field=self.name)
        if self.kind is OutputKind.RATIO:
            return number
        if number != number.to_integral_value():
            raise _refusal(f"output {self.name}: {text} is no whole {self.kind}", f"输出 {self.name}：{text} 应为整数")
        return int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Where a row comes from.

    Attributes:
        document_number: The document's number (文号), empty where it has none or nobody looked it up.
        quote: The document's own words, and only where the text is at hand.
    """

    document: str
    document_number: str = ""
    article: str = ""
    quote: str = ""
    grade: Grade = Grade.UNKNOWN
    confirmed: bool = False

    @property
    def line(self) -> str:
        """Document, number and article in one line."""
        return clause_line(self.document, self.document_number, self.article)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One rule: what it asks of each input, and what it answers."""

    id: str
    cells: tuple[Cell, ...]
    outputs: tuple[OutputValue, ...]
    clause: Clause
    note_zh: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTable:
    """A table of rules.

    Attributes:
        content: Everything the table says as canonical JSON; written once.
        digest: SHA-256 of the content.
        ranks: The rank of each row by its outputs, the best first; rows rank alike where no output is ranked.
    """

    name: str
    title_zh: str
    title_en: str
    hit_policy: HitPolicy
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    rows: tuple[TableRow, ...]
    content: str = field(init=False, compare=False, repr=False)
    digest: str = field(init=False, compare=False, repr=False)
    ranks: tuple[tuple[int, ...], ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._require_shape()
        self._require_policy()
        object.__setattr__(self, "content", canonical_json(plain_table(self)))
        object.__setattr__(self, "digest", hashlib.sha256(self.content.encode()).hexdigest())
        object.__setattr__(self, "ranks", tuple(self._rank(row) for row in self.rows))

    @property
    def columns(self) -> tuple[InputColumn | OutputColumn, ...]:
        """Give all columns, inputs first."""
        return (*self.inputs, *self.outputs)

    def _require_shape(self) -> None:
        table_name(self.name)
        require_words(titles=(self.title_zh, self.title_en), row_ids=[row.id for row in self.rows])
        names = [*(column.name for column in self.inputs), *(column.name for column in self.outputs)]
        if not self.inputs or not self.outputs or not self.rows:
            raise _refusal("a table has inputs, outputs and rows", "决策表须有输入列、输出列和规则行")
        if len(names) > COLUMNS_MAX or len(self.rows) > ROWS_MAX:
            raise _refusal(
                f"a table has at most {COLUMNS_MAX} columns and {ROWS_MAX} rows",
                f"决策表最多 {COLUMNS_MAX} 列、{ROWS_MAX} 行",
            )
        for what, listed in (("column", names), ("row", [row.id for row in self.rows])):
            if len(set(listed)) != len(listed):
                raise _refusal(f"a {what} name stands twice in table {self.name}", "列名或行号重复")
        if not all(name.isidentifier() for name in names):
            raise _refusal("column names are letters, digits and underlines", "列名只能含字母、数字和下划线")
        for row in self.rows:
            if (len(row.cells), len(row.outputs)) != (len(self.inputs), len(self.outputs)):
                raise _refusal(f"row {row.id} has not a cell for each column", f"规则行 {row.id} 的单元格数与列数不符")

    def _require_policy(self) -> None:
        first = self.outputs[0]
        if self.hit_policy.is_total and (len(self.outputs) > 1 or first.kind is OutputKind.CODE):
            if self.hit_policy is HitPolicy.COLLECT_COUNT and len(self.outputs) == 1:
                return
            raise _refusal(f"{self.hit_policy} takes one output that is a number", "汇总类命中策略须只有一个数值输出列")
        if not self.hit_policy.is_ranked:
            return
        for place, column in enumerate(self.outputs):
            unranked = {row.outputs[place] for row in self.rows} - set(column.ranking)
            if column.ranking and unranked:
                raise _refusal(
                    f"output {column.name}: {sorted(map(str, unranked))} has no rank", "输出值未列入优先次序"
                )
        if not any(column.ranking for column in self.outputs):
            raise _refusal(f"{self.hit_policy} needs a ranking of output values", "该命中策略须给出输出值的优先次序")

    def _rank(self, row: TableRow) -> tuple[int, ...]:
        ranked = zip(self.outputs, row.outputs, strict=True)
        return tuple(column.ranking.index(value) for column, value in ranked if column.ranking)


def plain_table(table: DecisionTable) -> dict[str, object]:
    """Give a table as plain values, as it is written to files and digested."""
    return {
        "name": table.name,
        "title_zh": table.title_zh,
        "title_en": table.title_en,
        "hit_policy": table.hit_policy.value,
        "input": [
            {"name": one.name, "title_zh": one.title_zh, "title_en": one.title_en, "domain": one.domain.describe()}
            for one in table.inputs
        ],
        "output": [
            {
                "name": one.name, "title_zh": one.title_zh, "title_en": one.title_en, "kind": one.kind.value,
                "ranking": [output_text(value) for value in one.ranking],
            }
            for one in table.outputs
        ],
        "row": [
            {
                "id": row.id,
                "when": [cell.text for cell in row.cells],
                "then": [output_text(value) for value in row.outputs],
                "document": row.clause.document, "article": row.clause.article, "quote": row.clause.quote,
                "grade": row.clause.grade.value, "confirmed": row.clause.confirmed,
                "note_zh": row.note_zh, "note_en": row.note_en, **_number_said(row.clause),
            }
            for row in table.rows
        ],
    }  # fmt: skip


def _number_said(clause: Clause) -> dict[str, str]:
    """Give the document's number where there is one: tables approved before it was kept have the digest they had."""
    return {"document_number": clause.document_number} if clause.document_number else {}


def output_text(value: OutputValue) -> str:
    """Write an output exactly."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDraft:
    """A row as it was typed: texts beside the columns."""

    id: str
    when: Sequence[str]
    then: Sequence[str]
    clause: Clause
    note_zh: str = ""
    note_en: str = ""


def table_of(
    *,
    name: str,
    title_zh: str,
    title_en: str,
    hit_policy: HitPolicy,
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    rows: Iterable[RowDraft],
) -> DecisionTable:
    """Read a table from typed rows.

    Raises:
        InvalidInput: A cell or an output cannot be read; the field names row and column.
    """
    return DecisionTable(
        name=name, title_zh=title_zh, title_en=title_en, hit_policy=hit_policy, inputs=tuple(inputs),
        outputs=tuple(outputs), rows=tuple(_row(row, inputs, outputs) for row in rows),
    )  # fmt: skip


def _row(draft: RowDraft, inputs: Sequence[InputColumn], outputs: Sequence[OutputColumn]) -> TableRow:
    if (len(draft.when), len(draft.then)) != (len(inputs), len(outputs)):
        raise _refusal(f"row {draft.id} has not a cell for each column", f"规则行 {draft.id} 的单元格数与列数不符")
    cells: list[Cell] = []
    for column, text in zip(inputs, draft.when, strict=True):
        with placed(draft.id, column.name):
            cells.append(read_cell(text, column.domain))
    values: list[OutputValue] = []
    for output, text in zip(outputs, draft.then, strict=True):
        with placed(draft.id, output.name):
            values.append(output.read(text))
    return TableRow(
        id=draft.id, cells=tuple(cells), outputs=tuple(values), clause=draft.clause, note_zh=draft.note_zh,
        note_en=draft.note_en,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVersion:
    """A table as the law or a product says it from a day, and as it was known from a day.

    Attributes:
        valid_to: Last day, inclusive, or None while open.
        known_from: The day from which decisions may use it; not before the day of its approval.
        known_at: The instant of that day from which they may, in UTC; None where it is the day's beginning.
        approved_by: Maker and checker; empty before its approval, and for a table that comes with the product.
        declares_gap: Whether days left out beside it are left out on purpose: the rule was repealed for them.
    """

    table: DecisionTable
    valid_from: date
    valid_to: date | None = None
    known_from: date
    approved_by: tuple[str, ...] = ()
    known_at: datetime | None = None
    declares_gap: bool = False

    def __post_init__(self) -> None:
        require_same_day(self, f"table {self.table.name}", f"决策表 {self.table.name} ")

    def speaks_on(self, valid_on: date) -> bool:
        """Whether the table is valid on that day; both ends are inside."""
        return self.valid_from <= valid_on and (self.valid_to is None or valid_on <= self.valid_to)


class TableBook:
    """Table versions by name, asked with both dates; where several speak, the one known last wins."""

    def __init__(self, versions: Iterable[TableVersion], *, under: Iterable[TableVersion] = ()) -> None:
        """Make a book of versions; those under them answer only where none of them speaks."""
        self._versions = _by_name(versions)
        self._under = _by_name(under)

    def names(self) -> list[str]:
        """Give the names in order."""
        return sorted({*self._versions, *self._under})

    def versions(self, name: str) -> list[TableVersion]:
        """Give all versions of a table, the earliest known first."""
        return sorted([*self._versions.get(name, ()), *self._under.get(name, ())], key=_known_then_valid)

    def find(self, name: str, *, valid_on: date, known_at: KnownAt) -> TableVersion | None:
        """Give the version valid on a day as it was known at an instant, or by the end of a day, or None."""
        instant, known_on = moment_asked(known_at)
        for versions in (self._versions, self._under):
            known = (one for one in versions.get(name, ()) if was_known(one, instant=instant, day=known_on))
            speaking = [one for one in known if one.speaks_on(valid_on)]
            if speaking:
                return max(speaking, key=_known_then_valid)
        return None

    def on(self, name: str, *, valid_on: date, known_at: KnownAt) -> TableVersion:
        """Give the version valid on a day as it was known at an instant, or by the end of a day.

        Raises:
            MissingData: No version speaks of that day, or none was known then.
        """
        found = self.find(name, valid_on=valid_on, known_at=known_at)
        if found is None:
            raise MissingData(
                f"table {name} has no version for {valid_on} known on {moment_asked(known_at)[1]}",
                zh=f"决策表 {name} 在 {valid_on} 没有已知的版本",
                field=name,
                remedy="Enter and approve the table with its source.",
                remedy_zh="请录入该决策表及其依据并经复核。",
            )
        return found


def _by_name(versions: Iterable[TableVersion]) -> dict[str, list[TableVersion]]:
    found: dict[str, list[TableVersion]] = {}
    for version in versions:
        found.setdefault(version.table.name, []).append(version)
    return found


def _known_then_valid(version: TableVersion) -> tuple[date, datetime, date]:
    return *known_order(version), version.valid_from


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(why, zh=zh, field="table")
