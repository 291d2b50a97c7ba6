"""Providers of tax and power data for rehearsals: a real HTTP server that serves lines and, when told to, misbehaves.

It answers `GET /tax/lines` and `GET /power/lines` with the rows of the enterprise and years asked for. A request
without that provider's own secret is refused with 401, one without purpose and consent with 400.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from loans.calc.account_pulls import DataProvider

ProviderRow = Mapping[str, str]
_MUST_BE_SAID = ("usci", "from_year", "to_year", "purpose", "consent")
_OTHER_USCI = "91440300EXAMPLE541"


class ProviderFault(StrEnum):
    """What goes wrong.

    LATE: answered after the delay. ERROR: status 500. BUSY: "not now" (429). DROP: the connection breaks. TRUNCATED:
    the answer is cut. GATEWAY: a gateway's own page in place of lines. MALFORMED_ROW: the last row's quantity is no
    number. DUPLICATE: the last row is served twice. UNIT_SLIP: the last row's quantity is ten thousand times too large.
    NEGATIVE: the last row's quantity is below nought. OTHER_ENTERPRISE: the last row is another enterprise's.
    OTHER_YEAR: it is of a year nobody asked for.
    """

    LATE = "late"
    ERROR = "error"
    BUSY = "busy"
    DROP = "drop"
    TRUNCATED = "truncated"
    GATEWAY = "gateway"
    MALFORMED_ROW = "malformed_row"
    DUPLICATE = "duplicate"
    UNIT_SLIP = "unit_slip"
    NEGATIVE = "negative"
    OTHER_ENTERPRISE = "other_enterprise"
    OTHER_YEAR = "other_year"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProviderFault:
    """A fault that strikes the next answers of one provider.

    Attributes:
        times: How many answers it strikes.
        delay_seconds: How late a LATE answers.
    """

    provider: DataProvider
    fault: ProviderFault
    times: int
    delay_seconds: float = 0.0


class _Handler(BaseHTTPRequestHandler):
    """Answers requests from the rows of its server."""

    protocol_version = "HTTP/1.1"
    server: "ProviderSimulator"

    def do_GET(self) -> None:
        """Serve the rows of the enterprise and years asked for."""
        address = urlsplit(self.path)
        name, _, resource = address.path.removeprefix("/").partition("/")
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        self.server.note(asked)
        if resource != "lines" or name not in set(DataProvider):
            self._send(404, b"{}")
        elif not compare_digest(self.headers.get("Authorization") or "", self.server.bearer_of(name)):
            self._send(401, b"{}")
        elif not all(asked.get(key) for key in _MUST_BE_SAID):
            self._send(400, b"{}")
        else:
            self._answer(DataProvider(name), asked)

    def _answer(self, provider: DataProvider, asked: Mapping[str, str]) -> None:
        rows = [
            dict(row)
            for row in self.server.rows.get(provider, ())
            if row["usci"] == asked["usci"] and asked["from_year"] <= row["year"] <= asked["to_year"]
        ]
        planned = self.server.strike(provider)
        fault = None if planned is None else planned.fault
        if planned is not None and fault is ProviderFault.LATE:
            self.server.released.wait(planned.delay_seconds)
        if fault is ProviderFault.DROP:
            self.close_connection = True
        elif fault is ProviderFault.ERROR:
            self._send(500, b"{}")
        elif fault is ProviderFault.BUSY:
            self._send(429, b"{}", headers={"Retry-After": "0"})
        elif fault is ProviderFault.GATEWAY:
            self._send(200, b"<h1>Welcome</h1>")
        else:
            content = json.dumps(_spoilt(rows, fault), ensure_ascii=False).encode()
            self._send(200, content, is_cut=fault is ProviderFault.TRUNCATED)

    def _send(
        self, status: int, content: bytes, *, headers: Mapping[str, str] | None = None, is_cut: bool = False
    ) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if is_cut else content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker has gone: that is what a timeout looks like from here
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name for it
        """Keep quiet; requests name enterprises."""


def _spoilt(rows: list[dict[str, str]], fault: ProviderFault | None) -> list[dict[str, str]]:
    if not rows:
        return rows
    *others, last = rows
    if fault is ProviderFault.DUPLICATE:
        return [*rows, last]
    changed = {
        ProviderFault.MALFORMED_ROW: {"quantity": "n/a"},
        ProviderFault.UNIT_SLIP: {"quantity": f"{last['quantity']}0000"},
        ProviderFault.NEGATIVE: {"quantity": f"-{last['quantity']}"},
        ProviderFault.OTHER_ENTERPRISE: {"usci": _OTHER_USCI},
        ProviderFault.OTHER_YEAR: {"year": "2006"},
    }
    return [*others, last | changed[fault]] if fault in changed else rows


class ProviderSimulator(ThreadingHTTPServer):
    """The HTTP server of both simulated providers; rows are texts under the columns that files use."""

    daemon_threads = True
    block_on_close = True

    def __init__(
        self,
        port: int,
        rows: Mapping[DataProvider, Sequence[ProviderRow]],
        *,
        secrets: Mapping[DataProvider, str],
    ) -> None:
        self.rows = {provider: tuple(some) for provider, some in rows.items()}
        self._secrets = dict(secrets)
        self._lock = threading.Lock()
        self._faults: list[tuple[PlannedProviderFault, list[int]]] = []
        self.released = threading.Event()
        self.asked: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def bearer_of(self, name: str) -> str:
        """Give what a request to a provider must carry."""
        return f"Bearer {self._secrets[DataProvider(name)]}"

    def note(self, asked: dict[str, str]) -> None:
        """Write down a request."""
        with self._lock:
            self.asked.append(asked)

    def plan(self, fault: PlannedProviderFault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.append((fault, [fault.times]))

    def strike(self, provider: DataProvider) -> PlannedProviderFault | None:
        """Give the fault that strikes a provider now, and count it."""
        with self._lock:
            for fault, left in self._faults:
                if fault.provider is provider and left[0] > 0:
                    left[0] -= 1
                    return fault
        return None


@contextmanager
def running_providers(
    rows: Mapping[DataProvider, Sequence[ProviderRow]], *, secrets: Mapping[DataProvider, str], port: int = 0
) -> Iterator[ProviderSimulator]:
    """Run the simulator in a thread, on a free port unless one is named, until the block ends; a secret for each."""
    server = ProviderSimulator(port, rows, secrets=secrets)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
