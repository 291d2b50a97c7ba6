"""Discount curves: by hand, repriced, beside QuantLib's own curve, and refused where a quote cannot be."""

import math
import pickle
import threading
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import CalculationFailed, InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade, ParameterValue
from pricing.calc.curves.discount import INTERPOLATION, RESIDUAL_MAX, discount_curve, flat_discount_curve
from pricing.calc.curves.indexes import (
    RateConvention,
    RateKind,
    Rolling,
    convention_of,
    quantlib_calendar,
    quantlib_index,
)
from pricing.calc.curves.nodes import day_of, serial_of, serials_of
from tests.pricing.curves.samples import CONVENTIONS, LIMITS, MONDAY, PLAIN, RATES, curve, rates


def _parameter(text: str) -> ParameterValue:
    return ParameterValue(
        key="pricing.rate_convention", scope="SHIBOR", value=text, unit="text", valid_from=MONDAY, valid_to=None,
        known_from=MONDAY, document="d", article="", grade=Grade.MEMORY, confirmed=False, approved_by=(), note="",
    )  # fmt: skip


# --- by hand ----------------------------------------------------------------------------------------------------------
def test_two_deposits_by_hand() -> None:
    made = curve(RATES[:2])
    overnight = 1 / (1 + 0.02195 * 1 / 360)
    week = overnight / (1 + 0.0214 * 7 / 360)  # from Tuesday, a day later, to Tuesday
    assert [day_of(serial) for serial in made.node_serials] == [MONDAY, date(2022, 2, 22), date(2022, 3, 1)]
    assert made.discount_factors(serials_of([date(2022, 2, 22), date(2022, 3, 1)])) == pytest.approx(
        [overnight, week], abs=2e-15
    )
    between = overnight * (week / overnight) ** (3 / 7)  # 25 February, log-linear
    assert float(made.discount_factors(serials_of([date(2022, 2, 25)]))[0]) == pytest.approx(between, abs=1e-15)


def test_a_deposit_and_a_quarterly_swap_by_hand() -> None:
    made = curve((("SHIBOR", "ON", "0.02195"), ("SHIBOR", "3M", "0.02392"), ("FR007_SWAP", "6M", "0.0215")))
    start = 1 / (1 + 0.02195 / 360)
    quarter = start / (1 + 0.02392 * 90 / 360)  # 22 February to Monday 23 May
    half = (start - 0.0215 * 90 / 365 * quarter) / (1 + 0.0215 * 91 / 365)  # to 22 August
    assert made.discount_factors(serials_of([date(2022, 5, 23), date(2022, 8, 22)])) == pytest.approx(
        [quarter, half], abs=2e-15
    )


def test_a_five_year_swap_reprices_on_the_exported_nodes_by_the_par_formula() -> None:
    made = curve()
    with quantlib_on(MONDAY):
        schedule = ql.Schedule(
            ql.Date(22, 2, 2022), ql.Date(22, 2, 2027), ql.Period(3, ql.Months), ql.WeekendsOnly(),
            ql.ModifiedFollowing, ql.ModifiedFollowing, ql.DateGeneration.Backward, False,  # noqa: FBT003 - QuantLib's
        )  # fmt: skip
        days = np.array([day.serialNumber() for day in schedule.dates()])
    factors = made.discount_factors(days)
    par = (factors[0] - factors[-1]) / np.sum(np.diff(days) / 365 * factors[1:])
    assert par == pytest.approx(0.0265, abs=1e-12)


def test_every_input_is_repriced_and_the_residuals_are_told() -> None:
    made = curve()
    assert [residual.name for residual in made.residuals] == [f"{name} {tenor}" for name, tenor, _ in RATES]
    assert max(abs(residual.residual_rate) for residual in made.residuals) <= RESIDUAL_MAX
    assert made.interpolation == INTERPOLATION == "log_linear_discount"


@given(level=st.floats(-0.009, 0.10), slope=st.floats(-0.004, 0.02))
def test_bootstraps_of_any_level_reprice_negative_rates_too(level: float, slope: float) -> None:
    rows = [
        (name, tenor, f"{level + slope * years:.6f}")
        for (name, tenor, _), years in zip(RATES, (0, 0.02, 0.08, 0.25, 0.5, 1, 2, 5), strict=True)
        if round(level + slope * years, 6) >= -0.01
    ]
    made = curve(rows)
    assert max(abs(residual.residual_rate) for residual in made.residuals) <= 1e-12
    assert np.all(np.isfinite(made.log_discount_factors))


