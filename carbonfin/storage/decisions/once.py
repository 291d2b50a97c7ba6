"""Decisions made before the writer's lock, kept once for their request's key: on SQLite many of them in one commit.

SQLite has one writer at a time in all processes; what is only read and calculated need not keep the others waiting. Who
comes while others are decided waits in the event loop, and one thread then does the work of all who came: they are
decided in one reading transaction, which asks the database once for what they share, and kept in one writing
transaction, which waits once for the disk. Under the lock a few statements hold them all, each of them several rows:
the keys that nobody used yet, the decisions of these, their seals behind the head, and the head. Where one of many is
refused, each is tried again by itself, so that it spoils no other. Nobody is answered before the commit that holds the
own decision.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions.bulk import decision_rows
from carbonfin.storage.decisions.making import MadeDecision, Recorded, keep_decision
from carbonfin.storage.decisions.rows import DecisionRow
from carbonfin.storage.decisions.sealing import seal_behind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.idempotency import OnceReply, StoredReply, earlier_reply, kept_reply, once, own_key
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
        address: Where it was sent; who asks there at the same time is served together, and waits for nobody else.
    """

    key: str
    input_digest: str
    address: str


class AskedDecision(Generic[O]):
    """One request for a decision on its way, and how it came out."""

    def __init__(
        self,
        actor: Actor,
        request: KeyedRequest,
        prepare: Callable[[Session], MadeDecision[O]],
        answer: Callable[[Recorded[O]], StoredReply],
        *,
        is_of_today: Callable[[Session, MadeDecision[O]], bool],
    ) -> None:
        """Ask for a decision.

        Args:
            actor: Whose decision and key.
            request: What the decision answers.
            prepare: Reads and decides; another thread may have it done, and for several requests in one session.
                Without an approval, so that the decision's maker is the actor.
            answer: Gives the reply, with the decision's identifier in it.
            is_of_today: Whether the business date is still the decision's; if not, it is made again while written.
        """
        self._actor = actor
        self._request = request
        self._prepare = prepare
        self._answer = answer
        self._is_of_today = is_of_today
        self._context = copy_context()  # another thread may do the work, in the asker's own context
        self._earlier: OnceReply | None = None
        self._made: MadeDecision[O] | None = None
        self.task: _Task | None = None
        self.error: Exception | None = None

    @property
    def pile(self) -> str:
        """With what it is decided together."""
        return f"decide {self._actor.organization_id} {self._request.address}"

    def decide(self, session: Session) -> None:
        """Find the reply its key has, or make the decision."""
        try:
            self._context.run(self._decided, session)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            self.error = error

    def _decided(self, session: Session) -> None:
        request = self._request
        self._earlier = earlier_reply(session, self._actor, key=request.key, input_digest=request.input_digest)
        if self._earlier is None:
            self._made = self._prepare(session)

    def write_down(self, sessions: Sessions) -> None:
        """Make the rows of the decision and the reply, if there is one to keep."""
        if self._made is None:
            return
        try:
            self.task = self._context.run(self._written, self._made, sessions)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            self.error = error

    def _written(self, made: MadeDecision[O], sessions: Sessions) -> "_Task":
        (row,), said = decision_rows(
            self._actor, made.kind, [made.written], signed=None, valid_on=made.valid_on, known_at=made.known_at
        )
        recorded = Recorded(decision_id=row["id"], outcome=made.outcome, record_digest=row["record_digest"])
        inserted = insertion(DecisionRow, [row], sessions.engine.dialect, same=said)
        reply = self._answer(recorded)
        return _Task(
            key=tuple(own_key(self._actor, self._request.key).values()),
            reply=(self._request.input_digest, reply.status_code, reply.reply),
            day=made.valid_on.isoformat(), seal=(row["id"], row["record_digest"]), insertion=inserted,
        )  # fmt: skip

    def found(self) -> OnceReply | None:
        """Give the reply, None where nothing is kept yet: the organisation's business date moved on, or none was tried.

        Raises:
            Exception: Why there is none.
        """
        task = self.task
        error = self.error or (None if task is None else task.error)
        if error is not None:
            raise error
        if task is None:
            return self._earlier
        if task.outcome is None:
            return None
        return OnceReply(stored=kept_reply(task.outcome, self._request.input_digest), repeated=not task.is_new)

    def keep_alone(self, sessions: Sessions) -> OnceReply:
        """Keep it in a writing transaction of its own, made again there where its day has been closed."""
        made, request = self._made, self._request

        def work(session: Session) -> StoredReply:
            is_timely = made is not None and self._is_of_today(session, made)
            standing = made if made is not None and is_timely else self._prepare(session)
            return self._answer(keep_decision(session, self._actor, standing))

        return sessions.together(
            lambda session: once(session, self._actor, key=request.key, input_digest=request.input_digest, work=work)
        )


