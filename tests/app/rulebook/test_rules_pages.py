"""The rules' pages over HTTP: from a file to a proposal, both dates, a trial, two versions side by side."""

import html
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import Session, select

from carbonfin.documents.table_workbooks import read_tables_workbook, tables_workbook
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.table_files import tables_from_toml, tables_to_toml
from carbonfin.rules.tables import DecisionTable, TableVersion
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import UserRow, actor_of
from carbonfin.storage.rulebook import TABLE_APPROVAL, propose_table
from tests.app.worlds import NOW, PAGE, World, form_token, signed_in
from tests.rules.samples import sample_table

TODAY = china_day(NOW)
DAYS = {"valid_on": str(TODAY), "known_on": str(TODAY)}
"""The sample bank's own business date lies before the tables are known."""
COLUMNS = {"grade": "code{A,B,C}", "points": "number[0..100] points"}
FIRST = sample_table(COLUMNS, [("A", ">= 80", "-30"), ("A", "< 80", "-20"), ("B,C", "-|null", "0")])
SECOND = sample_table(COLUMNS, [("A", ">= 80", "-25"), ("A", "< 80", "-20"), ("B,C", "-|null", "0")])
CARRIED = sample_table(COLUMNS, [("A", ">= 80", "-30"), ("A", "< 80", "-20"), ("B,C", "-", "0")])
GAPPED = sample_table(COLUMNS, [("A", ">= 80", "-30"), ("B,C", "-|null", "0")])


def version(table: DecisionTable, *, known_days: int = 0, valid_days: int = -30) -> TableVersion:
    return TableVersion(
        table=table, valid_from=TODAY + timedelta(days=valid_days), valid_to=None,
        known_from=TODAY + timedelta(days=known_days),
    )  # fmt: skip


def approved(world: World, one: TableVersion) -> None:
    """Put a version in force by two people, on the day from which it is known."""
    at = NOW + (one.known_from - TODAY)
    with world.sessions.begin() as session:
        proposed = propose_table(session, world.officer, one, reason="产品办法修订", at=at, contracts=())
        approvals.approve(
            session, _checker(session), proposed.id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="已核对"), at=at,
            business_date=one.known_from,
        )  # fmt: skip


def key(one: TableVersion) -> str:
    return f"{one.valid_from}.{one.known_from}"


def _checker(session: Session) -> Actor:
    return actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "checker")).one())


def sent(client: TestClient[Litestar], name: str, content: bytes, **form: str) -> tuple[int, str]:
    token = form_token(client.get("/rules/drafts", headers=PAGE).text)
    answer = client.post(
        "/rules/drafts", data={"_csrf_token": token, **form}, files={"file": (name, content)}, headers=PAGE
    )
    return answer.status_code, answer.text


def proposed_from(client: TestClient[Litestar], page: str, reason: str = "产品办法修订") -> tuple[int, str, str]:
    content = re.search(r'name="content" value="([^"]*)"', page)
    assert content is not None, "the page offers no proposal"
    form = {"_csrf_token": form_token(page), "content": html.unescape(content[1]), "reason": reason}
    answer = client.post("/rules/proposals", data=form, headers=PAGE, follow_redirects=False)
    return answer.status_code, answer.headers.get("location", ""), answer.text


@pytest.mark.parametrize("ending", ["xlsx", "toml", "json"])
def test_a_file_is_previewed_stored_nowhere_and_proposed_as_it_was_shown(world: World, ending: str) -> None:
    content = {
        "xlsx": tables_workbook([version(FIRST)]),
        "toml": tables_to_toml([version(FIRST)]).encode(),
        "json": table_to_jdm(CARRIED).encode(),
    }[ending]
    days = {"valid_from": str(TODAY - timedelta(days=30)), "known_from": str(TODAY)} if ending == "json" else {}
    with signed_in(world) as client:
        status, page = sent(client, f"margins.{ending}", content, **days)
        assert status == 200
        assert "尚未存入" in page
        assert "本机构首次采用" in page
        assert "/approvals/" not in client.get("/rules", headers=PAGE).text
        moved, address, _ = proposed_from(client, page)
        assert (moved, address.startswith("/approvals/")) == (303, True)
        assert f'href="{address}"' in client.get("/rules", headers=PAGE).text


