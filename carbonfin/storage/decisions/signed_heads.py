"""Signed heads: what an organisation's chain was at the end of a business date, signed, so that no later rewrite fits.

Whoever owns the database can rewrite the end of a chain and its head together. A head signed before and kept elsewhere
still names the chain as it was: one of another digest, or too short, is found out.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import Signer, sha256_hex, signature_fits
from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions.chain import (
    ChainFault,
    ChainPoint,
    ChainReport,
    ChainWalk,
    fault,
    sm3_genesis,
    verify_chain,
)
from carbonfin.storage.decisions.rows import ChainHeadRow, DecisionChainRow, DecisionSealRow
from carbonfin.storage.decisions.sealing import genesis, seal_waiting, unsealed_of
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of

FORMAT = "carbonfin-chain-head/1"
FINGERPRINT_DIGITS_MIN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """Whose signatures count, each by the beginning of the SHA-256 of its public key: sixteen digits or more."""

    fingerprints: tuple[str, ...]

    def know(self, public_key: str) -> bool:
        """Whether a public key is one of them."""
        return any(sha256_hex(public_key.encode()).startswith(known) for known in self.fingerprints)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """The head of a chain at the end of a business date, with its signature.

    Attributes:
        digest: Of the last seal.
        sm3_digest: The same chain by SM3 over the records themselves.
    """

    organization_id: str
    business_date: date
    length: int
    digest: str
    sm3_digest: str
    signed_at: datetime
    algorithm: str
    key_id: str
    public_key: str
    signature: str

    @property
    def statement(self) -> str:
        """What is signed, in UTF-8: canonical JSON with sorted keys and without blanks."""
        return canonical_json(
            {
                "algorithm": self.algorithm,
                "business_date": self.business_date,
                "digest": self.digest,
                "format": FORMAT,
                "key_id": self.key_id,
                "length": self.length,
                "organization_id": self.organization_id,
                "signed_at": self.signed_at,
                "sm3_digest": self.sm3_digest,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What became of the attempt to sign the head of a day.

    Attributes:
        head: As signed, now or before; None where the chain is broken and nothing was signed.
        fault: The first broken place that was found.
    """

    head: SignedHead | None
    fault: ChainFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """Where a chain stands."""

    length: int
    head_digest: str
    unsealed_count: int
    last_signed: SignedHead | None


def sign_head(session: Session, actor: Actor, signer: Signer, *, business_date: date, at: datetime) -> Signing:
    """Seal what waits, check the chain from the last signed head on, and sign where it ends; once for a date.

    A chain that is broken since is not signed: a signature would stand for what nobody can vouch for.
    """
    organization_id = actor.organization_id
    rows = session.exec(
        select(ChainHeadRow)
        .where(ChainHeadRow.organization_id == organization_id)
        .order_by(col(ChainHeadRow.business_date).desc())
    )
    last = rows.first()
    if last is not None and last.business_date >= business_date:
        return Signing(head=_head(last))
    seal_waiting(session, organization_id)
    start = _start(organization_id, last)
    if last is not None and _digest_at(session, organization_id, last.length) != last.digest:
        return Signing(head=None, fault=_off_the_chain(_head(last)))
    walk = ChainWalk(session, organization_id, start, by_sm3=True)
    with closing(walk.points()) as points:
        if any(walk.faults for _ in points):
            return Signing(head=None, fault=walk.faults[0])
    return Signing(head=_kept(session, _signed(walk.end, actor, signer, business_date=business_date, at=at)))


def signed_heads_of(session: Session, actor: Actor, place: Place) -> Slice[SignedHead]:
    """Give a page of the signed heads of the actor's organisation, the latest first."""
    query = select(ChainHeadRow).where(ChainHeadRow.organization_id == actor.organization_id)
    rows = session.exec(beginning_after(query, (col(ChainHeadRow.business_date),), place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row.business_date,), value=_head)


def chain_state(session: Session, actor: Actor) -> ChainState:
    """Say where the chain of the actor's organisation stands, without verifying it."""
    head = session.get(DecisionChainRow, actor.organization_id)
    latest = signed_heads_of(session, actor, Place(limit=1)).items
    return ChainState(
        length=0 if head is None else head.length,
        head_digest=genesis(actor.organization_id) if head is None else head.digest,
        unsealed_count=len(unsealed_of(session, actor.organization_id)),
        last_signed=latest[0] if latest else None,
    )


def all_signed_heads(session: Session, organization_id: str) -> tuple[SignedHead, ...]:
    """Give every signed head of an organisation, the earliest first."""
    rows = session.exec(
        select(ChainHeadRow)
        .where(ChainHeadRow.organization_id == organization_id)
        .order_by(col(ChainHeadRow.business_date))
    ).all()
    return tuple(_head(row) for row in rows)


def verify_signed_chain(
    session: Session, organization_id: str, trusted: TrustedKeys, *, kept: Sequence[SignedHead] = ()
) -> ChainReport:
    """Recompute a chain, and hold it against its signed heads and against those kept elsewhere.

    Args:
        session: The open transaction.
        organization_id: Whose chain.
        trusted: The keys whose signatures count; a head signed by another is a fault.
        kept: Heads from outside the database, such as an exported file.
    """
    heads = (*all_signed_heads(session, organization_id), *kept)
    report = verify_chain(session, organization_id, lengths={head.length for head in heads})
    faults = [one for head in heads for one in _head_faults(head, organization_id, trusted, report)]
    return replace(report, faults=(*report.faults, *dict.fromkeys(faults)), signed_head_count=len(dict.fromkeys(heads)))


