"""Cost of carry, discounting and variation margin, against closed forms, the scenario and the shared vectors."""

import json
import math
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from pricing.calc.forwards import (
    annualised_carry_rate,
    carried_forward_per_t,
    flat_discount_factors,
    forward_present_value_cny,
    forward_price_cny_per_t,
    implied_convenience_yield,
)
from pricing.calc.futures import (
    cumulative_variation_margin_cny,
    daily_variation_margin_cny,
    margin_account_cny,
    tailed_quantity_t,
)

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "pricing"


def vector(name: str) -> dict[str, Any]:
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"shared vectors are not here: {path}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_cost_of_carry_vectors() -> None:
    cases = vector("cost_of_carry.json")["cases"]
    assert len(cases) == 4
    for case in cases:
        given, expected = case["input"], case["expected"]
        spot, years = np.array([given["spot"]]), np.array([given["expiry"]])
        rate, spread = np.array([given["rate_cc"]]), np.array([given["carry_spread"]])
        forward = forward_price_cny_per_t(
            spot_cny_per_t=spot,
            rate=rate,
            carry_spread=spread,
            convenience_yield=np.array([given["convenience_yield"]]),
            maturity_years=years,
        )
        assert forward[0] == pytest.approx(expected["futures"], rel=1e-14)
        implied = implied_convenience_yield(
            spot_cny_per_t=spot, forward_cny_per_t=forward, rate=rate, carry_spread=spread, maturity_years=years
        )
        assert implied[0] == pytest.approx(expected["implied_net_convenience_yield"], abs=1e-14)
        carry = annualised_carry_rate(spot_cny_per_t=spot, forward_cny_per_t=forward, maturity_years=years)
        assert carry[0] == pytest.approx(expected["annualised_carry"], abs=1e-14)


def test_futures_variation_margin_vector() -> None:
    case = vector("futures_variation_margin.json")
    given, expected = case["input"], case["expected"]
    quantity_t = given["contracts"] * given["multiplier_tonnes"]
    prices, times = np.array(given["settlement_prices"]), np.array(given["times"])
    margins = daily_variation_margin_cny(
        settlement_cny_per_t=prices, trade_cny_per_t=given["trade_price"], quantity_t=quantity_t
    )
    np.testing.assert_allclose(margins, expected["daily_variation_margin"], atol=1e-8, rtol=1e-12)
    total = cumulative_variation_margin_cny(
        settlement_cny_per_t=prices, trade_cny_per_t=given["trade_price"], quantity_t=quantity_t
    )
    np.testing.assert_allclose(total, expected["cumulative"], atol=1e-8, rtol=1e-12)
    account = margin_account_cny(variation_margin_cny=margins, times_years=times, rate=given["rate_cc"])
    assert account == pytest.approx(expected["margin_account_with_interest"], abs=1e-8)
    factors = np.exp(-given["rate_cc"] * (given["forward_maturity"] - times))
    forward = forward_present_value_cny(
        forward_cny_per_t=prices,
        strike_cny_per_t=np.full(7, given["trade_price"]),
        quantity_t=np.full(7, quantity_t),
        discount_factor=factors,
    )
    np.testing.assert_allclose(forward, expected["otc_forward_value_same_strike"], atol=1e-8, rtol=1e-12)
    tailed = tailed_quantity_t(
        quantity_t=quantity_t, times_years=times, maturity_years=given["forward_maturity"], rate=given["rate_cc"]
    )
    np.testing.assert_allclose(tailed, expected["tailed_quantity_tonnes"], atol=1e-8, rtol=1e-12)


def test_spot_carried_along_a_curve_by_hand() -> None:
    """75.02 over a factor of 0.99 is 75.7778; a yield of 2 % over half a year takes exp(-0.01) of it."""
    plain = carried_forward_per_t(spot_per_t=75.02, discount_factor=0.99, convenience_yield=0.0, maturity_years=0.5)
    assert plain == pytest.approx(75.777777777777, abs=1e-11)
    lower = carried_forward_per_t(spot_per_t=75.02, discount_factor=0.99, convenience_yield=0.02, maturity_years=0.5)
    assert lower == pytest.approx(75.777777777777 * 0.990049833749168, abs=1e-11)


@pytest.mark.parametrize("rate", ["0.0150", "0", "-0.0025", "0.12"])
def test_flat_discount_factors_equal_the_closed_form(rate: str) -> None:
    start = date(2024, 2, 29)
    days = [0, 1, 168, 365, 366, 3653]
    factors = flat_discount_factors(
        valuation_date=start, dates=[start + timedelta(days=n) for n in days], rate=Decimal(rate)
    )
    np.testing.assert_allclose(factors, [math.exp(-float(rate) * n / 365) for n in days], rtol=1e-14)


def test_refusals() -> None:
    with pytest.raises(InvalidInput, match="before the valuation date"):
        flat_discount_factors(valuation_date=date(2025, 6, 30), dates=[date(2025, 6, 29)], rate=Decimal("0.01"))
    one = np.ones(1)
    with pytest.raises(InvalidInput):
        annualised_carry_rate(spot_cny_per_t=one, forward_cny_per_t=one, maturity_years=np.zeros(1))
    with pytest.raises(CalculationFailed, match="row 1"):
        forward_present_value_cny(
            forward_cny_per_t=np.array([1.0, np.nan]),
            strike_cny_per_t=np.ones(2),
            quantity_t=np.ones(2),
            discount_factor=np.ones(2),
        )
    with pytest.raises(InvalidInput, match="settlement price 1"):
        daily_variation_margin_cny(settlement_cny_per_t=np.array([np.inf]), trade_cny_per_t=1.0, quantity_t=1.0)
    with pytest.raises(InvalidInput):
        margin_account_cny(variation_margin_cny=np.ones(2), times_years=np.ones(1), rate=0.01)
