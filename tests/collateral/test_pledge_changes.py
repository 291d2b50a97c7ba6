"""Top-ups, substitutions and partial releases on the sample bank, both databases; figures worked out by hand.

P3: 40,000 t of SZA-2023 at 40.00, haircut 0.50: 800,000.00 against 855,758.81, called. 2,720 t of SZA-2024 at 41.00 are
55,760.00 more: 855,760.00, which is 1.19 over the debt; 2,719 t would be 19.31 short of it.
P1: 50,000 t of CEA-2023 at 74.03, haircut 0.40, so 44.418 each: 2,220,900.00. Without 15,000 t: 35,000 x 44.418 =
1,554,630.00; against 2,001,700.00 that is 0.7766, against 1,501,700.00 after a repayment of 500,000.00 it is 1.0352.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.pledge_changes import CHANGE, units_after
from collateral.registries.simulated import Fault, PlannedFault
from collateral.service import CHANGE_APPROVAL, ChangeKind
from tests.collateral.changes import (
    answering,
    approve,
    ask,
    called_desk,
    change,
    pledged,
    position,
    query,
    send,
    state,
    top_up,
    units,
)
from tests.collateral.desk import Desk, build_desk
from tests.collateral.world import TODAY


def fault(code: str, kind: Fault, operation: str = "freeze", *, times: int = 1) -> PlannedFault:
    return PlannedFault(agreement_code=code, operation=operation, fault=kind, times=times)


def repay(sessions: Sessions, desk: Desk, principal: str) -> None:
    with sessions.begin() as session:
        service.record_exposure(
            session, desk.maker, "P1", principal_cny=Decimal(principal), accrued_cny=Decimal("1700.00"),
            exposure_date=TODAY,
        )  # fmt: skip


def test_a_top_up_cures_p3_to_the_fen(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p3 = called_desk(session, desk)["P3"]
    asked = ask(sessions, desk, p3, top_up({"SZA-2024": 2720}))
    assert state(sessions, desk, asked) == ("FREEZE_REQUESTED", "MARGIN_CALLED")
    assert position(sessions, desk, "E3", "SZA-2024") == (30280, 2720, 0)
    with answering() as (server, registry):
        send(sessions, desk, registry)
        assert sum(server.state.frozen_t().values()) == 2720
    assert state(sessions, desk, asked) == ("DONE", "DRAWN")
    assert position(sessions, desk, "E3", "SZA-2024") == (30280, 0, 2720)
    assert pledged(sessions, desk, p3) == {"SZA-2023": 40000, "SZA-2024": 2720}
    with sessions.read() as session:
        coverage = service.coverage_history(session, desk.maker, p3)[-1]
        assert (coverage.collateral_value_cny, coverage.debt_cny) == (Decimal("855760.00"), Decimal("855758.81"))
        assert service.live_calls(session, desk.maker, agreement_code="P3") == ()
        events = [one.event for one in service.timeline_of(session, desk.maker, p3)]
        assert events[-3:] == ["breach", "top_up", "cured"]
        assert replay_decision(session, service.DECISION_KINDS, asked.decision_id).same


def test_a_top_up_a_tonne_short_is_taken_and_does_not_cure(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    asked = ask(desk_sessions, desk, p3, top_up({"SZA-2024": 2719}))
    with answering() as (_, registry):
        send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked) == ("DONE", "MARGIN_CALLED")
    with desk_sessions.read() as session:
        assert service.coverage_history(session, desk.maker, p3)[-1].cash_to_initial_cny == Decimal("19.31")
        assert len(service.live_calls(session, desk.maker, agreement_code="P3")) == 1


def test_a_top_up_of_more_than_is_free_is_refused_with_its_figures(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    with pytest.raises(Conflict, match="33001 t asked, 33000 t free") as refused:
        ask(desk_sessions, desk, p3, top_up({"SZA-2024": 33001}))
    assert refused.value.context["refusals"] == ["units-not-free"]
    assert position(desk_sessions, desk, "E3", "SZA-2024") == (33000, 0, 0)
    with desk_sessions.read() as session:
        assert service.changes_of(session, desk.maker, p3) == ()


def test_the_same_top_up_again_gives_the_one_that_waits(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    first, again = (ask(desk_sessions, desk, p3, top_up({"SZA-2024": 100})) for _ in range(2))
    assert first.id == again.id
    assert position(desk_sessions, desk, "E3", "SZA-2024") == (32900, 100, 0)


def test_15000_t_of_p1_are_refused_and_let_go_against_500000(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p1 = called_desk(session, desk)["P1"]
    freed = {"CEA-2023": 15000}
    with pytest.raises(Conflict, match=r"0\.7766"):
        ask(sessions, desk, p1, change(ChangeKind.PART_RELEASE, freed=freed))
    draft = change(ChangeKind.PART_RELEASE, freed=freed, repayment="500000.00")
    with sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, p1, draft, standing=desk.standing)
    assert outcome.valuation.collateral_value_cny == Decimal("1554630.00")
    assert f"{outcome.valuation.coverage_ratio:.4f}" == "1.0352"
    # 35,000 t at 66.627 and at 51.821, each times 0.6, over 1,501,700.00; and nothing.
    assert [(one.name, str(one.collateral_value_cny)) for one in outcome.scenarios] == [
        ("price_fall_10", "1399167.00"), ("price_fall_30", "1088241.00"), ("worthless_CEA-2023", "0.00"),
    ]  # fmt: skip
    asked = ask(sessions, desk, p1, draft)
    assert state(sessions, desk, asked) == ("PROPOSED", "DRAWN")
    with pytest.raises(Conflict, match="expected at most 1500000"):
        approve(sessions, desk, asked)
    repay(sessions, desk, "1500000.00")
    approve(sessions, desk, asked)
    assert state(sessions, desk, asked) == ("UNFREEZE_REQUESTED", "DRAWN")
    assert position(sessions, desk, "E1", "CEA-2023") == (10000, 0, 50000), "locked until the registry lets go"
    assert pledged(sessions, desk, p1) == {"CEA-2023": 35000}, "but no longer counted"
    with answering() as (_, registry):
        send(sessions, desk, registry)
    assert state(sessions, desk, asked) == ("DONE", "DRAWN")
    assert position(sessions, desk, "E1", "CEA-2023") == (25000, 0, 35000)
    with sessions.read() as session:
        coverage = service.coverage_history(session, desk.maker, p1)[-1]
        assert f"{coverage.coverage_ratio:.4f}" == "1.0352"
        assert "part_release" in [one.event for one in service.timeline_of(session, desk.maker, p1)]


def test_a_partial_release_needs_another_person_and_each_unconfirmed_fact(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
    asked = ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 1}))
    given = {"standing": desk.standing, "reason": "同意", "accepted_unconfirmed": ()}
    with desk_sessions.begin() as session, pytest.raises(NotPermitted):
        service.approve_change(session, desk.maker, asked.id, **given)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"vintage_carries_forward\[SZA\]"):
        service.approve_change(session, desk.checker, asked.id, **given)
    with desk_sessions.begin() as session, pytest.raises(NotFound):
        service.approve_change(session, desk.stranger, asked.id, **given)
    assert state(desk_sessions, desk, asked) == ("PROPOSED", "DRAWN")
    assert state(desk_sessions, desk, approve(desk_sessions, desk, asked))[0] == "UNFREEZE_REQUESTED"


def test_a_substitution_locks_the_new_before_it_frees_the_old(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p2 = called_desk(session, desk)["P2"]
    draft = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 58537}, freed={"SZA-2022": 60000})
    asked = approve(sessions, desk, ask(sessions, desk, p2, draft))
    assert state(sessions, desk, asked) == ("FREEZE_REQUESTED", "DRAWN")
    with answering(fault("P2", Fault.LOSE_REPLY)) as (_, registry):
        send(sessions, desk, registry)
        assert state(sessions, desk, asked) == ("FREEZE_UNKNOWN", "DRAWN")
        assert position(sessions, desk, "E2", "SZA-2022") == (10000, 0, 60000), "old units stay while new are unknown"
        query(sessions, desk, registry)
        assert state(sessions, desk, asked) == ("UNFREEZE_REQUESTED", "DRAWN")
        assert position(sessions, desk, "E2", "SZA-2024") == (218000 - 58537, 0, 58537)
        assert position(sessions, desk, "E2", "SZA-2022") == (10000, 0, 60000)
        send(sessions, desk, registry)
    assert state(sessions, desk, asked) == ("DONE", "DRAWN")
    assert position(sessions, desk, "E2", "SZA-2022") == (70000, 0, 0)
    assert pledged(sessions, desk, p2) == {"SZA-2023": 60000, "SZA-2024": 58537}
    with sessions.read() as session:
        # 60,000 x 40.00 x 0.5 + 58,537 x 41.00 x 0.5
        value = service.coverage_history(session, desk.maker, p2)[-1].collateral_value_cny
        assert value == Decimal("1200000.00") + Decimal("1200008.50")
        kinds = [one.kind for one in service.ledger_entries(session, desk.maker, agreement_code="P2")]
    assert kinds[-3:] == ["reserve", "confirm", "release"]


def test_a_refused_freeze_frees_nothing_and_may_be_asked_anew(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
    draft = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 58537}, freed={"SZA-2022": 60000})
    asked = approve(desk_sessions, desk, ask(desk_sessions, desk, p2, draft))
    with answering(fault("P2", Fault.REJECT)) as (_, registry):
        send(desk_sessions, desk, registry)
        assert state(desk_sessions, desk, asked) == ("FREEZE_REFUSED", "DRAWN")
        assert position(desk_sessions, desk, "E2", "SZA-2024") == (218000, 0, 0)
        with desk_sessions.begin() as session, pytest.raises(Conflict):
            service.free_old(session, desk.maker, asked.id, standing=desk.standing)
        with desk_sessions.begin() as session:
            again = service.ask_again(session, desk.maker, asked.id, standing=desk.standing, cause="账户已核对")
        assert again.attempt == 2
        send(desk_sessions, desk, registry)
    # What the freeze gives rise to leaves in the same sending: the old units are asked free, and the registry agrees.
    assert state(desk_sessions, desk, asked) == ("DONE", "DRAWN")


def test_a_refused_unfreeze_keeps_units_bound_and_is_asked_anew(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
    asked = approve(
        desk_sessions, desk, ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 100}))
    )
    with answering(fault("P2", Fault.REJECT, "unfreeze")) as (_, registry):
        send(desk_sessions, desk, registry)
        assert state(desk_sessions, desk, asked) == ("UNFREEZE_REFUSED", "DRAWN")
        assert position(desk_sessions, desk, "E2", "SZA-2022") == (10000, 0, 60000)
        with desk_sessions.begin() as session:
            service.ask_again(session, desk.maker, asked.id, standing=desk.standing, cause="补正材料")
        send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked) == ("DONE", "DRAWN")
    assert position(desk_sessions, desk, "E2", "SZA-2022") == (10100, 0, 59900)
    assert pledged(desk_sessions, desk, p2) == {"SZA-2022": 59900, "SZA-2023": 60000}


@pytest.mark.parametrize("way", ["change", "approval"])
def test_a_withdrawn_change_is_withdrawn(desk_sessions: Sessions, desk: Desk, way: str) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
    asked = ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 100}))
    with desk_sessions.begin() as session:
        waiting = service.waiting_change_approval(session, desk.maker, asked.id)
        assert waiting is not None
        if way == "change":
            service.withdraw_change(session, desk.maker, asked.id, standing=desk.standing, reason="客户改期")
        else:
            at = desk.standing.known_at
            approvals.withdraw(session, desk.maker, waiting.id, kinds=(CHANGE_APPROVAL,), reason="客户改期", at=at)
    assert state(desk_sessions, desk, asked) == ("WITHDRAWN", "DRAWN")
    with desk_sessions.read() as session:
        assert service.waiting_change_approval(session, desk.maker, asked.id) is None
    ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 200}))


def test_a_called_pledge_lets_units_go_only_where_that_restores_it(desk_sessions: Sessions, desk: Desk) -> None:
    """P3 owes 855,758.81. With 120,000.00 repaid, 735,758.81: 36,788 t of 40,000 t at 20.00 each are 735,760.00."""
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    with pytest.raises(Conflict, match="coverage after the change"):
        ask(desk_sessions, desk, p3, change(ChangeKind.PART_RELEASE, freed={"SZA-2023": 3213}, repayment="120000.00"))
    draft = change(ChangeKind.PART_RELEASE, freed={"SZA-2023": 3212}, repayment="120000.00")
    asked = ask(desk_sessions, desk, p3, draft)
    with desk_sessions.begin() as session:
        service.record_exposure(
            session, desk.maker, "P3", principal_cny=Decimal("735000.00"), accrued_cny=Decimal("758.81"),
            exposure_date=TODAY,
        )  # fmt: skip
    approve(desk_sessions, desk, asked)
    assert state(desk_sessions, desk, asked) == ("UNFREEZE_REQUESTED", "DRAWN")
    with desk_sessions.read() as session:
        events = [one.event for one in service.timeline_of(session, desk.maker, p3)]
    assert events[-2:] == ["cured", "part_release"]


def test_a_unit_on_both_sides_of_a_change_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="SZA-2022 is added and freed in one change") as refused:
        change(ChangeKind.SUBSTITUTION, added={"SZA-2022": 10, "SZA-2024": 5}, freed={"SZA-2022": 60_010})
    assert (refused.value.field, "SZA-2022 不能" in refused.value.zh) == ("units", True)


def test_a_top_up_is_taken_while_another_change_waits_and_the_full_release_waits_for_both(
    desk_sessions: Sessions, desk: Desk
) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
    release = change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 100})
    asked = ask(desk_sessions, desk, p2, release)
    with pytest.raises(Conflict, match="under way"):
        ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 200}))
    added = ask(desk_sessions, desk, p2, top_up({"SZA-2022": 50}))
    with desk_sessions.begin() as session:
        service.repay_pledge(session, desk.maker, p2, standing=desk.standing, cause="结清")
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="change 1"):
        service.request_unfreeze(session, desk.maker, p2, standing=desk.standing, agreed=desk.agreed)
    with desk_sessions.begin() as session:
        service.withdraw_change(session, desk.maker, asked.id, standing=desk.standing, reason="已结清")
    with answering() as (_, registry):
        send(desk_sessions, desk, registry)
        assert state(desk_sessions, desk, added) == ("DONE", "REPAID")
        with desk_sessions.begin() as session:
            service.request_unfreeze(session, desk.maker, p2, standing=desk.standing, agreed=desk.agreed)
        send(desk_sessions, desk, registry)
    assert position(desk_sessions, desk, "E2", "SZA-2022") == (70000, 0, 0)
    assert position(desk_sessions, desk, "E2", "SZA-2023") == (80000, 0, 0)


def test_without_the_days_exposure_nothing_is_weighed(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
        later = service.standing_on(session, desk.maker, TODAY + timedelta(days=1))
        with pytest.raises(MissingData, match="2025-07-01"):
            service.preview_change(session, desk.maker, p2, top_up({"SZA-2022": 1}), standing=later)


@pytest.mark.parametrize(
    ("kind", "added", "freed", "repayment"),
    [
        (ChangeKind.TOP_UP, {}, {}, "0"),
        (ChangeKind.TOP_UP, {"SZA-2024": 1}, {"SZA-2023": 1}, "0"),
        (ChangeKind.SUBSTITUTION, {"SZA-2024": 1}, {}, "0"),
        (ChangeKind.PART_RELEASE, {"SZA-2024": 1}, {}, "0"),
        (ChangeKind.TOP_UP, {"SZA-2024": 1}, {}, "1.00"),
        (ChangeKind.PART_RELEASE, {}, {"SZA-2024": 1}, "-1.00"),
        (ChangeKind.PART_RELEASE, {}, {"SZA-2024": 1}, "0.001"),
    ],
)
def test_a_change_of_another_shape_is_refused(
    kind: ChangeKind, added: dict[str, int], freed: dict[str, int], repayment: str
) -> None:
    with pytest.raises(InvalidInput):
        change(kind, added=added, freed=freed, repayment=repayment)


def test_more_than_is_pledged_and_everything_are_not_freed_in_part() -> None:
    held = units({"SZA-2023": 10})
    with pytest.raises(InvalidInput, match="11 t are to be freed, 10 t are pledged"):
        units_after(held, added=(), freed=units({"SZA-2023": 11}))
    with pytest.raises(InvalidInput, match="nothing would stay"):
        units_after(held, added=(), freed=held)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(state=st.sampled_from(sorted(CHANGE.states)), event=st.sampled_from(sorted({edge[1] for edge in CHANGE.edges})))
def test_every_pair_that_is_no_edge_of_a_change_is_refused(state: str, event: str) -> None:
    edges = {edge[:2]: edge[2] for edge in CHANGE.edges}
    if (state, event) in edges:
        assert CHANGE.after(state, event) == edges[state, event]
    else:
        with pytest.raises(Conflict):
            CHANGE.after(state, event)


def test_a_stale_price_lets_no_unit_go_and_is_told_of_a_top_up(desk_sessions: Sessions, desk: Desk) -> None:
    # the last SZA quotes are of 30 June; ten trading days later, on 14 July, it is too old, and five days later it is not
    with desk_sessions.begin() as session:
        p2 = called_desk(session, desk)["P2"]
        for days in (7, 14):
            service.record_exposure(
                session, desk.maker, "P2", principal_cny=Decimal("100000.00"), accrued_cny=Decimal("0.00"),
                exposure_date=TODAY + timedelta(days=days),
            )  # fmt: skip
        fresh, late = (service.standing_on(session, desk.maker, TODAY + timedelta(days=days)) for days in (7, 14))
        freeing = change(ChangeKind.PART_RELEASE, freed={"SZA-2023": 1})
        assert service.preview_change(session, desk.maker, p2, freeing, standing=fresh).refusals == ()
        outcome = service.preview_change(session, desk.maker, p2, freeing, standing=late)
        assert [one.code for one in outcome.refusals] == ["price-stale", "price-stale"], "both vintages of P2"
        refusal = outcome.refusals[1]
        said = "the price of SZA-2023 is of 2025-06-30, 10 trading days old, more than 5; load quotes up to 2025-07-14"
        assert refusal.detail == f"{said} and weigh it again"
        assert "请补录至 2025-07-14 的行情后重新试算" in refusal.zh
        assert {"price_age_SZA-2023", "stale_after_SZA"} <= {figure.name for figure in outcome.trace}
        added = service.preview_change(session, desk.maker, p2, top_up({"SZA-2023": 1}), standing=late)
        assert (added.refusals, [one.code for one in added.notes]) == ((), ["price-stale", "price-stale"]), (
            "a top-up is always taken"
        )
        with pytest.raises(Conflict, match="10 trading days old"):
            service.propose_change(session, desk.maker, p2, freeing, standing=late)
