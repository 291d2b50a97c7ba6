"""Accounts, positions, encumbrances and the journal at rest; bounds are held by one guarded UPDATE and CHECKs."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.rows import table_of
from collateral.calc.agreements import AccountPosition, Encumbrance, LedgerEntry, LedgerPosting
from collateral.calc.holds import BOUND
from collateral.calc.ledger import Bucket, Entry
from collateral.models import (
    EncumbranceRow,
    JournalEntryRow,
    JournalPostingRow,
    RegistryAccountRow,
    UnitPositionRow,
)
from collateral.store import serials
from collateral.store.holdings import insert_unless_there

_HELD = table_of(EncumbranceRow)


def account_of(session: Session, actor: Actor, *, party_id: str, scheme: Scheme) -> str | None:
    """Give the identifier of a party's account for a scheme, or None."""
    row = session.exec(
        select(RegistryAccountRow).where(
            RegistryAccountRow.organization_id == actor.organization_id,
            RegistryAccountRow.party_id == party_id,
            RegistryAccountRow.scheme == scheme,
        )
    ).one_or_none()
    return None if row is None else row.id


def add_account(
    session: Session, actor: Actor, *, party_id: str, scheme: Scheme, registry_name: str, opened_at: datetime
) -> str:
    """Open an account and give its identifier; one that another transaction opened meanwhile is given instead."""
    insert_unless_there(
        session, RegistryAccountRow, organization_id=actor.organization_id, party_id=party_id, scheme=str(scheme),
        registry_name=registry_name, opened_at=opened_at,
    )  # fmt: skip
    found = account_of(session, actor, party_id=party_id, scheme=scheme)
    assert found is not None, "an account that was written is there"
    return found


