"""A counterparty's list of repos from a file, CSV or xlsx; every fault names line, column and remedy."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from carbonfin.documents.text_tables import WORKBOOK, Columns, doubled, line_of, read_day, read_rows, read_table
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, parse_decimal
from collateral.calc.repo_portfolio import ListedRepo

_TONNES_MAX = 1_000_000_000
_DAYS = frozenset({"purchase_date", "repurchase_date"})
PORTFOLIO_COLUMNS = Columns(
    aliases={
        "code": ("code", "回购编号"),
        "unit": ("unit", "品种"),
        "quantity_t": ("quantity_t", "数量(吨)"),
        "purchase_date": ("purchase_date", "首期交易日"),
        "repurchase_date": ("repurchase_date", "购回日"),
        "currency": ("currency", "币种"),
        "purchase_price_amount": ("purchase_price_amount", "首期价款"),
        "rate": ("rate", "回购利率"),
        "margin_cash_amount": ("margin_cash_amount", "现金保证金"),
    },
    required=(
        "code", "unit", "quantity_t", "purchase_date", "repurchase_date", "currency", "purchase_price_amount", "rate",
    ),
    example=(
        "回购编号,品种,数量(吨),首期交易日,购回日,币种,首期价款,回购利率,现金保证金\n"
        "R1,SZA-2023,100000,2025-05-20,2025-07-21,HKD,2400000.00,0.0420,0.00\n"
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioFile:
    """What a counterparty's file said: the repos read, and the faults of rows that could not be."""

    file_name: str
    row_count: int
    repos: tuple[ListedRepo, ...]
    failures: tuple[Failure, ...]


def read_portfolio_file(content: bytes, *, file_name: str) -> PortfolioFile:
    """Read a counterparty's list of repos; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    table = read_table(content, file_name=file_name)
    found, failures = read_rows(
        table, PORTFOLIO_COLUMNS, cell=partial(_cell, is_serial_read=table.encoding == WORKBOOK), made=_made
    )
    lines: dict[str, int] = {}
    twice = []
    for line, one in found:
        if one.code in lines:
            twice.append(doubled(line, "code", one.code, lines[one.code]))
        lines.setdefault(one.code, line)
    return PortfolioFile(
        file_name=file_name, row_count=len(table.rows), repos=tuple(one for _, one in found),
        failures=tuple(sorted([*failures, *twice], key=line_of)),
    )  # fmt: skip


def _cell(field: str, text: str, *, is_serial_read: bool) -> object:
    if not text:
        if field in PORTFOLIO_COLUMNS.required:
            raise InvalidInput(
                f"{field} is empty", zh="不能为空", field=field, remedy="Fill the cell.", remedy_zh="请填写。"
            )
        return None
    if field in _DAYS:
        return read_day(text, is_serial_read=is_serial_read)
    if field == "quantity_t":
        if not text.isascii() or not text.isdecimal() or int(text) > _TONNES_MAX:
            raise InvalidInput(f"{text!r} is not whole tonnes", zh=f"“{text}”不是整数吨", field=field)
        return int(text)
    if field == "unit":
        return str(Unit.parse(text))
    if field == "currency":
        if text not in set(Currency):
            raise InvalidInput(f"{text!r} is no currency", zh=f"“{text}”不是币种代码", field=field)
        return text
    return text if field == "code" else parse_decimal(text, field=field)


def _made(values: dict[str, object]) -> ListedRepo:
    quantity_t, start, end = values["quantity_t"], values["purchase_date"], values["repurchase_date"]
    price, rate, margin = values["purchase_price_amount"], values["rate"], values.get("margin_cash_amount")
    assert isinstance(quantity_t, int)
    assert isinstance(start, date)
    assert isinstance(end, date)
    assert isinstance(price, Decimal)
    assert isinstance(rate, Decimal)
    assert margin is None or isinstance(margin, Decimal)
    return ListedRepo(
        code=str(values["code"]), unit=str(values["unit"]), quantity_t=quantity_t, purchase_date=start,
        repurchase_date=end, currency=str(values["currency"]), purchase_price_amount=price, rate=rate,
        margin_cash_amount=margin,
    )  # fmt: skip
