"""JDM tables that hand their request through: the same answers as the format's engine, or refused by name and place."""

import json
from typing import Any

import pytest

from carbonfin.rules.decide import Decision, decide
from carbonfin.rules.jdm import read_jdm
from carbonfin.rules.jdm_columns import JdmColumns, JdmFault
from carbonfin.rules.tables import DecisionTable
from tests.rules.samples import input_column

LIMITED = {"> 5": "-30", "[1..2]": "10"}
AS_THEY_STAND = JdmColumns()
WHOLE = {**LIMITED, "": "0"}


def document(rules: dict[str, str], *, passes: Any = True, asked: str = "n", answered: str = "bp", **said: Any) -> str:
    """Write a file of one table, as the format's editor would, with the domains that it lacks."""
    content = {
        "hitPolicy": "first", "passThrough": passes,
        "inputs": [{"id": "in", "name": "N", "field": asked, "domain": "number[0..100] ratio"}],
        "outputs": [{"id": "out", "name": "BP", "field": answered, "kind": "bp"}],
        "rules": [{"_id": f"R{nth}", "in": cell, "out": value} for nth, (cell, value) in enumerate(rules.items(), 1)],
    }  # fmt: skip
    nodes = [
        {"id": "request", "type": "inputNode", "name": "Request"},
        {"id": "t", "type": "decisionTableNode", "name": "T", "content": content | said},
        {"id": "response", "type": "outputNode", "name": "Response"},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "request", "targetId": "t"},
        {"id": "2", "type": "edge", "sourceId": "t", "targetId": "response"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def read(text: str, columns: JdmColumns = AS_THEY_STAND) -> tuple[tuple[DecisionTable, ...], tuple[JdmFault, ...]]:
    tables, faults, _ = read_jdm(text, columns, file_name="t.json")
    return tables, faults


def engine_says(text: str, request: dict[str, Any]) -> Any:
    zen: Any = pytest.importorskip("zen", reason="zen-engine is not installed")
    return zen.ZenEngine().create_decision(text).evaluate(request)["result"]


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize(("n", "answer"), [(9, -30), (1.5, 10), (5, None), (0, None)])
def test_the_outputs_are_those_of_the_engine_where_no_row_hits_too(
    *, passes: bool, n: float, answer: int | None
) -> None:
    text = document(LIMITED, passes=passes)
    (table,), faults = read(text)
    assert faults == ()
    theirs = engine_says(text, {"n": n})
    assert theirs == ({"n": n} if passes else {}) | ({} if answer is None else {"bp": answer})
    ours = decide(table, {"n": n})
    assert ([list(one.outputs) for one in ours.outcomes] if isinstance(ours, Decision) else None) == (
        None if answer is None else [[answer]]
    )


def renamed(asked: str) -> JdmColumns:
    """Say beside the file what the input is called: with its field it would have the name of the output."""
    return JdmColumns(inputs={asked: input_column("given", "number[0..100] ratio")})


@pytest.mark.parametrize(("asked", "answered", "request_asked"), [("n", "n", {"n": 3}), ("n.x", "n", {"n": {"x": 3}})])
def test_a_table_that_would_answer_with_its_request_is_refused(
    asked: str, answered: str, request_asked: dict[str, Any]
) -> None:
    text = document(LIMITED, asked=asked, answered=answered)
    assert engine_says(text, request_asked) == request_asked, "the engine answers with what it was asked"
    tables, (fault,) = read(text, renamed(asked))
    assert tables == ()
    assert (fault.place, fault.place_zh, fault.found) == (
        "t.json: node T, passThrough", "t.json：节点 T，passThrough", "true",
    )  # fmt: skip
    assert "given = 0" in fault.expected
    assert "given = 0" in fault.expected_zh


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (WHOLE, {}),  # a row hits whatever is asked
        (LIMITED, {"passThrough": False}),
        (LIMITED, {"hitPolicy": "collect"}),  # lists hand nothing through
    ],
)
def test_a_table_that_answers_alike_is_carried(rules: dict[str, str], said: dict[str, Any]) -> None:
    text = document(rules, asked="n", answered="n", **said)
    (_,), faults = read(text, renamed("n"))
    assert faults == ()
    nothing = engine_says(text, {"n": 3})
    assert nothing == {(): {"n": 0}, ("passThrough",): {}, ("hitPolicy",): []}[tuple(said)]


def test_a_name_inside_another_is_no_field_of_the_request() -> None:
    text = document(LIMITED, asked="n.bp", answered="bp")
    (_,), faults = read(text, renamed("n.bp"))
    assert faults == ()
    assert engine_says(text, {"n": {"bp": 3}}) == {"n": {"bp": 3}}, "it holds no bp of its own"


def test_what_is_no_truth_is_refused() -> None:
    tables, (fault,) = read(document(WHOLE, passes="true"))
    assert tables == ()
    assert (fault.place, fault.found, fault.expected_zh) == (
        "t.json: node T, passThrough",
        "true",
        "应为 true 或 false",
    )
