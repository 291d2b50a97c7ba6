"""Backtests of a book through the history of its factors: by hand, day by day."""

import math
from statistics import NormalDist, fmean, stdev

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.portfolio import value_portfolio
from pricing.calc.portfolio_risk import MarketHistory
from pricing.calc.portfolio_risk.backtest_words import verdicts
from pricing.calc.portfolio_risk.backtesting import BacktestModel, BookBacktest, ModelBacktest, backtested
from pricing.calc.portfolio_risk.compression import compressed
from pricing.calc.portfolio_risk.exposures import MarketScenarios, exposed_lines
from pricing.calc.portfolio_risk.histories import FactorHistory
from pricing.calc.positions import PortfolioLine
from tests.pricing.markets import F1, spot
from tests.pricing.risk.test_methods import EXPOSURE, HELD, history, market_of
from tests.pricing.test_portfolio_risk import inputs_of

WINDOW = 121
MOVES = [0.03 * math.sin(1.0 + 2.7 * place) * (1.5 if place % 97 > 80 else 1.0) for place in range(421)]
PNL = [EXPOSURE * math.expm1(move) for move in MOVES]


def backtest_of(
    *lines: PortfolioLine, histories: list[FactorHistory] | None = None, window: int = WINDOW
) -> BookBacktest:
    found = [history(MOVES)] if histories is None else histories
    snapshot = market_of(risk_confidence="0.95")
    inputs = inputs_of(*lines, snapshot=snapshot, market=MarketHistory(histories=tuple(found), deviations=()))
    return backtested(inputs, window_days=window)


def by(found: BookBacktest, model: BacktestModel) -> ModelBacktest:
    return next(one for one in found.models if one.model is model)


def worst(losses: list[float], count: int) -> tuple[float, float]:
    """Value at risk and shortfall of a 95 % tail over losses, the scenario that the tail cuts counted in part."""
    ordered = sorted(losses)
    mass = 0.05 * count
    place = math.ceil(round(0.95 * count, 9)) - 1
    beyond = ordered[place + 1 :]
    return ordered[place], (sum(beyond) + ordered[place] * (mass - len(beyond))) / mass


def test_each_day_is_promised_off_the_window_before_it() -> None:
    found = by(backtest_of(HELD), BacktestModel.HISTORICAL)
    assert len(found.days) == 300
    for place in (0, 1, 150, 299):
        value, shortfall = worst([-one for one in PNL[place : place + WINDOW]], WINDOW)
        day = found.days[place]
        assert day.pnl_cny == pytest.approx(PNL[place + WINDOW], abs=1e-3)
        assert (day.value_at_risk_cny, day.expected_shortfall_cny) == pytest.approx((value, shortfall), abs=1e-3)
    hits = sum(
        -PNL[place + WINDOW] > worst([-one for one in PNL[place : place + WINDOW]], WINDOW)[0] for place in range(300)
    )
    assert found.coverage is not None
    assert found.coverage.exception_count == sum(day.is_exception for day in found.days) == hits
    assert found.coverage.expected_count == pytest.approx(15.0)
    share = hits / 300
    by_hand = 2 * (
        (300 - hits) * math.log((1 - share) / 0.95) + (hits * math.log(share / 0.05) if hits else 0.0)
    )  # fmt: skip
    assert found.coverage.statistic == pytest.approx(by_hand, abs=1e-6)


