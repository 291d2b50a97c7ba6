"""The worker on both databases: takes up, goes on, stops between steps, and leaves every effect there once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.app.jobs import closing, end_of_day, worker
from carbonfin.app.jobs.days import ask_for_end_of_day
from carbonfin.app.jobs.durable import Progress, durable_jobs, system_database_url
from carbonfin.app.jobs.end_of_day import Means
from carbonfin.app.jobs.overview import days_of_request, overview
from carbonfin.app.jobs.sole_worker import is_worker_alive, sole_worker
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import EcdsaSigner, new_ecdsa_pem
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import JobRequest, JobRequestState, load_job_request
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import standing_of
from tests.app.jobs.recorder import NOT_DONE, Recorder
from tests.app.worlds import BUSINESS_DATE, NOW, World, build_world

CLOCK = FixedClock(NOW)
MEANS = Means(clock=CLOCK, signer=EcdsaSigner.from_pem(new_ecdsa_pem()))


@pytest.fixture
def world(sessions: Sessions) -> World:
    world = build_world(sessions)
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
    return world


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(end_of_day, "END_OF_DAY", recorder.steps())
    monkeypatch.setattr(closing, "_PAUSE_S", 0.0)
    monkeypatch.setattr(worker, "_LOOK_S", 0.05)
    return recorder


def _ask(
    world: World, *, last: date | None = None, rolls: bool = True, actor: Actor | None = None, later_minutes: int = 0
) -> JobRequest:
    clock = FixedClock(NOW + timedelta(minutes=later_minutes))
    with world.sessions.begin() as session:
        return ask_for_end_of_day(session, actor or world.officer, first=None, last=last, rolls=rolls, clock=clock)


def _work(world: World, **given: Any) -> None:
    worker.work(world.sessions, means=MEANS, stop=given.pop("stop", threading.Event()), until_idle=True, **given)


def _now(world: World, asked: JobRequest, actor: Actor | None = None) -> JobRequest:
    with world.sessions.read() as session:
        return load_job_request(session, actor or world.officer, asked.id)


def test_two_days_of_two_banks_are_closed_in_order(world: World, recorder: Recorder) -> None:
    own = _ask(world, last=date(2025, 7, 1))
    other = _ask(world, rolls=False, actor=world.stranger, later_minutes=1)
    sent: list[int] = []
    _work(world, deliver=lambda *_: sent.append(1))
    day = "2025-06-30"
    assert recorder.ran == [*(f"{one} {day}" for one in "abc"), *(f"{one} 2025-07-01" for one in "abc"),
                            *(f"{one} {day}" for one in "abc")]  # fmt: skip
    done = _now(world, own)
    assert (done.state, done.step, done.done_count, done.total_count) == (JobRequestState.DONE, None, 8, 8)
    assert _now(world, other, world.stranger).state is JobRequestState.DONE
    assert sent, "messages are sent between looks"
    with world.sessions.read() as session:
        assert standing_of(session, world.officer.organization_id, CLOCK).business_date == date(2025, 7, 2)
        assert standing_of(session, world.stranger.organization_id, CLOCK).business_date == BUSINESS_DATE
        days = days_of_request(session, world.officer, done)
        assert [(one.day, one.run_count, one.done_count, one.failures) for one in days] == [
            (BUSINESS_DATE, 3, 6, (NOT_DONE,)),
            (date(2025, 7, 1), 3, 6, (NOT_DONE,)),
        ]


def test_a_step_that_fails_stops_there_and_a_new_request_goes_on(world: World, recorder: Recorder) -> None:
    recorder.failing = "b"
    first = _ask(world, last=date(2025, 7, 1))
    _work(world)
    stopped = _now(world, first)
    assert (stopped.state, stopped.step, stopped.step_date) == (JobRequestState.FAILED, "b", BUSINESS_DATE)
    assert (stopped.failure, stopped.failure_zh, stopped.done_count) == ("b failed", "b 失败", 1)
    recorder.failing = None
    second = _ask(world, last=date(2025, 7, 1))
    _work(world)
    assert _now(world, second).state is JobRequestState.DONE
    assert _now(world, first) == stopped
    assert recorder.ran[:3] == ["a 2025-06-30", "b 2025-06-30", "c 2025-06-30"], "a was not run again"


def test_a_fault_in_one_banks_step_ends_its_request_and_no_other(world: World, recorder: Recorder) -> None:
    asked = _ask(world)
    recorder.faulty = "b"
    _work(world)
    stopped = _now(world, asked)
    assert stopped.state is JobRequestState.FAILED
    assert stopped.failure == "a fault in the program: ZeroDivisionError", "its words may name a customer"
    recorder.faulty = None
    other = _ask(world, actor=world.stranger)
    _work(world)
    assert _now(world, other, world.stranger).state is JobRequestState.DONE


def test_told_to_stop_it_ends_the_step_and_the_next_worker_takes_the_one_after(
    world: World, recorder: Recorder
) -> None:
    asked = _ask(world)
    stop = threading.Event()
    recorder.during = lambda name: stop.set() if name == "a" else None
    _work(world, stop=stop)
    assert recorder.ran[0] == "a 2025-06-30"
    between = _now(world, asked)
    assert between.state is JobRequestState.RUNNING
    ran = list(recorder.ran)
    recorder.during = lambda _: None
    _work(world)
    assert _now(world, asked).state is JobRequestState.DONE
    assert recorder.ran == ["a 2025-06-30", "b 2025-06-30", "c 2025-06-30"]
    assert len(ran) < 3, "it stopped before the end"


def test_a_business_date_that_has_moved_ends_the_request(world: World, recorder: Recorder) -> None:
    asked = _ask(world)
    with world.sessions.begin() as session:
        session.execute(
            sa.text("UPDATE organization SET business_date = '2025-07-01' WHERE id = :id"),
            {"id": world.officer.organization_id},
        )
    _work(world)
    assert recorder.ran == []
    stopped = _now(world, asked)
    assert stopped.state is JobRequestState.FAILED
    assert "2025-06-30 is closed" in str(stopped.failure)


def test_a_database_set_back_behind_the_library_is_done_again(world: World, recorder: Recorder) -> None:
    """A restored backup knows the request as waiting, the library as done: the day is closed again, not forgotten."""
    asked = _ask(world, rolls=False)
    url = world.sessions.engine.url.render_as_string(hide_password=False)

    class Done:
        def steps(self, _: str) -> list[list[str]]:
            return []

        def take(self, *_: Any) -> bool:
            return True

        def finish(self, _: str) -> None:
            pass

    with durable_jobs(url, Done(), may_migrate=True) as durable:
        durable.go_on(asked.id)
        while durable.progress(asked.id) is not Progress.ENDED:
            pass
    _work(world)
    assert _now(world, asked).state is JobRequestState.DONE
    assert len(recorder.ran) == 3


@pytest.mark.usefixtures("recorder")
def test_there_is_one_worker_and_pages_see_it(world: World) -> None:
    engine = world.sessions.engine
    assert not is_worker_alive(engine)
    with sole_worker(engine) as first:
        assert first is not None
        assert first()
        assert is_worker_alive(engine)
        with sole_worker(engine) as second:
            assert second is None
        with pytest.raises(Conflict, match="another worker"):
            _work(world)
        with world.sessions.read() as session:
            assert overview(session, world.officer, CLOCK).worker_is_alive
    assert not is_worker_alive(engine)
    with sole_worker(engine) as again:
        assert again is not None


def test_another_worker_stands_by_until_the_first_has_gone(
    world: World, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_STAND_BY_S", 0.05)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with sole_worker(world.sessions.engine):
            asked = _ask(world, rolls=False)
            waiting = pool.submit(worker.work, world.sessions, means=MEANS, stop=stop)
            assert not recorder.began.wait(0.5)
        assert recorder.began.wait(20)
        while _now(world, asked).is_open:
            pass
        stop.set()
        waiting.result(timeout=30)
    with world.sessions.read() as session:
        assert len(job_runs_of(session, world.officer.organization_id, BUSINESS_DATE)) == 3


def test_the_librarys_tables_stand_beside_the_products(world: World) -> None:
    url = world.sessions.engine.url.render_as_string(hide_password=False)
    if url.startswith("sqlite"):
        assert system_database_url(url).endswith("/carbonfin-jobs.db")
    else:
        assert sa.make_url(system_database_url(url)).database == sa.make_url(url).database


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [one.name for one in threading.enumerate() if one not in before and one.is_alive() and not one.daemon]
    assert not left


def _inbox(world: World) -> list[tuple[str, str, str | None]]:
    query = sa.text("SELECT kind, title_zh, person_id FROM inbox_item ORDER BY kind DESC, id")
    with world.sessions.read() as session:
        return [(row.kind, row.title_zh, row.person_id) for row in session.execute(query)]


def test_who_asked_is_told_once_how_it_ended(world: World, recorder: Recorder) -> None:
    recorder.failing = "b"
    _ask(world)
    _work(world)
    _work(world)
    recorder.failing = None
    _ask(world, actor=replace(world.officer, id="command-line"))
    _work(world)
    assert _inbox(world) == [
        ("job.failed", "日终中止 2025-06-30", world.officer.id),
        ("job.done", "日终已完成 2025-06-30", None),
    ], "a system is nobody's inbox: its checkers are told"
