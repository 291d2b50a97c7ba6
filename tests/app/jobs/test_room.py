"""The room of the day's end for people and systems: who may ask, what is refused, how far it is."""

import json
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.jobs import pages
from carbonfin.app.jobs.end_of_day import END_OF_DAY
from carbonfin.kernel.actors import Role
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.job_requests import note_done, note_failed, note_step
from carbonfin.storage.parties import add_person
from tests.app.worlds import (
    BUSINESS_DATE,
    NOW,
    PAGE,
    PASSWORD_HASH,
    World,
    build_world,
    form_token,
    keyed_client,
    signed_in,
)

TWO_DAYS = 2 * (len(END_OF_DAY) + 1)  # the steps of each day, and the move to the next
ASK = {"job": "end-of-day", "last_date": "2025-07-01"}


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions)
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
        for role in (Role.ADMINISTRATOR, Role.RISK):
            add_person(
                session, organization_id=world.officer.organization_id, login=role.value, name=f"{role.value}(示例)",
                role=role, password_hash=PASSWORD_HASH,
            )  # fmt: skip
    return world


@pytest.fixture
def system(world: World) -> TestClient[Litestar]:
    return keyed_client(world)  # not entered: two clients that are would share the application's life


def _asked(client: TestClient[Litestar], key: str = "k1", **body: object) -> dict[str, object]:
    answer = client.post("/v1/jobs", json={**ASK, **body}, headers={"Idempotency-Key": key})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['job_id']}"
    return dict(answer.json())


