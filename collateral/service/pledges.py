"""The life of a pledge, from application to release; each step passes the state machine and is written down."""

from collections.abc import Mapping
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.decisions import load_outcome
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Exposure, Pledge, PledgeDraft, PledgeEvent
from collateral.calc.appraisal import APPRAISAL, AppraisalOutcome
from collateral.calc.freezes import Operation
from collateral.calc.pledge import PLEDGE
from collateral.calc.serials import Ranges
from collateral.service import appraisals, ledger
from collateral.service.call_steps import follow_pledge
from collateral.service.headroom import require_headroom
from collateral.service.holding import require_may_pledge
from collateral.service.pledge_refusals import DRAWDOWN_SOURCE, refuse_drawdown, refuse_release, release_event
from collateral.service.registry_requests import ask_registry
from collateral.service.valuations import post_exposure
from collateral.service.view import desk_view
from collateral.store import enforcements
from collateral.store import pledges as store
from collateral.store.holdings import hold_accounts


def apply_for_pledge(session: Session, actor: Actor, draft: PledgeDraft, *, standing: Standing) -> Pledge:
    """Take an application; the same application again gives the pledge that is there.

    Raises:
        Conflict: The code is taken by another application.
        NotPermitted: The pledgor may not pledge a unit there, by the dated table of holding rights.
        MissingData: The table does not say.
    """
    party = load_party(session, actor, draft.pledgor_id)
    found = _same_pledge(session, actor, draft)
    if found is not None:
        return found
    require_may_pledge(desk_view(session, standing), party, tuple(one.unit for one in draft.units))
    if draft.extends_code and store.find_pledge(session, actor, draft.extends_code) is None:
        raise InvalidInput(
            f"there is no pledge {draft.extends_code} to extend", zh="要延期的质押不存在", field="extends_code"
        )
    return store.add_pledge(
        session,
        actor,
        draft,
        state="APPLIED",
        applied_on=standing.business_date,
        is_sample=party.is_sample or actor.is_sample,
    )


def _same_pledge(session: Session, actor: Actor, draft: PledgeDraft) -> Pledge | None:
    found = store.find_pledge(session, actor, draft.code)
    if found is None:
        return None
    if draft_of(found) != _in_order(draft):
        raise Conflict(
            f"pledge {draft.code} was applied for with other terms",
            zh=f"质押 {draft.code} 已存在且条件不同",
            field="code",
            remedy="Choose another code.",
            remedy_zh="请使用其他编号。",
        )
    return found


def _in_order(draft: PledgeDraft) -> PledgeDraft:
    return PledgeDraft(
        code=draft.code,
        pledgor_id=draft.pledgor_id,
        units=tuple(sorted(draft.units, key=lambda one: str(one.unit))),
        principal_cny=draft.principal_cny,
        end_date=draft.end_date,
        extends_code=draft.extends_code,
    )


def draft_of(pledge: Pledge) -> PledgeDraft:
    """Give the terms of a pledge as they were applied for, units in order."""
    return PledgeDraft(
        code=pledge.code,
        pledgor_id=pledge.pledgor_id,
        units=pledge.units,
        principal_cny=pledge.principal_cny,
        end_date=pledge.end_date,
        extends_code=pledge.extends_code,
    )


def take_step(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    event: str,
    *,
    standing: Standing,
    cause: str,
    decision_id: str | None = None,
    business_date: date | None = None,
) -> Pledge:
    """Move a pledge that was read for update, and write the step into its timeline.

    Raises:
        Conflict: The state does not allow the event; nothing happens.
    """
    after = PLEDGE.after(pledge.state, event)
    store.change_pledge(session, pledge, state=after)
    step = store.Step(
        event=event,
        state_before=pledge.state,
        state_after=after,
        business_date=business_date or standing.business_date,
        happened_at=standing.known_at,
        actor=actor,
        cause=cause,
        decision_id=decision_id,
    )
    store.add_event(session, pledge, step)
    follow_pledge(session, actor, pledge_id=pledge.id, code=pledge.code, event=event, cause=cause, standing=standing)
    return store.load_pledge(session, actor, pledge.id)


def note(session: Session, actor: Actor, pledge: Pledge, event: str, *, standing: Standing, cause: str) -> None:
    """Write into a pledge's timeline what happened without moving it."""
    step = store.Step(
        event=event,
        state_before=pledge.state,
        state_after=pledge.state,
        business_date=standing.business_date,
        happened_at=standing.known_at,
        actor=actor,
        cause=cause,
    )
    store.add_event(session, pledge, step)


