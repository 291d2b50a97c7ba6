"""Books of positions that people bring as CSV or workbook: good rows are positions, bad ones name line and remedy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TypeVar

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from pricing.calc.futures_market import labels_of
from pricing.calc.line_faults import line_fault
from pricing.calc.option_traces import STYLE_LABELS, TYPE_LABELS
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LINE_KIND_LABELS, LISTED_FUTURE_LABELS, Averaging, LineKind, PortfolioLine
from pricing.feeds.tables import (
    WORKBOOK,
    Columns,
    TextTable,
    doubled,
    line_of,
    read_day,
    read_optional_number,
    read_rows,
    read_table,
)

EXAMPLE = (
    "代码,类型,品种,数量(吨),说明,约定价格(元/吨),交割日,合约代码,成交日,方向,行权方式,行权价(/吨),到期日,取价日,已定价日数,已定价均价(/吨),"
    "币种,主协议,衍生产品交易资格\n"
    "H1,现货,CEA-2024,10000,自有,,,,,,,,,,,,,,\n"
    "F1,远期,CEA,20000,买入远期,77.50,2025-12-15,,,,,,,,,,,,\n"
    "F2,远期,EUA,5000,买入远期（欧元）,,2025-12-15,,,,,71.20,,,,,EUR,,\n"
    "U1,期货,EUA,3000,买入期货（欧元）,,,EUA-2025-12,2025-06-30,,,70.10,,,,,EUR,,\n"
    "O1,期权,EUA,10000,买入看涨,,2025-12-15,,,看涨,欧式,70,2025-12-10,,,,,,\n"
    "O2,期权,EUA,5000,买入平均价,,2025-12-15,,,看涨,平均价,70,2025-12-10,2025-12-08 2025-12-09 2025-12-10,,,,,\n"
)
COLUMNS = Columns(
    aliases={
        "line_id": ("line_id", "代码", "持仓代码"),
        "kind": ("kind", "类型", "持仓类型"),
        "unit": ("unit", "品种", "配额品种"),
        "quantity_t": ("quantity_t", "数量(吨)", "持仓量(吨)"),
        "label": ("label", "说明", "备注"),
        "strike_cny_per_t": ("strike_cny_per_t", "约定价格(元/吨)", "成交价(元/吨)"),
        "delivery_date": ("delivery_date", "交割日", "交割日期"),
        "contract_code": ("contract_code", "合约代码", "合约"),
        "trade_date": ("trade_date", "成交日", "成交日期"),
        "option_type": ("option_type", "方向", "期权方向"),
        "option_style": ("option_style", "行权方式"),
        "strike_per_t": ("strike_per_t", "行权价(/吨)", "行权价", "约定价格(/吨)", "成交价(/吨)"),
        "expiry_date": ("expiry_date", "到期日", "期权到期日"),
        "averaging_dates": ("averaging_dates", "取价日"),
        "fixed_count": ("fixed_count", "已定价日数"),
        "fixed_average_per_t": ("fixed_average_per_t", "已定价均价(/吨)", "已定价均价"),
        "currency": ("currency", "币种"),
        "master_agreement": ("master_agreement", "主协议"),
        "derivatives_licence": ("derivatives_licence", "衍生产品交易资格"),
    },
    required=("line_id", "kind", "unit", "quantity_t"),
    example=EXAMPLE,
)
KINDS = {word: kind for kind in LineKind for word in (kind.value, LINE_KIND_LABELS[kind][0])} | {
    "现货": LineKind.SPOT, "远期": LineKind.FORWARD, "期货": LineKind.FUTURES, "期货式合约": LineKind.FUTURES,
    "期权": LineKind.OPTION, LISTED_FUTURE_LABELS[0]: LineKind.FUTURES,
}  # fmt: skip
_TYPES = {word: kind for kind in OptionType for word in (kind.value, *TYPE_LABELS[kind])} | {
    "认购": OptionType.CALL, "认沽": OptionType.PUT,
}  # fmt: skip
_STYLES = {word: style for style in ExerciseStyle for word in (style.value, *STYLE_LABELS[style])}
CODE_LENGTH_MAX = 60
PAPER_LENGTH_MAX = 200
_PAPERS = frozenset({"master_agreement", "derivatives_licence"})
_Word = TypeVar("_Word", OptionType, ExerciseStyle)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFile:
    """What a file said: positions of the rows that could be read, and the faults of the others."""

    file_name: str
    encoding: str
    row_count: int
    lines: tuple[PortfolioLine, ...]
    failures: tuple[Failure, ...]


def book_rows(lines: Sequence[PortfolioLine]) -> list[list[str]]:
    """Write positions as rows under the example's head, as `read_book` reads them."""
    return [
        EXAMPLE.splitlines()[0].split(","),
        *(
            [
                line.line_id,
                labels_of(line)[0],
                str(line.unit),
                str(line.quantity_t),
                line.label,
                "" if line.strike_cny_per_t is None else format(line.strike_cny_per_t, "f"),
                "" if line.delivery_date is None else line.delivery_date.isoformat(),
                line.contract_code or "",
                "" if line.trade_date is None else line.trade_date.isoformat(),
                "" if line.option_type is None else TYPE_LABELS[line.option_type][0],
                "" if line.option_style is None else STYLE_LABELS[line.option_style][0],
                "" if line.strike_per_t is None else format(line.strike_per_t, "f"),
                "" if line.expiry_date is None else line.expiry_date.isoformat(),
                *_averaging_cells(line.averaging),
                line.currency or "",
                line.master_agreement or "",
                line.derivatives_licence or "",
            ]
            for line in lines
        ),
    ]


