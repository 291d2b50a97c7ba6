"""Portfolios and recorded valuations at rest; every query names the organisation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.kept_rows import KeptRows
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.rows import table_of
from pricing.calc.contracts import ContractBook, book_of
from pricing.calc.positions import Averaging, PortfolioLine
from pricing.models import PortfolioBlockRow, PortfolioLineRow, PortfolioRow, ValuationRow
from pricing.store import stored_books
from pricing.store.quotes import short_price

_UNITS_KEPT = 1024
_LINES = table_of(PortfolioLineRow)
_LINES_OF = (
    sa.select(
        _LINES.c.line_id, _LINES.c.kind, _LINES.c.unit, _LINES.c.quantity_t, _LINES.c.label,
        _LINES.c.strike_cny_per_t, _LINES.c.delivery_date, _LINES.c.contract_code, _LINES.c.trade_date,
        _LINES.c.option_type, _LINES.c.option_style, _LINES.c.expiry_date, _LINES.c.strike_per_t,
        _LINES.c.averaging_dates, _LINES.c.fixed_count, _LINES.c.fixed_average_per_t, _LINES.c.currency,
        _LINES.c.master_agreement, _LINES.c.derivatives_licence,
    )
    .where(_LINES.c.portfolio_id == sa.bindparam("asked"))
    .order_by(_LINES.c.place)
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """A book of positions."""

    id: str
    organization_id: str
    code: str
    name: str
    is_sample: bool
    lines: tuple[PortfolioLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuationRecord:
    """The head of a recorded valuation; lines and trace stand in the decision."""

    id: str
    portfolio_id: str | None
    number: int | None
    portfolio_name: str
    valuation_date: date
    known_at: datetime
    decision_id: str
    present_value_cny: Decimal
    variation_margin_cny: Decimal
    level_max: int | None
    line_count: int
    failure_count: int
    snapshot_digest: str
    is_sample: bool


def save_portfolio(
    session: Session, actor: Actor, *, code: str, name: str, is_sample: bool, lines: Sequence[PortfolioLine]
) -> Portfolio:
    """Add a portfolio, or bring the one of the same code up to date with exactly these lines; equal ones stay.

    Lines are kept as blocks, which are read, and as rows, which the release before this one reads.
    """
    row = session.exec(
        select(PortfolioRow)
        .where(PortfolioRow.organization_id == actor.organization_id, PortfolioRow.code == code)
        .with_for_update()
    ).one_or_none()
    if row is None:
        row = PortfolioRow(organization_id=actor.organization_id, code=code, name=name, is_sample=is_sample)
    row.name, row.is_sample = name, is_sample
    session.add(row)
    session.flush()
    if _rows_of(session, row.id) != tuple(lines):
        session.exec(sa.delete(PortfolioLineRow).where(col(PortfolioLineRow.portfolio_id) == row.id))
        rows = [_line_row(row.id, place, line) for place, line in enumerate(lines)]
        session.add_all(rows)
        session.flush()
    if not stored_books.has_blocks_of(session, stored_books.head_row(session, actor, row.id), tuple(lines)):
        _save_blocks(session, row.id)
    return _portfolio(row, tuple(lines))


def keep_blocks(session: Session, actor: Actor, portfolio_id: str) -> None:
    """Have a portfolio's lines kept as blocks too; what the release before stored has rows alone.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    if stored_books.head_row(session, actor, portfolio_id).book_digest is not None:
        return
    session.exec(select(PortfolioRow.id).where(PortfolioRow.id == portfolio_id).with_for_update())
    _save_blocks(session, portfolio_id)


def _save_blocks(session: Session, portfolio_id: str) -> None:
    """Put the lines that stand in a portfolio's rows into blocks."""
    first = session.exec(
        select(PortfolioLineRow.id)
        .where(PortfolioLineRow.portfolio_id == portfolio_id)
        .order_by(col(PortfolioLineRow.place))
        .limit(1)
    ).one_or_none()
    stored_books.save_blocks(session, portfolio_id, _rows_of(session, portfolio_id), first_line_id=first)


