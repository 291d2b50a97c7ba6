"""`kill -9` between reserve, send, reply and confirm: the outbox and the day's end finish the work, on both databases."""

import subprocess
import sys
from dataclasses import replace

import pytest

from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions
from carbonfin.storage.outbox import unsent
from collateral import jobs, service
from collateral.service.registry_requests import FREEZE_MESSAGE
from tests.collateral.desk import Desk, build_desk
from tests.collateral.killed_dispatch import MOMENTS
from tests.collateral.registries import MovingClock, adapter, simulated
from tests.collateral.test_scenario import prepare_p4, state_of

SIGKILLED = -9


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_dispatcher_leaves_what_the_next_day_finishes(
    sessions: Sessions, database_url: str, moment: str
) -> None:
    with sessions.begin() as session:
        desk: Desk = build_desk(session)
    pledge_id = prepare_p4(sessions, desk)
    clock = MovingClock()
    with simulated(clock=clock) as server, adapter(server, clock=clock) as registry:
        given = (database_url, server.address, desk.maker.organization_id, pledge_id, moment, clock.now().isoformat())
        child = [sys.executable, "-W", "ignore", "-m", "tests.collateral.killed_dispatch", *given]
        assert subprocess.run(child, check=False, timeout=120).returncode == SIGKILLED
        if moment == "reserve":
            assert state_of(sessions, desk, pledge_id) == ("REGISTERED_ZHONGDENG", 0, 0), "all or nothing"
            with sessions.begin() as session:
                service.request_freeze(session, desk.maker, pledge_id, standing=desk.standing)
        assert state_of(sessions, desk, pledge_id) == ("FREEZE_REQUESTED", 10000, 0)
        first = jobs.settle_with_registry(sessions, desk.maker, registry, clock=clock)
        assert bool(first.failures) == (moment == "claim"), "what may still arrive is waited for"
        clock.move(minutes=3)
        again = jobs.settle_with_registry(sessions, desk.maker, registry, clock=clock)
        assert again.failures == (), "ledger and registry agree"
        assert server.state.frozen_t() != {}
        assert len(server.state.statement(desk.maker.organization_id)["frozen"]) == 1
    assert state_of(sessions, desk, pledge_id) == ("FROZEN", 0, 10000)
    with sessions.begin() as session:
        assert unsent(session, desk.maker.organization_id, (FREEZE_MESSAGE,)) == ()
        with pytest.raises(Conflict):
            service.request_freeze(session, desk.maker, pledge_id, standing=replace(desk.standing))
