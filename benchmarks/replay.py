"""`python -m benchmarks.replay`: decisions recorded over ten years by fifty versions of a table, all made again.

A version changes one answer of the table, as a notice does. Recording is not timed; making again is, from the recorded
text to the text that comes out, compared to the bit. The bound is sixty seconds for a million.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.rules import frame_of, margin_table
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decision_record import Replayer, decision_text
from carbonfin.rules.tables import DecisionTable

VERSIONS = 50
RECORDS = 1_000_000
BOUND_SECONDS = 60.0
_CHUNK = 50_000
_MISSING_EVERY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What making again came to; one record in twenty lacks an input."""

    records: int
    versions: int
    differences: int
    wall_s: float
    processor_s: float

    def line(self) -> str:
        """Give it as text."""
        return (
            f"{self.records:,} decisions of {self.versions} versions made again in {self.wall_s:.1f} s"
            f" ({self.processor_s:.1f} s of processor time), {self.differences} differences"
        )


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


def replayed(records: int, versions: int = VERSIONS) -> Replayed:
    """Record decisions with each version in turn, then make them all again."""
    tables = versions_of(versions)
    replayer = Replayer(tables)
    differences = done = 0
    wall = processor = 0.0
    for texts in _recorded(tables, records):
        started, used = time.perf_counter(), time.process_time()
        differences += sum(replayer.again(text) != text for text in texts)
        wall += time.perf_counter() - started
        processor += time.process_time() - used
        done += len(texts)
    return Replayed(records=done, versions=versions, differences=differences, wall_s=wall, processor_s=processor)


def _recorded(tables: list[DecisionTable], records: int) -> Iterator[list[str]]:
    """Give the texts of decisions by the versions in turn, a chunk at a time."""
    compiled = [compile_python(table) for table in tables]
    rows = frame_of(min(records, _CHUNK)).rows(named=True)
    for first in range(0, records, _CHUNK):
        texts = []
        for place in range(first, min(first + _CHUNK, records)):
            one = compiled[place % len(compiled)]
            asked = _asked(rows[place % len(rows)], place)
            texts.append(decision_text(one.table, asked, one.decide(asked)))
        yield texts


def _asked(row: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    return row if place % _MISSING_EVERY else {**row, "yoy": None}


def main(arguments: list[str] | None = None) -> int:
    """Print what it came to; 1 where a decision came out otherwise or the bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    found = replayed(parser.parse_args(arguments).records)
    print(found.line())
    return int(found.differences > 0 or found.wall_s > BOUND_SECONDS * found.records / RECORDS)


if __name__ == "__main__":
    sys.exit(main())
