"""Decisions made before the writer's lock, kept once for their request's key: on SQLite many of them in one commit.

All that can be made beforehand is: the texts, the digests, the identifier, and the reply with it in. Under the lock a
few statements hold all that came meanwhile, each of them several rows: the keys that nobody used yet, the decisions of
these, their seals behind the head, and the head. Where one of many is refused, each is tried again by itself, so that
it spoils no other. Nobody is answered before the commit that holds the own decision.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions.bulk import decision_rows
from carbonfin.storage.decisions.making import MadeDecision, Recorded
from carbonfin.storage.decisions.rows import DecisionRow
from carbonfin.storage.decisions.sealing import seal_behind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.idempotency import OnceReply, StoredReply, kept_reply, own_key
from carbonfin.storage.prepared import add_lines, driver_of, put_to
from carbonfin.storage.rows import Insertion, insertion

O = TypeVar("O")  # noqa: E741 - outputs
_STANDING = (
    "SELECT organization.business_date, decision_chain.length, decision_chain.digest FROM organization "
    "LEFT JOIN decision_chain ON decision_chain.organization_id = organization.id WHERE organization.id = ?"
)
_CLAIM = "INSERT INTO idempotency_key (organization_id, actor_id, key, input_digest, status_code, reply) VALUES "
_CLAIMED = " ON CONFLICT DO NOTHING RETURNING actor_id, key"
_KEPT = (
    "SELECT input_digest, status_code, reply FROM idempotency_key "
    "WHERE organization_id = ? AND actor_id = ? AND key = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """The request that a decision answers.

    Attributes:
        key: Its `Idempotency-Key`.
        input_digest: Of method, path and body.
    """

    key: str
    input_digest: str


def keep_decision_once(
    sessions: Sessions,
    actor: Actor,
    request: KeyedRequest,
    made: MadeDecision[O],
    answer: Callable[[Recorded[O]], StoredReply],
) -> OnceReply | None:
    """Keep a decision and the reply to its request, or give the reply that the request's key has already.

    Args:
        sessions: Those of the actor's organisation.
        actor: Whose decision and key.
        request: What the decision answers.
        made: The decision; without an approval, so that its maker is the actor.
        answer: Gives the reply, with the decision's identifier in it.

    Returns:
        None where nothing was kept: the organisation's business date is no longer the day the decision is of, or the
        database is not SQLite, whose writers alone gain by this.

    Raises:
        Conflict: The key was used with another request, or the database was busy.
        InvalidInput: The key has another shape.
    """
    dialect = sessions.engine.dialect
    if dialect.name != "sqlite":
        return None
    (row,), said = decision_rows(
        actor, made.kind, [made.written], signed=None, valid_on=made.valid_on, known_at=made.known_at
    )
    recorded = Recorded(decision_id=row["id"], outcome=made.outcome, record_digest=row["record_digest"])
    inserted = insertion(DecisionRow, [row], dialect, same=said)
    task = _Task(
        key=tuple(own_key(actor, request.key).values()), input_digest=request.input_digest, reply=answer(recorded),
        day=made.valid_on, decision_id=row["id"], record_digest=row["record_digest"], insertion=inserted,
    )  # fmt: skip
    pile = f"decide {actor.organization_id}"

    def keep_all(tasks: list[_Task]) -> None:
        _keep_all(sessions, actor.organization_id, tasks, lambda: sessions.shared_work.more(pile))

    sessions.shared_work.bring(pile, [task], keep_all)
    if task.error is not None:
        raise task.error
    kept = task.outcome
    return None if kept is None else OnceReply(stored=kept_reply(kept, request.input_digest), repeated=not task.is_new)


class _Task:
    """One decision on its way, and how it came out."""

    def __init__(
        self, *, key: tuple[str, ...], input_digest: str, reply: StoredReply, day: date, decision_id: str,
        record_digest: str, insertion: Insertion,
    ) -> None:  # fmt: skip
        self.key = key
        self.reply = (input_digest, reply.status_code, reply.reply)
        self.day = day.isoformat()
        self.seal = (decision_id, record_digest)
        self.insertion = insertion
        self.is_new = False
        self.outcome: tuple[Any, ...] | None = None
        self.error: Exception | None = None


def _keep_all(sessions: Sessions, organization_id: str, tasks: list[_Task], more: Callable[[], list[_Task]]) -> None:
    """Keep what waits in one commit; where that is refused, each by itself, so that only what is refused fails."""
    has_begun = False
    try:
        with sessions.begin_bare() as connection:
            has_begun = True
            tasks += more()  # who came while this waited for the lock
            found = _kept(driver_of(connection), tasks, organization_id)
    except Exception as error:  # noqa: BLE001 - each raises it where it was asked for
        if has_begun and len(tasks) > 1:
            for task in tasks:
                _keep_all(sessions, organization_id, [task], list)
            return
        for task in tasks:
            task.error = error
        return
    for task, (is_new, outcome) in zip(tasks, found, strict=True):
        task.is_new, task.outcome = is_new, outcome


def _kept(
    driver: sqlite3.Connection, tasks: Sequence[_Task], organization_id: str
) -> list[tuple[bool, tuple[Any, ...] | None]]:
    """Keep what is new, and give for each task whether it was, and digest and reply as they stand under its key."""
    ((day, length, digest),) = put_to(driver, _STANDING, [organization_id])
    timely = [task for task in tasks if task.day == day]
    claimed = set(add_lines(driver, _CLAIM, [(*task.key, *task.reply) for task in timely], ending=_CLAIMED))
    new: list[_Task] = []
    for task in timely:
        if task.key[1:] in claimed:  # of two with one key the first that came
            claimed.discard(task.key[1:])
            new.append(task)
    if new:
        add_lines(driver, new[0].insertion.text, [task.insertion.lines[0] for task in new])
        seal_behind(driver, organization_id, [task.seal for task in new], length=length, digest=digest)
    kept_before = {task: put_to(driver, _KEPT, task.key)[0] for task in timely if task not in new}
    return [(True, task.reply) if task in new else (False, kept_before.get(task)) for task in tasks]
