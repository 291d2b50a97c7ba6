"""Serial numbers at the registry: chosen when a freeze is asked, named in the request, held against the reply."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, UpstreamFailed
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.rows import table_of
from collateral import jobs, service
from collateral.calc.freezes import UnitFreeze
from collateral.calc.reconciliation import LedgerBinding, ReconciliationInputs, StatedFreeze, reconcile
from collateral.calc.serials import SerialRange, beyond
from collateral.models import PledgeRow, RegistryRequestRow
from collateral.registries.http import HttpRegistry
from collateral.registries.simulated import Fault
from collateral.registries.simulator import SimulatorServer
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import CLOCK, Desk, build_desk, draft
from tests.collateral.registries import adapter, fault, simulated
from tests.collateral.test_edges import Edge, edge, signed_in

__all__ = ["edge"]

CCER = Unit.parse("CCER")
FIRST, SECOND = (SerialRange(registry="CCER", kind=kind, first=5001, last=9000) for kind in ("P1", "P2"))
CHOSEN = SerialRange.parse("CCER/P2:6001-7500")


def registered(sessions: Sessions, desk: Desk, code: str = "S1", quantity_t: int = 1500) -> str:
    """A pledge of E3's credits that may be frozen now."""
    with sessions.begin() as session:
        service.record_holding(
            session, desk.maker, desk.parties["E3"], CCER, quantity_t=8000, standing=desk.standing, cause="登记簿",
            serials=(FIRST, SECOND),
        )  # fmt: skip
        given = draft(desk, code, "E3", {"CCER": quantity_t}, principal="1.00", end=date(2025, 12, 12))
        pledge = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
        rows = table_of(PledgeRow)
        session.execute(sa.update(rows).where(rows.c.id == pledge.id).values(state="REGISTERED_ZHONGDENG"))
        return pledge.id


def frozen(sessions: Sessions, desk: Desk, pledge_id: str, *ranges: SerialRange) -> None:
    with sessions.begin() as session:
        named = {CCER: ranges} if ranges else None
        service.request_freeze(session, desk.maker, pledge_id, standing=desk.standing, serials=named)


def asked(sessions: Sessions, pledge_id: str) -> list[tuple[str, str, list[str]]]:
    rows = table_of(RegistryRequestRow)
    with sessions.read() as session:
        found = session.execute(
            sa.select(rows.c.operation, rows.c.state, rows.c.units).where(rows.c.pledge_id == pledge_id)
        ).all()
    return [(operation, state, units[0].get("serials", [])) for operation, state, units in found]


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with simulated() as running:
        yield running


@pytest.fixture
def registry(server: SimulatorServer) -> Iterator[HttpRegistry]:
    with adapter(server) as one:
        yield one


def test_the_numbers_chosen_are_frozen_at_the_registry_and_let_go_again(
    sessions: Sessions, server: SimulatorServer, registry: HttpRegistry
) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    pledge_id = registered(sessions, desk)
    frozen(sessions, desk, pledge_id, CHOSEN)
    jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)
    assert server.state.frozen_serials() == {"S1": ["CCER/P2:6001-7500"]}
    with sessions.read() as session:
        ((held, ranges),) = service.locked_serials(session, desk.maker, pledge_id=pledge_id)
        assert service.load_pledge(session, desk.maker, pledge_id).state == "FROZEN"
    assert (held.state, ranges) == ("LOCKED", (CHOSEN,))
    with sessions.begin() as session:
        service.request_unfreeze(session, desk.maker, pledge_id, standing=desk.standing, agreed=desk.agreed)
    jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)
    assert server.state.frozen_serials() == {}
    assert asked(sessions, pledge_id) == [
        ("freeze", "DONE", ["CCER/P2:6001-7500"]), ("unfreeze", "DONE", ["CCER/P2:6001-7500"]),
    ]  # fmt: skip


def test_without_a_choice_the_lowest_free_numbers_are_named(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    pledge_id = registered(desk_sessions, desk, quantity_t=5000)
    frozen(desk_sessions, desk, pledge_id)
    jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    assert server.state.frozen_serials() == {"S1": ["CCER/P1:5001-9000", "CCER/P2:5001-6000"]}


@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ({CCER: (SerialRange.parse("CCER/P2:6001-6001"),)}, InvalidInput, "hold 1 t, the quantity is 1500 t"),
        ({CCER: (SerialRange.parse("CCER/P9:1-1500"),)}, Conflict, "is not within what is free"),
        ({Unit.parse("EUA-2024"): (CHOSEN,)}, InvalidInput, "pledge S1 has no EUA-2024"),
    ],
)
def test_numbers_that_cannot_be_frozen_are_refused_and_nothing_is_asked(
    desk_sessions: Sessions, desk: Desk, named: dict[Unit, tuple[SerialRange, ...]], error: type[Exception], words: str
) -> None:
    pledge_id = registered(desk_sessions, desk)
    with desk_sessions.begin() as session, pytest.raises(error, match=words):
        service.request_freeze(session, desk.maker, pledge_id, standing=desk.standing, serials=named)
    assert asked(desk_sessions, pledge_id) == []
    with desk_sessions.read() as session:
        assert service.locked_serials(session, desk.maker, pledge_id=pledge_id) == ()


