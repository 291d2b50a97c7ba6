"""Signed requests and replies: HMAC-SHA256 over time, nonce and content, good for a few minutes and for one use.

A request signs `request`, time, nonce, method, path and the SHA-256 of its body; the reply signs `reply`, its own time,
the nonce of the request it answers, its status and the SHA-256 of its body. So a reply cannot be another request's, nor
an old one kept by somebody, and what a gateway says in the registry's place carries no signature at all.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from carbonfin.kernel.cryptography import mac_fits, mac_hex, sha256_hex

TIME_HEADER = "Registry-Time"
NONCE_HEADER = "Registry-Nonce"
SIGNATURE_HEADER = "Registry-Signature"
REPLAY_WINDOW = timedelta(minutes=5)
_VERSION = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A message whose signature fits: when it was signed, and the nonce it carries."""

    signed_at: datetime
    nonce: str


def new_nonce() -> str:
    """Give a fresh nonce of 128 random bits."""
    return secrets.token_hex(16)


def request_headers(
    secret: bytes, *, at: datetime, nonce: str, method: str, path: str, body: bytes
) -> dict[str, str]:  # fmt: skip
    """Give the headers that sign a request."""
    return _headers(secret, at, nonce, _request_text(at.isoformat(), nonce, method, path, body))


def reply_headers(secret: bytes, *, at: datetime, nonce: str, status: int, body: bytes) -> dict[str, str]:
    """Give the headers that sign a reply to the request with a nonce."""
    return _headers(secret, at, nonce, _reply_text(at.isoformat(), nonce, status, body))


def checked_request(
    secret: bytes, headers: Mapping[str, str], *, method: str, path: str, body: bytes, now: datetime
) -> Signed | None:
    """Give a request's time and nonce; None where it is not signed with the secret, or not within the window."""
    nonce = headers.get(NONCE_HEADER) or ""
    text = _request_text(headers.get(TIME_HEADER) or "", nonce, method, path, body)
    return _checked(secret, headers, text, nonce, now)


def checked_reply(
    secret: bytes, headers: Mapping[str, str], *, nonce: str, status: int, body: bytes, now: datetime
) -> Signed | None:
    """Give a reply's time; None where it is not signed as the answer to this nonce, or not within the window."""
    text = _reply_text(headers.get(TIME_HEADER) or "", nonce, status, body)
    return _checked(secret, headers, text, nonce, now)


def _request_text(at: str, nonce: str, method: str, path: str, body: bytes) -> bytes:
    return "\n".join(("request", at, nonce, method, path, sha256_hex(body))).encode()


def _reply_text(at: str, nonce: str, status: int, body: bytes) -> bytes:
    return "\n".join(("reply", at, nonce, str(status), sha256_hex(body))).encode()


def _headers(secret: bytes, at: datetime, nonce: str, text: bytes) -> dict[str, str]:
    return {
        TIME_HEADER: at.isoformat(),
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: f"{_VERSION}={mac_hex(secret, text)}",
    }


def _checked(secret: bytes, headers: Mapping[str, str], text: bytes, nonce: str, now: datetime) -> Signed | None:
    version, _, mac = (headers.get(SIGNATURE_HEADER) or "").partition("=")
    if version != _VERSION or not nonce or not mac_fits(secret, text, mac):
        return None
    signed_at = datetime.fromisoformat(headers[TIME_HEADER])
    return Signed(signed_at=signed_at, nonce=nonce) if abs(now - signed_at) <= REPLAY_WINDOW else None
