"""Decisions as they were recorded by earlier releases; whatever changes, they replay to the bit.

`decisions.jsonl` only grows: `python -m tests.corpus DATABASE` adds what a database of the demonstration has of kinds and
versions that are not in it yet. A line is never edited; a method that must answer otherwise gets a new version.
"""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "decisions.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDecision:
    """One recorded decision: the canonical texts, and the digests over them."""

    kind: str
    version: str
    subject: str
    inputs: str
    inputs_digest: str
    outputs: str
    outputs_digest: str


def frozen_decisions() -> list[FrozenDecision]:
    """Read the corpus."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return [FrozenDecision(**json.loads(line)) for line in lines]
