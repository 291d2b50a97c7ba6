"""Cells of JDM as the format's own engine reads them: what is carried says the same of every value."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.rules.decide import Decision, decide
from carbonfin.rules.jdm import read_jdm
from carbonfin.rules.jdm_columns import JdmColumns

zen: Any = pytest.importorskip("zen", reason="zen-engine is not installed")
CODES = ("A", "B", "in", "not", "it's", "true")
COLUMNS: dict[str, tuple[str, tuple[str, ...], tuple[Any, ...]]] = {
    "number[..] t": (
        "x", ("0", "1", "-1", "2.5", "1_000", "05", "-0", "1.50", "-"), (-2, -1, -0.5, 0, 1, 1.5, 2.5, 3, 5, 1000),
    ),
    f"code{{{','.join(CODES)}}}": (
        "x", ('"A"', "'B'", '"in"', "'not'", '"it\'s"', '"C"', '"-"', '"null"', '"A, B"', '"A|B"', '"true"', "A"), CODES,
    ),
    "boolean": ("x", ("true", "false"), (True, False)),
    "date[..]": (
        "date(x)", ('date("2024-01-02")', "date('2024-01-03')", 'date( "2024-02-29" )', 'd("2024-01-02")'),
        ("2024-01-01", "2024-01-02", "2024-01-03", "2024-02-28", "2024-02-29", "2024-03-01"),
    ),
}  # fmt: skip
"""By domain: the field, literals a cell may hold, values that are asked."""
BLANKS = st.sampled_from(["", "", " ", "  "])


@st.composite
def cells(draw: st.DrawFn, literals: tuple[str, ...]) -> str:
    """Give a cell of JDM, or nearly one."""
    one = st.sampled_from(literals)
    listed = st.lists(one, min_size=1, max_size=3).map(", ".join)
    test = st.one_of(
        one,
        st.builds("{}{}{}".format, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "="]), BLANKS, one),
        st.builds("{}{}{}..{}{}".format, st.sampled_from("[("), one, BLANKS, one, st.sampled_from("])")),
        st.builds("{}{}[{}]".format, st.sampled_from(["", "in", "not in ", "not in", "not  in "]), BLANKS, listed),
        st.builds("not{}({})".format, BLANKS, one),
    )
    tests = draw(st.lists(test, min_size=1, max_size=3))
    return f"{draw(BLANKS)}{f'{draw(BLANKS)},{draw(BLANKS)}'.join(tests)}{draw(BLANKS)}"


def document(domain: str, cell: str) -> str:
    """Write a table of one cell."""
    table = {
        "hitPolicy": "first", "inputs": [{"id": "i", "name": "x", "field": COLUMNS[domain][0], "domain": domain}],
        "outputs": [{"id": "o", "name": "o", "field": "o", "kind": "bp"}], "rules": [{"_id": "1", "i": cell, "o": "1"}],
    }  # fmt: skip
    nodes = [
        {"id": "a", "type": "inputNode", "name": "Request"},
        {"id": "t", "type": "decisionTableNode", "name": "Table", "content": table},
        {"id": "b", "type": "outputNode", "name": "Response"},
    ]
    edges = [{"id": f"{start}{end}", "type": "edge", "sourceId": start, "targetId": end} for start, end in ("at", "tb")]
    return json.dumps({"nodes": nodes, "edges": edges})


@given(data=st.data(), domain=st.sampled_from(list(COLUMNS)))
@settings(max_examples=200)
def test_a_cell_that_is_carried_says_what_the_engine_says(data: st.DataObject, domain: str) -> None:
    _, literals, asked = COLUMNS[domain]
    text = document(domain, data.draw(cells(literals)))
    tables, faults, _ = read_jdm(text, JdmColumns(), file_name="cell.json")
    if faults:
        return
    engine = zen.ZenEngine().create_decision(text)
    for value in asked:
        ours = decide(tables[0], {"x": date.fromisoformat(value) if domain.startswith("date") else value})
        assert (engine.evaluate({"x": value})["result"] == {"o": 1}) is isinstance(ours, Decision), value


@pytest.mark.parametrize(("domain", "cell"), [("number[..] t", "-"), ("number[..] t", "= 1"), ("boolean", "yes")])
def test_what_the_engine_cannot_read_never_answers_there(domain: str, cell: str) -> None:
    engine = zen.ZenEngine().create_decision(document(domain, cell))
    assert all(engine.evaluate({"x": value})["result"] == {} for value in COLUMNS[domain][2])
    assert read_jdm(document(domain, cell), JdmColumns(), file_name="cell.json")[1]
