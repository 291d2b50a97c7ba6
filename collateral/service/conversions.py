"""Locked units of a vintage that become another: set aside while the registry is asked, converted by its answer."""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import AccountPosition, Pledge
from collateral.calc.freezes import UnitFreeze
from collateral.calc.holds import converted
from collateral.calc.pledge_changes import PledgeChange
from collateral.calc.serials import Ranges, merged
from collateral.service import hold_steps, ledger, numbers
from collateral.store import ledger as store
from collateral.store import lock_parts, serials

Converted = tuple[tuple[Unit, int], ...]
"""Tonnes by unit that a conversion brings to an account (positive) and takes from it (negative)."""


def as_if_converted(positions: Sequence[AccountPosition], converted: Converted) -> tuple[AccountPosition, ...]:
    """Give positions as a conversion would leave them; a new vintage stands on the account of the old one."""
    moved: dict[Unit, int] = {}
    for unit, quantity_t in converted:
        moved[unit] = moved.get(unit, 0) + quantity_t
    left = [replace(one, total_t=one.total_t + moved.pop(one.unit, 0)) for one in positions]
    homes = {one.unit.scheme: one for one in positions}
    made = [
        replace(homes[unit.scheme], unit=unit, total_t=quantity_t, pending_t=0, locked_t=0)
        for unit, quantity_t in moved.items()
    ]
    return (*left, *made)


def asked_of_registry(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, ranges: Ranges
) -> tuple[UnitFreeze, ...]:
    """Give what the registry is asked to convert: the old vintage on the pledgor's account, by its numbers."""
    (old,), (new,) = change.freed, change.added
    accounts = {one.unit: one.account_id for one in ledger.holdings_of(session, actor, pledge.pledgor_id)}
    return (
        UnitFreeze(
            account_id=accounts[old.unit], unit=str(old.unit), quantity_t=old.quantity_t, to_unit=str(new.unit),
            serials=tuple(map(str, ranges)),
        ),
    )  # fmt: skip


def set_aside(session: Session, actor: Actor, pledge: Pledge, change: PledgeChange) -> Ranges:
    """Cut what is to be converted out of the locks of a pledge, and give its numbers; it stays locked.

    Asked anew after a refusal it is there already.

    Raises:
        Conflict: Less is locked, or a chosen number is not locked for the pledge.
    """
    held = store.encumbrances_of(session, actor, pledge_id=pledge.id, live_only=True)
    parts = tuple(one for one in held if one.change_id == change.id) or ledger.split_locked(
        session, actor, pledge.id, change.freed, change_id=change.id, named=change.freed_serials
    )
    return merged(one for part in parts for one in numbers.locked_by(session, part))


def convert(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, *, standing: Standing, cause: str
) -> None:
    """Make what was set aside into the new vintage: position, lock, numbers and journal together.

    The lock keeps its agreement; with another lock of the pledge on the new vintage it is joined into one.

    Raises:
        Conflict: Another transaction moved it first.
    """
    (made,) = change.added
    for part in hold_steps.held_in(session, actor, pledge.id, "LOCKED"):
        if part.change_id != change.id:
            continue
        place, quantity_t = (part.account_id, part.unit), part.quantity_t
        ranges = numbers.locked_by(session, part)
        serials.unlock(session, part.id)
        store.move_position(
            session, actor, account_id=part.account_id, unit=part.unit, total_t=-quantity_t, locked_t=-quantity_t
        )
        numbers.let_go(session, actor, account_id=part.account_id, unit=part.unit, ranges=ranges)
        store.ensure_position(session, actor, account_id=part.account_id, unit=made.unit)
        store.move_position(
            session, actor, account_id=part.account_id, unit=made.unit, total_t=quantity_t, locked_t=quantity_t
        )
        numbers.take_in(
            session, actor, account_id=part.account_id, unit=made.unit, quantity_t=quantity_t, ranges=ranges
        )
        renamed = lock_parts.rename_encumbrance(session, actor, part, unit=made.unit)
        if ranges:
            serials.lock(session, actor, renamed, ranges)
        lock_parts.join_encumbrances(session, actor, renamed)
        hold_steps.journal(
            session, actor, converted(place, made.unit, quantity_t), kind="conversion",
            agreement_code=part.agreement_code, standing=standing, cause=cause,
        )  # fmt: skip
