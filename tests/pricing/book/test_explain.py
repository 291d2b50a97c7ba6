"""Explained profits: one factor moved, one part; parts and residual sum to the total to the fen."""

import math
from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.buckets import BucketMarket, bucketed
from pricing.calc.book.columns import Instrument, PositionColumns, Settlement, serial_of
from pricing.calc.book.compressed import CompressedBook, compressed
from pricing.calc.book.explain import BookDay, ExplainedProfit, explained_profit
from pricing.calc.book.valuation import contract_values
from tests.pricing.book.books import VALUATION_DATE, market_of, random_positions

_PARTS = ("carry", "price", "rates", "volatility", "fx", "trades", "residual")
_TODAY = serial_of(VALUATION_DATE)


def _rolled(book: CompressedBook, market: BucketMarket, days: int) -> BucketMarket:
    """Give the market some days on, zero rate of 3 % and volatilities kept."""
    years, sooner = (
        np.maximum(book.buckets.payment_serial - (market.valuation_serial + each), 0) / 365.0 for each in (0, days)
    )
    left = np.divide(sooner, years, out=np.ones(years.size), where=years > 0)
    return replace(
        market,
        valuation_serial=market.valuation_serial + days,
        discount_factor=np.exp(-0.03 * sooner),
        total_volatility=market.total_volatility * np.sqrt(left),
    )


def _explain(book: CompressedBook, start: BucketMarket, end: BucketMarket, *, cash: str = "0") -> ExplainedProfit:
    return explained_profit(
        opening=BookDay(book=book, market=start),
        closing=BookDay(book=book, market=end),
        closing_market_of_opening=end,
        settled=None,
        cash_amount=Decimal(cash),
    )


def _amounts(explained: ExplainedProfit) -> dict[str, Decimal]:
    return {name: getattr(explained, f"{name}_amount") for name in _PARTS}


def _one(instrument: Instrument, *, quantity_t: float, strike: float, days: int) -> PositionColumns:
    """Give one position in the second currency that delivers some days on."""
    margined = instrument is Instrument.FUTURES
    return replace(
        random_positions(1, instruments=(instrument,)),
        quantity_t=np.array([quantity_t]),
        strike_per_t=np.array([strike]),
        delivery_serial=np.array([0 if instrument is Instrument.SPOT else _TODAY + days], dtype=np.int32),
        settlement=np.array([Settlement.FUTURES_STYLE if margined else Settlement.FORWARD_STYLE], dtype=np.int8),
        currency_id=np.array([1], dtype=np.int8),
    )


def _market(day: int, *, forward: float, discount: float, exchange: float) -> BucketMarket:
    return BucketMarket(
        valuation_serial=_TODAY + day,
        forward_per_t=np.array([forward]),
        discount_factor=np.array([discount]),
        total_volatility=np.zeros(1),
        reporting_per_currency=np.array([1.0, exchange]),
    )


def test_one_forward_by_hand() -> None:
    """1,000 t bought at 70 for delivery in 365 days; a day of 73 days; F 72 to 75, r 2 % to 3 %, exchange 7 to 8."""
    book = compressed(bucketed(_one(Instrument.FORWARD, quantity_t=1_000.0, strike=70.0, days=365)))
    start = _market(0, forward=72.0, discount=math.exp(-0.02), exchange=7.0)
    end = _market(73, forward=75.0, discount=math.exp(-0.03 * 0.8), exchange=8.0)
    found = _explain(book, start, end, cash="12.34")
    # 14,000 e^-0.02 = 13,722.78; rolled 14,000 e^-0.016 = 13,777.78; price 21,000 e^-0.016; 14,000 e^-0.024 = 13,668.00
    assert found.carry_amount == Decimal("55.00")
    assert found.price_amount == Decimal("20666.67")
    assert found.rates_amount == Decimal("-109.78")
    assert found.fx_amount == Decimal("1968.25")
    assert found.volatility_amount == 0
    assert found.trades_amount == Decimal("12.34")
    assert found.residual_amount == Decimal("2748.51")
    # 5,000 e^-0.024 x 8 = 39,051.43, less 13,722.78, and the cash
    assert found.total_amount == Decimal("25340.99")


