"""Bad lines of carbon accounts over HTTP, by body, by file (UTF-8, GBK, xlsx) and on the page: named, the good kept."""

import base64
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from loans.feeds.account_files import ENTRY_COLUMNS
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.test_account_edges import consented, posted, uploaded

HEAD = ENTRY_COLUMNS.example.splitlines()[0].split(",")
POWER = "kWh,广东,2022,,电费账单,,"
# Line 1 is the head. January, June and the fuel are good; June is repeated word for word.
ROWS = [
    row.split(",")
    for row in (
        f"{E4_USCI},用电量,2024,1,0103001,300000,{POWER}",
        f"91440300EXAMPLE467,用电量,2024,1,0103001,300000,{POWER}",
        f"{E4_USCI},用电量,2024,2,0103001,-5,{POWER}",
        f"{E4_USCI},用电量,2024,3,0103001,310000,{POWER}",
        f"{E4_USCI},用电量,2024,3,0103001,301000,{POWER}",
        f"{E4_USCI},用电量,2024,4,0103001,31,{POWER}",
        f"{E4_USCI},用电量,2024,5,0103001,290000,kWh,广东,2019,,电费账单,,",
        f"{E4_USCI},用电量,2024,6,0103001,290000,{POWER}",
        f"{E4_USCI},用电量,2024,6,0103001,290000,{POWER}",
        f"{E4_USCI},增加值,2024,,,6150,元,,,,纳税申报,,",
        f"{E4_USCI},用电量,2024,7,0103001,30.5,万kWh,广东,2022,,电费账单,,",
        f"{E4_USCI},燃料,2024,,天然气,12,万Nm3,,,,能源台账,,",
        f"{E4_USCI},信用记录,2024,,信用中国,0,条,,,,信用平台,,",
    )
]
FAULTS = [
    ("line 3", "usci"), ("line 4", "quantity"), ("line 5", "month"), ("line 6", "month"), ("line 7", "quantity"),
    ("line 8", "factor_year"), ("line 10", "month"), ("line 11", "quantity"), ("line 12", "unit"),
    ("line 14", "evidence"),
]  # fmt: skip
KEPT = [("electricity", 1, "300000"), ("electricity", 6, "290000"), ("fuel", None, "12")]
WORDS = {
    "line 3": "校验码", "line 4": "负数", "line 5": "第 5、6 行数值不同", "line 6": "均未采用", "line 7": "单位是否有误",
    "line 8": "2019 年电网排放因子", "line 10": "与第 9 行重复", "line 11": "单位是否有误", "line 12": "万kWh",
}  # fmt: skip


def _csv(encoding: str) -> bytes:
    return "\n".join(",".join(row) for row in (HEAD, *ROWS)).encode(encoding)


