"""Forwards on whole arrays beside one numpy multiplication, and beside QuantLib's forward on a shared engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from benchmarks.harness import Comparison, Contender
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from pricing.calc.forwards import FloatArray, flat_discount_factors, forward_present_value_cny, forward_price_cny_per_t

_VALUATION_DATE = date(2025, 6, 30)
_FULL_COUNT = 1_000_000
_FULL_QUANTLIB_COUNT = 2_000
_RATE = Decimal("0.0150")
_SPOT, _STRIKE = 75.02, 77.50
_LONGEST_DAYS = 365
_PHYSICAL = False  # the instrument's delivery type, which takes no name from Python


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give forwards on arrays of one size, and instruments one by one."""
    count = max(1, int(_FULL_COUNT * scale))
    quantlib_count = max(1, int(_FULL_QUANTLIB_COUNT * scale))
    ours = _forwards(count)
    rng = np.random.default_rng(20250630)
    left, right = rng.random(count), rng.random(count)
    with quantlib_on(_VALUATION_DATE) as today:
        instruments = quantlib_forwards(today, quantlib_deliveries(quantlib_count))

        def revalue() -> float:
            # Each is asked anew: what QuantLib remembers of the last run would measure nothing.
            total = 0.0
            for instrument in instruments:
                instrument.recalculate()
                total += instrument.NPV()
            return total * _SPOT  # QuantLib values in the currency bought, here tonnes at spot

        subject = Contender(name="forwards on arrays", run=ours, operation_count=count)
        yield [
            Comparison(
                name="forward price and value over one multiplication",
                unit="forwards",
                subject=subject,
                comparator=Contender(
                    name="numpy.multiply", run=lambda: np.multiply(left, right), operation_count=count
                ),
            ),
            Comparison(
                name="forward price and value over QuantLib FxForward",
                unit="forwards",
                subject=subject,
                comparator=Contender(name="FxForward, shared engine", run=revalue, operation_count=quantlib_count),
            ),
        ]


def _forwards(count: int) -> Callable[[], FloatArray]:
    """Give a valuation of `count` forwards with deliveries spread over a year."""
    days = np.arange(count) % _LONGEST_DAYS + 1
    distinct = [_VALUATION_DATE + timedelta(days=day) for day in range(1, _LONGEST_DAYS + 1)]
    quantity = np.where(np.arange(count) % 2 == 0, 1000.0, -1000.0)
    spot, strike = np.full(count, _SPOT), np.full(count, _STRIKE)
    rate, nothing = np.full(count, float(_RATE)), np.zeros(count)
    years = days / 365.0

    def value() -> FloatArray:
        factors = flat_discount_factors(valuation_date=_VALUATION_DATE, dates=distinct, rate=_RATE)[days - 1]
        forward = forward_price_cny_per_t(
            spot_cny_per_t=spot, rate=rate, carry_spread=nothing, convenience_yield=nothing, maturity_years=years
        )
        return forward_present_value_cny(
            forward_cny_per_t=forward, strike_cny_per_t=strike, quantity_t=quantity, discount_factor=factors
        )

    return value


def quantlib_deliveries(count: int) -> list[ql.Date]:
    """Give a delivery day a forward, over a year."""
    return [ql_date(_VALUATION_DATE + timedelta(days=place % _LONGEST_DAYS + 1)) for place in range(count)]


def quantlib_forwards(today: ql.Date, deliveries: list[ql.Date]) -> list[ql.FxForward]:
    """Give forwards that exchange CNY for units as if these were a currency without interest, on one engine."""
    domestic = ql.YieldTermStructureHandle(ql.FlatForward(today, float(_RATE), ql.Actual365Fixed()))
    foreign = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    spot = ql.QuoteHandle(ql.SimpleQuote(_SPOT))
    engine = ql.DiscountingFxForwardEngine(foreign, domestic, spot)
    calendar = ql.NullCalendar()
    instruments = []
    for delivery in deliveries:
        instrument = ql.FxForward(
            1000.0, ql.USDCurrency(), 1000.0 * _STRIKE, ql.CNYCurrency(), delivery, _PHYSICAL, 0, calendar
        )
        instrument.setPricingEngine(engine)
        instruments.append(instrument)
    return instruments
