"""From the cure's expiry to the auction: cases worked by hand, the sale's own figures, and refusals."""

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.haircut_models.default_simulation import (
    AuctionTerms,
    DefaultClaim,
    DefaultDistribution,
    simulated_default,
)
from collateral.calc.haircut_models.forced_sale import forced_sale_outcomes, forced_sale_paths
from tests.collateral.test_forced_sale import STRESSED, terms

AUCTION = AuctionTerms(after_days=60, discount_ratio=Decimal("0.3"), success_ratio=Decimal(1))
CLAIM = DefaultClaim(market_value_cny=Decimal(1_000_000), claim_cny=Decimal(700_000), costs_cny=Decimal(10_000))
CALM = terms(cure_days=0, notice_days=3, daily_deviation=1e-5, daily_drift=0.0, bid_ask_ratio=0.0, impact=0.0)


def simulated(one: Any = CALM, auction: AuctionTerms = AUCTION, claim: DefaultClaim = CLAIM, paths: int = 2_000) -> Any:
    return simulated_default(one, auction, claim, path_count=paths, seed=4)


def test_a_price_that_stands_still_pays_the_claim_and_gives_the_rest_back() -> None:
    """Five days of sale after three of notice; 1,000,000 less 10,000 costs less 700,000 claim are 290,000 over."""
    found: DefaultDistribution = simulated()
    assert [found.recovery_mean_ratio, found.shortfall_ratio, found.auction_ratio] == [1, 0, 0]
    assert float(found.surplus_mean_cny) == pytest.approx(290_000, rel=1e-4)
    assert {one.value for one in found.days_quantiles} == {Decimal(8)}


def test_what_the_exchange_did_not_take_goes_to_auction_at_its_discount() -> None:
    """Of five days of sale two fit before the auction on day five: 400,000 + 600,000 x 0.7 - 10,000 = 810,000."""
    auction = replace(AUCTION, after_days=5)
    found: DefaultDistribution = simulated(auction=auction)
    assert [found.auction_ratio, found.auctioned_mean_ratio] == [1, Decimal("0.6000")]
    assert float(found.surplus_mean_cny) == pytest.approx(110_000, rel=1e-3)
    failed: DefaultDistribution = simulated(auction=replace(auction, success_ratio=Decimal(0)))
    assert float(failed.recovery_mean_ratio) == pytest.approx(390 / 700, abs=1e-3)
    assert [failed.shortfall_ratio, failed.surplus_mean_cny] == [1, 0]
    assert float(failed.shortfall_mean_cny) == pytest.approx(310_000, rel=1e-3)


def test_one_sale_at_a_lognormal_price_leaves_blacks_put_open() -> None:
    """All sold on day eight: the mean claim left open is V put(claim + costs), closed form within four errors."""
    deviation = 0.35 / math.sqrt(250)
    one = terms(cure_days=0, notice_days=7, quantity_adv=0.2, bid_ask_ratio=0.0, impact=0.0)
    claim = replace(CLAIM, claim_cny=Decimal(940_000))
    paths = 200_000
    found: DefaultDistribution = simulated(one, claim=claim, paths=paths)
    spread, strike = deviation * math.sqrt(8), 0.95
    d2 = (-math.log(strike) - spread**2 / 2) / spread
    put = 1_000_000 * (strike * norm.cdf(-d2) - norm.cdf(-d2 - spread))
    assert float(found.shortfall_mean_cny) == pytest.approx(put, abs=4 * 940_000 * float(found.recovery_error_ratio))
    assert float(found.shortfall_ratio) == pytest.approx(norm.cdf(-d2), abs=4 * 0.5 / math.sqrt(paths))


def test_paths_are_those_of_the_sale() -> None:
    """The same draws: mean, quantile, days and unsold part of the paths are the ones the sale's outcome tells."""
    one, count = replace(STRESSED, last_sale_day=14), 20_000
    paths = forced_sale_paths(one, path_count=count, seed=4)
    (outcome,) = forced_sale_outcomes([one], path_count=count, seed=4, tail_ratio=0.01)
    haircuts = np.sort(1 - paths.proceeds_ratio)
    assert haircuts.mean() == pytest.approx(outcome.mean_ratio, abs=1e-12)
    assert haircuts[math.ceil(0.99 * count) - 1] == outcome.haircut_ratio
    assert paths.days.mean() == pytest.approx(outcome.days_mean)
    assert np.count_nonzero(paths.left_ratio) / count == outcome.unsold_share
    assert 0 < outcome.unsold_share < 1


def test_the_same_seed_gives_the_same_figures() -> None:
    one = replace(STRESSED, cure_days=0)
    assert simulated(one) == simulated(one)


def test_a_default_that_cannot_be_is_refused() -> None:
    for one, auction, field in (
        (terms(), AUCTION, "cure_days"),
        (replace(CALM, last_sale_day=40), AUCTION, "after_days"),
        (CALM, replace(AUCTION, after_days=3), "last_sale_day"),
    ):
        with pytest.raises(InvalidInput) as refused:
            simulated(one, auction)
        assert refused.value.field == field
    with pytest.raises(InvalidInput):
        replace(AUCTION, discount_ratio=Decimal(2))
    with pytest.raises(InvalidInput):
        replace(CLAIM, claim_cny=Decimal(0))
