"""Forced sales: closed forms, the jump model, a plain walk over the same draws, and each effect apart."""

import math
from dataclasses import replace

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.haircut_models.forced_sale import BLOCK_PATHS, LONGEST_DAYS, forced_sale_outcomes
from collateral.calc.haircut_models.jump_diffusion import Target, jump_haircut_ratios
from collateral.calc.haircut_models.jump_model import JumpDiffusion
from collateral.calc.haircut_models.sale_draws import SEGMENT_DAYS, PathDraws
from collateral.calc.haircut_models.sale_terms import (
    SaleTerms,
    closed_form_ratio,
    effects_apart,
    linear_sale_days,
    locked_days,
)

PATHS = 1_000_000


def terms(**given: object) -> SaleTerms:
    deviation = 0.35 / math.sqrt(250)
    plain: dict[str, object] = {
        "daily_drift": -0.5 * deviation**2, "daily_deviation": deviation, "notice_days": 3, "cure_days": 2,
        "quantity_adv": 1.0, "participation_ratio": 0.2, "trade_day_ratio": 1.0, "daily_limit_ratio": None,
        "bid_ask_ratio": 0.01, "impact": 0.5,
    }  # fmt: skip
    return SaleTerms(**plain | given)  # type: ignore[arg-type]  # the test names fields as it needs them


STRESSED = terms(
    daily_deviation=0.05, daily_drift=-0.001, trade_day_ratio=0.7, daily_limit_ratio=0.1, quantity_adv=0.9,
    daily_jumps=0.05, up_ratio=0.3, up_rate=20.0, down_rate=8.0, depth_ratios=(1.0,) * 8 + (0.5, 2.0, 0.4),
)  # fmt: skip


def test_the_closed_form_is_met_within_four_standard_errors() -> None:
    """N = 1, 5 and 20 days without limits, and one with idle days, whose gaps the closed form knows by moments."""
    classes = [terms(quantity_adv=0.2 * count) for count in (1, 5, 20)]
    for one, outcome in zip(
        classes, forced_sale_outcomes(classes, path_count=PATHS, seed=3, tail_ratio=0.01), strict=True
    ):
        expected = closed_form_ratio(one, tail_ratio=0.01)
        # The lognormal of exact moments is itself an approximation, by hand below 0.0007 for twenty days.
        bias = 0.0 if one.sale_days == 1 else 7e-4
        assert abs(outcome.haircut_ratio - expected) <= 4 * outcome.standard_error + bias
        assert outcome.days_mean == 5 + one.sale_days == outcome.days_99
        assert outcome.unsold_share == outcome.locked_share == 0


def test_one_sale_meets_the_jump_model_within_four_standard_errors() -> None:
    """All sold on the first day, eight steps after the default: 1 - e^X of the jump diffusion, costs apart."""
    one = terms(
        daily_drift=0.0, quantity_adv=0.2, notice_days=7, cure_days=0, bid_ask_ratio=0.0, impact=0.0,
        daily_jumps=6 / 250, up_ratio=0.35, up_rate=25.0, down_rate=12.0,
    )  # fmt: skip
    (outcome,) = forced_sale_outcomes([one], path_count=PATHS, seed=4, tail_ratio=0.01)
    model = JumpDiffusion(
        drift_rate=np.array([0.0]), volatility=np.array([0.35]), jumps_per_year=np.array([6.0]),
        up_ratio=np.array([0.35]), up_rate=np.array([25.0]), down_rate=np.array([12.0]), horizon_years=np.array([8 / 250]),
    )  # fmt: skip
    value = jump_haircut_ratios(model, target=Target.VALUE_AT_RISK, tail_ratio=0.01)[0]
    shortfall = jump_haircut_ratios(model, target=Target.EXPECTED_SHORTFALL, tail_ratio=0.01)[0]
    assert abs(outcome.haircut_ratio - value) <= 4 * outcome.standard_error
    assert abs(outcome.shortfall_ratio - shortfall) <= 6 * outcome.standard_error


def plain_walk(one: SaleTerms, draws: PathDraws) -> tuple[float, float, float]:
    """Walk the same draws path by path in doubles, as the words of the model say; mean haircut, days, locks."""
    jumps = draws.jumps(one)
    wiener, chance, moves = [], [], []
    for number in range(8):
        part = draws.segment(number)
        wiener.append(part.wiener)
        chance.append(part.chance)
        made = next(jumps)
        moves.append(np.zeros_like(part.wiener) if made is None else made)
    latent = np.concatenate(wiener) * one.daily_deviation + np.concatenate(moves)
    trades = np.concatenate(chance) < math.floor(one.trade_day_ratio * 65_536)
    limit = one.daily_limit_ratio
    haircuts, days, locks = [], [], []
    for path in range(draws.count):
        reference, left, proceeds, is_locked = 0.0, one.sale_days, 0.0, False
        for day in range(1, min(one.last_sale_day or 10**6, 8 * SEGMENT_DAYS) + 1):
            move = latent[day - 1, path] + one.daily_drift * day - reference
            at_lower = limit is not None and move <= math.log(1 - limit)
            if limit is not None:
                move = min(max(move, math.log(1 - limit)), math.log(1 + limit))
            if trades[day - 1, path]:
                reference += move
            if day > one.notice_days + one.cure_days:
                is_locked = is_locked or at_lower
                if trades[day - 1, path] and not at_lower:
                    sold = min(one.depth_on(day), left)
                    left -= sold
                    proceeds += sold * math.exp(reference)
            if left <= 1e-9:
                break
        haircuts.append(1 - one.price_share * proceeds / one.sale_days)
        days.append(day)
        locks.append(is_locked)
    return math.fsum(haircuts) / len(haircuts), sum(days) / len(days), sum(locks) / len(locks)


