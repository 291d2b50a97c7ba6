"""Stress of the collateral book: cases worked by hand, a closed form, what never helps, and refusals."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical_json
from collateral.calc.book_stress.decision import BOOK_STRESS, ScenarioOutcome, StressOutcome, decide_book_stress
from collateral.calc.book_stress.paths import random_walks
from collateral.calc.book_stress.terms import (
    StressAgreement,
    StressInputs,
    StressLine,
    StressMarket,
    StressPledgor,
    StressScenario,
    StressUnit,
)
from collateral.calc.haircut_models.prudent_sale import prudent_sale_paths
from collateral.calc.haircut_models.sale_terms import SaleTerms
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth

PATHS = 2_000
UNIT = StressUnit(
    unit="SZA-2024", scheme="SZA", vintage=2024, price_cny_per_t=Decimal(100), volatility=Decimal("0.0002"),
    daily_volume_t=Decimal(1000), selling_ratio=Decimal(1), wait_days=3, participation_ratio=Decimal("0.5"),
    daily_limit_ratio=None, bid_ask_ratio=Decimal(0), impact=Decimal(0), days_to_last_use=None, has_known_end=True,
    policy="SZA 第1版", source="示例", notes=(),
)  # fmt: skip
MARKET = StressMarket(
    days=20, tail_ratio=Decimal("0.01"), correlation=Decimal("0.5"), jumps_per_year=Decimal(0), jump_mean=Decimal("0.1")
)
AGREEMENT = StressAgreement(
    code="A", kind="pledge", pledgor="甲", debt_cny=Decimal(60_000),
    lines=(StressLine(unit="SZA-2024", quantity_t=1_000, haircut_ratio=Decimal("0.2")),),
    initial_ratio=Decimal("1.2"), warning_ratio=Decimal("1.1"), minimum_cny=Decimal(0), cure_days=5,
)  # fmt: skip
PLEDGOR = StressPledgor(name="甲", free=(), cash_cny=Decimal(0), cash_source="示例")


def scenario(code: str = "own", **given: Any) -> StressScenario:
    calm: dict[str, Any] = {
        "price_ratio": Decimal(0), "price_days": 1, "is_simulated": False, "cliff_day": None, "cliff_years": 1,
        "outage_days": 0, "cash_ratio": Decimal(1),
    }  # fmt: skip
    return StressScenario(code=code, name_zh="情景", name_en="a stress", **calm | given)


def inputs(*scenarios: StressScenario, **given: Any) -> StressInputs:
    plain: dict[str, Any] = {
        "agreements": (AGREEMENT,), "pledgors": (PLEDGOR,), "units": (UNIT,), "market": MARKET, "left_out": (),
    }  # fmt: skip
    return StressInputs(
        business_date=date(2025, 6, 30), scenarios=scenarios, path_count=PATHS, seed=7, parameters=(), **plain | given
    )


def struck(one: StressScenario, **given: Any) -> ScenarioOutcome:
    (found,) = decide_book_stress(inputs(one, **given)).scenarios
    return found


def near(value: Decimal, expected: float, within: float = 20.0) -> bool:
    return abs(float(value) - expected) <= within


def test_a_calm_book_is_left_alone() -> None:
    found = struck(scenario())
    assert (found.called_mean, found.failed_mean, found.loss_mean_cny, found.agreements) == (0, 0, 0, ())


def test_a_fall_is_called_met_in_cash_or_fails_by_hand() -> None:
    """80,000 after haircut fall by 30% to 56,000, below 1.1 x 60,000; the call is 60,000 - 56,000/1.2 = 13,333.33."""
    falls = scenario(price_ratio=Decimal("0.3"))
    met = struck(falls, pledgors=(replace(PLEDGOR, cash_cny=Decimal("13333.34")),))
    (one,) = met.agreements
    assert (one.called_ratio, one.call_day, one.failed_ratio) == (1, 1, 0)
    assert [one.call_cny, met.met_cash_cny, met.peak_due_cny] == [Decimal("13333.33")] * 3
    short = struck(falls, pledgors=(replace(PLEDGOR, cash_cny=Decimal("13333.32")),))
    assert (short.failed_mean, short.failed_debt_cny, short.met_cash_cny) == (1, Decimal("60000.00"), 0)
    assert short.loss_tail_cny == 0, "70,000 at the fallen price pays 60,000"


def test_what_the_sale_does_not_bring_is_lost() -> None:
    """Half the price: 1,000 t at 50 bring 50,000 of 60,000; three days of notice and two of sale at half the volume."""
    found = struck(scenario(price_ratio=Decimal("0.5")))
    assert near(found.loss_mean_cny, 10_000)
    (unit,) = found.units
    assert (unit.sold_mean_t, unit.days_to_sell, unit.volume_days) == (1000, 5, 1)


def test_free_units_meet_a_call_unless_the_registry_is_out() -> None:
    """16,000 are missing at 1.2; 1,000 free tonnes are worth 56,000 after haircut, and nothing while nothing moves."""
    free = replace(PLEDGOR, free=AGREEMENT.lines)
    found = struck(scenario(price_ratio=Decimal("0.3")), pledgors=(free,))
    assert (found.failed_mean, found.met_units_cny, found.met_cash_cny) == (0, Decimal("16000.00"), 0)
    out = struck(scenario(price_ratio=Decimal("0.3"), outage_days=6), pledgors=(free,))
    assert (out.failed_mean, out.met_units_cny) == (1, 0), "the call falls due on day six"
    back = struck(scenario(price_ratio=Decimal("0.3"), outage_days=5), pledgors=(free,))
    assert back.failed_mean == 0


def test_units_and_cash_meet_a_call_together() -> None:
    """100 free tonnes bring 5,600 of the 16,000; the other 10,400 take 10,400/1.2 = 8,666.67 of cash."""
    lines = (replace(AGREEMENT.lines[0], quantity_t=100),)
    found = struck(
        scenario(price_ratio=Decimal("0.3")),
        pledgors=(replace(PLEDGOR, free=lines, cash_cny=Decimal("8666.67")),),
    )
    assert (found.failed_mean, found.met_units_cny, found.met_cash_cny) == (0, Decimal("5600.00"), Decimal("8666.67"))


def test_one_pledgors_calls_draw_on_the_same_cash_and_fail_together() -> None:
    two = (AGREEMENT, replace(AGREEMENT, code="B"))
    falls = scenario(price_ratio=Decimal("0.3"))
    enough = struck(falls, agreements=two, pledgors=(replace(PLEDGOR, cash_cny=Decimal("26666.67")),))
    short = struck(falls, agreements=two, pledgors=(replace(PLEDGOR, cash_cny=Decimal("26666.60")),))
    assert (enough.failed_mean, short.failed_mean) == (0, 2)
    assert enough.peak_due_cny == Decimal("26666.67")
    fair = replace(AGREEMENT, code="B", debt_cny=Decimal(1_000))
    found = struck(falls, agreements=(AGREEMENT, fair))
    assert {one.code: one.failed_ratio for one in found.agreements} == {"A": 1, "B": 1}, "one failure is of all"


def test_two_pledgors_of_one_name_are_two() -> None:
    """The cash of the second meets its own call of 13,333.33, and none of the first's."""
    falls = scenario(price_ratio=Decimal("0.3"))
    agreements = tuple(replace(AGREEMENT, code=code, pledgor_id=code) for code in ("A", "B"))
    pledgors = (
        replace(PLEDGOR, party_id="A"), replace(PLEDGOR, party_id="B", cash_cny=Decimal(1_000_000)),
    )  # fmt: skip
    found = struck(falls, agreements=agreements, pledgors=pledgors)
    assert {one.code: one.failed_ratio for one in found.agreements} == {"A": 1, "B": 0}
    with pytest.raises(InvalidInput):
        struck(falls, agreements=agreements, pledgors=pledgors[:1])


