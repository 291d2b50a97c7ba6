"""The hash chain over an organisation's decisions, verified row by row from its beginning."""

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from carbonfin.kernel.cryptography import sm3_hex
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions.items import item_faults
from carbonfin.storage.decisions.rows import (
    DecisionChainRow,
    DecisionRow,
    DecisionSealRow,
    record_digest_of,
    record_text,
)
from carbonfin.storage.decisions.sealing import genesis, seal_digest, unsealed_ids, unsealed_of

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """One place where the record is not what was sealed."""

    sequence: int | None
    decision_id: str | None
    detail: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPoint:
    """What the chain says at one length: the digest of the seal there, and the same chain by SM3."""

    length: int
    digest: str
    sm3_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a verification found.

    Attributes:
        head_digest: Of the last seal; kept elsewhere, or signed, it proves that nothing was cut off.
        unsealed: Decisions that no seal covers yet; the next end of the day seals them.
        signed_head_count: How many signed heads it was held against.
        points: The chain at the lengths that were asked for, as far as it reaches.
    """

    organization_id: str
    length: int
    head_digest: str
    faults: tuple[ChainFault, ...]
    unsealed: tuple[str, ...] = ()
    points: dict[int, ChainPoint] = field(default_factory=dict)
    signed_head_count: int = 0

    @property
    def intact(self) -> bool:
        """Whether no fault was found; what is unsealed is no fault, but not yet covered."""
        return not self.faults


def verify_chain(session: Session, organization_id: str, *, lengths: Collection[int] = ()) -> ChainReport:
    """Recompute an organisation's chain from its rows and name each decision changed, removed or moved.

    Args:
        session: The open transaction.
        organization_id: Whose chain.
        lengths: Where the chain's digests are wanted, as signed heads name them; none spares the second digest.
    """
    start = ChainPoint(length=0, digest=genesis(organization_id), sm3_digest=sm3_genesis(organization_id))
    walk = ChainWalk(session, organization_id, start, by_sm3=bool(lengths))
    points = {0: start} if 0 in lengths else {}
    points |= {point.length: point for point in walk.points() if point.length in lengths}
    faults = walk.faults
    head = session.get(DecisionChainRow, organization_id, populate_existing=True)
    end = walk.end
    if (0 if head is None else head.length) != end.length or (head is not None and head.digest != end.digest):
        faults.append(fault(None, None, "the chain's head names another end: seals were cut off", "链尾与记录不符"))
    faults += [fault(None, one.decision_id, one.detail, one.zh) for one in item_faults(session, organization_id)]
    known = set(unsealed_ids(session))
    return ChainReport(
        organization_id=organization_id,
        length=end.length,
        head_digest=end.digest,
        faults=tuple(faults),
        unsealed=tuple(one for one in unsealed_of(session, organization_id) if one not in known),
        points=points,
    )


class ChainWalk:
    """One walk along a chain from a point to its end, noting each fault on the way."""

    def __init__(self, session: Session, organization_id: str, start: ChainPoint, *, by_sm3: bool) -> None:
        self.faults: list[ChainFault] = []
        self.end = start
        self._session = session
        self._organization_id = organization_id
        self._by_sm3 = by_sm3

    def points(self) -> Generator[ChainPoint]:
        """Go from seal to seal and give the chain at each."""
        for seal, decision in self._rows():
            expected = self.end.length + 1
            if seal.sequence != expected:
                self._note(expected, None, "seals were removed before this one", "此前的封印缺失")
            self._compare(seal, decision)
            self.end = ChainPoint(
                length=seal.sequence,
                digest=seal.digest,
                sm3_digest=_sm3_after(self.end.sm3_digest, seal.sequence, decision) if self._by_sm3 else "",
            )
            yield self.end

    def _compare(self, seal: DecisionSealRow, decision: DecisionRow | None) -> None:
        if decision is None:
            self._note(seal.sequence, seal.decision_id, "the decision was removed", "决定已被删除")
        elif {record_digest_of(decision), decision.record_digest} != {seal.record_digest}:
            self._note(seal.sequence, seal.decision_id, "the decision was changed", "决定内容已被改动")
        if seal.digest != seal_digest(self.end.digest, seal.sequence, seal.decision_id, seal.record_digest):
            self._note(seal.sequence, seal.decision_id, "the seal does not fit the one before", "封印与前一封印不符")

    def _rows(self) -> Iterator[tuple[DecisionSealRow, DecisionRow | None]]:
        sealed = (
            select(DecisionSealRow, DecisionRow)
            .join(DecisionRow, col(DecisionRow.id) == DecisionSealRow.decision_id, isouter=True)
            .where(DecisionSealRow.organization_id == self._organization_id)
            .where(DecisionSealRow.sequence > self.end.length)
            .order_by(col(DecisionSealRow.sequence))
            .execution_options(yield_per=_ROWS_AT_ONCE, populate_existing=True)
        )
        with self._session.exec(sealed) as rows:
            yield from rows

    def _note(self, sequence: int | None, decision_id: str | None, detail: str, zh: str) -> None:
        self.faults.append(fault(sequence, decision_id, detail, zh))


def sm3_genesis(organization_id: str) -> str:
    """Give what an organisation's chain by SM3 stands on."""
    return sm3_hex(canonical_json({"chain": organization_id}).encode())


def _sm3_after(previous: str, sequence: int, decision: DecisionRow | None) -> str:
    """Give the SM3 over the one before, the place, and the whole record: it rests on no SHA-256."""
    record = None if decision is None else sm3_hex(record_text(decision).encode())
    return sm3_hex(canonical_json({"previous": previous, "record": record, "sequence": sequence}).encode())


def fault(sequence: int | None, decision_id: str | None, detail: str, zh: str) -> ChainFault:
    """Name a place where the record is not what was sealed."""
    return ChainFault(sequence=sequence, decision_id=decision_id, detail=detail, zh=zh)
