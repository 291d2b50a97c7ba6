"""Many threads after the same few units: the guarded move never over-encumbers, and the harness catches one that does."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions, open_engine
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.pledge_changes import ChangeKind, PledgeChange
from collateral.service import ledger as ledger_service
from collateral.store import ledger as ledger_store
from tests.collateral.changes import approve, approve_within, ask, called_desk, change
from tests.collateral.desk import Desk, build_desk, draft, take_over

THREADS = 10
ROUNDS = 12
UNITS = ("SZA-2023", "SZA-2024")
Attempt = Callable[[str, UnitQuantity, Callable[[], object]], bool]


def over_encumbered_t(sessions: Sessions, desk: Desk) -> dict[str, int]:
    """Tonnes bound beyond what is held, by unit: the sum of live encumbrances against the registry's total."""
    with sessions.read() as session:
        bound: dict[str, int] = {}
        for one in ledger_store.encumbrances_of(session, desk.maker, live_only=True):
            bound[str(one.unit)] = bound.get(str(one.unit), 0) + one.quantity_t
        held = {str(one.unit): one.total_t for one in service.holdings_of(session, desk.maker, desk.parties["E3"])}
    return {unit: quantity_t - held[unit] for unit, quantity_t in bound.items() if quantity_t > held[unit]}


def run_race(sessions: Sessions, desk: Desk, attempt_for: Callable[[str], Attempt]) -> int:
    """Let threads reserve at the same instants; gives how many attempts succeeded."""
    with sessions.begin() as session:
        pledge_ids = [
            service.apply_for_pledge(
                session,
                desk.maker,
                draft(desk, f"X{number}", "E3", {"SZA-2023": 1}, principal="1.00", end=date(2025, 12, 12)),
                standing=desk.standing,
            ).id
            for number in range(THREADS)
        ]
    start, window = threading.Barrier(THREADS), threading.Barrier(THREADS)

    def work(number: int) -> int:
        dice = random.Random(number)  # noqa: S311 - a repeatable race, no secret
        attempt, succeeded = attempt_for(pledge_ids[number]), 0
        for round_number in range(ROUNDS):
            start.wait(timeout=60)
            units = UnitQuantity(unit=Unit.parse(UNITS[round_number % 2]), quantity_t=dice.randint(2000, 9000))
            succeeded += attempt(f"X{number}", units, lambda: window.wait(timeout=60))
        return succeeded

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS)))


def guarded(sessions: Sessions, desk: Desk) -> Callable[[str], Attempt]:
    def attempt_for(pledge_id: str) -> Attempt:
        def attempt(code: str, units: UnitQuantity, pause: Callable[[], object]) -> bool:
            pause()
            try:
                with sessions.begin() as session:
                    ledger_service.reserve(
                        session,
                        desk.maker,
                        agreement_code=code,
                        pledge_id=pledge_id,
                        party_id=desk.parties["E3"],
                        units=(units,),
                        standing=desk.standing,
                        cause="race",
                    )
            except Conflict:
                return False
            return True

        return attempt

    return attempt_for


def check_then_insert(sessions: Sessions, desk: Desk) -> Callable[[str], Attempt]:
    """The naive way: read what is bound, then insert if it seems to fit."""

    def attempt_for(pledge_id: str) -> Attempt:
        def attempt(code: str, units: UnitQuantity, pause: Callable[[], object]) -> bool:
            with sessions.read() as session:
                (position,) = (
                    one
                    for one in service.holdings_of(session, desk.maker, desk.parties["E3"])
                    if one.unit == units.unit
                )
                bound_t = sum(
                    one.quantity_t
                    for one in ledger_store.encumbrances_of(session, desk.maker, live_only=True)
                    if one.unit == units.unit
                )
            pause()
            if position.total_t - bound_t < units.quantity_t:
                return False
            with sessions.begin() as session:
                ledger_store.add_encumbrance(
                    session,
                    desk.maker,
                    account_id=position.account_id,
                    agreement_code=code,
                    pledge_id=pledge_id,
                    unit=units.unit,
                    quantity_t=units.quantity_t,
                    reserved_at=desk.standing.known_at,
                    change_id=None,
                )
            return True

        return attempt

    return attempt_for


