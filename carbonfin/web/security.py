"""What every answer carries and every unsafe form must prove: headers, cookies, form tokens, request numbers."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any, cast

from litestar.datastructures import Cookie
from litestar.types import Scope

from carbonfin.web.connections import Connection

SESSION_COOKIE = "carbonfin_session"
VISIT_COOKIE = "carbonfin_visit"
SIGN_ON_COOKIE = "carbonfin_sign_on"
FORM_TOKEN_FIELD = "_csrf_token"  # noqa: S105 - the name of a field
FORM_TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header
REQUEST_ID_HEADER = "X-Request-Id"
TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains"
_HOST_ONLY = "__Host-"
_BOUND = frozenset({SESSION_COOKIE, VISIT_COOKIE, SIGN_ON_COOKIE})
_SEALS = "carbonfin_seals"
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_COOKIE_SECONDS = 365 * 24 * 3600

_SOURCES = (
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(_SOURCES)
"""Nothing from elsewhere and nothing inline: charts draw by presentation attributes, figures by classes."""

SECURITY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seals:
    """The secret that form tokens are made with, and whether cookies travel over TLS only."""

    secret: bytes
    secure_cookies: bool

    def form_token(self, proof: str) -> str:
        """Give the form token that belongs to a session or visit."""
        return hmac.new(self.secret, b"form:" + proof.encode(), hashlib.sha256).hexdigest()

    def form_token_fits(self, proof: str, token: str) -> bool:
        """Whether a form token belongs to a session or visit."""
        return hmac.compare_digest(self.form_token(proof).encode(), token.encode())

    def cookie(self, key: str, value: str, *, max_age: int | None = None) -> Cookie:
        """Make a cookie no script can read and no other site can send along with a form."""
        return Cookie(
            key=self.name(key),
            value=value,
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.secure_cookies,
            max_age=max_age,
        )

    def name(self, key: str) -> str:
        """Give a cookie's name on the wire: behind TLS those that open doors are bound to this very host."""
        return f"{_HOST_ONLY}{key}" if self.secure_cookies and key in _BOUND else key

    def ended_cookie(self, key: str) -> Cookie:
        """Make the cookie that takes one away; browsers want it as secure as the one it ends."""
        return self.cookie(key, "", max_age=0)

    def lasting_cookie(self, key: str, value: str) -> Cookie:
        """Make a cookie that stays for a year, for a reader's preference."""
        return self.cookie(key, value, max_age=_COOKIE_SECONDS)


def keep_seals(state: Any, seals: Seals) -> None:
    """Keep the seals with the application."""
    state[_SEALS] = seals


def seals_of(connection: Connection) -> Seals:
    """Give the application's seals."""
    return cast("Seals", connection.app.state[_SEALS])


def cookie_of(connection: Connection, key: str) -> str:
    """Give the value of one of our cookies; empty where the browser sent none."""
    return connection.cookies.get(seals_of(connection).name(key), "")


def new_visit() -> str:
    """Give the random mark of a stranger's visit."""
    return secrets.token_urlsafe(24)


def proof_of(connection: Connection) -> str | None:
    """Give what a form token is bound to: the session, or for a stranger the visit."""
    return cookie_of(connection, SESSION_COOKIE) or cookie_of(connection, VISIT_COOKIE) or None


def request_id_of(scope: Scope) -> str:
    """Give the request's number: the caller's own if it is a plain one, else a new one."""
    state = scope.setdefault("state", {})
    known = state.get("request_id")
    if isinstance(known, str):
        return known
    asked = next(
        (value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"x-request-id"), ""
    )
    state["request_id"] = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
    return cast("str", state["request_id"])
