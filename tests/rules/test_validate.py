"""The validator against every input there is: on small domains a gap, an overlap or a dead row can be looked up one by one."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.rules.decide import Decision, NotDecided, decide
from carbonfin.rules.parameters import Grade
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import Clause, DecisionTable, HitPolicy, OutputKind
from carbonfin.rules.validate import Finding, FindingKind, Validation, validate
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
def tables(draw: st.DrawFn, policies: list[HitPolicy] = POLICIES) -> DecisionTable:
    row = st.tuples(*(st.sampled_from(CELLS[name]) for name in COLUMNS), st.sampled_from(["1", "2", "3"]))
    policy = draw(st.sampled_from(policies))
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
    assert found(cut, FindingKind.NOT_PROVEN) == [(), ()], "neither gaps nor what may be missing"
    assert not cut.may_be_published


@pytest.mark.parametrize("policy", [HitPolicy.COLLECT, HitPolicy.RULE_ORDER, HitPolicy.COLLECT_COUNT])
def test_lists_may_be_empty(policy: HitPolicy) -> None:
    assert validate(sample_table({"f": "boolean"}, [("true", "1")], policy=policy)).may_be_published


def test_codes_are_shown_by_name() -> None:
    outputs = [output_column("result", OutputKind.CODE)]
    validation = validate(sample_table({"c": "code{重点,一般}"}, [("重点", "A")], outputs=outputs))
    assert validation.findings[0].counter_example == {"c": "一般"}


def undecided(column: str, counter_example: dict[str, str]) -> Finding:
    return Finding(
        kind=FindingKind.UNDECIDED_WHEN_MISSING, rows=(), counter_example=counter_example,
        zh=f"缺少“{column}”时，此类输入不作决定", en=f"without {column} such an input is not decided", is_fatal=False,
    )  # fmt: skip


def gap(counter_example: dict[str, str]) -> Finding:
    return Finding(
        kind=FindingKind.GAP, rows=(), counter_example=counter_example,
        zh="存在没有任何规则行适用的输入", en="there are inputs that no row takes",
    )  # fmt: skip


def test_rows_that_nothing_of_the_domain_fits_are_named_once_each() -> None:
    columns = {"x": "whole[1..5] count", "y": "whole[1..5] count"}
    table = sample_table(columns, [(">5", ">5", "1"), ("-", "-", "2"), ("-", "<1", "3"), ("<1|null", "-", "4")])
    first = Finding(
        kind=FindingKind.DEAD_ROW, rows=("R1",), counter_example={"x": ">5"},
        zh="规则行 R1 永不命中：列 x 的“>5”在取值范围内没有值", en="row R1 never hits: nothing of x is '>5'",
    )  # fmt: skip
    third = Finding(
        kind=FindingKind.DEAD_ROW, rows=("R3",), counter_example={"y": "<1"},
        zh="规则行 R3 永不命中：列 y 的“<1”在取值范围内没有值", en="row R3 never hits: nothing of y is '<1'",
    )  # fmt: skip
    shadowed = Finding(
        kind=FindingKind.DEAD_ROW, rows=("R4",), counter_example={"x": "null", "y": "1"},
        zh="规则行 R4 永不给出答案：凡符合它的输入，都先由 R1、R2、R3 处理",
        en="row R4 never answers: whatever it takes, R1, R2, R3 come first",
    )  # fmt: skip
    # With both missing row 1 fails on nothing that is there: what it takes is not asked where a value is missing.
    together = Finding(
        kind=FindingKind.UNDECIDED_WHEN_MISSING, rows=(), counter_example={"x": "null", "y": "null"},
        zh="同时缺少“x”、“y”时，此类输入不作决定", en="without x and y such an input is not decided", is_fatal=False,
    )  # fmt: skip
    assert validate(table).findings == (first, third, shadowed, together)


def test_rows_that_hit_together_are_named_in_both_languages() -> None:
    words = {
        "zh": "规则行 R1 与 R2 会同时命中，而命中策略不允许", "en": "rows R1 and R2 hit together, which unique forbids",
    }  # fmt: skip
    columns = {"x": "number[0..1] ratio", "f": "boolean"}
    both = sample_table(columns, [("<=0.5", "-|null", "1"), (">=0.5", "false|null", "2")], policy=HitPolicy.UNIQUE)
    overlap = Finding(kind=FindingKind.OVERLAP, rows=("R1", "R2"), counter_example={"x": "0.5", "f": "false"}, **words)
    assert validate(both).findings[0] == overlap
    missing = sample_table(columns, [("null", "null", "1"), ("null", "-|null", "2")], policy=HitPolicy.UNIQUE)
    without = Finding(kind=FindingKind.OVERLAP, rows=("R1", "R2"), counter_example={"x": "null", "f": "null"}, **words)
    assert validate(missing).findings[0] == without
    apart = sample_table(columns, [("<=0.5", "true", "1"), (">=0.5", "false", "2")], policy=HitPolicy.UNIQUE)
    assert found(validate(apart), FindingKind.OVERLAP) == []
    three = [("<=0.5", "-", "1"), (">0.5", "-", "2"), ("-", "true", "3")]
    pairs = found(validate(sample_table(columns, three, policy=HitPolicy.UNIQUE)), FindingKind.OVERLAP)
    assert pairs == [("R1", "R3"), ("R2", "R3")]


def test_which_rows_may_hit_together_depends_on_the_policy() -> None:
    outputs = [output_column("grade", OutputKind.CODE, ["refuse", "accept"]), output_column("bp")]
    rows = [("-", "accept", "1"), ("-", "accept", "2"), ("-", "refuse", "1"), ("-", "accept", "1")]

    def overlaps(policy: HitPolicy) -> list[tuple[str, ...]]:
        return found(
            validate(sample_table({"f": "boolean"}, rows, policy=policy, outputs=outputs)), FindingKind.OVERLAP
        )

    equal, unequal = [("R1", "R2"), ("R2", "R4")], [("R1", "R3"), ("R2", "R3"), ("R3", "R4")]
    assert overlaps(HitPolicy.PRIORITY) == equal, "equal ranks with unequal answers"
    assert sorted(overlaps(HitPolicy.ANY)) == sorted([*equal, *unequal])
    assert sorted(overlaps(HitPolicy.UNIQUE)) == sorted([*equal, *unequal, ("R1", "R4")])
    assert overlaps(HitPolicy.FIRST) == overlaps(HitPolicy.COLLECT) == overlaps(HitPolicy.OUTPUT_ORDER) == []


@pytest.mark.parametrize(
    ("domain", "cells", "value"),
    [
        # The first value that no row takes: a cut, the middle between two of them, or one step beyond the last.
        ("number[0..1] ratio", ["<0.3", ">0.5"], "0.3"), ("number[0..1] ratio", ["<=0.3", ">0.5"], "0.4"),
        ("number[0..1] ratio", ["<=0.5"], "0.75"), ("number[0..1] ratio", [">=0.5"], "0"), ("number[0..1] ratio", ["(0..1]"], "0"),
        ("number[0..1] ratio", ["[0..1)"], "1"), ("number[0..1] ratio", ["null"], "0"), ("number[-8..-4] t", ["-8, -4"], "-6"),
        ("number[..] CNY", [">=0"], "-1"), ("number[..] CNY", ["<=0"], "1"), ("number[..] CNY", ["null"], "0"),
        ("number[..] CNY", [">=4"], "3"), ("number[..] CNY", ["<=4"], "5"), ("number[5..] CNY", ["null"], "5"), ("number[..5] CNY", ["5"], "4"),
        ("number[..] CNY", ["<=100000000000000000"], "100000000000000020"), ("number[..] CNY", [">=-100000000000000000"], "-100000000000000020"),
        ("whole[1..9] count", ["<=2", ">=5"], "3"), ("whole[1..9] count", ["<=2", ">=4"], "3"), ("whole[1..9] count", ["<=2", ">=3"], None),
        ("whole[..] count", ["<=10000000000000000"], "10000000000000002"), ("whole[..] count", [">=7"], "6"), ("whole[..] count", ["<=7"], "8"),
        ("whole[1..2] count", ["1"], "2"), ("whole[1..2] count", ["1", "2"], None),
        ("date[..]", ["<=2024-02-28", ">=2024-03-01"], "2024-02-29"), ("date[..]", ["<=2024-12-31"], "2025-01-01"),
        ("date[..]", [">=2024-01-01"], "2023-12-31"), ("date[..]", ["null"], "2025-01-01"), ("date[..]", ["<=2024-02-28", ">2024-02-28"], None),
        ("date[..]", ["<=9999-12-31"], None), ("date[..]", ["<9999-12-31"], "9999-12-31"), ("date[..]", [">0001-01-01"], "0001-01-01"),
        ("date[2024-01-01..2024-12-31]", ["!=2024-06-30"], "2024-06-30"), ("date[2024-01-01..]", ["!=2024-06-30"], "2024-06-30"),
        ("date[2024-01-01..2024-01-03]", ["2024-01-01, 2024-01-03"], "2024-01-02"), ("date[2024-01-01..2024-01-02]", ["2024-01-01, 2024-01-02"], None),
        ("boolean", ["true"], "false"), ("boolean", ["false"], "true"), ("boolean", ["null"], "true"), ("code{A,B,C}", ["!=B"], "B"), ("code{A,B}", ["null"], "A"),
    ],
)  # fmt: skip
def test_gaps_are_shown_by_the_first_value_that_no_row_takes(domain: str, cells: list[str], value: str | None) -> None:
    table = sample_table({"x": domain}, [(cell, "1") for cell in cells], policy=HitPolicy.COLLECT_MIN)
    gaps = [one for one in validate(table).findings if one.kind is FindingKind.GAP]
    assert gaps == ([] if value is None else [gap({"x": value})])


@pytest.mark.parametrize(
    ("policy", "is_gapped"),
    [
        (policy, policy not in {HitPolicy.RULE_ORDER, HitPolicy.OUTPUT_ORDER, HitPolicy.COLLECT, HitPolicy.COLLECT_COUNT})
        for policy in HitPolicy
    ],
)  # fmt: skip
def test_a_gap_is_one_unless_the_answer_may_be_empty(policy: HitPolicy, *, is_gapped: bool) -> None:
    table = sample_table({"f": "boolean"}, [("true", "1")], policy=policy, outputs=[output_column("bp", ranking=[1])])
    assert validate(table).may_be_published is not is_gapped


def test_rows_that_others_always_come_before_are_named_with_those() -> None:
    table = sample_table({"x": "whole[1..5] count"}, [("<3", "1"), (">=3", "2"), ("[2..4]", "3")])
    dead = Finding(
        kind=FindingKind.DEAD_ROW, rows=("R3",), counter_example={"x": "2"},
        zh="规则行 R3 永不给出答案：凡符合它的输入，都先由 R1、R2 处理",
        en="row R3 never answers: whatever it takes, R1, R2 come first",
    )  # fmt: skip
    assert validate(table).findings == (dead, undecided("x", {"x": "null"}))


def test_under_priority_the_better_ranked_row_comes_first_wherever_it_stands() -> None:
    outputs = [output_column("grade", OutputKind.CODE, ["refuse", "review", "accept"])]
    columns = {"x": "whole[1..5] count", "f": "boolean"}

    def dead(*rows: tuple[str, ...]) -> list[tuple[str, ...]]:
        table = sample_table(columns, rows, policy=HitPolicy.PRIORITY, outputs=outputs)
        return found(validate(table), FindingKind.DEAD_ROW)

    assert dead(("-", "true", "accept"), ("-", "-", "refuse")) == [("R1",)]
    assert dead(("-", "-", "accept"), ("-", "true", "refuse")) == []
    assert dead(("-", "true", "refuse"), ("-", "false", "review"), ("<3", "-", "accept")) == [("R3",)]
    # Where x is missing a row that speaks of that sets the better ranked one aside.
    assert dead(("null", "-", "accept"), ("-", "-", "refuse")) == []
    assert dead(("null", "-", "accept"), ("-|null", "-", "refuse")) == [("R1",)]
    reasons = [one.en for one in validate(
        sample_table(columns, [("-", "-", "accept"), ("-", "true", "refuse"), ("-", "false", "review")],
                     policy=HitPolicy.PRIORITY, outputs=outputs)).findings]  # fmt: skip
    assert reasons[0] == "row R1 never answers: whatever it takes, R2, R3 come first"


def test_under_the_other_policies_no_row_comes_before_another() -> None:
    for policy in set(HitPolicy) - {HitPolicy.FIRST, HitPolicy.PRIORITY}:
        ranked = [output_column("bp", ranking=[1])]
        table = sample_table({"f": "boolean"}, [("-", "1"), ("-", "1")], policy=policy, outputs=ranked)
        assert found(validate(table), FindingKind.DEAD_ROW) == []


def test_pieces_are_counted_and_the_bound_is_itself_allowed() -> None:
    # One look for the gap; one for what comes before R2, which is nothing where x lies above 0.3.
    table = sample_table({"x": "number[0..1] ratio"}, [("<0.3", "1"), (">0.3", "2")])
    findings = (gap({"x": "0.3"}), undecided("x", {"x": "null"}))
    assert validate(table) == Validation(findings=findings, nodes_count=2)
    assert validate(table, nodes_max=2) == Validation(findings=findings, nodes_count=2)
    cut = Finding(
        kind=FindingKind.NOT_PROVEN, rows=(), counter_example={},
        zh="查过 1 个区域仍未得出结论，不能证明没有空缺或失效的行",
        en="not proven after 1 pieces: gaps and dead rows cannot be ruled out",
    )  # fmt: skip
    assert validate(table, nodes_max=1) == Validation(findings=(cut, findings[1]), nodes_count=2)


@pytest.mark.parametrize("cell", ["true", "false"])
def test_the_column_that_tells_rows_apart_is_looked_at_first(cell: str) -> None:
    table = sample_table({"x": "boolean", "y": "boolean"}, [("-", cell, "1")], policy=HitPolicy.COLLECT_SUM)
    validation = validate(table)
    shown = {"x": "true", "y": "false" if cell == "true" else "true"}
    assert [one.counter_example for one in validation.findings if one.kind is FindingKind.GAP] == [shown]
    assert validation.nodes_count == 1, "x first would take two"


def test_the_same_rows_are_not_looked_at_twice() -> None:
    # With b false only R1 and R2 are left, whatever a is: the second time that is known to be no gap.
    rows = [("-", "-", "true", "1"), ("-", "-", "false", "1"), ("true", "true", "-", "1"), ("false", "true", "-", "1")]
    table = sample_table({"a": "boolean", "b": "boolean", "c": "boolean"}, rows, policy=HitPolicy.COLLECT_SUM)
    validation = validate(table)
    assert found(validation, FindingKind.GAP) == []
    assert validation.nodes_count == 4, "five if it were looked at again"


@pytest.mark.parametrize("count", [10, 11, 28])
def test_an_input_it_cannot_do_without_is_found_among_however_many_others(count: int) -> None:
    # Only the last of 2 ** count inputs hangs on x.
    columns = {"x": "boolean", **{f"f{place}": "boolean" for place in range(count)}}
    table = sample_table(columns, [("true", *["false"] * count, "1"), ("-", *["-"] * count, "2")])
    (shown,) = [one for one in validate(table).findings if one.en == "without x such an input is not decided"]
    assert shown.counter_example == {"x": "null", **{f"f{place}": "false" for place in range(count)}}


def test_a_search_for_missing_inputs_that_is_cut_off_proves_nothing_and_names_them() -> None:
    columns = {f"x{place}": "boolean" for place in range(6)}
    table = sample_table(columns, [(*["false"] * 6, "1"), (*["-"] * 6, "2")], policy=HitPolicy.RULE_ORDER)
    cut = validate(table, nodes_max=7)
    unproven = Finding(
        kind=FindingKind.NOT_PROVEN, rows=(), counter_example={},
        zh="查过 7 个区域仍未得出结论，不能证明缺少“x1”、“x2”、“x3”、“x4”、“x5”时是否作决定",
        en="not proven after 7 pieces: whether it decides without x1, x2, x3, x4, x5",
    )  # fmt: skip
    assert cut.findings == (undecided("x0", dict.fromkeys(columns, "true") | {"x0": "null"}), unproven)
    assert not cut.may_be_published
    assert validate(table).may_be_published


@pytest.mark.parametrize("is_cut", [True, False])
def test_inputs_done_without_one_at_a_time_are_looked_at_together(*, is_cut: bool) -> None:
    # Without x row 1 or 2 answers, without y row 3: without both, row 1 holds only where y is true.
    rows = [("null", "true", "1"), ("null", "false", "2"), ("-", "-|null", "3")]
    table = sample_table({"x": "boolean", "y": "boolean"}, rows)
    validation = validate(table, nodes_max=5 if is_cut else 99)
    together = Finding(
        kind=FindingKind.UNDECIDED_WHEN_MISSING, rows=(), counter_example={"x": "null", "y": "null"},
        zh="同时缺少“x”、“y”时，此类输入不作决定", en="without x and y such an input is not decided", is_fatal=False,
    )  # fmt: skip
    unproven = Finding(
        kind=FindingKind.NOT_PROVEN, rows=(), counter_example={},
        zh="查过 5 个区域仍未得出结论，不能证明缺少“x”、“y”时是否作决定",
        en="not proven after 5 pieces: whether it decides without x, y",
    )  # fmt: skip
    assert validation.findings == (unproven if is_cut else together,)
    assert isinstance(decide(table, {"x": None, "y": None}), NotDecided)


def test_a_better_row_that_is_set_aside_settles_nothing() -> None:
    # R1 is best and takes everything that is there; without x R3 sets it aside, and then R2 hangs on y.
    rows = [("-", "-|null", "3"), ("-|null", "true", "2"), ("null", "-|null", "1")]
    outputs = [output_column("bp", ranking=[3, 2, 1])]
    table = sample_table({"x": "boolean", "y": "boolean"}, rows, policy=HitPolicy.PRIORITY, outputs=outputs)
    (said,) = [one for one in validate(table).findings if one.kind is FindingKind.UNDECIDED_WHEN_MISSING]
    assert said.counter_example == {"x": "null", "y": "null"}
    assert isinstance(decide(table, {}), NotDecided)


@settings(max_examples=300, deadline=None)
@given(tables(policies=[*HitPolicy]))
def test_whatever_is_missing_an_input_is_decided_unless_that_is_said(table: DecisionTable) -> None:
    findings = [one for one in validate(table).findings if one.kind is FindingKind.UNDECIDED_WHEN_MISSING]
    told = [{name for name, text in one.counter_example.items() if text == "null"} for one in findings]
    for one in findings:
        assert isinstance(decide(table, as_values(one.counter_example, table)), NotDecided)
    refused = [
        {name for name, value in one.items() if value is None}
        for one in every_input(with_missing=True)
        if isinstance(decide(table, one), NotDecided)
    ]
    alone = [missing for missing in told if len(missing) == 1]
    assert sorted(map(str, alone)) == sorted({str(missing) for missing in refused if len(missing) == 1})
    indispensable = {name for missing in alone for name in missing}
    together = [missing for missing in refused if len(missing) > 1 and not missing & indispensable]
    assert any(len(missing) > 1 for missing in told) == bool(together)


@pytest.mark.parametrize("grade", [*Grade])
def test_words_are_quoted_only_where_the_text_was_at_hand(grade: Grade) -> None:
    clause = Clause(document="示例", quote="原文", grade=grade)
    table = sample_table({"f": "boolean"}, [("-", "1"), ("null", "2")], policy=HitPolicy.UNIQUE)
    rows = (table.rows[0], replace(table.rows[1], clause=clause))
    unread = Finding(
        kind=FindingKind.QUOTE_WITHOUT_TEXT, rows=("R2",), counter_example={},
        zh=f"规则行 R2：等级为 {grade} 时不得填写引文：原文在手方可引用",
        en=f"row R2: quote stands beside grade {grade}: words are quoted only where the text is at hand",
    )  # fmt: skip
    found = validate(replace(table, rows=rows)).findings
    assert found == ((unread,) if grade in {"memory", "unknown"} else ())


def test_findings_have_the_names_that_commands_print() -> None:
    assert [*FindingKind] == [
        "gap", "overlap", "dead_row", "not_proven", "undecided_when_missing", "contract_breach", "unread",
        "days_left_out", "quote_without_text", "days_refused",
    ]  # fmt: skip
