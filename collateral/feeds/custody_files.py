"""A custodian's or an exchange's daily statement, CSV or xlsx; every fault names line, column and remedy."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from carbonfin.documents.text_tables import WORKBOOK, Columns, doubled, line_of, read_day, read_rows, read_table
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from collateral.calc.custody import CASH

CUSTODY_COLUMNS = Columns(
    aliases={
        "business_date": ("business_date", "日期"),
        "account_number": ("account_number", "账号"),
        "item": ("item", "品种"),
        "amount": ("amount", "余额"),
    },
    required=("business_date", "account_number", "item", "amount"),
    example=(
        "日期,账号,品种,余额\n"
        "2025-06-30,6222-0001,CNY,1250000.35\n"
        "2025-06-30,6222-0001,SZA-2024,33000\n"
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyLine:
    """One line of a statement: an account's cash or tonnes of a unit at the end of a day."""

    line: int
    business_date: date
    account_number: str
    item: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyFile:
    """What a statement said: the lines read, and the faults of those that could not be."""

    file_name: str
    encoding: str
    row_count: int
    lines: tuple[CustodyLine, ...]
    failures: tuple[Failure, ...]


def read_custody_file(content: bytes, *, file_name: str) -> CustodyFile:
    """Read a statement; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    table = read_table(content, file_name=file_name)
    found, failures = read_rows(
        table, CUSTODY_COLUMNS, cell=partial(_cell, is_serial_read=table.encoding == WORKBOOK), made=dict
    )
    lines, twice, seen = [], [], dict[tuple[object, ...], int]()
    for number, values in found:
        day, amount = values["business_date"], values["amount"]
        assert isinstance(day, date)
        assert isinstance(amount, Decimal)
        one = CustodyLine(
            line=number, business_date=day, account_number=str(values["account_number"]), item=str(values["item"]),
            amount=amount,
        )  # fmt: skip
        key = (one.business_date, one.account_number, one.item)
        if key in seen:
            twice.append(doubled(number, "item", f"{one.account_number} {one.item}", seen[key]))
        seen.setdefault(key, number)
        lines.append(one)
    return CustodyFile(
        file_name=file_name, encoding=table.encoding, row_count=len(table.rows), lines=tuple(lines),
        failures=tuple(sorted([*failures, *twice], key=line_of)),
    )  # fmt: skip


def _cell(field: str, text: str, *, is_serial_read: bool) -> object:
    if not text:
        raise InvalidInput(
            f"{field} is empty", zh="不能为空", field=field, remedy="Fill the cell.", remedy_zh="请填写。"
        )
    if field == "business_date":
        return read_day(text, is_serial_read=is_serial_read)
    if field == "item":
        return CASH if text.upper() == CASH else str(Unit.parse(text))
    return parse_decimal(text, field=field) if field == "amount" else text
