"""The formats of decision tables on files of their own: what passes, what fails and what is skipped, and in which words."""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.tables import HitPolicy
from tests.rules.samples import sample_table
from tests.vectors.comparison import DEFAULT_TOLERANCE, CaseResult, Comparison, Outcome
from tests.vectors.rule_tables import at_path, inputs_from_cells, nested, said_in_each_form
from tests.vectors.running import FileReport, run_file
from tests.vectors.zen_oracle import compare_with_zen

ASKED = {"rating": "A", "pct": 0.5, "yoy": 0.0, "gap": 0.1, "dq": 2}
CASE = {**ASKED, "bp": -20, "reason": "R2"}
LOANS: dict[str, Any] = {
    "source": "by hand",
    "rows": [
        {"row": 1, "when": {"dq": [">=", 5]}, "bp": 0, "reason": "R1"},
        {"row": 2, "when": {"rating": ["==", "A"], "gap": ["<", 0.2]}, "bp": -20, "reason": "R2"},
    ],
    "cases": [CASE],
    "null_cases": [
        {"in": ASKED | {"dq": None}, "expect": "NO decision / reason MISSING_INPUT:dq", "zen_engine_2_1_3_gives": "-20"}
    ],
}
DMN = 'xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/"'
KIT = (
    'xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def whys(report: FileReport) -> list[str]:
    return [result.why for result in report.results if result.outcome is not Outcome.PASSED]


def loans(tmp_path: Path, **changed: Any) -> FileReport:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(LOANS | changed), encoding="utf-8")
    return run_file(path)


def test_a_decision_table_is_run_in_each_form(tmp_path: Path) -> None:
    report = loans(tmp_path)
    assert (report.format_name, report.count(Outcome.PASSED), whys(report)) == ("decision table", 4, [])


def test_a_wrong_expectation_fails_in_each_form(tmp_path: Path) -> None:
    (why,) = whys(loans(tmp_path, cases=[CASE | {"bp": -21}]))
    assert "interpreter: expected (-21, 'R2'), found (-20, 'R2')" in why
    assert "Python: expected" in why
    assert "polars: expected" in why
    (why,) = whys(loans(tmp_path, null_cases=[LOANS["null_cases"][0] | {"in": ASKED}]))
    assert "missing: expected ['dq'], found []" in why


def test_keys_nobody_knows_are_skipped(tmp_path: Path) -> None:
    assert whys(loans(tmp_path, cases=[CASE | {"smile": 1}])) == ["unknown key: smile"]
    strange = loans(tmp_path, rows=[{**LOANS["rows"][0], "until": "2024"}])
    assert whys(strange) == ["skipped: unknown key: until"]


Rule = Sequence[str]


def model(
    rules: Sequence[Rule],
    *,
    policy: str = 'hitPolicy="UNIQUE"',
    kind: str = "number",
    inside: str = "",
    value: str = "In",
) -> str:
    """Write a model of one input, `In`, and one output."""
    rows = "".join(
        f"<rule><inputEntry><text><![CDATA[{when}]]></text></inputEntry>"
        f"<outputEntry><text><![CDATA[{then}]]></text></outputEntry></rule>"
        for when, then in rules
    )
    return (
        f'<definitions {DMN}><inputData name="In"><variable name="In" typeRef="{kind}"/></inputData>'
        f'<decision name="Out"><decisionTable {policy}><input><inputExpression typeRef="{kind}"><text>{value}</text>'
        f"</inputExpression></input><output>{inside}</output>{rows}</decisionTable></decision></definitions>"
    )


def value_of(found: object) -> str:
    kinds = {bool: "boolean", int: "decimal", date: "date"}
    if found is None:
        return '<value xsi:nil="true"/>'
    if isinstance(found, list):
        return f"<list>{''.join(f'<item>{value_of(one)}</item>' for one in found)}</list>"
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return f'<value xsi:type="xsd:{kinds.get(type(found), "string")}">{text}</value>'


