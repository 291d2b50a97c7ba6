"""Serial numbers chosen at a top-up, a substitution and a partial release, as the registry freezes and lets them go.

E3 holds 8,000 t of credits: CCER/P1:5001-9000 and CCER/P2:5001-9000. P3 (40,000 t of SZA-2023) stands called.
"""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.calc.serials import SerialRange
from collateral.registries.http import HttpRegistry
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import SimulatorServer
from collateral.service import ChangeDraft, ChangeKind
from tests.app.worlds import PAGE, form_token
from tests.collateral.changes import approve, ask, called_desk, change, pledged, query, send, state, units
from tests.collateral.desk import CLOCK, Desk, build_desk
from tests.collateral.registries import adapter, simulated
from tests.collateral.test_edges import Edge, edge, signed_in
from tests.collateral.world import parameter

__all__ = ["edge"]

CCER = Unit.parse("CCER")
HELD = (SerialRange.parse("CCER/P1:5001-9000"), SerialRange.parse("CCER/P2:5001-9000"))
ASKED = SerialRange.parse("CCER/P2:6001-8000")
SAMPLE_OF_CREDITS = (
    ("collateral.participation_ratio", "0.20", "ratio"),
    ("collateral.average_daily_volume_t", "20000", "t"),
    ("pricing.vintage_carries_forward", "true", "code"),
)


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with simulated() as running:
        yield running


@pytest.fixture
def registry(server: SimulatorServer) -> Iterator[HttpRegistry]:
    with adapter(server) as one:
        yield one


def credits_of_e3(sessions: Sessions, desk: Desk) -> str:
    """P3, called, whose pledgor holds credits by number; what a sale of them and their end hang on is entered."""
    with sessions.begin() as session:
        for key, value, unit in SAMPLE_OF_CREDITS:
            entered = parameter(key, value, scope="CCER", unit=unit)
            enter_parameter(session, desk.maker, desk.checker, entered, reason="样例", at=CLOCK.now())
        service.record_holding(
            session, desk.maker, desk.parties["E3"], CCER, quantity_t=8000, standing=desk.standing, cause="登记簿",
            serials=HELD,
        )  # fmt: skip
        return called_desk(session, desk)["P3"]


def numbered(kind: ChangeKind, *, added: str = "", freed: str = "", added_t: int = 0, freed_t: int = 0) -> ChangeDraft:
    """A change of credits with numbers chosen, as `CCER/P2:1-9; CCER/P1:1-9`."""
    sides = [units({"CCER": tonnes} if tonnes else {}) for tonnes in (added_t, freed_t)]
    return ChangeDraft(
        kind=kind, added=sides[0], freed=sides[1], repayment_cny=Decimal("0.00"), reason="客户申请",
        added_serials=chosen(added), freed_serials=chosen(freed),
    )  # fmt: skip


def chosen(text: str) -> dict[Unit, tuple[SerialRange, ...]]:
    ranges = tuple(SerialRange.parse(one) for one in text.split("; ") if one)
    return {CCER: ranges} if ranges else {}


def locked(sessions: Sessions, desk: Desk, pledge_id: str) -> list[tuple[str, str]]:
    """Each range with the state of its hold."""
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        found = service.locked_serials(session, desk.maker, pledge_id=pledge_id)
    return sorted((str(one), held.state) for held, ranges in found for one in ranges)


def top_up(sessions: Sessions, desk: Desk, pledge_id: str) -> service.PledgeChange:
    draft = numbered(ChangeKind.TOP_UP, added=str(ASKED), added_t=2000)
    return ask(sessions, desk, pledge_id, draft)


def test_a_top_up_freezes_the_numbers_chosen_and_a_part_release_lets_those_chosen_go(
    sessions: Sessions, server: SimulatorServer, registry: HttpRegistry
) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    p3 = credits_of_e3(sessions, desk)
    asked = top_up(sessions, desk, p3)
    assert locked(sessions, desk, p3) == [("CCER/P2:6001-8000", "PENDING")]
    send(sessions, desk, registry)
    assert state(sessions, desk, asked) == ("DONE", "DRAWN")
    assert server.state.frozen_serials() == {"P3": ["CCER/P2:6001-8000"]}
    with sessions.begin() as session:
        found = service.load_change(session, desk.maker, asked.id)
        assert (found.added_serials, found.freed_serials) == ({CCER: (ASKED,)}, {})
    # With 3,000 t of SZA-2024 besides, 500 t of the credits, from the middle of what is locked, may leave.
    ask(sessions, desk, p3, change(ChangeKind.TOP_UP, added={"SZA-2024": 3000}))
    send(sessions, desk, registry)
    freeing = numbered(ChangeKind.PART_RELEASE, freed="CCER/P2:6501-7000", freed_t=500)
    waits = ask(sessions, desk, p3, freeing)
    with sessions.read() as session:
        approval = service.waiting_change_approval(session, desk.checker, waits.id)
        assert approval is not None
        assert approval.payload["freed_serials"] == "CCER CCER/P2:6501-7000", "the checker reads the numbers"
    approve(sessions, desk, waits)
    assert locked(sessions, desk, p3) == [
        ("CCER/P2:6001-6500", "LOCKED"), ("CCER/P2:6501-7000", "RELEASE_PENDING"), ("CCER/P2:7001-8000", "LOCKED"),
    ]  # fmt: skip
    send(sessions, desk, registry)
    assert state(sessions, desk, waits)[0] == "DONE"
    assert server.state.frozen_serials() == {"P3": ["CCER/P2:6001-6500", "CCER/P2:7001-8000"]}
    assert locked(sessions, desk, p3) == [("CCER/P2:6001-6500", "LOCKED"), ("CCER/P2:7001-8000", "LOCKED")]
    assert pledged(sessions, desk, p3) == {"CCER": 1500, "SZA-2023": 40000, "SZA-2024": 3000}