def test_what_a_draft_changes_is_told_before_it_is_proposed(world: World) -> None:
    approved(world, version(FIRST))
    with signed_in(world) as client:
        _, page = sent(client, "margins.toml", tables_to_toml([version(SECOND, known_days=1)]).encode())
    assert "与现行版本相比 1 处不同" in page
    assert re.search(r"规则行 R1，bp.*?<code>-30</code>.*?<code>-25</code>", page, re.DOTALL)


def test_an_unsound_table_shows_the_input_and_offers_no_proposal(world: World) -> None:
    with signed_in(world) as client:
        status, page = sent(client, "margins.toml", tables_to_toml([version(GAPPED)]).encode())
        assert status == 200
        assert "校验未通过" in page
        assert "grade = A" in page
        assert 'value="propose"' not in page
        token = form_token(page)
        form = {"_csrf_token": token, "content": tables_to_toml([version(GAPPED)]), "reason": "试"}
        assert client.post("/rules/proposals", data=form, headers=PAGE).status_code == 422


def test_every_wrong_cell_of_a_workbook_is_named_in_chinese(world: World) -> None:
    workbook = tables_workbook([version(FIRST)])
    shared = re.compile(rb">(-20|0)</t>")
    damaged = _rewritten(workbook, lambda content: shared.sub(rb">nothing</t>", content))
    with signed_in(world) as client:
        status, page = sent(client, "margins.xlsx", damaged)
    assert status == 422
    assert "共 2 处有误，未存入任何内容" in page
    assert len(re.findall(r"<code>规则!\w+</code>", page)) == 2


def test_every_wrong_line_of_a_toml_file_and_place_of_a_jdm_file_is_named(world: World) -> None:
    toml = tables_to_toml([version(CARRIED)]).replace('">= 80"', '"over 80"').replace('"0"', '"much"')
    jdm = table_to_jdm(CARRIED).replace(">= 80", "over 80").replace("< 80", "under 80")
    days = {"valid_from": str(TODAY), "known_from": str(TODAY)}
    with signed_in(world) as client:
        _, lines = sent(client, "margins.toml", toml.encode())
        _, places = sent(client, "margins.json", jdm.encode(), **days)
    assert len(re.findall(r"<code>margins\.toml:\d+</code>", lines)) == 2
    assert "<code>when = [&#34;A&#34;, &#34;over 80&#34;]</code>" in lines
    assert len(re.findall(r"<code>margins\.json：节点 [^<]*</code>", places)) == 2


