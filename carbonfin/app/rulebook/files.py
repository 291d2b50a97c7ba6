"""Decision tables and cases out of the files people send: TOML, workbook or JDM, and CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from carbonfin.app.rulebook.jdm_sheets import sheet_draft
from carbonfin.documents.table_workbooks import Fault, read_tables_workbook
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.file_places import FilePlaces
from carbonfin.rules.jdm import read_jdm
from carbonfin.rules.jdm_columns import JdmColumns
from carbonfin.rules.table_files import read_tables_toml
from carbonfin.rules.tables import DecisionTable, TableVersion
from carbonfin.rules.toml_places import toml_places
from carbonfin.web.terminal import content_of

_CASES_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesRead:
    """What a file of tables holds: its versions, or every fault that was found and no version.

    Attributes:
        places: Where each version stands in the file, in the order of the versions; none where its lines do not tell.
        faults: Cell or line, what stands there and what was expected.
        sheet: For a JDM file whose columns lack a domain or a kind, the sheet that would give them, to be filled in.
    """

    versions: tuple[TableVersion, ...] = ()
    places: tuple[FilePlaces, ...] = ()
    faults: tuple[Fault, ...] = ()
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDays:
    """From when tables shall be valid and known, for files that do not say so themselves (JDM)."""

    valid_from: date
    known_from: date


def read_tables(
    name: str, content: bytes, days: VersionDays | None = None, columns: JdmColumns | None = None
) -> TablesRead:
    """Read the tables of a file by its ending: TOML, workbook, or JDM where the days are given.

    A file without any table is a fault, not an empty success.

    Args:
        name: The file's name.
        content: Its bytes.
        days: The days of a JDM file's tables.
        columns: What is said of a JDM file's columns beside it; other files say that themselves.

    Raises:
        InvalidInput: It is of another type, cannot be read at all, or a table in it breaks a rule.
    """
    read = _read_any(name, content, days, columns or JdmColumns())
    return read if read.versions or read.faults else replace(read, faults=(_nothing_read(name),))


def _nothing_read(name: str) -> Fault:
    return Fault(
        cell=name,
        found="",
        expected_zh="文件中没有决策表：工作簿应有填报说明以外的工作表，TOML 应有 [[table]]，JDM 应有决策表节点",
        expected_en="a table: a sheet besides the guide in a workbook, [[table]] in TOML, a table's node in JDM",
    )


def _read_any(name: str, content: bytes, days: VersionDays | None, columns: JdmColumns) -> TablesRead:
    ending = name.rpartition(".")[2].lower()
    if ending == "xlsx":
        versions, faults, places = read_tables_workbook(content)
        return TablesRead(versions=versions, faults=faults, places=places)
    if ending == "toml":
        text = _text(name, content)
        versions, refused = read_tables_toml(text, file_name=name)
        return TablesRead(
            versions=versions,
            places=toml_places(text, [one.table for one in versions], file_name=name),
            faults=tuple(_line_fault(name, text, one) for one in refused),
        )
    if ending == "json":
        return _read_json(name, _text(name, content), days, columns)
    raise InvalidInput(
        f"{name} is none of .toml, .xlsx and .json", zh=f"{name} 不是 .toml、.xlsx 或 .json 文件", field="file"
    )


def _read_json(name: str, text: str, days: VersionDays | None, columns: JdmColumns) -> TablesRead:
    if days is None:
        raise InvalidInput(
            f"{name} is a JDM file, which has no days of its own",
            zh=f"{name} 为 JDM 文件，文件中没有生效日与知悉日",
            field="valid_from",
            remedy="Say from when the table is valid and known.",
            remedy_zh="请填写生效日和知悉日。",
        )
    tables, wrong, places = read_jdm(text, columns, file_name=name)
    return TablesRead(
        versions=tuple(
            TableVersion(table=one, valid_from=days.valid_from, valid_to=None, known_from=days.known_from)
            for one in tables
        ),
        places=places,
        faults=tuple(
            Fault(cell=one.place_zh, found=one.found, expected_zh=one.expected_zh, expected_en=one.expected)
            for one in wrong
        ),
        sheet=sheet_draft(text, columns) if any(one.is_of_a_column for one in wrong) else "",
    )


def _line_fault(name: str, text: str, refused: InvalidInput) -> Fault:
    """Give the line a fault stands on, where it is known, and what stands there."""
    line = refused.context.get("line")
    stands = text.splitlines()[line - 1].strip() if isinstance(line, int) and text else ""
    place = f"{name}:{line}" if line else name
    zh, en = refused.zh.removeprefix(f"{place}："), refused.detail.removeprefix(f"{place}: ")
    return Fault(cell=place, found=stands, expected_zh=zh, expected_en=en)


def require_sound(read: TablesRead, name: str) -> TablesRead:
    """Give what was read of a file where nothing in it is wrong.

    Raises:
        InvalidInput: Something is; every place is named, with what stands there and what was expected.
    """
    if read.faults:
        raise InvalidInput(
            f"{name}: {len(read.faults)} places are wrong: {', '.join(fault.cell for fault in read.faults)}",
            zh=f"{name}：{'；'.join(f'{one.cell}“{one.found}”应为{one.expected_zh}' for one in read.faults)}",
            field="file",
            remedy="Mend the places named; give a JDM file its domains with --follows or --sheet."
            if read.sheet
            else "",
            remedy_zh="请更正所列各处；JDM 文件可用 --follows 沿用决策表，或用 --sheet 另附取值范围。"
            if read.sheet
            else "",
        )
    return read


def cases_of(path: Path, table: DecisionTable) -> Iterator[dict[str, object]]:
    """Give the cases of a CSV, one a row, by the inputs its heading names; an empty cell is a missing input.

    Raises:
        InvalidInput: A heading is no input of the table, or a value cannot be; the line is named.
    """
    domains = {column.name: column.domain for column in table.inputs}
    rows = csv.reader(_text(path.name, content_of(path)).splitlines())
    names = next(rows, [])
    unknown = [name for name in names if name not in domains]
    if not names or unknown:
        raise _refusal(path, 1, f"no inputs of {table.name}: {unknown or 'no heading'}", "表头不是该表的输入项")
    for line, row in enumerate(rows, 2):
        if len(row) != len(names) or line - 1 > _CASES_MAX:
            raise _refusal(path, line, "another number of values than the heading, or too many lines", "列数或行数不符")
        try:
            yield {
                name: domains[name].literal(text.strip()) for name, text in zip(names, row, strict=True) if text.strip()
            }
        except InvalidInput as error:
            raise _refusal(path, line, error.detail, error.zh) from error


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8", zh=f"{name} 不是 UTF-8 编码", field="file") from error


def _refusal(path: Path, line: int, why: str, zh: str) -> InvalidInput:
    return InvalidInput(f"{path.name} line {line}: {why}", zh=f"{path.name} 第 {line} 行：{zh}", field="cases")
