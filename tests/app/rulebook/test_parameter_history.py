"""A parameter's values by both dates, and the difference of two, over the API and on the command line."""

import json
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner

from carbonfin.app import cli
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.rulebook import builtin_book
from carbonfin.web.terminal import Terminal
from tests.app.rulebook.test_parameters import FORM, approved, posted
from tests.app.worlds import NOW, World, signed_in

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


def test_the_command_line_lists_and_compares(changed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminal(choice: cli.Choice) -> Terminal:
        return Terminal(
            sessions=changed.sessions.within(changed.officer), actor=changed.officer,
            clock=FixedClock(NOW + timedelta(days=1)), json_output=choice.json_output,
        )  # fmt: skip

    monkeypatch.setattr(cli.Choice, "terminal", terminal)

    def run(*words: str) -> Any:
        result = CliRunner().invoke(cli.carbonfin, ["--json", "rules", *words])
        assert result.exit_code == 0, result.exception or result.output
        return json.loads(result.stdout)

    history = run("parameter-history", KEY, "--on", FORM["valid_from"], "--known-on", FORM["known_from"])
    (value,) = [one for one in run("parameter-diff", KEY) if one["field"] == "Value"]
    assert [(one["value"], one["state"]) for one in history] == [("15", "in force"), ("20", "corrected or replaced")]
    assert (value["before"], value["after"]) == ("20", "15")
