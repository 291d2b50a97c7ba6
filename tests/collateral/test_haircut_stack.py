"""The stack: parts worked by hand, refusals and thin data, and the law that no fact made worse lowers a haircut."""

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.haircut_models.components import HaircutComponent, Standing
from collateral.calc.haircut_models.forced_sale import forced_sale_outcomes
from collateral.calc.haircut_models.held_windows import held_quantile, held_window_losses
from collateral.calc.haircut_models.horizons import RUNGS, risk_days, rungs_to
from collateral.calc.haircut_models.prudent_sale import prudent_sale, ratio_rungs, rung_below
from collateral.calc.haircut_models.sale_draws import SEGMENT_DAYS, PathDraws
from collateral.calc.haircut_models.sale_terms import SaleTerms
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth
from collateral.calc.haircut_models.stack import StackInputs, StackOutcome, decide_haircut, stack_kind
from collateral.calc.haircut_models.stack_terms import ComponentName, Measure, StackFacts, StackMethod
from tests.collateral.haircut_stacks import borrower, columns, only, stack_facts, stack_method, wrong_way_method
from tests.collateral.test_empirical_haircut import history
from tests.collateral.test_forced_sale import STRESSED

NAMES = ComponentName


def stacked(method: StackMethod, facts: StackFacts) -> StackOutcome:
    return decide_haircut(StackInputs(policy="样例政策 第1版", method=method, facts=facts))


def part(outcome: StackOutcome, name: ComponentName) -> HaircutComponent:
    return next(one for one in outcome.components if one.name is name)


def test_supervisory_and_currency_parts_add_as_printed() -> None:
    """25% and 8% at ten days, secured lending of twenty days: 35.36% + 11.32% rounded up, and added (Basel CRE22)."""
    found = stacked(only(NAMES.SUPERVISORY), stack_facts(is_cross_currency=True))
    assert part(found, NAMES.SUPERVISORY).ratio == Decimal("0.3536")
    assert part(found, NAMES.CURRENCY).ratio == Decimal("0.1132")
    assert (found.haircut_ratio, found.binding) == (Decimal("0.4668"), NAMES.SUPERVISORY)


def test_the_lognormal_case_of_the_jump_component_is_its_closed_form() -> None:
    """Cure and notice of ten days and one of sale are eleven, a rung of twelve: 1 - exp(z sigma sqrt(12 / 250))."""
    jumps = replace(stack_method().jumps, jumps_per_year=Decimal(0))  # type: ignore[type-var]  # the method has jumps
    found = stacked(only(NAMES.JUMP_DIFFUSION, jumps=jumps), stack_facts())
    expected = 1 - math.exp(norm.ppf(0.01) * 0.35 * math.sqrt(12 / 250))
    assert float(part(found, NAMES.JUMP_DIFFUSION).ratio) == pytest.approx(expected, abs=1e-4)


def test_a_target_for_the_expected_loss_is_met_by_blacks_put_and_never_lowers_the_measures() -> None:
    """Without jumps the mean loss on a loan of 1 - h is Black's put struck there, over 1 - h; h is rounded up."""
    plain = replace(stack_method().jumps, jumps_per_year=Decimal(0))  # type: ignore[type-var]  # the method has jumps
    root = 0.35 * math.sqrt(12 / 250)

    def by_target(target: str | None) -> HaircutComponent:
        jumps = replace(plain, expected_loss_ratio=None if target is None else Decimal(target))
        return part(stacked(only(NAMES.JUMP_DIFFUSION, jumps=jumps), stack_facts()), NAMES.JUMP_DIFFUSION)

    def expected_loss(haircut: float) -> float:
        strike, forward = 1 - haircut, math.exp(root**2 / 2)
        d1 = (math.log(forward / strike) + root**2 / 2) / root
        put = strike * norm.cdf(root - d1) - forward * norm.cdf(-d1)
        return float(put / strike)

    found = by_target("0.0001")
    assert expected_loss(float(found.ratio)) <= 1e-4 < expected_loss(float(found.ratio) - 1e-4)
    measure = by_target(None)
    assert found.ratio > measure.ratio
    assert {one.name: one.value for one in found.evidence}["measure_haircut"] == str(measure.ratio)
    loose = by_target("0.01")
    assert (loose.ratio, loose.inputs_digest != measure.inputs_digest) == (measure.ratio, True)


