"""Consents and lines of carbon accounts at rest, as they were known at an instant."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from loans.calc.account_entries import GREEN_KINDS, AccountEntry, EntryKind
from loans.calc.consents import Consent, ConsentPurpose
from loans.models import AccountConsentRow, AccountEntryRow
from loans.store.portions import portions

_ENTRIES = table_of(AccountEntryRow)
_IN_ORDER = (_ENTRIES.c.year, _ENTRIES.c.kind, _ENTRIES.c.item, _ENTRIES.c.month, _ENTRIES.c.version)
_OF_ONE = (
    sa.select(_ENTRIES)
    .where(
        _ENTRIES.c.organization_id == sa.bindparam("mine"),
        _ENTRIES.c.party_id == sa.bindparam("party"),
        _ENTRIES.c.recorded_at <= sa.bindparam("known_at"),
    )
    .order_by(*_IN_ORDER)
)


_CONSENTS = table_of(AccountConsentRow)
_LAST_CONSENT = (
    sa.select(_CONSENTS)
    .where(
        _CONSENTS.c.organization_id == sa.bindparam("mine"),
        _CONSENTS.c.party_id == sa.bindparam("party"),
        _CONSENTS.c.purpose == sa.bindparam("purpose"),
        _CONSENTS.c.recorded_at <= sa.bindparam("known_at"),
    )
    .order_by(_CONSENTS.c.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """A version of a line with when and by whom it was written down."""

    entry: AccountEntry
    recorded_at: datetime
    recorded_by: str


def add_consent(session: Session, actor: Actor, party_id: str, consent: Consent, *, recorded_at: datetime) -> None:
    """Append a statement of consent or withdrawal."""
    number = len(consents_of(session, actor, party_id, known_at=recorded_at, purpose=consent.purpose)) + 1
    session.add(
        AccountConsentRow(
            organization_id=actor.organization_id,
            party_id=party_id,
            purpose=consent.purpose,
            number=number,
            state=consent.state,
            given_on=consent.given_on,
            valid_to=consent.valid_to,
            evidence=consent.evidence,
            recorded_by=actor.id,
            recorded_at=recorded_at,
        )
    )
    session.flush()


def consents_of(
    session: Session, actor: Actor, party_id: str, *, known_at: datetime, purpose: ConsentPurpose | None = None
) -> tuple[Consent, ...]:
    """Give what an enterprise consented to as known at an instant, the earliest first."""
    query = select(AccountConsentRow).where(
        AccountConsentRow.organization_id == actor.organization_id,
        AccountConsentRow.party_id == party_id,
        col(AccountConsentRow.recorded_at) <= known_at,
    )
    if purpose is not None:
        query = query.where(AccountConsentRow.purpose == purpose)
    return tuple(_consent(row) for row in session.exec(query.order_by(col(AccountConsentRow.number))).all())


def last_consent(
    session: Session, actor: Actor, party_id: str, *, purpose: ConsentPurpose, known_at: datetime
) -> Consent | None:
    """Give the last statement of an enterprise for a purpose known at an instant, or None."""
    asked = {"mine": actor.organization_id, "party": party_id, "purpose": purpose, "known_at": known_at}
    row = execute_prepared(session, _LAST_CONSENT, asked).one_or_none()
    return None if row is None else _consent(row)


def last_consents(
    session: Session, actor: Actor, party_ids: Collection[str], *, purpose: ConsentPurpose, known_at: datetime
) -> dict[str, Consent]:
    """Give by enterprise the last statement for a purpose known at an instant."""
    found: dict[str, Consent] = {}
    for ids in portions(party_ids):
        rows = session.exec(
            select(AccountConsentRow)
            .where(
                AccountConsentRow.organization_id == actor.organization_id,
                AccountConsentRow.purpose == purpose,
                col(AccountConsentRow.party_id).in_(ids),
                col(AccountConsentRow.recorded_at) <= known_at,
            )
            .order_by(col(AccountConsentRow.number))
        ).all()
        found |= {row.party_id: _consent(row) for row in rows}
    return found


def add_entries(
    session: Session, actor: Actor, entries: Iterable[tuple[str, AccountEntry]], *, recorded_at: datetime
) -> None:
    """Append versions of lines, each with its party."""
    for party_id, entry in entries:
        session.add(
            AccountEntryRow(
                organization_id=actor.organization_id,
                party_id=party_id,
                kind=entry.kind,
                year=entry.year,
                month=entry.month,
                item=entry.item,
                version=entry.version,
                quantity=entry.quantity,
                factor_id=entry.factor_id,
                factor_year=entry.factor_year,
                evidence=entry.evidence,
                source=entry.source,
                reason=entry.reason,
                recorded_by=actor.id,
                recorded_at=recorded_at,
            )
        )
    session.flush()


def entries_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountEntry, ...]:
    """Give the latest version of each line of an account known at an instant, by year, kind, item and month."""
    return _latest(one.entry for one in versions_of(session, actor, party_id, known_at=known_at))


def versions_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[KeptEntry, ...]:
    """Give every version of each line of an account known at an instant."""
    asked = {"mine": actor.organization_id, "party": party_id, "known_at": known_at}
    return tuple(
        KeptEntry(entry=_entry(row), recorded_at=row.recorded_at, recorded_by=row.recorded_by)
        for row in execute_prepared(session, _OF_ONE, asked)
    )


def entries_by_party(
    session: Session, actor: Actor, party_ids: Collection[str], *, known_at: datetime
) -> dict[str, tuple[AccountEntry, ...]]:
    """Give by party the latest version of each line known at an instant."""
    kept = versions_by_party(session, actor, party_ids, known_at=known_at)
    return {party_id: latest_known(versions, known_at=known_at) for party_id, versions in kept.items()}


def versions_by_party(
    session: Session, actor: Actor, party_ids: Collection[str], *, known_at: datetime
) -> dict[str, tuple[KeptEntry, ...]]:
    """Give by party every version of each line known at an instant, in the order of `versions_of`."""
    found: dict[str, list[KeptEntry]] = {}
    for ids in portions(party_ids):
        rows = session.execute(
            sa.select(_ENTRIES)
            .where(
                _ENTRIES.c.organization_id == actor.organization_id,
                _ENTRIES.c.party_id.in_(ids),
                _ENTRIES.c.recorded_at <= known_at,
            )
            .order_by(_ENTRIES.c.party_id, *_IN_ORDER)
        )
        for row in rows:
            kept = KeptEntry(entry=_entry(row), recorded_at=row.recorded_at, recorded_by=row.recorded_by)
            found.setdefault(row.party_id, []).append(kept)
    return {party_id: tuple(versions) for party_id, versions in found.items()}


def latest_known(versions: Iterable[KeptEntry], *, known_at: datetime) -> tuple[AccountEntry, ...]:
    """Give the latest version of each line that was known at an instant, of an account's versions in order."""
    return _latest(one.entry for one in versions if one.recorded_at <= known_at)


