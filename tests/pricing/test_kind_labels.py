"""A futures-style contract in 元 says that it is synthetic on every path; one settled abroad says that it is listed."""

import csv
import json
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing.feeds.book_files import book_rows, read_book
from tests.app.worlds import PAGE, World, build_world, form_token, signed_in
from tests.pricing.test_api import G1, H1, client_of, post
from tests.pricing.test_forwards_on_curves import DAY, _quoted
from tests.pricing.test_futures_in_euro import EURO, RATE, SETTLEMENTS
from tests.pricing.worlds import add_market

SYNTHETIC, LISTED = "期货式合约（合成）", "期货合约（按日结算）"
LINES: list[dict[str, Any]] = [H1, G1, EURO]
WORDS = {"H1": "现货持有", "G1": SYNTHETIC, "U1": LISTED}


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, ("settlements", SETTLEMENTS), ("fx", RATE)) as client:
        yield client


def _book_text() -> str:
    text = StringIO()
    rows = csv.DictWriter(text, sorted({name for line in LINES for name in line}))
    rows.writeheader()
    rows.writerows(LINES)
    return text.getvalue()


def test_values_previews_columns_and_streams_say_what_a_line_is(client: TestClient[Litestar]) -> None:
    asked = {"valuation_date": DAY, "lines": LINES}
    recorded = post(client, "/v1/valuations", asked).json()
    assert {line["line_id"]: line["kind_zh"] for line in recorded["lines"]} == WORDS
    english = {line["line_id"]: line["kind_en"] for line in recorded["lines"]}
    assert english["G1"] == "futures-style contract (synthetic)"
    preview = client.post("/v1/valuations/preview", json=asked).json()
    assert {line["line_id"]: line["kind_zh"] for line in preview["lines"]} == WORDS
    assert [line["is_valuation_only"] for line in preview["lines"]] == [False, True, True]
    names = sorted({name for line in LINES for name in line})
    columns = {name: [line.get(name) for line in LINES] for name in names}
    answered = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}, key="c").json()["columns"]
    assert dict(zip(answered["line_id"], answered["kind_zh"], strict=True)) == WORDS
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=_book_text().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    told = next(one for one in map(json.loads, streamed.text.splitlines()) if one["record"] == "lines")
    assert dict(zip(told["line_id"], told["kind_zh"], strict=True)) == WORDS


def test_pages_workbooks_and_files_say_it_too(world: World) -> None:
    with _quoted(world, ("settlements", SETTLEMENTS), ("fx", RATE)) as client:
        valued = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": LINES}).json()
    with signed_in(world, "officer") as browser:
        token = form_token(browser.get("/portfolios/upload", headers=PAGE).text)
        tried = browser.post(
            "/portfolios/upload", headers=PAGE,
            data={"_csrf_token": token, "code": "K1", "name": "类型", "action": "preview"},
            files={"file": ("book.csv", _book_text().encode(), "text/csv")},
        ).text  # fmt: skip
        page = browser.get(f"/valuations/{valued['valuation_id']}", headers=PAGE).text
        content = browser.get(f"/valuations/{valued['valuation_id']}/export/xlsx", headers=PAGE).content
    for text in (tried, page):
        assert (SYNTHETIC in text, LISTED in text) == (True, True)
    # The holding may be traded, the two contracts may not.
    assert tried.count("仅估值，不可成交") == 2
    cells = [cell.value for row in openpyxl.load_workbook(BytesIO(content)).worksheets[0].iter_rows() for cell in row]
    assert (cells.count(SYNTHETIC), cells.count(LISTED)) == (1, 1)
    lines = read_book(_book_text().encode(), file_name="book.csv").lines
    rows = book_rows(lines)
    assert [row[1] for row in rows[1:]] == list(WORDS.values())
    assert read_book("\n".join(map(",".join, rows)).encode(), file_name="again.csv").lines == lines


def test_risk_and_profit_say_what_a_line_is(client: TestClient[Litestar]) -> None:
    measured = client.post("/v1/risk", json={"valuation_date": DAY, "lines": [H1, G1]}).json()
    assert {line["line_id"]: line["kind_zh"] for line in measured["lines"]} == {"H1": "现货持有", "G1": SYNTHETIC}


def test_a_book_over_its_position_limit_lists_the_lines_and_a_price_over_its_limit_fails(world: World) -> None:
    """The sample limits of a synthetic contract: 1,000,000 t net over the book, 10 % a day."""
    many = [{**G1, "line_id": "G2", "quantity_t": 1_200_000}, {**G1, "line_id": "G3", "quantity_t": -150_000}]
    with client_of(world) as client:
        told = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": [H1, *many]}).json()
        within = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": [H1, G1]}, key="w").json()
        known = client.get("/v1/rules/parameters", params={"key": "pricing.futures_price_limit_ratio"}).json()
    assert within["limit_breaches"] == []
    assert [(one["line_id"], one["net_t"], one["limit_t"], one["excess_t"]) for one in told["limit_breaches"]] == [
        ("G2", 1_050_000, "1000000", "50000"), ("G3", 1_050_000, "1000000", "50000"),
    ]  # fmt: skip
    assert not told["limit_breaches"][0]["is_confirmed"]
    assert [any("限额未核实" in note for note in line["notes_zh"]) for line in told["lines"]] == [False, True, True]
    assert [one["value"] for one in known["parameters"]] == ["0.10"]
    with signed_in(world, "officer") as browser:
        page = browser.get(f"/valuations/{told['valuation_id']}", headers=PAGE).text
    assert "超出持仓限额" in page
    assert "50,000" in page
