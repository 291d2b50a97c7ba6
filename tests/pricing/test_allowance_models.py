"""Allowance models over the stored market: recovered parameters, options by hand and by simulation, records, refusals."""

import json
import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import convert

from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.models.carmona_hinz import CompliancePeriod, simulated_prices
from pricing.calc.models.model_values import MODEL_VALUE
from pricing.feeds.curve_files import CurveFileKind
from pricing.schemas.allowance_models import ModelValueIn
from tests.app.worlds import PAGE, SECRET, World, form_token, signed_in
from tests.pricing.markets import KNOWN_AT
from tests.pricing.test_api import post
from tests.pricing.test_commands import run
from tests.pricing.test_forwards_on_curves import CNY_RATES, DAY, EUR_RATES, FX, _quoted, eur_factor, world
from tests.pricing.worlds import make_market_world

__all__ = ["world"]
TODAY = date(2025, 6, 30)
EXPIRIES = (date(2025, 12, 15), date(2026, 12, 14), date(2027, 12, 13))
TRUE = {"mean_reversion": 1.5, "short_vol": 0.30, "long_vol": 0.20, "factor_correlation": 0.0}
COUNT = 90


def _days(count: int) -> list[date]:
    """Working days up to the valuation date, oldest first."""
    days = [TODAY - timedelta(days=back) for back in range(2 * count)]
    return sorted(day for day in days if day.weekday() < 5)[-count:]


def _strip_file() -> str:
    """Settlement prices that the two factors made: seeded, with noise of 0.3 %."""
    random = np.random.default_rng(11)
    kappa, chi, xi = TRUE["mean_reversion"], 0.0, math.log(70.0)
    rows, before = [], None
    for day in _days(COUNT):
        step = (day - before).days / 365 if before else 1 / 365
        before = day
        draws = random.standard_normal(2)
        chi = chi * math.exp(-kappa * step) + TRUE["short_vol"] * math.sqrt(step) * draws[0]
        xi += TRUE["long_vol"] * math.sqrt(step) * draws[1]
        for end in EXPIRIES:
            left = (end - day).days / 365
            fade, twice = 1 - math.exp(-kappa * left), 1 - math.exp(-2 * kappa * left)
            constant = 0.5 * (twice * TRUE["short_vol"] ** 2 / (2 * kappa) + TRUE["long_vol"] ** 2 * left)
            level = (1 - fade) * chi + xi + constant + 0.003 * random.standard_normal()
            rows.append(f"EUA,EUA-{end:%Y-%m},{end},{day},{math.exp(level):.4f},EUR")
    return "品种,合约代码,到期日,结算日,结算价,币种\n" + "\n".join(rows) + "\n"


def _path_file() -> str:
    """Closes of one vintage that one compliance period made: penalty 150, alpha 1, beta 1, to the end of 2025."""
    days = _days(COUNT)
    period = CompliancePeriod(penalty_per_t=150.0, compliance_years=(date(2025, 12, 31) - days[0]).days / 365,
                              alpha=1.0, beta=1.0)  # fmt: skip
    times = np.array([(day - days[0]).days / 365 for day in days])
    prices = simulated_prices(period, price_per_t=75.0, times_years=times, path_count=1, seed=5)[0]
    return "品种,日期,收盘价\n" + "".join(
        f"SZA-2024,{day},{price:.2f}\n" for day, price in zip(days, prices.tolist(), strict=True)
    )


STRIP = {"valuation_date": DAY, "model": "schwartz_smith", "unit": "EUA", "options": [
    {"option_type": "call", "strike_per_t": "70", "expiry_date": "2025-12-10", "delivery_date": "2025-12-15"},
    {"option_type": "put", "strike_per_t": "70", "expiry_date": "2025-12-10", "delivery_date": "2025-12-15"},
]}  # fmt: skip
PATH = {"valuation_date": DAY, "model": "carmona_hinz", "unit": "SZA-2024", "penalty_per_t": "150",
        "compliance_date": "2025-12-31", "options": [
    {"option_type": "call", "strike_per_t": "80", "expiry_date": "2025-11-28"},
    {"option_type": "put", "strike_per_t": "80", "expiry_date": "2025-11-28"},
]}  # fmt: skip


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, *_files()) as client:
        yield client


