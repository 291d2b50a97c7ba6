"""Books brought as files: faults by line, a trial that keeps nothing, a portfolio stored whole, valued and taken away."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.feeds.book_files import book_rows, read_book
from tests.app.worlds import PAGE, SECRET, World, build_world, form_token, signed_in
from tests.pricing.workbooks import workbook
from tests.pricing.worlds import BOOK, add_market

HEAD = "代码,类型,品种,数量(吨),约定价格(元/吨),交割日\n"
GOOD = HEAD + "H1,现货,CEA-2023,60000,,\nF1,远期,CEA,20000,77.50,2025-12-15\n"
BAD = HEAD + "H1,现货,CEA-2023,6万,,\nF1,远期,CEA,20000,77.50,\nH3,现货,CEA-2024,10,,\nH3,现货,CEA-2024,10,,\n"
UPLOAD = "/portfolios/upload"


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        client.headers.update(world.key_headers("system"))
        yield client


def _counts(world: World) -> tuple[int, ...]:
    with world.sessions.read() as session:
        return tuple(
            int(session.connection().execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608
            for table in ("portfolio", "portfolio_line", "valuation", "decision")
        )


def _send(world: World, content: bytes, *, file_name: str = "持仓.csv", **fields: str) -> Any:
    with signed_in(world) as client:
        token = form_token(client.get(UPLOAD, headers=PAGE).text)
        return client.post(
            UPLOAD,
            data={"_csrf_token": token, "code": "B2", "name": "新组合", **fields},
            files={"file": (file_name, content, "text/csv")},
            headers=PAGE,
            follow_redirects=False,
        )


def test_a_preview_tries_the_book_and_keeps_nothing(world: World) -> None:
    before = _counts(world)
    answer = _send(world, GOOD.encode("gbk"), action="preview")
    assert answer.status_code == 200
    assert "2 行均可读取" in answer.text
    # 60,000 t at 75.02, and the forward of the sample book.
    assert "4,501,200.00" in answer.text
    assert "-38,935.49" in answer.text
    assert _counts(world) == before


def test_faults_are_named_by_line_and_nothing_is_stored(world: World) -> None:
    before = _counts(world)
    for action in ("preview", "store", "value"):
        answer = _send(world, BAD.encode(), action=action)
        assert answer.status_code == 422
        assert "3 处有误，未存入任何一行" in answer.text
        for words in ("第 2 行", "第 3 行", "第 5 行", "请只保留一行"):
            assert words in answer.text, words
    assert _counts(world) == before


def test_a_stored_book_is_valued_and_every_line_opens_its_trace(world: World) -> None:
    answer = _send(world, GOOD.encode(), action="value")
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    with signed_in(world) as client:
        text = client.get(address, headers=PAGE).text
        decision = text.split('href="/decisions/')[1].split("#")[0]
        trace = client.get(f"/decisions/{decision}", headers=PAGE).text
        export = client.get(f"{address}/export/csv").content.decode("utf-8-sig")
    for link in ("figure-line.H1.present_value_cny", "figure-line.F1.present_value_cny"):
        assert f"/decisions/{decision}#{link}" in text
        assert f'id="{link}"' in trace
    rows = [row for row in csv.reader(io.StringIO(export)) if {"H1", "F1"} & set(row)]
    assert [("4501200.00" in row, "-38935.49" in row) for row in rows] == [(True, False), (False, True)]


def test_a_workbook_is_stored_and_taken_away_as_csv_that_is_read_again(world: World) -> None:
    content = workbook(
        [["代码", "类型", "品种", "数量(吨)", "约定价格(元/吨)", "交割日", "说明"],
         ["H1", "现货", "CEA-2023", 60000, None, None, "自有, 含逗号"],
         ["F1", "远期", "CEA", -20000, 77.5, date(2025, 12, 15), ""]]
    )  # fmt: skip
    answer = _send(world, content, file_name="持仓.xlsx", action="store")
    assert answer.status_code == 303, answer.text
    with signed_in(world) as client:
        taken = client.get(f"{answer.headers['location']}/export/csv").content
    again = read_book(taken, file_name="持仓.csv")
    assert again.failures == ()
    assert again.lines == read_book(content, file_name="持仓.xlsx").lines
    assert again.lines[0].label == "自有, 含逗号"
    assert again.lines[1].quantity_t == -20_000


def test_every_kind_of_line_written_as_rows_is_read_again() -> None:
    text = "\n".join(",".join(row) for row in book_rows(BOOK))
    assert read_book(text.encode(), file_name="a.csv").lines == BOOK


def test_a_portfolio_is_replaced_only_where_it_is_said(world: World) -> None:
    before = _counts(world)
    shown = _send(world, GOOD.encode(), code="B1", action="preview")
    assert "原有 5 条持仓将由本文件取代" in shown.text
    kept = _send(world, GOOD.encode(), code="B1", action="store")
    assert kept.status_code == 409
    assert "已存在，现有 5 条持仓" in kept.text
    assert _counts(world) == before
    assert _send(world, GOOD.encode(), code="B1", action="store", replaces="yes").status_code == 303
    assert _counts(world)[:2] == (before[0], before[1] - 3)


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (b"", {}, "没有内容"),
        (HEAD.encode(), {}, "没有持仓"),
        (b"\x00\x01", {}, "既不是 UTF-8 也不是 GBK"),
        (b"PK\x03\x04broken", {}, "xlsx"),
        ("代码,品种\nH1,CEA\n".encode(), {}, "缺少列"),
        (GOOD.encode(), {"code": " "}, "组合代码"),
        (GOOD.encode(), {"code": "x" * 61}, "组合代码"),
        (GOOD.encode(), {"name": " "}, "组合名称"),
        (b"x" * 5_000_001, {}, "超过 5 MB"),
    ],
)
def test_what_cannot_be_taken_as_a_whole_is_said(
    world: World, content: bytes, fields: dict[str, str], words: str
) -> None:
    before = _counts(world)
    answer = _send(world, content, action="store", **fields)
    assert answer.status_code in {413, 422}
    assert words in answer.text
    assert _counts(world) == before


def test_only_makers_bring_books(world: World) -> None:
    with signed_in(world, "checker") as client:
        assert UPLOAD not in client.get("/portfolios", headers=PAGE).text
        assert client.get(UPLOAD, headers=PAGE).status_code == 403
    with signed_in(world, "other-officer") as client:
        with world.sessions.read() as session:
            found = service.list_portfolios(session, world.officer)[0]
        assert client.get(f"/portfolios/{found.id}/export/csv", headers=PAGE).status_code == 404


def _import(client: TestClient[Litestar], text: str, *, key: str = "k1", **more: Any) -> Any:
    body = {
        "file_name": "a.csv", "code": "B2", "name": "新组合", "content_base64": base64.b64encode(text.encode()).decode(),
        **more,
    }  # fmt: skip
    return client.post("/v1/portfolios/files", json=body, headers={"Idempotency-Key": f"books-{key}-0001"})


def test_a_system_stores_a_book_once_and_values_it(client: TestClient[Litestar], world: World) -> None:
    preview = _import(client, BAD, key="a", preview=True).json()
    assert [fault["item"] for fault in preview["failures"]] == ["line 2", "line 3", "line 5"]
    refused = _import(client, BAD, key="b")
    assert refused.status_code == 422
    assert refused.json()["context"]["failed_count"] == "3"
    made = _import(client, GOOD, key="c")
    assert made.status_code == 201, made.text
    assert made.json()["stored"] is True
    assert _import(client, GOOD, key="c").json() == made.json()
    assert _import(client, GOOD, key="d").status_code == 409
    assert _import(client, GOOD, key="e", replace=True).json()["replaced_line_count"] == 2
    assert _import(client, GOOD, key="f", code="a b").status_code == 400
    assert _counts(world)[0] == 2
    valued = client.post(
        "/v1/valuations",
        json={"valuation_date": "2025-06-30", "portfolio_id": made.json()["portfolio_id"]},
        headers={"Idempotency-Key": "books-value-0001"},
    )
    assert valued.json()["present_value_cny"] == "4462264.51"  # 4,501,200.00 - 38,935.49


def test_a_line_the_market_cannot_value_is_named_in_the_trial(client: TestClient[Litestar]) -> None:
    made = _import(client, HEAD + "X1,现货,GDEA-2024,10,,\n", preview=True).json()
    assert made["failures"] == []
    assert [fault["item"] for fault in made["unvalued"]] == ["X1"]
    assert made["unvalued"][0]["remedy_zh"]


def test_the_command_stores_all_or_nothing(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    before, file = _counts(world), tmp_path / "持仓.csv"
    file.write_text(BAD, encoding="utf-8")
    assert _run("pricing", "import-book", str(file), "--code", "B2") == 1
    assert "第 3 行" in capsys.readouterr().out
    assert _counts(world) == before
    file.write_text(GOOD, encoding="utf-8")
    assert _run("--json", "pricing", "import-book", str(file), "--code", "B2") == 0
    assert json.loads(capsys.readouterr().out)["stored"] is True
    assert _run("pricing", "import-book", str(file), "--code", "B2") == 2
    assert _run("pricing", "import-book", str(file), "--code", "B2", "--replace") == 0


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0
