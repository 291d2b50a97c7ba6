"""A top-up of units that a schedule does not admit: taken and bound, at no value until a schedule admits them."""

import json
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.pledge_changes import ChangeKind, PledgeChange, uncounted_after
from tests.collateral.changes import answering, ask, called_desk, pledged, position, send, state, top_up, units
from tests.collateral.desk import Desk, build_desk, take_over_all
from tests.collateral.test_calls import roll
from tests.collateral.test_eligibility_schedules import SCHEDULE, put_in_force
from tests.collateral.world import TODAY

NEW = Unit.parse("SZA-2024")
TOMORROW = date(2025, 7, 1)
ADMITTING = json.dumps({"criteria": SCHEDULE["criteria"][:1]})
STRICTER = json.dumps(
    {
        "criteria": [
            {
                "collateralCriteria": SCHEDULE["criteria"][0]["collateralCriteria"],
                "treatment": {"isIncluded": True, "valuationTreatment": {"haircutPercentage": 0.6}},
            }
        ]
    }
)


def value(sessions: Sessions, desk: Desk, pledge_id: str) -> Decimal:
    with sessions.read() as session:
        return service.coverage_history(session, desk.maker, pledge_id)[-1].collateral_value_cny


@pytest.mark.parametrize("text", [json.dumps(SCHEDULE), STRICTER])
def test_what_a_schedule_does_not_admit_is_bound_and_cures_nothing(sessions: Sessions, text: str) -> None:
    # 2,720 t of SZA-2024 at 41.00 and half cure P3 (test_pledge_changes): 800,000.00 + 55,760.00 = 855,760.00
    with sessions.begin() as session:
        desk = build_desk(session)
        p3 = called_desk(session, desk)["P3"]
    put_in_force(sessions, desk, text)
    asked = ask(sessions, desk, p3, top_up({"SZA-2024": 2720}))
    with answering() as (_, registry):
        send(sessions, desk, registry)
    assert state(sessions, desk, asked) == ("DONE", "MARGIN_CALLED")
    assert position(sessions, desk, "E3", "SZA-2024") == (30280, 0, 2720)
    assert pledged(sessions, desk, p3) == {"SZA-2023": 40000, "SZA-2024": 2720}
    assert value(sessions, desk, p3) == Decimal("800000.00")
    with sessions.begin() as session:
        told = service.change_outcome(session, desk.maker, asked)
        assert (told.unlisted, told.valuation.collateral_value_cny) == (units({"SZA-2024": 2720}), Decimal("800000.00"))
        assert replay_decision(session, service.DECISION_KINDS, asked.decision_id).same
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        record = service.coverage_history(session, desk.maker, p3)[-1]
        figures = {one.name: one for one in load_decision(session, desk.maker, record.decision_id).trace}
        assert replay_decision(session, service.DECISION_KINDS, record.decision_id).same
        now = service.coverage_now(
            session, desk.maker, service.load_pledge(session, desk.maker, p3), standing=desk.standing
        )
    assert (record.collateral_value_cny, now.valuation.collateral_value_cny) == (Decimal("800000.00"),) * 2
    assert (figures["unlisted_SZA-2024"].value, figures["collateral_value_SZA-2024"].value) == ("2720", "0.00")


def test_it_counts_from_the_day_a_schedule_admits_it(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    put_in_force(desk_sessions, desk)
    ask(desk_sessions, desk, p3, top_up({"SZA-2024": 2720}))
    with answering() as (_, registry):
        send(desk_sessions, desk, registry)
    assert value(desk_sessions, desk, p3) == Decimal("800000.00")
    put_in_force(desk_sessions, desk, ADMITTING, day=TOMORROW)
    roll(desk_sessions, desk, TOMORROW)
    with desk_sessions.begin() as session:
        for code, principal in (("P1", "2000000.00"), ("P2", "2300000.00"), ("P3", "855000.00")):
            service.record_exposure(
                session, desk.maker, code, principal_cny=Decimal(principal), accrued_cny=Decimal("758.81"),
                exposure_date=TOMORROW,
            )  # fmt: skip
        jobs.revalue(session, desk.maker, TOMORROW)
    assert value(desk_sessions, desk, p3) == Decimal("855760.00")


def test_a_call_does_not_propose_what_would_not_count(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = take_over_all(session, desk)["P3"]
    put_in_force(desk_sessions, desk)
    with desk_sessions.begin() as session:
        jobs.revalue(session, desk.maker, TODAY)
        jobs.issue_calls(session, desk.maker, TODAY)
        (call,) = service.live_calls(session, desk.maker, agreement_code="P3")
        now = service.coverage_now(
            session, desk.maker, service.load_pledge(session, desk.maker, p3), standing=desk.standing
        )
    assert [str(one.unit) for one in call.top_ups] == ["SZA-2023"]
    assert [str(one.unit) for one in now.top_ups] == ["SZA-2023"]


def moved(
    kind: ChangeKind, *, added: dict[str, int] | None = None, freed: dict[str, int] | None = None
) -> PledgeChange:
    return PledgeChange(
        id="1", pledge_id="1", number=1, kind=kind, state="DONE", added=units(added or {}), freed=units(freed or {}),
        repayment_cny=Decimal(0), principal_before_cny=Decimal(0), reason="-", decision_id="1", attempt=0,
        started_on=TODAY, maker_id="1", maker_name="-",
    )  # fmt: skip


def test_what_is_freed_leaves_from_what_does_not_count_first() -> None:
    told, nothing = frozenset({NEW}), frozenset[Unit]()
    taken = (moved(ChangeKind.TOP_UP, added={"SZA-2024": 100, "SZA-2023": 7}), told)
    assert uncounted_after([taken]) == {NEW: 100}
    assert uncounted_after([taken, (moved(ChangeKind.PART_RELEASE, freed={"SZA-2024": 30}), nothing)]) == {NEW: 70}
    assert uncounted_after([taken, (moved(ChangeKind.PART_RELEASE, freed={"SZA-2024": 130}), nothing), taken]) == {
        NEW: 100
    }
    assert uncounted_after([(moved(ChangeKind.TOP_UP, added={"SZA-2024": 9}), nothing), taken]) == {NEW: 100}
