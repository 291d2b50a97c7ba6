"""An identity provider on loopback: OpenID Connect discovery, authorization, token and keys, as a bank's would be."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "carbonfin"
CLIENT_SECRET = "the provider's own secret"


@dataclass
class Provider:
    """What the provider says; a test changes it to make it say something wrong.

    Attributes:
        claims: Put over the sound claims of the next identity tokens; None takes one away.
        signing_key: Signs; the one that is published stays the same.
        algorithm: Named in the header of the identity token.
    """

    address: str
    published_key: RSAKey
    signing_key: Any
    now: int
    algorithm: str = "RS256"
    subject: str = "u-1001"
    claims: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    published_issuer: str | None = None

    def identity_token(self, question: dict[str, str]) -> str:
        """Make the token that answers one question."""
        sound = {
            "iss": self.address, "aud": CLIENT_ID, "sub": self.subject, "iat": self.now, "exp": self.now + 300,
            "nonce": question["nonce"], "preferred_username": "officer",
        }  # fmt: skip
        if question.get("prompt") == "login":
            sound["auth_time"] = self.now
        said = {name: value for name, value in {**sound, **self.claims}.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "k1"}
        return jwt.encode(header, said, self.signing_key, algorithms=[self.algorithm])


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        provider = self.provider
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            issuer = provider.published_issuer or provider.address
            places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            self._answer({"issuer": issuer, **{name: provider.address + place for name, place in places.items()}})
        elif parts.path == "/keys":
            public = provider.published_key.as_dict(private=False)
            self._answer({"keys": [{**public, "kid": "k1", "alg": "RS256", "use": "sig"}]})
        elif parts.path == "/authorize":
            question = {name: values[0] for name, values in parse_qs(parts.query).items()}
            code = f"code-{len(provider.asked)}"
            provider.asked[code] = question
            self.send_response(302)
            query = urlencode({"code": code, "state": question["state"]})
            self.send_header("Location", f"{question['redirect_uri']}?{query}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(content).items()}
        question = self.provider.asked.pop(form.get("code", ""), None)
        proof = base64.b64decode(self.headers.get("Authorization", "Basic ")[6:]).decode()
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        expected = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        if (
            question is None
            or proof != f"{CLIENT_ID}:the%20provider%27s%20own%20secret"
            or question["code_challenge"] != expected
            or question["redirect_uri"] != form["redirect_uri"]
        ):
            self._answer({"error": "invalid_grant"}, status=400)
            return
        self._answer({"access_token": "x", "token_type": "Bearer", "id_token": self.provider.identity_token(question)})

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def identity_provider(now: int) -> Iterator[Provider]:
    """Run a provider for the length of the block."""
    key = RSAKey.generate_key(2048)
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider = Provider(
        address=f"http://127.0.0.1:{server.server_address[1]}", published_key=key, signing_key=key, now=now
    )
    handler.provider = provider
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield provider
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
