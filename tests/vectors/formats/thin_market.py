"""A thin tape: volume-weighted prices with blocks apart, their median, and what a tiny print moves."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from pricing.calc.tape import Print, last_days, mean_of, measures_of, small_print_share
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_MINIMUM_T = 100
_LAST_DAYS = 3


def recognises(file: VectorFile) -> bool:
    return file.has("trades", "expected") and "vwap_listed_only" in file.content["expected"]


def run(file: VectorFile) -> Iterable[CaseResult]:
    for name, expected in file.content["expected"].items():
        yield run_case(
            name, file.tolerance, lambda check, name=name, expected=expected: _case(check, file, name, expected)
        )


def _case(check: Comparison, file: VectorFile, name: str, expected: float) -> None:
    only_keys(file.content, "trades", "expected", "note", "tolerance")
    prints = [_print(trade) for trade in file.content["trades"]]
    measures = measures_of(prints, minimum_print_t=_MINIMUM_T)
    found: dict[str, Decimal | int | None] = {
        "last_close": measures.last_price_cny_per_t,
        "vwap_all": measures.mean_cny_per_t,
        "vwap_listed_only": measures.listed_mean_cny_per_t,
        "vwap_last_3_trade_days": mean_of(last_days(prints, _LAST_DAYS)),
        "vwap_min_100_tonnes": measures.mean_from_minimum_cny_per_t,
        "volume_weighted_median": measures.median_cny_per_t,
        "traded_days": measures.traded_day_count,
        "tonnes": measures.quantity_t,
        "share_of_volume_in_trades_below_100t": small_print_share(prints, minimum_print_t=_MINIMUM_T),
        "simple_mean_of_closes": _mean_of_closes(prints),
    }
    only_keys({name: expected}, *found)
    value = found[name]
    assert value is not None, name
    check.number(name, expected, value)


def _print(trade: dict[str, Any]) -> Print:
    only_keys(trade, "date", "price", "tonnes", "venue")
    return Print(
        day=date.fromisoformat(trade["date"]),
        price_cny_per_t=Decimal(str(trade["price"])),
        quantity_t=trade["tonnes"],
        is_block=trade["venue"] == "block",
    )


def _mean_of_closes(prints: list[Print]) -> Decimal:
    """The naive figure beside the robust ones: the plain mean of each traded day's last print."""
    closes = {one.day: one.price_cny_per_t for one in prints}
    return sum(closes.values(), Decimal(0)) / len(closes)
