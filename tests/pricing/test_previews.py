"""Books valued on the market in memory: equal to a recorded valuation, nothing kept, no line asks the database."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.contracts import book_of
from pricing.calc.portfolio import PortfolioInputs, value_portfolio
from pricing.service.previews import KEPT_FOR
from tests.app.worlds import World, build_world
from tests.pricing.test_api import F1, G1, H1, client_of, post
from tests.pricing.worlds import BOOK, BUSINESS_DATE, KNOWN_AT, MarketWorld, add_market, make_market_world
from tests.statements import statements_of

PREVIEW = "/v1/valuations/preview"
AT = KNOWN_AT


@pytest.fixture
def world(sessions: Sessions) -> World:
    world = build_world(sessions, packages=PACKAGES)
    with sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        yield client


def test_a_preview_equals_the_recorded_valuation(client: TestClient[Litestar]) -> None:
    bad = {**F1, "line_id": "F2", "delivery_date": "2025-06-30"}
    book = {"valuation_date": "2025-06-30", "lines": [H1, F1, G1, bad, {**H1, "line_id": "H9", "unit": "EUA-2025"}]}
    stored = post(client, "/v1/valuations", book).json()
    answer = client.post(PREVIEW, json=book)
    assert answer.status_code == 200, answer.text
    preview = answer.json()
    for name in ("snapshot_digest", "known_at", "present_value_cny", "variation_margin_cny", "level_max", "is_sample",
                 "failures"):  # fmt: skip
        assert preview[name] == stored[name], name
    shown = (
        "line_id",
        "kind_zh",
        "kind_en",
        "price_cny_per_t",
        "level",
        "is_sample",
        "present_value_cny",
        "variation_margin_cny",
        "is_valuation_only",
        "is_provisional",
    )
    assert preview["lines"] == [{name: line[name] for name in shown} for line in stored["lines"]]
    # By hand: (75.5397 - 77.50) t discounted is worked in the forward's own test; 60,000 t at 75.02 is 4,501,200.
    assert {line["line_id"]: line["present_value_cny"] for line in preview["lines"]} == {
        "H1": "4501200.00", "F1": "-38935.49", "G1": "0.00",
    }  # fmt: skip
    assert [failure["item"] for failure in preview["failures"]] == ["F2", "H9"]
    assert [price["unit"] for price in preview["prices"]] == ["CEA", "CEA-2023"]


def test_lines_of_every_kind_and_fault_are_previewed_as_they_are_recorded(client: TestClient[Litestar]) -> None:
    option = {
        "line_id": "O1", "kind": "option", "unit": "EUA", "quantity_t": 1000, "option_type": "call",
        "option_style": "european", "strike_per_t": "70", "expiry_date": "2025-12-10", "delivery_date": "2025-12-15",
    }  # fmt: skip
    averaged = {"option_style": "average_price", "averaging_dates": ["2025-12-08", "2025-12-09"]}
    lines: list[dict[str, Any]] = [
        H1, F1, G1, option,
        {**H1, "line_id": "H2", "quantity_t": 100_000_000},
        {**H1, "line_id": "H3", "quantity_t": 100_000_001},
        {**H1, "line_id": "H4", "quantity_t": -5},
        {**H1, "line_id": "H5", "quantity_t": 0},
        {**H1, "line_id": "H6", "strike_cny_per_t": "77.50"},
        {**H1, "line_id": "H7", "averaging_dates": ["2025-12-08"]},
        {**F1, "line_id": "F2", "quantity_t": -20000, "strike_cny_per_t": "90000"},
        {**F1, "line_id": "F3", "strike_cny_per_t": "90000.01"},
        {**F1, "line_id": "F4", "strike_cny_per_t": "0"},
        {**F1, "line_id": "F5", "strike_cny_per_t": None, "strike_per_t": "71.20", "currency": "EUR"},
        {**F1, "line_id": "F6", "delivery_date": None},
        {**F1, "line_id": "F7", "label": "同一合约", "quantity_t": 1},
        {**F1, "line_id": "F8", "master_agreement": "NAFMII 2025-01-10", "derivatives_licence": "金规〔2025〕1号"},
        {**G1, "line_id": "G2", "strike_cny_per_t": "0"},
        {**G1, "line_id": "G3", "contract_code": "unknown"},
        {**option, "line_id": "O2", **averaged},
        {**option, "line_id": "O3", "option_style": None},
    ]  # fmt: skip
    book = {"valuation_date": "2025-06-30", "lines": lines}
    stored = post(client, "/v1/valuations", book).json()
    preview = client.post(PREVIEW, json=book).json()
    assert preview["failures"] == stored["failures"]
    assert len(stored["failures"]) > 10
    assert preview["lines"] == [{name: line[name] for name in preview["lines"][0]} for line in stored["lines"]]
    assert [line["line_id"] for line in preview["lines"]] == ["H1", "F1", "G1", "H2", "F2", "F7", "F8"]
    # 100,000,000 t at 75.02; one tonne of F1 is worth its twenty thousandth part: -38,935.49 / 20,000 = -1.9468.
    values = {line["line_id"]: line["present_value_cny"] for line in preview["lines"]}
    assert (values["H2"], values["F7"]) == ("7502000000.00", "-1.95")
    assert [preview[name] for name in ("present_value_cny", "variation_margin_cny", "level_max")] == [
        stored[name] for name in ("present_value_cny", "variation_margin_cny", "level_max")
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({**F1, "delivery_date": "2025-02-30"}, "/lines/1/delivery_date"),
        ({**F1, "unit": "XXX"}, "unit"),
    ],
)
def test_what_cannot_be_read_of_a_book_is_refused_each_time(
    client: TestClient[Litestar], line: dict[str, Any], field: str
) -> None:
    book = {"valuation_date": "2025-06-30", "lines": [H1, line]}
    for _ in range(2):
        answer = client.post(PREVIEW, json=book)
        assert answer.status_code == 422, answer.text
        error = answer.json()["errors"][0]
        assert error.get("pointer", error.get("field")) == field


def test_nothing_is_kept_and_no_line_asks_the_database(client: TestClient[Litestar], world: World) -> None:
    book = {"valuation_date": "2025-06-30", "lines": [{**H1, "line_id": f"H{place}"} for place in range(500)]}
    with statements_of(world.sessions) as first:
        assert client.post(PREVIEW, json=book).status_code == 200
    with statements_of(world.sessions) as second:
        assert client.post(PREVIEW, json=book).json()["present_value_cny"] == "2250600000.00"
    written = [statement for statement in first + second if statement.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [statement for statement in written if "last_used_at" not in statement] == []
    assert not [statement for statement in second if "quote" in statement or "parameter" in statement]
    assert len(second) < 5 < len(first)
    assert client.get("/v1/decisions", params={"kind": "pricing.portfolio"}).json() == {"decisions": []}


def test_a_stored_book_is_previewed_as_it_is_valued(client: TestClient[Litestar], world: World) -> None:
    with world.sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    preview = client.post(PREVIEW, json={"valuation_date": "2025-06-30", "portfolio_id": portfolio.id})
    assert preview.json()["present_value_cny"] == "46915964.51"
    other = client.post(
        PREVIEW, json={"valuation_date": "2025-06-30", "portfolio_id": portfolio.id}, headers=world.key_headers("other")
    )
    assert (other.status_code, other.json()["code"]) == (404, "not-found")


def test_quotes_that_come_in_are_seen_at_once(client: TestClient[Litestar]) -> None:
    book = {"valuation_date": "2025-06-30", "lines": [{**H1, "unit": "SZA-2022"}]}
    before = client.post(PREVIEW, json=book).json()
    file = "日期,品种,收盘价\n2025-06-30,SZA-2022,41.25\n"

    made = post(client, "/v1/market/quotes", {
        "file_name": "a.csv", "exchange": "深圳排放权交易所",
        "content_base64": base64.b64encode(file.encode()).decode(),
    })  # fmt: skip
    assert made.status_code == 201, made.text
    after = client.post(PREVIEW, json=book).json()
    assert after["snapshot_digest"] != before["snapshot_digest"]
    assert after == {**client.post(PREVIEW, json=book).json()}
    assert post(client, "/v1/valuations", book).json()["present_value_cny"] == after["present_value_cny"]


def test_prices_stored_by_another_process_are_seen_at_once(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)
    markets, units = service.Markets(), frozenset({Unit.parse("SZA-2022")})

    def price() -> str:
        market = markets.market(
            sqlite_sessions, world.maker, units, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, at=AT
        ).lines  # fmt: skip
        return str(market.prices[Unit.parse("SZA-2022")].price_cny_per_t)

    before = price()
    # Stored past these markets, as another worker stores it: nothing in this process is told.
    with sqlite_sessions.begin() as session:
        service.import_price_file(
            session, world.maker, content="日期,品种,收盘价\n2025-06-30,SZA-2022,41.25\n".encode(), file_name="a.csv",
            exchange="深圳排放权交易所", document="", known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
        assert price() == before, "not committed yet"
    assert (before, price()) == (before, "41.25")
    assert before != "41.25"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"valuation_date": "2025-06-30"}, 422, "/portfolio_id"),
        ({"valuation_date": "2025-06-30", "portfolio_id": "x", "lines": [H1]}, 422, "/portfolio_id"),
        ({"valuation_date": "2025-06-30", "lines": [H1, H1]}, 422, "lines"),
        ({"valuation_date": "2031-01-01", "lines": [H1]}, 422, "valuation_date"),
        ({"valuation_date": "2025-02-30", "lines": [H1]}, 422, "/valuation_date"),
        ({"valuation_date": "2025-06-30", "lines": []}, 400, "/lines"),
        ({"valuation_date": "2025-06-30", "lines": [H1], "name": "x"}, 400, "/name"),
    ],
)
def test_bad_books_are_refused_by_name(
    client: TestClient[Litestar], body: dict[str, Any], status: int, field: str
) -> None:
    answer = client.post(PREVIEW, json=body)
    assert answer.status_code == status, answer.text
    error = answer.json()["errors"][0]
    assert error.get("pointer", error.get("field")) == field


@pytest.fixture
def bank(sqlite_sessions: Sessions) -> MarketWorld:
    with sqlite_sessions.begin() as session:
        return make_market_world(session)


def _market(sessions: Sessions, markets: service.Markets, bank: MarketWorld, *units: str, after: timedelta) -> Any:
    return markets.market(
        sessions, bank.maker, frozenset(Unit.parse(unit) for unit in units),
        valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, at=AT + after,
    )  # fmt: skip


def test_a_market_is_kept_for_seconds_and_grows_by_units(sqlite_sessions: Sessions, bank: MarketWorld) -> None:
    markets = service.Markets()
    nothing, tick = timedelta(0), timedelta(microseconds=1)
    first = _market(sqlite_sessions, markets, bank, "CEA", after=nothing)
    assert _market(sqlite_sessions, markets, bank, "CEA", after=KEPT_FOR - tick) is first
    assert _market(sqlite_sessions, markets, bank, "CEA", after=KEPT_FOR) is not first
    grown = _market(sqlite_sessions, markets, bank, "CCER", after=KEPT_FOR)
    assert set(grown.lines.prices) == {Unit.parse("CEA"), Unit.parse("CCER")}
    assert _market(sqlite_sessions, markets, bank, "CEA", after=nothing) is not grown, "never one of a later time"


def test_each_organisation_has_its_own(sqlite_sessions: Sessions, bank: MarketWorld) -> None:
    markets = service.Markets()
    own = _market(sqlite_sessions, markets, bank, "SZA-2022", after=timedelta(0))
    other = markets.market(
        sqlite_sessions, bank.stranger, frozenset({Unit.parse("SZA-2022")}),
        valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, at=AT,
    )  # fmt: skip
    assert own.lines.digest != other.lines.digest
    assert not other.lines.prices, "samples are the sample bank's alone"


def test_memory_stays_bounded(sqlite_sessions: Sessions, bank: MarketWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricing.service.previews._MARKETS_MAX", 3)
    markets = service.Markets()
    for days in range(6):
        markets.market(
            sqlite_sessions, bank.maker, frozenset(), valuation_date=BUSINESS_DATE - timedelta(days=days),
            known_at=KNOWN_AT, at=AT,
        )  # fmt: skip
    assert len(markets._kept) == 3


def test_lines_are_valued_as_a_portfolio_is(sqlite_sessions: Sessions, bank: MarketWorld) -> None:
    preview = service.preview_book(
        sqlite_sessions, bank.maker, service.Markets(), book_of(BOOK),
        valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, at=AT,
    )  # fmt: skip
    with sqlite_sessions.read() as session:
        snapshot = service.market_snapshot(
            session, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, organization_id=bank.maker.organization_id
        )
    whole = value_portfolio(
        PortfolioInputs(
            portfolio_id="x", portfolio_name="x", valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, lines=BOOK,
            snapshot=snapshot,
        )
    )  # fmt: skip
    assert preview.market.lines.digest == whole.snapshot_digest
    assert preview.failures == whole.failures
    lines = preview.lines
    assert lines.line_id == [line.line_id for line in whole.lines]
    assert lines.price_cny_per_t == [line.price_cny_per_t for line in whole.lines]
    assert lines.level == [line.level for line in whole.lines]
    assert lines.is_sample == [line.is_sample for line in whole.lines]
    assert lines.present_value_fen == [line.present_value_cny * 100 for line in whole.lines]
    assert lines.variation_margin_fen == [
        None if line.variation_margin_cny is None else line.variation_margin_cny * 100 for line in whole.lines
    ]
