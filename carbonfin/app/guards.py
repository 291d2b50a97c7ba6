"""The door of every route: who asks, whether the policy lets them, and whether a form is their own."""

from collections.abc import Mapping
from typing import cast

from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.utils.empty import value_or_default
from litestar.utils.scope.state import ScopeState

from carbonfin.app.access import plain_entry, roles_for
from carbonfin.app.doors import Doors, doors_of
from carbonfin.app.limits import limits_of, limits_of_strangers
from carbonfin.app.logs import note_start
from carbonfin.app.policy import COUNTED_BY_ADDRESS, NOT_SERVED
from carbonfin.app.proxies import address_of_caller
from carbonfin.app.scopes import scopes_for
from carbonfin.kernel.errors import NotPermitted
from carbonfin.storage.parties import Factor
from carbonfin.web.connections import Connection, WebRequest
from carbonfin.web.downloads import CSV, JSON_LINES
from carbonfin.web.problems import EdgeProblem
from carbonfin.web.security import FORM_TOKEN_FIELD, FORM_TOKEN_HEADER, proof_of, seals_of
from carbonfin.web.visitors import Door, Visitor, visitor_of

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = frozenset({RequestEncodingType.URL_ENCODED.value, RequestEncodingType.MULTI_PART.value})
_JSON_ALONE = frozenset({RequestEncodingType.JSON.value})
_CONTENT_TYPES: Mapping[str, frozenset[str]] = {
    "POST /v1/files": frozenset({RequestEncodingType.MULTI_PART.value}),
    "POST /v1/valuations/stream": _JSON_ALONE | {CSV, JSON_LINES},
}
_TOKEN_ROUTE = "POST /oauth/token"  # noqa: S105 - an address
_OPEN_BEFORE_THE_CODE = frozenset({"/sign-in/second-factor", "/sign-out"})
_OPEN_TO_ENROL = frozenset(
    {"/account", "/account/password", "/account/second-factor", "/account/second-factor/confirm", "/sign-out"}
)
_OPEN_TO_ONE_TIME_PASSWORDS = frozenset({"/account", "/account/password", "/sign-out"})
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="carbonfin"'}


async def guard_by_policy(connection: Connection, _: BaseRouteHandler) -> None:
    """Let a request through to its route, or say precisely why not.

    Raises:
        EdgeProblem: No valid credentials, too many requests, a stale form token, or a body that is not JSON.
        NotPermitted: The policy does not list the actor's role for this route.
    """
    scope = connection.scope
    method, template = str(scope.get("method", "GET")), scope["path_template"]
    note_start(scope)
    if method == "OPTIONS":
        return
    if plain_entry(method, template) in NOT_SERVED:
        raise NotFoundException
    roles = roles_for(method, template)
    doors = doors_of(connection)
    if roles is not None:
        visitor = await _known_visitor(connection, doors)
        if visitor.actor.role not in roles:
            raise _not_permitted(visitor, method, template)
        _require_scope(visitor, method, template)
        _require_second_factor(visitor, template)
        _require_own_password(visitor, template)
        if template.startswith("/v1/"):
            limits_of(connection).take(connection, visitor.actor.id)
    else:
        if plain_entry(method, template) in COUNTED_BY_ADDRESS:
            limits_of_strangers(connection).take(connection, address_of_caller(connection))
        if connection.cookies and "authorization" not in connection.headers:
            await doors.recognise(connection)
    if method not in _SAFE and plain_entry(method, template) != _TOKEN_ROUTE:
        _require_content_type(connection, plain_entry(method, template))
        await _require_own_form(cast("WebRequest", connection))


async def _known_visitor(connection: Connection, doors: Doors) -> Visitor:
    visitor = await doors.recognise(connection)
    if visitor is None:
        given = "authorization" in connection.headers or connection.cookies
        raise EdgeProblem(
            "not-authenticated",
            "the API key or session is unknown, expired or revoked"
            if given
            else "no credentials came with the request",
            zh="API 密钥或会话无效、已过期或已停用" if given else "请求未带任何凭证",
            headers=CHALLENGE,
        )
    return visitor


