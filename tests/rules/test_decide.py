"""Deciding by a table: hit policies, what is missing, and the trace; expected answers worked by hand."""

import json
import os
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decide import Decision, MissingInput, NotDecided, Outcome, RowState, RowTried, decide
from carbonfin.rules.decision_record import DecisionWriter
from carbonfin.rules.domains import MissingReason
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from tests.rules.samples import SAMPLE, output_column, sample_table

SHARED = Path(os.environ.get("CARBONFIN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))
GRADES = {"rating": "code{A,B,C}", "dq": "whole[1..5] count"}
GUARDED = sample_table(
    GRADES, [("-", ">=5", "0"), ("A", "<=2", "-30"), ("A", "-", "-20"), ("B", "-", "-5"), ("C", "-", "10")]
)


def rows_of(table: DecisionTable, inputs: dict[str, Any]) -> list[str]:
    """Give the rows that answer, by the interpreter and by the compiled table, which must say the same."""
    answer = decide(table, inputs)
    assert compile_python(table).decide(inputs) == answer
    settled = compile_python(table).settle(*(inputs.get(column.name) for column in table.inputs))
    if isinstance(answer, NotDecided):
        assert settled.refused is answer.refused
        return [f"{answer.refused}: {','.join(answer.rows)}"]
    assert [table.rows[place].id for place in settled.rows] == [outcome.row_id for outcome in answer.outcomes]
    return [outcome.row_id for outcome in answer.outcomes]


@pytest.mark.parametrize(
    ("inputs", "rows"),
    [
        ({"rating": "A", "dq": 1}, ["R2"]), ({"rating": "A", "dq": 3}, ["R3"]), ({"rating": "A", "dq": 5}, ["R1"]),
        ({"rating": "C", "dq": 5}, ["R1"]),
        # The guard row hangs on the data quality that is missing: no cheaper rate without it.
        ({"rating": "A"}, ["missing_input: R1"]), ({"rating": "A", "dq": float("nan")}, ["missing_input: R1"]),
        ({"rating": "A", "dq": "1"}, ["missing_input: R1"]), ({"rating": "A", "dq": True}, ["missing_input: R1"]),
        ({"rating": "A", "dq": 6}, ["missing_input: R1"]), ({"rating": "a", "dq": 1}, ["missing_input: R2"]),
        # Whatever the rating is, the guard row comes first.
        ({"dq": 5}, ["R1"]), ({}, ["missing_input: R1"]),
    ],
)  # fmt: skip
def test_the_first_row_answers_unless_it_hangs_on_what_is_missing(inputs: dict[str, Any], rows: list[str]) -> None:
    assert rows_of(GUARDED, inputs) == rows


def test_a_row_for_the_missing_value_answers_where_it_stands_first() -> None:
    table = sample_table(GRADES, [("-|null", "null", "0"), ("A", "-", "-20"), ("B,C", "-", "5")])
    assert rows_of(table, {"rating": "A"}) == ["R1"]
    assert rows_of(table, {}) == ["R1"]
    assert rows_of(table, {"rating": "A", "dq": 3}) == ["R2"]
    last = sample_table(GRADES, [("A", ">=3", "-20"), ("A", "<3", "-30"), ("A", "null", "0")])
    assert rows_of(last, {"rating": "A"}) == ["missing_input: R1"], "an earlier row may be the right one"


def test_a_row_that_takes_every_value_needs_no_value() -> None:
    table = sample_table(GRADES, [("A", "-", "-20"), ("B", "1,2,3,4,5", "-5"), ("C", ">=3", "10"), ("C", "-", "5")])
    assert rows_of(table, {"rating": "A"}) == ["R1"]
    assert rows_of(table, {"rating": "B"}) == ["R2"]
    assert rows_of(table, {"rating": "C"}) == ["missing_input: R3"]
    answer = decide(table, {"rating": "A"})
    assert isinstance(answer, Decision)
    assert [one.name for one in answer.missing] == ["dq"], "what made no difference is still named"


def test_no_row_and_the_trace_say_why() -> None:
    table = sample_table(GRADES, [("A", ">=3", "-20"), ("B", "<3", "-5")])
    answer = decide(table, {"rating": "A", "dq": 2})
    assert isinstance(answer, NotDecided)
    assert answer.refused is Refused.NO_ROW
    assert [(row.row_id, row.state, row.failed_column, row.cell) for row in answer.tried] == [
        ("R1", RowState.FAILED, "dq", ">=3"), ("R2", RowState.FAILED, "rating", "B"),
    ]  # fmt: skip
    assert rows_of(table, {"rating": "C"}) == ["no_row: "], "no value of the missing input would help"
    unknown = decide(table, {"dq": 4})
    assert isinstance(unknown, NotDecided)
    assert [(row.state, row.unknown_columns) for row in unknown.tried] == [
        (RowState.UNKNOWN, ("rating",)), (RowState.FAILED, ()),
    ]  # fmt: skip


def test_an_answer_carries_table_row_clause_and_what_became_of_every_row() -> None:
    outputs = [output_column("bp"), output_column("reason", OutputKind.CODE)]
    table = sample_table(GRADES, [("B", "-", "5", "poor"), ("A", "-|null", "-20", "good"), ("-", "<3", "0", "other")],
                         outputs=outputs)  # fmt: skip
    assert decide(table, {"rating": "A", "dq": 6}) == Decision(
        table="sample.table", table_digest=table.digest,
        outcomes=(Outcome(row_id="R2", place=1, outputs=(-20, "good"), clause=SAMPLE),), total=None,
        missing=(MissingInput(name="dq", reason=MissingReason.OUT_OF_DOMAIN),),
        tried=(
            RowTried(row_id="R1", state=RowState.FAILED, failed_column="rating", cell="B"),
            RowTried(row_id="R2", state=RowState.HIT),
            RowTried(row_id="R3", state=RowState.UNKNOWN, unknown_columns=("dq",)),
        ),
    )  # fmt: skip


def test_no_answer_carries_what_is_missing_and_which_rows_hang_on_it() -> None:
    columns = {"a": "boolean", "b": "boolean", "c": "code{A,B}"}
    table = sample_table(columns, [("false", "-", "A", "1"), ("true", "-|null", "-", "2"), ("-", "true", "A", "3")])
    assert decide(table, {"c": "a"}) == NotDecided(
        table="sample.table", table_digest=table.digest, refused=Refused.MISSING_INPUT, rows=("R1",),
        missing=(
            MissingInput(name="a", reason=MissingReason.ABSENT), MissingInput(name="b", reason=MissingReason.ABSENT),
            MissingInput(name="c", reason=MissingReason.UNKNOWN_CODE),
        ),
        tried=(
            RowTried(row_id="R1", state=RowState.UNKNOWN, unknown_columns=("a", "b", "c")),
            RowTried(row_id="R2", state=RowState.UNKNOWN, unknown_columns=("a", "c")),
            RowTried(row_id="R3", state=RowState.UNKNOWN, unknown_columns=("a", "b", "c")),
        ),
    )  # fmt: skip


def test_states_and_refusals_have_the_names_that_records_keep() -> None:
    assert [*RowState] == ["hit", "failed", "unknown"]
    assert [*Refused] == ["missing_input", "no_row", "conflict"]
    assert [*MissingReason] == [
        "absent", "not_a_number", "wrong_type", "wrong_unit", "out_of_domain", "unknown_code", "too_many_digits",
    ]  # fmt: skip


UNIQUE = {"x": "number[0..10] ratio", "flag": "boolean"}


@pytest.mark.parametrize(
    ("rows", "inputs", "answer"),
    [
        ([("<5", "-", "1"), (">=5", "-", "2")], {"x": 4, "flag": True}, ["R1"]),
        ([("<5", "-", "1"), (">=5", "-", "2")], {"x": 5}, ["R2"]),
        ([("<5", "-", "1"), (">=5", "-", "2")], {"flag": True}, ["missing_input: R1,R2"]),
        ([("<=5", "-", "1"), (">=5", "-", "2")], {"x": 5, "flag": True}, ["conflict: R1,R2"]),
        ([("<5", "-", "1"), (">=5", "-", "2"), ("null", "-|null", "3")], {"flag": True}, ["R3"]),
        ([("<5", "-", "1"), (">=5", "-", "2"), ("-|null", "false", "3")], {"flag": False}, ["missing_input: R1,R2,R3"]),
        # A row that speaks of the missing value sets others aside only where it hits itself.
        ([("<5", "-", "1"), ("null", "true", "2")], {"flag": False}, ["missing_input: R1"]),
        ([("<5", "-", "1"), ("null", "true", "2")], {}, ["missing_input: R1,R2"]),
        ([("<5", "-", "1"), ("null", "true", "2")], {"flag": True}, ["R2"]),
        # Rows set aside bring none in that fail elsewhere.
        ([("<5", "-", "1"), ("null", "-|null", "2"), ("-|null", "false", "3")], {"flag": True}, ["R2"]),
        # Two rows that hold whatever x is are a conflict; where one of two is not certain, x may end it.
        ([("-|null", "-", "1"), ("-|null", "-", "2")], {"flag": True}, ["conflict: R1,R2"]),
        ([("<5", "-", "1"), ("-|null", "-", "2")], {"flag": True}, ["missing_input: R1,R2"]),
        ([("-|null", "-", "1"), ("<5", "-", "2")], {"flag": True}, ["missing_input: R1,R2"]),
    ],
)  # fmt: skip
def test_unique_tables(rows: list[tuple[str, ...]], inputs: dict[str, Any], answer: list[str]) -> None:
    assert rows_of(sample_table(UNIQUE, rows, policy=HitPolicy.UNIQUE), inputs) == answer


@pytest.mark.parametrize("policy", [one for one in HitPolicy if not one.is_single])
def test_collecting_tables_answer_with_no_unknown_row_whatever_else_hits(policy: HitPolicy) -> None:
    """R1 hangs on the missing x, and that R2 names the missing value does not settle R1."""
    outputs = [output_column("bp", ranking=[20, 0])]
    table = sample_table(UNIQUE, [(">5", "true", "20"), ("null", "-", "0")], policy=policy, outputs=outputs)
    assert rows_of(table, {"flag": True}) == ["missing_input: R1"]
    assert rows_of(table, {"flag": False}) == ["R2"], "R1 fails on the flag, whatever x is"
    assert rows_of(table, {"x": 7, "flag": True}) == ["R1"]
    answer = decide(table, {"flag": True})
    assert isinstance(answer, NotDecided)
    assert [one.name for one in answer.missing] == ["x"]


def test_a_code_is_its_characters_whatever_kind_of_text_carries_them() -> None:
    class Grade(str, Enum):  # noqa: UP042 - of this older kind `str` gives the name and not the characters
        A = "A"

    table = sample_table({"grade": "code{A,B}"}, [("A", "0"), ("-", "-30")])
    assert rows_of(table, {"grade": Grade.A}) == ["R1"]
    said = decide(table, {"grade": "A"})
    plain, carried = (DecisionWriter(table).text({"grade": value}, said) for value in ("A", Grade.A))
    assert plain == carried


def test_any_needs_agreement_and_one_row_that_is_certain() -> None:
    table = sample_table(UNIQUE, [("<=5", "-", "1"), (">=5", "-", "1"), ("-", "true", "2")], policy=HitPolicy.ANY)
    assert rows_of(table, {"x": 5, "flag": False}) == ["R1"]
    assert rows_of(table, {"x": 4, "flag": True}) == ["conflict: R1,R3"]
    assert rows_of(table, {"x": 4}) == ["missing_input: R1,R3"]
    assert rows_of(table, {"flag": False}) == ["missing_input: R1,R2"]
    assert rows_of(table, {"x": 4, "flag": False}) == ["R1"]


def test_priority_takes_the_best_ranked_row_if_it_is_certain() -> None:
    outputs = [output_column("grade", OutputKind.CODE, ["refuse", "review", "accept"])]
    rows = [("-", "-", "accept"), (">=8", "-", "review"), ("-", "true", "refuse")]
    table = sample_table(UNIQUE, rows, policy=HitPolicy.PRIORITY, outputs=outputs)
    assert rows_of(table, {"x": 1, "flag": False}) == ["R1"]
    assert rows_of(table, {"x": 9, "flag": False}) == ["R2"]
    assert rows_of(table, {"x": 9, "flag": True}) == ["R3"]
    assert rows_of(table, {"x": 9}) == ["missing_input: R3,R2,R1"]
    assert rows_of(table, {"flag": True}) == ["R3"], "nothing ranks higher, whatever x is"


@pytest.mark.parametrize(
    ("policy", "rows", "total"),
    [
        (HitPolicy.RULE_ORDER, ["R1", "R2"], None), (HitPolicy.OUTPUT_ORDER, ["R2", "R1"], None), (HitPolicy.COLLECT, ["R1", "R2"], None),
        (HitPolicy.COLLECT_SUM, ["R1", "R2"], 7), (HitPolicy.COLLECT_MIN, ["R1", "R2"], -5),
        (HitPolicy.COLLECT_MAX, ["R1", "R2"], 12), (HitPolicy.COLLECT_COUNT, ["R1", "R2"], 2),
    ],
)  # fmt: skip
def test_collecting_policies(policy: HitPolicy, rows: list[str], total: int | None) -> None:
    outputs = [output_column("bp", ranking=[12, -5, 3])]
    table = sample_table(
        UNIQUE, [("<5", "-", "-5"), ("-", "true", "12"), (">=5", "-", "3")], policy=policy, outputs=outputs
    )
    assert rows_of(table, {"x": 1, "flag": True}) == rows
    answer = decide(table, {"x": 1, "flag": True})
    assert isinstance(answer, Decision)
    assert answer.total == total
    assert rows_of(table, {"x": 1}) == ["missing_input: R1,R2"]


def test_nothing_collected_is_an_empty_list_but_no_number() -> None:
    rows = [("<5", "-", "-5")]
    assert rows_of(sample_table(UNIQUE, rows, policy=HitPolicy.COLLECT), {"x": 6, "flag": True}) == []
    assert rows_of(sample_table(UNIQUE, rows, policy=HitPolicy.COLLECT_SUM), {"x": 6, "flag": True}) == ["no_row: "]
    count = decide(sample_table(UNIQUE, rows, policy=HitPolicy.COLLECT_COUNT), {"x": 6, "flag": True})
    assert isinstance(count, Decision)
    assert count.output == 0


def test_rows_that_are_collected_hang_on_every_missing_input() -> None:
    table = sample_table(UNIQUE, [("<5", "-|null", "1"), ("-|null", "true", "2")], policy=HitPolicy.RULE_ORDER)
    assert rows_of(table, {}) == ["missing_input: R1,R2"]
    assert rows_of(table, {"x": 4}) == ["missing_input: R2"]
    assert rows_of(table, {"flag": False}) == ["missing_input: R1"]
    assert rows_of(table, {"flag": False, "x": 6}) == []


def test_exact_sums_of_ratios() -> None:
    outputs = [output_column("add_on_ratio", OutputKind.RATIO)]
    rows = [("-", "-", "0.1"), ("-", "true", "0.2")]
    answer = decide(sample_table(UNIQUE, rows, policy=HitPolicy.COLLECT_SUM, outputs=outputs), {"x": 1, "flag": True})
    assert isinstance(answer, Decision)
    assert answer.total == Decimal("0.3")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -1.0, 10.5, "5", b"5", [], {}, object(), True, 10**400, Decimal("sNaN")]
)
def test_no_value_makes_the_table_raise_or_pass_by(value: object) -> None:
    table = sample_table(UNIQUE, [("<5", "-", "1"), ("-", "-", "2")])
    assert rows_of(table, {"x": value, "flag": True}) == ["missing_input: R1"]


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ({"x": "number[0..1] ratio"}, [("2", "1")], "row R1, column x"), ({"x": "number[0..1] ratio"}, [("-", "1.5")], "no whole bp"),
        ({"x": "boolean"}, [], "inputs, outputs and rows"), ({"x": "boolean"}, [("true",)], "a cell for each column"),
        ({"bp": "boolean"}, [("true", "1")], "stands twice"), ({"a-b": "boolean"}, [("true", "1")], "column names"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(columns: dict[str, str], rows: list[tuple[str, ...]], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        sample_table(columns, rows)


def test_digests_name_what_a_table_says() -> None:
    rows = [("A", ">=3", "-20"), ("B", "<3", "-5")]
    same, blanks = sample_table(GRADES, rows), sample_table(GRADES, [("A", " >=3 ", "-20"), ("B", "<3", "-5")])
    other = sample_table(GRADES, [("A", ">=3", "-21"), ("B", "<3", "-5")])
    assert same.digest == sample_table(GRADES, rows).digest == blanks.digest != other.digest


@pytest.mark.skipif(not (SHARED / "loans").is_dir(), reason="the shared vectors are not at hand")
def test_a_thousand_cases_that_nine_engines_agree_on() -> None:
    content = json.loads((SHARED / "loans" / "loans_decision_table.json").read_text())
    columns = {
        "rating": "code{A,B,C,D,E}", "pct": "number[0..1] ratio", "yoy": "number[-10..10] ratio",
        "gap": "number[-10..10] ratio", "dq": "whole[1..5] count",
    }  # fmt: skip
    rows = [
        (*(_cell(row["when"].get(name)) for name in columns), str(row["bp"]), row["reason"]) for row in content["rows"]
    ]
    table = sample_table(columns, rows, outputs=[output_column("bp"), output_column("reason", OutputKind.CODE)])
    compiled = compile_python(table)
    for case in content["cases"]:
        answer = compiled.decide(case)
        assert isinstance(answer, Decision)
        assert answer.outcomes[0].outputs == (case["bp"], case["reason"])
        assert decide(table, case) == answer


def _cell(asked: list[Any] | None) -> str:
    if asked is None:
        return "-"
    return str(asked[1]) if asked[0] == "==" else f"{asked[0]} {asked[1]}"
