"""Books at rest as blocks: read by one statement, kept parsed under their digest, never given when they were changed.

What a process keeps of a book is found by the digest that stands with the blocks, so that a change in any process is
another book here at once, and equal books are one. A block edited at rest does not have the digest it was stored with:
it is refused when it is read, and found by `carbonfin db check` where it is not read.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.engine import Sessions, execute_prepared
from carbonfin.storage.rows import table_of
from pricing.calc.contracts import ContractBook
from pricing.calc.positions import PortfolioLine
from pricing.models import MarketVersionRow, PortfolioBlockRow, PortfolioRow
from pricing.store.line_blocks import LineBlock, StoredLines, blocks_of

_LINES_KEPT = 2**18
_PORTFOLIOS, _BLOCKS = table_of(PortfolioRow), table_of(PortfolioBlockRow)
_VERSIONS = table_of(MarketVersionRow)
_MINE: sa.BindParameter[str] = sa.bindparam("mine")
_ASKED: sa.BindParameter[str] = sa.bindparam("asked")
_EVERY = _BLOCKS.alias("every_block")
# Whichever is left stands first: a book that lost its block 0 is read, and refused, as one that lost another.
_IS_FIRST = sa.and_(
    _BLOCKS.c.portfolio_id == _PORTFOLIOS.c.id,
    _BLOCKS.c.place
    == sa.select(sa.func.min(_EVERY.c.place)).where(_EVERY.c.portfolio_id == _PORTFOLIOS.c.id).scalar_subquery(),
)
_HEAD = (
    sa.select(_PORTFOLIOS, _BLOCKS.c.book_digest)
    .select_from(_PORTFOLIOS.outerjoin(_BLOCKS, _IS_FIRST))
    .where(_PORTFOLIOS.c.organization_id == _MINE, _PORTFOLIOS.c.id == _ASKED)
)
_HEAD_AND_MARKET = _HEAD.add_columns(
    sa.select(_VERSIONS.c.version).where(_VERSIONS.c.organization_id == _MINE).scalar_subquery().label("market_version")
)
EVERY_BLOCKED = (
    sa.select(_PORTFOLIOS, _BLOCKS.c.book_digest, _BLOCKS.c.first_line_id)
    .join_from(_PORTFOLIOS, _BLOCKS, _IS_FIRST)
    .order_by(_PORTFOLIOS.c.organization_id, _PORTFOLIOS.c.code)
)
_BLOCKS_OF = (
    sa.select(_BLOCKS.c.line_count, _BLOCKS.c.book_digest, _BLOCKS.c.numbers, _BLOCKS.c.texts)
    .where(_BLOCKS.c.portfolio_id == _ASKED)
    .order_by(_BLOCKS.c.place)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookHead:
    """What one statement tells of a stored book and of the market it is valued on.

    Attributes:
        digest: Of its blocks; None where it has none, as the release before stores it.
        market_version: How often the organisation's prices changed.
    """

    portfolio_id: str
    code: str
    digest: str | None
    market_version: int


def ask_head(sessions: Sessions, actor: Actor, portfolio_id: str) -> BookHead:
    """Give the head of a portfolio of the actor's organisation, by one statement without a session.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = sessions.ask(_HEAD_AND_MARKET, {"mine": actor.organization_id, "asked": portfolio_id})
    if row is None:
        raise _unknown(portfolio_id)
    return BookHead(
        portfolio_id=row.id, code=row.code, digest=row.book_digest, market_version=int(row.market_version or 0)
    )


def head_row(session: Session, actor: Actor, portfolio_id: str) -> sa.Row[Any]:
    """Give the row of a portfolio of the actor's organisation, with the digest of its blocks.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = execute_prepared(session, _HEAD, {"mine": actor.organization_id, "asked": portfolio_id}).one_or_none()
    if row is None:
        raise _unknown(portfolio_id)
    return row


def _unknown(portfolio_id: str) -> NotFound:
    return NotFound(
        f"there is no portfolio {portfolio_id}",
        zh="没有这个持仓组合",
        field="portfolio_id",
        remedy="Choose one of the listed portfolios.",
        remedy_zh="请从组合列表中选择。",
    )


class _KeptBook:
    """A book as it was parsed; what is made of it is made once."""

    def __init__(self, stored: StoredLines) -> None:
        self.stored = stored
        self._book: ContractBook | None = None
        self._lines: tuple[PortfolioLine, ...] | None = None

    @property
    def book(self) -> ContractBook:
        self._book = self._book or self.stored.book()
        return self._book

    @property
    def lines(self) -> tuple[PortfolioLine, ...]:
        if self._lines is None:
            self._lines = self.stored.lines()
        return self._lines


class _KeptBooks:
    """The books one process keeps by their digest, so many lines in all; the least used goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _KeptBook] = OrderedDict()
        self._line_count = 0
        self._lock = threading.Lock()

    def found(self, digest: str) -> _KeptBook | None:
        with self._lock:
            kept = self._kept.get(digest)
            if kept is not None:
                self._kept.move_to_end(digest)
            return kept

    def keep(self, digest: str, book: _KeptBook) -> None:
        if book.stored.count > _LINES_KEPT:
            return
        with self._lock:
            if digest in self._kept:
                return
            self._kept[digest] = book
            self._line_count += book.stored.count
            while self._line_count > _LINES_KEPT:
                _, gone = self._kept.popitem(last=False)
                self._line_count -= gone.stored.count

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._line_count = 0