def test_failures_sell_into_the_same_market() -> None:
    """Ten agreements of ten pledgors bring 10,000 t to a market that takes 500 a day: twenty days and three of notice."""
    agreements = tuple(replace(AGREEMENT, code=f"A{n}", pledgor=f"{n}") for n in range(10))
    pledgors = tuple(replace(PLEDGOR, name=f"{n}") for n in range(10))
    found = struck(scenario(price_ratio=Decimal("0.5")), agreements=agreements, pledgors=pledgors)
    assert (found.failed_mean, found.units[0].days_to_sell) == (10, 23)
    assert near(found.loss_mean_cny, 100_000, within=400)


def test_an_old_vintage_past_the_cliff_is_worth_nothing() -> None:
    """It falls on day ten, is called that day, fails on day fifteen and brings nothing; a younger one stands."""
    old = scenario(cliff_day=10, cliff_years=1)
    found = struck(old)
    assert (found.agreements[0].call_day, found.loss_mean_cny) == (10, Decimal("60000.00"))
    assert struck(replace(old, cliff_years=2)).called_mean == 0
    unknown = replace(UNIT, has_known_end=False)
    assert struck(replace(old, cliff_years=2), units=(unknown,)).called_mean == 1, "not known is old"
    ending = replace(UNIT, days_to_last_use=9)
    assert struck(scenario(), units=(ending,)).agreements[0].call_day == 10


