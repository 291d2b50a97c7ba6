"""`python -m benchmarks.ledger_harness`: random operations of 16 clients on 20 hot positions, killed in the middle.

The service is a process of its own on PostgreSQL, ended by `kill -9` again and again while it works; a watcher looks at
the promises in one snapshot after another meanwhile, and at the end. The naive way (read what is free, then write) runs
in the same harness and must be caught: a harness that cannot fail proves nothing.

What is looked at: all fourteen invariants of the state machines' file, listed in `benchmarks.ledger_promises`. Of each
hundred operations some are steps of whole pledges, from application to what an enforcement shares out
(`benchmarks.ledger_lives`).
"""

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.bank import make_bank
from benchmarks.ledger_clients import UNITS, acting, standing_of
from benchmarks.ledger_lives import Clock, find_desk, make_lives
from benchmarks.ledger_promises import final_breaches, headroom_breaches, snapshot
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import PartyDraft, save_party
from carbonfin.storage.parties import standing_of as standing_at
from carbonfin.storage.rows import new_id, table_of
from collateral.models import PledgeRow
from collateral.service import ledger as service
from tests.collateral.desk import Desk
from tests.postgres import Postgres

FULL_COUNT = 100_000
KILLS = 4
_PARTIES = 10
_PLEDGES = 60
_HELD_T = 3_000
LIVES = 3
"""Of each hundred operations, how many are steps of whole pledges."""
_HEADROOM_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Harnessed:
    """What a run came to."""

    operations: int
    kills: int
    snapshots: int
    breaches: Counter[str]
    seconds: float
    told: tuple[str, ...]


def run(url: str, *, operations: int, kills: int, seed: int, is_naive: bool = False, lives: int = LIVES) -> Harnessed:
    """Make a bank on an empty database and work on it until all operations are taken."""
    engine = open_engine(url)
    try:
        all_tables().create_all(engine)
        return _worked(
            url, Sessions(engine), operations=operations, kills=kills, seed=seed, is_naive=is_naive, lives=lives
        )
    finally:
        engine.dispose()


def _worked(
    url: str, sessions: Sessions, *, operations: int, kills: int, seed: int, is_naive: bool, lives: int
) -> Harnessed:
    actor = make_world(sessions)
    with sessions.begin() as session:
        make_lives(session)
    with sessions.read() as session:
        desk = find_desk(session)
    began = time.monotonic()
    started, taken, killed, told = time.monotonic(), 0, 0, []
    breaches: Counter[str] = Counter()
    seen, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            breaches.update(snapshot(sessions))
            seen[0] += 1
            if seen[0] % _HEADROOM_EVERY == 0:
                breaches.update(_headrooms(sessions, desk, began))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        while taken < operations:
            until = (killed + 1) * operations // (kills + 1) if killed < kills else None
            done, lines = _serve(
                url, actor, seed + killed, operations - taken, is_naive=is_naive, until=until, before=taken,
                lives=("--lives", str(lives), "--began", str(began)),
            )  # fmt: skip
            taken += done
            killed += until is not None and taken < operations
            told += lines
            breaches.update(line[2:].partition(":")[0] for line in lines if line.startswith("!"))
    finally:
        stop.set()
        watcher.join()
    breaches.update(snapshot(sessions) + _headrooms(sessions, desk, began))
    with sessions.read() as session:
        breaches.update(final_breaches(session, (actor, desk.maker), desk))
    return Harnessed(
        operations=taken, kills=killed, snapshots=seen[0] + 1, breaches=+breaches, seconds=time.monotonic() - started,
        told=tuple(told),
    )  # fmt: skip


def _serve(
    url: str,
    actor: Actor,
    seed: int,
    operations: int,
    *,
    is_naive: bool,
    until: int | None,
    before: int,
    lives: tuple[str, ...],
) -> tuple[int, list[str]]:
    """Let the service work, to its end or until it has taken so many; then it is killed in the middle of its work."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.ledger_clients",
        url,
        actor.organization_id,
        str(seed),
        str(operations),
        *lives,
    ]
    taken, told = 0, []
    with subprocess.Popen(  # noqa: S603 - our own program with arguments of our own
        command + (["--naive"] if is_naive else []), stdout=subprocess.PIPE, text=True
    ) as working:
        assert working.stdout is not None
        for line in working.stdout:
            if line.startswith(("#", "!")):
                told.append(line.strip())
                continue
            taken = int(line)
            if until is not None and before + taken >= until:
                working.send_signal(signal.SIGKILL)
                break
    assert working.returncode in {0, -signal.SIGKILL}, f"the service ended with {working.returncode}"
    return taken, told


def _headrooms(sessions: Sessions, desk: Desk, began: float) -> Counter[str]:
    with sessions.read() as session:
        standing = standing_at(session, desk.maker.organization_id, Clock(began))
        return headroom_breaches(session, desk, standing)


def make_world(sessions: Sessions) -> Actor:
    """Make a bank whose pledgors hold a few units, with pledges to move."""
    with sessions.begin() as session:
        actor = acting(make_bank(session, "harness").organization_id)
        parties = [_party(session, actor, number) for number in range(_PARTIES)]
        for party_id in parties:
            for unit in UNITS:
                service.record_holding(
                    session, actor, party_id, unit, quantity_t=_HELD_T, standing=standing_of(actor.organization_id),
                    cause="harness",
                )  # fmt: skip
        session.execute(
            sa.insert(table_of(PledgeRow)),
            [
                {
                    "id": new_id(), "organization_id": actor.organization_id, "code": f"H{number:03d}",
                    "pledgor_id": parties[number % _PARTIES], "state": "CONTRACTED", "principal_cny": Decimal("1.00"),
                    "end_date": date(2025, 12, 12), "extends_code": "", "applied_on": date(2025, 6, 30),
                    "maker_id": actor.id, "maker_name": actor.name, "refusals": [], "is_sample": True,
                }
                for number in range(_PLEDGES)
            ],
        )  # fmt: skip
    return actor


def _party(session: Session, actor: Actor, number: int) -> str:
    base = f"0000EXAMPLEH{number:06d}"
    digits = int("".join(str(int(character, 36)) for character in f"{base}00"))
    return save_party(
        session,
        actor,
        PartyDraft(
            kind=PartyKind.COUNTERPARTY, name=f"出质人 {number}", usci=None, lei=f"{base}{98 - digits % 97:02d}",
            industry=None, district=None, scheme=None, key_emitter=None, is_sample=True,
        ),
    ).id  # fmt: skip


def main() -> int:
    """Run the guarded and the naive way, and say what each came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=FULL_COUNT)
    parser.add_argument("--naive-operations", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--lives", type=int, default=LIVES, help="steps of whole pledges in a hundred operations")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    server = Postgres(Postgres.make_directory())
    try:
        with server.database() as url:
            guarded = run(url, operations=given.operations, kills=given.kills, seed=given.seed, lives=given.lives)
            print(f"guarded: {guarded}", flush=True)
        with server.database() as url:
            naive = run(
                url, operations=given.naive_operations, kills=0, seed=given.seed, is_naive=True, lives=given.lives
            )
            print(f"naive: {naive}", flush=True)
    finally:
        server.close()
    return int(bool(guarded.breaches) or not naive.breaches)


if __name__ == "__main__":
    sys.exit(main())
