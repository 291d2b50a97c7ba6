"""`carbonfin rules history | diff | try | export | review`, and JDM files with what is said beside them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from carbonfin.app import cli
from carbonfin.documents.table_workbooks import read_tables_workbook, tables_workbook
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.table_files import tables_to_toml
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.approvals import load_approval
from carbonfin.web.terminal import Terminal
from tests.app.rulebook.test_jdm_pages import LOWER, SHEET
from tests.app.rulebook.test_rules_pages import CARRIED, FIRST, GAPPED, SECOND, TODAY, approved, key, version
from tests.app.worlds import NOW, World
from tests.rules.test_jdm_columns import by_an_editor

Run = Callable[..., Result]
OLD, NEW = version(FIRST, known_days=-20), version(SECOND)
DAYS = ("--valid-from", str(TODAY), "--known-from", str(TODAY))


@pytest.fixture
def called(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run `carbonfin rules …` as the officer on the test's database and clock, as JSON or as text."""

    def terminal(choice: cli.Choice) -> Terminal:
        return Terminal(
            sessions=world.sessions.within(world.officer), actor=world.officer, clock=FixedClock(NOW),
            json_output=choice.json_output,
        )  # fmt: skip

    monkeypatch.setattr(cli.Choice, "terminal", terminal)
    return lambda *before: lambda *words: CliRunner().invoke(cli.carbonfin, [*before, "rules", *words])


@pytest.fixture
def run(world: World, called: Callable[..., Run]) -> Run:
    """A first version known twenty days ago, and a correction of it known today."""
    approved(world, OLD)
    approved(world, NEW)
    return called("--json")


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.exception or result.output
    return json.loads(result.stdout)


def test_the_history_depends_on_both_dates(run: Run) -> None:
    def states(*days: str) -> list[str]:
        return [one["state"] for one in said(run("history", "sample.table", *days))]

    assert states() == ["in force", "corrected"]
    assert states("--known-on", str(TODAY - timedelta(days=1))) == ["not known yet", "in force"]
    assert states("--on", str(TODAY - timedelta(days=31))) == ["not valid yet", "corrected"]
    assert isinstance(run("history", "no.table").exception, NotFound)


def test_what_was_known_is_asked_to_the_minute(run: Run) -> None:
    early, late = ("--known-at", f"{TODAY}T11:59:59+08:00"), ("--known-at", f"{TODAY}T04:00:00Z")
    assert [one["state"] for one in said(run("history", "sample.table", *early))] == ["not known yet", "in force"]
    found = said(run("history", "sample.table", *late))
    assert [one["state"] for one in found] == ["in force", "corrected"]
    assert [str(one["known_at"])[:10] for one in found] == [str(TODAY), str(TODAY - timedelta(days=20))]
    asked = ("try", "sample.table", "--input", "grade=A", "--input", "points=80")
    assert [said(run(*asked, *dates))["outputs"] for dates in (early, late)] == [[["-30"]], [["-25"]]]
    shown = [run("show", "sample.table", *dates).stdout for dates in (early, late)]
    assert ['"-30"' in one for one in shown] == [True, False]
    day = ("--known-on", str(TODAY - timedelta(days=1)))
    assert run("show", "sample.table", *day).stdout == shown[0]


@pytest.mark.parametrize("at", ["2026-03-02T12:00:00", "2026-03-02", "1772424000", "noon", "2026-02-30T12:00:00Z"])
@pytest.mark.parametrize("words", [("history", "sample.table"), ("show", "sample.table"), ("parameters",)])
def test_an_instant_without_a_zone_or_none_at_all_is_refused(run: Run, words: tuple[str, ...], at: str) -> None:
    result = run(*words, "--known-at", at)
    assert isinstance(result.exception, InvalidInput)
    assert (result.exception.field, "+08:00" in result.exception.remedy_zh) == ("known_at", True)


