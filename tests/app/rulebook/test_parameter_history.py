"""A parameter's values by both dates, and the difference of two, over the API and on the command line."""

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner

from carbonfin.app import cli
from carbonfin.kernel.dates import FixedClock, china_day
from carbonfin.storage.rulebook import builtin_book
from carbonfin.web.terminal import Terminal
from tests.app.rulebook.test_parameters import FORM, approved, posted
from tests.app.worlds import NOW, World, signed_in
from tests.docs.test_documentation import console_lines

KEY = "loans.settlement_day"
PATH = f"/v1/rules/parameters/{KEY}"
FIRST = next(one for one in builtin_book("loans").values() if one.key == KEY)


@pytest.fixture
def changed(world: World) -> World:
    """The settlement day is 20 as the product has it; from the form's day on the bank says 15."""
    with signed_in(world) as client:
        moved = posted(client, "/rules/parameters/proposals", {**FORM, "reason": "结息日调整"})
    approved(world, str(moved.headers["location"]).rpartition("/")[2])
    return world


def test_the_history_depends_on_both_dates(changed: World) -> None:
    before = str(FIRST.known_from)
    with TestClient(changed.app) as client:
        client.headers.update(changed.key_headers())
        found = client.get(f"{PATH}/values", params={"valid_on": FORM["valid_from"], "known_on": FORM["known_from"]})
        early = client.get(f"{PATH}/values", params={"valid_on": FORM["valid_from"], "known_on": before})
        absent = client.get("/v1/rules/parameters/loans.no_such/values")
    states = [
        [(one["version"]["value"], one["state"]) for one in answer.json()["versions"]] for answer in (found, early)
    ]
    assert states[0] == [("15", "in force"), ("20", "corrected or replaced")]
    assert states[1][0] == ("15", "not known yet")
    assert absent.status_code == 404


def test_two_values_are_compared_field_by_field(changed: World) -> None:
    with TestClient(changed.app) as client:
        client.headers.update(changed.key_headers())
        found = client.get(f"{PATH}/comparison").json()
        back = client.get(
            f"{PATH}/comparison", params={"old": found["after"]["digest"], "new": found["before"]["digest"][:12]}
        ).json()
        wrong = [client.get(f"{PATH}/comparison", params=one) for one in ({"old": "zz"}, {"of_scope": "none"})]
    rows = {one["field"]: (one["before"], one["after"]) for one in found["changes"]}
    assert rows["Value"] == ("20", "15")
    assert "Unit" not in rows
    assert {one["field"]: (one["before"], one["after"]) for one in back["changes"]}["Value"] == ("15", "20")
    assert [(one.status_code, one.json()["errors"][0]["field"]) for one in wrong] == [
        (404, "digest"),
        (404, "of_scope"),
    ]


@pytest.fixture
def run(changed: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `carbonfin rules …` as the officer, a day after the change."""

    def terminal(choice: cli.Choice) -> Terminal:
        return Terminal(
            sessions=changed.sessions.within(changed.officer), actor=changed.officer,
            clock=FixedClock(NOW + timedelta(days=1)), json_output=choice.json_output,
        )  # fmt: skip

    def said(*words: str) -> Any:
        result = CliRunner().invoke(cli.carbonfin, ["--json", "rules", *words])
        assert result.exit_code == 0, result.exception or result.output
        return json.loads(result.stdout)

    monkeypatch.setattr(cli.Choice, "terminal", terminal)
    return said


def test_the_command_line_lists_and_compares(run: Callable[..., Any]) -> None:
    history = run("parameter-history", KEY, "--on", FORM["valid_from"], "--known-on", FORM["known_from"])
    (value,) = [one for one in run("parameter-diff", KEY) if one["field"] == "Value"]
    assert [(one["value"], one["state"]) for one in history] == [("15", "in force"), ("20", "corrected or replaced")]
    assert (value["before"], value["after"]) == ("20", "15")


def test_the_command_line_asks_what_was_known_to_the_minute(run: Callable[..., Any]) -> None:
    day = FORM["known_from"]  # approved at 12:00 in China
    asked = {at: ("--on", FORM["valid_from"], "--known-at", f"{day}T{at}") for at in ("11:59:00+08:00", "04:00:00Z")}
    listed = [[one["value"] for one in run("parameters", "--key", KEY, *dates)] for dates in asked.values()]
    assert listed == [["20"], ["15"]]
    states = [[one["state"] for one in run("parameter-history", KEY, *dates)] for dates in asked.values()]
    assert states == [["not known yet", "in force"], ["in force", "corrected or replaced"]]


@pytest.mark.parametrize("days", [0, 1, 400])
def test_the_preview_in_the_guide_is_proven_on_any_day(
    world: World, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    guide = (Path(__file__).parents[3] / "docs/guides/bureau.md").read_text(encoding="utf-8")
    (line,) = [one for one in console_lines(guide) if one.endswith("--preview")]
    now = NOW + timedelta(days=days)
    words = shlex.split(line)
    assert words[:4] == ["carbonfin", "--as", "bureau", "rules"]
    words = [str(china_day(now)) if word == "$(TZ=Asia/Shanghai date +%F)" else word for word in words[4:]]
    monkeypatch.setattr(
        cli.Choice,
        "terminal",
        lambda _: Terminal(
            sessions=world.sessions.within(world.officer), actor=world.officer, clock=FixedClock(now), json_output=True
        ),
    )
    result = CliRunner().invoke(cli.carbonfin, ["--json", "rules", *words])
    assert result.exit_code == 0, result.exception or result.output
    said = json.loads(result.stdout)
    assert (said["may_be_proposed"], said["faults"], said["value_now"]) == (True, [], "20")
