"""Backtests and estimated volatilities off stored quotes: on both databases, over HTTP, pages and commands."""

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData, NotApplicable
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.market import PriceKind
from pricing.calc.volatility_estimators import Estimator
from pricing.store.quotes import save_quotes
from tests.app.worlds import PAGE, SECRET, World, build_world, keyed_client, signed_in
from tests.pricing.markets import quote, spot
from tests.pricing.test_risk_methods import LINE, UNIT, add_vintage
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, add_market, make_market_world


def test_a_book_is_held_through_five_years_of_stored_quotes(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_market_world(session)
        add_vintage(session, world.maker, days=900)
        answer = service.backtest_of_lines(
            session, world.maker, [LINE, spot("M", "CEA-2024", 1_000)], valuation_date=BUSINESS_DATE,
            known_at=KNOWN_AT, window_days=None,
        )  # fmt: skip
        found = answer.backtest
        # 901 days, every tenth without a trade: 811 kept, 810 moves, 250 of them the first window
        assert (found.move_count, found.window_days, len(found.models[0].days)) == (810, 250, 560)
        assert found.scaled_count == 90
        assert [failure.item for failure in found.failures] == ["M"]
        portfolio = service.save_portfolio(session, world.maker, code="V1", name="单一年度", lines=(LINE,))
        stored = service.backtest_of_portfolio(
            session, world.maker, portfolio.id, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, window_days=300
        )
        assert len(stored.backtest.models[0].days) == 510
        with pytest.raises(MissingData, match="leave"):
            service.backtest_of_portfolio(
                session, world.maker, portfolio.id, valuation_date=BUSINESS_DATE - timedelta(days=700),
                known_at=KNOWN_AT, window_days=None,
            )  # fmt: skip


def _alternating(session: Session, officer: Actor) -> None:
    """A price that goes up and down by two per cent each day, 101 days."""
    prices = [Decimal("50.00") if place % 2 else Decimal("51.00") for place in range(101)]
    found = [
        quote(
            UNIT, BUSINESS_DATE - timedelta(days=100 - place), f"{price}", kind=PriceKind.VINTAGE_QUOTE,
            volume_t=5_000, amount=f"{5_000 * price}",
        )
        for place, price in enumerate(prices)
    ]  # fmt: skip
    save_quotes(session, found, organization_id=officer.organization_id)


def test_estimates_are_those_of_the_stored_quotes(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_market_world(session)
        _alternating(session, world.maker)
        answer = service.volatility_estimates(
            session, world.maker, unit=Unit.parse(UNIT), valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
        found = {one.estimator: one for one in answer.estimates}
        assert tuple(found) == tuple(Estimator)
        renewal = found[Estimator.RENEWAL].estimate
        assert renewal is not None
        assert renewal.volatility == pytest.approx(math.log(51 / 50) * math.sqrt(250))
        assert (answer.quoted_count, answer.traded_count, answer.limit_count, renewal.return_count) == (
            101,
            101,
            0,
            100,
        )
        # No range is published: a day without high and low is no day without range.
        parkinson = found[Estimator.PARKINSON]
        assert parkinson.estimate is None
        assert parkinson.refusal is not None
        assert "only 0 returns" in parkinson.refusal.detail
        with pytest.raises(NotApplicable):
            service.volatility_estimates(
                session, world.maker, unit=Unit.parse("CEA"), valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
            )
        with pytest.raises(MissingData, match="CEA-2019 has no quote"):
            service.volatility_estimates(
                session, world.maker, unit=Unit.parse("CEA-2019"), valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
            )


@pytest.fixture
def world(sqlite_sessions: Sessions) -> Iterator[World]:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        add_vintage(session, world.officer, days=500)
        service.save_portfolio(
            session, world.officer, code="V1", name="单一年度", lines=(LINE, spot("M", "CEA-2024", 1_000))
        )
    return world


def test_a_backtest_over_http(world: World) -> None:
    line = {"line_id": "V", "kind": "spot", "unit": UNIT, "quantity_t": 10_000}
    asked = {"valuation_date": "2025-06-30", "lines": [line]}
    with keyed_client(world) as client:
        answer = client.post("/v1/risk/backtests", json=asked)
        short = client.post("/v1/risk/backtests", json=asked | {"window_days": 120})
        long = client.post("/v1/risk/backtests", json=asked | {"window_days": 440})
        neither = client.post("/v1/risk/backtests", json={"valuation_date": "2025-06-30"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["model"] for one in body["models"]] == ["historical", "filtered_historical", "normal"]
    historical = body["models"][0]
    count = historical["kupiec"]["day_count"]
    assert {len(historical[name]) for name in ("days", "pnl_cny", "value_at_risk_cny")} == {count}
    lost = [
        day
        for day, pnl, value in zip(
            historical["days"], historical["pnl_cny"], historical["value_at_risk_cny"], strict=True
        )
        if -Decimal(pnl) > Decimal(value)
    ]
    assert historical["exception_days"] == lost
    assert len(historical["verdicts_zh"]) == 3
    assert historical["kupiec"]["is_conclusive"] is False  # 200 days at 99 %
    assert (short.status_code, long.status_code, neither.status_code) == (400, 409, 422)
    assert "请导入更长的行情历史" in long.text


def test_estimates_over_http(world: World) -> None:
    with keyed_client(world) as client:
        answer = client.get("/v1/volatility-estimates", params={"unit": UNIT})
        mixed = client.get("/v1/volatility-estimates", params={"unit": "CEA"})
        unknown = client.get("/v1/volatility-estimates", params={"unit": "XXX"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    first = body["estimates"][0]
    assert (first["estimator"], first["is_default"], len(first["bias_pct"])) == (
        "renewal",
        True,
        len(body["regimes_zh"]),
    )
    assert "模拟" in body["bias_source_zh"]
    assert (mixed.status_code, unknown.status_code) == (422, 422)
    assert "跨配额年度" in mixed.text


def test_the_pages(world: World) -> None:
    with signed_in(world) as client:
        listed = client.get("/portfolios", headers=PAGE).text
        address = "/portfolios/" + listed.split('<a href="/portfolios/')[1].split('"')[0]
        risk = client.get(f"{address}/risk", headers=PAGE).text
        shown = client.get(f"{address}/backtest", headers=PAGE).text
        long = client.get(f"{address}/backtest?window=440", headers=PAGE)
        market = client.get(f"/market?unit={UNIT}", headers=PAGE).text
        volatility = client.get(f"/market/volatility?unit={UNIT}", headers=PAGE).text
        mixed = client.get("/market/volatility?unit=CEA", headers=PAGE)
    assert f'href="{address}/backtest"' in risk
    assert "样本不足以下结论" in shown
    assert "未回测的持仓" in shown
    assert long.status_code == 200
    assert "不能回测" in long.text
    assert f"/market/volatility?unit={UNIT}" in market
    assert "已知偏差" in volatility
    assert "默认" in volatility
    assert mixed.status_code == 200
    assert "不能估计" in mixed.text


@pytest.mark.usefixtures("world")
def test_the_commands(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--as", "officer", *arguments])
        assert not ended.value.code
        told = capsys.readouterr()
        return told.out + told.err

    assert "日中突破" in run("pricing", "backtest", "V1")
    found = json.loads(run("--json", "pricing", "backtest", "V1", "--window", "200"))
    assert found["window_days"] == 200
    assert "renewal" in run("pricing", "volatility", UNIT)
    assert json.loads(run("--json", "pricing", "volatility", UNIT))["unit"] == UNIT
