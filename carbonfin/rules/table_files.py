"""Decision tables in TOML, read and written: what is wrong is told by file and line, nothing is read half."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, NoReturn

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import domain_from
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    TableVersion,
    plain_table,
    table_of,
)
from carbonfin.rules.toml_files import TomlFile, as_day, disorders, gathered, kept_faults, refuse_all

_TEXTS = ("name", "title_zh", "title_en")
_TABLE_KEYS = (*_TEXTS, "hit_policy", "valid_from", "valid_to", "known_from", "approved_by", "input", "output", "row")
_ROW_TEXTS = ("id", "document", "article", "quote", "grade", "note_zh", "note_en")
_ROW_REQUIRED = ("id", "when", "then", "document", "grade", "confirmed")
_LISTS = {"approved_by", "ranking", "when", "then"}
_DAYS = {"valid_from", "valid_to", "known_from"}
_MAY_BE_EMPTY = {"article", "quote", "note_zh", "note_en"}


def tables_from_toml(text: str, *, file_name: str) -> tuple[TableVersion, ...]:
    """Read a file of tables; versions of one table known from one day follow on each other.

    Raises:
        InvalidInput: The file breaks a rule; the message names the file, the line and the table, one line a fault.
    """
    versions, faults = read_tables_toml(text, file_name=file_name)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise InvalidInput(
            "\n".join(fault.detail for fault in faults),
            zh="\n".join(fault.zh for fault in faults),
            field=faults[0].field,
            remedy=faults[0].remedy,
            remedy_zh=faults[0].remedy_zh,
        )
    return versions


def read_tables_toml(text: str, *, file_name: str) -> tuple[tuple[TableVersion, ...], tuple[InvalidInput, ...]]:
    """Read a file of tables; where anything is wrong, every fault that was found and no table.

    A fault's `context` has the line where it is known. Cells are looked at where their columns can be read, the order
    of versions where every table can.
    """
    file = TomlFile(name=file_name, text=text, noun_zh="决策表")
    try:
        blocks = _tables(file)
    except InvalidInput as fault:
        return (), (fault,)
    faults: list[InvalidInput] = []
    versions = gathered(blocks, _version, faults)
    if not faults:
        faults += _disorders(file, versions, [block.line for block in blocks])
    return (() if faults else tuple(versions)), tuple(faults)


def _tables(file: TomlFile) -> list["_Block"]:
    entries = file.blocks("table")
    return [
        _Block(file=file, found=entry, key=str(entry.get("name", "")), line=file.line_of("table", place))
        for place, entry in enumerate(entries)
    ]


def _disorders(file: TomlFile, versions: Sequence[TableVersion], lines: Sequence[int]) -> list[InvalidInput]:
    faults: list[InvalidInput] = []
    for name in {version.table.name for version in versions}:
        places = [place for place, version in enumerate(versions) if version.table.name == name]
        for nth, why in disorders([versions[place] for place in places]):
            with kept_faults(faults):
                file.refuse(name, why, start=lines[places[nth]], mark="valid_from")
    return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A block of the file, and the line it begins on."""

    file: TomlFile
    found: Mapping[str, Any]
    key: str
    line: int

    def refuse(self, why: str, mark: str | None = None, zh: str = "") -> NoReturn:
        self.file.refuse(self.key, why, mark=mark, start=self.line, zh=zh)

    def require(self, known: Iterable[str], required: Iterable[str]) -> None:
        """Hold that the block has the keys it needs, no other, and each of the right type."""
        self.file.refuse_unknown(self.found, frozenset(known), self.key, start=self.line)
        for name in required:
            if name not in self.found:
                self.refuse(f"{name} is missing", zh=f"缺少 {name}")
        for name, value in self.found.items():
            self._require_type(name, value)

    def _require_type(self, name: str, value: object) -> None:
        if name in _LISTS:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                self.refuse(f"{name} must be a list of texts", name, f"{name} 应为文本列表")
        elif name in _DAYS:
            if type(value) is not date:
                self.refuse(f"{name} must be a date", name, f"{name} 应为日期")
        elif name == "confirmed":
            if not isinstance(value, bool):
                self.refuse(f"confirmed must be true or false, not {value!r}", name, "confirmed 应为 true 或 false")
        elif name not in {"input", "output", "row"}:
            if not isinstance(value, str):
                self.refuse(f"{name} must be a text", name, f"{name} 应为文本")
            if not value.strip() and name not in _MAY_BE_EMPTY:
                self.refuse(f"{name} is empty", name, f"{name} 为空")

    def blocks(self, name: str) -> list["_Block"]:
        """Give the blocks under this one."""
        entries = self.file.listed(self.found, name, self.key, f"write [[table.{name}]]", start=self.line)
        return [
            replace(self, found=entry, line=self.file.line_of(f"table.{name}", place, start=self.line))
            for place, entry in enumerate(entries)
        ]

    def word(self, name: str, kind: type[HitPolicy] | type[OutputKind] | type[Grade]) -> Any:
        """Give one of a closed list of words."""
        text = self.found[name]
        if text not in set(kind):
            words = ", ".join(one.value for one in kind)
            self.refuse(f"{name} {text!r} is none of {words}", name, f"{name} “{text}”应为 {words} 之一")
        return kind(text)

    @contextmanager
    def placed(self, row: str, column: str, mark: str) -> Iterator[None]:
        """Name the line and the cell in what is refused inside."""
        try:
            yield
        except InvalidInput as error:
            self.refuse(f"row {row}, column {column}: {error.detail}", mark, f"规则行 {row}，列 {column}：{error.zh}")

    def days(self) -> tuple[date, date | None, date]:
        valid_to = self.found.get("valid_to")
        return (
            as_day(self.found["valid_from"]), None if valid_to is None else as_day(valid_to),
            as_day(self.found["known_from"]),
        )  # fmt: skip


