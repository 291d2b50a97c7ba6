"""Quotes of curves on the page and by command: seen, taken away, and brought whole or not at all."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from tests.app.worlds import PAGE, SECRET, World, build_world, form_token, signed_in
from tests.pricing.workbooks import workbook
from tests.pricing.worlds import add_market

RATES = "利率名称,期限,日期,利率(%)\nSHIBOR,3M,2025-06-27,1.6550\nSHIBOR,6M,2025-06-27,1.7010\n"
BAD_RATES = (
    "利率名称,期限,日期,利率(%)\nSHIBOR,3M,2025-06-27,1.6550\nLIBOR,6M,2025-06-27,1.70\nSHIBOR,6M,2025-06-31,1.70\n"
)
UPLOAD = "/market/curve-quotes/upload"


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


def _count(world: World) -> int:
    with world.sessions.read() as session:
        return int(session.connection().execute(sa.text("SELECT count(*) FROM curve_quote")).scalar_one())


def _send(world: World, content: bytes, *, name: str = "利率.csv", **fields: str) -> Any:
    with signed_in(world) as client:
        token = form_token(client.get(UPLOAD, headers=PAGE).text)
        return client.post(
            UPLOAD,
            data={"_csrf_token": token, "kind": "rates", "exchange": "全国银行间同业拆借中心", **fields},
            files={"file": (name, content, "text/csv")},
            headers=PAGE,
        )


def test_a_preview_shows_what_was_read_and_stores_nothing_then_storing_keeps_it(world: World) -> None:
    before = _count(world)
    preview = _send(world, RATES.encode("gbk"), action="preview")
    assert preview.status_code == 200
    assert "预览：2 行均可读取" in preview.text
    assert "1.6550%" in preview.text
    assert _count(world) == before
    stored = _send(world, RATES.encode("gbk"), action="store")
    assert "已存入 2 行" in stored.text
    assert _count(world) == before + 2
    with signed_in(world) as client:
        shown = client.get("/market/curve-quotes?name=shibor&from=2025-06-27&to=2025-06-27&lang=zh", headers=PAGE).text
    assert "1.7010%" in shown
    assert "全国银行间同业拆借中心" in shown
    again = _send(world, RATES.encode(), action="store")
    assert "2 行与已有数据相同" in again.text
    assert _count(world) == before + 2


def test_faults_are_listed_by_line_and_nothing_is_stored(world: World) -> None:
    before = _count(world)
    for action in ("preview", "store"):
        answer = _send(world, BAD_RATES.encode(), action=action)
        assert answer.status_code == 422
        assert "2 处有误，未存入任何一行" in answer.text
        faults = answer.text.split("有误的行", 2)[-1]
        assert "LIBOR" in faults
        assert "2025-06-31" in faults
        assert "可用的利率名称" in faults
    assert _count(world) == before


def test_a_slip_of_the_unit_against_the_last_known_value_is_a_fault(world: World) -> None:
    head = "货币对,期限,日期,汇率\n"
    assert "已存入" in _send(world, f"{head}HKDCNY,SPOT,2025-06-26,0.9130\n".encode(), kind="fx", action="store").text
    slip = _send(world, f"{head}HKDCNY,SPOT,2025-06-27,91.30\n".encode(), kind="fx", action="preview")
    assert slip.status_code == 422
    assert "疑似单位错误" in slip.text


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (b"", {}, "没有内容"),
        (b"\x00\x01", {}, "既不是 UTF-8 也不是 GBK"),
        (b"PK\x03\x04broken", {}, "xlsx"),
        (RATES.encode(), {"kind": "fx"}, "不认识的列"),
        (RATES.encode(), {"kind": "quotes"}, "请选择文件类别"),
        (RATES.encode(), {"exchange": "  "}, "请填写数据来源"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_said(
    world: World, content: bytes, fields: dict[str, str], words: str
) -> None:
    answer = _send(world, content, action="store", **fields)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_workbook_of_settlement_prices_is_stored(world: World) -> None:
    content = workbook(
        [["品种", "合约代码", "到期日", "结算日", "结算价", "币种"],
         ["EUA", "EUA-2029-12", date(2029, 12, 17), date(2025, 6, 27), 80.25, "EUR"]]
    )  # fmt: skip
    assert "已存入 1 行" in _send(world, content, name="结算价.xlsx", kind="settlements", action="store").text
    with signed_in(world) as client:
        query = "kind=settlement&name=EUA&from=2025-06-27&to=2025-06-27"
        text = client.get(f"/market/curve-quotes/export/csv?{query}").content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if "EUA-2029-12" in row]
        book = openpyxl.load_workbook(io.BytesIO(client.get(f"/market/curve-quotes/export/xlsx?{query}").content))
    assert len(rows) == 1
    assert "80.25" in rows[0]
    values = [row for row in book["曲线报价"].iter_rows(values_only=True) if "EUA-2029-12" in row]
    assert 80.25 in values[0]


def test_wrong_asks_and_roles_are_refused(world: World) -> None:
    with signed_in(world) as client:
        for query in ("kind=x", "from=2025-07-01&to=2025-06-30", "from=2020-01-01&to=2025-06-30", "to=2025-02-30"):
            assert client.get(f"/market/curve-quotes?{query}", headers=PAGE).status_code == 422, query
        assert client.get("/market/curve-quotes/export/pdf", headers=PAGE).status_code == 422
        assert client.get("/market/curve-quotes?kind=&name=&from=&to=", headers=PAGE).status_code == 200
        empty = client.get("/market/curve-quotes?name=NONE", headers=PAGE).text
        assert "所选日期内没有曲线报价" in empty
    with signed_in(world, "checker") as client:
        page = client.get("/market/curve-quotes", headers=PAGE)
        assert page.status_code == 200
        assert UPLOAD not in page.text
        assert client.get(UPLOAD, headers=PAGE).status_code == 403


def test_the_command_imports_all_or_nothing(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    before, file = _count(world), tmp_path / "利率.csv"
    file.write_text(BAD_RATES, encoding="utf-8")
    asked = ("pricing", "import-curve-quotes", str(file), "--kind", "rates", "--exchange", "发布机构")
    assert _run(*asked) == 1
    said = capsys.readouterr().out
    assert "第 3 行" in said
    assert "未存入任何一行" in said
    file.write_text(RATES, encoding="utf-8")
    assert _run(*asked, "--preview") == 0
    assert _count(world) == before
    capsys.readouterr()
    assert _run("--json", *asked) == 0
    assert json.loads(capsys.readouterr().out)["added_count"] == 2
    assert _count(world) == before + 2


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0