def _xlsx() -> bytes:
    """Write the rows as a clerk's sheet holds them: figures as numbers, codes as text."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEAD)
    numbers = {HEAD.index(name) for name in ("年度", "月份", "数量", "因子年份")}
    for row in ROWS:
        sheet.append([_cell(cell, is_number=place in numbers) for place, cell in enumerate(row)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(text: str, *, is_number: bool) -> str | float | None:
    if not is_number or not text:
        return text or None
    return float(text) if "." in text else int(text)


FORMS: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "UTF-8": ("明细.csv", "utf-8", lambda: _csv("utf-8")),
    "GBK": ("明细.csv", "gb18030", lambda: _csv("gbk")),
    "xlsx": ("明细.xlsx", "xlsx", _xlsx),
}


def _kept(desk: Desk, party_id: str) -> list[tuple[str, int | None, str]]:
    entries = desk.system.get(f"/v1/carbon-accounts/{party_id}").json()["entries"]
    return [(one["kind"], one["month"], one["quantity"]) for one in entries]


def _check(failures: list[dict[str, Any]]) -> None:
    assert [(one["item"], one["field"]) for one in failures] == FAULTS
    for one in failures:
        assert WORDS.get(one["item"], "") in one["detail_zh"], one
        assert one["remedy"], one
        assert one["remedy_zh"], one


@pytest.mark.parametrize("form", FORMS)
def test_a_file_s_bad_rows_are_named_and_its_good_ones_kept(desk: Desk, form: str) -> None:
    party_id = consented(desk)
    name, encoding, content = FORMS[form]
    body = {"file_name": name, "content_base64": base64.b64encode(content()).decode()}
    preview = posted(desk, "/v1/carbon-accounts/files", body | {"preview": True}, "preview").json()
    assert (preview["stored"], _kept(desk, party_id)) == (False, [])
    _check(preview["failures"])
    answer = posted(desk, "/v1/carbon-accounts/files", body, "kept")
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["encoding"], kept["row_count"], kept["added_count"], kept["stored"]) == (encoding, 13, 3, True)
    _check(kept["failures"])
    assert _kept(desk, party_id) == KEPT
    again = posted(desk, "/v1/carbon-accounts/files", body, "again").json()
    assert (again["added_count"], again["unchanged_count"], _kept(desk, party_id)) == (0, 3, KEPT)


@pytest.mark.parametrize("form", FORMS)
def test_the_page_names_line_column_and_remedy(desk: Desk, form: str) -> None:
    party_id = consented(desk)
    _, encoding, content = FORMS[form]
    preview = uploaded(desk, content(), "preview")
    assert (preview.status_code, "未存入" in preview.text, _kept(desk, party_id)) == (422, True, [])
    page = uploaded(desk, content(), "store")
    assert page.status_code == 422
    assert f"（{encoding}）共 13 行：新增 3，更正 0，相同 0，有误 10 处" in page.text
    for words in (*WORDS.values(), "冲红、退补请更正原明细", "请核对后只保留正确的一行", "请核对单位；确认无误的"):
        assert words in page.text, words
    for line, column in (("4", "数量"), ("5", "月份"), ("8", "因子年份"), ("3", "统一社会信用代码")):
        assert f'data-label="行">{line}</td><td data-label="列">{column}</td>' in page.text, (line, column)
    assert _kept(desk, party_id) == KEPT


def test_a_body_s_bad_lines_are_named_by_place_and_its_good_ones_kept(desk: Desk) -> None:
    party_id = consented(desk)
    good = {
        "usci": E4_USCI, "kind": "electricity", "year": 2024, "month": 1, "item": "A", "quantity": "300000",
        "unit": "kWh", "source": "电费账单",
    }  # fmt: skip
    lines = [
        good,
        good | {"usci": "91440300EXAMPLE467"},
        good | {"month": 2, "quantity": "-5"},
        good | {"month": 3, "quantity": "310000"},
        good | {"month": 3, "quantity": "301000"},
        good | {"month": 4, "quantity": "31"},
        good | {"month": 5, "unit": "万kWh", "quantity": "29.5"},
        good | {"month": 6, "factor_id": "广东", "factor_year": 2019},
    ]
    answer = posted(desk, "/v1/carbon-accounts/entries", {"entries": lines}, "lines").json()
    assert [(one["item"], one["field"]) for one in answer["failures"]] == [
        ("line 2", "usci"), ("line 3", "quantity"), ("line 4", "month"), ("line 5", "month"), ("line 6", "quantity"),
        ("line 7", "unit"), ("line 8", "factor_year"),
    ]  # fmt: skip
    assert all(one["remedy"] and one["remedy_zh"] for one in answer["failures"])
    assert "check character" in answer["failures"][0]["detail"]
    assert (answer["row_count"], answer["added_count"]) == (8, 1)
    assert _kept(desk, party_id) == [("electricity", 1, "300000")]
    asked = posted(desk, "/v1/carbon-accounts/entries", {"entries": [lines[5] | {"confirmed": True}]}, "sure").json()
    assert (asked["added_count"], asked["failures"]) == (1, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件没有内容"),
        (b"\xff\xfe\x00", "既不是 UTF-8 也不是 GBK"),
        ("统一社会信用代码,项目,年度,数量(万kWh)\n".encode("gbk"), "数量(万kWh)"),
        (b"PK\x03\x04 no workbook", "file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(desk: Desk, content: bytes, words: str) -> None:
    party_id = consented(desk)
    body = {"file_name": "明细.csv", "content_base64": base64.b64encode(content).decode() or "="}
    answer = posted(desk, "/v1/carbon-accounts/files", body, "unread")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    if content:
        told = answer.json()
        assert words in answer.text, told
        assert told["errors"][0]["field"]
        page = uploaded(desk, content, "store")
        assert (page.status_code, words in page.text or words == "file") == (422, True)
    assert _kept(desk, party_id) == []
