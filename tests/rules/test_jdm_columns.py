"""What a JDM file does not say: taken from a sheet, from the file, from a table that stands, in this order."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.difference import differences
from carbonfin.rules.jdm import read_jdm, tables_from_jdm
from carbonfin.rules.jdm_columns import JdmColumns, fields_of, plain_field
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.tables import Clause, DecisionTable, HitPolicy, OutputKind
from tests.rules.samples import input_column, output_column, sample_table

TABLE = sample_table(
    {"n": "number[0..100] ratio", "rating": "code{A,B,C}", "on": "date[2024-01-01..]"},
    [("> 5", "A", ">=2025-01-01", "1"), ("<=5", "!=C", "-", "2"), ("-", "C", "-", "3")],
    policy=HitPolicy.ANY,
)
OURS = frozenset({"policy", "title_zh", "title_en", "domain", "kind", "ranking"})


def by_an_editor(table: DecisionTable | str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> str:
    """Give a table, or a file of ours, after an editor that keeps nothing but what the format itself has."""
    document = json.loads(table if isinstance(table, str) else table_to_jdm(table))
    node = document["nodes"][1]
    content = {key: value for key, value in node["content"].items() if key not in OURS}
    for side in ("inputs", "outputs"):
        content[side] = [{key: value for key, value in one.items() if key not in OURS} for one in content[side]]
    content["rules"] = [
        {key: value for key, value in one.items() if key == "_id" or not key.startswith("_")}
        for one in content["rules"]
    ]
    node |= {"content": content, "id": "8a1f", "name": "Table 1"}
    change(content)
    return json.dumps(document)


def _read(text: str, columns: JdmColumns) -> DecisionTable:
    (table,) = tables_from_jdm(text, columns, file_name="t.json")
    return table


def test_a_table_comes_back_unchanged_from_an_editor_that_keeps_the_format_alone() -> None:
    with pytest.raises(InvalidInput, match="domain of n"):
        _read(by_an_editor(TABLE), JdmColumns())
    assert _read(by_an_editor(TABLE), JdmColumns(base=TABLE)).digest == TABLE.digest


def test_a_row_that_says_something_else_is_confirmed_by_nobody_yet() -> None:
    def lower(content: dict[str, Any]) -> None:
        content["rules"][0]["in_n"] = "> 6"

    found = _read(by_an_editor(TABLE, lower), JdmColumns(base=TABLE))
    assert [(one.row, one.column, one.before, one.after) for one in differences(TABLE, found)] == [
        ("R1", "n", "> 5", ">6"), ("R1", "clause.confirmed", "true", "false"),
    ]  # fmt: skip


def test_a_new_row_has_the_clause_that_the_caller_gives() -> None:
    def add(content: dict[str, Any]) -> None:
        content["rules"].append({"_id": "new", "in_n": "0", "in_rating": '"B"', "in_on": "", "out_bp": "2"})

    source = Clause(document="示例银行〔2026〕1号", article="第3条")
    found = _read(by_an_editor(TABLE, add), JdmColumns(base=TABLE, source=source))
    assert (found.rows[3].id, found.rows[3].clause) == ("new", source)
    assert _read(by_an_editor(TABLE, add), JdmColumns(base=TABLE)).rows[3].clause == Clause(document="JDM")


def test_a_policy_that_the_format_writes_with_the_same_word_is_the_tables_own() -> None:
    def collect(content: dict[str, Any]) -> None:
        content["hitPolicy"] = "collect"

    assert _read(by_an_editor(TABLE), JdmColumns(base=TABLE)).hit_policy is HitPolicy.ANY
    assert _read(by_an_editor(TABLE, collect), JdmColumns(base=TABLE)).hit_policy is HitPolicy.COLLECT


def test_the_sheet_goes_before_the_file_and_the_file_before_the_table() -> None:
    base = replace(TABLE, inputs=(input_column("n", "number[0..50] ratio"), *TABLE.inputs[1:]))
    own = table_to_jdm(TABLE)
    assert _read(own, JdmColumns(base=base)).inputs[0].domain == TABLE.inputs[0].domain
    sheet = JdmColumns(
        inputs={"n": input_column("n", "number[0..70] ratio")},
        outputs={"bp": output_column("bp", OutputKind.RATIO)}, base=base,
    )  # fmt: skip
    found = _read(own, sheet)
    assert (found.inputs[0].domain.describe(), found.outputs[0].kind) == ("number[0..70] ratio", OutputKind.RATIO)


@pytest.mark.parametrize(
    ("asked", "name"),
    [("points", "points"), ("loan.signed", "loan_signed"), ("date(loan.signed)", "loan_signed"), ("a + b", "a + b")],
)
def test_a_field_names_its_column(asked: str, name: str) -> None:
    assert plain_field(asked) == name


def _with_neighbours(text: str) -> str:
    document = json.loads(text)
    document["nodes"].append({"id": "f1", "type": "functionNode", "name": "Round", "content": "x"})
    second = json.loads(json.dumps(document["nodes"][1])) | {"id": "9b2c", "name": "Table 2"}
    document["nodes"].append(second)
    return json.dumps(document)


@pytest.mark.parametrize("node", ["8a1f", "Table 1"])
def test_one_node_is_read_out_of_a_file_that_holds_others(node: str) -> None:
    text = _with_neighbours(by_an_editor(TABLE))
    assert _read(text, JdmColumns(base=TABLE, node=node)).digest == TABLE.digest


@pytest.mark.parametrize(
    ("node", "place_zh", "expected_zh"),
    [
        ("", "t.json：节点 Round，类型", "不支持该节点类型，仅支持 decisionTableNode；可指明要读取的决策表节点"),
        ("f1", "t.json：节点 Round，类型", "不支持该节点类型，仅支持 decisionTableNode；可指明要读取的决策表节点"),
        ("none", "t.json", "文件中没有该编号或名称的节点"),
    ],
)
def test_a_node_that_is_no_table_or_is_not_there_is_named(node: str, place_zh: str, expected_zh: str) -> None:
    text = _with_neighbours(by_an_editor(TABLE))
    tables, faults, places = read_jdm(text, JdmColumns(base=TABLE, node=node), file_name="t.json")
    assert (tables, places) == ((), ())
    assert (place_zh, expected_zh) in [(one.place_zh, one.expected_zh) for one in faults]


def test_what_is_said_of_one_table_is_not_said_of_two() -> None:
    document = json.loads(_with_neighbours(by_an_editor(TABLE)))
    document["nodes"] = [one for one in document["nodes"] if one["type"] != "functionNode"]
    _, faults, _ = read_jdm(json.dumps(document), JdmColumns(base=TABLE), file_name="t.json")
    assert "t.json: node Table 2" in [one.place for one in faults]


def test_places_are_told_in_chinese_by_node_rule_and_column() -> None:
    _, faults, _ = read_jdm(
        by_an_editor(TABLE, lambda content: content["rules"][1].update(in_n="over 5")), JdmColumns(base=TABLE),
        file_name="t.json",
    )  # fmt: skip
    assert [(one.place_zh, one.found) for one in faults] == [("t.json：节点 Table 1，规则 R2，列 n", "over 5")]
    _, _, (places,) = read_jdm(by_an_editor(TABLE), JdmColumns(base=TABLE), file_name="t.json")
    assert places.cells["R2", "rating"] == "t.json：节点 Table 1，规则 R2，列 rating"
    assert places.rows["R3"] == "t.json：节点 Table 1，规则 R3"


def test_the_fields_of_a_file_are_listed_once_and_of_what_is_none_not_at_all() -> None:
    assert fields_of(by_an_editor(TABLE), "") == (("n", "rating", "date(on)"), ("bp",))
    assert fields_of(by_an_editor(TABLE), "other") == ((), ())
    assert fields_of("{", "") == ((), ())
    assert fields_of('{"nodes": 7}', "") == ((), ())
