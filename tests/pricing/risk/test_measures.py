"""Tails by hand, contributions that sum, and published critical values."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.risk.contributions import contributions
from pricing.calc.risk.measures import (
    FactorOrder,
    age_weights,
    normal_tail_risk,
    rank_value_at_risk,
    tail_risk,
    weighted_value_at_risk,
)

TEN = np.array([float(pnl) for pnl in (5, -1, -10, 3, -4, 0, 2, -7, 1, 4)])


def test_tail_by_hand() -> None:
    # Losses in order: -5 -4 -3 -2 -1 0 1 4 7 10; P(L <= 4) = 0.8, P(L <= 1) = 0.7
    risk = tail_risk(TEN, Decimal("0.8"))
    assert (risk.value_at_risk, risk.expected_shortfall, risk.tail_count) == (4.0, 8.5, 3)
    cut = tail_risk(TEN, Decimal("0.75"))
    # 2.5 scenarios: 10, 7 and half of 4
    assert (cut.value_at_risk, cut.expected_shortfall) == (4.0, pytest.approx((10 + 7 + 0.5 * 4) / 2.5))


def test_a_confidence_is_an_exact_number() -> None:
    pnl = -np.arange(1.0, 501.0)
    assert tail_risk(pnl, Decimal("0.95")).value_at_risk == 475.0
    assert tail_risk(pnl, Decimal("0.94")).value_at_risk == 470.0


def test_a_small_sample_bounds_its_quantile_on_one_side_only() -> None:
    risk = tail_risk(-np.arange(1.0, 101.0), Decimal("0.99"))
    # 99 -+ 1.96 x 0.995: places 97 and 101, the latter beyond the sample
    assert risk.interval == (97.0, float("inf"))


def test_age_weights_by_hand() -> None:
    assert age_weights(3, 0.5) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    # worst first: -10 (weight 1/7), -7 (2/7), 1 (4/7); 1 - a = 0.3 is reached at the second
    assert weighted_value_at_risk(np.array([-10.0, -7.0, 1.0]), age_weights(3, 0.5), Decimal("0.7")) == 7.0
    with pytest.raises(InvalidInput, match="weights"):
        weighted_value_at_risk(np.array([1.0]), np.array([-1.0]), Decimal("0.7"))


def test_normal_closed_form() -> None:
    # z(0.975) = 1.95996398, phi(z)/0.025 = 2.33780279
    assert normal_tail_risk(mean=10.0, deviation=100.0, confidence=Decimal("0.975")) == pytest.approx(
        (185.996398, 223.780279)
    )


@pytest.mark.parametrize("confidence", [Decimal("0.0001"), Decimal("0.9"), Decimal("0.975"), Decimal("0.9999")])
def test_rank_is_the_sorted_answer_of_every_loan_by_one_order(confidence: Decimal) -> None:
    random = np.random.default_rng(5)
    factor = np.round(random.normal(size=1_000), 2)  # with ties
    order = FactorOrder.of(factor)
    for cap in random.uniform(0.5, 3.0, 50):
        pnl = np.minimum(np.exp(factor), cap) - 1.0
        assert rank_value_at_risk(pnl, order, confidence) == tail_risk(pnl, confidence).value_at_risk


def test_a_rank_needs_no_second_look_at_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    order = FactorOrder.of(np.array([0.3, -0.2, 0.1]))

    def sorted_again(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("sort", "argsort"):
        monkeypatch.setattr(np, name, sorted_again)
    # Ranks from below: scenario 1, 2, 0; of three the 60 % quantile of the loss is the second loss, in scenario 2
    assert order.scenario_at(Decimal("0.6")) == 2
    assert rank_value_at_risk(np.array([9.0, -4.0, -1.0]), order, Decimal("0.6")) == 1.0


def test_a_rank_that_does_not_fit_is_refused() -> None:
    order = FactorOrder.of(np.array([0.3, -0.2, 0.1]))
    with pytest.raises(InvalidInput, match="does not fit 3 scenarios"):
        rank_value_at_risk(np.zeros(2), order, Decimal("0.9"))
    with pytest.raises(InvalidInput, match="outside 0 to 1"):
        order.scenario_at(Decimal(1))
    with pytest.raises(InvalidInput, match="scenario 1 is nan"):
        FactorOrder.of(np.array([0.0, np.nan]))


@given(st.integers(0, 2**32 - 1), st.sampled_from([Decimal("0.9"), Decimal("0.975"), Decimal("0.99")]))
@settings(max_examples=40)
def test_contributions_sum_to_the_whole(seed: int, confidence: Decimal) -> None:
    pnl = np.random.default_rng(seed).normal(size=(4, 333))
    split = contributions(pnl, confidence)
    assert np.sum(split.component_value_at_risk) == pytest.approx(split.value_at_risk)
    assert np.sum(split.component_shortfall) == pytest.approx(split.expected_shortfall)
    for part in range(4):
        rest = np.delete(pnl, part, axis=0).sum(axis=0)
        assert split.incremental[part] == pytest.approx(split.value_at_risk - tail_risk(rest, confidence).value_at_risk)


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=60),
    st.floats(0.1, 10.0),
    st.floats(-1e5, 1e5),
)
@settings(max_examples=80)
def test_risk_scales_shifts_and_shortfall_is_the_larger(pnl: list[float], times: float, cash: float) -> None:
    risk = tail_risk(np.array(pnl), Decimal("0.95"))
    moved = tail_risk(times * np.array(pnl) + cash, Decimal("0.95"))
    assert moved.value_at_risk == pytest.approx(times * risk.value_at_risk - cash, rel=1e-9, abs=1e-6)
    assert risk.expected_shortfall >= risk.value_at_risk - 1e-9 * abs(risk.value_at_risk)


@pytest.mark.parametrize(
    ("pnl", "confidence", "words"),
    [([], "0.9", "no scenario"), ([1.0, np.nan], "0.9", "scenario 1 is nan"), ([1.0], "1", "outside 0 to 1")],
)
def test_bad_input(pnl: list[float], confidence: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        tail_risk(np.array(pnl), Decimal(confidence))