def load_portfolio(session: Session, actor: Actor, portfolio_id: str) -> Portfolio:
    """Give a portfolio of the actor's organisation with its lines.

    Raises:
        NotFound: There is none, or it is another organisation's.
        Conflict: Its blocks were changed at rest.
    """
    head = stored_books.head_row(session, actor, portfolio_id)
    lines = _rows_of(session, head.id) if head.book_digest is None else stored_books.stored_lines(session, head)
    return _portfolio(head, lines)


def load_as_rows(session: Session, actor: Actor, portfolio_id: str) -> Portfolio:
    """Give a portfolio by its rows, for one that puts others in their place: blocks that were changed do not stop it.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    head = stored_books.head_row(session, actor, portfolio_id)
    return _portfolio(head, _rows_of(session, head.id))


def load_contract_book(session: Session, actor: Actor, portfolio_id: str) -> ContractBook:
    """Give the lines of a portfolio of the actor's organisation as quantities of contracts.

    Raises:
        NotFound: There is none, or it is another organisation's.
        Conflict: Its blocks were changed at rest.
    """
    head = stored_books.head_row(session, actor, portfolio_id)
    if head.book_digest is None:
        return _CONTRACT_BOOKS.made(session, {"asked": portfolio_id})
    return stored_books.stored_book(session, head)


def books_changed_at_rest(session: Session) -> tuple[Conflict, ...]:
    """Give the portfolios in sight whose blocks, or whose rows beside them, are not as they were stored."""
    found: list[Conflict] = []
    for head in session.execute(stored_books.EVERY_BLOCKED).all():
        try:
            stored = stored_books.read_blocks(session, head)
            if head.first_line_id is not None and _rows_of(session, head.id) != stored.lines():
                raise stored_books.changed(head, "its rows are not the lines of its blocks")
        except Conflict as error:
            found.append(error)
    return tuple(found)


def books_without_blocks(session: Session) -> tuple[str, ...]:
    """Give the codes of portfolios in sight that have rows alone: of the release before, or their blocks gone."""
    found = session.exec(
        select(PortfolioRow.code)
        .where(
            sa.exists().where(col(PortfolioLineRow.portfolio_id) == PortfolioRow.id),
            ~sa.exists().where(col(PortfolioBlockRow.portfolio_id) == PortfolioRow.id),
        )
        .order_by(col(PortfolioRow.code))
    )
    return tuple(found.all())


def _rows_of(session: Session, portfolio_id: str) -> tuple[PortfolioLine, ...]:
    return _BOOKS.made(session, {"asked": portfolio_id})


def portfolios_of(session: Session, actor: Actor) -> tuple[Portfolio, ...]:
    """Give the portfolios of the actor's organisation by code, without lines."""
    rows = session.exec(
        select(PortfolioRow)
        .where(PortfolioRow.organization_id == actor.organization_id)
        .order_by(col(PortfolioRow.code))
    ).all()
    return tuple(_portfolio(row, ()) for row in rows)


def portfolio_page(session: Session, actor: Actor, place: Place) -> Slice[Portfolio]:
    """Give a page of the portfolios of the actor's organisation by code, without lines."""
    query = select(PortfolioRow).where(PortfolioRow.organization_id == actor.organization_id)
    rows = session.exec(beginning_after(query, (col(PortfolioRow.code),), place)).all()
    return slice_of(rows, place, keys=lambda row: (row.code,), value=lambda row: _portfolio(row, ()))


def _portfolio(row: PortfolioRow | sa.Row[Any], lines: tuple[PortfolioLine, ...]) -> Portfolio:
    return Portfolio(
        id=row.id,
        organization_id=row.organization_id,
        code=row.code,
        name=row.name,
        is_sample=row.is_sample,
        lines=lines,
    )


def _line_row(portfolio_id: str, place: int, line: PortfolioLine) -> PortfolioLineRow:
    return PortfolioLineRow(
        portfolio_id=portfolio_id,
        place=place,
        line_id=line.line_id,
        kind=line.kind,
        unit=str(line.unit),
        quantity_t=line.quantity_t,
        label=line.label,
        strike_cny_per_t=line.strike_cny_per_t,
        delivery_date=line.delivery_date,
        contract_code=line.contract_code,
        trade_date=line.trade_date,
        option_type=line.option_type,
        option_style=line.option_style,
        expiry_date=line.expiry_date,
        strike_per_t=line.strike_per_t,
        averaging_dates=None if line.averaging is None else " ".join(map(str, line.averaging.dates)),
        fixed_count=None if line.averaging is None else line.averaging.fixed_count,
        fixed_average_per_t=None if line.averaging is None else line.averaging.fixed_average_per_t,
        currency=line.currency,
        master_agreement=line.master_agreement,
        derivatives_licence=line.derivatives_licence,
    )