def test_a_day_and_an_instant_together_are_refused(run: Run) -> None:
    result = run("history", "sample.table", "--known-at", f"{TODAY}T12:00:00Z", "--known-on", str(TODAY))
    assert isinstance(result.exception, InvalidInput)
    assert (result.exception.field, bool(result.exception.remedy_zh)) == ("known_at", True)


def test_two_versions_are_compared(run: Run) -> None:
    changed = {"kind": "changed", "row": "R1", "column": "bp", "before": "-30", "after": "-25"}
    assert said(run("diff", "sample.table")) == [changed]
    swapped = said(run("diff", "sample.table", "--old", key(NEW), "--new", key(OLD)))
    assert swapped == [changed | {"before": "-25", "after": "-30"}]
    assert isinstance(run("diff", "sample.table", "--old", "2020-01-01.2020-01-01").exception, NotFound)


def test_a_version_is_tried_with_its_trace(run: Run) -> None:
    asked = ("--input", "grade=A", "--input", "points=80")
    answer = said(run("try", "sample.table", *asked))
    assert (answer["digest"], answer["outputs"], answer["refused"]) == (SECOND.digest, [["-25"]], None)
    assert [(one["row_id"], one["state"]) for one in answer["tried"]] == [
        ("R1", "hit"),
        ("R2", "failed"),
        ("R3", "failed"),
    ]
    assert said(run("try", "sample.table", *asked, "--version", key(OLD)))["outputs"] == [["-30"]]
    yesterday = ("--known-on", str(TODAY - timedelta(days=1)))
    assert said(run("try", "sample.table", *asked, *yesterday))["outputs"] == [["-30"]]
    missing = said(run("try", "sample.table", "--input", "grade=A", "--input", "points="))
    assert (missing["refused"], missing["missing"]) == ("missing_input", {"points": "absent"})


