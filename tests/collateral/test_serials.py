"""Serial ranges beside a naive model of them, sets of whole numbers; at rest on both databases, and by two at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from benchmarks.ledger_clients import standing_of
from benchmarks.ledger_harness import make_world
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rows import table_of
from collateral.calc.agreements import UnitQuantity
from collateral.calc.serials import SerialRange, highest, lowest, merged, require_length, total_t, without
from collateral.models import PledgeRow, SerialRangeRow
from collateral.service import ledger as service
from collateral.service import numbers
from collateral.store import ledger as store
from collateral.store import serials

UNIT = Unit.parse("EUA-2024")
PLAIN = Unit.parse("SZA-2024")
Numbers = frozenset[tuple[str, int]]


def span(first: int, last: int, kind: str = "DE") -> SerialRange:
    return SerialRange(registry="EU", kind=kind, first=first, last=last)


def spelled(ranges: Iterable[SerialRange]) -> list[tuple[str, int]]:
    """Each number of each range, one by one."""
    return [(one.kind, number) for one in ranges for number in range(one.first, one.last + 1)]


a_range = st.builds(
    lambda kind, first, length: span(first, first + length - 1, kind),
    st.sampled_from(("DE", "FR")), st.integers(1, 40), st.integers(1, 12),
)  # fmt: skip
some_ranges = st.lists(a_range, max_size=5)


@given(some_ranges, some_ranges, st.integers(0, 60))
def test_ranges_are_sets_of_numbers(given_ranges: list[SerialRange], taken: list[SerialRange], quantity_t: int) -> None:
    told = spelled(given_ranges)
    if len(set(told)) < len(told):
        with pytest.raises(Conflict, match="overlap"):
            merged(given_ranges)
        return
    joined = merged(given_ranges)
    assert spelled(joined) == sorted(told)
    assert all(one.numbering != two.numbering or one.last + 1 < two.first for one, two in pairwise(joined))
    gone = spelled(taken)
    if len(set(gone)) < len(gone) or not set(gone) <= set(told):
        with pytest.raises(Conflict):
            without(joined, taken)
    else:
        assert spelled(without(joined, taken)) == sorted(set(told) - set(gone))
    if quantity_t <= len(told):
        assert spelled(lowest(joined, quantity_t)) == sorted(told)[:quantity_t]
        assert spelled(highest(joined, quantity_t)) == sorted(told)[len(told) - quantity_t :]
    assert total_t(joined) == len(told)


@pytest.mark.parametrize(
    "text", ["EU/DE:10-1", "EU/DE:0-5", "EU/DE:1", "EU:1-5", "EU/D|E:1-5", f"EU/DE:1-{10**15 + 1}"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SerialRange.parse(text)
    assert refused.value.field == "serials"


def test_lengths_and_units_are_held_to_the_quantity() -> None:
    assert str(SerialRange.parse("EU/DE:1001-2000")) == "EU/DE:1001-2000"
    with pytest.raises(InvalidInput, match="hold 1000 t, the quantity is 999 t"):
        require_length(UNIT, [span(1001, 2000)], 999)
    with pytest.raises(InvalidInput, match="SZA-2024 carries no serial numbers"):
        require_length(PLAIN, [span(1, 5)], 5)


@dataclass(kw_only=True)
class Naive:
    """Sets of numbers: what each party holds, and what each pledge's one live hold locks."""

    held: dict[str, Numbers] = field(default_factory=dict)
    locks: dict[str, tuple[str, Numbers]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)

    def locked(self, party_id: str) -> Numbers:
        return frozenset().union(*(got for pledge, (_, got) in self.locks.items() if self.owner[pledge] == party_id))

    def free(self, party_id: str) -> Numbers:
        return self.held.get(party_id, frozenset()) - self.locked(party_id)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A bank with two pledgors and three pledges of theirs."""

    actor: Actor
    pledges: tuple[tuple[str, str, str], ...]

    @property
    def parties(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(party_id for _, _, party_id in self.pledges))


def make_place(sessions: Sessions) -> Place:
    actor = make_world(sessions)
    table = table_of(PledgeRow)
    with sessions.read() as session:
        rows = session.execute(sa.select(table.c.id, table.c.code, table.c.pledgor_id).order_by(table.c.code)).all()
    first, second = rows[0].pledgor_id, rows[1].pledgor_id
    chosen = [row for row in rows if row.pledgor_id == first][:2] + [row for row in rows if row.pledgor_id == second][
        :1
    ]
    return Place(actor=actor, pledges=tuple((row.id, row.code, row.pledgor_id) for row in chosen))


def _step(session: Session, place: Place, naive: Naive, step: tuple[int, int, int, list[SerialRange]]) -> None:
    """Take a step on both: they agree on whether it can be taken."""
    which, who, quantity_t, ranges = step
    pledge_id, code, party_id = place.pledges[who % len(place.pledges)]
    naive.owner[pledge_id] = party_id
    state, mine = naive.locks.get(pledge_id, ("", frozenset()))
    names = ("state", "reserve", "reserve named") if not state else ("state", "move", "move", "part", "sell")
    name = names[which % len(names)]
    said: dict[str, Any] = {"standing": standing_of(place.actor.organization_id), "cause": "t"}
    told = spelled(ranges)
    is_clean, others = len(set(told)) == len(told), frozenset().union(
        *(got for holder, got in naive.held.items() if holder != party_id)
    )  # fmt: skip
    of: dict[str, Any] = {"session": session, "actor": place.actor}
    after = Naive(held=dict(naive.held), locks=dict(naive.locks), owner=naive.owner)
    if name == "state":
        fits = is_clean and naive.locked(party_id) <= set(told) and not set(told) & others
        after.held[party_id] = frozenset(told)
        work = lambda: service.record_holding(  # noqa: E731 - one of several works
            **of, party_id=party_id, unit=UNIT, quantity_t=len(told), serials=tuple(ranges), **said
        )  # fmt: skip
    elif name.startswith("reserve"):
        free = naive.free(party_id)
        is_named = name != "reserve" and bool(told)
        quantity_t = len(told) if is_named else quantity_t
        fits = (is_clean and set(told) <= free) if is_named else quantity_t <= len(free)
        after.locks[pledge_id] = ("PENDING", frozenset(told if is_named else sorted(free)[:quantity_t]))
        work = lambda: service.reserve(  # noqa: E731
            **of, agreement_code=code, pledge_id=pledge_id, party_id=party_id,
            units=(UnitQuantity(unit=UNIT, quantity_t=quantity_t),),
            serials={UNIT: tuple(ranges)} if is_named else None, **said,
        )  # fmt: skip
    elif name == "move":
        fits, work = True, _moved(of, pledge_id, state, after, mine, is_voided=quantity_t % 2 == 0, said=said)
    else:
        gone = frozenset(sorted(mine)[len(mine) - quantity_t :])
        fits = state == "LOCKED" and quantity_t <= len(mine)
        after.locks.pop(pledge_id, None) if mine == gone else after.locks.update({pledge_id: (state, mine - gone)})
        if name == "part":
            work = _part(of, pledge_id, quantity_t, said)
        else:
            (buyer_id,) = set(place.parties) - {party_id}
            after.held[party_id] = naive.held[party_id] - gone
            after.held[buyer_id] = naive.held.get(buyer_id, frozenset()) | gone
            work = lambda: service.sell(  # noqa: E731
                **of, pledge_id=pledge_id, buyer_id=buyer_id, lots=((UNIT, quantity_t),), **said
            )  # fmt: skip
    try:
        with session.begin_nested():
            work()
    except CarbonFinError:
        assert not fits, (name, step)
        return
    assert fits, (name, step)
    naive.held, naive.locks = after.held, after.locks


def _moved(
    of: dict[str, Any], pledge_id: str, state: str, after: Naive, mine: Numbers, *, is_voided: bool,
    said: dict[str, Any],
) -> Callable[[], object]:  # fmt: skip
    """Give the next step of a hold, and what the naive model is after it."""
    if state == "PENDING" and is_voided:
        after.locks.pop(pledge_id)
        return lambda: service.void(**of, pledge_id=pledge_id, **said)
    if state == "PENDING":
        after.locks[pledge_id] = ("LOCKED", mine)
        return lambda: service.confirm(**of, pledge_id=pledge_id, **said)
    if state == "LOCKED":
        after.locks[pledge_id] = ("RELEASE_PENDING", mine)
        return lambda: service.ask_release(**of, pledge_id=pledge_id)
    after.locks.pop(pledge_id)
    return lambda: service.release(**of, pledge_id=pledge_id, **said)


def _part(of: dict[str, Any], pledge_id: str, quantity_t: int, said: dict[str, Any]) -> Callable[[], object]:
    def work() -> None:
        units = (UnitQuantity(unit=UNIT, quantity_t=quantity_t),)
        service.ask_part_release(**of, pledge_id=pledge_id, change_id="part", units=units)
        service.release(**of, pledge_id=pledge_id, change_id="part", **said)

    return work


def _at_rest(session: Session, place: Place) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """What the database holds and locks, with each sum of lengths held against the ledger's own quantities."""
    session.expire_all()
    held, locked = dict[str, Numbers](), dict[str, Numbers]()
    for one in store.positions_of(session, place.actor):
        ranges = serials.held_ranges(session, account_id=one.account_id, unit=one.unit)
        if one.unit == UNIT:
            assert total_t(ranges) == one.total_t
            held[one.party_id] = frozenset(spelled(ranges))
        else:
            assert ranges == ()
    for pledge_id, _, _ in place.pledges:
        for encumbrance, ranges in numbers.locked_serials(session, place.actor, pledge_id=pledge_id):
            assert total_t(ranges) == encumbrance.quantity_t
            locked[pledge_id] = locked.get(pledge_id, frozenset()) | frozenset(spelled(ranges))
    assert service.ledger_faults(session, place.actor) == ()
    return held, locked


