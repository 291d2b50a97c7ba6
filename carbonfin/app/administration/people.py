"""People: what one administrator proposes and another approves, and what protects at once."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.administration.words import event_detail, event_words
from carbonfin.app.doors import doors_of
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage import parties
from carbonfin.storage.administration import PERSON_APPROVAL, ROLES_OF, propose_change, propose_person
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Account
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import ROLE_NAMES, Text, page
from carbonfin.web.problems import status_of

_IMMEDIATE = {
    "deactivate": parties.deactivate,
    "unlock": parties.unlock,
    "sign-out": parties.sign_out_everywhere,
}
_PROPOSED = frozenset({"role", "password", "reactivate", "second-factor"})
_EVENTS_SHOWN = 20


class PersonForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for a new person sends."""

    login: Annotated[str, Meta(max_length=100)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    role: Annotated[str, Meta(max_length=40)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""


class StepForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms on a person's page send."""

    action: Annotated[str, Meta(max_length=40)]
    role: Annotated[str, Meta(max_length=40)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""


@get("/administration/people", sync_to_thread=True)
def people_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """List the organisation's people."""
    return _list(request, sessions, actor, clock, entry=PersonForm(), failure=None)


@post("/administration/people", sync_to_thread=True)
def add_person_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[PersonForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose an account; another administrator approves it."""
    try:
        with sessions.begin() as session:
            proposed = propose_person(
                session, actor, login=data.login.strip(), name=data.name, role=_role(data.role), reason=data.reason,
                at=clock.now(),
            )  # fmt: skip
    except CarbonFinError as failure:
        return _list(request, sessions, actor, clock, entry=data, failure=failure)
    return Redirect(f"/approvals/{proposed.id}", status_code=303)


@get("/administration/people/{person_id:str}", sync_to_thread=True)
def person_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, person_id: FromPath[str]
) -> Template:
    """Show one person's account."""
    return _one(request, sessions, actor, clock, person_id=person_id)


@post("/administration/people/{person_id:str}/steps", sync_to_thread=True)
def person_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    person_id: FromPath[str],
    data: Annotated[StepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Protect at once (lock out, sign out), end a lock, propose what needs two, or hand out a one-time password."""
    try:
        if data.action == "one-time-password":
            return _handed_out(request, sessions, actor, clock, person_id=person_id, password=data.password)
        with sessions.begin() as session:
            if data.action in _PROPOSED:
                role = _role(data.role) if data.action == "role" else None
                proposed = propose_change(
                    session, actor, person_id, action=data.action, role=role, reason=data.reason, at=clock.now()
                )
                return Redirect(f"/approvals/{proposed.id}", status_code=303)
            step = _IMMEDIATE.get(data.action)
            if step is None:
                raise InvalidInput(f"there is no step {data.action!r}", zh="没有该操作", field="action")
            step(session, actor, person_id, at=clock.now())
    except CarbonFinError as failure:
        return _one(request, sessions, actor, clock, person_id=person_id, failure=failure, entry=data)
    return Redirect(f"/administration/people/{person_id}", status_code=303)


def _handed_out(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, *, person_id: str, password: str
) -> Template:
    """Show a one-time password this once."""
    doors_of(request).confirm(request, password)
    text, password_hash = parties.one_time_password()
    with sessions.begin() as session:
        parties.hand_out_password(session, actor, person_id, password_hash=password_hash, at=clock.now())
    return _one(request, sessions, actor, clock, person_id=person_id, one_time_password=text)


def _list(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    entry: PersonForm,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        accounts = parties.accounts_of(session, actor)
        with_second_factor = parties.people_with_second_factor(session, actor.organization_id)
        open_proposals = [
            one for one in approvals_of(session, actor, states=OPEN_STATES) if one.kind == PERSON_APPROVAL.name
        ]
    return page(
        request,
        "app/people.html",
        title=Text("用户", "People"),
        status_code=200 if failure is None else status_of(failure),
        accounts=accounts,
        proposals=open_proposals,
        with_second_factor=with_second_factor,
        state_of=lambda account: account_state(account, clock),
        roles=[(role.value, ROLE_NAMES[role]) for role in ROLES_OF[actor.organization_kind]],
        role_names=ROLE_NAMES,
        entry=entry,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
    )


def _one(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    person_id: str,
    failure: CarbonFinError | None = None,
    entry: StepForm | None = None,
    one_time_password: str | None = None,
) -> Template:
    with sessions.read() as session:
        account = parties.load_account(session, actor, person_id)
        has_second_factor = parties.has_second_factor(session, person_id)
        signed_in = parties.sessions_of_person(session, person_id, clock)
        events = parties.security_events_of(
            session, actor.organization_id, subject=f"person:{person_id}", limit=_EVENTS_SHOWN
        )
        proposals = [
            one
            for one in approvals_of(session, actor, states=OPEN_STATES)
            if one.kind == PERSON_APPROVAL.name and one.subject == f"person:{person_id}"
        ]
    return page(
        request,
        "app/person.html",
        title=Text(account.name, account.name),
        status_code=200 if failure is None else status_of(failure),
        account=account,
        state=account_state(account, clock),
        is_locked=account.is_locked(clock.now()),
        can_be_handed_a_password=account.can_be_handed_a_password(clock.now()),
        is_oneself=account.id == actor.id,
        role=ROLE_NAMES[account.role],
        roles=[
            (role.value, ROLE_NAMES[role]) for role in ROLES_OF[actor.organization_kind] if role is not account.role
        ],
        signed_in=signed_in,
        events=events,
        event_words=event_words,
        event_detail=event_detail,
        has_second_factor=has_second_factor,
        proposals=proposals,
        one_time_password=one_time_password,
        entry=entry,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
    )


def account_state(account: Account, clock: Clock) -> tuple[str, Text]:
    """Give the badge of an account."""
    if not account.is_active:
        return "neutral", Text("已停用", "Kept out")
    if account.is_locked(clock.now()):
        return "breach", Text("已锁定", "Locked")
    if account.is_unclaimed:
        return "warning", Text("待发放一次性密码", "Waits for a one-time password")
    if account.can_be_handed_a_password(clock.now()):
        return "warning", Text("一次性密码已过期", "One-time password expired")
    if account.must_change_password:
        return "information", Text("待修改密码", "Must change the password")
    if account.signs_in_elsewhere:
        return "good", Text("单点登录", "Single sign-on")
    return "good", Text("正常", "In use")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise InvalidInput(f"there is no role {text!r}", zh="请选择角色", field="role") from error


routes = [people_page, add_person_page, person_page, person_step]
