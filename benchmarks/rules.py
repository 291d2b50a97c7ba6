"""One table of 12 rows and 5 inputs: single decisions and batches beside zen-engine with its static loader.

A single decision is measured in the shape the product asks: a mapping of inputs by name goes in, the answer with its
outputs, its clause and what became of every row comes out. Beside it stands the bare settling of values in the order of
the columns, which gives rows alone and is asked by nobody but the compiled form itself.

Every row of the report is a rate; zen-engine's batches are of fewer rows, since a rate is compared, and take its
fastest way: an array through a table that loops. Beside the peer stands the bound, where there is one: a decision in
1 µs, with trace and hashed record in 20 µs; a million rows in 25 ms; the validation of 50 rows and 6 columns in a
second; a million texts of decisions by 50 versions again in a minute. These texts are of the table alone; what a
package keeps of a decision (every figure of its trace with sources) is larger, and docs/benchmarks.md says what that
takes.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import zen

from benchmarks.harness import Bound, Comparison, Contender
from carbonfin.rules.compile_polars import compile_polars
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decision_record import DecisionWriter, Replayer
from carbonfin.rules.domains import domain_from
from carbonfin.rules.tables import Clause, DecisionTable, HitPolicy, InputColumn, OutputColumn, OutputKind, RowDraft
from carbonfin.rules.tables import table_of as read_table
from carbonfin.rules.validate import FindingKind, validate

_BATCH_FULL_COUNT = 1_000_000
_SINGLE_FULL_COUNT = 20_000
_ZEN_SINGLE_FULL_COUNT = 2_000
_ZEN_BATCH_FULL_COUNT = 10_000
_INPUTS = {
    "rating": "code{A,B,C,D,E}", "pct": "number[0..1] ratio", "yoy": "number[-10..10] ratio",
    "gap": "number[-10..10] ratio", "dq": "whole[1..5] count",
}  # fmt: skip
_ROWS = (
    ("-", "-", "-", "-", ">= 5", "0", "R01"), ("A", "<= 0.1", "<= -0.05", ">= 0", "<= 2", "-30", "R02"),
    ("A", "-", "<= 0", ">= 0", "-", "-25", "R03"), ("A", "-", "-", "-", "-", "-20", "R04"),
    ("B", "-", "<= -0.05", ">= 0", "-", "-15", "R05"), ("B", "-", "<= 0", "-", "-", "-10", "R06"),
    ("B", "-", "-", "-", "-", "-5", "R07"), ("C", "-", "<= -0.05", "-", "-", "-5", "R08"),
    ("C", "-", "-", "-", "-", "0", "R09"), ("D", "-", "-", "< -0.1", "-", "10", "R10"),
    ("D", "-", "-", "-", "-", "5", "R11"), ("E", "-", "-", "-", "-", "15", "R12"),
)  # fmt: skip
_KEY = "margin"
_MANY = "rows"
_CHUNK = 50_000
_MISSING_EVERY = 20
_LACKING = "yoy"
_AGAIN_FULL_COUNT = 100_000
_BP = OutputColumn(name="bp", title_zh="基点", title_en="Basis points", kind=OutputKind.BP)
VERSIONS = 50
_PROVEN_ROWS = 50
_PROVEN_INPUTS = {**_INPUTS, "is_verified": "boolean"}


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give single decisions, traced and recorded ones, and batches, beside what zen-engine does of the same kind."""
    table, engine, batch_count = margin_table(), zen_engine(), max(1, int(_BATCH_FULL_COUNT * scale))
    compiled, batch = compile_python(table), compile_polars(table)
    frame = frame_of(batch_count)
    single = frame.head(max(1, int(_SINGLE_FULL_COUNT * scale))).rows(named=True)
    few = single[: max(1, int(_ZEN_SINGLE_FULL_COUNT * scale))]
    many = single[: max(1, int(_ZEN_BATCH_FULL_COUNT * scale))]
    _require_equal(batch.settle(frame.head(len(few)))["row"].to_list(), engine, few)
    plain = _each("zen-engine", few, lambda row: engine.evaluate(_KEY, row))
    traced = _each("zen-engine with trace", few, lambda row: engine.evaluate(_KEY, row, {"trace": True}))
    decide, record, wanted = compiled.decide, DecisionWriter(table).digest, ("row", "possible")
    asked = _each("compiled, mapping in, outputs and trace out", single, decide)
    alone = _positional(compiled.settle, [tuple(row.values()) for row in single])
    hashed = _each("compiled, recorded", single, lambda row: record(row, decide(row)))
    without = [{**row, _LACKING: None} for row in single]
    lacking = _each("compiled, recorded, an input missing", without, lambda row: record(row, decide(row)))
    frames = Contender(name="polars", run=lambda: batch.settle(frame, wanted), operation_count=frame.height)
    whole = _table_to_prove()
    proving = Contender(name="validation", run=lambda: _prove(whole), operation_count=1)
    again = _again(max(1, int(_AGAIN_FULL_COUNT * scale)))
    yield [
        _compared("single decision", asked, plain),
        _compared("single decision, bound", asked, Bound(per_s=1e6)),
        _compared("single decision beside zen-engine with trace", asked, traced),
        _compared("rows alone of values in order", alone, plain),
        _compared("single decision with trace and hashed record", hashed, traced),
        _compared("single decision with trace and hashed record, bound", hashed, Bound(per_s=5e4)),
        _compared("the same with an input missing, bound", lacking, Bound(per_s=5e4)),
        _compared(
            "batch with row and mask", frames,
            Contender(name="zen-engine batch", run=_zen_batch(many), operation_count=len(many)),
        ),
        _compared("batch with row and mask, bound", frames, Bound(per_s=4e7)),
        _compared("50 rows by 6 columns proven, bound", proving, Bound(per_s=1), unit="tables"),
        _compared("recorded decisions again, bound", again, Bound(per_s=1e6 / 60)),
    ]  # fmt: skip


