"""Carmona and Hinz in the product: two periods on vintages and on a strip, and either model fitted to a day's options."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.storage.decisions import load_decision, replay_decision
from pricing import service
from pricing.calc.models.model_values import MODEL_VALUE
from pricing.calc.normal import normal_cdf, normal_ppf
from tests.app.worlds import PAGE, World, form_token, signed_in
from tests.pricing.markets import KNOWN_AT
from tests.pricing.test_api import post
from tests.pricing.test_forwards_on_curves import CNY_RATES, DAY, EUR_RATES, FX, _quoted, world

__all__ = ["world"]
TODAY = date(2025, 6, 30)
ENDS = (date(2025, 12, 31), date(2026, 12, 31))
PENALTY, NEXT_PENALTY, KAPPA, BETA = 150.0, 160.0, 0.5, 0.5
COUNT = 90


def _states() -> tuple[list[date], np.ndarray[Any, Any]]:
    """Working days up to the valuation date, and S and A2 on them: alpha 1, drawn by the transition in closed form."""
    back = [TODAY - timedelta(days=days) for days in range(2 * COUNT)]
    days = sorted(day for day in back if day.weekday() < 5)[-COUNT:]
    random = np.random.default_rng(21)
    state = np.empty((COUNT, 2))
    state[0] = normal_ppf(np.array([45.0 / PENALTY, 60.0 / NEXT_PENALTY]))
    for row in range(1, COUNT):
        first, second = random.standard_normal(2)
        for column, noise in enumerate((first, 0.6 * first + 0.8 * second)):
            left = [(ENDS[column] - day).days for day in (days[row - 1], days[row])]
            growth = (left[0] / left[1]) ** BETA
            state[row, column] = state[row - 1, column] * math.sqrt(growth) + math.sqrt(growth - 1.0) * noise
    return days, normal_cdf(state) * np.array([PENALTY, NEXT_PENALTY])


def _vintages() -> str:
    days, values = _states()
    rows = []
    for day, (scarcity, ahead) in zip(days, values.tolist(), strict=True):
        rows += [f"SZA-2024,{day},{scarcity + KAPPA * ahead:.2f}", f"SZA-2025,{day},{ahead:.2f}"]
    return "品种,日期,收盘价\n" + "\n".join(rows) + "\n"


def _strip() -> str:
    days, values = _states()
    rows = []
    for day, (scarcity, ahead) in zip(days, values.tolist(), strict=True):
        rows += [
            f"EUA,EUA-2025-12,2025-12-15,{day},{scarcity + KAPPA * ahead:.4f},EUR",
            f"EUA,EUA-2026-12,2026-12-14,{day},{ahead:.4f},EUR",
        ]
    return "品种,合约代码,到期日,结算日,结算价,币种\n" + "\n".join(rows) + "\n"


OPTIONS = [{"option_type": kind, "strike_per_t": "75", "expiry_date": "2025-11-28"} for kind in ("call", "put")]
TWO = {
    "valuation_date": DAY, "model": "carmona_hinz_two_periods", "unit": "SZA-2024", "following_unit": "SZA-2025",
    "penalty_per_t": "150", "compliance_date": "2025-12-31", "penalty_next_per_t": "160",
    "next_compliance_date": "2026-12-31", "carried_fraction": "0.5",
    "options": OPTIONS,
}  # fmt: skip


def _store_vintages(world: World) -> None:
    with world.sessions.begin() as session:
        stored = service.import_price_file(
            session, world.officer, content=_vintages().encode(), file_name="sza.csv", exchange="示例交易所",
            document="", known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
        assert stored.stored, stored.failures


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    _store_vintages(world)
    with _quoted(world, ("rates", CNY_RATES)) as client:
        yield client


def _simulated(numbers: dict[str, Any], years: float, strike: float, factor: float) -> tuple[float, float]:
    """Give a call from 400,000 draws of both states at expiry, by the recorded numbers alone, and its error."""
    random = np.random.default_rng(5)
    first, second = random.standard_normal((2, 400_000))
    rho = numbers["state_correlation"]
    drawn = []
    for noise, level, penalty, end, suffix in (
        (first, numbers["scarcity_per_t"], PENALTY, ENDS[0], ""),
        (rho * first + math.sqrt(1 - rho**2) * second, numbers["following_per_t"], NEXT_PENALTY, ENDS[1], "_next"),
    ):
        alpha, beta, left = numbers[f"alpha{suffix}"], numbers[f"beta{suffix}"], (end - TODAY).days / 365
        power = alpha - 1.0
        spent = math.log(left / (left - years)) if power < 1e-9 else ((left - years) ** -power - left**-power) / power
        nu = math.expm1(beta * spent)
        state = normal_ppf(np.array([level / penalty]))[0] * math.sqrt(1 + nu) + math.sqrt(nu) * noise
        drawn.append(penalty * normal_cdf(state))
    paid = factor * np.maximum(drawn[0] + KAPPA * drawn[1] - strike, 0.0)
    return float(paid.mean()), float(paid.std() / math.sqrt(paid.size))


def test_two_vintages_give_both_periods_and_options_by_them(world: World, client: TestClient[Litestar]) -> None:
    """Betas and correlation within four standard errors; parity; the call against draws of both states."""
    answer = post(client, "/v1/model-values", TWO)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    told = {one["name"]: one for one in body["numbers"]}
    numbers = {name: float(one["value"]) for name, one in told.items()}
    for name, true in (("beta", BETA), ("beta_next", BETA), ("state_correlation", 0.6)):
        assert abs(numbers[name] - true) < 4 * float(told[name]["error"]), name
    price = numbers["scarcity_per_t"] + KAPPA * numbers["following_per_t"]
    assert numbers["price_per_t"] == pytest.approx(price, abs=1e-9)
    call, put = (float(one["value_per_t"]) for one in body["options"])
    factor = (call - put) / (price - 75)
    assert 0.98 < factor < 1.0
    drawn, error = _simulated(numbers, 151 / 365, 75.0, factor)
    assert abs(call - drawn) < 4 * error
    codes = {one["code"] for one in body["cautions"]}
    assert {"carried_fraction_given", "two_periods_only", "not_alone_for_shenzhen", "penalty_estimated"} <= codes
    assert body["contract_count"] == 2
    with world.sessions.read() as session:
        figures = {one.name: one for one in load_decision(session, world.officer, body["decision_id"]).trace}
        assert replay_decision(session, (MODEL_VALUE,), body["decision_id"]).same
    assert (figures["following_per_t"].confirmed, figures["carried_fraction"].confirmed) == (True, False)


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"carried_fraction": None}, 422, "carried_fraction"),
    ({"carried_fraction": "1"}, 422, "carried_fraction"),  # what is carried is then above the price
    ({"carried_fraction": "1.5"}, 400, "carried_fraction"),
    ({"penalty_next_per_t": None}, 422, "penalty_next_per_t"),
    ({"next_compliance_date": "2025-12-31"}, 422, "next_compliance_date"),
    ({"following_unit": "SZA-2031"}, 409, "following_unit"),  # no price of it is stored
    ({"following_unit": "SZA-2023"}, 422, "following_unit"),
    ({"following_unit": "SZA-2024"}, 422, "following_unit"),
    ({"following_unit": "SZA"}, 422, "following_unit"),
    ({"following_unit": "CEA-2025"}, 422, "following_unit"),
    ({"following_unit": None}, 409, "unit"),
    ({"calibrated_to": "options"}, 409, "calibrated_to"),
    ({"model": "carmona_hinz"}, 422, "following_unit"),
    ({"options": [{**OPTIONS[0], "delivery_date": "2025-12-15"}]}, 422, "options/0/delivery_date"),
    ({"options": [{**OPTIONS[0], "expiry_date": "2025-12-31"}]}, 422, "options/0/expiry_date"),
]


def test_what_two_periods_cannot_answer_is_refused(client: TestClient[Litestar]) -> None:
    for change, status, place in REFUSED:
        asked = {name: one for name, one in {**TWO, **change}.items() if one is not None}
        answer = client.post("/v1/model-values/preview", json=asked)
        assert answer.status_code == status, (change, answer.text)
        (error,) = answer.json()["errors"]
        assert (error.get("pointer") or error["field"]).lstrip("/") == place
        assert answer.json().get("remedy") or status == 400
        told = " ".join(str(answer.json().get(name, "")) for name in ("detail_zh", "remedy_zh"))
        assert status == 400 or not re.findall("[a-z]+_[a-z]+", told), told


def test_the_next_vintage_counts_among_sources_and_samples(world: World) -> None:
    """The following vintage alone is the example bank's and another exchange's; both stand on the fit."""
    head, *rows = _vintages().splitlines()
    for unit, exchange, is_sample in (("SZA-2024", "甲交易所", False), ("SZA-2025", "乙交易所", True)):
        actor = replace(world.officer, is_sample=is_sample)
        content = "\n".join([head, *(row for row in rows if row.startswith(unit))]).encode()
        with world.sessions.begin() as session:
            service.import_price_file(
                session, actor, content=content, file_name="sza.csv", exchange=exchange, document="",
                known_at=KNOWN_AT, preview=False,
            )  # fmt: skip
    with _quoted(world, ("rates", CNY_RATES)) as client:
        body = client.post("/v1/model-values/preview", json=TWO).json()
    assert (body["sources"], body["is_sample"]) == (["乙交易所", "甲交易所"], True)


def _surface(beta: float) -> str:
    """Volatilities that one compliance period of alpha 1 gives by dense quadrature, by the December future at 75."""
    rows = []
    for end in (date(2025, 9, 15), date(2025, 11, 28)):
        years, left = (end - TODAY).days / 365, (ENDS[0] - TODAY).days / 365
        nu = (left / (left - years)) ** beta - 1.0
        node = np.linspace(-9.0, 9.0, 20_001)
        weight = np.exp(-0.5 * node**2) / math.sqrt(2 * math.pi) * (node[1] - node[0])
        state = normal_ppf(np.array([FORWARD / PENALTY]))[0] * math.sqrt(1 + nu) + math.sqrt(nu) * node
        for strike in (60.0, 75.0, 90.0):
            call = float(np.sum(weight * np.maximum(PENALTY * normal_cdf(state) - strike, 0.0)))
            deviation = ql.blackFormulaImpliedStdDev(ql.Option.Call, strike, FORWARD, call)
            rows.append(f"EUA,{end},{strike:.0f},2025-06-30,{100 * deviation / math.sqrt(years):.4f},EUR")
    return "品种,到期日,行权价,日期,波动率(%),币种\n" + "\n".join(rows) + "\n"


FORWARD = 75.0
FLAT = (
    "品种,合约代码,到期日,结算日,结算价,币种\n"
    "EUA,EUA-2025-07,2025-07-28,2025-06-30,75.00,EUR\nEUA,EUA-2025-12,2025-12-15,2025-06-30,75.00,EUR\n"
)


def test_one_period_is_fitted_to_the_options_of_the_day(world: World) -> None:
    """Volatilities made by beta 0.8 give it back: the quotes hold four places of a per cent."""
    files = (("settlements", FLAT), ("rates", EUR_RATES), ("fx", FX), ("volatilities", _surface(0.8)))
    asked = {
        "valuation_date": DAY, "model": "carmona_hinz", "unit": "EUA", "penalty_per_t": "150",
        "compliance_date": "2025-12-31", "calibrated_to": "options",
        "options": [{"option_type": "call", "strike_per_t": "75", "expiry_date": "2025-11-28"}],
    }  # fmt: skip
    with _quoted(world, *files) as client:
        answer = client.post("/v1/model-values/preview", json=asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    numbers = {one["name"]: one for one in body["numbers"]}
    assert float(numbers["beta"]["value"]) == pytest.approx(0.8, rel=2e-3)
    assert 0 < float(numbers["beta"]["error"]) < 0.01
    assert float(numbers["forward_per_t"]["value"]) == pytest.approx(FORWARD, abs=1e-9)
    assert "price_per_t" not in numbers
    assert [one["confirmed"] for one in body["trace"] if one["name"] == "forward_per_t"] == [False]
    assert float(numbers["root_mean_square_per_t"]["value"]) < 1e-3
    assert (body["observation_count"], body["contract_count"], body["currency"]) == (6, 2, "EUR")
    assert {"penalty_is_no_bound", "not_carried_by_expiry"} <= {one["code"] for one in body["cautions"]}


def test_two_periods_of_a_strip_are_fitted_to_options_and_shown(world: World) -> None:
    """By the page: the next period stays as the strip left it, this one takes the options' beta."""
    with _quoted(world, ("settlements", _strip()), ("rates", EUR_RATES), ("fx", FX), ("volatilities", _surface(0.8))):
        pass
    form = {
        "kind": "carmona_hinz_two_periods", "valuation_date": DAY, "unit": "EUA", "history_days": "365",
        "penalty_per_t": "150", "compliance_date": "2025-12-31", "penalty_next_per_t": "160", "following_unit": "",
        "next_compliance_date": "2026-12-31", "carried_fraction": "0.5", "options": "看涨 75 2025-11-28",
    }  # fmt: skip
    with signed_in(world, "officer") as browser:
        shown = browser.get("/models?kind=carmona_hinz_two_periods", headers=PAGE).text
        assert "可结转比例" in shown
        token = {"_csrf_token": form_token(shown)}
        tried = browser.post("/models", data={**token, **form, "calibrated_to": "history"}, headers=PAGE)
        assert tried.status_code == 200, tried.text
        assert "两期状态相关系数" in tried.text
        assert "未按各自到期日计入持有成本" not in tried.text
        kept = browser.post(
            "/models", data={**token, **form, "calibrated_to": "options", "action": "keep"}, headers=PAGE
        )
        assert kept.status_code == 200, kept.text
        assert "期权报价与模型的均方根差" in kept.text
        assert "未按各自到期日计入持有成本" in kept.text
        assert "可结转比例为所填估计值" in kept.text
        wrong = browser.post("/models", data={**token, **form, "carried_fraction": "2"}, headers=PAGE)
        assert (wrong.status_code, "此项缺失或格式不正确" in wrong.text) == (422, True)
