"""Quotes at rest: public ones and each organisation's own, by both dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from pricing.calc.market import PRICE_FIELDS, Quote
from pricing.models import QuoteRow
from pricing.store.versions import market_moved


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuotes:
    """What saving quotes did: new days, days already there with the same figures, corrections of others."""

    added_count: int
    unchanged_count: int
    corrected: tuple[Quote, ...]


def save_quotes(session: Session, quotes: Iterable[Quote], *, organization_id: str | None) -> SavedQuotes:
    """Add quotes, public ones without organisation; the same figures change nothing, others become a new revision."""
    wanted = list(quotes)
    latest = _latest_rows(session, {str(quote.unit) for quote in wanted}, organization_id)
    revisions: dict[tuple[str, date], int] = {}
    for (unit, quote_date, _), row in latest.items():
        revisions[unit, quote_date] = max(row.revision, revisions.get((unit, quote_date), 0))
    added, unchanged, corrected = 0, 0, []
    for quote in wanted:
        day = (str(quote.unit), quote.quote_date)
        known = latest.get((*day, quote.product))
        if known is not None and _same_figures(_quote(known), quote):
            unchanged += 1
            continue
        revisions[day] = revisions.get(day, 0) + 1
        row = _quote_row(quote, organization_id, revision=revisions[day])
        session.add(row)
        latest[*day, quote.product] = row
        added += 1
        if known is not None:
            corrected.append(quote)
    session.flush()
    if added and organization_id is not None:
        market_moved(session, organization_id)
    return SavedQuotes(added_count=added, unchanged_count=unchanged, corrected=tuple(corrected))


def _latest_rows(
    session: Session, units: set[str], organization_id: str | None
) -> dict[tuple[str, date, str | None], QuoteRow]:
    query = (
        select(QuoteRow)
        .where(col(QuoteRow.unit).in_(sorted(units)))
        .where(_owned_by(organization_id))
        .order_by(col(QuoteRow.revision))
    )
    return {(row.unit, row.quote_date, row.product): row for row in session.exec(query)}


def _owned_by(organization_id: str | None) -> sa.ColumnElement[bool]:
    column = col(QuoteRow.organization_id)
    return column.is_(None) if organization_id is None else column == organization_id


def _same_figures(one: Quote, other: Quote) -> bool:
    names = (
        "price_kind", "listed_volume_t", "listed_amount_cny", "block_volume_t", "block_amount_cny",
        "is_sample", *PRICE_FIELDS,
    )  # fmt: skip
    return all(getattr(one, name) == getattr(other, name) for name in names)


def quotes_known(
    session: Session,
    *,
    organization_id: str,
    from_date: date | None,
    to_date: date,
    known_on: date,
    unit: Unit | None = None,
    product: str | None = None,
) -> tuple[Quote, ...]:
    """Give the quotes of days in `[from_date, to_date]` as known on a day, by unit and day.

    Where an organisation has a quote of its own it stands before the public one; of revisions the last known wins.
    Only quotes that speak for the unit are given, or those of the product named: one product's price is not the unit's.
    """
    query = (
        select(QuoteRow)
        .where(_visible_to(organization_id), _of_product(product))
        .where(col(QuoteRow.quote_date) <= to_date, col(QuoteRow.known_from) <= known_on)
        .order_by(col(QuoteRow.organization_id).is_not(None), col(QuoteRow.revision))
    )
    if from_date is not None:
        query = query.where(col(QuoteRow.quote_date) >= from_date)
    if unit is not None:
        query = query.where(QuoteRow.unit == str(unit))
    chosen = {(row.unit, row.quote_date): row for row in session.exec(query)}
    return tuple(_quote(chosen[key]) for key in sorted(chosen))


def quote_page(
    session: Session,
    place: Place,
    *,
    organization_id: str,
    from_date: date | None,
    to_date: date,
    known_on: date,
    unit: Unit,
    product: str | None = None,
) -> Slice[Quote]:
    """Give a page of the quotes of one unit as `quotes_known` gives them, by day."""
    # The page is cut on days, because of several rows of one day only one is shown.
    days = (
        sa.select(col(QuoteRow.quote_date))
        .distinct()
        .where(_visible_to(organization_id), _of_product(product), col(QuoteRow.unit) == str(unit))
        .where(col(QuoteRow.quote_date) <= to_date, col(QuoteRow.known_from) <= known_on)
    )
    if from_date is not None:
        days = days.where(col(QuoteRow.quote_date) >= from_date)
    found = session.execute(beginning_after(days, (col(QuoteRow.quote_date),), place)).scalars().all()
    cut = slice_of(found, place, keys=lambda day: (day,), value=lambda day: day)
    if not cut.items:
        return Slice(items=(), last=None)
    quotes = quotes_known(
        session,
        organization_id=organization_id,
        from_date=cut.items[0],
        to_date=cut.items[-1],
        known_on=known_on,
        unit=unit,
        product=product,
    )
    return Slice(items=quotes, last=cut.last)


def units_known(session: Session, *, organization_id: str, to_date: date, known_on: date) -> dict[str, date]:
    """Give each unit that has a quote up to a day, with the day of its last one."""
    query = (
        select(QuoteRow.unit, sa.func.max(QuoteRow.quote_date))
        .where(_visible_to(organization_id), _of_product(None))
        .where(col(QuoteRow.quote_date) <= to_date, col(QuoteRow.known_from) <= known_on)
        .group_by(col(QuoteRow.unit))
    )
    return dict(sorted(session.exec(query).all()))


def products_known(
    session: Session, *, organization_id: str, unit: Unit, to_date: date, known_on: date
) -> tuple[str, ...]:
    """Give the products of a unit that are quoted apart up to a day."""
    query = (
        select(QuoteRow.product)
        .distinct()
        .where(_visible_to(organization_id), col(QuoteRow.unit) == str(unit), col(QuoteRow.product).is_not(None))
        .where(col(QuoteRow.quote_date) <= to_date, col(QuoteRow.known_from) <= known_on)
    )
    return tuple(sorted(name for name in session.exec(query) if name is not None))


def _of_product(product: str | None) -> sa.ColumnElement[bool]:
    column = col(QuoteRow.product)
    return column.is_(None) if product is None else column == product


def _visible_to(organization_id: str) -> sa.ColumnElement[bool]:
    column = col(QuoteRow.organization_id)
    return sa.or_(column.is_(None), column == organization_id)


def _quote_row(quote: Quote, organization_id: str | None, *, revision: int) -> QuoteRow:
    return QuoteRow(
        organization_id=organization_id,
        unit=str(quote.unit),
        quote_date=quote.quote_date,
        revision=revision,
        price_cny_per_t=quote.price_cny_per_t,
        price_kind=quote.price_kind,
        listed_volume_t=quote.listed_volume_t,
        listed_amount_cny=quote.listed_amount_cny,
        block_volume_t=quote.block_volume_t,
        block_amount_cny=quote.block_amount_cny,
        known_from=quote.known_from,
        exchange=quote.exchange,
        document=quote.document,
        grade=quote.grade,
        is_sample=quote.is_sample,
        product=quote.product,
        open_cny_per_t=quote.open_cny_per_t,
        high_cny_per_t=quote.high_cny_per_t,
        low_cny_per_t=quote.low_cny_per_t,
        vwap_cny_per_t=quote.vwap_cny_per_t,
    )


def _quote(row: QuoteRow) -> Quote:
    return Quote(
        unit=Unit.parse(row.unit),
        quote_date=row.quote_date,
        price_cny_per_t=short_price(row.price_cny_per_t),
        price_kind=row.price_kind,
        listed_volume_t=row.listed_volume_t,
        listed_amount_cny=row.listed_amount_cny,
        block_volume_t=row.block_volume_t,
        block_amount_cny=row.block_amount_cny,
        known_from=row.known_from,
        exchange=row.exchange,
        document=row.document,
        grade=row.grade,
        is_sample=row.is_sample,
        product=row.product,
        open_cny_per_t=_short_or_none(row.open_cny_per_t),
        high_cny_per_t=_short_or_none(row.high_cny_per_t),
        low_cny_per_t=_short_or_none(row.low_cny_per_t),
        vwap_cny_per_t=_short_or_none(row.vwap_cny_per_t),
    )


def _short_or_none(value: Decimal | None) -> Decimal | None:
    return None if value is None else short_price(value)


def short_price(value: Decimal) -> Decimal:
    """Give a price without the column's trailing zeros, but with at least two places."""
    short = value.normalize()
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int)
    return value.quantize(Decimal("0.01")) if exponent > -2 else short
