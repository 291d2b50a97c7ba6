"""What a new value of a parameter would do to the decisions that stand, before anybody approves it.

Recorded inputs hold each parameter value they were made with. The draft takes its place in the decision made last for
each subject, all else as recorded, and the decision is made again; nothing is written.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from sqlmodel import Session

from carbonfin.app.decisions.kinds import decision_kinds, title_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind, canonical_json
from carbonfin.rules.trace import Figure
from carbonfin.storage.decisions import DecisionRecord, latest_records, rebuilt
from carbonfin.storage.learned_types import converted
from carbonfin.web.language import Text

_VALUE_KEYS = frozenset({"key", "scope", "value", "unit", "valid_from", "known_from"})
_ADDED_UNITS = frozenset({*Currency, "t", "count"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureMove:
    """One computed figure that would come out otherwise; empty where a side has no such figure.

    A figure of one period, line or criterion bears that one's number or name after a dot.
    """

    name: str
    label: Text
    unit: str
    before: str
    after: str

    @property
    def is_part(self) -> bool:
        """Whether it is one period's, line's or criterion's, of which a decision has many."""
        return "." in self.name

    @property
    def difference(self) -> Decimal | None:
        """After less before, where both are numbers."""
        try:
            return Decimal(self.after) - Decimal(self.before)
        except InvalidOperation:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMove:
    """One decision that would come out otherwise.

    Attributes:
        failure: Why it could not be made; None where it could.
    """

    decision_id: str
    kind: Text
    subject: str
    figures: tuple[FigureMove, ...]
    failure: Text | None

    @property
    def chief(self) -> tuple[FigureMove, ...]:
        """The figures of the decision itself; where only parts of it move, those."""
        return tuple(one for one in self.figures if not one.is_part) or self.figures

    @property
    def parts(self) -> tuple[FigureMove, ...]:
        """The figures of its periods, lines or criteria that the chief ones leave."""
        return tuple(one for one in self.figures if one not in self.chief)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTotal:
    """How one figure of one kind of decision moves in all."""

    kind: Text
    label: Text
    unit: str
    count: int
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImpact:
    """What a value would do.

    Attributes:
        decisions_count: The decisions that stand on the parameter.
        moves: Those that would come out otherwise.
    """

    decisions_count: int
    moves: tuple[DecisionMove, ...]

    @property
    def totals(self) -> tuple[FigureTotal, ...]:
        """The differences of each chief figure, together, where it is an amount: rates and ratios do not add up."""
        found: dict[tuple[str, str], list[tuple[DecisionMove, FigureMove, Decimal]]] = defaultdict(list)
        for move in self.moves:
            for one in move.chief:
                if one.difference is not None and one.unit in _ADDED_UNITS:
                    found[move.kind.en, one.name].append((move, one, one.difference))
        return tuple(
            FigureTotal(
                kind=listed[0][0].kind, label=listed[0][1].label, unit=listed[0][1].unit, count=len(listed),
                total=sum((difference for _, _, difference in listed), Decimal(0)),
            )
            for listed in found.values()
        )  # fmt: skip


def parameter_impact(session: Session, actor: Actor, draft: ParameterValue) -> ParameterImpact:
    """Make the decisions that stand on a parameter again with the draft.

    It is tried on every one of them, also on decisions of days before it would be valid.
    """
    kinds = {(kind.name, kind.version): kind for kind in decision_kinds()}
    records = latest_records(session, actor, kinds.values(), holding=f'"key":{json.dumps(draft.key)}')
    plain: dict[str, Any] = msgspec.to_builtins(draft)
    standing = [
        (record, inputs)
        for record in records
        if (record.kind, record.version) in kinds
        for inputs, count in [_with(record.inputs, plain)]
        if count
    ]
    tried = (_move(kinds[record.kind, record.version], record, inputs) for record, inputs in standing)
    return ParameterImpact(decisions_count=len(standing), moves=tuple(one for one in tried if one is not None))


def _with(value: Any, draft: Mapping[str, Any]) -> tuple[Any, int]:
    """Put the draft wherever the same parameter stands in recorded values, and tell how often."""
    if isinstance(value, dict):
        if value.keys() >= _VALUE_KEYS and (value["key"], value["scope"]) == (draft["key"], draft["scope"]):
            return dict(draft), 1
        parts = {name: _with(one, draft) for name, one in value.items()}
        return {name: one for name, (one, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        found = [_with(one, draft) for one in value]
        return [one for one, _ in found], sum(count for _, count in found)
    return value, 0


def _move(kind: DecisionKind[Any, Any], record: DecisionRecord, inputs: Any) -> DecisionMove | None:
    figures: tuple[FigureMove, ...] = ()
    failure = None
    try:
        outcome = kind.decide(rebuilt(json.dumps(inputs), kind.inputs))
        after = converted(json.loads(canonical_json(outcome)).get("trace", ()), tuple[Figure, ...])
        figures = tuple(_moved(record.trace, after))
    except CarbonFinError as error:
        failure = Text(error.zh, error.detail)
    if not figures and failure is None:
        return None
    return DecisionMove(
        decision_id=record.id, kind=title_of(record.kind), subject=record.subject, figures=figures, failure=failure
    )


def _moved(before: tuple[Figure, ...], after: tuple[Figure, ...]) -> Iterator[FigureMove]:
    """Give the computed figures that differ, in the order of the trace; entered facts are no outcome."""
    old = {figure.name: figure for figure in before if figure.formula}
    new = {figure.name: figure for figure in after if figure.formula}
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        one = now or was
        assert one is not None, "the name is of one of them"
        if was is None or now is None or was.value != now.value:
            yield FigureMove(
                name=name, label=Text(one.label_zh, one.label_en), unit=one.unit,
                before="" if was is None else was.value, after="" if now is None else now.value,
            )  # fmt: skip
