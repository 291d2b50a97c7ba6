"""Fitting parameters: a downhill simplex, and the uncertainty that the curvature at its best point leaves."""

from collections.abc import Callable

import numpy as np

from pricing.calc.models.cautions import FloatArray

Objective = Callable[[FloatArray], float]
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


def standard_errors(objective: Objective, at: FloatArray) -> FloatArray | None:
    """Give the standard errors of a fit: roots of the diagonal of the inverse Hessian; None where it is not curved.

    Central differences with a step of 1e-4 of each parameter.
    """
    steps = 1e-4 * np.maximum(np.abs(at), 1e-2)
    count = at.size
    hessian = np.empty((count, count))
    for row in range(count):
        for column in range(count):
            one, two = np.eye(count)[row] * steps[row], np.eye(count)[column] * steps[column]
            hessian[row, column] = (
                objective(at + one + two) - objective(at + one - two) - objective(at - one + two)
                + objective(at - one - two)
            ) / (4.0 * steps[row] * steps[column])  # fmt: skip
    if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian).min() <= 0.0:
        return None
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(hessian))))
