"""The hash chain over an organisation's decisions: sealed at the end of each transaction, verified row by row."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions.rows import DecisionChainRow, DecisionRow, DecisionSealRow, record_digest_of
from carbonfin.storage.engine import before_commit

_UNSEALED = "unsealed_decisions"
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """One place where the record is not what was sealed."""

    sequence: int | None
    decision_id: str | None
    detail: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a verification found; the head digest, printed and kept elsewhere, proves that nothing was cut off."""

    organization_id: str
    length: int
    head_digest: str
    faults: tuple[ChainFault, ...]

    @property
    def intact(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


def seal_at_commit(session: Session, row: DecisionRow) -> None:
    """Have a decision sealed at the end of its transaction, so that the chain's lock is held only briefly."""
    unsealed: list[tuple[str, str]] = session.info.setdefault(_UNSEALED, [])
    unsealed.append((row.organization_id, row.id))
    before_commit(session, _seal)


def unsealed_ids(session: Session) -> list[str]:
    """Give the decisions of this transaction that wait for their seal, in order."""
    return [decision_id for _, decision_id in session.info.get(_UNSEALED, [])]


def verify_chain(session: Session, organization_id: str) -> ChainReport:
    """Recompute an organisation's chain from its rows and name each decision changed, removed or slipped in."""
    faults: list[ChainFault] = []
    previous = _genesis(organization_id)
    sequence = 0
    sealed = (
        select(DecisionSealRow, DecisionRow)
        .join(DecisionRow, col(DecisionRow.id) == DecisionSealRow.decision_id, isouter=True)
        .where(DecisionSealRow.organization_id == organization_id)
        .order_by(col(DecisionSealRow.sequence))
        .execution_options(yield_per=_ROWS_AT_ONCE, populate_existing=True)
    )
    for seal, decision in session.exec(sealed):
        sequence += 1
        if seal.sequence != sequence:
            faults.append(_fault(sequence, None, "seals were removed before this one", "此前的封印缺失"))
            sequence = seal.sequence
        if decision is None:
            faults.append(_fault(sequence, seal.decision_id, "the decision was removed", "决定已被删除"))
        elif {record_digest_of(decision), decision.record_digest} != {seal.record_digest}:
            faults.append(_fault(sequence, seal.decision_id, "the decision was changed", "决定内容已被改动"))
        if seal.digest != _seal_digest(previous, sequence, seal.decision_id, seal.record_digest):
            faults.append(
                _fault(sequence, seal.decision_id, "the seal does not fit the one before", "封印与前一封印不符")
            )
        previous = seal.digest
    faults.extend(_unsealed_faults(session, organization_id))
    head = session.get(DecisionChainRow, organization_id)
    if (0 if head is None else head.length) != sequence or (head is not None and head.digest != previous):
        faults.append(_fault(None, None, "the chain's head names another end: seals were cut off", "链尾与记录不符"))
    return ChainReport(organization_id=organization_id, length=sequence, head_digest=previous, faults=tuple(faults))


def _unsealed_faults(session: Session, organization_id: str) -> list[ChainFault]:
    known = set(unsealed_ids(session))
    loose = session.exec(
        select(DecisionRow.id)
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
        .where(DecisionRow.organization_id == organization_id, col(DecisionSealRow.decision_id).is_(None))
        .order_by(DecisionRow.id)
    ).all()
    return [
        _fault(None, decision_id, "the decision was slipped in: it has no seal", "决定未经封印")
        for decision_id in loose
        if decision_id not in known
    ]


def _seal(session: Session) -> None:
    """Append the transaction's decisions to their organisations' chains."""
    session.flush()
    unsealed: list[tuple[str, str]] = session.info.pop(_UNSEALED, [])
    by_organization: dict[str, list[str]] = {}
    for organization_id, decision_id in unsealed:
        by_organization.setdefault(organization_id, []).append(decision_id)
    for organization_id in sorted(by_organization):
        _extend(session, organization_id, _stored_digests(session, by_organization[organization_id]))


def _stored_digests(session: Session, decision_ids: list[str]) -> list[tuple[str, str]]:
    """Give the digests of decisions in order, without those a savepoint took back."""
    found: dict[str, str] = {}
    for start in range(0, len(decision_ids), _ROWS_AT_ONCE):
        some = decision_ids[start : start + _ROWS_AT_ONCE]
        rows = session.exec(select(DecisionRow.id, DecisionRow.record_digest).where(col(DecisionRow.id).in_(some)))
        found.update(rows.all())
    return [(decision_id, found[decision_id]) for decision_id in decision_ids if decision_id in found]


def _extend(session: Session, organization_id: str, decisions: list[tuple[str, str]]) -> None:
    """Lock the chain's head, seal the decisions behind it, and move the head."""
    if not decisions:
        return
    session.execute(
        sa.text(
            "INSERT INTO decision_chain (organization_id, length, digest) "
            "VALUES (:id, 0, :digest) ON CONFLICT DO NOTHING"
        ),
        {"id": organization_id, "digest": _genesis(organization_id)},
    )
    mine = col(DecisionChainRow.organization_id) == organization_id
    locked = session.execute(
        sa.update(DecisionChainRow)
        .where(mine)
        .values(length=DecisionChainRow.length + len(decisions))
        .returning(col(DecisionChainRow.length), col(DecisionChainRow.digest))
        .execution_options(synchronize_session=False)
    ).one()
    length, digest = int(locked[0]), str(locked[1])
    first = length - len(decisions) + 1
    seals: list[dict[str, object]] = []
    for sequence, (decision_id, record_digest) in enumerate(decisions, first):
        digest = _seal_digest(digest, sequence, decision_id, record_digest)
        seals.append(
            {
                "organization_id": organization_id,
                "sequence": sequence,
                "decision_id": decision_id,
                "record_digest": record_digest,
                "digest": digest,
            }
        )
    session.execute(sa.insert(DecisionSealRow), seals)
    moved = session.execute(
        sa.update(DecisionChainRow)
        .where(mine, col(DecisionChainRow.length) == length)
        .values(digest=digest)
        .returning(col(DecisionChainRow.length))
        .execution_options(synchronize_session=False)
    ).all()
    assert len(moved) == 1, "the chain's head moved while it was locked"


def _genesis(organization_id: str) -> str:
    return digest_of({"chain": organization_id})


def _seal_digest(previous: str, sequence: int, decision_id: str, record_digest: str) -> str:
    return digest_of(
        {"previous": previous, "sequence": sequence, "decision_id": decision_id, "record_digest": record_digest}
    )


def _fault(sequence: int | None, decision_id: str | None, detail: str, zh: str) -> ChainFault:
    return ChainFault(sequence=sequence, decision_id=decision_id, detail=detail, zh=zh)