def test_an_outage_holds_up_the_sale() -> None:
    found = struck(scenario(price_ratio=Decimal("0.5"), outage_days=20))
    assert found.units[0].days_to_sell == 19, (
        "failed on day six, fourteen days more of outage, three of notice, two of sale"
    )


@pytest.mark.parametrize(
    "change", [{"daily_volume_t": None}, {"selling_ratio": None}, {"daily_volume_t": Decimal("0.01")}]
)
def test_what_cannot_be_sold_brings_nothing(change: Any) -> None:
    assert struck(scenario(price_ratio=Decimal("0.5")), units=(replace(UNIT, **change),)).loss_mean_cny == 60_000


def test_a_days_random_call_has_its_closed_form() -> None:
    """Called on day one with chance N((ln(66/80) + s^2/2)/s), s = 2 / sqrt(250): within four standard errors."""
    volatile = replace(UNIT, volatility=Decimal(2))
    paths = 20_000
    one_day = inputs(
        scenario(is_simulated=True), units=(volatile,), market=replace(MARKET, days=1),
    )  # fmt: skip
    (found,) = decide_book_stress(replace(one_day, path_count=paths)).scenarios
    s = 2 / math.sqrt(250)
    chance = norm.cdf((math.log(66 / 80) + s * s / 2) / s)
    assert float(found.agreements[0].called_ratio) == pytest.approx(
        chance, abs=4 * math.sqrt(chance * (1 - chance) / paths)
    )


def test_schemes_move_together_as_the_correlation_says_and_jumps_fall_on_all() -> None:
    units = tuple(
        replace(UNIT, unit=f"{scheme}-2024", scheme=scheme, volatility=Decimal("0.3")) for scheme in ("SZA", "CEA")
    )
    both = replace(MARKET, correlation=Decimal("0.6"))
    walks = np.log(random_walks(inputs(scenario(), units=units, market=both), 1, 0, 40_000))[:, 0]
    assert np.corrcoef(walks)[0, 1] == pytest.approx(0.6, abs=0.02)
    jumpy = replace(both, jumps_per_year=Decimal(25), jump_mean=Decimal(1))
    jumps = np.log(random_walks(inputs(scenario(), units=units, market=jumpy), 1, 0, 40_000))[:, 0]
    assert jumps.mean(axis=1) == pytest.approx([-0.1, -0.1], abs=0.01), "0.1 a day of mean size one"
    held = replace(units[0], daily_limit_ratio=Decimal("0.1"))
    limited = random_walks(inputs(scenario(), units=(held,), market=jumpy), 3, 0, 1_000)
    assert limited[0, 0].min() == pytest.approx(0.9), "a day at most"
    assert limited[0, 1].min() == pytest.approx(0.81), "what is left moves the next day"


WORSE: dict[str, Any] = {
    "price_ratio": st.sampled_from([Decimal("0.1"), Decimal("0.3"), Decimal("0.6")]),
    "outage_days": st.integers(0, 12),
    "cash": st.integers(0, 30_000),
    "volume": st.integers(20, 2_000),
}


