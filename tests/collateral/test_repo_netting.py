"""Net margin of repos, figures by hand: two parties, an opinion on file, and what stands alone without one."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import decisions_of, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import inbox_of
from carbonfin.storage.rows import table_of
from collateral import jobs, service
from collateral.calc.close_out import RepoSide
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_netting import NettedRepo, NettingInputs, decide_repo_netting
from collateral.models import RepoRow
from collateral.service import CallStep
from tests.collateral.desk import Desk, build_desk, repo_r1
from tests.collateral.test_calls import TERMS, agree_terms, roll
from tests.collateral.test_repo_run import add_copies
from tests.collateral.world import TODAY

OPINION = ["净额结算法律意见：示例律师事务所 2025-03-01", "跨境业务依据：待确认"]

REPO_TERMS = replace(
    TERMS, agreement_kind="repo", agreement_code="R1", currency=Currency.HKD, minimum_transfer=Decimal("50000.00")
)


def netted(code: str, **own: Any) -> NettedRepo:
    """R 1,000,000 against 1,500,000 of units at a haircut of 40 %: by B 1,000,000 - 900,000 = 100,000."""
    whole = NettedRepo(
        code=code, side=RepoSide.BUYER, exposure_decision_id="-", method=ExposureMethod.B,
        haircut_ratio=Decimal("0.40"), accrued_cny=Decimal("1000000.00"), market_value_cny=Decimal("1500000.00"),
        margin_cash_cny=Decimal("0.00"), margin_units_cny=Decimal("0.00"), minimum_transfer_cny=Decimal("50000.00"),
        currency=Currency.CNY, cny_per_unit=Decimal(1),
    )  # fmt: skip
    return replace(whole, **own)


def inputs(*repos: NettedRepo) -> NettingInputs:
    return NettingInputs(
        first_party_id="1", first_party="甲", second_party_id="2", second_party="乙", opinion="示例律师事务所",
        valuation_date=date(2025, 6, 30), repos=repos,
    )  # fmt: skip


def test_exposures_of_both_sides_are_set_against_each_other_and_called_once() -> None:
    # +100,000; 1,000,000 / 0.6 - 1,500,000 = +166,666.67 by A; other way round -(1,000,000 - 1,600,000 x 0.6) = -40,000
    outcome = decide_repo_netting(
        inputs(
            netted("R1"),
            netted("R2", method=ExposureMethod.A),
            netted("R3", side=RepoSide.SELLER, market_value_cny=Decimal("1600000.00")),
        )
    )
    assert (outcome.net_exposure_cny, outcome.called_code) == (Decimal("226666.67"), "R2")
    assert (outcome.call_amount, outcome.currency) == (Decimal("226666.67"), Currency.CNY)
    values = {figure.name: figure.value for figure in outcome.trace}
    assert (values["exposure_R1"], values["exposure_R2"], values["exposure_R3"]) == (
        "100000.00", "166666.67", "-40000.00",
    )  # fmt: skip
    assert values["net_exposure"] == "226666.67"
    net = next(figure for figure in outcome.trace if figure.name == "net_exposure")
    assert {"exposure_R1", "exposure_R2", "exposure_R3", "margin_R1"} <= set(net.inputs)


def test_margin_counts_for_who_holds_it_and_not_through_the_margin_ratio() -> None:
    # 100,000 + 166,666.67 less 30,000 cash and 10,000 of units held, plus 5,000 that the other side holds
    outcome = decide_repo_netting(
        inputs(
            netted("R1", margin_cash_cny=Decimal("30000.00"), margin_units_cny=Decimal("10000.00")),
            netted("R2", method=ExposureMethod.A, margin_cash_cny=Decimal("-5000.00")),
        )
    )
    assert outcome.net_exposure_cny == Decimal("231666.67")


def test_a_net_below_the_least_minimum_calls_nobody_and_one_equal_to_it_is_called() -> None:
    over = netted("R2", accrued_cny=Decimal("850000.00"))  # 850,000 - 900,000 = -50,000: net 50,000
    assert decide_repo_netting(inputs(netted("R1"), over)).call_amount == Decimal("50000.00")
    less = replace(over, accrued_cny=Decimal("849999.99"))
    outcome = decide_repo_netting(inputs(netted("R1"), less))
    assert (outcome.net_exposure_cny, outcome.called_code) == (Decimal("49999.99"), None)


def test_the_call_stands_on_the_largest_exposure_of_who_is_owed_in_its_currency() -> None:
    # the second party buys R2: 2,000,000 - 900,000 = 1,100,000 owed to it, less 100,000: 1,000,000 CNY / 0.8 HKD
    outcome = decide_repo_netting(
        inputs(
            netted("R1"),
            netted("R2", side=RepoSide.SELLER, accrued_cny=Decimal("2000000.00"), currency=Currency.HKD,
                   cny_per_unit=Decimal("0.8")),
        )
    )  # fmt: skip
    assert outcome.net_exposure_cny == Decimal("-1000000.00")
    assert (outcome.called_code, outcome.call_amount, outcome.currency) == (
        "R2", Decimal("1250000.00"), Currency.HKD,
    )  # fmt: skip


def test_who_is_owed_only_margin_that_goes_back_makes_no_call() -> None:
    # R1 and R2 owe nothing net of 300,000 held by the first party: -100,000, and the second party buys nothing
    held = netted("R1", margin_cash_cny=Decimal("300000.00"))
    outcome = decide_repo_netting(inputs(held, netted("R2")))
    assert (outcome.net_exposure_cny, outcome.called_code) == (Decimal("-100000.00"), None)


@pytest.mark.parametrize("has_opinion", [True, False])
def test_the_day_nets_repos_with_an_opinion_and_leaves_the_others_alone(
    desk_sessions: Sessions, desk: Desk, *, has_opinion: bool
) -> None:
    # R1 120,831.14 CNY (test_repo_run); R2 of 110,000 t: 2,200,831.14 - 2,288,000.00 = -87,168.86; net 33,662.28 CNY
    # alone, under the minimum of 50,000 HKD; R3 of 103,000 t: 58,431.14, net 92,093.42 = 100,901.41 HKD
    flags = OPINION if has_opinion else ["净额结算法律意见：无"]
    add_copies(desk_sessions, desk, {"R2": {"quantity_t": 110_000, "flags": flags}, "R3": {"quantity_t": 103_000}})
    with desk_sessions.begin() as session:
        session.execute(sa.update(table_of(RepoRow)).values(flags=flags))
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        called = {one.agreement_code: str(one.cash_amount) for one in service.live_calls(session, desk.maker)}
        assert called == ({"R1": "100901.41"} if has_opinion else {"R1": "132387.66", "R3": "64019.60"})
        decisions = decisions_of(session, desk.maker, kind="collateral.repo_netting")
        assert len(decisions) == int(has_opinion)
        assert all(replay_decision(session, service.DECISION_KINDS, one.id).same for one in decisions)
        net = service.net_margins(session, desk.maker).get("R2")
        assert (None if net is None else str(net.outcome.net_exposure_cny)) == ("92093.42" if has_opinion else None)
    with desk_sessions.begin() as session:
        jobs.revalue(session, desk.maker, TODAY)
        assert len(service.live_calls(session, desk.maker)) == (1 if has_opinion else 2)


def test_a_repo_that_cannot_be_valued_leaves_the_others_of_its_agreement_alone(
    desk_sessions: Sessions, desk: Desk
) -> None:
    add_copies(desk_sessions, desk, {"R2": {"quantity_t": 110_000}, "R3": {"unit": "EUA"}})
    with desk_sessions.begin() as session:
        session.execute(sa.update(table_of(RepoRow)).values(flags=OPINION))
        assert len(jobs.revalue(session, desk.maker, TODAY).failures) == 1
        assert [str(one.cash_amount) for one in service.live_calls(session, desk.maker)] == ["132387.66"]
        assert decisions_of(session, desk.maker, kind="collateral.repo_netting") == ()


def returning(*repos: NettedRepo) -> NettingInputs:
    return replace(inputs(*repos), returns_margin=True)


def holding(code: str, cash: str, rate: str = "1", **own: Any) -> NettedRepo:
    """A repo whose buyer holds cash margin."""
    held, worth = Decimal(cash), Decimal(rate)
    return netted(
        code, margin_cash_amount=held, margin_cash_cny=(held * worth).quantize(Decimal("0.01")), cny_per_unit=worth,
        currency=Currency.CNY if rate == "1" else Currency.HKD, **own,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("repos", "net", "back", "call"),
    [
        # 100,000 + 100,000 - 300,000 held: the second party gets 100,000 of its own back
        ((holding("R1", "300000.00"), netted("R2")), "-100000.00", [("R1", "100000.00")], None),
        # -100,000 each, 40,000 CNY and 100,000 HKD (90,000 CNY) held: both go back whole, and there is no repo to call on
        (
            (
                holding("R1", "40000.00", accrued_cny=Decimal("800000.00")),
                holding("R2", "100000.00", "0.9", accrued_cny=Decimal("800000.00")),
            ),
            "-330000.00", [("R2", "100000.00"), ("R1", "40000.00")], None,
        ),
        # 100,000 - 80,000 - 90,000 = -70,000 CNY are 77,777.77 HKD and a part of a cent, which is not called
        (
            (netted("R1"), holding("R2", "100000.00", "0.9", accrued_cny=Decimal("820000.00")),
             netted("R3", side=RepoSide.SELLER, accrued_cny=Decimal("900000.00"))),
            "-70000.00", [("R2", "77777.77")], None,
        ),
        # -100,000 - 30,000 held - 100,000 that the second party is exposed by on R3: 30,000 back, 200,000 called
        (
            (holding("R1", "30000.00", accrued_cny=Decimal("800000.00")), netted("R3", side=RepoSide.SELLER)),
            "-230000.00", [("R1", "30000.00")], ("R3", "200000.00"),
        ),
        # the first party is owed 150,000 of its own that the second holds as the buyer of R3, before 100,000 on R1
        (
            (netted("R1"), holding("R3", "150000.00", side=RepoSide.SELLER, accrued_cny=Decimal("900000.00"))),
            "250000.00", [("R3", "150000.00")], ("R1", "100000.00"),
        ),
        # 60,000 + 100,000 - 200,000 = -40,000 lie below the least transfer of 50,000
        (
            (holding("R1", "200000.00", accrued_cny=Decimal("960000.00")), netted("R2")), "-40000.00", [], None,
        ),
    ],
)  # fmt: skip
def test_margin_of_who_is_owed_goes_back_before_more_is_called(
    repos: tuple[NettedRepo, ...], net: str, back: list[tuple[str, str]], call: tuple[str, str] | None
) -> None:
    outcome = decide_repo_netting(returning(*repos))
    assert outcome.net_exposure_cny == Decimal(net)
    assert [(one.code, str(one.amount)) for one in outcome.returns or ()] == back
    assert (None if outcome.called_code is None else (outcome.called_code, str(outcome.call_amount))) == call
    values = {figure.name: figure.value for figure in outcome.trace}
    assert {name: values[f"margin_return_{name}"] for name, _ in back} == dict(back)
    assert decide_repo_netting(inputs(*repos)).returns is None, "decisions of before did not look at it"


def test_the_day_calls_the_return_on_a_net_once_and_the_margin_follows(sessions: Sessions) -> None:
    # 92,093.42 net of R1 to R3 (above) less 200,000 HKD held on R1, 182,541.40 CNY: -90,447.98, at 0.912707
    # 99,098.59 HKD are over, of which R1's terms let whole thousands go back, rounded down: 99,000.00; of the 101,000.00
    # left, 92,183.41 CNY, 89.99 CNY are over, less than the minimum
    with sessions.begin() as session:
        desk = build_desk(session)
    add_copies(sessions, desk, {"R2": {"quantity_t": 110_000}, "R3": {"quantity_t": 103_000}})
    table = table_of(RepoRow)
    with sessions.begin() as session:
        session.execute(sa.update(table).values(flags=OPINION))
        session.execute(sa.update(table).where(table.c.code == "R1").values(margin_cash_amount=Decimal("200000.00")))
    agree_terms(sessions, desk, REPO_TERMS)
    for _ in range(2):
        with sessions.begin() as session:
            assert jobs.revalue(session, desk.maker, TODAY).failures == ()
    with sessions.read() as session:
        (call,) = service.live_calls(session, desk.maker)
        states = {one.terms.code: one.state for one in service.repos_of(session, desk.maker)}
        assert replay_decision(session, service.DECISION_KINDS, call.decision_id).same
        steps = [one.event for one in service.timeline_of_call(session, desk.maker, call.id)]
    assert (call.agreement_code, call.direction, str(call.cash_amount)) == ("R1", "return", "99000.00")
    assert (call.deadline, set(states.values())) == (date(2025, 7, 2), {"OPEN"})
    assert steps == ["notify", "issue"], "after the notification time of the day it counts as of the next"
    with sessions.begin() as session:
        given = CallStep(name="receive", words="凭证 1", amount=Decimal("99000.00"))
        moved = service.take_call_step(session, desk.maker, call.id, given, standing=desk.standing)
        assert moved.state == "SETTLED"
    with sessions.begin() as session:
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        assert service.live_calls(session, desk.maker) == ()
        found = {one.terms.code: one.margin_cash_amount for one in service.repos_of(session, desk.maker)}
        assert found["R1"] == Decimal("101000.00")
        net = service.net_margins(session, desk.maker)["R1"].outcome
        assert (net.net_exposure_cny, net.returns, net.called_code) == (Decimal("-89.99"), (), None)


@pytest.mark.parametrize(("held", "direction"), [("0.00", "delivery"), ("200000.00", "return")])
def test_a_call_of_a_repo_expires_past_its_deadline_and_is_told(
    desk_sessions: Sessions, desk: Desk, held: str, direction: str
) -> None:
    table = table_of(RepoRow)
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        session.execute(sa.update(table).values(margin_cash_amount=Decimal(held)))
    agree_terms(desk_sessions, desk, REPO_TERMS)
    for day in (TODAY, date(2025, 7, 1), date(2025, 7, 2), date(2025, 7, 2)):
        roll(desk_sessions, desk, day)
        with desk_sessions.begin() as session:
            jobs.revalue(session, desk.maker, day)
            (call,) = service.live_calls(session, desk.maker)
            assert call.direction == direction
            # due on 2 July at 15:00, and the day is struck at its end
            assert call.state == ("EXPIRED" if day == date(2025, 7, 2) else "ISSUED"), day
    with desk_sessions.read() as session:
        events = [one.event for one in service.timeline_of_call(session, desk.maker, call.id)]
        assert events == ["notify", "issue", "no answer by deadline"]
        told = [one.title_zh for one in inbox_of(session, desk.maker)]
    assert ("退还保证金逾期：R1" if direction == "return" else "追加担保逾期：R1") in told
