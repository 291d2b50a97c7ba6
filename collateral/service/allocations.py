"""The cheapest safe use of a client's units over its pledges: what would stand where, why, and what cannot be met.

A what-if for the desk: units left out, pledges released, another lender's need added. Nothing is kept or moved.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import NotApplicable
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import cny, to_decimal, to_float
from carbonfin.rules.trace import Trace
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.allocation.asked import AllocationAsked
from collateral.calc.allocation.book_rows import BookRows, rows_by_base
from collateral.calc.allocation.needs import AllocatedLine, AllocatedNeed, Lot, Need
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.reasons import Reason, ReasonKind, reasons
from collateral.calc.allocation.solver import Allocation, AllocationSolver, Unsolvable
from collateral.calc.allocation.trace import allocation_trace
from collateral.calc.allocation.unmet import smallest_unmet
from collateral.calc.allocation.whole import whole_allocation
from collateral.calc.book_limits import BookFindings, BookLimits, BookShare, book_findings
from collateral.calc.coverage_rules import line_values_cny
from collateral.calc.figures import FigureList
from collateral.calc.pledge import IN_FORCE
from collateral.service.allocation_cases import AllocationCase
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.view import desk_view
from collateral.store import pledges
from collateral.store.authority_acts import attached_by_pledge

_TILT = 1e-6
"""What a later unit costs more, relative: of equals the older vintage is taken first, as it ends first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationFound:
    """The answer.

    Attributes:
        is_feasible: Whether every need can be met; else `needs` names the smallest set to leave unmet, with shortfalls.
        cost_cny: What the proposal costs, movements included; None where it is not feasible.
        gap_ratio: Its cost over what no allocation can undercut, less one.
        words: The duals as sentences, Chinese and English.
        left_out: Units that serve no need, each with the reason in Chinese and English.
        held_to: Limits of schedules that hold it, each with what other collateral has of it, Chinese and English.
        shares: Shares of the book as it stands and with the proposal; () where nothing limits the units, or not every
            need can be met.
        notes: What is worth knowing of the limits: not measured, or the bank's own dated one passed.
        trace: How the figures come about.
    """

    pledgor: Party
    is_feasible: bool
    lines: tuple[AllocatedLine, ...]
    needs: tuple[AllocatedNeed, ...]
    cost_cny: Decimal | None
    gap_ratio: Decimal | None
    words: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str, str], ...]
    held_to: tuple[tuple[str, str], ...]
    shares: tuple[BookShare, ...]
    notes: tuple[tuple[str, str], ...]
    trace: Trace


def weigh_allocation(session: Session, actor: Actor, asked: AllocationAsked, *, standing: Standing) -> AllocationFound:
    """Give the cheapest allocation of a client's units over its pledges in force and the needs added.

    Units serve a need where they have a price, a haircut below the whole and a last safe date not before its end, by
    the haircut of the whole lot, or by what a schedule of eligible collateral takes off where that is more; what a
    surrendering client pledges stays within its headroom of the scheme, and the whole book within the limits of
    concentration inside the schedules.

    Raises:
        NotFound: There is no such client.
        NotApplicable: There is no need or no unit to weigh.
        MissingData: A pledge's debt of the day or the bank's lines are not known.
    """
    party, view = load_party(session, actor, asked.pledgor_id), desk_view(session, standing)
    case = AllocationCase(
        session=session, actor=actor, view=view, party=party, asked=asked,
        attached=attached_by_pledge(session, actor),
        haircuts=PolicyHaircuts.read(session, actor, view, keeps=False),
        running=pledges.pledges_of(session, actor, states=IN_FORCE, pledgor_id=party.id),
    )  # fmt: skip
    needs = case.needs()
    lots, left_out = case.lots(needs)
    _require_any(needs, lots, left_out)
    pools, limits = case.pools(lots), case.limits(lots)
    not_measured = (limits.not_measured if limits else None) or ()
    bases = rows_by_base(limits, [lot.unit for lot in lots])
    first = _problem(lots, needs, asked, pools=pools, rows=bases[0])
    problem, rows, solved = _cheapest(first, bases)
    if solved is None:
        return replace(_unmet(party, problem, needs, asked, left_out), held_to=rows.words(), notes=not_measured)
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
    book = _book(limits, lots, lines, before=case.standing_cny())
    met, cost_cny = _covered(lots, needs, lines), _cost_cny(asked, lots, lines)
    return AllocationFound(
        pledgor=party, is_feasible=True, lines=lines, needs=met, cost_cny=cost_cny,
        gap_ratio=to_decimal(whole.gap_ratio, places=6),
        words=tuple(
            replace(one, saves=one.saves * to_float(asked.use_cost_rate)).words(*_called(one, lots, names, pools, rows))
            for one in reasons(problem, solved)
        ),
        left_out=left_out, held_to=rows.words(), shares=book.shares if book else (),
        notes=tuple((one.zh, one.detail) for one in book.notes) if book else (),
        trace=allocation_trace(asked, needs, lots, lines=lines, met=met, cost_cny=cost_cny),
    )  # fmt: skip


