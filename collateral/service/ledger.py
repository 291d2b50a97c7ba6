"""Accounts and holdings, and the holds on them: reserve, confirm, void, release, each with its journal entry."""

from collections.abc import Mapping

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import AccountPosition, Encumbrance, LedgerEntry, UnitQuantity
from collateral.calc.ledger import Bucket, moved
from collateral.calc.lifecycles import ENCUMBRANCE
from collateral.calc.serials import Ranges, total_t
from collateral.service import hold_steps, numbers
from collateral.store import holds, lock_parts
from collateral.store import ledger as store
from collateral.store import pledge_changes as changes
from collateral.store.holdings import bring_total

REGISTRY_NAMES: dict[Scheme, str] = {Scheme.CEA: "全国碳排放权注册登记系统", Scheme.SZA: "深圳碳排放权注册登记簿"}


def open_account(session: Session, actor: Actor, party_id: str, scheme: Scheme, *, standing: Standing) -> str:
    """Open a party's account for a scheme, or give the one it has."""
    party = load_party(session, actor, party_id)
    found = store.account_of(session, actor, party_id=party.id, scheme=scheme)
    return found or store.add_account(
        session,
        actor,
        party_id=party.id,
        scheme=scheme,
        registry_name=REGISTRY_NAMES.get(scheme, f"{scheme} 登记簿"),
        opened_at=standing.known_at,
    )


def record_holding(
    session: Session,
    actor: Actor,
    party_id: str,
    unit: Unit,
    *,
    quantity_t: int,
    standing: Standing,
    cause: str,
    serials: Ranges = (),
) -> None:
    """Bring a party's holding of a unit to the quantity its registry states; the same again changes nothing.

    With serial numbers where the units carry them: once an account has some, another quantity needs them.

    Raises:
        Conflict: Less than is bound to agreements, or a locked number is not among those stated.
        InvalidInput: A negative quantity, or ranges whose lengths sum to another quantity.
    """
    if quantity_t < 0:
        raise InvalidInput(f"holding of {unit} is {quantity_t} t", zh="持有量不能为负", field="quantity_t")
    account_id = open_account(session, actor, party_id, unit.scheme, standing=standing)
    store.ensure_position(session, actor, account_id=account_id, unit=unit)
    change_t = bring_total(session, actor, account_id=account_id, unit=unit, total_t=quantity_t)
    is_renumbered = numbers.restate(
        session, actor, account_id=account_id, unit=unit, quantity_t=quantity_t, change_t=change_t, stated=serials
    )
    if not change_t and not is_renumbered:
        return
    entry = moved(account_id, unit, change_t, start=Bucket.OUTSIDE, end=Bucket.FREE)
    said = f"{cause}；序号段 {numbers.words(serials)}" if serials else cause
    hold_steps.journal(session, actor, entry, kind="holding", agreement_code=None, standing=standing, cause=said)


def holdings_of(session: Session, actor: Actor, party_id: str) -> tuple[AccountPosition, ...]:
    """Give a party's positions by unit."""
    return store.positions_of(session, actor, party_id=party_id)


def reserve(
    session: Session,
    actor: Actor,
    *,
    agreement_code: str,
    pledge_id: str,
    party_id: str,
    units: tuple[UnitQuantity, ...],
    standing: Standing,
    cause: str,
    change_id: str | None = None,
    serials: Mapping[Unit, Ranges] | None = None,
) -> None:
    """Reserve free units for an agreement, or for a change of it, before the registry is asked.

    Of units that carry serial numbers the named ones are locked, or the lowest free where none are named.

    Raises:
        Conflict: Too little is free, or a named number is not; nothing is reserved.
        InvalidInput: The named numbers sum to another quantity, or the units carry none.
    """
    named = serials or {}
    for one in sorted(units, key=lambda each: str(each.unit)):  # one order, so that two transactions cannot deadlock
        noted = hold_steps.noted("reserve", Bucket.FREE, Bucket.PENDING, standing, cause)
        if one.unit not in named and holds.has_one_statement(session) and holds.reserve(
            session, actor, noted, agreement_code=agreement_code,
            pledge_id=pledge_id, party_id=party_id, unit=one.unit, quantity_t=one.quantity_t, change_id=change_id,
        ):  # fmt: skip
            continue
        account_id = open_account(session, actor, party_id, one.unit.scheme, standing=standing)
        store.ensure_position(session, actor, account_id=account_id, unit=one.unit)
        store.move_position(session, actor, account_id=account_id, unit=one.unit, pending_t=one.quantity_t)
        held = store.add_encumbrance(
            session,
            actor,
            account_id=account_id,
            agreement_code=agreement_code,
            pledge_id=pledge_id,
            unit=one.unit,
            quantity_t=one.quantity_t,
            reserved_at=standing.known_at,
            change_id=change_id,
        )
        locked = numbers.allot(session, actor, held, named=named.get(one.unit, ()))
        said = f"{cause}；序号段 {numbers.words(locked)}" if locked else cause
        entry = moved(account_id, one.unit, one.quantity_t, start=Bucket.FREE, end=Bucket.PENDING)
        hold_steps.journal(
            session, actor, entry, kind="reserve", agreement_code=agreement_code, standing=standing, cause=said
        )


