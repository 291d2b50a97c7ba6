"""Risk by each method from stored quotes: on both databases, over HTTP, on the page and on the command line."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.market import PriceKind
from pricing.calc.portfolio_risk import RiskMethod
from pricing.calc.portfolio_risk.histories import FactorKind
from pricing.calc.quality import FindingKind
from pricing.store.curve_quotes import save_curve_quotes
from pricing.store.quotes import save_quotes
from tests.app.worlds import PAGE, SECRET, World, build_world, form_token, keyed_client, signed_in
from tests.pricing.markets import F1, forward_rate, quote, spot
from tests.pricing.test_option_portfolios import CALL, _quoted, _stored
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, add_market, make_market_world

UNIT = "SZA-2024"
LINE = spot("V", UNIT, 10_000)


def add_vintage(session: Session, officer: Actor, *, days: int = 300) -> None:
    """Quotes of one vintage on every day up to the business date; each tenth without a trade, its close carried."""
    first = BUSINESS_DATE - timedelta(days=days)
    close, found = Decimal("70.00"), []
    for place in range(days + 1):
        is_idle = place % 10 == 9
        if not is_idle:
            close = round(Decimal(70 * math.exp(0.2 * math.sin(place * 0.05) + 0.02 * math.sin(2.1 * place))), 2)
        found.append(
            quote(
                UNIT, first + timedelta(days=place), f"{close}", kind=PriceKind.VINTAGE_QUOTE,
                volume_t=0 if is_idle else 50_000, amount="0" if is_idle else f"{50_000 * close}",
            )
        )  # fmt: skip
    save_quotes(session, found, organization_id=officer.organization_id)


def add_rates(session: Session, officer: Actor, *, days: int = 300) -> None:
    """SHIBOR of three months and the euro on every day."""
    first = BUSINESS_DATE - timedelta(days=days)
    found = []
    for place in range(days + 1):
        day = first + timedelta(days=place)
        found.append(_series("SHIBOR", "3M", day, Decimal("0.0165") + Decimal(place % 2) / 10_000))
    save_curve_quotes(session, found, organization_id=officer.organization_id)


def _series(name: str, point: str, day: date, value: Decimal) -> CurveQuote:
    return CurveQuote(
        kind=CurveQuoteKind.FIXING, name=name, point=point, expiry_date=None, quote_date=day, value=value,
        currency=Currency.CNY, known_from=day, source="同业拆借中心", document="a.csv", grade=Grade.READ, is_sample=False,
    )  # fmt: skip


def test_stored_quotes_give_histories_off_their_flags(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_market_world(session)
        add_vintage(session, world.maker)
        add_rates(session, world.maker)
        answer = service.risk_of_lines(
            session, world.maker, [LINE, spot("M", "CEA-2024", 1_000), F1], valuation_date=BUSINESS_DATE,
            known_at=KNOWN_AT, method=RiskMethod.HISTORICAL,
        )  # fmt: skip
        histories = {(one.kind, one.name): one for one in answer.histories}
        own = histories[FactorKind.PRICE, UNIT]
        counts = dict(own.left_out)
        assert (own.quoted_count, counts[FindingKind.NO_TRADE]) == (301, 30)
        assert len(own.points) <= 271
        composite = histories[FactorKind.PRICE, "CEA"]
        assert composite.refusal is not None
        assert "跨配额年度" in composite.refusal.zh
        (rate,) = answer.deviations
        # One basis point up and down each day
        assert (rate.kind, rate.name, float(rate.deviation)) == (
            FactorKind.RATE, "CNY", pytest.approx(1e-4 * math.sqrt(250), abs=1e-6)
        )  # fmt: skip
        assert [line.line_id for line in answer.risk.lines] == ["V"]
        assert {failure.item for failure in answer.risk.failures} == {"M", "F1"}
        with pytest.raises(MissingData, match="over several vintages"):
            service.risk_of_lines(
                session, world.maker, [spot("M", "CEA-2024", 1_000)], valuation_date=BUSINESS_DATE, known_at=KNOWN_AT,
                method=RiskMethod.HISTORICAL,
            )  # fmt: skip


def test_a_measurement_by_history_is_kept_and_loaded_with_what_it_rested_on(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_market_world(session)
        add_vintage(session, world.maker)
        portfolio = service.save_portfolio(session, world.maker, code="V1", name="单一年度", lines=(LINE,))
        kept = service.record_risk(
            session, world.maker, portfolio.id, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT,
            method=RiskMethod.FILTERED_HISTORICAL,
        )  # fmt: skip
        assert kept.decision_id is not None
        loaded = service.load_risk(session, world.maker, kept.decision_id)
        assert loaded.risk == kept.risk
        assert loaded.histories == kept.histories
        assert loaded.risk.method is RiskMethod.FILTERED_HISTORICAL


@pytest.fixture
def world(sqlite_sessions: Sessions) -> Iterator[World]:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        add_vintage(session, world.officer)
        service.save_portfolio(
            session, world.officer, code="V1", name="单一年度", lines=(LINE, spot("M", "CEA-2024", 1_000))
        )
    return world


def test_every_method_stands_in_the_answer(world: World) -> None:
    lines = [{"line_id": "V", "kind": "spot", "unit": UNIT, "quantity_t": 10_000}]
    with keyed_client(world) as client:
        asked = {"valuation_date": "2025-06-30", "lines": lines}
        answer = client.post("/v1/risk", json=asked | {"method": "historical", "fx_move": "0.1"})
        wrong = client.post("/v1/risk", json=asked | {"method": "bootstrap"})
        refused = client.post("/v1/risk", json=asked | {
            "lines": [lines[0] | {"unit": "CEA-2024"}], "method": "filtered_historical"
        })  # fmt: skip
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["method"] for one in body["methods"]] == ["monte_carlo", "historical", "filtered_historical"]
    own = body["methods"][1]
    assert (body["method"], body["value_at_risk_cny"]) == ("historical", own["value_at_risk_cny"])
    assert own["independent_count"] * 20 <= own["scenario_count"] + 19
    assert own["value_at_risk_high_cny"] is None
    (history,) = [one for one in body["histories"] if one["kind"] == "price"]
    assert history["left_out"]["no_trade"] == 30
    assert {one["kind"] for one in body["stresses"]} >= {"price_alone", "rate_alone", "fx_alone", "volatility_alone"}
    assert body["lines"][0]["component_value_at_risk_cny"] == body["value_at_risk_cny"]
    assert wrong.status_code == 400
    assert refused.status_code == 409
    assert "单一配额年度" in refused.text
    assert '"method"' in refused.text


def test_the_page_shows_the_methods_and_tries_currencies_and_volatilities(world: World) -> None:
    with signed_in(world) as client:
        listed = client.get("/portfolios", headers=PAGE).text
        address = "/portfolios/" + listed.split('<a href="/portfolios/')[1].split('"')[0]
        shown = client.get(f"{address}/risk", headers=PAGE).text
        by_history = client.get(f"{address}/risk?method=historical&fx_move=-10&volatility_move=25", headers=PAGE).text
        wrong = client.get(f"{address}/risk?fx_move=abc", headers=PAGE)
        kept = client.post(
            f"{address}/risk?method=historical", data={"_csrf_token": form_token(shown)}, headers=PAGE,
            follow_redirects=True,
        )  # fmt: skip
    assert f'href="{address}/risk?method=historical"' in shown
    assert "仅汇率变动（取不利方向）" in shown
    assert "风险价值：历史模拟" in by_history
    assert "未计入：M" in by_history
    assert "自定义情景" in by_history
    assert "相互重叠" in by_history
    assert wrong.status_code == 422
    assert kept.status_code == 200, kept.text
    assert "已留存" in kept.text
    assert "风险价值：历史模拟" in kept.text


def test_the_command_tells_each_method(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.officer
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", "pricing", "risk", "V1", "--method", "historical"])
    assert not ended.value.code
    out = capsys.readouterr()
    assert "历史模拟：风险价值" in out.out + out.err
    assert "滤波历史模拟：风险价值" in out.out + out.err
    with pytest.raises(SystemExit):
        main(["--as", "officer", "--json", "pricing", "risk", "V1"])
    assert json.loads(capsys.readouterr().out)["method"] == "monte_carlo"


def test_approved_moves_of_a_currency_and_its_rate_take_the_place_of_a_history(world: World) -> None:
    with world.sessions.begin() as session:
        checker = next(one for one in people_of(session, world.officer.organization_id) if one.role is Role.CHECKER)
        for key, scope, value, unit in (
            ("pricing.fx_volatility", "EURCNY", "0.12", "ratio"), ("pricing.rate_volatility", "EUR", "0.008", "rate")
        ):  # fmt: skip
            own = replace(forward_rate(value), key=key, scope=scope, unit=unit)
            enter_parameter(session, world.officer, actor_of(session, checker.id), own, reason="计量假设", at=KNOWN_AT)
    with _quoted(world) as client:
        asked = {"valuation_date": "2025-06-30", "portfolio_id": _stored(client, CALL)}
        answer = client.post("/v1/risk", json=asked)
    assert answer.status_code == 200, answer.text
    found = {(one["kind"], one["name"]): one for one in answer.json()["deviations"]}
    assert {key: (one["deviation"], one["is_assumption"]) for key, one in found.items()} == {
        ("fx", "EUR"): ("0.12", True), ("rate", "EUR"): ("0.008", True)
    }  # fmt: skip
    (drawn,) = [one for one in answer.json()["methods"] if one["method"] == "monte_carlo"]
    assert drawn["remarks_zh"] == []
