"""Decision tables and cases out of the files people send: TOML or workbook, and CSV."""

import csv
from collections.abc import Iterator
from pathlib import Path

from carbonfin.documents.table_workbooks import read_tables_workbook
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.table_files import tables_from_toml
from carbonfin.rules.tables import DecisionTable, TableVersion

_CASES_MAX = 1_000_000


def tables_of(path: Path) -> tuple[TableVersion, ...]:
    """Read the tables of a TOML file or workbook.

    Raises:
        InvalidInput: There is no such file, it is of another type, or a table in it breaks a rule.
    """
    content = _content(path)
    if path.suffix == ".xlsx":
        versions, faults = read_tables_workbook(content)
        if faults:
            raise InvalidInput(
                f"{path.name}: {len(faults)} cells are wrong: {', '.join(fault.cell for fault in faults)}",
                zh=f"{path.name}：{'；'.join(f'{one.cell}“{one.found}”应为{one.expected_zh}' for one in faults)}",
                field="file",
            )
        return versions
    if path.suffix != ".toml":
        raise InvalidInput(
            f"{path.name} is neither .toml nor .xlsx", zh=f"{path.name} 不是 .toml 或 .xlsx 文件", field="file"
        )
    return tables_from_toml(_text(path, content), file_name=path.name)


def cases_of(path: Path, table: DecisionTable) -> Iterator[dict[str, object]]:
    """Give the cases of a CSV, one a row, by the inputs its heading names; an empty cell is a missing input.

    Raises:
        InvalidInput: A heading is no input of the table, or a value cannot be; the line is named.
    """
    domains = {column.name: column.domain for column in table.inputs}
    rows = csv.reader(_text(path, _content(path)).splitlines())
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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read", zh=f"无法读取文件 {path.name}", field="file") from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8", zh=f"{path.name} 不是 UTF-8 编码", field="file") from error


def _refusal(path: Path, line: int, why: str, zh: str) -> InvalidInput:
    return InvalidInput(f"{path.name} line {line}: {why}", zh=f"{path.name} 第 {line} 行：{zh}", field="cases")
