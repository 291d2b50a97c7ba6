"""The bank's schedules of eligible collateral asked of its own repos; the schedule takes 0.3 + 0.05 off at least."""

from dataclasses import replace
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind
from collateral.service import DECISION_KINDS, RepoContract
from collateral.service import repo_events as life
from tests.collateral.desk import Desk
from tests.collateral.test_eligibility_schedules import put_in_force
from tests.collateral.test_repo_contracts import contract, decide, opened

EXCLUDED = Unit.parse("SZA-2024")


def own(desk: Desk, price: str = "1000000.00") -> RepoContract:
    return replace(contract(desk, Currency.CNY, price), bank_role="principal")


def test_an_excluded_unit_is_refused_when_weighed_and_when_proposed(desk_sessions: Sessions, desk: Desk) -> None:
    put_in_force(desk_sessions, desk)
    excluded = replace(own(desk), unit=EXCLUDED)
    with desk_sessions.read() as session:
        weighed = service.preview_repo(session, desk.maker, excluded, standing=desk.standing)
    (refusal,) = weighed.start.refusals or ()
    assert refusal.code == "not-eligible-by-schedule"
    assert "第 2 条排除：品种或指数为 SZA-2024" in refusal.zh
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="SZA-2024 is not eligible") as refused:
        service.propose_repo(session, desk.maker, excluded, standing=desk.standing, reason="合同")
    assert refused.value.field == "unit"
    assert refused.value.remedy


def test_what_the_bank_only_arranges_is_not_held_to_what_it_accepts(desk_sessions: Sessions, desk: Desk) -> None:
    put_in_force(desk_sessions, desk)
    repo = opened(desk_sessions, desk, replace(contract(desk, Currency.CNY, "1000000.00"), unit=EXCLUDED))
    assert repo.state == "OPEN"


def test_admitted_units_pass_at_the_schedules_haircut_and_not_below(desk_sessions: Sessions, desk: Desk) -> None:
    """The bank's own haircut is 0.40; 0.34 is agreed with a reason, which the schedule's 0.35 does not allow."""
    put_in_force(desk_sessions, desk)
    below = replace(own(desk), haircut_ratio=Decimal("0.34"), override_reason="授信审批委员会决议")
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"haircut 0\.34 is below 0\.35"):
        service.propose_repo(session, desk.maker, below, standing=desk.standing, reason="合同")
    repo = opened(desk_sessions, desk, replace(below, haircut_ratio=Decimal("0.35")))
    with desk_sessions.read() as session:
        record = load_decision(session, desk.maker, repo.start_decision_id)
        assert replay_decision(session, DECISION_KINDS, record.id).same
    (kept,) = record.inputs["schedules"]["schedules"]
    assert kept["code"] == "S1"
    assert "refusals" not in record.outputs


def test_a_schedule_that_came_meanwhile_refuses_the_start(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        waiting = service.propose_repo(
            session, desk.maker, replace(own(desk), unit=EXCLUDED), standing=desk.standing, reason="合同"
        )
    put_in_force(desk_sessions, desk)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="SZA-2024 is not eligible"):
        decide(session, desk, waiting.id, by="checker")
    with desk_sessions.read() as session:
        assert service.repo_by_code(session, desk.maker, "R2") is None


def test_an_excluded_unit_does_not_come_in_by_substitution(desk_sessions: Sessions, desk: Desk) -> None:
    repo = opened(desk_sessions, desk, own(desk))
    put_in_force(desk_sessions, desk)
    change = RepoEventDraft(kind=RepoEventKind.SUBSTITUTE, unit=EXCLUDED, reason="双方书面同意")
    with desk_sessions.begin() as session:
        weighed = life.preview_repo_event(session, desk.maker, repo.id, change, standing=desk.standing)
        assert [one.code for one in weighed.refusals] == ["not-eligible-by-schedule"]
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="SZA-2024 is not eligible"):
        life.propose_repo_event(session, desk.maker, repo.id, change, standing=desk.standing)
    back = RepoEventDraft(kind=RepoEventKind.REPRICE, reason="双方书面同意")
    with desk_sessions.begin() as session:
        assert not life.preview_repo_event(session, desk.maker, repo.id, back, standing=desk.standing).refusals
