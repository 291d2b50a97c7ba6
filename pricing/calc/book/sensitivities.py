"""Sensitivities of a book by bucket, from the sums of its positions; options by Black-76."""

from dataclasses import dataclass

import numpy as np

from pricing.calc.book.buckets import BucketMarket, Buckets
from pricing.calc.book.columns import FloatArray, Instrument
from pricing.calc.book.compressed import CompressedBook, bucket_contract_values, bucket_present_values
from pricing.calc.book.valuation import effective_discount
from pricing.calc.options.black76 import black76_greeks


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSensitivities:
    """Derivatives of the value of each bucket, contract currency, shape (buckets,), and of the book by currency.

    Attributes:
        contract_value: V, for what is margined daily the gain since the trade.
        delta: dV/dF by the bucket's own forward price, tonnes.
        gamma: d2V/dF2.
        vega: dV/dsigma for a change of one (100 %) of the annual volatility.
        theta: dV/dt as days pass, per year, forward price, zero rate and volatility unchanged.
        rho: dV/dr for the continuously compounded zero rate, forward price unchanged; 0 for spot and margined buckets.
        fx_delta: d(reporting value)/d(exchange rate), which is the present value in each currency, shape (currencies,).
    """

    contract_value: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray
    fx_delta: FloatArray


def bucket_sensitivities(book: CompressedBook, market: BucketMarket) -> BucketSensitivities:
    """Give the sensitivities of each bucket of a book.

    Linear: delta = Q D, rho = -T V, theta = r V with r = -ln(D) / T. Options: Q times those of Black-76.

    Raises:
        InvalidInput: The market is of other buckets, or not known everywhere.
    """
    buckets = book.buckets
    value = bucket_contract_values(book, market)
    discount = effective_discount(buckets, market)
    still = buckets.is_margined | (buckets.instrument == Instrument.SPOT)
    years = buckets.years_to(buckets.payment_serial, valuation_serial=market.valuation_serial)
    rate = np.divide(-np.log(discount), years, out=np.zeros(buckets.count), where=years > 0)
    table = np.zeros((5, buckets.count))
    table[0] = book.quantity_t * discount
    table[3] = np.where(still, 0.0, rate * value)
    table[4] = np.where(still, 0.0, -years * value)
    option = np.flatnonzero(buckets.is_option)
    if option.size:
        table[:, option] = _option_rows(buckets.at(option), market.at(option), years[option]) * book.quantity_t[option]
    fx_delta: FloatArray = np.zeros(market.reporting_per_currency.size)
    np.add.at(fx_delta, buckets.currency_id, bucket_present_values(book, market))
    return BucketSensitivities(
        contract_value=value,
        delta=table[0],
        gamma=table[1],
        vega=table[2],
        theta=table[3],
        rho=table[4],
        fx_delta=fx_delta,
    )


def _option_rows(options: Buckets, market: BucketMarket, years: FloatArray) -> FloatArray:
    """Give delta, gamma, vega, theta and rho per tonne, shape (5, options)."""
    root = np.sqrt(years)
    greeks = black76_greeks(
        forward_per_t=market.forward_per_t,
        strike_per_t=options.strike_per_t,
        volatility=np.divide(market.total_volatility, root, out=np.zeros(options.count), where=root > 0),
        expiry_years=years,
        discount_factor=effective_discount(options, market),
        option_sign=options.option_sign.astype(np.float64),
    )
    rho = np.where(options.is_margined, 0.0, greeks.rho)
    return np.stack([greeks.delta, greeks.gamma, greeks.vega, greeks.theta, rho])
