"""Joint risk: the Gaussian case against scipy's bivariate law, the borrower's emissions, seasons, and refusals."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.haircut_models.wrong_way import WrongWayOutcome, wrong_way_add_on
from tests.collateral.haircut_stacks import borrower, wrong_way_method

PATHS = 1_000_000


def add_on(paths: int = PATHS, *, seed: int = 5, units: dict[str, int] | None = None, **terms: Any) -> WrongWayOutcome:
    return wrong_way_add_on(
        wrong_way_method(**terms),
        borrower(**units or {}),
        volatility=0.35,
        tail_ratio=0.01,
        path_count=paths,
        seed=seed,
    )


def conditional_haircut(correlation: float, default: float) -> float:
    """Solve P(Z <= z | Y <= c) = 1% with scipy's bivariate normal law, and give the fall at z."""
    law = multivariate_normal(mean=[0, 0], cov=[[1, correlation], [correlation, 1]])
    bound = norm.ppf(default)
    z = brentq(lambda one: law.cdf([one, bound]) / default - 0.01, -8.0, 2.0, xtol=1e-10)
    deviation = 0.35 * math.sqrt(20 / 250)
    return -math.expm1(deviation * z - deviation**2 / 2)


@pytest.mark.parametrize("correlation", ["0.3", "0.6", "-0.3"])
def test_with_no_units_lost_the_bivariate_normal_law_is_met(correlation: str) -> None:
    """Nobody short, so that only the price's correlation with credit is left: four standard errors of a million."""
    found = add_on(price_credit_correlation=Decimal(correlation), release_ratio=Decimal(0))
    expected = conditional_haircut(float(correlation), 0.04)
    assert found.price_only_ratio == pytest.approx(expected, abs=1e-6)
    assert abs(found.default_haircut_ratio - expected) <= 4 * found.standard_error
    deviation = 0.35 * math.sqrt(20 / 250)
    plain = -math.expm1(deviation * norm.ppf(0.01) - deviation**2 / 2)
    assert found.price_haircut_ratio == pytest.approx(plain, abs=1e-12)
    assert found.add_on_ratio == max(0.0, found.default_haircut_ratio - found.price_haircut_ratio)


def test_the_right_way_earns_nothing() -> None:
    assert add_on(price_credit_correlation=Decimal("-0.6"), release_ratio=Decimal(0)).add_on_ratio == 0


def test_a_shortfall_beyond_doubt_takes_its_part_of_the_pledge() -> None:
    """Certain emissions 40,000 t beyond all units, half met from a pledge of 100,000 t: a fifth is lost."""
    found = add_on(
        units={"emissions_t": 1_050_000}, emissions_deviation=Decimal(0), price_credit_correlation=Decimal(0),
        price_emissions_correlation=Decimal(0), emissions_credit_correlation=Decimal(0), surrender_season=None,
    )  # fmt: skip
    assert [found.short_ratio, found.shortfall_t_mean] == pytest.approx([1, 40_000])
    assert found.lost_ratio_mean == pytest.approx(0.2)
    expected = 1 - 0.8 * (1 - found.price_haircut_ratio)
    assert abs(found.default_haircut_ratio - expected) <= 4 * found.standard_error


def test_units_are_lost_only_while_the_surrender_is_ahead() -> None:
    """Seasons of 3% and 1%: three quarters of the defaults come in the first, where alone a fifth is lost."""
    found = add_on(
        units={"emissions_t": 1_050_000}, emissions_deviation=Decimal(0), surrender_season=1,
        default_ratios=(Decimal("0.03"), Decimal("0.01")),
    )  # fmt: skip
    assert list(found.season_ratios) == pytest.approx([0.75, 0.25])
    assert found.lost_ratio_mean == pytest.approx(0.75 * 0.2, abs=4 * 0.2 * math.sqrt(0.75 * 0.25 / PATHS))
    unknown = add_on(units={"emissions_t": 1_050_000}, emissions_deviation=Decimal(0), surrender_season=None)
    assert unknown.lost_ratio_mean == pytest.approx(0.2)


def test_mean_shortfall_meets_the_lognormal_call() -> None:
    """E max(0, E_0 e^(sZ - s^2/2) - K) is Black's call, emissions apart from credit."""
    found = add_on(emissions_credit_correlation=Decimal(0), price_emissions_correlation=Decimal(0))
    d1 = (math.log(1_000_000 / 1_010_000) + 0.005) / 0.1
    call = 1_000_000 * norm.cdf(d1) - 1_010_000 * norm.cdf(d1 - 0.1)
    assert found.shortfall_t_mean == pytest.approx(call, abs=4 * 60_000 / math.sqrt(PATHS))
    assert found.short_ratio == pytest.approx(norm.cdf(d1 - 0.1), abs=4 * 0.5 / math.sqrt(PATHS))


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    assert add_on(20_000) == add_on(20_000)
    assert add_on(20_000).default_haircut_ratio != add_on(20_000, seed=6).default_haircut_ratio


@settings(max_examples=30, deadline=None)
@given(
    emissions_t=st.integers(min_value=0, max_value=2_000_000), more_t=st.integers(min_value=0, max_value=500_000),
    free_t=st.integers(min_value=0, max_value=100_000), deviation=st.decimals(min_value=0, max_value=1, places=2),
)  # fmt: skip
def test_a_borrower_who_emits_more_or_holds_less_never_gets_a_smaller_add_on(
    emissions_t: int, more_t: int, free_t: int, deviation: Decimal
) -> None:
    units = {"emissions_t": emissions_t, "free_holding_t": free_t}
    before = add_on(2_000, units=units, emissions_deviation=deviation)
    more = add_on(2_000, units={**units, "emissions_t": emissions_t + more_t}, emissions_deviation=deviation)
    less = add_on(2_000, units={**units, "free_holding_t": free_t // 2}, emissions_deviation=deviation)
    assert before.add_on_ratio <= more.add_on_ratio <= 1
    assert before.add_on_ratio <= less.add_on_ratio


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"price_credit_correlation": Decimal(1)}, "price_credit_correlation"),
        ({"default_ratios": ()}, "default_ratios"),
        ({"default_ratios": (Decimal("0.6"), Decimal("0.5"))}, "default_ratios"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"surrender_season": 0}, "surrender_season"),
        (
            {"price_credit_correlation": Decimal("0.9"), "emissions_credit_correlation": Decimal("0.9"),
             "price_emissions_correlation": Decimal("-0.9")},
            "price_emissions_correlation",
        ),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wrong_way_method(**given)
    assert refused.value.field == field


def test_units_paths_and_volatility_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput):
        borrower(pledged_t=0)
    with pytest.raises(InvalidInput):
        add_on(100)
    with pytest.raises(InvalidInput, match="volatility"):
        wrong_way_add_on(
            wrong_way_method(), borrower(), volatility=0.0, tail_ratio=0.01, path_count=2_000, seed=1
        )  # fmt: skip
