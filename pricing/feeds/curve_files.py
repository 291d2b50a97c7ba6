"""Settlement curves, rates and exchange rates that people bring or a feed serves, read row by row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.rules.parameters import Grade
from pricing.calc.curve_quotes import FX_SPOT, RATE_SERIES, CurveQuote, CurveQuoteKind
from pricing.feeds.tables import (
    WORKBOOK,
    Columns,
    DataSource,
    TextTable,
    doubled,
    line_of,
    read_day,
    read_known_day,
    read_rows,
    read_table,
)

_PERCENT = Decimal(100)
_DAY = ("quote_date", "日期", "交易日期")
_OPTIONAL_NUMBERS = frozenset(
    {"rate", "rate_percent", "rate_per_100", "strike", "moneyness", "volatility", "volatility_percent"}
)


class CurveFileKind(StrEnum):
    """What a table of curve quotes holds."""

    SETTLEMENTS = "settlements"
    RATES = "rates"
    FX = "fx"
    VOLATILITIES = "volatilities"


CURVE_FILE_LABELS: Mapping[CurveFileKind, tuple[str, str]] = {
    CurveFileKind.SETTLEMENTS: ("期货结算价", "settlement prices"),
    CurveFileKind.RATES: ("利率", "rates"),
    CurveFileKind.FX: ("汇率", "exchange rates"),
    CurveFileKind.VOLATILITIES: ("期权波动率", "option volatilities"),
}

CURVE_COLUMNS: Mapping[CurveFileKind, Columns] = {
    CurveFileKind.SETTLEMENTS: Columns(
        aliases={
            "scheme": ("scheme", "品种"),
            "contract_code": ("contract_code", "合约代码", "合约"),
            "expiry_date": ("expiry_date", "到期日", "最后交易日"),
            "quote_date": ("settlement_date", "结算日", "日期"),
            "price_per_t": ("price_per_t", "结算价"),
            "currency": ("currency", "币种"),
        },
        required=("scheme", "contract_code", "expiry_date", "quote_date", "price_per_t", "currency"),
        example="品种,合约代码,到期日,结算日,结算价,币种\nEUA,EUA-2026-12,2026-12-14,2026-03-02,71.25,EUR\n",
    ),
    CurveFileKind.RATES: Columns(
        aliases={
            "name": ("name", "利率名称"),
            "tenor": ("tenor", "期限"),
            "quote_date": _DAY,
            "rate": ("rate", "利率(小数)"),
            "rate_percent": ("rate_percent", "利率(%)", "利率(％)"),
        },
        required=("name", "tenor", "quote_date"),
        example="利率名称,期限,日期,利率(%)\nSHIBOR,3M,2026-03-02,1.5830\nFR007_SWAP,1Y,2026-03-02,1.4725\nLPR,1Y,2026-02-24,3.00\n",
    ),
    CurveFileKind.FX: Columns(
        aliases={
            "pair": ("pair", "货币对"),
            "tenor": ("tenor", "期限"),
            "quote_date": _DAY,
            "rate": ("rate", "汇率", "1外币"),
            "rate_per_100": ("rate_per_100", "汇率(每100外币)", "100外币"),
        },
        required=("pair", "quote_date"),
        example="货币对,期限,日期,汇率\nUSDCNY,SPOT,2026-03-02,6.9120\nUSDCNH,3M,2026-03-02,6.8705\n",
    ),
    CurveFileKind.VOLATILITIES: Columns(
        aliases={
            "scheme": ("scheme", "品种"),
            "expiry_date": ("expiry_date", "期权到期日", "到期日"),
            "strike": ("strike", "行权价"),
            "moneyness": ("moneyness", "行权价/远期"),
            "quote_date": _DAY,
            "volatility": ("volatility", "波动率(小数)"),
            "volatility_percent": ("volatility_percent", "波动率(%)", "波动率(％)"),
            "currency": ("currency", "币种"),
        },
        required=("scheme", "expiry_date", "quote_date", "currency"),
        example="品种,到期日,行权价,日期,波动率(%),币种\nEUA,2026-12-14,75,2026-03-02,38.50,EUR\n",
    ),
}
"""The columns of each kind of table; a rate is given as a decimal or in percent, an exchange rate for 1 or for 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFile:
    """What a table of curve quotes said: the rows that could be read and the faults of those that could not."""

    kind: CurveFileKind
    file_name: str
    encoding: str
    row_count: int
    quotes: tuple[CurveQuote, ...]
    failures: tuple[Failure, ...]