def test_negative_rates_give_factors_above_one() -> None:
    made = curve((("EUR_DEPOSIT", "6M", "-0.005"), ("EUR_SWAP", "1Y", "-0.004")), currency=Currency.EUR)
    assert float(made.discount_factors(serials_of([date(2022, 8, 23)]))[0]) == pytest.approx(
        1 / (1 - 0.005 * 181 / 360), rel=1e-4
    )
    assert all(value > 0 for value in made.log_discount_factors[1:])


# --- beside QuantLib --------------------------------------------------------------------------------------------------
def test_numpy_reads_the_nodes_as_quantlib_does() -> None:
    made = curve(extrapolation_days=1000)
    rng = np.random.default_rng(3)
    serials = np.unique(rng.integers(made.node_serials[0], serial_of(made.horizon) + 1, size=2000))
    with quantlib_on(MONDAY):
        oracle = ql.DiscountCurve(
            [ql.Date(serial) for serial in made.node_serials],
            [math.exp(value) for value in made.log_discount_factors],
            ql.Actual365Fixed(),
        )
        oracle.enableExtrapolation()
        expected = np.array([oracle.discount(ql.Date(int(serial))) for serial in serials])
    assert np.max(np.abs(made.discount_factors(serials) - expected)) <= 1e-15


@pytest.mark.parametrize("tenor", ["1W", "2W", "1M", "3M", "6M", "9M", "1Y"])
def test_our_shibor_has_the_days_of_quantlibs(tenor: str) -> None:
    with quantlib_on(MONDAY) as today:
        calendar, _ = quantlib_calendar("China.IB", {})
        ours = quantlib_index(CONVENTIONS["SHIBOR"], tenor=tenor, calendar=calendar)
        theirs = ql.Shibor(ql.Period(tenor))
        assert ours.fixingDays() == theirs.fixingDays() == 1
        assert ours.dayCounter().name() == theirs.dayCounter().name() == "Actual/360"
        for shift in range(0, 400, 7):
            fixing = calendar.advance(today, shift, ql.Days)
            assert ours.maturityDate(ours.valueDate(fixing)) == theirs.maturityDate(theirs.valueDate(fixing))


@pytest.mark.parametrize(
    ("name", "tenor", "days", "counter", "end"),
    [
        ("LPR1Y", "1Y", 0, "Actual/360", date(2023, 2, 21)),
        ("LPR5Y", "5Y", 0, "Actual/360", date(2027, 2, 22)),  # 21 February 2027 is a Sunday
        ("FR007", "7D", 0, "Actual/365 (Fixed)", date(2022, 2, 28)),
        ("DR001", "ON", 0, "Actual/365 (Fixed)", date(2022, 2, 22)),
        ("HIBOR", "1M", 0, "Actual/365 (Fixed)", date(2022, 3, 21)),
        ("CNH_HIBOR", "1M", 0, "Actual/360", date(2022, 3, 21)),
        ("SHIBOR", "ON", 0, "Actual/360", date(2022, 2, 22)),
        ("SHIBOR", "TN", 1, "Actual/360", date(2022, 2, 23)),
    ],
)
def test_indexes_that_quantlib_lacks(name: str, tenor: str, days: int, counter: str, end: date) -> None:
    with quantlib_on(MONDAY) as today:
        calendar, _ = quantlib_calendar(CONVENTIONS[name].calendar, {CONVENTIONS[name].calendar: PLAIN})
        index = quantlib_index(CONVENTIONS[name], tenor=tenor, calendar=calendar)
        assert index.fixingDays() == days
        assert index.dayCounter().name() == counter
        assert index.maturityDate(index.valueDate(today)) == ql_date(end)


# --- calendars and conventions ----------------------------------------------------------------------------------------
def test_our_own_calendar_goes_before_quantlibs() -> None:
    week_off = frozenset(date(2022, 2, day) for day in range(22, 26))
    exchange = replace(PLAIN, holidays=week_off, make_up_workdays=frozenset({date(2022, 2, 26)}))
    assert day_of(curve(RATES[:1], calendars={"China.IB": exchange}).node_serials[1]) == date(2022, 2, 28)
    bank = replace(exchange, works_make_up_days=True)
    assert day_of(curve(RATES[:1], calendars={"China.IB": bank}).node_serials[1]) == date(2022, 2, 26)


