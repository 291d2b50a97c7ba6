"""Values of large books: QuantLib's on random trades, the same bits for any split, sums that no grouping moves."""

import math
import threading
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from pricing.calc.book.buckets import Book, BucketMarket, bucketed, priced_part
from pricing.calc.book.columns import Instrument, Settlement, checked_positions, day_of, serial_of
from pricing.calc.book.sums import merged, total, totals_by_group
from pricing.calc.book.valuation import book_totals, contract_values, present_values
from tests.pricing.book.books import NETTING_SETS, VALUATION_DATE, market_of, random_book, random_positions

_PHYSICAL = False  # the instrument's delivery type, which takes no name from Python


# --- buckets ----------------------------------------------------------------------------------------------------------
def test_positions_alike_share_a_bucket_and_no_others() -> None:
    book = random_book(5_000)
    positions, buckets = book.positions, book.buckets
    index = np.repeat(np.arange(buckets.count), book.bucket_count)
    option = positions.instrument == Instrument.EUROPEAN_OPTION
    keys = [
        (*key, strike if is_option else 0.0)
        for *key, strike, is_option in zip(
            positions.instrument.tolist(), positions.settlement.tolist(), positions.product_id.tolist(),
            positions.currency_id.tolist(), positions.delivery_serial.tolist(), positions.expiry_serial.tolist(),
            positions.option_sign.tolist(), positions.strike_per_t.tolist(), option.tolist(), strict=True,
        )
    ]  # fmt: skip
    assert keys == sorted(keys)
    assert len(set(keys)) == buckets.count == len(set(zip(keys, index.tolist(), strict=True)))
    assert sorted(positions.line_number.tolist()) == list(range(1, 5_001))


@pytest.mark.parametrize("factor", [1.0, 1.0 / 30_000.0])
def test_strikes_off_the_grid_are_told_apart_by_their_bits(factor: float) -> None:
    positions = random_positions(3_000, instruments=(Instrument.EUROPEAN_OPTION,))
    positions = replace(positions, strike_per_t=positions.strike_per_t * factor)
    book = bucketed(positions)
    assert np.array_equal(book.per_position(book.buckets.strike_per_t), book.positions.strike_per_t)
    assert set(book.buckets.strike_per_t.tolist()) == set(positions.strike_per_t.tolist())


def test_codes_too_wide_for_one_number_still_sort() -> None:
    positions = random_positions(400, instruments=(Instrument.EUROPEAN_OPTION,))
    draw = np.random.default_rng(3)
    wide = replace(
        positions,
        product_id=draw.integers(0, 32_000, 400).astype(np.int16),
        delivery_serial=draw.integers(0, 2**31 - 1, 400).astype(np.int32),
        expiry_serial=draw.integers(0, 2**31 - 1, 400).astype(np.int32),
    )
    book = bucketed(wide)
    assert book.buckets.count == 400
    assert np.all(np.diff(book.positions.product_id[book.positions.settlement == 1].astype(int)) >= 0)


def test_sorted_positions_are_not_moved_and_an_empty_book_is_worth_nothing() -> None:
    book = random_book(500)
    assert bucketed(book.positions).positions is book.positions
    empty = bucketed(book.positions.at(slice(0, 0)))
    assert empty.buckets.count == 0
    market = market_of(empty.buckets)
    assert present_values(empty, market).size == 0
    totals = book_totals(empty, market, values=np.zeros(0), netting_sets=3)
    assert totals.by_netting_set.amounts().tolist() == [0.0, 0.0, 0.0]


# --- values -----------------------------------------------------------------------------------------------------------
def test_spot_and_margined_positions_by_hand() -> None:
    book = random_book(4_000)
    market = market_of(book.buckets)
    now, gain = present_values(book, market), contract_values(book, market)
    positions = book.positions
    forward = book.per_position(market.forward_per_t)
    spot = positions.instrument == Instrument.SPOT
    futures = positions.instrument == Instrument.FUTURES
    margined = positions.settlement == Settlement.FUTURES_STYLE
    assert np.array_equal(now[spot], forward[spot] * positions.quantity_t[spot])
    assert np.all(now[margined] == 0.0)
    assert np.all(~np.signbit(now[margined]))
    expected = (forward[futures] - positions.strike_per_t[futures]) * positions.quantity_t[futures]
    assert np.array_equal(gain[futures], expected)
    assert np.array_equal(gain[~margined], now[~margined])


