"""`python -m benchmarks.replay`: decisions recorded over ten years by fifty versions of a table, all made again.

A version changes one answer of the table, as a notice does. Recording is not timed; making again is, from the recorded
text to the text that comes out, compared to the bit. The bound is sixty seconds for a million.
"""

import argparse
import sys
import time
from dataclasses import dataclass

from benchmarks.rules import VERSIONS, recorded, versions_of
from carbonfin.rules.decision_record import Replayer

RECORDS = 1_000_000
BOUND_SECONDS = 60.0


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


def replayed(records: int, versions: int = VERSIONS) -> Replayed:
    """Record decisions with each version in turn, then make them all again."""
    tables = versions_of(versions)
    replayer = Replayer(tables)
    differences = done = 0
    wall = processor = 0.0
    for texts in recorded(tables, records):
        started, used = time.perf_counter(), time.process_time()
        differences += sum(replayer.again(text) != text for text in texts)
        wall += time.perf_counter() - started
        processor += time.process_time() - used
        done += len(texts)
    return Replayed(records=done, versions=versions, differences=differences, wall_s=wall, processor_s=processor)


def main(arguments: list[str] | None = None) -> int:
    """Print what it came to; 1 where a decision came out otherwise or the bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    found = replayed(parser.parse_args(arguments).records)
    print(found.line())
    return int(found.differences > 0 or found.wall_s > BOUND_SECONDS * found.records / RECORDS)


if __name__ == "__main__":
    sys.exit(main())
