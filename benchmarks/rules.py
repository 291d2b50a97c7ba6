"""One table of 12 rows and 5 inputs: single decisions and batches beside zen-engine with its static loader.

Every row of the report is in decisions per second; zen-engine's batches are of fewer rows, since a rate is compared.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl
import zen

from benchmarks.harness import Comparison, Contender
from carbonfin.rules.compile_polars import compile_polars
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decision_record import decision_digest
from carbonfin.rules.domains import domain_from
from carbonfin.rules.tables import Clause, DecisionTable, HitPolicy, InputColumn, OutputColumn, OutputKind, RowDraft
from carbonfin.rules.tables import table_of as read_table

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
    decide, wanted = compiled.decide, ("row", "possible")
    positional = [tuple(row.values()) for row in single]
    yield [
        _compared("single decision", _positional(compiled.settle, positional), plain),
        _compared("single decision with trace", _each("compiled with trace", single, decide), traced),
        _compared(
            "single decision with trace and hashed record",
            _each("compiled, recorded", single, lambda row: decision_digest(table, row, decide(row))), traced,
        ),
        _compared(
            "batch with row and mask",
            Contender(name="polars", run=lambda: batch.settle(frame, wanted), operation_count=frame.height),
            Contender(
                name="zen-engine batch", run=_zen_batch(engine, many), operation_count=len(many)
            ),
        ),
    ]  # fmt: skip


def margin_table() -> DecisionTable:
    """Give the table, first row that hits."""
    return read_table(
        name="benchmark.margin", title_zh="加点", title_en="Margin", hit_policy=HitPolicy.FIRST,
        inputs=[
            InputColumn(name=name, title_zh=name, title_en=name, domain=domain_from(text))
            for name, text in _INPUTS.items()
        ],
        outputs=[
            OutputColumn(name="bp", title_zh="基点", title_en="Basis points", kind=OutputKind.BP),
            OutputColumn(name="reason", title_zh="依据", title_en="Reason", kind=OutputKind.CODE),
        ],
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


def zen_engine() -> Any:
    """Give zen-engine with the table in its static loader, so that it is read once."""
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
                "content": {"hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": rules},
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


def _zen_batch(engine: Any, rows: Sequence[Mapping[str, Any]]) -> Callable[[], object]:
    requests = [{"key": _KEY, "context": row} for row in rows]
    return lambda: engine.evaluate_batch(requests)


def _compared(name: str, subject: Contender, comparator: Contender) -> Comparison:
    return Comparison(name=name, unit="decisions", subject=subject, comparator=comparator)


def _each(name: str, rows: Sequence[Mapping[str, Any]], decide: Callable[[Any], object]) -> Contender:
    def run() -> None:
        for row in rows:
            decide(row)

    return Contender(name=name, run=run, operation_count=len(rows))


def _positional(settle: Callable[..., object], rows: Sequence[tuple[Any, ...]]) -> Contender:
    def run() -> None:
        for row in rows:
            settle(*row)

    return Contender(name="compiled", run=run, operation_count=len(rows))