def test_horizons_by_hand() -> None:
    """Quantity of 2.5 days at half the days is five daily parts: 10 + 6 x 11 / 30 = 12.2 days, a rung of 15."""
    assert risk_days(wait_days=10, sale_days=2.5, selling_day_ratio=0.5) == pytest.approx(12.2)
    assert rungs_to(12.2)[-1] == 15
    assert rungs_to(1e9) == RUNGS
    assert (rung_below(0.97), rung_below(0.4), rung_below(0.0001)) == (0.95, 0.4, 0)
    assert ratio_rungs(0.93) == (1.0, 0.95, 0.9)


def test_windows_that_end_at_the_limit_run_on_and_keep_the_lowest_close() -> None:
    """100 90 81 95 99: held at the limit on the first two falls, the two-day window of 100 passes 81 and ends at 95."""
    one = history([100, 90, 81, 95, 99], at_limit=(1, 2))
    losses = held_window_losses(one, horizon_days=2)
    assert losses == pytest.approx(sorted([1 - 81 / 100, 1 - 95 / 90, 1 - 99 / 81]))
    assert list(held_quantile(losses, tail_ratio=0.34)) == pytest.approx([0, (0.19 + 1 - 95 / 90) / 2])
    assert not held_window_losses(one, horizon_days=5).size
    clean = history([100, 90, 81, 95, 99])
    assert held_window_losses(clean, horizon_days=2) == pytest.approx(sorted([0.19, 1 - 95 / 90, 1 - 99 / 81]))


def test_the_prudent_sale_says_what_a_plain_walk_says() -> None:
    """Path by path in plain words: sell on days that trade and are not locked, each at the lowest price so far.

    Of the rungs down to 0.7 the lowest binds here: fewer days that sell lose more.
    """
    terms = SaleTerms(
        daily_drift=-0.001, daily_deviation=0.05, notice_days=3, cure_days=2, quantity_adv=0.9, participation_ratio=0.2,
        trade_day_ratio=0.7, daily_limit_ratio=0.1, bid_ask_ratio=0.01, impact=0.5, daily_jumps=0.05, up_ratio=0.3,
        up_rate=20.0, down_rate=8.0, depth_ratios=(1.0,) * 8 + (0.5, 2.0, 0.4), last_sale_day=SEGMENT_DAYS,
    )  # fmt: skip
    count = 2_000
    found = prudent_sale(terms, path_count=count, seed=9, tail_ratio=0.05)
    draws = PathDraws(count=count, seed=9, block=0)
    moves = next(draws.jumps(terms))
    assert moves is not None
    segment = draws.segment(0)
    haircuts, unsold = [], 0
    for path in range(count):
        price, lowest, left, got = 0.0, 0.0, 4.5, 0.0
        for day in range(1, SEGMENT_DAYS + 1):
            step = float(segment.wiener[day - 1, path]) * 0.05 - 0.001 * day + float(moves[day - 1, path]) - price
            is_trading = segment.chance[day - 1, path] < math.floor(0.7 * 65_536)
            price += min(max(step, math.log(0.9)), math.log(1.1)) if is_trading else 0.0
            lowest = min(lowest, price)
            if day > 5 and is_trading and step > math.log(0.9):
                sold = min(left, terms.depth_on(day))
                left, got = left - sold, got + sold * math.exp(lowest)
        unsold += left > 0
        haircuts.append(1 - terms.price_share * got / 4.5)
    haircuts.sort()
    assert found.haircut_ratio == pytest.approx(haircuts[math.ceil(0.95 * count) - 1], abs=1e-6)
    assert found.shortfall_ratio == pytest.approx(sum(haircuts[1_899:]) / 101, abs=1e-6)
    assert found.unsold_share == unsold / count > 0
    (market,) = forced_sale_outcomes([terms], path_count=count, seed=9, tail_ratio=0.05)
    assert market.haircut_ratio < found.haircut_ratio