@settings(max_examples=12, deadline=None)
@given(base=st.fixed_dictionaries(WORSE), more=st.fixed_dictionaries(WORSE))
def test_no_worse_stress_loses_less(base: dict[str, Any], more: dict[str, Any]) -> None:
    """A deeper fall, a longer outage, less cash, less volume: each at least as bad, so the mean loss is no less."""
    worse = {
        "price_ratio": max(base["price_ratio"], more["price_ratio"]),
        "outage_days": max(base["outage_days"], more["outage_days"]),
        "cash": min(base["cash"], more["cash"]), "volume": min(base["volume"], more["volume"]),
    }  # fmt: skip

    def loss(given: dict[str, Any]) -> Decimal:
        return struck(
            scenario(price_ratio=given["price_ratio"], outage_days=given["outage_days"]),
            units=(replace(UNIT, daily_volume_t=Decimal(given["volume"])),),
            pledgors=(replace(PLEDGOR, cash_cny=Decimal(given["cash"]), free=(replace(AGREEMENT.lines[0], quantity_t=90),)),),
        ).loss_mean_cny  # fmt: skip

    assert loss(worse) >= loss(base) - Decimal(30), "noise of a fifty-thousandth a year"


def test_what_fails_after_the_surrender_sells_into_the_thin_season() -> None:
    """1,000 t at 500 a day sell in two days after three of notice; at a fifth of the volume, 100 a day, in ten.

    It fails on day six. Seven level days from the business date leave one for the sale, which is over with the notice;
    eleven leave five: two of them sell, and the season comes too late.
    """
    falls = scenario(price_ratio=Decimal("0.5"))

    def days_to_sell(*depth: str) -> Decimal | None:
        thin = replace(UNIT, depth_ratios=tuple(map(Decimal, depth)), season=thin_season(depth[-1]))
        return struck(falls, units=(thin,)).units[0].days_to_sell

    assert days_to_sell("0.2") == 13
    assert days_to_sell(*("1",) * 7, "0.2") == 13
    assert days_to_sell(*("1",) * 11, "0.2") == 5
    assert days_to_sell(*("1",) * 10, "0.2") == 9, "one level day takes half, five thin ones the rest"
    found = decide_book_stress(
        inputs(falls, units=(replace(UNIT, depth_ratios=(Decimal("0.2"),), season=thin_season("0.2")),))
    )
    assert "SZA-2024：清缴后成交量比例未经本行批准" in "".join(zh for zh, _ in found.findings)
    assert "depth_after_surrender_SZA-2024" in found.unconfirmed
    (loss,) = [one for one in found.trace if one.name == "loss_mean_own"]
    assert "depth_after_surrender_SZA-2024" in loss.inputs


def test_a_season_that_is_not_known_or_sells_nothing_brings_nothing() -> None:
    falls = scenario(price_ratio=Decimal("0.5"))
    unknown = SeasonDepth(basis=DepthBasis.UNKNOWN, ratio=None, parameter=None, source="示例")
    for one in (
        replace(UNIT, depth_ratios=(), season=unknown),
        replace(UNIT, depth_ratios=(Decimal(0),), season=thin_season("0")),
    ):
        assert struck(falls, units=(one,)).loss_mean_cny == 60_000
    told = decide_book_stress(inputs(falls, units=(replace(UNIT, depth_ratios=(), season=unknown),))).findings
    assert any(zh.endswith("无从实测，按无法变现计") for zh, _ in told)


def thin_season(ratio: str) -> SeasonDepth:
    return SeasonDepth(basis=DepthBasis.MEASURED, ratio=Decimal(ratio), parameter=None, source="示例")


RATIOS = st.sampled_from(["1", "0.7", "0.31", "0.12", "0.03"])
SALE: dict[str, Any] = {
    "volume": st.integers(100, 5_000), "thin": RATIOS, "selling": RATIOS, "level": st.integers(0, 30),
    "wait": st.integers(0, 20), "end": st.integers(10, 200),
}  # fmt: skip


def worst_of(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: (max if name == "wait" else min)(one[name], other[name], key=float) for name in SALE}