def test_the_guarded_move_never_over_encumbers(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    assert run_race(sessions, desk, guarded(sessions, desk)) > 0
    assert over_encumbered_t(sessions, desk) == {}
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        free = {str(one.unit): one.free_t for one in service.holdings_of(session, desk.maker, desk.parties["E3"])}
    assert all(0 <= quantity_t < 9000 for quantity_t in free.values()), "the race left room, so it did not bite"


def test_the_harness_catches_check_then_insert(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    run_race(sessions, desk, check_then_insert(sessions, desk))
    assert over_encumbered_t(sessions, desk) != {}


def _stated(sessions: Sessions, desk: Desk, unit: str, quantity_t: int) -> None:
    with sessions.begin() as session:
        service.record_holding(
            session, desk.maker, desk.parties["E3"], Unit.parse(unit), quantity_t=quantity_t, standing=desk.standing,
            cause="登记簿",
        )  # fmt: skip


def _held_t(sessions: Sessions, desk: Desk, unit: str) -> int:
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        return sum(
            one.total_t
            for one in service.holdings_of(session, desk.maker, desk.parties["E3"])
            if one.unit == Unit.parse(unit)
        )


def test_statements_of_a_holding_that_come_at_once_are_never_added_up(sessions: Sessions) -> None:
    """An account nobody opened yet, and a holding known already: the last statement stands, not a sum of them."""
    with sessions.begin() as session:
        desk = build_desk(session)
    start = threading.Barrier(THREADS)

    def state(number: int) -> None:
        start.wait(timeout=60)
        _stated(sessions, desk, "CCER", 1000 + number)

    for _ in range(3):
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(state, range(THREADS)))
        assert _held_t(sessions, desk, "CCER") in range(1000, 1000 + THREADS)


def test_a_statement_waits_for_the_one_before_it(emptied_postgres: Callable[[], str]) -> None:
    """The second is asked for before the first is committed, and moves the holding from where the first left it."""
    engine = open_engine(emptied_postgres())
    sessions = Sessions(engine)
    with sessions.begin() as session:
        desk = build_desk(session)
    with ThreadPoolExecutor(1) as pool, sessions.begin() as session:
        service.record_holding(
            session, desk.maker, desk.parties["E3"], Unit.parse("SZA-2023"), quantity_t=50_000, standing=desk.standing,
            cause="登记簿",
        )  # fmt: skip
        second = pool.submit(_stated, sessions, desk, "SZA-2023", 60_000)
        _wait_until_it_waits(engine, second)
        session.commit()
        second.result(timeout=60)
    assert _held_t(sessions, desk, "SZA-2023") == 60_000
    engine.dispose()


def _wait_until_it_waits(engine: sa.Engine, asked: Future[Any]) -> None:
    """Return once a transaction waits for another one's lock, or what was asked is done without waiting."""
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname IS NOT NULL")
    with engine.connect() as watching:
        while not watching.execute(waiting).scalar_one() and not asked.done():
            watching.rollback()
            time.sleep(0.02)


def test_substitutions_approved_at_once_are_weighed_one_after_the_other(emptied_postgres: Callable[[], str]) -> None:
    """E2 has 34,681 t of headroom, 14,681 with PX; a change binds 10,000 and frees 5,000: one leaves 9,681 t.

    The second finds the first's old units still bound: 14,681 - 10,000 - 10,000 + 5,000 are 319 t too few.
    """
    engine = open_engine(emptied_postgres())
    sessions = Sessions(engine)
    with sessions.begin() as session:
        desk = build_desk(session)
        p2 = called_desk(session, desk)["P2"]
        px_draft = draft(desk, "PX", "E2", {"SZA-2023": 20_000}, principal="1.00", end=date(2025, 12, 12))
        px = take_over(session, desk, px_draft, date(2025, 6, 27))
        service.record_exposure(
            session, desk.maker, "PX", principal_cny=Decimal("1.00"), accrued_cny=Decimal("0.00"),
            exposure_date=desk.standing.business_date,
        )  # fmt: skip
    asked = [_substitution(sessions, desk, p2, "SZA-2022"), _substitution(sessions, desk, px, "SZA-2023")]
    with ThreadPoolExecutor(1) as pool, sessions.begin() as session:
        approve_within(session, desk, asked[0])
        second = pool.submit(approve, sessions, desk, asked[1])
        _wait_until_it_waits(engine, second)
        session.commit()
        with pytest.raises(Conflict, match="SZA headroom after the change is -319 t"):
            second.result(timeout=60)
    with sessions.read() as session:
        (headroom,) = service.headroom_of(session, desk.maker, desk.parties["E2"], standing=desk.standing)
    assert headroom.headroom_t == 4681
    engine.dispose()


def _substitution(sessions: Sessions, desk: Desk, pledge_id: str, old: str) -> PledgeChange:
    draft = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 10_000}, freed={old: 5_000})
    return ask(sessions, desk, pledge_id, draft)
