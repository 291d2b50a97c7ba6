"""Figures, days and words as a page shows them, in the language being written."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.dates import format_date
from babel.numbers import format_compact_decimal, format_decimal

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.units import round_half_up
from carbonfin.web.language import Text, current_language

Shown = Decimal | int | str | None
UNKNOWN = "—"
_PERCENT, _BP = Decimal(100), Decimal(10_000)
_RATE_UNITS = frozenset({"rate", "ratio"})
_TEN_THOUSAND = 10_000


def _exact(value: Shown) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool | float):
        message = f"{value!r} is not an exact figure"
        raise TypeError(message)
    return Decimal(value)


def number(value: Shown, places: int | None = None) -> str:
    """Show an exact figure with thousands separated; without places, as many decimals as it has.

    An unknown figure is a dash, never zero.
    """
    exact = _exact(value)
    if exact is None:
        return UNKNOWN
    if places is None:
        exponent = exact.as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else 0
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(round_half_up(exact, places), format=pattern, locale=current_language().locale)


def cny(value: Shown) -> str:
    """Show an amount in 元 to the fen; the unit stands in the column head."""
    return number(value, 2)


def percent(value: Shown, places: int = 2) -> str:
    """Show a rate or ratio as a percentage: 0.0345 is 3.45%."""
    exact = _exact(value)
    return UNKNOWN if exact is None else number(exact * _PERCENT, places) + "%"


def bp(value: Shown) -> str:
    """Show a rate in basis points, to as many decimals as it has: 0.00125 is 12.5 bp."""
    exact = _exact(value)
    return UNKNOWN if exact is None else number((exact * _BP).normalize()) + " bp"


def compact(value: Shown) -> str:
    """Show a large figure short: 万 and 亿 in Chinese, K and M in English; for cards, never for tables."""
    exact = _exact(value)
    if exact is None:
        return UNKNOWN
    if abs(exact) < _TEN_THOUSAND:
        return number(exact)
    return format_compact_decimal(exact, locale=current_language().locale, fraction_digits=2)


def day(value: date | str | None, style: str = "iso") -> str:
    """Show a day: 2025-06-30, or with `long` 2025年6月30日."""
    if value is None or value == "":
        return UNKNOWN
    shown = date.fromisoformat(value) if isinstance(value, str) else value
    if style == "iso":
        return shown.isoformat()
    return format_date(shown, format="long", locale=current_language().locale)


def instant(value: datetime | str | None) -> str:
    """Show an instant to the minute, in China's time."""
    if value is None or value == "":
        return UNKNOWN
    shown = datetime.fromisoformat(value) if isinstance(value, str) else value
    return shown.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def words(value: object) -> str:
    """Give the words of a `Text`, of anything labelled in both languages, or of a plain text."""
    language = current_language()
    if isinstance(value, Text):
        return value.in_language(language)
    for prefix in ("", "label_", "title_", "note_"):
        found = getattr(value, f"{prefix}{language.value}", None)
        if isinstance(found, str):
            return found
    return str(value)


def figure_value(value: str, unit: str = "") -> str:
    """Show the value of a traced figure by its unit: rates and ratios as percentages, amounts to the fen."""
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return value
    if unit in _RATE_UNITS:
        return percent(exact, max(2, -int(exact.normalize().as_tuple().exponent) - 2))
    if unit == "CNY":
        return number(exact, 2) if exact == round_half_up(exact, 2) else number(exact)
    return number(exact) if unit not in {"code", "date"} else value


UNIT_LABELS: dict[str, Text] = {
    "CNY": Text("元", "CNY"),
    "HKD": Text("港元", "HKD"),
    "CNY/t": Text("元/吨", "CNY/t"),
    "EUR/t": Text("欧元/吨", "EUR/t"),
    "CNY/EUR": Text("元/欧元", "CNY/EUR"),
    "years": Text("年", "years"),
    "t": Text("吨", "t"),
    "days": Text("天", "days"),
    "bp": Text("bp", "bp"),
    "rate": Text("", ""),
    "ratio": Text("", ""),
    "date": Text("", ""),
    "code": Text("", ""),
    "points": Text("分", "points"),
    "level": Text("级", "level"),
}


def unit_label(unit: str) -> str:
    """Give the unit as a page prints it."""
    label = UNIT_LABELS.get(unit)
    return label.in_language(current_language()) if label is not None else unit


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "cny": cny,
    "percent": percent,
    "bp": bp,
    "compact": compact,
    "day": day,
    "instant": instant,
    "t": words,
    "figure_value": figure_value,
    "unit_label": unit_label,
}
