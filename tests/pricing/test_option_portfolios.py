"""Options as lines of a stored portfolio: file, value, trace, sensitivities, risk, page and failures with remedy."""

import base64
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
import openpyxl
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.quantlib import quantlib_on
from carbonfin.storage.decisions import load_decision, rebuilt
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.option_positions import OptionColumns, option_greeks
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.portfolio import PortfolioInputs, value_portfolio
from pricing.calc.portfolio_risk.option_legs import OptionLeg
from pricing.feeds.book_files import read_book
from tests.app.worlds import PAGE, World, build_world, signed_in
from tests.pricing.markets import BUSINESS_DATE
from tests.pricing.test_api import client_of, post
from tests.pricing.test_options_api import DAY, RATES, SETTLEMENTS, VOLATILITIES, _store
from tests.pricing.worlds import add_market

HEAD = "代码,类型,品种,数量(吨),说明,交割日,方向,行权方式,行权价(/吨),到期日\n"
FX = "货币对,期限,日期,汇率\nEURCNY,SPOT,2025-06-30,8.40\n"
CALL = "O1,期权,EUA,10000,买入看涨,2025-12-15,看涨,欧式,70,2025-12-15\n"
PUT = "O2,期权,EUA,-500,卖出看跌,2026-12-14,put,European,65,2025-12-15\n"
AMERICAN = "O3,option,EUA,1000,,2025-12-15,call,美式,70,2025-12-15\n"
SPOT = "H1,现货,CEA-2024,1000,自有,,,,,\n"
YEARS = 168 / 365
PUT_VOLATILITY = math.sqrt((0.4**2 + 0.38**2) / 2)


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world) as client:
        yield client


@contextmanager
def _quoted(world: World) -> Iterator[TestClient[Litestar]]:
    """Open the API of a bank that knows curves and volatilities of EUA."""
    with client_of(world) as client:
        for what, text in (
            ("settlements", SETTLEMENTS), ("rates", RATES), ("volatilities", VOLATILITIES), ("fx", FX)
        ):  # fmt: skip
            answer = _store(client, what, text)
            assert answer.status_code == 201, answer.text
        yield client


def _stored(client: TestClient[Litestar], *rows: str, code: str = "OPT", replaces: bool = False) -> str:
    content = base64.b64encode((HEAD + "".join(rows)).encode()).decode()
    body = {"file_name": "a.csv", "code": code, "name": "期权组合", "content_base64": content, "replace": replaces}
    answer = post(client, "/v1/portfolios/files", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["portfolio_id"])


def _valued(client: TestClient[Litestar], portfolio_id: str) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "portfolio_id": portfolio_id})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _black(kind: int, strike: float, forward: float, sigma: float, discount: float) -> Any:
    return ql.BlackCalculator(ql.PlainVanillaPayoff(kind, strike), forward, sigma * math.sqrt(YEARS), discount)


