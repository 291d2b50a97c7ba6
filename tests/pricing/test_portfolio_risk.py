"""The risk of a book against closed forms, by hand, over HTTP and on its page."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook.parameters import builtin_book
from pricing import service
from pricing.calc.market import MarketSnapshot
from pricing.calc.portfolio import PortfolioInputs
from pricing.calc.portfolio_risk import CustomStress, FactorVolatility, PortfolioRisk, RiskInputs, measure_risk
from pricing.calc.portfolio_risk.draws import Draws
from pricing.calc.positions import PortfolioLine
from pricing.calc.risk.scenarios import StressKind
from tests.app.worlds import PAGE, World, build_world, form_token, keyed_client, signed_in
from tests.pricing.markets import BUSINESS_DATE, F1, G1, KNOWN_AT, forward_rate, snapshot_of, spot
from tests.pricing.worlds import BOOK, add_market

CEA_VOLATILITY = FactorVolatility(factor="CEA", volatility=Decimal("0.35"), source="假设", is_assumption=True)
CCER_VOLATILITY = FactorVolatility(factor="CCER", volatility=Decimal("0.20"), source="假设", is_assumption=True)

MARKET = snapshot_of(
    parameters=(
        forward_rate(),
        *(
            value
            for value in builtin_book("pricing").values()
            if value.key.startswith(("pricing.risk_", "pricing.stress_", "pricing.last_usable"))
        ),
    )
)


def assumed(key: str, value: str, unit: str = "ratio") -> ParameterValue:
    return ParameterValue(
        key=key, scope="", value=value, unit=unit, valid_from=date(2025, 1, 1), valid_to=None,
        known_from=date(2025, 1, 1), document="假设", article="", grade=Grade.SAMPLE, confirmed=False,
        approved_by=("甲", "乙"), note="",
    )  # fmt: skip


def inputs_of(*lines: PortfolioLine, snapshot: MarketSnapshot | None = None, **given: Any) -> RiskInputs:
    taken = {
        "volatilities": (CEA_VOLATILITY, CCER_VOLATILITY),
        "correlation": None,
        "scenario_count": 200_000,
        "seed": 7,
    }
    return RiskInputs(
        book=PortfolioInputs(
            portfolio_id="P", portfolio_name="示例", valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, lines=lines,
            snapshot=snapshot or MARKET,
        ),
        **(taken | given),
    )  # fmt: skip


def stress(risk: PortfolioRisk, kind: StressKind) -> Decimal:
    return next(one.pnl_cny for one in risk.stresses if one.kind is kind)


def test_value_at_risk_of_one_holding_is_the_quantile_of_its_move() -> None:
    risk = measure_risk(inputs_of(spot("A", "CEA-2024", 10_000)))
    # 750,200 x (1 - exp(sigma sqrt(20/250) q)), q the 1 % quantile of t(6) scaled to variance one
    q = student.ppf(0.01, 6) * math.sqrt(4 / 6)
    expected = 750_200 * -math.expm1(0.35 * math.sqrt(20 / 250) * q)
    assert risk.value_at_risk_cny is not None
    assert float(risk.value_at_risk_cny) == pytest.approx(expected, rel=0.01)
    low, high = risk.interval_cny
    assert low is not None
    assert high is not None
    assert low < Decimal(str(round(expected, 2))) < high
    assert risk.expected_shortfall_cny is not None
    assert risk.expected_shortfall_cny > risk.value_at_risk_cny
    assert risk.lines[0].component_cny == risk.expected_shortfall_cny


def test_contributions_sum_to_the_shortfall_and_a_hedge_takes_risk_off() -> None:
    sold = replace(F1, line_id="S", quantity_t=-8_000)
    risk = measure_risk(inputs_of(spot("A", "CEA-2024", 10_000), sold))
    assert sum(line.component_cny for line in risk.lines) == pytest.approx(
        risk.expected_shortfall_cny, abs=Decimal("0.02")
    )
    assert risk.lines[1].exposure_cny == Decimal("-600160.00")
    assert risk.lines[1].incremental_cny < 0
    assert not risk.is_undiversified


def test_without_a_correlation_all_exposures_lose_together() -> None:
    lines = (spot("A", "CEA-2024", 10_000), spot("B", "CCER", 10_000))
    together = measure_risk(inputs_of(*lines))
    alone = [measure_risk(inputs_of(line)).value_at_risk_cny for line in lines]
    assert together.is_undiversified
    assert float(together.value_at_risk_cny or 0) == pytest.approx(float(sum(one for one in alone if one)), rel=1e-3)
    half = measure_risk(inputs_of(*lines, correlation=assumed("pricing.price_correlation", "0.5")))
    assert not half.is_undiversified
    assert half.value_at_risk_cny is not None
    assert together.value_at_risk_cny is not None
    assert half.value_at_risk_cny < together.value_at_risk_cny


def test_stresses_by_hand() -> None:
    risk = measure_risk(
        inputs_of(
            spot("A", "CEA-2024", 10_000), F1, G1,
            custom=CustomStress(price_moves=(("CEA", Decimal("-0.10")),), rate_move=Decimal("0.02")),
        )
    )  # fmt: skip
    # A: 750,200; F1: 20,000 t at 75.02 = 1,500,400; G1: 10,000 t at its settlement price
    settlement = Decimal(
        next(one.price_cny_per_t for one in snapshot_of().settlements if one.settlement_date == BUSINESS_DATE)
    )
    exposure = Decimal(750_200 + 1_500_400) + 10_000 * settlement
    fixed = 77.5 * 20_000 * math.exp(-0.015 * 168 / 365)
    asked = float(stress(risk, StressKind.OTHER))
    assert asked == pytest.approx(float(exposure) * -0.10 - fixed * math.expm1(-0.02 * 168 / 365), abs=0.03)
    assert stress(risk, StressKind.LIMIT_DOWN_STREAK) == pytest.approx(
        exposure * (Decimal("0.9") ** 5 - 1), abs=Decimal("0.03")
    )
    policy = float(exposure) * -0.30 - fixed * math.expm1(-0.01 * 168 / 365)
    assert float(stress(risk, StressKind.POLICY_SHOCK)) == pytest.approx(policy, abs=0.03)
    # higher fines: +25 % on every price, rates as they are
    assert float(stress(risk, StressKind.PENALTY_CHANGE)) == pytest.approx(float(exposure) * 0.25, abs=0.03)
    # CEA-2024 ends on 2025-12-31; the forward and the contract are on no vintage
    assert stress(risk, StressKind.VINTAGE_CLIFF) == Decimal("-750200.00")


def test_a_line_without_volatility_is_left_out_by_name() -> None:
    risk = measure_risk(inputs_of(spot("A", "CEA-2024", 10), spot("B", "CCER", 10), volatilities=(CCER_VOLATILITY,)))
    assert [line.line_id for line in risk.lines] == ["B"]
    assert [failure.item for failure in risk.failures] == ["A"]
    assert "跨年度综合价格" in risk.failures[0].zh
    assert "pricing.volatility[CEA]" in risk.failures[0].remedy
    nothing = measure_risk(inputs_of(spot("A", "CEA-2024", 10), volatilities=()))
    assert nothing.value_at_risk_cny is None


def test_a_measurement_comes_out_the_same_from_its_record() -> None:
    inputs = inputs_of(spot("A", "CEA-2024", 10_000), F1, scenario_count=5_000)
    again = rebuilt(canonical_json(inputs), RiskInputs)
    assert canonical_json(measure_risk(again)) == canonical_json(measure_risk(inputs))


def test_drawn_numbers_have_their_distribution() -> None:
    draws = Draws(3, 400_000)
    normal, tail = draws.normal(), draws.tail(6)
    assert abs(float(np.mean(normal))) < 4 / math.sqrt(400_000)
    assert float(np.quantile(normal, 0.975)) == pytest.approx(NormalDist().inv_cdf(0.975), rel=0.01)
    assert float(np.var(normal * tail)) == pytest.approx(1.0, abs=0.02)
    assert float(np.quantile(normal * tail, 0.01)) == pytest.approx(student.ppf(0.01, 6) * math.sqrt(4 / 6), rel=0.01)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="scenarios"):
        measure_risk(inputs_of(spot("A", "CEA-2024", 10), scenario_count=10))
    with pytest.raises(InvalidInput, match="more than all"):
        measure_risk(
            inputs_of(
                spot("A", "CEA-2024", 10),
                custom=CustomStress(price_moves=(("CEA", Decimal(-2)),), rate_move=Decimal(0)),
            )
        )


# --- over HTTP ------------------------------------------------------------------------------------------------------
@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    return world


def test_risk_over_http(world: World) -> None:
    line = {"line_id": "C", "kind": "spot", "unit": "CCER", "quantity_t": 5_000}
    with keyed_client(world) as client:
        answer = client.post(
            "/v1/risk",
            json={
                "valuation_date": "2025-06-30", "lines": [line, line | {"line_id": "A", "unit": "CEA-2024"}],
                "price_moves": [{"scheme": "CCER", "move": "-0.5"}],
            },
        )  # fmt: skip
        neither = client.post("/v1/risk", json={"valuation_date": "2025-06-30"})
        wrong = client.post(
            "/v1/risk",
            json={"valuation_date": "2025-06-30", "lines": [line], "price_moves": [{"scheme": "XXX", "move": "-0.5"}]},
        )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    volatility = {one["factor"]: one for one in body["volatilities"]}
    assert "更新过程方差" in volatility["CCER"]["source"]
    assert not volatility["CCER"]["is_assumption"]
    own = next(one for one in body["stresses"] if one["kind"] == "other")
    assert Decimal(own["line_pnl_cny"]["C"]) == Decimal("-0.5") * Decimal("442500.00")
    assert (neither.status_code, wrong.status_code) == (422, 400)


def test_the_page_measures_keeps_and_tries_a_scenario(world: World) -> None:
    with signed_in(world) as client:
        listed = client.get("/portfolios", headers=PAGE).text
        address = "/portfolios/" + listed.split('<a href="/portfolios/')[1].split('"')[0]
        shown = client.get(f"{address}/risk", headers=PAGE).text
        tried = client.get(f"{address}/risk?move_CCER=-50&rate_move=100", headers=PAGE).text
        wrong = client.get(f"{address}/risk?move_CCER=abc", headers=PAGE)
        kept = client.post(
            f"{address}/risk", data={"_csrf_token": form_token(shown)}, headers=PAGE, follow_redirects=True
        )
    assert "试算，未留存" in shown
    assert "压力情景" in shown
    assert "自定义情景" in tried
    assert wrong.status_code == 422
    assert kept.status_code == 200, kept.text
    assert "已留存" in kept.text
    assert "查看完整计算过程" in kept.text
