"""What a book's profit between two days came from: carry, price, rates, volatility, exchange rates and trades."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny, to_decimal, to_float
from pricing.calc.book.buckets import BucketMarket, Buckets, united
from pricing.calc.book.columns import FloatArray, day_of
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
    *,
    opening: BookDay,
    closing: BookDay,
    closing_market_of_opening: BucketMarket,
    settled: BookDay | None,
    cash_amount: Decimal,
) -> ExplainedProfit:
    """Explain the profit from one day to a later one by revaluing the opening book, each factor moved alone.

    What is margined daily earns its settlement price's move on the opening quantity at the closing exchange rate. Where
    it left the book meanwhile, its margin until then comes from `settled`: a future that expired earns the move to its
    settlement price, one closed out the move to the price it was closed at.

    Args:
        opening: Book and market at the start.
        closing: Book and market at the end.
        closing_market_of_opening: The market of the end at the buckets of the opening book; for a bucket delivered or
            expired by then, the price it was settled at, and its discount factor and volatility are taken as 1 and 0.
        settled: What is margined daily and left the book after the start, as it was traded, with the prices it was
            settled or closed at; None where nothing did. A position closed out in part may stand in the closing book
            with its closing trade, or with what is left of it and the rest here.
        cash_amount: Received less paid in the period in reporting currency: premiums, settlement of what was
            delivered, the traded price of new futures-style options as paid; variation margin is not part of it.

    Raises:
        InvalidInput: The days are not in order, a market does not fit its book, or what is margined daily stands in
            the opening book, but neither in the closing one nor among what was settled.
    """
    _check_days(opening, closing, closing_market_of_opening, settled)
    _check_margined(opening.book.buckets, closing.book.buckets, settled)
    start, book = opening.market, opening.book
    end = _settled_market(book.buckets, closing_market_of_opening)
    rolled = _rolled(book.buckets, start, valuation_serial=end.valuation_serial)
    base = _worth(book, rolled, since=start)
    worth_then = _worth(book, start, since=start)
    worth_now = _worth(book, end, since=start)
    volatility = np.where(book.buckets.is_option, end.total_volatility, rolled.total_volatility)
    left = 0.0 if settled is None else _gain(settled)
    trades = to_float(cash_amount) + _gain(closing) + left - _gain(BookDay(book=book, market=end))
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


def _settled_market(buckets: Buckets, market: BucketMarket) -> BucketMarket:
    """Give the market with nothing left to discount and no time value where a bucket's last day has come."""
    over = buckets.payment_serial <= market.valuation_serial
    return replace(
        market,
        discount_factor=np.where(over, 1.0, market.discount_factor),
        total_volatility=np.where(over, 0.0, market.total_volatility),
    )


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


def _gain(day: BookDay) -> float:
    """Give a book's value in reporting currency; of what is margined, the margin since the trade."""
    market = _settled_market(day.book.buckets, day.market)
    return _reported(day.book.buckets, market, bucket_contract_values(day.book, market))


def _reported(buckets: Buckets, market: BucketMarket, values: FloatArray) -> float:
    return float(np.sum(values * market.reporting_per_currency[buckets.currency_id]))


def _check_days(
    opening: BookDay, closing: BookDay, closing_market_of_opening: BucketMarket, settled: BookDay | None
) -> None:
    start, end = opening.market.valuation_serial, closing.market.valuation_serial
    others = [closing_market_of_opening] if settled is None else [closing_market_of_opening, settled.market]
    same = all(
        other.valuation_serial == end
        # A currency without a rate is NaN in both.
        and np.array_equal(other.reporting_per_currency, closing.market.reporting_per_currency, equal_nan=True)
        for other in others
    )
    if start >= end or not same:
        raise InvalidInput(
            f"the opening market is of {start}, the closing markets of {end} and "
            f"{', '.join(str(other.valuation_serial) for other in others)}",
            zh="期初与期末市场日期不一致",
            field="valuation_serial",
            remedy="Give an opening day before the closing day, and one closing market with its rates for all.",
            remedy_zh="期初日应早于期末日，且各持仓使用同一期末市场及汇率。",
        )


def _check_margined(opening: Buckets, closing: Buckets, settled: BookDay | None) -> None:
    """Refuse what is margined daily and is lost between the days: its margin would be taken for a loss."""
    later = [closing] if settled is None else [closing, settled.book.buckets]
    _, place = united([opening, *later])
    lost = np.flatnonzero(opening.is_margined & ~np.isin(place[: opening.count], place[opening.count :]))
    if lost.size:
        bucket = int(lost[0])
        product, delivery = int(opening.product_id[bucket]), day_of(int(opening.delivery_serial[bucket]))
        raise InvalidInput(
            f"{lost.size} buckets margined daily left the book and were not settled, first product {product} with "
            f"delivery {delivery}",
            zh=f"有 {lost.size} 组逐日结算持仓已不在期末持仓中且未给出结算价，首个为产品 {product}、交割日 {delivery}",
            field="settled",
            remedy="Give what expired or was closed out with the price it was settled at.",
            remedy_zh="请给出到期或平仓的持仓及其结算价。",
        )