def test_forwards_equal_quantlib() -> None:
    """An allowance as a currency without interest: QuantLib values in it, so that spot brings its value to money."""
    book = random_book(300, instruments=(Instrument.FORWARD,))
    rate, spot = 0.03, 71.0
    buckets = book.buckets
    years = buckets.years_to(buckets.delivery_serial, valuation_serial=serial_of(VALUATION_DATE))
    market = replace(
        market_of(buckets), forward_per_t=spot * np.exp(rate * years), discount_factor=np.exp(-rate * years)
    )
    values = present_values(book, market)
    with quantlib_on(VALUATION_DATE) as today:
        domestic = ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed()))
        foreign = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
        engine = ql.DiscountingFxForwardEngine(foreign, domestic, ql.QuoteHandle(ql.SimpleQuote(spot)))
        for row in range(book.positions.count):
            quantity = float(book.positions.quantity_t[row])
            strike = float(book.positions.strike_per_t[row])
            day = ql_date(day_of(int(book.positions.delivery_serial[row])))
            trade = ql.FxForward(
                abs(quantity), ql.USDCurrency(), abs(quantity) * strike, ql.CNYCurrency(), day, _PHYSICAL, 0,
                ql.NullCalendar(),
            )  # fmt: skip
            trade.setPricingEngine(engine)
            expected = math.copysign(trade.NPV() * spot, trade.NPV() * quantity)  # a sale is worth the opposite
            assert values[row] == pytest.approx(expected, rel=1e-12, abs=1e-8 * abs(quantity))


def test_options_equal_quantlib() -> None:
    book = random_book(600, instruments=(Instrument.EUROPEAN_OPTION,))
    market = market_of(book.buckets)
    values = contract_values(book, market)
    forward, discount = book.per_position(market.forward_per_t), book.per_position(market.discount_factor)
    deviation = book.per_position(market.total_volatility)
    for row in range(book.positions.count):
        margined = book.positions.settlement[row] == Settlement.FUTURES_STYLE
        kind = ql.Option.Call if book.positions.option_sign[row] == 1 else ql.Option.Put
        price = ql.BlackCalculator(
            ql.PlainVanillaPayoff(kind, float(book.positions.strike_per_t[row])), float(forward[row]),
            float(deviation[row]), 1.0 if margined else float(discount[row]),
        ).value()  # fmt: skip
        quantity = float(book.positions.quantity_t[row])
        assert values[row] == pytest.approx(price * quantity, rel=1e-11, abs=1e-12 * abs(quantity))


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 60_000), max_size=6), seed=st.integers(0, 3))
def test_a_value_has_the_same_bits_in_any_split(cuts: list[int], seed: int) -> None:
    book, market = _MIXED[seed % 2]
    whole = contract_values(book, market)
    edges = [0, *sorted(cuts), book.positions.count]
    parts = [contract_values(book, market, first=low, last=high) for low, high in pairwise(edges)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def _mixed(seed: int) -> tuple[Book, BucketMarket]:
    # Half lie in few buckets, half in many, so that long runs and short ones stand side by side.
    positions = random_positions(60_000, seed=seed)
    crowded = (positions.line_number % 2 == 0) & (positions.delivery_serial != 0)
    soon = np.where(crowded, serial_of(VALUATION_DATE) + 90, positions.delivery_serial).astype(np.int32)
    book = bucketed(replace(positions, delivery_serial=soon))
    assert book.bucket_count.max() > 1_024 > book.bucket_count.min()
    return book, market_of(book.buckets)


_MIXED = (_mixed(1), _mixed(2))


def test_long_runs_and_single_positions_give_the_same_bits() -> None:
    book, market = _MIXED[0]
    whole = present_values(book, market)
    rows = np.random.default_rng(1).integers(0, book.positions.count, 500).tolist()
    alone = np.concatenate([present_values(book, market, first=row, last=row + 1) for row in rows])
    assert alone.tobytes() == whole[rows].tobytes()


def test_a_result_array_is_used_and_one_that_does_not_fit_is_refused() -> None:
    book = random_book(100)
    market = market_of(book.buckets)
    out = np.empty(100)
    assert present_values(book, market, out=out) is out
    for first, last, size in ((0, None, 99), (0, 101, 101), (60, 40, 0), (-1, 99, 100)):
        with pytest.raises(InvalidInput, match="positions"):
            present_values(book, market, out=np.empty(size), first=first, last=last)


# --- what is not known ------------------------------------------------------------------------------------------------
def test_what_has_no_market_is_named_and_the_rest_is_valued() -> None:
    book = random_book(2_000)
    market = market_of(book.buckets)
    with pytest.raises(InvalidInput, match="not known"):
        present_values(book, replace(market, forward_per_t=np.full(book.buckets.count, np.nan)))
    lost = (book.buckets.product_id == 1) & (book.buckets.instrument == Instrument.FORWARD)
    holed = replace(market, forward_per_t=np.where(lost, np.nan, market.forward_per_t))
    found = priced_part(book, holed)
    missing = (book.positions.product_id == 1) & (book.positions.instrument == Instrument.FORWARD)
    assert [each.item for each in found.failures] == [f"line {line}" for line in book.positions.line_number[missing]]
    assert {each.field for each in found.failures} == {"product_id"}
    assert all(each.remedy and each.remedy_zh and each.zh for each in found.failures)
    whole = present_values(book, market)
    assert present_values(found.book, found.market).tobytes() == whole[~missing].tobytes()


def test_what_an_instrument_does_not_need_may_be_unknown() -> None:
    book = random_book(2_000)
    market = market_of(book.buckets)
    buckets = book.buckets
    spot = buckets.instrument == Instrument.SPOT
    holed = replace(
        market,
        discount_factor=np.where(spot | buckets.is_margined, np.nan, market.discount_factor),
        total_volatility=np.where(buckets.is_option, market.total_volatility, np.nan),
        reporting_per_currency=np.array([1.0, 7.8, np.nan]),
    )
    assert priced_part(book, holed).failures == ()
    assert present_values(book, holed).tobytes() == present_values(book, market).tobytes()


def test_a_currency_without_a_rate_takes_its_positions_out() -> None:
    book = random_book(200)
    found = priced_part(book, replace(market_of(book.buckets), reporting_per_currency=np.array([1.0, np.nan])))
    assert {each.field for each in found.failures} == {"currency_id"}
    assert len(found.failures) == int((book.positions.currency_id == 1).sum())
    assert np.all(found.book.positions.currency_id == 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("forward_per_t", 0.0), ("forward_per_t", np.inf), ("discount_factor", -0.5), ("total_volatility", -0.1),
     ("reporting_per_currency", 0.0)],
)  # fmt: skip
def test_a_market_that_cannot_be_is_refused(name: str, value: float) -> None:
    market = market_of(random_book(50).buckets)
    column = getattr(market, name).copy()
    column[1] = value
    with pytest.raises(InvalidInput) as refused:
        replace(market, **{name: column})
    assert refused.value.field == name


