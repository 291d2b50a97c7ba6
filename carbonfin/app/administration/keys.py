"""API keys: proposed by one administrator, approved by another, collected once, rotated, revoked at once."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.doors import doors_of
from carbonfin.app.scopes import KNOWN_SCOPES
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.administration import KEY_APPROVAL, KEY_DAYS_MAX, KEY_ROLES_OF, propose_key
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import ApiKey, IssuedKey, collect_key, keys_of, revoke_key, rotate_key
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import ROLE_NAMES, Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.security import seals_of

_OVERLAP = timedelta(days=7)
_LASTS = timedelta(days=KEY_DAYS_MAX - 1)
_SCOPES = tuple(sorted(KNOWN_SCOPES))


class KeyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for a new key sends; scopes stand with blanks between."""

    name: Annotated[str, Meta(max_length=200)] = ""
    role: Annotated[str, Meta(max_length=40)] = ""
    scopes: Annotated[str, Meta(max_length=1000)] = "*"
    days: Annotated[str, Meta(max_length=10)] = "180"
    reason: Annotated[str, Meta(max_length=2000)] = ""


class KeyStepForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the buttons beside a key send."""

    action: Annotated[str, Meta(max_length=40)]
    password: Annotated[str, Meta(max_length=1000)] = ""


@get("/administration/keys", sync_to_thread=True)
def keys_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """List the organisation's keys."""
    return _shown(request, sessions, actor, clock)


@post("/administration/keys", sync_to_thread=True)
def propose_key_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[KeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose a key; another administrator approves it, then its text is collected once."""
    try:
        with sessions.begin() as session:
            proposed = propose_key(
                session, actor, name=data.name, role=_role(data.role), scopes=_scopes(data.scopes),
                days=int(data.days) if data.days.isdecimal() else 0, reason=data.reason, at=clock.now(),
            )  # fmt: skip
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, entry=data, failure=failure)
    return Redirect(f"/approvals/{proposed.id}", status_code=303)


@post("/administration/keys/{key_id:str}/steps", sync_to_thread=True)
def key_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    key_id: FromPath[str],
    data: Annotated[KeyStepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Collect or rotate a key, which asks for the password and shows the text this once; or revoke it at once."""
    issued: IssuedKey | None = None
    now, pepper = clock.now(), seals_of(request).secret
    try:
        if data.action in {"collect", "rotate"}:
            doors_of(request).confirm(request, data.password)
        with sessions.begin() as session:
            if data.action == "collect":
                issued = collect_key(session, actor, key_id, pepper=pepper, at=now)
            elif data.action == "rotate":
                issued = rotate_key(
                    session, by=actor, key_id=key_id, expires_at=now + _LASTS, overlap=_OVERLAP, pepper=pepper,
                    clock=clock,
                )  # fmt: skip
            elif data.action == "revoke":
                revoke_key(session, organization_id=actor.organization_id, key_id=key_id, clock=clock, by=actor)
            else:
                raise InvalidInput(f"there is no step {data.action!r}", zh="没有该操作", field="action")
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, failure=failure)
    if issued is not None:
        return _shown(request, sessions, actor, clock, issued=issued)
    return Redirect("/administration/keys", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    entry: KeyForm | None = None,
    failure: CarbonFinError | None = None,
    issued: IssuedKey | None = None,
) -> Template:
    with sessions.read() as session:
        keys = keys_of(session, actor.organization_id)
        open_ones = approvals_of(session, actor, states=OPEN_STATES)
        proposals = [one for one in open_ones if one.kind == KEY_APPROVAL.name]
    return page(
        request,
        "app/keys.html",
        title=Text("接口密钥", "API keys"),
        status_code=200 if failure is None else status_of(failure),
        keys=keys,
        proposals=proposals,
        state_of=lambda key: key_state(key, clock),
        is_live=lambda key: key.is_live(clock.now()),
        roles=[(role.value, ROLE_NAMES[role]) for role in KEY_ROLES_OF[actor.organization_kind]],
        role_names=ROLE_NAMES,
        scopes=_SCOPES,
        days_max=KEY_DAYS_MAX,
        entry=entry or KeyForm(),
        issued=issued,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
    )


def key_state(key: ApiKey, clock: Clock) -> tuple[str, Text]:
    """Give the badge of a key."""
    if key.revoked_at is not None:
        return "neutral", Text("已停用", "Revoked")
    if clock.now() >= key.expires_at:
        return "neutral", Text("已过期", "Ended")
    if not key.is_collected:
        return "warning", Text("待领取", "Waits to be collected")
    return "good", Text("在用", "In use")


def _scopes(text: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(text.split()))
    unknown = [scope for scope in asked if scope not in KNOWN_SCOPES]
    if unknown:
        raise InvalidInput(
            f"unknown scopes: {', '.join(unknown)}",
            zh=f"没有使用范围：{'、'.join(unknown)}",
            field="scopes",
            remedy=f"Choose of {', '.join(_SCOPES)}.",
            remedy_zh=f"可选：{'、'.join(_SCOPES)}。",
        )
    return asked


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise InvalidInput(f"there is no role {text!r}", zh="请选择角色", field="role") from error


routes = [keys_page, propose_key_page, key_step]