def _rewritten(workbook: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Give the workbook with the texts of its cells changed."""
    found = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(found, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == "xl/sharedStrings.xml" else content)
    return found.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("margins.docx", b"x", "不是 .toml、.xlsx 或 .json 文件"),
        ("margins.toml", b"\xff", "不是 UTF-8 编码"),
        ("margins.toml", b"[[table]]\nname = 1\n", "margins.toml:"),
        ("margins.toml", b"a = " + b"[" * 20_000, "嵌套过深"),
        ("margins.json", b"{}", "没有生效日与知悉日"),
        ("margins.xlsx", b"PK", ""),
        ("margins.toml", b"", "未选择文件"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(world: World, name: str, content: bytes, said: str) -> None:
    with signed_in(world) as client:
        status, page = sent(client, name, content)
    assert status == 422
    assert said in html.unescape(page)
    assert 'name="content"' not in page


def test_both_dates_choose_the_version_and_say_what_became_of_the_others(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approved(world, version(SECOND))
    with signed_in(world) as client:
        now = client.get("/rules/sample.table", params=DAYS, headers=PAGE).text
        then = client.get(
            "/rules/sample.table", params=DAYS | {"known_on": str(TODAY - timedelta(days=1))}, headers=PAGE
        ).text
        before = client.get(
            "/rules/sample.table", params=DAYS | {"valid_on": str(TODAY - timedelta(days=31))}, headers=PAGE
        ).text
    assert (_first_output(now), _first_output(then)) == ("-25", "-30")
    assert _states(now) == ["适用", "已被更正"]
    assert _states(then) == ["当时尚未知悉", "适用"]
    assert "不适用，仅供查阅" in before


def _first_output(page: str) -> str:
    found = re.search(r"<strong>(-?\d+)</strong>", page)
    assert found is not None
    return found[1]


def _states(page: str) -> list[str]:
    rows = page[page.index('id="history"') :]
    return re.findall(r'<span aria-hidden="true">.</span> (\S+)</span>', rows)


def test_a_trial_shows_the_row_that_hit_and_the_cell_that_failed(world: World) -> None:
    approved(world, version(FIRST))
    with signed_in(world) as client:
        page = client.get("/rules/sample.table", params={"in.grade": "A", "in.points": "80"}, headers=PAGE).text
        hit = re.findall(r'<tr class="hit"><th[^>]*>(R\d)', page)
        assert hit == ["R1"]
        assert re.search(r"&lt; 80</code> <span aria-hidden=\"true\">✗", page)
        unknown = client.get("/rules/sample.table", params={"in.grade": "A", "in.points": "abc"}, headers=PAGE).text
        other_unit = client.get(
            "/rules/sample.table", params={"in.grade": "A", "in.points": "80 bp"}, headers=PAGE
        ).text
    assert "缺少输入，不作决定" in unknown
    assert "类型不符，按缺失处理" in unknown
    assert "单位不符，按缺失处理" in other_unit
    assert re.search(r"按缺失处理：points（[^）]+）（单位不符）", other_unit), "what is missing stands with its unit"


def test_two_versions_side_by_side(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approved(world, version(SECOND))
    with signed_in(world) as client:
        page = client.get("/rules/sample.table/comparison", headers=PAGE).text
        swapped = client.get(
            "/rules/sample.table/comparison",
            params={"old": key(version(SECOND)), "new": key(version(FIRST, known_days=-20))},
            headers=PAGE,
        ).text
    assert "1 处不同" in page
    assert re.search(r"<code>-30</code>.*?<code>-25</code>", page, re.DOTALL)
    assert re.search(r"<code>-25</code>.*?<code>-30</code>", swapped, re.DOTALL)


def test_versions_of_the_same_text_are_told_apart_by_their_days(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approved(world, version(FIRST, valid_days=-10))
    with signed_in(world) as client:
        shown = client.get(
            "/rules/sample.table", params=DAYS | {"version": key(version(FIRST, known_days=-20))}, headers=PAGE
        ).text
        later = client.get("/rules/sample.table", params=DAYS, headers=PAGE).text
    assert f"知悉日 {TODAY - timedelta(days=20)}" in shown
    assert f"知悉日 {TODAY}" in later
    assert "不适用，仅供查阅" in shown


def test_an_export_reads_back_to_the_same_table(world: World) -> None:
    approved(world, version(FIRST))
    with signed_in(world) as client:
        workbook = client.get("/rules/sample.table/export/xlsx").content
        toml = client.get("/rules/sample.table/export/toml").text
        lines = client.get("/rules/sample.table/export/csv").text.lstrip("﻿").splitlines()
        assert client.get("/rules/sample.table/export/pdf").status_code == 422
    (read,), faults, _ = read_tables_workbook(workbook)
    assert (read.table.digest, faults) == (FIRST.digest, ())
    assert tables_from_toml(toml, file_name="x.toml")[0].table.digest == FIRST.digest
    assert lines[1] == "R1,A,>= 80,-30,示例 第1条"


@pytest.mark.parametrize("path", ["/rules/no.table", "/rules/sample.table?version=abc", "/rules/no.table/comparison"])
def test_a_table_that_is_not_there(world: World, path: str) -> None:
    approved(world, version(FIRST))
    with signed_in(world) as client:
        assert client.get(path, headers=PAGE).status_code == 404


def test_a_day_that_is_none_is_refused(world: World) -> None:
    with signed_in(world) as client:
        assert client.get("/rules", params={"valid_on": "2026-02-30"}, headers=PAGE).status_code == 422


def test_a_known_day_that_has_passed_is_told_at_its_cell_before_the_proposal(world: World) -> None:
    with signed_in(world) as client:
        _, page = sent(client, "margins.xlsx", tables_workbook([version(FIRST, known_days=-1)]))
    assert "规则!B7" in page
    assert f"决策表不得早于复核日 {TODAY} 启用" in page
    assert 'value="propose"' not in page


def test_two_sheets_of_one_version_are_told_at_the_second_before_the_proposal(world: World) -> None:
    with signed_in(world) as client:
        _, page = sent(client, "margins.xlsx", tables_workbook([version(FIRST), version(SECOND)]))
    assert "与本文件 规则!B1 处决策表的名称、生效日、知悉日均相同" in page
    assert "规则2!B7" in page
    assert 'value="propose"' not in page


def test_a_gap_declared_in_a_workbook_goes_on_to_the_proposal(world: World) -> None:
    approved(world, replace(version(FIRST), valid_to=TODAY - timedelta(days=10)))
    late = replace(version(SECOND), valid_from=TODAY)
    declared = replace(late, declares_gap=True)
    other = replace(version(FIRST), table=replace(FIRST, name="other.table"))
    with signed_in(world) as client:
        _, silent = sent(client, "margins.xlsx", tables_workbook([late]))
        assert (proposed_from(client, silent)[0], 'name="declares_gap"' in silent) == (422, True)
        _, some = sent(client, "margins.xlsx", tables_workbook([declared, other]))
        assert ('name="declares_gap"' in some, "文件已声明，无须另行声明" in some) == (True, True)
        _, page = sent(client, "margins.xlsx", tables_workbook([declared]))
        assert ('name="declares_gap"' in page, "文件已声明其间规则废止" in page) == (False, True)
        assert "；已声明空档" in page
        moved, address, _ = proposed_from(client, page)
        assert moved == 303
        assert "已声明空档" in client.get(address, headers=PAGE).text


def test_days_that_another_version_has_are_told_before_the_proposal(world: World) -> None:
    """One stands already, known from tomorrow on; another waits for its checker."""
    with world.sessions.begin() as session:
        at = NOW
        stands = propose_table(session, world.officer, version(FIRST, known_days=1), reason="一", at=at, contracts=())
        approvals.approve(
            session, _checker(session), stands.id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="已核对"), at=at,
            business_date=TODAY,
        )  # fmt: skip
        propose_table(session, world.officer, version(FIRST, known_days=2), reason="二", at=at, contracts=())
    with signed_in(world) as client:
        _, taken = sent(client, "margins.xlsx", tables_workbook([version(SECOND, known_days=1)]))
        _, waits = sent(client, "margins.xlsx", tables_workbook([version(SECOND, known_days=2)]))
        _, overlaps = sent(client, "margins.xlsx", tables_workbook([version(SECOND, known_days=1, valid_days=-10)]))
        _, free = sent(client, "margins.xlsx", tables_workbook([version(SECOND, known_days=3)]))
    assert "在相同日期已有版本" in taken
    assert "同一事项已在审批中" in waits
    assert "的版本重叠，且知悉日同为" in overlaps
    assert [('value="propose"' in page) for page in (taken, waits, overlaps, free)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "content"),
    [("guide.xlsx", tables_workbook([])), ("remarks.toml", "# 尚无内容\n".encode())],
    ids=["the guide alone", "comments alone"],
)
def test_a_file_without_a_table_is_no_success(world: World, name: str, content: bytes) -> None:
    with signed_in(world) as client:
        status, page = sent(client, name, content)
    assert status == 422
    assert "文件中没有决策表" in page
    assert name in page
