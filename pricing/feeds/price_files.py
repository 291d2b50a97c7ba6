"""Quotes that people bring or a feed serves, read row by row; every fault names line, column and remedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameters import Grade
from pricing.calc.market import PriceKind, Quote
from pricing.feeds.tables import (
    WORKBOOK,
    Columns,
    DataSource,
    TextTable,
    doubled,
    line_of,
    read_known_day,
    read_optional_number,
    read_rows,
    read_table,
)

_UNIT_SLIP_FACTOR = 5
_PRODUCT_LENGTH_MAX = 40
EXAMPLE = (
    "品种,日期,开盘价(元/吨),最高价(元/吨),最低价(元/吨),收盘价(元/吨),加权均价(元/吨),挂牌成交量(吨),挂牌成交额(元),"
    "大宗成交量(吨),大宗成交额(元)\n"
    "CEA,2025-07-15,73.00,73.20,73.00,73.10,73.10,35000,2558500.00,0,0.00\n"
)
COLUMNS = Columns(
    aliases={
        "unit": ("unit", "品种", "配额品种"),
        "product": ("product", "产品", "产品代码"),
        "quote_date": ("quote_date", "date", "日期", "交易日期"),
        "price_cny_per_t": (
            "price_cny_per_t", "close_cny_per_t", "mean_cny_per_t", "价格(元/吨)", "收盘价(元/吨)", "均价(元/吨)",
            "收盘价", "均价", "价格",
        ),
        "open_cny_per_t": ("open_cny_per_t", "开盘价(元/吨)", "开盘价"),
        "high_cny_per_t": ("high_cny_per_t", "最高价(元/吨)", "最高价"),
        "low_cny_per_t": ("low_cny_per_t", "最低价(元/吨)", "最低价"),
        # A mean is the price of what has no close, and the VWAP of what has one.
        "vwap_cny_per_t": (
            "vwap_cny_per_t", "加权均价(元/吨)", "加权均价", "成交均价(元/吨)", "成交均价", "均价(元/吨)", "均价",
        ),
        "listed_volume_t": ("listed_volume_t", "挂牌成交量(吨)", "成交量(吨)"),
        "listed_amount_cny": ("listed_amount_cny", "挂牌成交额(元)", "成交额(元)"),
        "block_volume_t": ("block_volume_t", "大宗成交量(吨)"),
        "block_amount_cny": ("block_amount_cny", "大宗成交额(元)"),
    },
    required=("unit", "quote_date", "price_cny_per_t"),
    example=EXAMPLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFile:
    """What a file said: the rows that could be read and the faults of those that could not.

    Attributes:
        encoding: utf-8, gb18030 (GBK and its successor), xlsx or json, as found.
        row_count: Rows below the head, blank ones left out.
    """

    file_name: str
    encoding: str
    row_count: int
    quotes: tuple[Quote, ...]
    failures: tuple[Failure, ...]


def read_price_file(content: bytes, *, file_name: str, source: DataSource) -> PriceFile:
    """Read a price file, CSV or xlsx; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    return read_price_table(read_table(content, file_name=file_name), source=source)


def read_price_table(table: TextTable, *, source: DataSource) -> PriceFile:
    """Read a table of quotes; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: Its head is not one of quotes.
    """
    quotes, failures = read_rows(
        table,
        COLUMNS,
        cell=partial(_cell, source=source, is_serial_read=table.encoding == WORKBOOK),
        made=partial(_checked_quote, source=source),
    )
    failures.extend(_duplicates(quotes))
    return PriceFile(
        file_name=table.file_name,
        encoding=table.encoding,
        row_count=len(table.rows),
        quotes=tuple(quote for _, quote in quotes),
        failures=tuple(sorted(failures, key=line_of)),
    )


def _cell(field: str, text: str, *, source: DataSource, is_serial_read: bool) -> object:
    if field == "unit":
        return Unit.parse(text)
    if field == "product":
        return _product(text)
    if field == "quote_date":
        return read_known_day(text, source, is_serial_read=is_serial_read)
    if field == "price_cny_per_t":
        return parse_decimal(text, field=field)
    number = read_optional_number(text, field=field)
    if number is None or not field.endswith("volume_t"):
        return number
    if number != number.to_integral_value():
        raise InvalidInput(
            f"{text} is not a whole number of tonnes", zh=f"“{text}”不是整吨数", remedy="Give whole tonnes, not 万吨.",
            remedy_zh="成交量请填整吨，不要用万吨。",
        )  # fmt: skip
    return int(number)


def _product(text: str) -> str | None:
    if len(text) > _PRODUCT_LENGTH_MAX or not text.isprintable():
        raise InvalidInput(
            f"{text[:_PRODUCT_LENGTH_MAX]!r} is no product code", zh="产品代码过长或含不可见字符",
            remedy="Give the venue's own code of the product.", remedy_zh="请填写交易所的产品代码。",
        )  # fmt: skip
    return text or None


def _checked_quote(values: dict[str, object], *, source: DataSource) -> Quote:
    quote = _quote(values, source)
    _refuse_unit_slip(quote)
    return quote


def _quote(values: dict[str, object], source: DataSource) -> Quote:
    unit, day, price = values["unit"], values["quote_date"], values["price_cny_per_t"]
    assert isinstance(unit, Unit)
    assert isinstance(day, date)
    assert isinstance(price, Decimal)
    product = values.get("product")
    assert product is None or isinstance(product, str)
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
        listed_amount_cny=_number(values, "listed_amount_cny"),
        block_volume_t=_tonnes(values, "block_volume_t"),
        block_amount_cny=_number(values, "block_amount_cny"),
        known_from=source.known_from,
        exchange=source.exchange,
        document=source.document,
        grade=Grade.SAMPLE if source.is_sample else Grade.SECONDARY,
        is_sample=source.is_sample,
        product=product,
        open_cny_per_t=_number(values, "open_cny_per_t"),
        high_cny_per_t=_number(values, "high_cny_per_t"),
        low_cny_per_t=_number(values, "low_cny_per_t"),
        vwap_cny_per_t=_number(values, "vwap_cny_per_t"),
    )


def _tonnes(values: dict[str, object], field: str) -> int | None:
    value = values.get(field)
    assert value is None or isinstance(value, int)
    return value


def _number(values: dict[str, object], field: str) -> Decimal | None:
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
    first: dict[tuple[Unit, str | None, date], int] = {}
    failures = []
    for number, quote in quotes:
        earlier = first.setdefault((quote.unit, quote.product, quote.quote_date), number)
        if earlier != number:
            what = f"{quote.unit} {quote.quote_date}" + (f" {quote.product}" if quote.product else "")
            failures.append(doubled(number, "quote_date", what, earlier))
    return failures
