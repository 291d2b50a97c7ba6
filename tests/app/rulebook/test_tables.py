"""`carbonfin rules …` on a real database, and the page on which the second person reads what is proposed."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from carbonfin.app import cli
from carbonfin.documents.table_workbooks import tables_workbook
from carbonfin.kernel.dates import FixedClock, china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.table_files import tables_to_toml
from carbonfin.rules.tables import DecisionTable, TableVersion
from carbonfin.web.terminal import Terminal
from tests.app.worlds import NOW, PAGE, PASSWORD, World, form_token, signed_in
from tests.loans.concession_samples import concession_table
from tests.rules.samples import sample_table

Run = Callable[..., Result]
TODAY = china_day(NOW)
COLUMNS = {"grade": "code{A,B,C}"}
SOUND = sample_table(COLUMNS, [("null", "20"), ("A", "-30"), ("B", "-10"), ("C", "0")])
STRICTER = sample_table(COLUMNS, [("null", "20"), ("A", "-30"), ("B", "-5"), ("C", "0")])
GAPPED = sample_table(COLUMNS, [("null", "20"), ("A", "-30"), ("B", "-10")])


def version(table: DecisionTable, days: int = 0) -> TableVersion:
    known_from = TODAY + timedelta(days=days)
    return TableVersion(table=table, valid_from=TODAY - timedelta(days=181), valid_to=None, known_from=known_from)


def written(folder: Path, table: DecisionTable, name: str = "margins.toml") -> str:
    path = folder / name
    path.write_text(tables_to_toml([version(table)]), encoding="utf-8")
    return str(path)


def own_tables(run: Run) -> list[dict[str, Any]]:
    """List the tables that did not come with the product."""
    return [one for one in json.loads(run("list").stdout) if one["approved_by"] != "产品内置"]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `carbonfin --json rules …` as the officer, on the test's database and clock."""

    def terminal(choice: cli.Choice) -> Terminal:
        return Terminal(
            sessions=world.sessions.within(world.officer), actor=world.officer, clock=FixedClock(NOW),
            json_output=choice.json_output,
        )  # fmt: skip

    monkeypatch.setattr(cli.Choice, "terminal", terminal)

    def called(*words: str) -> Result:
        return CliRunner().invoke(cli.carbonfin, ["--json", "rules", *words])

    return called