def appraise_pledge(session: Session, actor: Actor, pledge_id: str, *, standing: Standing) -> Pledge:
    """Appraise an application and keep the decision; one with a reason against it is rejected with that reason."""
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    PLEDGE.after(pledge.state, "appraise")
    recorded = appraisals.record_appraisal(session, actor, draft_of(pledge), standing=standing)
    store.change_pledge(session, pledge, appraisal_id=recorded.decision_id, refusals=recorded.outcome.refusals)
    pledge = take_step(
        session, actor, pledge, "appraise", standing=standing, cause="押品评估", decision_id=recorded.decision_id
    )
    if recorded.outcome.is_acceptable:
        return pledge
    reasons = "；".join(one.zh for one in recorded.outcome.refusals)
    return take_step(
        session, actor, pledge, "reject", standing=standing, cause=reasons, decision_id=recorded.decision_id
    )


def sign_pledge(
    session: Session, actor: Actor, pledge_id: str, *, standing: Standing, contract: str, agreed: Agreed
) -> Pledge:
    """Note the signed contract that two people agreed to."""
    require_words(contract, "contract", "请填写合同编号")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    return take_step(session, actor, pledge, "sign", standing=standing, cause=f"合同 {contract}{agreed.words}")


def register_pledge(
    session: Session, actor: Actor, pledge_id: str, *, standing: Standing, registration_number: str
) -> Pledge:
    """Note the registration in the movable-asset register (中登网)."""
    require_words(registration_number, "registration_number", "请填写登记证明编号")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    moved = take_step(session, actor, pledge, "register", standing=standing, cause=f"登记证明 {registration_number}")
    store.change_pledge(session, moved, registration_number=registration_number)
    return store.load_pledge(session, actor, pledge_id)


def request_freeze(
    session: Session,
    actor: Actor,
    pledge_id: str,
    *,
    standing: Standing,
    serials: Mapping[Unit, Ranges] | None = None,
) -> Pledge:
    """Reserve the units in the ledger and write the message to the registry, in one transaction.

    Args:
        session: The open transaction.
        actor: Who asks.
        pledge_id: Which pledge.
        standing: The business date and what is known.
        serials: The numbers to be frozen, of units that carry some; where none are named, the lowest free.

    Raises:
        Conflict: Too little is free, a number is not free, the pledgor would lack units to surrender, or the pledge's
            state does not allow it; nothing is reserved or sent.
        InvalidInput: Numbers of a unit that is not pledged or carries none, or that sum to another quantity.
    """
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    # Before any position, as whoever weighs headroom does: two who take them the other way round would stop each other.
    hold_accounts(session, actor, party_id=pledge.pledgor_id)
    _require_pledged(pledge, serials or {})
    moved = take_step(session, actor, pledge, "request_freeze", standing=standing, cause="台账预留并向登记机构申请冻结")
    ledger.reserve(
        session,
        actor,
        agreement_code=pledge.code,
        pledge_id=pledge.id,
        party_id=pledge.pledgor_id,
        units=pledge.units,
        standing=standing,
        cause="申请冻结",
        serials=serials,
    )
    require_headroom(session, actor, pledge, desk_view(session, standing))
    ask_registry(session, actor, pledge, Operation.FREEZE)
    return moved


def _require_pledged(pledge: Pledge, serials: Mapping[Unit, Ranges]) -> None:
    for unit in set(serials) - {one.unit for one in pledge.units}:
        raise InvalidInput(
            f"pledge {pledge.code} has no {unit}", zh=f"质押 {pledge.code} 不含 {unit}", field="serials",
            remedy="Name numbers of the units that are pledged.", remedy_zh="请填写所质押品种的序号。",
        )  # fmt: skip


def draw_pledge(
    session: Session, actor: Actor, pledge_id: str, *, standing: Standing, agreed: Agreed, note: str = ""
) -> Pledge:
    """Pay out the loan behind a pledge, as two people agreed; only when it is registered and every unit is frozen.

    Raises:
        Conflict: A registration is missing or not every unit is locked.
    """
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    refuse_drawdown(session, actor, pledge)
    drawn = f"，借据 {note}" if note else ""
    cause = f"放款 {pledge.principal_cny} 元{drawn}{agreed.words}"
    moved = take_step(session, actor, pledge, "drawdown", standing=standing, cause=cause)
    store.change_pledge(session, moved, drawn_on=standing.business_date)
    post_exposure(session, actor, _drawn(pledge, standing.business_date))
    return store.load_pledge(session, actor, pledge_id)


