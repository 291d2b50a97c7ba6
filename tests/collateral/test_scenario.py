"""The sample world through the services, on both databases, to the fen (expected: the sample scenario)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.kernel.errors import Conflict, NotFound, NotPermitted
from carbonfin.storage.decisions import load_decision, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, roll_business_date
from collateral import jobs, service
from collateral.registries.simulated import Fault
from collateral.service import PledgeDraft
from tests.collateral.desk import CLOCK, Desk, build_desk, draft, pledge_p4, repo_r1, take_over_all
from tests.collateral.registries import MovingClock, adapter, fault, simulated
from tests.collateral.world import TODAY


def test_end_of_day_of_the_sample_bank(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    actor = desk.maker
    with sessions.begin() as session:
        found = take_over_all(session, desk)
        service.open_repo(session, actor, repo_r1(desk), standing=desk.standing)
        assert jobs.revalue(session, actor, TODAY).failures == ()
        assert jobs.issue_calls(session, actor, TODAY).done_count == 1
        assert jobs.strike_headroom(session, actor, TODAY).done_count == 4
    with sessions.read() as session:
        coverages = service.latest_coverages(session, actor, standing=desk.standing)
        one, two, three = (coverages[found[code]] for code in ("P1", "P2", "P3"))
        assert (one.market_value_cny, one.collateral_value_cny) == (Decimal("3701500.00"), Decimal("2220900.00"))
        assert (f"{one.coverage_ratio:.4f}", f"{one.ltv_ratio:.4f}") == ("1.1095", "0.5403")
        assert (one.closeout_days, one.safe_date.day) == (3, date(2025, 12, 12))
        assert (two.collateral_value_cny, f"{two.coverage_ratio:.4f}", two.closeout_days) == (
            Decimal("2370000.00"),
            "1.0301",
            30,
        )
        assert (three.debt_cny, three.collateral_value_cny) == (Decimal("855758.81"), Decimal("800000.00"))
        assert f"{three.coverage_ratio:.4f}" == "0.9348"
        (call,) = service.live_calls(session, actor, agreement_code="P3")
        assert call.cash_amount == Decimal("55758.81")
        assert {str(top_up.unit): top_up.quantity_t for top_up in call.top_ups} == {"SZA-2023": 2788, "SZA-2024": 2720}
        assert call.deadline == date(2025, 7, 7)
        states = {pledge.code: pledge.state for pledge in service.pledges_of(session, actor)}
        assert states == {"P0": "RELEASED", "P1": "DRAWN", "P2": "DRAWN", "P3": "MARGIN_CALLED"}
        record = load_decision(session, actor, one.decision_id)
        assert record.figure("coverage").value.startswith("1.1095")
        assert replay_decision(session, service.DECISION_KINDS, one.decision_id).same
        assert verify_chain(session, actor.organization_id).faults == ()
        headrooms = {
            code: record.headroom_t
            for code, party_id in desk.parties.items()
            for record in service.latest_headrooms(session, actor, standing=desk.standing, party_id=party_id)
        }
        assert headrooms == {"E1": 36310, "E2": 34681, "E3": 5407, "E5": 27475}
        assert service.ledger_faults(session, actor) == ()


def test_a_second_end_of_day_changes_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    actor = desk.maker

    def run() -> tuple[int, int]:
        with desk_sessions.begin() as session:
            take_over_all(session, desk)
            service.open_repo(session, actor, repo_r1(desk), standing=desk.standing)
            jobs.revalue(session, actor, TODAY)
            jobs.issue_calls(session, actor, TODAY)
            jobs.strike_headroom(session, actor, TODAY)
        with desk_sessions.read() as session:
            chain = verify_chain(session, actor.organization_id)
            return chain.length, len(service.live_calls(session, actor))

    assert run() == run()


def test_repo_r1_passes_title_and_is_called(desk_sessions: Sessions, desk: Desk) -> None:
    actor = desk.maker
    with desk_sessions.begin() as session:
        repo = service.open_repo(session, actor, repo_r1(desk), standing=desk.standing)
        service.revalue_repos(session, actor, TODAY)
    with desk_sessions.read() as session:
        start = load_decision(session, actor, repo.start_decision_id)
        assert start.outputs["lendable_amount"] == "2423743.14"
        assert start.outputs["repurchase_price_amount"] == "2417122.19"
        exposure = service.latest_repo_exposure(session, actor, repo.id, standing=desk.standing)
        assert exposure is not None
        assert exposure.accrued_value_cny == Decimal("2200831.14")
        assert exposure.exposure_cny == exposure.exposure_b_cny == Decimal("120831.14")
        assert exposure.exposure_a_cny == Decimal("232367.58")
        assert (exposure.margin_call_amount, exposure.margin_call_units_t) == (Decimal("132387.66"), 5810)
        assert service.load_repo(session, actor, repo.id).state == "MARGIN_PENDING"
        held = {str(one.unit): one.total_t for one in service.holdings_of(session, actor, desk.parties["E5"])}
        assert held == {"SZA-2023": 20000, "SZA-2024": 180000}
        assert service.holdings_of(session, actor, desk.parties["HK1"])[0].total_t == 100000


def freeze_p4(sessions: Sessions, desk: Desk) -> str:
    """Take P4 up to the message to the registry."""
    pledge_id = prepare_p4(sessions, desk)
    with sessions.begin() as session:
        service.request_freeze(session, desk.maker, pledge_id, standing=desk.standing)
    return pledge_id


def prepare_p4(sessions: Sessions, desk: Desk) -> str:
    """Take P4 up to its registration, before the freeze is asked for."""
    with sessions.begin() as session:
        return _registered(session, desk, pledge_p4(desk))


def _registered(session: Session, desk: Desk, given: PledgeDraft) -> str:
    pledge = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
    pledge = service.appraise_pledge(session, desk.maker, pledge.id, standing=desk.standing)
    assert pledge.state == "APPRAISED", pledge.refusals
    service.complete_diligence(
        session, desk.maker, pledge.id, standing=desk.standing, finding="权属清晰，两处登记均无在先权利"
    )
    service.approve_pledge(
        session,
        desk.checker,
        pledge.id,
        standing=desk.standing,
        reason="同意",
        accepted_unconfirmed=service.unconfirmed_of(session, desk.checker, pledge),
    )
    number = f"示例-{given.code}"
    service.sign_pledge(session, desk.maker, pledge.id, standing=desk.standing, agreed=desk.agreed, contract=number)
    service.register_pledge(session, desk.maker, pledge.id, standing=desk.standing, registration_number=number)
    return pledge.id


def state_of(sessions: Sessions, desk: Desk, pledge_id: str) -> tuple[str, int, int]:
    """State, pending and locked tonnes of SZA-2024 of E5."""
    with sessions.read() as session:
        (position,) = (
            one for one in service.holdings_of(session, desk.maker, desk.parties["E5"]) if str(one.unit) == "SZA-2024"
        )
        assert service.ledger_faults(session, desk.maker) == ()
        pledge = service.load_pledge(session, desk.maker, pledge_id)
        return pledge.state, position.pending_t, position.locked_t


def test_p4_lost_reply_is_unknown_then_queried_then_frozen(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    pledge_id = freeze_p4(sessions, desk)
    assert state_of(sessions, desk, pledge_id) == ("FREEZE_REQUESTED", 10000, 0)
    faults = (fault(Fault.LOSE_REPLY), fault(Fault.PROCESSING, "query", times=2))
    with simulated(*faults) as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)
        assert state_of(sessions, desk, pledge_id) == ("FREEZE_UNKNOWN", 10000, 0)
        for _ in range(2):
            outcome = jobs.query_open_requests(sessions, desk.maker, registry, clock=CLOCK)
            assert [(one.item, one.detail, one.zh) for one in outcome.failures] == [
                ("P4", "FREEZE_UNKNOWN", "冻结状态未知")
            ]
            assert state_of(sessions, desk, pledge_id) == ("FREEZE_UNKNOWN", 10000, 0)
        with sessions.read() as session:
            (headroom,) = service.headroom_of(session, desk.maker, desk.parties["E5"], standing=desk.standing)
            # 300000 held (the repo not opened here) - 10000 - 167500 - 5025: an unknown freeze counts as bound
            assert headroom.headroom_t == 117475
            events = [one.event for one in service.timeline_of(session, desk.maker, pledge_id)]
        assert events[-2:] == ["timeout", "query:processing"]
        jobs.query_open_requests(sessions, desk.maker, registry, clock=CLOCK)
        assert state_of(sessions, desk, pledge_id) == ("FROZEN", 0, 10000)
        assert server.state.frozen_t() != {}
        again = jobs.query_open_requests(sessions, desk.maker, registry, clock=CLOCK)
        assert again.done_count == 0


def test_headroom_of_e5_with_repo_and_unknown_freeze(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
    freeze_p4(desk_sessions, desk)
    faults = (fault(Fault.LOSE_REPLY),)
    with simulated(*faults) as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    with desk_sessions.read() as session:
        (headroom,) = service.headroom_of(session, desk.maker, desk.parties["E5"], standing=desk.standing)
    assert headroom.headroom_t == 17475


def test_two_pledges_that_leave_headroom_each_are_not_frozen_together(desk_sessions: Sessions, desk: Desk) -> None:
    """E3: 75,000 - 28,731 - 862 = 45,407 t before; 30,000 t twice would lack 14,593 t."""
    with desk_sessions.begin() as session:
        first, second = (
            _registered(
                session, desk, draft(desk, code, "E3", {unit: 30000}, principal="1000.00", end=date(2025, 12, 12))
            )
            for code, unit in (("H1", "SZA-2023"), ("H2", "SZA-2024"))
        )
    with desk_sessions.begin() as session:
        service.request_freeze(session, desk.maker, first, standing=desk.standing)
    with pytest.raises(Conflict, match="would lack 14593 t") as refused, desk_sessions.begin() as session:
        service.request_freeze(session, desk.maker, second, standing=desk.standing)
    assert "履约余量为 -14,593 吨" in refused.value.zh
    with desk_sessions.read() as session:
        assert service.load_pledge(session, desk.maker, second).state == "REGISTERED_ZHONGDENG"
        assert {one.pending_t for one in service.holdings_of(session, desk.maker, desk.parties["E3"])} == {0, 30000}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Fault.REJECT, ("CANCELLED", 0, 0)),
        (Fault.PROCESSING, ("FREEZE_REQUESTED", 10000, 0)),
        (Fault.DELAY, ("FREEZE_UNKNOWN", 10000, 0)),
        (Fault.DROP, ("FREEZE_UNKNOWN", 10000, 0)),
    ],
)
def test_what_each_fault_does(desk_sessions: Sessions, desk: Desk, kind: Fault, expected: tuple[str, int, int]) -> None:
    pledge_id = freeze_p4(desk_sessions, desk)
    faults = (fault(kind, delay_seconds=5.0),)
    clock = MovingClock()
    with simulated(*faults, clock=clock) as server, adapter(server, clock=clock, timeout_seconds=0.3) as registry:
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=clock)
        assert state_of(desk_sessions, desk, pledge_id) == expected
        server.state.finish()
        clock.move(minutes=3)
        jobs.query_open_requests(desk_sessions, desk.maker, registry, clock=clock)
    resolved = {
        Fault.REJECT: ("CANCELLED", 0, 0),
        Fault.DROP: ("REGISTERED_ZHONGDENG", 0, 0),
    }.get(kind, ("FROZEN", 0, 10000))
    assert state_of(desk_sessions, desk, pledge_id) == resolved


def test_a_registry_that_is_down_leaves_the_message_in_the_outbox(desk_sessions: Sessions, desk: Desk) -> None:
    pledge_id = freeze_p4(desk_sessions, desk)
    with simulated() as gone:
        pass
    with adapter(gone, timeout_seconds=1) as registry:
        outcome = jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
        assert outcome.done_count == 0
        assert jobs.query_open_requests(desk_sessions, desk.maker, registry, clock=CLOCK).done_count == 0
    assert state_of(desk_sessions, desk, pledge_id) == ("FREEZE_REQUESTED", 10000, 0)
    with simulated() as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
    assert state_of(desk_sessions, desk, pledge_id) == ("FROZEN", 0, 10000)


def test_p4_is_drawn_repaid_and_released(desk_sessions: Sessions, desk: Desk) -> None:
    pledge_id = freeze_p4(desk_sessions, desk)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="0 of 10000 t frozen") as refused:
        service.draw_pledge(session, desk.maker, pledge_id, standing=desk.standing, agreed=desk.agreed)
    assert "应冻结 10,000 吨，已冻结 0 吨" in refused.value.zh
    assert "登记机构" in refused.value.remedy_zh
    with simulated() as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
        with desk_sessions.begin() as session:
            service.draw_pledge(session, desk.maker, pledge_id, standing=desk.standing, agreed=desk.agreed)
            assert len(service.revalue(session, desk.maker, TODAY).values) == 1
            service.repay_pledge(session, desk.maker, pledge_id, standing=desk.standing, cause="还款凭证")
            service.request_unfreeze(session, desk.maker, pledge_id, standing=desk.standing, agreed=desk.agreed)
        assert state_of(desk_sessions, desk, pledge_id) == ("UNFREEZE_REQUESTED", 0, 10000)
        jobs.dispatch_registry_messages(desk_sessions, desk.maker, registry, clock=CLOCK)
        assert server.state.frozen_t() == {}
    assert state_of(desk_sessions, desk, pledge_id) == ("RELEASED", 0, 0)
    with desk_sessions.read() as session:
        kinds = [entry.kind for entry in service.ledger_entries(session, desk.maker, agreement_code="P4")]
    assert kinds == ["reserve", "confirm", "release"]


def test_p5_is_refused_with_its_reason(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        given = draft(
            desk, "P5", "E1", {"CEA-2023": 50000}, principal="2000000.00", end=date(2026, 3, 31), extends="P1"
        )
        pledge = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
        refused = service.appraise_pledge(session, desk.maker, pledge.id, standing=desk.standing)
    assert refused.state == "REJECTED"
    assert refused.refusals[0].code == "end-after-last-safe-date"
    assert "2025-12-12" in refused.refusals[0].zh
    assert {one.code for one in refused.refusals} == {"end-after-last-safe-date", "headroom-negative"}
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="REJECTED"):
        service.complete_diligence(session, desk.maker, pledge.id, standing=desk.standing, finding="x")


def test_maker_cannot_approve_and_unconfirmed_facts_are_accepted_by_name(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        pledge = service.apply_for_pledge(session, desk.maker, pledge_p4(desk), standing=desk.standing)
        service.appraise_pledge(session, desk.maker, pledge.id, standing=desk.standing)
        service.complete_diligence(session, desk.maker, pledge.id, standing=desk.standing, finding="无在先权利")
    given = {"standing": desk.standing, "reason": "同意", "accepted_unconfirmed": ()}
    with desk_sessions.begin() as session, pytest.raises(NotPermitted):
        service.approve_pledge(session, desk.maker, pledge.id, **given)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"vintage_carries_forward\[SZA\]"):
        service.approve_pledge(session, desk.checker, pledge.id, **given)
    with desk_sessions.read() as session:
        assert service.load_pledge(session, desk.maker, pledge.id).state == "DILIGENCE_DONE"
        assert service.approval_of(session, desk.maker, pledge.id) is None


def test_another_bank_finds_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        found = take_over_all(session, desk)
    with desk_sessions.read() as session:
        with pytest.raises(NotFound):
            service.load_pledge(session, desk.stranger, found["P1"])
        assert service.pledges_of(session, desk.stranger) == ()
        with pytest.raises(NotFound):
            service.headroom_of(session, desk.stranger, desk.parties["E1"], standing=desk.standing)


def test_an_exposure_of_an_older_day_does_not_value_a_pledge(desk_sessions: Sessions, desk: Desk) -> None:
    tomorrow = TODAY + timedelta(days=1)
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        batch = service.revalue(session, desk.maker, tomorrow)
    assert {failure.item for failure in batch.failures} == {"P1", "P2", "P3"}
    assert all("2025-07-01" in failure.detail for failure in batch.failures)


def test_a_corrected_exposure_adds_a_revision(desk_sessions: Sessions, desk: Desk) -> None:
    def post(session: Session, accrued: str) -> int:
        return service.record_exposure(
            session,
            desk.maker,
            "P1",
            principal_cny=Decimal("2000000.00"),
            accrued_cny=Decimal(accrued),
            exposure_date=TODAY,
        ).revision

    with desk_sessions.begin() as session:
        found = take_over_all(session, desk)
        assert post(session, "1700.00") == 0
        service.revalue(session, desk.maker, TODAY)
        assert post(session, "1888.89") == 1
        service.revalue(session, desk.maker, TODAY)
        history = service.coverage_history(session, desk.maker, found["P1"])
    assert [(one.business_date, one.revision) for one in history] == [(TODAY, 1)]
    assert history[0].debt_cny == Decimal("2001888.89")


def test_a_call_not_answered_by_its_deadline_expires(desk_sessions: Sessions, desk: Desk) -> None:
    later = date(2025, 7, 8)
    with desk_sessions.begin() as session:
        found = take_over_all(session, desk)
        service.revalue(session, desk.maker, TODAY)
        service.issue_calls(session, desk.maker, TODAY)
        roll_business_date(session, desk.maker.organization_id, expected=TODAY, to=later, state=DayState.OPEN)
        for code, (principal, accrued) in {"P3": ("855000.00", "1500.00")}.items():
            service.record_exposure(
                session,
                desk.maker,
                code,
                principal_cny=Decimal(principal),
                accrued_cny=Decimal(accrued),
                exposure_date=later,
            )
        service.revalue(session, desk.maker, later)
        service.issue_calls(session, desk.maker, later)
        pledge = service.load_pledge(session, desk.maker, found["P3"])
        (call,) = service.live_calls(session, desk.maker, agreement_code="P3")
    assert (pledge.state, call.state) == ("CURE_EXPIRED", "EXPIRED")


def test_a_part_repayment_cures_a_call(desk_sessions: Sessions, desk: Desk) -> None:
    later = date(2025, 7, 1)
    with desk_sessions.begin() as session:
        found = take_over_all(session, desk)
        service.revalue(session, desk.maker, TODAY)
        service.issue_calls(session, desk.maker, TODAY)
        service.record_exposure(
            session,
            desk.maker,
            "P3",
            principal_cny=Decimal("799000.00"),
            accrued_cny=Decimal("1000.00"),
            exposure_date=later,
        )
        service.revalue(session, desk.maker, later)
        service.issue_calls(session, desk.maker, later)
        assert service.load_pledge(session, desk.maker, found["P3"]).state == "DRAWN"
        assert service.live_calls(session, desk.maker) == ()
