"""Faults planted in each form of a table, one at a time: the comparison of the forms has to see every one of them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from carbonfin.rules import compile_polars, compile_python, compile_sql
from carbonfin.rules.decide import Decider, Decision
from carbonfin.rules.grammar import Cell
from carbonfin.rules.policies import RowSets, Settled
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from tests.rules.backends import Answer, Row, as_answer, frame_of, in_frames, in_sql, interpreted
from tests.rules.samples import output_column, sample_table

COLUMNS = {"x": "number[0..10] ratio", "day": "date[2024-01-01..2024-12-31]", "code": "code{A,B}", "flag": "boolean"}
ROWS = [
    ("[2..5)", "-", "A", "-", "10"), ("(5..8]", ">= 2024-07-01", "-", "true", "20"), ("-", "< 2024-03-01", "B", "-", "30"),
    ("null", "-|null", "-", "-", "40"), ("-", "-", "-|null", "false", "50"), ("<= 2, >= 9", "-", "!= A", "-|null", "60"),
]  # fmt: skip
RANKED = output_column("bp", ranking=(60, 20, 10, 30, 50, 40))
TABLES = [
    sample_table(COLUMNS, ROWS, policy=policy, outputs=[RANKED] if policy.is_ranked else [output_column("bp")])
    for policy in (HitPolicy.FIRST, HitPolicy.PRIORITY, HitPolicy.UNIQUE, HitPolicy.COLLECT_SUM, HitPolicy.COLLECT_MAX)
]
ASKED: list[Row] = [
    {"x": x, "day": day, "code": code, "flag": flag}
    for x, day, code, flag in itertools.product(
        (None, 0.0, 2.0, 4.9, 5.0, 6.0, 8.0, 9.0, 10.0, 11.0),
        (None, date(2024, 2, 29), date(2024, 3, 1), date(2024, 7, 1)),
        (None, "A", "B"),
        (None, True, False),
    )
]


@pytest.fixture(scope="module")
def true() -> list[list[Answer]]:
    """What the tables say, by the form whose text is written apart from all others: SQL, before anything is planted."""
    return [in_duckdb(table) for table in TABLES]


AMOUNTS = [
    ("2", "-", "-", "-", "9007199254740993"), ("-", "-", "A", "-", "9007199254740992"), ("-", "-", "-", "true", "-1"),
    ("-", ">= 2024-07-01", "-", "-", "900719925474099301"),
]  # fmt: skip
"""Amounts in fen beyond 2**53, where a float rounds one fen away."""
FEN_TABLES = [
    sample_table(COLUMNS, AMOUNTS, policy=policy, outputs=[output_column("fen", OutputKind.FEN)])
    for policy in (HitPolicy.COLLECT_SUM, HitPolicy.COLLECT_MAX, HitPolicy.COLLECT_MIN)
]


def in_duckdb(table: DecisionTable) -> list[Answer]:
    with duckdb.connect() as connection:
        return in_sql(table, ASKED, lambda text, values: connection.execute(text, values).fetchall(), "?")


def in_python(table: DecisionTable) -> list[Answer]:
    """Both functions: the one that answers with the trace, and the fast one, which has to say the same."""
    compiled = compile_python.compile_python(table)
    # The second time answers are those that were kept.
    _, said = ([compiled.decide(row) for row in ASKED] for _ in range(2))
    for row, answer in zip(ASKED, said, strict=True):
        settled = compiled.settle(*row.values())
        rows = tuple(one.place for one in answer.outcomes) if isinstance(answer, Decision) else ()
        assert (settled.rows if settled.refused is None else ()) == rows
    return [as_answer(table, answer) for answer in said]


def in_polars(table: DecisionTable) -> list[Answer]:
    return in_frames(table, frame_of(table, ASKED))


def in_interpreter(table: DecisionTable) -> list[Answer]:
    return interpreted(table, ASKED)


def is_seen(
    true: list[list[Answer]], form: Callable[[DecisionTable], list[Answer]], tables: Sequence[DecisionTable] = TABLES
) -> bool:
    """Whether the comparison fails for one of the tables, or a form breaks down."""
    for table, said in zip(tables, true, strict=True):
        try:
            if form(table) != said:
                return True
        except Exception:  # noqa: BLE001 - a form that breaks down was seen as well
            return True
    return False


@pytest.mark.parametrize("form", [in_interpreter, in_python, in_polars, in_duckdb])
def test_without_a_fault_all_forms_say_the_same(
    true: list[list[Answer]], form: Callable[[DecisionTable], list[Answer]]
) -> None:
    assert not is_seen(true, form)
    refusals = {answer[3] for said in true for answer in said}
    assert refusals == {None, "missing_input", "no_row", "conflict"}, "the inputs reach every way to end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what is put in the place of what."""

    name: str
    owner: Any
    attribute: str
    planted: Callable[[Any], Any]