def test_one_future_earns_its_margin_at_the_closing_exchange_rate() -> None:
    book = compressed(bucketed(_one(Instrument.FUTURES, quantity_t=-500.0, strike=90.0, days=100)))
    start, end = (
        _market(day, forward=price, discount=1.0, exchange=rate)
        for day, price, rate in ((0, 80.0, 7.0), (1, 78.5, 7.2))
    )
    found = _explain(book, start, end)
    assert found.total_amount == Decimal("5400.00")  # -500 x (78.5 - 80) x 7.2
    assert found.price_amount == Decimal("5250.00")
    assert found.fx_amount == 0  # margin of earlier days was paid and converted then
    assert found.residual_amount == Decimal("150.00")


def test_one_holding_moves_by_price_and_exchange_rate_alone() -> None:
    book = compressed(bucketed(_one(Instrument.SPOT, quantity_t=10.0, strike=0.0, days=0)))
    found = _explain(
        book,
        _market(0, forward=60.0, discount=1.0, exchange=7.0),
        _market(30, forward=61.0, discount=1.0, exchange=7.1),
    )
    assert _amounts(found) == {
        "carry": 0, "price": Decimal(70), "rates": 0, "volatility": 0, "fx": Decimal(60), "trades": 0, "residual": 1,
    }  # fmt: skip


@pytest.mark.parametrize("part", ["carry", "price", "rates", "volatility", "fx"])
def test_what_moves_alone_explains_all(part: str) -> None:
    book = compressed(bucketed(random_positions(3_000)))
    start = market_of(book.buckets)
    end = _rolled(book, start, 5)
    moved = {
        "carry": end,
        "price": replace(end, forward_per_t=end.forward_per_t * 1.03),
        "rates": replace(end, discount_factor=end.discount_factor * 0.999),
        "volatility": replace(end, total_volatility=end.total_volatility * 1.1),
        "fx": replace(end, reporting_per_currency=np.array([1.0, 7.9])),
    }[part]
    found = _amounts(_explain(book, start, moved))
    assert abs(found.pop("residual")) <= Decimal("0.02") or part == "fx"
    carry = found.pop("carry")
    assert carry != 0
    if part == "fx":  # the margin of the passing days is converted at the new rate: a cross effect
        assert abs(_explain(book, start, moved).residual_amount) < abs(carry) / 10
    others = {name: amount for name, amount in found.items() if name != part}
    assert set(others.values()) == {Decimal(0)}
    if part != "carry":
        assert abs(found[part]) > 1_000


@st.composite
def _moves(draw: st.DrawFn) -> dict[str, float]:
    return {
        "price": draw(st.floats(0.8, 1.2)),
        "rate": draw(st.floats(-0.02, 0.02)),
        "volatility": draw(st.floats(0.7, 1.4)),
        "exchange": draw(st.floats(6.0, 9.0)),
    }


@settings(max_examples=30)
@given(moves=_moves(), days=st.integers(1, 10), cash=st.decimals(-10_000, 10_000, places=2), seed=st.integers(1, 3))
def test_parts_and_residual_sum_to_the_total_and_the_total_is_the_books(
    moves: dict[str, float], days: int, cash: Decimal, seed: int
) -> None:
    positions = random_positions(
        600, seed=seed, instruments=(Instrument.SPOT, Instrument.FORWARD, Instrument.EUROPEAN_OPTION)
    )
    positions = replace(positions, settlement=np.zeros(600, dtype=np.int8))
    positions = positions.at((positions.delivery_serial == 0) | (positions.delivery_serial > _TODAY + days))
    later = bucketed(positions.at(slice(0, 450)))
    opening, closing = bucketed(positions), later
    start = market_of(opening.buckets)

    def moved(book: CompressedBook) -> BucketMarket:
        market = _rolled(book, market_of(book.buckets), days)
        years = np.maximum(book.buckets.payment_serial - market.valuation_serial, 0) / 365.0
        return replace(
            market,
            forward_per_t=market.forward_per_t * moves["price"],
            discount_factor=market.discount_factor * np.exp(-moves["rate"] * years),
            total_volatility=market.total_volatility * moves["volatility"],
            reporting_per_currency=np.array([1.0, moves["exchange"]]),
        )

    small, small_later = compressed(opening), compressed(closing)
    end = moved(small_later)
    found = explained_profit(
        opening=BookDay(book=small, market=start),
        closing=BookDay(book=small_later, market=end),
        closing_market_of_opening=moved(small),
        settled=None,
        cash_amount=cash,
    )
    assert sum(_amounts(found).values()) == found.total_amount
    for item in fields(found):
        assert getattr(found, item.name).as_tuple().exponent == -2
    before = math.fsum(contract_values(opening, start) * start.reporting_per_currency[opening.positions.currency_id])
    after = math.fsum(contract_values(closing, end) * end.reporting_per_currency[closing.positions.currency_id])
    assert float(str(found.total_amount)) == pytest.approx(after - before + float(str(cash)), abs=0.02)


