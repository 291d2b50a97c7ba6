"""Conventions, quotes and curves the curve tests share."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.units import Currency
from carbonfin.storage.rulebook.parameters import builtin_book
from pricing.calc.curves.discount import DiscountCurve, RateInput, discount_curve
from pricing.calc.curves.futures import FuturesCurve, FuturesQuote, Phase, futures_curves
from pricing.calc.curves.indexes import QuoteLimits, quote_limits, rate_conventions

SHARED = Path(__file__).parents[4] / "shared" / "data"
MONDAY = date(2022, 2, 21)
KNOWN_AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
CONVENTIONS = rate_conventions(builtin_book("pricing"), valid_on=MONDAY, known_at=KNOWN_AT)
LIMITS: dict[Currency, QuoteLimits] = {
    currency: quote_limits(builtin_book("pricing"), currency=currency, valid_on=MONDAY, known_at=KNOWN_AT)
    for currency in Currency
}
# No holiday but weekends: days can be counted by hand.
PLAIN = Calendar(
    name="plain",
    holidays=frozenset(),
    make_up_workdays=frozenset(),
    known_until=date(2040, 12, 31),
    works_make_up_days=False,
)
PLAIN_CALENDARS = dict.fromkeys(("China.IB", "HongKong", "TARGET", "UnitedStates.FederalReserve"), PLAIN)
RATES = (
    ("SHIBOR", "ON", "0.02195"),
    ("SHIBOR", "1W", "0.0214"),
    ("SHIBOR", "1M", "0.02315"),
    ("SHIBOR", "3M", "0.02392"),
    ("FR007_SWAP", "6M", "0.0215"),
    ("FR007_SWAP", "1Y", "0.0218"),
    ("FR007_SWAP", "2Y", "0.0230"),
    ("FR007_SWAP", "5Y", "0.0265"),
)


def rates(rows: Sequence[tuple[str, str, str]] = RATES, *, quote_date: date = MONDAY) -> list[RateInput]:
    """Rate inputs of rows of name, tenor and rate."""
    return [
        RateInput(convention=CONVENTIONS[name], tenor=tenor, rate=Decimal(rate), quote_date=quote_date)
        for name, tenor, rate in rows
    ]


def curve(
    rows: Sequence[tuple[str, str, str]] = RATES,
    *,
    currency: Currency = Currency.CNY,
    day: date = MONDAY,
    calendars: dict[str, Calendar] | None = None,
    extrapolation_days: int = 0,
) -> DiscountCurve:
    """A discount curve of rows on a day, on weekends alone unless said."""
    return discount_curve(
        currency=currency,
        valuation_date=day,
        quotes=rates(rows, quote_date=day),
        limits=LIMITS[currency],
        calendars=PLAIN_CALENDARS if calendars is None else calendars,
        extrapolation_days=extrapolation_days,
    )


PHASE_3 = Phase(
    scheme=Scheme.EUA, name="3", first_delivery=date(2013, 1, 1), last_delivery=date(2020, 12, 31), banks_into_next=True
)
PHASE_4 = Phase(
    scheme=Scheme.EUA, name="4", first_delivery=date(2021, 1, 1), last_delivery=date(2030, 12, 31), banks_into_next=True
)


def prices(
    rows: Sequence[tuple[date, str]],
    *,
    day: date = MONDAY,
    scheme: Scheme = Scheme.EUA,
    vintage: int | None = None,
    currency: Currency = Currency.EUR,
) -> list[FuturesQuote]:
    """Futures quotes of rows of delivery and price."""
    return [
        FuturesQuote(
            scheme=scheme,
            vintage=vintage,
            currency=currency,
            delivery_date=delivery,
            price_per_t=Decimal(price),
            quote_date=day,
        )
        for delivery, price in rows
    ]


def strip(
    quotes: Sequence[FuturesQuote],
    *,
    phases: Sequence[Phase] = (PHASE_3, PHASE_4),
    day: date = MONDAY,
    flat_carry_days: int = 0,
    calendar_known_until: date | None = None,
    price_ratio_max: Decimal = Decimal(5),
) -> tuple[FuturesCurve, ...]:
    """Futures curves of quotes."""
    return futures_curves(
        valuation_date=day,
        quotes=quotes,
        phases=phases,
        stale_after_days=5,
        price_ratio_max=price_ratio_max,
        flat_carry_days=flat_carry_days,
        calendar_known_until=calendar_known_until,
    )
