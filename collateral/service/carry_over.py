"""Carry-over (结转) of an emitter: tried, kept as a decision, and counted in its position as far as it was granted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.storage.decisions import DecisionRecord, Recorded, decisions_of, record_decision
from carbonfin.storage.parties import Standing, load_party
from carbonfin.storage.rulebook import book_for
from collateral.calc.agreements import AccountPosition
from collateral.calc.carry_over import (
    CARRY_OVER,
    CarryOverInputs,
    CarryOverOutcome,
    CarryOverRule,
    decide_carry_over,
)
from collateral.calc.carry_over_grants import CarryOverGrant
from collateral.calc.pledge_changes import CONVERTING
from collateral.service.view import DeskView
from collateral.store.pledge_changes import conversions_of

_DONE = frozenset({"DONE"})
FIRST_VINTAGE, LAST_VINTAGE = "collateral.carry_over_first_vintage", "collateral.carry_over_last_vintage"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOverDraft:
    """What an emitter sold, bought and held of the vintages concerned, and what was granted.

    Attributes:
        granted_t: None where no grant is on file; nothing then counts.
    """

    scheme: Scheme
    sold_t: int
    bought_t: int
    registry_t: int
    trading_t: int
    judicially_frozen_t: int
    submitted_t: int
    is_late: bool
    applies_on: date
    source: str
    granted_t: int | None
    granted_source: str


def carry_over_rule(session: Session, standing: Standing, scheme: Scheme) -> CarryOverRule:
    """Give the rule of the round in force.

    Raises:
        MissingData: The scheme has none on file; nothing is assumed.
    """
    book = book_for(session, standing.organization_id, packages=("collateral",))
    base, factor, start, end, apply_by = (
        book.on(
            f"collateral.carry_over_{name}", valid_on=standing.business_date, known_at=standing.known_at, scope=scheme
        )
        for name in ("base_t", "factor", "window_start", "window_end", "apply_by")
    )
    return CarryOverRule(base_t=base, factor=factor, window_start=start, window_end=end, apply_by=apply_by)


def try_carry_over(
    session: Session, actor: Actor, party_id: str, draft: CarryOverDraft, *, standing: Standing
) -> CarryOverOutcome:
    """Calculate what an emitter may carry over; nothing is kept."""
    load_party(session, actor, party_id)
    return decide_carry_over(_inputs(session, draft, standing))


def record_carry_over(
    session: Session, actor: Actor, party_id: str, draft: CarryOverDraft, *, standing: Standing
) -> Recorded[CarryOverOutcome]:
    """Keep what an emitter may carry over as a decision; the last one of a scheme stands."""
    party = load_party(session, actor, party_id)
    return record_decision(
        session, actor, CARRY_OVER, _inputs(session, draft, standing), subject=f"party:{party.id}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip


def carry_overs_of(session: Session, actor: Actor, party_id: str) -> tuple[DecisionRecord, ...]:
    """Give the kept decisions of an emitter, the latest first."""
    load_party(session, actor, party_id)
    return tuple(reversed(decisions_of(session, actor, subject=f"party:{party_id}", kind=CARRY_OVER.name)))


def carried_units(
    session: Session,
    actor: Actor,
    party_id: str,
    view: DeskView,
    positions: Sequence[AccountPosition],
    *,
    converted: Sequence[tuple[Unit, int]] = (),
) -> tuple[int, ...]:
    """Give for each holding the tonnes of it whose carry-over counts, the newest vintage first.

    The rule gives one figure for all vintages of a round; which of them carries it makes no difference to a total.
    What was converted to a later vintage, or is thought of as such, has used its part of the figure.
    """
    rounds = _rounds_of(view, (one.unit.scheme for one in positions))
    counted = dict(_granted(session, actor, party_id, view))
    done = conversions_of(session, actor, party_id=party_id, states=_DONE)
    taken = [(one.unit, one.quantity_t) for change in done for one in change.freed]
    taken += [(unit, -quantity_t) for unit, quantity_t in converted if quantity_t < 0]
    for scheme, at in rounds.items():
        used_t = sum(quantity_t for unit, quantity_t in taken if unit.scheme is scheme and at.covers(unit))
        counted[scheme.value] = max(0, counted.get(scheme.value, 0) - used_t)
    found = [0] * len(positions)
    order = sorted(range(len(positions)), key=lambda place: -(positions[place].unit.vintage or 0))
    for place in order:
        unit = positions[place].unit
        left = counted[unit.scheme.value]
        if left and rounds[unit.scheme].covers(unit):
            found[place] = min(left, positions[place].total_t)
            counted[unit.scheme.value] = left - found[place]
    return tuple(found)


def carry_over_grant(session: Session, actor: Actor, party_id: str, view: DeskView, unit: Unit) -> CarryOverGrant:
    """Give what was granted, used and asked for of the round that a vintage to be converted belongs to.

    Nothing is granted of a vintage outside the round, nor where an end of it is not known; where neither is, the
    scheme has no rule of carry-over on file, and no limit is known.
    """
    scheme = unit.scheme
    at = _rounds_of(view, (scheme,))[scheme]
    if at.first is None and at.last is None:
        return CarryOverGrant(granted_t=None, converted_t=0, pending_t=0, source=f"{scheme} 无结转规则在案")
    if at.first is None or at.last is None:
        return CarryOverGrant(granted_t=0, converted_t=0, pending_t=0, source=f"{scheme} 可结转年度范围不全")
    if not at.covers(unit):
        outside = f"{unit} 不在可结转年度 {at.first} 至 {at.last} 之内"
        return CarryOverGrant(granted_t=0, converted_t=0, pending_t=0, source=outside)
    granted_t = _granted(session, actor, party_id, view).get(scheme.value)
    done_t, pending_t = (
        sum(
            one.quantity_t
            for change in conversions_of(session, actor, party_id=party_id, states=states)
            for one in change.freed
            if one.unit.scheme is scheme and at.covers(one.unit)
        )
        for states in (_DONE, CONVERTING)
    )
    return CarryOverGrant(
        granted_t=granted_t or 0, converted_t=done_t, pending_t=pending_t,
        source="无结转批准" if granted_t is None else f"结转决定（{scheme}）",
    )  # fmt: skip


def _granted(session: Session, actor: Actor, party_id: str, view: DeskView) -> dict[str, int]:
    """Give what counts as granted by scheme: the last kept decision of each."""
    return {
        record.inputs["rule"]["base_t"]["scope"]: int(record.outputs["counted_t"])
        for record in decisions_of(session, actor, subject=f"party:{party_id}", kind=CARRY_OVER.name)
        if record.valid_on <= view.day
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """First and last vintage of a scheme that may carry over; None where that is not on file."""

    first: int | None
    last: int | None

    def covers(self, unit: Unit) -> bool:
        return (
            self.first is not None
            and self.last is not None
            and unit.vintage is not None
            and self.first <= unit.vintage <= self.last
        )


def _rounds_of(view: DeskView, schemes: Iterable[Scheme]) -> dict[Scheme, _Round]:
    """Give the round of each scheme, asked once."""
    found = {}
    for scheme in dict.fromkeys(schemes):
        first, last = (view.find(key, scheme) for key in (FIRST_VINTAGE, LAST_VINTAGE))
        found[scheme] = _Round(
            first=None if first is None else int(first.value), last=None if last is None else int(last.value)
        )
    return found


def _inputs(session: Session, draft: CarryOverDraft, standing: Standing) -> CarryOverInputs:
    return CarryOverInputs(
        rule=carry_over_rule(session, standing, draft.scheme),
        sold_t=draft.sold_t,
        bought_t=draft.bought_t,
        registry_t=draft.registry_t,
        trading_t=draft.trading_t,
        judicially_frozen_t=draft.judicially_frozen_t,
        submitted_t=draft.submitted_t,
        is_late=draft.is_late,
        applies_on=draft.applies_on,
        source=draft.source,
        granted_t=draft.granted_t,
        granted_source=draft.granted_source,
    )
