"""Compiled tables kept ready: by the digest of their text, so many at most, and asked wherever the product decides."""

import ast
import hashlib
import math
import threading
from datetime import date
from pathlib import Path

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules import compiled_tables
from carbonfin.rules.compile_python import CompiledTable, compile_python
from carbonfin.rules.compiled_tables import CompiledTables, compiled
from carbonfin.rules.decide import decide
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import DecisionTable, TableVersion
from tests.rules.samples import sample_table

ROOT = Path(__file__).parents[2]
PACKAGES = ("carbonfin", "pricing", "collateral", "loans", "reporting")
INTERPRETER = {"carbonfin.rules.decide.Decider", "carbonfin.rules.decide.decide"}


def margins(of_a: str) -> DecisionTable:
    return sample_table({"grade": "code{A,B}"}, [("A", of_a), ("B", "0"), ("null", "20")])


def recorded(table: DecisionTable) -> RecordedTable:
    return RecordedTable.of(TableVersion(table=table, valid_from=date(2024, 1, 1), known_from=date(2024, 1, 1)))


def test_a_table_is_compiled_once_for_its_text() -> None:
    table = margins("-30")
    first = recorded(table).compiled
    assert first is recorded(margins("-30")).compiled is compiled(table)
    assert first is not compiled(margins("-31"))
    assert first.decide({"grade": "A"}) == decide(table, {"grade": "A"})


def test_an_answer_with_inputs_missing_is_made_once_for_what_falls_alike() -> None:
    table = sample_table(
        {"grade": "code{A,B}", "n": "number[0..10] ratio"},
        [("A", "< 5", "-30"), ("A", "-", "-10"), ("B", "-|null", "0")],
    )
    decide_compiled = compile_python(table).decide
    asked: dict[str, list[dict[str, object]]] = {
        "absent": [{"grade": "B"}, {"grade": "B", "n": None}],
        "not a number": [{"grade": "B", "n": math.nan}],
        "another is there": [{"grade": "A"}],
        "another is missing": [{"n": 4.0}, {"n": 1.5}, {"n": 3}],
        "in another piece": [{"n": 7.0}],
    }
    answers = {name: [decide_compiled(row) for row in rows] for name, rows in asked.items()}
    assert all(answer is found[0] for found in answers.values() for answer in found)
    assert len({id(found[0]) for found in answers.values()}) == len(asked)
    assert {name: found[0] for name, found in answers.items()} == {
        name: decide(table, rows[0]) for name, rows in asked.items()
    }


def test_the_text_a_record_carries_is_the_one_its_digest_is_of() -> None:
    carried = recorded(margins("-30"))
    assert carried.content == margins("-30").content
    assert hashlib.sha256(carried.content.encode()).hexdigest() == carried.digest == margins("-30").digest


def test_a_text_edited_under_a_known_digest_is_refused_and_answers_nothing() -> None:
    carried = recorded(margins("-30"))
    assert carried.compiled.decide({"grade": "A"})
    with pytest.raises(InvalidInput, match="does not fit its digest"):
        RecordedTable(
            name=carried.name, content=carried.content.replace('"-30"', '"-90"'), digest=carried.digest,
            valid_from=carried.valid_from, valid_to=None, known_from=carried.known_from, approved_by=(),
        )  # fmt: skip


def test_the_tables_asked_longest_ago_are_given_up() -> None:
    kept = CompiledTables(most=2)
    one, two, three = margins("-1"), margins("-2"), margins("-3")
    first = kept.made(one.digest, lambda: one)
    second = kept.made(two.digest, lambda: two)
    assert kept.made(one.digest, lambda: one) is first
    kept.made(three.digest, lambda: three)
    assert len(kept) == 2
    assert kept.made(one.digest, lambda: one) is first
    assert kept.made(two.digest, lambda: two) is not second


def test_threads_that_ask_at_once_are_given_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, table, count = CompiledTables(), margins("-30"), 4
    together = threading.Barrier(count)
    found: list[CompiledTable] = []

    def slowly(asked: DecisionTable) -> CompiledTable:
        together.wait()  # all of them compile before any of them keeps
        return compile_python(asked)

    monkeypatch.setattr(compiled_tables, "compile_python", slowly)
    threads = [
        threading.Thread(target=lambda: found.append(kept.made(table.digest, lambda: table))) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    assert all(one is found[0] for one in found)


def test_nothing_of_the_product_asks_the_interpreter_but_the_compiled_form() -> None:
    """The interpreter is what the compiled form is held against, and answers for it where an input is missing.

    What lays every cell of a recorded answer open asks it too: it shows, and decides nothing.
    """
    asking = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and {f"{node.module}.{one.name}" for one in node.names} & INTERPRETER
    }
    assert asking == {"carbonfin/rules/compile_python.py", "carbonfin/rules/whole_trace.py"}
