"""Positions of a book as columns, one array a field, and what makes a row impossible to value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.positions import LAST_DELIVERY_DATE, MAX_PRICE_CNY_PER_T, MAX_QUANTITY_T

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
_SERIAL_ZERO = date(1899, 12, 30)


class Instrument(IntEnum):
    """What a position is; the numbers are part of the block's format."""

    SPOT = 0
    FORWARD = 1
    FUTURES = 2
    EUROPEAN_OPTION = 3


class Settlement(IntEnum):
    """How a position is settled; the numbers are part of the block's format."""

    FORWARD_STYLE = 0
    FUTURES_STYLE = 1


COLUMN_DTYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "line_number": np.dtype("<i4"),
        "instrument": np.dtype("i1"),
        "product_id": np.dtype("<i2"),
        "delivery_serial": np.dtype("<i4"),
        "expiry_serial": np.dtype("<i4"),
        "quantity_t": np.dtype("<f8"),
        "strike_per_t": np.dtype("<f8"),
        "option_sign": np.dtype("i1"),
        "settlement": np.dtype("i1"),
        "currency_id": np.dtype("i1"),
        "netting_set_id": np.dtype("<i4"),
    }
)


def serial_of(day: date) -> int:
    """Give the serial number of a day, counted from 1899-12-30 as QuantLib and spreadsheets do."""
    return (day - _SERIAL_ZERO).days