def kit(tmp_path: Path, text: str, *cases: tuple[object, object]) -> FileReport:
    """Run cases, each of what is asked and what is expected, over a model."""
    (tmp_path / "m.dmn").write_text(text, encoding="utf-8")
    written = "".join(
        f'<testCase id="{nth}"><inputNode name="In">{value_of(asked)}</inputNode><resultNode name="Out" type="decision">'
        f"<expected>{value_of(expected)}</expected></resultNode></testCase>"
        for nth, (asked, expected) in enumerate(cases)
    )
    path = tmp_path / "m-test-01.xml"
    path.write_text(f"<testCases {KIT}><modelName>m.dmn</modelName>{written}</testCases>", encoding="utf-8")
    return run_file(path)


NUMBERS = [(">=1", "10"), (">=2", "30"), (">=3", "20")]


@pytest.mark.parametrize(
    ("policy", "rules", "cases"),
    [
        ('hitPolicy="FIRST"', NUMBERS, [(3, 10), (0, None)]),
        ('hitPolicy="UNIQUE"', NUMBERS, [(1, 10), (2, None)]),
        ("", NUMBERS, [(1, 10), (2, None)]),
        ('hitPolicy="ANY"', [(">=1", "10"), (">=2", "10")], [(2, 10)]),
        ('hitPolicy="RULE ORDER"', NUMBERS, [(3, [10, 30, 20]), (1, [10])]),
        ('hitPolicy="COLLECT"', NUMBERS, [(2, [10, 30])]),
        ('hitPolicy="COLLECT" aggregation="SUM"', NUMBERS, [(3, 60), (1, 10), (0, None)]),
        ('hitPolicy="COLLECT" aggregation="MIN"', NUMBERS[1:], [(3, 20), (2, 30)]),
        ('hitPolicy="COLLECT" aggregation="MAX"', NUMBERS, [(3, 30), (1, 10)]),
        ('hitPolicy="COLLECT" aggregation="COUNT"', NUMBERS, [(3, 3), (0, 0)]),
    ],
)
def test_hit_policies_of_dmn(
    tmp_path: Path, policy: str, rules: list[Rule], cases: list[tuple[object, object]]
) -> None:
    report = kit(tmp_path, model(rules, policy=policy), *cases)
    assert (report.count(Outcome.PASSED), whys(report)) == (len(cases), [])


@pytest.mark.parametrize(
    ("format_name", "shown"),
    [
        ("cases of a decision model (DMN)", "1 a; 1 b; 1 c; 1 d; 1 e; 1 f"),
        ("decision model (DMN)", "1 a; 1 b; 1 c; 1 d; 1 e; 1 f"),
        ("another format", "1 a; 1 b; 1 c; 1 d; …"),
    ],
)
def test_every_reason_for_which_the_kit_skips_is_shown(tmp_path: Path, format_name: str, shown: str) -> None:
    results = tuple(CaseResult(name=why, outcome=Outcome.SKIPPED, why=why) for why in "abcdef")
    report = FileReport(path=tmp_path / "m.xml", format_name=format_name, results=results)
    assert report.line(tmp_path) == f"m.xml: {format_name}: 0 passed, 0 failed, 6 skipped ({shown})"


def test_ranked_hit_policies_of_dmn(tmp_path: Path) -> None:
    ranked = "<outputValues><text>30, 20, 10</text></outputValues>"
    best = model(NUMBERS, policy='hitPolicy="PRIORITY"', inside=ranked)
    assert whys(kit(tmp_path, best, (3, 30), (1, 10))) == []
    ordered = model(NUMBERS, policy='hitPolicy="OUTPUT ORDER"', inside=ranked)
    assert whys(kit(tmp_path, ordered, (3, [30, 20, 10]), (1, [10]))) == []


@pytest.mark.parametrize(
    ("kind", "cell", "inside", "outside"),
    [
        ("number", "[1..5]", [1, 5], [0, 6]),
        ("number", "]1..5[", [2, 4], [1, 5]),
        ("number", "(1..5]", [2, 5], [1, 6]),
        ("number", "[1..5[, 9", [1, 9], [5, 8]),
        ("number", "not(1, 2)", [3], [1, 2]),
        ("string", '"A","B"', ["A", "B"], ["C", "D"]),
        ("string", 'not("A")', ["B"], ["A"]),
        ("boolean", "true", [True], [False]),
        ("date", '>= date("2024-03-01")', [date(2024, 3, 1)], [date(2024, 2, 29)]),
    ],
)
def test_unary_tests_of_feel(tmp_path: Path, kind: str, cell: str, inside: list[object], outside: list[object]) -> None:
    rules = [(cell, '"in"'), ("-", '"out"')]
    cases = [*((one, "in") for one in inside), *((one, "out") for one in outside)]
    report = kit(tmp_path, model(rules, policy='hitPolicy="FIRST"', kind=kind), *cases)
    assert (report.count(Outcome.PASSED), whys(report)) == (len(cases), [])


