"""JDM in and out: cells carried both ways, what cannot be carried refused by name."""

import importlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.decide import Decision, decide
from carbonfin.rules.domains import domain_from
from carbonfin.rules.jdm import read_jdm, tables_from_jdm
from carbonfin.rules.jdm_cells import cell_from_jdm, cell_to_jdm
from carbonfin.rules.jdm_columns import JdmColumns, fields_of
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from tests.rules.samples import input_column, output_column, sample_table

COLUMNS = {"n": "number[0..100] ratio", "rating": "code{A,B,C}", "green": "boolean", "on": "date[2024-01-01..]"}
ROWS = [
    ("[1..5)", "!=A, !=B", "true", ">=2025-01-01", "1"),
    ("> 5", "A, B", "-", "[2024-02-01..2024-03-01]", "2"),
    ("=7, <1", "-", "!=true", "-", "3"),
    ("!=9", "C", "-", "2024-05-05", "4"),
    ("-", "-", "-", "-", "5"),
]


def table(policy: HitPolicy = HitPolicy.FIRST) -> DecisionTable:
    return sample_table(COLUMNS, ROWS, policy=policy)


@pytest.mark.parametrize(
    ("domain", "jdm", "ours"),
    [
        ("code{A,B}", '"A"', "A"),
        ("code{A,B}", "'A', \"B\"", "A, B"),
        ("code{A,B}", "['A', 'B']", "A, B"),
        ("code{A,B}", 'in ["A"]', "A"),
        ("code{A,B}", 'not in ["A", "B"]', "!=A, !=B"),
        ("number[..] t", "> 50_000", ">50000"),
        ("number[..] t", "(0.5..0.8]", "(0.5..0.8]"),
        ("number[..] t", "[1..2], == 7", "[1..2], 7"),
        ("number[..] t", " ", "-"),
        ("boolean", "true", "true"),
        ("boolean", "not(true)", "!=true"),
        ("code{A,it's}", '"it\'s"', "it's"),
        ("date[..]", '[date("2023-01-01")..date("2023-02-01")]', "[2023-01-01..2023-02-01]"),
    ],
)
def test_a_jdm_cell_is_a_cell_of_ours(domain: str, jdm: str, ours: str) -> None:
    assert cell_from_jdm(jdm, domain_from(domain)) == ours


@pytest.mark.parametrize(
    ("domain", "jdm"),
    [
        # Inside quotes are values, never signs: none of these is a code of the column.
        ("code{A,B}", '"-"'),
        ("code{A,B}", '"null"'),
        ("code{A,B}", '"A, B"'),
        ("code{A,B}", '"A|null"'),
        ("code{A,B}", '"!=A"'),
        ("code{A,B}", '"C"'),
        ("code{A,B}", '""'),
        # The format's engine reads none of these, so that such a row never answers there.
        ("number[..] t", "-"),
        ("number[..] t", "= 5"),
        ("code{A,B}", 'not("A")'),
        ("code{A,B}", 'not  in ["A"]'),
        ("code{A,B}", 'not in["A"]'),
        ("date[..]", 'd("2024-01-01")'),
        ("code{A,B}", "A"),
        ("code{A,B}", "len(name) > 3"),
        ("number[..] t", "> x"),
        ("number[..] t", "!= 1, != 2"),
        ("number[..] t", ">= 1 and < 2"),
        ("number[..] t", "1,,2"),
        ("number[..] t", "$ > 1"),
        ("boolean", "!ok"),
        ("date[..]", "< date('now')"),
    ],
)
def test_an_expression_is_refused(domain: str, jdm: str) -> None:
    with pytest.raises(InvalidInput):
        cell_from_jdm(jdm, domain_from(domain))


def test_the_missing_value_is_refused_on_the_way_out() -> None:
    assert cell_to_jdm("!=A, !=B", domain_from("code{A,B,C}")) == 'not in ["A", "B"]'
    with pytest.raises(InvalidInput, match=r"sample\.table, row R1, column n: .*missing value"):
        table_to_jdm(sample_table({"n": "number[..] t"}, [("-|null", "1")]))


