"""What forwards and options of books rest on, read off the curves of a day; these are built once, when asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from threading import Lock

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Calendar
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.rulebook import book_for
from pricing.calc.curve_quotes import CurveQuote, CurveQuotes
from pricing.calc.curves.building import curve_set_of
from pricing.calc.curves.origins import CurveBuild
from pricing.calc.forward_market import FLAT_RATE, FORWARD_METHOD, ForwardMarket, forward_lines_of, forward_market
from pricing.calc.futures_market import FuturesMarket, foreign_futures_of, futures_market, is_foreign_future
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionMarket, option_lines_of, option_market
from pricing.calc.portfolio import BookMarket
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.service.curve_quotes import curves_of, foreign_settlements_of
from pricing.service.curves import own_calendars

_FX_STALE_AFTER_DAYS = "pricing.fx_stale_after_days"


class CurveReader:
    """Reads any book off the curves of one day as an organisation knew them; threads may share it."""

    def __init__(
        self,
        quotes: CurveQuotes,
        settlements: tuple[CurveQuote, ...],
        book: ParameterBook,
        calendars: Mapping[str, Calendar],
    ) -> None:
        self._quotes, self._settlements, self._book, self._calendars = quotes, settlements, book, calendars
        self._built: CurveBuild | None = None
        self._lock = Lock()

    def options(self, lines: Sequence[PortfolioLine]) -> OptionMarket | None:
        """Give what the options of a book rest on, None for a book without options."""
        mine = option_lines_of(lines)
        return option_market(self._build(), self._quotes, mine, fx_stale_after_days=self._fx_limit) if mine else None

    def forwards(self, lines: Sequence[PortfolioLine]) -> ForwardMarket | None:
        """Give what the forwards of a book rest on; None without forwards, and where the bank chose its flat rate."""
        mine = [] if self._is_flat() else forward_lines_of(lines)
        return forward_market(self._build(), self._quotes, mine, fx_stale_after_days=self._fx_limit) if mine else None

    def futures(self, lines: Sequence[PortfolioLine]) -> FuturesMarket | None:
        """Give what contracts of a book settled in a foreign currency rest on, None for a book without them."""
        mine = foreign_futures_of(lines)
        if not mine:
            return None
        return futures_market(self._quotes, self._settlements, mine, fx_stale_after_days=self._fx_limit)

    def book(self, lines: Sequence[PortfolioLine]) -> BookMarket:
        """Give all of these at once."""
        return BookMarket(options=self.options(lines), forwards=self.forwards(lines), futures=self.futures(lines))

    def _build(self) -> CurveBuild:
        with self._lock:
            if self._built is None:
                self._built = curve_set_of(self._quotes, book=self._book, calendars=self._calendars)
            return self._built

    def _is_flat(self) -> bool:
        chosen = self._book.find(
            FORWARD_METHOD, valid_on=self._quotes.valuation_date, known_at=self._quotes.known_at, scope=""
        )
        return chosen is not None and chosen.value == FLAT_RATE

    def _fx_limit(self, pair: str) -> int | None:
        own, general = (
            self._book.find(
                _FX_STALE_AFTER_DAYS, valid_on=self._quotes.valuation_date, known_at=self._quotes.known_at, scope=scope
            )
            for scope in (pair, "")
        )
        value = own or general
        return None if value is None else value.integer


def curve_reader(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> CurveReader:
    """Give what reads any book off the curves of a day; the session is not used afterwards.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    return CurveReader(
        curves_of(session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id),
        foreign_settlements_of(session, actor, valuation_date=valuation_date, known_at=known_at),
        book_for(session, actor.organization_id, packages=("pricing",)),
        own_calendars(session, valuation_date, known_at),
    )


def rests_on_curves(snapshot: MarketSnapshot, lines: Sequence[PortfolioLine]) -> bool:
    """Say whether any line of a book asks for curves or rates of the day.

    Options do, forwards that are not on a flat rate by name, and contracts settled in a foreign currency.
    """
    chosen = snapshot.find_parameter(FORWARD_METHOD, scope="")
    is_flat = chosen is not None and chosen.value == FLAT_RATE
    return any(
        line.kind is LineKind.OPTION or (line.kind is LineKind.FORWARD and not is_flat) or is_foreign_future(line)
        for line in lines
    )


def curve_markets_of(
    session: Session, actor: Actor, lines: Sequence[PortfolioLine], snapshot: MarketSnapshot
) -> BookMarket:
    """Give what the lines of a book rest on, on the day of a snapshot and as known with it."""
    if not rests_on_curves(snapshot, lines):
        return BookMarket(options=None, forwards=None, futures=None)
    reader = curve_reader(session, actor, valuation_date=snapshot.valuation_date, known_at=snapshot.known_at)
    return reader.book(lines)
