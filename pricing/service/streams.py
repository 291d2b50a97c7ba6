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
from pricing.calc.lines import ValuedLine
from pricing.calc.liquidity import AppraisalPrice
from pricing.calc.portfolio import PRICED_KINDS, PricedMarket, priced_market, value_lines
from pricing.calc.positions import LineKind
from pricing.feeds.book_streams import BookPiece, at_line
from pricing.feeds.tables import line_of
from pricing.service.market import market_snapshot
from pricing.service.surfaces import OptionReader


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceValue:
    """The values of a piece of a book with their line numbers, and each line that could not be valued, by line."""

    lines: tuple[tuple[int, ValuedLine], ...]
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
    market: PricedMarket, pieces: Iterable[BookPiece], *, options: OptionReader | None = None
) -> Iterator[PieceValue | StreamTotal]:
    """Value a book piece by piece, and say last what it came to.

    Each line has the value, to the fen, that a recorded valuation on the same snapshot gives it.

    Args:
        market: What all pieces are valued on.
        pieces: The book.
        options: What options are valued with; without it each of them fails.

    Raises:
        InvalidInput: The book is one line that cannot be valued, or what is left of it cannot be read.
    """
    total = _Total()
    for piece in pieces:
        market = _with_units(market, {line.unit for _, line in piece.lines if line.kind is not LineKind.OPTION})
        numbers = {line.line_id: number for number, line in piece.lines}
        lines = [line for _, line in piece.lines]
        batch = value_lines(market, lines, options=None if options is None else options(lines))
        failures = (*piece.failures, *(at_line(numbers[fault.item], fault) for fault in batch.failures))
        value = PieceValue(
            lines=tuple((numbers[line.line_id], line) for line in batch.values),
            failures=tuple(sorted(failures, key=line_of)),
        )
        total.add(piece, value)
        if piece.is_last and total.row_count == 1 and value.failures:
            raise lone_failure(value.failures[0])
        yield value
    yield total.total(market)


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
        self._present_cny = Decimal("0.00")
        self._margin_cny = Decimal("0.00")
        self._level_max: int | None = None
        self._is_sample = False
        self._units: set[Unit] = set()

    def add(self, piece: BookPiece, value: PieceValue) -> None:
        self.row_count += piece.row_count
        self._valued_count += len(value.lines)
        self._failure_count += len(value.failures)
        for _, line in value.lines:
            self._present_cny += line.present_value_cny
            self._margin_cny += line.variation_margin_cny or 0
            self._is_sample = self._is_sample or line.is_sample
            if line.kind in PRICED_KINDS:
                self._units.add(line.unit)
        levels = {line.level for _, line in value.lines}
        self._level_max = max(levels | ({self._level_max} if self._level_max is not None else set()), default=None)

    def total(self, market: PricedMarket) -> StreamTotal:
        return StreamTotal(
            row_count=self.row_count,
            valued_count=self._valued_count,
            failure_count=self._failure_count,
            present_value_cny=self._present_cny,
            variation_margin_cny=self._margin_cny,
            level_max=self._level_max,
            is_sample=self._is_sample,
            prices=tuple(market.lines.prices[unit] for unit in sorted(self._units, key=str)),
        )
