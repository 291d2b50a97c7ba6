"""What the day's end tells: its close to systems, and items that were not done to risk."""

from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa

from carbonfin.app.jobs.notices import tell_of_the_day
from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome, run_job_once
from carbonfin.storage.messages import InboxItem, inbox_of
from carbonfin.storage.outbox import OutboxMessageRow
from collateral import jobs, service
from tests.app.jobs.recorder import NOT_DONE
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


def test_systems_are_told_of_the_days_close_and_its_calls(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        tell_of_the_day(session, desk.maker, TODAY, CLOCK)
        tell_of_the_day(session, desk.maker, date(2025, 7, 1), CLOCK)
    with sessions.read() as session:
        query = sa.select(OutboxMessageRow).where(sa.text("kind = 'event.end_of_day.closed'"))
        closed = session.scalars(query.order_by(sa.text("number"))).all()
    assert {one.subject for one in closed} == {"event:end-of-day"}, "the days arrive in order"
    assert [one.payload for one in closed] == [
        {"business_date": "2025-06-30", "call_count": 2, "not_done_count": 0},
        {"business_date": "2025-07-01", "call_count": 0, "not_done_count": 0},
    ]


def test_items_not_done_are_told_to_risk_with_their_number(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        run_job_once(
            session,
            job="collateral.revalue",
            organization_id=desk.maker.organization_id,
            business_date=TODAY,
            clock=CLOCK,
            work=lambda: JobOutcome(done_count=1, failures=(NOT_DONE, replace(NOT_DONE, item="P8"))),
        )
        tell_of_the_day(session, desk.maker, TODAY, CLOCK)
    item = _told(sessions, desk.maker, Role.RISK)["end-of-day:2025-06-30"]
    assert (item.title_zh, item.address) == ("日终有 2 项未能处理 2025-06-30", "/jobs")
    assert "end-of-day:2025-06-30" not in _told(sessions, desk.maker, Role.OFFICER)