def _not_permitted(visitor: Visitor, method: str, template: str) -> NotPermitted:
    return NotPermitted(
        f"the role {visitor.actor.role.value} may not {method} {template}",
        zh="您的角色无权进行此操作",
        remedy="Ask a colleague whose role allows it.",
        remedy_zh="请由有权限的同事办理，或申请权限。",
        role=visitor.actor.role.value,
    )


def _require_scope(visitor: Visitor, method: str, template: str) -> None:
    """Refuse a key or token that was not issued for this part of the API; people have roles only."""
    needed = scopes_for(method, template) if visitor.door is not Door.SESSION else None
    if needed is not None and not needed & visitor.scopes:
        raise NotPermitted(
            f"the key or token is not for this: it needs one of {', '.join(sorted(needed))}",
            zh="该密钥或令牌的用途范围不包含此接口",
            field="scope",
            remedy="Use a key that was issued for it.",
            remedy_zh="请使用签发范围包含此接口的密钥。",
            needed=sorted(needed),
        )


def _require_second_factor(visitor: Visitor, template: str) -> None:
    """Let somebody whose code is still to come do nothing but give it, and who must have one nothing but set it up."""
    if visitor.signed_in is None:
        return
    if visitor.signed_in.factor is Factor.WAITING and template not in _OPEN_BEFORE_THE_CODE:
        raise EdgeProblem(
            "second-factor-required",
            "the password fits; the code of the authenticator is still to come",
            zh="密码已通过，还须输入验证码",
        )
    if visitor.must_enrol and template not in _OPEN_TO_ENROL:
        raise EdgeProblem(
            "second-factor-missing",
            "the organisation asks for a second factor, and this account has none",
            zh="本机构要求启用身份验证器，本账户尚未启用",
        )


def _require_own_password(visitor: Visitor, template: str) -> None:
    """Let somebody with a one-time password do nothing but change it."""
    one_time = visitor.signed_in is not None and visitor.signed_in.must_change_password
    if one_time and template not in _OPEN_TO_ONE_TIME_PASSWORDS:
        raise EdgeProblem(
            "password-change-required",
            "the password was set by somebody else and must be changed first",
            zh="当前为一次性密码，须先修改",
        )


def _require_content_type(connection: Connection, entry: str) -> None:
    """Take JSON, a multipart form where a file is sent, and lines where a stream is read."""
    if not connection.scope["path"].startswith("/v1/"):
        return
    length = connection.headers.get("content-length", "0")
    content_type = connection.headers.get("content-type", "").split(";")[0].strip().lower()
    has_body = length != "0" or "transfer-encoding" in connection.headers
    if has_body and content_type not in _CONTENT_TYPES.get(entry, _JSON_ALONE):
        raise EdgeProblem(
            "unsupported-media-type",
            f"content of type {content_type or 'unknown'!r} is not read here",
            zh=f"不接受内容类型 {content_type or '（未注明）'}",
            field="Content-Type",
        )


async def _drop_uploads(request: WebRequest, content_type: str) -> None:
    """Close the files of a form that goes no further; the framework closes only those a route has seen."""
    if content_type == RequestEncodingType.MULTI_PART.value:
        for _, value in (await request.form()).multi_items():
            if isinstance(value, UploadFile):
                await value.close()


async def _require_own_form(request: WebRequest) -> None:
    visitor = visitor_of(request)
    if visitor is not None and visitor.door in {Door.KEY, Door.TOKEN}:
        return
    token = request.headers.get(FORM_TOKEN_HEADER, "")
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type in _FORMS:
        form = await request.form()
        token = token or str(form.get(FORM_TOKEN_FIELD, ""))
        state = ScopeState.from_scope(request.scope)
        # The framework caches parsed forms across requests, so the token is left out of a copy.
        parsed = value_or_default(state.form, {})
        state.form = {name: value for name, value in parsed.items() if name != FORM_TOKEN_FIELD}
    proof = proof_of(request)
    if proof is None or not seals_of(request).form_token_fits(proof, token):
        await _drop_uploads(request, content_type)
        raise EdgeProblem(
            "form-token-invalid",
            "the form token is missing or belongs to another session",
            zh="表单防伪标记缺失或已过期",
            field=FORM_TOKEN_FIELD,
        )
