"""Decisions in a list: who decided what when, without inputs and outputs, which may be large."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage.decisions.rows import DecisionRow, DecisionSealRow
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionHead:
    """What a list says of a decision.

    Attributes:
        sequence: Its place in the organisation's chain.
    """

    id: str
    sequence: int
    kind: str
    version: str
    subject: str
    valid_on: date
    known_at: datetime
    actor_id: str
    actor_name: str
    actor_role: Role
    record_digest: str
    engine_version: str | None
    maker_name: str | None
    checker_name: str | None


_COLUMNS = (
    DecisionRow.id, DecisionSealRow.sequence, DecisionRow.kind, DecisionRow.version, DecisionRow.subject,
    DecisionRow.valid_on, DecisionRow.known_at, DecisionRow.actor_id, DecisionRow.actor_name, DecisionRow.actor_role,
    DecisionRow.record_digest, DecisionRow.engine_version, DecisionRow.maker_name, DecisionRow.checker_name,
)  # fmt: skip


def decision_heads(
    session: Session, actor: Actor, place: Place, *, subject: str | None = None, kind: str | None = None
) -> Slice[DecisionHead]:
    """Give a page of the sealed decisions of the actor's organisation, newest first, of one subject or kind or all."""
    query = (
        select(*_COLUMNS)  # type: ignore[call-overload]  # the stubs stop at four columns
        .join(DecisionRow, col(DecisionRow.id) == DecisionSealRow.decision_id)
        .where(DecisionSealRow.organization_id == actor.organization_id)
    )
    if subject is not None:
        query = query.where(DecisionRow.subject == subject)
    if kind is not None:
        query = query.where(DecisionRow.kind == kind)
    rows = session.execute(beginning_after(query, (col(DecisionSealRow.sequence),), place, descending=True)).all()
    return slice_of(
        rows,
        place,
        keys=lambda row: (row.sequence,),
        value=lambda row: DecisionHead(**{**row._asdict(), "actor_role": Role(row.actor_role)}),
    )