def recorded(tables: Sequence[DecisionTable], count: int) -> Iterator[list[str]]:
    """Give the texts of decisions by versions in turn, a chunk at a time; one in twenty lacks an input."""
    ready = [(compile_python(table).decide, DecisionWriter(table).text) for table in tables]
    rows = frame_of(min(count, _CHUNK)).rows(named=True)
    for first in range(0, count, _CHUNK):
        texts = []
        for place in range(first, min(first + _CHUNK, count)):
            decide, text = ready[place % len(ready)]
            row = rows[place % len(rows)]
            asked = row if place % _MISSING_EVERY else {**row, _LACKING: None}
            texts.append(text(asked, decide(asked)))
        yield texts


def versions_of(count: int) -> list[DecisionTable]:
    """Give versions of the table, each with another answer in one of its rows."""
    table = margin_table()
    found = []
    for number in range(count):
        place = number % len(table.rows)
        row = table.rows[place]
        changed = replace(row, outputs=(int(row.outputs[0]) - number, *row.outputs[1:]))
        found.append(replace(table, rows=(*table.rows[:place], changed, *table.rows[place + 1 :])))
    return found


def margin_table() -> DecisionTable:
    """Give the table, first row that hits."""
    return read_table(
        name="benchmark.margin", title_zh="加点", title_en="Margin", hit_policy=HitPolicy.FIRST,
        inputs=_columns(_INPUTS),
        outputs=[_BP, OutputColumn(name="reason", title_zh="依据", title_en="Reason", kind=OutputKind.CODE)],
        rows=[
            RowDraft(id=row[-1], when=row[:5], then=row[5:], clause=Clause(document="benchmark"))
            for row in _ROWS
        ],
    )  # fmt: skip


def frame_of(count: int) -> pl.DataFrame:
    """Give random inputs, none missing, since zen-engine knows no missing value; the same for the same count."""
    random = np.random.default_rng(4)
    codes = pl.Enum(list("ABCDE"))
    return pl.DataFrame(
        {
            "rating": pl.Series(random.integers(0, 5, count).astype(np.uint8)).cast(pl.UInt32).replace_strict(
                range(5), list("ABCDE"), return_dtype=codes
            ),
            "pct": random.random(count).round(4),
            "yoy": random.normal(-0.02, 0.1, count).round(4),
            "gap": random.normal(0, 0.1, count).round(4),
            "dq": pl.Series(random.integers(1, 6, count), dtype=pl.Int8),
        }
    )  # fmt: skip


