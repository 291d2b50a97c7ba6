"""Lines of large books as columns: each is a quantity of one of few contracts, and a contract is priced once.

A line has the value, to the fen, that `value_lines` gives it: the same prices, the same operations in the same order,
the same rounding; only what many lines share is not made again for each of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple, Self

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.units import to_decimal, to_float
from pricing.calc.contracts import BoolArray, Contract, ContractLines, FloatArray, IntArray
from pricing.calc.forward_lines import known_forward
from pricing.calc.forward_market import ForwardMarket
from pricing.calc.forwards import forward_present_value_cny
from pricing.calc.futures_market import FuturesMarket
from pricing.calc.lines import ValuedLine
from pricing.calc.option_market import OptionMarket
from pricing.calc.option_positions import unit_values
from pricing.calc.portfolio import BookMarket, PricedMarket, value_lines
from pricing.calc.positions import MAX_PRICE_CNY_PER_T, LineKind, PortfolioLine, kind_labels
from pricing.calc.settled_lines import fen_of_move, settlement_step

OptionPricer = Callable[[Sequence[PortfolioLine]], OptionMarket | None]
ForwardPricer = Callable[[Sequence[PortfolioLine]], ForwardMarket | None]
FuturesPricer = Callable[[Sequence[PortfolioLine]], FuturesMarket | None]

_MICRO_PER_FEN = 10_000
_MICRO_MAX = int(MAX_PRICE_CNY_PER_T.scaleb(6))  # times the largest quantity it is below 2^63
_PRICE_MAX = to_float(MAX_PRICE_CNY_PER_T)
_VALUE_PER_T_MAX = 1e8  # times the largest quantity it is fen below 2^63
_CONTRACTS_KEPT = 50_000
_TIE_WIDTH = 1e-14  # a few units in the last place of a float, relative
_FEN_MAX = 2.0**50
_KIND_NUMBERS = {kind: number for number, kind in enumerate(LineKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueColumns:
    """Values of lines as columns of shape (lines,).

    Attributes:
        kind_labels: What each line is, in Chinese and English.
        price_cny_per_t: As `LineValue` has it.
        present_value_fen: Value in whole fen.
        variation_margin_fen: The day's margin in whole fen; None for what is not margined.
        is_valuation_only: Whether the line cannot be traded.
        is_provisional: Whether delivery lies past the known calendar.
        priced_units: Units on whose fair price any of the lines rests.
    """

    line_number: list[int]
    line_id: list[str]
    kind_labels: list[tuple[str, str]]
    price_cny_per_t: list[Decimal]
    level: list[int]
    is_sample: list[bool]
    present_value_fen: list[int]
    variation_margin_fen: list[int | None]
    is_valuation_only: list[bool]
    is_provisional: list[bool]
    priced_units: frozenset[Unit]

    @classmethod
    def of(cls, lines: Sequence[tuple[int, ValuedLine]]) -> Self:
        """Give lines that were valued one by one, with their numbers, as columns."""
        return cls(
            line_number=[number for number, _ in lines],
            line_id=[line.line_id for _, line in lines],
            kind_labels=[kind_labels(line.kind, is_foreign=line.is_foreign) for _, line in lines],
            price_cny_per_t=[line.price_cny_per_t for _, line in lines],
            level=[line.level for _, line in lines],
            is_sample=[line.is_sample for _, line in lines],
            present_value_fen=[_fen(line.present_value_cny) for _, line in lines],
            variation_margin_fen=[
                None if line.variation_margin_cny is None else _fen(line.variation_margin_cny) for _, line in lines
            ],
            is_valuation_only=[line.is_valuation_only for _, line in lines],
            is_provisional=[line.is_provisional for _, line in lines],
            priced_units=frozenset(line.priced_unit for _, line in lines if line.priced_unit is not None),
        )

    def merged(self, other: Self) -> Self:
        """Give the lines of both by number."""
        if not other.line_number:
            return self
        numbers = self.line_number + other.line_number
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        columns = {name: [*getattr(self, name), *getattr(other, name)] for name in _BY_LINE}
        return type(self)(
            **{name: [column[place] for place in order] for name, column in columns.items()},
            priced_units=self.priced_units | other.priced_units,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLines:
    """Values of lines as arrays, what is told of their contracts once a contract.

    Attributes:
        lines: The lines.
        shown: A line of one tonne of each contract, valued.
        fen: The day's margin of a line that is margined, the present value of all others, in whole fen.
        is_margin: Which lines are margined; None where none is.
    """

    lines: ContractLines
    shown: tuple[ValuedLine, ...]
    fen: IntArray
    is_margin: BoolArray | None

    @property
    def priced_units(self) -> frozenset[Unit]:
        """Units on whose fair price any of the lines rests."""
        return frozenset(one.priced_unit for one in self.shown if one.priced_unit is not None)

    def told(self) -> ValueColumns:
        """Say of each line what it is worth."""
        lines, fen = self.lines, self.fen.tolist()
        is_margin = None if self.is_margin is None else self.is_margin.tolist()
        shown = [self.shown[place] for place in lines.contract.tolist()]
        return ValueColumns(
            line_number=lines.line_number.tolist(),
            line_id=list(lines.line_id),
            kind_labels=[kind_labels(one.kind, is_foreign=one.is_foreign) for one in shown],
            price_cny_per_t=[one.price_cny_per_t for one in shown],
            level=[one.level for one in shown],
            is_sample=[one.is_sample for one in shown],
            present_value_fen=fen
            if is_margin is None
            else [0 if margin else one for one, margin in zip(fen, is_margin, strict=True)],
            variation_margin_fen=[None] * len(fen)
            if is_margin is None
            else [one if margin else None for one, margin in zip(fen, is_margin, strict=True)],
            is_valuation_only=[one.is_valuation_only for one in shown],
            is_provisional=[one.is_provisional for one in shown],
            priced_units=self.priced_units,
        )


_BY_LINE = tuple(name for name in ValueColumns.__slots__ if name != "priced_units")


class _Price(NamedTuple):
    """What a tonne of a contract is worth; the amounts that its kind does not use are 0.

    Attributes:
        shown: The line of one tonne, valued, for what is told of the contract.
        micro: Spot price, or a settled contract's move of the day, in millionths of a yuan.
        forward_per_t: F of a forward, in the currency of its agreed price.
        discount_factor: D of a forward.
        value_per_t: Of an option, in the currency of its curve.
        cny_per_unit: 元 for one unit of that currency, of options and forwards.
        foreign_move: Of a contract settled in a foreign currency, the day's move times the exchange rate as a whole
            number and its decimal places.
    """

    shown: ValuedLine
    micro: int = 0
    forward_per_t: float = 0.0
    discount_factor: float = 0.0
    value_per_t: float = 0.0
    cny_per_unit: float = 0.0
    foreign_move: tuple[int, int] | None = None


class ContractPricer:
    """Values the lines of books on one snapshot; what contracts are worth is kept from one book, or part, to the next.

    Threads may share it.
    """

    def __init__(
        self,
        options: OptionPricer | None,
        forwards: ForwardPricer | None = None,
        futures: FuturesPricer | None = None,
    ) -> None:
        self._options = options
        self._forwards = forwards
        self._futures = futures
        self._known: dict[Contract, _Price | None] = {}

    def values(self, market: PricedMarket, lines: ContractLines) -> tuple[ValueColumns, IntArray]:
        """Value lines whose contract has a price; arguments and results as `priced`, a value a line."""
        priced, unpriced = self.priced(market, lines)
        return (ValueColumns.of(()) if priced is None else priced.told()), unpriced

    def priced(self, market: PricedMarket, lines: ContractLines) -> "tuple[PricedLines | None, IntArray]":
        """Value lines whose contract has a price.

        Args:
            market: Prices of all units asked for, always on the same snapshot.
            lines: A book, or a part of it.

        Returns:
            The values in the order of the lines, None where no line has one, and the numbers of those without: to be
            valued one by one, which tells why.
        """
        prices = self._priced(market, lines.contracts)
        without = [number for number, price in enumerate(prices) if price is None]
        if without:
            unpriced = lines.line_number[np.isin(lines.contract, without)]
            lines = lines.without(unpriced.tolist())
            prices = self._priced(market, lines.contracts)
        else:
            unpriced = lines.line_number[:0]
        found = [price for price in prices if price is not None]
        return (_priced_lines(lines, found) if found else None), unpriced

    def values_one_by_one(self, market: PricedMarket, lines: Sequence[PortfolioLine]) -> Batch[ValuedLine]:
        """Value lines that are not columns, on the same curves."""
        book = self._book(lines)
        return value_lines(market, lines, options=book.options, forwards=book.forwards, futures=book.futures)

    def _book(self, lines: Sequence[PortfolioLine]) -> BookMarket:
        return BookMarket(
            options=None if self._options is None else self._options(lines),
            forwards=None if self._forwards is None else self._forwards(lines),
            futures=None if self._futures is None else self._futures(lines),
        )

    def _priced(self, market: PricedMarket, contracts: Sequence[Contract]) -> list[_Price | None]:
        """Give the price of each contract, None where it has none."""
        known = self._known
        fresh = [one for one in contracts if one not in known]
        if fresh:
            # Codes tell the contracts of this call apart.
            lines = [replace(one.line, line_id=f"contract {number}") for number, one in enumerate(fresh)]
            found = _prices(market, lines, self._book(lines))
            if len(known) > _CONTRACTS_KEPT:
                # Another that still reads what was kept goes on reading that.
                known = self._known = {one: known[one] for one in contracts if one in known}
            known.update(zip(fresh, found, strict=True))
        return [known[one] for one in contracts]


def _prices(market: PricedMarket, lines: Sequence[PortfolioLine], book: BookMarket) -> list[_Price | None]:
    batch = value_lines(market, lines, options=book.options, forwards=book.forwards, futures=book.futures)
    shown = {line.line_id: line for line in batch.values}
    option_lines = [line for line in lines if line.kind is LineKind.OPTION and line.line_id in shown]
    per_t = unit_values(book.options, option_lines, market.lines.snapshot.valuation_date)
    return [
        None if line.line_id not in shown else _price_of(market, line, shown[line.line_id], per_t, book)
        for line in lines
    ]


def _price_of(
    market: PricedMarket,
    line: PortfolioLine,
    shown: ValuedLine,
    per_t: Mapping[str, tuple[float, float]],
    book: BookMarket,
) -> _Price | None:
    lines = market.lines
    if line.kind is LineKind.SPOT:
        return _Price(shown, micro=lines.spots[line.unit].price_micro)
    if line.kind is LineKind.FORWARD:
        known = known_forward(lines, line, book.forwards)
        if max(known.forward_per_t, _PRICE_MAX) * known.discount_factor * known.cny_per_unit > _VALUE_PER_T_MAX:
            return None
        return _Price(
            shown, forward_per_t=known.forward_per_t, discount_factor=known.discount_factor,
            cny_per_unit=known.cny_per_unit,
        )  # fmt: skip
    if line.kind is LineKind.OPTION:
        value, rate = per_t[line.line_id]
        return _Price(shown, value_per_t=value, cny_per_unit=rate) if value * rate <= _VALUE_PER_T_MAX else None
    step = settlement_step(lines.snapshot, line, book.futures)
    if step.contract is not None:
        return _Price(shown, foreign_move=step.foreign_move)
    micro = step.micro_cny_per_t
    return _Price(shown, micro=micro) if abs(micro) <= _MICRO_MAX else None


def _priced_lines(lines: ContractLines, prices: Sequence[_Price]) -> PricedLines:
    """Multiply tonnes by prices: whole numbers where no rate enters, floats in the order of single lines elsewhere."""
    price, quantity = lines.contract, lines.quantity_t
    kinds = {one.shown.kind for one in prices}
    kind = np.array([_KIND_NUMBERS[one.shown.kind] for one in prices])[price]
    # What is settled or held; the other kinds have no such price, and their own takes the place of this nothing.
    fen = _fen_of_micro(quantity * np.array([one.micro for one in prices], dtype=np.int64)[price])
    if LineKind.FORWARD in kinds:
        row = np.flatnonzero(kind == _KIND_NUMBERS[LineKind.FORWARD])
        at = price[row]
        fen[row] = fen_half_up_all(
            forward_present_value_cny(
                forward_cny_per_t=np.array([one.forward_per_t for one in prices])[at],
                strike_cny_per_t=lines.strike_cny_per_t[row],
                quantity_t=quantity[row].astype(np.float64),
                discount_factor=np.array([one.discount_factor for one in prices])[at],
            )
            * np.array([one.cny_per_unit for one in prices])[at]
        )
    if LineKind.OPTION in kinds:
        row = np.flatnonzero(kind == _KIND_NUMBERS[LineKind.OPTION])
        at = price[row]
        amount = quantity[row].astype(np.float64) * np.array([one.cny_per_unit for one in prices])[at]
        fen[row] = fen_half_up_all(np.array([one.value_per_t for one in prices])[at] * amount)
    _settle_foreign(fen, price, quantity, prices)
    return PricedLines(
        lines=lines,
        shown=tuple(one.shown for one in prices),
        fen=fen,
        is_margin=kind == _KIND_NUMBERS[LineKind.FUTURES] if LineKind.FUTURES in kinds else None,
    )


def _settle_foreign(fen: IntArray, price: IntArray, quantity: IntArray, prices: Sequence[_Price]) -> None:
    """Fill in the margins of contracts settled in a foreign currency: products beyond 64 bits, so line by line."""
    for place, one in enumerate(prices):
        if one.foreign_move is not None:
            rows = np.flatnonzero(price == place)
            fen[rows] = [fen_of_move(tonnes, *one.foreign_move) for tonnes in quantity[rows].tolist()]


def _fen(amount_cny: Decimal) -> int:
    return int(amount_cny.scaleb(2))


def _fen_of_micro(micro: IntArray) -> IntArray:
    """Give millionths of a yuan in whole fen, halves away from zero."""
    fen: IntArray = np.sign(micro) * ((np.abs(micro) + _MICRO_PER_FEN // 2) // _MICRO_PER_FEN)
    return fen


def fen_half_up_all(amounts_cny: FloatArray) -> IntArray:
    """Round calculated amounts to whole fen as `to_decimal` does one, halves away from zero by their decimal digits.

    What lies so near to half a fen, or is so large, that a product with 100 might fall to the other side goes through
    `to_decimal` itself.

    Args:
        amounts_cny: Finite amounts, shape (amounts,).
    """
    scaled = np.abs(amounts_cny) * 100.0
    whole = np.floor(scaled)
    part = scaled - whole
    doubtful = (np.abs(part - 0.5) <= scaled * _TIE_WIDTH) | (scaled >= _FEN_MAX)
    fen = np.where(doubtful, 0.0, np.sign(amounts_cny) * (whole + (part > 0.5))).astype(np.int64)
    for row in np.flatnonzero(doubtful).tolist():
        fen[row] = _fen(to_decimal(float(amounts_cny[row]), places=2))
    return fen