def test_ranges_at_rest_are_the_naive_sets(sessions: Sessions) -> None:
    """States, reservations with and without named numbers, resolutions, parts and sales, in any order."""
    place = make_place(sessions)
    counted = {"steps": 0}

    @given(
        st.lists(
            st.tuples(st.integers(0, 14), st.integers(0, 2), st.integers(1, 9), st.lists(a_range, max_size=3)),
            min_size=4, max_size=14,
        )
    )  # fmt: skip
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def run(steps: list[tuple[int, int, int, list[SerialRange]]]) -> None:
        naive = Naive()
        with suppress(_Undone), sessions.begin() as session:
            stock = [(0, 0, 1, [span(1, 30), span(101, 110, "FR")]), (0, 2, 1, [span(31, 60)])]
            for step in stock + steps:
                _step(session, place, naive, step)
                held, locked = _at_rest(session, place)
                assert {one: got for one, got in held.items() if got} == {o: g for o, g in naive.held.items() if g}
                assert locked == {pledge_id: got for pledge_id, (_, got) in naive.locks.items()}
                counted["steps"] += 1
            raise _Undone

    run()
    assert counted["steps"] > 200


class _Undone(Exception):
    """Ends an example's transaction without keeping anything."""


def _reserved(sessions: Sessions, place: Place, who: int, ranges: tuple[SerialRange, ...]) -> None:
    pledge_id, code, party_id = place.pledges[who]
    with sessions.begin() as session:
        service.reserve(
            session, place.actor, agreement_code=code, pledge_id=pledge_id, party_id=party_id,
            units=(UnitQuantity(unit=UNIT, quantity_t=total_t(ranges)),), serials={UNIT: ranges},
            standing=standing_of(place.actor.organization_id), cause="t",
        )  # fmt: skip


