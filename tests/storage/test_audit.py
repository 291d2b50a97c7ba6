"""A sample anyone can draw again, and every unconfirmed fact with the decisions that rest on it."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import DecisionKind, canonical_json
from carbonfin.rules.trace import Figure, Trace, checked_trace
from carbonfin.storage.decisions import (
    WrittenDecision,
    latest_unconfirmed,
    record_decision,
    record_written,
    sample_decisions,
    unconfirmed_page,
)
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import KeyValue, Place
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


def drawn_by_hand(seed: str, *, count: int, population: int) -> list[int]:
    """Give the places as the register tells an auditor to draw them."""
    places: list[int] = []
    turn = 0
    while len(places) < count:
        place = 1 + int(hashlib.sha256(f"{seed}:{turn}".encode()).hexdigest(), 16) % population
        places += [place] if place not in places else []
        turn += 1
    return sorted(places)


def test_the_sample_is_the_one_an_auditor_draws_by_hand(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        sample = sample_decisions(session, world.maker, on=DAY, count=5)
        again = sample_decisions(session, world.maker, on=DAY, count=5)
    assert [record.sequence for record in sample.records] == drawn_by_hand("2025-06-30", count=5, population=12)
    assert sample == again
    assert (sample.chain_length, sample.population, sample.seed) == (12, 12, "2025-06-30")


def test_another_day_draws_others_and_an_earlier_population_draws_again(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        today = sample_decisions(session, world.maker, on=DAY, count=3)
        tomorrow = sample_decisions(session, world.maker, on=date(2025, 7, 1), count=3)
    assert {record.id for record in today.records} != {record.id for record in tomorrow.records}
    with sessions.begin() as session:
        _record(session, world, 13)
    with sessions.read() as session:
        later = sample_decisions(session, world.maker, on=DAY, count=3, population=12)
        everything = sample_decisions(session, world.maker, on=DAY, count=50)
        with pytest.raises(InvalidInput, match="13 decisions"):
            sample_decisions(session, world.maker, on=DAY, count=3, population=14)
    assert (later.chain_length, later.records) == (13, today.records)
    assert [record.sequence for record in everything.records] == list(range(1, 14))


def test_unconfirmed_facts_name_their_decisions_latest_first(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        uses = unconfirmed_page(session, world.maker, Place(limit=10))
        latest = latest_unconfirmed(session, world.maker, window=5)
        of_another = unconfirmed_page(session, world.maker, Place(limit=10), fact="entrance")
        named = unconfirmed_page(session, world.maker, Place(limit=10), fact="entry")
    assert {(use.key, use.label_zh, use.note_zh) for use in uses.items} == {("entry", "录入数", "未核对")}
    assert {(use.clause, use.grade) for use in uses.items} == {("录入", None)}
    assert [use.subject for use in uses.items] == ["12", "8", "4"]
    assert [use.subject for use in latest] == ["12", "8"]
    assert (uses.last, of_another.items, named) == (None, (), uses)


def test_pages_of_uses_go_on_where_the_one_before_ended(sessions: Sessions, world: World) -> None:
    seen: list[str] = []
    after: tuple[KeyValue, ...] | None = None
    with sessions.read() as session:
        for _ in range(3):
            page = unconfirmed_page(session, world.maker, Place(limit=1, after=after))
            seen += [use.subject for use in page.items]
            after = page.last
        assert after is None
        with pytest.raises(InvalidInput, match="does not name a place"):
            unconfirmed_page(session, world.maker, Place(limit=1, after=("12", "entry")))
    assert seen == ["12", "8", "4"]


MANY = 25_000
"""More than the registers once looked at."""


@pytest.fixture
def long_chain(sessions: Sessions, world: World) -> World:
    """Behind the first twelve decisions many with nothing unconfirmed, written at once."""
    entry = canonical_json(Entry(number=1, checked=True))
    outputs = canonical_json(_double(Entry(number=1, checked=True)))
    one = {"inputs": entry, "inputs_digest": hashlib.sha256(entry.encode()).hexdigest(), "outputs": outputs}
    with sessions.begin() as session:
        written = [WrittenDecision(subject=f"S{number}", **one) for number in range(MANY)]
        record_written(session, world.maker, KIND, written, valid_on=DAY, known_at=AT)
    return world


def test_the_registers_go_through_a_chain_longer_than_any_bound(sessions: Sessions, long_chain: World) -> None:
    with sessions.read() as session:
        uses = unconfirmed_page(session, long_chain.maker, Place(limit=10))
        sample = sample_decisions(session, long_chain.maker, on=DAY, count=200)
    assert [use.sequence for use in uses.items] == [12, 8, 4]
    places = [record.sequence or 0 for record in sample.records]
    assert places == drawn_by_hand("2025-06-30", count=200, population=MANY + 12)
    assert sample.population == MANY + 12
    # 200 places drawn alike from 25,012: a fifth of them, 40, in each fifth, with a deviation of 5.7; four of them are 23.
    fifths = [sum(1 for place in places if place * 5 // (MANY + 13) == fifth) for fifth in range(5)]
    assert all(abs(count - 40) < 23 for count in fifths), fifths


def test_many_draws_reach_every_decision_alike() -> None:
    """Of 40 decisions 4 are drawn on 1,000 days: each is expected 100 times, with a deviation of 9.5; five are 48."""
    days = [DAY + timedelta(days=number) for number in range(1000)]
    counts = Counter(place for day in days for place in drawn_by_hand(day.isoformat(), count=4, population=40))
    assert set(counts) == set(range(1, 41))
    assert all(abs(count - 100) < 48 for count in counts.values())


def test_an_organisation_without_decisions_has_no_sample(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
        sample = sample_decisions(session, world.maker, on=DAY, count=5)
    assert (sample.chain_length, sample.population, sample.records) == (0, 0, ())