def decide_once(sessions: Sessions, asked: AskedDecision[Any]) -> OnceReply:
    """Make a decision and keep it with the reply to its request, or give the reply that the request's key has already.

    Args:
        sessions: Those of the actor's organisation.
        asked: What is asked for.

    Raises:
        Conflict: The key was used with another request, or the database was busy.
        InvalidInput: The key has another shape.
        Exception: What was raised in deciding; nothing is kept then.
    """
    if _gathers(sessions):
        _decide_all(sessions, [asked])
    else:
        with sessions.read() as session:
            asked.decide(session)
    found = asked.found()
    return found if found is not None else asked.keep_alone(sessions)


async def decided_once(sessions: Sessions, asked: AskedDecision[Any]) -> OnceReply:
    """Have a decision made and kept as `decide_once` does, on SQLite with those that are asked for meanwhile."""
    if not _gathers(sessions):
        return await asyncio.to_thread(decide_once, sessions, asked)
    await sessions.shared_work.gather(asked.pile, asked, partial(_decide_all, sessions))
    found = asked.found()
    return found if found is not None else await asyncio.to_thread(asked.keep_alone, sessions)


def _gathers(sessions: Sessions) -> bool:
    """Whether writers wait for one another: elsewhere than on SQLite there is nothing to gain."""
    return sessions.engine.dialect.name == "sqlite"


def _decide_all(sessions: Sessions, all_asked: Sequence[AskedDecision[Any]]) -> None:
    """Decide all in one state of the database, and keep what is new in one commit."""
    try:
        with sessions.read() as session:
            for asked in all_asked:
                asked.decide(session)
    except Exception as error:  # noqa: BLE001 - each raises it where it was asked for
        for asked in all_asked:
            asked.error = asked.error or error
        return
    for asked in all_asked:
        asked.write_down(sessions)
    tasks = [asked.task for asked in all_asked if asked.task is not None]
    if tasks:
        _keep_all(sessions, tasks)


class _Task:
    """One decision to be kept, and how that came out."""

    def __init__(
        self,
        *,
        key: tuple[str, ...],
        reply: tuple[str, int, str],
        day: str,
        seal: tuple[str, str],
        insertion: Insertion,
    ) -> None:
        self.key = key
        self.reply = reply
        self.day = day
        self.seal = seal
        self.insertion = insertion
        self.is_new = False
        self.outcome: tuple[Any, ...] | None = None
        self.error: Exception | None = None

    @property
    def organization_id(self) -> str:
        """Whose chain it is sealed in."""
        return self.key[0]


def _keep_all(sessions: Sessions, tasks: Sequence[_Task]) -> None:
    """Keep decisions in one commit; where that is refused, each by itself, so that only what is refused fails."""
    has_begun = False
    try:
        with sessions.begin_bare() as connection:
            has_begun = True
            found = _kept(driver_of(connection), tasks, tasks[0].organization_id)
    except Exception as error:  # noqa: BLE001 - each raises it where it was asked for
        if has_begun and len(tasks) > 1:
            for task in tasks:
                _keep_all(sessions, [task])
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