def party_of_account(session: Session, actor: Actor, account_id: str) -> str:
    """Give the party that holds an account."""
    row = session.get(RegistryAccountRow, account_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no account {account_id}", zh="账户不存在", field="account_id")
    return row.party_id


def positions_of(session: Session, actor: Actor, *, party_id: str | None = None) -> tuple[AccountPosition, ...]:
    """Give positions by unit, of one party or of all."""
    query = (
        select(UnitPositionRow, RegistryAccountRow.party_id)
        .join(RegistryAccountRow, col(RegistryAccountRow.id) == col(UnitPositionRow.account_id))
        .where(UnitPositionRow.organization_id == actor.organization_id)
        .order_by(col(RegistryAccountRow.party_id), col(UnitPositionRow.unit))
    )
    if party_id is not None:
        query = query.where(RegistryAccountRow.party_id == party_id)
    return tuple(
        AccountPosition(
            account_id=row.account_id,
            party_id=holder_id,
            unit=Unit.parse(row.unit),
            total_t=row.total_t,
            pending_t=row.pending_t,
            locked_t=row.locked_t,
        )
        for row, holder_id in session.exec(query).all()
    )


def ensure_position(session: Session, actor: Actor, *, account_id: str, unit: Unit) -> None:
    """Add an empty position if the account has none of this unit."""
    found = session.exec(
        select(UnitPositionRow).where(UnitPositionRow.account_id == account_id, UnitPositionRow.unit == str(unit))
    ).one_or_none()
    if found is None:
        insert_unless_there(
            session, UnitPositionRow, organization_id=actor.organization_id, account_id=account_id, unit=str(unit),
            total_t=0, pending_t=0, locked_t=0,
        )  # fmt: skip


def move_position(
    session: Session,
    actor: Actor,
    *,
    account_id: str,
    unit: Unit,
    total_t: int = 0,
    pending_t: int = 0,
    locked_t: int = 0,
) -> None:
    """Change a position in one guarded UPDATE: what the ledger's rules forbid touches no row.

    The condition is tested by the same statement that writes, so two transactions can never both pass it.

    Raises:
        Conflict: Too little is free, pending or locked.
    """
    table = UnitPositionRow
    after_total = col(table.total_t) + total_t
    after_pending = col(table.pending_t) + pending_t
    after_locked = col(table.locked_t) + locked_t
    moved = session.exec(
        sa.update(table)
        .where(
            col(table.organization_id) == actor.organization_id,
            col(table.account_id) == account_id,
            col(table.unit) == str(unit),
            after_pending >= 0,
            after_locked >= 0,
            after_total - after_pending - after_locked >= 0,
        )
        .values(total_t=after_total, pending_t=after_pending, locked_t=after_locked)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:
        raise _too_little(session, account_id, unit)


def _too_little(session: Session, account_id: str, unit: Unit) -> Conflict:
    row = session.exec(
        select(UnitPositionRow)
        .where(UnitPositionRow.account_id == account_id, UnitPositionRow.unit == str(unit))
        .execution_options(populate_existing=True)
    ).one_or_none()
    free_t = 0 if row is None else row.total_t - row.pending_t - row.locked_t
    bound_t = 0 if row is None else row.pending_t + row.locked_t
    return Conflict(
        f"{unit}: {free_t} t are free and {bound_t} t bound; the movement needs more",
        zh=f"{unit} 可用 {free_t} 吨、已占用 {bound_t} 吨，不足以办理",
        field="units",
        remedy="Ask for less, or release other encumbrances first.",
        remedy_zh="请减少数量，或先解除其他权利负担。",
        free_t=free_t,
    )


def add_entry(
    session: Session,
    actor: Actor,
    entry: Entry,
    *,
    kind: str,
    agreement_code: str | None,
    business_date: date,
    entered_at: datetime,
    cause: str,
) -> None:
    """Write a balanced entry into the journal."""
    row = JournalEntryRow(
        organization_id=actor.organization_id,
        kind=kind,
        agreement_code=agreement_code,
        place=_next_place(session, actor, agreement_code),
        business_date=business_date,
        entered_at=entered_at,
        actor_id=actor.id,
        actor_name=actor.name,
        cause=cause,
    )
    session.add(row)
    session.flush()
    for place, posting in enumerate(entry.postings):
        session.add(
            JournalPostingRow(
                organization_id=actor.organization_id,
                entry_id=row.id,
                place=place,
                account_id=posting.account_id,
                unit=str(posting.unit),
                bucket=posting.bucket,
                quantity_t=posting.quantity_t,
            )
        )
    session.flush()


def _next_place(session: Session, actor: Actor, agreement_code: str | None) -> int:
    """Number an agreement's entries; the agreement's row is held while it moves, so no two take one number."""
    if agreement_code is None:
        return 0
    return session.exec(
        select(sa.func.count())
        .select_from(JournalEntryRow)
        .where(
            col(JournalEntryRow.organization_id) == actor.organization_id,
            col(JournalEntryRow.agreement_code) == agreement_code,
        )
    ).one()


def entries_of(session: Session, actor: Actor, *, agreement_code: str) -> tuple[LedgerEntry, ...]:
    """Give the journal entries of an agreement in order of time."""
    rows = session.exec(
        select(JournalEntryRow)
        .where(
            JournalEntryRow.organization_id == actor.organization_id, JournalEntryRow.agreement_code == agreement_code
        )
        .order_by(col(JournalEntryRow.place))
    ).all()
    postings: dict[str, list[LedgerPosting]] = {}
    for posting in session.exec(
        select(JournalPostingRow)
        .where(col(JournalPostingRow.entry_id).in_([row.id for row in rows]))
        .order_by(col(JournalPostingRow.entry_id), col(JournalPostingRow.place))
    ).all():
        postings.setdefault(posting.entry_id, []).append(
            LedgerPosting(
                account_id=posting.account_id,
                unit=Unit.parse(posting.unit),
                bucket=Bucket(posting.bucket),
                quantity_t=posting.quantity_t,
            )
        )
    return tuple(
        LedgerEntry(
            id=row.id,
            kind=row.kind,
            agreement_code=row.agreement_code,
            business_date=row.business_date,
            entered_at=row.entered_at,
            actor_name=row.actor_name,
            cause=row.cause,
            postings=tuple(postings.get(row.id, ())),
        )
        for row in rows
    )


def journal_balances(session: Session, actor: Actor) -> dict[tuple[str, str, str], int]:
    """Give the sum of postings by account, unit and bucket: what the positions must be."""
    rows = session.exec(
        select(
            JournalPostingRow.account_id,
            JournalPostingRow.unit,
            JournalPostingRow.bucket,
            sa.func.sum(JournalPostingRow.quantity_t),
        )
        .where(JournalPostingRow.organization_id == actor.organization_id)
        .group_by(col(JournalPostingRow.account_id), col(JournalPostingRow.unit), col(JournalPostingRow.bucket))
    ).all()
    return {(account_id, unit, bucket): int(total) for account_id, unit, bucket, total in rows}


def add_encumbrance(
    session: Session,
    actor: Actor,
    *,
    account_id: str,
    agreement_code: str,
    pledge_id: str,
    unit: Unit,
    quantity_t: int,
    reserved_at: datetime,
    change_id: str | None,
) -> Encumbrance:
    """Write down that units are reserved for an agreement, by a change of it or at its beginning."""
    row = EncumbranceRow(
        organization_id=actor.organization_id,
        account_id=account_id,
        agreement_code=agreement_code,
        pledge_id=pledge_id,
        unit=str(unit),
        quantity_t=quantity_t,
        state="PENDING",
        reserved_at=reserved_at,
        change_id=change_id,
    )
    session.add(row)
    session.flush()
    return encumbrance_of_row(row)


def encumbrances_of(
    session: Session, actor: Actor, *, pledge_id: str | None = None, live_only: bool
) -> tuple[Encumbrance, ...]:
    """Give encumbrances by agreement and unit, of one pledge or of all."""
    session.flush()
    query = sa.select(*[_HELD.c[name] for name in Encumbrance.__slots__]).where(
        _HELD.c.organization_id == actor.organization_id
    )
    if pledge_id is not None:
        query = query.where(_HELD.c.pledge_id == pledge_id)
    if live_only:
        query = query.where(_HELD.c.state.in_(sorted(BOUND)))
    rows = session.execute(query.order_by(_HELD.c.agreement_code, _HELD.c.unit))
    return tuple(encumbrance_of_row(row) for row in rows)


def encumbrance_of_row(row: EncumbranceRow | sa.Row[Any]) -> Encumbrance:
    """Give a lock as it stands at rest."""
    return Encumbrance(
        id=row.id,
        account_id=row.account_id,
        agreement_code=row.agreement_code,
        pledge_id=row.pledge_id,
        unit=Unit.parse(row.unit),
        quantity_t=row.quantity_t,
        state=row.state,
        change_id=row.change_id,
    )


def move_encumbrance(session: Session, actor: Actor, encumbrance: Encumbrance, *, to: str) -> None:
    """Move an encumbrance from the state it was read in; resolved once, never twice, and its numbers with it.

    Raises:
        Conflict: Another transaction moved it first.
    """
    moved = session.exec(
        sa.update(EncumbranceRow)
        .where(
            col(EncumbranceRow.id) == encumbrance.id,
            col(EncumbranceRow.organization_id) == actor.organization_id,
            col(EncumbranceRow.state) == encumbrance.state,
        )
        .values(state=to)
        .execution_options(synchronize_session="fetch")
    )
    if moved.rowcount != 1:
        raise moved_on(encumbrance)
    if to not in BOUND:
        serials.unlock(session, encumbrance.id)


def moved_on(encumbrance: Encumbrance) -> Conflict:
    """Say that another transaction moved a lock first."""
    return Conflict(
        f"encumbrance {encumbrance.id} is no longer {encumbrance.state}",
        zh="该权利负担已被其他操作处理",
        remedy="Read it again.",
        remedy_zh="请刷新后重试。",
    )
