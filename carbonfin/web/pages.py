"""Pages and fragments: one template, written off the event loop in the reader's language."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.filters import do_mark_safe
from litestar.datastructures import Cookie
from litestar.response import Template
from litestar.response.base import ASGIResponse

from carbonfin.kernel.actors import OrganizationKind, Role
from carbonfin.web.charts import inline_svg
from carbonfin.web.connections import Connection
from carbonfin.web.filters import FILTERS
from carbonfin.web.language import (
    LANGUAGE_COOKIE,
    LANGUAGE_QUERY,
    Language,
    Text,
    asked_language,
    current_language,
    language_of,
    writing_in,
)
from carbonfin.web.security import (
    FORM_TOKEN_FIELD,
    VISIT_COOKIE,
    new_visit,
    proof_of,
    request_id_of,
    seals_of,
)
from carbonfin.web.visitors import Visitor, visitor_of

__all__ = ["NavigationItem", "Text", "page", "template_environment", "wants_fragment", "wants_page"]

TEMPLATE_FOLDER = Path(__file__).parent / "templates"
STATIC_FOLDER = Path(__file__).parent / "static"
_ENVIRONMENT = "carbonfin_templates"
_NAVIGATION = "carbonfin_navigation"
_ALLOWS = "carbonfin_allows"
THEMES = ("auto", "light", "dark")
THEME_QUERY = "theme"
THEME_COOKIE = "carbonfin_theme"
RISES = ("red", "green")
RISE_QUERY = "rise"
RISE_COOKIE = "carbonfin_rise"
"""The colour of a rise in price; left alone, red on Chinese pages and green on English ones."""

_SEARCHES: dict[OrganizationKind | None, Text] = {
    OrganizationKind.BANK: Text("查找企业、质押、贷款", "Find enterprise, pledge, loan"),
    OrganizationKind.BUREAU: Text("查找贴息申请、企业", "Find application, enterprise"),
}

ROLE_NAMES: dict[Role, Text] = {
    Role.SYSTEM: Text("系统", "System"),
    Role.OFFICER: Text("客户经理", "Officer"),
    Role.CHECKER: Text("复核", "Checker"),
    Role.RISK: Text("风险经理", "Risk"),
    Role.BUREAU: Text("环境局经办", "Bureau"),
    Role.AUDITOR: Text("审计", "Auditor"),
    Role.ADMINISTRATOR: Text("管理员", "Administrator"),
    Role.OPERATOR: Text("平台运营", "Operator"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationItem:
    """One entry of the main navigation and who sees it.

    Attributes:
        also: Addresses of pages that belong to it though they do not begin with its address.
    """

    address: str
    text: Text
    roles: frozenset[Role]
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a page stands in this room; the home page holds itself alone."""
        if self.address == "/":
            return path == "/"
        return any(path == one or path.startswith(f"{one}/") for one in (self.address, *self.also))


class Page(Template):
    """A page already written; it only travels."""

    def __init__(self, body: str, *, status_code: int, cookies: list[Cookie], headers: dict[str, str]) -> None:
        super().__init__(
            template_str="-", status_code=status_code, cookies=cookies, headers=headers, media_type="text/html"
        )
        self.body = body.encode()

    def to_asgi_response(self, *_: Any, **given: Any) -> ASGIResponse:
        """Answer with the written page; what the framework adds comes along."""
        cookies = [*self.cookies, *(given.get("cookies") or ())]
        return ASGIResponse(
            background=self.background or given.get("background"),
            body=self.body,
            cookies=cookies,
            headers={**(given.get("headers") or {}), **self.headers},
            is_head_response=bool(given.get("is_head_response")),
            media_type="text/html",
            status_code=self.status_code,
        )


def template_environment(folders: Iterable[Path]) -> Environment:
    """Make the templates of all packages ready; an unknown name in a template is an error, never a blank."""
    environment = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(t=_choose, Text=Text, inline_svg=_inline, language_now=current_language)
    return environment


Allows = Callable[[Role | None, str, str], bool]
"""Whether a role may use a method of a route, by the access policy."""


def keep_templates(
    state: Any, environment: Environment, *, navigation: Sequence[NavigationItem], allows: Allows
) -> None:
    """Keep the templates, the navigation and the policy's answer with the application."""
    state[_ENVIRONMENT] = environment
    state[_NAVIGATION] = tuple(navigation)
    state[_ALLOWS] = allows