def read_curve_file(content: bytes, *, kind: CurveFileKind, file_name: str, source: DataSource) -> CurveFile:
    """Read a file of curve quotes, CSV or xlsx; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    return read_curve_table(read_table(content, file_name=file_name), kind=kind, source=source)


def read_curve_table(table: TextTable, *, kind: CurveFileKind, source: DataSource) -> CurveFile:
    """Read a table of curve quotes; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: Its head is not one of this kind.
    """
    quotes, failures = read_rows(
        table,
        CURVE_COLUMNS[kind],
        cell=partial(_cell, source=source, is_serial_read=table.encoding == WORKBOOK),
        made=partial(_MAKERS[kind], source=source),
    )
    failures.extend(_duplicates(quotes))
    return CurveFile(
        kind=kind,
        file_name=table.file_name,
        encoding=table.encoding,
        row_count=len(table.rows),
        quotes=tuple(quote for _, quote in quotes),
        failures=tuple(sorted(failures, key=line_of)),
    )


def _cell(field: str, text: str, *, source: DataSource, is_serial_read: bool) -> object:
    if field == "quote_date":
        return read_known_day(text, source, is_serial_read=is_serial_read)
    if field == "expiry_date":
        return read_day(text, is_serial_read=is_serial_read)
    if field == "price_per_t":
        return parse_decimal(text, field=field)
    if field in _OPTIONAL_NUMBERS:
        return parse_decimal(text, field=field) if text else None
    if field == "currency":
        return _currency(text)
    return text.upper() if field in {"scheme", "name", "tenor", "pair"} else text


def _currency(text: str) -> Currency:
    if text.upper() not in Currency.__members__:
        raise InvalidInput(
            f"{text!r} is none of {', '.join(Currency)}", zh=f"“{text}”不是可用的币种", field="currency",
            remedy="Write CNY, CNH, HKD, USD or EUR.", remedy_zh="请填 CNY、CNH、HKD、USD 或 EUR。",
        )  # fmt: skip
    return Currency(text.upper())


def _settlement(values: dict[str, object], *, source: DataSource) -> CurveQuote:
    price, currency, expiry = values["price_per_t"], values["currency"], values["expiry_date"]
    assert isinstance(price, Decimal)
    assert isinstance(currency, Currency)
    assert isinstance(expiry, date)
    return _curve_quote(
        values, source, CurveQuoteKind.SETTLEMENT, name=str(values["scheme"]), point=str(values["contract_code"]),
        value=price, currency=currency, expiry_date=expiry,
    )  # fmt: skip


def _rate(values: dict[str, object], *, source: DataSource) -> CurveQuote:
    name = str(values["name"])
    if name not in RATE_SERIES:
        raise InvalidInput(
            f"{name!r} is no rate that is read", zh=f"“{name}”不是已知的利率名称", field="name",
            remedy="Write one of " + ", ".join(RATE_SERIES) + ".",
            remedy_zh="可用的利率名称：" + "、".join(RATE_SERIES) + "。",
        )  # fmt: skip
    kind, currency = RATE_SERIES[name]
    value = _one_of(values, "rate", "rate_percent")
    return _curve_quote(values, source, kind, name=name, point=str(values["tenor"]), value=value, currency=currency)


def _fx(values: dict[str, object], *, source: DataSource) -> CurveQuote:
    pair = str(values["pair"]).replace("/", "")
    second = pair[3:]
    return _curve_quote(
        values, source, CurveQuoteKind.FX, name=pair, point=str(values.get("tenor") or FX_SPOT),
        value=_one_of(values, "rate", "rate_per_100"), currency=_currency(second),
    )  # fmt: skip


def _volatility(values: dict[str, object], *, source: DataSource) -> CurveQuote:
    currency, expiry = values["currency"], values["expiry_date"]
    assert isinstance(currency, Currency)
    assert isinstance(expiry, date)
    given = [name for name in ("strike", "moneyness") if values.get(name) is not None]
    if len(given) != 1:
        raise InvalidInput(
            "strike or moneyness must be given, and not both", zh="行权价与行权价/远期须且只须填写一列", field="strike",
            remedy="Fill one of the two columns.", remedy_zh="请只填写其中一列。",
        )  # fmt: skip
    strike = values[given[0]]
    assert isinstance(strike, Decimal)
    return _curve_quote(
        values, source, CurveQuoteKind.VOLATILITY, name=str(values["scheme"]),
        point=f"{expiry}/{_short(strike)}{'F' if given[0] == 'moneyness' else ''}",
        value=_one_of(values, "volatility", "volatility_percent"), currency=currency, expiry_date=expiry,
    )  # fmt: skip


def _short(number: Decimal) -> str:
    """Write a number without trailing zeros, so that 75 and 75.00 are one strike."""
    return f"{number.normalize():f}"


def _one_of(values: dict[str, object], plain: str, by_hundred: str) -> Decimal:
    """Give the value of the one column that is filled; the second counts hundredths."""
    given = {name: values[name] for name in (plain, by_hundred) if values.get(name) is not None}
    if len(given) != 1:
        raise InvalidInput(
            f"{plain} or {by_hundred} must be given, and not both", zh="数值须且只须填写一列", field=plain,
            remedy="Fill one of the two columns.", remedy_zh="请只填写其中一列。",
        )  # fmt: skip
    ((name, value),) = given.items()
    assert isinstance(value, Decimal)
    return value if name == plain else value / _PERCENT


def _curve_quote(
    values: dict[str, object],
    source: DataSource,
    kind: CurveQuoteKind,
    *,
    name: str,
    point: str,
    value: Decimal,
    currency: Currency,
    expiry_date: date | None = None,
) -> CurveQuote:
    day = values["quote_date"]
    assert isinstance(day, date)
    return CurveQuote(
        kind=kind,
        name=name,
        point=point,
        expiry_date=expiry_date,
        quote_date=day,
        value=value,
        currency=currency,
        known_from=source.known_from,
        source=source.exchange,
        document=source.document,
        grade=Grade.SAMPLE if source.is_sample else Grade.SECONDARY,
        is_sample=source.is_sample,
    )


_Maker = Callable[..., CurveQuote]
_MAKERS: Mapping[CurveFileKind, _Maker] = {
    CurveFileKind.SETTLEMENTS: _settlement,
    CurveFileKind.RATES: _rate,
    CurveFileKind.FX: _fx,
    CurveFileKind.VOLATILITIES: _volatility,
}


def _duplicates(quotes: Sequence[tuple[int, CurveQuote]]) -> list[Failure]:
    first: dict[tuple[str, str, date], int] = {}
    failures = []
    for number, quote in quotes:
        earlier = first.setdefault((quote.name, quote.point, quote.quote_date), number)
        if earlier != number:
            failures.append(doubled(number, "quote_date", f"{quote.name} {quote.point} {quote.quote_date}", earlier))
    return failures
