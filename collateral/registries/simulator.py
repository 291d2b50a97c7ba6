"""A registry for rehearsals: a real HTTP server that freezes, unfreezes and, when told to, misbehaves.

It speaks HTTP on a port of this machine. Requests are recognised by their key: the same request again gives the same
answer, another content under the same key is refused. State lives in memory, or in a JSON file that outlives it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_MAX_BODY_BYTES = 65_536


class Fault(StrEnum):
    """What goes wrong.

    LOSE_REPLY: the request is carried out, the reply never sent. PROCESSING: accepted and left unfinished; queries say
    so until the fault is lifted. REJECT: refused for good. DELAY: answered late. DROP: lost before it is carried out.
    WRONG_QUANTITY: carried out and confirmed for one tonne less of each unit than was asked.
    """

    LOSE_REPLY = "lose_reply"
    PROCESSING = "processing"
    REJECT = "reject"
    DELAY = "delay"
    DROP = "drop"
    WRONG_QUANTITY = "wrong_quantity"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """A fault that strikes one agreement.

    Attributes:
        operation: freeze, unfreeze or query.
        times: How often it strikes.
        delay_seconds: How late a DELAY answers.
    """

    agreement_code: str
    operation: str
    fault: Fault
    times: int
    delay_seconds: float = 0.0


class RegistryState:
    """What the simulated registry has done, kept under one lock."""

    def __init__(self, file: Path | None, faults: tuple[PlannedFault, ...]) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._requests: dict[str, dict[str, Any]] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._faults: list[dict[str, Any]] = []
        self.released = threading.Event()
        for one in faults:
            self.plan(one)
        if file is not None and file.exists():
            self._requests = json.loads(file.read_text(encoding="utf-8"))

    def plan(self, fault: PlannedFault) -> None:
        """Plan a fault."""
        self._faults.append({"fault": fault, "left": fault.times})

    def strike(self, agreement_code: str, operation: str) -> PlannedFault | None:
        """Give the fault that strikes now, and count it."""
        with self._lock:
            for planned in self._faults:
                fault: PlannedFault = planned["fault"]
                if fault.agreement_code == agreement_code and fault.operation == operation and planned["left"] > 0:
                    planned["left"] -= 1
                    return fault
        return None

    def carry_out(self, body: dict[str, Any], *, fault: Fault | None) -> tuple[int, dict[str, str]]:
        """Carry out a request once; the same key again gives the first answer."""
        key = body["request_key"]
        with self._lock:
            known = self._requests.get(key)
            if known is not None and known["body"] != body:
                return 409, {"outcome": "rejected", "reference": "", "reason": "the key was used for another request"}
            if known is None:
                outcome = {Fault.PROCESSING: "processing", Fault.REJECT: "rejected"}.get(fault or Fault.DELAY, "done")
                known = {
                    "body": body,
                    "outcome": outcome,
                    "reference": f"SIM-{len(self._requests) + 1:06d}",
                    "reason": "refused by the rehearsal" if outcome == "rejected" else "",
                    "short_t": 1 if fault is Fault.WRONG_QUANTITY else 0,
                }
                self._requests[key] = known
                self._save()
            return 200, _answer(known)

    def look_up(self, key: str) -> tuple[str, dict[str, str]] | None:
        """Give a request's agreement and answer, or None."""
        with self._lock:
            known = self._requests.get(key)
            return None if known is None else (known["body"]["agreement_code"], _answer(known))

    def frozen_t(self) -> dict[str, int]:
        """Give the tonnes frozen by account and unit."""
        frozen: dict[str, int] = {}
        for (account_id, unit, _), quantity_t in self._frozen().items():
            name = f"{account_id}/{unit}"
            frozen[name] = frozen.get(name, 0) + quantity_t
        return {name: quantity_t for name, quantity_t in sorted(frozen.items()) if quantity_t}

    def hold(self, account_id: str, unit: str, quantity_t: int) -> None:
        """State a total held from now on."""
        with self._lock:
            self._held[(account_id, unit)] = quantity_t

    def statement(self) -> dict[str, list[dict[str, Any]]]:
        """Give every freeze by account, unit and agreement, and the totals held that are known here."""
        frozen = [
            {"account_id": account_id, "unit": unit, "agreement_code": code, "quantity_t": quantity_t}
            for (account_id, unit, code), quantity_t in sorted(self._frozen().items())
            if quantity_t
        ]
        with self._lock:
            held = [
                {"account_id": account_id, "unit": unit, "quantity_t": quantity_t}
                for (account_id, unit), quantity_t in sorted(self._held.items())
            ]
        return {"frozen": frozen, "held": held}

    def _frozen(self) -> dict[tuple[str, str, str], int]:
        frozen: dict[tuple[str, str, str], int] = {}
        with self._lock:
            for known in self._requests.values():
                body = known["body"]
                sign = {"freeze": 1, "unfreeze": -1}[body["operation"]] if known["outcome"] == "done" else 0
                for one in body["units"]:
                    place = (one["account_id"], one["unit"], body["agreement_code"])
                    moved_t = int(one["quantity_t"]) - known.get("short_t", 0)
                    frozen[place] = frozen.get(place, 0) + sign * moved_t
        return frozen

    def finish(self) -> None:
        """Finish what was left processing."""
        with self._lock:
            for known in self._requests.values():
                if known["outcome"] == "processing":
                    known["outcome"] = "done"
            self._save()

    def _save(self) -> None:
        if self._file is not None:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(self._requests, ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8")
            fresh.replace(self._file)


def _answer(known: dict[str, Any]) -> dict[str, str]:
    return {name: known[name] for name in ("outcome", "reference", "reason")}


class _Handler(BaseHTTPRequestHandler):
    """Answers requests from the state of its server."""

    protocol_version = "HTTP/1.1"
    server: "SimulatorServer"

    def do_POST(self) -> None:
        """Take a request, a planned fault, or the order to finish."""
        try:
            body = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _MAX_BODY_BYTES)))
            if self.path == "/requests":
                self._request(_checked(body))
            elif self.path == "/faults":
                self.server.state.plan(PlannedFault(**{**body, "fault": Fault(body["fault"])}))
                self._send(201, {"outcome": "planned"})
            elif self.path == "/holdings":
                self.server.state.hold(str(body["account_id"]), str(body["unit"]), int(body["quantity_t"]))
                self._send(201, {"outcome": "stated"})
            elif self.path == "/finish":
                self.server.state.finish()
                self._send(200, {"outcome": "finished"})
            else:
                self._send(404, {"outcome": "not_found"})
        except (ValueError, KeyError, TypeError) as error:
            self._send(400, {"outcome": "rejected", "reference": "", "reason": f"{type(error).__name__}: {error}"})

    def do_GET(self) -> None:
        """Say what became of a request, or what is frozen."""
        if self.path == "/frozen":
            self._send(200, self.server.state.frozen_t())
            return
        if self.path == "/statement":
            self._send(200, self.server.state.statement())
            return
        found = self.server.state.look_up(unquote(self.path.removeprefix("/requests/")))
        if found is None:
            self._send(404, {"outcome": "not_found"})
            return
        agreement_code, answer = found
        fault = self.server.state.strike(agreement_code, "query")
        if fault is not None and self._misbehave(fault):
            return
        if fault is not None and fault.fault is Fault.PROCESSING:
            answer = {**answer, "outcome": "processing"}
        self._send(200, answer)

    def _request(self, body: dict[str, Any]) -> None:
        fault = self.server.state.strike(body["agreement_code"], body["operation"])
        if fault is not None and fault.fault is Fault.DROP:
            self._hang_up()
            return
        status, answer = self.server.state.carry_out(body, fault=None if fault is None else fault.fault)
        if fault is None or not self._misbehave(fault):
            self._send(status, answer)

    def _misbehave(self, fault: PlannedFault) -> bool:
        """Delay or lose the reply; tell whether it is lost."""
        if fault.fault is Fault.DELAY:
            self.server.state.released.wait(fault.delay_seconds)
        if fault.fault is Fault.LOSE_REPLY:
            self._hang_up()
        return fault.fault is Fault.LOSE_REPLY

    def _hang_up(self) -> None:
        self.close_connection = True

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker has gone: that is what a timeout looks like from here

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name for it
        """Keep quiet; requests carry customers' quantities."""


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    if set(body) != {"request_key", "operation", "agreement_code", "units"} or body["operation"] not in {
        "freeze",
        "unfreeze",
    }:
        raise ValueError("request_key, operation, agreement_code and units are expected")
    if not body["units"] or any(int(one["quantity_t"]) <= 0 for one in body["units"]):
        raise ValueError("each unit needs a positive quantity")
    return body


class SimulatorServer(ThreadingHTTPServer):
    """The HTTP server of the simulated registry."""

    daemon_threads = True
    block_on_close = True

    def __init__(self, host: str, port: int, state: RegistryState) -> None:
        self.state = state
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


@contextmanager
def running_simulator(
    *, port: int = 0, faults: tuple[PlannedFault, ...] = (), file: Path | None = None
) -> Iterator[SimulatorServer]:
    """Run the simulator in a thread, on a free port unless one is named, until the block ends."""
    server = SimulatorServer("127.0.0.1", port, RegistryState(file, faults))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
