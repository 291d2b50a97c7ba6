"""Variation margin day by day, beside an OTC forward of the same strike."""

from collections.abc import Iterable

import numpy as np

from pricing.calc.forwards import forward_present_value_cny
from pricing.calc.futures import (
    cumulative_variation_margin_cny,
    daily_variation_margin_cny,
    margin_account_cny,
    tailed_quantity_t,
)
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_INPUTS = (
    "contracts", "multiplier_tonnes", "trade_price", "settlement_prices", "times", "forward_maturity", "rate_cc",
)  # fmt: skip
_EXPECTED = (
    "daily_variation_margin", "cumulative", "margin_account_with_interest", "otc_forward_value_same_strike",
    "tailed_quantity_tonnes",
)  # fmt: skip


def recognises(file: VectorFile) -> bool:
    inputs = file.content.get("input") if isinstance(file.content, dict) else None
    return isinstance(inputs, dict) and {"contracts", "settlement_prices", "trade_price"} <= set(inputs)


def run(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case("the history", file.tolerance, lambda check: _case(check, file))


def _case(check: Comparison, file: VectorFile) -> None:
    only_keys(file.content, "input", "expected", "identity", "day_count", "tolerance")
    inputs, expected = file.content["input"], file.content["expected"]
    only_keys(inputs, *_INPUTS)
    only_keys(expected, *_EXPECTED)
    quantity_t = float(inputs["contracts"] * inputs["multiplier_tonnes"])
    trade, rate, maturity = float(inputs["trade_price"]), float(inputs["rate_cc"]), float(inputs["forward_maturity"])
    prices, times = np.array(inputs["settlement_prices"], float), np.array(inputs["times"], float)
    daily = daily_variation_margin_cny(settlement_cny_per_t=prices, trade_cny_per_t=trade, quantity_t=quantity_t)
    cumulative = cumulative_variation_margin_cny(
        settlement_cny_per_t=prices, trade_cny_per_t=trade, quantity_t=quantity_t
    )
    account = margin_account_cny(variation_margin_cny=daily, times_years=times, rate=rate)
    tailed = tailed_quantity_t(quantity_t=quantity_t, times_years=times, maturity_years=maturity, rate=rate)
    forward = forward_present_value_cny(
        forward_cny_per_t=prices,
        strike_cny_per_t=np.full_like(prices, trade),
        quantity_t=np.full_like(prices, quantity_t),
        discount_factor=tailed / quantity_t,
    )
    size = quantity_t * trade  # cash is a difference of two such amounts
    check.numbers("daily", expected["daily_variation_margin"], daily.tolist(), scale=size)
    check.numbers("cumulative", expected["cumulative"], cumulative.tolist(), scale=size)
    check.number("margin account", expected["margin_account_with_interest"], account)
    check.numbers("forward", expected["otc_forward_value_same_strike"], forward.tolist(), scale=size)
    check.numbers("tailed quantity", expected["tailed_quantity_tonnes"], tailed.tolist())
