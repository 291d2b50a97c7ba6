"""A book as a few numbers a bucket, and a linear book's profit and loss over scenarios without a cube.

The value of a bucket is linear in the sums of its quantities and of its quantities times strikes, so that a book of any
size is revalued from its buckets alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.buckets import Book, BucketMarket, Buckets, united
from pricing.calc.book.columns import FloatArray, Instrument
from pricing.calc.book.sums import Totals, merged, placed, totals_by_group
from pricing.calc.book.valuation import check_known, effective_discount, option_prices_per_t

_EXPONENT_MAX = 4.0  # |T dr| beyond which alternating terms would cost digits
_TERM_MIN = 1e-18
_SCENARIO_CHUNK = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedBook:
    """Sums by bucket, which no order of positions moves and which parts of a book add to exactly; shape (buckets,).

    Attributes:
        quantity: Sum of q, tonnes.
        strike: Sum of q K of linear positions, contract currency; 0 for options and spot.
    """

    buckets: Buckets
    quantity: Totals
    strike: Totals

    @property
    def quantity_t(self) -> FloatArray:
        """Sum of q, rounded once."""
        return self.quantity.amounts()

    @property
    def strike_amount(self) -> FloatArray:
        """Sum of q K, rounded once."""
        return self.strike.amounts()


def compressed(book: Book) -> CompressedBook:
    """Sum the positions of a book by bucket.

    Raises:
        CalculationFailed: A quantity or agreed amount is not finite or too large to sum.
    """
    count = book.buckets.count
    index = np.repeat(np.arange(count), book.bucket_count)
    amount = book.positions.quantity_t * book.positions.strike_per_t
    amount[book.positions.instrument == Instrument.EUROPEAN_OPTION] = 0.0
    return CompressedBook(
        buckets=book.buckets,
        quantity=totals_by_group(book.positions.quantity_t, group=index, group_count=count),
        strike=totals_by_group(amount, group=index, group_count=count),
    )


def merged_books(books: Sequence[CompressedBook]) -> CompressedBook:
    """Add compressed parts of a book, at least one: the same bits as compressing it whole, however it was cut.

    Raises:
        CalculationFailed: The amounts are so large together that their sums may not fit.
    """
    buckets, place = united([book.buckets for book in books])

    def added(sums: list[Totals]) -> Totals:
        ends = np.cumsum([each.whole.size for each in sums])
        return merged(
            placed(each, group=place[end - each.whole.size : end], group_count=buckets.count)
            for each, end in zip(sums, ends.tolist(), strict=True)
        )

    return CompressedBook(
        buckets=buckets,
        quantity=added([book.quantity for book in books]),
        strike=added([book.strike for book in books]),
    )


def bucket_contract_values(book: CompressedBook, market: BucketMarket) -> FloatArray:
    """Give the sum of `contract_values` of each bucket, (F Q - S) D or p Q, contract currency, shape (buckets,).

    Raises:
        InvalidInput: The market is of other buckets, or not known everywhere.
    """
    check_known(book.buckets, market)
    linear = (market.forward_per_t * book.quantity_t - book.strike_amount) * effective_discount(book.buckets, market)
    if not book.buckets.is_option.any():
        return linear
    options = option_prices_per_t(book.buckets, market) * book.quantity_t
    return np.where(book.buckets.is_option, options, linear)


def bucket_present_values(book: CompressedBook, market: BucketMarket) -> FloatArray:
    """Give the sum of `present_values` of each bucket, 0 where it is margined daily; shape (buckets,).

    Raises:
        InvalidInput: As `bucket_contract_values`.
    """
    return np.where(book.buckets.is_margined, 0.0, bucket_contract_values(book, market))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearScenarios:
    """Moves of the risk factors of linear books, one column a scenario.

    Attributes:
        log_price: Of spot, forwards and futures of a product, F becomes F exp(x), shape (products, scenarios).
        zero_rate: Parallel move of the continuously compounded rate of a currency, shape (currencies, scenarios).
        log_fx: Of the reporting currency for one unit of a currency, shape (currencies, scenarios).

    Raises:
        InvalidInput: Shapes do not agree or a move is not finite.
    """

    log_price: FloatArray
    zero_rate: FloatArray
    log_fx: FloatArray

    def __post_init__(self) -> None:
        """Refuse shapes that do not agree and moves that are not finite."""
        shapes = self.log_price.shape, self.zero_rate.shape, self.log_fx.shape
        if len({shape[-1:] for shape in shapes}) != 1 or any(len(shape) != 2 for shape in shapes):
            raise _bad_scenarios(f"price, rate and exchange moves have the shapes {shapes}", "情景数组形状不一致")
        for name in ("log_price", "zero_rate", "log_fx"):
            moves = getattr(self, name)
            if not np.all(np.isfinite(moves)):
                factor, scenario = (int(axis[0]) for axis in np.nonzero(~np.isfinite(moves)))
                raise _bad_scenarios(
                    f"{name} of factor {factor} in scenario {scenario} is {moves[factor, scenario]}",
                    f"第 {scenario + 1} 个情景的 {name} 不是有限数",
                )


def _bad_scenarios(detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field="scenarios",
        remedy="Give one finite move for each factor in each scenario.",
        remedy_zh="请为每个风险因子在每个情景中给出有限数值。",
    )


def linear_scenario_pnl(book: CompressedBook, market: BucketMarket, scenarios: LinearScenarios) -> FloatArray:
    """Give a linear book's exact profit and loss in each scenario, reporting currency, shape (scenarios,).

    For product u and currency c, with A_b = F_b Q_b D_b the price leg and C_b = S_b D_b the fixed leg of a bucket,
    P&L = e^z X_c [e^m sum A_b e^(-T_b x) - sum C_b e^(-T_b x)] - X_c [sum A_b - sum C_b], with price move m, rate move
    x and exchange move z. Each sum is a power series in x whose coefficients are the book's moments in T, taken until
    the next term is below 1e-18, so that a scenario costs a few dozen operations whatever the size of the book. Forward
    prices do not move with rates. What is margined daily moves by Q F (e^m - 1), converted at the scenario's rate.

    Raises:
        InvalidInput: The book holds options, a product or currency has no moves, a rate moves so far that T x exceeds
            4, or the market does not fit.
    """
    check_known(book.buckets, market)
    _check_linear(book.buckets, scenarios)
    price_leg, fixed_leg, years = _legs(book, market)
    found = np.zeros(scenarios.log_price.shape[1])
    group = book.buckets.product_id.astype(np.int64) * scenarios.zero_rate.shape[0] + book.buckets.currency_id
    for each in np.unique(group).tolist():
        product, currency = divmod(each, scenarios.zero_rate.shape[0])
        buckets = np.flatnonzero(group == each)
        price, fixed = _moments(
            price_leg[buckets], fixed_leg[buckets], years[buckets], rate=scenarios.zero_rate[currency]
        )
        exchange = float(market.reporting_per_currency[currency])
        for start in range(0, found.size, _SCENARIO_CHUNK):
            part = slice(start, start + _SCENARIO_CHUNK)
            rate = scenarios.zero_rate[currency, part]
            value = _series(price, rate) * np.exp(scenarios.log_price[product, part]) - _series(fixed, rate)
            now = price[0] - fixed[0]
            found[part] += exchange * (np.exp(scenarios.log_fx[currency, part]) * value - now)
    return found


def _check_linear(buckets: Buckets, scenarios: LinearScenarios) -> None:
    if buckets.is_option.any():
        raise InvalidInput(
            f"{int(buckets.is_option.sum())} buckets of the book hold options",
            zh="组合中含期权，不能按线性敞口计算",
            field="instrument",
            remedy="Revalue options in each scenario, exactly or by Chebyshev interpolation, and add the two.",
            remedy_zh="期权请按情景重估（精确或切比雪夫插值），再与线性部分相加。",
        )
    products, currencies = scenarios.log_price.shape[0], scenarios.zero_rate.shape[0]
    largest = (int(column.max(initial=-1)) for column in (buckets.product_id, buckets.currency_id))
    product, currency = largest
    if product >= products or currency >= min(currencies, scenarios.log_fx.shape[0]):
        raise InvalidInput(
            f"the book holds product {product} and currency {currency}; the scenarios move {products} products and "
            f"{currencies} currencies",
            zh="情景未覆盖组合中的全部产品或币种",
            field="scenarios",
            remedy="Give moves for every product and currency of the book.",
            remedy_zh="请为组合中的每个产品和币种提供情景变动。",
        )


def _legs(book: CompressedBook, market: BucketMarket) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give price leg and fixed leg of each bucket in contract currency, and the years that a rate works on them."""
    buckets = book.buckets
    discount = effective_discount(buckets, market)
    price = market.forward_per_t * book.quantity_t * discount
    fixed = np.where(buckets.is_margined, price, book.strike_amount * discount)
    still = buckets.is_margined | (buckets.instrument == Instrument.SPOT)
    years = buckets.years_to(buckets.payment_serial, valuation_serial=market.valuation_serial)
    return price, fixed, np.where(still, 0.0, years)