def test_a_wrong_answer_of_the_kit_fails_in_each_form(tmp_path: Path) -> None:
    (why,) = whys(kit(tmp_path, model(NUMBERS), (1, 11)))
    assert "interpreter: expected Decimal('11'), found Decimal('10')" in why


@pytest.mark.parametrize(
    ("text", "asked", "why"),
    [
        (model(NUMBERS), None, "a missing value: in DMN a row fails on it, here nothing is decided"),
        (model(NUMBERS, inside="<defaultOutputEntry><text>5</text></defaultOutputEntry>"), 0, "a default output where no row hits"),
        (model(NUMBERS, value="In + 1"), 1, "an input that is another decision or an expression: In + 1"),
        (model(NUMBERS, kind="time"), 1, "values of the type time"),
        (model([("1", "In * 2")]), 1, "outputs that are no plain texts or numbers: In * 2"),
        (model([("1", "true")]), 1, "outputs that are no plain texts or numbers: true"),
        (model([("In > 2", "1")]), 1, "not of our grammar: 'In > 2': should be a plain value of number[..] count; expressions are not carried"),
        (model([('"a=b"', "1")], kind="string"), "x", "not of our grammar: 'a=b' is no code"),
        (model(NUMBERS, policy='hitPolicy="ANY" aggregation="SUM"'), 1, "an aggregation beside the hit policy ANY"),
        (model(NUMBERS, policy='hitPolicy="ANY" mood="calm"'), 1, "unknown key: mood"),
        (model(NUMBERS, inside="<colour/>"), 1, "unknown key: colour"),
        (model(NUMBERS).replace("decisionTable", "literalExpression"), 1, "no decision table but literalExpression"),
        (model(NUMBERS).replace('decision name="Out"', 'decision name="Else"'), 1, "unknown key: decision Out"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_skipped_in_words(tmp_path: Path, text: str, asked: object, why: str) -> None:
    report = kit(tmp_path, text, (asked, 1))
    assert (whys(report), report.count(Outcome.SKIPPED)) == ([why], 1)


def test_a_model_is_asked_beside_the_oracle(tmp_path: Path) -> None:
    path = tmp_path / "m.dmn"
    path.write_text(model(NUMBERS, policy='hitPolicy="RULE ORDER"'), encoding="utf-8")
    assert run_file(path).count(Outcome.PASSED) == 1
    path.write_text(model(NUMBERS, policy='hitPolicy="COLLECT" aggregation="SUM"'), encoding="utf-8")
    assert whys(run_file(path)) == ["no JDM to ask the oracle with: hit policy collect sum is not carried"]
    path.write_text(f"<definitions {DMN}><weather/></definitions>", encoding="utf-8")
    assert whys(run_file(path)) == ["skipped: unknown key: weather"]
    path.write_text("<definitions>", encoding="utf-8")
    (why,) = whys(run_file(path))
    assert why.startswith("cannot be read: no element found")


def graph(*rules: dict[str, str], field: str = "order.weight") -> dict[str, Any]:
    content = {
        "hitPolicy": "first", "passThrough": True,
        "inputs": [{"id": "i", "name": "Weight", "field": field}],
        "outputs": [{"id": "o", "name": "Fee", "field": "fee.cny"}], "rules": list(rules),
    }  # fmt: skip
    nodes = [
        {"id": "a", "type": "inputNode", "name": "In"},
        {"id": "t", "type": "decisionTableNode", "name": "Fees", "content": content},
        {
            "id": "e",
            "type": "expressionNode",
            "name": "Sums",
            "content": {"expressions": [{"id": "x", "key": "twice", "value": "order.weight * 2"}]},
        },
    ]
    edges = [{"id": "1", "type": "edge", "sourceId": "a", "targetId": "t"}]
    return {"tests": [{"input": {"order": {"weight": 7}}, "output": {}}], "nodes": nodes, "edges": edges}


def test_a_graph_is_asked_table_by_table(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph({"_id": "1", "i": "> 5", "o": "1.5"}, {"_id": "2", "i": "", "o": "0"})))
    report = run_file(path)
    assert report.count(Outcome.PASSED) == 1
    assert whys(report) == [
        "not carried: type: 'expressionNode' should be decisionTableNode or an end; other nodes are not carried"
    ]
    path.write_text(json.dumps(graph({"_id": "1", "i": "weight > 5", "o": "x"}, field="len(order)")))
    assert whys(run_file(path))[0] == (
        "not carried: domain of len(order): 'null' should be a domain; the file has none, so give it beside the file or "
        "name the table it is taken from; and 1 more"
    )


def test_an_answer_the_oracle_does_not_give_is_found() -> None:
    asked, answered = {"n": "n"}, {"bp": "bp"}
    right = sample_table({"n": "number[..] t"}, [("> 5", "1"), ("-", "2")])
    wrong = sample_table({"n": "number[..] t"}, [(">= 5", "1"), ("-", "2")])
    for ours, differences in ((right, []), (wrong, ["{'n': 5.0}: expected [[Decimal('2')]], found [[Decimal('1')]]"])):
        check = Comparison(DEFAULT_TOLERANCE)
        compare_with_zen(check, ours, table_to_jdm(right), inputs_from_cells(ours), asked=asked, answered=answered)
        assert (check.compared, check.differences) == (3, differences)


def test_without_the_oracle_nothing_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zen", None)
    assert whys(loans(tmp_path)) == ["zen-engine is not installed"] * 2


def test_inputs_stand_at_the_ends_of_cells_and_beside_them() -> None:
    columns = {
        "n": "number[0..9] t",
        "w": "whole[1..9] count",
        "on": "date[2024-01-01..]",
        "c": "code{A,B}",
        "b": "boolean",
    }
    table = sample_table(columns, [("<= 0.5", "> 8", "-", "A", "-", "1"), ("-", "-", "2024-01-01", "-", "true", "2")])
    rows = inputs_from_cells(table)
    found = {name: sorted({row[name] for row in rows}) for name in columns}
    assert found == {
        "n": [0.0, 0.001, 0.499, 0.5, 0.501], "w": [8.0, 9.0], "on": [date(2024, 1, 1), date(2024, 1, 2)], "c": ["A", "B"],
        "b": [False, True],
    }  # fmt: skip
    assert len(rows) == 5 * 2 * 2 * 2 * 2, "all combinations where they are few"


def test_where_combinations_are_many_each_row_is_hit_and_left() -> None:
    columns = {f"c{place}": "whole[0..99] count" for place in range(6)}
    table = sample_table(columns, [("> 10", "> 20", "> 30", "> 40", "5, 7", "9", "1"), ("-",) * 6 + ("2",)])
    rows = inputs_from_cells(table)
    assert len(rows) < 100
    for said in said_in_each_form(table, rows).values():
        assert set(map(str, said)) == {"(1,)", "(2,)"}


def test_paths_are_put_under_each_other_and_found_again() -> None:
    found = nested({"a.b": 1, "a.c": 2, "d": 3})
    assert found == {"a": {"b": 1, "c": 2}, "d": 3}
    assert [at_path(found, path) for path in ("a.c", "d", "d.e", "x")] == [2, 3, None, None]


@pytest.mark.parametrize("policy", [HitPolicy.COLLECT_MAX, HitPolicy.COLLECT_COUNT])
def test_each_form_says_a_total_and_why_there_is_none(policy: HitPolicy) -> None:
    table = sample_table({"n": "number[..] t"}, [("> 1", "5"), ("> 2", "7")], policy=policy)
    rows = [{"n": 3.0}, {"n": None}]
    expected = [7 if policy is HitPolicy.COLLECT_MAX else 2, "missing_input"]
    assert said_in_each_form(table, rows) == dict.fromkeys(("interpreter", "Python", "polars", "DuckDB"), expected)
