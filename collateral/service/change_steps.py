"""The steps of a change: what the registry is asked, what its answers do, new units locked before old are let go."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.freezes import Operation
from collateral.calc.pledge_changes import CHANGE, ChangeKind, PledgeChange, units_after
from collateral.service import conversions, ledger
from collateral.service.pledges import note, take_step
from collateral.service.registry_requests import ask_registry
from collateral.service.restriking import strike_and_move
from collateral.store import pledge_changes as store
from collateral.store import pledges as pledge_store

_KIND_ZH = {
    ChangeKind.TOP_UP: "追加押品",
    ChangeKind.SUBSTITUTION: "置换押品",
    ChangeKind.PART_RELEASE: "部分解押",
    ChangeKind.CONVERSION: "年度转换",
}


def note_start(session: Session, actor: Actor, change: PledgeChange, *, standing: Standing) -> None:
    """Write down who asked for a change and why."""
    step = pledge_store.Step(
        event="ask",
        state_before="",
        state_after=change.state,
        business_date=standing.business_date,
        happened_at=standing.known_at,
        actor=actor,
        cause=change.reason,
        decision_id=change.decision_id,
    )
    store.add_change_event(session, change, step)


def take_change_step(
    session: Session,
    actor: Actor,
    change: PledgeChange,
    event: str,
    *,
    standing: Standing,
    cause: str,
    decision_id: str | None = None,
) -> PledgeChange:
    """Move a change that was read for update, and write the step into its timeline.

    Raises:
        Conflict: The state does not allow the event; nothing happens.
    """
    after = CHANGE.after(change.state, event)
    store.change_change(session, change, state=after, decision_id=decision_id)
    step = pledge_store.Step(
        event=event,
        state_before=change.state,
        state_after=after,
        business_date=standing.business_date,
        happened_at=standing.known_at,
        actor=actor,
        cause=cause,
        decision_id=decision_id,
    )
    store.add_change_event(session, change, step)
    return store.load_change(session, actor, change.id)


def ask_freeze(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, *, standing: Standing, cause: str
) -> PledgeChange:
    """Reserve the new units and write the message to the registry, in one transaction.

    Raises:
        Conflict: Too little is free; nothing is reserved or sent.
    """
    moved = take_change_step(session, actor, change, "ask_freeze", standing=standing, cause=cause)
    ledger.reserve(
        session,
        actor,
        agreement_code=pledge.code,
        pledge_id=pledge.id,
        party_id=pledge.pledgor_id,
        units=change.added,
        standing=standing,
        cause=f"{_KIND_ZH[change.kind]}：申请冻结",
        change_id=change.id,
        serials=change.added_serials,
    )
    return _ask(session, actor, pledge, moved, Operation.FREEZE)


def ask_unfreeze(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    change: PledgeChange,
    *,
    standing: Standing,
    cause: str,
    decision_id: str | None = None,
) -> PledgeChange:
    """Take the units to be freed out of the pledge, and ask the registry to unfreeze them; bound until it does.

    From that moment they count no more as collateral. Where the registry refused before, it is only asked anew.
    """
    is_first = change.state != "UNFREEZE_REFUSED"
    moved = take_change_step(
        session, actor, change, "ask_unfreeze", standing=standing, cause=cause, decision_id=decision_id
    )
    if is_first:
        ledger.ask_part_release(
            session, actor, pledge_id=pledge.id, change_id=change.id, units=change.freed, serials=change.freed_serials
        )
        left = units_after(pledge.units, added=(), freed=change.freed)
        pledge_store.change_units(session, actor, pledge, left)
        event = "part_release" if change.kind is ChangeKind.PART_RELEASE else "substitute"
        strike_and_move(session, actor, pledge.id, standing=standing)
        cured = pledge_store.load_pledge(session, actor, pledge.id, lock=True)
        take_step(session, actor, cured, event, standing=standing, cause=cause, decision_id=decision_id)
    return _ask(session, actor, pledge, moved, Operation.UNFREEZE)


def ask_conversion(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, *, standing: Standing, cause: str
) -> PledgeChange:
    """Set the units to be converted aside and ask the registry, in one transaction; until it answers nothing changes.

    Raises:
        Conflict: Less is locked, or a chosen number is not locked for the pledge.
    """
    moved = take_change_step(session, actor, change, "ask_conversion", standing=standing, cause=cause)
    ranges = conversions.set_aside(session, actor, pledge, change)
    asked = conversions.asked_of_registry(session, actor, pledge, change, ranges)
    key = ask_registry(session, actor, pledge, Operation.CONVERT, asked=asked)
    store.change_change(session, moved, attempt=moved.attempt + 1, request_key=key)
    return store.load_change(session, actor, change.id)


def units_converted(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, *, standing: Standing, cause: str
) -> None:
    """Count the new vintage in the place of the old: the registry converted it. The pledge moves by what that gives."""
    conversions.convert(session, actor, pledge, change, standing=standing, cause=cause)
    left = units_after(pledge.units, added=change.added, freed=change.freed)
    pledge_store.change_units(session, actor, pledge, left)
    (old,), (new,) = change.freed, change.added
    words = f"{_KIND_ZH[change.kind]} {old.unit} → {new.unit} {new.quantity_t} 吨"
    note(session, actor, pledge, "units_converted", standing=standing, cause=words)
    strike_and_move(session, actor, pledge.id, standing=standing)


def _ask(session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, operation: Operation) -> PledgeChange:
    units = change.added if operation is Operation.FREEZE else change.freed
    key = ask_registry(session, actor, pledge, operation, units=units, change_id=change.id)
    store.change_change(session, change, attempt=change.attempt + 1, request_key=key)
    return store.load_change(session, actor, change.id)


def units_locked(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, *, standing: Standing, cause: str
) -> None:
    """Count the new units in: the registry froze them. The pledge moves where its coverage is restored."""
    ledger.confirm(session, actor, pledge_id=pledge.id, standing=standing, cause=cause, change_id=change.id)
    pledge_store.change_units(session, actor, pledge, units_after(pledge.units, added=change.added, freed=()))
    words = "、".join(f"{one.unit} {one.quantity_t} 吨" for one in change.added)
    event = "top_up" if pledge.state == "MARGIN_CALLED" else "units_added"
    if event == "top_up":
        take_step(session, actor, pledge, event, standing=standing, cause=f"{_KIND_ZH[change.kind]} {words}")
    else:
        note(session, actor, pledge, event, standing=standing, cause=f"{_KIND_ZH[change.kind]} {words}")
    strike_and_move(session, actor, pledge.id, standing=standing)
