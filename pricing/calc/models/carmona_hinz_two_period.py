"""Carmona and Hinz over two compliance periods, with a fraction of a banked allowance that keeps its value.

A = pi1 Phi(xi1) + kappa pi2 Phi(xi2): scarcity of this period, and the next period's allowance as far as it is carried
over; kappa is 1 inside an EU phase and less where carrying over is limited. The two states are correlated. An option is
one quadrature over xi2 of the closed form in xi1.
Source: R. Carmona and J. Hinz (2011), section on several periods; conditioning derived here.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.models.carmona_hinz import CompliancePeriod, integrated_rate, state_of
from pricing.calc.models.cautions import FloatArray, correlation, not_negative, positive
from pricing.calc.normal import bivariate_normal_cdf, normal_cdf, normal_pdf, normal_ppf

_NODES = 400
_REACH = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPeriods:
    """Two compliance periods and what binds them.

    Attributes:
        current: This period.
        following: The next one.
        carried_fraction: kappa, of a banked allowance, in [0, 1].
        state_correlation: Of the noise of both states.
    """

    current: CompliancePeriod
    following: CompliancePeriod
    carried_fraction: float
    state_correlation: float

    def __post_init__(self) -> None:
        """Refuse fractions and correlations out of range."""
        if not 0.0 <= self.carried_fraction <= 1.0:
            raise InvalidInput(
                f"carried fraction is {self.carried_fraction}; it must lie within 0 to 1",
                zh="可结转比例须在 0 至 1 之间",
                field="carried_fraction",
            )
        correlation(self.state_correlation, field="state_correlation")


def allowance_price_per_t(periods: TwoPeriods, *, scarcity_per_t: float, following_per_t: float) -> float:
    """Give A = scarcity of this period + kappa times the next period's allowance."""
    return scarcity_per_t + periods.carried_fraction * following_per_t


def call_per_t(
    periods: TwoPeriods,
    *,
    scarcity_per_t: float,
    following_per_t: float,
    strike_per_t: float,
    expiry_years: float,
    discount_factor: float,
    node_count: int = _NODES,
) -> float:
    """Give a call on today's allowance that expires within this period.

    Given xi2 at expiry, the call is one on this period's scarcity with the strike K - kappa pi2 Phi(xi2), and its state
    is normal with the conditional mean and variance; the integral over xi2 is by Gauss and Legendre.

    Args:
        periods: The two periods.
        scarcity_per_t: pi1 Phi(xi1), between nought and this period's penalty.
        following_per_t: pi2 Phi(xi2), the next period's allowance.
        strike_per_t: K, not negative.
        expiry_years: After now (nought), before this period's compliance date.
        discount_factor: D.
        node_count: Nodes of the quadrature between bends; 400 give all digits, 64 nine of the price.

    Raises:
        InvalidInput: A price, strike or time outside the model.
    """
    strike = float(not_negative(strike_per_t, field="strike_per_t", zh="行权价"))
    factor = float(positive(discount_factor, field="discount_factor", zh="贴现因子"))
    current, following = periods.current, periods.following
    mean, variance = _transition(current, scarcity_per_t, expiry_years)
    next_mean, next_variance = _transition(following, following_per_t, expiry_years)
    worth = periods.carried_fraction * following.penalty_per_t
    rho = periods.state_correlation
    draw, step = _quadrature(_kinks(worth, current, strike, next_mean, next_variance), node_count)
    inner = _expected_excess(
        current.penalty_per_t,
        strike - worth * normal_cdf(next_mean + np.sqrt(next_variance) * draw),
        mean + rho * np.sqrt(variance) * draw,
        variance * (1.0 - rho**2),
    )
    return factor * float(np.sum(step * normal_pdf(draw) * inner))


def _kinks(worth: float, current: CompliancePeriod, strike: float, mean: float, variance: float) -> list[float]:
    """Give where what is carried over meets the strike, or that less this period's penalty: the call bends there."""
    found = []
    for level in (strike, strike - current.penalty_per_t):
        if 0.0 < level < worth:
            state = float(normal_ppf(np.array([level / worth]))[0])
            found.append((state - mean) / float(np.sqrt(variance)))
    return [one for one in found if abs(one) < _REACH]


def _quadrature(kinks: list[float], node_count: int) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights of Gauss and Legendre over nine deviations, in parts between the kinks."""
    nodes, weights = _legendre(node_count)
    ends = sorted([-_REACH, *kinks, _REACH])
    parts = [(0.5 * (high + low), 0.5 * (high - low)) for low, high in pairwise(ends)]
    return (
        np.concatenate([middle + half * nodes for middle, half in parts]),
        np.concatenate([half * weights for _, half in parts]),
    )


@lru_cache(maxsize=8)
def _legendre(node_count: int) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights on -1 to 1; a fit asks for the same some thousand times."""
    nodes, weights = np.polynomial.legendre.leggauss(node_count)
    return nodes, weights


def _transition(period: CompliancePeriod, price_per_t: float, expiry_years: float) -> tuple[float, float]:
    """Give mean and variance of a state at expiry."""
    rate = float(integrated_rate(period, from_years=0.0, to_years=expiry_years))
    if not 0.0 < rate < np.inf:
        raise InvalidInput(
            "the option must expire after now and before the compliance date",
            zh="期权到期日须晚于估值时点且早于履约时点",
            field="expiry_years",
        )
    xi = float(state_of(period, np.array([price_per_t]))[0])
    return xi * np.exp(0.5 * rate), float(np.expm1(rate))


def _expected_excess(penalty: float, strike: FloatArray, mean: FloatArray, variance: float) -> FloatArray:
    """Give E[(pi Phi(X) - k)+] for X normal: pi Phi2(m / sqrt(1+v), d; sqrt(v/(1+v))) - k Phi(d), d = (m - x*)/sqrt(v).

    A strike at or below nought is always in the money: pi Phi(m / sqrt(1+v)) - k.
    """
    whole = penalty * normal_cdf(mean / np.sqrt(1.0 + variance)) - strike
    level = normal_ppf(np.clip(strike / penalty, 0.0, 1.0))
    if variance == 0.0:
        return np.maximum(penalty * normal_cdf(mean) - strike, 0.0)
    with np.errstate(invalid="ignore"):
        reach = np.where(np.isinf(level), -level, (mean - level) / np.sqrt(variance))
    share = np.full(mean.shape, np.sqrt(variance / (1.0 + variance)))
    part = penalty * bivariate_normal_cdf(mean / np.sqrt(1.0 + variance), reach, share) - strike * normal_cdf(reach)
    return np.where(strike <= 0.0, whole, np.where(strike >= penalty, 0.0, np.maximum(part, 0.0)))