def test_a_slightly_larger_sale_fetches_more_on_the_market_and_never_when_counted_prudently() -> None:
    """Twelve sales, each 2% larger: the market's own haircut falls now and then, as rebounds are sold into."""
    sizes = [replace(STRESSED, quantity_adv=0.9 * (1 + 0.02 * step)) for step in range(12)]
    outcomes = forced_sale_outcomes(sizes, path_count=2_000, seed=7, tail_ratio=0.01)
    market = [one.haircut_ratio for one in outcomes]
    assert any(later < earlier for earlier, later in pairwise(market))
    prudent = [prudent_sale(one, path_count=2_000, seed=7, tail_ratio=0.01).haircut_ratio for one in sizes]
    assert all(later >= earlier for earlier, later in pairwise(prudent))
    assert all(kept >= own for kept, own in zip(prudent, market, strict=True))


def test_thin_or_missing_data_count_the_conservative_value_and_say_why() -> None:
    level = [50.0 + day % 3 for day in range(600)]
    mixed = [10.0, 40.0] * 300
    whole = only(NAMES.EMPIRICAL)
    for changed, words in (
        ({"history": None}, "no history"),
        ({"history": columns(level[:60])}, "clean days"),
        ({"history": columns(level, limit_rows=tuple(range(400)))}, "carried over or at the limit"),
        ({"history": columns(mixed)}, "mixes vintages"),
        ({"history": columns(level, is_composite=True)}, "mixes vintages"),
        ({"history": columns(level), "quantity_t": 2_000_000}, "too short"),
        ({"history": columns(level), "daily_volume_t": None}, "volume"),
    ):  # fmt: skip
        one = part(stacked(whole, stack_facts(**changed)), NAMES.EMPIRICAL)
        assert (one.standing, one.ratio >= Decimal("0.60")) == (Standing.CONSERVATIVE, True), words
        assert words in one.reason_en
        assert one.reason_zh
    seen = part(stacked(whole, stack_facts(history=columns([100.0, 20.0, 20.0, 20.0]))), NAMES.EMPIRICAL)
    assert seen.ratio == Decimal("0.8000"), "a larger fall that was seen is not forgotten"
    for missing in ("volatility", "daily_volume_t", "trade_day_ratio", "limit_day_ratio"):
        found = stacked(only(NAMES.CLOSE_OUT), stack_facts(**{missing: None}))
        assert part(found, NAMES.CLOSE_OUT).standing is Standing.CONSERVATIVE
        assert found.haircut_ratio == Decimal("0.60")
    assert part(stacked(stack_method(), stack_facts(borrower=None)), NAMES.WRONG_WAY).ratio == Decimal("0.1")


def test_a_long_enough_history_speaks_for_itself() -> None:
    """A fall of 10% on every fiftieth day and back: a tail of 5% holds it in twelve-day windows, at exactly 10%."""
    closes = [90.0 if day % 50 == 49 else 100.0 for day in range(2_001)]
    one = part(stacked(only(NAMES.EMPIRICAL, tail_ratio=Decimal("0.01"), cure_days=0, notice_days=0),
                       stack_facts(history=columns(closes))), NAMES.EMPIRICAL)  # fmt: skip
    assert (one.standing, one.ratio) == (Standing.COMPUTED, Decimal("0.1000"))
    assert {item.name for item in one.evidence} >= {"naive", "clean_quantile", "interval_low", "interval_high"}