def confirm(
    session: Session, actor: Actor, *, pledge_id: str, standing: Standing, cause: str, change_id: str | None = None
) -> None:
    """Lock what is reserved for a pledge, at its beginning or by a change: the registry froze it."""
    hold_steps.resolve(
        session, actor, hold_steps.CONFIRM, pledge_id=pledge_id, change_id=change_id, standing=standing, cause=cause
    )


def void(
    session: Session, actor: Actor, *, pledge_id: str, standing: Standing, cause: str, change_id: str | None = None
) -> None:
    """Free what is reserved for a pledge; only after the registry said that it is not frozen."""
    hold_steps.resolve(
        session, actor, hold_steps.VOID, pledge_id=pledge_id, change_id=change_id, standing=standing, cause=cause
    )


def ask_release(session: Session, actor: Actor, *, pledge_id: str) -> tuple[Encumbrance, ...]:
    """Mark what is locked for a pledge as asked to be released; it stays locked until the registry confirms."""
    held = hold_steps.held_in(session, actor, pledge_id, "LOCKED")
    for one in held:
        store.move_encumbrance(session, actor, one, to=ENCUMBRANCE.after(one.state, "request release"))
    return held


def ask_part_release(
    session: Session,
    actor: Actor,
    *,
    pledge_id: str,
    change_id: str,
    units: tuple[UnitQuantity, ...],
    serials: Mapping[Unit, Ranges] | None = None,
) -> None:
    """Mark part of what is locked for a pledge as asked to be released by a change; it stays bound until confirmed.

    Of units that carry serial numbers the named ones are let go, or the highest locked where none are named.

    Raises:
        Conflict: Less of a unit is locked, or a named number is not locked for the pledge.
    """
    for part in split_locked(session, actor, pledge_id, units, change_id=change_id, named=serials or {}):
        store.move_encumbrance(session, actor, part, to=ENCUMBRANCE.after(part.state, "request release"))


def take(
    session: Session,
    actor: Actor,
    *,
    pledge_id: str,
    units: tuple[UnitQuantity, ...],
    kind: str,
    standing: Standing,
    cause: str,
) -> dict[Unit, Ranges]:
    """Take locked units of a pledge off its pledgor's account: sold in an enforcement, or deducted by an authority.

    Gives the serial numbers that left, by unit; none of units that carry none.

    Raises:
        Conflict: Less of a unit is locked.
    """
    gone: dict[Unit, Ranges] = {}
    for part in split_locked(session, actor, pledge_id, units, change_id=None, named={}):
        ranges = numbers.locked_by(session, part)
        gone[part.unit] = (*gone.get(part.unit, ()), *ranges)
        store.move_encumbrance(session, actor, part, to=ENCUMBRANCE.after(part.state, "enforce"))
        store.move_position(
            session, actor, account_id=part.account_id, unit=part.unit, total_t=-part.quantity_t,
            locked_t=-part.quantity_t,
        )  # fmt: skip
        numbers.let_go(session, actor, account_id=part.account_id, unit=part.unit, ranges=ranges)
        said = f"{cause}；序号段 {numbers.words(ranges)}" if ranges else cause
        _move(session, actor, part, kind, start=Bucket.LOCKED, end=Bucket.OUTSIDE, standing=standing, cause=said)
    return gone


def sell(
    session: Session,
    actor: Actor,
    *,
    pledge_id: str,
    buyer_id: str | None,
    lots: tuple[tuple[Unit, int], ...],
    standing: Standing,
    cause: str,
) -> dict[Unit, Ranges]:
    """Take sold units off the pledgor's account, and put them into the buyer's where one is named.

    Gives the serial numbers that were sold, by unit.

    Raises:
        Conflict: Less of a unit is locked.
    """
    units = tuple(UnitQuantity(unit=unit, quantity_t=quantity_t) for unit, quantity_t in lots)
    gone = take(session, actor, pledge_id=pledge_id, units=units, kind="sale", standing=standing, cause=cause)
    if buyer_id is None:
        return gone
    for one in units:
        account_id = open_account(session, actor, buyer_id, one.unit.scheme, standing=standing)
        store.ensure_position(session, actor, account_id=account_id, unit=one.unit)
        store.move_position(session, actor, account_id=account_id, unit=one.unit, total_t=one.quantity_t)
        numbers.take_in(
            session, actor, account_id=account_id, unit=one.unit, quantity_t=one.quantity_t,
            ranges=gone.get(one.unit, ()),
        )  # fmt: skip
        entry = moved(account_id, one.unit, one.quantity_t, start=Bucket.OUTSIDE, end=Bucket.FREE)
        hold_steps.journal(session, actor, entry, kind="holding", agreement_code=None, standing=standing, cause=cause)
    return gone


_ORDERS: dict[str, tuple[Bucket, Bucket, int, int]] = {
    # order: from, to, change of the total, change of what is locked, for each tonne
    "freeze": (Bucket.FREE, Bucket.LOCKED, 0, 1),
    "lift frozen": (Bucket.LOCKED, Bucket.FREE, 0, -1),
    "deduction": (Bucket.FREE, Bucket.OUTSIDE, -1, 0),
    "deduction frozen": (Bucket.LOCKED, Bucket.OUTSIDE, -1, -1),
}


