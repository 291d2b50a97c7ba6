"""Jump-diffusion haircuts: closed forms, the published call, and two inversions held against each other."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from collateral.calc.haircut_models import jump_diffusion
from collateral.calc.haircut_models.jump_diffusion import (
    Method,
    Target,
    checked_jump_haircuts,
    jump_haircut_ratios,
    kou_call,
)
from collateral.calc.haircut_models.jump_model import JumpDiffusion


def model(**columns: float | list[float]) -> JumpDiffusion:
    plain: dict[str, float | list[float]] = {
        "drift_rate": 0.0, "volatility": 0.3, "jumps_per_year": 0.0, "up_ratio": 0.5, "up_rate": 20.0,
        "down_rate": 20.0, "horizon_years": 10 / 252,
    }  # fmt: skip
    rows = max(len(value) if isinstance(value, list) else 1 for value in columns.values()) if columns else 1
    return JumpDiffusion(
        **{name: np.broadcast_to(np.asarray(value, dtype=float), (rows,)) for name, value in (plain | columns).items()}
    )


THIN = {"volatility": 0.28, "jumps_per_year": 6.0, "up_ratio": 0.35, "up_rate": 25.0, "down_rate": 12.0}


@pytest.mark.parametrize("method", Method)
def test_without_jumps_it_is_the_lognormal_closed_form(method: Method) -> None:
    one = model(drift_rate=0.02, volatility=[0.1, 0.3, 1.2], horizon_years=[0.004, 0.04, 0.5])
    root = one.volatility * np.sqrt(one.horizon_years)
    expected = 1 - np.exp(0.02 * one.horizon_years + root * norm.ppf(0.01))
    found = jump_haircut_ratios(one, target=Target.VALUE_AT_RISK, tail_ratio=0.01, method=method)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    # The mean loss beyond the quantile, E[1 - e^X | X <= q] of a normal X.
    mean = 0.02 * one.horizon_years
    beyond = 1 - np.exp(mean + root**2 / 2) * norm.cdf(norm.ppf(0.025) - root) / 0.025
    found = jump_haircut_ratios(one, target=Target.EXPECTED_SHORTFALL, tail_ratio=0.025, method=method)
    np.testing.assert_allclose(found, beyond, atol=1e-10)


@pytest.mark.parametrize("method", Method)
def test_an_expected_loss_target_is_met_by_blacks_put(method: Method) -> None:
    one = model(volatility=[0.2, 0.6], horizon_years=[0.1, 0.1])
    haircut = jump_haircut_ratios(one, target=Target.EXPECTED_LOSS, tail_ratio=1e-4, method=method)
    strike, root = 1 - haircut, one.volatility * np.sqrt(0.1)
    forward = np.exp(root**2 / 2)
    d1 = (np.log(forward / strike) + root**2 / 2) / root
    put = strike * norm.cdf(root - d1) - forward * norm.cdf(-d1)
    np.testing.assert_allclose(put / strike, 1e-4, rtol=1e-7)


@pytest.mark.parametrize("method", Method)
def test_the_published_call_to_five_decimals(method: Method) -> None:
    """Kou (2002), Management Science 48(8): 9.14732."""
    kou = model(volatility=0.16, jumps_per_year=1.0, up_ratio=0.4, up_rate=10.0, down_rate=5.0, horizon_years=0.5)
    assert kou_call(kou, spot=100.0, strike=98.0, rate=0.05, method=method)[0] == pytest.approx(9.14732, abs=5e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.05, 1.5), st.floats(0, 40), st.floats(0, 1), st.tuples(st.floats(3, 60), st.floats(3, 60)),
    st.floats(2 / 252, 1),
    st.sampled_from([(kind, tail) for kind in Target for tail in (0.05, 0.01, 0.001)]),
)  # fmt: skip
def test_two_inversions_agree_to_1e_8(  # noqa: PLR0917 - Hypothesis hands them over by place
    volatility: float, jumps: float, up: float, rates: tuple[float, float], years: float, asked: tuple[Target, float]
) -> None:
    one = model(
        volatility=volatility, jumps_per_year=jumps, up_ratio=up, up_rate=rates[0], down_rate=rates[1],
        horizon_years=years,
    )  # fmt: skip
    found = checked_jump_haircuts(one, target=asked[0], tail_ratio=asked[1])
    assert found.difference_ratio[0] <= 1e-8
    assert 0 <= found.haircut_ratio[0] < 1


@pytest.mark.parametrize(
    ("parameters", "target", "tail"),
    [
        # many jumps, whose pole the line's step must stay clear of: parted by 7e-6, 2e-7 and 1e-8
        ((0.05, 23.0, 0.5, 39.16991319790098, 17.74361514195308, 0.5788946116415794), Target.EXPECTED_LOSS, 0.05),
        ((0.05, 30.188842116124313, 0.008, 30.84855773719634, 45.0, 0.2172449095932545), Target.VALUE_AT_RISK, 0.05),
        ((0.05, 5.070198907340475, 0.0, 3.0, 6.927038133433001, 1.0), Target.EXPECTED_LOSS, 0.01),
        # no jumps, and a line that would lie on the pole of those that never come
        ((0.05, 0.0, 0.26, 60.0, 60.0, 2 / 252), Target.VALUE_AT_RISK, 0.001),
        # a loss met above today's price, where Newton's steps went to and fro
        ((0.05, 12.067999282371247, 0.3700677618780349, 60.0, 60.0, 2 / 252), Target.EXPECTED_LOSS, 0.01),
    ],
)
def test_inversions_agree_where_they_once_parted(
    parameters: tuple[float, float, float, float, float, float], target: Target, tail: float
) -> None:
    names = ("volatility", "jumps_per_year", "up_ratio", "up_rate", "down_rate", "horizon_years")
    found = checked_jump_haircuts(model(**dict(zip(names, parameters, strict=True))), target=target, tail_ratio=tail)
    assert found.difference_ratio[0] <= 1e-10


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.1, 30), st.floats(4, 50), st.floats(2 / 252, 0.5), st.floats(1.0, 2.0))
def test_more_of_any_risk_never_lowers_a_haircut(
    volatility: float, jumps: float, down_rate: float, years: float, more: float
) -> None:
    """More diffusion, more or deeper jumps down, a longer horizon: with no drift and jumps down alone."""
    plain = model(volatility=volatility, jumps_per_year=jumps, up_ratio=0.0, down_rate=down_rate, horizon_years=years)
    worse = {
        "volatility": volatility * more, "jumps_per_year": jumps * more, "down_rate": down_rate / more,
        "horizon_years": years * more,
    }  # fmt: skip
    for target in Target:
        before = jump_haircut_ratios(plain, target=target, tail_ratio=0.01)
        for name, value in worse.items():
            after = jump_haircut_ratios(replace(plain, **{name: np.array([value])}), target=target, tail_ratio=0.01)
            assert after[0] >= before[0] - 1e-9, name


def test_root_time_is_wrong_with_jumps() -> None:
    """The ten-day figure times root two says 31.8% where twenty days need 29.1%."""
    found = jump_haircut_ratios(
        model(**THIN, horizon_years=[10 / 252, 20 / 252]), target=Target.VALUE_AT_RISK, tail_ratio=0.01
    )
    assert found[0] * math.sqrt(2) == pytest.approx(0.318, abs=5e-4)
    assert found[1] == pytest.approx(0.291, abs=5e-4)


def test_inversions_that_part_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dict(jump_diffusion._METHODS)
    wrong[Method.COSINE] = lambda given: jump_diffusion.Cosine.of(replace(given, volatility=given.volatility * 1.001))
    monkeypatch.setattr(jump_diffusion, "_METHODS", wrong)
    with pytest.raises(CalculationFailed, match="part by"):
        checked_jump_haircuts(model(**THIN), target=Target.VALUE_AT_RISK, tail_ratio=0.01)


def test_what_lies_outside_the_model_is_refused_by_name_and_row() -> None:
    good = model(**THIN, horizon_years=[0.1, 0.2])
    for field in fields(good):
        column = getattr(good, field.name).copy()
        column[1] = np.nan
        with pytest.raises(InvalidInput, match=f"{field.name} of row 1"):
            replace(good, **{field.name: column})
    with pytest.raises(InvalidInput, match="differ in length"):
        replace(good, volatility=np.array([0.1]))
    for tail in (0.0, 0.6, math.nan):
        with pytest.raises(InvalidInput, match="tail"):
            jump_haircut_ratios(good, target=Target.VALUE_AT_RISK, tail_ratio=tail)
    with pytest.raises(CalculationFailed, match="nodes"):
        jump_haircut_ratios(
            model(volatility=0.005, jumps_per_year=1.0, down_rate=0.05, horizon_years=1e-4),
            target=Target.VALUE_AT_RISK, tail_ratio=0.01,
        )  # fmt: skip
