"""The pricing API: values, quotes, quality and price files, over HTTP on a fresh database."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing import service
from tests.app.worlds import World, build_world
from tests.pricing.worlds import BOOK, add_market

F1 = {
    "line_id": "F1", "kind": "forward", "unit": "CEA", "quantity_t": 20000, "strike_cny_per_t": "77.50",
    "delivery_date": "2025-12-15",
}  # fmt: skip
G1 = {
    "line_id": "G1", "kind": "futures", "unit": "CEA", "quantity_t": 10000, "strike_cny_per_t": "74.60",
    "contract_code": "G1", "trade_date": "2025-06-27",
}  # fmt: skip
H1 = {"line_id": "H1", "kind": "spot", "unit": "CEA-2023", "quantity_t": 60000}


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@contextmanager
def client_of(world: World, key: str = "system") -> Iterator[TestClient[Litestar]]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        client.headers.update(world.key_headers(key))
        yield client


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        yield client


def post(client: TestClient[Litestar], path: str, body: dict[str, Any], *, key: str = "") -> Any:
    return client.post(path, json=body, headers={"Idempotency-Key": key or str(uuid4())})


def test_an_inline_book_is_valued_recorded_and_replays(client: TestClient[Litestar]) -> None:
    answer = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "name": "试算", "lines": [H1, F1, G1]})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    lines = {line["line_id"]: line for line in made["lines"]}
    assert lines["F1"]["present_value_cny"] == "-38935.49"
    assert lines["F1"]["price_cny_per_t"] == "75.5397"
    assert lines["G1"]["variation_margin_cny"] == "4200.00"
    assert lines["H1"]["present_value_cny"] == "4501200.00"
    assert (made["present_value_cny"], made["variation_margin_cny"]) == ("4462264.51", "4200.00")
    assert client.get(f"/v1/valuations/{made['valuation_id']}").json() == made
    decision = client.get(f"/v1/decisions/{made['decision_id']}").json()
    figures = {figure["name"]: figure["value"] for figure in decision["trace"]}
    for line in made["lines"]:
        assert figures[line["figure"]] == (line["variation_margin_cny"] or line["present_value_cny"])
    assert client.post(f"/v1/decisions/{made['decision_id']}/replay").json()["same"] is True


def test_a_stored_portfolio_is_valued(client: TestClient[Litestar], world: World) -> None:
    with world.sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    listed = client.get("/v1/portfolios").json()["portfolios"]
    assert [item["portfolio_id"] for item in listed] == [portfolio.id]
    answer = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "portfolio_id": portfolio.id})
    assert answer.json()["present_value_cny"] == "46915964.51"


def test_a_delivery_beyond_all_curves_fails_alone(client: TestClient[Litestar]) -> None:
    far = F1 | {"line_id": "far", "delivery_date": "9999-12-31"}
    made = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "lines": [H1, far]})
    assert [item["field"] for item in made.json()["failures"]] == ["delivery_date"]
    path = "/v1/forwards/quote?unit=CEA&delivery_date=9999-12-31&valuation_date=2025-06-30"
    assert client.get(path).status_code == 422


def test_a_single_bad_trade_is_a_problem_and_leaves_no_decision(client: TestClient[Litestar]) -> None:
    body = {"valuation_date": "2025-06-30", "lines": [F1 | {"delivery_date": "9999-12-31"}]}
    for answer in (post(client, "/v1/valuations", body), client.post("/v1/valuations/preview", json=body)):
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = answer.json()
        assert problem["detail"].startswith("F1: delivery 9999-12-31 lies beyond")
        assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/delivery_date"]
        assert problem["remedy"] == "Check the year."
    assert client.get("/v1/decisions", params={"kind": "pricing.portfolio"}).json()["decisions"] == []


def test_a_repeated_key_gives_the_first_answer_and_another_body_is_refused(client: TestClient[Litestar]) -> None:
    body = {"valuation_date": "2025-06-30", "lines": [H1]}
    first = post(client, "/v1/valuations", body, key="one")
    again = post(client, "/v1/valuations", body, key="one")
    assert again.json() == first.json()
    other = post(client, "/v1/valuations", body | {"lines": [F1]}, key="one")
    assert other.status_code == 409
    missing = client.post("/v1/valuations", json=body)
    assert missing.status_code == 400
    assert missing.json()["code"] == "idempotency-key-required"


def test_bad_lines_fail_alone_and_say_what_to_do(client: TestClient[Litestar]) -> None:
    bad = F1 | {"line_id": "late", "delivery_date": "2025-06-30"}
    made = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "lines": [H1, bad]}).json()
    assert [line["line_id"] for line in made["lines"]] == ["H1"]
    assert [(item["item"], item["field"]) for item in made["failures"]] == [("late", "delivery_date")]
    assert made["failures"][0]["remedy_zh"]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"valuation_date": "2025-06-30", "lines": [H1 | {"tonnes": 5}]}, 400, "/lines/0/tonnes"),
        ({"valuation_date": "2025-06-30", "lines": [H1 | {"quantity_t": "6万"}]}, 400, "/lines/0/quantity_t"),
        (
            {"valuation_date": "2025-06-30", "lines": [F1 | {"strike_cny_per_t": "7,750"}]},
            400,
            "/lines/0/strike_cny_per_t",
        ),
        ({"valuation_date": "2025-06-30", "lines": []}, 400, "/lines"),
        ({"valuation_date": "2025-02-30", "lines": [H1]}, 422, "/valuation_date"),
        ({"valuation_date": "2025-07-01", "lines": [H1]}, 422, "valuation_date"),
        ({"valuation_date": "0001-01-01", "lines": [H1]}, 422, "valuation_date"),
        ({"valuation_date": "2025-06-30"}, 422, "/portfolio_id"),
        ({"valuation_date": "2025-06-30", "lines": [H1, H1]}, 422, "lines"),
        ({"valuation_date": "2025-06-30", "lines": [H1 | {"unit": "ABC-2023"}]}, 422, "unit"),
    ],
)
def test_bad_requests_are_refused_precisely(
    client: TestClient[Litestar], body: dict[str, Any], status: int, place: str
) -> None:
    answer = post(client, "/v1/valuations", body)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert place in {item.get("pointer") or item.get("field") for item in problem["errors"]}, problem


def test_another_bank_sees_neither_portfolio_nor_valuation(world: World) -> None:
    with world.sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    with client_of(world) as client:
        made = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "lines": [H1]}).json()
    with client_of(world, "other") as stranger:
        assert stranger.get(f"/v1/valuations/{made['valuation_id']}").status_code == 404
        assert stranger.get("/v1/portfolios").json() == {"portfolios": []}
        refused = post(stranger, "/v1/valuations", {"valuation_date": "2025-06-30", "portfolio_id": portfolio.id})
        assert refused.status_code == 404
        assert stranger.get("/v1/market/quotes?unit=SZA-2023").json()["quotes"] == []


def test_an_auditor_may_read_but_not_value(world: World) -> None:
    with client_of(world, "auditor") as auditor:
        assert auditor.get("/v1/market/quotes?unit=CEA").status_code == 200
        assert post(auditor, "/v1/valuations", {"valuation_date": "2025-06-30", "lines": [H1]}).status_code == 403


def test_quotes_name_the_exchange_and_stop_at_what_is_known(client: TestClient[Litestar]) -> None:
    found = client.get("/v1/market/quotes?unit=CEA&from=2025-06-27&to=2025-12-31").json()["quotes"]
    assert [quote["quote_date"] for quote in found] == ["2025-06-27", "2025-06-30"]
    assert found[-1]["price_cny_per_t"] == "75.02"
    assert found[-1]["block_volume_t"] == 300000
    assert found[-1]["price_kind"] == "composite_close"
    assert "上海环境能源交易所" in found[-1]["exchange"]
    sample = client.get("/v1/market/quotes?unit=SZA-2023").json()["quotes"]
    assert all(quote["is_sample"] for quote in sample)
    assert len(sample) == 3


def test_quality_counts(client: TestClient[Litestar]) -> None:
    report = client.get("/v1/market/quality?unit=CEA").json()
    assert (report["day_count"], report["days_without_listed_trade"], report["days_without_any_trade"]) == (117, 14, 10)
    assert client.get("/v1/market/quality?unit=GDEA-2023").status_code == 409
    assert client.get("/v1/market/quality?unit=CEA&from=2025-02-30").status_code == 422


def test_forward_quote_is_for_valuation_only(client: TestClient[Litestar]) -> None:
    found = client.get("/v1/forwards/quote?unit=CEA&delivery_date=2025-12-15&valuation_date=2025-06-30").json()
    assert (found["forward_cny_per_t"], found["days"], found["level"]) == ("75.5397", 168, 3)
    assert found["rate_is_assumption"] is True
    assert "仅估值，不可成交" in found["note_zh"]


def price_file(text: str, *, preview: bool = False) -> dict[str, Any]:
    return {
        "file_name": "行情.csv", "exchange": "上海环境能源交易所", "preview": preview,
        "content_base64": base64.b64encode(text.encode("gbk")).decode(),
    }  # fmt: skip


HEAD = "品种,日期,收盘价（元/吨）,挂牌成交量（吨）,挂牌成交额（元）\n"


def test_a_gbk_file_with_thousands_separators_is_refused_and_nothing_changes(client: TestClient[Litestar]) -> None:
    text = HEAD + 'CEA,2025-06-29,75.50,"1,000","75,500.00"\nCEA,2025-06-28,75.40,1000,75400\n'
    answer = post(client, "/v1/market/quotes", price_file(text))
    assert answer.status_code == 422
    problem = answer.json()
    assert "第 2 行" in problem["detail_zh"]
    assert "listed_volume_t" in problem["detail"]
    assert problem["context"]["failed_count"] == "2"
    assert client.get("/v1/market/quotes?unit=CEA&from=2025-06-28&to=2025-06-29").json()["quotes"] == []
    preview = post(client, "/v1/market/quotes", price_file(text, preview=True))
    assert preview.status_code == 201
    report = preview.json()
    assert (report["stored"], report["encoding"], len(report["failures"])) == (False, "gb18030", 2)


def test_a_good_file_is_stored_for_its_bank(world: World) -> None:
    path = "/v1/market/quotes?unit=CEA&from=2025-06-28&to=2025-06-29"
    with client_of(world) as client:
        answer = post(client, "/v1/market/quotes", price_file(HEAD + "CEA,2025-06-28,75.40,1000,75400\n"))
        assert answer.json()["added_count"] == 1
        assert len(client.get(path).json()["quotes"]) == 1
        broken = post(client, "/v1/market/quotes", price_file(HEAD) | {"content_base64": "a==="})
        assert broken.status_code in {400, 422}
    with client_of(world, "other") as stranger:
        assert stranger.get(path).json()["quotes"] == []


@pytest.mark.parametrize(
    ("path", "text", "kind", "value"),
    [
        ("settlements", "品种,合约代码,到期日,结算日,结算价,币种\nEUA,EUA-2026-12,2026-12-14,2025-06-27,71.25,EUR\n",
         "settlement", "71.25"),
        ("rates", "利率名称,期限,日期,利率（%）\nSHIBOR,6M,2025-06-27,1.7000\n", "fixing", "0.0170"),
        ("fx", "货币对,日期,汇率\nUSDCNY,2025-06-27,7.1620\n", "fx", "7.1620"),
    ],
)  # fmt: skip
def test_a_file_of_curve_quotes_is_stored_for_its_bank(
    world: World, path: str, text: str, kind: str, value: str
) -> None:
    address = f"/v1/market/curve-quotes?kind={kind}&from=2025-06-27&to=2025-06-27"
    with client_of(world) as client:
        answer = post(client, f"/v1/market/{path}", price_file(text), key="one")
        assert answer.status_code == 201, answer.text
        assert (answer.json()["stored"], answer.json()["added_count"]) == (True, 1)
        assert post(client, f"/v1/market/{path}", price_file(text), key="one").json() == answer.json()
        (found,) = client.get(address).json()["quotes"]
        assert (found["kind"], found["value"], found["source"]) == (kind, value, "上海环境能源交易所")
        refused = post(client, f"/v1/market/{path}", price_file(text + "坏行\n"))
        assert refused.status_code == 422
        assert "第 3 行" in refused.json()["detail_zh"]
        preview = post(client, f"/v1/market/{path}", price_file(text + "坏行\n", preview=True)).json()
        assert (preview["stored"], [fault["item"] for fault in preview["failures"]]) == (False, ["line 3"])
    with client_of(world, "other") as stranger:
        assert stranger.get(address).json()["quotes"] == []


def test_curve_quotes_are_asked_for_a_year_at_most(client: TestClient[Litestar]) -> None:
    assert client.get("/v1/market/curve-quotes?from=2024-01-01&to=2025-06-30").status_code == 422
    sample = client.get("/v1/market/curve-quotes?name=EUA").json()["quotes"]
    assert [quote["point"] for quote in sample] == ["EUA-2025-12", "EUA-2026-12", "EUA-2027-12"]
    assert all(quote["is_sample"] for quote in sample)


def test_each_quote_carries_its_flags(client: TestClient[Litestar]) -> None:
    """Of 17 June 2025 the move is +5.29 %; on 3 March one tonne was traded."""
    days = client.get("/v1/market/quotes?unit=CEA&from=2025-06-17&to=2025-06-18").json()["quotes"]
    assert "jump" in days[0]["flags"]
    (small,) = client.get("/v1/market/quotes?unit=CEA&from=2025-03-03&to=2025-03-03").json()["quotes"]
    assert "small_print" in small["flags"]


def test_a_book_of_columns_is_recorded_and_answered_in_columns(client: TestClient[Litestar]) -> None:
    by_line = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "lines": [H1, F1, G1]}).json()
    rows = [H1, F1, G1, {**H1, "line_id": "H2", "quantity_t": "NaN"}, {**H1, "quantity_t": 5}]
    names = (
        "line_id",
        "kind",
        "unit",
        "quantity_t",
        "strike_cny_per_t",
        "delivery_date",
        "contract_code",
        "trade_date",
    )
    columns = {name: [row.get(name) for row in rows] for name in names}
    answer = post(client, "/v1/valuations", {"valuation_date": "2025-06-30", "columns": columns})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["lines"] == []
    for name in ("line_id", "price_cny_per_t", "price_source", "level", "present_value_cny", "variation_margin_cny"):
        assert made["columns"][name] == [line[name] for line in by_line["lines"]], name
    assert made["present_value_cny"] == by_line["present_value_cny"]
    assert [(one["item"], one["field"]) for one in made["failures"]] == [
        ("line 4", "quantity_t"),
        ("line 5", "line_id"),
    ]
    replayed = client.post(f"/v1/decisions/{made['decision_id']}/replay").json()
    assert replayed["same"] is True, replayed
    bad = {"valuation_date": "2025-06-30", "columns": {name: column[3:4] for name, column in columns.items()}}
    assert post(client, "/v1/valuations", bad).status_code == 422
    both = {"valuation_date": "2025-06-30", "columns": columns, "lines": [H1]}
    assert post(client, "/v1/valuations", both).status_code == 422
