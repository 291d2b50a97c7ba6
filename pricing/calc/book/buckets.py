"""Buckets of a book: what is alike in the market is priced once, and positions lie sorted by bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.columns import (
    BoolArray,
    FloatArray,
    Instrument,
    IntArray,
    PositionColumns,
    Settlement,
    day_of,
)

DAYS_A_YEAR = 365.0
_TICKS_A_UNIT = 10_000.0  # strikes on a grid of 0.0001 a tonne need no sorting
_CODE_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """What is priced once: contracts alike but for quantity, and linear ones alike but for strike; shape (buckets,).

    Sorted by instrument, settlement, product, currency, delivery, expiry, option sign and strike, in this order.

    Attributes:
        strike_per_t: Strike of an option, bit for bit; 0 for linear positions, whose strikes differ in one bucket.
    """

    instrument: npt.NDArray[np.int8]
    settlement: npt.NDArray[np.int8]
    product_id: npt.NDArray[np.int16]
    currency_id: npt.NDArray[np.int8]
    delivery_serial: npt.NDArray[np.int32]
    expiry_serial: npt.NDArray[np.int32]
    option_sign: npt.NDArray[np.int8]
    strike_per_t: FloatArray

    @property
    def count(self) -> int:
        """Number of buckets."""
        return self.strike_per_t.size

    @property
    def is_option(self) -> BoolArray:
        """Whether a bucket holds options."""
        return np.equal(self.instrument, Instrument.EUROPEAN_OPTION)

    @property
    def is_margined(self) -> BoolArray:
        """Whether a bucket is settled daily, so that nothing is discounted and nothing is left after settlement."""
        return np.equal(self.settlement, Settlement.FUTURES_STYLE)

    @property
    def payment_serial(self) -> npt.NDArray[np.int32]:
        """Day to which a bucket is discounted: expiry of an option, delivery of a forward, 0 for spot."""
        return np.where(self.is_option, self.expiry_serial, self.delivery_serial)

    def years_to(self, serial: npt.NDArray[np.int32], *, valuation_serial: int) -> FloatArray:
        """Give act/365 years from a valuation date to days of the buckets, none below 0."""
        return np.maximum(serial - valuation_serial, 0) / DAYS_A_YEAR

    def at(self, buckets: IntArray | BoolArray) -> Self:
        """Give these buckets, in their order."""
        return type(self)(**{item.name: getattr(self, item.name)[buckets] for item in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Positions sorted by bucket.

    Attributes:
        positions: In the order of their buckets; alike, in the order they came.
        buckets: What they are priced by.
        bucket_start: First position of each bucket and, last, the count of positions, shape (buckets + 1,).
    """

    positions: PositionColumns
    buckets: Buckets
    bucket_start: IntArray

    @property
    def bucket_count(self) -> IntArray:
        """Positions of each bucket, none of them 0, shape (buckets,)."""
        return np.diff(self.bucket_start)

    def per_position(self, values: npt.NDArray[np.float64]) -> FloatArray:
        """Give each position the value of its bucket, shape (positions,)."""
        return np.repeat(values, self.bucket_count)

    def families(self) -> Iterator[tuple[Instrument, Settlement, int, int]]:
        """Give each instrument and settlement with the first and the last bucket + 1 that hold it."""
        pair = self.buckets.instrument.astype(np.int64) * 8 + self.buckets.settlement
        edges = [0, *(np.flatnonzero(np.diff(pair)) + 1).tolist(), self.buckets.count]
        for first, last in pairwise(edges):
            if first < last:
                yield (
                    Instrument(self.buckets.instrument[first]),
                    Settlement(self.buckets.settlement[first]),
                    first,
                    last,
                )


