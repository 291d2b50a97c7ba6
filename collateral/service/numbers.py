"""Serial numbers that go with a movement of the ledger: stated, allotted to a lock, let go, passed to a buyer.

Each step here is taken while the position's row is held by the statement that moved it, so that nobody else allots the
same numbers meanwhile; the database's own guard on overlaps stands behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.parties import load_party
from collateral.calc.agreements import AccountPosition, Encumbrance
from collateral.calc.serials import NUMBERED, Ranges, beyond, highest, lowest, merged, require_length, without
from collateral.store import ledger, serials
from collateral.store.holdings import total_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedHolding:
    """A position with the serial numbers held and those of them that are free; none where the units carry none."""

    position: AccountPosition
    held: Ranges
    free: Ranges


def numbered_holdings_of(session: Session, actor: Actor, party_id: str) -> tuple[NumberedHolding, ...]:
    """Give a party's positions with their serial numbers.

    Raises:
        NotFound: There is no such party.
    """
    party = load_party(session, actor, party_id)
    return tuple(
        NumberedHolding(
            position=one,
            held=serials.held_ranges(session, account_id=one.account_id, unit=one.unit),
            free=serials.free_ranges(session, account_id=one.account_id, unit=one.unit),
        )
        for one in ledger.positions_of(session, actor, party_id=party.id)
    )


def restate(
    session: Session, actor: Actor, *, account_id: str, unit: Unit, quantity_t: int, change_t: int, stated: Ranges
) -> bool:
    """Bring an account's numbers to what its registry states; tells whether they changed.

    Locks made before the numbers were known are allotted the lowest free ones.

    Raises:
        InvalidInput: The account's units carry numbers and another quantity is stated without them.
        Conflict: A number that an agreement locks is not among them, or another account holds one.
    """
    before = serials.held_ranges(session, account_id=account_id, unit=unit)
    if not stated and not (before and change_t):
        return False
    if stated:
        require_length(unit, stated, quantity_t)
    else:
        _require_named(unit, before, quantity_t)
    locked = serials.locked_ranges(session, account_id=account_id, unit=unit)
    free = _without_locked(unit, merged(stated), locked)
    if merged(stated) == before:
        return False
    serials.hold(session, actor, account_id=account_id, unit=unit, ranges=stated)
    for one in _without_numbers(session, actor, account_id, unit):
        given = lowest(free, one.quantity_t)
        serials.lock(session, actor, one, given)
        free = without(free, given)
    return True


def _require_named(unit: Unit, before: Ranges, quantity_t: int) -> None:
    if not quantity_t:
        return
    raise InvalidInput(
        f"{unit} is held by serial numbers ({words(before)}); {quantity_t} t are stated without them",
        zh=f"{unit} 按序号段登记（{words(before)}），变更为 {quantity_t} 吨须同时填写序号段",
        field="serials",
        remedy="State the ranges that the registry now shows.",
        remedy_zh="请按登记机构现有记录填写序号段。",
    )


def _without_locked(unit: Unit, stated: Ranges, locked: Ranges) -> Ranges:
    try:
        return without(stated, locked)
    except Conflict as missing:
        raise Conflict(
            f"{unit}: serial numbers {words(locked)} are locked for agreements, and not all are among {words(stated)}",
            zh=f"{unit} 已锁定序号 {words(locked)}，未全部包含在所报序号段 {words(stated)} 之内",
            field="serials",
            remedy="Reconcile the freezes with the registry first.",
            remedy_zh="请先与登记机构核对冻结情况。",
        ) from missing


def _without_numbers(session: Session, actor: Actor, account_id: str, unit: Unit) -> tuple[Encumbrance, ...]:
    """Give the live locks of a place that were made before its numbers were known."""
    held = ledger.encumbrances_of(session, actor, live_only=True)
    live = [one for one in held if (one.account_id, one.unit) == (account_id, unit)]
    numbered = serials.ranges_by_encumbrance(session, [one.id for one in live])
    return tuple(one for one in live if one.id not in numbered)


def locked_serials(session: Session, actor: Actor, *, pledge_id: str) -> tuple[tuple[Encumbrance, Ranges], ...]:
    """Give the live holds of a pledge whose units carry numbers, with the numbers each locks."""
    live = ledger.encumbrances_of(session, actor, pledge_id=pledge_id, live_only=True)
    numbered = serials.ranges_by_encumbrance(session, [one.id for one in live])
    return tuple((one, numbered[one.id]) for one in live if one.id in numbered)


def all_locked_serials(session: Session, actor: Actor) -> dict[tuple[str, Unit], Ranges]:
    """Give the numbers locked by pledge and unit, of all pledges whose units carry any."""
    live = ledger.encumbrances_of(session, actor, live_only=True)
    numbered = serials.ranges_by_encumbrance(session, [one.id for one in live if one.unit.scheme in NUMBERED])
    found: dict[tuple[str, Unit], Ranges] = {}
    for one in live:
        if one.id in numbered:
            place = (one.pledge_id, one.unit)
            found[place] = merged((*found.get(place, ()), *numbered[one.id]))
    return found


def allot(session: Session, actor: Actor, held: Encumbrance, *, named: Ranges) -> Ranges:
    """Lock numbers for a hold that was just reserved: those named, or the lowest free; none where units carry none.

    Raises:
        InvalidInput: The lengths do not sum to the quantity, or the account's units carry no numbers.
        Conflict: A named number is not held there, or is locked already.
    """
    if named:
        require_length(held.unit, named, held.quantity_t)
    if not serials.has_serials(session, account_id=held.account_id, unit=held.unit):
        if named:
            raise InvalidInput(
                f"the account holds {held.unit} without serial numbers; {words(named)} cannot be locked",
                zh=f"该账户的 {held.unit} 未登记序号段，不能按序号 {words(named)} 锁定",
                field="serials",
                remedy="State the holding with its ranges first.",
                remedy_zh="请先登记持有量的序号段。",
            )
        return ()
    free = serials.free_ranges(session, account_id=held.account_id, unit=held.unit)
    if named:
        without(free, named)
    ranges = named or lowest(free, held.quantity_t)
    serials.lock(session, actor, held, ranges)
    return ranges


def locked_among(session: Session, locked: Sequence[Encumbrance], named: Ranges | None) -> dict[str, Ranges]:
    """Give which of the named numbers each hold locks; nothing where none are named.

    Raises:
        Conflict: A named number is locked by none of them.
    """
    if not named:
        return {}
    by_hold = serials.ranges_by_encumbrance(session, [one.id for one in locked])
    left = merged(named)
    found: dict[str, Ranges] = {}
    for one in locked:
        rest = beyond(left, by_hold.get(one.id, ()))
        found[one.id] = without(left, rest)
        left = rest
    if left:
        theirs = merged(ranges for held in by_hold.values() for ranges in held)
        raise Conflict(
            f"serial numbers {words(left)} are not locked for this pledge: {words(theirs)}",
            zh=f"序号段 {words(left)} 未为该质押锁定（已锁定：{words(theirs)}）",
            field="freed_serials",
            remedy="Name numbers that the pledge locks.",
            remedy_zh="请填写该质押已锁定的序号。",
        )
    return found


def require_free(session: Session, positions: Sequence[AccountPosition], named: Mapping[Unit, Ranges]) -> None:
    """Hold that named numbers are on the pledgor's account and free, before anything is asked.

    Raises:
        Conflict: One is not.
    """
    for unit, ranges in named.items():
        free = [
            one
            for held in positions
            if held.unit == unit
            for one in serials.free_ranges(session, account_id=held.account_id, unit=unit)
        ]
        without(free, ranges)


def let_go(session: Session, actor: Actor, *, account_id: str, unit: Unit, ranges: Ranges) -> None:
    """Take numbers off an account whose units left it."""
    if ranges:
        held = serials.held_ranges(session, account_id=account_id, unit=unit)
        serials.hold(session, actor, account_id=account_id, unit=unit, ranges=without(held, ranges))


def let_highest_go(session: Session, actor: Actor, *, account_id: str, unit: Unit, quantity_t: int) -> None:
    """Take the highest free numbers off an account whose units left it and nobody named them."""
    if serials.has_serials(session, account_id=account_id, unit=unit):
        free = serials.free_ranges(session, account_id=account_id, unit=unit)
        let_go(session, actor, account_id=account_id, unit=unit, ranges=highest(free, quantity_t))


def locked_by(session: Session, held: Encumbrance) -> Ranges:
    """Give the numbers a live hold locks."""
    return serials.ranges_by_encumbrance(session, [held.id]).get(held.id, ())


def take_in(session: Session, actor: Actor, *, account_id: str, unit: Unit, quantity_t: int, ranges: Ranges) -> None:
    """Put numbers of units that just came into an account; one that holds units without numbers goes on without.

    Raises:
        Conflict: The account holds its units by numbers, and those of what it buys are not known.
    """
    is_numbered = serials.has_serials(session, account_id=account_id, unit=unit)
    if is_numbered and not ranges:
        raise Conflict(
            f"the buyer holds {unit} by serial numbers, and those of the {quantity_t} t sold are not known",
            zh=f"买方的 {unit} 按序号段登记，而所售 {quantity_t} 吨没有序号段",
            field="lots",
            remedy="State the seller's holding with its ranges first.",
            remedy_zh="请先登记卖方持有量的序号段。",
        )
    is_first = total_of(session, account_id=account_id, unit=unit) == quantity_t
    if ranges and (is_numbered or is_first):
        held = serials.held_ranges(session, account_id=account_id, unit=unit)
        serials.hold(session, actor, account_id=account_id, unit=unit, ranges=(*held, *ranges))


def words(ranges: Ranges) -> str:
    """Write ranges in one line."""
    return "; ".join(map(str, ranges)) or "none"
