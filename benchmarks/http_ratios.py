"""`python -m benchmarks.http_ratios`: the service over HTTP beside the barest route of the same framework.

Both are served by granian with two worker processes and asked by `wrk` (two threads; 16 connections, for rate decisions
64 too, since a commit serves all who wait for it) on the loopback; load and servers share the machine's processors, so
only ratios of one run are told. Rounds are interleaved, each figure is the median of its rounds. The service keeps its
records on SQLite as in production of one machine, with the synchronous mode that the line names.
"""

import argparse
import json
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.bare_app import ANSWER_FILE
from benchmarks.harness import load_stated

WORKERS = 2
CONNECTIONS, MANY_CONNECTIONS = 16, 64
_START_S = 60.0
_CODE = [sys.executable, "-m", "carbonfin.app.cli"]
_UNITS = ("CEA-2023", "CEA-2024", "CCER", "SZA-2024")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_RATE_DECISION = {
    "usci": "91440300EXAMPLE466", "margin_bp": 40, "lpr_tenor": "1Y", "applies_from": "2025-07-01",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request that is asked again and again.

    Attributes:
        once_each: Whether each carries an idempotency key of its own.
        connections: How many ask it at once.
    """

    name: str
    address: str
    method: str = "POST"
    body: bytes = b""
    key: str = ""
    once_each: bool = False
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A figure with what it must reach: a ratio to another question, or so many a second by itself."""

    name: str
    subject: str
    comparator: str | None
    least: float


def book(line_count: int) -> dict[str, object]:
    """Give a book, half spot holdings of four units and half forwards over six deliveries."""
    lines: list[dict[str, object]] = []
    for place in range(line_count):
        if place % 2:
            lines.append(
                {"line_id": f"F{place}", "kind": "forward", "unit": "CEA", "quantity_t": 1000 + place,
                 "strike_cny_per_t": "77.50", "delivery_date": f"2025-{7 + place % 6:02d}-15"}
            )  # fmt: skip
        else:
            unit = _UNITS[place // 2 % len(_UNITS)]
            lines.append({"line_id": f"S{place}", "kind": "spot", "unit": unit, "quantity_t": 1000 + place})
    return {"valuation_date": "2025-06-30", "lines": lines}


def free_port() -> int:
    """Give a port of the loopback that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], environment: dict[str, str], address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, from when it answers at an address."""
    quiet = subprocess.DEVNULL
    # Only our own programs are started, with arguments of our own.
    server = subprocess.Popen(command, env={**os.environ, **environment}, stdout=quiet, stderr=quiet)  # noqa: S603 - see above
    try:
        _wait_for(address)
        yield server
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(address: str) -> None:
    started = time.monotonic()
    while time.monotonic() - started < _START_S:
        try:
            httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    sys.exit(f"nothing answers at {address}")


def _script(question: Question) -> str:
    headers = ['wrk.headers["Content-Type"] = "application/json"']
    if question.key:
        headers.append(f'wrk.headers["Authorization"] = "Bearer {question.key}"')
    body = f"wrk.body = [==[{question.body.decode()}]==]" if question.body else ""
    head = [f'wrk.method = "{question.method}"', body, *headers]
    if question.once_each:
        head += [
            "local threads = 0",
            'function setup(thread) threads = threads + 1; thread:set("mine", threads) end',
            "local asked = 0",
            f'local run = "{time.time_ns()}"',
            "function request() asked = asked + 1",
            '  wrk.headers["Idempotency-Key"] = run .. "-" .. mine .. "-" .. asked',
            "  return wrk.format() end",
        ]
    return "\n".join(head) + "\n"


def _per_second(question: Question, folder: Path, *, seconds: int) -> float:
    """Give the requests a second that were answered well.

    Raises:
        SystemExit: Some were refused, so the figure would be none.
    """
    script = folder / "question.lua"
    script.write_text(_script(question), encoding="utf-8")
    command = ["wrk", "-t2", f"-c{question.connections}", f"-d{seconds}s", "-s", str(script), question.address]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own arguments
    refused = _REFUSED.search(told)
    if refused:
        sys.exit(f"{question.name}: {refused.group(1)} requests were refused")
    found = _RATE.search(told)
    assert found, told
    return float(found.group(1))


def _stored_book(database: Path, code: str, line_count: int) -> str:
    """Keep a book of the sample bank and give its identifier."""
    from carbonfin.app.command_actor import actor_for_command  # noqa: PLC0415 - heavy
    from carbonfin.storage.engine import Sessions, open_engine  # noqa: PLC0415 - heavy
    from pricing import service  # noqa: PLC0415 - heavy
    from pricing.schemas import PortfolioLineIn  # noqa: PLC0415 - heavy

    sessions = Sessions(open_engine(f"sqlite:///{database}"))
    with sessions.as_operator().begin() as session:
        actor = actor_for_command(session, login="maker", organization=None)
        lines = [PortfolioLineIn(**line).line(place) for place, line in enumerate(book(line_count)["lines"])]  # type: ignore[arg-type,call-overload]
        return service.save_portfolio(session, actor, code=code, name=code, lines=lines).id


def demonstrated(folder: Path) -> tuple[dict[str, str], str]:
    """Lay out the sample world below a folder, and give the environment to serve it in and its key."""
    environment = {"CARBONFIN_VAR": str(folder / "var"), "CARBONFIN_RATE_LIMIT": "off"}
    demo = [*_CODE, "demo", "--out", str(folder / "out")]
    subprocess.run(demo, env={**os.environ, **environment}, check=True, capture_output=True)  # noqa: S603 - our own program
    return environment, (folder / "var" / "demo-api-key").read_text(encoding="ascii").strip()


@contextmanager
def _served(folder: Path) -> Iterator[dict[str, Question]]:
    """Serve the sample world and the bare route, and give the questions."""
    environment, key = demonstrated(folder)
    stored = {count: _stored_book(folder / "var" / "carbonfin.db", f"BENCH-{count}", count) for count in (5, 100)}
    ours, bare = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    inline = json.dumps(book(100)).encode()
    workers = ["--workers", str(WORKERS)]
    with ExitStack() as stack:
        serve = [*_CODE, "serve", "--port", ours.rsplit(":", 1)[1], *workers]
        stack.enter_context(running(serve, environment, f"{ours}/healthz"))
        answer = httpx.post(
            f"{ours}/v1/valuations/preview",
            content=inline,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        ).raise_for_status()
        (folder / "answer.json").write_bytes(answer.content)
        granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-ws", "--no-log"]
        command = [*granian, "--port", bare.rsplit(":", 1)[1], *workers, "benchmarks.bare_app:application"]
        stack.enter_context(running(command, {ANSWER_FILE: str(folder / "answer.json")}, f"{bare}/bare"))
        questions = [
            Question(name="bare", address=f"{bare}/bare", body=inline),
            Question(name="inline", address=f"{ours}/v1/valuations/preview", body=inline, key=key),
            Question(name="read", address=f"{ours}/v1/me", method="GET", key=key),
            *(
                Question(
                    name=f"stored {count}", address=f"{ours}/v1/valuations/preview", key=key,
                    body=json.dumps({"valuation_date": "2025-06-30", "portfolio_id": portfolio_id}).encode(),
                )
                for count, portfolio_id in stored.items()
            ),
            *(
                Question(
                    name=name, address=f"{ours}/v1/rate-decisions", key=key, once_each=True, connections=connections,
                    body=json.dumps(_RATE_DECISION).encode(),
                )
                for name, connections in (("rate", CONNECTIONS), ("rate, many callers", MANY_CONNECTIONS))
            ),
        ]  # fmt: skip
        yield {question.name: question for question in questions}


def _synchronous_mode(folder: Path) -> str:
    """Say with which synchronous mode the service writes, as its own engine sets it."""
    from carbonfin.storage.engine import open_engine  # noqa: PLC0415 - heavy

    with open_engine(f"sqlite:///{folder / 'var' / 'carbonfin.db'}").connect() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        mode = int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    return f"{str(journal).upper()}, synchronous {('OFF', 'NORMAL', 'FULL', 'EXTRA')[mode]}"


BOUNDS = (
    Bound(name="inline book of 100 lines over a bare route of the same sizes", subject="inline", comparator="bare",
          least=0.25),
    Bound(name="stored book of 5 lines over one indexed read", subject="stored 5", comparator="read", least=0.5),
    Bound(name="stored book of 100 lines over one indexed read", subject="stored 100", comparator="read", least=0.5),
    Bound(name=f"rate decisions with their record a second, {CONNECTIONS} callers at once", subject="rate",
          comparator=None, least=500.0),
    Bound(name=f"rate decisions with their record a second, {MANY_CONNECTIONS} callers at once",
          subject="rate, many callers", comparator=None, least=500.0),
)  # fmt: skip


def measure(*, seconds: int, rounds: int, only: str | None = None) -> bool:
    """Print the figures of one run, and tell whether every bound holds."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    held = True
    with tempfile.TemporaryDirectory() as name, load_stated() as stated:
        folder = Path(name)
        with _served(folder) as questions:
            bounds = [bound for bound in BOUNDS if only is None or bound.subject == only]
            wanted = {one for bound in bounds for one in (bound.subject, bound.comparator) if one}
            found: dict[str, list[float]] = {one: [] for one in questions if one in wanted}
            for question in wanted:
                _per_second(questions[question], folder, seconds=1)
            for _ in range(rounds):
                for one, rates in found.items():
                    rates.append(_per_second(questions[one], folder, seconds=seconds))
        print(
            f"# http ratios: granian {WORKERS} workers, wrk {CONNECTIONS} or {MANY_CONNECTIONS} connections; "
            f"{stated().line()}"
        )
        print(f"# SQLite {sqlite3.sqlite_version}, {_synchronous_mode(folder)}")
        for one, rates in found.items():
            print(f"{one}: {statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})")
        for bound in bounds:
            figure = statistics.median(found[bound.subject])
            if bound.comparator is not None:
                figure /= statistics.median(found[bound.comparator])
            held = held and figure >= bound.least
            print(
                f"{bound.name}: {figure:,.3g}, bound {bound.least:g}: {'held' if figure >= bound.least else 'MISSED'}"
            )
    return held


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved")
    parser.add_argument("--only", help="one subject: " + ", ".join(bound.subject for bound in BOUNDS))
    given = parser.parse_args()
    sys.exit(0 if measure(seconds=given.seconds, rounds=given.rounds, only=given.only) else 1)
