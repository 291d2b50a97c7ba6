"""A page for each type of problem: what `type` in an error answer points to."""

from litestar import get
from litestar.params import FromPath
from litestar.response import Template

from carbonfin.kernel.errors import NotFound
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problem_kinds import KINDS_BY_CODE, PROBLEM_KINDS


@get("/problems", sync_to_thread=True)
def problem_list(request: WebRequest) -> Template:
    """List every type of problem."""
    return page(request, "app/problems.html", title=Text("问题类型", "Problem types"), kinds=PROBLEM_KINDS)


@get("/problems/{code:str}", sync_to_thread=True)
def problem_page(request: WebRequest, code: FromPath[str]) -> Template:
    """Explain one type of problem."""
    kind = KINDS_BY_CODE.get(code)
    if kind is None:
        raise NotFound(f"there is no problem type {code!r}", zh=f"没有问题类型“{code}”")
    return page(request, "app/problem_kind.html", title=kind.title, kind=kind)


routes = [problem_list, problem_page]
