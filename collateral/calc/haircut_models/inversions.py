"""Two inversions of a jump diffusion that share nothing but its transform.

Contour: the Bromwich integral along a line at c < 0, by the trapezoidal rule, whose error falls exponentially in the
nodes (Trefethen and Weideman 2014). Cosine: the Fourier-cosine expansion of the density on a finite range (Fang and
Oosterlee 2008), along the imaginary axis. Where they part, one of them is wrong.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from carbonfin.kernel.errors import CalculationFailed
from collateral.calc.haircut_models.jump_model import ComplexArray, FloatArray, JumpDiffusion, Tails

_DIGITS = 36.0  # exp(-36) is below what a double resolves
_LEAST_DEPTH, _MOST_DEPTH = 0.02, 60.0
_SHARES_OF_THE_WAY = np.array([0.15, 0.25, 0.4, 0.55, 0.7])
_NODES_MOST = 60_000
_RANGE_DEVIATIONS = 11.0
_TERMS_LEAST = 256


class Inversion(Protocol):
    """Gives the tails of a model at log prices."""

    def tails(self, x: FloatArray) -> Tails:
        """Give probability, density and put at `x`, shape (classes,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contour:
    """The inversion along a vertical line between the pole of the downward jumps and nought.

    P = h / pi Re sum e^(-s x) M(s) / (-s), put = the same with e^(x (1 - s)) M(s) / (s (s - 1)).

    Attributes:
        nodes: s on the line, shape (classes, nodes); columns beyond a class's own end weigh nothing.
        weights: M(s) times the step over pi, shape (classes, nodes).
    """

    nodes: ComplexArray
    weights: ComplexArray

    @classmethod
    def of(cls, model: JumpDiffusion) -> "Contour":
        """Lay the line for each class: halfway to the pole, or near where the lognormal saddle lies."""
        root = model.volatility * np.sqrt(model.horizon_years)
        free = np.clip(2.0 / model.deviation(), 1.0, _MOST_DEPTH)
        depth = np.where(model.jumps_per_year > 0.0, np.minimum(0.5 * model.down_rate, free), free)
        depth = np.maximum(depth, _LEAST_DEPTH)
        # M falls as a Gaussian along the line; on it M is at most M(-depth), which the reach must outrun.
        start = model.log_transform(np.asarray(-depth[:, None], dtype=np.complex128)).real[:, 0]
        reach = np.sqrt(2.0 * (_DIGITS + np.maximum(start, 0.0)) + np.square(depth * root)) / root
        step = np.minimum(
            2.0 * math.pi * depth / (_DIGITS + 2.0 * np.abs(depth * model.mean())), _step_by_the_left(model, depth)
        )
        count = int(np.max(np.ceil(reach / step))) + 1
        _require_room(count)
        place = np.arange(count)
        s = -depth[:, None] + 1j * (step[:, None] * place)
        weights = np.asarray(np.exp(model.log_transform(s)) * (step / math.pi)[:, None], dtype=np.complex128)
        weights[:, 0] *= 0.5
        weights[place[None, :] * step[:, None] > reach[:, None] + step[:, None]] = 0.0
        return cls(nodes=s, weights=weights)

    def tails(self, x: FloatArray) -> Tails:
        """Give probability, density and put at `x`."""
        s = self.nodes
        wave = np.exp(-s * x[:, None]) * self.weights
        below = wave / -s
        return Tails(
            probability=below.real.sum(axis=1),
            density=wave.real.sum(axis=1),
            put=np.exp(x) * (below / (1.0 - s)).real.sum(axis=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cosine:
    """The expansion of the density in cosines on [low, high].

    Attributes:
        low: Left ends, shape (classes,).
        frequencies: k pi / (high - low), shape (classes, terms).
        coefficients: Of the density, the first halved, shape (classes, terms).
    """

    low: FloatArray
    frequencies: FloatArray
    coefficients: FloatArray

    @classmethod
    def of(cls, model: JumpDiffusion) -> "Cosine":
        """Choose each class's range by deviations and by how far the exponential jumps reach, and expand."""
        mean, root = model.mean(), model.volatility * np.sqrt(model.horizon_years)
        spread = _RANGE_DEVIATIONS * model.deviation()
        jumping = model.jumps_per_year > 0.0
        low = mean - spread - np.where(jumping, _DIGITS / model.down_rate, 0.0)
        high = mean + spread + np.where(jumping, _DIGITS / model.up_rate, 0.0)
        width = high - low
        reach = np.sqrt(2.0 * _DIGITS) / root
        count = max(_TERMS_LEAST, int(np.max(np.ceil(reach * width / math.pi))))
        _require_room(count)
        frequencies = (math.pi / width)[:, None] * np.arange(count)
        phase = np.exp(
            model.log_transform(np.asarray(1j * frequencies, dtype=np.complex128)) - 1j * frequencies * low[:, None]
        )
        coefficients = (2.0 / width)[:, None] * phase.real
        coefficients[:, 0] *= 0.5
        return cls(low=low, frequencies=frequencies, coefficients=coefficients)

    def tails(self, x: FloatArray) -> Tails:
        """Give probability, density and put at `x`, each integrated term by term from the left end."""
        w, low = self.frequencies, self.low[:, None]
        over = x[:, None] - low
        sine, cosine = np.sin(w * over), np.cos(w * over)
        with np.errstate(invalid="ignore", divide="ignore"):
            area = sine / w
        area[:, 0] = over[:, 0]
        # Integral of e^y cos(w (y - low)) from low to x, and with it that of (e^x - e^y).
        top, bottom = np.exp(x)[:, None], np.exp(low)
        moment = (top * (cosine + w * sine) - bottom) / (1.0 + np.square(w))
        return Tails(
            probability=np.einsum("ij,ij->i", self.coefficients, area),
            density=np.einsum("ij,ij->i", self.coefficients, cosine),
            put=np.einsum("ij,ij->i", self.coefficients, top * area - moment),
        )


def _step_by_the_left(model: JumpDiffusion, depth: FloatArray) -> FloatArray:
    """Give the longest step, shape (classes,), whose error from the left of the line is beyond a double.

    Moved left by a, the integrand bounds that error by exp(-2 pi a / step) M(-(depth + a)) e^((depth + a) x), and M
    rises without bound towards the pole of the downward jumps: of a few a the one that allows the longest step counts.
    Tails of at most a half are asked for, so that x lies at most a deviation above the mean.
    """
    way = np.where(model.jumps_per_year > 0.0, model.down_rate - depth, 2.0 * depth)[:, None]
    aside = way * _SHARES_OF_THE_WAY
    left = -(depth[:, None] + aside)
    top = (model.mean() + model.deviation())[:, None]
    rise = model.log_transform(np.asarray(left, dtype=np.complex128)).real - left * top
    return np.asarray(np.max(2.0 * math.pi * aside / (_DIGITS + np.maximum(rise, 0.0)), axis=1))


def _require_room(count: int) -> None:
    if count > _NODES_MOST:
        raise CalculationFailed(
            f"the inversion needs {count} nodes, more than {_NODES_MOST}: a volatility is too small for its jumps",
            zh=f"反演需要 {count} 个节点，超过上限 {_NODES_MOST}：波动率相对跳跃过小",
            field="volatility",
        )
