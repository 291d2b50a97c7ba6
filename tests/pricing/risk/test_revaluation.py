"""Books of many options revalued off grids: against each option valued by itself, with the error that is told."""

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from pricing.calc.option_market import OptionMarket, OptionPoint, OptionTerms
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio import value_portfolio
from pricing.calc.portfolio_risk import FactorVolatility, MarketHistory, RiskInputs, RiskMethod, measure_risk
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios, exposed_lines
from pricing.calc.portfolio_risk.option_legs import EuropeanLegs
from pricing.calc.portfolio_risk.revaluation import TOLERANCE, revalued
from pricing.calc.positions import PortfolioLine
from tests.pricing.markets import BUSINESS_DATE, spot
from tests.pricing.test_portfolio_risk import CEA_VOLATILITY, inputs_of
from tests.pricing.test_profit import CALL, _point

CONFIDENCE = Decimal("0.99")
COUNT = 8_000
EUA = FactorVolatility(factor="EUA", volatility=Decimal("0.40"), source="假设", is_assumption=True)


def options(count: int, *, style: ExerciseStyle = ExerciseStyle.EUROPEAN, days: int = 163) -> list[PortfolioLine]:
    """Calls and puts, bought and sold, each of its own strike."""
    return [
        replace(
            CALL, line_id=f"O{place}", strike_per_t=Decimal(50 + place), quantity_t=1_000 * (1 + place % 5) * (-1) ** place,
            option_type=OptionType.PUT if place % 3 else OptionType.CALL, option_style=style,
            expiry_date=BUSINESS_DATE + timedelta(days=days), delivery_date=date(2025, 12, 15),
        )
        for place in range(count)
    ]  # fmt: skip


def inputs_for(*lines: PortfolioLine) -> RiskInputs:
    """A smile: each strike has a volatility of its own."""
    points: dict[OptionTerms, OptionPoint] = {}
    for line in lines:
        if line.strike_per_t is not None:
            terms = OptionTerms.of(line)
            smile = Decimal("0.38") + abs(line.strike_per_t - 70) / 400
            point = replace(_point(BUSINESS_DATE, "70", f"{smile}", "0.99", "8.4"), terms=terms)
            points[terms] = replace(point, years=Decimal((terms.expiry_date - BUSINESS_DATE).days) / 365)
    inputs = inputs_of(*lines, volatilities=(CEA_VOLATILITY, EUA), market=MarketHistory(histories=(), deviations=()))
    market = OptionMarket(
        valuation_date=BUSINESS_DATE, set_digest="s", quotes_digest="q", points=tuple(points.values()), gaps=()
    )
    return replace(inputs, book=replace(inputs.book, options=market))


def exposed(*lines: PortfolioLine) -> list[ExposedLine]:
    inputs = inputs_for(*lines)
    value = value_portfolio(inputs.book)
    found, failures = exposed_lines(inputs, {one.line_id: one for one in value.lines})
    assert failures == []
    return found


def scenarios(count: int = COUNT) -> MarketScenarios:
    random = np.random.default_rng(11)
    return MarketScenarios(
        price={"EUA": np.expm1(random.normal(0.0, 0.12, count)), "CEA": random.normal(0.0, 0.1, count)},
        log_volatility={"EUA": random.normal(0.0, 0.15, count)},
        rate={"EUR": random.normal(0.0, 0.004, count)},
        fx={"EUR": random.normal(0.0, 0.03, count)},
        count=count,
    )


def one_by_one(lines: list[ExposedLine], moved: MarketScenarios) -> np.ndarray:
    return np.sum([one.scenario_pnl(moved) for one in lines], axis=0)


def test_many_options_are_read_off_a_grid_within_the_error_that_is_told() -> None:
    lines = exposed(*options(40), spot("H", "CEA-2024", 1_000))
    moved = scenarios()
    found, exact = revalued(lines, moved, CONFIDENCE), one_by_one(lines, moved)
    off = np.abs(found.pnl - exact)
    largest = 84_000 * 40.0  # tonnes at 8.4, times what a tonne may be worth
    assert found.interpolated_count == 40
    assert 0.0 < float(off.max()) <= found.error_cny < TOLERANCE * 80 * largest
    worst = np.argsort(exact)[:80]
    assert off[worst] == pytest.approx(0.0, abs=1e-6)


