"""Every decision that carries a decision table shows it with all its rows and cells."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

from carbonfin.app.decisions.kinds import decision_kinds
from carbonfin.app.decisions.whole_traces import ASKED
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.whole_trace import whole_trace
from carbonfin.storage.decisions import rebuilt
from tests.corpus import FrozenDecision, frozen_decisions

KINDS = {(kind.name, kind.version): kind for kind in decision_kinds()}
SHOWN_ELSEWHERE = {
    # Its items ask the table, up to thousands of them; each rate of a batch has a page and an answer with its own.
    "loans.rate_batch",
}
"""Kinds that carry a table and do not show it on the decision itself."""
_OF_A_TABLE = {field.name for field in dataclasses.fields(RecordedTable)}


def _tables_in(plain: Any) -> Iterator[str]:
    """Digests of the decision tables anywhere in recorded inputs."""
    if isinstance(plain, dict):
        if set(plain) == _OF_A_TABLE:
            yield plain["digest"]
        for value in plain.values():
            yield from _tables_in(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from _tables_in(value)


def _holds_table(annotation: Any, seen: set[Any]) -> bool:
    """Whether inputs of a type have a place for a decision table."""
    if annotation is RecordedTable:
        return True
    if any(_holds_table(one, seen) for one in get_args(annotation)):
        return True
    if not dataclasses.is_dataclass(annotation) or annotation in seen:
        return False
    seen.add(annotation)
    return any(_holds_table(one, seen) for one in get_type_hints(annotation).values())


WITH_TABLE = [one for one in frozen_decisions() if any(_tables_in(json.loads(one.inputs)))]


@pytest.mark.parametrize("one", WITH_TABLE, ids=lambda one: f"{one.kind}-{one.inputs_digest[:8]}")
def test_a_frozen_decision_shows_the_tables_of_its_inputs(one: FrozenDecision) -> None:
    if one.kind in SHOWN_ELSEWHERE:
        assert one.kind not in ASKED
        return
    asked = ASKED[one.kind](rebuilt(one.inputs, KINDS[one.kind, one.version].inputs))
    assert {table.table.digest for table in asked} == set(_tables_in(json.loads(one.inputs)))
    for table in asked:
        assert table.not_asked_zh or whole_trace(table).rows


def test_every_kind_that_may_carry_a_table_shows_it() -> None:
    holding = {kind.name for kind in decision_kinds() if _holds_table(kind.inputs, set())}
    assert holding == set(ASKED) | SHOWN_ELSEWHERE
