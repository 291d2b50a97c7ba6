"""Replays of decisions as the edges ask for them: a batch is made again with every one of its items."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlmodel import Session

import loans.service
from carbonfin.app.decisions import kinds
from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import Replay, load_decision, replay_decision

_ITEMS: Mapping[str, Callable[[Session, Actor, str], tuple[str, ...]]] = {
    loans.service.RATE_BATCH: loans.service.rate_batch_differences
}
"""By kind of batch what makes its items again and says where they differ."""


def at_hand(session: Session, actor: Actor, decision_id: str) -> bool:
    """Whether a decision's kind, in its version, is of this release; an older release replays the others."""
    record = load_decision(session, actor, decision_id)
    return any((one.name, one.version) == (record.kind, record.version) for one in kinds.decision_kinds())


def replayed(session: Session, actor: Actor, decision_id: str) -> Replay:
    """Make a decision again, with its items where it is a batch; ask `load_decision` first whose it is.

    Raises:
        NotFound: There is no such decision.
        NotApplicable: Its kind, in its version, is not of this release.
    """
    found = replay_decision(session, kinds.decision_kinds(), decision_id)
    again = _ITEMS.get(found.kind)
    differences = () if again is None else again(session, actor, decision_id)
    return replace(found, same=found.same and not differences, differences=(*found.differences, *differences))
