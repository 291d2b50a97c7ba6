"""Errors as RFC 9457 problems for systems and as a page for people; one type, one title, one status."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from carbonfin.kernel.errors import CarbonFinError
from carbonfin.web.connections import Connection
from carbonfin.web.language import Text
from carbonfin.web.problem_kinds import CODE_BY_STATUS, KINDS_BY_CODE, PROBLEM_KINDS, ProblemKind

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldProblem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place at fault: a JSON pointer into the body, or the name of a parameter, header or form field."""

    detail: str
    pointer: str | None = None
    field: str | None = None
    detail_zh: str | None = None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem as RFC 9457 has it, with what to do and the request's number."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    code: str
    title_zh: str = ""
    detail_zh: str = ""
    remedy: str = ""
    remedy_zh: str = ""
    errors: tuple[FieldProblem, ...] = ()
    context: dict[str, str] = {}


class EdgeProblem(HTTPException):
    """A problem that arises at the edge itself, such as a missing header or a stale form token."""

    def __init__(
        self, code: str, detail: str, *, zh: str, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        kind = KINDS_BY_CODE[code]
        super().__init__(detail=detail, status_code=kind.status, headers=headers)
        self.kind = kind
        self.zh = zh
        self.field = field


def problem_of(error: Exception, connection: Connection, *, request_id: str) -> Problem:
    """Describe an error as a problem; what is unexpected says nothing of its inside."""
    if isinstance(error, CarbonFinError):
        return _of_expected(error, connection, request_id)
    if isinstance(error, EdgeProblem):
        errors = (_at_field(error.field, error.detail, error.zh),) if error.field else ()
        return _problem(error.kind, connection, request_id, detail=error.detail, zh=error.zh, errors=errors)
    if isinstance(error, ValidationException):
        found = tuple(_validation_errors(error.extra))
        places = ", ".join(item.pointer or item.field or "body" for item in found) or "the request"
        kind = KINDS_BY_CODE["malformed-request"]
        zh = f"{len(found)} 处不符合接口约定：{places}"
        return _problem(kind, connection, request_id, detail=f"{places} does not parse", zh=zh, errors=found)
    if isinstance(error, HTTPException) and error.status_code in CODE_BY_STATUS and error.status_code < 500:
        kind = KINDS_BY_CODE[CODE_BY_STATUS[error.status_code]]
        return _problem(kind, connection, request_id, detail=_framework_detail(error, connection), zh=kind.meaning.zh)
    kind = KINDS_BY_CODE["internal-error"]
    return _problem(kind, connection, request_id, detail=kind.meaning.en, zh=kind.meaning.zh)


def problem_responses(*statuses: int) -> dict[int, ResponseSpec]:
    """Document the problems a route may answer with, for the `responses` argument of its decorator."""
    return {status: _response_spec(status) for status in sorted({400, 401, 403, *statuses})}


def kind_of_status(status: int) -> ProblemKind | None:
    """Give the usual problem of a status."""
    code = CODE_BY_STATUS.get(status)
    return KINDS_BY_CODE[code] if code is not None else None


def _response_spec(status: int) -> ResponseSpec:
    titles = " / ".join(kind.title.en for kind in PROBLEM_KINDS if kind.status == status)
    return ResponseSpec(
        data_container=Problem, description=titles, media_type=PROBLEM_MEDIA_TYPE, generate_examples=False
    )


def _problem(
    kind: ProblemKind,
    connection: Connection,
    request_id: str,
    *,
    detail: str,
    zh: str,
    errors: tuple[FieldProblem, ...] = (),
    remedy: Text | None = None,
    context: Mapping[str, object] | None = None,
) -> Problem:
    advice = remedy or kind.remedy
    return Problem(
        type=kind.address,
        title=kind.title.en,
        title_zh=kind.title.zh,
        status=kind.status,
        detail=detail,
        detail_zh=zh,
        instance=connection.scope["path"],
        code=kind.code,
        request_id=request_id,
        remedy=advice.en,
        remedy_zh=advice.zh,
        errors=errors,
        context={name: str(value) for name, value in (context or {}).items()},
    )


def status_of(error: CarbonFinError) -> int:
    """Give the status of an expected error, for a page that shows it beside the field."""
    return KINDS_BY_CODE[error.code].status


def _of_expected(error: CarbonFinError, connection: Connection, request_id: str) -> Problem:
    kind = KINDS_BY_CODE[error.code]
    errors = (_at_field(error.field, error.detail, error.zh),) if error.field else ()
    remedy = Text(error.remedy_zh or kind.remedy.zh, error.remedy or kind.remedy.en)
    return _problem(
        kind,
        connection,
        request_id,
        detail=error.detail,
        zh=error.zh,
        errors=errors,
        remedy=remedy,
        context=error.context,
    )


def _at_field(field: str, detail: str, zh: str | None = None) -> FieldProblem:
    if field.startswith("/"):
        return FieldProblem(detail=detail, detail_zh=zh, pointer=field)
    return FieldProblem(detail=detail, detail_zh=zh, field=field)


_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
_MISSING_FIELD = re.compile(r"missing required field `([^`]+)`")


def _validation_errors(extra: Any) -> Iterable[FieldProblem]:
    for item in extra if isinstance(extra, list) else ():
        message = str(item.get("message", "does not parse"))
        key = str(item.get("key", ""))
        if item.get("source") != "body" and not key.startswith("data"):
            yield FieldProblem(detail=message, field=key or None)
            continue
        steps = ["" if key in {"data", ""} else key]
        for pattern in (_UNKNOWN_FIELD, _MISSING_FIELD):
            named = pattern.search(message)
            if named:
                steps.append(named.group(1))
        yield FieldProblem(detail=message, pointer=_pointer(".".join(step for step in steps if step)))


def _pointer(path: str) -> str:
    steps = [index or name for index, name in _STEP.findall(path)]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _framework_detail(error: HTTPException, connection: Connection) -> str:
    method, path = connection.scope.get("method", ""), connection.scope["path"]
    if error.status_code == 404:
        return f"there is nothing at {path}"
    if error.status_code == 405:
        return f"{path} does not answer {method}"
    return error.detail or f"{method} {path} was refused"
