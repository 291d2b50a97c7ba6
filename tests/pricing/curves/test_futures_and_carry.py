"""Futures curves stop at breaks; carry and convenience yield follow from prices and rates."""

import math
import pickle
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from pricing.calc.curves.carry import ConvenienceYieldCurve, carry_curve
from pricing.calc.curves.discount import flat_discount_curve
from pricing.calc.curves.futures import FuturesCurve, Phase, Product
from pricing.calc.curves.nodes import serial_of, serials_of
from tests.pricing.curves.samples import MONDAY, PHASE_3, PHASE_4, prices, strip
from tests.pricing.curves.samples import curve as discount_of

FIRST, SECOND, THIRD = date(2022, 12, 19), date(2023, 12, 18), date(2024, 12, 16)
ROWS = ((FIRST, "80"), (SECOND, "82"), (THIRD, "85"))


def _read(curve: FuturesCurve, *days: date) -> list[float]:
    return [float(value) for value in curve.forwards_per_t(serials_of(days))]


def test_listed_deliveries_come_back_and_between_them_the_price_is_log_linear() -> None:
    (curve,) = strip(prices(ROWS))
    assert _read(curve, FIRST, SECOND, THIRD) == pytest.approx([80.0, 82.0, 85.0], rel=1e-15)
    middle = FIRST + timedelta(days=182)  # of 364 days
    assert _read(curve, middle) == pytest.approx([math.sqrt(80.0 * 82.0)], rel=1e-15)


def test_outside_the_listed_deliveries_carry_is_flat_to_the_stated_limit() -> None:
    (curve,) = strip(prices(ROWS), flat_carry_days=100)
    late, early = THIRD + timedelta(days=100), FIRST - timedelta(days=100)
    assert (curve.first_day, curve.horizon) == (early, late)
    assert _read(curve, late) == pytest.approx([85.0 * (85.0 / 82.0) ** (100 / 364)], rel=1e-14)
    assert _read(curve, early) == pytest.approx([80.0 * (80.0 / 82.0) ** (100 / 364)], rel=1e-14)
    for day in (late + timedelta(days=1), early - timedelta(days=1)):
        with pytest.raises(MissingData, match=str(day)):
            _read(curve, day)


def test_spot_is_a_delivery_on_the_valuation_date() -> None:
    (curve,) = strip(prices(((MONDAY, "79"), *ROWS)))
    assert curve.first_day == MONDAY
    assert _read(curve, MONDAY) == pytest.approx([79.0])


def test_one_price_alone_has_no_carry_and_speaks_for_its_own_delivery() -> None:
    (curve,) = strip(prices(ROWS[:1]), flat_carry_days=365)
    assert (curve.first_day, curve.horizon) == (FIRST, FIRST)
    assert _read(curve, FIRST) == pytest.approx([80.0])


# --- breaks -----------------------------------------------------------------------------------------------------------
def _two_phases(*, banks: bool) -> tuple[FuturesCurve, ...]:
    """Phase 1 ended in 2007 without banking: its last contract fell to a cent while the next stood at twenty."""
    first = Phase(
        scheme=Scheme.EUA,
        name="1",
        first_delivery=date(2005, 1, 1),
        last_delivery=date(2008, 3, 31),
        banks_into_next=banks,
    )
    second = Phase(
        scheme=Scheme.EUA,
        name="2",
        first_delivery=date(2008, 4, 1),
        last_delivery=date(2013, 3, 31),
        banks_into_next=True,
    )
    rows = (
        (date(2007, 12, 3), "0.10"), (date(2008, 3, 25), "0.11"), (date(2008, 12, 1), "20.00"), (date(2009, 12, 7), "20.60"),
    )  # fmt: skip
    day = date(2007, 6, 1)
    return strip(
        prices(rows, day=day), phases=(second, first), day=day, flat_carry_days=400, price_ratio_max=Decimal(1000)
    )


def test_a_phase_without_banking_has_a_curve_of_its_own() -> None:
    first, second = _two_phases(banks=False)
    assert (first.phases, second.phases) == (("1",), ("2",))
    # Flat carry goes on inside the phase and no further.
    assert (first.horizon, second.first_day) == (date(2008, 3, 31), date(2008, 4, 1))
    assert _read(first, date(2008, 3, 31))[0] < 0.12
    assert _read(second, date(2008, 4, 1))[0] > 19
    with pytest.raises(MissingData, match="phase 1"):
        _read(first, date(2008, 6, 2))


