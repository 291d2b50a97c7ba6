"""Errors as systems get them: the exact bodies, of our own and of the framework's."""

from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath
from litestar.testing import TestClient
from msgspec import Struct

from carbonfin.app import access
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import ERROR_KINDS, CarbonFinError, InvalidInput
from carbonfin.web.problem_kinds import KINDS_BY_CODE, PROBLEM_KINDS
from carbonfin.web.wire import CnyText, day_of
from tests.app.worlds import PAGE, World, add_routes, keyed_client


class PartIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    quantity_t: int


class TrialIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    principal_cny: CnyText
    drawn_on: str
    parts: list[PartIn] = []


@post("/v1/trial", sync_to_thread=True)
def trial(data: TrialIn, actor: Actor) -> dict[str, str]:
    return {"drawn_on": day_of(data.drawn_on, field="/drawn_on").isoformat(), "actor": actor.id}


@get("/v1/trial/{code:str}", sync_to_thread=True)
def failing(code: FromPath[str]) -> None:
    if code == "unexpected":
        raise RuntimeError("account 6222 0000 of 张三")
    kind = next(kind for kind in ERROR_KINDS if kind.code == code)
    raise kind("the quote of CEA 2024 on 2026-03-02 is missing", zh="缺少报价", field="date", known_until="2026-02-27")


@pytest.fixture
def client(world: World, monkeypatch: pytest.MonkeyPatch) -> TestClient[Litestar]:
    entries = {"POST /v1/trial": frozenset({Role.SYSTEM}), "GET /v1/trial/{code}": frozenset({Role.SYSTEM})}
    monkeypatch.setattr(access, "_POLICY", {**access._POLICY, **entries})
    add_routes(world, trial, failing)
    return keyed_client(world)


def _trial(client: TestClient[Litestar], body: Any) -> Any:
    return client.post("/v1/trial", json=body)


GOOD = {"principal_cny": "2000000.00", "drawn_on": "2025-06-27"}


def test_a_good_body_passes(client: TestClient[Litestar]) -> None:
    answer = _trial(client, GOOD)
    assert answer.status_code == 201
    assert answer.json()["drawn_on"] == "2025-06-27"


def test_an_unknown_field_is_named_with_its_place(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/trial", json={**GOOD, "colour": "green"}, headers={"X-Request-Id": "request-0001"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "request-0001"
    assert answer.json() == {
        "type": "/problems/malformed-request",
        "title": "Malformed request",
        "title_zh": "请求格式有误",
        "status": 400,
        "detail": "/colour does not parse",
        "detail_zh": "1 处不符合接口约定：/colour",
        "instance": "/v1/trial",
        "request_id": "request-0001",
        "code": "malformed-request",
        "remedy": "Correct each place named under errors and send the request again.",
        "remedy_zh": "按 errors 中逐条列出的位置修改后重新提交。",
        "errors": [{"pointer": "/colour", "detail": "Object contains unknown field `colour`"}],
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"drawn_on": "2025-06-27"}, "/principal_cny"),
        ({**GOOD, "principal_cny": 2000000}, "/principal_cny"),
        ({**GOOD, "principal_cny": "2,000,000.00"}, "/principal_cny"),
        ({**GOOD, "principal_cny": "1.005"}, "/principal_cny"),
        ({**GOOD, "principal_cny": "NaN"}, "/principal_cny"),
        ({**GOOD, "parts": [{"quantity_t": 1}, {"quantity_t": "x"}]}, "/parts/1/quantity_t"),
        ({**GOOD, "parts": [{"quantity_t": True}]}, "/parts/0/quantity_t"),
        ({**GOOD, "parts": [{"quantity_t": 1, "unit": "t"}]}, "/parts/0/unit"),
    ],
)
def test_each_fault_is_named_by_its_json_pointer(client: TestClient[Litestar], body: Any, pointer: str) -> None:
    answer = _trial(client, body)
    assert answer.status_code == 400
    assert [item["pointer"] for item in answer.json()["errors"]] == [pointer]


