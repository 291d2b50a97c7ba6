"""Making decisions and putting them on record, in one step or two."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.rules.record import DecisionKind
from carbonfin.storage.decisions.bulk import WrittenDecision, keep_written, written_beside, written_text
from carbonfin.storage.decisions.people import Override
from carbonfin.storage.decisions.records import rebuilt

I = TypeVar("I")  # noqa: E741 - inputs
O = TypeVar("O")  # noqa: E741 - outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Generic[O]):
    """A decision just made: its outcome, and the digest over everything its record says."""

    decision_id: str
    outcome: O
    record_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeDecision(Generic[O]):
    """A decision that is made and not on record yet: the database knows nothing of it."""

    kind: DecisionKind[Any, O]
    written: WrittenDecision
    outcome: O
    valid_on: date
    known_at: datetime


def make_decision(
    kind: DecisionKind[I, O],
    inputs: I,
    *,
    subject: str,
    valid_on: date,
    known_at: datetime,
    override: Override | None = None,
    written: Mapping[str, str] = MappingProxyType({}),
) -> MadeDecision[O]:
    """Decide, from the inputs as they are written down and read back: a replay starts from the very same values.

    `written` has the canonical texts of those fields of the inputs that were written before, as shared by many.
    """
    inputs_json = written_beside(inputs, written)
    outcome = kind.decide(rebuilt(inputs_json, kind.inputs))
    put_down = WrittenDecision(
        subject=subject,
        inputs=inputs_json,
        inputs_digest=sha256_hex(inputs_json.encode()),
        outputs=written_text(outcome),
        override=override,
    )
    return MadeDecision(kind=kind, written=put_down, outcome=outcome, valid_on=valid_on, known_at=known_at)


def keep_decision(session: Session, actor: Actor, made: MadeDecision[O]) -> Recorded[O]:
    """Keep a decision with its inputs, outputs and trace for good.

    It is sealed in the organisation's hash chain when the transaction ends.
    """
    (kept,) = keep_written(session, actor, made.kind, [made.written], valid_on=made.valid_on, known_at=made.known_at)
    return Recorded(decision_id=kept.id, outcome=made.outcome, record_digest=kept.record_digest)


def record_decision(
    session: Session,
    actor: Actor,
    kind: DecisionKind[I, O],
    inputs: I,
    *,
    subject: str,
    valid_on: date,
    known_at: datetime,
    override: Override | None = None,
) -> Recorded[O]:
    """Decide, and keep inputs, outputs and trace for good.

    An override stands on record beside them: what the rule said, what was used instead, and why.
    """
    made = make_decision(kind, inputs, subject=subject, valid_on=valid_on, known_at=known_at, override=override)
    return keep_decision(session, actor, made)
