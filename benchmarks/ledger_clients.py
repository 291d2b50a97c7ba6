"""The service of the ledger's harness: 16 clients at once on a few hot positions, until it is done or killed.

`python -m benchmarks.ledger_clients URL ORGANIZATION SEED OPERATIONS [--naive]` prints how many operations it took.
As the product does, each operation holds the row of the pledge it moves. Replies of the registry wait in one list, are
taken from it in any order, and one in five is delivered twice; what a killed service leaves unanswered is found in the
database again. `--lives` of a hundred operations are steps of whole pledges (`benchmarks.ledger_lives`).
"""

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from benchmarks.ledger_lives import Clock, Lives, OtherSide, find_desk, weighed_alone
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict
from carbonfin.storage.engine import Sessions, execute_prepared, open_engine
from carbonfin.storage.idempotency import StoredReply, once
from carbonfin.storage.parties import Standing
from carbonfin.storage.rows import new_id, table_of
from collateral.calc.agreements import UnitQuantity
from collateral.models import PledgeRow
from collateral.service import ledger as service
from collateral.store import ledger as store

CLIENTS = 16
UNITS = (Unit(Scheme.SZA, 2023), Unit(Scheme.SZA, 2024))
SUBSTITUTION = "substitution"
_HOLD = sa.text("SELECT id FROM pledge WHERE id = :id FOR UPDATE")
_SAID_EVERY = 50
_AT_ONCE_T = 400
Reply = tuple[str, str | None, str]
"""A pledge, the change of it, and what the registry says happened."""


def acting(organization_id: str) -> Actor:
    """Give the bank's system."""
    return Actor(
        id="harness", name="harness", role=Role.SYSTEM, organization_id=organization_id,
        organization_kind=OrganizationKind.BANK, is_sample=True,
    )  # fmt: skip


