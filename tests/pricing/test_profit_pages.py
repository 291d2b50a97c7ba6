"""Profit explained of a stored portfolio with options: over HTTP, on its page, by command, and what is refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing import service
from tests.app.worlds import PAGE, SECRET, World, build_world, signed_in
from tests.pricing.test_api import H1, client_of, post
from tests.pricing.test_commands import run
from tests.pricing.test_option_portfolios import AMERICAN, CALL, FX, PUT, SPOT, _stored
from tests.pricing.test_options_api import DAY, RATES, SETTLEMENTS, VOLATILITIES, _store
from tests.pricing.worlds import BOOK, add_market

FROM = "2025-06-27"
PARTS = ("carry_cny", "price_cny", "volatility_cny", "fx_cny", "rates_cny", "trades_cny", "residual_cny")


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
    """Open the API of a bank that knows curves and volatilities of EUA of two days; the older ones lie lower in all."""
    older = (
        ("settlements", SETTLEMENTS.replace(DAY, FROM).replace("70.00", "68.00").replace("72.00", "69.50")),
        ("rates", RATES.replace(DAY, FROM).replace("2.10", "2.00")),
        ("volatilities", VOLATILITIES.replace(DAY, FROM).replace(",38,EUR", ",35,EUR")),
        ("fx", FX.replace(DAY, FROM).replace("8.40", "8.35")),
    )
    with client_of(world) as client:
        for what, text in (
            *older, ("settlements", SETTLEMENTS), ("rates", RATES), ("volatilities", VOLATILITIES), ("fx", FX)
        ):  # fmt: skip
            answer = _store(client, what, text)
            assert answer.status_code == 201, answer.text
        yield client


def _on(client: TestClient[Litestar], portfolio_id: str, day: str) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": day, "portfolio_id": portfolio_id})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _profit(client: TestClient[Litestar], valuation_id: str, **query: str) -> Any:
    return client.get(f"/v1/valuations/{valuation_id}/profit", params=query)


def _check_sums(body: Any) -> None:
    for one in (body, *body["lines"]):
        assert sum(Decimal(one["parts"][name]) for name in PARTS) == Decimal(one["change_cny"])
    for name in PARTS:
        assert sum(Decimal(line["parts"][name]) for line in body["lines"]) == Decimal(body["parts"][name])


def test_a_portfolio_with_options_is_explained_to_the_fen(world: World) -> None:
    with _quoted(world) as client:
        portfolio_id = _stored(client, SPOT, CALL, PUT, AMERICAN)
        first, last = _on(client, portfolio_id, FROM), _on(client, portfolio_id, DAY)
        answer = _profit(client, last["valuation_id"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    _check_sums(body)
    assert (body["opening_valuation_id"], body["opening_date"]) == (first["valuation_id"], FROM)
    change = Decimal(last["present_value_cny"]) - Decimal(first["present_value_cny"])
    assert Decimal(body["change_cny"]) == change != 0
    call = next(line for line in body["lines"] if line["line_id"] == "O1")
    assert all(Decimal(call["parts"][name]) != 0 for name in PARTS if name != "trades_cny")
    assert Decimal(call["parts"]["price_cny"]) > 0 > Decimal(call["parts"]["carry_cny"])
    assert (call["opening"]["price_per_t"], call["closing"]["price_per_t"]) == ("68", "70")
    assert abs(Decimal(body["parts"]["residual_cny"])) < abs(change) / 10
    with signed_in(world) as browser:
        shown = browser.get(f"/valuations/{last['valuation_id']}/profit?lang=zh", headers=PAGE)
        assert shown.status_code == 200, shown.text
        for words in ("损益归因", "残差", "波动率", f"/valuations/{first['valuation_id']}/lines/O1"):
            assert words in shown.text, words
        book = browser.get(f"/portfolios/{portfolio_id}?lang=zh", headers=PAGE).text
        assert f"/valuations/{last['valuation_id']}/profit" in book


def test_what_cannot_be_explained_says_so(client: TestClient[Litestar]) -> None:
    portfolio_id = _stored(client, SPOT, code="A")
    first = _on(client, portfolio_id, FROM)["valuation_id"]
    alone = _profit(client, first)
    assert (alone.status_code, alone.json()["errors"][0]["field"]) == (409, "since")
    assert alone.json()["remedy"]
    last = _on(client, portfolio_id, DAY)["valuation_id"]
    other = _on(client, _stored(client, SPOT, code="B"), FROM)["valuation_id"]
    inline = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": [H1]}).json()["valuation_id"]
    for closing, since, status in (
        (last, other, 422), (last, last, 422), (first, last, 422), (inline, first, 422), (last, "nought", 404),
        ("nought", first, 404),
    ):  # fmt: skip
        answer = _profit(client, closing, since=since)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert _profit(client, inline).status_code == 409
    assert _profit(client, last, since=first).json() == _profit(client, last).json()


def test_another_bank_has_no_such_valuation(world: World) -> None:
    with _quoted(world) as client:
        portfolio_id = _stored(client, SPOT)
        _on(client, portfolio_id, FROM)
        last = _on(client, portfolio_id, DAY)["valuation_id"]
    with signed_in(world, "other-officer") as browser:
        assert browser.get(f"/valuations/{last}/profit", headers=PAGE).status_code == 404


def test_the_command_explains_the_last_valuation(
    sqlite_sessions: Sessions,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = build_world(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    assert run("pricing", "profit", "B1") != 0
    assert "没有留存的估值" in capsys.readouterr().err
    for day in (FROM, DAY):
        assert run("pricing", "value", "B1", "--on", day) == 0
    capsys.readouterr()
    assert run("--json", "pricing", "profit", "B1") == 0
    body = json.loads(capsys.readouterr().out)
    _check_sums(body)
    assert Decimal(body["variation_margin_cny"]) == Decimal(4200)  # 10,000 t of G1, 74.60 to 75.02
    assert run("pricing", "profit", "B1") == 0
    told = capsys.readouterr()
    assert f"损益 {body['change_cny']} 元" in told.out + told.err
