"""The auditor's registers: each a page in pages, with an export that holds the same lines."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import select
from typer.testing import CliRunner

from carbonfin.app.audit import registers, unused_facts
from carbonfin.app.audit.registers import REGISTERS
from carbonfin.app.decisions.commands import commands
from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.documents.workbooks import read_workbook
from carbonfin.kernel.dates import FixedClock, china_day
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import UserRow, actor_of
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, propose_parameter
from carbonfin.web.terminal import Terminal
from tests.app.worlds import NOW, PAGE, World, signed_in

TODAY = china_day(NOW)
VALUE = ParameterValue(
    key="trial.days", scope="", value="5", unit="days", valid_from=TODAY, valid_to=None, known_from=TODAY, document="办法",
    article="第一条", grade=Grade.SECONDARY, confirmed=False, approved_by=(), note="", title_zh="试验天数",
    title_en="trial days", document_number="示银发〔2026〕1号", quote="不超过五日",
)  # fmt: skip


def proposed(world: World, scope: str, *, minutes: int) -> str:
    at = NOW + timedelta(minutes=minutes)
    with world.sessions.begin() as session:
        value = replace(VALUE, scope=scope)
        return propose_parameter(
            session, world.officer, value, reason=f"理由{scope}", at=at, known=ParameterBook([VALUE])
        ).id


def decided(world: World, approval_id: str, *, approving: bool) -> None:
    with world.sessions.begin() as session:
        checker = actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "checker")).one())
        if approving:
            approvals.approve(
                session, checker, approval_id, kinds=(PARAMETER_APPROVAL,), at=NOW, business_date=TODAY,
                answer=Answer(reason="风险可控", accepted=("trial.days[A]",)),
            )  # fmt: skip
        else:
            approvals.reject(
                session, checker, approval_id, kinds=(PARAMETER_APPROVAL,), answer=Answer(reason="依据不足"), at=NOW
            )


def exported(client: TestClient[Any], register: str, **query: str) -> list[list[str]]:
    answer = client.get(f"/audit/{register}/export/csv", params=query, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]


def test_overrides_and_changes_stand_with_their_reasons(world: World) -> None:
    accepted, refused, waiting = (proposed(world, scope, minutes=place) for place, scope in enumerate("ABC"))
    decided(world, accepted, approving=True)
    decided(world, refused, approving=False)
    with signed_in(world, "auditor") as client:
        overrides = exported(client, "overrides")
        changes = exported(client, "parameter-changes")
        page = client.get("/audit/overrides", headers=PAGE).text
    assert [(line[0], line[2], *line[6:]) for line in overrides] == [
        ("参数 试验天数（B）", "已拒绝", "", "", "依据不足"),
        ("参数 试验天数（A）", "已生效", "未确认：trial.days[A]", "予以认可", "风险可控"),
    ]
    assert [line[0] for line in changes] == [f"参数 试验天数（{scope}）" for scope in "CBA"]
    assert [line[7] for line in changes] == ["待复核", "已拒绝", "已生效"]
    assert {(line[3], line[4]) for line in changes} == {("办法 示银发〔2026〕1号 第一条", "不超过五日")}
    assert {(line[5], line[6], line[8], line[9]) for line in changes} == {("二手资料", "否", str(TODAY), "")}
    assert f'href="/approvals/{refused}"' in page
    assert waiting not in page


def test_a_register_goes_on_from_page_to_page(world: World) -> None:
    for place, scope in enumerate("ABCDE"):
        proposed(world, scope, minutes=place)
    seen: list[str] = []
    with signed_in(world, "auditor") as client:
        address = "/audit/parameter-changes?limit=2"
        while address:
            page = client.get(address, headers=PAGE).text
            seen += re.findall(r"参数 试验天数（([A-E])）", page)
            following = re.search(r'href="([^"]+)" rel="next"', page)
            address = following[1].replace("&amp;", "&") if following else ""
        assert len(exported(client, "parameter-changes")) == 5
        changes = client.get("/rules/changes?limit=2", headers=PAGE).text
    assert seen == list("EDCBA")
    assert 'rel="next"' in changes


def test_a_file_holds_every_page_of_a_register(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "_READ_AT_ONCE", 2)
    for place, scope in enumerate("ABCDE"):
        proposed(world, scope, minutes=place)
    with signed_in(world, "auditor") as client:
        assert [line[0][-2] for line in exported(client, "parameter-changes")] == list("EDCBA")


def test_the_uses_of_one_fact_stand_alone(world: World) -> None:
    with signed_in(world, "auditor") as client:
        page = client.get("/audit/unconfirmed", headers=PAGE).text
        assert 'href="/audit/unconfirmed?fact=rate"' in page
        assert [line[1] for line in exported(client, "unconfirmed", fact="rate")] == ["rate"]
        assert exported(client, "unconfirmed", fact="rat") == []
        home = client.get("/", headers=PAGE).text
        assert 'href="/audit/unconfirmed"' in home
    with TestClient(world.app) as client:
        query = {"fact": "rate"}
        answer = client.get("/v1/decisions/registers/unconfirmed", params=query, headers=world.key_headers()).json()
        longer = client.get("/v1/decisions/registers/sample?population=2", headers=world.key_headers())
    assert [line[1] for line in answer["lines"]] == ["rate"]
    assert (longer.status_code, longer.json()["errors"][0]["field"]) == (422, "population")


def test_the_sample_is_the_same_for_everyone_and_the_unconfirmed_stand_with_their_uses(world: World) -> None:
    """The world has one decision, with one unconfirmed entry: the rate."""
    with signed_in(world, "auditor") as client:
        sample = exported(client, "sample", on="2025-06-30", count="10")
        uses = exported(client, "unconfirmed")
        page = client.get("/audit/sample?on=2025-06-30", headers=PAGE).text
        chain = exported(client, "chain")
    assert [(line[0], line[2]) for line in sample] == [("1", "P1")]
    assert f'href="/decisions/{world.decision_id}"' in page
    assert [(line[1], line[5], line[7]) for line in uses if line[6] != "尚未使用"] == [("rate", "1", "P1")]
    assert ["", "不符之处", "0", ""] in chain
    assert ["", "已封印决定", "1", ""] in chain


def test_an_unconfirmed_fact_that_nothing_used_yet_stands_last_as_such(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bank's own value nobody compared with its document; no decision of the world reads it."""
    decided(world, proposed(world, "A", minutes=0), approving=True)
    with signed_in(world, "auditor") as client:
        lines = exported(client, "unconfirmed")
        alone = exported(client, "unconfirmed", fact="trial.days[A]")
        monkeypatch.setattr(registers, "UNASKED_MAX", 0)
        page = client.get("/audit/unconfirmed", headers=PAGE).text
    (line,) = [one for one in lines if one[1] == "trial.days[A]"]
    assert (line[5], line[6], line[7]) == ("", "尚未使用", "")
    assert lines[0][1] == "rate"
    assert alone == [line]
    assert "尚未使用的事实未列" in page