def test_a_system_asks_once_and_looks_how_far_it_is(world: World, system: TestClient[Litestar]) -> None:
    asked = _asked(system)
    assert _asked(system) == asked
    assert (asked["business_date"], asked["last_date"], asked["state"]) == ("2025-06-30", "2025-07-01", "queued")
    assert asked["total_count"] == TWO_DAYS
    with world.sessions.begin() as session:
        note_step(session, str(asked["job_id"]), step="loans.accrue", step_date=BUSINESS_DATE, done_count=3, at=NOW)
    seen = system.get(f"/v1/jobs/{asked['job_id']}").json()
    assert (seen["state"], seen["step"], seen["done_count"]) == ("running", "loans.accrue", 3)
    listed = system.get("/v1/jobs").json()
    assert [one["job_id"] for one in listed["jobs"]] == [asked["job_id"]]
    assert listed["business_date"] == "2025-06-30"
    assert {one["state"] for one in listed["steps"]} == {"waiting"}
    assert listed["worker_is_alive"] is False
    stranger = keyed_client(world, "other")
    assert stranger.get(f"/v1/jobs/{asked['job_id']}").status_code == 404
    assert stranger.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"last_date": "2025-07-05"}, 422, "last_date"),
        ({"last_date": "2025-02-30"}, 422, "last_date"),
        ({"last_date": "2025-06-27"}, 422, "last_date"),
        ({"last_date": "2027-01-04"}, 422, "last_date"),
        ({"business_date": "2025-07-01"}, 409, "business_date"),
        ({"business_date": "2025-06-27"}, 409, "business_date"),
        ({"job": "reset"}, 400, None),
        ({"force": True}, 400, None),
    ],
)
def test_bad_asks_are_refused_and_nothing_is_kept(
    system: TestClient[Litestar], body: dict[str, object], status: int, field: str | None
) -> None:
    answer = system.post("/v1/jobs", json={**ASK, **body}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field is None or answer.json()["errors"][0]["field"] == field
    assert system.get("/v1/jobs").json()["jobs"] == []


def test_a_second_ask_is_told_of_the_first(system: TestClient[Litestar]) -> None:
    asked = _asked(system)
    again = system.post("/v1/jobs", json=ASK, headers={"Idempotency-Key": "k2"})
    assert again.status_code == 409
    assert str(asked["job_id"]) in again.json()["detail"]
    assert system.post("/v1/jobs", json=ASK).json()["code"] == "idempotency-key-required"


@pytest.mark.parametrize(
    ("login", "reads", "asks"),
    [
        ("officer", True, False),
        ("checker", True, True),
        ("administrator", True, True),
        ("risk", True, False),
        ("auditor", True, False),
        ("bureau", False, False),
    ],
)
def test_who_reads_and_who_asks(world: World, login: str, *, reads: bool, asks: bool) -> None:
    with signed_in(world, login) as client:
        shown = client.get("/jobs", headers=PAGE)
        assert shown.status_code == (200 if reads else 403)
        assert ('action="/jobs"' in shown.text) is asks
        token = form_token(client.get("/problems", headers=PAGE).text)
        answer = client.post(
            "/jobs",
            data={"last_date": "2025-07-01", "_csrf_token": token},
            headers=PAGE,
            follow_redirects=False,
        )
        assert answer.status_code == (303 if asks else 403)


def test_the_page_shows_steps_and_takes_the_form_back_with_what_was_typed(world: World) -> None:
    with signed_in(world, "checker") as client:
        page = client.get("/jobs", headers=PAGE)
        assert "计提利息并过账敞口" in page.text
        assert "作业进程未运行" in page.text
        form = {"_csrf_token": form_token(page.text), "business_date": "2025-06-30", "rolls": "no"}
        refused = client.post("/jobs", data={**form, "last_date": "2025-07-05"}, headers=PAGE)
        assert refused.status_code == 422
        assert "2025-07-05 不是营业日" in refused.text
        assert 'value="2025-07-05"' in refused.text
        stale = client.post("/jobs", data={**form, "business_date": "2025-06-27"}, headers=PAGE)
        assert stale.status_code == 409
        taken = client.post("/jobs", data={**form, "last_date": ""}, headers=PAGE, follow_redirects=False)
        assert taken.status_code == 303
        assert "等待作业进程接手" in client.get(taken.headers["location"], headers=PAGE).text
        again = client.get("/jobs", headers=PAGE).text
        assert "请由运维启动" in again
        assert 'action="/jobs"' not in again


def test_a_stopped_job_says_where_why_and_what_to_do(world: World, system: TestClient[Litestar]) -> None:
    job_id = str(_asked(system)["job_id"])
    with world.sessions.begin() as session:
        note_step(session, job_id, step="collateral.revalue", step_date=BUSINESS_DATE, done_count=2, at=NOW)
        note_failed(session, job_id, failure="no <b>rate", failure_zh="没有<b>汇率", at=NOW + timedelta(minutes=1))
    with signed_in(world, "risk") as client:
        whole = client.get(f"/jobs/{job_id}", headers=PAGE).text
        part = client.get(f"/jobs/{job_id}", headers={**PAGE, "HX-Request": "true"}).text
    for text in (whole, part):
        assert "重估押品并计算覆盖率" in text
        assert "没有&lt;b&gt;汇率" in text
        assert "将从停下的一步继续" in text
    assert "data-events" not in whole, "nothing more will come"
    assert "<html" in whole
    assert "<html" not in part


def test_events_tell_each_change_and_the_end(world: World, system: TestClient[Litestar]) -> None:
    job_id = str(_asked(system)["job_id"])
    with world.sessions.begin() as session:
        note_done(session, job_id, at=NOW)
    with signed_in(world, "auditor") as client:
        answer = client.get(f"/jobs/{job_id}/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        told = [line.partition(": ")[2] for line in answer.text.splitlines() if line.startswith(("event", "data"))]
        assert told[0::2] == ["progress", "ended"]
        assert json.loads(told[1]) == {"state": "done", "done_count": TWO_DAYS, "total_count": TWO_DAYS}
        assert client.get("/jobs/unknown/events").status_code == 404


def test_a_stream_ends_by_itself_so_that_a_server_can_stop(
    world: World, system: TestClient[Litestar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STREAM_S", 0.2)
    monkeypatch.setattr(pages, "_LOOK_S", 0.05)
    job_id = str(_asked(system)["job_id"])
    with signed_in(world, "checker") as client:
        answer = client.get(f"/jobs/{job_id}/events")
        assert answer.text.count("event: progress") == 1, "nothing is told twice"
        assert "retry: 1000" in answer.text
        assert "ended" not in answer.text
        page = client.get(f"/jobs/{job_id}", headers=PAGE).text
    assert f'data-events="/jobs/{job_id}/events"' in page
    assert f'href="/jobs/{job_id}">刷新' in page, "without script"
