"""A sample anyone can draw again, and every unconfirmed fact with the decisions that rest on it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session

from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from carbonfin.storage.decisions import record_decision, sample_decisions, unconfirmed_uses
from carbonfin.storage.engine import Sessions
from tests.storage.worlds import World, make_world

DAY = date(2025, 6, 30)
AT = datetime(2025, 6, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    number: int
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubled:
    trace: Trace


def _double(entry: Entry) -> Doubled:
    fact = Figure(
        name="entry", label_zh="录入数", label_en="Entry", value=str(entry.number), unit="", source="录入",
        confirmed=entry.checked, note_zh="" if entry.checked else "未核对",
    )  # fmt: skip
    twice = Figure(
        name="twice", label_zh="两倍", label_en="Twice", value=str(2 * entry.number), unit="", formula="2 × 录入数",
        inputs=("entry",), confirmed=entry.checked,
    )  # fmt: skip
    return Doubled(trace=checked_trace((fact, twice)))


KIND = DecisionKind(name="test.double", version="1", inputs=Entry, outputs=Doubled, decide=_double)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
    with sessions.begin() as session:
        for number in range(1, 13):
            _record(session, world, number)
        record_decision(
            session, world.stranger, KIND, Entry(number=99, checked=False), subject="99", valid_on=DAY, known_at=AT
        )
    return world


def _record(session: Session, world: World, number: int) -> None:
    entry = Entry(number=number, checked=number % 4 != 0)
    record_decision(session, world.maker, KIND, entry, subject=str(number), valid_on=DAY, known_at=AT)


def test_the_sample_is_the_one_an_auditor_draws_by_hand(sessions: Sessions, world: World) -> None:
    lots = sorted(range(1, 13), key=lambda place: hashlib.sha256(f"2025-06-30:{place}".encode()).hexdigest())
    with sessions.read() as session:
        sample = sample_decisions(session, world.maker, on=DAY, count=5)
        again = sample_decisions(session, world.maker, on=DAY, count=5)
    assert [record.sequence for record in sample.records] == sorted(lots[:5])
    assert sample == again
    assert (sample.chain_length, sample.population) == (12, 12)


def test_another_day_draws_others_and_the_window_keeps_to_the_latest(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        today = sample_decisions(session, world.maker, on=DAY, count=3)
        tomorrow = sample_decisions(session, world.maker, on=date(2025, 7, 1), count=3)
        late = sample_decisions(session, world.maker, on=DAY, count=50, window=4)
    assert {record.id for record in today.records} != {record.id for record in tomorrow.records}
    assert [record.sequence for record in late.records] == [9, 10, 11, 12]
    assert late.population == 4


def test_unconfirmed_facts_name_their_decisions_latest_first(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        (use,) = unconfirmed_uses(session, world.maker)
    assert (use.key, use.label_zh, use.note_zh) == ("entry", "录入数", "未核对")
    assert [record.subject for record in use.records] == ["12", "8", "4"]


def test_an_organisation_without_decisions_has_no_sample(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
        sample = sample_decisions(session, world.maker, on=DAY, count=5)
    assert (sample.chain_length, sample.population, sample.records) == (0, 0, ())
