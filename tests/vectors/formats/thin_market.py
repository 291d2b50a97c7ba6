"""A thin tape: listed volume-weighted price with blocks apart; the robust measures come with pricing."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.rules.parameters import Grade, ParameterValue
from pricing.calc.liquidity import MINIMUM_PRINT_T, WINDOW_DAYS, WindowStatistics, window_statistics
from pricing.calc.market import MarketSnapshot, PriceKind, Quote
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_UNIT = Unit(Scheme.CEA)
_LATER = (
    "last_close", "vwap_all", "vwap_last_3_trade_days", "vwap_min_100_tonnes", "volume_weighted_median", "tonnes",
    "share_of_volume_in_trades_below_100t", "simple_mean_of_closes",
)  # fmt: skip


def recognises(file: VectorFile) -> bool:
    return file.has("trades", "expected") and "vwap_listed_only" in file.content["expected"]


def run(file: VectorFile) -> Iterable[CaseResult]:
    for name, expected in file.content["expected"].items():
        yield run_case(
            name, file.tolerance, lambda check, name=name, expected=expected: _case(check, file, name, expected)
        )


def _case(check: Comparison, file: VectorFile, name: str, expected: float) -> None:
    only_keys(file.content, "trades", "expected", "note", "tolerance")
    if name in _LATER:
        raise Skip("measures of thin-market fair value: pricing")
    only_keys({name: expected}, "vwap_listed_only", "traded_days")
    found = _statistics(file.content["trades"])
    if name == "traded_days":
        check.same(name, expected, found.quoted_day_count)
    else:
        check.number(name, expected, found.listed_amount_cny / found.listed_volume_t)


def _statistics(trades: list[dict[str, Any]]) -> WindowStatistics:
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for trade in trades:
        only_keys(trade, "date", "price", "tonnes", "venue")
        by_day[date.fromisoformat(trade["date"])].append(trade)
    days = tuple(sorted(by_day))
    snapshot = MarketSnapshot(
        valuation_date=days[-1],
        known_at=end_of_china_day(days[-1]),
        trading_days=days,
        quotes=tuple(_quote(day, by_day[day]) for day in days),
        fx=(),
        settlements=(),
        parameters=(_whole(WINDOW_DAYS, len(days)), _whole(MINIMUM_PRINT_T, 1)),
    )
    return window_statistics(snapshot, _UNIT)


def _quote(day: date, trades: list[dict[str, Any]]) -> Quote:
    listed = [trade for trade in trades if trade["venue"] == "listed"]
    block = [trade for trade in trades if trade["venue"] == "block"]
    return Quote(
        unit=_UNIT,
        quote_date=day,
        price_cny_per_t=Decimal(str(trades[-1]["price"])),
        price_kind=PriceKind.COMPOSITE_CLOSE,
        listed_volume_t=sum(trade["tonnes"] for trade in listed),
        listed_amount_cny=_amount_cny(listed),
        block_volume_t=sum(trade["tonnes"] for trade in block),
        block_amount_cny=_amount_cny(block),
        known_from=day,
        exchange="vector",
        document="vector",
        grade=Grade.SAMPLE,
        is_sample=True,
    )


def _amount_cny(trades: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(trade["price"])) * trade["tonnes"] for trade in trades), Decimal(0))


def _whole(key: str, value: int) -> ParameterValue:
    return ParameterValue(
        key=key, scope=_UNIT.scheme, value=str(value), unit="count", valid_from=date(2000, 1, 1), valid_to=None,
        known_from=date(2000, 1, 1), document="vector", article="", grade=Grade.SAMPLE, confirmed=False,
        approved_by=(), note="",
    )  # fmt: skip
