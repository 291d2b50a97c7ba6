"""Quotes of curves at rest: settlement prices by expiry, rates and exchange rates, by both dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind, curve_quote_order
from pricing.models import CurveQuoteRow
from pricing.store.quotes import short_price
from pricing.store.versions import market_moved

_Key = tuple[CurveQuoteKind, str, str, date]
_QUOTES = table_of(CurveQuoteRow)
# Every rate decision asks it. What may stand beside each other of one day: a public quote, own ones, and revisions.
_LAST = (
    sa.select(_QUOTES)
    .where(
        sa.or_(_QUOTES.c.organization_id.is_(None), _QUOTES.c.organization_id == sa.bindparam("mine")),
        _QUOTES.c.kind == sa.bindparam("kind"),
        _QUOTES.c.name == sa.bindparam("named"),
        _QUOTES.c.point == sa.bindparam("point"),
        _QUOTES.c.quote_date <= sa.bindparam("on"),
        _QUOTES.c.known_from <= sa.bindparam("known_on"),
    )
    .order_by(_QUOTES.c.quote_date.desc(), _QUOTES.c.organization_id.is_not(None).desc(), _QUOTES.c.revision.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCurveQuotes:
    """What saving did: new values, values already there, corrections of others."""

    added_count: int
    unchanged_count: int
    corrected: tuple[CurveQuote, ...]


def save_curve_quotes(
    session: Session, quotes: Iterable[CurveQuote], *, organization_id: str | None
) -> SavedCurveQuotes:
    """Add quotes, public ones without organisation; the same value changes nothing, another becomes a new revision."""
    wanted = list(quotes)
    latest = {_key(row): row for row in session.exec(_stored(wanted, organization_id))}
    added, unchanged, corrected = 0, 0, []
    for quote in wanted:
        known = latest.get(_key(quote))
        if known is not None and _same(_curve_quote(known), quote):
            unchanged += 1
            continue
        row = CurveQuoteRow(
            organization_id=organization_id,
            revision=1 if known is None else known.revision + 1,
            **{name: getattr(quote, name) for name in quote.__slots__},
        )
        session.add(row)
        latest[_key(quote)] = row
        added += 1
        if known is not None:
            corrected.append(quote)
    session.flush()
    if added and organization_id is not None:
        market_moved(session, organization_id)
    return SavedCurveQuotes(added_count=added, unchanged_count=unchanged, corrected=tuple(corrected))


def _stored(wanted: list[CurveQuote], organization_id: str | None) -> SelectOfScalar[CurveQuoteRow]:
    column = col(CurveQuoteRow.organization_id)
    days = [quote.quote_date for quote in wanted] or [date.max]
    return (
        select(CurveQuoteRow)
        .where(column.is_(None) if organization_id is None else column == organization_id)
        .where(col(CurveQuoteRow.name).in_(sorted({quote.name for quote in wanted})))
        .where(col(CurveQuoteRow.quote_date) >= min(days), col(CurveQuoteRow.quote_date) <= max(days))
        .order_by(col(CurveQuoteRow.revision))
    )


def _key(quote: CurveQuote | CurveQuoteRow) -> _Key:
    return quote.kind, quote.name, quote.point, quote.quote_date


def _same(one: CurveQuote, other: CurveQuote) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("value", "expiry_date", "currency", "is_sample"))


def curve_quotes_known(
    session: Session,
    *,
    organization_id: str,
    from_date: date,
    to_date: date,
    known_on: date,
    kind: CurveQuoteKind | None = None,
    name: str | None = None,
) -> tuple[CurveQuote, ...]:
    """Give the quotes of days in `[from_date, to_date]` as known on a day, by day and curve.

    Where an organisation has a quote of its own it stands before the public one; of revisions the last known wins.
    """
    column = col(CurveQuoteRow.organization_id)
    query = (
        select(CurveQuoteRow)
        .where(sa.or_(column.is_(None), column == organization_id))
        .where(col(CurveQuoteRow.quote_date) >= from_date, col(CurveQuoteRow.quote_date) <= to_date)
        .where(col(CurveQuoteRow.known_from) <= known_on)
        .order_by(column.is_not(None), col(CurveQuoteRow.revision))
    )
    if kind is not None:
        query = query.where(CurveQuoteRow.kind == kind)
    if name is not None:
        query = query.where(CurveQuoteRow.name == name)
    chosen = {_key(row): row for row in session.exec(query)}
    found = [_curve_quote(row) for row in chosen.values()]
    return tuple(sorted(found, key=lambda quote: (quote.quote_date, curve_quote_order(quote))))


def last_curve_quote_known(
    session: Session, *, organization_id: str, kind: CurveQuoteKind, name: str, point: str, on: date, known_on: date
) -> CurveQuote | None:
    """Give the last quote of a point up to a day, as known on a day and by the order of `curve_quotes_known`."""
    asked = {"mine": organization_id, "kind": kind, "named": name, "point": point, "on": on, "known_on": known_on}
    row = execute_prepared(session, _LAST, asked).one_or_none()
    return None if row is None else _curve_quote(row)


def _curve_quote(row: CurveQuoteRow | sa.Row[Any]) -> CurveQuote:
    return CurveQuote(
        kind=row.kind,
        name=row.name,
        point=row.point,
        expiry_date=row.expiry_date,
        quote_date=row.quote_date,
        value=_short(row.value, row.kind),
        currency=row.currency,
        known_from=row.known_from,
        source=row.source,
        document=row.document,
        grade=row.grade,
        is_sample=row.is_sample,
    )


def _short(value: Decimal, kind: CurveQuoteKind) -> Decimal:
    """Give a value without the column's trailing zeros, with at least two places of a price and four of a rate."""
    if kind is CurveQuoteKind.SETTLEMENT:
        return short_price(value)
    short = value.normalize()
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int)
    return value.quantize(Decimal("0.0001")) if exponent > -4 else short