def _drawn(pledge: Pledge, day: date) -> Exposure:
    return Exposure(
        agreement_code=pledge.code,
        exposure_date=day,
        revision=0,
        principal_cny=pledge.principal_cny,
        accrued_cny=pledge.principal_cny * 0,
        costs_cny=pledge.principal_cny * 0,
        source=DRAWDOWN_SOURCE,
    )


def repay_pledge(
    session: Session,
    actor: Actor,
    pledge_id: str,
    *,
    standing: Standing,
    cause: str,
    evidence_digest: str | None = None,
) -> Pledge:
    """Note that the loan behind a pledge is repaid in full; out of an enforcement only with the file that shows it.

    Raises:
        InvalidInput: The file is not stored, or an enforcement would end without one.
    """
    require_words(cause, "cause", "请填写结清依据")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    digest = evidence_digest or ""
    if digest or pledge.state == "ENFORCING":
        require_evidence(session, actor, digest, subject=f"pledge:{pledge.id}", at=standing.known_at)
    moved = take_step(session, actor, pledge, "repay_all", standing=standing, cause=cause)
    if pledge.state == "ENFORCING":
        enforcement = enforcements.enforcement_of(session, actor, pledge.id, lock=True)
        enforcements.add_step(
            session, actor, enforcement, "repaid", standing=standing, cause=cause, evidence_digest=digest
        )
        enforcements.change_enforcement(session, enforcement, state="ENDED")
    return moved


def request_unfreeze(session: Session, actor: Actor, pledge_id: str, *, standing: Standing, agreed: Agreed) -> Pledge:
    """Ask the registry to unfreeze, as two people agreed; the units stay locked in the ledger until it confirms."""
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    refuse_release(session, actor, pledge)
    cause = f"向登记机构申请解冻{agreed.words}"
    moved = take_step(session, actor, pledge, release_event(pledge), standing=standing, cause=cause)
    ledger.ask_release(session, actor, pledge_id=pledge.id)
    ask_registry(session, actor, pledge, Operation.UNFREEZE)
    return moved


def withdraw_pledge(session: Session, actor: Actor, pledge_id: str, *, standing: Standing, cause: str) -> Pledge:
    """Withdraw a pledge that is approved but not yet frozen."""
    require_words(cause, "cause", "请填写撤回理由")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    return take_step(session, actor, pledge, "withdraw", standing=standing, cause=cause)


def load_pledge(session: Session, actor: Actor, pledge_id: str) -> Pledge:
    """Give a pledge of the actor's organisation."""
    return store.load_pledge(session, actor, pledge_id)


def pledge_by_code(session: Session, actor: Actor, code: str) -> Pledge | None:
    """Give the pledge of the actor's organisation with this code, or None."""
    return store.find_pledge(session, actor, code)


def pledges_of(session: Session, actor: Actor, *, pledgor_id: str | None = None) -> tuple[Pledge, ...]:
    """Give the pledges of the actor's organisation by code, of one pledgor or of all."""
    return store.pledges_of(session, actor, pledgor_id=pledgor_id)


def pledge_page(session: Session, actor: Actor, place: Place) -> Slice[Pledge]:
    """Give a page of the pledges of the actor's organisation by code."""
    return store.pledge_page(session, actor, place)


def timeline_of(session: Session, actor: Actor, pledge_id: str) -> tuple[PledgeEvent, ...]:
    """Give the steps of a pledge."""
    return store.events_of(session, actor, pledge_id)


def appraisal_of(session: Session, actor: Actor, pledge: Pledge) -> AppraisalOutcome | None:
    """Give the appraisal of a pledge that waits to be approved, as it was recorded; None of any other."""
    if pledge.appraisal_id is None or pledge.state not in {"APPRAISED", "DILIGENCE_DONE"}:
        return None
    return load_outcome(session, actor, APPRAISAL, pledge.appraisal_id)


def unconfirmed_of(session: Session, actor: Actor, pledge: Pledge) -> tuple[str, ...]:
    """Name the unconfirmed facts an appraised pledge rests on, to be accepted or confirmed before approval."""
    if pledge.appraisal_id is None:
        return ()
    return load_outcome(session, actor, APPRAISAL, pledge.appraisal_id).unconfirmed


def require_words(text: str, field: str, zh: str) -> None:
    """Refuse an entry that says nothing."""
    if not text.strip():
        raise InvalidInput(f"{field} is empty", zh=zh, field=field)
