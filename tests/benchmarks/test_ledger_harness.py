"""The ledger's harness at a small size: no breach with the guard through a `kill -9`, breaches without it, none unseen."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.ledger_harness import make_world, run
from benchmarks.ledger_lives import Clock, Lives, OtherSide, find_desk, make_lives
from benchmarks.ledger_promises import final_breaches, headroom_breaches, snapshot
from carbonfin.app.tables import all_tables
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions, open_engine
from collateral import service
from collateral.models import EnforcementRow, EnforcementStepRow, PledgeEventRow
from collateral.service import CompliancePosition
from tests.collateral.desk import Desk, draft, take_over
from tests.collateral.world import TODAY
from tests.postgres import Postgres

UNITS = {"SZA-2023": 40000}


def test_the_guarded_way_keeps_every_promise_through_a_kill(postgres: Postgres) -> None:
    with postgres.database() as url:
        found = run(url, operations=480, kills=1, seed=20250630, lives=50)
    assert (found.kills, found.breaches) == (1, {}), found
    assert found.operations >= 480


def test_the_naive_way_is_caught(postgres: Postgres) -> None:
    with postgres.database() as url:
        found = run(url, operations=160, kills=0, seed=20250630, is_naive=True)
    assert found.breaches, found


@pytest.fixture
def bank(postgres: Postgres) -> Iterator[tuple[Sessions, Desk, str]]:
    """The harness's world with one drawn pledge of the sample bank, frozen on the other side too."""
    with postgres.database() as url:
        engine = open_engine(url)
        all_tables().create_all(engine)
        sessions = Sessions(engine)
        make_world(sessions)
        with sessions.begin() as session:
            make_lives(session)
        with sessions.begin() as session:
            desk = find_desk(session)
            given = draft(desk, "L1", "E3", UNITS, principal="855000.00", end=date(2025, 12, 12))
            pledge_id = take_over(session, desk, given, date(2025, 3, 14))
            session.execute(sa.text("INSERT INTO harness_frozen VALUES ('key', 'L1', 'SZA-2023', 40000)"))
        yield sessions, desk, pledge_id
        engine.dispose()


def _sql(statement: str) -> Callable[[Session, Desk, str], None]:
    return lambda session, _, pledge_id: session.execute(sa.text(statement), {"pledge": pledge_id}) and None


def _enforced(**details: Any) -> Callable[[Session, Desk, str], None]:
    """Write an enforcement that sold for 100.00 against a debt of 60.00, with something wrong in it."""

    def plant(session: Session, desk: Desk, pledge_id: str) -> None:
        sold = {"proceeds_cny": "100.00", "lots": [["SZA-2023", 4, "25.00"]]}
        shared = {"shares": [["principal", "60.00", "60.00"]], "surplus_cny": "40.00", "shortfall_cny": "0.00"}
        opened = EnforcementRow(
            organization_id=desk.maker.organization_id, pledge_id=pledge_id, number=1, state="ENDED", ground="t",
            principal_cny=Decimal("60.00"), accrued_cny=Decimal("0.00"), opened_on=TODAY, maker_name="m",
            checker_name="c",
        )  # fmt: skip
        session.add(opened)
        session.flush()
        for place, (kind, told) in enumerate((("sold", sold), ("distributed", shared))):
            session.add(
                EnforcementStepRow(
                    organization_id=desk.maker.organization_id, enforcement_id=opened.id, place=place, kind=kind,
                    business_date=TODAY, happened_at=desk.standing.known_at, actor_id="a", actor_name="a", cause="t",
                    evidence_digest="", details={**told, **{name: value for name, value in details.items() if name in told}},
                )
            )  # fmt: skip

    return plant


