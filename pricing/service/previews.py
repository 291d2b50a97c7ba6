"""Books valued on the market in memory: nothing is stored and no line asks the database.

The market of an organisation and day is kept for a few seconds with all that does not depend on the book: the snapshot,
its digest and the fair prices. Prices that the organisation stores meanwhile, in whatever process, are seen at once:
one read by primary key tells that they changed. Public prices and approved parameters are seen once five seconds have
passed. What is answered says as of which instant the market was known, so it is equal, line by line, to a valuation
recorded on the same snapshot.
"""

import threading
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.storage.engine import Sessions
from pricing.calc.contract_lines import ContractPricer, PricedLines, ValueColumns
from pricing.calc.contracts import ContractBook
from pricing.calc.portfolio import PricedMarket, priced_market, refuse_twice
from pricing.service.curve_readers import curve_reader, rests_on_curves
from pricing.service.market import market_snapshot
from pricing.store.portfolios import load_contract_book
from pricing.store.stored_books import ask_head, kept_book
from pricing.store.versions import market_version

KEPT_FOR = timedelta(seconds=5)
_MARKETS_MAX = 64
_STATE_KEY = "pricing_markets"
_UNITS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A book's values on a market; nothing of it is on record.

    Attributes:
        priced: All lines as arrays where each is plain and has a price; None where any was valued by itself.
        single: The values of all lines where `priced` is None.
    """

    valuation_date: date
    known_at: datetime
    market: PricedMarket
    priced: PricedLines | None
    single: ValueColumns | None
    failures: tuple[Failure, ...]

    @property
    def lines(self) -> ValueColumns:
        """The values of the lines, one by one."""
        if self.priced is not None:
            return self.priced.told()
        assert self.single is not None, "lines are priced together or by themselves"
        return self.single


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    market: PricedMarket
    units: frozenset[Unit]
    taken_at: datetime
    version: int
    pricer: ContractPricer
    is_on_curves: bool = False


class Markets:
    """The markets one process keeps in memory, by organisation and day; the least used goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, date], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def market(
        self,
        sessions: Sessions,
        actor: Actor,
        units: frozenset[Unit],
        *,
        valuation_date: date,
        known_at: datetime,
        at: datetime,
        version: int | None = None,
    ) -> PricedMarket:
        """Give the market of a day with these units priced, from memory where it was taken within the last seconds.

        Args:
            sessions: Asked for the version of the organisation's prices, and for them where nothing is kept.
            actor: Whose market.
            units: What must be priced.
            valuation_date: Day the prices refer to.
            known_at: What counts as known at present.
            at: The present, by which what is kept grows old.
            version: Of the organisation's prices, where it was read with the book; asked for where it was not.
        """
        key = (actor.organization_id, valuation_date)
        # Read before the prices are: what is stored in between is read twice, never missed.
        version = market_version(sessions, actor.organization_id) if version is None else version
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and (kept.version != version or not _is_fresh(kept, known_at=known_at, at=at)):
            kept = None
        if kept is not None and units <= kept.units:
            return kept.market
        if kept is None:
            with sessions.read() as session:
                snapshot = market_snapshot(
                    session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
                )
        else:
            snapshot = kept.market.lines.snapshot
        whole = units | (frozenset() if kept is None or len(kept.units) > _UNITS_MAX else kept.units)
        fresh = _Kept(
            market=priced_market(snapshot, set(whole)),
            units=whole,
            taken_at=at if kept is None else kept.taken_at,
            version=version,
            pricer=ContractPricer(None) if kept is None else kept.pricer,
            is_on_curves=kept is not None and kept.is_on_curves,
        )
        self._keep(key, fresh)
        return fresh.market

    def pricer(self, sessions: Sessions, actor: Actor, market: PricedMarket, book: ContractBook) -> ContractPricer:
        """Give what values books on a market that `market` gave; it is kept as long as the market is.

        The curves of the day are read and built when a book first rests on them.
        """
        snapshot = market.lines.snapshot
        key = (actor.organization_id, snapshot.valuation_date)
        with self._lock:
            kept = self._kept.get(key)
        is_same = kept is not None and kept.market.lines.snapshot is snapshot
        on_curves = rests_on_curves(snapshot, book.samples)
        if kept is not None and is_same and (kept.is_on_curves or not on_curves):
            return kept.pricer
        if not on_curves:
            return ContractPricer(None)
        with sessions.read() as session:
            reader = curve_reader(session, actor, valuation_date=snapshot.valuation_date, known_at=snapshot.known_at)
        fresh = ContractPricer(reader.options, reader.forwards, reader.futures)
        if kept is not None and is_same:
            self._keep(key, replace(kept, pricer=fresh, is_on_curves=True))
        return fresh

    def _keep(self, key: tuple[str, date], fresh: _Kept) -> None:
        with self._lock:
            self._kept[key] = fresh
            self._kept.move_to_end(key)
            while len(self._kept) > _MARKETS_MAX:
                self._kept.popitem(last=False)