def _version(block: _Block) -> TableVersion:
    block.require(_TABLE_KEYS, (*_TEXTS, "hit_policy", "valid_from", "known_from", "input", "output", "row"))
    valid_from, valid_to, known_from = block.days()
    return TableVersion(
        table=_table(block), valid_from=valid_from, valid_to=valid_to, known_from=known_from,
        approved_by=tuple(block.found.get("approved_by", ())),
    )  # fmt: skip


def _table(block: _Block) -> DecisionTable:
    faults: list[InvalidInput] = []
    with kept_faults(faults):
        block.word("hit_policy", HitPolicy)
    inputs = gathered(block.blocks("input"), _input, faults)
    outputs = gathered(block.blocks("output"), _output, faults)
    rows = block.blocks("row")
    count = {"when": len(block.blocks("input")), "then": len(block.blocks("output"))}
    drafts = gathered(rows, partial(_row, columns=count), faults)
    refuse_all(faults)
    for row, draft in zip(rows, drafts, strict=True):
        _try_cells(row, draft, inputs, outputs, faults)
    refuse_all(faults)
    texts = {name: block.found[name] for name in _TEXTS}
    try:
        return table_of(
            **texts, hit_policy=HitPolicy(block.found["hit_policy"]), inputs=inputs, outputs=outputs, rows=drafts
        )
    except InvalidInput as error:
        block.refuse(error.detail, None, error.zh)


def _try_cells(
    block: _Block,
    draft: RowDraft,
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    faults: list[InvalidInput],
) -> None:
    """Read every cell of a row, and note each that cannot be."""
    for column, text in zip(inputs, draft.when, strict=True):
        with kept_faults(faults), block.placed(draft.id, column.name, "when"):
            read_cell(text, column.domain)
    for output, text in zip(outputs, draft.then, strict=True):
        with kept_faults(faults), block.placed(draft.id, output.name, "then"):
            output.read(text)


def _input(block: _Block) -> InputColumn:
    block.require((*_TEXTS, "domain"), (*_TEXTS, "domain"))
    try:
        domain = domain_from(block.found["domain"])
    except InvalidInput as error:
        block.refuse(error.detail, "domain", error.zh)
    return InputColumn(**{name: block.found[name] for name in _TEXTS}, domain=domain)


def _output(block: _Block) -> OutputColumn:
    block.require((*_TEXTS, "kind", "ranking"), (*_TEXTS, "kind"))
    column = OutputColumn(**{name: block.found[name] for name in _TEXTS}, kind=block.word("kind", OutputKind))
    try:
        return replace(column, ranking=tuple(column.read(text) for text in block.found.get("ranking", ())))
    except InvalidInput as error:
        block.refuse(error.detail, "ranking", error.zh)


def _row(block: _Block, columns: Mapping[str, int]) -> RowDraft:
    block.require((*_ROW_TEXTS, "when", "then", "confirmed"), _ROW_REQUIRED)
    found = block.found
    for name, count in columns.items():
        if len(found[name]) != count:
            why = f"row {found['id']}: {name} has {len(found[name])} cells for {count} columns"
            block.refuse(why, name, f"规则行 {found['id']}：{name} 应有 {count} 个单元格")
    clause = Clause(
        document=found["document"], article=found.get("article", ""), quote=found.get("quote", ""),
        grade=block.word("grade", Grade), confirmed=found["confirmed"],
    )  # fmt: skip
    return RowDraft(
        id=found["id"], when=found["when"], then=found["then"], clause=clause, note_zh=found.get("note_zh", ""),
        note_en=found.get("note_en", ""),
    )  # fmt: skip


def tables_to_toml(versions: Sequence[TableVersion]) -> str:
    """Write tables so that reading them back gives the same versions and digests."""
    return "\n".join(_written(version) for version in versions)


def _written(version: TableVersion) -> str:
    plain: dict[str, Any] = plain_table(version.table)
    days = {"valid_from": version.valid_from, "valid_to": version.valid_to, "known_from": version.known_from}
    head = {name: value for name, value in plain.items() if name not in {"input", "output", "row"}}
    blocks = [("table", head | days | {"approved_by": list(version.approved_by)})]
    blocks += [(f"table.{name}", entry) for name in ("input", "output", "row") for entry in plain[name]]
    return "\n".join(f"[[{header}]]\n{_lines(entry)}" for header, entry in blocks)


def _lines(entry: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in entry.items() if value not in (None, "", [])}
    return "".join(f"{name} = {_value(value)}\n" for name, value in kept.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
