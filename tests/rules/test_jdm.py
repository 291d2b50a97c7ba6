"""JDM in and out: cells carried both ways, what cannot be carried refused by name."""

import importlib
import json
from datetime import date
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.decide import Decision, decide
from carbonfin.rules.domains import domain_from
from carbonfin.rules.jdm import JdmColumns, table_to_jdm, tables_from_jdm
from carbonfin.rules.jdm_cells import cell_from_jdm, cell_to_jdm
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
        ("code{A,B}", 'not("A")', "!=A"),
        ("code{A,B}", 'not in ["A", "B"]', "!=A, !=B"),
        ("number[..] t", "> 50_000", ">50000"),
        ("number[..] t", "(0.5..0.8]", "(0.5..0.8]"),
        ("number[..] t", "[1..2], == 7", "[1..2], 7"),
        ("number[..] t", " ", "-"),
        ("boolean", "true", "true"),
        ("date[..]", '[date("2023-01-01")..date("2023-02-01")]', "[2023-01-01..2023-02-01]"),
    ],
)
def test_a_jdm_cell_is_a_cell_of_ours(domain: str, jdm: str, ours: str) -> None:
    assert cell_from_jdm(jdm, domain_from(domain)) == ours


@pytest.mark.parametrize(
    ("domain", "jdm"),
    [
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


def changed(change: Any) -> str:
    document = json.loads(table_to_jdm(table()))
    change(document)
    with pytest.raises(InvalidInput) as caught:
        tables_from_jdm(json.dumps(document), JdmColumns(), file_name="t.json")
    return caught.value.detail


def test_what_cannot_be_carried_is_named() -> None:
    def content(document: Any) -> Any:
        return document["nodes"][1]["content"]

    assert "type functionNode is not carried" in changed(lambda d: d["nodes"][0].update(type="functionNode"))
    assert "the domain of n is not given" in changed(lambda d: content(d)["inputs"][0].pop("domain"))
    assert "the kind of bp is not given" in changed(lambda d: content(d)["outputs"][0].pop("kind"))
    assert "hit policy 'best'" in changed(lambda d: content(d).update(policy="best"))
    assert "executionMode 'loop'" in changed(lambda d: content(d).update(executionMode="loop"))
    assert "row R2, column bp" in changed(lambda d: content(d)["rules"][1].update(out_bp=""))
    assert "row R2, column n" in changed(lambda d: content(d)["rules"][1].update(in_n="> other"))
    assert "a column without a field" in changed(lambda d: content(d)["inputs"][0].update(field=""))
    assert "shape of a JDM table" in changed(lambda d: content(d).pop("rules"))
    with pytest.raises(InvalidInput, match="collect sum is not carried"):
        table_to_jdm(table(HitPolicy.COLLECT_SUM))
    with pytest.raises(InvalidInput, match=r"t\.json: no JSON"):
        tables_from_jdm("{", JdmColumns(), file_name="t.json")


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