@settings(max_examples=25, deadline=None)
@given(one=st.fixed_dictionaries(SALE), other=st.fixed_dictionaries(SALE))
def test_on_no_path_does_a_worse_fact_bring_more(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Path by path, on prices that swing by 60% a year within a limit: a sale with rebounds would break it."""

    def proceeds(given: dict[str, Any]) -> Any:
        sale = SaleTerms(
            daily_drift=0.0, daily_deviation=0.038, notice_days=given["wait"], cure_days=0,
            quantity_adv=1_000 / given["volume"], participation_ratio=0.5, trade_day_ratio=float(given["selling"]),
            daily_limit_ratio=0.1, bid_ask_ratio=0.0, impact=0.0, last_sale_day=given["end"] + 11,
            depth_ratios=(*(1.0,) * given["level"], float(given["thin"])),
        )  # fmt: skip
        return prudent_sale_paths(sale, path_count=PATHS, seed=7).proceeds_ratio

    assert (proceeds(worst_of(one, other)) <= proceeds(one) + 1e-12).all()


@settings(max_examples=12, deadline=None)
@given(one=st.fixed_dictionaries(SALE), other=st.fixed_dictionaries(SALE), simulated=st.booleans())
def test_no_worse_fact_of_the_sale_ever_lowers_a_loss(
    one: dict[str, Any], other: dict[str, Any], *, simulated: bool
) -> None:
    """Less volume or depth, an earlier season, fewer days that sell, longer notice, a nearer end: no loss is smaller."""
    worst = worst_of(one, other)

    def loss(given: dict[str, Any]) -> tuple[Decimal, Decimal]:
        thin = replace(
            UNIT, volatility=Decimal("0.6"), daily_limit_ratio=Decimal("0.1"), daily_volume_t=Decimal(given["volume"]),
            selling_ratio=Decimal(given["selling"]), wait_days=given["wait"], days_to_last_use=given["end"],
            depth_ratios=(*(Decimal(1),) * given["level"], Decimal(given["thin"])), season=thin_season(given["thin"]),
        )  # fmt: skip
        found = struck(scenario(price_ratio=Decimal("0.3"), is_simulated=simulated), units=(thin,))
        return found.loss_mean_cny, found.loss_tail_cny

    least, most = loss(one), loss(worst)
    assert most[0] >= least[0]
    assert most[1] >= least[1]


def test_a_stress_is_a_decision_that_replays_and_says_what_it_lacks() -> None:
    asked = inputs(
        scenario("fall", price_ratio=Decimal("0.5")), scenario("walk", is_simulated=True),
        pledgors=(replace(PLEDGOR, cash_cny=None),), left_out=(("B", "没有价格", "no price"),),
    )  # fmt: skip
    found: StressOutcome = BOOK_STRESS.decide(asked)
    assert canonical_json(BOOK_STRESS.decide(asked)) == canonical_json(found)
    assert found.worst == "fall"
    assert (found.debt_cny, found.collateral_cny) == (60_000, 80_000)
    assert [zh for zh, _ in found.findings] == ["未载明可用资金、按零计的出质人：甲。", "未纳入 B：没有价格"]
    assert {"loss_mean_fall", "loss_tail_walk"} <= {one.name for one in found.trace}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: scenario(price_ratio=Decimal(1)), "price_ratio"),
        (lambda: scenario(price_days=0), "price_days"),
        (lambda: scenario(outage_days=251), "outage_days"),
        (lambda: scenario(cliff_day=0), "cliff_day"),
        (lambda: scenario(cash_ratio=Decimal("1.1")), "cash_ratio"),
        (lambda: replace(scenario(), name_zh=" "), "name_zh"),
        (inputs, "scenarios"),
        (lambda: inputs(scenario(), scenario()), "scenarios"),
        (lambda: inputs(scenario(), agreements=()), "agreements"),
        (lambda: inputs(scenario(), units=()), "agreements"),
        (lambda: replace(inputs(scenario()), path_count=1_999), "path_count"),
        (lambda: replace(MARKET, correlation=Decimal(2)), "correlation"),
        (lambda: replace(UNIT, price_cny_per_t=Decimal(0)), "units"),
        (lambda: replace(AGREEMENT, warning_ratio=Decimal(2)), "agreements"),
        (lambda: replace(PLEDGOR, cash_cny=Decimal(-1)), "cash_cny"),
    ],
)
def test_what_cannot_be_is_refused_by_field(wrong: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wrong()
    assert refused.value.field == field