def certificate_lines(
    session: Session, actor: Actor, certificates: Collection[str], *, known_at: datetime
) -> dict[str, list[tuple[str, AccountEntry]]]:
    """Give by green certificate the lines of any account that use it, each with its party, as known at an instant."""
    found: dict[str, list[tuple[str, AccountEntry]]] = {}
    for items in portions(certificates):
        rows = session.execute(
            sa.select(_ENTRIES)
            .where(
                _ENTRIES.c.organization_id == actor.organization_id,
                _ENTRIES.c.kind.in_(sorted(GREEN_KINDS)),
                _ENTRIES.c.item.in_(items),
                _ENTRIES.c.recorded_at <= known_at,
            )
            .order_by(_ENTRIES.c.version)
        ).all()
        last = {(row.party_id, row.kind, row.year, row.month, row.item): row for row in rows}
        for row in last.values():
            if row.quantity is not None:
                found.setdefault(row.item, []).append((row.party_id, _entry(row)))
    return found


def values_of_kind(
    session: Session, actor: Actor, kind: EntryKind, *, year: int, known_at: datetime
) -> dict[str, Decimal]:
    """Give by enterprise what its line of a kind states for a year, as known at an instant; struck out, it is none."""
    rows = session.execute(
        sa.select(_ENTRIES.c.party_id, _ENTRIES.c.quantity)
        .where(
            _ENTRIES.c.organization_id == actor.organization_id,
            _ENTRIES.c.kind == kind,
            _ENTRIES.c.year == year,
            _ENTRIES.c.recorded_at <= known_at,
        )
        .order_by(_ENTRIES.c.version)
    )
    last = {row.party_id: row.quantity for row in rows}
    return {party_id: quantity for party_id, quantity in last.items() if quantity is not None}


def _latest(entries: Iterable[AccountEntry]) -> tuple[AccountEntry, ...]:
    return tuple({entry.key: entry for entry in entries}.values())


def _consent(row: Any) -> Consent:
    return Consent(
        purpose=row.purpose, state=row.state, given_on=row.given_on, valid_to=row.valid_to, evidence=row.evidence
    )


def _entry(row: sa.Row[Any]) -> AccountEntry:
    return AccountEntry(
        kind=row.kind,
        year=row.year,
        month=row.month,
        item=row.item,
        quantity=None if row.quantity is None else Decimal(f"{row.quantity.normalize():f}"),
        factor_id=row.factor_id,
        factor_year=row.factor_year,
        evidence=row.evidence,
        source=row.source,
        reason=row.reason,
        version=row.version,
    )
