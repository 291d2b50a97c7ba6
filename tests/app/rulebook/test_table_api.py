"""The rules' API, second part: history, comparison, files in and out, drafts tried, proposals reviewed."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from carbonfin.documents.table_workbooks import read_tables_workbook, tables_workbook
from carbonfin.rules.jdm import tables_from_jdm
from carbonfin.rules.jdm_columns import JdmColumns
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.table_files import tables_from_toml, tables_to_toml
from carbonfin.rules.tables import plain_table
from carbonfin.storage.rulebook import propose_table
from tests.app.rulebook.test_rules_pages import CARRIED, DAYS, FIRST, GAPPED, NOW, SECOND, TODAY, approved, key, version
from tests.app.worlds import World
from tests.rules.test_jdm_columns import by_an_editor

TABLE = "/v1/rules/tables/sample.table"
OLD, NEW = version(FIRST, known_days=-20), version(SECOND)
AT = "040000000000"
"""Noon in China, at which the versions were approved, as keys write it in UTC."""


@pytest.fixture
def standing(world: World) -> World:
    """A first version known twenty days ago, and a correction of it known today."""
    approved(world, OLD)
    approved(world, NEW)
    return world


@pytest.fixture
def system(standing: World) -> Iterator[TestClient[Any]]:
    with TestClient(standing.app) as client:
        client.headers.update(standing.key_headers())
        yield client


def _sent(name: str, content: bytes, **beside: object) -> dict[str, object]:
    return {"file_name": name, "content_base64": base64.b64encode(content).decode()} | beside


def test_the_history_says_what_became_of_each_version_on_both_days(system: TestClient[Any]) -> None:
    def states(days: dict[str, str]) -> list[tuple[str, str, bool]]:
        found = system.get(f"{TABLE}/versions", params=days).json()["versions"]
        assert {one["key"].rpartition(".")[2] for one in found} == {AT}
        return [(one["key"].removesuffix(f".{AT}"), one["state"], one["is_in_force"]) for one in found]

    assert states(DAYS) == [(key(NEW), "in force", True), (key(OLD), "corrected", False)]
    yesterday = DAYS | {"known_on": str(TODAY - timedelta(days=1))}
    assert states(yesterday) == [(key(NEW), "not known yet", False), (key(OLD), "in force", True)]
    before = DAYS | {"valid_on": str(TODAY - timedelta(days=31))}
    assert states(before) == [(key(NEW), "not valid yet", False), (key(OLD), "corrected", False)]
    assert system.get("/v1/rules/tables/no.table/versions").status_code == 404


def test_two_versions_are_compared_as_they_are_asked_for(system: TestClient[Any]) -> None:
    changed = {"kind": "changed", "row": "R1", "column": "bp", "before": "-30", "after": "-25"}
    found = system.get(f"{TABLE}/comparison").json()
    keys = found["before"]["key"], found["after"]["key"]
    assert (keys, found["changes"]) == ((f"{key(OLD)}.{AT}", f"{key(NEW)}.{AT}"), [changed])
    back = system.get(f"{TABLE}/comparison", params={"old": keys[1], "new": key(OLD)}).json()
    assert back["changes"] == [changed | {"before": "-25", "after": "-30"}]
    missing = system.get(f"{TABLE}/comparison", params={"old": "2020-01-01.2020-01-01"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (404, "version")


def test_a_version_that_is_named_is_tried_whatever_the_days(system: TestClient[Any]) -> None:
    asked = {"inputs": {"grade": "A", "points": "80"}}
    said = system.post(f"{TABLE}/trials", params={"version": key(OLD)}, json=asked).json()
    assert (said["version"]["digest"], said["outputs"]) == (FIRST.digest, [["-30"]])
    assert system.post(f"{TABLE}/trials", params={"version": key(NEW)}, json=asked).json()["outputs"] == [["-25"]]


def test_a_draft_is_tried_with_its_trace_before_anything_is_stored(system: TestClient[Any]) -> None:
    asked = {"table": plain_table(GAPPED), "inputs": {"grade": "A", "points": "79"}}
    said = system.post("/v1/rules/trials", json=asked).json()
    answer = said["answer"]
    assert (said["digest"], answer["refused"], answer["rows"]) == (GAPPED.digest, "no_row", [])
    assert [(one["row_id"], one["state"], one["failed_column"]) for one in answer["tried"]] == [
        ("R1", "failed", "points"), ("R2", "failed", "grade"),
    ]  # fmt: skip
    other = system.post("/v1/rules/trials", json={"table": plain_table(GAPPED), "inputs": {"colour": "red"}})
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "inputs/colour")
    assert system.post("/v1/rules/trials", json={"table": {}, "inputs": {}}).status_code == 422


def test_files_out_read_back_to_the_same_table(system: TestClient[Any]) -> None:
    def content(ending: str, named: str = "") -> bytes:
        answer = system.get(f"{TABLE}/files/{ending}", params={"version": named} if named else {})
        assert answer.status_code == 200, answer.text
        return answer.content

    (workbook,), _, _ = read_tables_workbook(content("xlsx", key(OLD)))
    assert workbook.table.digest == FIRST.digest
    assert tables_from_toml(content("toml", key(NEW)).decode(), file_name="t")[0].table.digest == SECOND.digest
    assert content("csv").decode("utf-8-sig").splitlines()[1] == "R1,A,>= 80,-25,示例 第1条"
    for ending, field in (("pdf", "ending"), ("json", "jdm")):
        refused = system.get(f"{TABLE}/files/{ending}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_the_description_does_not_promise_one_kind_of_file(system: TestClient[Any]) -> None:
    paths = system.get("/schema/openapi.json").json()["paths"]
    answer = paths["/v1/rules/tables/{table_name}/files/{ending}"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["*/*"]


def test_a_table_that_jdm_can_hold_is_given_as_jdm(world: World) -> None:
    approved(world, version(CARRIED))
    with TestClient(world.app) as client:
        text = client.get(f"{TABLE}/files/json", headers=world.key_headers()).text
    (table,) = tables_from_jdm(text, JdmColumns(), file_name="t.json")
    assert [row.outputs for row in table.rows] == [(-30,), (-20,), (0,)]


def test_a_workbook_is_reviewed_and_each_finding_names_its_cells(system: TestClient[Any]) -> None:
    sent = _sent("表.xlsx", tables_workbook([version(GAPPED, known_days=1)]))
    found = system.post("/v1/rules/files", json=sent).json()
    assert (found["faults"], found["sheet"]) == ([], "")
    (review,) = found["tables"]
    assert (review["may_be_proposed"], review["in_force"]["digest"]) == (False, SECOND.digest)
    removed = [one for one in review["changes"] if one["kind"] == "removed"]
    assert [(one["row"], one["before"]) for one in removed] == [("R3", "B,C · -|null → 0")]
    gap = next(one for one in review["findings"] if one["finding"]["is_fatal"])
    assert gap["places"] == [{"place": "规则!B1", "found": "sample.table"}]
    assert (gap["expected_zh"], gap["finding"]["counter_example"]["grade"]) == ("应有一行适用于反例所示的输入", "A")
    hangs = next(one for one in review["findings"] if one["finding"]["kind"] == "undecided_when_missing")
    assert hangs["places"] == [{"place": "规则!B13", "found": "code{A,B,C}"}]


def test_a_file_with_faults_gives_each_place_and_no_table(system: TestClient[Any]) -> None:
    jdm = table_to_jdm(CARRIED).replace(">= 80", "over 80")
    days = {"valid_from": str(TODAY), "known_from": str(TODAY)}
    found = system.post("/v1/rules/files", json=_sent("t.json", jdm.encode(), **days)).json()
    assert found["tables"] == []
    (fault,) = found["faults"]
    assert (fault["place"], fault["found"]) == ("t.json：节点 Sample table，规则 R1，列 points", "over 80")
    assert "expressions are not carried" in fault["expected"]
    toml = tables_to_toml([version(FIRST)]).replace('"< 80"', '"under 80"')
    (line,) = system.post("/v1/rules/files", json=_sent("t.toml", toml.encode())).json()["faults"]
    assert line["place"].startswith("t.toml:")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.toml", b"a=" + b"[" * 20_000, "nested too deeply"),
        ("t.toml", b"a=" + b"[" * 3_000 + b"]" * 3_000, "nested too deeply"),
        ("t.toml", b"a=" + b"{a=" * 3_000, "nested too deeply"),
        ("t.toml", b"[[table]]\nname" + b".a" * 5_000 + b" = 1", "nested too deeply"),
        ("t.toml", b"[[table]]\nname = " + b"1" * 5_000, "too many digits"),
        ("t.toml", tables_to_toml([OLD]).replace("sample.table", "a/b").encode(), "letters, digits, _ and -"),
        ("t.json", table_to_jdm(CARRIED).replace('"nodes":', '"nodes": [], "nodes":', 1).encode(), "stand once"),
    ],
)
def test_what_no_reader_can_follow_is_a_fault_of_the_file(
    system: TestClient[Any], name: str, content: bytes, said: str
) -> None:
    days = {"valid_from": str(TODAY), "known_from": str(TODAY)} if name.endswith("json") else {}
    answer = system.post("/v1/rules/files", json=_sent(name, content, **days))
    assert answer.status_code == 200
    assert answer.json()["tables"] == []
    (fault,) = answer.json()["faults"]
    assert said in fault["expected"]
    assert len(fault["found"]) <= 81


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "name"), ({"name": "a/b"}, "name"), ({"name": "a" * 101}, "name"), ({"name": "a\n"}, "name"),
        ({"title_zh": " "}, "title"), ({"title_en": ""}, "title"),
    ],
)  # fmt: skip
def test_a_table_without_a_name_or_a_title_is_refused(
    system: TestClient[Any], change: dict[str, object], said: str
) -> None:
    answer = system.post("/v1/rules/validations", json={"table": plain_table(FIRST) | change})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "table")
    assert said in answer.json()["detail"]
    assert answer.json()["detail_zh"]


def test_a_row_without_a_number_and_a_cell_of_too_many_alternatives_are_refused(system: TestClient[Any]) -> None:
    blank, long = (json.loads(FIRST.content) for _ in range(2))
    blank["row"][0]["id"] = "  "
    column = next(place for place, one in enumerate(long["input"]) if one["domain"].startswith(("number", "whole")))
    long["row"][0]["when"][column] = ",".join(str(place) for place in range(20_000))
    for plain, said in ((blank, "a row's number is blank"), (long, "20000 alternatives")):
        answer = system.post("/v1/rules/validations", json={"table": plain})
        assert answer.status_code == 422
        assert said in answer.json()["detail"]


def test_jdm_takes_what_it_lacks_from_the_table_it_follows(system: TestClient[Any]) -> None:
    days = {"valid_from": str(TODAY), "known_from": str(TODAY)}
    content = by_an_editor(CARRIED).encode()
    bare = system.post("/v1/rules/files", json=_sent("t.json", content, **days)).json()
    assert bare["tables"] == []
    assert bare["sheet"] == (
        '[inputs]\n"grade" = { domain = "" }\n"points" = { domain = "" }\n\n[outputs]\n"bp" = { kind = "" }\n'
    )
    followed = system.post("/v1/rules/files", json=_sent("t.json", content, follows="sample.table", **days)).json()
    (review,) = followed["tables"]
    assert review["version"]["name"] == "sample.table"
    assert [(one["row"], one["column"], one["before"], one["after"]) for one in review["changes"]] == [
        ("R1", "bp", "-25", "-30"), ("R1", "clause.confirmed", "true", "false"),
        ("R3", "points", "-|null", "-"), ("R3", "clause.confirmed", "true", "false"),
    ]  # fmt: skip


def test_jdm_takes_what_it_lacks_from_a_sheet_beside_it(system: TestClient[Any]) -> None:
    sheet = {
        "inputs": {"grade": {"domain": "code{A,B,C}"}, "points": {"domain": "number[0..100] points", "name": "score"}},
        "outputs": {"bp": {"kind": "bp", "title_zh": "优惠"}},
        "source": {"document": "示例银行〔2026〕1号", "article": "第3条"}, "name": "own.table", "title_zh": "自有表",
    }  # fmt: skip
    sent = _sent(
        "t.json", by_an_editor(CARRIED).encode(), valid_from=str(TODAY), known_from=str(TODAY), sheet=sheet,
        node="Table 1",
    )  # fmt: skip
    (review,) = system.post("/v1/rules/files", json=sent).json()["tables"]
    table = review["table"]
    assert (table["name"], table["title_zh"], [one["name"] for one in table["input"]]) == (
        "own.table", "自有表", ["grade", "score"],
    )  # fmt: skip
    assert {(one["document"], one["confirmed"]) for one in table["row"]} == {("示例银行〔2026〕1号", False)}


@pytest.mark.parametrize(
    ("name", "beside", "field"),
    [
        ("t.json", {}, "valid_from"),
        ("t.json", {"valid_from": "2026-02-30", "known_from": "2026-03-02"}, "valid_from"),
        ("t.json", {"valid_from": "2026-03-02", "known_from": "2026-03-02", "follows": "no.table"}, "follows"),
        (
            "t.json",
            {
                "valid_from": "2026-03-02", "known_from": "2026-03-02",
                "sheet": {"inputs": {"points": {"domain": "some numbers"}}},
            },
            "sheet/inputs/points/domain",
        ),
        ("t.toml", {"follows": "sample.table"}, "follows"),
        ("t.xlsx", {"sheet": {"name": "x"}}, "sheet"),
        ("t.docx", {}, "file"),
    ],
)  # fmt: skip
def test_what_is_said_beside_a_file_is_refused_by_field(
    system: TestClient[Any], name: str, beside: dict[str, object], field: str
) -> None:
    answer = system.post("/v1/rules/files", json=_sent(name, by_an_editor(CARRIED).encode(), **beside))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert answer.json()["remedy_zh"]


def test_a_proposal_is_reviewed_as_its_checker_sees_it(standing: World) -> None:
    with standing.sessions.begin() as session:
        proposed = propose_table(
            session, standing.officer, version(FIRST, known_days=1), reason="改回", at=NOW, contracts=()
        )
    with TestClient(standing.app) as client:
        client.headers.update(standing.key_headers())
        found = client.get(f"/v1/rules/proposals/{proposed.id}").json()
        absent = client.get("/v1/rules/proposals/00000000-0000-4000-8000-000000000000")
    review = found["review"]
    assert (found["proposal"]["state"], review["may_be_proposed"]) == ("proposed", True)
    assert [(one["row"], one["before"], one["after"]) for one in review["changes"]] == [("R1", "-25", "-30")]
    (span,) = review["spans"]
    assert (span["first_day"], span["last_day"]) == (str(TODAY - timedelta(days=30)), None)
    assert (span["before"]["digest"], span["after"]["digest"]) == (SECOND.digest, FIRST.digest)
    assert absent.status_code == 404
