"""Large books in pieces over HTTP: the values of a recorded valuation, bad lines by name, bounded memory."""

import hashlib
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import date
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from pricing.calc.contract_lines import ValueColumns
from pricing.calc.portfolio import priced_market
from pricing.calc.positions import PortfolioLine
from pricing.feeds import book_streams
from pricing.feeds.book_files import read_book
from pricing.feeds.book_streams import BookPiece, csv_pieces
from pricing.service import PieceValue, StreamTotal, value_pieces
from tests.app.worlds import World, build_world
from tests.pricing.markets import snapshot_of
from tests.pricing.test_api import F1, G1, H1, client_of, post
from tests.pricing.worlds import add_market

STREAM = "/v1/valuations/stream"
HEAD = "line_id,kind,unit,quantity_t,strike_cny_per_t,delivery_date,contract_code,trade_date\n"
ROWS = (
    "F1,forward,CEA,20000,77.50,2025-12-15,,\n",
    "G1,futures,CEA,10000,74.60,,G1,2025-06-27\n",
    "H1,spot,CEA-2023,60000,,,,\n",
)
DAY = {"valuation_date": "2025-06-30"}


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


@pytest.fixture
def three_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_streams, "PIECE_ROWS", 3)


def _send(client: TestClient[Litestar], body: bytes | str, kind: str = "text/csv", **query: str) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    return client.post(STREAM, params={**DAY, **query}, content=content, headers={"Content-Type": kind})


def _records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def _joined(records: list[dict[str, Any]], name: str) -> list[Any]:
    return [item for record in records if record["record"] == "lines" for item in record[name]]


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
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
    return {name: [row.get(name) for row in rows] for name in names}


@pytest.mark.usefixtures("three_a_piece")
def test_a_stream_has_the_values_of_a_recorded_valuation(client: TestClient[Litestar]) -> None:
    lines = [{**line, "line_id": f"{line['line_id']}-{copy}"} for copy in range(4) for line in (F1, G1, H1)]
    stored = post(client, "/v1/valuations", {**DAY, "lines": lines}).json()
    rows = [row.replace(",", f"-{copy},", 1) for copy in range(4) for row in ROWS]
    book = HEAD + "".join(rows)
    answers = {
        "text/csv": _send(client, book),
        "application/json": _send(client, json.dumps(_columns(lines)), "application/json"),
        "application/x-ndjson": _send(
            client,
            "".join(json.dumps(_columns(part)) + "\n" for part in (lines[:5], lines[5:])),
            "application/x-ndjson",
        ),
    }
    for kind, answer in answers.items():
        records = _records(answer)
        head, total = records[0], records[-1]
        assert (head["record"], total["record"]) == ("head", "total")
        assert {record["record"] for record in records[1:-1]} == {"lines"}
        assert head["snapshot_digest"] == stored["snapshot_digest"]
        for name in ("line_id", "kind_zh", "price_cny_per_t", "level", "is_sample", "present_value_cny",
                     "variation_margin_cny"):  # fmt: skip
            assert _joined(records, name) == [line[name] for line in stored["lines"]], name
        first = 2 if kind == "text/csv" else 1
        assert _joined(records, "line") == list(range(first, first + 12))
        for name in ("present_value_cny", "variation_margin_cny", "level_max", "is_sample"):
            assert total[name] == stored[name], name
        assert (total["row_count"], total["valued_count"], total["failure_count"]) == (12, 12, 0)
        assert [price["unit"] for price in total["prices"]] == ["CEA", "CEA-2023"]
        assert total["present_value_cny"] == "17849058.04"  # 4 x 4,462,264.51, as the recorded test has it
    assert _records(answers["text/csv"])[-1]["book_digest"] == hashlib.sha256(book.encode()).hexdigest()
    assert len(_records(answers["text/csv"])) == 6
    assert len(_records(answers["application/x-ndjson"])) == 4
    assert client.get("/v1/decisions", params={"kind": "pricing.portfolio"}).json()["decisions"] != []