def test_phases_that_bank_share_one_curve() -> None:
    (curve,) = _two_phases(banks=True)
    assert curve.phases == ("1", "2")
    assert curve.prices(Product(scheme=Scheme.EUA, phase="2", vintage=None))


def test_phases_apart_in_time_are_never_joined() -> None:
    later = replace(PHASE_4, first_delivery=date(2021, 2, 1))
    quotes = prices(((date(2020, 12, 14), "30"), (date(2021, 12, 13), "31")), day=date(2020, 6, 1))
    assert len(strip(quotes, phases=(PHASE_3, later), day=date(2020, 6, 1))) == 2
    assert len(strip(quotes, day=date(2020, 6, 1))) == 1


def test_vintages_are_never_mixed() -> None:
    phase = Phase(
        scheme=Scheme.CEA,
        name="2024",
        first_delivery=date(2021, 7, 16),
        last_delivery=date(2025, 12, 31),
        banks_into_next=False,
    )
    quotes = [
        *prices(((FIRST, "50"), (THIRD, "52")), scheme=Scheme.CEA, vintage=2023, currency=Currency.CNY),
        *prices(((SECOND, "90"),), scheme=Scheme.CEA, vintage=2024, currency=Currency.CNY),
    ]
    old, new = strip(quotes, phases=(phase,))
    assert (old.vintage, new.vintage) == (2023, 2024)
    assert _read(old, SECOND)[0] == pytest.approx(math.exp((math.log(50) + math.log(52)) / 2), rel=1e-3)
    assert not old.prices(Product(scheme=Scheme.CEA, phase="2024", vintage=2024))
    assert not old.prices(Product(scheme=Scheme.CEA, phase="2024", vintage=None))
    assert not old.prices(Product(scheme=Scheme.SZA, phase="2024", vintage=2023))


def test_overlapping_phases_are_refused() -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        strip(prices(ROWS), phases=(PHASE_3, replace(PHASE_4, first_delivery=date(2020, 1, 1))))


# --- refused ----------------------------------------------------------------------------------------------------------
def test_a_delivery_past_the_calendar_is_refused_with_a_remedy() -> None:
    (curve,) = strip(prices(ROWS), calendar_known_until=date(2022, 12, 31))
    assert _read(curve, FIRST) == pytest.approx([80.0])
    with pytest.raises(MissingData, match="known until 2022-12-31") as refused:
        _read(curve, FIRST, date(2023, 1, 3))
    assert refused.value.field == "delivery_date"
    assert "holiday notice" in refused.value.remedy


