"""`python -m benchmarks.kill_end_of_day`: worker and web process killed at random moments of the end of the day.

A demonstration is made twice, alike to the byte, on SQLite and on PostgreSQL. One bank closes its days in peace. The
other is closed by a real worker process, asked for through a real web process that a client keeps writing to, while
one of the two, or both, are sent SIGKILL again and again. Afterwards every effect must be there exactly once: the rows
of both banks are compared, identifiers and instants left out; every message must have arrived at least once, and the
chain of decisions must verify.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlmodel import select

from carbonfin.app.jobs.days import DAYS_AT_ONCE_MAX, next_open_day
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.storage.decisions import verify_chain
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.job_requests import JobRequest, job_requests_of
from carbonfin.storage.messages import WebhookDraft, register_webhook
from carbonfin.storage.parties import actor_of, load_organization, organizations, people_of
from pricing.models import FxRateRow
from tests.postgres import Postgres

DEFAULT_KILLS = 50
_CHUNK_DAYS = 40
_SPREAD_S = 2.5
_START_S = 600.0
_PROGRAM = [sys.executable, "-m", "carbonfin.app.cli"]
EFFECTS: dict[str, str] = {
    "accrual": "TRUE",
    "agreement_exposure": "TRUE",
    "coverage": "TRUE",
    "headroom": "TRUE",
    "margin_call": "TRUE",
    "repo_exposure": "TRUE",
    "pledge_event": "TRUE",
    "pledge": "TRUE",
    "journal_entry": "TRUE",
    "job_run": "TRUE",
    "inbox_item": "kind NOT LIKE 'job.%'",
    "outbox_message": "kind LIKE 'event.%'",
    "decision": "kind NOT LIKE 'pricing.%'",
}
"""What the day's end leaves behind, without what the client wrote and what a request itself is told about."""

