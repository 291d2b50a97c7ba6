"""The double-exponential jump diffusion of a log price (Kou 2002), many classes at once.

X_T = mu T + sigma W_T + the sum of N_T jumps, N_T Poisson of rate lambda; a jump is +Exp(eta_up) with probability p and
-Exp(eta_down) otherwise. E exp(s X_T) = exp(T k(s)) for -eta_down < Re s < eta_up, with
k(s) = mu s + sigma^2 s^2 / 2 + lambda (p eta_up / (eta_up - s) + (1 - p) eta_down / (eta_down + s) - 1).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

_ZH = {
    "drift_rate": "漂移率",
    "volatility": "波动率",
    "jumps_per_year": "年跳跃次数",
    "up_ratio": "上跳概率",
    "up_rate": "上跳指数参数",
    "down_rate": "下跳指数参数",
    "horizon_years": "期限（年）",
}
_BOUNDS = {
    "drift_rate": (-10.0, 10.0),
    "volatility": (0.005, 10.0),
    "jumps_per_year": (0.0, 1_000.0),
    "up_ratio": (0.0, 1.0),
    "up_rate": (1.000_001, 1e6),
    "down_rate": (0.05, 1e6),
    "horizon_years": (1e-4, 30.0),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JumpDiffusion:
    """Parameters by class and the horizon each is asked for; arrays of one shape (classes,).

    Attributes:
        drift_rate: mu, per year; nought is the choice that promises no growth.
        volatility: sigma of the diffusion alone, per square root of a year.
        jumps_per_year: lambda; nought is the lognormal model.
        up_ratio: p, the share of jumps that go up.
        up_rate: eta_up; the mean jump up is its inverse, and it exceeds one so that the price has a mean.
        down_rate: eta_down; the mean jump down is its inverse.
        horizon_years: T.
    """

    drift_rate: FloatArray
    volatility: FloatArray
    jumps_per_year: FloatArray
    up_ratio: FloatArray
    up_rate: FloatArray
    down_rate: FloatArray
    horizon_years: FloatArray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and what lies outside the model, by name and row."""
        sizes = {getattr(self, field.name).shape for field in fields(self)}
        if len(sizes) != 1 or len(next(iter(sizes))) != 1:
            raise InvalidInput(
                "the columns of a jump diffusion differ in length", zh="跳跃扩散模型各列长度不一致", field="volatility"
            )
        for name, (low, high) in _BOUNDS.items():
            column = getattr(self, name)
            wrong = ~((column >= low) & (column <= high))
            if np.any(wrong):
                row = int(np.flatnonzero(wrong)[0])
                raise InvalidInput(
                    f"{name} of row {row} is {column[row]}, outside {low} to {high}",
                    zh=f"第 {row + 1} 行{_ZH[name]}为 {column[row]}，须在 {low} 至 {high}",
                    field=name,
                    row=row,
                )

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.volatility.size

    def deviation(self) -> FloatArray:
        """Give the standard deviation of X_T, jumps included."""
        jumps = self.up_ratio / np.square(self.up_rate) + (1.0 - self.up_ratio) / np.square(self.down_rate)
        return np.asarray(
            np.sqrt(self.horizon_years * (np.square(self.volatility) + 2.0 * self.jumps_per_year * jumps))
        )

    def mean(self) -> FloatArray:
        """Give the mean of X_T."""
        jump = self.up_ratio / self.up_rate - (1.0 - self.up_ratio) / self.down_rate
        return np.asarray(self.horizon_years * (self.drift_rate + self.jumps_per_year * jump))

    def log_transform(self, s: ComplexArray) -> ComplexArray:
        """Give T k(s), with s of shape (classes, nodes); without jumps there is no pole, and s may lie anywhere."""
        up, down = self.up_rate[:, None], self.down_rate[:, None]
        p = self.up_ratio[:, None]
        at = np.where(self.jumps_per_year[:, None] > 0.0, s, 0.0)
        jump = p * up / (up - at) + (1.0 - p) * down / (down + at) - 1.0
        diffusion = s * (self.drift_rate[:, None] + 0.5 * np.square(self.volatility)[:, None] * s)
        return np.asarray(self.horizon_years[:, None] * (diffusion + self.jumps_per_year[:, None] * jump))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tails:
    """What an inversion gives at log prices x, one a class: shapes (classes,).

    Attributes:
        probability: P(X_T <= x).
        density: Of X_T at x.
        put: E max(0, e^x - e^X_T), the mean shortfall below e^x as a part of today's price.
    """

    probability: FloatArray
    density: FloatArray
    put: FloatArray