@pytest.mark.parametrize(
    ("rows", "field", "words"),
    [
        (((FIRST, "0"),), "price_per_t", "price 0"),
        (((FIRST, "NaN"),), "price_per_t", "NaN"),
        (((FIRST, "80"), (SECOND, "82"), (THIRD, "0.01")), "price_per_t", "median of its curve at 80"),
        (((FIRST, "80"), (SECOND, "82"), (THIRD, "8500")), "price_per_t", "median of its curve at 82"),
        (((FIRST, "80"), (FIRST, "81")), "delivery_date", "twice"),
        (((SECOND, "80"), (FIRST, "81")), "delivery_date", "comes after"),
        (((date(2022, 2, 18), "80"),), "delivery_date", "before"),
        (((date(2031, 12, 15), "80"),), "delivery_date", "no phase"),
    ],
)
def test_prices_that_cannot_be_are_refused(rows: tuple[tuple[date, str], ...], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        strip(prices(rows))
    assert refused.value.field == field


@pytest.mark.parametrize("days", [-6, 1])
def test_stale_and_later_prices_are_refused(days: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        strip(prices(ROWS, day=MONDAY + timedelta(days=days)))
    assert refused.value.field == "quote_date"


def test_two_currencies_on_one_curve_are_refused() -> None:
    quotes = prices(ROWS)
    with pytest.raises(InvalidInput, match="USD"):
        strip([quotes[0], replace(quotes[1], currency=Currency.USD)])


# --- laws -------------------------------------------------------------------------------------------------------------
@given(st.lists(st.decimals("0.01", "500", places=2), min_size=2, max_size=8), st.integers(1, 400))
def test_prices_between_deliveries_lie_between_their_prices(found: list[Decimal], gap: int) -> None:
    rows = tuple((FIRST + timedelta(days=gap * place), str(price)) for place, price in enumerate(found))
    phase = replace(PHASE_4, last_delivery=date(2040, 12, 31))
    (curve,) = strip(prices(rows), phases=(phase,), price_ratio_max=Decimal(100_000))
    for (start, low), (end, high) in pairwise(rows):
        read = curve.forwards_per_t(np.arange(serial_of(start), serial_of(end) + 1))
        ends = sorted((float(low), float(high)))
        assert np.all((read >= ends[0] * (1 - 1e-13)) & (read <= ends[1] * (1 + 1e-13)))


# --- carry ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("spot", "rate", "spread", "convenience", "years", "future"),
    [(70.0, "0.016", 0.005, 0.0, 1, 71.485543614627), (85.2, "0.025", 0.008, -0.01, 0.25, 86.12084065062689)],
)
def test_net_carry_of_published_cases(  # noqa: PLR0917 - a row of a table
    spot: float, rate: str, spread: float, convenience: float, years: float, future: float
) -> None:
    """The figures are those of the shared cost-of-carry vectors; days are the nearest whole number."""
    delivery = MONDAY + timedelta(days=round(365 * years))
    (futures,) = strip(prices(((MONDAY, str(spot)), (delivery, str(future)))))
    discount = flat_discount_curve(
        currency=Currency.EUR, valuation_date=MONDAY, rate=Decimal(rate), horizon=date(2026, 1, 1)
    )
    curve = carry_curve(futures=futures, discount=discount)
    exact = round(365 * years) / 365
    expected = (float(rate) + spread - convenience) * years / exact - float(rate)
    assert curve.net_carry_rates(serials_of([delivery])) == pytest.approx([expected], abs=1e-13)
    yields = ConvenienceYieldCurve(carry=curve, assumed_carry_spread=Decimal(str(spread)))
    assert yields.convenience_yields(serials_of([delivery])) == pytest.approx([spread - expected], abs=1e-13)


def test_carry_and_discount_give_the_futures_curve_back() -> None:
    (futures,) = strip(prices(ROWS), flat_carry_days=60)
    rows = (("EUR_DEPOSIT", "6M", "-0.005"), ("EUR_SWAP", "1Y", "0.004"), ("EUR_SWAP", "5Y", "0.01"))
    discount = discount_of(rows, currency=Currency.EUR)
    carry = carry_curve(futures=futures, discount=discount)
    serials = np.arange(serial_of(FIRST), serial_of(carry.horizon) + 1)
    first = serials_of([FIRST])
    rebuilt = (
        futures.forwards_per_t(first) * discount.discount_factors(first) * np.exp(carry.net_carry_to(serials))
        / discount.discount_factors(serials)
    )  # fmt: skip
    assert rebuilt == pytest.approx(futures.forwards_per_t(serials), rel=1e-13)
    assert carry.start_date == FIRST
    with pytest.raises(InvalidInput, match="to itself"):
        carry.net_carry_rates(first)
    with pytest.raises(MissingData):
        carry.net_carry_to(serials_of([carry.horizon + timedelta(days=1)]))


def test_carry_needs_one_currency_one_day_and_two_deliveries() -> None:
    (futures,) = strip(prices(ROWS))
    discount = flat_discount_curve(
        currency=Currency.CNY, valuation_date=MONDAY, rate=Decimal("0.01"), horizon=date(2026, 1, 1)
    )
    with pytest.raises(InvalidInput, match="EUR"):
        carry_curve(futures=futures, discount=discount)
    short = flat_discount_curve(currency=Currency.EUR, valuation_date=MONDAY, rate=Decimal("0.01"), horizon=FIRST)
    with pytest.raises(MissingData, match="second delivery"):
        carry_curve(futures=futures, discount=short)
    (one,) = strip(prices(ROWS[:1]))
    with pytest.raises(MissingData, match="second delivery"):
        carry_curve(futures=one, discount=replace(short, horizon=date(2030, 1, 1)))


def test_curves_travel_between_processes() -> None:
    (futures,) = strip(prices(ROWS))
    assert pickle.loads(pickle.dumps(futures)) == futures  # noqa: S301 - our own bytes
