"""The API's description tells the truth: closed structs, problems everywhere, Allow over all methods."""

import json
import re
from typing import Any

from litestar.testing import TestClient

from carbonfin.app.description import description
from carbonfin.app.factory import create_app
from carbonfin.app.openapi import closed_schema, example_of
from carbonfin.kernel.dates import FixedClock
from tests.app.worlds import NOW, PAGE, SETTINGS, World


def _schema(world: World) -> Any:
    with TestClient(world.app) as client:
        return client.get("/schema/openapi.json").json()


def test_it_is_openapi_31_with_our_ways_in(world: World) -> None:
    schema = _schema(world)
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_only_the_api_is_described(world: World) -> None:
    assert [path for path in _schema(world)["paths"] if not path.startswith("/v1/")] == []


def test_every_operation_documents_its_problems(world: World) -> None:
    for path, item in _schema(world)["paths"].items():
        for method, operation in item.items():
            responses = operation["responses"]
            assert {"400", "401", "403"} <= set(responses), (method, path)
            if "{" in path:
                assert "404" in responses, (method, path)
            for status, response in responses.items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)


def test_inputs_are_closed() -> None:
    schema = {"components": {"schemas": {"LoanIn": {"type": "object"}, "LoanOut": {"type": "object"}}}, "paths": {}}
    closed = closed_schema(schema)["components"]["schemas"]
    assert closed["LoanIn"]["additionalProperties"] is False
    assert "additionalProperties" not in closed["LoanOut"]


def test_examples_come_from_the_structs_themselves() -> None:
    schema = {
        "components": {
            "schemas": {
                "PartIn": {"type": "object", "required": ["unit"], "properties": {"unit": {"examples": ["CEA-2023"]}}},
                "LoanIn": {
                    "type": "object",
                    "required": ["parts", "kind", "count"],
                    "properties": {
                        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/PartIn"}},
                        "kind": {"enum": ["pledge", "repo"]},
                        "count": {"type": "integer", "minimum": 3},
                        "note": {"type": "string"},
                    },
                },
            }
        }
    }
    assert example_of("LoanIn", schema) == {"parts": [{"unit": "CEA-2023"}], "kind": "pledge", "count": 3}


def test_options_names_the_methods_of_all_handlers_of_a_path(world: World) -> None:
    with TestClient(world.app) as client:
        answer = client.options("/sign-in")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, OPTIONS, POST"


def test_the_docs_page_shows_every_operation_and_schema(world: World) -> None:
    schema = _schema(world)
    with TestClient(world.app) as client:
        text = client.get("/docs/api", headers=PAGE).text
    for path, item in schema["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in text
    for name in schema["components"]["schemas"]:
        assert f'id="schema-{name}"' in text
    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert not {anchor for anchor in anchors if f'id="{anchor}"' not in text}
    assert "Authorization: Bearer $CARBONFIN_KEY" in text


def _whole() -> Any:
    return json.loads(description())


def test_the_command_prints_what_the_service_answers(world: World) -> None:
    served = create_app(SETTINGS, world.sessions, FixedClock(NOW))
    with TestClient(served) as client:
        assert _whole() == client.get("/schema/openapi.json").json()


def test_a_streamed_book_is_described_as_file_and_as_columns() -> None:
    """A body that the framework never sees whole is described by hand, and generated clients send what that says."""
    body = _whole()["paths"]["/v1/valuations/stream"]["post"]["requestBody"]
    assert body["required"]
    assert list(body["content"]) == ["application/json", "application/x-ndjson", "text/csv"]
    columns = body["content"]["application/json"]["schema"]
    assert columns["additionalProperties"] is False
    assert columns["properties"]["quantity_t"]["type"] == "array"


def test_no_two_operations_and_no_two_structs_share_a_name() -> None:
    """Clients are generated with these names; the framework puts the module before a struct's name that comes twice."""
    schema = _whole()
    names = [operation["operationId"] for item in schema["paths"].values() for operation in item.values()]
    assert len(names) >= 30
    assert sorted(set(names)) == sorted(names)
    assert [name for name in schema["components"]["schemas"] if "_" in name or "." in name] == []


def test_pages_versions_and_limits_are_described() -> None:
    """A list says where its next page is, what changes its version, and every operation that it may be refused."""
    paths = _whole()["paths"]
    for path in ("/v1/decisions", "/v1/approvals", "/v1/pledges", "/v1/portfolios", "/v1/market/quotes",
                 "/v1/subsidies/applications"):  # fmt: skip
        operation = paths[path]["get"]
        assert {"limit", "after"} <= {parameter["name"] for parameter in operation["parameters"]}, path
        assert "Link" in operation["responses"]["200"]["headers"], path
    read = paths["/v1/approvals/{approval_id}"]["get"]["responses"]
    assert "ETag" in read["200"]["headers"]
    assert "content" not in read["304"]
    decide = paths["/v1/approvals/{approval_id}/approve"]["post"]
    assert {"412", "428"} <= set(decide["responses"])
    assert next(one for one in decide["parameters"] if one["name"] == "If-Match")["required"] is True
    for path, item in paths.items():
        for method, operation in item.items():
            assert "Retry-After" in operation["responses"]["429"]["headers"], (method, path)


def test_every_list_pages_the_same_way() -> None:
    """What answers a list by itself under /v1 takes `limit` and `after`; nothing pages in a way of its own."""
    for path, item in _whole()["paths"].items():
        named = {parameter["name"] for parameter in item.get("get", {}).get("parameters", ())}
        assert not named & {"page", "offset", "cursor", "page_size", "per_page"}, path
        assert ("limit" in named) == ("after" in named), path
