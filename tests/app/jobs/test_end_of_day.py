"""The end of the day: in order, once, restartable, on the organisation's own business date."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.app.jobs import end_of_day
from carbonfin.app.jobs.end_of_day import END_OF_DAY, roll_to_next_open_day, run_end_of_day
from carbonfin.kernel.cryptography import EcdsaSigner, new_ecdsa_pem
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CalculationFailed, Conflict, MissingData
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import standing_of
from tests.app.jobs.recorder import NOT_DONE, Recorder
from tests.app.worlds import BUSINESS_DATE, NOW, World, build_world

CLOCK = FixedClock(NOW)
SIGNER = EcdsaSigner.from_pem(new_ecdsa_pem())


@pytest.fixture
def world(sessions: Sessions) -> World:
    return build_world(sessions)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(end_of_day, "END_OF_DAY", recorder.steps())
    return recorder


def _run(world: World, **given: Any) -> Any:
    return run_end_of_day(world.sessions, world.officer, clock=CLOCK, signer=SIGNER, **given)


def test_facts_flow_before_calls() -> None:
    names = [step.name for step in END_OF_DAY]
    assert names == [
        "collateral.registry",
        "loans.resets",
        "loans.concessions",
        "loans.accrue",
        "loans.reroll",
        "loans.notices",
        "collateral.revalue",
        "collateral.headroom",
        "collateral.calls",
        "collateral.haircut_reports",
        "collateral.reminders",
        "messages.notices",
        "approvals.due",
        "approvals.expire",
        "decisions.sign",
    ]


def test_a_second_run_does_nothing_twice(world: World, recorder: Recorder) -> None:
    told: list[str] = []
    first = _run(world, on_step=told.append)
    second = _run(world)
    assert recorder.ran == ["a 2025-06-30", "b 2025-06-30", "c 2025-06-30"]
    assert told == ["a 步", "b 步", "c 步"]
    assert [run.repeated for run in first] == [False] * 3
    assert [run.repeated for run in second] == [True] * 3
    assert second[1].failures == (NOT_DONE,)
    assert second[1].done_count == 2
    assert first[0].finished_at == second[0].finished_at == NOW


def test_a_day_that_stops_goes_on_where_it_stopped(world: World, recorder: Recorder) -> None:
    recorder.failing = "b"
    with pytest.raises(CalculationFailed):
        _run(world)
    with world.sessions.read() as session:
        assert [run.job for run in job_runs_of(session, world.officer.organization_id, BUSINESS_DATE)] == ["a"]
    recorder.failing = None
    assert [run.repeated for run in _run(world)] == [True, False, False]
    assert recorder.ran == ["a 2025-06-30", "b 2025-06-30", "c 2025-06-30"]


@pytest.mark.usefixtures("recorder")
def test_banks_do_not_run_for_each_other(world: World) -> None:
    _run(world)
    other = run_end_of_day(world.sessions, world.stranger, clock=CLOCK, signer=SIGNER)
    assert [run.repeated for run in other] == [False] * 3


def test_another_day_is_refused(world: World, recorder: Recorder) -> None:
    with pytest.raises(Conflict, match="2025-06-30"):
        _run(world, business_date=date(2025, 6, 27))
    assert recorder.ran == []
    assert len(_run(world, business_date=BUSINESS_DATE)) == 3


@pytest.mark.usefixtures("recorder")
def test_the_date_rolls_to_the_next_open_day_after_the_end(world: World) -> None:
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
    with pytest.raises(Conflict, match="a has not run"):
        roll_to_next_open_day(world.sessions, world.officer, clock=CLOCK)
    _run(world)
    assert roll_to_next_open_day(world.sessions, world.officer, clock=CLOCK) == date(2025, 7, 1)
    with world.sessions.read() as session:
        assert standing_of(session, world.officer.organization_id, CLOCK).business_date == date(2025, 7, 1)
    with pytest.raises(Conflict, match="has not run for 2025-07-01"):
        roll_to_next_open_day(world.sessions, world.officer, clock=CLOCK)


@pytest.mark.usefixtures("recorder")
def test_the_date_does_not_roll_into_days_nobody_knows(world: World) -> None:
    _run(world)
    with pytest.raises(MissingData):
        roll_to_next_open_day(world.sessions, world.officer, clock=CLOCK)


def test_the_real_steps_run_on_a_bank_without_business(world: World) -> None:
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
    runs = _run(world)
    assert [run.failures for run in runs] == [()] * len(END_OF_DAY)
    assert {run.job: run.done_count for run in runs if run.done_count} == {
        "messages.notices": 1,
        "decisions.sign": 1,
    }, "the close is told, and the empty chain signed"


def test_what_an_older_release_kept_in_one_line_is_still_read(world: World, recorder: Recorder) -> None:
    _run(world)
    kept = sa.text("UPDATE job_run SET failures = :kept WHERE job = 'b'")
    with world.sessions.begin() as session:
        session.execute(kept, {"kept": '["P9: no quote: CEA"]'})
    with world.sessions.read() as session:
        runs = job_runs_of(session, world.officer.organization_id, BUSINESS_DATE)
    assert recorder.ran
    assert [run.failures for run in runs if run.job == "b"] == [
        (replace(NOT_DONE, detail="no quote: CEA", zh="no quote: CEA"),)
    ]
