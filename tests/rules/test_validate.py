"""The validator against every input there is: on small domains a gap, an overlap or a dead row can be looked up one by one."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.rules.decide import Decision, NotDecided, decide
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from carbonfin.rules.validate import FindingKind, Validation, validate
from tests.rules.samples import output_column, sample_table

COLUMNS = {"x": "whole[1..4] count", "c": "code{A,B}", "f": "boolean"}
VALUES: dict[str, list[Any]] = {"x": [1, 2, 3, 4, None], "c": ["A", "B", None], "f": [True, False, None]}
CELLS = {
    "x": ["-", "1", "<3", ">=3", "[2..3]", "!=2", "null", "-|null", "<=1|null", ">2, 1"],
    "c": ["-", "A", "B", "A,B", "null", "A|null", "-|null"],
    "f": ["-", "true", "false", "null", "-|null"],
}
POLICIES = [HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.FIRST, HitPolicy.PRIORITY]


def found(validation: Validation, kind: FindingKind) -> list[tuple[str, ...]]:
    return [finding.rows for finding in validation.findings if finding.kind is kind]


def every_input(*, with_missing: bool) -> list[dict[str, Any]]:
    points = itertools.product(*VALUES.values())
    inputs = [dict(zip(VALUES, point, strict=True)) for point in points]
    return [one for one in inputs if with_missing or None not in one.values()]


def as_values(counter_example: dict[str, str], table: DecisionTable) -> dict[str, Any]:
    return {
        column.name: None
        if counter_example[column.name] == "null"
        else column.domain.literal(counter_example[column.name])
        for column in table.inputs
    }


@st.composite
def tables(draw: st.DrawFn) -> DecisionTable:
    row = st.tuples(*(st.sampled_from(CELLS[name]) for name in COLUMNS), st.sampled_from(["1", "2", "3"]))
    policy = draw(st.sampled_from(POLICIES))
    rows = draw(st.lists(row, min_size=1, max_size=5))
    return sample_table(COLUMNS, rows, policy=policy, outputs=[output_column("bp", ranking=[3, 2, 1])])


@settings(max_examples=150, deadline=None)
@given(tables())
def test_every_finding_is_there_and_none_is_missed(table: DecisionTable) -> None:
    validation = validate(table)
    present = [decide(table, one) for one in every_input(with_missing=False)]
    is_gapped = any(isinstance(one, NotDecided) and one.refused is Refused.NO_ROW for one in present)
    assert bool(found(validation, FindingKind.GAP)) == is_gapped
    is_quarrelling = any(isinstance(one, NotDecided) and one.refused is Refused.CONFLICT for one in present)
    if is_quarrelling:
        assert found(validation, FindingKind.OVERLAP)
    answers = [decide(table, one) for one in every_input(with_missing=True)]
    if table.hit_policy in {HitPolicy.FIRST, HitPolicy.PRIORITY}:
        answering = {one.outcomes[0].row_id for one in answers if isinstance(one, Decision)}
        dead = {row for rows in found(validation, FindingKind.DEAD_ROW) for row in rows}
        assert dead & answering == set()
        if table.hit_policy is HitPolicy.FIRST:
            assert {row.id for row in table.rows} - dead == answering
    for finding in validation.findings:
        if finding.kind is FindingKind.GAP:
            shown = decide(table, as_values(finding.counter_example, table))
            assert isinstance(shown, NotDecided)
            assert shown.refused is Refused.NO_ROW
        if finding.kind is FindingKind.UNDECIDED_WHEN_MISSING:
            assert isinstance(decide(table, as_values(finding.counter_example, table)), NotDecided)
        if finding.kind is FindingKind.OVERLAP:
            inputs = as_values(finding.counter_example, table)
            tried = {one.row_id: one.state for one in decide(table, inputs).tried}
            assert [tried[row] for row in finding.rows] == ["hit", "hit"]


def test_a_gap_at_one_point_between_two_intervals_is_found() -> None:
    table = sample_table({"x": "number[0..1] ratio"}, [("<0.3", "1"), (">0.3", "2")])
    validation = validate(table)
    assert [one.counter_example for one in validation.findings if one.kind is FindingKind.GAP] == [{"x": "0.3"}]
    assert not validation.may_be_published
    assert validate(sample_table({"x": "number[0..1] ratio"}, [("<0.3", "1"), (">=0.3", "2")])).may_be_published


def test_a_guard_for_the_missing_value_at_the_end_is_a_dead_row() -> None:
    table = sample_table({"dq": "whole[1..5] count"}, [(">=3", "0"), ("<3", "-30"), ("null", "0")])
    assert found(validate(table), FindingKind.DEAD_ROW) == [("R3",)]
    first = sample_table({"dq": "whole[1..5] count"}, [("null", "0"), (">=3", "0"), ("<3", "-30")])
    assert validate(first).findings == ()


def test_a_row_covered_by_several_together_is_dead() -> None:
    rows = [("<3", "-", "1"), (">=3", "true", "2"), (">=3", "false", "3"), ("-", "-", "4")]
    table = sample_table({"x": "whole[1..5] count", "f": "boolean"}, rows)
    assert found(validate(table), FindingKind.DEAD_ROW) == [("R4",)]


def test_overlaps_that_disagree_are_named_with_an_input() -> None:
    rows = [("<=0.5", "1"), (">=0.5", "2")]
    unique = validate(sample_table({"x": "number[0..1] ratio"}, rows, policy=HitPolicy.UNIQUE))
    overlap = next(one for one in unique.findings if one.kind is FindingKind.OVERLAP)
    assert (overlap.rows, overlap.counter_example) == (("R1", "R2"), {"x": "0.5"})
    agreeing = validate(
        sample_table({"x": "number[0..1] ratio"}, [("<=0.5", "1"), (">=0.5", "1")], policy=HitPolicy.ANY)
    )
    assert agreeing.may_be_published


def test_what_the_table_cannot_do_without_is_said_and_forbids_nothing() -> None:
    table = sample_table(
        {"dq": "whole[1..5] count", "c": "code{A,B}"}, [(">=3", "-", "0"), ("-", "A", "-30"), ("-", "B", "5")]
    )
    validation = validate(table)
    undecided = [one.counter_example for one in validation.findings]
    assert undecided == [{"dq": "null", "c": "A"}, {"dq": "1", "c": "null"}]
    assert validation.may_be_published


def test_a_search_that_is_cut_off_proves_nothing() -> None:
    columns = {f"x{place}": "whole[1..9] count" for place in range(8)}
    rows = [(*("!=5" if place == column else "-" for column in range(8)), str(place)) for place in range(8)]
    assert found(validate(sample_table(columns, rows)), FindingKind.GAP) == [()]
    cut = validate(sample_table(columns, rows), nodes_max=3)
    assert found(cut, FindingKind.NOT_PROVEN) == [()]
    assert not cut.may_be_published


@pytest.mark.parametrize("policy", [HitPolicy.COLLECT, HitPolicy.RULE_ORDER, HitPolicy.COLLECT_COUNT])
def test_lists_may_be_empty(policy: HitPolicy) -> None:
    assert validate(sample_table({"f": "boolean"}, [("true", "1")], policy=policy)).may_be_published


def test_codes_are_shown_by_name() -> None:
    outputs = [output_column("result", OutputKind.CODE)]
    validation = validate(sample_table({"c": "code{重点,一般}"}, [("重点", "A")], outputs=outputs))
    assert validation.findings[0].counter_example == {"c": "一般"}
