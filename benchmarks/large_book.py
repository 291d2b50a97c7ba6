"""`python -m benchmarks.large_book`: a book of a million lines, three of them bad, valued over HTTP and by command.

The sample world is served by granian with one worker. The book goes up from a file and its values come home as they
are found; told are lines a second, the lines that were named, and the most memory of the worker before and while it
worked. Then `carbonfin pricing value` values the same file and writes its lines; told are seconds by the clock and of
the processor, its start included. The run fails where anything but the three bad lines is named, where the two totals
differ, or where memory grew by more than the bound.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.harness import load_stated
from benchmarks.http_ratios import demonstrated, free_port, running

_LINES = 1_000_000
_GROWTH_MAX_MB = 200
_UNITS = ("CEA-2023", "CEA-2024", "CCER", "SZA-2024")
_HEAD = "line_id,kind,unit,quantity_t,strike_cny_per_t,delivery_date\n"
_TIMEOUT_S = 3600.0
_DAY = "2025-06-30"


def write_book(path: Path, line_count: int) -> dict[str, str]:
    """Write a book, half spot holdings and half forwards, with three bad lines; give these with the field at fault."""
    bad = {
        line_count // 4: ("quantity_t", "B1,spot,CEA-2023,NaN,,\n"),
        line_count // 2: ("delivery_date", "B2,forward,CEA,1000,77.50,2025-06-30\n"),
        line_count - 2: ("strike_cny_per_t", "B3,forward,CEA,1000,-1,2025-12-15\n"),
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        for place in range(line_count):
            if place in bad:
                file.write(bad[place][1])
            elif place % 2:
                file.write(f"F{place},forward,CEA,{1000 + place % 997},77.50,2025-{7 + place % 6:02d}-15\n")
            else:
                file.write(f"S{place},spot,{_UNITS[place // 2 % len(_UNITS)]},{1000 + place % 991},,\n")
    return {f"line {place + 2}": field for place, (field, _) in bad.items()}


@contextmanager
def _memory_of(pid: int) -> Iterator[list[float]]:
    """Note the resident memory of a process and its children in megabytes, a few times a second."""
    noted: list[float] = []
    stopped = threading.Event()

    def note() -> None:
        while not stopped.wait(0.2):
            noted.append(sum(_resident_mb(one) for one in (pid, *_children_of(pid))))

    thread = threading.Thread(target=note)
    thread.start()
    try:
        yield noted
    finally:
        stopped.set()
        thread.join()


def _children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def measure(line_count: int) -> bool:
    """Print the figures of one run, and tell whether only the bad lines were named and memory stayed flat."""
    with tempfile.TemporaryDirectory() as name, load_stated() as stated:
        folder = Path(name)
        environment, key = demonstrated(folder)
        expected = write_book(folder / "book.csv", line_count)
        address = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "carbonfin.app.cli", "serve", "--port", address.rsplit(":", 1)[1]]
        with running([*command, "--workers", "1"], environment, f"{address}/healthz") as server:
            _answer(address, key, folder / "small.csv", write_book(folder / "small.csv", 20_000))
            with _memory_of(server.pid) as noted:
                time.sleep(1.0)
                before = max(noted)
                started = time.perf_counter()
                total, is_right = _answer(address, key, folder / "book.csv", expected)
                seconds = time.perf_counter() - started
            growth = max(noted) - before
        command_total, told = _commanded(folder, environment)
        print(f"# large book: {stated().line()}")
        print(
            f"{line_count:,} lines in {seconds:.1f} s ({line_count / seconds:,.0f} lines/s): {total['valued_count']:,} "
            f"valued, {total['failure_count']} named; memory {before:.0f} MB before, {growth:+.0f} MB at most "
            f"(bound {_GROWTH_MAX_MB} MB)"
        )
        print(f"the same by command: {told}")
        is_same = command_total == total
        if not is_same:
            print(f"the command came to {command_total}, the service to {total}")
        return is_right and is_same and growth <= _GROWTH_MAX_MB


def _commanded(folder: Path, environment: dict[str, str]) -> tuple[dict[str, object], str]:
    """Value the book by command; give its total, and what it took as words."""
    out = folder / "values.jsonl"
    command = [sys.executable, "-m", "carbonfin.app.cli", "pricing", "value", str(folder / "book.csv"), "--on", _DAY]
    before, started = os.times(), time.perf_counter()
    subprocess.run(  # noqa: S603 - our own program
        [*command, "--out", str(out)], env={**os.environ, **environment}, check=False, capture_output=True
    )
    seconds, after = time.perf_counter() - started, os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with out.open("rb") as lines:
        last = deque(lines, maxlen=1)
    return json.loads(
        last[0]
    ), f"{seconds:.1f} s by the clock, {work:.1f} s of a processor; no child above {peak:.0f} MB"


def _answer(address: str, key: str, book: Path, expected: dict[str, str]) -> tuple[dict[str, object], bool]:
    """Send a book and read the answer as it comes; give its total, and whether only the expected lines were named."""
    named: dict[str, str] = {}
    total: dict[str, object] = {}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    with (
        book.open("rb") as content,
        httpx.stream(
            "POST", f"{address}/v1/valuations/stream", params={"valuation_date": _DAY}, content=content,
            headers=headers, timeout=_TIMEOUT_S,
        ) as answer,
    ):  # fmt: skip
        answer.raise_for_status()
        for line in answer.iter_lines():
            if '"record":"lines"' not in line[:40]:
                record = json.loads(line)
                named |= {one["item"]: one["field"] for one in record.get("failures", ())}
                total = record if record["record"] == "total" else total
    for item, field in named.items():
        if expected.get(item) != field:
            print(f"named without being bad: {item}, {field}")
    return total, named == expected and bool(total)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_book", description=__doc__)
    parser.add_argument("--lines", type=int, default=_LINES, help=f"lines of the book, {_LINES} unless said")
    sys.exit(0 if measure(parser.parse_args().lines) else 1)