@pytest.mark.parametrize(
    ("given", "binding"),
    [
        ({"daily_volume_t": Decimal(0)}, NAMES.CLOSE_OUT),
        ({"trade_day_ratio": Decimal("0.2"), "limit_day_ratio": Decimal("0.2")}, NAMES.CLOSE_OUT),
        ({"quantity_t": 10**10}, NAMES.CLOSE_OUT),
        ({"depth_ratios": (Decimal(1), Decimal(0))}, NAMES.CLOSE_OUT),
        ({"days_to_last_use": 10, "has_last_use": True}, NAMES.CLOSE_OUT),
        ({"days_to_last_use": 14, "has_last_use": True, "quantity_t": 100_000}, NAMES.CLIFF),
    ],
)
def test_what_cannot_be_sold_in_time_is_refused(given: dict[str, Any], binding: ComponentName) -> None:
    found = stacked(stack_method(), stack_facts(**given))
    assert (found.haircut_ratio, found.is_accepted) == (Decimal(1), False)
    assert part(found, binding).standing is Standing.UNSALEABLE
    assert found.refusal_zh


def test_floor_ceiling_and_record() -> None:
    assert stacked(only(floor_ratio=Decimal("0.45")), stack_facts()).binding is NAMES.FLOOR
    above = stacked(only(ceiling_ratio=Decimal("0.29")), stack_facts())
    assert (above.haircut_ratio, above.is_accepted, above.binding) == (Decimal(1), False, NAMES.TABLE)
    assert "ceiling" in above.refusal_en
    kept = stack_facts(standing_ratio=Decimal("0.7"))
    assert stacked(only(), kept).haircut_ratio == Decimal("0.30"), "whole data need no record"
    assert stacked(only(NAMES.EMPIRICAL), kept).binding is NAMES.STANDING
    unknown = stacked(only(), stack_facts(has_last_use=None))
    assert (unknown.binding, unknown.haircut_ratio) == (NAMES.CLIFF, Decimal("0.60"))


def test_expected_shortfall_is_never_below_the_quantile_and_each_part_is_traced() -> None:
    by_quantile = stacked(stack_method(), stack_facts())
    by_mean = stacked(stack_method(measure=Measure.EXPECTED_SHORTFALL), stack_facts())
    for name in (NAMES.JUMP_DIFFUSION, NAMES.CLOSE_OUT):
        assert part(by_mean, name).ratio > part(by_quantile, name).ratio
    named = {one.name: one for one in by_quantile.trace}
    assert set(named["haircut_ratio"].inputs) == {one.name.value for one in by_quantile.components}
    assert all(len(one.inputs_digest) == 64 for one in by_quantile.components)
    assert stacked(stack_method(), stack_facts()) == by_quantile


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"conservative_ratio": Decimal("0.2")}, "conservative_ratio"),
        ({"participation_ratio": Decimal(0)}, "participation_ratio"),
        ({"daily_limit_ratio": Decimal(1)}, "daily_limit_ratio"),
        ({"tail_ratio": Decimal("0.001")}, "path_count"),
        ({"components": (NAMES.TABLE,)}, "components"),
        ({"jumps": None}, "jumps"),
        ({"components": (), "jumps": None}, "wrong_way"),
    ],
)
def test_methods_that_cannot_be_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        stack_method(**given)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"quantity_t": 0}, "quantity_t"),
        ({"trade_day_ratio": Decimal("1.1")}, "trade_day_ratio"),
        ({"volatility": Decimal(0)}, "volatility"),
        ({"has_last_use": True}, "days_to_last_use"),
        ({"depth_ratios": (Decimal(-1),)}, "depth_ratios"),
    ],
)
def test_facts_that_cannot_be_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        stack_facts(**given)
    assert refused.value.field == field


def _closes() -> list[float]:
    draw = np.random.default_rng(5)
    return [50.0 * math.exp(level) for level in np.cumsum(draw.normal(0, 0.02, 1_400))]


CLOSES = _closes()
PARTS = st.decimals(min_value=0, max_value=1, places=2)