@lru_cache(maxsize=_UNITS_KEPT)
def _unit(text: str) -> Unit:
    """Read a unit; a book names few units many times."""
    return Unit.parse(text)


def _line(row: sa.Row[Any]) -> PortfolioLine:
    return PortfolioLine(
        line_id=row.line_id,
        kind=row.kind,
        unit=_unit(row.unit),
        quantity_t=row.quantity_t,
        label=row.label,
        strike_cny_per_t=None if row.strike_cny_per_t is None else short_price(row.strike_cny_per_t),
        delivery_date=row.delivery_date,
        contract_code=row.contract_code,
        trade_date=row.trade_date,
        option_type=row.option_type,
        option_style=row.option_style,
        expiry_date=row.expiry_date,
        strike_per_t=None if row.strike_per_t is None else short_price(row.strike_per_t),
        averaging=None if row.averaging_dates is None else _averaging(row),
        currency=row.currency,
        master_agreement=row.master_agreement,
        derivatives_licence=row.derivatives_licence,
    )


def _averaging(row: sa.Row[Any]) -> Averaging:
    average = row.fixed_average_per_t
    return Averaging(
        dates=tuple(map(date.fromisoformat, row.averaging_dates.split())),
        fixed_count=row.fixed_count,
        fixed_average_per_t=None if average is None else short_price(average),
    )


def _book(rows: Iterable[sa.Row[Any]], _: object) -> tuple[PortfolioLine, ...]:
    return tuple(_line(row) for row in rows)


def _contract_book(rows: Iterable[sa.Row[Any]], also: object) -> ContractBook:
    return book_of(_book(rows, also))


_BOOKS = KeptRows(_LINES_OF, _book)
_CONTRACT_BOOKS = KeptRows(_LINES_OF, _contract_book)


def save_valuation(session: Session, actor: Actor, record: ValuationRecord) -> None:
    """Append a valuation."""
    fields = {name: getattr(record, name) for name in record.__slots__}
    session.add(ValuationRow(organization_id=actor.organization_id, **fields))
    session.flush()


def next_number(session: Session, portfolio_id: str) -> int:
    """Give the number of a portfolio's next valuation."""
    last = session.exec(
        select(sa.func.max(ValuationRow.number)).where(ValuationRow.portfolio_id == portfolio_id)
    ).one()  # fmt: skip
    return (last or 0) + 1


def load_valuation(session: Session, actor: Actor, valuation_id: str) -> ValuationRecord:
    """Give a valuation of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(ValuationRow, valuation_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no valuation {valuation_id}", zh="没有这次估值", field="valuation_id")
    return _valuation(row)


def valuations_of(session: Session, actor: Actor, portfolio_id: str, *, limit: int) -> tuple[ValuationRecord, ...]:
    """Give the last valuations of a portfolio, last first."""
    rows = session.exec(
        select(ValuationRow)
        .where(ValuationRow.organization_id == actor.organization_id, ValuationRow.portfolio_id == portfolio_id)
        .order_by(col(ValuationRow.number).desc())
        .limit(limit)
    ).all()
    return tuple(_valuation(row) for row in rows)


def valuation_before(session: Session, actor: Actor, portfolio_id: str, *, number: int) -> ValuationRecord | None:
    """Give the last valuation of a portfolio before a number, None where there is none."""
    row = session.exec(
        select(ValuationRow)
        .where(
            ValuationRow.organization_id == actor.organization_id,
            ValuationRow.portfolio_id == portfolio_id,
            col(ValuationRow.number) < number,
        )
        .order_by(col(ValuationRow.number).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _valuation(row)


def _valuation(row: ValuationRow) -> ValuationRecord:
    return ValuationRecord(**{name: getattr(row, name) for name in ValuationRecord.__slots__})