def standing_of(organization_id: str) -> Standing:
    """Give the bank's one day."""
    return Standing(
        organization_id=organization_id, name="harness", kind=OrganizationKind.BANK, business_date=date(2025, 6, 30),
        known_at=datetime(2025, 6, 30, tzinfo=UTC), is_sample=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledged:
    """A pledge the clients move."""

    id: str
    code: str
    party_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What the clients share: the database, the replies that wait, and what has been done."""

    sessions: Sessions
    actor: Actor
    standing: Standing
    pledges: tuple[Pledged, ...]
    is_naive: bool
    replies: list[Reply]
    counted: Counter[str]
    lock: threading.Lock
    lives: Lives
    lives_weight: int

    def work(self, dice: random.Random, count: int) -> None:
        """Take operations one after another; one that is refused counts as well."""
        lives = replace(self.lives, registry=OtherSide(self.sessions, dice))
        for _ in range(count):
            is_life = dice.random() * 100 < self.lives_weight
            name = f"life: {lives.step(dice)}" if is_life else self._taken(dice)
            with self.lock:
                if "!" in name:
                    print(name.partition("life: ")[2], flush=True)
                self.counted[name] += 1
                taken = self.counted.total()
                if taken % _SAID_EVERY == 0:
                    print(taken, flush=True)

    def _taken(self, dice: random.Random) -> str:
        name, operation = self._chosen(dice)
        try:
            with self.sessions.begin() as session:
                operation(session, dice)
        except CarbonFinError:
            return f"{name} refused"
        except IntegrityError:
            if not self.is_naive:
                raise
            return f"{name} refused by a CHECK alone"
        return name

    def _chosen(self, dice: random.Random) -> tuple[str, Callable[[Session, random.Random], None]]:
        chosen = dice.choices(
            ("reserve", "reply", "release", "part", "substitute", "deduct", "order", "issue"),
            (30, 40, 8, 6, 6, 3, 4, 3),
        )[0]
        return chosen, getattr(self, f"_{chosen}")

    def _reserve(self, session: Session, dice: random.Random) -> None:
        """Reserve for a pledge, as its first freeze or as a top-up; one in ten under a key that is then used again."""
        pledge, change_id = self._pledge(session, dice), dice.choice((None, new_id()))
        units = UnitQuantity(unit=dice.choice(UNITS), quantity_t=dice.randint(1, _AT_ONCE_T))

        def work(session: Session) -> StoredReply:
            self._hold(session, pledge, units, change_id)
            return StoredReply(status_code=201, reply=change_id or "")

        if dice.random() < 0.1:
            key = new_id()
            first = once(session, self.actor, key=key, input_digest="one", work=work)
            again = once(session, self.actor, key=key, input_digest="one", work=work)
            assert again.repeated, "a key did its work twice"
            assert again.stored == first.stored, "a key gave another reply"
            try:
                once(session, self.actor, key=key, input_digest="two", work=work)
            except Conflict:
                pass
            else:
                raise AssertionError("a key took another request")
        else:
            work(session)
        self.replies.append((pledge.id, change_id, dice.choices(("confirm", "void"), (4, 1))[0]))

    def _pledge(self, session: Session, dice: random.Random) -> Pledged:
        """Choose a pledge and hold its row, behind which its entries are numbered."""
        pledge = dice.choice(self.pledges)
        execute_prepared(session, _HOLD, {"id": pledge.id})
        return pledge

    def _hold(self, session: Session, pledge: Pledged, units: UnitQuantity, change_id: str | None) -> None:
        if not self.is_naive:
            service.reserve(
                session, self.actor, agreement_code=pledge.code, pledge_id=pledge.id, party_id=pledge.party_id,
                units=(units,), standing=self.standing, cause="harness", change_id=change_id,
            )  # fmt: skip
            return
        self._check_then_write(session, pledge, units, change_id)

    def _check_then_write(self, session: Session, pledge: Pledged, units: UnitQuantity, change_id: str | None) -> None:
        """Read what is free, and write the sum if it seems to fit: what the guard is there to prevent."""
        (seen,) = [
            one for one in store.positions_of(session, self.actor, party_id=pledge.party_id) if one.unit == units.unit
        ]
        if seen.free_t < units.quantity_t:
            raise Conflict("too little is free", zh="可用不足", field="units")
        session.execute(
            sa.text("UPDATE unit_position SET pending_t = :pending WHERE account_id = :account AND unit = :unit"),
            {"pending": seen.pending_t + units.quantity_t, "account": seen.account_id, "unit": str(units.unit)},
        )
        store.add_encumbrance(
            session, self.actor, account_id=seen.account_id, agreement_code=pledge.code, pledge_id=pledge.id,
            unit=units.unit, quantity_t=units.quantity_t, reserved_at=self.standing.known_at, change_id=change_id,
        )  # fmt: skip

    def _reply(self, session: Session, dice: random.Random) -> None:
        """Take a reply of the registry: any of those that wait, now and then one that was taken before."""
        with self.lock:
            waiting = len(self.replies)
            place = dice.randrange(waiting) if waiting else -1
            is_kept = dice.random() < 0.2
            reply = None if place < 0 else self.replies[place] if is_kept else self.replies.pop(place)
        self._take(session, reply or self._unanswered(session, dice))

    def _unanswered(self, session: Session, dice: random.Random) -> Reply:
        pledge = self._pledge(session, dice)
        held = [
            one
            for one in store.encumbrances_of(session, self.actor, pledge_id=pledge.id, live_only=True)
            if one.state != "LOCKED"
        ]
        if not held:
            raise Conflict("nothing is unanswered", zh="没有未答复的请求", field="pledge_id")
        one = dice.choice(held)
        return pledge.id, one.change_id, "confirm" if one.state == "PENDING" else "release"

    def _take(self, session: Session, reply: Reply) -> None:
        pledge_id, change_id, said = reply
        execute_prepared(session, _HOLD, {"id": pledge_id})
        {"confirm": service.confirm, "void": service.void, "release": service.release}[said](
            session, self.actor, pledge_id=pledge_id, standing=self.standing, cause="harness", change_id=change_id
        )
        if said == "confirm" and change_id is not None and change_id.startswith(SUBSTITUTION):
            _, unit, _ = change_id.split("/")
            self._let_go(session, pledge_id, change_id, Unit.parse(unit))

    def _let_go(self, session: Session, pledge_id: str, change_id: str, unit: Unit) -> None:
        """Let the old units go, now that the new ones are locked."""
        held = store.encumbrances_of(session, self.actor, pledge_id=pledge_id, live_only=True)
        locked_t = sum(one.quantity_t for one in held if one.state == "LOCKED" and one.unit == unit)
        if locked_t:
            units = (UnitQuantity(unit=unit, quantity_t=locked_t),)
            service.ask_part_release(session, self.actor, pledge_id=pledge_id, change_id=change_id, units=units)
            self.replies.append((pledge_id, change_id, "release"))

    def _release(self, session: Session, dice: random.Random) -> None:
        pledge = self._pledge(session, dice)
        service.ask_release(session, self.actor, pledge_id=pledge.id)
        self.replies.append((pledge.id, None, "release"))

    def _part(self, session: Session, dice: random.Random) -> None:
        pledge, change_id = self._pledge(session, dice), new_id()
        units = (UnitQuantity(unit=dice.choice(UNITS), quantity_t=dice.randint(1, _AT_ONCE_T // 2)),)
        service.ask_part_release(session, self.actor, pledge_id=pledge.id, change_id=change_id, units=units)
        self.replies.append((pledge.id, change_id, "release"))

    def _substitute(self, session: Session, dice: random.Random) -> None:
        pledge = self._pledge(session, dice)
        old, new = dice.sample(UNITS, 2)
        change_id = f"{SUBSTITUTION}/{old}/{new_id()}"
        units = UnitQuantity(unit=new, quantity_t=dice.randint(1, _AT_ONCE_T))
        self._hold(session, pledge, units, change_id)
        self.replies.append((pledge.id, change_id, "confirm"))

    def _deduct(self, session: Session, dice: random.Random) -> None:
        units = (UnitQuantity(unit=dice.choice(UNITS), quantity_t=dice.randint(1, _AT_ONCE_T // 4)),)
        service.take(
            session, self.actor, pledge_id=self._pledge(session, dice).id, units=units, kind="authority_deduction",
            standing=self.standing, cause="harness",
        )  # fmt: skip

    def _order(self, session: Session, dice: random.Random) -> None:
        service.move_by_order(
            session, self.actor, party_id=dice.choice(self.pledges).party_id, unit=dice.choice(UNITS),
            quantity_t=dice.randint(1, 20), order=dice.choice(("freeze", "deduction")), standing=self.standing,
            cause="harness",
        )  # fmt: skip

    def _issue(self, session: Session, dice: random.Random) -> None:
        party_id, unit = dice.choice(self.pledges).party_id, dice.choice(UNITS)
        (seen,) = [one for one in service.holdings_of(session, self.actor, party_id) if one.unit == unit]
        service.record_holding(
            session, self.actor, party_id, unit, quantity_t=seen.total_t + dice.randint(1, _AT_ONCE_T),
            standing=self.standing, cause="harness",
        )  # fmt: skip


def main() -> None:
    """Work until the operations are taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in (("url", str), ("organization", str), ("seed", int), ("operations", int)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--naive", action="store_true")
    parser.add_argument("--lives", type=int, default=0)
    parser.add_argument("--began", type=float, default=0.0)
    given = parser.parse_args()
    sessions = Sessions(open_engine(given.url))
    table = table_of(PledgeRow)
    with sessions.read() as session:
        rows = session.execute(
            sa.select(table.c.id, table.c.code, table.c.pledgor_id)
            .where(table.c.organization_id == given.organization)
            .order_by(table.c.code)
        ).all()
        desk = find_desk(session)
    clients = Clients(
        sessions=sessions, actor=acting(given.organization), standing=standing_of(given.organization),
        pledges=tuple(Pledged(id=row.id, code=row.code, party_id=row.pledgor_id) for row in rows),
        is_naive=given.naive, replies=[], counted=Counter(), lock=threading.Lock(), lives_weight=given.lives,
        lives=Lives(
            sessions=sessions, desk=desk, clock=Clock(given.began), registry=OtherSide(sessions, random.Random(0)),  # noqa: S311 - each client has its own
        ),
    )  # fmt: skip
    each, started = -(-given.operations // CLIENTS), time.monotonic()
    with weighed_alone() if given.naive else nullcontext(), ThreadPoolExecutor(CLIENTS) as pool:
        done = [
            pool.submit(clients.work, random.Random(given.seed * CLIENTS + client), each)  # noqa: S311 - repeatable dice
            for client in range(CLIENTS)
        ]
        for one in done:
            one.result()
    print(clients.counted.total(), flush=True)
    print(f"# {time.monotonic() - started:.1f} s {dict(sorted(clients.counted.items()))}", flush=True)


if __name__ == "__main__":
    main()
