"""`python -m benchmarks.soak`: mixed load on a served sample world; memory and open connections must not grow.

A demonstration is made in a folder of its own and served by `carbonfin serve`; one client then asks valuations,
pledges, schedules and pages in turn, on the loopback only. Memory and open files of the server's processes are read
from the kernel at each tenth of the run; the last tenth is compared with the second, when caches are warm.
"""

import argparse
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

DEFAULT_SECONDS = 3600
GROWTH_ALLOWED_RATIO = 0.10
_START_S = 60.0
_SAMPLES = 10
_WARM_SAMPLE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The server's size at one moment."""

    resident_mb: float
    open_files_count: int


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, int]]:
    """Make the sample world in a folder and serve it; gives address and process number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "CARBONFIN_VAR": str(folder / "var"), "CARBONFIN_PORT": str(port)}
    command = [sys.executable, "-m", "carbonfin.app.cli"]
    # Only our own program is started, with arguments of our own.
    demo = [*command, "demo", "--out", str(folder / "out")]
    subprocess.run(demo, env=environment, check=True, capture_output=True)  # noqa: S603 - see above
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*command, "serve"], env=environment, stdout=quiet, stderr=quiet)  # noqa: S603 - see above
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(address: str) -> None:
    started = time.monotonic()
    while time.monotonic() - started < _START_S:
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit("the server did not become ready")


def _family(process: int) -> list[int]:
    """Give a process and those it started."""
    started = [int(line) for line in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [process, *itertools.chain.from_iterable(_family(child) for child in started)]


def _sample(process: int) -> Sample:
    pages = files = 0
    for member in _family(process):
        pages += int(Path(f"/proc/{member}/statm").read_text().split()[1])
        files += len(list(Path(f"/proc/{member}/fd").iterdir()))
    return Sample(resident_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20, open_files_count=files)


def _questions(client: httpx.Client) -> Iterator[httpx.Request]:
    """Give requests for ever, reading and writing in turn."""
    portfolio_id = client.get("/v1/portfolios").raise_for_status().json()["portfolios"][0]["portfolio_id"]
    for number in itertools.count():
        yield client.build_request("GET", "/v1/pledges")
        yield client.build_request("GET", "/v1/market/quotes", params={"unit": "CEA"})
        yield client.build_request("GET", "/v1/subsidies/applications")
        yield client.build_request("GET", "/healthz")
        yield client.build_request(
            "POST",
            "/v1/valuations",
            json={"portfolio_id": portfolio_id, "valuation_date": "2025-06-30"},
            headers={"Idempotency-Key": f"soak-{os.getpid()}-{number}"},
        )


def soak(seconds: float) -> bool:
    """Load the server for a time, print a line a tenth, and tell whether it kept its size."""
    with tempfile.TemporaryDirectory() as name, _served(Path(name)) as (address, process):
        key = (Path(name) / "var" / "demo-api-key").read_text(encoding="ascii").strip()
        samples: list[Sample] = []
        asked = faults = 0
        started = time.monotonic()
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            for request in _questions(client):
                faults += client.send(request).status_code >= 500
                asked += 1
                elapsed_s = time.monotonic() - started
                if elapsed_s >= seconds * (len(samples) + 1) / _SAMPLES:
                    samples.append(_sample(process))
                    last = samples[-1]
                    print(
                        f"soak {elapsed_s:.0f} s: {asked} requests, {faults} faults, "
                        f"{last.resident_mb:.0f} MB, {last.open_files_count} open files",
                        flush=True,
                    )
                if len(samples) == _SAMPLES:
                    break
    warm, last = samples[_WARM_SAMPLE], samples[-1]
    growth_ratio = last.resident_mb / warm.resident_mb - 1
    print(f"soak: memory {growth_ratio:+.1%} ({last.resident_mb:.0f} MB, {warm.resident_mb:.0f} MB warm)")
    return not faults and growth_ratio <= GROWTH_ALLOWED_RATIO and last.open_files_count <= warm.open_files_count + 5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS)
    sys.exit(0 if soak(parser.parse_args().seconds) else 1)