def test_a_day_that_does_not_exist_breaks_a_rule(client: TestClient[Litestar]) -> None:
    answer = _trial(client, {**GOOD, "drawn_on": "2025-02-30"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "invalid-input"
    assert problem["detail"] == "'2025-02-30' is not a day of the calendar"
    assert problem["remedy"] == "Give an existing day as YYYY-MM-DD."
    assert problem["errors"][0]["pointer"] == "/drawn_on"


def test_broken_json_other_types_and_other_methods(client: TestClient[Litestar]) -> None:
    broken = client.post("/v1/trial", content=b'{"principal_cny": ', headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed-request")
    other = client.post("/v1/trial", content=b"<a/>", headers={"Content-Type": "application/xml"})
    assert (other.status_code, other.json()["code"]) == (415, "unsupported-media-type")
    method = client.delete("/v1/trial")
    assert (method.status_code, method.json()["code"]) == (405, "method-not-allowed")
    assert method.json()["detail"] == "/v1/trial does not answer DELETE"
    assert "POST" in method.headers["allow"]
    nowhere = client.get("/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not-found")
    assert nowhere.json()["detail"] == "there is nothing at /v1/nowhere"


def test_a_body_past_the_limit_is_refused(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/trial", json={**GOOD, "drawn_on": "x" * (10 * 1024 * 1024)})
    assert (answer.status_code, answer.json()["code"]) == (413, "content-too-large")


@pytest.mark.parametrize("kind", ERROR_KINDS, ids=lambda kind: kind.code)
def test_each_error_kind_has_its_status_and_page(client: TestClient[Litestar], kind: type[CarbonFinError]) -> None:
    statuses = {
        "invalid-input": 422, "not-found": 404, "conflict": 409, "not-permitted": 403, "not-applicable": 422,
        "missing-data": 409, "upstream-failed": 502, "calculation-failed": 500,
    }  # fmt: skip
    answer = client.get(f"/v1/trial/{kind.code}")
    problem = answer.json()
    assert answer.status_code == statuses[kind.code] == problem["status"]
    assert problem["detail"] == "the quote of CEA 2024 on 2026-03-02 is missing"
    assert problem["detail_zh"] == "缺少报价"
    assert problem["context"] == {"known_until": "2026-02-27"}
    assert problem["errors"] == [{"field": "date", "detail": problem["detail"], "detail_zh": "缺少报价"}]
    explained = client.get(problem["type"], headers=PAGE)
    assert explained.status_code == 200
    assert problem["title_zh"] in explained.text


def test_an_unexpected_error_tells_nothing_of_its_inside(client: TestClient[Litestar]) -> None:
    answer = client.get("/v1/trial/unexpected")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal-error"
    assert "6222" not in answer.text
    assert "RuntimeError" not in answer.text
    page = client.get("/v1/trial/unexpected", headers=PAGE)
    assert "Traceback" not in page.text


def test_titles_are_fixed_and_codes_are_unique() -> None:
    assert len(KINDS_BY_CODE) == len(PROBLEM_KINDS)
    assert len({kind.title.en for kind in PROBLEM_KINDS}) == len(PROBLEM_KINDS)
    for kind in PROBLEM_KINDS:
        assert 400 <= kind.status < 600
        assert kind.meaning.zh
        assert kind.remedy.en.endswith(".")


def test_a_person_gets_a_page_with_what_happened_and_what_to_do(world: World) -> None:
    with TestClient(world.app) as client:
        answer = client.get("/nowhere", headers=PAGE)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    for words in ("未找到", "未作更改", "如何处理", answer.headers["x-request-id"]):
        assert words in answer.text


def test_errors_without_context_need_no_field() -> None:
    error = InvalidInput("a rule is broken", zh="违反规则")
    assert error.field is None