def markets_in(state: MutableMapping[str, Any]) -> Markets:
    """Give the markets that a process keeps with its application's state, one for API and pages."""
    if _STATE_KEY not in state:
        state[_STATE_KEY] = Markets()
    markets: Markets = state[_STATE_KEY]
    return markets


def _is_fresh(kept: _Kept, *, known_at: datetime, at: datetime) -> bool:
    snapshot_known_at = kept.market.lines.snapshot.known_at
    return timedelta(0) <= at - kept.taken_at < KEPT_FOR and timedelta(0) <= known_at - snapshot_known_at < KEPT_FOR


def preview_book(
    sessions: Sessions,
    actor: Actor,
    markets: Markets,
    book: ContractBook,
    *,
    valuation_date: date,
    known_at: datetime,
    at: datetime,
    version: int | None = None,
) -> Preview:
    """Value a book on the market in memory and keep nothing.

    Args:
        sessions: As `Markets.market`, and all that follows but the book.
        actor: Whose market.
        markets: Those in memory.
        book: What is valued.
        valuation_date: Day the prices refer to.
        known_at: What counts as known at present.
        at: The present.
        version: Of the organisation's prices, where it was read with the book.

    Raises:
        InvalidInput: Two lines have the same code, or the valuation date lies after what is known.
    """
    units = frozenset(book.units)
    market = markets.market(
        sessions, actor, units, valuation_date=valuation_date, known_at=known_at, at=at, version=version
    )
    if not book.codes_differ:
        refuse_twice(book.codes())
    priced, single, failures = _values(market, book, markets.pricer(sessions, actor, market, book))
    return Preview(
        valuation_date=valuation_date,
        known_at=market.lines.snapshot.known_at,
        market=market,
        priced=priced,
        single=single,
        failures=failures,
    )


def preview_portfolio(
    sessions: Sessions,
    actor: Actor,
    markets: Markets,
    portfolio_id: str,
    *,
    valuation_date: date,
    known_at: datetime,
    at: datetime,
) -> Preview:
    """Value a stored portfolio on the market in memory: while nothing changed, one statement tells that of both.

    Raises:
        NotFound: There is no such portfolio, or it is another organisation's.
        Conflict: Its lines were changed at rest.
        InvalidInput: The valuation date lies after what is known.
    """
    head = ask_head(sessions, actor, portfolio_id)
    book = None if head.digest is None else kept_book(head.digest)
    if book is None:
        with sessions.read() as session:
            book = load_contract_book(session, actor, portfolio_id)
    return preview_book(
        sessions, actor, markets, book,
        valuation_date=valuation_date, known_at=known_at, at=at, version=head.market_version,
    )  # fmt: skip


def _values(
    market: PricedMarket, book: ContractBook, pricer: ContractPricer
) -> tuple[PricedLines | None, ValueColumns | None, tuple[Failure, ...]]:
    """Value plain lines as columns, and one by one those that are not or have no price, which are so told why."""
    priced, unpriced = pricer.priced(market, book.columns)
    numbered = {number: book.line_at(number) for number in unpriced.tolist()} | dict(book.lines)
    if priced is not None and not numbered:
        return priced, None, ()
    columns = ValueColumns.of(()) if priced is None else priced.told()
    batch = pricer.values_one_by_one(market, [numbered[number] for number in sorted(numbered)])
    numbers = {line.line_id: number for number, line in numbered.items()}
    valued = ValueColumns.of([(numbers[line.line_id], line) for line in batch.values])
    return None, columns.merged(valued), batch.failures
