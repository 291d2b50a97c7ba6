"""Tables that people bring as text: CSV in UTF-8 or GBK, a workbook's one filled sheet, or JSON rows of a feed.

However a table comes, its rows are read by the same rules; every fault names line, column and remedy, none is mended.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from carbonfin.documents.workbooks import SheetText, day_of_serial, read_workbook
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal

MAX_BYTES = 5_000_000
MAX_ROWS = 20_000
WORKBOOK = "xlsx"
_WORKBOOK_STARTS = b"PK\x03\x04"
_SLASHED_DAY = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_BRACKETS = str.maketrans({"（": "(", "）": ")", "／": "/", " ": "", "\u3000": "", "\n": ""})

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table as it was sent: the head and the rows below it, with their numbers in the file.

    Attributes:
        encoding: utf-8, gb18030 (GBK and its successor), xlsx or json, as found.
    """

    file_name: str
    encoding: str
    head: tuple[int, tuple[str, ...]]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns a kind of table may have: by field the heads that name it, and which must be there.

    Attributes:
        aliases: A head may stand for two fields: for the second where another head names the first.
        example: A small file that is read without fault.
    """

    aliases: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    example: str


def read_table(content: bytes, *, file_name: str) -> TextTable:
    """Read a file as a table of texts.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, no CSV, no sound workbook.
    """
    if len(content) > MAX_BYTES:
        raise unreadable(file_name, f"the file is larger than {MAX_BYTES} bytes", "文件超过 5 MB")
    if content.startswith(_WORKBOOK_STARTS):
        return _table_of(file_name, WORKBOOK, _sheet_lines(read_workbook(content), file_name))
    text, encoding = _decode(content, file_name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, tuple(cells)) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InvalidInput(
            f"{file_name}, line {reader.line_num}: {error}",
            zh=f"{file_name} 第 {reader.line_num} 行不是有效的 CSV：{error}",
            field="file",
            remedy="Save the sheet as CSV again.",
            remedy_zh="请重新另存为 CSV。",
        ) from error
    return _table_of(file_name, encoding, [line for line in lines if not line[1][0].lstrip().startswith("#")])


def read_json_rows(content: bytes, *, name: str) -> TextTable:
    """Read a feed's answer, a list of objects, as a table; numbers keep the digits they were sent with.

    Raises:
        InvalidInput: It is no list of objects with plain values.
    """
    try:
        # Digits are kept as text: a float would lose what the sender wrote.
        rows = json.loads(content, parse_float=str, parse_int=str, parse_constant=str)
    except ValueError as error:
        raise unreadable(name, f"the answer is no JSON: {error}", "返回内容不是有效的 JSON") from error
    plain = isinstance(rows, list) and all(
        isinstance(row, dict) and all(value is None or isinstance(value, str) for value in row.values()) for row in rows
    )
    if not plain:
        raise unreadable(name, "the answer is no list of rows with plain values", "返回内容不是逐行的记录")
    names = tuple(dict.fromkeys(key for row in rows for key in row))
    lines = [(number, tuple(row.get(key) or "" for key in names)) for number, row in enumerate(rows, 1)]
    return _table_of(name, "json", [(0, names), *lines])


def _table_of(file_name: str, encoding: str, lines: list[tuple[int, tuple[str, ...]]]) -> TextTable:
    if not lines:
        raise unreadable(file_name, "the file has no rows", "文件没有内容")
    if len(lines) - 1 > MAX_ROWS:
        raise unreadable(file_name, f"more than {MAX_ROWS} rows", f"超过 {MAX_ROWS} 行，请拆分")
    return TextTable(file_name=file_name, encoding=encoding, head=lines[0], rows=tuple(lines[1:]))


def _sheet_lines(sheets: Sequence[SheetText], file_name: str) -> list[tuple[int, tuple[str, ...]]]:
    """Give the lines of the one sheet that holds anything; rows are as wide as the head unless they stand out of it."""
    filled = [sheet for sheet in sheets if any(text.strip() for text in sheet.cells.values())]
    if len(filled) > 1:
        names = "、".join(sheet.name for sheet in filled)
        raise unreadable(
            file_name, f"several sheets hold values: {names}", f"有多张工作表含有数据（{names}），请只保留一张"
        )
    rows: dict[int, dict[int, str]] = {}
    for (row, column), text in filled[0].cells.items() if filled else ():
        if text.strip():
            rows.setdefault(row, {})[column] = text
    width = max(rows[min(rows)]) + 1 if rows else 0
    return [
        (row + 1, tuple(cells.get(column, "") for column in range(max(width, max(cells) + 1))))
        for row, cells in sorted(rows.items())
    ]


def _decode(content: bytes, file_name: str) -> tuple[str, str]:
    for encoding, name in (("utf-8-sig", "utf-8"), ("gb18030", "gb18030")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise unreadable(file_name, "the file is neither UTF-8 nor GBK text", "文件既不是 UTF-8 也不是 GBK 文本")


def unreadable(file_name: str, detail: str, zh: str) -> InvalidInput:
    """Give the refusal of a whole file."""
    return InvalidInput(
        f"{file_name}: {detail}",
        zh=f"{file_name}：{zh}",
        field="file",
        remedy="Save the sheet as CSV (UTF-8 or GBK) or xlsx with the columns of the example.",
        remedy_zh="请按示例列名另存为 CSV（UTF-8 或 GBK）或 xlsx。",
    )


def find_columns(table: TextTable, columns: Columns) -> dict[str, int]:
    """Find the columns; unknown, doubled and missing ones are refused, 万吨 and 万元 by name.

    Raises:
        InvalidInput: The head is not one of this kind of table.
    """
    number, cells = table.head
    names = [cell.translate(_BRACKETS) for cell in cells]
    meanings = [[field for field, aliases in columns.aliases.items() if name in aliases] for name in names]
    certain = {fields[0] for fields in meanings if len(fields) == 1}
    found: dict[str, int] = {}
    for place, (name, fields) in enumerate(zip(names, meanings, strict=True)):
        if not fields:
            raise _bad_head(table.file_name, number, name, columns)
        field = fields[1] if len(fields) > 1 and fields[0] in certain else fields[0]
        if field in found:
            raise unreadable(
                table.file_name, f"line {number}: column {name!r} stands twice", f"第 {number} 行：列“{name}”重复"
            )
        found[field] = place
    missing = [field for field in columns.required if field not in found]
    if missing:
        raise unreadable(
            table.file_name,
            f"line {number}: columns are missing: {', '.join(missing)}",
            f"第 {number} 行：缺少列 " + "、".join(columns.aliases[field][-1] for field in missing),
        )
    return found


def _bad_head(file_name: str, number: int, name: str, columns: Columns) -> InvalidInput:
    if "万" in name or "亿" in name:
        return InvalidInput(
            f"{file_name}, line {number}: column {name!r} is in 万 or 亿; this file takes 吨 and 元",
            zh=f"{file_name} 第 {number} 行：列“{name}”的单位应为吨或元",
            field=name,
            remedy="Convert the column to tonnes or yuan and name it so.",
            remedy_zh="请换算为吨或元，并修改列名。",
        )
    known = "、".join(aliases[1] for aliases in columns.aliases.values())
    return InvalidInput(
        f"{file_name}, line {number}: column {name!r} is not known",
        zh=f"{file_name} 第 {number} 行：不认识的列“{name}”",
        field=name,
        remedy="Use the columns of the example: " + ", ".join(columns.aliases),
        remedy_zh="可用的列：" + known + "；成交量须写明（吨），成交额须写明（元）。",
    )


def read_rows(
    table: TextTable,
    columns: Columns,
    *,
    cell: Callable[[str, str], object],
    made: Callable[[dict[str, object]], T],
) -> tuple[list[tuple[int, T]], list[Failure]]:
    """Read each row, or say each thing wrong with it.

    Args:
        table: What was sent.
        columns: What its heads mean.
        cell: Reads the text of a field, or raises `InvalidInput`.
        made: Makes a value of a row's fields, or raises `InvalidInput`.

    Returns:
        The values with their line numbers, and the faults.
    """
    head = find_columns(table, columns)
    values: list[tuple[int, T]] = []
    failures: list[Failure] = []
    for number, cells in table.rows:
        if len(cells) != len(head):
            failures.append(failure_of(number, None, _wrong_width(len(cells), len(head))))
            continue
        fields: dict[str, object] = {}
        faults: list[Failure] = []
        for field, place in head.items():
            try:
                fields[field] = cell(field, cells[place].strip())
            except CarbonFinError as error:
                faults.append(failure_of(number, field, error))
        if not faults:
            try:
                values.append((number, made(fields)))
            except CarbonFinError as error:
                faults.append(failure_of(number, error.field, error))
        failures.extend(faults)
    return values, failures


def _wrong_width(cell_count: int, head_count: int) -> InvalidInput:
    return InvalidInput(
        f"the row has {cell_count} cells, the head {head_count}",
        zh=f"本行 {cell_count} 个单元格，表头 {head_count} 个",
        remedy="A number with thousands separators splits a cell; write plain digits.",
        remedy_zh="带千分位的数字会多分出单元格，请写成不带逗号的数字。",
    )


def read_day(text: str, *, is_serial_read: bool) -> date:
    """Read a day written 2025-06-30 or 2025/6/30, and in a workbook as its serial number.

    Raises:
        InvalidInput: It is no day.
    """
    if is_serial_read:
        day = day_of_serial(text)
        if day is not None:
            return day
    slashed = _SLASHED_DAY.fullmatch(text)
    try:
        if slashed is not None:
            year, month, date_of_month = (int(part) for part in slashed.groups())
            return date(year, month, date_of_month)
        if len(text) == len("2025-06-30"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(
        f"{text!r} is not a date", zh=f"“{text}”不是日期", remedy="Write 2025-06-30.", remedy_zh="请写成 2025-06-30。"
    )


def read_optional_number(text: str, *, field: str) -> Decimal | None:
    """Read a plain decimal; None where the cell is empty.

    Raises:
        InvalidInput: It is no plain decimal.
    """
    return parse_decimal(text, field=field) if text else None


def doubled(number: int, field: str, what: str, earlier: int) -> Failure:
    """Give the fault of a row that says again what an earlier line says."""
    return failure_of(
        number,
        field,
        InvalidInput(
            f"{what} stands already in line {earlier}",
            zh=f"{what} 与第 {earlier} 行重复",
            remedy="Keep one row.",
            remedy_zh="请只保留一行。",
        ),
    )


def contradicted(number: int, field: str, what: str, lines: Sequence[int]) -> Failure:
    """Give the fault of a row that says otherwise than other lines of the same thing: none of them is taken."""
    told = sorted(lines)
    return failure_of(
        number,
        field,
        InvalidInput(
            f"{what} stands with different figures in lines {', '.join(map(str, told))}; none is taken",
            zh=f"{what} 在第 {'、'.join(map(str, told))} 行数值不同，均未采用",
            remedy="Keep the right row alone.",
            remedy_zh="请核对后只保留正确的一行。",
        ),
    )


def failure_of(number: int, field: str | None, error: CarbonFinError) -> Failure:
    """Give the fault of one line."""
    return Failure(
        item=f"line {number}",
        field=field or error.field,
        detail=error.detail,
        zh=f"第 {number} 行：{error.zh}",
        remedy=error.remedy,
        remedy_zh=error.remedy_zh,
    )


def line_of(failure: Failure) -> int:
    """Give the line a fault names."""
    return int(failure.item.removeprefix("line "))
