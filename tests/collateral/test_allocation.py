"""Allocation: worked problems, proof by duals, whole tonnes, what cannot be met, and silence on the console."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from collateral.calc.allocation.columns import Columns
from collateral.calc.allocation.greedy import greedy_allocation
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.reasons import ReasonKind, reasons
from collateral.calc.allocation.solver import AllocationSolver, Unsolvable
from collateral.calc.allocation.unmet import smallest_unmet
from collateral.calc.allocation.whole import whole_allocation


def problem(
    value: list[float],
    cost: list[float],
    requirement: list[float],
    haircut: list[list[float]] | float = 0.0,
    **more: object,
) -> AllocationProblem:
    lots, obligations = len(value), len(requirement)
    shape = lots, obligations
    plain: dict[str, object] = {
        "lot_value": np.array(value, dtype=float), "lot_price": np.ones(lots), "lot_cost_rate": np.array(cost),
        "movement_cost_rate": np.zeros(lots), "lot_group": np.zeros(lots, dtype=np.int64),
        "lot_pool": np.full(lots, -1), "pool_headroom_t": np.zeros(0), "requirement": np.array(requirement, dtype=float),
        "is_eligible": np.ones(shape, dtype=bool), "haircut_ratio": np.broadcast_to(np.array(haircut, dtype=float), shape),
        "held_value": np.zeros(shape), "cap_ratio": np.full((obligations, 1), np.inf),
    }  # fmt: skip
    return AllocationProblem(**plain | more)  # type: ignore[arg-type]  # the test names fields as it needs them


def drawn(seed: int, *, lots: int = 12, obligations: int = 5) -> AllocationProblem:
    """Draw a problem with limits, pools, held units and movement costs; whether it can be met is left open."""
    draw = np.random.default_rng(seed)
    shape = lots, obligations
    return problem(
        draw.uniform(50, 150, lots).tolist(), draw.uniform(0.01, 0.03, lots).tolist(),
        draw.uniform(20, 140, obligations).tolist(),
        lot_price=draw.uniform(0.5, 2.0, lots),
        movement_cost_rate=draw.uniform(0, 0.02, lots),
        lot_group=draw.integers(0, 3, lots),
        lot_pool=draw.integers(-1, 2, lots),
        pool_headroom_t=draw.uniform(50, 400, 2),
        is_eligible=draw.random(shape) < 0.6,
        haircut_ratio=draw.uniform(0.05, 0.4, shape),
        held_value=np.where(draw.random(shape) < 0.2, draw.uniform(0, 40, shape), 0.0),
        cap_ratio=np.where(draw.random((obligations, 3)) < 0.3, np.inf, draw.uniform(0.3, 0.8, (obligations, 3))),
    )  # fmt: skip


def dense_optimum(one: AllocationProblem) -> tuple[float | None, np.ndarray]:
    """Solve it as a dense programme written apart from the product's, by scipy's interior point."""
    lots, obligations = one.is_eligible.shape
    size = lots * obligations
    place = np.arange(size).reshape(lots, obligations)
    rows, bounds = [], []

    def add(cells: np.ndarray, worth: np.ndarray, most: float) -> None:
        row = np.zeros(2 * size)
        row[cells], row[size + cells] = worth, worth
        rows.append(row)
        bounds.append(most)

    after = 1 - one.haircut_ratio
    for i in range(lots):
        add(place[i], np.ones(obligations), one.lot_value[i])
    for j in range(obligations):
        add(place[:, j], -after[:, j], -one.requirement[j])
        for g in range(one.cap_ratio.shape[1]):
            if np.isfinite(one.cap_ratio[j, g]):
                chosen = one.lot_group == g
                add(place[chosen, j], after[chosen, j], one.cap_ratio[j, g] * one.requirement[j])
    for p in range(one.pool_headroom_t.size):
        chosen = one.lot_pool == p
        per = np.repeat(1 / one.lot_price[chosen], obligations)
        add(place[chosen].ravel(), per, one.pool_headroom_t[p])
    for k in range(one.book_room.size):
        add(place.ravel(), np.repeat(one.book_weight[k], obligations), one.book_room[k])
    usable = np.where(one.is_eligible, np.inf, 0.0).ravel()
    upper = np.concatenate([usable, np.minimum(usable, one.held_value.ravel())])
    cost = np.repeat(one.lot_cost_rate, obligations)
    moved = cost + np.repeat(one.movement_cost_rate, obligations)
    found = linprog(
        np.concatenate([moved, cost]), A_ub=np.array(rows), b_ub=np.array(bounds),
        bounds=np.stack([np.zeros(2 * size), upper], axis=1), method="highs-ipm",
    )  # fmt: skip
    return (found.fun if found.status == 0 else None), found.x


def test_a_lot_that_suits_one_alone_is_left_to_it() -> None:
    """L0 suits both at 1%, L1 the first alone at 2%: 30 + 70 of L0 and 40 of L1 cost 1.80; the hand's rule is 40 short."""
    trap = problem([100, 100], [0.01, 0.02], [70, 70], is_eligible=np.array([[True, True], [True, False]]))
    found = AllocationSolver(trap).solve()
    np.testing.assert_allclose(found.value, [[30, 70], [40, 0]], atol=1e-9)
    assert found.cost == pytest.approx(1.8)
    assert greedy_allocation(trap).shortfall.tolist() == [0, 40]


