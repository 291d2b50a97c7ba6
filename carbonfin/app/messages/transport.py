"""Sending one delivery over HTTP: checked address, no redirects, bounded in time, the answer's body left unread."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from carbonfin.app.messages.networks import AllowedNetworks
from carbonfin.kernel.errors import UpstreamFailed
from carbonfin.kernel.webhooks import LOOPBACK_NAMES
from carbonfin.storage.messages import ReceiverAnswer

CONNECT_TIMEOUT_S = 5.0
DEADLINE_S = 15.0
_HTTPS, _HTTP = 443, 80


class Transport(Protocol):
    """Something that carries a signed body to an address and says what came back."""

    def post(self, url: str, headers: Mapping[str, str], content: bytes) -> ReceiverAnswer:
        """Send, once; never raise for what the receiver does."""


class HttpTransport:
    """Deliveries over HTTP.

    Each takes at most `deadline_s`, however slowly the receiver reads or writes: at the deadline the connection is cut.
    """

    def __init__(self, client: httpx.Client, networks: AllowedNetworks, *, deadline_s: float) -> None:
        self._client = client
        self._networks = networks
        self._deadline_s = deadline_s

    def post(self, url: str, headers: Mapping[str, str], content: bytes) -> ReceiverAnswer:
        """Send a body to an address and give the status, or why there was none."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        try:
            address = self._networks.look_up(host, parts.port or (_HTTPS if parts.scheme == "https" else _HTTP))
            if parts.scheme != "https" and not (host in LOOPBACK_NAMES and address.is_loopback):
                return ReceiverAnswer(status=None, failure="the address is not https")
        except UpstreamFailed as refusal:
            return ReceiverAnswer(status=None, failure=refusal.detail)
        named = parts.netloc.rpartition("@")[2]
        shown = f"[{address}]" if address.version == 6 else str(address)
        target = parts._replace(netloc=shown if parts.port is None else f"{shown}:{parts.port}").geturl()
        with _cut_off_after(self._deadline_s) as watch:
            try:
                with self._client.stream(
                    "POST",
                    target,
                    headers={**headers, "Host": named},
                    content=content,
                    extensions={"sni_hostname": host, "trace": watch},
                ) as response:
                    return ReceiverAnswer(status=response.status_code, failure=_failure(response.status_code))
            except httpx.HTTPError as error:
                return ReceiverAnswer(status=None, failure=watch.failure or type(error).__name__)


class _Watch:
    """Knows the sockets of one exchange and shuts them when time is up; httpx itself bounds each read, not all."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.failure = ""

    def __call__(self, event: str, details: Mapping[str, Any]) -> None:
        """Take note of each connection as httpx opens it."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            opened = details["return_value"].get_extra_info("socket")
            if opened is not None:
                self._sockets.append(opened)

    def cut(self) -> None:
        """End the exchange."""
        self.failure = "no answer within the time allowed"
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already, or handed on to the TLS layer


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[_Watch]:
    watch = _Watch()
    timer = threading.Timer(seconds, watch.cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()


def _failure(status: int) -> str:
    return "" if ReceiverAnswer(status=status).arrived else f"HTTP {status}"


@contextmanager
def http_transport(
    networks: AllowedNetworks, *, deadline_s: float = DEADLINE_S, trust: ssl.SSLContext | None = None
) -> Iterator[HttpTransport]:
    """Open a transport that goes to public addresses and the networks named.

    Args:
        networks: Where deliveries may go besides.
        deadline_s: How long one may take in all.
        trust: Whose certificates are good; None takes the machine's, where a bank adds its own authority (or names it
            by OpenSSL's `SSL_CERT_FILE`).
    """
    timeout = httpx.Timeout(deadline_s, connect=min(CONNECT_TIMEOUT_S, deadline_s))
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(
        timeout=timeout,
        limits=limits,
        follow_redirects=False,
        trust_env=False,
        verify=trust or ssl.create_default_context(),
    ) as client:
        client.headers["User-Agent"] = "carbonfin-webhooks"
        yield HttpTransport(client, networks, deadline_s=deadline_s)
