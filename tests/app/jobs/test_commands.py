"""The commands: ask, look, catch up in order, refuse gaps and closed days, stop at the first failure."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from carbonfin.app.jobs import end_of_day
from carbonfin.app.jobs.commands import commands
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CalculationFailed, Conflict, InvalidInput
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import Terminal
from tests.app.jobs.recorder import Recorder
from tests.app.worlds import NOW, World, build_world

Run = Callable[..., Any]


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions)
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
    return world


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(end_of_day, "END_OF_DAY", recorder.steps("ab"))
    return recorder


@pytest.fixture
def run(world: World) -> Run:
    def invoke(*arguments: str, json_output: bool = True) -> Any:
        terminal = Terminal(
            sessions=world.sessions, actor=world.officer, clock=FixedClock(NOW), json_output=json_output
        )
        result = CliRunner().invoke(commands, arguments, obj=lambda: terminal, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if json_output else result.stdout

    return invoke


def _business_date(world: World) -> date:
    with world.sessions.read() as session:
        return standing_of(session, world.officer.organization_id, FixedClock(NOW)).business_date


def test_missed_days_are_closed_in_order(world: World, recorder: Recorder, run: Run) -> None:
    runs = run("backfill", "--from", "2025-06-30", "--to", "2025-07-02")
    days = ("2025-06-30", "2025-07-01", "2025-07-02")
    assert recorder.ran == [f"{step} {day}" for day in days for step in "ab"]
    assert [(one["job"], one["business_date"], one["repeated"]) for one in runs] == [
        (step, day, False) for day in days for step in "ab"
    ]
    assert _business_date(world) == date(2025, 7, 3)


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        ("2025-07-01", "2025-07-02", Conflict),
        ("2025-06-27", "2025-07-02", Conflict),
        ("2025-06-30", "2025-07-06", InvalidInput),
        ("2025-06-30", "2026-03-03", InvalidInput),
        ("2025-06-31", "2025-07-02", InvalidInput),
    ],
)
def test_gaps_and_closed_days_are_refused(
    world: World, recorder: Recorder, run: Run, *, first: str, last: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        run("backfill", "--from", first, "--to", last)
    assert recorder.ran == []
    assert _business_date(world) == date(2025, 6, 30)


def test_it_stops_at_the_first_failure_and_goes_on_from_there(world: World, recorder: Recorder, run: Run) -> None:
    def fail_on_the_second_day(name: str) -> None:
        if name == "a" and len(recorder.ran) == 3:
            recorder.failing = "b"

    recorder.during = fail_on_the_second_day
    with pytest.raises(CalculationFailed):
        run("backfill", "--to", "2025-07-02")
    assert recorder.ran == ["a 2025-06-30", "b 2025-06-30", "a 2025-07-01"]
    assert _business_date(world) == date(2025, 7, 1)
    recorder.failing = None
    runs = run("backfill", "--from", "2025-07-01", "--to", "2025-07-02")
    assert [one["repeated"] for one in runs] == [True, False, False, False]


@pytest.mark.usefixtures("recorder")
def test_what_is_asked_for_is_left_to_the_worker(world: World, run: Run) -> None:
    asked = run("ask", "--to", "2025-07-01", "--stay")
    assert (asked["state"], asked["rolls"], asked["last_date"]) == ("queued", False, "2025-07-01")
    with pytest.raises(Conflict, match=asked["id"]):
        run("ask")
    with pytest.raises(Conflict, match=asked["id"]):
        run("backfill", "--to", "2025-07-01")
    seen = run("status")
    assert seen["business_date"] == "2025-06-30"
    assert [one["state"] for one in seen["steps"]] == ["waiting", "waiting"]
    assert seen["worker_is_alive"] is False
    assert seen["requests"][0]["id"] == asked["id"]
    told = run("status", json_output=False)
    assert "业务日期 2025-06-30；作业进程未运行" in told
    assert "queued" in told
    assert _business_date(world) == date(2025, 6, 30)
