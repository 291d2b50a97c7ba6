"""A market data feed for rehearsals: a real HTTP server that serves tables and, when told to, misbehaves."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from pricing.feeds.port import MAY_BE_LACKING, FeedResource

FeedRow = Mapping[str, str]
_DAY_FIELDS = ("quote_date", "settlement_date")
_VALUE_FIELDS = ("price_cny_per_t", "price_per_t", "rate_percent", "rate", "volatility_percent", "volatility")


class FeedFault(StrEnum):
    """What goes wrong.

    LATE: answered after the delay. ERROR: status 500. MALFORMED_ROW: the last row's value is no number. DUPLICATE: the
    last row is served twice. UNIT_SLIP: the last row's value is a hundred times too large.
    """

    LATE = "late"
    ERROR = "error"
    MALFORMED_ROW = "malformed_row"
    DUPLICATE = "duplicate"
    UNIT_SLIP = "unit_slip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFeedFault:
    """A fault that strikes the next answers of one resource.

    Attributes:
        times: How many answers it strikes.
        delay_seconds: How late a LATE answers.
    """

    resource: FeedResource
    fault: FeedFault
    times: int
    delay_seconds: float = 0.0


class _FeedHandler(BaseHTTPRequestHandler):
    """Answers requests from the tables of its server."""

    protocol_version = "HTTP/1.1"
    server: "FeedSimulator"

    def do_GET(self) -> None:
        """Serve the rows of the days asked for."""
        asked = urlsplit(self.path)
        query = parse_qs(asked.query)
        name = asked.path.removeprefix("/")
        if not self.server.serves(name):
            self._send(404, [])
            return
        first, last = query.get("from", [""])[0], query.get("to", ["9999-12-31"])[0]
        rows = [dict(row) for row in self.server.rows(FeedResource(name)) if first <= _day_of(row) <= last]
        planned = self.server.strike(FeedResource(name))
        if planned is not None and planned.fault is FeedFault.LATE:
            self.server.released.wait(planned.delay_seconds)
        if planned is not None and planned.fault is FeedFault.ERROR:
            self._send(500, [])
            return
        self._send(200, rows if planned is None else _spoilt(rows, planned.fault))

    def _send(self, status: int, rows: Sequence[FeedRow]) -> None:
        content = json.dumps(rows, ensure_ascii=False).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker has gone: that is what a timeout looks like from here

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name for it
        """Keep quiet; a rehearsal reads its own outcome."""


def _day_of(row: FeedRow) -> str:
    return next((row[name] for name in _DAY_FIELDS if name in row), "")


def _spoilt(rows: list[dict[str, str]], fault: FeedFault) -> list[dict[str, str]]:
    if not rows:
        return rows
    last = rows[-1]
    field = next(name for name in _VALUE_FIELDS if name in last)
    if fault is FeedFault.MALFORMED_ROW:
        return [*rows[:-1], last | {field: "n/a"}]
    if fault is FeedFault.DUPLICATE:
        return [*rows, last]
    if fault is FeedFault.UNIT_SLIP:
        whole, _, places = last[field].partition(".")
        return [*rows[:-1], last | {field: f"{whole}{places:0<2}"[: len(whole) + 2]}]
    return rows


class FeedSimulator(ThreadingHTTPServer):
    """The HTTP server of the simulated feed; its rows are texts under the columns that files use."""

    daemon_threads = True
    block_on_close = True

    def __init__(self, host: str, port: int, tables: Mapping[FeedResource, Sequence[FeedRow]]) -> None:
        self._tables = {resource: tuple(rows) for resource, rows in tables.items()}
        self._lock = threading.Lock()
        self._faults: list[tuple[PlannedFeedFault, list[int]]] = []
        self.released = threading.Event()
        self.asked_count = 0
        super().__init__((host, port), _FeedHandler)

    @property
    def address(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def serves(self, name: str) -> bool:
        """Whether there is such a table; what a publisher need not have is there only where it was given."""
        return name in list(FeedResource) and (name in self._tables or name not in MAY_BE_LACKING)

    def rows(self, resource: FeedResource) -> tuple[FeedRow, ...]:
        """Give the rows of a resource, sound ones."""
        return self._tables.get(resource, ())

    def plan(self, fault: PlannedFeedFault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.append((fault, [fault.times]))

    def strike(self, resource: FeedResource) -> PlannedFeedFault | None:
        """Count a request and give the fault that strikes it."""
        with self._lock:
            self.asked_count += 1
            for fault, left in self._faults:
                if fault.resource is resource and left[0] > 0:
                    left[0] -= 1
                    return fault
        return None


@contextmanager
def running_feed(tables: Mapping[FeedResource, Sequence[FeedRow]], *, port: int = 0) -> Iterator[FeedSimulator]:
    """Run the simulator in a thread, on a free port unless one is named, until the block ends."""
    server = FeedSimulator("127.0.0.1", port, tables)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
