"""The cheapest safe use of a client's units over its pledges: what would stand where, why, and what cannot be met.

A what-if for the desk: units left out, pledges released, another lender's need added. Nothing is kept or moved.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData, NotApplicable
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import cny, to_decimal, to_float
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.allocation.asked import AllocationAsked
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.reasons import Reason, ReasonKind, reasons
from collateral.calc.allocation.solver import AllocationSolver, Unsolvable
from collateral.calc.allocation.unmet import smallest_unmet
from collateral.calc.allocation.whole import whole_allocation
from collateral.calc.coverage_rules import line_values_cny
from collateral.calc.figures import FigureList
from collateral.calc.headroom import decide_headroom
from collateral.calc.pledge import IN_FORCE
from collateral.calc.surrender import SafeDate, SafeDateKind, safety_of
from collateral.service.eligibility_schedules import not_eligible, verdicts_on
from collateral.service.headroom import headroom_inputs, schemes_without_position
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts, pledged_lines
from collateral.service.valuations import required_exposure
from collateral.service.view import DeskView, coverage_lines, desk_view, safety_terms
from collateral.store import ledger, pledges
from collateral.store.authority_acts import attached_by_pledge

_TILT = 1e-6
"""What a later unit costs more, relative: of equals the older vintage is taken first, as it ends first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedLine:
    """Tonnes of a unit for a need: now and proposed."""

    need: str
    unit: Unit
    held_t: int
    proposed_t: int
    haircut_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedNeed:
    """One need: what it asks and what the proposal gives after haircut; a shortfall where it cannot be met."""

    name: str
    required_cny: Decimal
    covered_cny: Decimal | None
    shortfall_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationFound:
    """The answer.

    Attributes:
        is_feasible: Whether every need can be met; else `needs` names the smallest set to leave unmet, with shortfalls.
        cost_cny: What the proposal costs, movements included; None where it is not feasible.
        gap_ratio: Its cost over what no allocation can undercut, less one.
        words: The duals as sentences, Chinese and English.
        left_out: Units that serve no need, each with the reason in Chinese and English.
    """

    pledgor: Party
    is_feasible: bool
    lines: tuple[AllocatedLine, ...]
    needs: tuple[AllocatedNeed, ...]
    cost_cny: Decimal | None
    gap_ratio: Decimal | None
    words: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    name: str
    required_cny: Decimal
    end_date: date
    held: dict[Unit, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lot:
    unit: Unit
    quantity_t: int
    price_cny_per_t: Decimal
    haircuts: tuple[Decimal, ...]
    is_eligible: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One client's weighing: what is asked, and what it is read with."""

    session: Session
    actor: Actor
    view: DeskView
    party: Party
    running: tuple[Pledge, ...]
    asked: AllocationAsked
    attached: dict[tuple[str, str], int]

    def needs(self) -> tuple[_Need, ...]:
        """Give what each pledge that stays asks, then what is added."""
        codes = {one.code for one in self.running}
        unknown = [code for code in self.asked.released if code not in codes]
        if unknown:
            raise InvalidInput(
                f"{', '.join(unknown)} is no pledge in force of the client",
                zh=f"{'、'.join(unknown)} 不是该客户存续的质押", field="released",
            )  # fmt: skip
        initial = coverage_lines(self.view).initial.decimal
        found = []
        for pledge in self.running:
            if pledge.code in self.asked.released:
                continue
            owed = required_exposure(self.session, self.actor, pledge, self.view.day)
            total = owed.principal_cny + owed.accrued_cny + owed.costs_cny
            if total:
                held = {one.unit: self._unfrozen_t(pledge, one) for one in pledge.units}
                found.append(
                    _Need(name=pledge.code, required_cny=cny(total * initial), end_date=pledge.end_date, held=held)
                )
        return (
            *found,
            *(
                _Need(name=one.name, required_cny=one.required_cny, end_date=one.end_date, held={})
                for one in self.asked.added
            ),
        )

    def lots(self, needs: tuple[_Need, ...]) -> tuple[tuple[_Lot, ...], tuple[tuple[str, str, str], ...]]:
        """Give the client's units, free or pledged here, and those that serve no need with the reason."""
        quantities: dict[Unit, int] = {}
        for position in ledger.positions_of(self.session, self.actor, party_id=self.party.id):
            quantities[position.unit] = quantities.get(position.unit, 0) + position.free_t
        for pledge in self.running:
            for one in pledge.units:
                quantities[one.unit] = quantities.get(one.unit, 0) + self._unfrozen_t(pledge, one)
        haircuts = PolicyHaircuts.read(self.session, self.actor, self.view, keeps=False)
        years = headroom_inputs(self.session, self.actor, self.party, self.view)
        schemes = tuple(dict.fromkeys(unit.scheme for unit in quantities))
        barred = set(schemes_without_position(self.party, schemes, years))
        lots, left_out = [], []
        for unit, quantity_t in sorted(quantities.items(), key=lambda pair: str(pair[0])):
            if quantity_t <= 0:
                continue
            try:
                if unit.scheme in barred:
                    raise _without_position(unit.scheme)
                lots.append(self._lot(haircuts, UnitQuantity(unit=unit, quantity_t=quantity_t), needs))
            except CarbonFinError as error:
                left_out.append((str(unit), error.zh, error.detail))
        return tuple(lots), tuple(left_out)

    def _unfrozen_t(self, pledge: Pledge, one: UnitQuantity) -> int:
        """Give what of a pledged unit no authority has frozen: what is frozen covers nothing."""
        return max(0, one.quantity_t - self.attached.get((pledge.id, str(one.unit)), 0))

    def _lot(self, haircuts: PolicyHaircuts, one: UnitQuantity, needs: tuple[_Need, ...]) -> _Lot:
        if one.unit in self.asked.without:
            raise NotApplicable("left out as asked", zh="按要求不使用", field="without")
        verdicts = verdicts_on(self.view, (one.unit,))
        vetoed = [each for each in verdicts if not each.is_eligible]
        if vetoed:
            raise not_eligible(vetoed)
        terms = safety_terms(self.view, (one.unit,))
        safe = safety_of(((one.unit, one.quantity_t),), terms, FigureList()).safe_date
        lines = [
            pledged_lines(haircuts, (one,), PledgeAsked(pledgor_id=self.party.id, end_date=need.end_date))[0]
            for need in needs
        ]
        least = max((each.haircut_ratio or Decimal(0) for each in verdicts), default=Decimal(0))
        ratios = tuple(max(least, line.haircut.ratio) for line in lines)
        is_eligible = tuple(
            ratio < 1 and _is_safe(safe, need.end_date) for ratio, need in zip(ratios, needs, strict=True)
        )
        if not any(is_eligible):
            raise NotApplicable(
                "its last safe date lies before every end, or its haircut is the whole",
                zh="最后安全日早于各需求的到期日，或折扣系数为 100%", field="unit",
            )  # fmt: skip
        return _Lot(
            unit=one.unit, quantity_t=one.quantity_t, price_cny_per_t=lines[0].price.price_cny_per_t, haircuts=ratios,
            is_eligible=is_eligible,
        )  # fmt: skip

    def pools(self, lots: tuple[_Lot, ...]) -> dict[Scheme, int]:
        """Give the tonnes that pledges may bind of a scheme: the least headroom of its open years without these."""
        codes = {one.code for one in self.running}
        schemes = {lot.unit.scheme for lot in lots}
        found: dict[Scheme, int] = {}
        for inputs in headroom_inputs(self.session, self.actor, self.party, self.view):
            if inputs.scheme in schemes:
                others = tuple(lock for lock in inputs.locks if lock.agreement_code not in codes)
                free_t = max(0, decide_headroom(replace(inputs, locks=others)).headroom_t)
                found[inputs.scheme] = min(found.get(inputs.scheme, free_t), free_t)
        return found


def weigh_allocation(session: Session, actor: Actor, asked: AllocationAsked, *, standing: Standing) -> AllocationFound:
    """Give the cheapest allocation of a client's units over its pledges in force and the needs added.

    Units serve a need where they have a price, a haircut below the whole and a last safe date not before its end, by
    the haircut of the whole lot, or by what a schedule of eligible collateral takes off where that is more; what a
    surrendering client pledges stays within its headroom of the scheme.

    Raises:
        NotFound: There is no such client.
        NotApplicable: There is no need or no unit to weigh.
        MissingData: A pledge's debt of the day or the bank's lines are not known.
    """
    party = load_party(session, actor, asked.pledgor_id)
    case = _Case(
        session=session, actor=actor, view=desk_view(session, standing), party=party, asked=asked,
        attached=attached_by_pledge(session, actor),
        running=pledges.pledges_of(session, actor, states=IN_FORCE, pledgor_id=party.id),
    )  # fmt: skip
    needs = case.needs()
    lots, left_out = case.lots(needs)
    if not needs or not lots:
        words = "；".join(f"{unit}：{zh}" for unit, zh, _ in left_out)
        raise NotApplicable(
            "there is no need or no unit that can serve one",
            zh=f"没有担保需求，或没有可用于担保的配额{f'（{words}）' if words else ''}", field="pledgor",
        )  # fmt: skip
    pools = case.pools(lots)
    problem = _problem(lots, needs, asked, pools)
    try:
        solved = AllocationSolver(problem).solve()
    except Unsolvable:
        return _unmet(party, problem, needs, left_out)
    whole = whole_allocation(problem, solved)
    lines = tuple(
        AllocatedLine(
            need=need.name, unit=lot.unit, held_t=need.held.get(lot.unit, 0), proposed_t=int(whole.units_t[i, j]),
            haircut_ratio=lot.haircuts[j],
        )
        for j, need in enumerate(needs)
        for i, lot in enumerate(lots)
        if need.held.get(lot.unit, 0) or whole.units_t[i, j]
    )  # fmt: skip
    names = [need.name for need in needs]
    return AllocationFound(
        pledgor=party, is_feasible=True, lines=lines, needs=_covered(lots, needs, lines),
        cost_cny=_cost_cny(asked, lots, lines), gap_ratio=to_decimal(whole.gap_ratio, places=6),
        words=tuple(
            replace(one, saves=one.saves * to_float(asked.use_cost_rate)).words(_called(one, lots, names, pools))
            for one in reasons(problem, solved)
        ),
        left_out=left_out,
    )  # fmt: skip


def _called(one: Reason, lots: tuple[_Lot, ...], names: list[str], pools: dict[Scheme, int]) -> str:
    """Give what the desk calls a lot, a need, a need's limit on a scheme, or a pool."""
    if one.kind is ReasonKind.LOT:
        return str(lots[one.place].unit)
    if one.kind is ReasonKind.HEADROOM:
        return str(list(pools)[one.place])
    if one.group is None:
        return names[one.place]
    return f"{names[one.place]} {list(_groups(lots))[one.group]}"


def _unmet(
    party: Party, problem: AllocationProblem, needs: tuple[_Need, ...], left_out: tuple[tuple[str, str, str], ...]
) -> AllocationFound:
    found = smallest_unmet(problem)
    shortfalls = [
        max(Decimal("0.01"), cny(to_decimal(short, places=4))) if place in found.obligations else Decimal("0.00")
        for place, short in enumerate(found.shortfall.tolist())
    ]
    return AllocationFound(
        pledgor=party, is_feasible=False, lines=(), cost_cny=None, gap_ratio=None, words=(), left_out=left_out,
        needs=tuple(
            AllocatedNeed(name=need.name, required_cny=need.required_cny, covered_cny=None, shortfall_cny=short)
            for need, short in zip(needs, shortfalls, strict=True)
        ),
    )  # fmt: skip


def _without_position(scheme: Scheme) -> MissingData:
    return MissingData(
        f"no compliance position of {scheme} is recorded", zh=f"{scheme} 履约情况未录入，无法计算履约余量",
        field="headroom",
    )  # fmt: skip


def _is_safe(safe: SafeDate, end: date) -> bool:
    if safe.kind in {SafeDateKind.UNKNOWN, SafeDateKind.PASSED}:
        return False
    return safe.day is None or end <= safe.day


def _groups(lots: tuple[_Lot, ...]) -> dict[Scheme, int]:
    """Give each scheme its place among the groups that limits speak of."""
    return {scheme: place for place, scheme in enumerate(dict.fromkeys(lot.unit.scheme for lot in lots))}


def _problem(
    lots: tuple[_Lot, ...], needs: tuple[_Need, ...], asked: AllocationAsked, pools: dict[Scheme, int]
) -> AllocationProblem:
    places = {scheme: place for place, scheme in enumerate(pools)}
    price = np.array([to_float(lot.price_cny_per_t) for lot in lots])
    tonnes = np.array([lot.quantity_t for lot in lots], dtype=np.float64)
    held = np.array([[need.held.get(lot.unit, 0) for need in needs] for lot in lots], dtype=np.float64)
    ones = np.ones(len(lots))
    groups, limits = _groups(lots), dict(asked.limits)
    relative = to_float(asked.movement_cost_rate / asked.use_cost_rate)
    # Each line of a cover is rounded to the fen; a fen a lot keeps the exact sum from falling short.
    fen = 0.01 * len(lots)
    return AllocationProblem(
        lot_value=price * tonnes,
        lot_price=price,
        lot_cost_rate=ones + _TILT * np.arange(len(lots)),
        movement_cost_rate=ones * relative,
        lot_group=np.array([groups[lot.unit.scheme] for lot in lots], dtype=np.int64),
        lot_pool=np.array(
            [places.get(lot.unit.scheme, -1) if not lot.unit.is_credit else -1 for lot in lots], dtype=np.int64
        ),
        pool_headroom_t=np.array(list(pools.values()), dtype=np.float64),
        requirement=np.array([to_float(need.required_cny) + fen for need in needs]),
        is_eligible=np.array([lot.is_eligible for lot in lots]),
        haircut_ratio=np.array([[to_float(ratio) for ratio in lot.haircuts] for lot in lots]),
        held_value=held * price[:, None],
        cap_ratio=np.array([[to_float(limits[one]) if one in limits else np.inf for one in groups]] * len(needs)),
    )


def _cost_cny(asked: AllocationAsked, lots: tuple[_Lot, ...], lines: tuple[AllocatedLine, ...]) -> Decimal:
    """Give Σ q·p·use + max(0, q − held)·p·movement, to the fen."""
    prices = {lot.unit: lot.price_cny_per_t for lot in lots}
    used = (one.proposed_t * prices[one.unit] for one in lines if one.proposed_t)
    moved = (max(0, one.proposed_t - one.held_t) * prices[one.unit] for one in lines if one.proposed_t)
    return cny(asked.use_cost_rate * sum(used, Decimal(0)) + asked.movement_cost_rate * sum(moved, Decimal(0)))


def _covered(
    lots: tuple[_Lot, ...], needs: tuple[_Need, ...], lines: tuple[AllocatedLine, ...]
) -> tuple[AllocatedNeed, ...]:
    prices = {lot.unit: lot.price_cny_per_t for lot in lots}
    found = []
    for need in needs:
        cover = sum(
            (
                line_values_cny(one.proposed_t, prices[one.unit], one.haircut_ratio, attached_t=None)[1]
                for one in lines
                if one.need == need.name and one.proposed_t
            ),
            Decimal("0.00"),
        )
        found.append(
            AllocatedNeed(
                name=need.name, required_cny=need.required_cny, covered_cny=cover, shortfall_cny=Decimal("0.00")
            )
        )
    return tuple(found)
