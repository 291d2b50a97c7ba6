"""The virus scanner that looks at evidence before it is kept: the port, and ClamAV's daemon as its adapter."""

import re
import socket
import struct
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from carbonfin.kernel.errors import InvalidInput, UpstreamFailed

TIMEOUT_S = 30.0
_PORT = 3310
_CHUNK = 64 * 1024
_REPLY_BYTES_MAX = 4096
_FOUND = re.compile(r"stream: (.{1,200}) FOUND")
_STATE_KEY = "virus_scanner"


class VirusScanner(Protocol):
    """Something that knows malicious files."""

    def require_clean(self, content: bytes) -> None:
        """Look at a file.

        Raises:
            InvalidInput: It is malicious.
            UpstreamFailed: The scanner gave no answer: nothing is kept unseen.
        """


@dataclass(frozen=True, slots=True)
class NoScanner:
    """Where the operator names none, files are checked by structure alone."""

    def require_clean(self, content: bytes) -> None:
        """Pass every file."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """ClamAV's daemon, asked by INSTREAM: length and bytes in turn, a length of zero at the end, one line back.

    Source: clamd(8), "COMMANDS". A maintained client under a permissive licence was not found (2026-11-30).
    """

    host: str
    port: int

    def require_clean(self, content: bytes) -> None:
        """Send a file through the daemon."""
        try:
            with socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as connection:
                connection.sendall(b"zINSTREAM\0")
                for start in range(0, len(content), _CHUNK):
                    part = content[start : start + _CHUNK]
                    connection.sendall(struct.pack("!I", len(part)) + part)
                connection.sendall(struct.pack("!I", 0))
                reply = _reply(connection)
        except OSError as error:
            raise _no_answer(type(error).__name__) from error
        found = _FOUND.fullmatch(reply)
        if found is not None:
            raise InvalidInput(
                f"the virus scanner knows this file as {found[1]}",
                zh=f"病毒扫描发现恶意内容：{found[1]}",
                field="file",
                remedy="Do not open the file; tell your security team.",
                remedy_zh="请勿打开该文件，并联系安全人员。",
            )
        if reply != "stream: OK":
            raise _no_answer(reply[:100])


def scanner_from(address: str, *, name: str) -> VirusScanner:
    """Read `clamd://host:port`; nothing is no scanner.

    Raises:
        InvalidInput: It is no such address.
    """
    if not address:
        return NoScanner()
    try:
        parts = urlsplit(address)
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), _PORT
    if parts.scheme != "clamd" or not parts.hostname or parts.path not in {"", "/"} or parts.username:
        raise InvalidInput(
            f"{name}: {address!r} is no address of a scanner",
            zh=f"{name}：应为 clamd://主机:端口",
            field=name,
            remedy="Write clamd://host:3310.",
            remedy_zh="请写成 clamd://host:3310。",
        )
    return Clamd(parts.hostname, port)


def keep_scanner(state: Any, scanner: VirusScanner) -> None:
    """Keep the scanner with the application."""
    state[_STATE_KEY] = scanner


def scanner_of(state: Any) -> VirusScanner:
    """Give the application's scanner."""
    scanner: VirusScanner = state[_STATE_KEY]
    return scanner


def _reply(connection: socket.socket) -> str:
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < _REPLY_BYTES_MAX:
        part = connection.recv(_REPLY_BYTES_MAX)
        if not part:
            break
        reply += part
    return reply.rstrip(b"\0").decode(errors="replace").strip()


def _no_answer(why: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"the virus scanner gave no answer: {why}",
        zh="病毒扫描服务没有应答，文件未保存",
        field="file",
        remedy="Try again later; the operator sees to the scanner.",
        remedy_zh="请稍后重试，并联系运维人员检查扫描服务。",
    )
