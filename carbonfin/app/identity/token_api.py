"""A system trades its key for a short token: OAuth 2.0 client credentials, RFC 6749 section 4.4."""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import unquote_plus

import msgspec
from litestar import post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Response
from msgspec import Meta, Struct

from carbonfin.app.doors import doors_of
from carbonfin.app.identity.tokens import TOKEN_LIFETIME
from carbonfin.app.scopes import KNOWN_SCOPES
from carbonfin.storage.parties.keys import ALL_SCOPES
from carbonfin.web.connections import WebRequest

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenForm(Struct, frozen=True, kw_only=True):
    """What a client sends, as a form; the credentials may come by HTTP Basic instead."""

    grant_type: Annotated[str, Meta(max_length=100)] = ""
    client_id: Annotated[str, Meta(max_length=200)] = ""
    client_secret: Annotated[str, Meta(max_length=200)] = ""
    scope: Annotated[str, Meta(max_length=1000)] = ""


class TokenOut(Struct, frozen=True, kw_only=True):
    """A token and how long it lasts (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenErrorOut(Struct, frozen=True, kw_only=True):
    """Why there is no token (RFC 6749 section 5.2)."""

    error: str
    error_description: str


@post("/oauth/token", sync_to_thread=True, status_code=200, include_in_schema=False)
def issue_token(
    request: WebRequest, data: Annotated[TokenForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[Any]:
    """Give a ten-minute token for a key: `client_id` is the key's prefix, `client_secret` the key."""
    if data.grant_type != "client_credentials":
        name = "unsupported_grant_type" if data.grant_type else "invalid_request"
        return _refused(400, name, "grant_type must be client_credentials")
    header = request.headers.get("authorization")
    if header is not None and data.client_secret:
        return _refused(400, "invalid_request", "credentials came twice: by header and in the body")
    client_id, secret = (data.client_id, data.client_secret) if header is None else _basic(header)
    grant = doors_of(request).grant_of_client(client_id, secret)
    if grant is None:
        return _refused(401, "invalid_client", "the client is unknown, or its key is wrong, expired or revoked")
    asked = frozenset(data.scope.split()) or grant.scopes
    if not asked <= KNOWN_SCOPES or not (asked <= grant.scopes or ALL_SCOPES in grant.scopes):
        return _refused(400, "invalid_scope", f"the key was issued for: {' '.join(sorted(grant.scopes)) or 'nothing'}")
    token = doors_of(request).token_for(grant, asked)
    answer = TokenOut(
        access_token=token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=int(TOKEN_LIFETIME.total_seconds()),
        scope=" ".join(sorted(asked)),
    )
    return Response(msgspec.json.encode(answer), status_code=200, media_type="application/json", headers=_NO_STORE)


def _basic(header: str) -> tuple[str, str]:
    """Give the client's credentials from HTTP Basic; each part is form-encoded first (RFC 6749 section 2.3.1)."""
    scheme, _, text = header.partition(" ")
    try:
        name, separator, secret = base64.b64decode(text.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    if scheme.lower() != "basic" or not separator:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _refused(status: int, name: str, description: str) -> Response[Any]:
    headers = _NO_STORE | ({"WWW-Authenticate": 'Basic realm="carbonfin"'} if status == 401 else {})
    body = msgspec.json.encode(TokenErrorOut(error=name, error_description=description))
    return Response(body, status_code=status, media_type="application/json", headers=headers)


routes = [issue_token]