def _stocked(sessions: Sessions, last: int = 1000) -> Place:
    place = make_place(sessions)
    with sessions.begin() as session:
        service.record_holding(
            session, place.actor, place.parties[0], UNIT, quantity_t=last, serials=(span(1, last),),
            standing=standing_of(place.actor.organization_id), cause="t",
        )  # fmt: skip
    return place


def test_refusals_name_the_figures(sessions: Sessions) -> None:
    place = _stocked(sessions)
    _reserved(sessions, place, 0, (span(100, 199),))
    with pytest.raises(Conflict, match=r"EU/DE:150-250 is not within what is free: EU/DE:1-99; EU/DE:200-1000"):
        _reserved(sessions, place, 1, (span(150, 250),))
    with pytest.raises(Conflict, match=r"EU/DE:990-1010 is not within"):
        _reserved(sessions, place, 1, (span(990, 1010),))
    with pytest.raises(Conflict, match=r"EU/DE:1-20 and EU/DE:10-30 overlap in 10 to 20"):
        _reserved(sessions, place, 1, (span(1, 20), span(10, 30)))
    said: dict[str, Any] = {"standing": standing_of(place.actor.organization_id), "cause": "t"}
    with sessions.begin() as session:
        with pytest.raises(InvalidInput, match="900 t are stated without them"), session.begin_nested():
            service.record_holding(session, place.actor, place.parties[0], UNIT, quantity_t=900, **said)
        with pytest.raises(Conflict, match=r"EU/DE:100-199 are locked"), session.begin_nested():
            service.record_holding(
                session, place.actor, place.parties[0], UNIT, quantity_t=900, serials=(span(101, 1000),), **said
            )
        with pytest.raises(Conflict, match=r"another account holds a number of EU/DE:900-1100"), session.begin_nested():
            service.record_holding(
                session, place.actor, place.parties[1], UNIT, quantity_t=201, serials=(span(900, 1100),), **said
            )
        ccer = Unit.parse("CCER")
        service.record_holding(session, place.actor, place.parties[0], ccer, quantity_t=10, **said)
        with pytest.raises(InvalidInput, match="without serial numbers"), session.begin_nested():
            service.reserve(
                session, place.actor, agreement_code="H000", pledge_id=place.pledges[0][0], party_id=place.parties[0],
                units=(UnitQuantity(unit=ccer, quantity_t=1),), serials={ccer: (span(1, 1),)}, **said,
            )  # fmt: skip
    with sessions.read() as session:
        held, locked = _at_rest(session, place)
    assert len(held[place.parties[0]]) == 1000
    assert [len(one) for one in locked.values()] == [100]


