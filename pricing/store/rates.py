"""Public rates and reference rates, and settlement prices of an organisation, at rest."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from pricing.calc.market import FxQuote, RateQuote, Settlement
from pricing.models import FxRateRow, RateRow, SettlementRow
from pricing.store.quotes import short_price
from pricing.store.versions import market_moved

_RATES = table_of(RateRow)
_LAST_RATE = (
    sa.select(_RATES)
    .where(
        _RATES.c.name == sa.bindparam("rate_name"),
        _RATES.c.published_on <= sa.bindparam("on"),
        _RATES.c.known_from <= sa.bindparam("known_on"),
    )
    .order_by(_RATES.c.published_on.desc(), _RATES.c.known_from.desc())
    .limit(1)
)


def save_rates(session: Session, rates: Iterable[RateQuote]) -> int:
    """Add public rates that are not there yet and give how many were."""
    known = {(row.name, row.published_on, row.known_from): row.value for row in session.exec(select(RateRow)).all()}
    added = 0
    for rate in rates:
        key = (rate.name, rate.published_on, rate.known_from)
        if key in known:
            _refuse_change(known[key], rate.value, f"{rate.name} {rate.published_on}")
            continue
        session.add(RateRow(**{name: getattr(rate, name) for name in rate.__slots__}))
        added += 1
    session.flush()
    return added


def save_fx(session: Session, quotes: Iterable[FxQuote]) -> int:
    """Add public reference rates that are not there yet and give how many were."""
    known = {(row.pair, row.quote_date, row.known_from): row.rate for row in session.exec(select(FxRateRow)).all()}
    added = 0
    for quote in quotes:
        key = (quote.pair, quote.quote_date, quote.known_from)
        if key in known:
            _refuse_change(known[key], quote.rate, f"{quote.pair} {quote.quote_date}")
            continue
        session.add(FxRateRow(**{name: getattr(quote, name) for name in quote.__slots__}))
        added += 1
    session.flush()
    return added


def _refuse_change(before: Decimal, after: Decimal, what: str) -> None:
    if before != after:
        raise Conflict(
            f"{what} is stored as {before}, not {after}",
            zh=f"{what} 已存为 {before}，与 {after} 不一致",
            remedy="Enter a correction that is known from a later day.",
            remedy_zh="更正须以之后的知悉日录入。",
        )


def rate_known(session: Session, name: str, *, on: date, known_on: date) -> RateQuote | None:
    """Give the last publication of a rate up to a day, as known on a day."""
    row = execute_prepared(session, _LAST_RATE, {"rate_name": name, "on": on, "known_on": known_on}).first()
    if row is None:
        return None
    return RateQuote(
        name=row.name,
        value=row.value.normalize().quantize(Decimal("0.0001")),
        published_on=row.published_on,
        known_from=row.known_from,
        document=row.document,
        grade=row.grade,
        confirmed=row.confirmed,
        note=row.note,
    )


def fx_known(session: Session, *, on: date, known_on: date) -> tuple[FxQuote, ...]:
    """Give the last reference rate of each pair up to a day, as known on a day."""
    rows = session.exec(
        select(FxRateRow)
        .where(col(FxRateRow.quote_date) <= on, col(FxRateRow.known_from) <= known_on)
        .order_by(col(FxRateRow.pair), col(FxRateRow.quote_date), col(FxRateRow.known_from))
    )
    last = {row.pair: row for row in rows}
    return tuple(
        FxQuote(
            pair=row.pair,
            quote_date=row.quote_date,
            rate=row.rate,
            known_from=row.known_from,
            document=row.document,
            grade=row.grade,
            note=row.note,
        )
        for row in last.values()
    )


def save_settlements(session: Session, settlements: Iterable[Settlement], *, organization_id: str) -> int:
    """Add settlement prices of an organisation that are not there yet and give how many were."""
    rows = session.exec(select(SettlementRow).where(SettlementRow.organization_id == organization_id)).all()
    known = {(row.contract_code, row.settlement_date): row.price_cny_per_t for row in rows}
    added = 0
    for item in settlements:
        key = (item.contract_code, item.settlement_date)
        if key in known:
            _refuse_change(known[key], item.price_cny_per_t, f"{item.contract_code} {item.settlement_date}")
            continue
        fields = {name: getattr(item, name) for name in item.__slots__}
        session.add(SettlementRow(organization_id=organization_id, **fields))
        added += 1
    session.flush()
    if added:
        market_moved(session, organization_id)
    return added


def settlements_known(
    session: Session, *, organization_id: str, from_date: date, to_date: date, known_on: date
) -> tuple[Settlement, ...]:
    """Give an organisation's settlement prices of days in `[from_date, to_date]`, by contract and day."""
    rows = session.exec(
        select(SettlementRow)
        .where(SettlementRow.organization_id == organization_id)
        .where(col(SettlementRow.settlement_date) >= from_date, col(SettlementRow.settlement_date) <= to_date)
        .where(col(SettlementRow.known_from) <= known_on)
        .order_by(col(SettlementRow.contract_code), col(SettlementRow.settlement_date))
    )
    return tuple(
        Settlement(
            contract_code=row.contract_code,
            settlement_date=row.settlement_date,
            price_cny_per_t=short_price(row.price_cny_per_t),
            known_from=row.known_from,
            document=row.document,
            is_sample=row.is_sample,
        )
        for row in rows
    )
