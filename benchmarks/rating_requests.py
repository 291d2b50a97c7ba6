"""`python -m benchmarks.rating_requests`: one rating by API, with explanation and stored record, at a steady pace.

One worker process serves a bank on SQLite, as in production of one machine. Requests begin at their own times whether
or not those before them were answered, and each is timed from the time it was due: a server that falls behind cannot
hide it. Load and server share the machine's processors.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from benchmarks.harness import load_stated
from benchmarks.http_ratios import free_port, running
from carbonfin.kernel.batch import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUND_P99_MS = 25.0
PER_SECOND = 50
_SECRET = "a secret of the benchmark, thirty-two characters"  # noqa: S105 - of a world that is thrown away
_SERVE = [sys.executable, "-m", "carbonfin.app.cli", "serve", "--workers", "1"]


@contextmanager
def _served(folder: Path) -> "Iterator[tuple[str, str]]":
    """Serve a bank with one enterprise that can be rated; give the address and a key."""
    from carbonfin.kernel.actors import Role  # noqa: PLC0415 - heavy
    from carbonfin.storage import schema  # noqa: PLC0415 - heavy
    from carbonfin.storage.engine import Sessions, open_engine  # noqa: PLC0415 - heavy
    from carbonfin.storage.parties import issue_key  # noqa: PLC0415 - heavy
    from tests.loans.scorecard_worlds import fill_scorecard  # noqa: PLC0415 - heavy
    from tests.loans.world import furnished_bank  # noqa: PLC0415 - heavy

    database = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(database)
    schema.upgrade(engine)
    with Sessions(engine).begin() as session:
        bank = furnished_bank(session)
        fill_scorecard(session, bank)
        key = issue_key(
            session, organization_id=bank.officer.organization_id, name="benchmark", role=Role.SYSTEM, scopes=("*",),
            expires_at=datetime.now(UTC) + timedelta(days=1), pepper=_SECRET.encode(),  # noqa: TID251 - outside the product
        )  # fmt: skip
    engine.dispose()
    port = free_port()
    environment = {
        "CARBONFIN_DATABASE_URL": database, "CARBONFIN_SECRET": _SECRET, "CARBONFIN_RATE_LIMIT": "off",
        "CARBONFIN_VAR": str(folder / "var"),
    }  # fmt: skip
    with running([*_SERVE, "--port", str(port)], environment, f"http://127.0.0.1:{port}/healthz"):
        yield f"http://127.0.0.1:{port}", key.text


async def _asked(address: str, key: str, *, seconds: int, warm_count: int = 50) -> list[float]:
    """Ask at a steady pace and give the time of each answer from when its request was due, in ms."""
    body = {"usci": "91440300EXAMPLE466", "method": "scorecard", "year": 2024}
    headers = {"Authorization": f"Bearer {key}"}
    run = f"{os.getpid()}-{time.time_ns()}"

    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:

        async def ask(name: str) -> None:
            answer = await client.post("/v1/ratings", json=body, headers={"Idempotency-Key": f"{run}-{name}"})
            if answer.status_code != 201:
                sys.exit(f"{answer.status_code}: {answer.text[:300]}")

        for number in range(warm_count):
            await ask(f"warm-{number}")
        began = time.perf_counter() + 0.1

        async def timed(number: int) -> float:
            due = began + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await ask(str(number))
            return (time.perf_counter() - due) * 1000

        return list(await asyncio.gather(*(timed(number) for number in range(PER_SECOND * seconds))))


def measure(*, seconds: int) -> bool:
    """Print the percentiles of one run, and tell whether the bound holds."""
    with tempfile.TemporaryDirectory() as name, load_stated() as stated, _served(Path(name)) as (address, key):
        with uncollected():  # searches of the asking process are no part of an answer
            found = asyncio.run(_asked(address, key, seconds=seconds))
        load = stated().line()
    half, most, worst = np.percentile(found, [50, 99, 100])
    held = bool(most <= BOUND_P99_MS)
    print(f"# single rating over HTTP: {PER_SECOND}/s for {seconds} s on one worker; {load}")
    print(f"p50 {half:.1f} ms, p99 {most:.1f} ms, worst {worst:.1f} ms")
    print(f"p99 of a rating with explanation and record: bound {BOUND_P99_MS:g} ms: {'held' if held else 'MISSED'}")
    return held


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    sys.exit(0 if measure(seconds=parser.parse_args().seconds) else 1)