def _files() -> tuple[tuple[str, str], ...]:
    return ("rates", CNY_RATES), ("settlements", _strip_file()), ("rates", EUR_RATES), ("fx", FX)


def _told(client: TestClient[Litestar], asked: dict[str, Any]) -> Any:
    answer = client.post("/v1/model-values/preview", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_strip_gives_back_the_factors_that_made_it(client: TestClient[Litestar]) -> None:
    """Each parameter within four of its own standard errors; put-call parity D (F - K) to the sixth decimal."""
    body = _told(client, STRIP)
    numbers = {one["name"]: one for one in body["numbers"]}
    for name, true in TRUE.items():
        assert abs(float(numbers[name]["value"]) - true) < 4 * float(numbers[name]["error"]), name
    assert (body["observation_count"], body["contract_count"], body["level"]) == (COUNT, 3, 3)
    call, put = body["options"]
    parity = eur_factor(163) * (float(call["underlying_per_t"]) - 70)
    assert float(call["value_per_t"]) - float(put["value_per_t"]) == pytest.approx(parity, abs=5e-6)
    assert call["delta"] is None
    assert "仅估值，不可成交" in body["notes_zh"][0]
    assert len(body["data_digest"]) == 64


def test_an_option_past_the_strip_says_so(client: TestClient[Litestar]) -> None:
    option = {**STRIP["options"][0], "expiry_date": "2026-06-10", "delivery_date": "2028-12-18"}
    codes = {one["code"] for one in _told(client, {**STRIP, "options": [option]})["cautions"]}
    assert "past_the_strip" in codes


def test_a_recorded_answer_replays_from_the_numbers_of_its_fit(world: World, client: TestClient[Litestar]) -> None:
    answer = post(client, "/v1/model-values", STRIP)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert client.get(f"/v1/model-values/{body['decision_id']}").json() == body
    with world.sessions.read() as session:
        figures = {one.name: one for one in load_decision(session, world.officer, body["decision_id"]).trace}
        assert replay_decision(session, (MODEL_VALUE,), body["decision_id"]).same
    assert body["data_digest"] in figures["mean_reversion"].source
    assert not figures["mean_reversion"].confirmed
    assert "discount_factor.2025-12-10" in figures["option.1.value_per_t"].inputs
    assert client.get("/v1/model-values/nothing").status_code == 404


@pytest.mark.parametrize(
    ("base", "change", "status", "place"),
    [
        (STRIP, {"unit": "CEA"}, 409, "unit"),
        (STRIP, {"history_days": 60}, 409, "log_prices"),
        (STRIP, {"penalty_per_t": "100"}, 422, "/penalty_per_t"),
        (STRIP, {"options": [{**PATH["options"][0]}]}, 422, "/options/0/delivery_date"),
        (STRIP, {"options": [{**STRIP["options"][0], "expiry_date": "2025-06-30"}]}, 422, "options/0/expiry_date"),
        (PATH, {"penalty_per_t": None}, 422, "penalty_per_t"),
        (PATH, {"compliance_date": "2025-06-30"}, 422, "compliance_date"),
        (PATH, {"unit": "SZA-2019"}, 409, "prices_per_t"),
    ],
)
def test_what_a_model_cannot_answer_is_refused(
    client: TestClient[Litestar], base: dict[str, Any], change: dict[str, Any], status: int, place: str
) -> None:
    asked = {name: one for name, one in {**base, **change}.items() if one is not None}
    answer = client.post("/v1/model-values/preview", json=asked)
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert (error.get("pointer") or error.get("field")) == place


def test_one_compliance_period_on_a_vintages_closes(world: World, client: TestClient[Litestar]) -> None:
    """Beta within four standard errors of one; parity; the call against 200,000 drawn paths of the fitted period."""
    with world.sessions.begin() as session:
        service.import_price_file(
            session, world.officer, content=_path_file().encode(), file_name="sza.csv", exchange="示例交易所",
            document="", known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
    body = _told(client, PATH)
    numbers = {one["name"]: one for one in body["numbers"]}
    assert abs(float(numbers["beta"]["value"]) - 1.0) < 4 * float(numbers["beta"]["error"])
    call, put = body["options"]
    price, years = float(numbers["price_per_t"]["value"]), 151 / 365
    parity = float(call["value_per_t"]) - float(put["value_per_t"])
    factor = parity / (price - 80)
    assert 0.98 < factor < 1.0
    assert float(call["delta"]) - float(put["delta"]) == pytest.approx(factor, abs=1e-5)
    period = CompliancePeriod(penalty_per_t=150.0, compliance_years=184 / 365,
                              alpha=max(1.0, float(numbers["alpha"]["value"])),
                              beta=float(numbers["beta"]["value"]))  # fmt: skip
    drawn = simulated_prices(period, price_per_t=price, times_years=np.array([0.0, years]), path_count=200_000, seed=9)
    paid = factor * np.maximum(drawn[:, 1] - 80, 0.0)
    assert abs(float(call["value_per_t"]) - paid.mean()) < 4 * paid.std() / math.sqrt(paid.size)
    assert {"not_alone_for_shenzhen", "penalty_estimated"} <= {one["code"] for one in body["cautions"]}


FORM = {
    "kind": "schwartz_smith", "valuation_date": DAY, "unit": "EUA", "history_days": "365",
    "options": "看涨 70 2025-12-10 2025-12-15\n看跌 70 2025-12-10 2025-12-15",
}  # fmt: skip


def test_the_page_fits_tries_keeps_and_names_what_is_wrong(world: World) -> None:
    with _quoted(world, *_files()):
        pass
    with signed_in(world, "officer") as browser:
        form = browser.get("/models", headers=PAGE).text
        token = {"_csrf_token": form_token(form)}
        tried = browser.post("/models", data={**token, **FORM}, headers=PAGE)
        assert tried.status_code == 200
        assert "试算，未留存" in tried.text
        assert "均值回复速度" in tried.text
        kept = browser.post("/models", data={**token, **FORM, "action": "keep"}, headers=PAGE)
        assert kept.status_code == 200  # the page it goes to
        assert "option.1.value_per_t" in kept.text
        for change, words in (
            ({"options": "看涨 70"}, "此项缺失或格式不正确"), ({"history_days": "很多"}, "此项缺失或格式不正确"),
            ({"unit": "CEA"}, "没有期货结算价"), ({"kind": "carmona_hinz", "options": ""}, "每吨罚款"),
        ):  # fmt: skip
            wrong = browser.post("/models", data={**token, **FORM, **change}, headers=PAGE)
            assert wrong.status_code in {409, 422}
            assert words in wrong.text
        assert browser.post("/models", data={**token, "kind": "carmona_hinz"}, headers=PAGE).status_code == 422
        assert browser.get("/models?kind=nothing", headers=PAGE).status_code == 404


def test_the_command_fits_a_question_from_a_file(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _quoted(world, *_files()):
        pass
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    file = tmp_path / "模型.json"
    file.write_text(json.dumps(STRIP), encoding="utf-8")
    assert run("pricing", "value-by-model", str(file)) == 0
    out = capsys.readouterr().out
    assert "mean_reversion" in out
    assert "未留存决定" in out
    assert run("--json", "pricing", "value-by-model", str(file), "--keep") == 0
    told = json.loads(capsys.readouterr().out)
    with world.sessions.read() as session:
        assert service.load_model_value(session, world.officer, told["decision_id"]).question.unit.scheme == "EUA"
    file.write_text("[]", encoding="utf-8")
    assert run("pricing", "value-by-model", str(file)) == 2
    assert "不是可读取的模型问题" in capsys.readouterr().err


def test_an_answer_on_record_is_the_organisations_own(sessions: Sessions) -> None:
    """On both databases: a fit without options is kept, read again, and another bank finds nothing."""
    with sessions.begin() as session:
        market = make_market_world(session)
        stored = service.import_curve_file(
            session, market.maker, kind=CurveFileKind.SETTLEMENTS, content=_strip_file().encode(), file_name="a.csv",
            exchange="ICE Endex", document="", known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
        assert stored.stored, stored.failures
    question = convert({**STRIP, "options": []}, ModelValueIn).question()
    with sessions.begin() as session:
        kept = service.record_model_value(session, market.maker, question, valuation_date=TODAY, known_at=KNOWN_AT)
    assert kept.decision_id is not None
    with sessions.read() as session:
        assert service.load_model_value(session, market.maker, kept.decision_id) == kept
        with pytest.raises(NotFound):
            service.load_model_value(session, market.stranger, kept.decision_id)
