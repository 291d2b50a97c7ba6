"""Margin terms of an annex on repos, figures by hand: alone, on a net, and through the day with two people's terms."""

from dataclasses import replace
from decimal import Decimal

import pytest

from carbonfin.kernel.units import Currency, Money
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.close_out import RepoSide
from collateral.calc.margin import Infinite, MarginTerms, Rounding, RoundingDirection
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_exposure import decide_repo_exposure
from collateral.calc.repo_margin import RepoMargin
from collateral.calc.repo_netting import decide_repo_netting
from tests.collateral.desk import Desk, build_desk, repo_r1
from tests.collateral.test_calls import agree_terms
from tests.collateral.test_repo import exposure
from tests.collateral.test_repo_netting import REPO_TERMS, holding, inputs, netted, returning
from tests.collateral.world import TODAY


def annex(
    threshold: str | None = "0.00", *, independent: str = "0.00", minimum: str = "0.00", multiple: str = "0.01",
    document: str = "附件一", currency: Currency = Currency.CNY,
) -> RepoMargin:  # fmt: skip
    whole = Money.of(multiple, currency)
    return RepoMargin(
        terms=MarginTerms(
            threshold=Infinite.INFINITE if threshold is None else Money.of(threshold, currency),
            minimum_transfer=Money.of(minimum, currency),
            delivery_rounding=Rounding(multiple=whole, direction=RoundingDirection.UP),
            return_rounding=Rounding(multiple=whole, direction=RoundingDirection.DOWN),
        ),
        independent=Decimal(independent), document=document, source="约定保证金条款第 1 版",
    )  # fmt: skip


def in_hkd(threshold: str | None, **own: str) -> RepoMargin:
    return annex(threshold, currency=Currency.HKD, **own)


@pytest.mark.parametrize(
    ("agreed", "call", "units_t"),
    [
        # 120,831.14 CNY less 100,000 HKD, 91,270.70 CNY: 29,560.44 CNY are 32,387.66 HKD; / 20.80 a tonne: 1,421.2
        (in_hkd("100000.00"), "32387.66", 1422),
        (in_hkd("100000.00", multiple="1000.00"), "33000.00", 1422),
        # the annex's minimum counts, not the contract's 50,000, and before rounding
        (in_hkd("100000.00", minimum="32387.66", multiple="1000.00"), "33000.00", 1422),
        (in_hkd("100000.00", minimum="32387.67", multiple="1000.00"), "0.00", 0),
        # 50,000 HKD on top, 45,635.35 CNY: 166,466.49 CNY are 182,387.66 HKD; / 20.80: 8,003.2
        (in_hkd("0.00", independent="50000.00"), "182387.66", 8004),
        (in_hkd(None, independent="50000.00"), "0.00", 0),
    ],
)
def test_a_repo_alone_is_called_by_its_annex(agreed: RepoMargin, call: str, units_t: int) -> None:
    outcome = decide_repo_exposure(replace(exposure(), agreed=agreed))
    assert outcome.exposure_cny == Decimal("120831.14"), "the exposure itself is no matter of the annex"
    assert (str(outcome.margin_call_amount), outcome.margin_call_units_t) == (call, units_t)
    assert outcome.is_called is (call != "0.00")
    call_figure = next(one for one in outcome.trace if one.name == "margin_call")
    assert {"shortfall", "minimum_transfer", "rounding"} <= set(call_figure.inputs)


def test_by_method_a_margin_counts_through_the_margin_ratio_and_the_threshold_does_not() -> None:
    # 232,367.58 by A before margin; 100,000 HKD held take 91,270.70 / 0.52 = 175,520.58 (to the fen of R) off it
    held = replace(
        exposure(method=ExposureMethod.A), margin_cash_amount=Decimal("100000.00"), agreed=in_hkd("50000.00")
    )
    before = decide_repo_exposure(replace(held, agreed=None)).exposure_cny
    assert before == Decimal("56847.00")
    # less 50,000 HKD of threshold, 45,635.35 CNY: 11,211.65 CNY are 12,283.95 HKD
    assert str(decide_repo_exposure(held).margin_call_amount) == "12283.95"