@st.composite
def worlds(draw: st.DrawFn) -> StackFacts:
    last_use = draw(st.one_of(st.none(), st.integers(min_value=5, max_value=400)))
    rows = draw(st.sets(st.integers(min_value=0, max_value=1_399), max_size=60))
    thin = draw(st.sampled_from([None, Decimal("0.6"), Decimal("0.05")]))
    is_told = thin is not None and draw(st.booleans())
    return stack_facts(
        quantity_t=draw(st.integers(min_value=1, max_value=200_000)),
        daily_volume_t=draw(st.decimals(min_value=100, max_value=200_000, places=0)),
        trade_day_ratio=draw(st.decimals(min_value="0.2", max_value=1, places=2)),
        limit_day_ratio=draw(st.decimals(min_value=0, max_value="0.2", places=2)),
        volatility=draw(st.decimals(min_value="0.1", max_value="1.2", places=2)),
        history=columns(CLOSES, limit_rows=tuple(sorted(rows))),
        days_to_last_use=last_use, has_last_use=last_use is not None,
        depth_ratios=() if thin is None else (Decimal(1),) * 12 + (thin,),
        season=SeasonDepth(basis=DepthBasis.MEASURED, ratio=thin, parameter=None, source="样例") if is_told else None,
        is_cross_currency=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def worse(draw: st.DrawFn, facts: StackFacts) -> dict[str, Any]:
    """Make one fact worse: what a fact may become, by its name."""
    factor = draw(PARTS)
    volume, trading, limited, held = (
        facts.daily_volume_t, facts.trade_day_ratio, facts.limit_day_ratio, facts.history
    )  # fmt: skip
    assert volume is not None
    assert trading is not None
    assert limited is not None
    assert held is not None
    more = draw(st.sets(st.integers(min_value=0, max_value=1_399), max_size=800))
    nearer = facts.days_to_last_use
    chosen: dict[str, Any] = draw(st.sampled_from([
        {"daily_volume_t": volume * factor},
        {"trade_day_ratio": trading * factor},
        {"limit_day_ratio": limited + (1 - limited) * factor},
        {"quantity_t": facts.quantity_t * 2 + 1},
        {"depth_ratios": tuple(one * factor for one in facts.depth_ratios or (Decimal(1),))},
        {"depth_ratios": facts.depth_ratios[4:], "season": facts.season},
        {"history": replace(held, limit_rows=tuple(sorted({*held.limit_rows, *more})))},
        {"days_to_last_use": int(factor * (500 if nearer is None else nearer)), "has_last_use": True},
        {"borrower": borrower(emissions_t=1_000_000 + int(factor * 10**6))},
        {"borrower": borrower(free_holding_t=int(factor * 20_000))},
    ]))  # fmt: skip
    return chosen


MISSING: tuple[dict[str, Any], ...] = (
    {"daily_volume_t": None}, {"trade_day_ratio": None}, {"limit_day_ratio": None}, {"volatility": None},
    {"history": None}, {"days_to_last_use": None, "has_last_use": None}, {"borrower": None},
    {"depth_ratios": (), "season": SeasonDepth(basis=DepthBasis.UNKNOWN, ratio=None, parameter=None, source="")},
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(data=st.data(), facts=worlds(), measure=st.sampled_from(list(Measure)))
def test_no_fact_made_worse_ever_lowers_a_haircut(data: st.DataObject, facts: StackFacts, measure: Measure) -> None:
    """Less volume, more limit or idle days, a nearer last date, a larger sale, a worse borrower: never a smaller one."""
    target = data.draw(st.sampled_from([None, Decimal("0.0001")]), label="expected loss")
    jumps = replace(stack_method().jumps, expected_loss_ratio=target)  # type: ignore[type-var]  # the method has jumps
    method = stack_method(measure=measure, jumps=jumps)
    before = stacked(method, facts)
    changed = data.draw(worse(facts), label="made worse")
    after = stacked(method, replace(facts, **changed))
    assert after.haircut_ratio >= before.haircut_ratio, changed
    for name in (NAMES.SUPERVISORY, NAMES.JUMP_DIFFUSION, NAMES.CLOSE_OUT, NAMES.WRONG_WAY):
        if part(after, name).standing is Standing.COMPUTED:
            assert part(after, name).ratio >= part(before, name).ratio, name
    waits = data.draw(st.integers(min_value=0, max_value=20), label="further days of notice")
    slower = stacked(replace(method, notice_days=method.notice_days + waits), facts)
    assert slower.haircut_ratio >= before.haircut_ratio


@settings(max_examples=20, deadline=None)
@given(facts=worlds(), missing=st.sampled_from(MISSING))
def test_lost_data_never_lower_a_haircut_on_record(facts: StackFacts, missing: dict[str, Any]) -> None:
    method = stack_method()
    before = stacked(method, facts).haircut_ratio
    after = stacked(method, replace(facts, standing_ratio=before, **missing))
    assert after.haircut_ratio >= before
    alone = stacked(method, replace(facts, **missing))
    assert any(one.standing is not Standing.COMPUTED for one in alone.components)
    assert alone.haircut_ratio >= method.table_ratio


def test_version_one_shrinks_where_the_price_grows_wilder_and_version_two_does_not() -> None:
    """The table binds, so the add-on is all that moves: a wilder price brings both its quantiles near the whole."""
    calm, wild = stack_facts(volatility=Decimal("0.35")), stack_facts(volatility=Decimal(8))
    first = only(NAMES.WRONG_WAY, wrong_way=wrong_way_method())
    assert stacked(first, wild).haircut_ratio < stacked(first, calm).haircut_ratio
    second = replace(first, stack_version=2)
    assert stacked(second, wild).haircut_ratio >= stacked(second, calm).haircut_ratio
    assert stacked(replace(first, stack_version=1), calm) == stacked(first, calm)
    assert stacked(second, calm).haircut_ratio >= stacked(first, calm).haircut_ratio


VOLATILITIES = st.decimals(min_value=Decimal("0.05"), max_value=Decimal(10), places=2)


@settings(max_examples=25, deadline=None)
@given(
    low=VOLATILITIES, high=VOLATILITIES, chosen=st.sampled_from([(NAMES.WRONG_WAY,), (NAMES.CLOSE_OUT, NAMES.WRONG_WAY)]),
    short=st.integers(0, 60_000), lost=st.sampled_from([{}, {"volatility": None}, {"borrower": None}]),
)  # fmt: skip
def test_no_wilder_price_and_no_lost_fact_lowers_version_two(
    low: Decimal, high: Decimal, chosen: tuple[ComponentName, ...], short: int, lost: dict[str, Any]
) -> None:
    """Volatility up, or volatility or borrower not known: the joint risk's part and the whole are no smaller."""
    method = only(*chosen, wrong_way=wrong_way_method(), stack_version=2, conservative_ratio=Decimal("0.94"))
    facts = stack_facts(volatility=min(low, high), borrower=borrower(emissions_t=990_000 + short))
    before = stacked(method, facts)
    after = stacked(method, replace(facts, volatility=max(low, high)))
    gone = stacked(method, replace(facts, **lost, standing_ratio=before.haircut_ratio))
    for found in (after, gone):
        assert part(found, NAMES.WRONG_WAY).ratio >= part(before, NAMES.WRONG_WAY).ratio
        assert found.haircut_ratio >= before.haircut_ratio


def test_a_rule_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        stack_method(stack_version=3)
    assert refused.value.field == "stack_version"
    assert stack_kind(stack_method()).version == "1"
    assert stack_kind(stack_method(stack_version=2)).version == "2"


def test_missing_terms_of_the_joint_risk_are_no_smaller_haircut() -> None:
    terms = wrong_way_method(missing_ratio=Decimal("0.2"))
    found = stacked(stack_method(wrong_way=terms), stack_facts(volatility=None))
    assert part(found, NAMES.WRONG_WAY).ratio == Decimal("0.2")
    assert found.haircut_ratio == Decimal("0.8")
