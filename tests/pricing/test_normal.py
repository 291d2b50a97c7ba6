"""The normal distribution against the standard library, scipy and closed forms."""

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import (
    PRICE_NODES_PER_UNIT,
    PRICE_ORIGIN,
    CdfBuffers,
    bivariate_normal_cdf,
    normal_cdf,
    normal_pdf,
    normal_ppf,
)

RANDOM = np.random.default_rng(20260615)


def test_distribution_against_scipy() -> None:
    x = np.concatenate([RANDOM.uniform(-37.0, 10.0, 20_000), RANDOM.normal(0.0, 2.0, 20_000)])
    expected = ndtr(x)
    assert np.abs(normal_cdf(x) - expected).max() < 5e-16
    near = x > -9.0
    assert (np.abs(normal_cdf(x) - expected) / expected)[near].max() < 1e-13
    far = (x < -9.0) & (x > -37.0)
    assert (np.abs(normal_cdf(x) - expected) / expected)[far].max() < 1e-12


def test_ends_and_printed_values() -> None:
    assert normal_cdf(np.array([-np.inf, np.inf, 0.0])).tolist() == [0.0, 1.0, 0.5]
    assert normal_cdf(np.array([-1.7e308, 1.7e308])).tolist() == [0.0, 1.0]
    # Abramowitz and Stegun, table 26.1: P(1.00), P(2.00)
    assert np.round(normal_cdf(np.array([1.0, 2.0])), 15).tolist() == [0.841344746068543, 0.977249868051821]
    assert normal_pdf(np.array([0.0]))[0] == pytest.approx(0.398942280401433, rel=1e-14)
    assert normal_cdf(np.zeros((2, 3))).shape == (2, 3)


def test_the_distribution_for_prices_against_scipy_and_beyond_its_ends() -> None:
    x = np.concatenate([RANDOM.normal(0.0, 2.5, 20_000), [-1e9, -9.0, 9.0, 1e9]])
    out = np.empty(x.size)
    CdfBuffers(x.size).price_cdf(x * PRICE_NODES_PER_UNIT + PRICE_ORIGIN, out)
    assert np.abs(out - ndtr(x)).max() < 3e-15
    assert (out[-4], out[-1]) == (out[-3], out[-2])
    assert 0.0 < out[-4] < 2e-19


def test_chunks_do_not_change_bits() -> None:
    x = RANDOM.normal(0.0, 3.0, 5_000)
    whole = normal_cdf(x)
    buffers, out = CdfBuffers(700), np.empty(5_000)
    for start in range(0, 5_000, 700):
        buffers.cdf(x[start : start + 700], out[start : start + 700])
    assert np.array_equal(whole, out)


def test_quantile_against_scipy_and_the_standard_library() -> None:
    p = np.concatenate([RANDOM.uniform(0.0, 1.0, 5_000), 10.0 ** RANDOM.uniform(-300.0, 0.0, 1_000)])
    assert (np.abs(normal_ppf(p) - ndtri(p)) / np.maximum(1.0, np.abs(ndtri(p)))).max() < 4e-15
    assert normal_ppf(np.array([0.975]))[0] == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-15)
    assert normal_ppf(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]
    with pytest.raises(InvalidInput, match=r"probability 1 is 1.5"):
        normal_ppf(np.array([0.5, 1.5]))


def _by_conditioning(x: float, y: float, correlation: float) -> float:
    """Integrate Phi((y - rho t) / s) phi(t) dt up to x, in parts about the step of the integrand."""
    width = math.sqrt((1.0 - correlation) * (1.0 + correlation))
    step = [y / correlation + place * width / abs(correlation) for place in (-20, -8, -3, 0, 3, 8, 20)]
    parts = sorted([-12.0, x, *(one for one in step if -12.0 < one < x)])

    def density(t: float) -> float:
        return math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi) * float(ndtr((y - correlation * t) / width))

    return sum(quad(density, low, high, epsabs=1e-16, epsrel=1e-13, limit=200)[0] for low, high in pairwise(parts))


def test_two_variables_against_quadrature() -> None:
    for place in range(90):
        x, y = RANDOM.normal(0.0, 1.5, 2)
        near = 10.0 ** RANDOM.uniform(-6.0, -1.0)
        correlation = (float(RANDOM.uniform(-1.0, 1.0)), 1.0 - near, near - 1.0)[place % 3]
        found = float(bivariate_normal_cdf(np.array(x), np.array(y), np.array(correlation)))
        assert found == pytest.approx(_by_conditioning(x, y, correlation), abs=2e-15)


def test_two_variables_in_closed_form() -> None:
    rho = np.array([-1.0, -0.99, -0.5, 0.0, 0.5, 0.99, 1.0])
    # Sheppard: P(X <= 0, Y <= 0) = 1/4 + asin(rho) / (2 pi)
    assert bivariate_normal_cdf(np.zeros(7), np.zeros(7), rho) == pytest.approx(
        0.25 + np.arcsin(rho) / (2 * np.pi), abs=1e-15
    )
    assert float(bivariate_normal_cdf(np.array(0.3), np.array(-0.2), np.array(0.0))) == pytest.approx(
        float(normal_cdf(np.array(0.3)) * normal_cdf(np.array(-0.2))), abs=1e-16
    )
    assert float(bivariate_normal_cdf(np.array(np.inf), np.array(0.7), np.array(0.4))) == pytest.approx(
        ndtr(0.7), abs=1e-15
    )
    with pytest.raises(InvalidInput, match="correlation"):
        bivariate_normal_cdf(np.array(0.0), np.array(0.0), np.array(1.01))


@given(x=st.floats(-8, 8), y=st.floats(-8, 8), rho=st.floats(-1, 1))
@settings(max_examples=150)
def test_two_variables_are_symmetric_bounded_and_complementary(x: float, y: float, rho: float) -> None:
    def both(one: float, two: float, correlation: float) -> float:
        return float(bivariate_normal_cdf(np.array(one), np.array(two), np.array(correlation)))

    assert both(x, y, rho) == pytest.approx(both(y, x, rho), abs=1e-15)
    assert both(x, y, rho) + both(x, -y, -rho) == pytest.approx(float(ndtr(x)), abs=4e-15)
    assert 0.0 <= both(x, y, rho) <= min(float(ndtr(x)), float(ndtr(y))) + 1e-15
