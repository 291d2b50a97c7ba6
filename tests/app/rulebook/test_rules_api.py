"""The rules' API: both dates, a trial with its trace, a draft proven and proposed; answers written down by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from litestar.testing import TestClient

from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.rules.tables import DecisionTable, plain_table
from tests.app.rulebook.test_rules_pages import DAYS, FIRST, GAPPED, SECOND, TODAY, approved, version
from tests.app.worlds import World, form_token, signed_in

TRIALS = "/v1/rules/tables/sample.table/trials"


@pytest.fixture
def standing(world: World) -> World:
    """A first version known twenty days ago, and a correction of it known today."""
    approved(world, version(FIRST, known_days=-20))
    approved(world, version(SECOND))
    return world


@pytest.fixture
def system(standing: World) -> Iterator[TestClient[Any]]:
    with TestClient(standing.app) as client:
        client.headers.update(standing.key_headers())
        yield client


def test_the_table_in_force_depends_on_both_days(system: TestClient[Any]) -> None:
    def own(days: dict[str, str]) -> list[str]:
        listed = system.get("/v1/rules/tables", params=days).json()["tables"]
        assert {one["name"] for one in listed if one["is_builtin"]} == {one.table.name for one in BUILTIN_TABLES}
        return [one["digest"] for one in listed if not one["is_builtin"]]

    assert own(DAYS) == [SECOND.digest]
    assert own(DAYS | {"known_on": str(TODAY - timedelta(days=1))}) == [FIRST.digest]
    assert own({}) == [], "on the business date neither was known"
    whole = system.get("/v1/rules/tables/sample.table", params=DAYS).json()
    assert whole["table"] == plain_table(SECOND)


def test_the_table_in_force_is_asked_to_the_minute(system: TestClient[Any]) -> None:
    def known(at: str) -> str:
        query = {"valid_on": str(TODAY), "known_at": at}
        found = system.get("/v1/rules/tables/sample.table", params=query).json()["version"]
        tried = system.post("/v1/rules/tables/sample.table/trials", params=query, json={"inputs": {}}).json()["version"]
        assert tried == found
        return str(found["digest"])

    assert known("2026-03-02T11:59:59+08:00") == FIRST.digest
    assert known("2026-03-02T12:00:00+08:00") == SECOND.digest
    both = system.get("/v1/rules/tables", params=DAYS | {"known_at": "2026-03-02T12:00:00+08:00"})
    assert (both.status_code, _fields(both)) == (422, ["known_at"])


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"grade": "A", "points": "80"}, (["R1"], [["-25"]], None, {})),
        ({"grade": "A", "points": "79.99"}, (["R2"], [["-20"]], None, {})),
        ({"grade": "C"}, (["R3"], [["0"]], None, {"points": "absent"})),
        ({"grade": "A"}, (["R1"], [], "missing_input", {"points": "absent"})),
        ({"grade": "A", "points": "100.01"}, (["R1"], [], "missing_input", {"points": "out_of_domain"})),
        ({"grade": "D", "points": "80"}, (["R1"], [], "missing_input", {"grade": "unknown_code"})),
        ({"grade": "A", "points": "NaN"}, (["R1"], [], "missing_input", {"points": "not_a_number"})),
        ({"grade": "A", "points": {"number": "80", "unit": "points"}}, (["R1"], [["-25"]], None, {})),
        ({"grade": "A", "points": "80 points"}, (["R1"], [["-25"]], None, {})),
        (
            {"grade": "A", "points": {"number": "80", "unit": "bp"}},
            (["R1"], [], "missing_input", {"points": "wrong_unit"}),
        ),
        ({"grade": "A", "points": "80 bp"}, (["R1"], [], "missing_input", {"points": "wrong_unit"})),
        ({"grade": "A", "points": True}, (["R1"], [], "missing_input", {"points": "wrong_type"})),
    ],
)
def test_a_trial_answers_with_its_trace(
    system: TestClient[Any], inputs: dict[str, object], said: tuple[object, ...]
) -> None:
    answer = system.post(TRIALS, params=DAYS, json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["rows"], found["outputs"], found["refused"], found["missing"]) == said
    assert [one["row_id"] for one in found["tried"]] == ["R1", "R2", "R3"]
    assert [(one["name"], one["unit"], one["domain"]) for one in found["asked"]] == [
        ("grade", "", "code{A,B,C}"), ("points", "points", "number[0..100] points"),
    ]  # fmt: skip


def _fields(answer: Response) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


def test_an_input_the_table_does_not_ask_for_is_refused_by_name(system: TestClient[Any]) -> None:
    answer = system.post(TRIALS, params=DAYS, json={"inputs": {"grade": "A", "colour": "red"}})
    assert (answer.status_code, _fields(answer)) == (422, ["inputs/colour"])


def test_a_table_without_a_version_on_the_day_is_not_found(system: TestClient[Any]) -> None:
    for address in ("/v1/rules/tables/sample.table", "/v1/rules/tables/no.table"):
        assert system.get(address).status_code == 404
    assert system.post(TRIALS, json={"inputs": {}}).status_code == 404


def test_a_draft_is_proven_and_held_against_what_is_in_force(system: TestClient[Any]) -> None:
    found = system.post("/v1/rules/validations", json={"table": plain_table(GAPPED)}).json()
    assert (found["may_be_proposed"], found["in_force"], found["changes"]) == (False, None, [])
    gap = next(one for one in found["findings"] if one["is_fatal"])
    assert (gap["kind"], gap["counter_example"]["grade"]) == ("gap", "A")


def test_a_draft_is_held_against_what_is_known_now_on_its_first_day(system: TestClient[Any]) -> None:
    asked = {"table": plain_table(FIRST), "valid_from": str(TODAY)}
    found = system.post("/v1/rules/validations", json=asked).json()
    assert found["in_force"]["digest"] == SECOND.digest
    assert found["changes"] == [{"kind": "changed", "row": "R1", "column": "bp", "before": "-25", "after": "-30"}]


def test_the_days_a_draft_leaves_out_are_told_with_its_proof(world: World) -> None:
    ends, begins = TODAY + timedelta(days=3), TODAY + timedelta(days=9)
    approved(world, replace(version(FIRST), valid_to=ends))
    with TestClient(world.app) as client:
        asked = {"table": plain_table(SECOND), "valid_from": str(begins)}
        found = client.post("/v1/rules/validations", json=asked, headers=world.key_headers()).json()
    told = [one for one in found["findings"] if one["kind"] == "days_left_out"]
    assert [one["is_fatal"] for one in told] == [False]
    assert f"ends on {ends}, the next begins on {begins}" in told[0]["detail"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"hit_policy": "best"}, "hit_policy"),
        ({"colour": "red"}, "colour"),
        ({"row": []}, "rows"),
        ({"input": "grade"}, "input"),
    ],
)
def test_a_draft_that_is_no_table_is_refused(system: TestClient[Any], damage: dict[str, object], said: str) -> None:
    answer = system.post("/v1/rules/validations", json={"table": plain_table(FIRST) | damage})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def proposal(table: DecisionTable, **changed: str) -> dict[str, object]:
    return {
        "table": plain_table(table), "valid_from": str(TODAY), "known_from": str(TODAY), "reason": "产品办法修订",
    } | changed  # fmt: skip


def test_a_person_proposes_once_and_a_repetition_gets_the_first_answer(world: World) -> None:
    with signed_in(world) as client:
        token = form_token(client.get("/rules", headers={"Accept": "text/html"}).text)
        headers = {"X-CSRF-Token": token, "Idempotency-Key": "proposal-0001"}
        first = client.post("/v1/rules/proposals", json=proposal(FIRST), headers=headers)
        again = client.post("/v1/rules/proposals", json=proposal(FIRST), headers=headers)
        other = client.post(
            "/v1/rules/proposals", json=proposal(FIRST), headers=headers | {"Idempotency-Key": "proposal-0002"}
        )
    assert (first.status_code, first.json()["state"]) == (201, "proposed")
    assert again.json() == first.json()
    assert other.status_code == 409, "the same version waits already"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (proposal(GAPPED), "table"),
        (proposal(FIRST, known_from=str(TODAY - timedelta(days=1))), "known_from"),
        (proposal(FIRST, valid_to=str(TODAY - timedelta(days=1))), "valid_to"),
        (proposal(FIRST, valid_from="2026-02-30"), "valid_from"),
    ],
)
def test_a_proposal_that_may_not_be_names_the_field_and_stores_nothing(
    world: World, body: dict[str, object], field: str
) -> None:
    with signed_in(world) as client:
        token = form_token(client.get("/rules", headers={"Accept": "text/html"}).text)
        headers = {"X-CSRF-Token": token, "Idempotency-Key": "proposal-0001"}
        answer = client.post("/v1/rules/proposals", json=body, headers=headers)
        assert (answer.status_code, _fields(answer)) == (422, [field])
        assert client.get("/v1/approvals").json()["approvals"] == []


def test_a_system_may_not_propose(system: TestClient[Any]) -> None:
    answer = system.post("/v1/rules/proposals", json=proposal(FIRST), headers={"Idempotency-Key": "proposal-0001"})
    assert answer.status_code == 403
