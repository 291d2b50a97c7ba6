"""Locks taken apart, renamed and joined at rest: part of one let go, units that became others, two made one."""

from dataclasses import replace

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from collateral.calc.agreements import Encumbrance
from collateral.calc.serials import Ranges
from collateral.models import EncumbranceRow
from collateral.store import serials
from collateral.store.ledger import encumbrance_of_row, encumbrances_of, moved_on


def split_encumbrance(
    session: Session,
    actor: Actor,
    encumbrance: Encumbrance,
    *,
    quantity_t: int,
    change_id: str | None,
    named: Ranges = (),
) -> Encumbrance:
    """Take part of an encumbrance, or all of it, into one that is let go, by a change of the pledge or by force.

    Of units that carry numbers the named ones go with the part, or the highest where none are named.

    Raises:
        Conflict: Another transaction moved it first.
    """
    assert 0 < quantity_t <= encumbrance.quantity_t
    is_whole = quantity_t == encumbrance.quantity_t
    if is_whole and change_id is None:
        return encumbrance
    values = {"change_id": change_id} if is_whole else {"quantity_t": encumbrance.quantity_t - quantity_t}
    changed = session.exec(
        sa.update(EncumbranceRow)
        .where(
            col(EncumbranceRow.id) == encumbrance.id,
            col(EncumbranceRow.organization_id) == actor.organization_id,
            col(EncumbranceRow.state) == encumbrance.state,
            col(EncumbranceRow.quantity_t) == encumbrance.quantity_t,
        )
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
    if changed.rowcount != 1:
        raise moved_on(encumbrance)
    if is_whole:
        return replace(encumbrance, change_id=change_id)
    found = session.exec(select(EncumbranceRow).where(EncumbranceRow.id == encumbrance.id)).one()
    row = EncumbranceRow(
        organization_id=actor.organization_id,
        account_id=encumbrance.account_id,
        agreement_code=encumbrance.agreement_code,
        pledge_id=encumbrance.pledge_id,
        unit=str(encumbrance.unit),
        quantity_t=quantity_t,
        state=encumbrance.state,
        reserved_at=found.reserved_at,
        change_id=change_id,
    )
    session.add(row)
    session.flush()
    part = encumbrance_of_row(row)
    serials.split_lock(session, actor, encumbrance, part, named=named)
    return part


def rename_encumbrance(session: Session, actor: Actor, encumbrance: Encumbrance, *, unit: Unit) -> Encumbrance:
    """Let a lock stand on the unit that its units became; its agreement stays.

    Raises:
        Conflict: Another transaction moved it first.
    """
    _change_held(session, actor, encumbrance, unit=str(unit))
    return replace(encumbrance, unit=unit)


def join_encumbrances(session: Session, actor: Actor, encumbrance: Encumbrance) -> None:
    """Join a lock with another that the same pledge has on the same units, if it has one; the numbers come together.

    Raises:
        Conflict: Another transaction moved one of them first.
    """
    for one in encumbrances_of(session, actor, pledge_id=encumbrance.pledge_id, live_only=True):
        is_same = (one.account_id, one.unit, one.state) == (
            encumbrance.account_id, encumbrance.unit, encumbrance.state
        )  # fmt: skip
        if one.id == encumbrance.id or not is_same:
            continue
        _change_held(session, actor, encumbrance, quantity_t=0, state="FREE")
        _change_held(session, actor, one, quantity_t=one.quantity_t + encumbrance.quantity_t)
        serials.join_locks(session, actor, gone=encumbrance, kept=one)
        return


def _change_held(session: Session, actor: Actor, encumbrance: Encumbrance, **values: str | int) -> None:
    changed = session.exec(
        sa.update(EncumbranceRow)
        .where(
            col(EncumbranceRow.id) == encumbrance.id,
            col(EncumbranceRow.organization_id) == actor.organization_id,
            col(EncumbranceRow.state) == encumbrance.state,
            col(EncumbranceRow.quantity_t) == encumbrance.quantity_t,
        )
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
    if changed.rowcount != 1:
        raise moved_on(encumbrance)
