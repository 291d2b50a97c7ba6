"""Carry-over as the API takes and shows it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Scheme
from carbonfin.storage.decisions import DecisionRecord
from carbonfin.web.wire import day_of
from collateral.calc.carry_over import CarryOverOutcome
from collateral.service import CarryOverDraft

_Tonnes = Annotated[int, Meta(ge=0, le=10**10)]
_Words = Annotated[str, Meta(min_length=1, max_length=200)]


class CarryOverIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an emitter sold, bought and held of the vintages concerned; `granted_t` once the authority granted it."""

    sold_t: _Tonnes
    bought_t: _Tonnes
    registry_t: _Tonnes
    trading_t: _Tonnes
    judicially_frozen_t: _Tonnes
    submitted_t: _Tonnes
    is_late: bool
    applies_on: Annotated[str, Meta(max_length=10)]
    source: _Words
    scheme: Scheme = Scheme.CEA
    granted_t: _Tonnes | None = None
    granted_source: Annotated[str, Meta(max_length=200)] = ""
    record: bool = True

    def draft(self) -> CarryOverDraft:
        """Give the domain value."""
        return CarryOverDraft(
            scheme=self.scheme,
            sold_t=self.sold_t,
            bought_t=self.bought_t,
            registry_t=self.registry_t,
            trading_t=self.trading_t,
            judicially_frozen_t=self.judicially_frozen_t,
            submitted_t=self.submitted_t,
            is_late=self.is_late,
            applies_on=day_of(self.applies_on, field="/applies_on"),
            source=self.source,
            granted_t=self.granted_t,
            granted_source=self.granted_source,
        )


class CarryOverFigureOut(Struct, frozen=True, kw_only=True):
    """One figure of the trace."""

    name: str
    label_zh: str
    label_en: str
    value: str
    unit: str
    formula: str
    source: str
    confirmed: bool


class CarryOverOut(Struct, frozen=True, kw_only=True):
    """What carries over, what lapses, and what counts in the position; `decision_id` is null where nothing was kept."""

    decision_id: str | None
    carried_t: int
    lapsing_t: int
    counted_t: int
    unconfirmed: list[str]
    trace: list[CarryOverFigureOut]

    @classmethod
    def of(cls, one: CarryOverOutcome, decision_id: str | None) -> "CarryOverOut":
        """Show an outcome."""
        return cls(
            decision_id=decision_id,
            carried_t=one.carried_t,
            lapsing_t=one.lapsing_t,
            counted_t=one.counted_t,
            unconfirmed=list(one.unconfirmed),
            trace=[
                CarryOverFigureOut(
                    name=figure.name, label_zh=figure.label_zh, label_en=figure.label_en, value=figure.value,
                    unit=figure.unit, formula=figure.formula, source=figure.source, confirmed=figure.confirmed,
                )
                for figure in one.trace
            ],
        )  # fmt: skip


class KeptCarryOverOut(Struct, frozen=True, kw_only=True):
    """One kept decision."""

    decision_id: str
    business_date: str
    actor: str
    carried_t: int
    lapsing_t: int
    counted_t: int

    @classmethod
    def of(cls, record: DecisionRecord) -> "KeptCarryOverOut":
        """Show it."""
        return cls(
            decision_id=record.id,
            business_date=record.valid_on.isoformat(),
            actor=record.actor_name,
            carried_t=record.outputs["carried_t"],
            lapsing_t=record.outputs["lapsing_t"],
            counted_t=record.outputs["counted_t"],
        )


class CarryOverListOut(Struct, frozen=True, kw_only=True):
    """Kept decisions, the latest first."""

    carry_overs: list[KeptCarryOverOut]
