"""Signing in through an organisation's own provider: OpenID Connect, authorization code with PKCE.

The browser carries a sealed note of what was asked (state, nonce, verifier); the identity token must answer to it.
"""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from carbonfin.app.identity.providers import IdentityProvider, is_sound_address
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound, NotPermitted
from carbonfin.web.connections import Connection

FLOW_SECONDS = 600
_DESCRIPTION_SECONDS = 3600.0
_KEYS_SECONDS_MIN = 60.0
_SKEW_SECONDS = 60
_TIMEOUT = httpx.Timeout(5.0)
_PURPOSE = "single-sign-on"
_FLOW_ALGORITHM = "HS256"
_KEPT = "carbonfin_single_sign_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Whom a provider vouches for.

    Attributes:
        login: Our login, where the provider's entry names a claim for it and the token holds one.
        was_asked_again: Whether the provider asked the person to prove themselves for this very step.
    """

    provider: IdentityProvider
    subject: str
    login: str | None
    was_asked_again: bool
    next_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where the browser goes, and the sealed note it carries along."""

    address: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a provider said of itself, and when it was fetched on the clock that only measures."""

    content: Any
    fetched_at_s: float

    def is_older_than(self, seconds: float) -> bool:
        """Whether it should be asked for again."""
        return time.monotonic() - self.fetched_at_s > seconds


class SingleSignOn:
    """The providers of every organisation, and the two steps of a sign-in through one."""

    def __init__(
        self, providers: tuple[IdentityProvider, ...], keys: KeyRing, clock: Clock, *, public_url: str
    ) -> None:
        self.providers = {one.name: one for one in providers}
        self._keys = keys
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._descriptions: dict[str, _Known] = {}
        self._key_sets: dict[str, _Known] = {}

    def of_organization(self, usci: str | None) -> tuple[IdentityProvider, ...]:
        """Give the providers that speak for an organisation."""
        return tuple(one for one in self.providers.values() if one.organization_usci == usci)

    def depart(self, name: str, *, next_address: str, confirming: bool) -> Departure:
        """Begin: give the provider's address to go to.

        Args:
            name: The provider's short name.
            next_address: Our own page to go on to.
            confirming: Have the provider ask the person again, for a binding step.

        Raises:
            NotFound: There is no such provider.
            NotPermitted: The provider does not answer as it must.
        """
        provider = self._provider(name)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        endpoint = self._description(provider)["authorization_endpoint"]
        question = {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": self._answer_address(provider),
            "scope": "openid profile", "state": state, "nonce": nonce, "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256", **({"prompt": "login", "max_age": "0"} if confirming else {}),
        }  # fmt: skip
        now = int(self._clock.now().timestamp())
        claims = {
            "provider": name, "state": state, "nonce": nonce, "verifier": verifier, "next": next_address,
            "again": confirming, "iat": now, "exp": now + FLOW_SECONDS,
        }  # fmt: skip
        key = OctKey.import_key(self._keys.key_for(_PURPOSE))
        joint = "&" if "?" in endpoint else "?"
        return Departure(
            address=f"{endpoint}{joint}{urlencode(question)}", note=jwt.encode({"alg": _FLOW_ALGORITHM}, claims, key)
        )

    def arrive(self, name: str, *, note: str, state: str, code: str) -> Vouched:
        """End: trade the code for an identity token and give whom it vouches for.

        Raises:
            NotFound: There is no such provider.
            NotPermitted: The note, the state, the code or the token does not fit, or came too late.
        """
        provider = self._provider(name)
        asked = self._asked(note)
        if asked is None or asked["provider"] != name or not hmac.compare_digest(asked["state"], state):
            raise _refused("the answer does not belong to a sign-in that was begun here")
        token = self._traded(provider, code=code, verifier=asked["verifier"])
        claims = self._claims(provider, token, nonce=asked["nonce"])
        login = claims.get(provider.login_claim) if provider.login_claim else None
        return Vouched(
            provider=provider,
            subject=claims["sub"],
            login=login if isinstance(login, str) and login else None,
            was_asked_again=bool(asked["again"]) and self._is_fresh(claims, since=asked["iat"]),
            next_address=asked["next"],
        )

    def _is_fresh(self, claims: dict[str, Any], *, since: int) -> bool:
        """Whether the person proved themselves after we asked: `prompt=login` alone proves nothing."""
        proved_at = claims.get("auth_time")
        if not isinstance(proved_at, int) or proved_at < since - _SKEW_SECONDS:
            raise _refused("the provider did not ask again, which this step needs")
        return True

    def _provider(self, name: str) -> IdentityProvider:
        provider = self.providers.get(name)
        if provider is None:
            raise NotFound(f"there is no identity provider {name}", zh="没有该单点登录", field="provider")
        return provider

    def _answer_address(self, provider: IdentityProvider) -> str:
        return f"{self._public_url}/sign-in/with/{provider.name}/answer"

    def _traded(self, provider: IdentityProvider, *, code: str, verifier: str) -> str:
        """Trade the code for the identity token (RFC 6749 section 4.1.3, RFC 7636)."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._answer_address(provider),
            "client_id": provider.client_id, "code_verifier": verifier,
        }  # fmt: skip
        proof = httpx.BasicAuth(quote(provider.client_id, safe=""), quote(provider.client_secret, safe=""))
        try:
            answer = httpx.post(
                self._description(provider)["token_endpoint"], data=form, auth=proof, timeout=_TIMEOUT,
                follow_redirects=False,
            )  # fmt: skip
            answer.raise_for_status()
            read = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _refused("the provider did not take the code") from error
        if not isinstance(read, dict) or not isinstance(read.get("id_token"), str):
            raise _refused("the provider gave no identity token")
        return str(read["id_token"])

    def _asked(self, note: str) -> dict[str, Any] | None:
        keys = KeySet([OctKey.import_key(one) for one in self._keys.keys_for(_PURPOSE)])
        registry = jwt.JWTClaimsRegistry(now=int(self._clock.now().timestamp()), exp={"essential": True})
        for key in keys.keys:
            try:
                token = jwt.decode(note, key, algorithms=[_FLOW_ALGORITHM])
                registry.validate(token.claims)
            except (JoseError, ValueError):
                continue
            return dict(token.claims)
        return None

    def _claims(self, provider: IdentityProvider, text: str, *, nonce: str) -> dict[str, Any]:
        """Give the claims of an identity token that is signed, for us, in time and in answer to our question."""
        now = int(self._clock.now().timestamp())
        registry = jwt.JWTClaimsRegistry(
            now=now,
            leeway=_SKEW_SECONDS,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for is_last in (False, True):
            try:
                token = jwt.decode(text, self._key_set(provider, renewed=is_last), algorithms=list(provider.algorithms))
                registry.validate(token.claims)
            except (JoseError, ValueError, TypeError) as error:
                if is_last:
                    raise _refused("the identity token does not hold") from error
                continue
            claims = dict(token.claims)
            audience = claims["aud"]
            for_others = isinstance(audience, list) and len(audience) > 1
            if (for_others and claims.get("azp") != provider.client_id) or not isinstance(claims["sub"], str):
                raise _refused("the identity token is for somebody else")
            return claims
        raise AssertionError("the last attempt answers or refuses")

    def _description(self, provider: IdentityProvider) -> dict[str, Any]:
        """Give the provider's own description (OpenID Connect Discovery), kept for an hour."""
        known = self._descriptions.get(provider.name)
        if known is not None and not known.is_older_than(_DESCRIPTION_SECONDS):
            return cast("dict[str, Any]", known.content)
        description = _fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        places = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if description.get("issuer") != provider.issuer or not all(
            is_sound_address(str(description.get(place, ""))) for place in places
        ):
            raise _refused("the provider's description is not that of the issuer in the settings")
        self._descriptions[provider.name] = _Known(content=description, fetched_at_s=time.monotonic())
        return description

    def _key_set(self, provider: IdentityProvider, *, renewed: bool) -> KeySet:
        """Give the provider's keys; they are fetched again for an unknown key, at most once a minute."""
        known = self._key_sets.get(provider.name)
        if known is None or (renewed and known.is_older_than(_KEYS_SECONDS_MIN)):
            fetched = _fetched(self._description(provider)["jwks_uri"])
            try:
                keys = KeySet.import_key_set({"keys": fetched.get("keys", [])})
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise _refused("the provider's keys cannot be read") from error
            known = self._key_sets[provider.name] = _Known(content=keys, fetched_at_s=time.monotonic())
        return cast("KeySet", known.content)


def keep_single_sign_on(state: Any, single_sign_on: SingleSignOn) -> None:
    """Keep the providers with the application."""
    state[_KEPT] = single_sign_on


def single_sign_on_of(connection: Connection) -> SingleSignOn:
    """Give the application's providers."""
    return cast("SingleSignOn", connection.app.state[_KEPT])


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _fetched(address: str) -> dict[str, Any]:
    try:
        answer = httpx.get(address, timeout=_TIMEOUT, follow_redirects=False)
        answer.raise_for_status()
        read = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise _refused("the provider does not answer") from error
    if not isinstance(read, dict):
        raise _refused("the provider does not answer in the way of OpenID Connect")
    return read


def _refused(why: str) -> NotPermitted:
    return NotPermitted(
        f"single sign-on failed: {why}",
        zh="单点登录未成功",
        field="provider",
        remedy="Begin again from the sign-in page; if it goes on, tell the administrator.",
        remedy_zh="请从登录页重新开始；如仍失败，请联系管理员。",
    )
