"""Access tokens of systems: JWT, ten minutes, HS256 and nothing else, for this service alone (RFC 7519, RFC 8725).

A token names a key; whether the key still stands is asked at every use, so revoking a key ends its tokens at once.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from carbonfin.kernel.cryptography import KeyRing, sha256_hex
from carbonfin.kernel.dates import Clock

ISSUER = "carbonfin"
AUDIENCE = "carbonfin-api"
TOKEN_LIFETIME = timedelta(minutes=10)
_ALGORITHM = "HS256"
_PURPOSE = "access-token"
_TOKEN_LENGTH_MAX = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says: the key it stands for, and the scopes it was asked for."""

    key_id: str
    scopes: frozenset[str]
    expires_at: datetime


def mint_token(keys: KeyRing, *, key_id: str, scopes: frozenset[str], clock: Clock) -> str:
    """Make a token with the key in use."""
    now = int(clock.now().timestamp())
    key = _key(keys.key_for(_PURPOSE))
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": key_id,
        "iat": now,
        "exp": now + int(TOKEN_LIFETIME.total_seconds()),
        "jti": secrets.token_urlsafe(12),
        "scope": " ".join(sorted(scopes)),
    }
    return jwt.encode({"alg": _ALGORITHM, "kid": key.kid}, claims, key, algorithms=[_ALGORITHM])


def read_token(keys: KeyRing, text: str, *, clock: Clock) -> TokenClaims | None:
    """Give what a token says if it is ours, for us, and in time; else nothing."""
    if len(text) > _TOKEN_LENGTH_MAX:
        return None
    now = int(clock.now().timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=now,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
        scope={"essential": True},
    )
    try:
        token = jwt.decode(text, KeySet([_key(secret) for secret in keys.keys_for(_PURPOSE)]), algorithms=[_ALGORITHM])
        registry.validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    claims = token.claims
    if not all(isinstance(claims[name], str) for name in ("sub", "scope")) or now < claims["iat"] - 60:
        return None
    return TokenClaims(
        key_id=claims["sub"],
        scopes=frozenset(claims["scope"].split()),
        expires_at=datetime.fromtimestamp(claims["exp"], tz=clock.now().tzinfo),
    )


def _key(secret: bytes) -> OctKey:
    return OctKey.import_key(secret, {"kid": sha256_hex(secret)[:16], "alg": _ALGORITHM, "use": "sig"})
