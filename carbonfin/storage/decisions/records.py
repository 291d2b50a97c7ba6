"""Recording, reading and replaying decisions."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, TypeVar

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import NotApplicable, NotFound
from carbonfin.rules.record import DecisionKind, canonical_json
from carbonfin.rules.trace import Figure, Trace
from carbonfin.storage.decisions.people import Override
from carbonfin.storage.decisions.rows import DecisionRow, DecisionSealRow
from carbonfin.storage.decisions.sealing import unsealed_ids
from carbonfin.storage.learned_types import converted, decoded

I = TypeVar("I")  # noqa: E741 - inputs
O = TypeVar("O")  # noqa: E741 - outputs
T = TypeVar("T")
_DECISIONS_MAX = 1000
_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A decision as it stands on record.

    Attributes:
        sequence: Its place in the organisation's chain; None until it is sealed.
        inputs: Plain JSON values of the inputs.
        outputs: Plain JSON values of the outputs.
        record_digest: SHA-256 over the whole record.
        form: What that digest is over; 1 for decisions of before a record said what follows, which is None there.
        engine_version: The release that made it, and what it reckons with.
        maker_name: Who proposed it, or who made it alone; `actor_name` is who carried it out.
        checker_name: Who approved it; None where it was made without an approval.
        override: The figure that was set otherwise than the rule says.
    """

    id: str
    organization_id: str
    sequence: int | None
    kind: str
    version: str
    subject: str
    valid_on: date
    known_at: datetime
    actor_id: str
    actor_name: str
    actor_role: Role
    inputs: Any
    inputs_digest: str
    outputs: Any
    outputs_digest: str
    record_digest: str
    form: int
    engine_version: str | None
    maker_id: str | None
    maker_name: str | None
    checker_id: str | None
    checker_name: str | None
    approval_id: str | None
    override: Override | None

    @property
    def trace(self) -> Trace:
        """The figures behind the outcome."""
        return converted(self.outputs.get("trace", ()), tuple[Figure, ...])

    def figure(self, name: str) -> Figure:
        """Give one figure of the trace.

        Raises:
            NotFound: The decision has no figure of that name.
        """
        for figure in self.trace:
            if figure.name == name:
                return figure
        raise NotFound(f"decision {self.id} has no figure {name!r}", zh=f"该决定没有数值“{name}”", field="figure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A decision made again from its recorded inputs.

    Attributes:
        same: Whether every bit of the outputs is the same.
        differences: Where not, as JSON pointers with both values.
    """

    decision_id: str
    kind: str
    same: bool
    differences: tuple[str, ...]


def load_decision(session: Session, actor: Actor, decision_id: str) -> DecisionRecord:
    """Give a decision of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(DecisionRow, decision_id)
    if row is None or row.organization_id != actor.organization_id:
        raise _not_found(decision_id)
    seal = session.exec(
        select(DecisionSealRow.sequence).where(DecisionSealRow.decision_id == decision_id)
    ).one_or_none()  # fmt: skip
    return record_of(row, seal)


def load_decisions(session: Session, actor: Actor, decision_ids: Collection[str]) -> dict[str, DecisionRecord]:
    """Give many decisions of the actor's organisation by identifier; what is another's is left out."""
    wanted, found = sorted(set(decision_ids)), {}
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        rows = session.exec(
            select(DecisionRow, DecisionSealRow.sequence)
            .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
            .where(
                DecisionRow.organization_id == actor.organization_id,
                col(DecisionRow.id).in_(wanted[start : start + _IDS_AT_ONCE]),
            )
        ).all()
        found.update({row.id: record_of(row, sequence) for row, sequence in rows})
    return found


def subject_on_record(
    session: Session, organization_id: str, *, kind: str, decision_id: str, record_digest: str
) -> str | None:
    """Give the subject of a decision of an organisation whose record has this digest, None where not all fit."""
    return session.exec(
        select(DecisionRow.subject).where(
            DecisionRow.id == decision_id,
            DecisionRow.organization_id == organization_id,
            DecisionRow.kind == kind,
            DecisionRow.record_digest == record_digest,
        )
    ).one_or_none()


def load_outcome(session: Session, actor: Actor, kind: DecisionKind[I, O], decision_id: str) -> O:
    """Give the outcome of a decision of the actor's organisation as the value it was.

    Raises:
        NotFound: There is none of this kind.
    """
    row = session.get(DecisionRow, decision_id)
    if row is None or row.organization_id != actor.organization_id or row.kind != kind.name:
        raise _not_found(decision_id)
    return rebuilt(row.outputs, kind.outputs)


def load_inputs(session: Session, actor: Actor, kind: DecisionKind[I, O], decision_id: str) -> I:
    """Give the inputs of a decision of the actor's organisation as the value they were.

    Raises:
        NotFound: There is none of this kind.
    """
    row = session.get(DecisionRow, decision_id)
    if row is None or row.organization_id != actor.organization_id or row.kind != kind.name:
        raise _not_found(decision_id)
    return rebuilt(row.inputs, kind.inputs)


def decisions_of(
    session: Session, actor: Actor, *, subject: str | None = None, kind: str | None = None
) -> tuple[DecisionRecord, ...]:
    """Give the latest thousand decisions of the actor's organisation, oldest first, of one subject or kind or all."""
    query = (
        select(DecisionRow, DecisionSealRow.sequence)
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionRow.id, isouter=True)
        .where(DecisionRow.organization_id == actor.organization_id)
    )
    if subject is not None:
        query = query.where(DecisionRow.subject == subject)
    if kind is not None:
        query = query.where(DecisionRow.kind == kind)
    rows = session.exec(query.order_by(col(DecisionSealRow.sequence).desc().nulls_first()).limit(_DECISIONS_MAX)).all()
    waiting = {decision_id: place for place, decision_id in enumerate(unsealed_ids(session))}
    ordered = sorted(rows, key=lambda found: (found[1] is None, found[1] or waiting.get(found[0].id, -1)))
    return tuple(record_of(row, sequence) for row, sequence in ordered)


