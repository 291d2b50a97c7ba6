"""The API's description: OpenAPI 3.1, closed structs, every problem documented; and its page, drawn here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme, Server
from litestar.response import Template
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from carbonfin.app.scopes import KNOWN_SCOPES
from carbonfin.kernel.release import VERSION
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IDEMPOTENCY_HEADER
from carbonfin.web.pages import Text, page
from carbonfin.web.paging import AFTER
from carbonfin.web.preconditions import ETAG, IF_MATCH, IF_NONE_MATCH
from carbonfin.web.problem_kinds import PROBLEM_KINDS
from carbonfin.web.problems import PROBLEM_MEDIA_TYPE, kind_of_status

API_PREFIX = "/v1/"
_SCOPES = {scope: f"use of {scope}" for scope in sorted(KNOWN_SCOPES)}
_METHODS = ("get", "post", "put", "patch", "delete")
_WRITING = frozenset({"post", "put", "patch", "delete"})
_ALWAYS = (400, 401, 403, 429)
_WITH_BODY = (413, 415)
_PROBLEM_NAME = "Problem"
_DESCRIPTION = """碳金融接口。金额、价格、比率一律为字符串形式的十进制数；日期为 YYYY-MM-DD；
写入类 POST 须带 Idempotency-Key。

Amounts, prices and ratios are decimals as text; days are YYYY-MM-DD; writing POSTs carry an Idempotency-Key.
Errors are application/problem+json (RFC 9457); each type is explained at /problems."""


def closed_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the description as the API behaves: structs that refuse unknown fields say so, problems stand everywhere."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, shape in schemas.items():
        if name.endswith("In") and shape.get("type") == "object":
            shape["additionalProperties"] = False
    for path, item in schema.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                _document_problems(item[method], schemas, method=method, path=path)
    return schema


def _document_problems(operation: dict[str, Any], schemas: dict[str, Any], *, method: str, path: str) -> None:
    operation["summary"] = operation.get("description", "").split("\n")[0].removesuffix(".")
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == IDEMPOTENCY_HEADER:
            parameter |= {"required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
    responses = operation.setdefault("responses", {})
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    statuses = set(_ALWAYS) | ({412} if IF_MATCH in named else set())
    if operation.get("parameters") or "requestBody" in operation:
        statuses.add(422)
    if method in _WRITING and "requestBody" in operation:
        statuses |= {*_WITH_BODY}
    if "{" in path:
        statuses.add(404)
    for status in sorted(statuses):
        responses[str(status)] = responses.get(str(status), {}) if _is_problem(responses.get(str(status))) else {}
    for status, response in responses.items():
        kind = kind_of_status(int(status)) if status.isdigit() else None
        if kind is None:
            continue
        response.setdefault("description", kind.title.en)
        shape = {"$ref": f"#/components/schemas/{_PROBLEM_NAME}"} if _PROBLEM_NAME in schemas else {"type": "object"}
        response["content"] = {PROBLEM_MEDIA_TYPE: {"schema": shape}}
        if int(status) in _PROBLEM_HEADERS:
            response["headers"] = _headers(*_PROBLEM_HEADERS[int(status)])
    _document_headers(operation, named)


_PROBLEM_HEADERS: dict[int, tuple[tuple[str, str], ...]] = {
    401: (("WWW-Authenticate", "Bearer"),),
    412: ((ETAG, "The version that stands."),),
    429: (("Retry-After", "Seconds to wait."),),
}


def _headers(*named: tuple[str, str]) -> dict[str, Any]:
    return {name: {"schema": {"type": "string"}, "description": says} for name, says in named}


def _document_headers(operation: dict[str, Any], named: set[str]) -> None:
    """Say of a list where its next page is, of what changes its version, and which versions must be named."""
    responses = operation["responses"]
    good = responses.get("200", responses.get("201", {}))
    if AFTER in named:
        good.setdefault("headers", {}).update(
            _headers(("Link", 'Addresses of the first page, rel="first", and where more follows of the next.'))
        )
    if IF_NONE_MATCH in named:
        responses["304"] = {"description": "The caller's copy is still right.", "headers": _headers((ETAG, "Its tag."))}
    if named & {IF_NONE_MATCH, IF_MATCH}:
        good.setdefault("headers", {}).update(_headers((ETAG, "The version of what is answered.")))
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == IF_MATCH and "428" in responses:
            parameter |= {"required": True, "schema": {"type": "string", "minLength": 1}}


def _is_problem(response: dict[str, Any] | None) -> bool:
    return response is not None and PROBLEM_MEDIA_TYPE in response.get("content", {})


class ClosedSchema(JsonRenderPlugin):
    """Serves the closed description as JSON."""

    def render(self, request: WebRequest, openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - the framework passes it
        """Give the description as bytes."""
        return msgspec.json.encode(closed_schema(openapi_schema))


def _operation_name(handler: HTTPRouteHandler, _: Method, __: list[str | PathParameterDefinition]) -> str:
    """Name an operation as its function is named: clients are generated with these names."""
    return handler.handler_name.rsplit(".", 1)[-1]


def openapi_config() -> OpenAPIConfig:
    """Give the description's head: title, version, how to authenticate."""
    return OpenAPIConfig(
        title="Carbonfin",
        version=VERSION,
        description=_DESCRIPTION,
        path="/schema",
        servers=[Server(url="/")],
        render_plugins=[ClosedSchema(path="/openapi.json")],
        components=Components(
            security_schemes={
                "apiKey": SecurityScheme(
                    type="http", scheme="bearer", description="API key of a system: Authorization: Bearer cf_…"
                ),
                "token": SecurityScheme(
                    type="oauth2",
                    description="Ten-minute token for a key: client_id is the key's prefix, client_secret the key.",
                    flows=OAuthFlows(
                        client_credentials=OAuthFlow(token_url="/oauth/token", scopes=_SCOPES)  # noqa: S106 - an address
                    ),
                ),
                "session": SecurityScheme(
                    type="apiKey",
                    name="carbonfin_session",
                    security_scheme_in="cookie",
                    description="Session of a person; unsafe methods also carry X-CSRF-Token.",
                ),
            }
        ),
        security=[{"apiKey": []}, {"token": []}, {"session": []}],
        use_handler_docstrings=True,
        operation_id_creator=_operation_name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEntry:
    """One operation as the docs page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[dict[str, Any], ...]
    body: str | None
    responses: tuple[tuple[str, str, str | None], ...]
    curl: str


def operations_by_package(schema: dict[str, Any]) -> dict[str, list[OperationEntry]]:
    """Group the operations by the first word of their address."""
    groups: dict[str, list[OperationEntry]] = {}
    for path, item in sorted(schema.get("paths", {}).items()):
        for method in _METHODS:
            if method in item:
                group = (item[method].get("tags") or [path.removeprefix(API_PREFIX).split("/")[0]])[0]
                groups.setdefault(group, []).append(_entry(method, path, item[method], schema))
    return groups


def _entry(method: str, path: str, operation: dict[str, Any], schema: dict[str, Any]) -> OperationEntry:
    body = _body_name(operation.get("requestBody"))
    return OperationEntry(
        anchor=f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=tuple(operation.get("parameters", ())),
        body=body,
        responses=tuple(_responses(operation)),
        curl=_curl(method, path, body, schema),
    )


def _responses(operation: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    for status, response in sorted(operation.get("responses", {}).items()):
        yield status, response.get("description", ""), _body_name(response)


def _body_name(holder: dict[str, Any] | None) -> str | None:
    for content in (holder or {}).get("content", {}).values():
        reference = content.get("schema", {}).get("$ref")
        if reference is None:
            reference = content.get("schema", {}).get("items", {}).get("$ref")
        if isinstance(reference, str):
            return reference.rsplit("/", 1)[-1]
    return None


def _curl(method: str, path: str, body: str | None, schema: dict[str, Any]) -> str:
    lines = [f'curl -X {method.upper()} "$CARBONFIN{path}"', '  -H "Authorization: Bearer $CARBONFIN_KEY"']
    if method in _WRITING:
        lines.append('  -H "Idempotency-Key: $(uuidgen)"')
    if body is not None:
        example = msgspec.json.format(msgspec.json.encode(example_of(body, schema)), indent=2).decode()
        lines += ['  -H "Content-Type: application/json"', f"  -d '{example}'"]
    return " \\\n".join(lines)


def example_of(name: str, schema: dict[str, Any], *, depth: int = 0) -> Any:
    """Make an example body from a struct's own examples and bounds."""
    shape = schema["components"]["schemas"].get(name, {})
    if "enum" in shape:
        return shape["enum"][0]
    required = shape.get("required", [])
    properties = shape.get("properties", {})
    return {key: _example_value(properties[key], schema, depth=depth) for key in properties if key in required}


_DEPTH_MAX = 4


def _example_value(shape: dict[str, Any], schema: dict[str, Any], *, depth: int) -> Any:
    if "$ref" in shape and depth < _DEPTH_MAX:
        return example_of(shape["$ref"].rsplit("/", 1)[-1], schema, depth=depth + 1)
    for key in ("examples", "enum"):
        if shape.get(key):
            return shape[key][0]
    for key in ("oneOf", "anyOf"):
        for choice in shape.get(key, ()):
            if choice.get("type") != "null":
                return _example_value(choice, schema, depth=depth)
    if shape.get("type") == "array":
        return [_example_value(shape.get("items", {}), schema, depth=depth)]
    return {"integer": shape.get("minimum", 1), "boolean": True, "number": 1, "object": {}}.get(
        str(shape.get("type")), "text"
    )


@get("/docs/api", sync_to_thread=True, include_in_schema=False)
def api_page(request: WebRequest) -> Template:
    """Show the API's description as a page that needs no network and no script."""
    schema = closed_schema(request.app.openapi_schema.to_schema())
    return page(
        request,
        "app/api.html",
        title=Text("接口文档", "API reference"),
        groups=operations_by_package(schema),
        schemas=sorted(schema.get("components", {}).get("schemas", {}).items()),
        version=VERSION,
        problem_kinds=PROBLEM_KINDS,
    )


@get("/docs/api/try", sync_to_thread=True, include_in_schema=False)
def try_page(request: WebRequest) -> Template:
    """Show Swagger UI over the description: every file comes from this server, nothing is inline."""
    return page(request, "app/api_try.html", title=Text("接口试用", "Try the API"), version=VERSION)


routes = [api_page, try_page]
