"""Reconciliation with the registry: each difference by hand, its age, and both over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from carbonfin.kernel.errors import UpstreamFailed
from carbonfin.storage.decisions import replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from collateral import jobs, service
from collateral.calc.reconciliation import (
    DifferenceKind,
    Holding,
    LedgerBinding,
    OpenSince,
    ReconciliationInputs,
    StatedFreeze,
    freeze_difference,
    reconcile,
)
from collateral.registries.port import RegistryStatement
from collateral.registries.simulated import Fault
from collateral.registries.simulator import SimulatorServer
from tests.collateral.desk import CLOCK, Desk, build_desk
from tests.collateral.registries import adapter, fault, simulated
from tests.collateral.test_scenario import freeze_p4
from tests.collateral.world import TODAY

LOCKED_NOT_FROZEN = DifferenceKind.LOCKED_NOT_FROZEN
FROZEN_NOT_BOUND = DifferenceKind.FROZEN_NOT_BOUND
UNANSWERED = DifferenceKind.UNANSWERED


@pytest.mark.parametrize(
    ("locked_t", "asked_t", "frozen_t", "expected"),
    [
        (100, 0, 100, None),
        (100, 0, 99, LOCKED_NOT_FROZEN),
        (100, 0, 101, FROZEN_NOT_BOUND),
        (100, 20, 99, LOCKED_NOT_FROZEN),
        (100, 20, 100, UNANSWERED),
        (100, 20, 120, UNANSWERED),
        (100, 20, 121, FROZEN_NOT_BOUND),
        (0, 20, 0, UNANSWERED),
        (0, 0, 5, FROZEN_NOT_BOUND),
    ],
)
def test_each_kind_of_freeze_difference(
    locked_t: int, asked_t: int, frozen_t: int, expected: DifferenceKind | None
) -> None:
    assert freeze_difference(locked_t=locked_t, asked_t=asked_t, frozen_t=frozen_t) is expected


def test_every_difference_is_listed_breaches_first_with_its_age() -> None:
    inputs = ReconciliationInputs(
        business_date=date(2025, 6, 30),
        bindings=(
            LedgerBinding(account_id="a1", unit="CEA-2023", agreement_code="P1", locked_t=60, asked_t=0),
            LedgerBinding(account_id="a1", unit="CEA-2023", agreement_code="P1", locked_t=40, asked_t=0),
            LedgerBinding(account_id="a1", unit="CEA-2023", agreement_code="P2", locked_t=0, asked_t=30),
            LedgerBinding(account_id="a2", unit="SZA-2024", agreement_code="P3", locked_t=50, asked_t=0),
        ),
        stated_freezes=(
            StatedFreeze(account_id="a1", unit="CEA-2023", agreement_code="P1", quantity_t=90),
            StatedFreeze(account_id="a2", unit="SZA-2024", agreement_code="P3", quantity_t=50),
            StatedFreeze(account_id="a9", unit="SZA-2024", agreement_code="P9", quantity_t=7),
        ),
        holdings=(
            Holding(account_id="a1", unit="CEA-2023", quantity_t=500),
            Holding(account_id="a2", unit="SZA-2024", quantity_t=80),
        ),
        stated_holdings=(
            Holding(account_id="a1", unit="CEA-2023", quantity_t=480),
            Holding(account_id="a3", unit="CCER", quantity_t=1),
        ),
        open_since=(OpenSince(key="locked_not_frozen|a1|CEA-2023|P1", since=date(2025, 6, 27)),),
    )
    found = reconcile(inputs)
    assert [
        (one.kind.value, one.account_id, one.agreement_code, one.ledger_t, one.registry_t, one.age_days)
        for one in found.differences
    ] == [
        ("locked_not_frozen", "a1", "P1", 100, 90, 3),
        ("frozen_not_bound", "a9", "P9", 0, 7, 0),
        ("unanswered", "a1", "P2", 30, 0, 0),
        ("holding", "a3", "", 0, 1, 0),
        ("holding", "a1", "", 500, 480, 0),
    ]
    assert (found.breach_count, found.compared_count) == (1, 6)
    figures = {one.name: one.value for one in found.trace}
    assert (figures["difference_1"], figures["difference_count"]) == ("-10", "5")


@pytest.fixture
def registry() -> Iterator[SimulatorServer]:
    with simulated() as server:
        yield server


def test_a_wrong_quantity_is_found_kept_once_a_day_and_ages(sessions: Sessions, registry: SimulatorServer) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    freeze_p4(sessions, desk)
    registry.state.plan(fault(Fault.SHORT))
    with adapter(registry) as port:
        before = jobs.reconcile_registry(sessions, desk.maker, port, clock=CLOCK)
        assert [one.kind for one in before.outcome.differences] == [UNANSWERED]
        jobs.dispatch_registry_messages(sessions, desk.maker, port, clock=CLOCK)
        first = jobs.reconcile_registry(sessions, desk.maker, port, clock=CLOCK)
        again = jobs.reconcile_registry(sessions, desk.maker, port, clock=CLOCK)
        statement = port.statement(desk.maker.organization_id)
    (difference,) = first.outcome.differences
    assert (difference.kind, difference.agreement_code, difference.unit) == (LOCKED_NOT_FROZEN, "P4", "SZA-2024")
    assert (difference.ledger_t, difference.registry_t, difference.age_days) == (10000, 9999, 0)
    assert again.decision_id == first.decision_id != before.decision_id
    later = replace(desk.standing, business_date=TODAY + timedelta(days=3))
    with sessions.begin() as session:
        aged = service.record_reconciliation(session, desk.maker, statement, standing=later)
    assert [(one.since, one.age_days) for one in aged.outcome.differences] == [(TODAY, 3)]
    with sessions.read() as session:
        newest = service.reconciliations_page(session, desk.maker, Place(limit=1))
        assert [one.decision_id for one in newest.items] == [aged.decision_id]
        rest = service.reconciliations_page(session, desk.maker, Place(limit=1, after=newest.last))
        assert ([one.decision_id for one in rest.items], rest.last) == ([first.decision_id], None)
        assert service.reconciliations_page(session, desk.stranger, Place(limit=9)).items == ()
        assert replay_decision(session, service.DECISION_KINDS, aged.decision_id).same
        assert verify_chain(session, desk.maker.organization_id).faults == ()


def test_agreeing_sides_leave_no_difference_and_a_stated_holding_is_compared(
    desk_sessions: Sessions, desk: Desk, registry: SimulatorServer
) -> None:
    freeze_p4(desk_sessions, desk)
    with adapter(registry) as port:
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, port, clock=CLOCK)
        clean = jobs.reconcile_registry(desk_sessions, desk.maker, port, clock=CLOCK)
        assert (clean.outcome.differences, clean.outcome.compared_count) == ((), 1)
        with desk_sessions.read() as session:
            (held,) = (
                one
                for one in service.holdings_of(session, desk.maker, desk.parties["E5"])
                if str(one.unit) == "SZA-2024"
            )
        registry.state.hold(held.account_id, "SZA-2024", held.total_t - 25)
        found = jobs.reconcile_registry(desk_sessions, desk.maker, port, clock=CLOCK)
    (difference,) = found.outcome.differences
    assert difference.kind is DifferenceKind.HOLDING
    assert difference.ledger_t - difference.registry_t == 25


def test_without_a_statement_nothing_is_kept(desk_sessions: Sessions, desk: Desk) -> None:
    with simulated() as gone:
        pass
    with adapter(gone, timeout_seconds=1) as port, pytest.raises(UpstreamFailed):
        jobs.reconcile_registry(desk_sessions, desk.maker, port, clock=CLOCK)
    with desk_sessions.read() as session:
        assert service.reconciliations_page(session, desk.maker, Place(limit=9)).items == ()


def test_an_empty_statement_shows_all_that_is_bound(desk_sessions: Sessions, desk: Desk) -> None:
    freeze_p4(desk_sessions, desk)
    with desk_sessions.begin() as session:
        found = service.record_reconciliation(
            session, desk.maker, RegistryStatement(frozen=(), held=()), standing=desk.standing
        )
    assert [(one.kind, one.ledger_t, one.asked_t, one.registry_t) for one in found.outcome.differences] == [
        (UNANSWERED, 10000, 10000, 0)
    ]