def test_options_of_a_stored_portfolio_are_worth_what_quantlib_says(world: World, client: TestClient[Litestar]) -> None:
    body = _valued(client, _stored(client, SPOT, CALL, PUT, AMERICAN))
    assert body["failures"] == []
    lines = {line["line_id"]: line for line in body["lines"]}
    call, put = lines["O1"]["option"], lines["O2"]["option"]
    discount = float(call["discount_factor"])
    black = _black(ql.Option.Call, 70.0, 70.0, 0.38, discount)
    assert float(lines["O1"]["present_value_cny"]) == pytest.approx(10_000 * 8.4 * black.value(), abs=0.01)
    assert float(call["volatility"]) == pytest.approx(0.38, abs=1e-9)
    assert float(call["d1"]) == pytest.approx(0.38 * math.sqrt(YEARS) / 2, abs=1e-8)
    assert float(call["d2"]) == pytest.approx(-0.38 * math.sqrt(YEARS) / 2, abs=1e-8)
    assert float(call["delta_t"]) == pytest.approx(10_000 * black.deltaForward(), abs=1e-3)
    assert float(call["gamma_t"]) == pytest.approx(10_000 * black.gammaForward(), abs=1e-3)
    assert float(call["vega_cny"]) == pytest.approx(10_000 * 8.4 * black.vega(YEARS) / 100, abs=0.01)
    # The discount rho is -T times the value; theta by hand: r V - F phi(d1) sigma D / (2 sqrt T), a 365th of it.
    assert float(call["rho_cny"]) == pytest.approx(-YEARS * 84_000 * black.value() / 10_000, abs=0.01)
    rate = -math.log(discount) / YEARS
    density = math.exp(-((0.38 * math.sqrt(YEARS) / 2) ** 2) / 2) / math.sqrt(2 * math.pi)
    theta = rate * black.value() - 70 * density * 0.38 * discount / (2 * math.sqrt(YEARS))
    assert float(call["theta_cny"]) == pytest.approx(84_000 * theta / 365, abs=0.01)
    sold = _black(ql.Option.Put, 65.0, 72.0, PUT_VOLATILITY, discount)
    assert float(put["volatility"]) == pytest.approx(PUT_VOLATILITY, abs=1e-8)
    assert float(lines["O2"]["present_value_cny"]) == pytest.approx(-500 * 8.4 * sold.value(), abs=0.01)
    # Early exercise is worth something, and at 2 % little.
    early = float(lines["O3"]["present_value_cny"]) - 1_000 * 8.4 * black.value()
    assert 0 <= early < 420
    total = sum(Decimal(line["present_value_cny"]) for line in body["lines"])
    assert Decimal(body["present_value_cny"]) == total
    assert lines["O1"]["level"] == 3
    assert "仅估值，不可成交" in lines["O1"]["notes_zh"][0]
    (bucket,) = body["option_sensitivities"]
    assert (bucket["unit"], bucket["expiry_date"]) == ("EUA", "2025-12-15")
    assert Decimal(bucket["delta_t"]) == sum(Decimal(lines[code]["option"]["delta_t"]) for code in ("O1", "O2", "O3"))
    _made_again_without_curves(world, body)
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "portfolio_id": body["portfolio_id"]})
    assert preview.json()["present_value_cny"] == body["present_value_cny"]


def _made_again_without_curves(world: World, body: Any) -> None:
    with world.sessions.read() as session:
        inputs = load_decision(session, world.officer, body["decision_id"]).inputs
    again = value_portfolio(rebuilt(json.dumps(inputs), PortfolioInputs))
    assert format(again.present_value_cny, "f") == body["present_value_cny"]
    trace = {figure.name: figure for figure in again.trace}
    assert trace["line.O1.volatility"].inputs[0] == "line.O1.quote.2025-12-15/70"
    assert trace["line.O1.quote.2025-12-15/70"].value == "0.38"
    assert trace["line.O1.quote.2025-12-15/70"].source == "ICE Endex 2025-06-30"
    assert trace["line.O1.value_per_t"].inputs[-2:] == ("line.O1.d1", "line.O1.d2")
    assert trace["bucket.EUA.2025-12-15.delta_t"].inputs == tuple(f"line.O{n}.delta_t" for n in (1, 2, 3))