def test_nodes_past_the_last_notice_are_provisional() -> None:
    assert curve(calendars={}).provisional_after == date(2026, 12, 31)
    assert curve(RATES[:6], calendars={}).provisional_after is None
    assert curve().provisional_after is None


def test_a_calendar_nobody_has_is_missing() -> None:
    strange = replace(CONVENTIONS["SHIBOR"], calendar="Mars")
    with pytest.raises(MissingData, match="Mars"):
        discount_curve(
            currency=Currency.CNY,
            valuation_date=MONDAY,
            quotes=[replace(rates()[0], convention=strange)],
            limits=LIMITS[Currency.CNY],
            calendars={},
            extrapolation_days=0,
        )


def test_remembered_conventions_mark_the_curve() -> None:
    assert curve().unconfirmed == ("FR007_SWAP", "SHIBOR")


@pytest.mark.parametrize("text", ["", "kind=deposit", "kind deposit", "kind=loan currency=CNY"])
def test_a_convention_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="SHIBOR"):
        convention_of(_parameter(text))


def test_a_swap_without_payments_is_refused() -> None:
    with pytest.raises(InvalidInput, match="payment months"):
        RateConvention(
            name="X", kind=RateKind.SWAP, currency=Currency.CNY, day_count=DayCount.ACT_365, settlement_days=1,
            calendar="China.IB", rolling=Rolling.FOLLOWING, payment_months=None, document="", confirmed=False,
        )  # fmt: skip


