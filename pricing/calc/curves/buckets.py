"""The market of a book on its unique buckets: forward, discount factor and total volatility as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from pricing.calc.curves.curve_set import CurveSet
from pricing.calc.curves.discount import DiscountCurve
from pricing.calc.curves.futures import FuturesCurve, Product
from pricing.calc.curves.nodes import FloatArray, IntArray, day_of
from pricing.calc.curves.volatility import VolatilitySurface

NO_EXPIRY = 0
"""Expiry of a bucket that is no option."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketMarket:
    """What the curves say of each bucket; a bucket that failed holds NaN and is named.

    Attributes:
        forward_per_t: Forward F for the delivery in the product's currency per tonne, shape (buckets,).
        discount_factor: D to the delivery in that currency, shape (buckets,).
        total_volatility: sigma sqrt(T) to the expiry at the strike, 0 where the bucket is no option, shape (buckets,).
        failures: One for each bucket that failed; its item is the bucket's place, counted from 0.
    """

    forward_per_t: FloatArray
    discount_factor: FloatArray
    total_volatility: FloatArray
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Columns:
    deliveries: IntArray
    expiries: IntArray
    strikes: FloatArray


def bucket_market(
    curves: CurveSet,
    products: Sequence[Product],
    deliveries: IntArray,
    expiries: IntArray,
    strikes: FloatArray,
) -> BucketMarket:
    """Read the curves on the unique buckets of a book; QuantLib has no part in it.

    Args:
        curves: The curves of the day.
        products: What each bucket delivers, one a bucket.
        deliveries: Serials of the delivery days, shape (buckets,).
        expiries: Serials of the option expiries, NO_EXPIRY for a forward, shape (buckets,).
        strikes: Strikes in the product's currency per tonne, NaN for a forward, shape (buckets,).

    Raises:
        InvalidInput: The columns are of different lengths.
    """
    _check_lengths(products, deliveries, expiries, strikes)
    forward, factor, volatility = (np.full(len(products), np.nan) for _ in range(3))
    columns = _Columns(deliveries=deliveries, expiries=expiries, strikes=strikes)
    failures: dict[int, Failure] = {}
    for product, rows in _rows_by_product(products).items():
        try:
            futures = curves.futures_of(product)
            discount = curves.discount_of(futures.currency)
        except CarbonFinError as error:
            failures.update({int(row): _failure(row, product, error) for row in rows})
            continue
        good = _reached(futures, rows, deliveries, product, failures)
        good = _reached(discount, good, deliveries, product, failures)
        forward[good] = np.exp(futures.log_forwards(deliveries[good]))
        factor[good] = np.exp(discount.log_factors(deliveries[good]))
        volatility[good] = 0.0
        options = good[expiries[good] != NO_EXPIRY]
        options = _sound_options(product, options, columns, failures)
        if options.size:
            volatility[options] = _total_volatilities(
                curves, product, options, columns, forward=forward, failures=failures
            )
    failed = np.array(sorted(failures), dtype=np.int64)
    for column in (forward, factor, volatility):
        column[failed] = np.nan
    return BucketMarket(
        forward_per_t=forward,
        discount_factor=factor,
        total_volatility=volatility,
        failures=tuple(failures[row] for row in sorted(failures)),
    )


def _check_lengths(products: Sequence[Product], deliveries: IntArray, expiries: IntArray, strikes: FloatArray) -> None:
    if not deliveries.shape == expiries.shape == strikes.shape == (len(products),):
        raise InvalidInput(
            f"{len(products)} products have {deliveries.size} deliveries, {expiries.size} expiries "
            f"and {strikes.size} strikes",
            zh="各列长度不一致",
            field="products",
            remedy="Give one of each for every bucket.",
            remedy_zh="请为每个分组各给出一项。",
        )


def _rows_by_product(products: Sequence[Product]) -> dict[Product, IntArray]:
    rows: dict[Product, list[int]] = {}
    for row, product in enumerate(products):
        rows.setdefault(product, []).append(row)
    return {product: np.array(found, dtype=np.int64) for product, found in rows.items()}


def _reached(
    curve: FuturesCurve | DiscountCurve | VolatilitySurface,
    rows: IntArray,
    serials: IntArray,
    product: Product,
    failures: dict[int, Failure],
) -> IntArray:
    """Give the rows whose day the curve reaches; the others fail, each with its own day named."""
    if curve.error_outside(serials[rows]) is None:
        return rows
    good: list[int] = []
    for row in rows:
        error = curve.error_outside(serials[row : row + 1])
        if error is None:
            good.append(int(row))
        else:
            failures[int(row)] = _failure(row, product, error)
    return np.array(good, dtype=np.int64)


def _sound_options(
    product: Product,
    options: IntArray,
    columns: _Columns,
    failures: dict[int, Failure],
) -> IntArray:
    """Give the options whose strike is positive and whose expiry is not after delivery; the others fail."""
    strikes, late = columns.strikes[options], columns.expiries[options] > columns.deliveries[options]
    wrong = ~(np.isfinite(strikes) & (strikes > 0)) | late
    for row in options[wrong]:
        unfit = _unfit_option(
            product, columns.strikes[row], expiry=int(columns.expiries[row]), delivery=int(columns.deliveries[row])
        )
        failures[int(row)] = _failure(row, product, unfit)
    return np.asarray(options[~wrong], dtype=np.int64)


def _total_volatilities(
    curves: CurveSet,
    product: Product,
    options: IntArray,
    columns: _Columns,
    *,
    forward: FloatArray,
    failures: dict[int, Failure],
) -> FloatArray:
    """Give total volatilities, shape (options,), NaN for those that fail."""
    read = np.full(options.size, np.nan)
    try:
        surface = curves.volatility_of(product)
    except CarbonFinError as error:
        failures.update({int(row): _failure(row, product, error) for row in options})
        return read
    reached = _reached(surface, options, columns.expiries, product, failures)
    read[np.isin(options, reached)] = np.sqrt(
        surface.total_variances(
            expiry_serials=columns.expiries[reached],
            strikes_per_t=columns.strikes[reached],
            forwards_per_t=forward[reached],
        )
    )
    return read


def _unfit_option(product: Product, strike_per_t: np.float64, *, expiry: int, delivery: int) -> InvalidInput:
    if expiry > delivery:
        return InvalidInput(
            f"the option expires on {day_of(expiry)}, after delivery on {day_of(delivery)}",
            zh=f"{product} 期权到期日 {day_of(expiry)} 晚于标的交割日 {day_of(delivery)}",
            field="expiry_date",
            remedy="Give an expiry on or before the delivery of the underlying.",
            remedy_zh="期权到期日不得晚于标的交割日。",
        )
    return InvalidInput(
        f"the strike is {strike_per_t}",
        zh=f"{product} 期权的行权价必须为正数",
        field="strike",
        remedy="Give a positive strike.",
        remedy_zh="请填写正数的行权价。",
    )


def _failure(row: np.int64, product: Product, error: CarbonFinError) -> Failure:
    return Failure(
        item=str(int(row)),
        field=error.field,
        detail=f"{product}: {error.detail}",
        zh=error.zh,
        remedy=error.remedy,
        remedy_zh=error.remedy_zh,
    )
