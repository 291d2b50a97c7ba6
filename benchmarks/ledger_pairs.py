"""Reserve and confirm on PostgreSQL beside the bare guarded UPDATE: 16 clients on 20 hot positions, all durable.

A pair is two transactions: reserve with its hold, balanced entry and message to the registry, then confirm with its
entry and event. Each commit is flushed (`fsync` and `synchronous_commit` on). Beside it stand the bare guarded UPDATE
from the same clients, one durable transaction each, and the same by pgbench. Pairs over bare updates: 0.3 or more.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.bank import make_bank
from benchmarks.harness import Comparison, Contender
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions, execute_prepared, open_engine
from carbonfin.storage.outbox import enqueue
from carbonfin.storage.parties import PartyDraft, Standing, save_party
from carbonfin.storage.rows import new_id, table_of
from collateral.calc.agreements import UnitQuantity
from collateral.models import PledgeRow
from collateral.service import ledger as service
from collateral.store import ledger
from tests.postgres import Postgres, client_programs

CLIENTS = 16
HOT = 20
_UNIT = Unit(Scheme.SZA, 2024)
_PLENTY_T = 1_000_000_000
_FULL_COUNT = 1600
_DAY = date(2025, 6, 30)
_STANDING_AT = datetime(2025, 6, 30, tzinfo=UTC)
_GUARDED = """UPDATE unit_position SET pending_t = pending_t + 1
WHERE id = {} AND organization_id = {} AND total_t - pending_t - locked_t >= 1"""


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Start a server that flushes, make a bank with hot positions on it, and give what is compared there.

    Raises:
        PostgresMissing: There is no server to be had.
    """
    each = max(1, int(_FULL_COUNT * scale) // CLIENTS)
    count = each * CLIENTS
    server = Postgres(Postgres.make_directory(), flushes=True)
    try:
        with server.database() as url:
            engine = open_engine(url)
            all_tables().create_all(engine)
            hot = HotPositions.make(Sessions(engine))
            bare = Contender(name="bare guarded update", run=lambda: hot.bare(each), operation_count=count)
            pairs = Contender(name="pair of two transactions", run=lambda: hot.pairs(each), operation_count=count)
            pgbench = Contender(name="pgbench", run=lambda: hot.pgbench(url, each), operation_count=count)
            yield [
                Comparison(
                    name="reserve and confirm, bound 0.3", unit="operations", subject=pairs, comparator=bare
                ),
                Comparison(
                    name="the same update from here and by pgbench", unit="operations", subject=bare,
                    comparator=pgbench,
                ),
            ]  # fmt: skip
            hot.check()
            engine.dispose()
    finally:
        server.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class HotPositions:
    """A bank whose few positions every client wants at once; as many more are left to the bare update."""

    sessions: Sessions
    actor: Actor
    parties: tuple[str, ...]
    bare_ids: tuple[str, ...]

    @classmethod
    def make(cls, sessions: Sessions) -> "HotPositions":
        """Make the bank and its positions."""
        with sessions.begin() as session:
            actor = make_bank(session, "bench")
            parties = tuple(_party(session, actor, number) for number in range(HOT))
            for party_id in parties:
                service.record_holding(
                    session, actor, party_id, _UNIT, quantity_t=_PLENTY_T, standing=_standing(actor), cause="bench"
                )
            others = [_party(session, actor, HOT + number) for number in range(HOT)]
            for party_id in others:
                service.record_holding(
                    session, actor, party_id, _UNIT, quantity_t=_PLENTY_T, standing=_standing(actor), cause="bench"
                )
            session.flush()
            bare_ids = session.execute(
                sa.text(
                    "SELECT p.id FROM unit_position p JOIN registry_account a ON a.id = p.account_id "
                    "WHERE a.party_id = ANY(:others) ORDER BY p.id"
                ),
                {"others": others},
            ).scalars()
            return cls(sessions=sessions, actor=actor, parties=parties, bare_ids=tuple(bare_ids))

    def check(self) -> None:
        """See that the journal gives the positions of the pairs again, and that each tonne reserved was confirmed."""
        with self.sessions.read() as session:
            journal = ledger.journal_balances(session, self.actor)
            for party_id in self.parties:
                for one in ledger.positions_of(session, self.actor, party_id=party_id):
                    assert one.pending_t == 0, one
                    assert one.locked_t == journal.get((one.account_id, str(one.unit), "locked"), 0), one

    def pairs(self, each: int) -> None:
        """Have every client reserve and confirm, each pair for a pledge of its own."""
        pledges = [_pledge(self.actor, self.parties[number % HOT], number) for number in range(each * CLIENTS)]
        with self.sessions.begin() as session:
            session.execute(sa.insert(table_of(PledgeRow)), pledges)

        def work(client: int) -> None:
            for pledge in pledges[client::CLIENTS]:
                self._pair(pledge["id"], pledge["code"], pledge["pledgor_id"])

        _by_clients(work)

    def _pair(self, pledge_id: str, code: str, party_id: str) -> None:
        actor, subject = self.actor, f"pledge:{pledge_id}"
        with self.sessions.begin() as session:
            enqueue(session, actor, subject=subject, kind="registry.freeze", payload={"agreement_code": code})
            service.reserve(
                session, actor, agreement_code=code, pledge_id=pledge_id, party_id=party_id,
                units=(UnitQuantity(unit=_UNIT, quantity_t=1),), standing=_standing(actor), cause="bench",
            )  # fmt: skip
        with self.sessions.begin() as session:
            enqueue(session, actor, subject=f"event:{subject}", kind="event.pledge.frozen", payload={"code": code})
            service.confirm(session, actor, pledge_id=pledge_id, standing=_standing(actor), cause="bench")

    def bare(self, each: int) -> None:
        """Have every client take the bare guarded update, one durable transaction each."""
        statement = sa.text(_GUARDED.format(":id", ":organization"))

        def work(client: int) -> None:
            for number in range(each):
                values = {"id": self.bare_ids[(client + number) % HOT], "organization": self.actor.organization_id}
                with self.sessions.begin() as session:
                    assert execute_prepared(session, statement, values).rowcount == 1

        _by_clients(work)

    def pgbench(self, url: str, each: int) -> None:
        """Have pgbench take the same update with as many clients and transactions."""
        rows = ", ".join(f"({number}, '{one}')" for number, one in enumerate(self.bare_ids))
        chosen = f"(SELECT hot.id FROM (VALUES {rows}) AS hot (n, id) WHERE hot.n = :n)"  # noqa: S608 - our own ids
        script = f"\\set n random(0, {HOT - 1})\n"
        script += " ".join(_GUARDED.format(chosen, f"'{self.actor.organization_id}'").split()) + ";\n"
        address = sa.make_url(url)
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            done = subprocess.run(  # noqa: S603 - our own program with arguments of our own
                [client_programs() / "pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-t", str(each), "-f", file.name,
                 "-h", str(address.query["host"]), "-U", "carbonfin", str(address.database)],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr[-1000:]


def _by_clients(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))


def _standing(actor: Actor) -> Standing:
    return Standing(
        organization_id=actor.organization_id, name=actor.name, kind=actor.organization_kind, business_date=_DAY,
        known_at=_STANDING_AT, is_sample=True,
    )  # fmt: skip


def _party(session: Session, actor: Actor, number: int) -> str:
    base = f"0000EXAMPLEL{number:06d}"
    digits = int("".join(str(int(character, 36)) for character in f"{base}00"))
    return save_party(
        session,
        actor,
        PartyDraft(
            kind=PartyKind.COUNTERPARTY, name=f"出质人 {number}", usci=None, lei=f"{base}{98 - digits % 97:02d}",
            industry=None, district=None, scheme=None, key_emitter=None, is_sample=True,
        ),
    ).id  # fmt: skip


def _pledge(actor: Actor, pledgor_id: str, number: int) -> dict[str, Any]:
    return {
        "id": new_id(), "organization_id": actor.organization_id, "code": f"L{number}-{new_id()}",
        "pledgor_id": pledgor_id, "state": "CONTRACTED", "principal_cny": Decimal("1.00"), "end_date": _DAY,
        "extends_code": "", "applied_on": _DAY, "maker_id": actor.id, "maker_name": actor.name, "refusals": [],
        "is_sample": True,
    }  # fmt: skip