def test_a_draft_in_a_file_is_tried(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    file.write_text(tables_to_toml([version(GAPPED)]), encoding="utf-8")
    asked = ("try", "sample.table", "--file", str(file))
    assert said(run(*asked, "--input", "grade=A", "--input", "points=79"))["refused"] == "no_row"
    assert isinstance(run("try", "other.table", "--file", str(file)).exception, NotFound)


@pytest.mark.parametrize(
    "words", [("--input", "points"), ("--input", "=1"), ("--input", "points=1", "--input", "points=2")]
)
def test_an_input_that_is_no_pair_is_refused(run: Run, words: tuple[str, ...]) -> None:
    result = run("try", "sample.table", *words)
    assert isinstance(result.exception, InvalidInput)
    assert (result.exception.field, bool(result.exception.remedy_zh)) == ("input", True)


def test_an_input_the_table_does_not_ask_for_is_refused(run: Run) -> None:
    result = run("try", "sample.table", "--input", "colour=red")
    assert isinstance(result.exception, InvalidInput)
    assert result.exception.field == "inputs/colour"


def test_a_version_is_written_as_a_file_and_read_back(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.xlsx"
    assert said(run("export", "sample.table", str(file), "--version", key(OLD)))["digest"] == FIRST.digest
    (read,), _, _ = read_tables_workbook(file.read_bytes())
    assert read.table.digest == FIRST.digest
    for name, field in (("out.pdf", "ending"), ("out.json", "jdm"), ("no/such/folder/out.csv", "file")):
        result = run("export", "sample.table", str(tmp_path / name))
        assert isinstance(result.exception, InvalidInput)
        assert result.exception.field == field
        assert not (tmp_path / name).exists()


def test_a_jdm_file_follows_a_table_in_force(world: World, called: Callable[..., Run], tmp_path: Path) -> None:
    approved(world, version(CARRIED))
    run = called("--json")
    file = tmp_path / "t.json"
    file.write_text(by_an_editor(LOWER), encoding="utf-8")
    bare = run("validate", str(file), *DAYS)
    assert isinstance(bare.exception, InvalidInput)
    assert "--follows" in bare.exception.remedy_zh
    assert "t.json：节点 Table 1，输入列 grade，grade 的取值范围“null”应为" in bare.exception.zh
    (review,) = said(run("review", str(file), "--follows", "sample.table", *DAYS))
    assert [(one["row"], one["column"], one["before"], one["after"]) for one in review["changes"]] == [
        ("R1", "bp", "-30", "-35"), ("R1", "clause.confirmed", "true", "false"),
    ]  # fmt: skip
    assert (review["may_be_proposed"], review["impacts"]) == (True, [])
    found = said(run("validate", str(file), "--follows", "sample.table", *DAYS))
    hangs = next(one for one in found if one["kind"] == "undecided_when_missing")
    assert hangs["places"] == ["t.json：节点 Table 1，列 grade"]
    proposed = said(
        run("propose", str(file), "--follows", "sample.table", "--valid-from", str(TODAY), "--known-from", "2026-03-03",
            "--reason", "办法修订")
    )  # fmt: skip
    (again,) = said(run("review", "--proposal", proposed[0]["approval"]))
    assert (again["changes"], again["spans"][-1]["after"]["digest"]) == (review["changes"], again["version"]["digest"])


def test_a_jdm_file_takes_its_domains_from_a_sheet(run: Run, tmp_path: Path) -> None:
    file, sheet = tmp_path / "t.json", tmp_path / "sheet.toml"
    file.write_text(by_an_editor(LOWER), encoding="utf-8")
    sheet.write_text('name = "own.table"\n' + SHEET, encoding="utf-8")
    asked = ("try", "own.table", "--file", str(file), "--sheet", str(sheet), "--node", "Table 1", *DAYS)
    assert said(run(*asked, "--input", "grade=A", "--input", "points=80"))["outputs"] == [["-35"]]
    sheet.write_text("[inputs", encoding="utf-8")
    result = run(*asked)
    assert isinstance(result.exception, InvalidInput)
    assert (result.exception.field, "sheet.toml" in result.exception.zh) == ("sheet", True)
    assert isinstance(run("review").exception, InvalidInput)
    assert isinstance(run("review", str(file), "--proposal", "x").exception, InvalidInput)
    assert isinstance(run("review", "--proposal", "x").exception, NotFound)


@pytest.mark.parametrize("ending", ["toml", "xlsx"])
def test_a_gap_declared_in_a_file_is_not_declared_again(
    world: World, called: Callable[..., Run], tmp_path: Path, ending: str
) -> None:
    approved(world, replace(OLD, valid_to=TODAY - timedelta(days=10)))
    run, file = called("--json"), tmp_path / f"late.{ending}"
    late = replace(NEW, valid_from=TODAY, known_from=TODAY)

    def written(one: TableVersion) -> None:
        file.write_bytes(tables_to_toml([one]).encode() if ending == "toml" else tables_workbook([one]))

    written(late)
    refused = run("propose", str(file), "--reason", "重新施行")
    assert isinstance(refused.exception, InvalidInput)
    assert "没有本机构的版本" in refused.exception.zh
    written(replace(late, declares_gap=True))
    (review,) = said(run("review", str(file)))
    assert (review["declares_gap"], review["may_be_proposed"]) == (True, True)
    (left_out,) = [one for one in review["findings"] if one["finding"]["kind"] == "days_left_out"]
    assert left_out["finding"]["zh"].endswith("；已声明空档")
    assert left_out["expected_zh"] == "无须处理"
    (proposed,) = said(run("propose", str(file), "--reason", "重新施行"))
    with world.sessions.read() as session:
        assert load_approval(session, world.officer, proposed["approval"]).payload["declares_gap"] is True


@pytest.mark.usefixtures("run")
def test_a_person_reads_findings_with_their_cells(called: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "draft.xlsx"
    file.write_bytes(tables_workbook([version(GAPPED)]))
    text = called()("review", str(file)).output
    for words in ("sample.table", "校验未通过，不能发起", "规则!B1", "不能发起"):
        assert words in text
    told = called()("try", "sample.table", "--input", "grade=A", "--input", "points=80").output
    assert 'outputs: [["-25"]]' in told
    assert "R3" in told