def _fits_open_ends(original: Any) -> Any:
    return lambda cell, value: original(cell, value) and all(value != one.low for one in cell.intervals)


def _unknown_left_out(original: Any) -> Any:
    def try_rows(decider: Decider, values: Any) -> Any:
        possible, tried = original(decider, values)
        hit = tuple(decider.hit[place] if one.unknown_columns else one for place, one in enumerate(tried))
        return possible, hit

    return try_rows


def _last_row_skipped(original: Any) -> Any:
    def try_rows(decider: Decider, values: Any) -> Any:
        possible, tried = original(decider, values)
        return possible & ~(1 << len(tried) - 1), tried

    return try_rows


def _absent_as_nought(original: Any) -> Any:
    def read(decider: Decider, inputs: Any) -> Any:
        values, missing = original(decider, inputs)
        return [0.0 if value is None and place == 0 else value for place, value in enumerate(values)], missing

    return read


def _next_row(original: Any) -> Any:
    def answer(decider: Decider, settled: Settled, *rest: Any) -> Any:
        if settled.refused is None and len(settled.rows) == 1 and decider.table.hit_policy is HitPolicy.FIRST:
            settled = Settled(rows=((settled.rows[0] + 1) % len(decider.table.rows),))
        return original(decider, settled, *rest)

    return answer


INTERPRETER = [
    Fault(name="an end that is inside is left out", owner=Cell, attribute="fits", planted=_fits_open_ends),
    Fault(name="a missing input counts as fitting", owner=Decider, attribute="try_rows", planted=_unknown_left_out),
    Fault(name="the last row is not tried", owner=Decider, attribute="try_rows", planted=_last_row_skipped),
    Fault(name="a missing number is nought", owner=Decider, attribute="read", planted=_absent_as_nought),
    Fault(name="the next row answers", owner=Decider, attribute="answer", planted=_next_row),
    Fault(name="every possible row is certain", owner=RowSets, attribute="certain", planted=lambda _: _possible),
    Fault(name="the last row that hits answers first", owner=RowSets, attribute="_first", planted=lambda _: _last),
]


def _possible(_: RowSets, possible: int, __: int) -> int:
    return possible


def _last(_: RowSets, possible: int, __: int) -> Settled:
    return Settled(rows=(possible.bit_length() - 1,)) if possible else Settled()


PYTHON = [
    ("2.0 <= v0", "2.0 < v0", "== 'A'"), ("v0 < 5.0", "v0 <= 5.0", "== 'A'"), (" and ", " or ", "== 'A'"),
    ("rows = 0", "rows = 1", ""), ("== 'A'", "== 'B'", ""), ("is None", "is False", ""), ("rows |= 2", "rows |= 4", ""),
    ("if not (", "if (", "if not"), ("if not (2.0", "if (2.0", ""), ("v1 < ", "v1 <= ", "pieces = "),
    ("v0), ", "v0 - 0.1), ", "pieces = "), ("v2, ", "", "pieces = "), ("return lacking(inputs)", "pass", ""),
    ("v1 < ", "v1 <= ", "kept["), ("v0), ", "v0 - 0.1), ", "kept["), ("v2, ", "'A', ", "kept["),
    (" <= 10.0", " <= 11.0", " if type("),
    ("v0)), ", "v0 - 0.1)), ", "None if v0 "), ("v1 < ", "v1 <= ", "None if v0 "), ("(v2), ", "('A'), ", "None if v0 "),
    ("None if v0 is None else ", "", "None if v0 "),
]  # fmt: skip
"""What stands, what is put there, and in lines that hold what; each the first time it stands so in the functions."""

SQL = [
    ("BETWEEN", ">", ""), ("<=", "<", ""), ("& ~not_taking", "& not_taking", ""), ("~not_covering", "not_covering", ""),
    ("CASE WHEN missing_0", "CASE WHEN NOT missing_0", ""), ("rows_0 & rows_1", "rows_0 | rows_1", ""),
    ("ELSE CAST(63 AS bigint)", "ELSE CAST(0 AS bigint)", ""), ("kept = 0", "kept <> 0", ""),
    ("'missing_input'", "NULL", ""), ("hanging <> 0", "hanging = 0", ""),
]  # fmt: skip


def planted_text(text: str, old: str, new: str, within: str) -> str:
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if old in line and within in line:
            lines[place] = line.replace(old, new, 1)
            return "".join(lines)
    return text


def _above_for_below(original: Any) -> Any:
    return lambda value, end, *, is_above: original(value, end, is_above=not is_above)


def _missing_as_lowest(original: Any) -> Any:
    return lambda passes, _, weight: original(passes, pl.lit(value=True), weight)


def _one_piece_too_low(original: Any) -> Any:
    return lambda number: original(max(0, number - 1))


def _other_code(original: Any) -> Any:
    return lambda column, value, dtype, weight: original(column, value.replace("A", "B"), dtype, weight)


