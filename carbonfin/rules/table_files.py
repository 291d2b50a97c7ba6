"""Decision tables in TOML, read and written: what is wrong is told by file and line, nothing is read half."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.continuity import disorders
from carbonfin.rules.declared_gaps import declared_beside, declared_in
from carbonfin.rules.domains import domain_from
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.parameters import Grade, require_quotable
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
from carbonfin.rules.toml_files import (
    AlreadyToldError,
    Block,
    TomlFile,
    as_day,
    gathered,
    kept_faults,
    refuse_all,
    refuse_file,
)

_TEXTS = ("name", "title_zh", "title_en")
_TABLE_KEYS = (
    *_TEXTS, "hit_policy", "valid_from", "valid_to", "known_from", "approved_by", "declares_gap", "input", "output",
    "row",
)  # fmt: skip
_ROW_TEXTS = ("id", "document", "document_number", "article", "quote", "grade", "note_zh", "note_en")
_ROW_REQUIRED = ("id", "when", "then", "document", "grade", "confirmed")
_LISTS = {"approved_by", "ranking", "when", "then"}
_DAYS = {"valid_from", "valid_to", "known_from"}
_MAY_BE_EMPTY = {"document_number", "article", "quote", "note_zh", "note_en"}


def tables_from_toml(text: str, *, file_name: str) -> tuple[TableVersion, ...]:
    """Read a file of tables; versions of one table known from one day follow on each other.

    Raises:
        InvalidInput: The file breaks a rule; the message names the file, the line and the table, one line a fault.
    """
    versions, faults = read_tables_toml(text, file_name=file_name)
    refuse_file(faults)
    return versions


def read_tables_toml(text: str, *, file_name: str) -> tuple[tuple[TableVersion, ...], tuple[InvalidInput, ...]]:
    """Read a file of tables; where anything is wrong, every fault that was found and no table.

    A fault's `context` has the line where it is known. Cells are looked at where their columns can be read, the order
    of versions where every table can.
    """
    file = TomlFile(name=file_name, text=text, noun_zh="决策表")
    faults: list[InvalidInput] = []
    blocks = file.blocks("table", faults)
    versions = gathered(blocks, _version, faults)
    if not faults:
        faults += _disorders(versions, blocks)
    return (() if faults else declared_beside(versions)), tuple(faults)


def _disorders(versions: Sequence[TableVersion], blocks: Sequence[Block]) -> list[InvalidInput]:
    faults: list[InvalidInput] = []
    for name in {version.table.name for version in versions}:
        places = [place for place, version in enumerate(versions) if version.table.name == name]
        dated = [versions[place] for place in places]
        for one in disorders(dated, declared=declared_in(dated)):
            with kept_faults(faults):
                blocks[places[one.place]].refuse(one.en, one.field, one.zh)
    return faults


def _require_type(block: Block, name: str, value: object) -> None:
    """Refuse a value that is not of its key's type."""
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            block.refuse(f"{name} must be a list of texts, not {value!r}", name, f"{name} 应为文本列表")
    elif name in _DAYS:
        if type(value) is not date:
            block.refuse(f"{name} must be a date, not {value!r}", name, f"{name} 应为日期")
    elif name in {"confirmed", "declares_gap"}:
        if not isinstance(value, bool):
            block.refuse(f"{name} must be true or false, not {value!r}", name, f"{name} 应为 true 或 false")
    elif name not in {"input", "output", "row"}:
        if not isinstance(value, str):
            block.refuse(f"{name} must be a text, not {value!r}", name, f"{name} 应为文本")
        if not value.strip() and name not in _MAY_BE_EMPTY:
            block.refuse(f"{name} is empty", name, f"{name} 为空")


def _word(block: Block, name: str, kind: type[HitPolicy] | type[OutputKind] | type[Grade]) -> Any:
    """Give one of a closed list of words."""
    text = block.found[name]
    if text not in set(kind):
        words = ", ".join(one.value for one in kind)
        block.refuse(f"{name} {text!r} is none of {words}", name, f"{name} “{text}”应为 {words} 之一")
    return kind(text)


@contextmanager
def _placed(block: Block, row: str, column: str, mark: str) -> Iterator[None]:
    """Name the line and the cell in what is refused inside."""
    try:
        yield
    except InvalidInput as error:
        block.refuse(f"row {row}, column {column}: {error.detail}", mark, f"规则行 {row}，列 {column}：{error.zh}")


def _days(block: Block) -> tuple[date, date | None, date]:
    valid_to = block.found.get("valid_to")
    return (
        as_day(block.found["valid_from"]), None if valid_to is None else as_day(valid_to),
        as_day(block.found["known_from"]),
    )  # fmt: skip