def _averaging_cells(averaging: Averaging | None) -> tuple[str, str, str]:
    if averaging is None:
        return "", "", ""
    average = averaging.fixed_average_per_t
    return (
        " ".join(day.isoformat() for day in averaging.dates),
        str(averaging.fixed_count or ""),
        "" if average is None else format(average, "f"),
    )


def read_book(content: bytes, *, file_name: str) -> BookFile:
    """Read a book of positions.

    Raises:
        InvalidInput: The file as a whole cannot be read, or its head is not a book's.
    """
    return read_book_table(read_table(content, file_name=file_name))


def read_book_table(table: TextTable) -> BookFile:
    """Read a book's rows; a code that stands twice fails where it stands again.

    Raises:
        InvalidInput: The head is not a book's.
    """
    values, failures = read_positions(table)
    first: dict[str, int] = {}
    lines = []
    for number, line in values:
        earlier = first.setdefault(line.line_id, number)
        fault = line_fault(line)
        if earlier != number:
            failures.append(doubled(number, "line_id", f"持仓代码 {line.line_id}", earlier))
        elif fault is not None:
            failures.append(replace(fault, item=f"line {number}", zh=f"第 {number} 行：{fault.zh}"))
        else:
            lines.append(line)
    return BookFile(
        file_name=table.file_name,
        encoding=table.encoding,
        row_count=len(table.rows),
        lines=tuple(lines),
        failures=tuple(sorted(failures, key=line_of)),
    )


def read_positions(table: TextTable) -> tuple[list[tuple[int, PortfolioLine]], list[Failure]]:
    """Give the positions of a table's rows with their line numbers, and the faults of the others.

    Raises:
        InvalidInput: The head is not a book's.
    """
    return read_rows(table, COLUMNS, cell=partial(_cell, is_serial_read=table.encoding == WORKBOOK), made=_line)


def _cell(field: str, text: str, *, is_serial_read: bool) -> object:
    if field == "unit":
        return Unit.parse(text)
    if field == "kind":
        return _kind(text)
    if field == "line_id" and not 0 < len(text) <= CODE_LENGTH_MAX:
        raise InvalidInput(
            f"the code {text!r} is empty or longer than {CODE_LENGTH_MAX}", zh="持仓代码缺失或过长",
            remedy="Give each line a short code of its own.", remedy_zh="请为每条持仓填写简短且不重复的代码。",
        )  # fmt: skip
    if field == "option_type" and text:
        return _word(text, _TYPES, "Write call or put.", "请填写看涨或看跌。")
    if field == "option_style" and text:
        return _word(text, _STYLES, "Write European, American or average price.", "请填写欧式、美式或平均价。")
    if field in {"delivery_date", "trade_date", "expiry_date"}:
        return read_day(text, is_serial_read=is_serial_read) if text else None
    if field == "averaging_dates":
        return tuple(read_day(part, is_serial_read=False) for part in re.split(r"[\s;；、]+", text)) if text else ()
    if field == "fixed_count":
        return _count(text) if text else 0
    if field in {"strike_cny_per_t", "strike_per_t", "fixed_average_per_t"}:
        return read_optional_number(text, field=field)
    if field == "quantity_t":
        return _whole(text)
    if field == "currency" and text:
        return _currency(text)
    if field in _PAPERS and len(text) > PAPER_LENGTH_MAX:
        raise InvalidInput(
            f"{len(text)} characters are more than {PAPER_LENGTH_MAX}", zh=f"超过 {PAPER_LENGTH_MAX} 个字",
            remedy="Name the paper and its day.", remedy_zh="请填写文件名称与日期。",
        )  # fmt: skip
    return text


