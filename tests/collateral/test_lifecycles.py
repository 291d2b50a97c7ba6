"""State machines against the shared vector, and the ledger's rules under random operations."""

import json
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.states import Machine
from collateral.calc import ledger
from collateral.calc.ledger import Bucket, Entry, Position, Posting
from collateral.calc.lifecycles import ENCUMBRANCE, MARGIN_CALL, REPO
from collateral.calc.pledge import EVENT_NAMES_ZH, IN_FORCE, PLEDGE

VECTOR = Path(__file__).parents[3] / "shared" / "vectors" / "collateral" / "collateral_state_machines.json"
needs_vector = pytest.mark.skipif(not VECTOR.exists(), reason=f"shared vectors are not at {VECTOR}")
MACHINES = {"pledge": PLEDGE, "repo": REPO, "margin_call": MARGIN_CALL, "encumbrance": ENCUMBRANCE}


def event_name(text: str) -> str:
    """Drop guards in brackets and remarks in parentheses."""
    return re.sub(r"\s*[\[(].*$", "", text).strip()


@needs_vector
@pytest.mark.parametrize("name", MACHINES)
def test_edges_are_those_of_the_shared_vector(name: str) -> None:
    given_machine = json.loads(VECTOR.read_text(encoding="utf-8"))[name]
    machine = MACHINES[name]
    assert set(machine.states) == set(given_machine["states"])
    assert set(machine.edges) == {(start, event_name(event), end) for start, event, end in given_machine["edges"]}
    assert len(machine.edges) == len(given_machine["edges"])


def test_counts_of_states_and_edges() -> None:
    assert {name: (len(one.states), len(one.edges)) for name, one in MACHINES.items()} == {
        "pledge": (20, 43),
        "repo": (14, 22),
        "margin_call": (14, 21),
        "encumbrance": (5, 8),
    }


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())
def test_every_other_pair_is_refused_by_name(machine: Machine) -> None:
    legal = {(start, event): end for start, event, end in machine.edges}
    events = sorted({event for _, event in legal})
    refused = 0
    for state, event in product(machine.states, events):
        if (state, event) in legal:
            assert machine.after(state, event) == legal[state, event]
            continue
        with pytest.raises(Conflict) as raised:
            machine.after(state, event)
        assert state in raised.value.detail
        assert event in raised.value.detail
        assert machine.states[state] in raised.value.zh
        refused += 1
    assert refused == len(machine.states) * len(events) - len(machine.edges)


def test_states_and_events_of_a_pledge_have_chinese_names() -> None:
    assert {event for _, event, _ in PLEDGE.edges} == set(EVENT_NAMES_ZH)
    assert set(PLEDGE.states) > IN_FORCE


UNIT = Unit.parse("SZA-2023")
STEPS = {
    "receive": ledger.received,
    "deliver": ledger.delivered,
    "reserve": ledger.reserved,
    "confirm": ledger.confirmed,
    "void": ledger.voided,
    "release": ledger.released,
}


@given(steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(-5, 40)), max_size=60))
def test_pending_and_locked_stay_within_the_holding(steps: list[tuple[str, int]]) -> None:
    position = Position(unit=UNIT, total_t=50, pending_t=0, locked_t=0)
    for name, quantity_t in steps:
        before = position
        try:
            position = STEPS[name](position, quantity_t)
        except (Conflict, InvalidInput):
            assert position == before
        assert position.pending_t >= 0
        assert position.locked_t >= 0
        assert position.pending_t + position.locked_t <= position.total_t
        moved = {name: quantity_t} if position != before else {}
        assert position.total_t - before.total_t == moved.get("receive", 0) - moved.get("deliver", 0)


def test_an_entry_balances_for_each_unit() -> None:
    def posting(bucket: Bucket, quantity_t: int, unit: Unit = UNIT) -> Posting:
        return Posting(account_id="A", unit=unit, bucket=bucket, quantity_t=quantity_t)

    Entry(postings=(posting(Bucket.FREE, -5), posting(Bucket.PENDING, 5)))
    with pytest.raises(InvalidInput, match="does not balance"):
        Entry(postings=(posting(Bucket.FREE, -5), posting(Bucket.PENDING, 4)))
    with pytest.raises(InvalidInput, match="does not balance"):
        Entry(postings=(posting(Bucket.FREE, -5), posting(Bucket.FREE, 5, Unit.parse("SZA-2024"))))
    with pytest.raises(InvalidInput):
        Entry(postings=())