@pytest.mark.usefixtures("three_a_piece")
def test_bad_lines_are_listed_and_the_others_valued(client: TestClient[Litestar]) -> None:
    book = (
        HEAD + "H1,spot,CEA-2023,60000,,,,\nH2,spot,CEA-2023,NaN,,,,\nF1,forward,CEA,20000,77.50,2025-06-30,,\n"
        "H3,spot,EUA-2025,5,,,,\nH4,spot,CEA-2023,100,,,,\nH5,spot,CEA-2023,-100,,,,\nH1,spot,CEA-2023,1,,,,\n"
        "H6,spot,CEA-2023,1,000,,,,,\n"
    )
    records = _records(_send(client, book))
    failures = [failure for record in records if record["record"] == "failures" for failure in record["failures"]]
    assert [(failure["item"], failure["field"]) for failure in failures] == [
        ("line 3", "quantity_t"), ("line 4", "delivery_date"), ("line 5", "pricing.fair_price_policy"), ("line 7", "quantity_t"),
        ("line 8", "line_id"), ("line 9", None),
    ]  # fmt: skip
    assert all(failure["remedy"] and failure["remedy_zh"] for failure in failures)
    assert all(failure["detail_zh"].startswith(f"第 {failure['item'][5:]} 行") for failure in failures)
    assert "line 2" in failures[4]["detail"]  # where the code stood first, two pieces before
    assert _joined(records, "line_id") == ["H1", "H4"]
    total = records[-1]
    assert (total["row_count"], total["valued_count"], total["failure_count"]) == (8, 2, 6)
    assert total["present_value_cny"] == "4508702.00"  # 60,100 t at 75.02


def test_bad_cells_of_columns_are_listed(client: TestClient[Litestar]) -> None:
    columns = {
        "line_id": ["H1", "H2", "F1"], "kind": ["spot", "spott", "forward"], "unit": ["CEA-2023", "CEA", "CEA"],
        "quantity_t": [10, 5, "1e3"], "strike_cny_per_t": [None, None, "77,5"], "delivery_date": [None, None, "soon"],
    }  # fmt: skip
    records = _records(_send(client, json.dumps(columns), "application/json"))
    failures = [failure for record in records if record["record"] == "failures" for failure in record["failures"]]
    assert [(failure["item"], failure["field"]) for failure in failures] == [
        ("line 2", "kind"), ("line 3", "quantity_t"), ("line 3", "strike_cny_per_t"), ("line 3", "delivery_date"),
    ]  # fmt: skip
    assert _joined(records, "present_value_cny") == ["750.20"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "field"),
    [
        (HEAD + "H2,spot,CEA-2023,NaN,,,,\n", "text/csv", 422, "quantity_t"),
        (HEAD + "F1,forward,CEA,20000,77.50,2025-06-30,,\n", "text/csv", 422, "delivery_date"),
        ("", "text/csv", 422, "file"),
        (HEAD, "text/csv", 422, "file"),
        ("a,b\n1,2\n", "text/csv", 422, "a"),
        (b"\xff\xfe\x00", "text/csv", 422, "file"),
        (HEAD + '"H1,spot,CEA-2023,5,,,,\n', "text/csv", 422, "file"),
        ("{", "application/json", 422, "columns"),
        ('{"line_id": ["a"]}', "application/json", 422, "columns"),
        ("", "application/x-ndjson", 422, "file"),
        (json.dumps(_columns([H1]) | {"quantity_t": [1, 2]}), "application/json", 422, "line_id"),
        (json.dumps(_columns([H1]) | {"tonnes": [1]}), "application/json", 422, "columns"),
        (json.dumps(_columns([{**H1, "label": "x"}] * 10_001)), "application/json", 422, "columns"),
        (HEAD, "application/pdf", 415, "Content-Type"),
    ],
)
def test_a_book_that_cannot_be_read_is_a_problem(
    client: TestClient[Litestar], body: bytes | str, kind: str, status: int, field: str
) -> None:
    answer = _send(client, body, kind)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["errors"][0]["field"] == field


