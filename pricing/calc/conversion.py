"""Spot exchange rates into 元 off the recorded quotes of a day; one that is missing or too old is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency
from pricing.calc.curve_quotes import FX_SPOT, CurveQuoteKind, CurveQuotes

FxLimit = Callable[[str], int | None]
"""Calendar days after which the rate of a pair may not be used; None where no limit is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CnyRate:
    """元 for one unit of a currency.

    Attributes:
        cny_per_unit: The rate; 1 for 元.
        source: Who published it and for which day; empty for 元.
        is_sample: Whether it is invented.
    """

    cny_per_unit: Decimal
    source: str
    is_sample: bool


def cny_rate(quotes: CurveQuotes, currency: Currency, *, stale_after_days: FxLimit) -> CnyRate:
    """Give 元 for one unit of a currency on the day of the quotes.

    Raises:
        MissingData: There is no spot rate, it is too old, or nobody said how old it may be.
    """
    if currency is Currency.CNY:
        return CnyRate(cny_per_unit=Decimal(1), source="", is_sample=False)
    pair, today = f"{currency}CNY", quotes.valuation_date
    rates = (one for one in quotes.quotes if one.kind is CurveQuoteKind.FX and one.name == pair)
    spot = next((one for one in rates if one.point == FX_SPOT), None)
    limit = stale_after_days(pair)
    if spot is None or limit is None or (today - spot.quote_date).days > limit:
        raise MissingData(
            f"{pair} on {today} has no spot rate that may be used",
            zh=f"{pair} 在 {today} 没有可用的即期汇率，或已过期",
            field="pair",
            remedy="Import the exchange rate of that day.",
            remedy_zh="请导入当日汇率。",
        )
    return CnyRate(cny_per_unit=spot.value, source=f"{spot.source} {spot.quote_date}", is_sample=spot.is_sample)