_KEPT = _KeptBooks()


def forget() -> None:
    """Forget every book this process keeps, so that the next one is read: for measurements and tests."""
    _KEPT.clear()


def kept_book(digest: str) -> ContractBook | None:
    """Give the book of a digest as quantities of contracts, where this process keeps it."""
    kept = _KEPT.found(digest)
    return None if kept is None else kept.book


def stored_book(session: Session, head: sa.Row[Any]) -> ContractBook:
    """Give the lines of a book that has blocks as quantities of contracts.

    Raises:
        Conflict: A block was changed at rest.
    """
    return _found(session, head).book


def stored_lines(session: Session, head: sa.Row[Any]) -> tuple[PortfolioLine, ...]:
    """Give the lines of a book that has blocks.

    Raises:
        Conflict: A block was changed at rest.
    """
    return _found(session, head).lines


def _found(session: Session, head: sa.Row[Any]) -> _KeptBook:
    kept = _KEPT.found(head.book_digest)
    if kept is None:
        kept = _KeptBook(read_blocks(session, head))
        _KEPT.keep(kept.stored.digest, kept)
    return kept


def read_blocks(session: Session, head: sa.Row[Any]) -> StoredLines:
    """Read the blocks of a book, whatever is kept of it.

    Raises:
        Conflict: A block was changed at rest.
    """
    rows = execute_prepared(session, _BLOCKS_OF, {"asked": head.id}).all()
    try:
        found = StoredLines(
            [LineBlock(line_count=row.line_count, numbers=row.numbers, texts=row.texts) for row in rows]
        )
    except InvalidInput as error:
        raise changed(head, error.detail) from error
    if {row.book_digest for row in rows} != {found.digest} or found.count != sum(row.line_count for row in rows):
        raise changed(head, "its blocks together do not have the digest that stands with them")
    return found


def has_blocks_of(session: Session, head: sa.Row[Any], lines: tuple[PortfolioLine, ...]) -> bool:
    """Say whether a book has blocks as they were stored, of exactly these lines."""
    if head.book_digest is None:
        return False
    try:
        return read_blocks(session, head).lines() == lines
    except Conflict:
        return False


def changed(head: sa.Row[Any], why: str) -> Conflict:
    """Say that a book is not as it was stored."""
    return Conflict(
        f"the lines of portfolio {head.code} were changed at rest: {why}",
        zh=f"组合“{head.code}”的持仓数据在库内被改动，与保存时的摘要不符",
        field="portfolio_id",
        remedy="Restore the database from a backup, or import the book again from its source.",
        remedy_zh="请从备份恢复数据库，或从来源重新导入该组合。",
        portfolio_id=head.id,
    )


def save_blocks(
    session: Session, portfolio_id: str, lines: Sequence[PortfolioLine], *, first_line_id: str | None
) -> None:
    """Put the blocks of a book in the place of those it has.

    Raises:
        UnstorableValue: A price has more than six places, or a text cannot be kept.
    """
    session.execute(sa.delete(_BLOCKS).where(_BLOCKS.c.portfolio_id == portfolio_id))
    blocks = blocks_of(lines)
    if not blocks:
        return
    digest = StoredLines(blocks).digest
    session.execute(
        sa.insert(_BLOCKS),
        [
            {
                "portfolio_id": portfolio_id,
                "place": place,
                "first_line_id": first_line_id,
                "line_count": block.line_count,
                "book_digest": digest,
                "numbers": block.numbers,
                "texts": block.texts,
            }
            for place, block in enumerate(blocks)
        ],
    )
