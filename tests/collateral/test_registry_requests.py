"""Requests to the registry through outbox, answers and queries: nothing is voided in doubt, nothing is lost."""

from collections.abc import Iterator

import pytest

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.outbox import unsent
from collateral import jobs, service
from collateral.registries.http import HttpRegistry
from collateral.registries.port import Answer, RegistryReply
from collateral.registries.simulated import Fault
from collateral.registries.simulator import SimulatorServer
from collateral.service.registry_requests import FREEZE_MESSAGE, UNFREEZE_MESSAGE
from tests.collateral.desk import Desk, build_desk
from tests.collateral.registries import MovingClock, adapter, fault, simulated
from tests.collateral.test_scenario import freeze_p4, state_of

KINDS = (FREEZE_MESSAGE, UNFREEZE_MESSAGE)
HELD = ("FREEZE_UNKNOWN", 10000, 0)
FROZEN = ("FROZEN", 0, 10000)


class Counter:
    """One bank's desk, its clock, and the registry it talks to."""

    def __init__(
        self, sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry, clock: MovingClock
    ) -> None:
        self.sessions, self.desk, self.server, self.registry, self.clock = sessions, desk, server, registry, clock
        self.pledge_id = freeze_p4(sessions, desk)

    def dispatch(self) -> tuple[str, ...]:
        outcome = jobs.dispatch_registry_messages(self.sessions, self.desk.maker, self.registry, clock=self.clock)
        return tuple(f"{one.item}: {one.detail}" for one in outcome.failures)

    def query(self) -> tuple[str, ...]:
        outcome = jobs.query_open_requests(self.sessions, self.desk.maker, self.registry, clock=self.clock)
        return tuple(f"{one.item}: {one.detail}" for one in outcome.failures)

    @property
    def state(self) -> tuple[str, int, int]:
        return state_of(self.sessions, self.desk, self.pledge_id)

    @property
    def waiting(self) -> int:
        with self.sessions.read() as session:
            return len(unsent(session, self.desk.maker.organization_id, KINDS))

    def claim(self) -> object:
        with self.sessions.begin() as session:
            (message,) = service.messages_to_send(session, self.desk.maker)
            return service.claim_request(session, self.desk.maker, message, now=self.clock.now())

    def answer(self, key: str, answer: Answer) -> None:
        with self.sessions.begin() as session:
            service.take_answer(
                session, self.desk.maker, f"{self.pledge_id}-{key}", RegistryReply(answer=answer),
                standing=self.desk.standing,
            )  # fmt: skip

    def until_unfreeze(self) -> None:
        self.dispatch()
        with self.sessions.begin() as session:
            service.draw_pledge(
                session, self.desk.maker, self.pledge_id, standing=self.desk.standing, agreed=self.desk.agreed
            )
            service.repay_pledge(
                session, self.desk.maker, self.pledge_id, standing=self.desk.standing, cause="还款凭证"
            )
            service.request_unfreeze(
                session, self.desk.maker, self.pledge_id, standing=self.desk.standing, agreed=self.desk.agreed
            )


def counter_of(sessions: Sessions, desk: Desk) -> Iterator[Counter]:
    clock = MovingClock()
    with simulated(clock=clock) as server, adapter(server, clock=clock, attempts=2) as registry:
        yield Counter(sessions, desk, server, registry, clock)


@pytest.fixture
def counter(desk_sessions: Sessions, desk: Desk) -> Iterator[Counter]:
    yield from counter_of(desk_sessions, desk)


@pytest.fixture
def any_counter(sessions: Sessions) -> Iterator[Counter]:
    """The counter on each kind of database."""
    with sessions.begin() as session:
        desk = build_desk(session)
    yield from counter_of(sessions, desk)


def test_a_gateways_page_voids_no_freeze(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.LOSE_REPLY))
    counter.server.state.plan(fault(Fault.GATEWAY_404, "query", times=2))
    counter.dispatch()
    counter.clock.move(minutes=3)
    assert counter.query() == ("P4: FREEZE_UNKNOWN",)
    assert counter.state == HELD
    assert counter.query() == ()
    assert counter.state == FROZEN


def test_not_seen_counts_only_after_the_sendings_time(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.REORDER))
    counter.dispatch()
    counter.clock.move(minutes=1)
    assert counter.query() == ("P4: FREEZE_UNKNOWN",)
    assert counter.state == HELD, "it may yet arrive"
    counter.server.state.arrive()
    assert counter.query() == ()
    assert counter.state == FROZEN


def test_a_lost_freeze_is_let_go_and_asked_anew_under_a_new_key(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.DROP))
    counter.dispatch()
    assert counter.state == HELD
    counter.clock.move(minutes=3)
    assert counter.query() == ()
    assert counter.state == ("REGISTERED_ZHONGDENG", 0, 0)
    with counter.sessions.begin() as session:
        service.request_freeze(session, counter.desk.maker, counter.pledge_id, standing=counter.desk.standing)
    assert counter.dispatch() == ()
    assert counter.state == FROZEN
    assert counter.server.state.look_up(f"{counter.pledge_id}-freeze-1") is None
    assert counter.server.state.look_up(f"{counter.pledge_id}-freeze-2") is not None