def _require_any(needs: tuple[Need, ...], lots: tuple[Lot, ...], left_out: tuple[tuple[str, str, str], ...]) -> None:
    if needs and lots:
        return
    words = "；".join(f"{unit}：{zh}" for unit, zh, _ in left_out)
    raise NotApplicable(
        "there is no need or no unit that can serve one",
        zh=f"没有担保需求，或没有可用于担保的配额{f'（{words}）' if words else ''}", field="pledgor",
    )  # fmt: skip


def _solved(problem: AllocationProblem) -> Allocation | None:
    """Give the optimum, or None where not every need can be met."""
    try:
        return AllocationSolver(problem).solve()
    except Unsolvable:
        return None


def _cheapest(
    first: AllocationProblem, bases: tuple[BookRows, ...]
) -> tuple[AllocationProblem, BookRows, Allocation | None]:
    """Give the cheapest optimum over the bases of shares; with none, that which makes no share of others' larger."""
    problem, rows, best = first, bases[0], _solved(first)
    for other in bases[1:]:
        tried = replace(first, book_weight=other.weight, book_room=other.room)
        found = _solved(tried)
        if found is not None and (best is None or found.cost < best.cost):
            problem, rows, best = tried, other, found
    if best is None and np.any(rows.room < 0.0):
        problem = replace(problem, book_room=rows.room_of_others_above)
        best = _solved(problem)
    return problem, rows, best


def _book(
    limits: BookLimits | None, lots: tuple[Lot, ...], lines: tuple[AllocatedLine, ...], *, before: dict[Unit, Decimal]
) -> BookFindings | None:
    """Give the shares of the book as it stands and with the proposal, at the day's prices."""
    prices = {lot.unit: lot.price_cny_per_t for lot in lots}
    after: dict[Unit, Decimal] = {}
    for one in lines:
        after[one.unit] = after.get(one.unit, Decimal(0)) + cny(one.proposed_t * prices[one.unit])
    return book_findings(
        limits, before=before, after=after, figures=FigureList(), made_of=(), asked="the allocation"
    )  # fmt: skip


def _called(
    one: Reason, lots: tuple[Lot, ...], names: list[str], pools: dict[Scheme, int], rows: BookRows
) -> tuple[str, str]:
    """Give what the desk calls a lot, a need, a need's limit on a scheme, a pool, or a limit of a schedule."""
    if one.kind is ReasonKind.BOOK:
        limit = rows.limits[one.place]
        return limit.label_zh, limit.label_en
    name = _named(one, lots, names, pools)
    return name, name


def _named(one: Reason, lots: tuple[Lot, ...], names: list[str], pools: dict[Scheme, int]) -> str:
    if one.kind is ReasonKind.LOT:
        return str(lots[one.place].unit)
    if one.kind is ReasonKind.HEADROOM:
        return str(list(pools)[one.place])
    if one.group is None:
        return names[one.place]
    return f"{names[one.place]} {list(_groups(lots))[one.group]}"


def _unmet(
    party: Party,
    problem: AllocationProblem,
    needs: tuple[Need, ...],
    asked: AllocationAsked,
    left_out: tuple[tuple[str, str, str], ...],
) -> AllocationFound:
    found = smallest_unmet(problem)
    shortfalls = [
        max(Decimal("0.01"), cny(to_decimal(short, places=4))) if place in found.obligations else Decimal("0.00")
        for place, short in enumerate(found.shortfall.tolist())
    ]
    lacking = tuple(
        AllocatedNeed(name=need.name, required_cny=need.required_cny, covered_cny=None, shortfall_cny=short)
        for need, short in zip(needs, shortfalls, strict=True)
    )
    return AllocationFound(
        pledgor=party, is_feasible=False, lines=(), cost_cny=None, gap_ratio=None, words=(), left_out=left_out,
        held_to=(), shares=(), notes=(), needs=lacking,
        trace=allocation_trace(asked, needs, (), lines=(), met=lacking, cost_cny=None),
    )  # fmt: skip


def _groups(lots: tuple[Lot, ...]) -> dict[Scheme, int]:
    """Give each scheme its place among the groups that limits speak of."""
    return {scheme: place for place, scheme in enumerate(dict.fromkeys(lot.unit.scheme for lot in lots))}


def _problem(
    lots: tuple[Lot, ...], needs: tuple[Need, ...], asked: AllocationAsked, *, pools: dict[Scheme, int], rows: BookRows
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
        book_weight=rows.weight,
        book_room=rows.room,
    )


def _cost_cny(asked: AllocationAsked, lots: tuple[Lot, ...], lines: tuple[AllocatedLine, ...]) -> Decimal:
    """Give Σ q·p·use + max(0, q − held)·p·movement, to the fen."""
    prices = {lot.unit: lot.price_cny_per_t for lot in lots}
    used = (one.proposed_t * prices[one.unit] for one in lines if one.proposed_t)
    moved = (max(0, one.proposed_t - one.held_t) * prices[one.unit] for one in lines if one.proposed_t)
    return cny(asked.use_cost_rate * sum(used, Decimal(0)) + asked.movement_cost_rate * sum(moved, Decimal(0)))


def _covered(
    lots: tuple[Lot, ...], needs: tuple[Need, ...], lines: tuple[AllocatedLine, ...]
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
