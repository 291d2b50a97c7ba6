"""Haircuts of repos by the policy of the units' class: the larger of table and policy, the currency added to both."""

from dataclasses import replace
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import Conflict
from carbonfin.storage.decisions import decisions_of, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.haircut_models.stack import HAIRCUT_STACK
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b
from tests.collateral.desk import Desk, repo_r1
from tests.collateral.test_default_simulations import load_quotes
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.world import TODAY


def test_units_that_count_nothing_leave_all_that_is_owed_open() -> None:
    given = {
        "repurchase_value": Decimal("2200831.14"),
        "market_value": Decimal("4000000.00"),
        "haircut_ratio": Decimal(1),
    }
    assert exposure_method_a(**given) == exposure_method_b(**given) == Decimal("2200831.14")


@pytest.mark.parametrize("method", ["A", "B"])
def test_a_running_repo_whose_units_the_policy_does_not_accept_is_called_for_all(
    desk_sessions: Sessions, desk: Desk, method: str
) -> None:
    with desk_sessions.begin() as session:
        given = replace(repo_r1(desk).terms, method=ExposureMethod(method))
        repo = service.open_repo(session, desk.maker, replace(repo_r1(desk), terms=given), standing=desk.standing)
    in_force(desk_sessions, desk, policy(components=("close_out",), table_ratio="0.57", ceiling_ratio="0.57"))
    with desk_sessions.begin() as session:
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        found = service.latest_repo_exposure(session, desk.maker, repo.id, standing=desk.standing)
    assert found is not None
    assert (found.haircut_ratio, found.exposure_b_cny) == (1, found.accrued_value_cny)


def test_a_repo_takes_the_larger_of_table_and_policy_with_the_currency_added(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """0.57 of the class and 0.08 sqrt((1 + 20 - 1) / 10) = 0.1132 of HKD are 0.6832; the dated table says 0.48."""
    load_quotes(desk_sessions, desk)
    with desk_sessions.begin() as session:
        terms = replace(repo_r1(desk).terms, purchase_price_amount=Decimal("1000000.00"))
        repo = service.open_repo(session, desk.maker, replace(repo_r1(desk), terms=terms), standing=desk.standing)
        before = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
    assert before.haircut_ratio == Decimal("0.48")
    in_force(desk_sessions, desk, policy(table_ratio="0.57"))
    with desk_sessions.begin() as session:
        tried = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
        assert tried.haircut_ratio == Decimal("0.6832")
        worse = tried.market_value_cny * (Decimal("0.6832") - Decimal("0.48"))
        assert abs(tried.exposure_b_cny - before.exposure_b_cny - worse) <= Decimal("0.01")
        assert not decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name), "a trial keeps nothing"
        jobs.revalue(session, desk.maker, TODAY)
        kept = decisions_of(session, desk.maker, kind="collateral.repo_exposure")[-1]
        (stack,) = decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name)
        assert stack.outputs["haircut_ratio"] == "0.6832"
        assert kept.inputs["haircut"]["policy"]["decision_id"] == stack.id
        for one in (kept, stack):
            assert replay_decision(session, service.DECISION_KINDS, one.id).same
        wanted = replace(repo_r1(desk), terms=replace(repo_r1(desk).terms, code="R2", purchase_date=TODAY))
        with pytest.raises(Conflict, match="exceeds lendable"):
            service.open_repo(session, desk.maker, wanted, standing=desk.standing)
