"""Forward prices by cost of carry, and the carry and convenience yield they imply."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.forwards import annualised_carry_rate, forward_price_cny_per_t, implied_convenience_yield
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_INPUTS = ("spot", "rate_cc", "carry_spread", "convenience_yield", "expiry")
_EXPECTED = ("futures", "implied_net_convenience_yield", "annualised_carry")


def recognises(file: VectorFile) -> bool:
    cases = file.content.get("cases") if isinstance(file.content, dict) else None
    if not cases or not isinstance(cases[0], dict) or "input" not in cases[0]:
        return False
    return set(cases[0]["input"]) >= {"spot", "carry_spread", "convenience_yield", "expiry"}


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", file.tolerance, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected")
    only_keys(case["input"], *_INPUTS)
    only_keys(case["expected"], *_EXPECTED)
    spot, rate, carry, convenience, expiry = (np.array([case["input"][name]]) for name in _INPUTS)
    forward = forward_price_cny_per_t(
        spot_cny_per_t=spot, rate=rate, carry_spread=carry, convenience_yield=convenience, maturity_years=expiry
    )
    implied = implied_convenience_yield(
        spot_cny_per_t=spot, forward_cny_per_t=forward, rate=rate, carry_spread=carry, maturity_years=expiry
    )
    annual = annualised_carry_rate(spot_cny_per_t=spot, forward_cny_per_t=forward, maturity_years=expiry)
    expected = case["expected"]
    check.number("futures", expected["futures"], float(forward[0]))
    # Both are differences of logarithms of numbers near one: compared on that scale.
    check.number("convenience yield", expected["implied_net_convenience_yield"], float(implied[0]), scale=1.0)
    check.number("annualised carry", expected["annualised_carry"], float(annual[0]), scale=1.0)