@pytest.mark.parametrize(
    ("agreed", "back"),
    [
        # 200,000 HKD held are 182,541.40 CNY; 120,831.14 - 91,270.70 = 29,560.44 due, 152,980.96 CNY over: 167,612.34
        (in_hkd("100000.00"), "167612.34"),
        (in_hkd("100000.00", multiple="1000.00"), "167000.00"),
        (in_hkd("100000.00", minimum="167612.35"), "0.00"),
        # 200,000 HKD of threshold leave nothing due: all goes back, whatever the minimum and the multiple
        (in_hkd("200000.00", minimum="500000.00", multiple="7000.00"), "200000.00"),
    ],
)
def test_margin_goes_back_by_the_annex(agreed: RepoMargin, back: str) -> None:
    held = replace(exposure(), margin_cash_amount=Decimal("200000.00"), returns_margin=True, agreed=agreed)
    outcome = decide_repo_exposure(held)
    assert (str(outcome.margin_return_amount), outcome.is_called) == (back, False)


@pytest.mark.parametrize(
    ("first", "second", "call"),
    [
        # 100,000 each: 200,000 less the smaller threshold, 30,000, and 20,000 of one annex on top
        (annex("30000.00", independent="20000.00"), annex("50000.00", independent="20000.00"), "190000.00"),
        (annex("30000.00", independent="20000.00"), annex("50000.00", independent="20000.00", document="附件二"), "210000.00"),
        # a repo without terms has no threshold, so the net has none
        (annex("30000.00", independent="20000.00"), None, "220000.00"),
        (annex(None), annex(None), "0.00"),
        (annex(None), annex("150000.00"), "50000.00"),
        (annex("30000.00", multiple="7000.00"), annex("30000.00", multiple="7000.00"), "175000.00"),
        (annex("160000.00", minimum="40000.00"), annex("160000.00", minimum="45000.00"), "40000.00"),
        (annex("160000.01", minimum="40000.00"), annex("160000.01", minimum="45000.00"), "0.00"),
    ],
)  # fmt: skip
def test_thresholds_and_independent_amounts_count_once_on_a_net(
    first: RepoMargin, second: RepoMargin | None, call: str
) -> None:
    outcome = decide_repo_netting(inputs(netted("R1", agreed=first), netted("R2", agreed=second)))
    assert (outcome.net_exposure_cny, str(outcome.call_amount)) == (Decimal("200000.00"), call)
    assert outcome.called_code == (None if call == "0.00" else "R1")
    assert {"net_exposure", "threshold_R1"} <= set(next(one for one in outcome.trace if one.name == "shortfall").inputs)


def test_each_party_has_the_terms_of_the_repos_it_sells() -> None:
    # R1 (first party buys) 100,000; R3 (first party sells) -400,000: the first owes 300,000 beyond its own 250,000
    own = netted("R3", side=RepoSide.SELLER, accrued_cny=Decimal("1300000.00"), agreed=annex("250000.00"))
    outcome = decide_repo_netting(inputs(netted("R1", agreed=annex("20000.00")), own))
    assert (outcome.net_exposure_cny, outcome.called_code, str(outcome.call_amount)) == (
        Decimal("-300000.00"), "R3", "50000.00",
    )  # fmt: skip


def test_margin_for_which_nothing_is_due_goes_back_whole() -> None:
    # -100,000 and +60,000 of exposure; 30,000.55 held on R1 lie below the minimum, and go back all the same
    repos = (
        holding("R1", "30000.55", accrued_cny=Decimal("800000.00"),
                agreed=annex("60000.00", minimum="50000.00", multiple="1000.00")),
        netted("R2", accrued_cny=Decimal("1060000.00"), market_value_cny=Decimal("1500000.00"),
               agreed=annex("60000.00", minimum="50000.00")),
    )  # fmt: skip
    outcome = decide_repo_netting(returning(*repos))
    assert [(one.code, str(one.amount)) for one in outcome.returns or ()] == [("R1", "30000.55")]


def test_the_day_calls_a_repo_by_the_terms_two_people_agreed(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
    agree_terms(sessions, desk, replace(REPO_TERMS, threshold=Decimal("100000.00"), minimum_transfer=Decimal("0.00")))
    with sessions.begin() as session:
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        (call,) = service.live_calls(session, desk.maker)
        # 132,387.66 HKD less the threshold, in whole thousands up; the contract's minimum of 50,000 counts no more
        assert (call.agreement_code, str(call.cash_amount)) == ("R1", "33000.00")
        assert replay_decision(session, service.DECISION_KINDS, call.decision_id).same
        figures = {one.name: one for one in load_decision(session, desk.maker, call.decision_id).trace}
    assert (figures["threshold"].value, figures["threshold"].source) == ("100000.00", "约定保证金条款第 1 版")


def test_without_terms_every_cent_is_called_as_before(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        jobs.revalue(session, desk.maker, TODAY)
        (call,) = service.live_calls(session, desk.maker)
    assert str(call.cash_amount) == "132387.66"