def test_a_market_of_other_buckets_is_refused() -> None:
    book, other = random_book(50), random_book(60, seed=9)
    with pytest.raises(InvalidInput, match="the market has"):
        present_values(book, market_of(other.buckets))
    with pytest.raises(InvalidInput, match="1 currencies"):
        present_values(book, replace(market_of(book.buckets), reporting_per_currency=np.ones(1)))


# --- sums -------------------------------------------------------------------------------------------------------------
_AMOUNTS = st.lists(
    st.tuples(st.floats(-1e12, 1e12, allow_nan=False, allow_subnormal=False), st.integers(0, 4)), max_size=60
)


@given(rows=_AMOUNTS, order=st.randoms(use_true_random=False), cut=st.integers(0, 60))
def test_sums_do_not_depend_on_order_or_grouping(rows: list[tuple[float, int]], order: object, cut: int) -> None:
    values = np.array([value for value, _ in rows])
    group = np.array([place for _, place in rows], dtype=np.int32)
    whole = totals_by_group(values, group=group, group_count=5)
    moved = np.arange(len(rows))
    order.shuffle(moved)  # type: ignore[attr-defined] # hypothesis gives random.Random
    parts = [
        totals_by_group(values[rows], group=group[rows], group_count=5)
        for rows in (moved[cut:], moved[:cut], moved[:0])
    ]
    together = merged(parts)
    assert together.whole.tolist() == whole.whole.tolist()
    assert together.part.tolist() == whole.part.tolist()
    assert merged([whole]).amounts().tobytes() == together.amounts().tobytes()
    for place in range(5):
        exact = sum((Fraction(value) for value, each in rows if each == place), start=Fraction(0))
        stated = Fraction(int(whole.whole[place])) + Fraction(int(whole.part[place]), 2**30)
        assert abs(stated - exact) <= Fraction(len(rows), 2**31)
    assert total(values).amounts()[0] == pytest.approx(math.fsum(values), abs=1e-6, rel=1e-12)


def test_an_empty_netting_set_has_nought_and_not_its_neighbours_value() -> None:
    found = totals_by_group(np.array([5.5, 7.25]), group=np.array([0, 3]), group_count=5)
    assert found.amounts().tolist() == [5.5, 0.0, 0.0, 7.25, 0.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0**44])
def test_amounts_that_cannot_be_summed_are_named(bad: float) -> None:
    for sums in (total, lambda values: totals_by_group(values, group=np.zeros(3, dtype=np.int32), group_count=1)):
        with pytest.raises(CalculationFailed, match="amount 1 is"):
            sums(np.array([1.0, bad, 2.0]))