def test_what_stands_there_is_not_moved_for_less_than_it_costs() -> None:
    """Moving costs 2%: 40 held of the dear lot (2%) stay, though the cheap one (1%) is free; at 0.5% they go."""
    held = problem([100, 100], [0.01, 0.02], [100], held_value=np.array([[0.0], [40.0]]))
    dear = AllocationSolver(replace(held, movement_cost_rate=np.array([0.02, 0.02]))).solve()
    np.testing.assert_allclose(dear.value[:, 0], [60, 40], atol=1e-9)
    assert dear.cost == pytest.approx(60 * 0.03 + 40 * 0.02) == dear.bound
    cheap = AllocationSolver(replace(held, movement_cost_rate=np.array([0.005, 0.005]))).solve()
    np.testing.assert_allclose(cheap.value[:, 0], [100, 0], atol=1e-9)


def test_headroom_in_tonnes_is_shared_by_a_pool() -> None:
    """Two lots of one pledgor at 50 a tonne, 3 t of headroom: 150 of value, whatever they hold; the rest is cash."""
    one = problem(
        [1_000, 1_000, 1_000], [0.01, 0.01, 0.05], [400], lot_price=np.array([50.0, 50.0, 1.0]),
        lot_pool=np.array([0, 0, -1]), pool_headroom_t=np.array([3.0]),
    )  # fmt: skip
    found = AllocationSolver(one).solve()
    assert found.value[:2].sum() == pytest.approx(150)
    assert found.cost == pytest.approx(1.5 + 250 * 0.05)
    # One more tonne replaces 50 of cash at 5% by 50 at 1%.
    assert found.pool_dual[0] == pytest.approx(50 * 0.04)
    (reason,) = [one_reason for one_reason in reasons(one, found) if one_reason.kind is ReasonKind.HEADROOM]
    assert reason.words("甲公司", "甲公司") == (
        "甲公司 的履约余量每多 1 吨，成本减少 2.0000 元", "one more tonne of headroom of 甲公司 saves 2.0000",
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_optimum_is_the_dense_programmes_and_its_duals_prove_it(seed: int) -> None:
    one = drawn(seed)
    expected, _ = dense_optimum(one)
    if expected is None:
        with pytest.raises(Unsolvable):
            AllocationSolver(one).solve()
        return
    found = AllocationSolver(one).solve()
    assert found.cost == pytest.approx(expected, rel=1e-6)
    assert found.bound == pytest.approx(found.cost, rel=1e-8)
    assert one.breaches(found.value, tolerance=1e-7) == ()


def test_a_reason_is_what_the_cost_does() -> None:
    """Each dual against the change of the cost when the lot, requirement or limit grows a little."""
    one = next(drawn(seed) for seed in range(100) if dense_optimum(drawn(seed))[0] is not None)
    found = AllocationSolver(one).solve()
    told = reasons(one, found)
    assert {reason.kind for reason in told} >= {ReasonKind.REQUIREMENT}
    step = 1e-4
    for reason in told:
        if reason.kind is ReasonKind.LOT:
            more = one.lot_value + step * one.lot_price * (np.arange(one.lot_value.size) == reason.place)
            changed, sign = replace(one, lot_value=more), -1
        elif reason.kind is ReasonKind.REQUIREMENT:
            # The limits' base moves with the requirement: what the limit's dual takes back is added here.
            grown = one.requirement + step * (np.arange(one.requirement.size) == reason.place)
            cap = one.cap_ratio * (one.requirement / grown)[:, None]
            changed, sign = replace(one, requirement=grown, cap_ratio=cap), 1
        elif reason.kind is ReasonKind.LIMIT:
            cap = one.cap_ratio.copy()
            cap[reason.place, reason.group] += step / one.requirement[reason.place]
            changed, sign = replace(one, cap_ratio=cap), -1
        else:
            room = one.pool_headroom_t + step * (np.arange(one.pool_headroom_t.size) == reason.place)
            changed, sign = replace(one, pool_headroom_t=room), -1
        moved = AllocationSolver(changed).solve().cost - found.cost
        assert sign * moved / step == pytest.approx(reason.saves, rel=1e-3, abs=1e-6), reason


def test_a_warm_solve_gives_what_a_cold_one_gives() -> None:
    draw = np.random.default_rng(5)
    one = problem(
        draw.uniform(50, 150, 60).tolist(), draw.uniform(0.01, 0.03, 60).tolist(), draw.uniform(20, 200, 20).tolist(),
        is_eligible=draw.random((60, 20)) < 0.4, haircut_ratio=draw.uniform(0.05, 0.4, (60, 20)),
        lot_group=draw.integers(0, 3, 60), cap_ratio=np.full((20, 3), 0.6),
    )  # fmt: skip
    solver = AllocationSolver(one)
    solver.solve()
    for _ in range(5):
        value = one.lot_value * draw.uniform(0.95, 1.05, 60)
        requirement = one.requirement * draw.uniform(0.97, 1.03, 20)
        solver = solver.moved(lot_value=value, lot_price=one.lot_price, requirement=requirement)
        warm = solver.solve()
        cold = AllocationSolver(replace(one, lot_value=value, requirement=requirement)).solve()
        assert warm.cost == pytest.approx(cold.cost, rel=1e-9)
        assert warm.bound == pytest.approx(warm.cost, rel=1e-9)


def test_whole_tonnes_hold_every_limit() -> None:
    """Lots of thousands of tonnes, as real ones are; where every limit binds at once no whole tonne may be left."""
    solved, refused = 0, 0
    for seed in range(60):
        one = drawn(seed)
        one = replace(
            one, lot_value=one.lot_value * 1e4, requirement=one.requirement * 0.4e4, held_value=one.held_value * 1e4,
            pool_headroom_t=one.pool_headroom_t * 1e4,
        )  # fmt: skip
        try:
            found = AllocationSolver(one).solve()
        except Unsolvable:
            continue
        try:
            whole = whole_allocation(one, found)
        except CalculationFailed:
            refused += 1
            continue
        solved += 1
        assert one.breaches(whole.units_t * one.lot_price[:, None], tolerance=1e-9) == ()
        assert -1e-9 <= whole.gap_ratio <= 1e-3
    assert solved >= 20
    assert refused <= solved / 10


def test_the_fewest_obligations_are_left_unmet() -> None:
    """110 of value for 60, 50 and 40: one must go, and of one, that which lacks least when the rest is met: 40."""
    one = problem([110], [0.01], [60, 50, 40])
    with pytest.raises(Unsolvable):
        AllocationSolver(one).solve()
    unmet = smallest_unmet(one)
    assert (len(unmet.obligations), unmet.is_proven) == (1, True)
    assert unmet.shortfall.sum() == pytest.approx(40)
    assert smallest_unmet(problem([200], [0.01], [60, 50, 40])).obligations == ()
    # Two small ones that one lot alone suits are fewer to give up than nothing, but more than the large one.
    blocked = problem([50, 500], [0.01, 0.01], [45, 300, 45], is_eligible=np.array([[1, 0, 1], [0, 1, 0]]) > 0)
    assert len(smallest_unmet(blocked).obligations) == 1
    assert smallest_unmet(blocked).shortfall.sum() == pytest.approx(40)


def test_haircuts_of_one_and_lots_nobody_accepts_are_no_columns() -> None:
    one = problem([100, 100], [0.01, 0.02], [50], [[1.0], [0.2]])
    assert Columns.of(one).lot.tolist() == [1]
    assert AllocationSolver(one).solve().value[0, 0] == 0


def test_the_solver_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    AllocationSolver(problem([100], [0.01], [50])).solve()
    smallest_unmet(problem([10], [0.01], [50]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lot_value": np.array([-1.0, 1.0])}, "lot_value"),
        ({"lot_price": np.array([0.0, 1.0])}, "lot_price"),
        ({"requirement": np.array([np.nan])}, "requirement"),
        ({"haircut_ratio": np.array([[1.1], [0.0]])}, "haircut_ratio"),
        ({"cap_ratio": np.array([[np.nan]])}, "cap_ratio"),
        ({"cap_ratio": np.array([0.5])}, "cap_ratio"),
        ({"lot_pool": np.array([0, -1])}, "pool_headroom_t"),
        ({"lot_cost_rate": np.array([0.1])}, "lot_cost_rate"),
        ({"is_eligible": np.ones((1, 2), dtype=bool)}, "is_eligible"),
        ({"lot_value": np.zeros(0)}, "lot_value"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, np.ndarray], field: str) -> None:
    good = problem([100, 100], [0.01, 0.02], [50])
    with pytest.raises(InvalidInput) as refused:
        replace(good, **change)
    assert refused.value.field == field
