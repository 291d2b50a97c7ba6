"""A person's own account: the password, and where the person is signed in."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.doors import doors_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import revoke_session, sessions_of_person
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.visitors import visitor_of


class PasswordForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the password form sends."""

    current: Annotated[str, Meta(max_length=1000)]
    new: Annotated[str, Meta(max_length=1000)]
    again: Annotated[str, Meta(max_length=1000)]


@get("/account", sync_to_thread=True)
def account_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, changed: FromQuery[str] = ""
) -> Template:
    """Show the own account."""
    return _shown(request, sessions, actor, clock, failure=None, changed=changed == "yes")


@post("/account/password", sync_to_thread=True)
def change_own_password(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[PasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Change the own password; every other session of the person ends."""
    try:
        _require_same(data)
        doors_of(request).change_password(request, current=data.current, new=data.new)
    except InvalidInput as failure:
        return _shown(request, sessions, actor, clock, failure=failure, changed=False)
    return Redirect("/account?changed=yes", status_code=303)


@post("/account/sessions/{session_id:str}/end", sync_to_thread=True)
def end_own_session(sessions: Sessions, actor: Actor, clock: Clock, session_id: FromPath[str]) -> Redirect:
    """End one of the own sessions."""
    with sessions.begin() as session:
        revoke_session(session, actor=actor, person_id=actor.id, session_id=session_id, clock=clock)
    return Redirect("/account", status_code=303)


@post("/account/sessions/end-others", sync_to_thread=True)
def end_other_sessions(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Redirect:
    """End every own session but this one."""
    visitor = visitor_of(request)
    kept = visitor.signed_in.id if visitor is not None and visitor.signed_in is not None else ""
    with sessions.begin() as session:
        for one in sessions_of_person(session, actor.id, clock):
            if one.id != kept:
                revoke_session(session, actor=actor, person_id=actor.id, session_id=one.id, clock=clock)
    return Redirect("/account", status_code=303)


def _require_same(form: PasswordForm) -> None:
    if form.new != form.again:
        raise InvalidInput("the two entries differ", zh="两次输入的新密码不一致", field="again")


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    failure: InvalidInput | None,
    changed: bool,
) -> Template:
    with sessions.read() as session:
        open_sessions = sessions_of_person(session, actor.id, clock)
    visitor = visitor_of(request)
    signed_in = None if visitor is None else visitor.signed_in
    errors = {}
    if failure is not None:
        field = {"password": "new"}.get(failure.field or "", failure.field)
        errors[field] = Text(f"{failure.zh}{failure.remedy_zh and '。' + failure.remedy_zh}", failure.detail)
    return page(
        request,
        "app/account.html",
        title=Text("我的账户", "My account"),
        status_code=200 if failure is None else 422,
        open_sessions=open_sessions,
        current_id="" if signed_in is None else signed_in.id,
        must_change=signed_in is not None and signed_in.must_change_password,
        errors=errors,
        changed=changed,
    )


routes = [account_page, change_own_password, end_own_session, end_other_sessions]
