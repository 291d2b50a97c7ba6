"""Volatilities that move in scenarios: their history, the option revalued in both, and what is said where none is."""

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage.engine import Sessions
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.option_market import OptionMarket
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio_risk import FactorVolatility, PortfolioRisk, VolatilityMoves, estimated_moves, measure_risk
from pricing.calc.portfolio_risk.option_legs import OptionLeg
from pricing.calc.portfolio_risk.volatility_moves import HISTORY_MIN
from pricing.store.curve_quotes import save_curve_quotes
from tests.app.worlds import PAGE, World, build_world, signed_in
from tests.pricing.markets import BUSINESS_DATE, spot
from tests.pricing.test_option_portfolios import CALL as CALL_ROW
from tests.pricing.test_option_portfolios import _quoted, _stored
from tests.pricing.test_options_api import DAY
from tests.pricing.test_portfolio_risk import CEA_VOLATILITY, inputs_of
from tests.pricing.test_profit import CALL, _point
from tests.pricing.worlds import add_market

EUA_VOLATILITY = FactorVolatility(factor="EUA", volatility=Decimal("0.40"), source="曲面", is_assumption=False)
PUT = replace(CALL, line_id="O2", option_type=OptionType.PUT)
POINT = _point(BUSINESS_DATE, "70", "0.38", "0.99", "8.4")
YEARS = 163 / 365


def _quotes(moves: list[tuple[float, float]], *, gap: int = 1) -> list[CurveQuote]:
    """Quotes of one contract and two nodes that move by these logarithms from day to day, the last on the business date."""
    first = BUSINESS_DATE - timedelta(days=gap * len(moves))
    price, volatility, found = 70.0, 0.40, []
    for place in range(len(moves) + 1):
        if place:
            price *= math.exp(moves[place - 1][0])
            volatility *= math.exp(moves[place - 1][1])
        day = first + timedelta(days=gap * place)
        found.append(_quote(day, CurveQuoteKind.SETTLEMENT, "EUA-2025-12", price, date(2025, 12, 15)))
        for strike, factor in (("60", 1.1), ("70", 1.0)):
            point = f"2025-12-15/{strike}"
            found.append(_quote(day, CurveQuoteKind.VOLATILITY, point, volatility * factor, date(2025, 12, 15)))
    return found


def _quote(day: date, kind: CurveQuoteKind, point: str, value: float, expiry: date) -> CurveQuote:
    return CurveQuote(
        kind=kind, name="EUA", point=point, expiry_date=expiry, quote_date=day, value=Decimal(f"{value:.10f}"),
        currency=Currency.EUR, known_from=day, source="ICE Endex", document="a.csv", grade=Grade.READ, is_sample=False,
    )  # fmt: skip


