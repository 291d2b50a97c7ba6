"""Haircuts and allocation beside the rates they must reach, and the optimum beside scipy's solver.

The sale's classes share their draws; its unit is a path's day, all classes and paths together.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from benchmarks.harness import Bound, Comparison, Contender
from collateral.calc.allocation.columns import Columns
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.solver import AllocationSolver
from collateral.calc.haircut_models.forced_sale import forced_sale_outcomes
from collateral.calc.haircut_models.jump_diffusion import Target, jump_haircut_ratios
from collateral.calc.haircut_models.jump_model import JumpDiffusion
from collateral.calc.haircut_models.sale_terms import SaleTerms

_CLASSES, _HORIZONS_DAYS = 50, (5, 10, 20, 40, 60, 120)
_PATHS, _SEED = 100_000, 1
_LOTS, _OBLIGATIONS, _GROUPS, _DENSITY, _DENSE = 1_000, 200, 6, 0.3, 1.0
_JUMPS_S, _SALES_S, _COLD_S, _WARM_S = 1.0, 15.0, 2.0, 0.1
# Volatility, notice, quantity over ADV, participation, trade days, limit, spread, impact: the eight published cases.
_SALES = (
    (0.35, 5, 0.5, 0.1, 1.0, None, 0.001, 0.0), (0.35, 5, 2.0, 0.1, 1.0, None, 0.001, 0.0),
    (0.35, 5, 2.0, 0.1, 1.0, 0.1, 0.001, 0.5), (0.35, 10, 10.0, 0.2, 0.8, 0.1, 0.01, 0.5),
    (0.6, 10, 2.0, 0.2, 0.8, 0.1, 0.01, 0.5), (0.6, 10, 10.0, 0.2, 0.4, 0.1, 0.02, 0.5),
    (1.2, 10, 10.0, 0.2, 0.4, 0.1, 0.03, 0.5), (1.2, 10, 2.0, 0.2, 0.8, 0.1, 0.03, 0.5),
)  # fmt: skip


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give the jump haircuts, the sales, and the allocation cold and warm."""
    yield [_jumps(), _sales(scale), *_allocation(scale)]


def _jumps() -> Comparison:
    rows = [(number, days) for number in range(_CLASSES) for days in _HORIZONS_DAYS]
    spread = np.array([number / _CLASSES for number, _ in rows])
    model = JumpDiffusion(
        drift_rate=np.zeros(len(rows)), volatility=0.2 + 0.5 * spread, jumps_per_year=12.0 * spread,
        up_ratio=np.full(len(rows), 0.35), up_rate=np.full(len(rows), 25.0), down_rate=20.0 - 12.0 * spread,
        horizon_years=np.array([days / 252 for _, days in rows]),
    )  # fmt: skip
    return Comparison(
        name=f"jump-diffusion haircuts, {_CLASSES} classes x {len(_HORIZONS_DAYS)} horizons",
        unit="haircuts",
        subject=Contender(
            name="contour",
            run=lambda: jump_haircut_ratios(model, target=Target.VALUE_AT_RISK, tail_ratio=0.01),
            operation_count=len(rows),
        ),
        comparator=Bound(per_s=len(rows) / _JUMPS_S),
    )


def _sales(scale: float) -> Comparison:
    paths = max(2_000, int(_PATHS * scale))
    classes = list(islice(cycle(map(_terms, _SALES)), _CLASSES))
    counted = forced_sale_outcomes(classes, path_count=paths, seed=_SEED, tail_ratio=0.01)
    path_days = sum(one.path_days for one in counted)
    return Comparison(
        name=f"forced sales, {_CLASSES} classes x {paths} paths, draws shared by the classes, one processor",
        unit="path-days",
        subject=Contender(
            name="simulated",
            run=lambda: forced_sale_outcomes(classes, path_count=paths, seed=_SEED, tail_ratio=0.01),
            operation_count=path_days,
        ),
        comparator=Bound(per_s=path_days / (_SALES_S * paths / _PATHS)),
    )


def _terms(row: tuple[float, int, float, float, float, float | None, float, float]) -> SaleTerms:
    volatility, notice, quantity, participation, trading, limit, spread, impact = row
    deviation = volatility / math.sqrt(250)
    return SaleTerms(
        daily_drift=-0.5 * deviation**2, daily_deviation=deviation, notice_days=notice, cure_days=0,
        quantity_adv=quantity, participation_ratio=participation, trade_day_ratio=trading, daily_limit_ratio=limit,
        bid_ask_ratio=spread, impact=impact,
    )  # fmt: skip


