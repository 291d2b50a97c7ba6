"""Large books valued as they come, a piece at a time on one market: nothing is kept, and memory does not grow."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.contract_lines import ContractPricer, ForwardPricer, FuturesPricer, OptionPricer, ValueColumns
from pricing.calc.liquidity import AppraisalPrice
from pricing.calc.portfolio import PricedMarket, priced_market
from pricing.calc.positions import LineKind
from pricing.feeds.book_streams import BookPiece, at_line
from pricing.feeds.tables import line_of
from pricing.service.market import market_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceValue:
    """The values of a piece of a book by line number, and each line that could not be valued, by line."""

    lines: ValueColumns
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTotal:
    """What a whole book came to.

    Attributes:
        present_value_cny: Sum of the lines, each rounded to the fen.
        variation_margin_cny: Sum of the day's margins of futures-style contracts.
        level_max: The weakest level of any line, None where no line was valued.
        prices: What spot and forward lines rest on, by unit.
    """

    row_count: int
    valued_count: int
    failure_count: int
    present_value_cny: Decimal
    variation_margin_cny: Decimal
    level_max: int | None
    is_sample: bool
    prices: tuple[AppraisalPrice, ...]


def stream_market(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> PricedMarket:
    """Give the market that every piece of a book is valued on; units are priced as they turn up.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    return priced_market(snapshot, set())


def value_pieces(
    market: PricedMarket,
    pieces: Iterable[BookPiece],
    *,
    options: OptionPricer | None = None,
    forwards: ForwardPricer | None = None,
    futures: FuturesPricer | None = None,
) -> Iterator[PieceValue | StreamTotal]:
    """Value a book piece by piece, and say last what it came to.

    Each line has the value, to the fen, that a recorded valuation on the same snapshot gives it.

    Args:
        market: What all pieces are valued on.
        pieces: The book.
        options: What options are valued with; without it each of them fails.
        forwards: What forwards are valued with; without it they rest on the flat rate of the snapshot.
        futures: What contracts settled in a foreign currency are valued with; without it each of them fails.

    Raises:
        InvalidInput: The book is one line that cannot be valued, or what is left of it cannot be read.
    """
    total, pricer = _Total(), ContractPricer(options, forwards, futures)
    for piece in pieces:
        single = {line.unit for _, line in piece.lines if line.kind is not LineKind.OPTION}
        market = _with_units(market, single | piece.columns.units)
        value = _piece_value(market, piece, pricer)
        total.add(piece, value)
        if piece.is_last and total.row_count == 1 and value.failures:
            raise lone_failure(value.failures[0])
        yield value
    yield total.total(market)


def _piece_value(market: PricedMarket, piece: BookPiece, pricer: ContractPricer) -> PieceValue:
    """Value what is plain as columns, and one by one what is not or has no price, which is so told why."""
    columns, unpriced = pricer.values(market, piece.columns)
    single = [*piece.lines, *(piece.lines_at(unpriced.tolist()) if unpriced.size else ())]
    if not single:
        return PieceValue(lines=columns, failures=piece.failures)
    numbers = {line.line_id: number for number, line in single}
    lines = [line for _, line in single]
    batch = pricer.values_one_by_one(market, lines)
    failures = (*piece.failures, *(at_line(numbers[fault.item], fault) for fault in batch.failures))
    return PieceValue(
        lines=columns.merged(ValueColumns.of([(numbers[line.line_id], line) for line in batch.values])),
        failures=tuple(sorted(failures, key=line_of)),
    )


def lone_failure(failure: Failure) -> InvalidInput:
    """Give the refusal of a single trade: where nothing else was asked for, its fault is the answer."""
    return InvalidInput(
        f"{failure.item}: {failure.detail}",
        zh=failure.zh,
        field=failure.field,
        remedy=failure.remedy,
        remedy_zh=failure.remedy_zh,
    )


def _with_units(market: PricedMarket, units: set[Unit]) -> PricedMarket:
    known = {*market.lines.prices, *market.unpriced}
    return market if units <= known else priced_market(market.lines.snapshot, units | known)


class _Total:
    """What is summed while the book passes by."""

    def __init__(self) -> None:
        self.row_count = 0
        self._valued_count = 0
        self._failure_count = 0
        self._present_fen = 0
        self._margin_fen = 0
        self._levels: set[int] = set()
        self._is_sample = False
        self._units: set[Unit] = set()

    def add(self, piece: BookPiece, value: PieceValue) -> None:
        lines = value.lines
        self.row_count += piece.row_count
        self._valued_count += len(lines.line_number)
        self._failure_count += len(value.failures)
        self._present_fen += sum(lines.present_value_fen)
        self._margin_fen += sum(fen for fen in lines.variation_margin_fen if fen is not None)
        self._is_sample = self._is_sample or any(lines.is_sample)
        self._levels |= set(lines.level)
        self._units |= lines.priced_units

    def total(self, market: PricedMarket) -> StreamTotal:
        return StreamTotal(
            row_count=self.row_count,
            valued_count=self._valued_count,
            failure_count=self._failure_count,
            present_value_cny=Decimal(self._present_fen).scaleb(-2),
            variation_margin_cny=Decimal(self._margin_fen).scaleb(-2),
            level_max=max(self._levels, default=None),
            is_sample=self._is_sample,
            prices=tuple(market.lines.prices[unit] for unit in sorted(self._units, key=str)),
        )
