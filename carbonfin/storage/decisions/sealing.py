"""Setting seals: each decision in its organisation's chain, in a short locked step.

SQLite lets one writer in at a time, so the seal stands in the decision's own transaction. On PostgreSQL that would make
every writer of a bank wait for the commit of the one before: there the seals of all threads are set together as soon as
their decisions are committed. What a process leaves unsealed when it dies in between is visible (`unsealed_of`) and
sealed by the end of the day (`seal_waiting`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import Conflict
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions.rows import DecisionRow, DecisionSealRow
from carbonfin.storage.engine import Sessions, after_commit, before_commit

_UNSEALED = "unsealed_decisions"
_DOUBTED = "organizations_with_decisions_of_savepoints"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """A decision that was written and waits for its seal."""

    id: str
    record_digest: str


_Waiting = dict[str, list[Unsealed]]

# Text, not constructs: every decision pays for these.
_BEGIN = sa.text(
    "INSERT INTO decision_chain (organization_id, length, digest) VALUES (:id, 0, :digest) ON CONFLICT DO NOTHING"
)
_HEAD = "SELECT length, digest FROM decision_chain WHERE organization_id = :id"
_LOCKED_HEAD = {"sqlite": sa.text(_HEAD), "postgresql": sa.text(f"{_HEAD} FOR UPDATE")}
_SEAL = sa.text(
    "INSERT INTO decision_seal (organization_id, sequence, decision_id, record_digest, digest) "
    "VALUES (:id, :sequence, :decision_id, :record_digest, :digest)"
)
_MOVE = sa.text("UPDATE decision_chain SET length = :length, digest = :digest WHERE organization_id = :id")
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
    return _seal_these(session, organization_id, list(unsealed_of(session, organization_id)))


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
    doubted = session.info.pop(_DOUBTED, ())
    for organization_id, waiting in ((one, unsealed[one]) for one in sorted(unsealed)):
        if organization_id in doubted:
            _seal_these(session, organization_id, [one.id for one in waiting])
            continue
        written = [(one.id, one.record_digest) for one in waiting]
        _seal(session, organization_id, written, _locked_head(session, organization_id))
    session.info.pop(_UNSEALED)


def _seal_together(sessions: Sessions, unsealed: _Waiting) -> None:
    for organization_id, waiting in unsealed.items():

        def seal(ids: list[str], organization_id: str = organization_id) -> None:
            with sessions.begin() as session:
                _seal_these(session, organization_id, ids)

        try:
            sessions.shared_work.bring(f"seal {organization_id}", [one.id for one in waiting], seal)
        except (Conflict, SQLAlchemyError):
            # The decision is committed: whoever asked for it is told so. It waits, visible, for the next turn.
            continue


def _seal_these(session: Session, organization_id: str, decision_ids: list[str]) -> int:
    """Seal those decisions that are there and have no seal, and say how many they were."""
    if not decision_ids:
        return 0
    head = _locked_head(session, organization_id)  # first: what another process seals is seen only behind its lock
    decisions = _not_yet_sealed(session, decision_ids)
    if decisions:
        _seal(session, organization_id, decisions, head)
    return len(decisions)


def _seal(session: Session, organization_id: str, decisions: list[tuple[str, str]], head: tuple[int, str]) -> None:
    """Append decisions, each with the digest of its record, behind the locked head, and move it."""
    length, digest = head
    sequences = list(range(length + 1, length + 1 + len(decisions)))
    digests = []
    for sequence, (decision_id, record_digest) in zip(sequences, decisions, strict=True):
        digest = seal_digest(digest, sequence, decision_id, record_digest)
        digests.append(digest)
    move = {"id": organization_id, "length": sequences[-1], "digest": digest}
    ids, records = zip(*decisions, strict=True)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        names = ("sequence", "decision_id", "record_digest", "digest")
        seals = [
            {"id": organization_id, **dict(zip(names, seal, strict=True))}
            for seal in zip(sequences, ids, records, digests, strict=True)
        ]
        connection.execute(_SEAL, seals)
        connection.execute(_MOVE, move)
        return
    connection.execute(
        _SEAL_AND_MOVE,
        {**move, "sequences": sequences, "decision_ids": [*ids], "record_digests": [*records], "digests": digests},
    )


def _locked_head(session: Session, organization_id: str) -> tuple[int, str]:
    """Give length and digest of a chain, which no other writer moves until the transaction ends."""
    connection = session.connection()
    query = _LOCKED_HEAD[connection.dialect.name]
    found = connection.execute(query, {"id": organization_id}).one_or_none()
    if found is None:
        connection.execute(_BEGIN, {"id": organization_id, "digest": genesis(organization_id)})
        found = connection.execute(query, {"id": organization_id}).one()
    return int(found[0]), str(found[1])


def _not_yet_sealed(session: Session, decision_ids: list[str]) -> list[tuple[str, str]]:
    """Give decisions with their digests in order, without those a savepoint took back or another process sealed."""
    found: dict[str, str] = {}
    for start in range(0, len(decision_ids), _AT_ONCE):
        rows = session.exec(
            select(DecisionRow.id, DecisionRow.record_digest)
            .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
            .where(
                col(DecisionRow.id).in_(decision_ids[start : start + _AT_ONCE]),
                col(DecisionSealRow.decision_id).is_(None),
            )
        )
        found.update(rows.all())
    return [(decision_id, found[decision_id]) for decision_id in decision_ids if decision_id in found]