def test_filtered_and_normal_promises_by_hand() -> None:
    found = backtest_of(HELD)
    window = MOVES[150 : 150 + WINDOW]
    variance, deviations = fmean(move * move for move in window[:60]), []
    for move in window:
        deviations.append(math.sqrt(variance))
        variance = 0.94 * variance + 0.06 * move * move
    rescaled = [move * math.sqrt(variance) / old for move, old in zip(window[60:], deviations[60:], strict=True)]
    value, shortfall = worst([-EXPOSURE * math.expm1(move) for move in rescaled], WINDOW - 60)
    day = by(found, BacktestModel.FILTERED_HISTORICAL).days[150]
    assert (day.value_at_risk_cny, day.expected_shortfall_cny) == pytest.approx((value, shortfall), abs=1e-3)
    normal = by(found, BacktestModel.NORMAL).days[150]
    deviation = stdev(PNL[150 : 150 + WINDOW])
    z = NormalDist().inv_cdf(0.95)
    beyond = NormalDist().pdf(z) / 0.05
    assert normal.value_at_risk_cny == pytest.approx(z * deviation, rel=1e-9)
    assert normal.expected_shortfall_cny == pytest.approx(beyond * deviation, rel=1e-9)


def test_days_without_a_promise_are_in_no_test_and_too_many_of_them_give_none() -> None:
    idle = [0.0] * 181
    found = backtest_of(HELD, histories=[history([*idle, *MOVES[:240]])])
    filtered = by(found, BacktestModel.FILTERED_HISTORICAL)
    # The first windows hold sixty idle moves in a row behind the start, whose deviation is nought.
    assert filtered.refused_count > 0
    assert len(filtered.days) + filtered.refused_count == 300
    still = backtest_of(HELD, histories=[history([0.0] * 300)])
    assert {one.refusal is not None for one in still.models} == {True}
    assert all(one.coverage is None and verdicts(one) == () for one in still.models)


def test_words_say_when_a_test_could_not_have_told() -> None:
    found = backtest_of(HELD, window=350)
    coverage, independence, shortfall = verdicts(by(found, BacktestModel.HISTORICAL))
    assert found.models[0].coverage is not None
    assert found.models[0].coverage.day_count == 71
    assert not found.models[0].coverage.is_conclusive
    assert "71 日中突破" in coverage[0]
    assert ("样本不足以下结论" in coverage[0]) is not found.models[0].coverage.is_rejected
    assert "too few days to conclude" in coverage[1] or "the value at risk was too" in coverage[1]
    assert all(zh and en for zh, en in (independence, shortfall))


def test_what_cannot_be_tested_is_refused_by_name() -> None:
    with pytest.raises(MissingData, match="180 joint moves leave 59 days after a window of 121"):
        backtest_of(HELD, histories=[history(MOVES[:180])])
    assert backtest_of(HELD, histories=[history(MOVES[:181])]).move_count == 181
    for window in (120, 1_001):
        with pytest.raises(InvalidInput, match="outside 121 to 1,000"):
            backtest_of(HELD, window=window)
    with pytest.raises(MissingData, match="no line's price has a history"):
        backtest_of(HELD, histories=[])


def test_lines_without_history_are_named_and_in_no_figure() -> None:
    found = backtest_of(HELD, spot("C", "CCER", 1_000))
    assert [failure.item for failure in found.failures] == ["C"]
    assert found.present_value_cny == 750_200
    assert found.line_count == 1


def test_many_lines_that_move_alike_are_one_and_lose_as_much() -> None:
    lines = [spot(f"S{place}", "CEA-2024", 1_000 + place) for place in range(40)] + [
        PortfolioLine(
            line_id=f"F{place}", kind=F1.kind, unit=F1.unit, quantity_t=100 * (-1) ** place,
            strike_cny_per_t=F1.strike_cny_per_t, delivery_date=F1.delivery_date,
        )
        for place in range(41)
    ]  # fmt: skip
    inputs = inputs_of(*lines)
    value = value_portfolio(inputs.book)
    exposed, _ = exposed_lines(inputs, {one.line_id: one for one in value.lines})
    few = compressed(exposed)
    assert len(few) == 2
    moved = MarketScenarios(
        price={"CEA": np.array([-0.2, 0.1])}, log_volatility={}, rate={"CNY": np.array([0.01, -0.02])}, fx={}, count=2
    )
    together = sum(one.scenario_pnl(moved) for one in few)
    apart = sum(one.scenario_pnl(moved) for one in exposed)
    assert together == pytest.approx(apart, rel=1e-12)