def _history(count: int) -> list[tuple[float, float]]:
    """Price moves of 2 % up and down, volatility by -0.5 of them and 1 % of its own, which has no part of the price."""
    return [(0.02 * (-1) ** place, -0.5 * 0.02 * (-1) ** place + 0.01 * (-1) ** (place // 2)) for place in range(count)]


def test_slope_and_rest_are_those_of_the_history() -> None:
    found = estimated_moves("EUA", _quotes(_history(80)))
    assert found is not None
    # Over whole fours the rest is 1 % in size and has no part of the price: its deviation is 0.01 sqrt(80 / 78) a day.
    assert float(found.slope) == pytest.approx(-0.5, abs=1e-5)
    assert float(found.residual) == pytest.approx(0.01 * math.sqrt(80 / 78) * math.sqrt(250), abs=1e-5)
    assert found.move_count == 80
    assert found.source == f"ICE Endex {BUSINESS_DATE - timedelta(days=80)} 至 {BUSINESS_DATE}"


def test_a_short_history_or_one_with_gaps_gives_nothing() -> None:
    assert estimated_moves("EUA", _quotes(_history(HISTORY_MIN))) is not None
    assert estimated_moves("EUA", _quotes(_history(HISTORY_MIN - 1))) is None
    assert estimated_moves("EUA", _quotes(_history(200), gap=8)) is None
    assert estimated_moves("CEA", _quotes(_history(200))) is None
    assert estimated_moves("EUA", ()) is None


def test_a_price_that_never_moved_leaves_all_to_the_rest() -> None:
    found = estimated_moves("EUA", _quotes([(0.0, 0.01 * (-1) ** place) for place in range(80)]))
    assert found is not None
    assert found.slope == 0
    assert found.residual > 0


def _leg(style: ExerciseStyle) -> OptionLeg:
    return OptionLeg.of(replace(PUT, option_style=style), POINT, BUSINESS_DATE)


def test_an_option_is_valued_again_at_both_moves() -> None:
    moves, logs = np.array([-0.3, 0.0, 0.25]), np.array([0.4, -0.2, 0.1])

    def black(forward: float, sigma: float) -> float:
        payoff = ql.PlainVanillaPayoff(ql.Option.Put, 70.0)
        return float(ql.BlackCalculator(payoff, forward, sigma * math.sqrt(YEARS), 0.99).value())

    base = black(70.0, 0.38)
    expected = [84_000 * (black(70 * (1 + m), 0.38 * math.exp(v)) - base) for m, v in zip(moves, logs, strict=True)]
    assert _leg(ExerciseStyle.EUROPEAN).joint_pnl(moves, logs) == pytest.approx(expected, abs=1e-6)


def test_an_american_option_is_read_off_a_surface_that_is_exact_at_its_nodes() -> None:
    random = np.random.default_rng(5)
    moves, logs = random.normal(0.0, 0.15, 400), random.normal(0.0, 0.2, 400)
    leg = _leg(ExerciseStyle.AMERICAN)
    read = leg.joint_pnl(moves, logs)
    base = leg._value(np.zeros(1), 0.0)[0]
    exact = leg.amount * (leg._value(moves, 0.0, np.exp(logs)) - base)
    # A fifth of a fen a tonne of the price; where the option is exercised at once its value bends.
    assert np.max(np.abs(read - exact)) < 2e-3 * abs(leg.amount)
    assert leg.joint_pnl(moves, np.zeros(400)) == pytest.approx(leg.pnl(moves), abs=1e-3 * abs(leg.amount))


def _measured(*, residual: str | None, slope: str = "0", quantity_t: int = -10_000) -> PortfolioRisk:
    """Measure a straddle, sold unless said, beside a holding."""
    lines = (replace(CALL, quantity_t=quantity_t), replace(PUT, quantity_t=quantity_t), spot("H", "CEA-2024", 1_000))
    moves = None
    if residual is not None:
        moves = (
            VolatilityMoves(
                factor="EUA", slope=Decimal(slope), residual=Decimal(residual), move_count=80, source="ICE Endex"
            ),
        )
    inputs = inputs_of(*lines, volatilities=(CEA_VOLATILITY, EUA_VOLATILITY), scenario_count=20_000)
    options = OptionMarket(
        valuation_date=BUSINESS_DATE, set_digest="s", quotes_digest="q", points=(POINT,), gaps=()
    )  # fmt: skip
    return measure_risk(replace(inputs, book=replace(inputs.book, options=options), volatility_moves=moves))


def test_volatility_adds_to_the_risk_of_what_is_sold_and_moves_no_price() -> None:
    still, same, moved = _measured(residual=None), _measured(residual="0"), _measured(residual="0.9")
    assert (still.still_volatilities, same.still_volatilities) == (None, ())
    assert same.value_at_risk_cny == still.value_at_risk_cny
    assert moved.expected_shortfall_cny is not None
    assert still.expected_shortfall_cny is not None
    assert moved.expected_shortfall_cny > still.expected_shortfall_cny
    held = [line.exposure_cny for risk in (still, moved) for line in risk.lines if line.line_id == "H"]
    assert held[0] == held[1]
    trace = {figure.name: figure for figure in moved.trace}
    assert trace["volatility_residual.EUA"].value == "0.9"
    assert "volatility_slope.EUA" in trace["value_at_risk_cny"].inputs


def test_a_bought_straddle_gains_where_volatility_rises_as_prices_fall() -> None:
    flat, leaning = (_measured(residual="0", slope=slope, quantity_t=10_000) for slope in ("0", "-1"))
    assert flat.value_at_risk_cny is not None
    assert leaning.value_at_risk_cny != flat.value_at_risk_cny


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


def _risk(client: TestClient[Litestar], portfolio_id: str) -> Any:
    answer = client.post("/v1/risk", json={"valuation_date": DAY, "portfolio_id": portfolio_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_surface_without_history_is_named_and_one_with_it_moves(world: World) -> None:
    with _quoted(world) as client:
        portfolio_id = _stored(client, CALL_ROW)
        before = _risk(client, portfolio_id)
        assert (before["still_volatilities"], before["volatility_moves"]) == (["EUA"], [])
        with world.sessions.begin() as session:
            past = [one for one in _quotes(_history(80)) if one.quote_date < BUSINESS_DATE]
            save_curve_quotes(session, past, organization_id=world.officer.organization_id)
        after = _risk(client, portfolio_id)
        assert after["still_volatilities"] == []
        (moves,) = after["volatility_moves"]
        assert (moves["factor"], moves["move_count"] >= HISTORY_MIN) == ("EUA", True)
        assert after["value_at_risk_cny"] != before["value_at_risk_cny"]
    with signed_in(world) as browser:
        shown = browser.get(f"/portfolios/{portfolio_id}/risk?lang=zh", headers=PAGE).text
        assert "期权波动率随价格变动" in shown
        assert "期权波动率在情景中未变动" not in shown