def test_more_than_whole_numbers_hold_is_refused_whatever_the_grouping() -> None:
    amount, count = 2.0**44 - 1, 2**18 + 8
    with pytest.raises(CalculationFailed, match="beyond 64 bits"):
        total(np.full(count, amount))
    halves = [total(np.full(count // 2, sign * amount)) for sign in (1.0, -1.0)]
    for order in (halves, halves[::-1]):  # their sum is 0, but in another grouping it may not have fitted
        with pytest.raises(CalculationFailed, match="beyond 64 bits"):
            merged(order)


def test_one_large_amount_among_many_small_ones_is_summed() -> None:
    values = np.ones(300_000)
    values[7] = 2.0**43
    assert total(values).whole.tolist() == [2**43 + 299_999]
    assert totals_by_group(values, group=np.arange(300_000) % 2, group_count=2).whole.tolist() == [
        150_000, 2**43 + 149_999,
    ]  # fmt: skip


def test_a_line_too_large_to_sum_is_named_and_the_rest_is_summed() -> None:
    book = random_book(2_000)
    market = market_of(book.buckets)
    values = present_values(book, market)
    foreign = int(np.flatnonzero((book.positions.currency_id == 1) & (values != 0))[3])
    here = int(np.flatnonzero(book.positions.currency_id == 0)[5])
    values[foreign] = 2.0**44 / 7.0  # below the limit in its currency, above it at 7.8
    values[here] = np.inf
    untouched = values.copy()
    totals = book_totals(book, market, values=values, netting_sets=NETTING_SETS)
    assert values.tobytes() == untouched.tobytes()
    lines = sorted(int(book.positions.line_number[row]) for row in (foreign, here))
    assert [failure.item for failure in totals.failures] == [f"line {line}" for line in lines]
    assert all(each.field == "quantity_t" and each.remedy and each.zh for each in totals.failures)
    kept = np.ones(2_000, dtype=bool)
    kept[[foreign, here]] = False
    reporting = values[kept] * np.array([1.0, 7.8])[book.positions.currency_id[kept]]
    assert totals.whole_book.amounts()[0] == pytest.approx(math.fsum(reporting), abs=1e-5)
    foreign_sum = math.fsum(values[kept & (book.positions.currency_id == 1)])
    assert totals.by_currency.amounts()[1] == pytest.approx(foreign_sum, abs=1e-5)


def test_totals_of_a_book_by_netting_set_and_currency() -> None:
    book = random_book(20_000)
    market = market_of(book.buckets)
    values = present_values(book, market)
    totals = book_totals(book, market, values=values, netting_sets=NETTING_SETS + 1)
    reporting = values * np.array([1.0, 7.8])[book.positions.currency_id]
    for place in (0, 7, NETTING_SETS):
        expected = math.fsum(reporting[book.positions.netting_set_id == place])
        assert totals.by_netting_set.amounts()[place] == pytest.approx(expected, abs=1e-5)
    assert totals.whole_book.amounts()[0] == pytest.approx(math.fsum(reporting), abs=1e-4)
    assert merged([totals.by_netting_set]).whole.size == NETTING_SETS + 1
    assert totals.by_currency.amounts()[1] == pytest.approx(
        math.fsum(values[book.positions.currency_id == 1]), abs=1e-5
    )
    with pytest.raises(InvalidInput, match="netting set"):
        book_totals(book, market, values=values, netting_sets=NETTING_SETS - 1)


# --- two days at once -------------------------------------------------------------------------------------------------
def test_two_valuation_dates_at_once_never_leak() -> None:
    """Curves are read from QuantLib on two days by two threads while books are valued; each day keeps its own bits."""
    positions = random_positions(2_000, instruments=(Instrument.FORWARD, Instrument.EUROPEAN_OPTION))
    days = (VALUATION_DATE, VALUATION_DATE - timedelta(days=200))
    alone = [_on(day, positions_of=bucketed(positions)) for day in days]
    assert alone[0] != alone[1]
    found: dict[int, set[bytes]] = {0: set(), 1: set()}

    def work(place: int) -> None:
        for _ in range(15):
            found[place].add(_on(days[place], positions_of=bucketed(positions)))

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: {alone[0]}, 1: {alone[1]}}


def _on(day: date, *, positions_of: Book) -> bytes:
    book = positions_of
    good = checked_positions(book.positions, valuation_date=day, product_count=3, currency_count=2)
    assert good.failures == ()
    with quantlib_on(day) as today:
        curve = ql.FlatForward(0, ql.NullCalendar(), 0.03, ql.Actual365Fixed())
        serials = book.buckets.payment_serial
        factors = np.array([curve.discount(ql_date(day_of(int(serial)))) for serial in serials])
        assert curve.referenceDate() == today
    market = replace(market_of(book.buckets), valuation_serial=serial_of(day), discount_factor=factors)
    return present_values(book, market).tobytes()