def _moments(
    price_leg: FloatArray, fixed_leg: FloatArray, years: FloatArray, *, rate: FloatArray
) -> tuple[list[float], list[float]]:
    """Give the coefficients sum A (-T)^k / k! and sum C (-T)^k / k!, as many as the largest move needs."""
    largest = float(years.max()) * float(np.abs(rate).max(initial=0.0))
    if largest > _EXPONENT_MAX:
        raise InvalidInput(
            f"a rate moves so far that T x reaches {largest:.3g}; it must stay within {_EXPONENT_MAX}",
            zh="利率情景变动过大，超出计算范围",
            field="scenarios",
            remedy="Give rate moves as decimals, 0.01 for one per cent.",
            remedy_zh="利率变动请以小数填写，1% 为 0.01。",
        )
    weight = np.ones(years.size)
    price, fixed = [math.fsum(price_leg)], [math.fsum(fixed_leg)]
    size, order = largest, 1
    while size > _TERM_MIN:
        weight = weight * (-years / order)
        price.append(math.fsum(price_leg * weight))
        fixed.append(math.fsum(fixed_leg * weight))
        order += 1
        size *= largest / order
    return price, fixed


def _series(coefficients: list[float], rate: FloatArray) -> FloatArray:
    value = np.full(rate.size, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        np.multiply(value, rate, out=value)
        np.add(value, coefficient, out=value)
    return value