def decisions_since(session: Session, actor: Actor, day: date) -> tuple[str, ...]:
    """Give the decisions of the actor's organisation valid on a day or after, the earliest first."""
    return tuple(
        session.exec(
            select(DecisionRow.id)
            .where(DecisionRow.organization_id == actor.organization_id, DecisionRow.valid_on >= day)
            .order_by(col(DecisionRow.valid_on), DecisionRow.id)
        ).all()
    )


def replay_decision(session: Session, kinds: Iterable[DecisionKind[Any, Any]], decision_id: str) -> Replay:
    """Make a recorded decision again from its inputs and compare every bit; ask `load_decision` first whose it is.

    Raises:
        NotFound: There is no such decision.
        NotApplicable: Its kind, in its version, is not among those given.
    """
    row = session.get(DecisionRow, decision_id)
    if row is None:
        raise _not_found(decision_id)
    kind = next((one for one in kinds if (one.name, one.version) == (row.kind, row.version)), None)
    if kind is None:
        raise NotApplicable(
            f"decision kind {row.kind} version {row.version} is not at hand",
            zh=f"没有决定类型 {row.kind} 的版本 {row.version}",
            field="kind",
            remedy="Replay it with the release that made it.",
            remedy_zh="请使用当时的软件版本重算。",
        )
    again = canonical_json(kind.decide(rebuilt(row.inputs, kind.inputs)))
    if again == row.outputs and _digest(again) == row.outputs_digest and _digest(row.inputs) == row.inputs_digest:
        return Replay(decision_id=decision_id, kind=kind.name, same=True, differences=())
    differences = tuple(_differences(json.loads(row.outputs), json.loads(again), ""))
    return Replay(
        decision_id=decision_id, kind=kind.name, same=False,
        differences=differences or ("/: the recorded text does not fit its digest",),
    )  # fmt: skip


def _differences(before: Any, after: Any, path: str) -> Iterable[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}/{place}")
    elif before != after or type(before) is not type(after):
        yield f"{path or '/'}: recorded {before!r}, replayed {after!r}"


def rebuilt(text: str, kind: type[T]) -> T:
    """Read recorded inputs or outputs back from their canonical text."""
    return decoded(text, kind, otherwise=_fraction)


def _fraction(kind: type, value: object) -> object:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise NotImplementedError(f"{kind} cannot be rebuilt from a decision's record")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def record_of(row: DecisionRow, sequence: int | None) -> DecisionRecord:
    """Give the record of a row and its place in the chain."""
    return DecisionRecord(
        id=row.id,
        organization_id=row.organization_id,
        sequence=sequence,
        kind=row.kind,
        version=row.version,
        subject=row.subject,
        valid_on=row.valid_on,
        known_at=row.known_at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        actor_role=Role(row.actor_role),
        inputs=json.loads(row.inputs),
        inputs_digest=row.inputs_digest,
        outputs=json.loads(row.outputs),
        outputs_digest=row.outputs_digest,
        record_digest=row.record_digest,
        form=row.form or 1,
        engine_version=row.engine_version,
        maker_id=row.maker_id,
        maker_name=row.maker_name,
        checker_id=row.checker_id,
        checker_name=row.checker_name,
        approval_id=row.approval_id,
        override=None if row.override is None else rebuilt(row.override, Override),
    )


def _not_found(decision_id: str) -> NotFound:
    return NotFound(f"there is no decision {decision_id}", zh="没有这项决定", field="decision_id")
