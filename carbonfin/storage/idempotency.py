"""Requests that may be sent twice: the reply is kept with the work, under the sender's key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import Row, table_of

_KEY_LENGTH_MAX = 255


class IdempotencyKeyRow(Row, table=True):
    """A key with the digest of what came with it and the reply that was given; both are written in one transaction."""

    organization_id: str = Field(primary_key=True, foreign_key="organization.id")
    actor_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    input_digest: str
    status_code: int | None = None
    reply: str | None = None


_KEYS = table_of(IdempotencyKeyRow)
_OWN = (
    _KEYS.c.organization_id == sa.bindparam("of"),
    _KEYS.c.actor_id == sa.bindparam("by"),
    _KEYS.c.key == sa.bindparam("named"),
)
_CLAIM = sa.text(
    "INSERT INTO idempotency_key (organization_id, actor_id, key, input_digest) "
    "VALUES (:of, :by, :named, :digest) ON CONFLICT DO NOTHING RETURNING key"
)
_KEEP = sa.update(_KEYS).where(*_OWN).values(status_code=sa.bindparam("status"), reply=sa.bindparam("answer"))
_KEPT = sa.select(_KEYS.c.input_digest, _KEYS.c.status_code, _KEYS.c.reply).where(*_OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """A reply as it was given: status and body."""

    status_code: int
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceReply:
    """The reply of work done once; `repeated` says it was given before and is given again."""

    stored: StoredReply
    repeated: bool


def once(
    session: Session, actor: Actor, *, key: str, input_digest: str, work: Callable[[Session], StoredReply]
) -> OnceReply:
    """Do the work for a key once; the same key with the same input gives the first reply again.

    The key is claimed before the work and kept in the same transaction: work that raises leaves no key. A second
    request at the same time waits for the first.

    Args:
        session: The open writing transaction.
        actor: Whose key it is; another actor's keys are others.
        key: The `Idempotency-Key`, 1 to 255 printable ASCII characters.
        input_digest: Digest of method, path and body.
        work: What to do the first time.

    Raises:
        Conflict: The key was used with another input.
        InvalidInput: The key has another shape.
    """
    own = own_key(actor, key)
    claimed = execute_prepared(session, _CLAIM, {**own, "digest": input_digest}).all()
    if not claimed:
        return OnceReply(stored=kept_reply(execute_prepared(session, _KEPT, own).one(), input_digest), repeated=True)
    stored = work(session)
    execute_prepared(session, _KEEP, {**own, "status": stored.status_code, "answer": stored.reply})
    return OnceReply(stored=stored, repeated=False)


def earlier_reply(session: Session, actor: Actor, *, key: str, input_digest: str) -> OnceReply | None:
    """Give the reply that a key has already, None where it has none yet; arguments and refusals are those of `once`."""
    row = execute_prepared(session, _KEPT, own_key(actor, key)).one_or_none()
    return None if row is None else OnceReply(stored=kept_reply(row, input_digest), repeated=True)


def own_key(actor: Actor, key: str) -> dict[str, str]:
    """Give organisation, actor and key of a request; a key of another shape is refused (`InvalidInput`)."""
    if not (0 < len(key) <= _KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise InvalidInput(
            "an idempotency key has 1 to 255 printable ASCII characters",
            zh="幂等键应为 1 至 255 个可打印字符",
            field="Idempotency-Key",
            remedy="Send a UUID.",
            remedy_zh="请使用 UUID。",
        )
    return {"of": actor.organization_id, "by": actor.id, "named": key}


def kept_reply(kept: Sequence[Any], input_digest: str) -> StoredReply:
    """Give the reply that stands under a key, from the digest it came with, its status and its body.

    Raises:
        Conflict: The key came with another input.
    """
    kept_digest, status_code, reply = kept
    if kept_digest != input_digest:
        raise Conflict(
            "this idempotency key was used with another request",
            zh="该幂等键已用于其他请求",
            field="Idempotency-Key",
            remedy="Send a new key with a new request.",
            remedy_zh="新的请求请使用新的幂等键。",
        )
    assert status_code is not None, "a kept key has its reply, both being written in one transaction"
    assert reply is not None, "a kept key has its reply, both being written in one transaction"
    return StoredReply(status_code=status_code, reply=reply)