@pytest.mark.parametrize("policy", [HitPolicy.FIRST, HitPolicy.UNIQUE, HitPolicy.COLLECT, HitPolicy.RULE_ORDER])
def test_there_and_back_says_the_same(policy: HitPolicy) -> None:
    once = tables_from_jdm(table_to_jdm(table(policy)), JdmColumns(), file_name="t.json")[0]
    assert (once.inputs, once.outputs, once.hit_policy) == (table().inputs, table().outputs, policy)
    for before, after in zip(table().rows, once.rows, strict=True):
        assert [(c.intervals, c.members, c.is_any) for c in before.cells] == [
            (c.intervals, c.members, c.is_any) for c in after.cells
        ]
        assert (before.id, before.outputs, before.clause) == (after.id, after.outputs, after.clause)
    twice = tables_from_jdm(table_to_jdm(once), JdmColumns(), file_name="t.json")[0]
    assert twice.digest == once.digest


def faults_of(change: Any) -> list[tuple[str, str, str]]:
    """Give the faults of a file that was good before a change: place, what stands there, what was expected."""
    document = json.loads(table_to_jdm(table()))
    change(document)
    tables, faults, _ = read_jdm(json.dumps(document), JdmColumns(), file_name="t.json")
    assert not tables
    with pytest.raises(InvalidInput) as caught:
        tables_from_jdm(json.dumps(document), JdmColumns(), file_name="t.json")
    assert caught.value.detail.split("\n") == [str(fault) for fault in faults]
    assert all(fault.expected_zh for fault in faults)
    return [(fault.place, fault.found, fault.expected) for fault in faults]


def content(document: Any) -> Any:
    return document["nodes"][1]["content"]


TABLE = "t.json: node Sample table"


