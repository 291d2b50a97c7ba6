"""Random books and markets for the tests of large books."""

from datetime import date

import numpy as np

from pricing.calc.book.buckets import Book, BucketMarket, Buckets, bucketed
from pricing.calc.book.columns import FloatArray, Instrument, PositionColumns, Settlement, serial_of

VALUATION_DATE = date(2026, 6, 30)
NETTING_SETS = 40
_DAYS = 60


def random_positions(
    count: int, *, seed: int = 5, instruments: tuple[Instrument, ...] = tuple(Instrument)
) -> PositionColumns:
    """Give good positions of every kind, in no order; strikes lie on a grid of 0.01."""
    draw = np.random.default_rng(seed)
    instrument = draw.choice(instruments, count)
    is_spot, is_option = instrument == Instrument.SPOT, instrument == Instrument.EUROPEAN_OPTION
    expiry = serial_of(VALUATION_DATE) + draw.integers(1, _DAYS, count)
    margined = (instrument == Instrument.FUTURES) | (is_option & (draw.random(count) < 0.3))
    quantity = draw.uniform(1.0, 90_000.0, count)
    return PositionColumns(
        line_number=np.arange(1, count + 1, dtype=np.int32),
        instrument=instrument.astype(np.int8),
        product_id=draw.integers(0, 3, count).astype(np.int16),
        delivery_serial=np.where(is_spot, 0, expiry + 30 * is_option).astype(np.int32),
        expiry_serial=np.where(is_option, expiry, 0).astype(np.int32),
        quantity_t=np.where(is_spot | (draw.random(count) < 0.5), quantity, -quantity),
        strike_per_t=np.where(is_spot, 0.0, draw.integers(5_000, 9_000, count) / 100),
        option_sign=np.where(is_option, draw.choice([-1, 1], count), 0).astype(np.int8),
        settlement=np.where(margined, Settlement.FUTURES_STYLE, Settlement.FORWARD_STYLE).astype(np.int8),
        currency_id=draw.integers(0, 2, count).astype(np.int8),
        netting_set_id=draw.integers(0, NETTING_SETS, count).astype(np.int32),
    )


def market_of(buckets: Buckets, *, rate: float = 0.03, level: float = 70.0, volatility: float = 0.35) -> BucketMarket:
    """Give a market in which products, deliveries and strikes all differ."""
    valuation_serial = serial_of(VALUATION_DATE)
    years = buckets.years_to(buckets.payment_serial, valuation_serial=valuation_serial)
    expiry = buckets.years_to(buckets.expiry_serial, valuation_serial=valuation_serial)
    smile: FloatArray = volatility + 0.002 * np.abs(buckets.strike_per_t - level)
    return BucketMarket(
        valuation_serial=valuation_serial,
        forward_per_t=level + 3.0 * buckets.product_id + 5.0 * years,
        discount_factor=np.exp(-rate * years),
        total_volatility=np.where(buckets.is_option, smile * np.sqrt(expiry), 0.0),
        reporting_per_currency=np.array([1.0, 7.8]),
    )


def random_book(count: int, *, seed: int = 5, instruments: tuple[Instrument, ...] = tuple(Instrument)) -> Book:
    """Give a book of random positions."""
    return bucketed(random_positions(count, seed=seed, instruments=instruments))
