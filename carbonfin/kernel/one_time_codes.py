"""One-time codes of an authenticator: HOTP (RFC 4226) over the time (RFC 6238), SHA-1, six digits, thirty seconds.

SHA-1 is what authenticators know; in an HMAC over a random key its collisions are of no use to anybody.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
"""As long as the hash, which RFC 4226 recommends; drawn at random by who keeps it."""
_DRIFT_STEPS = 1
_GROUP = 4


def step_at(at: datetime) -> int:
    """Give the number of whole steps since 1970 at an instant."""
    return int(at.timestamp()) // STEP_S


def code_of(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Give the code of a step: the dynamic truncation of HMAC-SHA-1(secret, step) to decimal digits."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def accepted_step(secret: bytes, code: str, *, at: datetime, after: int) -> int | None:
    """Give the step whose code this is, one step early or late allowed for clocks; None where it fits none.

    Args:
        secret: The shared secret.
        code: What was given.
        at: Now.
        after: The last step that was accepted: its code and older ones are used up.
    """
    now = step_at(at)
    given = code.encode("utf-8", "surrogatepass")
    fitting = [
        step
        for step in range(now - _DRIFT_STEPS, now + _DRIFT_STEPS + 1)
        if hmac.compare_digest(code_of(secret, step).encode(), given)
    ]
    return next((step for step in fitting if step > after), None)


def secret_text(secret: bytes) -> str:
    """Give a secret in base32, in groups of four to be typed."""
    plain = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))


def enrolment_address(secret: bytes, *, issuer: str, login: str) -> str:
    """Give the `otpauth://` address an authenticator reads from a QR code."""
    asked = urlencode(
        {"secret": secret_text(secret).replace(" ", ""), "issuer": issuer, "digits": DIGITS, "period": STEP_S},
        quote_via=quote,
    )
    return f"otpauth://totp/{quote(f'{issuer}:{login}', safe='')}?{asked}"