def test_a_sound_table_passes_and_an_unsound_one_shows_the_input(run: Run, tmp_path: Path) -> None:
    assert run("validate", written(tmp_path, SOUND)).exit_code == 0
    refused = run("validate", written(tmp_path, GAPPED))
    assert refused.exit_code == 1
    gap, unread = json.loads(refused.stdout)
    assert (unread["kind"], unread["is_fatal"]) == ("unread", False)
    assert (gap["kind"], gap["counter_example"], gap["is_fatal"]) == ("gap", {"grade": "C"}, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("deep.toml", "a=" + "[" * 20_000, "嵌套过深"),
        ("named.toml", tables_to_toml([version(SOUND)]).replace(SOUND.name, "a/b"), "决策表名称只能含"),
    ],
)
def test_a_file_that_no_reader_can_follow_is_refused_in_words(
    run: Run, tmp_path: Path, name: str, content: str, said: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    for words in (("validate", str(file)), ("propose", str(file), "--reason", "试")):
        refused = run(*words)
        assert isinstance(refused.exception, InvalidInput)
        assert said in refused.exception.zh


def test_a_table_that_a_decision_reads_is_held_to_its_contract(run: Run, tmp_path: Path) -> None:
    kept = json.loads(run("validate", written(tmp_path, concession_table())).stdout)
    assert {(one["kind"], one["is_fatal"]) for one in kept} == {("undecided_when_missing", False)}
    other = concession_table((("null", "-5"), (">=60", "-20"), ("<60", "0")), columns=("score",))
    path = written(tmp_path, other)
    refused = run("validate", path)
    assert refused.exit_code == 1
    (breach,) = json.loads(refused.stdout)
    assert (breach["kind"], breach["is_fatal"]) == ("contract_breach", True)
    assert breach["zh"].startswith("R1/concession_bp：")
    proposed = run("propose", path, "--reason", "优惠办法")
    assert isinstance(proposed.exception, InvalidInput)
    assert "breaks its contract" in proposed.exception.detail
    other_unit = tmp_path / "unit.toml"
    text = Path(written(tmp_path, concession_table())).read_text(encoding="utf-8")
    other_unit.write_text(text.replace("number[0..100] points", "number[0..100] score"), encoding="utf-8")
    assert "应为 number points，表中为 number score" in run("validate", str(other_unit)).stdout


def test_a_table_goes_from_file_to_approval_page_to_force(run: Run, world: World, tmp_path: Path) -> None:
    workbook = tmp_path / "margins.xlsx"
    workbook.write_bytes(tables_workbook([version(SOUND)]))
    (proposed,) = json.loads(run("propose", str(workbook), "--reason", "产品办法修订").stdout)
    assert own_tables(run) == [], "what is proposed is not in force"
    path = f"/approvals/{proposed['approval']}"
    with signed_in(world, "checker") as checker:
        page = checker.get(path, headers=PAGE).text
        assert re.findall(r"<td[^>]*><span><code>(\w+)</code></span></td><td[^>]*><strong>(-?\d+)</strong>", page) == [
            ("null", "20"), ("A", "-30"), ("B", "-10"), ("C", "0"),
        ]  # fmt: skip
        seen = re.search(r'name="version" value="(\d+)"', page)
        assert seen is not None
        form = {"finding": "approve", "reason": "已核对", "password": PASSWORD, "version": seen[1]}
        answer = checker.post(
            f"{path}/decision", data={**form, "_csrf_token": form_token(page)}, headers=PAGE, follow_redirects=False
        )
        assert answer.status_code == 303, answer.text
    (standing,) = own_tables(run)
    assert (standing["digest"], standing["known_from"]) == (SOUND.digest, TODAY.isoformat())
    shown = tmp_path / "shown.toml"
    shown.write_text(run("show", "sample.table", "--on", TODAY.isoformat()).stdout, encoding="utf-8")
    assert run("validate", str(shown)).exit_code == 0


def test_an_unconfirmed_clause_is_accepted_on_the_page_by_name(run: Run, world: World, tmp_path: Path) -> None:
    first = replace(SOUND.rows[0], clause=replace(SOUND.rows[0].clause, article="第9条", confirmed=False))
    path = written(tmp_path, replace(SOUND, rows=(first, *SOUND.rows[1:])))
    (proposed,) = json.loads(run("propose", path, "--reason", "产品办法修订").stdout)
    address = f"/approvals/{proposed['approval']}"
    with signed_in(world, "checker") as checker:
        page = checker.get(address, headers=PAGE).text
        named = re.search(r'name="unconfirmed" value="([^"]*)"', page)
        seen = re.search(r'name="version" value="(\d+)"', page)
        assert named is not None
        assert seen is not None
        assert named[1] == "示例 第9条"
        form = {
            "finding": "approve", "reason": "已核对", "password": PASSWORD, "version": seen[1], "unconfirmed": named[1],
            "_csrf_token": form_token(page),
        }  # fmt: skip
        refused = checker.post(f"{address}/decision", data=form, headers=PAGE, follow_redirects=False)
        assert (refused.status_code, "须逐项同意" in refused.text) == (409, True)
        done = checker.post(f"{address}/decision", data=form | {"accepts": "yes"}, headers=PAGE, follow_redirects=False)
        assert done.status_code == 303
    assert len(own_tables(run)) == 1


def test_the_impact_of_a_draft_counts_who_moves(run: Run, world: World, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text('grade\nA\nB\n""\nB\nC\n', encoding="utf-8")
    (first,) = json.loads(run("impact", written(tmp_path, SOUND), str(cases)).stdout)
    assert (first["is_new"], first["cases_count"], first["moves_count"]) == (True, 5, 0)
    run("propose", written(tmp_path, SOUND), "--reason", "产品办法修订")
    with signed_in(world, "checker") as checker:
        page = checker.get("/approvals", headers=PAGE).text
        found = re.search(r'href="(/approvals/[0-9a-f-]{36})"', page)
        assert found is not None
        form = {"finding": "approve", "reason": "已核对", "password": PASSWORD, "version": "1"}
        shown = checker.get(found[1], headers=PAGE).text
        form["version"] = re.findall(r'name="version" value="(\d+)"', shown)[0]
        checker.post(f"{found[1]}/decision", data={**form, "_csrf_token": form_token(shown)}, headers=PAGE)
    (moved,) = json.loads(run("impact", written(tmp_path, STRICTER), str(cases)).stdout)
    assert (moved["is_new"], moved["moves_count"], moved["difference_total"]) == (False, 2, 10)
    assert moved["lines"] == [3, 5]


@pytest.mark.parametrize(
    ("content", "named"),
    [("colour\nred\n", "line 1"), ("grade\nA\nD\n", "line 3"), ("grade\nA,B\n", "line 2"), ("", "line 1")],
)
def test_a_case_that_cannot_be_is_named_by_line(run: Run, tmp_path: Path, content: str, named: str) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(content, encoding="utf-8")
    refused = run("impact", written(tmp_path, SOUND), str(cases))
    assert named in str(refused.exception)


def test_a_file_is_proposed_whole_or_not_at_all(run: Run, world: World, tmp_path: Path) -> None:
    path = tmp_path / "both.toml"
    other = sample_table({"grade": "code{A,B}"}, [("null", "20"), ("A", "-30")])
    text = tables_to_toml([version(SOUND)]) + "\n" + tables_to_toml([version(other)]).replace("sample.table", "b.table")
    path.write_text(text, encoding="utf-8")
    refused = run("propose", str(path), "--reason", "产品办法修订")
    assert "may not be published" in str(refused.exception)
    with signed_in(world, "checker") as checker:
        assert "sample.table" not in checker.get("/approvals", headers=PAGE).text
        assert "示例表" not in checker.get("/approvals", headers=PAGE).text


PARAMETER = [
    "propose-parameter", "loans.settlement_day", "15", "--unit", "day", "--valid-from", "2026-01-01", "--document",
    "结息办法", "--reason", "结息日调整", "--confirmed",
]  # fmt: skip


def test_a_parameter_is_tried_proposed_listed_and_verified_by_command(run: Run) -> None:
    today = str(china_day(NOW))
    listed = run("parameters", "--package", "loans", "--key", "loans.settlement_day")
    assert [one["value"] for one in json.loads(listed.stdout)] == ["20"]
    tried = json.loads(run(*PARAMETER, "--known-from", today, "--preview").stdout)
    assert (tried["may_be_proposed"], tried["value_now"], tried["faults"]) == (True, "20", [])
    wrong = run(*PARAMETER[:4], "CNY", *PARAMETER[5:], "--known-from", today, "--preview")
    assert (wrong.exit_code, "单位" in wrong.stdout) == (1, True)
    assert [one["field"] for one in json.loads(wrong.stdout)["faults"]] == ["unit"]
    late = run(*PARAMETER, "--known-from", "2026-01-01", "--preview")
    said = json.loads(late.stdout)
    assert (late.exit_code, said["may_be_proposed"]) == (1, False)
    assert said["faults"] == [{"field": "known_from", "zh": f"参数不得早于复核日 {today} 启用"}]
    early = run(*PARAMETER, "--known-from", "2026-01-01")
    assert early.exit_code != 0
    proposed = json.loads(run(*PARAMETER, "--known-from", today).stdout)
    assert proposed["state"] == "proposed"
    assert json.loads(run("verify").stdout) == {"verified_count": 0, "different_count": 0}
