"""A registry for rehearsals: a real HTTP server that freezes, unfreezes, hands over, converts and, told to, misbehaves.

It speaks HTTP on a port of this machine. Requests are signed, good for one use and for their time; they are recognised
by their key: the same request again gives the same answer, another content under the same key is refused, and one that
arrives after its `not_after` is not carried out. State lives in memory, or in a JSON file that outlives it. What the
rehearsal itself is told (`/faults`, `/holdings`, `/custody`, `/finish`, `/arrive`) is not signed.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from carbonfin.kernel.dates import Clock
from collateral.calc.freezes import Operation
from collateral.registries.signing import NONCE_HEADER, checked_request, reply_headers
from collateral.registries.simulated import Fault, PlannedFault, RegistryState

_MAX_BODY_BYTES = 65_536
_FIELDS = {"request_key", "operation", "bank_id", "agreement_code", "units", "not_after"}
_UNSENT = frozenset({Fault.LOSE_REPLY, Fault.REORDER, Fault.DROP})


class _Handler(BaseHTTPRequestHandler):
    """Answers requests from the state of its server."""

    protocol_version = "HTTP/1.1"
    server: "SimulatorServer"

    def do_POST(self) -> None:
        """Take a request, a planned fault, or an order to the rehearsal."""
        content = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _MAX_BODY_BYTES))
        try:
            if self.path == "/requests":
                if self._is_signed(content):
                    self._request(_checked(json.loads(content)))
                return
            self._order(json.loads(content or b"{}"))
        except (ValueError, KeyError, TypeError) as error:
            self._send(400, {"outcome": "rejected", "reference": "", "reason": f"{type(error).__name__}: {error}"})

    def _order(self, body: dict[str, Any]) -> None:
        """Do what the rehearsal is told."""
        state = self.server.state
        if self.path == "/faults":
            state.plan(PlannedFault(**{**body, "fault": Fault(body["fault"])}))
        elif self.path == "/holdings":
            state.hold(
                str(body["account_id"]), str(body["unit"]), int(body["quantity_t"]), bank_id=body.get("bank_id", ""),
                serials=tuple(body.get("serials", ())),
            )  # fmt: skip
        elif self.path == "/custody":
            state.state_custody(str(body["exchange"]), str(body["day"]), list(body["balances"]))
        elif self.path == "/finish":
            state.finish()
        elif self.path == "/arrive":
            state.arrive()
        else:
            self._send(404, {"outcome": "not_found"})
            return
        self._send(201, {"outcome": "noted"})

    def do_GET(self) -> None:
        """Say what became of a request, or what is frozen."""
        address = urlsplit(self.path)
        if address.path == "/frozen":
            self._send(200, self.server.state.frozen_t())
        elif not self._is_signed(b""):
            return
        elif address.path == "/custody":
            self._custody(parse_qs(address.query))
        elif address.path == "/statement":
            bank_id = parse_qs(address.query).get("bank_id", [""])[0]
            self._answer("*", "statement", 200, self.server.state.statement(bank_id))
        else:
            found = self.server.state.look_up(unquote(address.path.removeprefix("/requests/")))
            if found is None:
                self._answer("*", "query", 404, {"outcome": "not_found"})
            else:
                self._answer(found[0], "query", 200, found[1])

    def _custody(self, asked: dict[str, list[str]]) -> None:
        planned = self.server.state.strike("*", "custody")
        fault = None if planned is None else planned.fault
        status, answer = self.server.state.custody(asked["exchange"][0], asked["day"][0], fault=fault)
        self._reply(status, answer, planned)

    def _is_signed(self, content: bytes) -> bool:
        """Tell whether the request is signed, in time and used once; refuse it otherwise."""
        signed = checked_request(
            self.server.secret, dict(self.headers.items()), method=self.command, path=self.path, body=content,
            now=self.server.clock.now(),
        )  # fmt: skip
        if signed is None or not self.server.state.is_first_use(signed.nonce, signed.signed_at):
            self._send(401, {"outcome": "refused", "reason": "the signature does not fit, is old or was used"})
            return False
        return True

    def _answer(self, agreement_code: str, operation: str, status: int, answer: dict[str, Any]) -> None:
        """Answer, with the fault that strikes."""
        planned = self.server.state.strike(agreement_code, operation)
        if planned is not None and planned.fault is Fault.PROCESSING:
            answer = {**answer, "outcome": "processing"}
        self._reply(status, answer, planned)

    def _request(self, body: dict[str, Any]) -> None:
        state = self.server.state
        planned = state.strike(body["agreement_code"], body["operation"])
        fault = None if planned is None else planned.fault
        if fault is Fault.REORDER:
            state.hold_back(body)
        if fault in {Fault.DROP, Fault.REORDER, Fault.BUSY, Fault.SERVER_ERROR}:
            self._reply(500, {"outcome": "failed", "reason": "not carried out"}, planned)
            return
        status, answer = state.carry_out(body, fault=fault)
        if fault is Fault.DUPLICATE:
            status, answer = state.carry_out(body, fault=None)
        state.arrive()
        self._reply(status, answer, planned)

    def _reply(self, status: int, answer: dict[str, Any], planned: PlannedFault | None) -> None:
        """Send a reply, or do to it what the fault says."""
        fault = None if planned is None else planned.fault
        if planned is not None and fault is Fault.DELAY:
            self.server.state.released.wait(planned.delay_seconds)
        if fault in _UNSENT:
            self.close_connection = True
        elif fault is Fault.BUSY:
            self._send(429, {"outcome": "busy"}, headers={"Retry-After": "0"})
        elif fault is Fault.ERROR_AFTER:
            self._send(500, {"outcome": "failed"})
        elif fault is Fault.GATEWAY_404:
            self._send_bytes(404, b"<h1>404 Not Found</h1>", headers={"Content-Type": "text/html"})
        else:
            self._send(status, answer, fault=fault)

    def _send(
        self, status: int, body: dict[str, Any], *, headers: dict[str, str] | None = None, fault: Fault | None = None
    ) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        secret = b"another secret" if fault is Fault.WRONG_SIGNATURE else self.server.secret
        signature = reply_headers(
            secret, at=self.server.clock.now(), nonce=self.headers.get(NONCE_HEADER) or "", status=status, body=content
        )
        kind = {"Content-Type": "application/json; charset=utf-8"}
        self._send_bytes(
            status, content, headers={**kind, **signature, **(headers or {})}, is_cut=fault is Fault.TRUNCATED
        )

    def _send_bytes(self, status: int, content: bytes, *, headers: dict[str, str], is_cut: bool = False) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if is_cut else content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker has gone: that is what a timeout looks like from here
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name for it
        """Keep quiet; requests carry customers' quantities."""


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    if set(body) != _FIELDS or body["operation"] not in set(Operation):
        raise ValueError(f"{', '.join(sorted(_FIELDS))} are expected")
    if not body["units"] or any(int(one["quantity_t"]) <= 0 for one in body["units"]):
        raise ValueError("each unit needs a positive quantity")
    datetime.fromisoformat(body["not_after"])
    return body


class SimulatorServer(ThreadingHTTPServer):
    """The HTTP server of the simulated registry."""

    daemon_threads = True
    block_on_close = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, state: RegistryState, *, secret: bytes, clock: Clock) -> None:
        self.state = state
        self.secret = secret
        self.clock = clock
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


@contextmanager
def running_simulator(
    *, secret: bytes, clock: Clock, port: int = 0, faults: tuple[PlannedFault, ...] = (), file: Path | None = None
) -> Iterator[SimulatorServer]:
    """Run the simulator in a thread, on a free port unless one is named, until the block ends."""
    state = RegistryState(file, faults, clock=clock)
    server = SimulatorServer("127.0.0.1", port, state, secret=secret, clock=clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
