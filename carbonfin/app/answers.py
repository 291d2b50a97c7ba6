"""How errors leave: problem+json for systems, a page for people, a way to the sign-in for strangers."""

from typing import Any
from urllib.parse import quote

import msgspec
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response
from litestar.types import ExceptionHandlersMap

from carbonfin.app.guards import CHALLENGE
from carbonfin.app.logs import log_failure
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page, wants_page
from carbonfin.web.problem_kinds import KINDS_BY_CODE
from carbonfin.web.problems import PROBLEM_MEDIA_TYPE, Problem, problem_of
from carbonfin.web.security import request_id_of

_OWN_FAULT = 500
_STRANGER = 401
_STEPS_FIRST = {
    "password-change-required": "/account",
    "second-factor-required": "/sign-in/second-factor",
    "second-factor-missing": "/account/second-factor",
}
"""Where a person is led who must do something else before."""


def answer_error(request: WebRequest, error: Exception) -> Response[Any]:
    """Answer an error as its reader needs it; an unexpected one is logged and tells nothing of its inside."""
    problem = problem_of(error, request, request_id=request_id_of(request.scope))
    if problem.status == _OWN_FAULT:
        log_failure(error, request.scope)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if problem.status == _STRANGER:
        headers = CHALLENGE | headers
    if wants_page(request):
        return _as_page(request, problem, headers)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={**headers, "Content-Language": "en", "Cache-Control": "no-store"},
    )


def _as_page(request: WebRequest, problem: Problem, headers: dict[str, str]) -> Response[Any]:
    if problem.status == _STRANGER:
        address = request.scope["path"]
        query = request.scope.get("query_string", b"").decode("latin-1")
        wanted = f"{address}?{query}" if query else address
        target = f"/sign-in?next={quote(wanted if request.method == 'GET' else '/', safe='')}"
        if request.headers.get("HX-Request") == "true":
            return Response(b"", status_code=_STRANGER, headers={"HX-Redirect": target} | CHALLENGE)
        return Redirect(target, status_code=303)
    if problem.code in _STEPS_FIRST:
        return Redirect(_STEPS_FIRST[problem.code], status_code=303)
    kind = KINDS_BY_CODE[problem.code]
    return page(
        request,
        "web/problem.html",
        title=Text(problem.title_zh, problem.title),
        status_code=problem.status,
        headers=headers,
        problem=problem,
        kind=kind,
        detail=Text(problem.detail_zh or problem.detail, problem.detail),
        remedy=Text(problem.remedy_zh or problem.remedy, problem.remedy),
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    HTTPException: answer_error,
    CarbonFinError: answer_error,
    Exception: answer_error,
}
