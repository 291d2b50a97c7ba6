"""Volatilities stored by both dates, the surfaces they make, and options valued with them: API, page and command."""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from tests.app.worlds import PAGE, SECRET, World, build_world, signed_in
from tests.pricing.test_api import client_of, post
from tests.pricing.worlds import add_market

DAY = "2025-06-30"
SETTLEMENTS = (
    "品种,合约代码,到期日,结算日,结算价,币种\n"
    "EUA,EUA-2025-12,2025-12-15,2025-06-30,70.00,EUR\nEUA,EUA-2026-12,2026-12-14,2025-06-30,72.00,EUR\n"
)
RATES = "利率名称,期限,日期,利率(%)\nEUR_DEPOSIT,3M,2025-06-30,2.10\nEUR_DEPOSIT,1Y,2025-06-30,2.20\nEUR_SWAP,2Y,2025-06-30,2.25\n"
HEAD = "品种,到期日,行权价,日期,波动率(%),币种\n"
ROWS = (
    ("2025-12-15", "60", "40"), ("2025-12-15", "70", "38"), ("2025-12-15", "80", "39"),
    ("2026-12-14", "60", "39"), ("2026-12-14", "70.00", "37"), ("2026-12-14", "80", "38"),
)  # fmt: skip
VOLATILITIES = HEAD + "".join(f"EUA,{expiry},{strike},{DAY},{value},EUR\n" for expiry, strike, value in ROWS)
CALL = {
    "line_id": "O1", "surface": "EUA", "option_type": "call", "quantity_t": 10_000, "strike_per_t": "70",
    "expiry_date": "2025-12-15", "delivery_date": "2025-12-15",
}  # fmt: skip


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        yield client


def _store(client: TestClient[Litestar], what: str, text: str) -> Any:
    content = base64.b64encode(text.encode()).decode()
    body = {"file_name": "a.csv", "exchange": "ICE Endex", "content_base64": content}
    return post(client, f"/v1/market/{what}", body)


@pytest.fixture
def quoted(client: TestClient[Litestar]) -> TestClient[Litestar]:
    for what, text in (("settlements", SETTLEMENTS), ("rates", RATES), ("volatilities", VOLATILITIES)):
        answer = _store(client, what, text)
        assert answer.status_code == 201, answer.text
    return client


def _values(client: TestClient[Litestar], *lines: dict[str, Any]) -> Any:
    return client.post("/v1/options/values", json={"valuation_date": DAY, "lines": list(lines)})


def test_a_surface_stands_on_its_quotes_and_forwards(quoted: TestClient[Litestar]) -> None:
    surface = quoted.get("/v1/volatility-surfaces", params={"name": "EUA", "valuation_date": DAY}).json()
    assert (surface["name"], surface["axis"], surface["strikes"]) == ("EUA/4", "strike", ["60", "70", "80"])
    assert [row["forward_per_t"] for row in surface["expiries"]] == ["70", "72"]
    assert [row["volatilities"] for row in surface["expiries"]] == [["0.4", "0.38", "0.39"], ["0.39", "0.37", "0.38"]]
    assert surface["arbitrages"] == []
    assert surface["sources"] == ["ICE Endex"]
    assert len(surface["inputs"]) == 6
    listed = quoted.get("/v1/market/volatilities", params={"scheme": "EUA", "from": DAY, "to": DAY}).json()
    assert [quote["point"] for quote in listed["quotes"]] == [quote["point"] for quote in surface["inputs"]]


def test_stored_surfaces_value_options_as_quantlib_does(quoted: TestClient[Litestar]) -> None:
    put = {
        **CALL, "line_id": "O2", "option_type": "put", "strike_per_t": "65", "quantity_t": -500,
        "delivery_date": "2026-12-14",
    }  # fmt: skip
    american = {**CALL, "line_id": "O3", "style": "american"}
    average = {
        **CALL, "line_id": "O4", "style": "average_price", "averaging_dates": ["2025-12-15"],
    }  # fmt: skip
    answer = _values(quoted, CALL, put, american, average)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found = {line["line_id"]: line for line in body["lines"]}
    years = 168 / 365
    first = found["O1"]
    discount = float(first["discount_factor"])
    assert discount == pytest.approx(math.exp(-0.0215 * years), abs=3e-4)
    price = ql.blackFormula(ql.Option.Call, 70.0, 70.0, 0.38 * math.sqrt(years), discount)
    assert float(first["value_per_t"]) == pytest.approx(price, abs=2e-6)
    assert float(first["present_value"]) == pytest.approx(10_000 * price, abs=0.05)
    # Between 60 and 70 total variance is linear in the strike: (0.4^2 + 0.38^2) / 2 in the middle.
    sigma = math.sqrt((0.4**2 + 0.38**2) / 2)
    price = ql.blackFormula(ql.Option.Put, 65.0, 72.0, sigma * math.sqrt(years), discount)
    assert float(found["O2"]["volatility"]) == pytest.approx(sigma, abs=1e-8)
    assert float(found["O2"]["present_value"]) == pytest.approx(-500 * price, abs=0.05)
    # Early exercise is worth something and little at these rates; one fixing at expiry is Black's option.
    assert 0 <= float(found["O3"]["value_per_t"]) - float(first["value_per_t"]) < 0.05
    assert found["O3"]["delta_t"] is None
    assert float(found["O4"]["value_per_t"]) == pytest.approx(float(first["value_per_t"]), abs=2e-6)
    assert body["notice_zh"] == "仅估值，不可成交"
    surface = quoted.get("/v1/volatility-surfaces", params={"name": "EUA/4", "valuation_date": DAY}).json()
    assert body["set_digest"] == surface["set_digest"]