def _drawn_unfrozen(session: Session, desk: Desk, _: str) -> None:
    other = service.apply_for_pledge(
        session, desk.maker, draft(desk, "L2", "E3", {"SZA-2024": 10}, principal="1.00", end=date(2025, 7, 31)),
        standing=desk.standing,
    )  # fmt: skip
    session.add(
        PledgeEventRow(
            organization_id=desk.maker.organization_id, pledge_id=other.id, place=9, event="drawdown", state_before="FROZEN",
            state_after="DRAWN", business_date=TODAY, happened_at=desk.standing.known_at, actor_id="a", actor_name="a",
            cause="t",
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plant", "promise"),
    [
        (_sql("UPDATE pledge SET registration_number = NULL WHERE id = :pledge"), "I5 drawn without both"),
        (_sql("UPDATE pledge_unit SET quantity_t = 40001 WHERE pledge_id = :pledge"), "I5 drawn without both"),
        (_sql("UPDATE harness_frozen SET quantity_t = 39999 WHERE :pledge <> ''"), "I5 locked here and not frozen"),
        (_drawn_unfrozen, "I5 drawn before it was registered"),
        (_enforced(surplus_cny="39.99"), "I10 surplus"),
        (_enforced(surplus_cny="0.00", shortfall_cny="0.00"), "I10 surplus"),
        (_enforced(surplus_cny="40.01"), "I11 sources"),
        (_enforced(lots=[["SZA-2023", 4, "24.99"]]), "I11 proceeds"),
        (_sql("UPDATE encumbrance SET state = 'ENFORCED' WHERE pledge_id = :pledge"), "I10 units left to nobody"),
    ],
)  # fmt: skip
def test_each_promise_is_seen_when_it_is_broken(
    bank: tuple[Sessions, Desk, str], plant: Callable[[Session, Desk, str], None], promise: str
) -> None:
    sessions, desk, pledge_id = bank
    assert +snapshot(sessions) == {}
    with sessions.begin() as session:
        plant(session, desk, pledge_id)
    assert [name for name in +snapshot(sessions) if name.startswith(promise)], +snapshot(sessions)


def test_a_lack_of_headroom_and_a_late_end_are_seen(bank: tuple[Sessions, Desk, str]) -> None:
    """E3 holds 75,000 t of which 40,000 t are bound until 12 December; 36,000 t of emissions cannot be surrendered."""
    sessions, desk, _ = bank
    with sessions.begin() as session:
        given = draft(desk, "L3", "E1", {"CEA-2023": 1000}, principal="100.00", end=date(2025, 10, 31))
        pledge = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
        service.appraise_pledge(session, desk.maker, pledge.id, standing=desk.standing)
        service.complete_diligence(session, desk.maker, pledge.id, standing=desk.standing, finding="t")
        service.approve_pledge(
            session, desk.checker, pledge.id, standing=desk.standing, reason="t",
            accepted_unconfirmed=service.unconfirmed_of(session, desk.checker, pledge),
        )  # fmt: skip
        assert +headroom_breaches(session, desk, desk.standing) == {}
        assert +final_breaches(session, (desk.maker,), desk) == {}
        session.execute(sa.text("UPDATE pledge SET end_date = '2026-03-31' WHERE id = :id"), {"id": pledge.id})
        service.record_compliance_position(
            session, desk.maker,
            CompliancePosition(
                party_id=desk.parties["E3"], scheme=Scheme.SZA, compliance_year=2024, emissions_t=36000,
                emissions_source="t", allocation_t=None, issued_t=None, true_up_expected_t=0, true_up_source="t",
                unconfirmed="", known_from=TODAY,
            ),
            standing=desk.standing,
        )  # fmt: skip
        assert +headroom_breaches(session, desk, desk.standing) == {"I6 a pledgor lacks units to surrender": 1}
        assert +final_breaches(session, (desk.maker,), desk) == {"I7 approved beyond the last safe date": 1}


def test_a_refused_top_up_is_seen(bank: tuple[Sessions, Desk, str], monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, desk, pledge_id = bank
    dice = random.Random(3)  # noqa: S311 - repeatable dice
    lives = Lives(
        sessions=sessions, desk=desk, clock=Clock(time.monotonic()), registry=OtherSide(sessions, dice)
    )  # fmt: skip

    def refuse(*_: object, **__: object) -> None:
        raise Conflict("no", zh="否", field="units")

    monkeypatch.setattr(service, "propose_change", refuse)
    with sessions.begin() as session:
        pledge = service.load_pledge(session, desk.maker, pledge_id)
        assert lives._topped_up(session, pledge, dice, desk.standing) == "! I9 top-up refused: no"
