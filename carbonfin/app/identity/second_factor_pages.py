"""A person's second factor: the code after the password, and the authenticator set up and ended under the account."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.doors import doors_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, NotPermitted
from carbonfin.kernel.one_time_codes import enrolment_address, secret_text
from carbonfin.storage import parties
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Factor
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.security import SESSION_COOKIE, cookie_of, seals_of
from carbonfin.web.visitors import visitor_of

_TITLE = Text("身份验证器", "Second factor")


class CodeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms for a code and for setting up send."""

    code: Annotated[str, Meta(max_length=100)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""


_Form = Annotated[CodeForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/sign-in/second-factor", sync_to_thread=True)
def code_page(request: WebRequest) -> Response[Any]:
    """Ask for the code, where a session waits for one."""
    if not _waits(request):
        return Redirect("/", status_code=303)
    return _asked(request, failure=None)


@post("/sign-in/second-factor", sync_to_thread=True)
def give_code(request: WebRequest, data: _Form) -> Response[Any]:
    """Open the session with a code of the authenticator or a recovery code."""
    visitor = visitor_of(request)
    if visitor is None or not _waits(request):
        return Redirect("/", status_code=303)
    try:
        token = doors_of(request).give_second_factor(visitor, data.code, token=cookie_of(request, SESSION_COOKIE))
    except NotPermitted as failure:
        return _asked(request, failure=failure)
    answer = Redirect("/", status_code=303)
    answer.set_cookie(seals_of(request).cookie(SESSION_COOKIE, token))
    return answer


@get("/account/second-factor", sync_to_thread=True)
def second_factor_page(request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show whether the own account has a second factor."""
    return _shown(request, sessions, actor)


@post("/account/second-factor", sync_to_thread=True, status_code=200)
def begin(request: WebRequest, sessions: Sessions, actor: Actor, data: _Form) -> Template:
    """Draw a secret for an authenticator, after the password was given again, and show it this once."""
    try:
        doors = doors_of(request)
        doors.confirm(request, data.password)
        secret = doors.begin_second_factor(sessions, actor)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure)
    return _shown(request, sessions, actor, secret=secret)


@post("/account/second-factor/confirm", sync_to_thread=True, status_code=200)
def confirm(request: WebRequest, sessions: Sessions, actor: Actor, data: _Form) -> Template:
    """Have the authenticator count from now on, and show the recovery codes this once."""
    try:
        codes = doors_of(request).confirm_second_factor(sessions, request, data.code)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure, is_begun=True)
    return _shown(request, sessions, actor, codes=codes)


@post("/account/second-factor/end", sync_to_thread=True)
def end(request: WebRequest, sessions: Sessions, actor: Actor, data: _Form) -> Response[Any]:
    """End the own second factor, with one of its codes; where the organisation asks for one, another must follow."""
    try:
        doors_of(request).end_second_factor(sessions, actor, data.code)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure)
    return Redirect("/account/second-factor", status_code=303)


def _waits(request: WebRequest) -> bool:
    visitor = visitor_of(request)
    return visitor is not None and visitor.signed_in is not None and visitor.signed_in.factor is Factor.WAITING


def _asked(request: WebRequest, *, failure: NotPermitted | None) -> Template:
    return page(
        request,
        "app/sign_in_code.html",
        title=Text("输入验证码", "Give the code"),
        status_code=200 if failure is None else status_of(failure),
        failure=None if failure is None else Text(f"{failure.zh}。{failure.remedy_zh}", failure.detail),
    )


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    failure: CarbonFinError | None = None,
    secret: bytes | None = None,
    is_begun: bool = False,
    codes: Sequence[str] = (),
) -> Template:
    with sessions.read() as session:
        is_on = parties.has_second_factor(session, actor.id)
        login = parties.load_account(session, actor, actor.id).login
    visitor = visitor_of(request)
    return page(
        request,
        "app/second_factor.html",
        title=_TITLE,
        status_code=200 if failure is None else status_of(failure),
        is_on=is_on,
        must_enrol=visitor is not None and visitor.must_enrol and not is_on,
        is_begun=is_begun or secret is not None,
        secret=None if secret is None else secret_text(secret),
        address=None if secret is None else enrolment_address(secret, issuer="carbonfin", login=login),
        codes=codes,
        failure=None if failure is None else Text(f"{failure.zh}。{failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
    )


routes = [code_page, give_code, second_factor_page, begin, confirm, end]
