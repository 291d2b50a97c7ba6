"""Signing in and out: a form, a session cookie, and a lock after repeated failures."""

from typing import Annotated, Any

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.doors import doors_of
from carbonfin.app.identity.single_sign_on import single_sign_on_of
from carbonfin.kernel.errors import NotPermitted
from carbonfin.web.addresses import own_address
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.security import SESSION_COOKIE, cookie_of, seals_of
from carbonfin.web.visitors import visitor_of

_TITLE = Text("登录", "Sign in")


class SignInForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sign-in form sends."""

    login: Annotated[str, Meta(max_length=200)]
    password: Annotated[str, Meta(max_length=1000)]
    next: Annotated[str, Meta(max_length=2000)] = "/"


@get("/sign-in", sync_to_thread=True)
def sign_in_page(request: WebRequest, next: FromQuery[str] = "/") -> Response[Any]:  # noqa: A002 - the word in the address
    """Show the sign-in form, or go on where somebody is signed in."""
    if visitor_of(request) is not None:
        return Redirect(own_address(next), status_code=303)
    return _form(request, login="", next_address=own_address(next), failure=None, status_code=200)


@post("/sign-in")
async def sign_in(
    request: WebRequest, data: Annotated[SignInForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[Any]:
    """Open a session for a person whose password fits.

    Waiting for one's turn holds no worker thread: strangers could otherwise take them all.
    """
    doors, seals = doors_of(request), seals_of(request)
    target = own_address(data.next)
    try:
        async with doors.turn():
            token = await sync_to_thread(
                doors.sign_in,
                data.login,
                data.password,
                device=request.headers.get("user-agent", ""),
                replaces=cookie_of(request, SESSION_COOKIE),
            )
    except NotPermitted as refusal:
        failure = Text(refusal.zh, refusal.detail)
        return _form(request, login=data.login, next_address=target, failure=failure, status_code=403)
    answer = _gone_to(request, target)
    answer.set_cookie(seals.cookie(SESSION_COOKIE, token))
    return answer


@post("/sign-out", sync_to_thread=True, status_code=303)
def sign_out(request: WebRequest) -> Response[Any]:
    """Close the session, here and in the database."""
    doors_of(request).sign_out(cookie_of(request, SESSION_COOKIE))
    answer = _gone_to(request, "/sign-in")
    answer.set_cookie(seals_of(request).ended_cookie(SESSION_COOKIE))
    return answer


def _gone_to(request: WebRequest, target: str) -> Response[Any]:
    if request.headers.get("HX-Request") == "true":
        return Response(b"", status_code=200, headers={"HX-Redirect": target})
    return Redirect(target, status_code=303)


def _form(
    request: WebRequest,
    *,
    login: str,
    next_address: str,
    failure: Text | None,
    status_code: int,
) -> Template:
    return page(
        request,
        "app/sign_in.html",
        title=_TITLE,
        status_code=status_code,
        login=login,
        next=next_address,
        failure=failure,
        providers=tuple(single_sign_on_of(request).providers.values()),
    )


routes = [sign_in_page, sign_in, sign_out]
