"""Structured trades valued on the stored market of a day: tried without trace on record, or kept as a decision."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import decisions_of, load_decision, load_inputs, load_outcome, record_decision
from pricing.calc.structured.decision import STRUCTURE_VALUE, StructureValue, value_structure
from pricing.calc.structured.readings import StructureInputs, forward_lines_of, option_lines_of
from pricing.calc.structured.trades import StructuredTrade, StructureKind, require_sound
from pricing.calc.tradability import is_labelled
from pricing.service.curve_readers import curve_reader
from pricing.service.market import market_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureAnswer:
    """A structured trade's value with what it was valued on; `decision_id` is None where nothing was kept."""

    trade: StructuredTrade
    valuation_date: date
    known_at: datetime
    value: StructureValue
    decision_id: str | None

    @property
    def is_valuation_only(self) -> bool:
        """Whether the trade cannot be made."""
        return is_labelled(self.value.notes_zh)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureSummary:
    """A value on record in one line."""

    decision_id: str
    trade_id: str
    kind: StructureKind
    valuation_date: date
    currency: Currency
    present_value: Decimal
    present_value_cny: Decimal


def _inputs(
    session: Session, actor: Actor, trade: StructuredTrade, *, valuation_date: date, known_at: datetime
) -> StructureInputs:
    require_sound(trade, valuation_date=valuation_date)
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    reader = curve_reader(session, actor, valuation_date=valuation_date, known_at=known_at)
    forwards = reader.forwards(forward_lines_of(trade, valuation_date))
    options = reader.options(option_lines_of(trade, snapshot, forwards))
    return StructureInputs(
        trade=trade, valuation_date=valuation_date, known_at=known_at, snapshot=snapshot, forwards=forwards,
        options=options,
    )  # fmt: skip


def structure_value_of(
    session: Session, actor: Actor, trade: StructuredTrade, *, valuation_date: date, known_at: datetime
) -> StructureAnswer:
    """Value a structured trade and keep nothing.

    Raises:
        InvalidInput: The trade cannot be.
        NotApplicable: It is over, or not made yet, on the valuation date.
        MissingData: A price, curve, volatility or correlation is not known.
    """
    inputs = _inputs(session, actor, trade, valuation_date=valuation_date, known_at=known_at)
    return StructureAnswer(
        trade=trade, valuation_date=valuation_date, known_at=known_at, value=value_structure(inputs), decision_id=None
    )


def record_structure_value(
    session: Session, actor: Actor, trade: StructuredTrade, *, valuation_date: date, known_at: datetime
) -> StructureAnswer:
    """Value a structured trade and keep the decision; it raises what `structure_value_of` raises."""
    inputs = _inputs(session, actor, trade, valuation_date=valuation_date, known_at=known_at)
    recorded = record_decision(
        session, actor, STRUCTURE_VALUE, inputs, subject=f"structure:{trade.trade_id}", valid_on=valuation_date,
        known_at=known_at,
    )  # fmt: skip
    return StructureAnswer(
        trade=trade,
        valuation_date=valuation_date,
        known_at=known_at,
        value=recorded.outcome,
        decision_id=recorded.decision_id,
    )


def load_structure_value(session: Session, actor: Actor, decision_id: str) -> StructureAnswer:
    """Give a value on record.

    Raises:
        NotFound: The actor's organisation has no such decision.
    """
    inputs = load_inputs(session, actor, STRUCTURE_VALUE, decision_id)
    record = load_decision(session, actor, decision_id)
    return StructureAnswer(
        trade=inputs.trade,
        valuation_date=record.valid_on,
        known_at=record.known_at,
        value=load_outcome(session, actor, STRUCTURE_VALUE, decision_id),
        decision_id=decision_id,
    )


def structure_values_kept(session: Session, actor: Actor, *, limit: int) -> tuple[StructureSummary, ...]:
    """Give the values kept last, the newest first."""
    records = decisions_of(session, actor, kind=STRUCTURE_VALUE.name)
    return tuple(
        StructureSummary(
            decision_id=one.id,
            trade_id=one.inputs["trade"]["trade_id"],
            kind=StructureKind(one.inputs["trade"]["kind"]),
            valuation_date=one.valid_on,
            currency=Currency(one.outputs["currency"]),
            present_value=Decimal(one.outputs["present_value"]),
            present_value_cny=Decimal(one.outputs["present_value_cny"]),
        )
        for one in reversed(records[-limit:])
    )
