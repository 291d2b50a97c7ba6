"""What the registry's answers do to a change, and what people do with one that it refused."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.pledge_changes import CHANGE, ChangeKind, PledgeChange
from collateral.registries.port import Answer, RegistryReply
from collateral.service import change_steps, changes, ledger
from collateral.service.change_approvals import CHANGE_APPROVAL, waiting_change_approval
from collateral.service.view import desk_view
from collateral.store import pledge_changes as store
from collateral.store import pledges as pledge_store

_EVENTS: dict[tuple[str, Answer], str] = {
    ("FREEZE_REQUESTED", Answer.DONE): "registry_confirms",
    ("FREEZE_REQUESTED", Answer.REJECTED): "registry_rejects",
    ("FREEZE_REQUESTED", Answer.UNKNOWN): "timeout",
    ("FREEZE_REQUESTED", Answer.NOT_FOUND): "timeout",
    ("FREEZE_UNKNOWN", Answer.DONE): "query:frozen",
    ("FREEZE_UNKNOWN", Answer.REJECTED): "query:not_frozen",
    ("FREEZE_UNKNOWN", Answer.NOT_FOUND): "query:not_frozen",
    ("UNFREEZE_REQUESTED", Answer.DONE): "registry_confirms",
    ("UNFREEZE_REQUESTED", Answer.REJECTED): "registry_rejects",
    ("UNFREEZE_REQUESTED", Answer.UNKNOWN): "timeout",
    ("UNFREEZE_REQUESTED", Answer.NOT_FOUND): "timeout",
    ("UNFREEZE_UNKNOWN", Answer.DONE): "query:unfrozen",
    ("UNFREEZE_UNKNOWN", Answer.REJECTED): "query:still_frozen",
    ("UNFREEZE_UNKNOWN", Answer.NOT_FOUND): "query:still_frozen",
    ("CONVERSION_REQUESTED", Answer.DONE): "registry_confirms",
    ("CONVERSION_REQUESTED", Answer.REJECTED): "registry_rejects",
    ("CONVERSION_REQUESTED", Answer.UNKNOWN): "timeout",
    ("CONVERSION_REQUESTED", Answer.NOT_FOUND): "timeout",
    ("CONVERSION_UNKNOWN", Answer.DONE): "query:converted",
    ("CONVERSION_UNKNOWN", Answer.REJECTED): "query:not_converted",
    ("CONVERSION_UNKNOWN", Answer.NOT_FOUND): "query:not_converted",
}


def take_change_answer(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    change: PledgeChange,
    reply: RegistryReply,
    *,
    standing: Standing,
    cause: str,
) -> bool:
    """Move a change by what the registry answered, pledge and change held; tell whether that ends the request.

    Without a definite answer nothing is voided and nothing freed.
    """
    event = _EVENTS.get((change.state, reply.answer))
    if event is None:
        return False
    moved = change_steps.take_change_step(session, actor, change, event, standing=standing, cause=cause)
    if moved.state == "FREEZE_REFUSED":
        ledger.void(session, actor, pledge_id=pledge.id, standing=standing, cause=cause, change_id=change.id)
    elif moved.state == "DONE" and moved.kind is ChangeKind.CONVERSION:
        change_steps.units_converted(session, actor, pledge, moved, standing=standing, cause=cause)
    elif moved.state == "DONE":
        ledger.release(session, actor, pledge_id=pledge.id, standing=standing, cause=cause, change_id=change.id)
    elif moved.state == "NEW_LOCKED":
        change_steps.units_locked(session, actor, pledge, moved, standing=standing, cause=cause)
        _after_lock(session, actor, moved, standing=standing)
    return event != "timeout"


def _after_lock(session: Session, actor: Actor, change: PledgeChange, *, standing: Standing) -> PledgeChange:
    """End a top-up; let the old units of a substitution go, unless something stands against that today."""
    if change.kind is ChangeKind.TOP_UP:
        is_listed = not changes.change_outcome(session, actor, change).unlisted
        cause = "新押品已冻结并计入押品价值" if is_listed else "新押品已冻结，担保品清单准入之前不计入押品价值"
        return change_steps.take_change_step(session, actor, change, "complete", standing=standing, cause=cause)
    try:
        with session.begin_nested():
            return free_old(session, actor, change.id, standing=standing)
    except CarbonFinError as error:
        return change_steps.take_change_step(
            session, actor, change, "hold_back", standing=standing, cause=f"原押品暂不释放：{error.zh}"
        )


def free_old(session: Session, actor: Actor, change_id: str, *, standing: Standing) -> PledgeChange:
    """Let the old units of a substitution go, now that the new ones are frozen; weighed again on the day.

    Raises:
        Conflict: The new units are not frozen yet, or a reason stands against it, with its figures.
    """
    pledge, change = _locked(session, actor, change_id)
    CHANGE.after(change.state, "ask_unfreeze")
    if change.kind is ChangeKind.TOP_UP or change.state != "NEW_LOCKED":
        raise Conflict(
            f"change {change.number} has no old units to free in state {change.state}",
            zh="新押品尚未冻结，不得释放原押品",
            field="state",
        )
    recorded = changes.record_freeing(session, actor, pledge, change, desk_view(session, standing))
    changes.refuse_against(pledge, recorded.outcome.refusals)
    return change_steps.ask_unfreeze(
        session, actor, pledge, change, standing=standing, cause="新押品已冻结，释放原押品",
        decision_id=recorded.decision_id,
    )  # fmt: skip


def ask_again(session: Session, actor: Actor, change_id: str, *, standing: Standing, cause: str) -> PledgeChange:
    """Ask the registry anew, under a new key, for what it refused.

    Raises:
        Conflict: It did not refuse.
    """
    _require_words(cause, "请填写再次申请的理由")
    pledge, change = _locked(session, actor, change_id)
    if change.state == "UNFREEZE_REFUSED":
        return change_steps.ask_unfreeze(session, actor, pledge, change, standing=standing, cause=cause)
    if change.state == "CONVERSION_REFUSED":
        return change_steps.ask_conversion(session, actor, pledge, change, standing=standing, cause=cause)
    CHANGE.after(change.state, "ask_freeze")
    if change.state != "FREEZE_REFUSED":
        raise Conflict(
            f"change {change.number} was not refused by the registry", zh="登记机构未拒绝该申请", field="state"
        )
    return change_steps.ask_freeze(session, actor, pledge, change, standing=standing, cause=cause)


def withdraw_change(session: Session, actor: Actor, change_id: str, *, standing: Standing, reason: str) -> PledgeChange:
    """Take a change back: one that waits, one whose freeze was refused, or a substitution before old units go.

    The new units of a substitution stay pledged.

    Raises:
        NotPermitted: It waits for approval and another person asked for it.
        Conflict: It is with the registry, or has ended.
    """
    _require_words(reason, "请填写撤回理由")
    _, change = _locked(session, actor, change_id)
    CHANGE.after(change.state, "withdraw")
    waiting = waiting_change_approval(session, actor, change.id)
    if waiting is not None:
        approvals.withdraw(session, actor, waiting.id, kinds=(CHANGE_APPROVAL,), reason=reason, at=standing.known_at)
        return store.load_change(session, actor, change.id)
    return change_steps.take_change_step(session, actor, change, "withdraw", standing=standing, cause=reason)


def _locked(session: Session, actor: Actor, change_id: str) -> tuple[Pledge, PledgeChange]:
    """Give a change and its pledge for update, the pledge first, so that two transactions cannot deadlock."""
    seen = store.load_change(session, actor, change_id)
    pledge = pledge_store.load_pledge(session, actor, seen.pledge_id, lock=True)
    return pledge, store.load_change(session, actor, change_id, lock=True)


def _require_words(text: str, zh: str) -> None:
    if not text.strip():
        raise InvalidInput("a reason is needed", zh=zh, field="reason")