def test_a_new_trade_counts_from_its_price_and_what_was_delivered_by_its_cash() -> None:
    future = _one(Instrument.FUTURES, quantity_t=100.0, strike=80.0, days=100)
    more = replace(future, quantity_t=np.array([140.0]), strike_per_t=np.array([(100 * 80.0 + 40 * 81.0) / 140]))
    start, end = (_market(day, forward=price, discount=1.0, exchange=1.0) for day, price in ((0, 80.5), (1, 82.0)))
    found = explained_profit(
        opening=BookDay(book=compressed(bucketed(future)), market=start),
        closing=BookDay(book=compressed(bucketed(more)), market=end),
        closing_market_of_opening=end,
        settled=None,
        cash_amount=Decimal(0),
    )
    assert (found.price_amount, found.trades_amount) == (Decimal("150.00"), Decimal("40.00"))  # 100 x 1.5; 40 x 1
    forward = _one(Instrument.FORWARD, quantity_t=100.0, strike=80.0, days=1)
    delivered = explained_profit(
        opening=BookDay(book=compressed(bucketed(forward)), market=replace(start, discount_factor=np.array([0.9]))),
        closing=BookDay(
            book=compressed(bucketed(forward.at(slice(0, 0)))),
            market=replace(end, forward_per_t=np.zeros(0), discount_factor=np.zeros(0), total_volatility=np.zeros(0)),
        ),
        closing_market_of_opening=end,
        settled=None,
        cash_amount=Decimal("200.00"),
    )
    assert delivered.trades_amount == 0  # the cash is what the delivery was worth
    assert delivered.total_amount == Decimal("155.00")  # 200 less 50 x 0.9


def test_days_out_of_order_and_two_closing_markets_are_refused() -> None:
    book = compressed(bucketed(random_positions(50)))
    start = market_of(book.buckets)
    end = _rolled(book, start, 1)
    with pytest.raises(InvalidInput, match="the opening market is of"):
        _explain(book, end, start)
    with pytest.raises(InvalidInput, match="the opening market is of"):
        explained_profit(
            opening=BookDay(book=book, market=start),
            closing=BookDay(book=book, market=end),
            closing_market_of_opening=replace(end, reporting_per_currency=np.array([1.0, 7.0])),
            settled=None,
            cash_amount=Decimal(0),
        )


# --- what is margined and left the book -------------------------------------------------------------------------------
def _future(quantity_t: float, strike: float, *, days: int = 100) -> CompressedBook:
    return compressed(bucketed(_one(Instrument.FUTURES, quantity_t=quantity_t, strike=strike, days=days)))


_NOTHING_LEFT = compressed(bucketed(_one(Instrument.FUTURES, quantity_t=1.0, strike=1.0, days=1).at(slice(0, 0))))


def _empty(market: BucketMarket) -> BucketMarket:
    return replace(market, forward_per_t=np.zeros(0), discount_factor=np.zeros(0), total_volatility=np.zeros(0))


def _left(
    opening: CompressedBook, settled: CompressedBook | None, *, start: BucketMarket, end: BucketMarket,
    settled_at: float | None = None, remaining: CompressedBook = _NOTHING_LEFT,
) -> ExplainedProfit:  # fmt: skip
    closing = _empty(end) if remaining is _NOTHING_LEFT else end
    at = end if settled_at is None else replace(end, forward_per_t=np.array([settled_at]))
    return explained_profit(
        opening=BookDay(book=opening, market=start),
        closing=BookDay(book=remaining, market=closing),
        closing_market_of_opening=end,
        settled=None if settled is None else BookDay(book=settled, market=at),
        cash_amount=Decimal(0),
    )


def test_a_future_that_expired_earned_the_move_to_its_settlement() -> None:
    """400 t bought long ago at 65, 80 at the start, settled at 83, exchange 7 to 7.2."""
    opening = _future(400.0, 65.0, days=3)
    start = _market(0, forward=80.0, discount=1.0, exchange=7.0)
    end = _market(5, forward=83.0, discount=1.0, exchange=7.2)
    found = _left(opening, opening, start=start, end=end)
    assert found.total_amount == Decimal("8640.00")  # 400 x 3 x 7.2
    assert found.price_amount == Decimal("8400.00")  # 400 x 3 x 7
    assert found.residual_amount == Decimal("240.00")  # 400 x 3 x 0.2, price and exchange together
    assert found.trades_amount == 0
    with pytest.raises(InvalidInput, match="1 buckets margined daily left the book") as refused:
        _left(opening, None, start=start, end=end)
    assert refused.value.field == "settled"