def _allocation(scale: float) -> list[Comparison]:
    part = min(1.0, max(0.05, scale))
    lots, obligations = int(_LOTS * part), int(_OBLIGATIONS * part)
    problem = _problem(lots=lots, obligations=obligations, density=_DENSITY)
    size = f"{lots} x {obligations}, density {_DENSITY}"
    dense = _problem(lots=lots, obligations=obligations, density=_DENSE)
    found, theirs = AllocationSolver(problem).solve().cost, _by_scipy(problem)
    assert math.isclose(found, theirs, rel_tol=1e-6), f"the optimum is {found}, scipy's {theirs}"
    warm = _Warm(problem)
    cold = Contender(name="cold", run=lambda: AllocationSolver(problem).solve(), operation_count=1)
    scipy = Contender(name="scipy's dual simplex", run=lambda: _by_scipy(problem), operation_count=1)
    full = Contender(name="cold", run=lambda: AllocationSolver(dense).solve(), operation_count=1)
    full_scipy = Contender(name="scipy's dual simplex", run=lambda: _by_scipy(dense), operation_count=1)
    again = Contender(name="warm, every value and requirement moved", run=warm.run, operation_count=1)
    return [
        Comparison(name=f"allocation {size}", unit="solves", subject=cold, comparator=scipy),
        Comparison(name=f"allocation {size}", unit="solves", subject=cold, comparator=Bound(per_s=1 / _COLD_S)),
        Comparison(
            name=f"allocation {lots} x {obligations}, density {_DENSE}", unit="solves", subject=full,
            comparator=full_scipy,
        ),
        Comparison(name=f"allocation {size} again", unit="solves", subject=again, comparator=Bound(per_s=1 / _WARM_S)),
    ]  # fmt: skip


class _Warm:
    """Moves all values by up to 2% and all requirements by up to 1%, and solves again."""

    def __init__(self, problem: AllocationProblem) -> None:
        self._problem, self._draw = problem, np.random.default_rng(_SEED)
        self._solver = AllocationSolver(problem)
        self._solver.solve()

    def run(self) -> object:
        problem = self._problem
        return self._solver.moved(
            lot_value=problem.lot_value * self._draw.uniform(0.98, 1.02, problem.lot_value.size),
            lot_price=problem.lot_price,
            requirement=problem.requirement * self._draw.uniform(0.99, 1.01, problem.requirement.size),
        ).solve()


def _problem(*, lots: int, obligations: int, density: float) -> AllocationProblem:
    """Draw the shared generator's problem; at full size with seed 7 it is the published one."""
    draw = np.random.default_rng(7)
    value = np.round(draw.lognormal(np.log(2e6), 0.8, lots) * 100)
    group = draw.integers(0, _GROUPS, lots)
    cost = draw.uniform(0.001, 0.03, lots)
    eligible = draw.random((lots, obligations)) < density
    base = draw.uniform(0.05, 0.30, _GROUPS)
    haircut = np.clip(base[group][:, None] + draw.uniform(-0.02, 0.1, (lots, obligations)), 0, 0.6)
    weights = draw.lognormal(0, 1, obligations)
    return AllocationProblem(
        lot_value=value, lot_price=np.full(lots, 8_000.0), lot_cost_rate=cost, movement_cost_rate=np.zeros(lots),
        lot_group=group, lot_pool=np.full(lots, -1), pool_headroom_t=np.zeros(0),
        requirement=value.sum() * 0.55 * 0.8 * weights / weights.sum() * min(1.0, lots / _LOTS + 0.5),
        is_eligible=eligible, haircut_ratio=haircut, held_value=np.zeros(haircut.shape),
        cap_ratio=np.full((obligations, _GROUPS), 0.45 if lots == _LOTS else 1.0),
    )  # fmt: skip


def _by_scipy(problem: AllocationProblem) -> float:
    columns = Columns.of(problem)
    everything = np.arange(columns.lot.size)
    starts, rows, worth = columns.entries(everything)
    matrix = sp.csc_matrix((worth, rows, starts), shape=(columns.row_lower.size, everything.size)).tocsr()
    lower = np.isfinite(columns.row_lower)
    found = linprog(
        columns.cost, A_ub=sp.vstack([matrix[~lower], -matrix[lower]]),
        b_ub=np.concatenate([columns.row_upper[~lower], -columns.row_lower[lower]]), method="highs-ds",
    )  # fmt: skip
    assert found.status == 0, found.message
    return float(found.fun) * columns.scale
