"""One step of a call: its life moves, the step is written into its timeline, and systems are told."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import MarginCall
from collateral.calc.lifecycles import MARGIN_CALL
from collateral.calc.running_calls import LIVE, RunningCall, defaulted
from collateral.service.call_notices import tell_end_of_call, tell_step_of_call
from collateral.store import margin

_TOLD_AS_END = frozenset({"EXPIRED", "RETRACTED", "SETTLED", "DEFAULT"})


def running_of(call: MarginCall) -> RunningCall:
    """Give a call as its life takes it; where only the day of the deadline was kept, its last instant counts."""
    running = margin.running_of(call)
    if running.deadline_at is None and call.deadline is not None:
        return replace(running, deadline_at=end_of_china_day(call.deadline))
    return running


def keep_step(
    session: Session,
    actor: Actor,
    call: MarginCall,
    after: RunningCall,
    *,
    event: str,
    cause: str,
    agreement: str,
    standing: Standing,
    at: datetime | None = None,
) -> MarginCall:
    """Write down where a call stands after a step."""
    moved_at = at or standing.known_at
    closed_on = None if after.state in LIVE else standing.business_date
    changed = margin.change_call(session, call, after, closed_on=closed_on)
    margin.add_call_event(
        session,
        actor,
        {
            "call_id": call.id,
            "event": event,
            "state_before": call.state,
            "state_after": after.state,
            "amount": after.received.amount - call.received_amount or after.amount.amount,
            "business_date": standing.business_date,
            "happened_at": moved_at,
            "cause": cause,
        },
    )
    if after.state in _TOLD_AS_END:
        tell_end_of_call(session, actor, changed, agreement=agreement, state=after.state, at=moved_at)
    else:
        tell_step_of_call(session, actor, changed, state=after.state, at=moved_at)
    return changed


def follow_pledge(
    session: Session, actor: Actor, *, pledge_id: str, code: str, event: str, cause: str, standing: Standing
) -> None:
    """Move the calls of a pledge with the pledge: a late cure settles them, a default defaults them, the end retracts.

    Raises:
        Conflict: A default is declared while a call's grace still runs.
    """
    if event not in _FOLLOWED:
        return
    for seen in margin.live_calls(session, actor, agreement_code=code):
        call = margin.load_call(session, actor, seen.id, lock=True)
        running, step = running_of(call), _FOLLOWED[event].get(call.state)
        if step is None:
            continue
        if event == "declare_default":
            after = defaulted(running, at=standing.known_at)
        else:
            after = replace(running, state=MARGIN_CALL.after(call.state, step))
        keep_step(
            session, actor, call, after, event=step, cause=cause, agreement=f"pledge:{pledge_id}", standing=standing
        )


_FOLLOWED: dict[str, dict[str, str]] = {
    "late cure accepted": {"EXPIRED": "cured in grace"},
    "declare_default": {"EXPIRED": "grace used"},
    "event_of_default": {"EXPIRED": "grace used", "ISSUED": "retract"},
    "repay_all": {"ISSUED": "retract"},
}
"""What a pledge's own step does to its calls, by the state they stand in."""