def test_the_database_itself_keeps_locks_apart(sessions: Sessions) -> None:
    """A lock written past every check of ours is refused by the constraint, or by the trigger."""
    place = _stocked(sessions)
    _reserved(sessions, place, 0, (span(100, 199),))
    table = table_of(SerialRangeRow)
    with sessions.read() as session:
        row = session.execute(sa.select(table).where(table.c.encumbrance_id.is_not(None))).mappings().one()
    for first, last, is_refused in ((199, 300, True), (1, 100, True), (150, 160, True), (200, 300, False)):
        values = {**row, "id": f"{first}", "first_serial": first, "last_serial": last}
        with sessions.begin() as session:
            if not is_refused:
                session.execute(table.insert().values(**values))
            else:
                with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
                    session.execute(table.insert().values(**values))
    with sessions.begin() as session, pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(table.update().where(table.c.id == "200").values(first_serial=199))


def test_two_clients_never_lock_one_number(emptied_postgres: Callable[[], str]) -> None:
    """Two at once after overlapping ranges, round after round: one of them gets its range, the other is refused."""
    engine = open_engine(emptied_postgres())
    sessions = Sessions(engine)
    place = _stocked(sessions)

    def take(who: int, first: int) -> bool:
        try:
            _reserved(sessions, place, who, (span(first, first + 9),))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for first in range(1, 400, 20):
            assert sorted(pool.map(take, (0, 1), (first, first + 5))) == [False, True]
    with sessions.read() as session:
        told = [
            number
            for pledge_id, _, _ in place.pledges
            for _, ranges in numbers.locked_serials(session, place.actor, pledge_id=pledge_id)
            for number in spelled(ranges)
        ]
    assert len(told) == len(set(told)) == 200
    engine.dispose()


def test_two_transactions_past_our_checks_meet_at_the_constraint(emptied_postgres: Callable[[], str]) -> None:
    """The second writer waits for the first to commit, and is then told by the database that the numbers are gone."""
    engine = open_engine(emptied_postgres())
    sessions = Sessions(engine)
    place = _stocked(sessions)
    _reserved(sessions, place, 0, (span(900, 900),))
    _reserved(sessions, place, 1, (span(901, 901),))
    with sessions.read() as session:
        held = [
            one for pledge_id, _, _ in place.pledges[:2]
            for one in store.encumbrances_of(session, place.actor, pledge_id=pledge_id, live_only=True)
        ]  # fmt: skip

    def lock_second() -> None:
        with sessions.begin() as session:
            serials.lock(session, place.actor, held[1], (span(40, 60),))

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            serials.lock(session, place.actor, held[0], (span(50, 70),))
            second = pool.submit(lock_second)
        with pytest.raises(Conflict, match=r"another agreement locks a number of EU/DE:40-60"):
            second.result(timeout=60)
    engine.dispose()


def test_a_holding_whose_numbers_become_known_late_allots_them_to_its_locks(sessions: Sessions) -> None:
    """Units reserved before anybody stated numbers take the lowest, by age, when they are stated."""
    place = make_place(sessions)
    pledge_id, code, party_id = place.pledges[0]
    said: dict[str, Any] = {"standing": standing_of(place.actor.organization_id), "cause": "t"}
    with sessions.begin() as session:
        service.record_holding(session, place.actor, party_id, UNIT, quantity_t=50, **said)
        service.reserve(
            session, place.actor, agreement_code=code, pledge_id=pledge_id, party_id=party_id,
            units=(UnitQuantity(unit=UNIT, quantity_t=20),), **said,
        )  # fmt: skip
        assert numbers.locked_serials(session, place.actor, pledge_id=pledge_id) == ()
        service.record_holding(session, place.actor, party_id, UNIT, quantity_t=50, serials=(span(11, 60),), **said)
        ((_, ranges),) = numbers.locked_serials(session, place.actor, pledge_id=pledge_id)
    assert ranges == (span(11, 30),)