def _currency(text: str) -> Currency:
    if text not in Currency.__members__:
        raise InvalidInput(
            f"{text!r} is no currency in use", zh=f"“{text}”不是可用的币种",
            remedy=f"Write one of {', '.join(Currency)}.", remedy_zh=f"请填写 {'、'.join(Currency)} 之一。",
        )  # fmt: skip
    return Currency(text)


def _kind(text: str) -> LineKind:
    if text not in KINDS:
        raise InvalidInput(
            f"{text!r} is no kind of position", zh=f"“{text}”不是已知的持仓类型",
            remedy="Write spot, forward, futures or option.", remedy_zh="请填写现货、远期、期货或期权。",
        )  # fmt: skip
    return KINDS[text]


def _word(text: str, words: Mapping[str, _Word], remedy: str, remedy_zh: str) -> _Word:
    if text not in words:
        raise InvalidInput(f"{text!r} is not known", zh=f"“{text}”无法识别", remedy=remedy, remedy_zh=remedy_zh)
    return words[text]


def _whole(text: str) -> int:
    number = read_optional_number(text, field="quantity_t")
    if number is None or number != number.to_integral_value():
        raise InvalidInput(
            f"{text!r} is not a whole number of tonnes", zh=f"“{text}”不是整吨数",
            remedy="Give whole tonnes, not 万吨.", remedy_zh="数量请填整吨，不要用万吨。",
        )  # fmt: skip
    return int(number)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(
            f"{text!r} is no count of days", zh=f"“{text}”不是天数",
            remedy="Give how many averaging days are fixed.", remedy_zh="请填写已定价的取价日个数。",
        )  # fmt: skip
    return int(text)


def _line(fields: dict[str, object]) -> PortfolioLine:
    line_id, kind, unit, quantity_t = (fields[name] for name in ("line_id", "kind", "unit", "quantity_t"))
    strike, delivery, traded = (fields.get(name) for name in ("strike_cny_per_t", "delivery_date", "trade_date"))
    side, style, expiry, option_strike = (
        fields.get(name) for name in ("option_type", "option_style", "expiry_date", "strike_per_t")
    )
    currency = fields.get("currency")
    assert isinstance(line_id, str)
    assert isinstance(kind, LineKind)
    assert isinstance(unit, Unit)
    assert isinstance(quantity_t, int)
    return PortfolioLine(
        line_id=line_id,
        kind=kind,
        unit=unit,
        quantity_t=quantity_t,
        label=str(fields.get("label") or ""),
        strike_cny_per_t=strike if isinstance(strike, Decimal) else None,
        delivery_date=delivery if isinstance(delivery, date) else None,
        contract_code=str(fields.get("contract_code") or "") or None,
        trade_date=traded if isinstance(traded, date) else None,
        option_type=side if isinstance(side, OptionType) else None,
        option_style=style if isinstance(style, ExerciseStyle) else None,
        expiry_date=expiry if isinstance(expiry, date) else None,
        strike_per_t=option_strike if isinstance(option_strike, Decimal) else None,
        averaging=_averaging(fields),
        currency=currency if isinstance(currency, Currency) else None,
        master_agreement=str(fields.get("master_agreement") or "") or None,
        derivatives_licence=str(fields.get("derivatives_licence") or "") or None,
    )


def _averaging(fields: dict[str, object]) -> Averaging | None:
    days, count, average = (fields.get(name) for name in ("averaging_dates", "fixed_count", "fixed_average_per_t"))
    if not days and not count and average is None:
        return None
    return Averaging(
        dates=days if isinstance(days, tuple) else (),
        fixed_count=count if isinstance(count, int) else 0,
        fixed_average_per_t=average if isinstance(average, Decimal) else None,
    )