def test_a_bad_day_is_a_problem_and_a_stranger_stays_out(client: TestClient[Litestar]) -> None:
    for day in ("2031-01-01", "2025-02-30"):
        answer = _send(client, HEAD + ROWS[0], valuation_date=day)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "valuation_date")
    answer = client.post(STREAM, params=DAY, content=HEAD, headers={"X-API-Key": "", "Authorization": ""})
    assert answer.status_code == 401


@pytest.mark.usefixtures("three_a_piece")
def test_what_cannot_be_read_later_ends_the_answer_without_a_total(client: TestClient[Litestar]) -> None:
    rows = "".join(row.replace(",", f"-{copy},", 1) for copy in range(3) for row in ROWS)
    records = _records(_send(client, HEAD + rows + '"H9,spot,CEA-2023,5,,,,\n'))
    assert len(_joined(records, "line")) in {6, 9}  # one piece is read ahead
    assert [record["record"] for record in records if record["record"] not in {"head", "lines"}] == ["problem"]
    problem = records[-1]
    assert (problem["code"], problem["field"]) == ("invalid-input", "file")
    assert problem["remedy"]


def test_a_body_beyond_the_limit_is_refused(client: TestClient[Litestar]) -> None:
    answer = client.post(
        STREAM, params=DAY, content=HEAD, headers={"Content-Type": "text/csv", "Content-Length": str(300 * 1024 * 1024)}
    )
    assert answer.status_code == 413


def _lines_of(piece: BookPiece) -> tuple[PortfolioLine, ...]:
    """Give the positions of a piece, plain or not, in their order."""
    lines = [*piece.lines, *piece.lines_at(piece.columns.line_number.tolist())]
    return tuple(line for _, line in sorted(lines, key=lambda each: each[0]))


def test_gbk_and_notes_are_read_as_in_smaller_books() -> None:
    text = "代码,类型,品种,数量(吨),说明\n# 注\n\nH1,现货,CEA-2024,10000,自有\nH2,现货,CEA-2024,0,自有\n"
    for content in (text.encode("gb18030"), text.encode("utf-8-sig")):
        whole = read_book(content, file_name="a.csv")
        (piece,) = csv_pieces(BytesIO(content), file_name="a.csv")
        assert _lines_of(piece) == whole.lines
        assert piece.failures == whole.failures
        assert piece.row_count == whole.row_count == 2


# --- size -------------------------------------------------------------------------------------------------------------
def _large_csv(path: Path, count: int) -> list[int]:
    """Write holdings and forwards by turns, and three bad lines; give their line numbers."""
    bad = [7, count // 2, count]
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for row in range(1, count + 1):
            line = row + 1
            if line == bad[0] + 1:
                file.write(f"L{row},spot,CEA-2023,1.5,,,,\n")
            elif line == bad[1] + 1:
                file.write(f"L{row},forward,CEA,100,77.50,1999-12-31,,\n")
            elif line == bad[2] + 1:
                file.write("L1,spot,CEA-2023,5,,,,\n")
            elif row % 2:
                file.write(f"L{row},spot,CEA-2023,{row},,,,\n")
            else:
                file.write(f"L{row},forward,CEA,{row},75.02,2025-12-{row % 28 + 1:02d},,\n")
    return [line + 1 for line in bad]


def _valued(path: Path) -> tuple[list[PieceValue], StreamTotal, int]:
    """Value a file, keeping only failures of the pieces, and give the peak of memory taken meanwhile."""
    market = priced_market(snapshot_of(), set())
    kept: list[PieceValue] = []
    total = None
    with path.open("rb") as file:
        tracemalloc.start()
        for value in value_pieces(market, csv_pieces(file, file_name=path.name)):
            if isinstance(value, StreamTotal):
                total = value
            else:
                kept.append(PieceValue(lines=ValueColumns.of(()), failures=value.failures))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert total is not None
    return kept, total, peak


def test_a_large_book_with_three_bad_lines_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_streams, "PIECE_ROWS", 500)
    peaks = []
    for count in (4_000, 14_000):
        path = tmp_path / f"{count}.csv"
        bad = _large_csv(path, count)
        pieces, total, peak = _valued(path)
        failures = [failure for piece in pieces for failure in piece.failures]
        assert [failure.item for failure in failures] == [f"line {line}" for line in bad]
        assert [failure.field for failure in failures] == ["quantity_t", "delivery_date", "line_id"]
        assert all(failure.remedy for failure in failures)
        assert (total.row_count, total.valued_count, total.failure_count) == (count, count - 3, 3)
        peaks.append(peak)
    # Per line stay a digest and a number: 24 bytes and what their sorting takes, against some 900 a line otherwise.
    assert peaks[1] - peaks[0] < 10_000 * 100