def page(
    request: Connection,
    template: str,
    *,
    title: Text,
    status_code: int = 200,
    fragment: str | None = None,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Template:
    """Write a page, or the fragment that the full page includes when htmx asks for it.

    Args:
        request: The request being answered.
        template: Path such as `pricing/portfolio.html`.
        title: The page's name, in both languages.
        status_code: 200 unless the page tells of a problem.
        fragment: Template of the part that htmx swaps; left out, htmx gets the whole page.
        headers: More headers of the answer.
        context: What the template shows.
    """
    language = language_of(request)
    seals = seals_of(request)
    cookies: list[Cookie] = []
    theme = request.query_params.get(THEME_QUERY, "")
    if theme in THEMES:
        cookies.append(seals.lasting_cookie(THEME_COOKIE, theme))
    rise = request.query_params.get(RISE_QUERY, "")
    if rise in RISES:
        cookies.append(seals.lasting_cookie(RISE_COOKIE, rise))
    if asked_language(request) is not None:
        cookies.append(seals.lasting_cookie(LANGUAGE_COOKIE, language.value))
    proof = proof_of(request)
    if proof is None:
        proof = new_visit()
        cookies.append(seals.cookie(VISIT_COOKIE, proof))
    environment = cast("Environment", request.app.state[_ENVIRONMENT])
    name = fragment if fragment is not None and wants_fragment(request) else template
    with writing_in(language):
        body = environment.get_template(name).render(
            **_surroundings(request, language, seals.form_token(proof)), title=title, status_code=status_code, **context
        )
    answer = Page(
        body, status_code=status_code, cookies=cookies, headers={"Vary": "HX-Request, Cookie"} | (headers or {})
    )
    answer.headers.setdefault("Cache-Control", "private, no-store")
    answer.headers.setdefault("Content-Language", language.tag)
    return answer


def wants_fragment(request: Connection) -> bool:
    """Whether htmx asks for a part of a page; a boosted link asks for the whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def wants_page(request: Connection) -> bool:
    """Whether the asker reads pages: a browser outside the API."""
    if request.scope["path"].startswith("/v1/"):
        return False
    return "text/html" in request.headers.get("accept", "") or request.headers.get("HX-Request") == "true"


def _surroundings(request: Connection, language: Language, form_token: str) -> dict[str, Any]:
    visitor = visitor_of(request)
    path = request.scope["path"]
    role = visitor.actor.role if visitor is not None else None
    navigation = cast("tuple[NavigationItem, ...]", request.app.state[_NAVIGATION])
    return {
        "request": request,
        "path": path,
        "language": language.value,
        "language_tag": language.tag,
        "language_links": {other.value: _address_with(request, LANGUAGE_QUERY, other.value) for other in Language},
        "theme": _theme_of(request),
        "theme_links": {theme: _address_with(request, THEME_QUERY, theme) for theme in THEMES},
        "rise": _rise_of(request, language),
        "rise_links": {rise: _address_with(request, RISE_QUERY, rise) for rise in RISES},
        "visitor": visitor,
        "role_name": ROLE_NAMES[role] if role is not None else None,
        "may": partial(_may, request.app.state[_ALLOWS], role),
        "navigation": [item for item in navigation if role in item.roles],
        "is_sample": visitor is not None and visitor.is_sample,
        "form_token": form_token,
        "csrf_input": do_mark_safe('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN_FIELD, form_token),
        "searches": _searches(visitor),
        "request_id": request_id_of(request.scope),
    }


def _searches(visitor: Visitor | None) -> Text:
    """Say what the search of the asker's house finds."""
    kind = visitor.actor.organization_kind if visitor is not None else None
    return _SEARCHES.get(kind, Text("查找编号", "Find a number"))


def _may(allows: Allows, role: Role | None, address: str, method: str = "GET") -> bool:
    return allows(role, method, address)


def _theme_of(request: Connection) -> str:
    theme = request.query_params.get(THEME_QUERY) or request.cookies.get(THEME_COOKIE)
    return theme if theme in THEMES else "auto"


def _rise_of(request: Connection, language: Language) -> str:
    rise = request.query_params.get(RISE_QUERY) or request.cookies.get(RISE_COOKIE)
    return rise if rise in RISES else "red" if language is Language.ZH else "green"


def _address_with(request: Connection, name: str, value: str) -> str:
    kept = [(other, text) for other, text in request.query_params.multi_items() if other != name]
    return f"{request.scope['path']}?{urlencode([*kept, (name, value)])}"


def _choose(zh: str, en: str) -> str:
    return zh if current_language() is Language.ZH else en


def _inline(svg: str, name: str) -> str:
    return do_mark_safe(inline_svg(str(svg), name=escape(str(name))))  # our own drawing, checked by inline_svg