def test_a_freeze_refused_in_doubt_is_asked_anew_under_a_new_key(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.DROP))
    counter.dispatch()
    counter.answer("freeze-1", Answer.REJECTED)
    assert counter.state == ("REGISTERED_ZHONGDENG", 0, 0)
    with counter.sessions.begin() as session:
        service.request_freeze(session, counter.desk.maker, counter.pledge_id, standing=counter.desk.standing)
    counter.answer("freeze-1", Answer.DONE)
    assert counter.state == ("FREEZE_REQUESTED", 10000, 0), "an answer to the request that ended changes nothing"
    counter.dispatch()
    assert counter.state == FROZEN


def test_an_unfreeze_the_registry_never_saw_is_sent_again(any_counter: Counter) -> None:
    counter = any_counter
    counter.until_unfreeze()
    counter.server.state.plan(fault(Fault.DROP, "unfreeze"))
    counter.dispatch()
    assert counter.state == ("UNFREEZE_UNKNOWN", 0, 10000)
    counter.clock.move(minutes=3)
    assert counter.query() == ("P4: UNFREEZE_REQUESTED",)
    assert (counter.state, counter.waiting) == (("UNFREEZE_REQUESTED", 0, 10000), 1)
    assert counter.dispatch() == ()
    assert (counter.state, counter.waiting) == (("RELEASED", 0, 0), 0)
    assert counter.server.state.frozen_t() == {}


def test_a_refused_unfreeze_is_asked_anew_by_a_person(counter: Counter) -> None:
    counter.until_unfreeze()
    with counter.sessions.begin() as session, pytest.raises(Conflict, match="no refused request"):
        service.ask_unfreeze_again(
            session, counter.desk.maker, counter.pledge_id, standing=counter.desk.standing, cause="催办"
        )
    counter.server.state.plan(fault(Fault.REJECT, "unfreeze"))
    counter.dispatch()
    assert counter.state == ("UNFREEZE_REQUESTED", 0, 10000)
    with counter.sessions.begin() as session, pytest.raises(InvalidInput):
        service.ask_unfreeze_again(
            session, counter.desk.maker, counter.pledge_id, standing=counter.desk.standing, cause=" "
        )
    with counter.sessions.begin() as session:
        pledge = service.load_pledge(session, counter.desk.maker, counter.pledge_id)
        assert service.refused_unfreeze(session, counter.desk.maker, pledge) == "refused by the rehearsal"
        service.ask_unfreeze_again(
            session, counter.desk.maker, counter.pledge_id, standing=counter.desk.standing, cause="已补交材料"
        )
        assert service.refused_unfreeze(session, counter.desk.maker, pledge) is None
    counter.dispatch()
    assert counter.state == ("RELEASED", 0, 0)


def test_a_freeze_confirmed_for_another_quantity_locks_nothing(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.WRONG_QUANTITY))
    counter.dispatch()
    assert counter.state == HELD
    counter.query()
    assert counter.state == HELD
    with counter.sessions.read() as session:
        causes = [one.cause for one in service.timeline_of(session, counter.desk.maker, counter.pledge_id)]
    assert "SZA-2024 9999 吨" in causes[-1]


def test_of_two_dispatchers_at_once_one_sends(any_counter: Counter) -> None:
    counter = any_counter
    assert counter.claim() is not None
    assert counter.claim() is None
    assert counter.dispatch() == ("P4: another dispatcher has it, or it has ended",)
    assert counter.server.state.frozen_t() == {}
    counter.clock.move(minutes=3)
    assert counter.dispatch() == ()
    assert counter.state == FROZEN


def test_a_dispatcher_held_up_cannot_freeze_what_was_given_up(counter: Counter) -> None:
    held_up = counter.claim()
    counter.clock.move(minutes=3)
    assert counter.query() == ("P4: FREEZE_REQUESTED",), "its message waits: it is sent again, not voided"
    counter.server.state.plan(fault(Fault.DROP))
    counter.dispatch()
    counter.clock.move(minutes=3)
    counter.query()
    assert counter.state == ("REGISTERED_ZHONGDENG", 0, 0)
    assert counter.registry.send(held_up).answer is Answer.NOT_FOUND
    assert counter.server.state.frozen_t() == {}


def test_what_a_killed_dispatcher_sent_is_found_by_query_or_sent_again(counter: Counter) -> None:
    counter.registry.send(counter.claim())
    assert (counter.query(), counter.state, counter.waiting) == ((), FROZEN, 0)
    assert counter.dispatch() == ()


def test_what_never_left_is_not_asked_for(counter: Counter) -> None:
    counter.server.state.plan(fault(Fault.BUSY, times=2))
    assert counter.dispatch() == ("P4: HTTP 429",)
    assert (counter.query(), counter.state) == ((), ("FREEZE_REQUESTED", 10000, 0))
    assert counter.dispatch() == ()
    assert counter.state == FROZEN


def test_a_sending_that_did_not_leave_does_not_hide_an_earlier_one(counter: Counter) -> None:
    counter.registry.send(counter.claim())
    counter.clock.move(minutes=3)
    counter.server.state.plan(fault(Fault.BUSY, times=2))
    assert counter.dispatch() == ("P4: HTTP 429",)
    assert (counter.query(), counter.state) == ((), FROZEN)