def day_of(serial: int) -> date:
    """Give the day of a serial number."""
    return _SERIAL_ZERO + timedelta(days=serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionColumns:
    """Positions of a book, each array of shape (positions,); what a row may hold, `checked_positions` says.

    Attributes:
        line_number: Line in the source, by which a failure names it.
        instrument: `Instrument`.
        product_id: Place of the product (scheme, vintage) in the caller's list.
        delivery_serial: Day of delivery as a serial number; 0 for a spot holding.
        expiry_serial: Last day of an option; 0 for the others.
        quantity_t: Tonnes, negative for a sale.
        strike_per_t: Agreed price, price traded or strike, in the contract's currency; 0 for a spot holding.
        option_sign: 1 for a call, -1 for a put, 0 for the others.
        settlement: `Settlement`; futures-style positions are margined daily.
        currency_id: Place of the contract's currency in the caller's list.
        netting_set_id: Place of the netting set in the caller's list.

    Raises:
        InvalidInput: An array has another type or length than the others need.
    """

    line_number: npt.NDArray[np.int32]
    instrument: npt.NDArray[np.int8]
    product_id: npt.NDArray[np.int16]
    delivery_serial: npt.NDArray[np.int32]
    expiry_serial: npt.NDArray[np.int32]
    quantity_t: FloatArray
    strike_per_t: FloatArray
    option_sign: npt.NDArray[np.int8]
    settlement: npt.NDArray[np.int8]
    currency_id: npt.NDArray[np.int8]
    netting_set_id: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        """Refuse columns of another type or of unequal length."""
        count = self.quantity_t.size
        for name, dtype in COLUMN_DTYPES.items():
            column = getattr(self, name)
            if column.dtype != dtype or column.shape != (count,):
                raise InvalidInput(
                    f"column {name} is {column.dtype}{column.shape}; it must be {dtype} of shape ({count},)",
                    zh=f"列 {name} 的类型或长度不符",
                    field=name,
                    remedy="Give every column in its own type, one value a position.",
                    remedy_zh="请按规定类型提供各列，每个持仓一个值。",
                )

    @property
    def count(self) -> int:
        """Number of positions."""
        return self.quantity_t.size

    def at(self, rows: IntArray | BoolArray | slice) -> Self:
        """Give the positions at these rows, in their order."""
        return type(self)(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A rule of one field: which rows break it, and the words for one such row."""

    field: str
    broken: BoolArray
    detail: Callable[[Any], str]
    zh: Callable[[Any], str]
    remedy: str
    remedy_zh: str


def checked_positions(
    positions: PositionColumns,
    *,
    valuation_date: date,
    product_count: int,
    currency_count: int,
    netting_set_count: int | None = None,
) -> Batch[PositionColumns]:
    """Give the rows that can be valued on a day, in their order, and each fault of the others.

    Args:
        positions: Rows as they came.
        valuation_date: Day of valuation; nothing may be delivered or expire before it.
        product_count: Products known to the caller, numbered from 0.
        currency_count: Currencies known to the caller, numbered from 0.
        netting_set_count: Netting sets known to the caller, numbered from 0; None where any may be named.

    Returns:
        One `PositionColumns` with the good rows, and the failures by line, named `line 17`.
    """
    day = serial_of(valuation_date)
    rules = (
        *_kind_rules(
            positions,
            product_count=product_count,
            currency_count=currency_count,
            netting_set_count=np.iinfo(np.int32).max if netting_set_count is None else netting_set_count,
        ),
        *_amount_rules(positions),
        *_day_rules(positions, valuation_serial=day),
    )
    bad = np.zeros(positions.count, dtype=np.bool_)
    found: list[tuple[int, int, Failure]] = []
    for place, rule in enumerate(rules):
        rows = np.flatnonzero(rule.broken)
        bad[rows] = True
        column = getattr(positions, rule.field)
        for row in rows.tolist():
            value = column[row].item()
            line = int(positions.line_number[row])
            failure = Failure(
                item=f"line {line}",
                field=rule.field,
                detail=rule.detail(value),
                zh=f"第 {line} 行：{rule.zh(value)}",
                remedy=rule.remedy,
                remedy_zh=rule.remedy_zh,
            )
            found.append((row, place, failure))
    good = positions.at(~bad) if found else positions
    return Batch(values=(good,), failures=tuple(failure for _, _, failure in sorted(found, key=lambda each: each[:2])))


def _kind_rules(
    positions: PositionColumns, *, product_count: int, currency_count: int, netting_set_count: int
) -> tuple[_Rule, ...]:
    instrument, settlement = positions.instrument, positions.settlement
    is_option = instrument == Instrument.EUROPEAN_OPTION
    wrong_sign = np.where(is_option, np.abs(positions.option_sign) != 1, positions.option_sign != 0)
    is_margined = settlement == Settlement.FUTURES_STYLE
    wrong_settlement = (
        (is_margined & ((instrument == Instrument.SPOT) | (instrument == Instrument.FORWARD)))
        | (~is_margined & (instrument == Instrument.FUTURES))
        | (settlement < 0)
        | (settlement > max(Settlement))
    )
    return (
        _Rule(
            field="instrument",
            broken=(instrument < 0) | (instrument > max(Instrument)),
            detail=lambda value: (
                f"instrument {value} is not one of {', '.join(f'{k.value} {k.name}' for k in Instrument)}"
            ),
            zh=lambda value: f"持仓类型 {value} 未定义",
            remedy="Give the number of an instrument of this format.",
            remedy_zh="请填写格式规定的持仓类型编号。",
        ),
        _place_rule("product_id", positions.product_id, count=product_count, label="产品"),
        _Rule(
            field="option_sign",
            broken=wrong_sign,
            detail=lambda value: f"option sign {value}: an option is 1 (call) or -1 (put), all else 0",
            zh=lambda value: f"期权方向 {value} 无效",
            remedy="Give 1 for a call, -1 for a put, 0 for what is no option.",
            remedy_zh="看涨填 1，看跌填 -1，非期权填 0。",
        ),
        _Rule(
            field="settlement",
            broken=wrong_settlement,
            detail=lambda value: f"settlement {value} does not belong to this instrument",
            zh=lambda value: f"结算方式 {value} 与持仓类型不符",
            remedy="Give 1 for futures, 0 for spot and forwards, 0 or 1 for options.",
            remedy_zh="期货填 1，现货和远期填 0，期权填 0 或 1。",
        ),
        _place_rule("currency_id", positions.currency_id, count=currency_count, label="币种"),
        _place_rule("netting_set_id", positions.netting_set_id, count=netting_set_count, label="净额结算组"),
    )


def _place_rule(field: str, column: npt.NDArray[Any], *, count: int, label: str) -> _Rule:
    return _Rule(
        field=field,
        broken=(column < 0) | (column >= count),
        detail=lambda value: f"{field} {value} is not among the {count} known",
        zh=lambda value: f"{label}编号 {value} 不存在",
        remedy=f"Give a number from 0 to {count - 1}.",
        remedy_zh=f"请填写 0 至 {count - 1} 的编号。",
    )


def _amount_rules(positions: PositionColumns) -> tuple[_Rule, ...]:
    quantity, strike = positions.quantity_t, positions.strike_per_t
    is_spot = positions.instrument == Instrument.SPOT
    price_max = to_float(MAX_PRICE_CNY_PER_T)
    # Written so that NaN, which compares to nothing, breaks the rule.
    right_quantity = (np.abs(quantity) <= MAX_QUANTITY_T) & (quantity != 0) & ~(is_spot & (quantity < 0))
    right_strike = np.where(is_spot, strike == 0, (strike > 0) & (strike <= price_max))
    return (
        _Rule(
            field="quantity_t",
            broken=~right_quantity,
            detail=lambda value: (
                f"quantity is {value} t; it must be a number, not 0, at most {MAX_QUANTITY_T} t, not negative for spot"
            ),
            zh=lambda value: f"数量 {value} 吨无效，应为非零有限数且不超过 {MAX_QUANTITY_T} 吨，现货不能为负",
            remedy="Give tonnes, not 万吨; enter a sale of spot as a forward.",
            remedy_zh="数量单位为吨，不是万吨；卖出现货请录为远期。",
        ),
        _Rule(
            field="strike_per_t",
            broken=~right_strike,
            detail=lambda value: (
                f"agreed price is {value} a tonne; it must be above 0 and at most {MAX_PRICE_CNY_PER_T}, and 0 for spot"
            ),
            zh=lambda value: f"约定价格 {value} 无效，应为正数且不超过 {MAX_PRICE_CNY_PER_T}，现货应为 0",
            remedy="Give a positive price per tonne; spot takes 0.",
            remedy_zh="请填写每吨正价格；现货填 0。",
        ),
    )


def _day_rules(positions: PositionColumns, *, valuation_serial: int) -> tuple[_Rule, ...]:
    delivery, expiry = positions.delivery_serial, positions.expiry_serial
    last = serial_of(LAST_DELIVERY_DATE)
    is_option = positions.instrument == Instrument.EUROPEAN_OPTION
    right_delivery = np.where(
        positions.instrument == Instrument.SPOT, delivery == 0, (delivery >= valuation_serial) & (delivery <= last)
    )
    right_expiry = np.where(is_option, (expiry >= valuation_serial) & (expiry <= delivery), expiry == 0)
    first = day_of(valuation_serial)
    return (
        _Rule(
            field="delivery_serial",
            broken=~right_delivery,
            detail=lambda value: (
                f"delivery {_day_text(value)} must lie from {first} to {LAST_DELIVERY_DATE}, and be 0 for spot"
            ),
            zh=lambda value: f"交割日 {_day_text(value)} 应在 {first} 至 {LAST_DELIVERY_DATE} 之间，现货应为 0",
            remedy="Take out what has been delivered, or check the year.",
            remedy_zh="请剔除已交割持仓，或核对年份。",
        ),
        _Rule(
            field="expiry_serial",
            broken=~right_expiry,
            detail=lambda value: (
                f"expiry {_day_text(value)} must lie from {first} to the delivery for an option, and be 0 for all else"
            ),
            zh=lambda value: f"期权到期日 {_day_text(value)} 应在 {first} 至交割日之间，非期权应为 0",
            remedy="Give the last day of the option; 0 for what is no option.",
            remedy_zh="请填写期权到期日；非期权填 0。",
        ),
    )


def _day_text(serial: int) -> str:
    first, last = serial_of(date(1900, 1, 1)), serial_of(date(9999, 12, 31))
    return str(day_of(serial)) if first <= serial <= last else f"serial {serial}"