def _nothing_missing(original: Any) -> Any:
    return lambda table, possible, _: original(table, possible, 0)


def _row_lost(original: Any) -> Any:
    return lambda table, possible, missing: original(table, possible & ~1, missing)


POLARS = [
    Fault(name="above for below a cut", owner=compile_polars, attribute="_passes", planted=_above_for_below),
    Fault(name="a missing number lies lowest", owner=compile_polars, attribute="_passed", planted=_missing_as_lowest),
    Fault(name="one piece too low", owner=compile_polars, attribute="_place", planted=_one_piece_too_low),
    Fault(name="another code", owner=compile_polars, attribute="_code", planted=_other_code),
    Fault(name="nothing is missing", owner=compile_polars.PolarsTable, attribute="_answer", planted=_nothing_missing),
    Fault(name="the first row is lost", owner=compile_polars.PolarsTable, attribute="_answer", planted=_row_lost),
]


@pytest.fixture
def planting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], None]:
    def plant(fault: Fault) -> None:
        monkeypatch.setattr(fault.owner, fault.attribute, fault.planted(getattr(fault.owner, fault.attribute)))

    return plant


@pytest.mark.parametrize("fault", INTERPRETER, ids=lambda fault: fault.name)
def test_each_fault_of_the_interpreter_is_seen(true: list[list[Answer]], planting: Any, fault: Fault) -> None:
    planting(fault)
    assert is_seen(true, in_interpreter)


@pytest.mark.parametrize("fault", POLARS, ids=lambda fault: fault.name)
def test_each_fault_of_the_frames_is_seen(true: list[list[Answer]], planting: Any, fault: Fault) -> None:
    planting(fault)
    assert is_seen(true, in_polars)


@pytest.mark.parametrize(("old", "new", "within"), PYTHON)
def test_each_fault_of_the_python_function_is_seen(
    true: list[list[Answer]], monkeypatch: pytest.MonkeyPatch, old: str, new: str, within: str
) -> None:
    original, changed = compile_python._Writer.source, []

    def source(writer: Any) -> str:
        text = original(writer)
        planted = planted_text(text, old, new, within)
        changed.append(planted != text)
        return planted

    monkeypatch.setattr(compile_python._Writer, "source", source)
    assert is_seen(true, in_python)
    assert any(changed), "the fault was planted"


@pytest.mark.parametrize(("old", "new", "within"), SQL)
def test_each_fault_of_the_sql_is_seen(
    true: list[list[Answer]], monkeypatch: pytest.MonkeyPatch, old: str, new: str, within: str
) -> None:
    original, changed = compile_sql._Writer.select, []

    def select(writer: Any, relation: str) -> str:
        text = original(writer, relation)
        planted = planted_text(text, old, new, within)
        changed.append(planted != text)
        return planted

    monkeypatch.setattr(compile_sql._Writer, "select", select)
    assert is_seen(true, in_duckdb)
    assert any(changed), "the fault was planted"


# --- money ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def true_amounts() -> list[list[Answer]]:
    """What the tables of amounts say in SQL, before anything is planted."""
    return [in_duckdb(table) for table in FEN_TABLES]


@pytest.mark.parametrize("form", [in_interpreter, in_python, in_polars, in_duckdb])
def test_without_a_fault_all_forms_say_the_same_amounts(
    true_amounts: list[list[Answer]], form: Callable[[DecisionTable], list[Answer]]
) -> None:
    assert not is_seen(true_amounts, form, FEN_TABLES)


def _as_float(original: Any) -> Any:
    """Lose what a float loses of an amount, and nothing else."""

    def rounded(*given: Any) -> Any:
        found = original(*given)
        if isinstance(found, Settled):
            return found if found.total is None else replace(found, total=int(float(found.total)))
        return None if found is None else int(float(found))

    return rounded


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        (in_interpreter, Fault(name="interpreter", owner=RowSets, attribute="_collected", planted=_as_float)),
        (in_python, Fault(name="python", owner=RowSets, attribute="_collected", planted=_as_float)),
        (in_polars, Fault(name="frames", owner=compile_polars.PolarsTable, attribute="_total", planted=_as_float)),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else "",
)
def test_an_amount_that_went_through_a_float_is_seen(
    true_amounts: list[list[Answer]], planting: Any, form: Callable[[DecisionTable], list[Answer]], fault: Fault
) -> None:
    planting(fault)
    assert is_seen(true_amounts, form, FEN_TABLES)
    assert not is_seen([in_duckdb(table) for table in TABLES], form), "small numbers do not show it"


def test_an_amount_that_went_through_a_float_in_sql_is_seen(
    true_amounts: list[list[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = compile_sql._Writer._total
    monkeypatch.setattr(
        compile_sql._Writer, "_total", lambda writer: f"CAST(CAST({original(writer)} AS double) AS bigint)"
    )
    assert is_seen(true_amounts, in_duckdb, FEN_TABLES)
