"""Any steps in any order on the ledger at rest, beside the pure book: both take a step or both refuse it, alike.

The seed is printed; LEDGER_SEED runs it again, LEDGER_DATABASE_STEPS makes it longer (`make soak`).
"""

import os
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import hypothesis
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from benchmarks.ledger_clients import UNITS, standing_of
from benchmarks.ledger_harness import make_world
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import table_of
from collateral.calc import holds
from collateral.calc.agreements import UnitQuantity
from collateral.calc.holds import EMPTY, Book, Place
from collateral.calc.ledger import Bucket, Entry, Posting
from collateral.models import JournalPostingRow, PledgeRow
from collateral.service import ledger as service
from collateral.store import ledger as store

STEPS_IN_A_RUN = 50
OPERATIONS = ("reserve", "reserve", "confirm", "confirm", "void", "ask release", "release", "part", "enforce", "issue")
ONE_OF_A_HOLD: dict[str, Callable[[Book, str], tuple[Book, Entry]]] = {
    "confirm": holds.confirm, "void": holds.void, "release": holds.release, "enforce": holds.enforce,
}  # fmt: skip
AT_REST: dict[str, Callable[..., None]] = {
    "confirm": service.confirm, "void": service.void, "release": service.release,
}  # fmt: skip
_PLEDGES, _QUANTITIES = 6, 1_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A step that is asked of both."""

    name: str
    pledge_id: str
    agreement_code: str
    party_id: str
    place: Place
    quantity_t: int

    @property
    def units(self) -> tuple[UnitQuantity, ...]:
        return (UnitQuantity(unit=self.place[1], quantity_t=self.quantity_t),)


class Undone(Exception):
    """Ends a run's transaction without keeping anything."""


