"""Decisions as the API shows them."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from carbonfin.rules.whole_trace import WholeTrace
from carbonfin.storage.decisions import ChainState, DecisionHead, DecisionRecord, Override, Replay, SignedHead
from carbonfin.web.tables_tried import TableTriedOut
from carbonfin.web.wire import FigureOut


class OverrideOut(Struct, frozen=True, kw_only=True):
    """A figure that was set otherwise than the rule says, and why."""

    figure: str
    label_zh: str
    unit: str
    ruled: str
    used: str
    reason: str

    @classmethod
    def of(cls, one: Override) -> "OverrideOut":
        """Make it of the override."""
        return cls(
            figure=one.figure, label_zh=one.label_zh, unit=one.unit, ruled=one.ruled, used=one.used, reason=one.reason
        )


class DecisionSummaryOut(Struct, frozen=True, kw_only=True):
    """A decision in a list."""

    decision_id: str
    sequence: int | None
    kind: str
    version: str
    subject: str
    valid_on: str
    known_at: str
    actor_id: str
    actor_name: str
    actor_role: str
    record_digest: str
    engine_version: str | None
    maker_name: str | None
    checker_name: str | None

    @classmethod
    def of(cls, head: DecisionHead) -> "DecisionSummaryOut":
        """Make it of what a list knows."""
        return cls(**_head(head))


class DecisionListOut(Struct, frozen=True, kw_only=True):
    """Decisions, newest first."""

    decisions: list[DecisionSummaryOut]


class DecisionOut(Struct, frozen=True, kw_only=True):
    """A decision with its inputs, outputs and trace, and the tables it asked.

    `tables` are made again from the record, and null where it cannot be read back; kinds that ask none have none.
    `tables_asked_in` names the decision that asked them for many at once, where it is another.
    `form` says what the record digest is over; of form 1 engine, maker, checker and override are not on record. Without
    an approval there is no checker; `actor_role` then says whether a system made it alone.
    """

    decision_id: str
    sequence: int | None
    kind: str
    version: str
    subject: str
    valid_on: str
    known_at: str
    actor_id: str
    actor_name: str
    actor_role: str
    record_digest: str
    engine_version: str | None
    maker_name: str | None
    checker_name: str | None
    form: int
    maker_id: str | None
    checker_id: str | None
    approval_id: str | None
    override: OverrideOut | None
    inputs_digest: str
    outputs_digest: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    trace: list[FigureOut]
    tables: list[TableTriedOut] | None
    tables_asked_in: str | None

    @classmethod
    def of(cls, record: DecisionRecord, tables: Iterable[WholeTrace] | None, *, asked_in: str) -> "DecisionOut":
        """Make it of the record and the tables it asked; the trace stands by itself, not within the outputs."""
        return cls(
            **_head(record),
            form=record.form,
            maker_id=record.maker_id,
            checker_id=record.checker_id,
            approval_id=record.approval_id,
            override=None if record.override is None else OverrideOut.of(record.override),
            inputs_digest=record.inputs_digest,
            outputs_digest=record.outputs_digest,
            inputs=record.inputs,
            outputs={name: value for name, value in record.outputs.items() if name != "trace"},
            trace=[FigureOut.of(figure) for figure in record.trace],
            tables=None if tables is None else [TableTriedOut.of(one) for one in tables],
            tables_asked_in=asked_in or None,
        )


class ReplayOut(Struct, frozen=True, kw_only=True):
    """Whether a decision comes out the same again, and where not."""

    decision_id: str
    same: bool
    differences: list[str]

    @classmethod
    def of(cls, replay: Replay) -> "ReplayOut":
        """Make it of the replay."""
        return cls(decision_id=replay.decision_id, same=replay.same, differences=list(replay.differences))


class ChainHeadOut(Struct, frozen=True, kw_only=True):
    """The signed head of the chain at the end of a business date; `statement` is the exact text that was signed."""

    business_date: str
    length: int
    digest: str
    sm3_digest: str
    signed_at: str
    algorithm: str
    key_id: str
    statement: str
    signature: str
    public_key: str

    @classmethod
    def of(cls, head: SignedHead) -> "ChainHeadOut":
        """Make it of the head."""
        return cls(
            business_date=head.business_date.isoformat(),
            length=head.length,
            digest=head.digest,
            sm3_digest=head.sm3_digest,
            signed_at=head.signed_at.isoformat().replace("+00:00", "Z"),
            algorithm=head.algorithm,
            key_id=head.key_id,
            statement=head.statement,
            signature=head.signature,
            public_key=head.public_key,
        )


class ChainHeadListOut(Struct, frozen=True, kw_only=True):
    """Signed heads, the latest first."""

    heads: list[ChainHeadOut]


class ChainOut(Struct, frozen=True, kw_only=True):
    """Where a chain stands; whether it is whole, a verification says."""

    length: int
    head_digest: str
    unsealed_count: int
    last_signed: ChainHeadOut | None

    @classmethod
    def of(cls, state: ChainState) -> "ChainOut":
        """Make it of the state."""
        return cls(
            length=state.length,
            head_digest=state.head_digest,
            unsealed_count=state.unsealed_count,
            last_signed=None if state.last_signed is None else ChainHeadOut.of(state.last_signed),
        )


class ActorOut(Struct, frozen=True, kw_only=True):
    """Who the API takes the caller for."""

    actor_id: str
    name: str
    role: str
    organization_id: str
    organization_name: str
    business_date: str
    is_sample: bool


def _head(record: DecisionRecord | DecisionHead) -> dict[str, Any]:
    return {
        "decision_id": record.id,
        "sequence": record.sequence,
        "kind": record.kind,
        "version": record.version,
        "subject": record.subject,
        "valid_on": record.valid_on.isoformat(),
        "known_at": record.known_at.isoformat().replace("+00:00", "Z"),
        "actor_id": record.actor_id,
        "actor_name": record.actor_name,
        "actor_role": record.actor_role.value,
        "record_digest": record.record_digest,
        "engine_version": record.engine_version,
        "maker_name": record.maker_name,
        "checker_name": record.checker_name,
    }