def bucketed(positions: PositionColumns) -> Book:
    """Sort positions by bucket; positions that lie so already are not moved.

    Positions must have passed `checked_positions`.
    """
    code = _codes(positions, positions.count)
    if code.size and np.any(code[1:] < code[:-1]):
        order = np.argsort(code, kind="stable")
        positions, code = positions.at(order), code[order]
    starts = np.flatnonzero(np.concatenate(([True], code[1:] != code[:-1]))) if code.size else np.zeros(0, np.int64)
    heads = positions.at(starts)
    is_option = heads.instrument == Instrument.EUROPEAN_OPTION
    return Book(
        positions=positions,
        buckets=Buckets(
            instrument=heads.instrument,
            settlement=heads.settlement,
            product_id=heads.product_id,
            currency_id=heads.currency_id,
            delivery_serial=heads.delivery_serial,
            expiry_serial=heads.expiry_serial,
            option_sign=heads.option_sign,
            strike_per_t=np.where(is_option, heads.strike_per_t, 0.0),
        ),
        bucket_start=np.append(starts, positions.count).astype(np.int64),
    )


def united(parts: Sequence[Buckets]) -> tuple[Buckets, IntArray]:
    """Give the buckets that stand in any of these, sorted, and the place among them of each one given, part after part.

    The buckets of the parts of a book are united to the buckets of the book.
    """
    together = Buckets(
        **{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Buckets)}
    )
    _, first, place = np.unique(_codes(together, together.count), return_index=True, return_inverse=True)
    return together.at(first), place.astype(np.int64)


def _codes(positions: PositionColumns | Buckets, count: int) -> IntArray:
    """Give each position or bucket a whole number by which buckets are equal, and sorted."""
    is_option = positions.instrument == Instrument.EUROPEAN_OPTION
    code = np.zeros(count, dtype=np.int64)
    size = 1
    for column in (
        positions.instrument,
        positions.settlement,
        positions.product_id,
        positions.currency_id,
        positions.delivery_serial,
        positions.expiry_serial,
        positions.option_sign,
        np.where(is_option, _strike_codes(positions.strike_per_t, is_option), 0),
    ):
        if not column.size:
            break
        least = int(column.min())
        width = int(column.max()) - least + 1
        if size * width > _CODE_MAX:
            distinct, code = np.unique(code, return_inverse=True)
            size = distinct.size
        code = code * width + (column.astype(np.int64) - least)
        size *= width
    return code


