"""Allocation of collateral: the small case with its duals, the trap of the hand's rule, and the large generator."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from collateral.calc.allocation.greedy import greedy_allocation
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.solver import Allocation, AllocationSolver
from collateral.calc.allocation.whole import whole_allocation
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_RELATIVE = Tolerance(value=1e-6, is_absolute=False, source="1e-6 relative")
_LEAST_SAVED, _MOST_GAP = 0.07, 1e-4
_FEN_A_TONNE = 8_000.0


def recognises(file: VectorFile) -> bool:
    return file.has("greedy_trap", "small")


def run(file: VectorFile) -> Iterable[CaseResult]:
    content: dict[str, Any] = file.content
    yield run_case("small", _RELATIVE, partial(_small, case=content["small"]))
    yield run_case("greedy trap", _RELATIVE, partial(_trap, case=content["greedy_trap"]))
    for row in content["large_regression"]:
        yield run_case(f"density {row['eligibility_density']}", _RELATIVE, partial(_large, row=row))


def generated(*, lots: int, obligations: int, density: float, seed: int) -> AllocationProblem:
    """Draw the file's large problem, number for number in the order of its generator; values are in fen."""
    draw = np.random.default_rng(seed)
    groups = 6
    value = np.round(draw.lognormal(np.log(2e6), 0.8, lots) * 100)
    group = draw.integers(0, groups, lots)
    cost = draw.uniform(0.001, 0.03, lots)
    eligible = draw.random((lots, obligations)) < density
    base = draw.uniform(0.05, 0.30, groups)
    haircut = np.clip(base[group][:, None] + draw.uniform(-0.02, 0.1, (lots, obligations)), 0, 0.6)
    weights = draw.lognormal(0, 1, obligations)
    return _problem(
        value, cost, value.sum() * 0.55 * 0.8 * weights / weights.sum(), haircut, eligible, group,
        cap=np.full((obligations, groups), 0.45),
    )  # fmt: skip


def _problem(  # noqa: PLR0917 - the arrays of the file, in its order
    value: np.ndarray, cost: np.ndarray, requirement: np.ndarray, haircut: np.ndarray, eligible: np.ndarray,
    group: np.ndarray, *, cap: np.ndarray,
) -> AllocationProblem:  # fmt: skip
    lots = value.size
    return AllocationProblem(
        lot_value=value, lot_price=np.full(lots, _FEN_A_TONNE), lot_cost_rate=cost, movement_cost_rate=np.zeros(lots),
        lot_group=group, lot_pool=np.full(lots, -1), pool_headroom_t=np.zeros(0), requirement=requirement,
        is_eligible=eligible, haircut_ratio=haircut, held_value=np.zeros(haircut.shape), cap_ratio=cap,
    )  # fmt: skip


def _small(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(
        case, "lots", "haircut", "requirement", "concentration", "optimal_cost", "allocation_market_value",
        "shadow_prices", "greedy_cost_order01", "greedy_shortfall_order01", "greedy_order10",
    )  # fmt: skip
    lots = case["lots"]
    haircut = np.array(case["haircut"])
    limited = [lot["id"] in case["concentration"] for lot in lots]
    check.same("limit", {"SZEA-2024": "<=50% of requirement, post-haircut"}, case["concentration"])
    problem = _problem(
        np.array([lot["market_value"] for lot in lots]), np.array([lot["annual_opportunity_cost"] for lot in lots]),
        np.array(case["requirement"]), haircut, np.ones(haircut.shape, dtype=bool), np.array(limited).astype(np.int64),
        cap=np.tile([np.inf, 0.5], (haircut.shape[1], 1)),
    )  # fmt: skip
    found = AllocationSolver(problem).solve()
    check.number("cost", case["optimal_cost"], found.cost)
    check.numbers("allocation", np.ravel(case["allocation_market_value"]), np.ravel(found.value), scale=1.0)
    prices = case["shadow_prices"]
    for j in range(haircut.shape[1]):
        check.number(f"requirement {j}", -prices[f"req{j}"], found.requirement_dual[j])
        check.number(f"limit {j}", -prices[f"conc{j}"], found.cap_dual[j, 1])
    for i in range(len(lots)):
        check.number(f"lot {i}", -prices[f"lot{i}"], found.lot_dual[i], scale=1.0)
    check.number("by hand's rule", case["greedy_cost_order01"], greedy_allocation(problem).cost)


def _trap(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(
        case, "lots", "eligibility", "haircut", "requirement", "optimal_cost", "optimal", "greedy_in_obligation_order"
    )
    eligible = np.array(case["eligibility"]) > 0
    problem = _problem(
        np.array([1.0 * lot[1] for lot in case["lots"]]), np.array([lot[2] for lot in case["lots"]]),
        np.array(case["requirement"], dtype=float), np.full(eligible.shape, float(case["haircut"])), eligible,
        np.zeros(len(case["lots"]), dtype=np.int64), cap=np.full((eligible.shape[1], 1), np.inf),
    )  # fmt: skip
    found = AllocationSolver(problem).solve()
    check.number("cost", case["optimal_cost"], found.cost)
    check.numbers("allocation", np.ravel(case["optimal"]), np.ravel(found.value), scale=1.0)
    check.number("hand's rule is short by", 40.0, greedy_allocation(problem).shortfall.sum())


def _large(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(
        row,
        "lots",
        "obligations",
        "eligibility_density",
        "seed",
        "vars",
        "rows",
        "nnz",
        "objective_scaled_1e6",
        "agree",
    )
    problem = generated(
        lots=row["lots"], obligations=row["obligations"], density=row["eligibility_density"], seed=row.get("seed", 7)
    )
    found: Allocation = AllocationSolver(problem).solve()
    check.same("columns", row["vars"], found.all_column_count)
    check.number("cost", row["objective_scaled_1e6"], found.cost / 1e6)
    check.number("bound by duals", found.cost, found.bound)
    check.same("breaches", (), problem.breaches(found.value, tolerance=1e-7))
    whole = whole_allocation(problem, found)
    check.same("breaches in whole tonnes", (), problem.breaches(whole.units_t * _FEN_A_TONNE, tolerance=1e-9))
    if not -1e-9 <= whole.gap_ratio <= _MOST_GAP:
        check.differences.append(f"whole tonnes cost {whole.gap_ratio:.2e} more than the optimum")
    if row["eligibility_density"] < 1:
        dearer = greedy_allocation(problem).cost / found.cost - 1
        if dearer < _LEAST_SAVED:
            check.differences.append(f"the hand's rule is only {dearer:.2%} dearer")