def test_what_the_market_does_not_know_fails_alone_and_is_never_guessed(client: TestClient[Litestar]) -> None:
    rows = (
        CALL,
        "B1,期权,CEA,100,,2025-12-15,看涨,欧式,70,2025-12-15\n",
        "B2,期权,EUA,100,,2025-07-30,看涨,欧式,70,2025-06-30\n",
        "B3,期权,EUA,100,,2031-06-01,看涨,欧式,70,2025-12-15\n",
    )
    body = _valued(client, _stored(client, *rows))
    assert [line["line_id"] for line in body["lines"]] == ["O1"]
    assert [(one["item"], one["field"]) for one in body["failures"]] == [
        ("B1", "unit"), ("B2", "expiry_date"), ("B3", "delivery_date"),
    ]  # fmt: skip
    assert all(one["remedy"] and one["remedy_zh"] for one in body["failures"])
    # Volatilities of 30 June are too old a month later: the reason is that of the surface.
    late = client.post(
        "/v1/valuations/preview",
        json={"valuation_date": "2025-06-27", "lines": [
            {"line_id": "A", "kind": "spot", "unit": "CEA-2024", "quantity_t": 10},
            {"line_id": "B", "kind": "option", "unit": "EUA", "quantity_t": 10, "option_type": "call",
             "option_style": "european", "strike_per_t": "70", "expiry_date": "2025-12-15",
             "delivery_date": "2025-12-15"},
        ]},
    ).json()  # fmt: skip
    assert [(one["item"], one["field"]) for one in late["failures"]] == [("B", "unit")]


def test_terms_that_are_missing_are_refused_by_line(client: TestClient[Litestar]) -> None:
    rows = (
        "O1,期权,EUA,100,,2025-12-15,,欧式,70,2025-12-15\n",
        "O2,期权,EUA,100,,2025-12-15,看涨,,70,2025-12-15\n",
        "O3,期权,EUA,100,,2025-12-15,看涨,欧式,,2025-12-15\n",
        "O4,期权,EUA,100,,2025-12-15,看涨,欧式,70,\n",
        "O5,期权,EUA,100,,2025-11-15,看涨,欧式,70,2025-12-15\n",
        "O6,期权,EUA,100,,2025-12-15,看涨,百慕大,70,2025-12-15\n",
        "O7,期权,EUA,100,,2025-12-15,看涨,平均价,70,2025-12-15\n",
        "H1,现货,CEA-2024,100,,,看涨,,,\n",
    )
    content = base64.b64encode((HEAD + "".join(rows)).encode()).decode()
    body = {"file_name": "a.csv", "code": "X", "name": "X", "content_base64": content, "preview": True}
    failures = post(client, "/v1/portfolios/files", body).json()["failures"]
    assert [(one["item"], one["field"]) for one in failures] == [
        ("line 2", "option_type"), ("line 3", "option_style"), ("line 4", "strike_per_t"), ("line 5", "expiry_date"),
        ("line 6", "delivery_date"), ("line 7", "option_style"), ("line 8", "averaging_dates"), ("line 9", "option_type"),
    ]  # fmt: skip
    assert all(one["remedy"] and one["remedy_zh"] for one in failures)


def test_pages_workbook_and_file_show_the_option(world: World) -> None:
    with _quoted(world) as client:
        portfolio_id = _stored(client, SPOT, CALL, PUT)
        body = _valued(client, portfolio_id)
    with signed_in(world) as browser:
        shown = browser.get(f"/valuations/{body['valuation_id']}?lang=zh", headers=PAGE).text
        for words in ("欧式看涨 行权价 70 EUR/吨", "期权敏感度", "Vega（元/百分点）"):
            assert words in shown, words
        line = browser.get(f"/valuations/{body['valuation_id']}/lines/O1?lang=zh", headers=PAGE)
        assert line.status_code == 200
        for words in ("O1 d1", "O1 波动率报价 2025-12-15/70", "O1 标的期货价", "O1 汇率", "ICE Endex"):
            assert words in line.text, words
        assert "O2 d1" not in line.text
        assert browser.get(f"/valuations/{body['valuation_id']}/lines/nought", headers=PAGE).status_code == 404
        book = openpyxl.load_workbook(
            BytesIO(browser.get(f"/valuations/{body['valuation_id']}/export/xlsx", headers=PAGE).content)
        )
        cells = [cell.value for row in book["估值明细"].iter_rows() for cell in row]
        assert "Delta（吨）" in " ".join(str(cell) for cell in cells)
        assert 0.38 in [round(cell, 9) for cell in cells if isinstance(cell, float)]
        again = browser.get(f"/portfolios/{portfolio_id}/export/csv", headers=PAGE).content
    assert len(read_book(again, file_name="a.csv").lines) == 3
    assert "O2,期货期权,EUA,-500" in again.decode("utf-8-sig")