def test_one_scenario_of_the_grid_is_what_quantlib_says() -> None:
    lines = exposed(*options(12))
    moved = scenarios()
    found = revalued(lines, moved, CONFIDENCE)
    place, total = 17, 0.0
    price, ratio = float(moved.price["EUA"][place]), math.exp(float(moved.log_volatility["EUA"][place]))
    rate, fx = float(moved.rate["EUR"][place]), float(moved.fx["EUR"][place])
    years = 163 / 365
    for one in options(12):
        assert one.strike_per_t is not None
        kind = ql.Option.Put if one.option_type is OptionType.PUT else ql.Option.Call
        payoff = ql.PlainVanillaPayoff(kind, float(one.strike_per_t))
        sigma = 0.38 + abs(float(one.strike_per_t) - 70) / 400
        before = ql.BlackCalculator(payoff, 70.0, sigma * math.sqrt(years), 0.99).value()
        discount = 0.99 * math.exp(-rate * years)
        after = ql.BlackCalculator(payoff, 70 * (1 + price), sigma * ratio * math.sqrt(years), discount).value()
        total += one.quantity_t * 8.4 * ((1 + fx) * after - before)
    assert found.pnl[place] == pytest.approx(total, abs=found.error_cny + 1e-6)


def test_few_options_and_those_no_grid_resolves_are_exact() -> None:
    # Of options of one day a grid takes more nodes than there are scenarios.
    for lines, count in ((exposed(*options(7)), 2_000), (exposed(*options(20, days=1)), 500)):
        moved = scenarios(count)
        found = revalued(lines, moved, CONFIDENCE)
        assert (found.interpolated_count, found.error_cny) == (0, 0.0)
        assert found.pnl == pytest.approx(one_by_one(lines, moved), rel=1e-9, abs=1e-6)
    short = exposed(*options(20, days=1))
    found, exact = revalued(short, scenarios(), CONFIDENCE), one_by_one(short, scenarios())
    assert found.interpolated_count == 20
    assert float(np.abs(found.pnl - exact).max()) <= found.error_cny


def test_options_with_early_exercise_tell_what_their_polynomials_are_off_by() -> None:
    lines = exposed(*options(2, style=ExerciseStyle.AMERICAN))
    moved = scenarios(300)
    found = revalued(lines, moved, CONFIDENCE)
    assert found.interpolated_count == 2
    assert found.pnl == pytest.approx(one_by_one(lines, moved), rel=1e-9, abs=1e-6)
    exact = np.zeros(300)
    for one in lines:
        assert one.option is not None
        exact += one.option.exact_pnl(
            moved.price["EUA"], moved.log_volatility["EUA"], moved.rate["EUR"], moved.fx["EUR"]
        )
    off = float(np.abs(found.pnl - exact).max())
    # Looked at in 64 of 300 scenarios: what the others are off by is of the same size.
    assert 0.0 < found.error_cny < 0.01 * float(np.abs(exact).max())
    assert off < 4.0 * found.error_cny


@pytest.mark.parametrize("count", [1, 2, 3, 64, 217, 20_000])
def test_options_as_columns_sum_to_the_bit_as_one_by_one(count: int) -> None:
    """Decisions on record hold the last bits of sums taken in this order, of any number of scenarios."""
    lines = exposed(*options(150))
    legs = [one.option for one in lines if one.option is not None]
    columns, moved = EuropeanLegs.of(legs), scenarios(count)
    price, volatility, rate, fx = moved.price["EUA"], moved.log_volatility["EUA"], moved.rate["EUR"], moved.fx["EUR"]
    for told in (volatility, None):
        expected = np.zeros(count)
        for leg in legs:
            expected += leg.exact_pnl(price, told, rate, fx)
        assert columns.exact_pnl(price, told, rate, fx).tolist() == expected.tolist()
    still, base = np.zeros(count), np.zeros(1)
    worth = columns.worth(price, volatility) - columns.worth(base, base)
    assert worth == pytest.approx(columns.exact_pnl(price, volatility, still, still), rel=1e-12, abs=1e-6)


def test_what_was_bought_and_sold_alike_is_nothing() -> None:
    one = options(1)[0]
    lines = exposed(one, replace(one, line_id="B", quantity_t=-one.quantity_t))
    found = revalued(lines, scenarios(500), CONFIDENCE)
    assert found.pnl.tolist() == [0.0] * 500
    assert found.error_cny == 0.0


def test_components_of_a_book_of_options_sum_and_the_answer_tells_the_error() -> None:
    risk = measure_risk(replace(inputs_for(*options(40), spot("H", "CEA-2024", 1_000)), scenario_count=20_000))
    (found,) = [one for one in risk.methods or () if one.method is RiskMethod.MONTE_CARLO]
    assert found.interpolated_count == 40
    assert found.revaluation_error_cny is not None
    assert 0 < found.revaluation_error_cny < Decimal("0.001") * (risk.value_at_risk_cny or Decimal(0))
    assert risk.value_at_risk_cny is not None
    parts = sum((one.component_value_at_risk_cny or Decimal(0) for one in risk.lines), Decimal(0))
    assert parts == pytest.approx(risk.value_at_risk_cny, abs=Decimal("0.25"))
    shortfall = sum((one.component_cny for one in risk.lines), Decimal(0))
    assert shortfall == pytest.approx(risk.expected_shortfall_cny, abs=Decimal("0.25"))