@pytest.mark.parametrize(
    "one",
    [STRESSED, replace(STRESSED, depth_ratios=()), replace(STRESSED, last_sale_day=9), terms(trade_day_ratio=0.3)],
    ids=["seasons", "level depth", "last usable day", "idle days alone"],
)
def test_arrays_say_what_a_plain_walk_says(one: SaleTerms) -> None:
    count = 3_000
    assert count < BLOCK_PATHS
    (outcome,) = forced_sale_outcomes([one], path_count=count, seed=9, tail_ratio=0.01)
    haircut, days, locks = plain_walk(one, PathDraws(count=count, seed=9, block=0))
    assert outcome.mean_ratio == pytest.approx(haircut, abs=2e-5)
    assert outcome.days_mean == pytest.approx(days, abs=2e-3)
    assert outcome.locked_share == pytest.approx(locks, abs=1e-3)


def test_blocks_and_company_do_not_change_a_class() -> None:
    """A class gives the same figures alone and among others, and the same seed gives the same twice."""
    count = BLOCK_PATHS + 1_000
    alone = forced_sale_outcomes([STRESSED], path_count=count, seed=2, tail_ratio=0.01)[0]
    among = forced_sale_outcomes(
        [terms(), STRESSED, terms(trade_day_ratio=0.5)], path_count=count, seed=2, tail_ratio=0.01
    )
    assert among[1] == alone
    other = forced_sale_outcomes([STRESSED], path_count=count, seed=3, tail_ratio=0.01)[0]
    assert other.haircut_ratio != alone.haircut_ratio


def test_each_effect_stands_apart() -> None:
    """Participation is the large one, as the reference found; each taken away never leaves more to lose."""
    one = terms(
        daily_deviation=0.6 / math.sqrt(250), daily_drift=-0.5 * 0.36 / 250, quantity_adv=10.0, trade_day_ratio=0.4,
        daily_limit_ratio=0.1, notice_days=8, cure_days=5, bid_ask_ratio=0.0, impact=0.0, depth_ratios=(0.5,),
    )  # fmt: skip
    apart = effects_apart(one)
    found = dict(
        zip(apart, forced_sale_outcomes(list(apart.values()), path_count=20_000, seed=6, tail_ratio=0.01), strict=True)
    )
    whole = found.pop("as_is").haircut_ratio
    adds = {name: whole - outcome.haircut_ratio for name, outcome in found.items()}
    assert set(adds) == {"no_limit", "no_participation", "no_idle_days", "no_cure", "no_notice", "no_season"}
    assert all(added > -0.005 for added in adds.values()), adds
    assert max(adds, key=adds.__getitem__) == "no_participation"
    assert adds["no_idle_days"] > 0.05
    assert found["no_cure"].days_mean == pytest.approx(found["no_notice"].days_mean + 3, abs=0.5)


def test_what_time_leaves_unsold_is_worth_nothing() -> None:
    """Five days of sale, of which the last usable day leaves three: at least two fifths are lost."""
    (outcome,) = forced_sale_outcomes([terms(last_sale_day=8)], path_count=2_000, seed=1, tail_ratio=0.01)
    assert outcome.unsold_share == 1
    assert outcome.mean_ratio == pytest.approx(1 - 0.6 * terms().price_share, abs=0.01)
    assert outcome.path_days == 8 * 2_000
    assert LONGEST_DAYS > 2_000


def test_linear_sales_and_days_of_a_fall() -> None:
    assert [linear_sale_days(count) for count in (1, 2, 5)] == [1.0, 1.25, 2.2]
    assert locked_days(fall_ratio=0.271, daily_limit_ratio=0.1) == 3
    assert locked_days(fall_ratio=0.272, daily_limit_ratio=0.1) == 4


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"participation_ratio": 0.0}, "participation_ratio"),
        ({"trade_day_ratio": 0.0}, "trade_day_ratio"),
        ({"quantity_adv": math.inf}, "quantity_adv"),
        ({"quantity_adv": 1e4}, "quantity_adv"),
        ({"daily_deviation": math.nan}, "daily_deviation"),
        ({"daily_limit_ratio": 1.0}, "daily_limit_ratio"),
        ({"depth_ratios": (1.0, 0.0)}, "depth_ratios"),
        ({"last_sale_day": 5}, "last_sale_day"),
    ],
)
def test_a_sale_that_cannot_be_is_refused(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms(**given)
    assert refused.value.field == field


def test_paths_that_cannot_tell_the_tail_are_refused() -> None:
    for paths, tail in ((1_000, 0.01), (2_000, 0.001), (2_000, 0.7)):
        with pytest.raises(InvalidInput):
            forced_sale_outcomes([terms()], path_count=paths, seed=1, tail_ratio=tail)
    for season in ({"daily_jumps": 0.1}, {"depth_ratios": (1.0,)}):
        with pytest.raises(InvalidInput, match="closed form"):
            closed_form_ratio(terms(**season), tail_ratio=0.01)
    with pytest.raises(InvalidInput, match="second moment"):
        closed_form_ratio(terms(daily_deviation=0.5, trade_day_ratio=0.01), tail_ratio=0.01)
    with pytest.raises(InvalidInput):
        linear_sale_days(0)
    with pytest.raises(InvalidInput):
        locked_days(fall_ratio=1.0, daily_limit_ratio=0.1)