def test_values_of_one_key_are_told_apart_by_what_was_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(VALUE, scope="A", value="6", valid_from=TODAY + timedelta(days=30))
    decided(world, proposed(world, "A", minutes=0), approving=True)
    with world.sessions.begin() as session:
        second = propose_parameter(
            session, world.officer, replace(later, known_from=TODAY + timedelta(days=1)), reason="再议", at=NOW,
            known=ParameterBook([VALUE]),
        ).id  # fmt: skip
    decided(world, second, approving=True)
    with world.sessions.read() as session:
        first, other = unused_facts.unused_facts(session, world.officer, fact="trial.days[A]")
        assert [one.valid_from for one in (first, other)] == [TODAY, later.valid_from]
        monkeypatch.setattr(unused_facts, "unconfirmed_used", lambda *_: frozenset({(first.key, first.digest)}))
        assert unused_facts.unused_facts(session, world.officer, fact="trial.days[A]") == (other,)


def test_unconfirmed_rows_of_tables_stand_as_a_trace_names_them(world: World) -> None:
    expected = {
        f"{one.table.name}[{row.id}]" for one in BUILTIN_TABLES for row in one.table.rows if not row.clause.confirmed
    }
    with signed_in(world, "auditor") as client:
        listed = {line[1] for line in exported(client, "unconfirmed") if line[6] == "尚未使用"}
    assert expected
    assert expected <= listed


def test_a_long_chain_is_verified_over_the_api_where_it_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers, "UNASKED_MAX", 0)
    path = "/v1/decisions/registers/chain"
    with TestClient(world.app) as client:
        client.headers.update(world.key_headers())
        unasked, asked = client.get(path).json(), client.get(path, params={"verify": "true"}).json()
    assert (unasked["lines"], unasked["note"]) == ([], "1 in the chain, not verified: minutes")
    assert ["", "已封印决定", "1", ""] in asked["lines"]
    assert ["", "不符之处", "0", ""] in asked["lines"]


@pytest.mark.parametrize("register", REGISTERS)
def test_every_register_is_a_page_and_a_workbook(world: World, register: str) -> None:
    with signed_in(world, "auditor") as client:
        page = client.get(f"/audit/{register}", headers=PAGE)
        book = client.get(f"/audit/{register}/export/xlsx", headers=PAGE)
        home = client.get("/", headers=PAGE).text
    assert page.status_code == book.status_code == 200
    assert REGISTERS[register].title.zh in page.text
    assert read_workbook(book.content)
    assert f'href="/audit/{register}"' in home


def test_systems_and_the_command_line_read_the_same_lines(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with TestClient(world.app) as client:
        answer = client.get("/v1/decisions/registers/sample?on=2025-06-30", headers=world.key_headers())
        missing = client.get("/v1/decisions/registers/nothing", headers=world.key_headers())
    assert (answer.status_code, missing.status_code) == (200, 404)
    assert [(line[0], line[2]) for line in answer.json()["lines"]] == [("1", "P1")]
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    terminal = Terminal(sessions=world.sessions, actor=world.officer, clock=FixedClock(NOW), json_output=True)
    asked = CliRunner().invoke(
        commands, ["register", "sample", "--on", "2025-06-30"], obj=lambda: terminal, catch_exceptions=False
    )
    assert asked.exit_code == 0, asked.output
    assert json.loads(asked.stdout)[0]["对象"] == "P1"


def test_what_is_not_there_is_refused(world: World) -> None:
    with signed_in(world, "auditor") as client:
        assert client.get("/audit/nothing", headers=PAGE).status_code == 404
        assert client.get("/audit/sample/export/pdf", headers=PAGE).status_code == 422
        assert client.get(f"/audit/sample?on={date(2025, 2, 1)}x", headers=PAGE).status_code in {400, 422}
        assert client.get("/audit/sample?count=1000", headers=PAGE).status_code in {400, 422}
