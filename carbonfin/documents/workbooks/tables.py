"""Tables of a workbook as values: typed columns, rows, code lists, guide and provenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput

CODES_SHEET = "代码表"
GUIDE_SHEET = "填报说明"
PROVENANCE_SHEET = "来源与口径"

SERIAL_LABEL = "序号"
TOTAL_LABEL = "合计"
EMPTY_LABEL = "（本期无记录）"

_SHEET_NAME_MOST = 31
_SHEET_NAME_FORBIDDEN = set("[]:*?/\\'")
_EXACT_DIGITS = 15

CellValue = str | Decimal | int | date | None


class CellKind(StrEnum):
    """What a column holds, and so how it is stored and shown."""

    TEXT = "text"
    CODE = "code"
    MONEY = "money"
    MONEY_10K = "money-10k"
    TONNES = "tonnes"
    PRICE = "price"
    COUNT = "count"
    RATIO = "ratio"
    DAY = "day"


_ADDABLE = {CellKind.MONEY, CellKind.MONEY_10K, CellKind.TONNES, CellKind.COUNT}
_TYPES: dict[CellKind, type] = {
    CellKind.TEXT: str,
    CellKind.CODE: str,
    CellKind.MONEY: Decimal,
    CellKind.MONEY_10K: Decimal,
    CellKind.TONNES: int,
    CellKind.PRICE: Decimal,
    CellKind.COUNT: int,
    CellKind.RATIO: Decimal,
    CellKind.DAY: date,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumn:
    """A column: what it is called, what it holds, whether it adds up, which codes may be chosen.

    Args:
        label: Head in Chinese.
        kind: What it holds; money in 元, money-10k in 万元 with six decimals, ratio as 0 to 1.
        unit: Unit shown in the head.
        totalled: Whether the totals row adds it up.
        choices: Name of a code list that offers a drop-down.
        width: Width in half-width characters; None takes what the longest text needs.
    """

    label: str
    kind: CellKind
    unit: str = ""
    totalled: bool = False
    choices: str | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if self.totalled and self.kind not in _ADDABLE:
            raise InvalidInput(
                f"Column {self.label!r} of kind {self.kind} cannot be totalled",
                zh=f"“{self.label}”列不能合计",
                field="totalled",
            )

    @property
    def head(self) -> str:
        """Give the head with its unit."""
        return f"{self.label}（{self.unit}）" if self.unit else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A list of codes with their meaning, kept on the sheet 代码表."""

    name: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetTable:
    """One table on its own sheet.

    Args:
        name: Name of the sheet.
        title: Title over the whole width.
        columns: Columns after the serial number, which the workbook counts itself.
        rows: One value for each column; None leaves the cell empty.
        unit: Unit that holds for the sheet, such as 单位：元.
        reporting_body: 填报单位.
        prepared_by: 填表人.
        telephone: 联系电话.
        reported_on: Day of the report.
        banner: Text under the title, such as the mark of sample figures.
        notes: Lines under the table.
    """

    name: str
    title: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    reported_on: date
    unit: str = ""
    reporting_body: str = ""
    prepared_by: str = ""
    telephone: str = ""
    banner: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_sheet_name(self.name)
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise InvalidInput(
                    f"Row {number} of sheet {self.name!r} has {len(row)} values for {len(self.columns)} columns",
                    zh=f"“{self.name}”第 {number} 行应有 {len(self.columns)} 个值，实有 {len(row)} 个",
                    field="rows",
                )
        for column, values in zip(self.columns, self.values, strict=True):
            _check_column(values, column, sheet=self.name)

    @property
    def values(self) -> tuple[tuple[CellValue, ...], ...]:
        """Give the values column by column."""
        return tuple(zip(*self.rows, strict=True)) if self.rows else ((),) * len(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a figure of the workbook comes from: snapshot, parameter version, document and article."""

    subject: str
    value: str
    source: str
    digest: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """Sheets of tables with their code lists, guide and provenance.

    Args:
        title: Title of the file.
        sheets: The tables, in order.
        created_at: The instant written into the file; with equal values it gives equal bytes.
        code_lists: Codes offered as drop-downs.
        guide: Lines of 填报说明.
        provenance: Lines of 来源与口径.
    """

    title: str
    sheets: tuple[SheetTable, ...]
    created_at: datetime
    code_lists: tuple[CodeList, ...] = ()
    guide: tuple[str, ...] = ()
    provenance: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise InvalidInput("created_at needs a zone", zh="生成时间缺少时区", field="created_at")
        names = [sheet.name for sheet in self.sheets]
        own = {CODES_SHEET, GUIDE_SHEET, PROVENANCE_SHEET}
        if not names or len({name.lower() for name in names}) != len(names) or own & set(names):
            raise InvalidInput(
                f"Sheets need distinct names outside {sorted(own)}: {names}",
                zh="工作表名称重复或与固定工作表相同",
                field="sheets",
            )
        codes = {each.name: {code for code, _meaning in each.entries} for each in self.code_lists}
        for sheet in self.sheets:
            _check_choices(sheet, codes)


def totals_of(table: SheetTable) -> tuple[Decimal | int | None, ...]:
    """Give the sum of each totalled column, and None for the others."""
    sums: list[Decimal | int | None] = []
    for column, figures in zip(table.columns, table.values, strict=True):
        if not column.totalled:
            sums.append(None)
            continue
        sums.append(sum((each for each in figures if isinstance(each, (Decimal, int))), _zero(column.kind)))
    return tuple(sums)


def _zero(kind: CellKind) -> Decimal | int:
    return 0 if _TYPES[kind] is int else Decimal(0)


def _check_sheet_name(name: str) -> None:
    if not name or len(name) > _SHEET_NAME_MOST or _SHEET_NAME_FORBIDDEN & set(name):
        raise InvalidInput(
            f"{name!r} is no name for a sheet: 1 to {_SHEET_NAME_MOST} characters, none of []:*?/\\'",
            zh=f"工作表名称“{name}”不符合要求",
            field="name",
        )


def _check_column(values: Sequence[CellValue], column: SheetColumn, *, sheet: str) -> None:
    """Refuse the first value of a column that cannot stand in it; texts, days and counts are told by type alone."""
    wanted = _TYPES[column.kind]
    if set(map(type, values)) <= {wanted, type(None)} and (wanted is not Decimal or _all_exact(values)):
        return
    for number, value in enumerate(values, start=1):
        if value is not None:
            _check_cell(value, column, where=(sheet, number))


def _all_exact(values: Sequence[CellValue]) -> bool:
    """Tell whether all figures are finite and short enough for sure: what is written in so many signs has no more."""
    figures = [value for value in values if isinstance(value, Decimal)]
    return all(map(Decimal.is_finite, figures)) and max(map(len, map(str, figures)), default=0) <= _EXACT_DIGITS


def _check_cell(value: str | Decimal | int | date, column: SheetColumn, *, where: tuple[str, int]) -> None:
    """Refuse a value of another type, or a figure that a spreadsheet cannot hold exactly."""
    wanted = _TYPES[column.kind]
    if type(value) is not wanted:
        raise InvalidInput(
            f"{where[0]} {where[1]}, {column.label}: {value!r} is not a {wanted.__name__}",
            zh=f"{where[0]} {where[1]}行“{column.label}”列的值类型不符",
            field="rows",
        )
    if isinstance(value, Decimal) and (not value.is_finite() or len(value.as_tuple().digits) > _EXACT_DIGITS):
        raise InvalidInput(
            f"{where[0]} {where[1]}, {column.label}: {value} has more than the {_EXACT_DIGITS} digits"
            " a spreadsheet keeps",
            zh=f"{where[0]} {where[1]}行“{column.label}”列的数字超过 {_EXACT_DIGITS} 位有效数字",
            field="rows",
            remedy="Round it, or give it as text.",
            remedy_zh="请先取整，或作为文本填写。",
        )


def _check_choices(sheet: SheetTable, codes: dict[str, set[str]]) -> None:
    """Refuse a code list that is not there, and a value that its list does not offer."""
    for index, column in enumerate(sheet.columns):
        if column.choices is None:
            continue
        if column.choices not in codes:
            raise InvalidInput(
                f"Column {column.label!r} asks for the code list {column.choices!r}, which the workbook lacks",
                zh=f"“{column.label}”列所用代码表“{column.choices}”不存在",
                field="code_lists",
            )
        strange = sorted({str(row[index]) for row in sheet.rows if row[index] is not None} - codes[column.choices])
        if strange:
            raise InvalidInput(
                f"{', '.join(strange)} in column {column.label!r} are not in the code list {column.choices!r}",
                zh=f"“{column.label}”列的 {'、'.join(strange)} 不在代码表“{column.choices}”中",
                field="rows",
            )