@pytest.mark.usefixtures("three_a_piece")
def test_the_sum_is_the_sum_of_rounded_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    _large_csv(path, 20)
    market = priced_market(snapshot_of(), set())
    with path.open("rb") as file:
        values = list(value_pieces(market, csv_pieces(file, file_name="a.csv")))
    total = values[-1]
    assert isinstance(total, StreamTotal)
    lines = [value.lines for value in values[:-1] if isinstance(value, PieceValue)]
    fen = {
        number: one
        for columns in lines
        for number, one in zip(columns.line_number, columns.present_value_fen, strict=True)
    }
    assert total.present_value_cny * 100 == sum(fen.values())
    spot = [row for row in range(1, 20, 2) if row != 7]
    assert sum(fen[row + 1] for row in spot) == sum(spot) * 7502


def test_codes_that_stand_twice_are_found_across_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_streams, "PIECE_ROWS", 7)
    codes = [f"C{number % 150}" for number in range(400)]
    text = HEAD + "".join(f"{code},spot,CEA-2023,5,,,,\n" for code in codes)
    pieces: list[BookPiece] = list(csv_pieces(BytesIO(text.encode()), file_name="a.csv"))
    assert [line.line_id for piece in pieces for line in _lines_of(piece)] == codes[:150]
    said = [failure.detail for piece in pieces for failure in piece.failures]
    assert said == [f"持仓代码 {code} stands already in line {int(code[1:]) + 2}" for code in codes[150:]]
    assert [piece.is_last for piece in pieces[-2:]] == [False, True]


def test_codes_whose_digests_are_half_alike_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_streams, "PIECE_ROWS", 2)
    monkeypatch.setattr(book_streams, "_digest", lambda code: bytes(8) + code.encode().ljust(8))
    codes = [f"C{number}" for number in (1, 2, 3, 4, 5, 2, 6, 5)]
    text = HEAD + "".join(f"{code},spot,CEA-2023,5,,,,\n" for code in codes)
    pieces = list(csv_pieces(BytesIO(text.encode()), file_name="a.csv"))
    assert [failure.item for piece in pieces for failure in piece.failures] == ["line 7", "line 9"]
    assert sum(len(_lines_of(piece)) for piece in pieces) == 6


def test_a_lone_line_is_refused_only_where_it_is_the_whole_book() -> None:
    market = priced_market(snapshot_of(), set())
    bad = "H1,spot,CEA-2023,-5,,,,\n"
    with pytest.raises(InvalidInput, match="line 2: a holding of -5 t is negative"):
        list(value_pieces(market, csv_pieces(BytesIO((HEAD + bad).encode()), file_name="a.csv")))
    two = HEAD + bad + bad.replace("H1", "H2")
    (piece, total) = value_pieces(market, csv_pieces(BytesIO(two.encode()), file_name="a.csv"))
    assert isinstance(total, StreamTotal)
    assert isinstance(piece, PieceValue)
    assert len(piece.failures) == total.failure_count == 2
    assert total.level_max is None
    assert market.lines.snapshot.valuation_date == date(2025, 6, 30)
    assert list(pairwise([piece.failures[0].item, piece.failures[1].item])) == [("line 2", "line 3")]
