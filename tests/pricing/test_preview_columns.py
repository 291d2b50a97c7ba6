"""Previews as columns: the same values as line by line, and the same bytes as writing them one by one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.schemas.figures import yuan_text_of
from pricing.schemas.written_columns import sum_of_fen, yuan_array
from tests.app.worlds import World, build_world
from tests.pricing.markets import spot
from tests.pricing.test_api import F1, G1, H1, client_of
from tests.pricing.worlds import BOOK, add_market

PREVIEW = "/v1/valuations/preview"
DAY = {"valuation_date": "2025-06-30"}


@pytest.fixture
def bank(sqlite_sessions: Sessions) -> World:
    bank = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, bank.officer)
    return bank


@pytest.fixture
def client(bank: World) -> Iterator[TestClient[Any]]:
    with client_of(bank) as client:
        yield client


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-1200, 1200), max_size=30))
def test_fen_are_written_as_one_by_one(fen: list[int]) -> None:
    written = msgspec.json.encode([yuan_text_of(one) for one in fen])
    assert yuan_array(np.array(fen, dtype=np.int64)) == written


def test_yuan_by_hand() -> None:
    fen = np.array([0, 5, -5, 100, -1, 4_501_200_00, -38_935_49, 2**63 - 1])
    assert yuan_array(fen) == (
        b'["0.00","0.05","-0.05","1.00","-0.01","4501200.00","-38935.49","92233720368547758.07"]'
    )


def _both(client: TestClient[Any], book: dict[str, Any]) -> tuple[Any, Any]:
    by_line = client.post(PREVIEW, json={**DAY, **book})
    columns = client.post(PREVIEW, json={**DAY, **book, "as_columns": True})
    assert (by_line.status_code, columns.status_code) == (200, 200), (by_line.text, columns.text)
    assert columns.headers["content-type"].startswith("application/json")
    return by_line.json(), columns.json()


def _as_columns(lines: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [line[name] for line in lines] for name in lines[0]}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([H1, {**H1, "line_id": "H2", "quantity_t": 7}], id="one contract"),
        pytest.param([H1, F1, G1, {**F1, "line_id": "F2", "quantity_t": -1}, {**G1, "line_id": "G2"}], id="margined"),
        pytest.param([G1], id="margined alone"),
        pytest.param([H1, F1, {**F1, "line_id": "F3", "delivery_date": "2025-06-30"}], id="one bad"),
        pytest.param([{**H1, "unit": "EUA-2025"}, {**H1, "line_id": "H4", "quantity_t": 0}], id="all bad"),
    ],
)  # fmt: skip
def test_columns_hold_what_lines_hold(client: TestClient[Any], lines: list[dict[str, Any]]) -> None:
    by_line, columns = _both(client, {"lines": lines})
    if by_line["lines"]:
        assert columns["columns"] == _as_columns(by_line["lines"])
    else:
        assert set(map(len, columns["columns"].values())) == {0}
    assert {**columns, "lines": by_line["lines"], "columns": None} == by_line


def test_a_stored_book_comes_as_columns_by_hand(client: TestClient[Any], bank: World) -> None:
    with bank.sessions.begin() as session:
        stored = service.save_portfolio(session, bank.officer, code="B1", name="示例组合", lines=BOOK)
    by_line, columns = _both(client, {"portfolio_id": stored.id})
    assert columns["columns"] == _as_columns(by_line["lines"])
    # 60,000 t at 75.02; the forward and the margin as their own tests work them.
    found = dict(zip(columns["columns"]["line_id"], columns["columns"]["present_value_cny"], strict=True))
    assert (found["H1"], found["F1"], found["G1"]) == ("4501200.00", "-38935.49", "0.00")
    assert columns["columns"]["variation_margin_cny"] == [None, None, None, None, "4200.00"]
    assert (columns["present_value_cny"], columns["variation_margin_cny"]) == ("46915964.51", "4200.00")


def test_sums_beyond_64_bits_are_whole() -> None:
    assert sum_of_fen(np.array([2**62, 2**62, 2**62, -7, 3])) == 3 * 2**62 - 4
    assert sum_of_fen(np.array([-(2**62)] * 4)) == -(2**64)


def test_a_large_book_is_summed_to_the_fen(client: TestClient[Any], bank: World) -> None:
    # 2,000 lines of 100,000,000 t at 75.02.
    lines = tuple(spot(f"H{place}", "CEA-2023", 100_000_000) for place in range(2_000))
    with bank.sessions.begin() as session:
        stored = service.save_portfolio(session, bank.officer, code="B1", name="大", lines=lines)
    answer = client.post(PREVIEW, json={**DAY, "portfolio_id": stored.id, "as_columns": True}).json()
    assert answer["present_value_cny"] == "15004000000000.00"
    assert answer["columns"]["present_value_cny"] == ["7502000000.00"] * 2_000


def test_a_lone_trade_that_cannot_be_valued_is_refused_as_columns_too(client: TestClient[Any]) -> None:
    answer = client.post(PREVIEW, json={**DAY, "lines": [{**H1, "quantity_t": 0}], "as_columns": True})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_every_byte_is_that_of_the_shape(client: TestClient[Any], bank: World) -> None:
    lines = (*BOOK, *(replace(BOOK[3], line_id=f"远{place}", quantity_t=place - 50) for place in range(50)))
    with bank.sessions.begin() as session:
        stored = service.save_portfolio(session, bank.officer, code="B1", name="示例组合", lines=lines)
    content = client.post(PREVIEW, json={**DAY, "portfolio_id": stored.id, "as_columns": True}).content
    assert msgspec.json.encode(msgspec.json.decode(content)) == content