def head_line(head: SignedHead) -> str:
    """Give a head as a line for others to verify: the exact text that was signed, the signature and the public key."""
    return canonical_json(
        {"statement": head.statement, "signature": head.signature, "public_key": head.public_key}
    )  # fmt: skip


def heads_from(lines: Iterable[str]) -> tuple[SignedHead, ...]:
    """Read heads back from such lines.

    Raises:
        InvalidInput: A line is no signed head, or its statement is not as we write it.
    """
    return tuple(_read(line, number) for number, line in enumerate(lines, 1) if line.strip())


def _read(line: str, number: int) -> SignedHead:
    try:
        outer = json.loads(line)
        said = json.loads(outer["statement"])
        head = SignedHead(
            organization_id=said["organization_id"],
            business_date=date.fromisoformat(said["business_date"]),
            length=int(said["length"]),
            digest=said["digest"],
            sm3_digest=said["sm3_digest"],
            signed_at=aware(datetime.fromisoformat(said["signed_at"])),
            algorithm=said["algorithm"],
            key_id=said["key_id"],
            public_key=outer["public_key"],
            signature=outer["signature"],
        )
        if head.statement == outer["statement"]:
            return head
    except (ValueError, KeyError, TypeError) as error:
        raise _no_head(number) from error
    raise _no_head(number)


def _no_head(number: int) -> InvalidInput:
    return InvalidInput(
        f"line {number} is no signed head",
        zh=f"第 {number} 行不是签名链头",
        field="heads",
        remedy="Give a file as `carbonfin decisions export-heads` writes it.",
        remedy_zh="请提供 carbonfin decisions export-heads 导出的文件。",
    )


def _start(organization_id: str, last: ChainHeadRow | None) -> ChainPoint:
    if last is None:
        return ChainPoint(length=0, digest=genesis(organization_id), sm3_digest=sm3_genesis(organization_id))
    return ChainPoint(length=last.length, digest=last.digest, sm3_digest=last.sm3_digest)


def _digest_at(session: Session, organization_id: str, length: int) -> str | None:
    if length == 0:
        return genesis(organization_id)
    seal = session.get(DecisionSealRow, (organization_id, length))
    return None if seal is None else seal.digest


def _signed(point: ChainPoint, actor: Actor, signer: Signer, *, business_date: date, at: datetime) -> SignedHead:
    unsigned = SignedHead(
        organization_id=actor.organization_id,
        business_date=business_date,
        length=point.length,
        digest=point.digest,
        sm3_digest=point.sm3_digest,
        signed_at=at,
        algorithm=signer.algorithm,
        key_id=signer.key_id,
        public_key=signer.public_key,
        signature="",
    )
    return replace(unsigned, signature=signer.sign(unsigned.statement.encode()))


def _kept(session: Session, head: SignedHead) -> SignedHead:
    session.add(ChainHeadRow(**{name: getattr(head, name) for name in head.__slots__}))
    session.flush()
    return head


def _head(row: ChainHeadRow) -> SignedHead:
    return SignedHead(**{name: getattr(row, name) for name in SignedHead.__slots__})


def _head_faults(
    head: SignedHead, organization_id: str, trusted: TrustedKeys, report: ChainReport
) -> Iterable[ChainFault]:
    """Say what is wrong with one head: whose it is, who signed it, and whether the chain still passes through it."""
    if head.organization_id != organization_id:
        yield _head_fault(head, "is another organisation's", "属于其他机构")
        return
    if not trusted.know(head.public_key):
        key = head.key_id
        yield _head_fault(head, f"is signed by a key nobody trusts ({key})", f"由未受信任的密钥（{key}）签名")
    elif not sha256_hex(head.public_key.encode()).startswith(head.key_id) or not head.key_id:
        yield _head_fault(head, "names another key than the one it carries", "所列密钥编号与公钥不符")
    elif not _signature_fits(head):
        yield _head_fault(head, "does not bear the signature of its key", "签名与内容不符")
    point = report.points.get(head.length)
    if point is None or point.digest != head.digest:
        yield _off_the_chain(head)
    elif point.sm3_digest != head.sm3_digest:
        yield _head_fault(head, "does not fit the records by SM3", "与按 SM3 计算的记录不符")


def _signature_fits(head: SignedHead) -> bool:
    try:
        return signature_fits(
            algorithm=head.algorithm,
            public_key=head.public_key,
            message=head.statement.encode(),
            signature=head.signature,
        )
    except InvalidInput:
        return False


def _off_the_chain(head: SignedHead) -> ChainFault:
    return fault(
        head.length,
        None,
        f"the chain no longer passes through the head signed for {head.business_date}: it was rewritten or cut off",
        f"链已不经过 {head.business_date} 的签名链头：记录被改写或截断",
    )


def _head_fault(head: SignedHead, detail: str, zh: str) -> ChainFault:
    return fault(
        head.length, None, f"the head signed for {head.business_date} {detail}", f"{head.business_date} 的签名链头{zh}"
    )
