"""Requests for jobs: one open at a time, taken up in order, never moved again once they have ended."""

import threading
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import (
    JobAsk,
    JobRequest,
    JobRequestState,
    ask_for_job,
    job_requests_of,
    load_job_request,
    note_done,
    note_failed,
    note_step,
    open_request_of,
    request_to_take_up,
)
from tests.storage.worlds import NOW, World, make_world

DAY = date(2025, 6, 30)
ASK = JobAsk(job="end-of-day", business_date=DAY, last_date=DAY, rolls=True, total_count=8)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="unused")


def _ask(sessions: Sessions, actor: Actor, *, later_minutes: int = 0) -> JobRequest:
    with sessions.begin() as session:
        return ask_for_job(session, actor, ASK, at=NOW + timedelta(minutes=later_minutes))


def test_one_stands_open_for_an_organisation(sessions: Sessions, world: World) -> None:
    asked = _ask(sessions, world.maker)
    with pytest.raises(Conflict, match=asked.id):
        _ask(sessions, world.checker)
    assert _ask(sessions, world.stranger).organization_id == world.other_bank_id
    with sessions.begin() as session:
        assert open_request_of(session, world.bank_id, "end-of-day") == asked
        note_done(session, asked.id, at=NOW)
        assert open_request_of(session, world.bank_id, "end-of-day") is None
    assert _ask(sessions, world.checker).asked_by_name == "checker"


def test_of_two_who_ask_at_the_same_instant_one_is_told_so(sessions: Sessions, world: World) -> None:
    start, refused = threading.Barrier(2), []

    def ask(actor: Actor) -> None:
        start.wait()
        try:
            _ask(sessions, actor)
        except Conflict as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=ask, args=(actor,)) for actor in (world.maker, world.checker)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions.read() as session:
        assert (len(job_requests_of(session, world.bank_id)), len(refused)) == (1, 1)


def test_the_database_itself_keeps_a_second_open_one_out(sessions: Sessions, world: World) -> None:
    asked = _ask(sessions, world.maker)
    with sessions.begin() as session:
        note_done(session, asked.id, at=NOW)
    _ask(sessions, world.maker)
    with pytest.raises(Conflict, match="the same thing"), sessions.begin() as session:
        session.execute(sa.text("UPDATE job_request SET state = 'queued' WHERE id = :id"), {"id": asked.id})


def test_what_was_begun_goes_before_what_waits_longer(sessions: Sessions, world: World) -> None:
    first = _ask(sessions, world.maker)
    second = _ask(sessions, world.stranger, later_minutes=5)
    with sessions.begin() as session:
        assert request_to_take_up(session, ("end-of-day",)) == first
        begun = note_step(session, second.id, step="a", step_date=DAY, done_count=0, at=NOW)
        assert request_to_take_up(session, ("end-of-day",)) == begun
        assert request_to_take_up(session, ("another",)) is None
        note_done(session, second.id, at=NOW)
        assert request_to_take_up(session, ("end-of-day",)) == first


def test_a_request_tells_how_far_it_is_and_ends_once(sessions: Sessions, world: World) -> None:
    asked = _ask(sessions, world.maker)
    assert (asked.state, asked.step, asked.done_count, asked.total_count) == (JobRequestState.QUEUED, None, 0, 8)
    with sessions.begin() as session:
        running = note_step(session, asked.id, step="b", step_date=DAY, done_count=1, at=NOW)
        later = note_step(session, asked.id, step="c", step_date=DAY, done_count=2, at=NOW + timedelta(minutes=1))
        note_failed(session, asked.id, failure="no rate", failure_zh="无汇率", at=NOW + timedelta(minutes=2))
        note_done(session, asked.id, at=NOW + timedelta(minutes=3))
    assert (running.state, running.started_at, running.step) == (JobRequestState.RUNNING, NOW, "b")
    assert (later.started_at, later.done_count) == (NOW, 2)
    with sessions.read() as session:
        ended = load_job_request(session, world.maker, asked.id)
    assert (ended.state, ended.step, ended.failure, ended.failure_zh) == (
        JobRequestState.FAILED,
        "c",
        "no rate",
        "无汇率",
    )
    assert ended.finished_at == NOW + timedelta(minutes=2)


def test_another_banks_request_is_not_there(sessions: Sessions, world: World) -> None:
    asked = _ask(sessions, world.maker)
    with sessions.read() as session:
        with pytest.raises(NotFound):
            load_job_request(session, world.stranger, asked.id)
        assert job_requests_of(session, world.other_bank_id) == ()