def test_a_substitution_of_credits_by_others_locks_and_frees_the_numbers_chosen(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    """Project P2 goes out and P1 comes in: the same unit on both sides, told apart by its numbers alone."""
    p3 = credits_of_e3(desk_sessions, desk)
    top_up(desk_sessions, desk, p3)
    ask(desk_sessions, desk, p3, change(ChangeKind.TOP_UP, added={"SZA-2024": 3000}))
    send(desk_sessions, desk, registry)
    draft = numbered(
        ChangeKind.SUBSTITUTION, added="CCER/P1:5001-6000; CCER/P1:8001-9000", freed=str(ASKED),
        added_t=2000, freed_t=2000,
    )  # fmt: skip
    asked = approve(desk_sessions, desk, ask(desk_sessions, desk, p3, draft))
    send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked)[0] == "DONE"
    assert server.state.frozen_serials() == {"P3": ["CCER/P1:5001-6000", "CCER/P1:8001-9000"]}
    assert locked(desk_sessions, desk, p3) == [("CCER/P1:5001-6000", "LOCKED"), ("CCER/P1:8001-9000", "LOCKED")]


@pytest.mark.parametrize("kind", [Fault.WRONG_SERIALS, Fault.OTHER_SERIALS])
def test_other_numbers_than_asked_confirm_no_top_up(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry, kind: Fault
) -> None:
    server.state.plan(PlannedFault(agreement_code="P3", operation="freeze", fault=kind, times=1))
    p3 = credits_of_e3(desk_sessions, desk)
    asked = top_up(desk_sessions, desk, p3)
    send(desk_sessions, desk, registry)
    query(desk_sessions, desk, registry)
    if kind is Fault.WRONG_SERIALS:
        assert state(desk_sessions, desk, asked) == ("FREEZE_UNKNOWN", "MARGIN_CALLED")
        assert locked(desk_sessions, desk, p3) == [("CCER/P2:6001-8000", "PENDING")]
        assert pledged(desk_sessions, desk, p3) == {"SZA-2023": 40000}, "what is not confirmed does not count"
    else:  # a registry that says it did as asked is believed, and found out by the next reconciliation
        assert state(desk_sessions, desk, asked) == ("DONE", "DRAWN")
        assert server.state.frozen_serials() == {"P3": ["CCER/P2:6002-8001"]}


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (numbered(ChangeKind.TOP_UP, added="CCER/P2:8501-9500", added_t=1000), "not within what is free"),
        (
            numbered(ChangeKind.PART_RELEASE, freed="CCER/P1:5001-5500", freed_t=500),
            "CCER/P1:5001-5500 are not locked for this pledge: CCER/P2:6001-8000",
        ),
    ],
)  # fmt: skip
def test_numbers_that_are_not_there_are_refused_before_anything_is_asked(
    desk_sessions: Sessions, desk: Desk, registry: HttpRegistry, draft: ChangeDraft, words: str
) -> None:
    p3 = credits_of_e3(desk_sessions, desk)
    first = top_up(desk_sessions, desk, p3)
    send(desk_sessions, desk, registry)
    ask(desk_sessions, desk, p3, change(ChangeKind.TOP_UP, added={"SZA-2024": 3000}))
    send(desk_sessions, desk, registry)
    with pytest.raises(Conflict, match=words):
        ask(desk_sessions, desk, p3, draft)
    with desk_sessions.read() as session:
        assert len(service.changes_of(session, desk.maker, p3)) == 2, "the two top-ups, and no third change"
        waiting = approvals.open_approval_of(
            session, desk.maker.organization_id, kind="collateral.pledge_change", subject=f"pledge-change:{first.id}"
        )
    assert waiting is None


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"added": "CCER/P2:6001-6001"}, None, "hold 1 t, the quantity is 2000 t"),
        ({"freed": "CCER/P2:6001-8000"}, "freed_serials", "the change has none of it there"),
    ],
)
def test_numbers_that_do_not_fit_the_change_are_refused(given: dict[str, str], field: str | None, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        numbered(ChangeKind.TOP_UP, **given, added_t=2000)
    assert refused.value.field == (field or "serials")


def test_the_officer_chooses_numbers_of_a_top_up_on_the_page(edge: Edge) -> None:
    p3 = credits_of_e3(edge.sessions, edge.desk)
    address = f"/pledges/{p3}/changes/new"
    with signed_in(edge) as client:
        shown = client.get(address, headers=PAGE).text
        assert "新增序号段" in shown
        assert "CCER/P2:5001-9000" in shown
        form = {
            "action": "ask", "kind": "top_up", "unit_1": "CCER", "quantity_1": "2000", "reason": "追加",
            "_csrf_token": form_token(shown),
        }  # fmt: skip
        wrong = client.post(address, data=form | {"added_serials": "CCER P2-6001"}, headers=PAGE)
        assert (wrong.status_code, "应写作 登记机构/类别:起号-止号" in wrong.text) == (422, True)
        assert "CCER P2-6001" in wrong.text, "what was typed stays"
        done = client.post(
            address, data=form | {"added_serials": f"CCER {ASKED}"}, headers=PAGE, follow_redirects=False
        )
        assert done.status_code == 303
        assert str(ASKED) in client.get(done.headers["location"], headers=PAGE).text
    assert locked(edge.sessions, edge.desk, p3) == [(str(ASKED), "PENDING")]