class LedgerAtRest(RuleBasedStateMachine):
    """One transaction of a database beside a book; `hold_of` gives the book's key of a pledge's one live hold."""

    sessions: ClassVar[Sessions]
    actor: ClassVar[Actor]
    pledges: ClassVar[list[tuple[str, str, str]]]
    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.opened = self.sessions.begin()
        self.session = self.opened.__enter__()
        self.standing = standing_of(self.actor.organization_id)
        self.book, self.keys, self.hold_of = EMPTY, 0, dict[str, str]()
        self.accounts = dict[str, str]()
        for one in store.positions_of(self.session, self.actor):
            self.accounts[one.party_id] = one.account_id
            self.book, _ = holds.receive(self.book, (one.account_id, one.unit), one.total_t)

    @rule(code=st.integers(0, len(OPERATIONS) * _PLEDGES * len(UNITS) * _QUANTITIES - 1))
    def step(self, code: int) -> None:
        """Take a step; one number says which."""
        rest, operation = divmod(code, len(OPERATIONS))
        rest, pledge = divmod(rest, _PLEDGES)
        quantity, unit = divmod(rest, len(UNITS))
        name, (pledge_id, agreement_code, party_id) = OPERATIONS[operation], self.pledges[pledge]
        if name == "reserve" and self.hold_of.get(pledge_id):
            name = "confirm"
        asked = Asked(
            name=name, pledge_id=pledge_id, agreement_code=agreement_code, party_id=party_id,
            place=(self.accounts[party_id], UNITS[unit]), quantity_t=quantity + 1,
        )  # fmt: skip
        expected = self._pure(asked)
        done = self._at_rest(asked)
        assert done == (expected is not None), (asked, expected)
        self.steps["taken" if done else "refused"] += 1
        if expected is not None:
            self.book = expected
            self._forget(pledge_id)
        for one in store.positions_of(self.session, self.actor, party_id=party_id):
            pure = self.book.position((one.account_id, one.unit))
            assert (one.total_t, one.pending_t, one.locked_t) == (pure.total_t, pure.pending_t, pure.locked_t)

    def _pure(self, asked: Asked) -> Book | None:
        try:
            return self._stepped(asked)
        except CarbonFinError:
            return None

    def _stepped(self, asked: Asked) -> Book:
        key = self.hold_of.get(asked.pledge_id, "none")
        if asked.name == "reserve":
            key = f"h{self.keys}"
            book, _ = holds.reserve(
                self.book, key, agreement_code=asked.agreement_code, place=asked.place, quantity_t=asked.quantity_t
            )
            self.keys += 1
            self.hold_of[asked.pledge_id] = key
            return book
        if asked.name == "issue":
            return holds.receive(self.book, asked.place, asked.quantity_t)[0]
        if asked.name == "ask release":
            return holds.ask_release(self.book, key)
        if asked.name == "part":
            hold = self.book.hold(key)
            if hold.place != asked.place:
                raise Conflict("the pledge has none of the unit", zh="质押无此品种", field="units")
            if hold.quantity_t == asked.quantity_t:
                return holds.release(holds.ask_release(self.book, key), key)[0]
            return holds.release_part(self.book, key, asked.quantity_t)[0]
        return ONE_OF_A_HOLD[asked.name](self.book, key)[0]

    def _at_rest(self, asked: Asked) -> bool:
        try:
            with self.session.begin_nested():
                self._take(asked)
        except CarbonFinError:
            return False
        return True

    def _take(self, asked: Asked) -> None:
        pledge: Any = {"pledge_id": asked.pledge_id}
        said: Any = {"standing": self.standing, "cause": "steps"}
        session, actor, change_id = self.session, self.actor, f"c{self.keys}"
        if asked.name == "reserve":
            service.reserve(
                session, actor, agreement_code=asked.agreement_code, party_id=asked.party_id, units=asked.units,
                **pledge, **said,
            )  # fmt: skip
        elif asked.name == "issue":
            total_t = self.book.position(asked.place).total_t + asked.quantity_t
            service.record_holding(session, actor, asked.party_id, asked.place[1], quantity_t=total_t, **said)
        elif asked.name == "ask release":
            service.ask_release(session, actor, **pledge)
        elif asked.name == "part":
            service.ask_part_release(session, actor, change_id=change_id, units=asked.units, **pledge)
            service.release(session, actor, change_id=change_id, **pledge, **said)
        elif asked.name == "enforce":
            held = store.encumbrances_of(session, actor, live_only=True, **pledge)
            whole = tuple(UnitQuantity(unit=one.unit, quantity_t=one.quantity_t) for one in held) or asked.units
            service.take(session, actor, units=whole, kind="sale", **pledge, **said)
        else:
            AT_REST[asked.name](session, actor, **pledge, **said)

    def _forget(self, pledge_id: str) -> None:
        key = self.hold_of.get(pledge_id)
        if key is not None and self.book.hold(key).state not in holds.BOUND:
            del self.hold_of[pledge_id]

    def teardown(self) -> None:
        try:
            assert service.ledger_faults(self.session, self.actor) == ()
            table = table_of(JournalPostingRow)
            entries: dict[str, list[Posting]] = {}
            for row in self.session.execute(sa.select(table)).mappings():
                entries.setdefault(row["entry_id"], []).append(
                    Posting(
                        account_id=row["account_id"], unit=Unit.parse(row["unit"]), bucket=Bucket(row["bucket"]),
                        quantity_t=row["quantity_t"],
                    )
                )  # fmt: skip
            replayed = holds.replayed(Entry(postings=tuple(one)) for one in entries.values())
            held = {place: one for place, one in self.book.positions.items() if one.total_t}
            assert repr(sorted(replayed.items(), key=str)) == repr(sorted(held.items(), key=str))
        finally:
            self.opened.__exit__(Undone, Undone(), None)


def test_the_ledger_at_rest_takes_the_steps_of_the_book(sessions: Sessions) -> None:
    seed = int(os.environ.get("LEDGER_SEED", secrets.randbelow(2**32)))
    wanted = int(os.environ.get("LEDGER_DATABASE_STEPS", "5000"))
    print(f"seed {seed}")  # noqa: T201 - a failing run is run again by it
    LedgerAtRest.sessions, LedgerAtRest.actor = sessions, make_world(sessions)
    table = table_of(PledgeRow)
    with sessions.read() as session:
        rows = session.execute(sa.select(table.c.id, table.c.code, table.c.pledgor_id).order_by(table.c.code))
        # Two pledgors, so that pledges want the same units.
        parties = [row.pledgor_id for row in rows][:2]
        rows = session.execute(
            sa.select(table.c.id, table.c.code, table.c.pledgor_id)
            .where(table.c.pledgor_id.in_(parties))
            .order_by(table.c.code)
            .limit(_PLEDGES)
        )
        LedgerAtRest.pledges = [(row.id, row.code, row.pledgor_id) for row in rows]
    LedgerAtRest.steps.clear()
    run_state_machine_as_test(
        hypothesis.seed(seed)(LedgerAtRest),
        settings=settings(
            max_examples=wanted // STEPS_IN_A_RUN * 11 // 10, stateful_step_count=STEPS_IN_A_RUN, deadline=None,
            database=None, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    print(f"{LedgerAtRest.steps}")  # noqa: T201 - how much was refused tells whether the run bites
    assert LedgerAtRest.steps.total() >= wanted
    assert LedgerAtRest.steps["taken"] > wanted // 10
