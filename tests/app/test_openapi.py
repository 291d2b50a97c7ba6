"""The API's description tells the truth: closed structs, problems everywhere, Allow over all methods."""

import re
from typing import Any

from litestar.testing import TestClient

from carbonfin.app.openapi import closed_schema, example_of
from tests.app.worlds import PAGE, World


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
