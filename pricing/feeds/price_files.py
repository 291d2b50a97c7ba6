"""Price files that people bring: CSV in UTF-8 or GBK, read row by row; every fault names line, column and remedy."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameters import Grade
from pricing.calc.market import PriceKind, Quote

MAX_BYTES = 5_000_000
MAX_ROWS = 20_000
_UNIT_SLIP_FACTOR = 5
_SLASHED_DAY = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
_BRACKETS = str.maketrans({"（": "(", "）": ")", "／": "/", " ": "", "\u3000": ""})

COLUMNS: dict[str, tuple[str, ...]] = {
    "unit": ("unit", "品种", "配额品种"),
    "quote_date": ("quote_date", "date", "日期", "交易日期"),
    "price_cny_per_t": (
        "price_cny_per_t", "close_cny_per_t", "mean_cny_per_t", "价格(元/吨)", "收盘价(元/吨)", "均价(元/吨)",
        "收盘价", "均价", "价格",
    ),
    "listed_volume_t": ("listed_volume_t", "挂牌成交量(吨)", "成交量(吨)"),
    "listed_amount_cny": ("listed_amount_cny", "挂牌成交额(元)", "成交额(元)"),
    "block_volume_t": ("block_volume_t", "大宗成交量(吨)"),
    "block_amount_cny": ("block_amount_cny", "大宗成交额(元)"),
}  # fmt: skip
_REQUIRED = ("unit", "quote_date", "price_cny_per_t")
EXAMPLE = (
    "品种,日期,收盘价(元/吨),挂牌成交量(吨),挂牌成交额(元),大宗成交量(吨),大宗成交额(元)\n"
    "CEA,2025-07-15,73.10,35000,2558500.00,0,0.00\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFile:
    """What a file said: the rows that could be read and the faults of those that could not.

    Attributes:
        encoding: utf-8 or gb18030 (GBK and its successor), as found.
        row_count: Rows below the head, blank ones left out.
    """

    file_name: str
    encoding: str
    row_count: int
    quotes: tuple[Quote, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """Who published the prices of a file and since when they are known.

    Attributes:
        exchange: Venue, shown beside every price.
        document: Bulletin or file they come from.
        known_from: Day in China they became known here; later quotes are refused.
        is_sample: Invented prices (示例).
    """

    exchange: str
    document: str
    known_from: date
    is_sample: bool


def read_price_file(content: bytes, *, file_name: str, source: PriceSource) -> PriceFile:
    """Read a price file; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    text, encoding = _decode(content, file_name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InvalidInput(
            f"{file_name}, line {reader.line_num}: {error}",
            zh=f"{file_name} 第 {reader.line_num} 行不是有效的 CSV：{error}",
            field="file",
            remedy="Save the sheet as CSV again.",
            remedy_zh="请重新另存为 CSV。",
        ) from error
    lines = [(number, cells) for number, cells in lines if not cells[0].lstrip().startswith("#")]
    if not lines:
        raise _unreadable(file_name, "the file has no rows", "文件没有内容")
    if len(lines) - 1 > MAX_ROWS:
        raise _unreadable(file_name, f"more than {MAX_ROWS} rows", f"超过 {MAX_ROWS} 行，请拆分")
    head = _head(lines[0], file_name)
    quotes: list[tuple[int, Quote]] = []
    failures: list[Failure] = []
    for number, cells in lines[1:]:
        row = _read_row(number, cells, head, source)
        if isinstance(row, Quote):
            quotes.append((number, row))
        else:
            failures.extend(row)
    failures.extend(_duplicates(quotes))
    return PriceFile(
        file_name=file_name,
        encoding=encoding,
        row_count=len(lines) - 1,
        quotes=tuple(quote for _, quote in quotes),
        failures=tuple(sorted(failures, key=_line_of)),
    )


def _decode(content: bytes, file_name: str) -> tuple[str, str]:
    if len(content) > MAX_BYTES:
        raise _unreadable(file_name, f"the file is larger than {MAX_BYTES} bytes", "文件超过 5 MB")
    for encoding, name in (("utf-8-sig", "utf-8"), ("gb18030", "gb18030")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise _unreadable(file_name, "the file is neither UTF-8 nor GBK text", "文件既不是 UTF-8 也不是 GBK 文本")


def _unreadable(file_name: str, detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{file_name}: {detail}",
        zh=f"{file_name}：{zh}",
        field="file",
        remedy="Save the sheet as CSV (UTF-8 or GBK) with the columns of the example.",
        remedy_zh="请按示例列名另存为 CSV（UTF-8 或 GBK）。",
    )


def _head(line: tuple[int, list[str]], file_name: str) -> dict[str, int]:
    """Find the columns; unknown, doubled and missing ones are refused, 万吨 and 万元 by name."""
    number, cells = line
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = cell.translate(_BRACKETS)
        field = next((field for field, aliases in COLUMNS.items() if name in aliases), None)
        if field is None:
            raise _bad_head(file_name, number, name)
        if field in found:
            raise _unreadable(
                file_name, f"line {number}: column {name!r} stands twice", f"第 {number} 行：列“{name}”重复"
            )
        found[field] = place
    missing = [field for field in _REQUIRED if field not in found]
    if missing:
        raise _unreadable(
            file_name,
            f"line {number}: columns are missing: {', '.join(missing)}",
            f"第 {number} 行：缺少列 " + "、".join(COLUMNS[field][-1] for field in missing),
        )
    return found


def _bad_head(file_name: str, number: int, name: str) -> InvalidInput:
    if "万" in name or "亿" in name:
        return InvalidInput(
            f"{file_name}, line {number}: column {name!r} is in 万 or 亿; this file takes 吨 and 元",
            zh=f"{file_name} 第 {number} 行：列“{name}”的单位应为吨或元",
            field=name,
            remedy="Convert the column to tonnes or yuan and name it so.",
            remedy_zh="请换算为吨或元，并修改列名。",
        )
    known = "、".join(aliases[1] for aliases in COLUMNS.values())
    return InvalidInput(
        f"{file_name}, line {number}: column {name!r} is not known",
        zh=f"{file_name} 第 {number} 行：不认识的列“{name}”",
        field=name,
        remedy="Use the columns of the example: " + ", ".join(COLUMNS),
        remedy_zh="可用的列：" + known + "；成交量须写明（吨），成交额须写明（元）。",
    )


def _read_row(number: int, cells: list[str], head: dict[str, int], source: PriceSource) -> Quote | list[Failure]:
    """Read one row, or say each thing wrong with it."""
    values: dict[str, object] = {}
    failures: list[Failure] = []
    if len(cells) != len(head):
        return [
            _failure(
                number,
                None,
                InvalidInput(
                    f"the row has {len(cells)} cells, the head {len(head)}",
                    zh=f"本行 {len(cells)} 个单元格，表头 {len(head)} 个",
                    remedy="A number with thousands separators splits a cell; write plain digits.",
                    remedy_zh="带千分位的数字会多分出单元格，请写成不带逗号的数字。",
                ),
            )
        ]
    for field, place in head.items():
        try:
            values[field] = _cell(field, cells[place].strip(), source)
        except CarbonFinError as error:
            failures.append(_failure(number, field, error))
    if failures:
        return failures
    try:
        quote = _quote(values, source)
        _refuse_unit_slip(quote)
    except CarbonFinError as error:
        return [_failure(number, error.field, error)]
    return quote


def _cell(field: str, text: str, source: PriceSource) -> object:
    if field == "unit":
        return Unit.parse(text)
    if field == "quote_date":
        day = _day(text)
        if day > source.known_from:
            raise InvalidInput(
                f"{day} lies after {source.known_from}", zh=f"日期 {day} 晚于 {source.known_from}，行情尚不可能公布",
                remedy="Check the date.", remedy_zh="请核对日期。",
            )  # fmt: skip
        return day
    if field == "price_cny_per_t":
        return parse_decimal(text, field=field)
    if not text:
        return None
    number = parse_decimal(text, field=field)
    if not field.endswith("_t"):
        return number
    if number != number.to_integral_value():
        raise InvalidInput(
            f"{text} is not a whole number of tonnes", zh=f"“{text}”不是整吨数", remedy="Give whole tonnes, not 万吨.",
            remedy_zh="成交量请填整吨，不要用万吨。",
        )  # fmt: skip
    return int(number)


def _day(text: str) -> date:
    slashed = _SLASHED_DAY.fullmatch(text)
    try:
        if slashed is not None:
            year, month, day = (int(part) for part in slashed.groups())
            return date(year, month, day)
        if len(text) == len("2025-06-30"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(
        f"{text!r} is not a date", zh=f"“{text}”不是日期", remedy="Write 2025-06-30.", remedy_zh="请写成 2025-06-30。"
    )


def _quote(values: dict[str, object], source: PriceSource) -> Quote:
    unit, day, price = values["unit"], values["quote_date"], values["price_cny_per_t"]
    assert isinstance(unit, Unit)
    assert isinstance(day, date)
    assert isinstance(price, Decimal)
    if unit.scheme is Scheme.CEA and unit.vintage is not None:
        raise InvalidInput(
            f"{unit}: the national close is a composite over vintages",
            zh=f"{unit}：全国市场收盘价为综合价格，非分年度", field="unit",
            remedy="Write CEA without a vintage.", remedy_zh="品种请写 CEA，不带年度。",
        )  # fmt: skip
    if unit.vintage is None and not unit.is_credit and unit.scheme is not Scheme.CEA:
        raise InvalidInput(
            f"{unit} needs a vintage", zh=f"{unit} 缺少配额年度", field="unit",
            remedy="Write the vintage, for example SZA-2023.", remedy_zh="请写明年度，例如 SZA-2023。",
        )  # fmt: skip
    kind = PriceKind.COMPOSITE_CLOSE if unit.scheme is Scheme.CEA else PriceKind.VINTAGE_QUOTE
    return Quote(
        unit=unit,
        quote_date=day,
        price_cny_per_t=price,
        price_kind=PriceKind.DAY_MEAN if unit.is_credit else kind,
        listed_volume_t=_tonnes(values, "listed_volume_t"),
        listed_amount_cny=_amount(values, "listed_amount_cny"),
        block_volume_t=_tonnes(values, "block_volume_t"),
        block_amount_cny=_amount(values, "block_amount_cny"),
        known_from=source.known_from,
        exchange=source.exchange,
        document=source.document,
        grade=Grade.SAMPLE if source.is_sample else Grade.SECONDARY,
        is_sample=source.is_sample,
    )


def _tonnes(values: dict[str, object], field: str) -> int | None:
    value = values.get(field)
    assert value is None or isinstance(value, int)
    return value


def _amount(values: dict[str, object], field: str) -> Decimal | None:
    value = values.get(field)
    assert value is None or isinstance(value, Decimal)
    return value


def _refuse_unit_slip(quote: Quote) -> None:
    """Refuse a mean that lies far from the price: tonnes or yuan were given in 万."""
    for name, mean in (("listed", quote.listed_mean_cny_per_t), ("block", quote.block_mean_cny_per_t)):
        if mean is None:
            continue
        if not quote.price_cny_per_t / _UNIT_SLIP_FACTOR <= mean <= quote.price_cny_per_t * _UNIT_SLIP_FACTOR:
            raise InvalidInput(
                f"{name} amount over volume is {mean:.4f} 元/吨, the price {quote.price_cny_per_t}",
                zh=f"成交额÷成交量为 {mean:.4f} 元/吨，与价格 {quote.price_cny_per_t} 相差过大，疑似单位错误",
                field=f"{name}_amount_cny",
                remedy="Give 吨 and 元, not 万吨 or 万元.",
                remedy_zh="成交量用吨、成交额用元，不要用万吨、万元。",
            )


def _duplicates(quotes: Sequence[tuple[int, Quote]]) -> list[Failure]:
    first: dict[tuple[Unit, date], int] = {}
    failures = []
    for number, quote in quotes:
        earlier = first.setdefault((quote.unit, quote.quote_date), number)
        if earlier != number:
            failures.append(
                _failure(
                    number,
                    "quote_date",
                    InvalidInput(
                        f"{quote.unit} on {quote.quote_date} stands already in line {earlier}",
                        zh=f"{quote.unit} {quote.quote_date} 与第 {earlier} 行重复",
                        remedy="Keep one row.",
                        remedy_zh="请只保留一行。",
                    ),
                )
            )
    return failures


def _failure(number: int, field: str | None, error: CarbonFinError) -> Failure:
    return Failure(
        item=f"line {number}",
        field=field or error.field,
        detail=error.detail,
        zh=f"第 {number} 行：{error.zh}",
        remedy=error.remedy,
        remedy_zh=error.remedy_zh,
    )


def _line_of(failure: Failure) -> int:
    return int(failure.item.removeprefix("line "))
