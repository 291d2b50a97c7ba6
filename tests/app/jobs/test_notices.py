"""What the day's end tells: each call to officers, risk and systems, items that were not done, and the day's close."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.app.jobs.notices import tell_of_the_day
from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage import outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome, run_job_once
from carbonfin.storage.messages import InboxItem, inbox_of
from collateral import jobs, service
from tests.collateral.desk import CLOCK, Desk, build_desk, repo_r1, take_over_all
from tests.collateral.world import TODAY


@pytest.fixture
def desk(sessions: Sessions) -> Desk:
    """The sample bank at its day's end: pledge P3 and repo R1 are called."""
    with sessions.begin() as session:
        desk = build_desk(session)
    with sessions.begin() as session:
        take_over_all(session, desk)
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        jobs.revalue(session, desk.maker, TODAY)
        jobs.issue_calls(session, desk.maker, TODAY)
    return desk


def _told(sessions: Sessions, actor: Actor, role: Role) -> dict[str, InboxItem]:
    reader = Actor(
        id="reader",
        name="reader",
        role=role,
        organization_id=actor.organization_id,
        organization_kind=actor.organization_kind,
        is_sample=actor.is_sample,
    )
    with sessions.read() as session:
        return {item.subject: item for item in inbox_of(session, reader)}


def test_each_call_is_told_to_people_and_to_systems(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        assert tell_of_the_day(session, desk.maker, TODAY, CLOCK).done_count == 2
    for role in (Role.OFFICER, Role.RISK):
        told = _told(sessions, desk.maker, role)
        assert set(told) == {"agreement:P3", "agreement:R1"}
        pledge = told["agreement:P3"]
        assert pledge.due_on == date(2025, 7, 7)
        assert "55,758.81" in pledge.text_zh
        assert pledge.address.startswith("/pledges/")
        assert told["agreement:R1"].address == "/pledges"
    with sessions.read() as session:
        events = {event.subject: event for event in outbox.pending(session, desk.maker.organization_id)}
    assert set(events) == {"event:agreement:P3", "event:agreement:R1", "event:end-of-day"}
    called = events["event:agreement:P3"].payload
    assert Decimal(called["cash_amount"]) == Decimal("55758.81")
    assert (called["deadline"], called["agreement_code"]) == ("2025-07-07", "P3")
    closed = events["event:end-of-day"]
    assert closed.kind == "event.end_of_day.closed"
    assert closed.payload == {"business_date": "2025-06-30", "call_count": 2, "not_done_count": 0}


def test_a_call_of_an_earlier_day_is_not_told_again(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        assert tell_of_the_day(session, desk.maker, date(2025, 7, 1), CLOCK).done_count == 0
    assert _told(sessions, desk.maker, Role.OFFICER) == {}


def test_items_not_done_are_told_to_risk_with_their_number(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        run_job_once(
            session,
            job="collateral.revalue",
            organization_id=desk.maker.organization_id,
            business_date=TODAY,
            clock=CLOCK,
            work=lambda: JobOutcome(done_count=1, failures=("P9: no quote", "P8: no quote")),
        )
        tell_of_the_day(session, desk.maker, TODAY, CLOCK)
    item = _told(sessions, desk.maker, Role.RISK)["end-of-day:2025-06-30"]
    assert (item.title_zh, item.address) == ("日终有 2 项未能处理 2025-06-30", "/jobs")
    assert "end-of-day:2025-06-30" not in _told(sessions, desk.maker, Role.OFFICER)