def test_value_at_risk_revalues_the_option(world: World, client: TestClient[Litestar]) -> None:
    portfolio_id = _stored(client, CALL)
    with world.sessions.read() as session:
        answer = service.risk_of_portfolio(
            session, world.officer, portfolio_id, valuation_date=BUSINESS_DATE, known_at=end_of_china_day(BUSINESS_DATE)
        )
    risk = answer.risk
    (factor,) = risk.volatilities
    assert (factor.factor, factor.volatility) == ("EUA", Decimal("0.3800"))
    assert "隐含波动率" in factor.source
    (line,) = risk.lines
    assert risk.failures == ()
    # A bought option loses less than along its delta in a fall: gamma is on its holder's side; and at most its value.
    assert risk.value_at_risk_cny is not None
    assert 0 < risk.value_at_risk_cny < risk.present_value_cny
    fall = float(risk.value_at_risk_cny) / float(line.exposure_cny)
    discount = 10_000 * 8.4
    found = _fall_of(float(risk.value_at_risk_cny) / discount)
    assert fall < found


def _fall_of(loss_per_t: float) -> float:
    """The fall of the future at which the option has lost so much, by bisection on QuantLib's price."""
    discount = math.exp(-0.0215 * YEARS)
    base = _black(ql.Option.Call, 70.0, 70.0, 0.38, discount).value()
    low, high = 0.0, 0.9
    for _ in range(60):
        middle = (low + high) / 2
        lost = base - _black(ql.Option.Call, 70.0, 70.0 * (1 - middle), 0.38, discount).value()
        low, high = (middle, high) if lost < loss_per_t else (low, middle)
    return low


def test_american_sensitivities_agree_with_quantlibs_tree() -> None:
    columns = OptionColumns(*(np.array([one]) for one in (70.0, 90.0, 0.3, 1.0, math.exp(-0.06), -1.0)))
    found = option_greeks(ExerciseStyle.AMERICAN, columns, BUSINESS_DATE)
    oracle: Any = ql
    with quantlib_on(BUSINESS_DATE):
        today, count = ql.Date(30, 6, 2025), ql.Actual365Fixed()
        rates = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.06, count))
        process = oracle.BlackProcess(
            ql.QuoteHandle(ql.SimpleQuote(70.0)), rates,
            oracle.BlackVolTermStructureHandle(oracle.BlackConstantVol(today, ql.NullCalendar(), 0.3, count)),
        )  # fmt: skip
        option = oracle.VanillaOption(
            ql.PlainVanillaPayoff(ql.Option.Put, 90.0), ql.AmericanExercise(today, today + 365)
        )
        option.setPricingEngine(oracle.BinomialCRRVanillaEngine(process, 2_001))
        tree = (option.NPV(), option.delta(), option.gamma(), option.theta())
    assert found.value_per_t[0] == pytest.approx(tree[0], abs=5e-3)
    assert found.delta[0] == pytest.approx(tree[1], abs=2e-3)
    assert found.gamma[0] == pytest.approx(tree[2], abs=1e-3)
    assert found.theta[0] == pytest.approx(tree[3], abs=0.03)


def test_scenarios_of_an_american_option_equal_its_own_values() -> None:
    columns = OptionColumns(*(np.array([one]) for one in (70.0, 72.0, 0.38, 0.5, 0.98, 1.0)))
    leg = OptionLeg(style=ExerciseStyle.AMERICAN, columns=columns, amount=1.0, valuation_date=BUSINESS_DATE)
    moves = np.linspace(-0.4, 0.4, 101)
    alone = np.concatenate([leg.pnl(moves[start : start + 20]) for start in range(0, 101, 20)])
    assert leg.pnl(moves) == pytest.approx(alone, abs=2e-3)