def test_a_future_closed_out_earned_the_move_to_the_price_it_was_closed_at() -> None:
    """400 t held from 80, closed at 81.5, the day's settlement 83: 600 in all, of it 1,200 by price, -600 by trade."""
    opening = _future(400.0, 65.0)
    start, end = (_market(day, forward=price, discount=1.0, exchange=1.0) for day, price in ((0, 80.0), (1, 83.0)))
    parts = {"price": Decimal(1200), "trades": Decimal(-600)}
    at_price = _left(opening, opening, start=start, end=end, settled_at=81.5)
    # The same by the two trades, bought at 65 and sold at 81.5: nothing is left, 400 x 16.5 was gained.
    pair = PositionColumns(
        **{
            item.name: np.concatenate([getattr(one, item.name) for one in (
                _one(Instrument.FUTURES, quantity_t=400.0, strike=65.0, days=100),
                _one(Instrument.FUTURES, quantity_t=-400.0, strike=81.5, days=100),
            )])
            for item in fields(PositionColumns)
        }
    )  # fmt: skip
    by_trades = _left(opening, compressed(bucketed(pair)), start=start, end=end)
    in_the_book = _left(opening, None, start=start, end=end, remaining=compressed(bucketed(pair)))
    for found in (at_price, by_trades, in_the_book):
        assert found.total_amount == Decimal(600)
        assert {name: amount for name, amount in _amounts(found).items() if amount} == parts


def test_a_future_closed_out_in_part() -> None:
    """Of 400 t from 80, 150 t closed at 81; 250 t stand at 83: 250 x 3 + 150 x 1."""
    start, end = (_market(day, forward=price, discount=1.0, exchange=1.0) for day, price in ((0, 80.0), (1, 83.0)))
    found = _left(
        _future(400.0, 65.0), _future(150.0, 65.0), start=start, end=end, settled_at=81.0,
        remaining=_future(250.0, 65.0),
    )  # fmt: skip
    assert found.total_amount == Decimal(900)
    assert (found.price_amount, found.trades_amount) == (Decimal(1200), Decimal(-300))
    assert found.residual_amount == 0


def test_an_expired_option_keeps_nothing_of_its_volatility() -> None:
    """A margined call on 100 t at 70 that expired with the futures price at 74 is worth 4 a tonne."""
    option = replace(
        _one(Instrument.FORWARD, quantity_t=100.0, strike=70.0, days=40),
        instrument=np.array([Instrument.EUROPEAN_OPTION], dtype=np.int8),
        settlement=np.array([Settlement.FUTURES_STYLE], dtype=np.int8),
        option_sign=np.array([1], dtype=np.int8),
        expiry_serial=np.array([_TODAY + 2], dtype=np.int32),
    )
    book = compressed(bucketed(option))
    start = replace(_market(0, forward=70.0, discount=1.0, exchange=1.0), total_volatility=np.array([0.05]))
    end = replace(_market(2, forward=74.0, discount=0.97, exchange=1.0), total_volatility=np.array([0.3]))
    found = _left(book, book, start=start, end=end)
    # At the money 70 (2 N(0.025) - 1) = 1.396153: 100 x (4 - 1.396153)
    assert found.total_amount == Decimal("260.38")
    assert found.trades_amount == 0
    assert found.carry_amount == Decimal("-139.62")
    assert found.price_amount == Decimal("400.00")
    assert {found.residual_amount, found.volatility_amount, found.rates_amount} == {Decimal("0.00")}


def test_a_currency_without_a_rate_in_both_markets_is_no_difference() -> None:
    opening = _future(400.0, 65.0)
    rates = np.array([1.0, 7.0, np.nan])
    start, end = (
        replace(_market(day, forward=price, discount=1.0, exchange=7.0), reporting_per_currency=rates)
        for day, price in ((0, 80.0), (1, 81.0))
    )
    assert _left(opening, None, start=start, end=end, remaining=opening).total_amount == Decimal("2800.00")
    with pytest.raises(InvalidInput, match="the opening market is of"):
        explained_profit(
            opening=BookDay(book=opening, market=start),
            closing=BookDay(book=opening, market=end),
            closing_market_of_opening=replace(end, reporting_per_currency=np.array([1.0, 7.0, 2.0])),
            settled=None,
            cash_amount=Decimal(0),
        )
