"""Many decisions of one kind put on record at once: the texts come written, one statement holds them all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.release import ENGINE_VERSION
from carbonfin.rules.record import DecisionKind, canonical, canonical_but, canonical_json
from carbonfin.storage.decisions.people import Override, SignedBy, signed_by
from carbonfin.storage.decisions.rows import RECORD_FORM, DecisionRow
from carbonfin.storage.decisions.sealing import Unsealed, seal_soon
from carbonfin.storage.rows import insert_many, new_ids, table_of

# Writes texts as `canonical_json` does, many times faster; the chain's verification makes each digest the long way.
_SORTED = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDecision:
    """A decision already made: its subject, canonical texts of inputs and outputs, and SHA-256 of the inputs.

    Attributes:
        override: The figure a person set otherwise than the rule says; None where none.
    """

    subject: str
    inputs: str
    inputs_digest: str
    outputs: str
    override: Override | None = None


def written_text(value: object) -> str:
    """Write what `canonical_json` writes, in less time."""
    return _SORTED.encode(canonical(value)).decode()


def written_beside(value: object, ready: Mapping[str, str]) -> str:
    """Write a dataclass as `written_text` does, some of its fields from texts that were written before.

    Decisions of a batch share a rulebook that is longer than what differs between them.
    """
    plain = canonical_but(value, ready)
    return _SORTED.encode(plain | {name: msgspec.Raw(text.encode()) for name, text in ready.items()}).decode()


def record_written(
    session: Session,
    actor: Actor,
    kind: DecisionKind[Any, Any],
    decisions: Sequence[WrittenDecision],
    *,
    valid_on: date,
    known_at: datetime,
) -> tuple[str, ...]:
    """Keep decisions for good, in their order, and give their identifiers; a replay proves the texts.

    They are sealed as single ones are. The texts must be those `canonical_json` gives for inputs and outputs, and what
    they say of customers must come from stored columns, which hold no text that cannot be kept.
    """
    kept = keep_written(
        session, actor, kind, decisions, valid_on=valid_on, known_at=known_at, storable=("inputs", "outputs")
    )
    return tuple(one.id for one in kept)


def keep_written(
    session: Session,
    actor: Actor,
    kind: DecisionKind[Any, Any],
    decisions: Sequence[WrittenDecision],
    *,
    valid_on: date,
    known_at: datetime,
    storable: Collection[str] = (),
) -> list[Unsealed]:
    """Keep decisions for good as `record_written` does, and give each with the digest over its record.

    `storable` names the texts that come from stored columns alone; the others are looked at. Maker and checker are
    those of the approval that is being carried out; without one the maker is the actor, and there is no checker.
    """
    rows, said = decision_rows(actor, kind, decisions, signed=signed_by(session), valid_on=valid_on, known_at=known_at)
    if not rows:
        return []
    session.flush()
    insert_many(session, DecisionRow, rows, same=said, storable=storable)
    kept = [Unsealed(id=row["id"], record_digest=row["record_digest"]) for row in rows]
    seal_soon(session, actor.organization_id, kept)
    return kept


def decision_rows(
    actor: Actor,
    kind: DecisionKind[Any, Any],
    decisions: Sequence[WrittenDecision],
    *,
    signed: SignedBy | None,
    valid_on: date,
    known_at: datetime,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Give what the rows of decisions say: of each by itself, its new identifier and digest in it, and of all alike."""
    said = {
        "organization_id": actor.organization_id,
        "kind": kind.name,
        "version": kind.version,
        "valid_on": valid_on,
        "known_at": known_at,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "actor_role": actor.role.value,
        "form": RECORD_FORM,
        "engine_version": ENGINE_VERSION,
        "maker_id": actor.id if signed is None else signed.maker_id,
        "maker_name": actor.name if signed is None else signed.maker_name,
        "checker_id": None if signed is None else signed.checker_id,
        "checker_name": None if signed is None else signed.checker_name,
        "approval_id": None if signed is None else signed.approval_id,
    }
    plainly = {**said, "valid_on": canonical(valid_on), "known_at": canonical(known_at)}  # the others are plain
    rows: list[dict[str, Any]] = []
    for decision_id, one in zip(new_ids(len(decisions)), decisions, strict=True):
        own: dict[str, Any] = {
            "id": decision_id,
            "subject": one.subject,
            "inputs": one.inputs,
            "inputs_digest": one.inputs_digest,
            "outputs": one.outputs,
            # msgspec leaves the UTF-8 with the text, where the encoder and the driver find it.
            "outputs_digest": sha256_hex(msgspec.Raw(one.outputs)),
            "override": None if one.override is None else canonical_json(one.override),
        }
        digest = sha256_hex(_SORTED.encode({**plainly, **own}))
        own["record_digest"] = digest
        rows.append(own)
    return rows, said


def decision_with_digest(
    session: Session, actor: Actor, kind: DecisionKind[Any, Any], *, subject: str, inputs_digest: str
) -> str | None:
    """Give the decision of a kind and version already made on a subject from the same inputs, or None."""
    table = table_of(DecisionRow)
    return session.execute(
        sa.select(table.c.id)
        .where(table.c.organization_id == actor.organization_id, table.c.subject == subject)
        .where(table.c.kind == kind.name, table.c.version == kind.version, table.c.inputs_digest == inputs_digest)
        .limit(1)
    ).scalar_one_or_none()
