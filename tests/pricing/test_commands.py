"""The pricing commands as a person or a script runs them."""

import json
from pathlib import Path

import openpyxl
import pytest

from carbonfin.app.cli import main
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.feeds.port import FeedResource
from pricing.feeds.simulator import FeedFault, PlannedFeedFault, running_feed
from tests.app.worlds import SECRET, build_world
from tests.pricing.worlds import BOOK, add_market


@pytest.fixture
def database(sqlite_sessions: Sessions, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sessions:
    world = build_world(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    return sqlite_sessions


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.usefixtures("database")
def test_value_prints_lines_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pricing", "value", "B1") == 0
    out = capsys.readouterr().out
    assert "46915964.51" in out
    assert "4200.00" in out
    assert run("--json", "pricing", "value", "B1", "--on", "2025-06-26") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["valuation_date"] == "2025-06-26"
    assert [line["line_id"] for line in answer["lines"]] == ["H1", "H2", "H3", "F1"]
    assert [failure["item"] for failure in answer["failures"]] == ["G1"]  # traded on the 27th


@pytest.mark.usefixtures("database")
def test_value_names_the_portfolios_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pricing", "value", "B9") == 2
    assert "现有：B1" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_quality_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "pricing", "quality", "CEA") == 0
    assert json.loads(capsys.readouterr().out)["days_without_any_trade"] == 10
    assert run("pricing", "quality", "CCER", "--from", "2025-06-01") == 0
    assert "20 个交易日" in capsys.readouterr().out


@pytest.mark.usefixtures("database")
def test_import_quotes_all_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "坏.csv"
    bad.write_bytes('品种,日期,收盘价\nCEA,2025-06-28,"1,075.40"\nCEA,2025-06-29,75.40\n'.encode("gbk"))
    assert run("pricing", "import-quotes", str(bad), "--exchange", "上海环境能源交易所") == 1
    out = capsys.readouterr().out
    assert "第 2 行" in out
    assert "未存入任何一行" in out
    good = tmp_path / "好.csv"
    good.write_bytes("品种,日期,收盘价\nCEA,2025-06-29,75.40\n".encode("gbk"))
    assert run("--json", "pricing", "import-quotes", str(good), "--exchange", "上海环境能源交易所") == 0
    assert json.loads(capsys.readouterr().out)["added_count"] == 1
    assert run("pricing", "import-quotes", str(tmp_path / "none.csv"), "--exchange", "X") == 2


@pytest.mark.usefixtures("database")
def test_fetch_market_stores_what_a_feed_serves_and_says_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"pair": "USDCNY", "quote_date": "2025-06-30", "rate": "7.1620"}]
    with running_feed({FeedResource.FX: rows}) as server:
        asked = ("pricing", "fetch-market", "--feed", server.address, "--exchange", "行情商", "--table", "fx")
        server.plan(PlannedFeedFault(resource=FeedResource.FX, fault=FeedFault.MALFORMED_ROW, times=1))
        assert run(*asked) == 1
        assert "不是规范的数字" in capsys.readouterr().out
        assert run("--json", *asked) == 0
        (answer,) = json.loads(capsys.readouterr().out)
        assert (answer["table"], answer["added_count"], len(answer["digest"])) == ("fx", 1, 64)


@pytest.mark.usefixtures("database")
def test_a_file_of_positions_is_valued_and_its_bad_rows_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, out = tmp_path / "持仓.csv", tmp_path / "估值.xlsx"
    book.write_bytes(
        "代码,类型,品种,数量(吨),约定价格(元/吨),交割日\n"
        "H1,现货,CEA-2024,10000,,\n"
        "F1,远期,CEA,20000,77.50,2025/12/15\n"
        "X1,现货,CEA-2024,1.5,,\n"
        "X2,互换,CEA-2024,10,,\n"
        "H1,现货,CCER,10,,\n".encode("gbk")
    )
    assert run("--json", "pricing", "value", str(book), "--out", str(out)) == 1
    answer = json.loads(capsys.readouterr().out)
    # 10,000 t at 75.02 and the forward of the sample book
    assert [line["present_value_cny"] for line in answer["lines"]] == ["750200.00", "-38935.49"]
    assert [(one["item"], one["field"]) for one in answer["unread"]] == [
        ("line 4", "quantity_t"), ("line 5", "kind"), ("line 6", "line_id"),
    ]  # fmt: skip
    assert openpyxl.load_workbook(out).sheetnames


@pytest.mark.usefixtures("database")
def test_a_file_without_any_position_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "book.csv"
    book.write_text("line_id,kind,unit,quantity_t\nX,spot,ZZZ,1\n", encoding="utf-8")
    assert run("pricing", "value", str(book)) == 2
    assert "没有可估值的持仓" in capsys.readouterr().err
    assert run("pricing", "value", str(tmp_path / "none.csv")) == 2


@pytest.mark.usefixtures("database")
def test_a_large_file_is_valued_in_pieces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pricing.commands.books.MAX_ROWS", 9)
    monkeypatch.setattr("pricing.feeds.book_streams.PIECE_ROWS", 4)
    file, out = tmp_path / "book.csv", tmp_path / "lines.jsonl"
    rows = [f"H{number},spot,CEA-2023,100" for number in range(10)]
    rows[5] = "H5,spot,CEA-2023,100.5"
    file.write_text("line_id,kind,unit,quantity_t\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert run("pricing", "value", str(file), "--out", str(out)) == 1
    said = capsys.readouterr().out
    assert "第 7 行" in said
    assert "[quantity_t]" in said
    assert "9 行已估值，1 行有误；现值 67518.00 元" in "".join(said.split("\n"))  # 900 t at 75.02
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [record["record"] for record in records] == ["lines", "lines", "failures", "lines", "total"]
    assert [line for record in records if record["record"] == "lines" for line in record["line"]] == [
        2, 3, 4, 5, 6, 8, 9, 10, 11,
    ]  # fmt: skip
    assert run("--json", "pricing", "value", str(file)) == 1
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")
    assert run("pricing", "value", str(file), "--out", str(tmp_path / "lines.xlsx")) == 2
    assert "jsonl" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_risk_prints_figures_and_keeps_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "pricing", "risk", "B1") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["decision_id"] is None
    assert float(answer["expected_shortfall_cny"]) > float(answer["value_at_risk_cny"]) > 0
    assert run("pricing", "risk", "B1", "--keep") == 0
    assert "压力情景 连续跌停（假设）" in capsys.readouterr().out
