"""The server over real sockets: it stops gracefully, refuses what is too large at once, and waits for nobody for ever."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

_GIGABYTE = 1_000_000_000
_SERVE = "from carbonfin.app.server import server_for; server_for(host='127.0.0.1', port={port}, workers=1, target='tests.app.slow_app:application').serve()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server process and where it listens."""

    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def address(self) -> str:
        """Where it listens, as a URL."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """Open a connection of one's own making."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def memory_kb(self) -> int:
        """Give the resident memory of the process and its workers."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_resident_kb(pid) for pid in pids)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@contextmanager
def _running() -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", _SERVE.format(port=port)], env=dict(os.environ))
    running = Running(process=process, port=port)
    try:
        end = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < end:
            try:
                if httpx.get(f"{running.address}/quick", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail("the server did not become ready")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=40)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with _running() as running:
        yield running


def _answer_of(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionError:
            return received
        if not part:
            return received
        received += part
        if b"\r\n\r\n" in received and received.endswith((b"}", b"done", b"here")):
            return received


def test_told_to_stop_it_answers_every_request_it_has_begun() -> None:
    answers: list[tuple[int, str]] = []
    with _running() as running:

        def ask() -> None:
            answer = httpx.get(f"{running.address}/slow", timeout=30)
            answers.append((answer.status_code, answer.text))

        asking = [threading.Thread(target=ask) for _ in range(8)]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        stopped_at = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        for thread in asking:
            thread.join(timeout=30)
        running.process.wait(timeout=40)
        took_s = time.monotonic() - stopped_at
        with pytest.raises(OSError, match="refused"):
            running.connect()
    assert answers == [(200, "done")] * 8
    assert running.process.returncode == 0
    assert took_s < 15


def test_a_body_of_one_gigabyte_is_refused_before_it_is_read(server: Running) -> None:
    before_kb = server.memory_kb()
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(
            b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n{" % _GIGABYTE
        )
        answer = _answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert b'"code":"content-too-large"' in answer
    assert time.monotonic() - began < 5
    assert server.memory_kb() - before_kb < 20_000


def test_a_body_of_unknown_length_is_cut_at_the_limit(server: Running) -> None:
    before_kb = server.memory_kb()
    part = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with server.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < _GIGABYTE:
                connection.sendall(part)
                sent += 65536
        except OSError:
            pass
        answer = _answer_of(connection)
    assert sent < _GIGABYTE
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")
    assert server.memory_kb() - before_kb < 40_000


def test_slow_clients_hold_no_worker_and_are_sent_away(server: Running) -> None:
    """Sixty bodies and sixty headers that never end: others are answered meanwhile, and the bodies end with 408."""
    with ExitStack() as stack:
        dripping = [stack.enter_context(server.connect()) for _ in range(60)]
        for connection in dripping:
            connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        undecided = [stack.enter_context(server.connect()) for _ in range(60)]
        for connection in undecided:
            connection.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\nX-")
        began = time.monotonic()
        assert httpx.get(f"{server.address}/quick", timeout=5).text == "here"
        assert time.monotonic() - began < 1
        for connection in dripping:
            answer = _answer_of(connection)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"code":"request-timeout"' in answer
        assert time.monotonic() - began < 10
        undecided[0].settimeout(20)
        answer = _answer_of(undecided[0])
        assert answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))
        assert time.monotonic() - began < 20, "headers have ten seconds"
    assert httpx.get(f"{server.address}/quick", timeout=5).text == "here"


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /quick HTTP/1.1\r\nHost: x\r\n\r\n", {b"201", b"400"}),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456", {b"400"}),
        (b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", {b"400"}),
    ],
    ids=["length and chunks", "two lengths", "a blank before the colon"],
)  # fmt: skip
def test_the_boundary_of_a_message_is_never_in_doubt(server: Running, message: bytes, answers: set[bytes]) -> None:
    """What a proxy could read otherwise than we do is one request and closes the connection, or none."""
    with server.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + message)
        received = b""
        with suppress(OSError):
            while part := connection.recv(65536):
                received += part
    found = re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)
    assert len(found) <= 1, "a second answer: something was smuggled in"
    assert set(found) <= answers


@pytest.mark.parametrize(
    "body",
    [b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhel"],
    ids=["bare line feeds", "one bare line feed", "a size that is no number", "cut off"],
)
def test_chunks_that_cannot_be_read_are_refused_as_malformed(server: Running, body: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = _answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b'"code":"malformed-request"' in answer
    assert len(re.findall(rb"HTTP/1\.1 ", answer)) == 1
    assert httpx.get(f"{server.address}/quick", timeout=20).text == "here"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "MADE-UP"])
def test_trace_and_other_methods_are_not_served(server: Running, method: str) -> None:
    answer = httpx.request(method, f"{server.address}/quick", headers={"X-Secret": "not to be echoed"}, timeout=20)
    assert answer.status_code == 405
    assert "not to be echoed" not in answer.text


_COUNT = """
import gc
from carbonfin.app.serving import application
kept = application()
print(len(gc.get_objects()), gc.get_freeze_count())
"""


def test_garbage_collections_leave_out_what_the_process_has_loaded(tmp_path: Path) -> None:
    made = os.environ | {
        "CARBONFIN_DATABASE_URL": f"sqlite:///{tmp_path / 'one.db'}",
        "CARBONFIN_SECRET": "a secret of thirty-two characters, or more",
    }
    said = subprocess.run([sys.executable, "-c", _COUNT], env=made, capture_output=True, text=True, check=True).stdout
    searched_count, spared_count = map(int, said.splitlines()[-1].split())
    assert spared_count > 100 * searched_count
