"""Covered parity of CNH and HKD over the dollar, EUA in renminbi, and futures against forwards under moving rates."""

import math
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np

from pricing.calc import cross_currency as fx
from pricing.calc.models.convexity import futures_price_per_t, log_convexity
from pricing.calc.options.black76 import black76_value_per_t
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_PARITY = Tolerance(value=1e-12, is_absolute=False, source="README")
_CONVEXITY = Tolerance(value=1e-10, is_absolute=False, source="README")
_DAYS_A_YEAR = 365.0


def recognises(file: VectorFile) -> bool:
    return file.has("cnh_hkd", "eua_in_cny")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cnh_hkd"]):
        yield run_case(f"parity {place}", _PARITY, lambda check, case=case: _parity(check, case))
    for place, case in enumerate(file.content["eua_in_cny"]):
        yield run_case(f"EUA in CNY {place}", _PARITY, lambda check, case=case: _in_cny(check, case))


def _parity(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "quantlib")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "usd_cnh", "usd_hkd", "cnh_rate_cc", "hkd_rate_cc", "usd_rate_cc", "valuation", "spot_date",
              "maturity")  # fmt: skip
    only_keys(expected, "spot_hkd_per_cnh", "forward_hkd_per_cnh", "forward_points_pips", "via_usd_triangle")
    years = (date.fromisoformat(terms["maturity"]) - date.fromisoformat(terms["spot_date"])).days / _DAYS_A_YEAR
    cnh, hkd, usd = (math.exp(-terms[f"{name}_rate_cc"] * years) for name in ("cnh", "hkd", "usd"))
    spot = fx.cross_fx_rate(quote_per_dollar=terms["usd_hkd"], base_per_dollar=terms["usd_cnh"])
    forward = fx.fx_forward_rate(spot_rate=spot, base_discount_factor=cnh, quote_discount_factor=hkd)
    over_dollar = fx.cross_fx_rate(
        quote_per_dollar=fx.fx_forward_rate(
            spot_rate=terms["usd_hkd"], base_discount_factor=usd, quote_discount_factor=hkd
        ),
        base_per_dollar=fx.fx_forward_rate(
            spot_rate=terms["usd_cnh"], base_discount_factor=usd, quote_discount_factor=cnh
        ),
    )
    check.number("spot", expected["spot_hkd_per_cnh"], float(spot))
    check.number("forward", expected["forward_hkd_per_cnh"], float(forward))
    points = fx.forward_points_pips(spot_rate=spot, forward_rate=forward)
    check.number("points", expected["forward_points_pips"], float(points), scale=1e4 * float(forward))
    check.number("triangle", expected["via_usd_triangle"], float(over_dollar))


def _in_cny(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "eua_forward_eur", "cny_per_eur", "eur_rate_cc", "cny_rate_cc", "maturity", "eua_vol", "fx_vol",
              "correlation", "composite_strike_cny")  # fmt: skip
    only_keys(expected, "fx_forward", "composite_forward_cny", "quanto_forward", "composite_call_cny")
    years = terms["maturity"]
    eur, cny = (math.exp(-terms[f"{name}_rate_cc"] * years) for name in ("eur", "cny"))
    rate = fx.fx_forward_rate(spot_rate=terms["cny_per_eur"], base_discount_factor=eur, quote_discount_factor=cny)
    forward = fx.composite_forward_per_t(foreign_forward_per_t=terms["eua_forward_eur"], fx_forward_rate=rate)
    moves = {
        "price_vol": terms["eua_vol"], "fx_vol": terms["fx_vol"], "price_fx_correlation": terms["correlation"],
    }  # fmt: skip
    quanto = fx.quanto_forward_per_t(foreign_forward_per_t=terms["eua_forward_eur"], **moves, maturity_years=years)
    call = black76_value_per_t(
        forward_per_t=np.array([float(forward)]),
        strike_per_t=np.array([terms["composite_strike_cny"]]),
        total_volatility=np.array([float(fx.composite_vol(**moves)) * math.sqrt(years)]),
        discount_factor=np.array([cny]),
        option_sign=np.ones(1),
    )
    check.number("FX forward", expected["fx_forward"], float(rate))
    check.number("composite", expected["composite_forward_cny"], float(forward))
    check.number("quanto", expected["quanto_forward"], float(quanto))
    check.number("composite call", expected["composite_call_cny"], float(call[0]))


def recognises_convexity(file: VectorFile) -> bool:
    return file.has("formula", "model", "units", "cases") and "F_fut" in str(file.content["formula"])


def run_convexity(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _CONVEXITY, lambda check, case=case: _convexity(check, case))


def _convexity(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "spot", "flat_rate_cc", "convenience_yield", "maturity", "spot_vol", "short_rate_vol",
              "mean_reversion", "correlation")  # fmt: skip
    only_keys(expected, "forward", "log_convexity", "futures")
    forward = terms["spot"] * math.exp((terms["flat_rate_cc"] - terms["convenience_yield"]) * terms["maturity"])
    found = log_convexity(
        maturity_years=terms["maturity"], spot_vol=terms["spot_vol"], short_rate_vol=terms["short_rate_vol"],
        mean_reversion=terms["mean_reversion"], spot_rate_correlation=terms["correlation"],
    )  # fmt: skip
    check.number("forward", expected["forward"], forward)
    check.number("log convexity", expected["log_convexity"], float(found))
    check.number("futures", expected["futures"], float(futures_price_per_t(forward_per_t=forward, log_convexity=found)))