def test_bad_options_are_listed_and_the_others_stand(quoted: TestClient[Litestar]) -> None:
    bad = [
        {**CALL, "line_id": "B1", "expiry_date": "2025-06-30"},
        {**CALL, "line_id": "B2", "surface": "CEA"},
        {**CALL, "line_id": "B3", "expiry_date": "2031-01-01", "delivery_date": "2031-06-01"},
        {**CALL, "line_id": "B4", "quantity_t": 0},
        {**CALL, "line_id": "O1"},
        {**CALL, "line_id": "B5", "style": "average_price"},
    ]
    body = _values(quoted, CALL, *bad).json()
    assert [line["line_id"] for line in body["lines"]] == ["O1"]
    assert [(one["item"], one["field"]) for one in body["failures"]] == [
        ("B1", "expiry_date"), ("B2", "surface"), ("B3", "delivery_date"), ("B4", "quantity_t"), ("O1", "line_id"),
        ("B5", "averaging_dates"),
    ]  # fmt: skip
    assert all(one["remedy"] and one["remedy_zh"] for one in body["failures"])
    alone = _values(quoted, bad[0])
    assert (alone.status_code, alone.json()["errors"][0]["pointer"]) == (422, "/lines/0/expiry_date")


def test_a_correction_is_known_from_its_own_day_and_moves_the_digest(quoted: TestClient[Litestar]) -> None:
    before = _values(quoted, CALL).json()
    assert _store(quoted, "volatilities", f"{HEAD}EUA,2025-12-15,70,{DAY},45,EUR\n").json()["added_count"] == 1
    after = _values(quoted, CALL).json()
    assert after["lines"][0]["volatility"] == "0.45000000"
    assert after["set_digest"] != before["set_digest"]
    again = _store(quoted, "volatilities", f"{HEAD}EUA,2025-12-15,70.0,{DAY},45,EUR\n").json()
    assert (again["added_count"], again["unchanged_count"]) == (0, 1)


def test_arbitrage_is_named_at_its_nodes(client: TestClient[Litestar]) -> None:
    rows = [
        ("2025-12-15", "60", "60"),
        ("2025-12-15", "70", "20"),
        ("2026-12-14", "60", "20"),
        ("2026-12-14", "70", "20"),
    ]
    text = HEAD + "".join(f"EUA,{expiry},{strike},{DAY},{value},EUR\n" for expiry, strike, value in rows)
    for what, content in (("settlements", SETTLEMENTS), ("rates", RATES), ("volatilities", text)):
        assert _store(client, what, content).status_code == 201
    surface = client.get("/v1/volatility-surfaces", params={"name": "EUA/4", "valuation_date": DAY}).json()
    # Variance at 60: 0.36 x 168/365 = 0.166 by December, 0.04 x 532/365 = 0.058 a year later.
    assert ("calendar", "2026-12-14") in [(one["kind"], one["expiry_date"]) for one in surface["arbitrages"]]
    assert _values(client, CALL).json()["arbitrages"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f"EUA,2025-12-15,70,{DAY},3850,EUR", "volatility"),
        (f"EUA,2025-06-30,70,{DAY},38,EUR", "expiry_date"),
        (f"EUA,2025-12-15,,{DAY},38,EUR", "strike"),
        (f"EUA,2025-12-15,-70,{DAY},38,EUR", "strike"),
        (f"XXX,2025-12-15,70,{DAY},38,EUR", "scheme"),
    ],
)
def test_rows_that_are_no_volatility_are_refused_by_line(client: TestClient[Litestar], row: str, field: str) -> None:
    content = base64.b64encode(f"{HEAD}{row}\n".encode()).decode()
    body = {"file_name": "a.csv", "exchange": "ICE Endex", "content_base64": content, "preview": True}
    failures = post(client, "/v1/market/volatilities", body).json()["failures"]
    assert [(one["item"], one["field"]) for one in failures] == [("line 2", field)]


def test_without_settlements_the_reason_is_told(client: TestClient[Litestar]) -> None:
    assert _store(client, "volatilities", VOLATILITIES.replace("EUA", "SZA")).status_code == 201
    answer = client.get("/v1/volatility-surfaces", params={"name": "SZA", "valuation_date": DAY})
    assert answer.status_code == 409
    assert answer.json()["remedy"]


def test_the_page_shows_grid_quotes_and_source(world: World) -> None:
    with client_of(world) as client:
        for what, text in (("settlements", SETTLEMENTS), ("rates", RATES), ("volatilities", VOLATILITIES)):
            assert _store(client, what, text).status_code == 201
    with signed_in(world) as browser:
        shown = browser.get(f"/curves/volatility?on={DAY}&lang=zh", headers=PAGE)
        assert shown.status_code == 200
        for words in ("EUA/4", "38.00%", "2026-12-14/70", "ICE Endex", "远期价格（EUR/吨）"):
            assert words in shown.text, words
        empty = browser.get("/curves/volatility?on=2025-01-02&lang=en", headers=PAGE)
        assert "No volatility surface on this day" in empty.text
        quotes = browser.get(f"/market/curve-quotes?kind=volatility&from={DAY}&to={DAY}&lang=zh", headers=PAGE)
        assert "2025-12-15/60" in quotes.text


@pytest.mark.usefixtures("quoted")
def test_the_command_prints_the_surface(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", "--json", "pricing", "volatility-surface", "EUA", "--on", DAY])
    assert ended.value.code in {None, 0}
    assert json.loads(capsys.readouterr().out)["expiries"][0]["volatilities"] == ["0.4", "0.38", "0.39"]
