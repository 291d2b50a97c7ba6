"""Setting seals: each decision in its organisation's chain, in a short locked step.

SQLite lets one writer in at a time, so the seal stands in the decision's own transaction. On PostgreSQL that would make
every writer of a bank wait for the commit of the one before: there the seals of all threads are set together as soon as
their decisions are committed. What a process leaves unsealed when it dies in between is visible (`unsealed_of`) and
sealed by the end of the day (`seal_waiting`).
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import Conflict
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions.rows import DecisionRow, DecisionSealRow
from carbonfin.storage.engine import Sessions, after_commit, before_commit
from carbonfin.storage.prepared import add_lines, driver_of, put_to
from carbonfin.storage.rows import table_of

_UNSEALED = "unsealed_decisions"
_DOUBTED = "organizations_with_decisions_of_savepoints"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """A decision that was written and waits for its seal."""

    id: str
    record_digest: str


_DECISIONS, _SEALS = table_of(DecisionRow), table_of(DecisionSealRow)
_Waiting = dict[str, list[Unsealed]]

# Text, not constructs: every decision pays for these.
_BEGIN = sa.text(
    "INSERT INTO decision_chain (organization_id, length, digest) VALUES (:id, 0, :digest) ON CONFLICT DO NOTHING"
)
_HEAD = "SELECT length, digest FROM decision_chain WHERE organization_id = ?"
_LOCKED_HEAD = sa.text("SELECT length, digest FROM decision_chain WHERE organization_id = :id FOR UPDATE")
_HEAD_AND_WRITTEN = sa.text(
    "SELECT chain.length, chain.digest, decision.id, decision.record_digest FROM decision_chain AS chain "
    "LEFT JOIN decision ON decision.id = ANY(CAST(:ids AS text[])) WHERE chain.organization_id = :id "
    "FOR UPDATE OF chain"
)
_SEAL = "INSERT INTO decision_seal (organization_id, sequence, decision_id, record_digest, digest) VALUES "
_MOVE = (
    "INSERT INTO decision_chain (organization_id, length, digest) VALUES (?, ?, ?) "
    "ON CONFLICT (organization_id) DO UPDATE SET length = excluded.length, digest = excluded.digest"
)
_NOT_YET_SEALED = (
    sa.select(_DECISIONS.c.id, _DECISIONS.c.record_digest)
    .join(_SEALS, _SEALS.c.decision_id == _DECISIONS.c.id, isouter=True)
    .where(_DECISIONS.c.id.in_(sa.bindparam("ids", expanding=True)), _SEALS.c.decision_id.is_(None))
)
_SEALS_AT_ONCE = 5000
"""Five values each, within the 32,766 that a statement takes."""
_SEAL_AND_MOVE = sa.text(  # every round trip to PostgreSQL is one that the bank's other writers wait for
    "WITH moved AS (UPDATE decision_chain SET length = :length, digest = :digest WHERE organization_id = :id) "
    "INSERT INTO decision_seal (organization_id, sequence, decision_id, record_digest, digest) SELECT :id, seal.* "
    "FROM unnest(CAST(:sequences AS bigint[]), CAST(:decision_ids AS text[]), CAST(:record_digests AS text[]), "
    "CAST(:digests AS text[])) AS seal"
)


def seal_soon(session: Session, organization_id: str, decisions: Iterable[Unsealed]) -> None:
    """Have decisions sealed in order: at the end of their transaction on SQLite, after its commit on PostgreSQL."""
    _waiting_of(session).setdefault(organization_id, []).extend(decisions)
    if session.in_nested_transaction():  # a savepoint may be taken back, and its decisions with it
        session.info.setdefault(_DOUBTED, set()).add(organization_id)


def _waiting_of(session: Session) -> _Waiting:
    unsealed: _Waiting | None = session.info.get(_UNSEALED)
    if unsealed is None:
        unsealed = session.info[_UNSEALED] = {}
        waiting = unsealed
        if session.get_bind().dialect.name == "sqlite":
            before_commit(session, lambda session: _seal_alone(session, waiting))
        else:
            after_commit(session, lambda sessions: _seal_together(sessions, waiting))
    return unsealed


def unsealed_ids(session: Session) -> list[str]:
    """Give the decisions of this transaction that wait for their seal, in order."""
    return [one.id for waiting in session.info.get(_UNSEALED, {}).values() for one in waiting]


def unsealed_of(session: Session, organization_id: str) -> tuple[str, ...]:
    """Give the decisions of an organisation that have no seal yet, the oldest first."""
    return tuple(
        session.exec(
            select(DecisionRow.id)
            .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
            .where(DecisionRow.organization_id == organization_id, col(DecisionSealRow.decision_id).is_(None))
            .order_by(DecisionRow.id)
        ).all()
    )


def seal_waiting(session: Session, organization_id: str) -> int:
    """Seal what a process left unsealed when it died, and say how many decisions that were."""
    return _seal_these(session.connection(), organization_id, list(unsealed_of(session, organization_id)))


def genesis(organization_id: str) -> str:
    """Give what the first seal of an organisation stands on."""
    return digest_of({"chain": organization_id})


def seal_digest(previous: str, sequence: int, decision_id: str, record_digest: str) -> str:
    """Give the digest of a seal: over the one before, its place, and the decision with its digest."""
    # The canonical text of the four, written out: a day's run seals ten thousand, and none of them needs escaping.
    return sha256_hex(
        f'{{"decision_id":"{decision_id}","previous":"{previous}","record_digest":"{record_digest}",'
        f'"sequence":{sequence}}}'.encode()
    )


def _seal_alone(session: Session, unsealed: _Waiting) -> None:
    session.flush()
    connection = session.connection()
    doubted = session.info.pop(_DOUBTED, ())
    for organization_id, waiting in ((one, unsealed[one]) for one in sorted(unsealed)):
        if organization_id in doubted:
            _seal_these(connection, organization_id, [one.id for one in waiting])
            continue
        written = [(one.id, one.record_digest) for one in waiting]
        _seal(connection, organization_id, written, _locked_head(connection, organization_id))
    session.info.pop(_UNSEALED)


def _seal_together(sessions: Sessions, unsealed: _Waiting) -> None:
    for organization_id, waiting in unsealed.items():

        def seal(ids: list[str], organization_id: str = organization_id) -> None:
            try:
                with sessions.begin_bare() as connection:
                    is_sealed = _seal_just_written(connection, organization_id, ids)
            except Conflict:  # the end of the day sealed one of them meanwhile
                is_sealed = False
            if not is_sealed:
                with sessions.begin_bare() as connection:
                    _seal_these(connection, organization_id, ids)

        try:
            sessions.shared_work.bring(f"seal {organization_id}", [one.id for one in waiting], seal)
        except (Conflict, SQLAlchemyError):
            # The decision is committed: whoever asked for it is told so. It waits, visible, for the next turn.
            continue


def _seal_just_written(connection: sa.Connection, organization_id: str, decision_ids: list[str]) -> bool:
    """Seal decisions that these threads have just committed, and say whether the chain was begun already.

    Head and decisions are asked for at once. Whether another process has sealed one of them is not seen behind the lock
    then; the database refuses a second seal.
    """
    rows = connection.execute(_HEAD_AND_WRITTEN, {"id": organization_id, "ids": decision_ids}).all()
    if not rows:
        return False
    written = {row.id: row.record_digest for row in rows}  # without those a savepoint took back
    decisions = [(one, written[one]) for one in decision_ids if one in written]
    if decisions:
        _seal(connection, organization_id, decisions, (rows[0].length, rows[0].digest))
    return True


def _seal_these(connection: sa.Connection, organization_id: str, decision_ids: list[str]) -> int:
    """Seal those decisions that are there and have no seal, and say how many they were."""
    if not decision_ids:
        return 0
    head = _locked_head(connection, organization_id)  # first: what another process seals is seen only behind its lock
    decisions = _not_yet_sealed(connection, decision_ids)
    if decisions:
        _seal(connection, organization_id, decisions, head)
    return len(decisions)


def seal_behind(
    driver: sqlite3.Connection,
    organization_id: str,
    decisions: Sequence[tuple[str, str]],
    *,
    length: int | None,
    digest: str | None,
) -> None:
    """Append decisions on SQLite, each with the digest of its record, and move the head; None before the first one."""
    seals = _seals(organization_id, decisions, (length or 0, genesis(organization_id) if digest is None else digest))
    for start in range(0, len(seals), _SEALS_AT_ONCE):
        add_lines(driver, _SEAL, seals[start : start + _SEALS_AT_ONCE])
    _, sequence, _, _, last = seals[-1]
    put_to(driver, _MOVE, (organization_id, sequence, last))


def _seals(
    organization_id: str, decisions: Sequence[tuple[str, str]], head: tuple[int, str]
) -> list[tuple[str, int, str, str, str]]:
    length, digest = head
    seals = []
    for sequence, (decision_id, record_digest) in enumerate(decisions, length + 1):
        digest = seal_digest(digest, sequence, decision_id, record_digest)
        seals.append((organization_id, sequence, decision_id, record_digest, digest))
    return seals


def _seal(
    connection: sa.Connection, organization_id: str, decisions: list[tuple[str, str]], head: tuple[int, str]
) -> None:
    """Append decisions, each with the digest of its record, behind the locked head, and move it."""
    if connection.dialect.name == "sqlite":
        length, digest = head
        seal_behind(driver_of(connection), organization_id, decisions, length=length, digest=digest)
        return
    _, sequences, ids, records, digests = map(list, zip(*_seals(organization_id, decisions, head), strict=True))
    connection.execute(
        _SEAL_AND_MOVE,
        {
            "id": organization_id, "length": sequences[-1], "digest": digests[-1], "sequences": sequences,
            "decision_ids": ids, "record_digests": records, "digests": digests,
        },
    )  # fmt: skip


def _locked_head(connection: sa.Connection, organization_id: str) -> tuple[int, str]:
    """Give length and digest of a chain, which no other writer moves until the transaction ends."""
    if connection.dialect.name == "sqlite":  # the transaction has the database's one lock already
        heads = put_to(driver_of(connection), _HEAD, (organization_id,))
        return heads[0] if heads else (0, genesis(organization_id))
    found = connection.execute(_LOCKED_HEAD, {"id": organization_id}).one_or_none()
    if found is None:
        connection.execute(_BEGIN, {"id": organization_id, "digest": genesis(organization_id)})
        found = connection.execute(_LOCKED_HEAD, {"id": organization_id}).one()
    return int(found[0]), str(found[1])


def _not_yet_sealed(connection: sa.Connection, decision_ids: list[str]) -> list[tuple[str, str]]:
    """Give decisions with their digests in order, without those a savepoint took back or another process sealed."""
    found: dict[str, str] = {}
    for start in range(0, len(decision_ids), _AT_ONCE):
        rows = connection.execute(_NOT_YET_SEALED, {"ids": decision_ids[start : start + _AT_ONCE]})
        found.update((row.id, row.record_digest) for row in rows)
    return [(decision_id, found[decision_id]) for decision_id in decision_ids if decision_id in found]