def test_other_numbers_than_asked_confirm_nothing(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    server.state.plan(fault(Fault.WRONG_SERIALS, code="S1"))
    pledge_id = registered(desk_sessions, desk)
    frozen(desk_sessions, desk, pledge_id, CHOSEN)
    jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    with desk_sessions.read() as session:
        pledge = service.load_pledge(session, desk.maker, pledge_id)
        last = service.timeline_of(session, desk.maker, pledge_id)[-1]
        ((held, _),) = service.locked_serials(session, desk.maker, pledge_id=pledge_id)
    assert (pledge.state, held.state) == ("FREEZE_UNKNOWN", "PENDING"), "nothing is locked, and nothing let go"
    assert "CCER/P2:6002-7501" in last.cause


def test_numbers_frozen_for_another_agreement_are_refused_by_the_registry(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    first = registered(desk_sessions, desk)
    frozen(desk_sessions, desk, first, CHOSEN)
    jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    unit = UnitFreeze(account_id="A", unit="CCER", quantity_t=1, serials=("CCER/P2:7000-7000",))
    status, answer = server.state.carry_out(
        {"request_key": "other", "operation": "freeze", "bank_id": "B", "agreement_code": "X", "units": [unit.fields],
         "not_after": CLOCK.now().isoformat()},
        fault=None,
    )  # fmt: skip
    assert (status, answer["outcome"], answer["reason"]) == (200, "rejected", "CCER/P2:7000-7000 is frozen already")


def test_a_registry_that_names_no_numbers_is_taken_at_its_tonnes() -> None:
    mine = UnitFreeze(account_id="A", unit="CCER", quantity_t=9, serials=("CCER/P2:1-9",))
    assert mine.is_met_by(UnitFreeze(account_id="A", unit="CCER", quantity_t=9))
    assert not mine.is_met_by(UnitFreeze(account_id="A", unit="CCER", quantity_t=8))
    assert not mine.is_met_by(UnitFreeze(account_id="A", unit="CCER", quantity_t=9, serials=("CCER/P2:2-10",)))
    assert not UnitFreeze(account_id="A", unit="CCER", quantity_t=9).is_met_by(mine), "numbers nobody asked for"


def test_the_officer_chooses_numbers_on_the_page(edge: Edge) -> None:
    pledge_id = registered(edge.sessions, edge.desk)
    with signed_in(edge) as client:
        shown = client.get(f"/pledges/{pledge_id}", headers=PAGE).text
        assert "指定冻结的序号段" in shown
        wrong = _step(client, pledge_id, shown, "CCER P2-6001")
        assert (wrong.status_code, "应写作 登记机构/类别:起号-止号" in wrong.text) == (422, True)
        done = _step(client, pledge_id, shown, "CCER CCER/P2:6001-7000； CCER CCER/P1:8501-9000")
        assert done.status_code == 303
    with edge.sessions.read() as session:
        ((_, ranges),) = service.locked_serials(session, edge.desk.maker, pledge_id=pledge_id)
    assert [str(one) for one in ranges] == ["CCER/P1:8501-9000", "CCER/P2:6001-7000"]


def _step(client: TestClient[Litestar], pledge_id: str, shown: str, words: str) -> httpx.Response:
    form = {"step": "freeze", "words": words, "_csrf_token": form_token(shown)}
    return client.post(f"/pledges/{pledge_id}/steps", data=form, headers=PAGE, follow_redirects=False)


def differences(sessions: Sessions, desk: Desk, registry: HttpRegistry) -> list[tuple[str, str, int, int, int]]:
    found = jobs.reconcile_registry(sessions, desk.maker, registry, clock=CLOCK).outcome
    return [
        (one.kind.value, one.serials or "", one.ledger_t, one.registry_t, one.age_days) for one in found.differences
    ]


def test_every_range_that_differs_is_named(sessions: Sessions, server: SimulatorServer, registry: HttpRegistry) -> None:
    # P2:6001-7500 asked; the registry freezes 6002-7501, says 6001-7500, and states P1:5001-8999 and P3:1-2 as held
    with sessions.begin() as session:
        desk = build_desk(session)
    pledge_id = registered(sessions, desk)
    frozen(sessions, desk, pledge_id, CHOSEN)
    assert differences(sessions, desk, registry) == [("unanswered", "", 1500, 0, 0)]
    server.state.plan(fault(Fault.OTHER_SERIALS, code="S1"))
    jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)
    with sessions.read() as session:
        assert service.load_pledge(session, desk.maker, pledge_id).state == "FROZEN", "it said so"
        held = {(one.account_id, str(one.unit)) for one in service.holdings_of(session, desk.maker, desk.parties["E3"])}
    account_id = next(place for place, unit in held if unit == "CCER")
    server.state.hold(account_id, "CCER", 8000, serials=("CCER/P1:5001-8999", "CCER/P2:5001-9000", "CCER/P3:1-1"))
    assert differences(sessions, desk, registry) == [
        ("serials_not_frozen", "CCER/P2:6001-6001", 1, 0, 0),
        ("serials_not_bound", "CCER/P2:7501-7501", 0, 1, 0),
        ("serials_not_held", "CCER/P1:9000-9000", 1, 0, 0),
        ("serials_not_known", "CCER/P3:1-1", 0, 1, 0),
    ]
    with sessions.read() as session:
        (latest, *_) = service.reconciliations_page(session, desk.maker, Place(limit=5)).items
        assert latest.outcome.breach_count == 1
        assert replay_decision(session, service.DECISION_KINDS, latest.decision_id).same


def test_a_registry_that_names_numbers_as_asked_differs_in_none(
    desk_sessions: Sessions, desk: Desk, registry: HttpRegistry
) -> None:
    pledge_id = registered(desk_sessions, desk)
    frozen(
        desk_sessions, desk, pledge_id, SerialRange.parse("CCER/P2:6001-7499"), SerialRange.parse("CCER/P1:9000-9000")
    )
    jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    assert differences(desk_sessions, desk, registry) == []
    statement = registry.statement(desk.maker.organization_id)
    (stated,) = statement.frozen
    assert stated.serials == ("CCER/P1:9000-9000", "CCER/P2:6001-7499")


def test_numbers_named_twice_are_no_statement(desk: Desk, server: SimulatorServer, registry: HttpRegistry) -> None:
    server.state.hold("A", "CCER", 3, serials=("CCER/P1:1-2", "CCER/P1:2-3"))
    with pytest.raises(UpstreamFailed, match="no usable statement"):
        registry.statement(desk.maker.organization_id)


def numbers(*texts: str) -> tuple[SerialRange, ...]:
    return tuple(map(SerialRange.parse, texts))


@pytest.mark.parametrize(
    ("ranges", "others", "left"),
    [
        (("A/B:1-10",), ("A/B:4-6",), ["A/B:1-3", "A/B:7-10"]),
        (("A/B:1-10",), ("A/B:10-20",), ["A/B:1-9"]),
        (("A/B:5-10",), ("A/B:1-5", "A/B:10-11"), ["A/B:6-9"]),
        (("A/B:1-10",), ("A/C:1-10",), ["A/B:1-10"]),
        (("A/B:2-3", "A/B:6-7"), ("A/B:1-10",), []),
    ],
)
def test_the_numbers_beyond_others(ranges: tuple[str, ...], others: tuple[str, ...], left: list[str]) -> None:
    assert [str(one) for one in beyond(numbers(*ranges), numbers(*others))] == left


def test_numbers_asked_for_may_be_frozen_or_not_until_the_answer() -> None:
    def found(asked_t: int, *stated: str) -> list[tuple[str, str | None]]:
        place = {"account_id": "a", "unit": "CCER", "agreement_code": "S1"}
        outcome = reconcile(
            ReconciliationInputs(
                business_date=date(2025, 6, 30),
                bindings=(
                    LedgerBinding(**place, locked_t=5, asked_t=0, serials=("A/B:1-5",)),
                    LedgerBinding(**place, locked_t=0, asked_t=asked_t, serials=("A/B:6-8",)),
                ),
                stated_freezes=(StatedFreeze(**place, quantity_t=5, serials=stated or None),),
                holdings=(), stated_holdings=(), open_since=(),
            )
        )  # fmt: skip
        return [(one.kind.value, one.serials) for one in outcome.differences]

    assert found(3, "A/B:1-5") == [("unanswered", None)]
    assert found(3, "A/B:1-4", "A/B:6-6") == [("serials_not_frozen", "A/B:5-5"), ("unanswered", None)]
    assert found(3, "A/B:1-4", "A/B:9-9") == [
        ("serials_not_frozen", "A/B:5-5"), ("serials_not_bound", "A/B:9-9"), ("unanswered", None),
    ]  # fmt: skip
    assert found(3) == [("unanswered", None)], "a registry that names no numbers is taken at its tonnes"