# --- refused ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "field", "words"),
    [
        ((("SHIBOR", "ON", "3.0"),), "rate", "0.03 for 3 %"),
        ((("SHIBOR", "ON", "-0.5"),), "rate", "outside"),
        ((("SHIBOR", "ON", "NaN"),), "rate", "NaN"),
        ((RATES[0], RATES[0]), "tenor", "twice"),
        ((RATES[3], RATES[2]), "tenor", "before SHIBOR 3M"),
        ((("HIBOR", "1M", "0.02"),), "currency", "HKD"),
        ((("SHIBOR", "8D", "0.02"),), "tenor", "8D"),
        ((("SHIBOR", "soon", "0.02"),), "tenor", "soon"),
    ],
)
def test_quotes_that_cannot_be_are_refused_by_field(
    rows: tuple[tuple[str, str, str], ...], field: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        curve(rows)
    assert refused.value.field == field
    assert refused.value.remedy
    assert refused.value.remedy_zh


@pytest.mark.parametrize(("days", "words"), [(-11, "more than 10 days"), (1, "after")])
def test_stale_and_later_quotes_are_refused(days: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        discount_curve(
            currency=Currency.CNY,
            valuation_date=MONDAY,
            quotes=rates(quote_date=MONDAY + timedelta(days=days)),
            limits=LIMITS[Currency.CNY],
            calendars={},
            extrapolation_days=0,
        )
    assert refused.value.field == "quote_date"


def test_of_two_tenors_that_a_holiday_brings_to_one_day_the_longer_counts() -> None:
    """On 23 September 2021 one week ended in the October holidays and two weeks on the first day after them."""
    rows = (
        ("SHIBOR", "ON", "0.022"),
        ("SHIBOR", "1W", "0.0235"),
        ("SHIBOR", "2W", "0.0275"),
        ("SHIBOR", "1M", "0.0238"),
    )
    made = curve(rows, day=date(2021, 9, 23), calendars={})
    assert made.superseded == ("SHIBOR 1W",)
    assert [day_of(serial) for serial in made.node_serials[1:]] == [
        date(2021, 9, 24),
        date(2021, 10, 8),
        date(2021, 10, 25),
    ]
    overnight = 1 / (1 + 0.022 / 360)
    assert float(made.discount_factors(serials_of([date(2021, 10, 8)]))[0]) == pytest.approx(
        overnight / (1 + 0.0275 * 14 / 360), abs=2e-15
    )
    assert len(made.residuals) == 3
    assert curve().superseded == ()


def test_no_quote_is_missing_data() -> None:
    with pytest.raises(MissingData, match="HKD has no rate quote"):
        curve((), currency=Currency.HKD)


def test_quotes_no_curve_can_reprice_are_told() -> None:
    # Interest of 35 % a quarter on nearly nothing afterwards: the last factor would have to be negative.
    rows = (("SHIBOR", "ON", "0.35"), ("FR007_SWAP", "10Y", "0.35"), ("FR007_SWAP", "11Y", "-0.01"))
    with pytest.raises(CalculationFailed, match="reprices"):
        curve(rows)


def test_days_outside_are_refused_and_the_stated_horizon_holds() -> None:
    made = curve(RATES[:4], extrapolation_days=30)
    last = date(2022, 5, 23)
    assert made.horizon == last + timedelta(days=30)
    made.discount_factors(serials_of([made.horizon]))
    for day in (MONDAY - timedelta(days=1), made.horizon + timedelta(days=1)):
        with pytest.raises(MissingData, match=str(day)) as refused:
            made.discount_factors(serials_of([last, day]))
        assert refused.value.field == "date"
    rate = -np.diff(made.log_factors(serials_of([last, made.horizon])))[0] / 30
    before = -np.diff(made.log_factors(serials_of([last - timedelta(days=1), last])))[0]
    assert rate == pytest.approx(before, rel=1e-9)


# --- flat and zero ----------------------------------------------------------------------------------------------------
def test_an_assumed_flat_curve_is_marked_and_gives_its_rate() -> None:
    made = flat_discount_curve(
        currency=Currency.CNY, valuation_date=MONDAY, rate=Decimal("0.0150"), horizon=date(2023, 2, 21)
    )
    assert made.is_assumption
    assert not curve().is_assumption
    assert float(made.discount_factors(serials_of([date(2023, 2, 21)]))[0]) == pytest.approx(math.exp(-0.015))
    assert made.zero_rates(serials_of([date(2022, 6, 1)])) == pytest.approx([0.015], abs=1e-14)
    with pytest.raises(InvalidInput, match="no meaning"):
        made.zero_rates(serials_of([MONDAY]))


# --- many at once -----------------------------------------------------------------------------------------------------
def test_curves_travel_between_processes() -> None:
    made = curve()
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own bytes


def test_threads_on_two_valuation_dates_never_see_each_others() -> None:
    days = (MONDAY, date(2019, 6, 28))
    alone = {day: curve(day=day) for day in days}
    assert alone[days[0]].node_serials != alone[days[1]].node_serials
    wrong: list[date] = []

    def work(day: date) -> None:
        wrong.extend(day for _ in range(15) if curve(day=day) != alone[day])

    threads = [threading.Thread(target=work, args=(day,)) for day in days * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nodes_ascend() -> None:
    made = curve()
    assert all(before < after for before, after in pairwise(made.node_serials))
    with pytest.raises(InvalidInput, match="does not come after"):
        replace(made, node_serials=(made.node_serials[0], *made.node_serials[:0:-1]))
    with pytest.raises(InvalidInput, match="inf"):
        replace(made, log_discount_factors=(0.0, -math.inf, *made.log_discount_factors[2:]))


def test_the_currencies_of_the_service_have_conventions() -> None:
    for name, currency in (("CNH_DEPOSIT", Currency.CNH), ("HKD_DEPOSIT", Currency.HKD), ("USD_DEPOSIT", Currency.USD)):
        made = curve(((name, "1M", "0.02"), (name, "6M", "0.021")), currency=currency)
        assert made.currency is currency
    usd = curve(
        (("USD_DEPOSIT", "3M", "0.043"), ("USD_SWAP", "1Y", "0.041"), ("USD_SWAP", "2Y", "0.039")),
        currency=Currency.USD,
    )
    assert max(abs(residual.residual_rate) for residual in usd.residuals) <= 1e-12


def test_calendar_of_our_own_type_reaches_quantlib_whole() -> None:
    own = Calendar(
        name="own", holidays=frozenset({date(2022, 4, 4)}), make_up_workdays=frozenset({date(2022, 4, 2)}),
        known_until=date(2022, 12, 31), works_make_up_days=True,
    )  # fmt: skip
    with quantlib_on(MONDAY):
        made, known_until = quantlib_calendar("x", {"x": own})
        assert known_until == date(2022, 12, 31)
        for shift in range(300):
            day = date(2022, 1, 1) + timedelta(days=shift)
            assert made.isBusinessDay(ql_date(day)) == own.is_open(day), day
        # What was made for one calendar stays with it.
        again, _ = quantlib_calendar("y", {"y": PLAIN})
        assert again.isBusinessDay(ql_date(date(2022, 4, 4)))