_MADE_UP = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Identifiers drawn by chance, which differ between two runs that did the same."""
_DECISION_COLUMNS = frozenset({"kind", "subject", "valid_on", "version", "actor_id"})


@dataclass(kw_only=True)
class Outcome:
    """What was done to the processes, and what was found afterwards."""

    engine: str
    kills: Counter[str] = field(default_factory=Counter)
    steps_hit: Counter[str] = field(default_factory=Counter)
    days: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    web_writes: int = 0
    web_retries: int = 0
    events: int = 0
    arrivals: int = 0
    chain_length: int = 0
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """Give the figures as text."""
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        yield f"# kill-end-of-day on {self.engine}: {self.kills.total()} kills ({struck}) in {self.seconds:.0f} s"
        yield f"days closed: {self.days}; moments hit: " + ", ".join(
            f"{step} {count}" for step, count in self.steps_hit.most_common()
        )
        yield f"effects: {self.effects.total()} rows, each exactly once: " + ", ".join(
            f"{table} {count}" for table, count in sorted(self.effects.items())
        )
        yield f"writes through the web process: {self.web_writes}, each once, after {self.web_retries} repetitions"
        yield f"messages: {self.events} events, {self.arrivals} arrivals, none missing"
        yield f"decision chain: {self.chain_length} decisions verified"
        yield from (f"FAULT {fault}" for fault in self.faults)


class Receiver(ThreadingHTTPServer):
    """The bank's own system: notes every delivery that arrives."""

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.arrived[json.loads(body)["delivery_id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Program:
    """One process of ours, started again each time it was killed."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at_byte = 0

    def start(self) -> None:
        """Start it, writing on in its log."""
        with self._log.open("ab") as log:
            self._began_at_byte = log.tell()
            # Only our own program is started, with arguments of our own.
            self._process = subprocess.Popen(  # noqa: S603 - see above
                [*_PROGRAM, *self._arguments], env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Send SIGKILL and wait for the corpse."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end, and give how it did."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=60)

    def has_said(self, words: str) -> bool:
        """Whether the process of now has written some words."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._arguments} ended by itself: {self.tail()}")
        with self._log.open("rb") as log:
            log.seek(self._began_at_byte)
            return words.encode() in log.read()

    def tail(self) -> str:
        """Give the end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]


class Client(threading.Thread):
    """The bank's core system: writes one valuation after another, each repeated under its key until it is answered."""

    def __init__(self, address: str, key: str) -> None:
        super().__init__(daemon=True)
        self.answered = self.repeated = 0
        self.refusals: Counter[int] = Counter()
        self._address, self._key = address, key
        self._over = threading.Event()

    def run(self) -> None:
        """Write until told that it is over."""
        portfolio_id = self.ask("GET", "/v1/portfolios").json()["portfolios"][0]["portfolio_id"]
        body = {"portfolio_id": portfolio_id, "valuation_date": "2025-06-30"}
        number = 0
        while not self._over.is_set():
            answer = self.ask("POST", "/v1/valuations", body=body, key=f"kill-{number}")
            if answer.status_code != 201:
                self.refusals[answer.status_code] += 1
            else:
                self.answered += 1
                number += 1
            self._over.wait(0.1)

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        """Ask until somebody answers."""
        headers = {"Authorization": f"Bearer {self._key}", **({"Idempotency-Key": key} if key else {})}
        while True:
            try:
                answer = httpx.request(method, self._address + path, json=body, headers=headers, timeout=30)
            except httpx.TransportError:
                self.repeated += 1
                time.sleep(0.2)
                continue
            if answer.status_code < 500 and answer.json().get("detail") != "the database was busy with other writers":
                return answer
            self.refusals[answer.status_code] += 1
            time.sleep(0.2)

    def finish(self) -> None:
        """End after the write that is under way."""
        self._over.set()
        self.join(60)


@dataclass(frozen=True, kw_only=True)
class Bank:
    """One of the two banks that begin alike."""

    sessions: Sessions
    actor: Actor
    environment: dict[str, str]
    folder: Path

    def latest(self) -> JobRequest | None:
        """Give the request that was made last."""
        with self.sessions.as_operator().read() as session:
            found = job_requests_of(session, self.actor.organization_id, limit=1)
        return found[0] if found else None

    def day_after(self, count: int) -> date:
        """Give the last of so many open days from the business date on."""
        with self.sessions.as_operator().read() as session:
            day = load_organization(session, self.actor.organization_id).business_date
            for _ in range(count - 1):
                day = next_open_day(session, day)
        return day


def kill_end_of_day(
    engine: str, *, kills: int, seed: int, spread_s: float = _SPREAD_S, chunk_days: int = _CHUNK_DAYS
) -> Outcome:
    """Kill the processes so often, then look at what they left; faults stand in the outcome."""
    outcome = Outcome(engine=engine)
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        struck, peaceful = stack.enter_context(_two_banks(engine, folder))
        receiver = Receiver()
        stack.callback(receiver.server_close)
        stack.callback(receiver.shutdown)
        _register(struck, receiver)
        port = _free_port()
        environment = {**struck.environment, "CARBONFIN_PORT": str(port)}
        worker = Program(["jobs", "work"], environment, folder / "worker.log")
        web = Program(["serve"], environment, folder / "web.log")
        key = (struck.folder / "demo-api-key").read_text(encoding="ascii").strip()
        client = Client(f"http://127.0.0.1:{port}", key)
        worker.start()
        web.start()
        asks = _strike(
            outcome, struck, client=client, worker=worker, web=web, chance=chance, kills=kills, spread_s=spread_s,
            days=chunk_days,
        )  # fmt: skip
        _until(lambda: not _is_open(struck), "the last request has ended")
        client.finish()
        _until(lambda: _undelivered(struck) == 0, "every message has arrived")
        for program in (worker, web):
            program.stop()
        _close_in_peace(peaceful, struck)
        _compare(outcome, struck, peaceful)
        _check_requests(outcome, struck, client, asks)
        _check_messages(outcome, struck, receiver)
    outcome.seconds = time.monotonic() - started
    return outcome


def _strike(
    outcome: Outcome,
    bank: Bank,
    *,
    client: Client,
    worker: Program,
    web: Program,
    chance: random.Random,
    kills: int,
    spread_s: float,
    days: int,
) -> int:
    """Send the kills, keeping a request open all the while; gives how many requests that took."""
    asks = 0
    client.start()
    while outcome.kills.total() < kills:
        _until(lambda: worker.has_said("jobs.worker.started"), "the worker works")
        if not _is_open(bank):
            body = {"job": "end-of-day", "last_date": bank.day_after(days).isoformat()}
            answer = client.ask("POST", "/v1/jobs", body=body, key=f"ask-{asks}")
            if answer.status_code != 202:
                raise RuntimeError(f"the request was refused: {answer.text}")
            asks += 1
        time.sleep(chance.uniform(0, spread_s))
        now = bank.latest()
        if now is None or not now.is_open:
            continue
        target = chance.choices(("worker", "web", "both"), (6, 2, 2))[0]
        if target != "web":
            worker.kill()
        if target != "worker":
            web.kill()
            web.start()
        if target != "web":
            worker.start()
        outcome.kills[target] += 1
        outcome.steps_hit[now.step or "before the first step"] += 1
    return asks


def _close_in_peace(bank: Bank, like: Bank) -> None:
    """Close the other bank's days to the same one, in spans as long as can be asked for."""
    with like.sessions.as_operator().read() as session:
        last = max(one.last_date for one in job_requests_of(session, like.actor.organization_id, limit=1000))
    while True:
        with bank.sessions.as_operator().read() as session:
            business_date = load_organization(session, bank.actor.organization_id).business_date
        if business_date > last:
            return
        end = min(last, bank.day_after(DAYS_AT_ONCE_MAX))
        for arguments in (["jobs", "ask", "--to", end.isoformat()], ["jobs", "work", "--until-idle"]):
            _run(["--json", *arguments], bank.environment)
        request = bank.latest()
        assert request is not None
        if request.failure is not None:
            raise RuntimeError(f"undisturbed, the day failed: {request.failure}")


def _compare(outcome: Outcome, struck: Bank, peaceful: Bank) -> None:
    for table in EFFECTS:
        found, expected = _rows(struck, table), _rows(peaceful, table)
        outcome.effects[table] = found.total()
        for kind, difference in (("more than once", found - expected), ("missing", expected - found)):
            if difference:
                row, count = difference.most_common(1)[0]
                outcome.faults.append(f"{table}: {difference.total()} {kind}, such as {count} of {row}")
    with struck.sessions.as_operator().read() as session:
        report = verify_chain(session, struck.actor.organization_id)
        organization = load_organization(session, struck.actor.organization_id)
    outcome.chain_length = report.length
    outcome.faults += [f"chain: {fault}" for fault in report.faults]
    with peaceful.sessions.as_operator().read() as session:
        other = load_organization(session, peaceful.actor.organization_id)
    if organization.business_date != other.business_date:
        outcome.faults.append(f"business date {organization.business_date}, undisturbed {other.business_date}")


def _rows(bank: Bank, table: str) -> Counter[str]:
    """Give a table's rows of the bank as texts, without what differs between two runs that did the same."""
    query = f"SELECT * FROM {table} WHERE organization_id = :bank AND {EFFECTS[table]}"  # noqa: S608 - names of ours
    with bank.sessions.as_operator().read() as session:
        rows = session.execute(sa.text(query), {"bank": bank.actor.organization_id}).mappings().all()
    return Counter(
        json.dumps(_plain(dict(row), table), sort_keys=True, default=str, ensure_ascii=False) for row in rows
    )


def _plain(value: Any, table: str = "") -> Any:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        value = json.loads(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return _MADE_UP.sub("ID", value)
    if not isinstance(value, dict):
        return value
    if table == "decision":
        return {name: one for name, one in value.items() if name in _DECISION_COLUMNS}
    return {
        name: _plain(one)
        for name, one in value.items()
        if name not in {"id", "key", "number", "attempts", "next_attempt_at", "address"}
        and not name.endswith(("_id", "_at", "_digest"))
    }


def _check_requests(outcome: Outcome, bank: Bank, client: Client, asks: int) -> None:
    with bank.sessions.as_operator().read() as session:
        requests = job_requests_of(session, bank.actor.organization_id, limit=1000)
        kept = session.execute(
            sa.text("SELECT count(*) FROM idempotency_key WHERE organization_id = :bank AND key LIKE 'kill-%'"),
            {"bank": bank.actor.organization_id},
        ).scalar_one()
        valuations = session.execute(
            sa.text("SELECT count(*) FROM decision WHERE organization_id = :bank AND kind LIKE 'pricing.%'"),
            {"bank": bank.actor.organization_id},
        ).scalar_one()
    outcome.days = len(set(_days(bank)))
    outcome.web_writes, outcome.web_retries = client.answered, client.repeated
    if len(requests) != asks:
        outcome.faults.append(f"{asks} days' ends were asked for, {len(requests)} requests are there")
    outcome.faults += [f"request {one.id} failed: {one.failure}" for one in requests if one.failure is not None]
    # The demonstration itself keeps one valuation; the last write may be kept without its answer having come.
    if not 0 <= kept - client.answered <= 1 or valuations - 1 != kept:
        outcome.faults.append(f"{client.answered} writes answered, {kept} kept, {valuations - 1} valuations")
    outcome.faults += [f"{count} answers {status}" for status, count in client.refusals.items() if status != 409]


def _days(bank: Bank) -> Iterator[str]:
    with bank.sessions.as_operator().read() as session:
        query = sa.text("SELECT business_date FROM job_run WHERE job = 'day.roll' AND organization_id = :bank")
        yield from (str(row[0]) for row in session.execute(query, {"bank": bank.actor.organization_id}))


def _check_messages(outcome: Outcome, bank: Bank, receiver: Receiver) -> None:
    with bank.sessions.as_operator().read() as session:
        query = sa.text("SELECT id FROM webhook_delivery WHERE organization_id = :bank")
        deliveries = set(session.execute(query, {"bank": bank.actor.organization_id}).scalars())
    outcome.events, outcome.arrivals = len(deliveries), receiver.arrived.total()
    missing = deliveries - set(receiver.arrived)
    if missing or not deliveries:
        outcome.faults.append(f"{len(missing)} of {len(deliveries)} messages have not arrived")


def _undelivered(bank: Bank) -> int:
    with bank.sessions.as_operator().read() as session:
        waiting = session.execute(
            sa.text(
                "SELECT (SELECT count(*) FROM outbox_message WHERE kind LIKE 'event.%' AND state = 'pending' "
                "AND organization_id = :bank) + (SELECT count(*) FROM webhook_delivery WHERE state = 'pending' "
                "AND organization_id = :bank)"
            ),
            {"bank": bank.actor.organization_id},
        )
        return int(waiting.scalar_one())


def _is_open(bank: Bank) -> bool:
    request = bank.latest()
    return request is not None and request.is_open


def _until(holds: Callable[[], bool], what: str) -> None:
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > _START_S:
            raise RuntimeError(f"waited {_START_S:.0f} s in vain until {what}")
        time.sleep(0.05)


@contextmanager
def _two_banks(engine: str, folder: Path) -> Iterator[tuple[Bank, Bank]]:
    """Make the demonstration, and copy its database."""
    all_tables()
    with ExitStack() as stack:
        if engine == "sqlite":
            urls = [f"sqlite:///{folder / name / 'carbonfin.db'}" for name in ("struck", "peaceful")]
        else:
            server = Postgres(Postgres.make_directory())
            stack.callback(server.close)
            urls = [server.database_url(name) for name in ("struck", "peaceful")]
            server.execute("CREATE DATABASE struck")
        folders = [folder / "struck", folder / "peaceful"]
        environments = [
            {
                **os.environ,
                "CARBONFIN_VAR": str(place),
                "CARBONFIN_DATABASE_URL": url,
                "CARBONFIN_WEBHOOK_NETWORKS": "127.0.0.0/8",
                "PYTHONUNBUFFERED": "1",
            }
            for place, url in zip(folders, urls, strict=True)
        ]
        for place in folders:
            place.mkdir()
        _run(["demo", "--out", str(folder / "out")], environments[0])
        _keep_rates_fresh(urls[0])
        if engine == "sqlite":
            _copy_sqlite(folders[0] / "carbonfin.db", folders[1] / "carbonfin.db")
        else:
            server.execute("CREATE DATABASE peaceful TEMPLATE struck")
        banks = []
        for place, url, environment in zip(folders, urls, environments, strict=True):
            opened = open_engine(url)
            stack.callback(opened.dispose)
            banks.append(_bank(Sessions(opened), environment, place))
        yield banks[0], banks[1]


def _bank(sessions: Sessions, environment: dict[str, str], folder: Path) -> Bank:
    with sessions.as_operator().read() as session:
        bank = next(one for one in organizations(session) if one.kind is OrganizationKind.BANK)
        person = next(one for one in people_of(session, bank.id) if one.login == "maker")
        actor = actor_of(session, person.id)
    return Bank(sessions=sessions, actor=actor, environment=environment, folder=folder)


def _keep_rates_fresh(url: str) -> None:
    """Write the last known exchange rate for each later day: the demonstration's end a week after its business date."""
    engine = open_engine(url)
    with Sessions(engine).as_operator().begin() as session:
        last = max(session.exec(select(FxRateRow)).all(), key=lambda row: row.quote_date)
        for ahead in range(1, 700):
            day = last.quote_date + timedelta(days=ahead)
            session.add(
                FxRateRow(
                    pair=last.pair, quote_date=day, rate=last.rate, known_from=day, document=last.document,
                    grade=last.grade, note="kept for the rehearsal",
                )
            )  # fmt: skip
    engine.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as whole, sqlite3.connect(target) as copy:
        whole.backup(copy)


def _register(bank: Bank, receiver: Receiver) -> None:
    with bank.sessions.within(bank.actor).begin() as session:
        draft = WebhookDraft(
            name="core", url=f"http://127.0.0.1:{receiver.server_address[1]}/events", kinds=("*",)
        )  # fmt: skip
        register_webhook(session, bank.actor, draft, at=datetime.now(UTC))  # noqa: TID251 - a program of its own


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    # Only our own program is started, with arguments of our own.
    done = subprocess.run([*_PROGRAM, *arguments], env=environment, check=False, capture_output=True)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main() -> int:
    """Kill on the engines named, both if none is; 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_end_of_day", description=__doc__)
    parser.add_argument("engines", nargs="*", choices=["sqlite", "postgresql", []], help="none for both")
    parser.add_argument("--kills", type=int, default=DEFAULT_KILLS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    is_sound = True
    for engine in given.engines or ("sqlite", "postgresql"):
        outcome = kill_end_of_day(engine, kills=given.kills, seed=given.seed)
        print("\n".join(outcome.lines()), flush=True)
        is_sound = is_sound and not outcome.faults
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
