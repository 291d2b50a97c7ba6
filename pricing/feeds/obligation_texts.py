"""Obligations and net sales as people write them: one a line, parted by commas; a fault names its line and remedy."""

import re
from datetime import date

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from pricing.calc.compliance import ObligationDraft
from pricing.feeds.tables import read_day

LINES_MAX = 100
_PARTS = re.compile(r"[,，\t]")
_YEAR = re.compile(r"20[0-9]{2}")
_TONNES_MAX = 1_000_000_000
OBLIGATION_EXAMPLE = "CEA,2024,50000,2025-12-31"
NET_SALES_EXAMPLE = "CEA,12000"


def read_obligations(text: str) -> tuple[ObligationDraft, ...]:
    """Read obligations: scheme, compliance year, tonnes owed, and the surrender date where no rule names it.

    Raises:
        InvalidInput: A line cannot be read, or there are more than a hundred.
    """
    return tuple(_obligation(number, parts) for number, parts in _lines(text, field="owed"))


def read_net_sales(text: str) -> dict[Scheme, int]:
    """Read tonnes sold less bought by scheme, each scheme once.

    Raises:
        InvalidInput: A line cannot be read, or a scheme stands twice.
    """
    found: dict[Scheme, int] = {}
    for number, parts in _lines(text, field="net_sales"):
        if len(parts) != 2:
            raise _fault(number, "net_sales", f"{len(parts)} parts", f"有 {len(parts)} 项", NET_SALES_EXAMPLE)
        scheme = _scheme(number, parts[0], field="net_sales", example=NET_SALES_EXAMPLE)
        if scheme in found:
            raise _fault(number, "net_sales", f"{scheme} stands twice", f"{scheme} 重复", NET_SALES_EXAMPLE)
        found[scheme] = _tonnes(number, parts[1], field="net_sales", example=NET_SALES_EXAMPLE)
    return found


def _lines(text: str, *, field: str) -> list[tuple[int, list[str]]]:
    lines = [
        (number, [part.strip() for part in _PARTS.split(line)])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if len(lines) > LINES_MAX:
        raise InvalidInput(
            f"{len(lines)} lines; at most {LINES_MAX} are read",
            zh=f"共 {len(lines)} 行，最多 {LINES_MAX} 行",
            field=field,
            remedy="Send them over the API.",
            remedy_zh="请通过接口提交。",
        )
    return lines


def _obligation(number: int, parts: list[str]) -> ObligationDraft:
    if len(parts) not in {3, 4}:
        raise _fault(number, "owed", f"{len(parts)} parts", f"有 {len(parts)} 项", OBLIGATION_EXAMPLE)
    if _YEAR.fullmatch(parts[1]) is None:
        raise _fault(number, "owed", f"{parts[1]!r} is no year", f"“{parts[1]}”不是年度", OBLIGATION_EXAMPLE)
    return ObligationDraft(
        scheme=_scheme(number, parts[0], field="owed", example=OBLIGATION_EXAMPLE),
        year=int(parts[1]),
        quantity_t=_tonnes(number, parts[2], field="owed", example=OBLIGATION_EXAMPLE),
        surrender_date=_day(number, parts[3]) if len(parts) > 3 and parts[3] else None,
    )


def _scheme(number: int, text: str, *, field: str, example: str) -> Scheme:
    if text.upper() not in Scheme.__members__:
        raise _fault(number, field, f"{text!r} is no scheme", f"“{text}”不是已知的品种", example)
    return Scheme(text.upper())


def _tonnes(number: int, text: str, *, field: str, example: str) -> int:
    try:
        value = parse_decimal(text, field=field)
    except CarbonFinError:
        value = None
    if value is None or value != value.to_integral_value() or abs(value) > _TONNES_MAX:
        raise _fault(number, field, f"{text!r} are no whole tonnes", f"“{text}”不是整吨数", example)
    return int(value)


def _day(number: int, text: str) -> date:
    try:
        return read_day(text, is_serial_read=False)
    except CarbonFinError as error:
        raise _fault(number, "owed", error.detail, error.zh, OBLIGATION_EXAMPLE) from error


def _fault(number: int, field: str, detail: str, zh: str, example: str) -> InvalidInput:
    return InvalidInput(
        f"line {number}: {detail}",
        zh=f"第 {number} 行：{zh}",
        field=field,
        remedy=f"Write {example}; tonnes without separators.",
        remedy_zh=f"请写成 {example}；吨数不带千分位。",
    )