def _version(block: Block) -> TableVersion:
    """Read a version; what is wrong with its head hides nothing that is wrong below it."""
    faults: list[InvalidInput] = []
    needed = (*_TEXTS, "hit_policy", "valid_from", "known_from", "input", "output", "row")
    head = gathered([block], lambda one: one.require(_TABLE_KEYS, needed, _require_type), faults)
    tables = gathered([block], partial(_table, head_is_read=bool(head)), faults)
    refuse_all(faults)
    if not tables:
        raise AlreadyToldError
    valid_from, valid_to, known_from = _days(block)
    return TableVersion(
        table=tables[0], valid_from=valid_from, valid_to=valid_to, known_from=known_from,
        approved_by=tuple(block.found.get("approved_by", ())), declares_gap=bool(block.found.get("declares_gap")),
    )  # fmt: skip


def _table(block: Block, *, head_is_read: bool) -> DecisionTable:
    faults: list[InvalidInput] = []
    if isinstance(block.found.get("hit_policy"), str):
        with kept_faults(faults):
            _word(block, "hit_policy", HitPolicy)
    columns, answers, rows = (block.blocks(name) for name in ("input", "output", "row"))
    inputs = gathered(columns, _input, faults)
    outputs = gathered(answers, _output, faults)
    read = partial(_row, columns={"when": len(columns), "then": len(answers)})
    drafts = gathered(rows, lambda row: (row, read(row)), faults)
    has_columns = (len(inputs), len(outputs)) == (len(columns), len(answers))
    for row, draft in drafts if has_columns else ():
        _try_cells(row, draft, inputs, outputs, faults)
    refuse_all(faults)
    if not head_is_read or not has_columns or len(drafts) != len(rows):
        raise AlreadyToldError
    texts = {name: block.found[name] for name in _TEXTS}
    try:
        return table_of(
            **texts, hit_policy=HitPolicy(block.found["hit_policy"]), inputs=inputs, outputs=outputs,
            rows=[draft for _, draft in drafts],
        )  # fmt: skip
    except InvalidInput as error:
        block.refuse(error.detail, None, error.zh)


def _try_cells(
    block: Block,
    draft: RowDraft,
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    faults: list[InvalidInput],
) -> None:
    """Read every cell of a row, and note each that cannot be."""
    for column, text in zip(inputs, draft.when, strict=True):
        with kept_faults(faults), _placed(block, draft.id, column.name, "when"):
            read_cell(text, column.domain)
    for output, text in zip(outputs, draft.then, strict=True):
        with kept_faults(faults), _placed(block, draft.id, output.name, "then"):
            output.read(text)


def _input(block: Block) -> InputColumn:
    block.require((*_TEXTS, "domain"), (*_TEXTS, "domain"), _require_type)
    try:
        domain = domain_from(block.found["domain"])
    except InvalidInput as error:
        block.refuse(error.detail, "domain", error.zh)
    return InputColumn(**{name: block.found[name] for name in _TEXTS}, domain=domain)


def _output(block: Block) -> OutputColumn:
    block.require((*_TEXTS, "kind", "ranking"), (*_TEXTS, "kind"), _require_type)
    column = OutputColumn(**{name: block.found[name] for name in _TEXTS}, kind=_word(block, "kind", OutputKind))
    try:
        return replace(column, ranking=tuple(column.read(text) for text in block.found.get("ranking", ())))
    except InvalidInput as error:
        block.refuse(error.detail, "ranking", error.zh)


def _row(block: Block, columns: Mapping[str, int]) -> RowDraft:
    block.require((*_ROW_TEXTS, "when", "then", "confirmed"), _ROW_REQUIRED, _require_type)
    found = block.found
    for name, count in columns.items():
        if len(found[name]) != count:
            why = f"row {found['id']}: {name} has {len(found[name])} cells for {count} columns"
            block.refuse(why, name, f"规则行 {found['id']}：{name} 应有 {count} 个单元格")
    grade = _word(block, "grade", Grade)
    with block.marked("quote"):
        require_quotable(found.get("quote"), grade)
    clause = Clause(
        document=found["document"], document_number=found.get("document_number", ""),
        article=found.get("article", ""), quote=found.get("quote", ""),
        grade=grade, confirmed=found["confirmed"],
    )  # fmt: skip
    return RowDraft(
        id=found["id"], when=found["when"], then=found["then"], clause=clause, note_zh=found.get("note_zh", ""),
        note_en=found.get("note_en", ""),
    )  # fmt: skip


def tables_to_toml(versions: Sequence[TableVersion]) -> str:
    """Write tables so that reading them back gives the same versions and digests."""
    return "\n".join(map(_written, versions))


def _written(version: TableVersion) -> str:
    plain: dict[str, Any] = plain_table(version.table)
    days = {"valid_from": version.valid_from, "valid_to": version.valid_to, "known_from": version.known_from}
    head = {name: value for name, value in plain.items() if name not in {"input", "output", "row"}}
    said = {"approved_by": list(version.approved_by), "declares_gap": version.declares_gap or None}
    blocks = [("table", head | days | said)]
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
