"""Substitutions and partial releases before the checkers: weighed again on the day, unconfirmed facts by name."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, standing_of
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.pledge_changes import CHANGE, ChangeDraft, ChangeKind, PledgeChange
from collateral.calc.serials import Ranges
from collateral.service import change_steps, changes
from collateral.service.view import desk_view
from collateral.store import pledge_changes as store
from collateral.store import pledges as pledge_store
from collateral.store.holdings import hold_accounts

_TITLES = {
    ChangeKind.SUBSTITUTION: ("置换押品", "Substitution"),
    ChangeKind.PART_RELEASE: ("部分解押", "Partial release"),
    ChangeKind.CONVERSION: ("转换配额年度", "Conversion of a vintage"),
}


def propose_change(
    session: Session, actor: Actor, pledge_id: str, draft: ChangeDraft, *, standing: Standing
) -> PledgeChange:
    """Ask for a change; one that frees units is put before the checkers in the same step.

    Raises:
        Conflict: As `start_change`.
    """
    change = changes.start_change(session, actor, pledge_id, draft, standing=standing)
    if change.state != "PROPOSED" or waiting_change_approval(session, actor, change.id) is not None:
        return change
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    approvals.propose(session, actor, CHANGE_APPROVAL, _proposal(pledge, change), at=standing.known_at)
    return change


def approve_change(
    session: Session,
    checker: Actor,
    change_id: str,
    *,
    standing: Standing,
    reason: str,
    accepted_unconfirmed: tuple[str, ...],
) -> PledgeChange:
    """Approve a change as another person than its maker, after weighing it again on the day.

    Raises:
        NotPermitted: The checker is the maker, or the role may not approve.
        Conflict: An unconfirmed fact was not accepted by name, or a reason stands against the change today.
    """
    change = store.load_change(session, checker, change_id)
    CHANGE.after(change.state, "approve")
    waiting = waiting_change_approval(session, checker, change.id)
    if waiting is None:
        raise Conflict(
            f"change {change.number} is not before the checkers",
            zh="该项变更未提交复核",
            field="change_id",
        )
    approvals.approve(
        session,
        checker,
        waiting.id,
        kinds=(CHANGE_APPROVAL,),
        answer=Answer(reason=reason, accepted=accepted_unconfirmed),
        at=standing.known_at,
        business_date=standing.business_date,
    )
    return store.load_change(session, checker, change_id)


def waiting_change_approval(session: Session, actor: Actor, change_id: str) -> Approval | None:
    """Give the approval a change waits for, if it does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=CHANGE_APPROVAL.name, subject=_subject(change_id)
    )


def _proposal(pledge: Pledge, change: PledgeChange) -> ProposalDraft:
    zh, en = _TITLES[change.kind]
    return ProposalDraft(
        subject=_subject(change.id),
        title_zh=f"{zh}：质押 {pledge.code}",
        title_en=f"{en} of pledge {pledge.code}",
        payload={
            "code": pledge.code,
            "pledge_id": pledge.id,
            "number": change.number,
            "kind": change.kind.value,
            "added": _shown(change.added),
            "freed": _shown(change.freed),
            **_numbers("added_serials", change.added_serials),
            **_numbers("freed_serials", change.freed_serials),
            "repayment_cny": str(change.repayment_cny),
            "appraisal_id": change.decision_id,
            **({"evidence_digest": change.evidence_digest} if change.evidence_digest else {}),
        },
        reason=change.reason,
    )


def _shown(units: tuple[UnitQuantity, ...]) -> list[dict[str, str | int]]:
    return [{"unit": str(one.unit), "quantity_t": one.quantity_t} for one in units]


def _numbers(name: str, serials: Mapping[Unit, Ranges]) -> dict[str, str]:
    """Give the numbers chosen as the checker reads them; nothing where none are."""
    said = "；".join(f"{unit} {one}" for unit, ranges in serials.items() for one in ranges)
    return {name: said} if said else {}


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Weigh the change again, and carry it out unless something stands against it today.

    The pledgor's accounts are held from before it is weighed: two changes that leave headroom each may not leave it
    together, so those that are approved at once are weighed one after the other.
    """
    seen = store.load_change(session, checker, _change_id(approval))
    pledge = pledge_store.load_pledge(session, checker, seen.pledge_id, lock=True)
    hold_accounts(session, checker, party_id=pledge.pledgor_id)
    change = store.load_change(session, checker, seen.id, lock=True)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    recorded = changes.record_change(
        session,
        checker,
        pledge,
        changes.draft_of_change(change),
        desk_view(session, standing),
        principal_max_cny=change.principal_max_cny if change.repayment_cny else None,
    )
    changes.refuse_against(pledge, recorded.outcome.refusals)
    _require_accepted(pledge, recorded.outcome.unconfirmed, answer.accepted)
    approved = change_steps.take_change_step(
        session, checker, change, "approve", standing=standing, cause=answer.reason, decision_id=recorded.decision_id
    )
    if change.kind is ChangeKind.CONVERSION:
        change_steps.ask_conversion(session, checker, pledge, approved, standing=standing, cause=answer.reason)
        return
    if change.kind is ChangeKind.SUBSTITUTION:
        change_steps.ask_freeze(session, checker, pledge, approved, standing=standing, cause=answer.reason)
        return
    change_steps.ask_unfreeze(
        session, checker, pledge, approved, standing=standing, cause=answer.reason, decision_id=recorded.decision_id
    )


def _require_accepted(pledge: Pledge, unconfirmed: tuple[str, ...], accepted: tuple[str, ...]) -> None:
    missing = [one for one in unconfirmed if one not in accepted]
    if missing:
        raise Conflict(
            f"the change of pledge {pledge.code} rests on unconfirmed facts: {', '.join(missing)}",
            zh=f"该项变更依据的以下事实未确认，须逐项同意：{'、'.join(missing)}",
            field="accepted_unconfirmed",
            remedy="Confirm the facts, or accept each by name.",
            remedy_zh="请先核实，或在审批时逐项列明同意。",
            unconfirmed=missing,
        )


def _refuse(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """End the change with the reason of its rejection."""
    _end(session, checker, approval, "reject", reason=answer.reason, at=at)


def _taken_back(session: Session, maker: Actor, approval: Approval, reason: str, at: datetime) -> None:
    """End the change with its approval, wherever that was withdrawn or expired."""
    _end(session, maker, approval, "withdraw", reason=reason, at=at)


def _end(session: Session, actor: Actor, approval: Approval, event: str, *, reason: str, at: datetime) -> None:
    change = store.load_change(session, actor, _change_id(approval), lock=True)
    standing = standing_of(session, actor.organization_id, FixedClock(at))
    change_steps.take_change_step(session, actor, change, event, standing=standing, cause=reason)


CHANGE_APPROVAL = ApprovalKind(
    name="collateral.pledge_change",
    title_zh="质押变更",
    title_en="Change of a pledge",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    refuse=_refuse,
    taken_back=_taken_back,
    address=lambda approval: f"/pledges/{approval.payload['pledge_id']}/changes/{_change_id(approval)}",
)


def _subject(change_id: str) -> str:
    return f"pledge-change:{change_id}"


def _change_id(approval: Approval) -> str:
    return approval.subject.removeprefix("pledge-change:")