def move_by_order(
    session: Session, actor: Actor, *, party_id: str, unit: Unit, quantity_t: int, order: str, standing: Standing,
    cause: str,
) -> None:  # fmt: skip
    """Do to a party's unpledged units what an authority ordered: freeze, lift what is frozen, or take.

    Raises:
        Conflict: Too little is free, or frozen.
    """
    start, end, total, locked = _ORDERS[order]
    account_id = open_account(session, actor, party_id, unit.scheme, standing=standing)
    store.ensure_position(session, actor, account_id=account_id, unit=unit)
    store.move_position(
        session, actor, account_id=account_id, unit=unit, total_t=total * quantity_t, locked_t=locked * quantity_t
    )
    if total < 0:
        numbers.let_highest_go(session, actor, account_id=account_id, unit=unit, quantity_t=quantity_t)
    entry = moved(account_id, unit, quantity_t, start=start, end=end)
    kind = f"authority_{order.partition(' ')[0]}"
    hold_steps.journal(session, actor, entry, kind=kind, agreement_code=None, standing=standing, cause=cause)


def release(
    session: Session, actor: Actor, *, pledge_id: str, standing: Standing, cause: str, change_id: str | None = None
) -> None:
    """Free what was locked for a pledge, or what a change of it lets go: the registry unfroze it."""
    hold_steps.resolve(
        session, actor, hold_steps.RELEASE, pledge_id=pledge_id, change_id=change_id, standing=standing, cause=cause
    )


def locked_for(session: Session, actor: Actor, *, pledge_id: str) -> dict[Unit, int]:
    """Give what is locked for a pledge, by unit; nothing where nothing is."""
    locked: dict[Unit, int] = {}
    for held in store.encumbrances_of(session, actor, pledge_id=pledge_id, live_only=True):
        if held.state == "LOCKED":
            locked[held.unit] = locked.get(held.unit, 0) + held.quantity_t
    return locked


def ledger_entries(session: Session, actor: Actor, *, agreement_code: str) -> tuple[LedgerEntry, ...]:
    """Give the journal entries of an agreement."""
    return store.entries_of(session, actor, agreement_code=agreement_code)


def ledger_faults(session: Session, actor: Actor) -> tuple[str, ...]:
    """Compare positions with the journal and name each difference; empty when the ledger balances."""
    journal = store.journal_balances(session, actor)
    faults = []
    for one in store.positions_of(session, actor):
        for bucket, quantity_t in (
            (Bucket.FREE, one.free_t),
            (Bucket.PENDING, one.pending_t),
            (Bucket.LOCKED, one.locked_t),
        ):
            posted_t = journal.get((one.account_id, str(one.unit), str(bucket)), 0)
            if posted_t != quantity_t:
                faults.append(f"{one.unit} {bucket}: position {quantity_t} t, journal {posted_t} t")
    return tuple(faults)


def split_locked(
    session: Session,
    actor: Actor,
    pledge_id: str,
    units: tuple[UnitQuantity, ...],
    *,
    change_id: str | None,
    named: Mapping[Unit, Ranges],
) -> tuple[Encumbrance, ...]:
    """Cut the units asked for out of what is locked for a pledge; each part carries the change it is cut for.

    What is set aside for a conversion is not there for anything else until that ends.

    Raises:
        Conflict: Less of a unit is locked, or a named number is not locked for the pledge.
    """
    aside = changes.set_aside_by(session, actor, pledge_id)
    locked = [one for one in hold_steps.held_in(session, actor, pledge_id, "LOCKED") if one.change_id not in aside]
    parts = []
    for one in units:
        left_t = one.quantity_t
        chosen = numbers.locked_among(session, [held for held in locked if held.unit == one.unit], named.get(one.unit))
        for held in locked:
            if held.unit != one.unit or not left_t:
                continue
            mine = chosen.get(held.id, ())
            part_t = total_t(mine) if chosen else min(left_t, held.quantity_t)
            if not part_t:
                continue
            parts.append(
                lock_parts.split_encumbrance(session, actor, held, quantity_t=part_t, change_id=change_id, named=mine)
            )
            left_t -= part_t
        if left_t:
            raise Conflict(
                f"{one.unit}: {one.quantity_t} t are asked for, {one.quantity_t - left_t} t are locked",
                zh=f"{one.unit} 需 {one.quantity_t} 吨，台账锁定 {one.quantity_t - left_t} 吨",
                field="units",
            )
    return tuple(parts)


def _move(
    session: Session,
    actor: Actor,
    held: Encumbrance,
    kind: str,
    *,
    start: Bucket,
    end: Bucket,
    standing: Standing,
    cause: str,
) -> None:
    entry = moved(held.account_id, held.unit, held.quantity_t, start=start, end=end)
    hold_steps.journal(
        session, actor, entry, kind=kind, agreement_code=held.agreement_code, standing=standing, cause=cause
    )
