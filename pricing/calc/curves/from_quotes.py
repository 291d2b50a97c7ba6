"""Inputs of curves out of the recorded quotes of a day."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import MissingData
from pricing.calc.curve_quotes import FX_SPOT, CurveQuote, CurveQuotes
from pricing.calc.curves.discount import RateInput
from pricing.calc.curves.futures import FuturesQuote
from pricing.calc.curves.indexes import RateConvention

_DAYS: Mapping[str, int] = {"D": 1, "W": 7, "M": 30, "Y": 365}


def rate_inputs(
    quotes: CurveQuotes, *, names: Sequence[str], conventions: Mapping[str, RateConvention]
) -> tuple[RateInput, ...]:
    """Give the inputs of a discount curve: each series up to where the next one begins.

    SHIBOR and FR007_SWAP give SHIBOR for tenors shorter than the shortest swap and swaps from there on, as the national
    interbank funding centre joins fixings and swaps in its own curves.

    Raises:
        MissingData: A series is not quoted, or its convention is not known.
    """
    chosen: list[CurveQuote] = []
    for name in names:
        if name not in conventions:
            raise MissingData(
                f"there is no convention for {name}",
                zh=f"没有 {name} 的利率约定",
                field="pricing.rate_convention",
                remedy="Enter and approve the convention with its source.",
                remedy_zh="请录入该利率约定及依据并经复核。",
            )
        tenors = sorted(quotes.rates_of(name), key=_length)
        chosen = [quote for quote in chosen if _length(quote) < _length(tenors[0])] + tenors
    return tuple(
        RateInput(convention=conventions[quote.name], tenor=quote.point, rate=quote.value, quote_date=quote.quote_date)
        for quote in chosen
    )


def futures_inputs(quotes: CurveQuotes, *, scheme: Scheme, vintage: int | None) -> tuple[FuturesQuote, ...]:
    """Give the settlement curve of a scheme as inputs, ascending by delivery.

    Raises:
        MissingData: No contract of the scheme is quoted.
    """
    return tuple(
        FuturesQuote(
            scheme=scheme,
            vintage=vintage,
            currency=quote.currency,
            delivery_date=quote.expiry_date,
            price_per_t=quote.value,
            quote_date=quote.quote_date,
        )
        for quote in quotes.settlements_of(scheme)
        if quote.expiry_date is not None
    )


def spot_rate(quotes: CurveQuotes, *, pair: str) -> Decimal:
    """Give the spot exchange rate of a pair.

    Raises:
        MissingData: The pair has no spot rate.
    """
    for quote in quotes.fx_of(pair):
        if quote.point == FX_SPOT:
            return quote.value
    raise MissingData(
        f"{pair} has forwards but no spot rate on {quotes.valuation_date}",
        zh=f"{pair} 在 {quotes.valuation_date} 没有即期汇率",
        field="pair",
        remedy="Import the spot rate of that day.",
        remedy_zh="请导入当日即期汇率。",
    )


def _length(quote: CurveQuote) -> int:
    """Give a number that orders tenors; ON, TN and SN before all others."""
    if quote.point in {"ON", "TN", "SN"}:
        return ("ON", "TN", "SN").index(quote.point) - 3
    return int(quote.point[:-1]) * _DAYS[quote.point[-1]]