def _strike_codes(strike_per_t: FloatArray, is_option: BoolArray) -> IntArray:
    """Number the strikes in ascending order: by ticks where all lie on the grid, else by rank."""
    strike = np.where(is_option, strike_per_t, 0.0)
    ticks = np.rint(strike * _TICKS_A_UNIT)
    if np.array_equal(ticks / _TICKS_A_UNIT, strike):
        return ticks.astype(np.int64)
    return np.unique(strike, return_inverse=True)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketMarket:
    """The market at each bucket of a book on one day; curves fill it, arrays of shape (buckets,).

    Attributes:
        valuation_serial: Day the market is of, as a serial number.
        forward_per_t: Forward or futures price for the delivery, spot price for a holding, in the contract's currency.
        discount_factor: To `Buckets.payment_serial`; not used for spot and margined buckets.
        total_volatility: sigma sqrt(T) of an option's underlying at its strike to its expiry; 0 for linear buckets.
        reporting_per_currency: Reporting currency for one unit of each currency, shape (currencies,).

    NaN says that the market is not known there: `priced_part` takes such buckets out.

    Raises:
        InvalidInput: Arrays are of unequal length, or a known value is not what it can be.
    """

    valuation_serial: int
    forward_per_t: FloatArray
    discount_factor: FloatArray
    total_volatility: FloatArray
    reporting_per_currency: FloatArray

    def __post_init__(self) -> None:
        """Refuse what no market can be."""
        count = self.forward_per_t.size
        floors = {
            "forward_per_t": 0.0,
            "discount_factor": 0.0,
            "total_volatility": -1e-300,
            "reporting_per_currency": 0.0,
        }
        for name, floor in floors.items():
            values = getattr(self, name)
            shape = values.shape if name == "reporting_per_currency" else (count,)
            if values.dtype != np.float64 or values.shape != shape or values.ndim != 1:
                raise InvalidInput(
                    f"{name} is {values.dtype}{values.shape}; it must be float64 of shape {shape}",
                    zh=f"市场数据 {name} 的类型或长度不符",
                    field=name,
                    remedy="Give one float64 value a bucket.",
                    remedy_zh="请为每个分组提供一个数值。",
                )
            wrong = (values <= floor) | np.isinf(values)
            if np.any(wrong):
                place = int(np.flatnonzero(wrong)[0])
                raise InvalidInput(
                    f"{name}[{place}] is {values[place]}; prices, discount factors and exchange rates are finite and "
                    "above 0, volatilities not below 0",
                    zh=f"市场数据 {name} 第 {place + 1} 个值 {values[place]} 无效",
                    field=name,
                    remedy="Correct the curve, or give NaN where the market is not known.",
                    remedy_zh="请更正曲线；市场未知时填 NaN。",
                )

    def at(self, buckets: IntArray | BoolArray) -> "BucketMarket":
        """Give the market at these buckets, in their order."""
        return replace(
            self,
            forward_per_t=self.forward_per_t[buckets],
            discount_factor=self.discount_factor[buckets],
            total_volatility=self.total_volatility[buckets],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBook:
    """The part of a book whose market is known, with its market, and a failure for each position of the rest."""

    book: Book
    market: BucketMarket
    failures: tuple[Failure, ...]


def priced_part(book: Book, market: BucketMarket) -> PricedBook:
    """Take out the buckets whose price, discount factor, volatility or currency is not known.

    Raises:
        InvalidInput: The market is not one of this book's buckets, or knows fewer currencies than the book.
    """
    check_market(book.buckets, market)
    unknown = _unknown_fields(book.buckets, market)
    lost = np.any(np.stack([mask for _, mask, _, _ in unknown]), axis=0)
    if not np.any(lost):
        return PricedBook(book=book, market=market, failures=())
    failures: list[Failure] = []
    index = np.repeat(np.arange(book.buckets.count), book.bucket_count)
    for row in np.flatnonzero(lost[index]).tolist():
        bucket = int(index[row])
        line = int(book.positions.line_number[row])
        for field, mask, word, word_zh in unknown:
            if mask[bucket]:
                failures.append(_unpriced(book.buckets, bucket, line=line, field=field, word=word, word_zh=word_zh))
    kept = bucketed(book.positions.at(~lost[index]))
    return PricedBook(book=kept, market=market.at(~lost), failures=tuple(failures))


def check_market(buckets: Buckets, market: BucketMarket) -> None:
    """Refuse a market of other buckets.

    Raises:
        InvalidInput: Its arrays are of another length, or a currency of the buckets has no place in it.
    """
    currencies = int(buckets.currency_id.max()) + 1 if buckets.count else 0
    if market.forward_per_t.size != buckets.count or market.reporting_per_currency.size < currencies:
        raise InvalidInput(
            f"the market has {market.forward_per_t.size} buckets and {market.reporting_per_currency.size} currencies, "
            f"the book {buckets.count} and {currencies}",
            zh="市场数据与持仓分组不一致",
            field="market",
            remedy="Fill the market from the buckets of this very book.",
            remedy_zh="请按该持仓的分组填充市场数据。",
        )


def _unknown_fields(buckets: Buckets, market: BucketMarket) -> list[tuple[str, BoolArray, str, str]]:
    discounted = ~buckets.is_margined & (buckets.instrument != Instrument.SPOT)
    return [
        ("product_id", np.isnan(market.forward_per_t), "price", "价格"),
        ("delivery_serial", np.isnan(market.discount_factor) & discounted, "discount factor", "贴现因子"),
        ("expiry_serial", np.isnan(market.total_volatility) & buckets.is_option, "volatility", "波动率"),
        ("currency_id", np.isnan(market.reporting_per_currency)[buckets.currency_id], "exchange rate", "汇率"),
    ]


def _unpriced(buckets: Buckets, bucket: int, *, line: int, field: str, word: str, word_zh: str) -> Failure:
    product, currency = int(buckets.product_id[bucket]), int(buckets.currency_id[bucket])
    delivery = int(buckets.delivery_serial[bucket])
    day = day_of(delivery) if delivery else "spot"
    return Failure(
        item=f"line {line}",
        field=field,
        detail=f"product {product} ({day}) in currency {currency} has no {word}",
        zh=f"第 {line} 行：产品 {product}（{day}）币种 {currency} 缺少{word_zh}",
        remedy=f"Load what the {word} is read from, or take the position out.",
        remedy_zh=f"请导入所需{word_zh}数据，或剔除该持仓。",
    )
