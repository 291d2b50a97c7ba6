"""`python -m benchmarks.ledger_harness`: random operations of 16 clients on 20 hot positions, killed in the middle.

The service is a process of its own on PostgreSQL, ended by `kill -9` again and again while it works; a watcher looks at
the promises in one snapshot after another meanwhile, and at the end. The naive way (read what is free, then write) runs
in the same harness and must be caught: a harness that cannot fail proves nothing.

What is looked at, by the invariants of the state machines' file: I1 bound within the holding, and equal to the live
holds; I2 balanced entries, positions equal to the journal; I3 new locked before old goes; I4 a hold resolved once; I8
the journal replayed gives the positions to the byte; I12 a key does its work once; I13
every entry with who, when and why, in tables that refuse change; I14 holds keep agreement and account through splits.
I5 to I7 and I9 to I11 are promises of pledges and waterfalls, which this harness does not move; their tests stand in
tests/collateral.
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
from benchmarks.ledger_clients import SUBSTITUTION, UNITS, acting, standing_of
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import PartyDraft, save_party
from carbonfin.storage.rows import new_id, table_of
from collateral.models import PledgeRow
from collateral.service import ledger as service
from tests.postgres import Postgres

FULL_COUNT = 100_000
KILLS = 4
_PARTIES = 10
_PLEDGES = 60
_HELD_T = 3_000
_LIVE = "('PENDING', 'LOCKED', 'RELEASE_PENDING')"
# ruff: noqa: S608 - the queries are put together of constants
_BREACHES = {
    "I1 bound beyond the holding": """
        SELECT count(*) FROM unit_position WHERE pending_t < 0 OR locked_t < 0 OR pending_t + locked_t > total_t""",
    "I1 position is not its live holds": f"""
        SELECT count(*) FROM unit_position p
        LEFT JOIN (SELECT account_id, unit, sum(quantity_t) FILTER (WHERE state = 'PENDING') AS pending_t,
                          sum(quantity_t) FILTER (WHERE state <> 'PENDING') AS locked_t
                   FROM encumbrance WHERE state IN {_LIVE} GROUP BY 1, 2) h USING (account_id, unit)
        LEFT JOIN (SELECT j.account_id, j.unit, sum(j.quantity_t) AS ordered_t FROM journal_posting j
                   JOIN journal_entry e ON e.id = j.entry_id
                   WHERE j.bucket = 'locked' AND e.agreement_code IS NULL GROUP BY 1, 2) o USING (account_id, unit)
        WHERE p.pending_t <> coalesce(h.pending_t, 0)
           OR p.locked_t <> coalesce(h.locked_t, 0) + coalesce(o.ordered_t, 0)""",
    "I2 entry does not balance": """
        SELECT count(*) FROM (
          SELECT entry_id, unit FROM journal_posting GROUP BY 1, 2 HAVING sum(quantity_t) <> 0) x""",
    "I2 entry without postings": """
        SELECT count(*) FROM journal_entry e
        WHERE NOT EXISTS (SELECT 1 FROM journal_posting j WHERE j.entry_id = e.id)""",
    "I3 old let go before new was locked": f"""
        SELECT count(*) FROM encumbrance old WHERE old.change_id LIKE '{SUBSTITUTION}/%'
          AND old.unit = split_part(old.change_id, '/', 2) AND EXISTS (
            SELECT 1 FROM encumbrance new WHERE new.change_id = old.change_id AND new.state = 'PENDING')""",
    "I4 hold resolved twice": f"""
        SELECT count(*) FROM (
          SELECT e.agreement_code, sum(CASE j.bucket WHEN 'pending' THEN j.quantity_t END) AS left_t
          FROM journal_entry e JOIN journal_posting j ON j.entry_id = e.id
          WHERE e.agreement_code IS NOT NULL GROUP BY 1) journal
        LEFT JOIN (SELECT agreement_code, sum(quantity_t) FILTER (WHERE state = 'PENDING') AS left_t
                   FROM encumbrance WHERE state IN {_LIVE} GROUP BY 1) holds USING (agreement_code)
        WHERE coalesce(journal.left_t, 0) <> coalesce(holds.left_t, 0)""",
    "I13 entry without who, when or why": """
        SELECT count(*) FROM journal_entry
        WHERE actor_id = '' OR actor_name = '' OR cause = '' OR entered_at IS NULL""",
    "I13 two entries of one place": """
        SELECT count(*) FROM (SELECT agreement_code, place FROM journal_entry WHERE agreement_code IS NOT NULL
                              GROUP BY 1, 2 HAVING count(*) > 1) x""",
    "I14 hold away from its agreement": """
        SELECT count(*) FROM encumbrance h
        JOIN pledge p ON p.id = h.pledge_id JOIN registry_account a ON a.id = h.account_id
        WHERE h.agreement_code <> p.code OR a.party_id <> p.pledgor_id""",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Harnessed:
    """What a run came to."""

    operations: int
    kills: int
    snapshots: int
    breaches: Counter[str]
    seconds: float
    told: tuple[str, ...]


def run(url: str, *, operations: int, kills: int, seed: int, is_naive: bool = False) -> Harnessed:
    """Make a bank on an empty database and work on it until all operations are taken."""
    engine = open_engine(url)
    all_tables().create_all(engine)
    sessions = Sessions(engine)
    actor = make_world(sessions)
    started, taken, killed, told = time.monotonic(), 0, 0, []
    breaches: Counter[str] = Counter()
    seen, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            breaches.update(_breaches(sessions))
            seen[0] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        while taken < operations:
            until = (killed + 1) * operations // (kills + 1) if killed < kills else None
            done, lines = _serve(
                url, actor, seed + killed, operations - taken, is_naive=is_naive, until=until, before=taken
            )
            taken += done
            killed += until is not None and taken < operations
            told += lines
    finally:
        stop.set()
        watcher.join()
    breaches.update(_breaches(sessions))
    with sessions.read() as session:
        replay = service.ledger_faults(session, actor)
    breaches["I8 replayed journal gives other positions"] += len(replay)
    engine.dispose()
    return Harnessed(
        operations=taken, kills=killed, snapshots=seen[0] + 1, breaches=+breaches, seconds=time.monotonic() - started,
        told=tuple(told),
    )  # fmt: skip


def _serve(
    url: str, actor: Actor, seed: int, operations: int, *, is_naive: bool, until: int | None, before: int
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
    ]
    taken, told = 0, []
    with subprocess.Popen(  # noqa: S603 - our own program with arguments of our own
        command + (["--naive"] if is_naive else []), stdout=subprocess.PIPE, text=True
    ) as working:
        assert working.stdout is not None
        for line in working.stdout:
            if line.startswith("#"):
                told.append(line.strip())
                continue
            taken = int(line)
            if until is not None and before + taken >= until:
                working.send_signal(signal.SIGKILL)
                break
    assert working.returncode in {0, -signal.SIGKILL}, f"the service ended with {working.returncode}"
    return taken, told


def _breaches(sessions: Sessions) -> Counter[str]:
    """Count breaches in one snapshot."""
    found: Counter[str] = Counter()
    with sessions.read() as session:
        for name, query in _BREACHES.items():
            found[name] += session.execute(sa.text(query)).scalar_one()
    return found


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
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    server = Postgres(Postgres.make_directory())
    try:
        with server.database() as url:
            guarded = run(url, operations=given.operations, kills=given.kills, seed=given.seed)
            print(f"guarded: {guarded}", flush=True)
        with server.database() as url:
            naive = run(url, operations=given.naive_operations, kills=0, seed=given.seed, is_naive=True)
            print(f"naive: {naive}", flush=True)
    finally:
        server.close()
    return int(bool(guarded.breaches) or not naive.breaches)


if __name__ == "__main__":
    sys.exit(main())
