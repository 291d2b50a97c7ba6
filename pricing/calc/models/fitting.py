"""Fitting parameters: a downhill simplex, a descent for many, and the uncertainty that curvature leaves."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CalculationFailed
from pricing.calc.models.cautions import FloatArray

Objective = Callable[[FloatArray], float]
_ROUNDING = 1e-13
_SLOPE_STEP = 1e-5
_CURVATURE_CHANGE = 1e-4  # of the objective where its curvature is read: above its rounding, below its bends
_CURVATURE_STEP_MOST = 1e-2
_LONGEST_STEP = 1.0  # parameters are logarithms and rates: one is a factor of e
_SHORTEST_STEP = 1e-12
_ENOUGH_DECREASE = 1e-4
_REFLECT, _EXPAND, _CONTRACT, _SHRINK = 1.0, 2.0, 0.5, 0.5


def minimised(objective: Objective, start: FloatArray, *, step: float = 0.2, rounds: int = 4_000) -> FloatArray:
    """Give the point where an objective is least, by the simplex of Nelder and Mead (1965), begun anew from its end.

    Args:
        objective: Infinite where parameters are impossible.
        start: Where to begin, shape (parameters,).
        step: Relative size of the first simplex.
        rounds: Steps at most for each of the three starts.
    """
    best = np.array(start, dtype=np.float64)
    for scale in (step, step / 4.0, step / 16.0):
        best = _simplex(objective, best, scale, rounds)
    return best


def _simplex(objective: Objective, start: FloatArray, step: float, rounds: int) -> FloatArray:
    count = start.size
    points = np.vstack([start, start + np.diag(np.where(start == 0.0, step, step * np.abs(start)))])
    values = np.array([objective(point) for point in points])
    for _ in range(rounds):
        order = np.argsort(values, kind="stable")
        points, values = points[order], values[order]
        if np.abs(points[1:] - points[0]).max() <= 1e-11 * max(1.0, float(np.abs(points[0]).max())):
            break
        if values[-1] - values[0] <= _ROUNDING * abs(values[0]):  # what is left is the objective's own rounding
            break
        centre = points[:-1].mean(axis=0)
        reflected = centre + _REFLECT * (centre - points[-1])
        value = objective(reflected)
        if value < values[0]:
            expanded = centre + _EXPAND * (centre - points[-1])
            further = objective(expanded)
            points[-1], values[-1] = (expanded, further) if further < value else (reflected, value)
        elif value < values[-2]:
            points[-1], values[-1] = reflected, value
        else:
            towards = reflected if value < values[-1] else points[-1]
            contracted = centre + _CONTRACT * (towards - centre)
            nearer = objective(contracted)
            if nearer < min(value, values[-1]):
                points[-1], values[-1] = contracted, nearer
            else:
                points[1:] = points[0] + _SHRINK * (points[1:] - points[0])
                values[1:] = [objective(points[place]) for place in range(1, count + 1)]
    return np.asarray(points[int(np.argmin(values))])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """Where a search stops in each parameter; infinite where it does not. Shapes (parameters,)."""

    lowest: FloatArray
    highest: FloatArray

    def inside(self, point: FloatArray) -> FloatArray:
        """Give the nearest point within the bounds."""
        return np.clip(point, self.lowest, self.highest)

    def is_held(self, point: FloatArray, slopes: FloatArray) -> npt.NDArray[np.bool_]:
        """Say which parameters stand on a bound with the descent leading out of it."""
        return ((point <= self.lowest) & (slopes > 0.0)) | ((point >= self.highest) & (slopes < 0.0))


def descended(
    objective: Objective, start: FloatArray, *, bounds: Bounds, tolerance: float = 1e-8, rounds: int = 500
) -> FloatArray:
    """Give the point where a smooth objective is least, by the descent of Broyden, Fletcher, Goldfarb and Shanno.

    Slopes are central differences and a step is halved until it pays (Nocedal and Wright, Numerical Optimization,
    algorithm 6.1); a parameter that would leave its bounds is held there while the others move. It ends when slopes and
    curvature promise less than tolerance (1 + |objective|).

    Args:
        objective: Finite at the start; also asked a slope's step beyond the bounds.
        start: Where to begin, shape (parameters,), within the bounds.
        bounds: Of the parameters.
        tolerance: As above.
        rounds: Steps at most.

    Raises:
        CalculationFailed: The objective is not finite at the start, or the descent does not end.
    """
    point, value = np.array(start, dtype=np.float64), objective(start)
    if not np.isfinite(value):
        raise CalculationFailed(f"the objective is {value} at the start", zh="校准目标函数在初值处不是有限数")
    slopes, inverse = _slopes(objective, point), _first_inverse(objective, point, value)
    for _ in range(rounds):
        if not np.all(np.isfinite(slopes)):
            break
        free = ~bounds.is_held(point, slopes)
        direction = -np.where(free, inverse @ np.where(free, slopes, 0.0), 0.0)
        if -(slopes @ direction) <= tolerance * (1.0 + abs(value)):
            return point
        moved = _paying_step(objective, point, value=value, slopes=slopes, direction=direction, bounds=bounds)
        if moved is None:  # no step pays: the slopes are at the objective's rounding
            return point
        point = bounds.inside(point + moved)
        value, before = objective(point), slopes
        slopes = _slopes(objective, point)
        inverse = _updated_inverse(inverse, moved, slopes - before)
    raise CalculationFailed(
        f"the fit did not end within {rounds} steps, or ran out of range; slopes of up to {np.abs(slopes).max():.3g}"
        " are left",
        zh=f"参数校准在 {rounds} 步内没有收敛，或参数超出范围",
        remedy="Give more prices, or prices that move more.",
        remedy_zh="请提供更多价格数据后重新校准。",
    )


def standard_errors(objective: Objective, at: FloatArray) -> FloatArray | None:
    """Give the standard errors of a fit: roots of the diagonal of the inverse Hessian; None where it is not curved.

    The Hessian is of central differences; each parameter's step changes the objective by about 1e-4, so that scales
    do not matter.
    """
    count, steps = at.size, np.diag(_curvature_steps(objective, at))
    hessian = np.empty((count, count))
    for row, one in enumerate(steps):
        for column, two in enumerate(steps[: row + 1]):
            change = objective(at + one + two) - objective(at + one - two) - objective(at - one + two)
            bend = (change + objective(at - one - two)) / (4.0 * one[row] * two[column])
            hessian[row, column] = hessian[column, row] = bend
    if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian).min() <= 0.0:
        return None
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(hessian))))


def _curvature_steps(objective: Objective, at: FloatArray) -> FloatArray:
    centre, steps = objective(at), np.empty_like(at)
    for place in range(at.size):
        along = np.zeros_like(at)
        along[place] = _CURVATURE_STEP_MOST
        for _ in range(4):  # each pass reads the curvature nearer to the point
            change = 0.5 * (objective(at + along) + objective(at - along)) - centre
            if not change > 0.0:
                break
            # From outside the parameters' range the step comes in by tenths.
            along[place] *= min(1.0, float(np.sqrt(_CURVATURE_CHANGE / change))) if np.isfinite(change) else 0.1
        steps[place] = along[place]
    return steps


def _slopes(objective: Objective, at: FloatArray) -> FloatArray:
    slopes = np.empty_like(at)
    for place in range(at.size):
        step = np.zeros_like(at)
        step[place] = _SLOPE_STEP * max(1.0, abs(at[place]))
        slopes[place] = (objective(at + step) - objective(at - step)) / (2.0 * step[place])
    return slopes


def _first_inverse(objective: Objective, at: FloatArray, value: float) -> FloatArray:
    """Give a diagonal guess of the inverse Hessian, so that unlike scales do not hurt."""
    diagonal = np.ones_like(at)
    for place in range(at.size):
        step = np.zeros_like(at)
        step[place] = _CURVATURE_STEP_MOST
        bend = (objective(at + step) - 2.0 * value + objective(at - step)) / _CURVATURE_STEP_MOST**2
        diagonal[place] = 1.0 / max(abs(bend), 1.0)
    return np.diag(diagonal)


def _paying_step(
    objective: Objective, at: FloatArray, *, value: float, slopes: FloatArray, direction: FloatArray, bounds: Bounds
) -> FloatArray | None:
    length = min(1.0, _LONGEST_STEP / float(np.abs(direction).max()))
    while length > _SHORTEST_STEP:
        moved = bounds.inside(at + length * direction) - at
        promise = float(np.vdot(slopes, moved))
        if promise < 0.0 and objective(at + moved) <= value + _ENOUGH_DECREASE * promise:
            return moved
        length *= 0.5
    return None


def _updated_inverse(inverse: FloatArray, moved: FloatArray, change: FloatArray) -> FloatArray:
    along = float(np.vdot(change, moved))
    if along <= 1e-12 * math.sqrt(np.vdot(change, change) * np.vdot(moved, moved)):
        return inverse  # no curvature to learn from; the inverse stays positive
    keep = np.eye(moved.size) - np.outer(moved, change) / along
    return np.asarray(keep @ inverse @ keep.T + np.outer(moved, moved) / along)