@pytest.mark.parametrize(
    ("change", "place", "found", "expected"),
    [
        (lambda d: d["nodes"][0].update(type="functionNode"), "t.json: node Request, type", "functionNode", "not carried"),
        (lambda d: d["nodes"][0].update(type=["a"]), "t.json: node Request, type", '["a"]', "not carried"),
        (lambda d: d["nodes"].append(d["nodes"][1]), f"{TABLE}, id", "sample.table", "no other node has"),
        (lambda d: d["nodes"].append(7), "t.json, nodes 4", "7", "an object"),
        (lambda d: d.update(nodes={}), "t.json, nodes", "{}", "a list"),
        (lambda d: d["nodes"][1].update(content=None), f"{TABLE}, content", "null", "an object"),
        (lambda d: d["nodes"][1].pop("id"), f"{TABLE}, id", "null", "a text"),
        (lambda d: content(d)["inputs"][0].pop("domain"), f"{TABLE}, input n, domain of n", "null", "a domain"),
        (lambda d: content(d)["inputs"][0].update(domain="real"), f"{TABLE}, input n, domain of n", "real", "no domain"),
        (lambda d: content(d)["inputs"][0].update(field=" "), f"{TABLE}, input n, field", " ", "free expressions"),
        (lambda d: content(d)["inputs"][3].update(field="on"), f"{TABLE}, input on, field", "on", "date(on)"),
        (lambda d: content(d)["inputs"][0].update(field="a.n"), f"{TABLE}, input n, field", "a.n", "letters, digits"),
        (lambda d: content(d)["outputs"][0].update(field=""), f"{TABLE}, output bp, field", "", "letters, digits"),
        (lambda d: content(d)["outputs"][0].pop("kind"), f"{TABLE}, output bp, kind of bp", "null", "one of bp, fen"),
        (lambda d: content(d)["outputs"][0].update(ranking=1), f"{TABLE}, output bp, ranking", "1", "a list"),
        (lambda d: content(d)["outputs"][0].update(ranking=["x"]), f"{TABLE}, output bp, ranking", "x", "decimal"),
        (lambda d: content(d).update(policy="best"), f"{TABLE}, hit policy", "best", "first or collect"),
        (lambda d: content(d).update(policy={}, hitPolicy=[]), f"{TABLE}, hit policy", "[]", "first or collect"),
        (lambda d: content(d).update(executionMode="loop"), f"{TABLE}, executionMode", "loop", "single"),
        (lambda d: content(d).update(inputField="items"), f"{TABLE}, inputField", "items", "empty"),
        (lambda d: content(d).pop("rules"), f"{TABLE}, rules", "null", "a list"),
        (lambda d: content(d)["rules"][1].update(out_bp=""), f"{TABLE}, row R2, column bp", "", "a plain number"),
        (lambda d: content(d)["rules"][1].update(out_bp="0.5"), f"{TABLE}, row R2, column bp", "0.5", "no whole bp"),
        (lambda d: content(d)["rules"][1].update(in_n="> other"), f"{TABLE}, row R2, column n", "> other", "expressions"),
        (lambda d: content(d)["rules"][1].update(in_n="> 101"), f"{TABLE}, row R2, column n", "> 101", "outside its domain"),
        (lambda d: content(d)["rules"][1].update(in_n=5), f"{TABLE}, row R2, column n", "5", "a text"),
        (lambda d: content(d)["rules"][1].pop("_id"), f"{TABLE}, row 2, _id", "null", "a text"),
        (lambda d: content(d)["rules"][1].update(_id="R1"), TABLE, "sample.table", "row name stands twice"),
        (lambda d: content(d)["rules"][1].update(_grade="Z"), f"{TABLE}, row R2, _grade", "Z", "one of"),
        (lambda d: content(d)["rules"][1].update(_confirmed=True), f"{TABLE}, row R2, _confirmed", "true", "true or false"),
        (lambda d: content(d)["rules"][1].update(_grade="unknown", _quote="原文"), f"{TABLE}, row R2, _quote", "原文", "at hand"),
        (lambda d: content(d)["rules"][1].pop("_quote"), f"{TABLE}, row R2, _quote", "null", "a text"),
        (lambda d: content(d)["rules"][1].update(in_m="> 3"), f"{TABLE}, row R2", "in_m", "the id of a column"),
        (lambda d: d.update(edges={}), "t.json, edges", "{}", "a list"),
        (lambda d: d["edges"].append(7), "t.json, edges 3", "7", "an object"),
        (lambda d: content(d).update(title_zh="\ud800"), "t.json", '{"contentType"', "whole characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_named(change: Any, place: str, found: str, expected: str) -> None:
    faults = faults_of(change)
    assert [one[0] for one in faults] == [place]
    assert faults[0][1].startswith(found)
    assert expected in faults[0][2]


def chained() -> Any:
    """Give a file of two tables, the first of which hands its request and its answer to the second."""
    document = json.loads(table_to_jdm(table()))
    request, first, response = document["nodes"]
    first["content"]["passThrough"] = True
    second = {**first, "id": "second", "name": "Second table"}
    ends = [("in", "request", first["id"]), ("chain", first["id"], "second"), ("out", "second", "response")]
    edges = [{"id": name, "type": "edge", "sourceId": source, "targetId": target} for name, source, target in ends]
    return {"nodes": [request, first, second, response], "edges": edges}


def test_tables_that_feed_each_other_are_refused_by_the_edge_between_them() -> None:
    tables, faults, _ = read_jdm(json.dumps(chained()), JdmColumns(), file_name="t.json")
    assert not tables
    assert [(one.place, one.place_zh, one.found) for one in faults] == [
        ("t.json, edge chain", "t.json，连线 chain", "sample.table → second")
    ]
    assert "tables that feed each other are not carried; name the node" in faults[0].expected
    assert "请指明要读取的节点" in faults[0].expected_zh


def test_one_table_of_a_chain_is_read_where_its_node_is_named() -> None:
    tables, faults, _ = read_jdm(json.dumps(chained()), JdmColumns(node="second"), file_name="t.json")
    assert not faults
    assert [one.name for one in tables] == ["second"]


def test_tables_beside_each_other_are_read_though_they_hand_their_request_through() -> None:
    document = chained()
    document["edges"][1].update(sourceId="request")
    tables, faults, _ = read_jdm(json.dumps(document), JdmColumns(), file_name="t.json")
    assert not faults
    assert [one.name for one in tables] == ["sample.table", "second"]


def test_every_fault_is_listed_and_none_twice() -> None:
    def spoil(document: Any) -> None:
        found = content(document)
        document["nodes"].append({"type": "switchNode", "name": "Fork"})
        document["nodes"].append({"type": "decisionTableNode", "name": "Second", "content": {"rules": "none"}})
        found["inputs"][0].pop("domain")
        found["rules"][0]["in_n"] = "an expression in a column without a domain is left alone"
        found["rules"][0]["in_rating"] = "'X'"
        found["rules"][2]["in_green"] = "yes"
        found["rules"][4]["out_bp"] = "bp * 2"

    assert [place for place, _, _ in faults_of(spoil)] == [
        f"{TABLE}, input n, domain of n",
        f"{TABLE}, row R1, column rating",
        f"{TABLE}, row R3, column green",
        f"{TABLE}, row R5, column bp",
        "t.json: node Fork, type",
        "t.json: node Second, id",
        "t.json: node Second, hit policy",
        "t.json: node Second, inputs",
        "t.json: node Second, outputs",
        "t.json: node Second, rules",
    ]


@pytest.mark.parametrize(
    ("text", "place", "found", "expected"),
    [
        ('{\n "nodes": [\n  {"id": }', "t.json: line 3, column 10", "}", "Expecting value"),
        ("", "t.json: line 1, column 1", "", "Expecting value"),
        ("[]", "t.json", "[]", "an object with `nodes`"),
        ("[" * 100_000, "t.json", "[" * 60 + "…", "few levels"),
        ('{"nodes": []}', "t.json", '{"nodes": []}', "a node of the type decisionTableNode"),
    ],
)
def test_what_is_no_jdm_is_told_by_line(text: str, place: str, found: str, expected: str) -> None:
    tables, faults, _ = read_jdm(text, JdmColumns(), file_name="t.json")
    assert not tables
    assert [(one.place, one.found) for one in faults] == [(place, found)]
    assert expected in faults[0].expected


def test_a_key_that_stands_twice_is_refused_with_its_object() -> None:
    text = table_to_jdm(table())
    said = text.replace('"nodes":', '"edges": [], "nodes":', 1).replace('"_id":', '"_grade": "read", "_id":', 1)
    tables, faults, _ = read_jdm(said, JdmColumns(), file_name="t.json")
    assert tables == ()
    assert [(one.place, one.found, one.expected) for one in faults] == [
        ("t.json, object R1", "_grade", "should stand once in its object"),
        ("t.json", "edges", "should stand once in its object"),
    ]
    assert [one.place_zh for one in faults] == ["t.json，对象 R1", "t.json"]
    assert read_jdm(text, JdmColumns(), file_name="t.json")[1] == ()


def places_of(value: Any) -> list[tuple[Any, Any]]:
    """Give every place of a document as a container and a key."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in places_of(inner)]


@given(
    place=st.integers(0, 10_000), value=st.sampled_from([None, True, 0, 1.5, "", "x", "null", [], [1], {}, {"a": 1}])
)
def test_whatever_stands_in_a_file_it_is_read_or_refused(place: int, value: Any) -> None:
    document = json.loads(table_to_jdm(table()))
    places = places_of(document)
    container, key = places[place % len(places)]
    container[key] = value
    text = json.dumps(document)
    for columns in (JdmColumns(), JdmColumns(base=table(), node="Sample table")):
        tables, faults, places = read_jdm(text, columns, file_name="t.json")
        assert bool(tables) is not bool(faults)
        assert len(places) == len(tables)
        assert all(isinstance(field, str) for side in fields_of(text, columns.node) for field in side)


def test_a_policy_that_cannot_be_carried_is_refused_on_the_way_out() -> None:
    with pytest.raises(InvalidInput, match="collect sum is not carried"):
        table_to_jdm(table(HitPolicy.COLLECT_SUM))


def test_domains_given_by_the_caller_win() -> None:
    columns = JdmColumns(
        inputs={"n": input_column("m", "number[0..10] t")}, outputs={"bp": output_column("x", OutputKind.RATIO)}
    )
    found = tables_from_jdm(table_to_jdm(table()), columns, file_name="t.json")[0]
    assert (found.inputs[0].name, found.outputs[0].kind) == ("m", OutputKind.RATIO)


def test_the_engine_of_the_format_gives_the_same_answers() -> None:
    try:
        zen: Any = importlib.import_module("zen")
    except ImportError:
        pytest.skip("zen-engine is not installed")
    engine = zen.ZenEngine().create_decision(table_to_jdm(table()))
    every = zen.ZenEngine().create_decision(table_to_jdm(table(HitPolicy.COLLECT)))
    for n in (0, 1, 4.5, 5, 6, 7, 9, 100):
        for rating in "ABC":
            for green in (True, False):
                for on in ("2024-01-01", "2024-02-01", "2024-03-01", "2024-05-05", "2025-01-01"):
                    asked = {"n": n, "rating": rating, "green": green, "on": on}
                    ours = asked | {"on": date.fromisoformat(on)}
                    one, all_ = decide(table(), ours), decide(table(HitPolicy.COLLECT), ours)
                    assert isinstance(one, Decision)
                    assert isinstance(all_, Decision)
                    assert engine.evaluate(asked)["result"] == {"bp": one.output}, asked
                    found = [row["bp"] for row in every.evaluate(asked)["result"]]
                    assert found == [outcome.outputs[0] for outcome in all_.outcomes], asked
