"""A margin call from calculation to settlement or default: each step an edge of its life, with amounts and hours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.units import Currency, Money
from collateral.calc.call_timing import (
    CallTiming,
    grace_end,
    is_notified_in_time,
    resolution_deadline,
    transfer_deadline,
)
from collateral.calc.lifecycles import MARGIN_CALL
from collateral.calc.margin import MarginMovement

LIVE = frozenset(
    {"ISSUED", "AGREED", "PARTIALLY_AGREED", "DISPUTED", "RESOLVED", "IN_TRANSIT", "FAILED", "EXPIRED"}
)  # fmt: skip
"""States in which the amount called is still awaited."""

_EXPIRING = {
    "ISSUED": "no answer by deadline",
    "AGREED": "not settled by deadline",
    "FAILED": "deadline",
    "IN_TRANSIT": "deadline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCall:
    """One call: what is demanded, what has come in, and until when; hours are known once they begin to count.

    Attributes:
        deadline_at: Last instant of the transfer.
        resolution_at: Last instant of the recalculation, in a dispute.
        grace_end_at: Last instant of a cure, once expired.
    """

    state: str
    amount: Money
    received: Money
    deadline_at: datetime | None = None
    resolution_at: datetime | None = None
    grace_end_at: datetime | None = None

    @property
    def outstanding(self) -> Money:
        """What is still awaited; never negative."""
        return Money(max((self.amount - self.received).minor, 0), self.amount.currency)


def calculated_call(movement: MarginMovement) -> RunningCall:
    """Begin a call with the delivery of a valuation date."""
    nothing = Money(0, movement.delivery.currency)
    return RunningCall(state="CALCULATED", amount=movement.delivery, received=nothing)


def dropped(call: RunningCall) -> RunningCall:
    """Drop a calculated call of which nothing moves, because it is below the minimum transfer."""
    if call.amount.minor:
        raise _refused(call, "amount<MTA", f"{call.amount} is due", f"应追加 {call.amount}")
    return _after(call, "amount<MTA")


def announced(call: RunningCall) -> RunningCall:
    """Announce a call that will be issued."""
    _require_amount(call, "notify")
    return _after(call, "notify")


def issued(call: RunningCall, timing: CallTiming, *, at: datetime) -> RunningCall:
    """Issue a call; straight from calculation only while it counts for the day, else it is announced first."""
    event = "issue" if call.state == "EXPECTED" else "issue before notification time"
    MARGIN_CALL.after(call.state, event)
    _require_amount(call, event)
    if call.state == "CALCULATED" and not is_notified_in_time(timing, at):
        raise _refused(call, event, f"{at} is after the notification time", "已过通知时点")
    return replace(_after(call, event), deadline_at=transfer_deadline(timing, at))


def agreed(call: RunningCall) -> RunningCall:
    """Record that the pledgor agrees in full."""
    return _after(call, "agree in full")


def partly_agreed(
    call: RunningCall, undisputed: Money, timing: CallTiming, *, at: datetime
) -> tuple[RunningCall, RunningCall]:
    """Split a call: the undisputed part, which moves at once, and the rest, in dispute; together the amount called.

    What has come in before counts for the undisputed part first.

    Raises:
        InvalidInput: The undisputed part is not more than zero and less than the amount.
    """
    MARGIN_CALL.after(call.state, "agree part")
    rest = call.amount - undisputed
    if undisputed.minor <= 0 or rest.minor <= 0:
        raise InvalidInput(
            f"{undisputed} is no part of {call.amount}", zh="无争议部分须大于零且小于追加金额", field="undisputed"
        )
    first = Money(min(call.received.minor, undisputed.minor), undisputed.currency)
    contested = disputed(replace(call, amount=rest, received=call.received - first), timing, at=at)
    return replace(_after(call, "agree part"), amount=undisputed, received=first), contested


def disputed(call: RunningCall, timing: CallTiming, *, at: datetime) -> RunningCall:
    """Record that the pledgor disputes a call, and until when it is recalculated."""
    return replace(_after(call, "dispute"), resolution_at=resolution_deadline(timing, at))


def retracted(call: RunningCall) -> RunningCall:
    """Take an issued call back: newer calculation, wrong party or revised terms."""
    return _after(call, "retract")


def resolved(call: RunningCall, recalculated: Money) -> RunningCall:
    """Set a disputed amount to what the recalculation gave; that may be nothing.

    Raises:
        InvalidInput: The recalculated amount is negative: that is a return, not a call.
    """
    if (recalculated - Money(0, call.amount.currency)).minor < 0:
        raise InvalidInput(f"a call of {recalculated}", zh="重算金额不能为负", field="recalculated")
    return replace(_after(call, "resolution time: recalculate"), amount=recalculated)


def accepted(call: RunningCall, timing: CallTiming, *, at: datetime) -> RunningCall:
    """Take the recalculated amount as agreed; its transfer is due as if called at that instant."""
    return replace(_after(call, "amount"), deadline_at=transfer_deadline(timing, at))


def sent(call: RunningCall) -> RunningCall:
    """Put the agreed or the undisputed amount in transit."""
    event = "undisputed part moves now" if call.state == "PARTIALLY_AGREED" else "pledge assets"
    return _after(call, event)


def rejected(call: RunningCall) -> RunningCall:
    """Record that a transfer failed."""
    return _after(call, "rejected")


def resent(call: RunningCall) -> RunningCall:
    """Instruct a failed transfer again."""
    return _after(call, "re-instruct")


def confirmed(call: RunningCall, received: Money, *, at: datetime) -> RunningCall:
    """Record what came in; a top-up is always accepted, and one that covers the call settles it.

    In transit a full amount settles; expired, it cures until the grace ends. In every other live state, and where the
    amount does not cover, it is kept and nothing else changes.

    Raises:
        InvalidInput: The amount is negative, or zero while something is awaited.
        Conflict: Nothing is awaited in this state.
    """
    if received.minor < 0 or (received.minor == 0 and call.outstanding.minor):
        raise InvalidInput(f"{received} received", zh="到账金额须为正数", field="received")
    if call.state not in LIVE:
        MARGIN_CALL.after(call.state, "confirmed")
    kept = replace(call, received=call.received + received)
    if kept.outstanding.minor:
        return kept
    if call.state == "IN_TRANSIT":
        return _after(kept, "confirmed")
    in_grace = call.state == "EXPIRED" and call.grace_end_at is not None and aware(at) <= call.grace_end_at
    return _after(kept, "cured in grace") if in_grace else kept


def expired(call: RunningCall, timing: CallTiming, *, at: datetime) -> RunningCall:
    """Expire a call whose transfer deadline has passed, and begin its grace.

    Raises:
        Conflict: The state does not expire, or the deadline has not passed.
    """
    event = _EXPIRING.get(call.state, "deadline")
    MARGIN_CALL.after(call.state, event)
    deadline_at = call.deadline_at
    if deadline_at is None or aware(at) <= deadline_at:
        raise _refused(call, event, f"it may be met until {deadline_at}", f"补足期限至 {deadline_at}")
    return replace(_after(call, event), grace_end_at=grace_end(timing, deadline_at))


def extended(call: RunningCall, *, until: datetime) -> RunningCall:
    """Lengthen the grace of an expired call, as the secured party may; a late transfer then still cures.

    Raises:
        Conflict: The call has not expired.
    """
    if call.state != "EXPIRED":
        raise _refused(call, "extension", "only an expired call has a grace", "仅逾期的通知有宽限期")
    if call.grace_end_at is None or aware(until) <= call.grace_end_at:
        raise _refused(
            call, "extension", f"its grace already runs until {call.grace_end_at}", f"宽限期已至 {call.grace_end_at}"
        )
    return replace(call, grace_end_at=aware(until))


def defaulted(call: RunningCall, *, at: datetime) -> RunningCall:
    """Declare default on an expired call whose grace is used up.

    Raises:
        Conflict: The call has not expired, its grace has not ended, or it has been met.
    """
    MARGIN_CALL.after(call.state, "grace used")
    if call.grace_end_at is None or aware(at) <= call.grace_end_at or not call.outstanding.minor:
        raise _refused(
            call, "grace used", f"{call.outstanding} may be met until {call.grace_end_at}",
            f"宽限期至 {call.grace_end_at}，未补足 {call.outstanding}",
        )  # fmt: skip
    return _after(call, "grace used")


def awaited(calls: Iterable[RunningCall], currency: Currency) -> Money:
    """Give what live calls still await: it counts as in transit, so that the same day makes no second call."""
    total = Money(0, currency)
    for call in calls:
        if call.state in LIVE:
            total = total + call.outstanding
    return total


def _after(call: RunningCall, event: str) -> RunningCall:
    return replace(call, state=MARGIN_CALL.after(call.state, event))


def _require_amount(call: RunningCall, event: str) -> None:
    MARGIN_CALL.after(call.state, event)
    if not call.amount.minor:
        raise _refused(call, event, "nothing is due", "应追加金额为零")


def _refused(call: RunningCall, event: str, why: str, why_zh: str) -> Conflict:
    return Conflict(
        f"margin call in state {call.state} refuses {event}: {why}",
        zh=f"追加担保通知（{MARGIN_CALL.states[call.state]}）不允许执行“{event}”：{why_zh}",
        field="event",
        state=call.state,
        event=event,
    )
