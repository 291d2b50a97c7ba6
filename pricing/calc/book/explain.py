"""What a book's profit between two days came from: carry, price, rates, volatility, exchange rates and trades."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny, to_decimal, to_float
from pricing.calc.book.buckets import BucketMarket, Buckets
from pricing.calc.book.columns import FloatArray
from pricing.calc.book.compressed import CompressedBook, bucket_contract_values
from pricing.calc.book.valuation import effective_discount


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedProfit:
    """A profit in its parts, reporting currency, each rounded to the fen; the parts and the residual sum to the total.

    Attributes:
        carry_amount: The days passed, with forward prices, zero rates, volatilities and exchange rates unchanged.
        price_amount: Forward, futures and spot prices moved alone.
        rates_amount: Discount factors moved alone.
        volatility_amount: Volatilities moved alone.
        fx_amount: Exchange rates moved alone.
        trades_amount: The closing book over the opening one at the closing market, with the period's cash.
        residual_amount: What no single move explains: cross effects and roundings.
        total_amount: Closing value less opening value, with variation margin and cash.
    """

    carry_amount: Decimal
    price_amount: Decimal
    rates_amount: Decimal
    volatility_amount: Decimal
    fx_amount: Decimal
    trades_amount: Decimal
    residual_amount: Decimal
    total_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDay:
    """A book with the market at its buckets on a day."""

    book: CompressedBook
    market: BucketMarket


def explained_profit(
    *, opening: BookDay, closing: BookDay, closing_market_of_opening: BucketMarket, cash_amount: Decimal
) -> ExplainedProfit:
    """Explain the profit from one day to a later one by revaluing the opening book, each factor moved alone.

    What is margined daily earns its settlement price's move on the opening quantity at the closing exchange rate.

    Args:
        opening: Book and market at the start.
        closing: Book and market at the end.
        closing_market_of_opening: The market of the end at the buckets of the opening book; for a bucket delivered or
            expired meanwhile, the price it was settled at and a discount factor of 1.
        cash_amount: Received less paid in the period in reporting currency: premiums, settlement of what was
            delivered, the traded price of new futures-style options as paid; variation margin is not part of it.

    Raises:
        InvalidInput: The days are not in order, or a market does not fit its book.
    """
    _check_days(opening, closing, closing_market_of_opening)
    start, end, book = opening.market, closing_market_of_opening, opening.book
    rolled = _rolled(book.buckets, start, valuation_serial=end.valuation_serial)
    base = _worth(book, rolled, since=start)
    worth_then = _worth(book, start, since=start)
    worth_now = _worth(book, end, since=start)
    volatility = np.where(book.buckets.is_option, end.total_volatility, rolled.total_volatility)
    trades = to_float(cash_amount) + _gain(closing.book, closing.market) - _gain(book, end)
    parts = {
        "carry_amount": base - worth_then,
        "price_amount": _worth(book, replace(rolled, forward_per_t=end.forward_per_t), since=start) - base,
        "rates_amount": _worth(book, replace(rolled, discount_factor=end.discount_factor), since=start) - base,
        "volatility_amount": _worth(book, replace(rolled, total_volatility=volatility), since=start) - base,
        "fx_amount": _worth(book, replace(rolled, reporting_per_currency=end.reporting_per_currency), since=start)
        - base,
        "trades_amount": trades,
    }
    rounded = {name: to_decimal(amount, places=2) for name, amount in parts.items()}
    total = to_decimal(worth_now - worth_then + trades, places=2)
    residual = cny(total - sum(rounded.values(), start=Decimal(0)))
    return ExplainedProfit(**rounded, residual_amount=residual, total_amount=total)


def _rolled(buckets: Buckets, market: BucketMarket, *, valuation_serial: int) -> BucketMarket:
    """Move a market to a later day: the zero rate and the volatility of each bucket stay, the time to it shortens."""
    payment = buckets.payment_serial
    then = buckets.years_to(payment, valuation_serial=market.valuation_serial)
    now = buckets.years_to(payment, valuation_serial=valuation_serial)
    left = np.divide(now, then, out=np.zeros(buckets.count), where=then > 0)
    return replace(
        market,
        valuation_serial=valuation_serial,
        discount_factor=effective_discount(buckets, market) ** left,
        total_volatility=np.where(buckets.is_option, market.total_volatility * np.sqrt(left), 0.0),
    )


def _worth(book: CompressedBook, market: BucketMarket, *, since: BucketMarket) -> float:
    """Give the book's value in reporting currency; of what is margined, the margin since a market."""
    values = bucket_contract_values(book, market)
    if book.buckets.is_margined.any():
        before = bucket_contract_values(book, since)
        values = np.where(book.buckets.is_margined, values - before, values)
    return _reported(book.buckets, market, values)


def _gain(book: CompressedBook, market: BucketMarket) -> float:
    """Give the book's value in reporting currency; of what is margined, the margin since the trade."""
    return _reported(book.buckets, market, bucket_contract_values(book, market))


def _reported(buckets: Buckets, market: BucketMarket, values: FloatArray) -> float:
    return float(np.sum(values * market.reporting_per_currency[buckets.currency_id]))


def _check_days(opening: BookDay, closing: BookDay, closing_market_of_opening: BucketMarket) -> None:
    start, end = opening.market.valuation_serial, closing.market.valuation_serial
    same = closing_market_of_opening.valuation_serial == end and np.array_equal(
        closing_market_of_opening.reporting_per_currency, closing.market.reporting_per_currency
    )
    if start >= end or not same:
        raise InvalidInput(
            f"the opening market is of {start}, the closing markets of {end} and "
            f"{closing_market_of_opening.valuation_serial}",
            zh="期初与期末市场日期不一致",
            field="valuation_serial",
            remedy="Give an opening day before the closing day, and one closing market for both books.",
            remedy_zh="期初日应早于期末日，且两个持仓使用同一期末市场。",
        )