def zen_engine(*, loops: bool = False) -> Any:
    """Give zen-engine with the table in its static loader, so that it is read once.

    Args:
        loops: Whether the table takes an array of inputs in one call, which is the fastest way it has for many: on the
            same rows 9.8 µs each, where `evaluate_batch` takes 19.3 and single calls 20.5.
    """
    inputs = [{"id": name, "name": name, "field": name} for name in _INPUTS]
    rules = [
        {"_id": row[-1], **{name: _zen_cell(text) for name, text in zip(_INPUTS, row, strict=False)}, "bp": row[-2],
         "reason": json.dumps(row[-1])}
        for row in _ROWS
    ]  # fmt: skip
    outputs = [{"id": name, "name": name, "field": name} for name in ("bp", "reason")]
    content = {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {
                "id": "table", "name": "table", "type": "decisionTableNode",
                "content": {
                    "hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": rules,
                    **({"executionMode": "loop", "inputField": _MANY, "outputPath": _MANY} if loops else {}),
                },
            },
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "e2", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }  # fmt: skip
    return zen.ZenEngine({"loader": {"type": "static", "content": {_KEY: content}}})


def _zen_cell(text: str) -> str:
    return "" if text == "-" else json.dumps(text) if text.isalpha() else text


def _require_equal(places: Sequence[int], engine: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    said = [engine.evaluate(_KEY, row)["result"]["reason"] for row in rows]
    assert [_ROWS[place][-1] for place in places] == said, "both sides decide alike"


def _zen_batch(rows: Sequence[Mapping[str, Any]]) -> Callable[[], object]:
    engine, asked = zen_engine(loops=True), {_MANY: rows}

    def run() -> None:
        assert len(engine.evaluate(_KEY, asked)["result"][_MANY]) == len(rows), "each row is answered"

    return run


def _table_to_prove() -> DecisionTable:
    """Give 50 rows over 6 columns, a third of the cells open, and a last row that takes everything."""
    chance = random.Random(1)  # noqa: S311 - the same rows every time, no secret

    def span(low: int, high: int) -> str:
        start, stop = sorted(chance.sample(range(low, high + 1), 2))
        return chance.choice([f"[{start / 10}..{stop / 10})", f">= {start / 10}", f"< {stop / 10}"])

    def cells() -> list[str]:
        kept = (
            chance.choice("ABCDE"), span(0, 10), span(-9, 9), span(-9, 9), chance.choice(["<= 2", ">= 4", "[2..4]"]),
            chance.choice(["true", "false"]),
        )  # fmt: skip
        return [one if chance.random() < 2 / 3 else "-" for one in kept]

    rows = [cells() for _ in range(_PROVEN_ROWS - 1)]
    rows.append(["-|null"] * len(_PROVEN_INPUTS))
    drafts = [
        RowDraft(id=f"R{place}", when=when, then=[str(place % 3)], clause=Clause(document="benchmark"))
        for place, when in enumerate(rows, 1)
    ]
    return read_table(
        name="benchmark.proven", title_zh="校验", title_en="Validation", hit_policy=HitPolicy.ANY,
        inputs=_columns(_PROVEN_INPUTS), outputs=[_BP], rows=drafts,
    )  # fmt: skip


def _prove(table: DecisionTable) -> None:
    kinds = {finding.kind for finding in validate(table).findings}
    assert FindingKind.OVERLAP in kinds, "rows drawn at random disagree"
    assert FindingKind.NOT_PROVEN not in kinds, "the search came to its end"


def _again(count: int) -> Contender:
    tables = versions_of(VERSIONS)
    texts = [text for chunk in recorded(tables, count) for text in chunk]
    replayer = Replayer(tables)

    def run() -> None:
        assert all(replayer.again(text) == text for text in texts), "every decision comes out again to the bit"

    return Contender(name="replay", run=run, operation_count=count)


def _columns(domains: Mapping[str, str]) -> list[InputColumn]:
    return [
        InputColumn(name=name, title_zh=name, title_en=name, domain=domain_from(text)) for name, text in domains.items()
    ]


def _compared(name: str, subject: Contender, comparator: Contender | Bound, *, unit: str = "decisions") -> Comparison:
    return Comparison(name=name, unit=unit, subject=subject, comparator=comparator)


def _each(name: str, rows: Sequence[Mapping[str, Any]], decide: Callable[[Any], object]) -> Contender:
    def run() -> None:
        for row in rows:
            decide(row)

    return Contender(name=name, run=run, operation_count=len(rows))


def _positional(settle: Callable[..., object], rows: Sequence[tuple[Any, ...]]) -> Contender:
    def run() -> None:
        for row in rows:
            settle(*row)

    return Contender(name="compiled, values in order, rows out", run=run, operation_count=len(rows))
