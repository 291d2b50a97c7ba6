"""Authorities' acts: units frozen by a court count for nobody until the freeze is lifted; units taken are gone.

An act on units of a pledge moves the pledge and calls where its coverage no longer holds; one on free units binds them
in the ledger, so that nobody pledges them.
"""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct, require_follows
from collateral.calc.pledge import IN_FORCE
from collateral.service import ledger, restriking
from collateral.service.pledges import note
from collateral.store import authority_acts as store
from collateral.store import pledges as pledge_store

ACT_EVENT = "judicial_freeze or authority_deduction"
_WORDS_ZH = {ActKind.FREEZE: "冻结", ActKind.LIFT: "解除冻结", ActKind.DEDUCTION: "扣划"}
_NOTES = {
    ActKind.FREEZE: "authority_freeze",
    ActKind.LIFT: "authority_lift",
    ActKind.DEDUCTION: "authority_deduction",
}


def record_act(session: Session, actor: Actor, draft: ActDraft, *, standing: Standing) -> AuthorityAct:
    """Record what an authority ordered, with its document, and do in the ledger what it did at the registry.

    Raises:
        Conflict: Fewer units are there, or a lift or deduction does not follow its freeze.
        InvalidInput: The document is not stored as a file.
    """
    load_party(session, actor, draft.party_id)
    pledge = None
    if draft.pledge_id is not None:
        pledge = pledge_store.load_pledge(session, actor, draft.pledge_id, lock=True)
    freeze = None if draft.freeze_id is None else store.load_act(session, actor, draft.freeze_id, lock=True)
    if freeze is not None:
        require_follows(draft, freeze)
    subject = f"party:{draft.party_id}" if pledge is None else f"pledge:{pledge.id}"
    require_evidence(session, actor, draft.evidence_digest, subject=subject, at=standing.known_at)
    cause = f"{draft.authority} {draft.document} {_WORDS_ZH[draft.kind]} {draft.unit} {draft.quantity_t} 吨"
    if pledge is None:
        _on_free_units(session, actor, draft, standing=standing, cause=cause)
        return store.add_act(session, actor, draft, standing=standing)
    _require_pledged(session, actor, pledge, draft)
    if draft.kind is ActKind.DEDUCTION:
        _take_pledged(session, actor, pledge, draft, standing=standing, cause=cause)
    act = store.add_act(session, actor, draft, standing=standing)
    _move_pledge(session, actor, pledge, draft.kind, standing=standing, cause=cause)
    return act


def acts_of_party(session: Session, actor: Actor, party_id: str) -> tuple[AuthorityAct, ...]:
    """Give the acts on a party's units."""
    load_party(session, actor, party_id)
    return store.acts_of(session, actor, party_id=party_id)


def acts_on_pledge(session: Session, actor: Actor, pledge_id: str) -> tuple[AuthorityAct, ...]:
    """Give the acts on the units of a pledge."""
    return store.acts_of(session, actor, pledge_id=pledge_id)


def _on_free_units(session: Session, actor: Actor, draft: ActDraft, *, standing: Standing, cause: str) -> None:
    ledger.move_by_order(
        session, actor, party_id=draft.party_id, unit=draft.unit, quantity_t=draft.quantity_t,
        order=draft.kind.value if draft.freeze_id is None else f"{draft.kind.value} frozen", standing=standing,
        cause=cause,
    )  # fmt: skip


def _require_pledged(session: Session, actor: Actor, pledge: Pledge, draft: ActDraft) -> None:
    """Refuse an act on more units of a pledge than it has, or on another party's pledge."""
    if pledge.pledgor_id != draft.party_id:
        raise Conflict(
            f"pledge {pledge.code} is of another pledgor", zh=f"质押 {pledge.code} 的出质人不是该主体", field="party_id"
        )
    if draft.freeze_id is not None:
        return
    pledged_t = sum(one.quantity_t for one in pledge.units if one.unit == draft.unit)
    attached_t = sum(
        one.outstanding_t for one in store.attached_to(session, actor, pledge.id) if one.draft.unit == draft.unit
    )
    if draft.quantity_t > pledged_t - attached_t:
        raise Conflict(
            f"{draft.quantity_t} t of {draft.unit} ordered, {pledged_t} t pledged, {attached_t} t already frozen",
            zh=f"{draft.unit} 文书 {draft.quantity_t} 吨，该笔质押 {pledged_t} 吨，其中已冻结 {attached_t} 吨",
            field="quantity_t",
            pledged_t=pledged_t,
            frozen_t=attached_t,
        )


def _take_pledged(
    session: Session, actor: Actor, pledge: Pledge, draft: ActDraft, *, standing: Standing, cause: str
) -> None:
    taken = UnitQuantity(unit=draft.unit, quantity_t=draft.quantity_t)
    ledger.take(session, actor, pledge_id=pledge.id, units=(taken,), kind="deduction", standing=standing, cause=cause)
    left = tuple(
        UnitQuantity(unit=one.unit, quantity_t=one.quantity_t - (draft.quantity_t if one.unit == draft.unit else 0))
        for one in pledge.units
        if one.unit != draft.unit or one.quantity_t > draft.quantity_t
    )
    pledge_store.change_units(session, actor, pledge, left)


def _move_pledge(
    session: Session, actor: Actor, pledge: Pledge, kind: ActKind, *, standing: Standing, cause: str
) -> None:
    """Move a drawn pledge by an order against it, and call; elsewhere note the order and strike coverage anew."""
    if pledge.state == "DRAWN" and kind is not ActKind.LIFT:
        restriking.call_by_order(session, actor, pledge.id, event=ACT_EVENT, standing=standing, cause=cause)
        return
    note(session, actor, pledge, _NOTES[kind], standing=standing, cause=cause)
    if pledge.state in IN_FORCE:
        restriking.strike_and_move(session, actor, pledge.id, standing=standing)
